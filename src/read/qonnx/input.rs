//! The input's coding: which integer every 8-bit pixel value becomes.
//!
//! Where the graph takes raw pixels the table is the graph's own arithmetic. A graph that expects pixels
//! already scaled does not say how, so the reading is one of three conventions:
//! `graph` x = p; `unit-interval` x = p / 255; `bipolar` and `cnv-int8` x = (2p - 255) / 255. A quantiser
//! straight on the input takes the last (what BNN-PYNQ's hosts do); behind arithmetic, the one of the
//! first two that keeps more of the pixels apart.

use super::builder::{self, Builder, Coding, Decision};
use super::graph::Node;
use super::quant::Quant;
use super::steps::{self, Step};
use super::stream::{Meaning, Stream};
use crate::network::InputCode;
use crate::read::Error;

/// A way to read pixel `p` as the graph's input x.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Raw,
    Unit,
    Symmetric,
}

impl Rule {
    fn x(self, pixel: usize) -> f64 {
        let p = pixel as f64;
        match self {
            Rule::Raw => p,
            Rule::Unit => p / 255.0,
            Rule::Symmetric => (2.0 * p - 255.0) / 255.0,
        }
    }
}

/// Number of pairs of pixel values that `table` keeps apart.
fn information(table: &[i16]) -> usize {
    let mut counts = [0usize; 512];
    table.iter().for_each(|&v| counts[(v + 256) as usize] += 1);
    256 * 256 - counts.iter().map(|n| n * n).sum::<usize>()
}

fn choose(
    node: &Node,
    name: &str,
    candidates: &[Rule],
    table: impl Fn(Rule) -> Vec<i16>,
) -> Result<(Rule, Vec<i16>), Error> {
    let mut best: Option<(usize, Rule, Vec<i16>)> = None;
    for &rule in candidates {
        let table = table(rule);
        let kept = information(&table);
        if kept > best.as_ref().map_or(0, |b| b.0) {
            best = Some((kept, rule, table));
        }
    }
    best.map(|(_, rule, table)| (rule, table)).ok_or_else(|| Error::Input {
        name: name.into(),
        what: format!("every pixel value gives the same code at node '{}'", node.name()),
        help: "check the scale and offset before the input's quantiser".into(),
    })
}

fn candidates(builder: &Builder, straight: bool) -> &'static [Rule] {
    match (builder.input_is_u8, straight) {
        (true, _) => &[Rule::Raw],
        (false, true) => &[Rule::Symmetric],
        (false, false) => &[Rule::Raw, Rule::Unit, Rule::Symmetric],
    }
}

/// A table must hold for every channel, since a network has one.
fn same_for_all(node: &Node, name: &str, channels: usize, code: impl Fn(usize) -> i16) -> Result<i16, Error> {
    let first = code(0);
    if (1..channels).all(|c| code(c) == first) {
        return Ok(first);
    }
    Err(Error::Input {
        name: name.into(),
        what: format!("the code of a pixel at node '{}' depends on its channel", node.name()),
        help: "normalise all channels of the image alike".into(),
    })
}

fn number<'s>(node: &Node, stream: &'s Stream) -> Result<&'s [Step], Error> {
    match &stream.meaning {
        Meaning::Number { steps, pool: None } if stream.border.is_none() => Ok(steps),
        _ => Err(node.structure_error(
            "quantises the input a second time, or behind pooling or padding",
            "quantise the input once, first of all",
        )),
    }
}

fn channels(stream: &Stream, steps: &[Step], constants: &[&Vec<f64>]) -> usize {
    let uniform = steps.iter().all(Step::is_uniform) && constants.iter().all(|c| c.len() == 1);
    if uniform { 1 } else { stream.map.c }
}

/// Codes the input with one bit by `decision`.
pub fn binarise(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: &Stream,
    decision: &Decision,
) -> Result<(), Error> {
    let steps = number(node, stream)?;
    let builder::Rule::Thresholds(thresholds) = &decision.rule else { return Ok(()) };
    let [threshold] = &thresholds[..] else {
        return Err(node.binary_error(
            format!("has {} thresholds a channel on the input", thresholds.len()),
            "give the input a Quant of at most 8 bits, or one threshold",
        ));
    };
    let count = channels(stream, steps, &[threshold]);
    let straight = steps.is_empty() && threshold == &[0.0];
    let bit = |rule: Rule, c: usize, p: usize| decision.rule.met(0, c, steps::eval(steps, c, rule.x(p)));
    let (rule, _) = choose(node, name, candidates(builder, straight), |rule| {
        (0..256).map(|p| i16::from(bit(rule, 0, p))).collect()
    })?;
    let mut pixel_values = Vec::with_capacity(256);
    for p in 0..256 {
        if decision.zero_is_zero && steps::eval(steps, 0, rule.x(p)) == 0.0 {
            return Err(Error::SignOfZero { node: node.name(), channel: 0, value: p as i64 });
        }
        pixel_values.push(same_for_all(node, name, count, |c| if bit(rule, c, p) { 1 } else { -1 })?);
    }
    let pixel_rule = match rule {
        Rule::Raw => "graph",
        Rule::Unit => "unit-interval",
        Rule::Symmetric => "bipolar",
    };
    settle(builder, node, Coding { code: InputCode::Bipolar, pixel_values, pixel_rule: pixel_rule.into() })
}

/// Codes the input with the integers of `quant` at `scale` and `zero`; gives the meaning of a code.
pub fn quantise(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: &Stream,
    quant: Quant,
    scale: f64,
    zero: f64,
) -> Result<Meaning, Error> {
    let steps = number(node, stream)?;
    if quant.bits > 8 {
        return Err(node.attribute_error("bitwidth", quant.bits, "quantise the input to at most 8 bits"));
    }
    let straight = steps.is_empty() && quant.signed;
    // A signed quantiser straight on the input sees its own full range.
    let reach = if straight { 2f64.powi(quant.bits as i32 - 1) * scale.abs() } else { 1.0 };
    let code = |rule: Rule, c: usize, p: usize| {
        let x = if straight && rule == Rule::Symmetric { rule.x(p) * reach } else { rule.x(p) };
        quant.integer(steps::eval(steps, c, x) / scale + zero) as i16
    };
    let (rule, _) = choose(node, name, candidates(builder, straight), |rule| {
        (0..256).map(|p| code(rule, 0, p)).collect()
    })?;
    let count = channels(stream, steps, &[]);
    let mut pixel_values = Vec::with_capacity(256);
    for p in 0..256 {
        pixel_values.push(same_for_all(node, name, count, |c| code(rule, c, p))?);
    }
    let pixel_rule = match (rule, quant.bits) {
        (Rule::Raw, _) => "graph",
        (Rule::Unit, _) => "unit-interval",
        (Rule::Symmetric, 8) if straight => "cnv-int8",
        (Rule::Symmetric, _) => "symmetric",
    };
    let bits = quant.bits;
    let code = if quant.signed { InputCode::Signed { bits } } else { InputCode::Unsigned { bits } };
    settle(builder, node, Coding { code, pixel_values, pixel_rule: pixel_rule.into() })?;
    Ok(Meaning::Codes { scale, bias: -zero * scale })
}

/// The input goes into a layer without a quantiser: the pixel itself is the code.
pub fn raw_pixels(builder: &mut Builder, node: &Node, name: &str, stream: &Stream) -> Result<Meaning, Error> {
    let fail = |what: &str| Error::Input {
        name: name.into(),
        what: format!("it reaches the layer '{}' {what}", node.name()),
        help: "put a BipolarQuant or an 8-bit Quant behind the input, or declare the input uint8".into(),
    };
    let Meaning::Number { steps, pool: None } = &stream.meaning else {
        return Err(fail("through pooling"));
    };
    let affine = steps.iter().try_fold((1.0, 0.0), |(scale, bias), step| {
        let (a, b) = step.is_uniform().then(|| step.affine(0)).flatten()?;
        Some((scale * a, bias * a + b))
    });
    let Some((scale, bias)) = affine else {
        return Err(fail("through operations that differ between channels or are not linear"));
    };
    let scaled_down = !steps.is_empty() && bias.abs() <= 16.0 && (255.0 * scale + bias).abs() <= 16.0;
    if scale == 0.0 || !(builder.input_is_u8 || scaled_down) {
        return Err(fail("without a quantiser"));
    }
    let coding = Coding {
        code: InputCode::Unsigned { bits: 8 },
        pixel_values: (0..256).collect(),
        pixel_rule: "graph".into(),
    };
    settle(builder, node, coding)?;
    Ok(Meaning::Codes { scale, bias })
}

fn settle(builder: &mut Builder, node: &Node, coding: Coding) -> Result<(), Error> {
    if builder.coding.is_some() {
        return Err(Error::Residual { node: node.name(), op: node.op().into() });
    }
    builder.coding = Some(coding);
    Ok(())
}
