//! The input's coding: which integer every 8-bit pixel value becomes.
//!
//! The table is what single precision makes of the graph for the numbers that a rule gives to its input
//! ([`PixelRule`]). The rule is the one asked for, else the one in the model's metadata. Else it is known where the
//! graph reads raw pixels: its input is uint8, or its own arithmetic keeps most pixel values apart if they are raw.
//! Else it is a guess, and told as one: a quantiser straight on the input takes x = p / 255 * 2 - 1 where it is signed
//! and p / 255 where not; behind arithmetic the reading that keeps most pixel values apart.

use super::builder::{Builder, Coding};
use super::graph::Node;
use super::quant::{Quant, Rounding};
use super::rule::{Decision, Rule};
use super::steps::{self, Step};
use super::stream::{Meaning, Stream};
use crate::network::InputCode;
use crate::read::pixels::{HELP, Origin, PixelRule, Pixels};
use crate::read::{Error, onnx::MAX_ELEMENTS};

/// Fewest codes that a guess must keep apart, where the quantiser has so many.
const FEWEST_CODES: usize = 8;
/// Most rows of the table.
pub const MOST_ROWS: usize = MAX_ELEMENTS / 4 / 256;
/// Most pixel values beyond the quantiser's range where the graph's own arithmetic shows that it reads raw pixels.
const MOST_CLIPPED: usize = 64;

/// A quantiser on the input: the integer of a number of the map, in either precision.
trait Coder {
    fn code(&self, channel: usize, x: f32) -> i16;
    fn code_exact(&self, channel: usize, x: f64) -> i16;

    /// The number lies beyond the quantiser's range.
    fn clips(&self, channel: usize, x: f32) -> bool;
}

/// Operations, and the integers of a `Quant` behind them.
struct Levels<'a> {
    steps: &'a [Step],
    quant: Quant,
    scale: f64,
    zero: f64,
}

impl Coder for Levels<'_> {
    fn code(&self, channel: usize, x: f32) -> i16 {
        let x = steps::eval_f32(self.steps, channel, x);
        self.quant.integer_f32(x / self.scale as f32 + self.zero as f32) as i16
    }

    fn code_exact(&self, channel: usize, x: f64) -> i16 {
        self.quant.integer(steps::eval(self.steps, channel, x) / self.scale + self.zero) as i16
    }

    fn clips(&self, channel: usize, x: f32) -> bool {
        let scaled = steps::eval(self.steps, channel, x.into()) / self.scale + self.zero;
        let (low, high) = self.quant.range();
        scaled < low - 0.5 || scaled > high + 0.5
    }
}

/// Operations, and the bit of a decision behind them as -1 or +1.
struct Sign<'a> {
    steps: &'a [Step],
    rule: &'a Rule,
}

impl Coder for Sign<'_> {
    fn code(&self, channel: usize, x: f32) -> i16 {
        let met = self.rule.met_f32(channel, steps::eval_f32(self.steps, channel, x));
        if met > 0 { 1 } else { -1 }
    }

    fn code_exact(&self, channel: usize, x: f64) -> i16 {
        if self.rule.met(channel, steps::eval(self.steps, channel, x)) > 0 { 1 } else { -1 }
    }

    fn clips(&self, _: usize, _: f32) -> bool {
        false
    }
}

/// What the choice of a rule knows of a quantiser.
struct Place<'a> {
    node: &'a Node<'a>,
    /// Name of the graph's input.
    input: &'a str,
    /// No operation stands between the input and the quantiser.
    straight: bool,
    code: InputCode,
    /// Channels of the map, and channels that the quantiser tells apart.
    channels: (usize, usize),
}

impl Place<'_> {
    fn fault(&self, what: String, help: &str) -> Error {
        Error::Input { name: self.input.into(), what, help: help.into() }
    }

    /// The rule that holds for this input.
    fn rule(&self, builder: &Builder, coder: &dyn Coder) -> Result<Pixels, Error> {
        let wanted = builder.wanted.clone().filter(|wanted| wanted.rule != PixelRule::Graph);
        let known = self.known(builder, coder);
        match (wanted, known) {
            (Some(wanted), _) => {
                let raw = matches!(wanted.rule, PixelRule::Raw | PixelRule::Codes);
                if builder.input_is_u8 && !raw {
                    return Err(self.fault(
                        format!(
                            "it is of type uint8, which reads raw pixels, and not '{}'",
                            wanted.rule.name()
                        ),
                        "leave the rule out, or say raw",
                    ));
                }
                Ok(wanted)
            }
            (None, Ok(known)) if known.origin == Origin::Graph => {
                // Asked for by name, it is no less what the graph says.
                Ok(Pixels { origin: builder.wanted.as_ref().map_or(known.origin, |w| w.origin), ..known })
            }
            (None, known) if builder.wanted.is_none() => known,
            (None, _) => Err(self.fault(
                "the graph does not say how a pixel becomes its value, as the rule 'graph' would have it"
                    .into(),
                HELP,
            )),
        }
    }

    /// The rule that the graph shows, or a guess.
    fn known(&self, builder: &Builder, coder: &dyn Coder) -> Result<Pixels, Error> {
        if builder.input_is_u8 {
            return Ok(Pixels::new(PixelRule::Graph, Origin::Graph));
        }
        let candidates: &[PixelRule] = match (self.straight, self.code) {
            (true, InputCode::Bipolar) => &[PixelRule::Bipolar],
            (true, InputCode::Signed { .. }) => &[PixelRule::Bipolar, PixelRule::Unit, PixelRule::Raw],
            (true, InputCode::Unsigned { .. }) => &[PixelRule::Raw, PixelRule::Unit],
            (false, _) => &[PixelRule::Raw, PixelRule::Unit, PixelRule::Bipolar],
        };
        let row =
            |rule: &PixelRule| -> Vec<i16> { (0..=255).map(|p| coder.code(0, rule.value(0, p))).collect() };
        let mut best: Option<(usize, &PixelRule, Vec<i16>)> = None;
        for rule in candidates {
            let table = row(rule);
            let kept = pairs_apart(&table);
            if kept > best.as_ref().map_or(0, |b| b.0) {
                best = Some((kept, rule, table));
            }
        }
        let levels = match self.code {
            InputCode::Bipolar => 2,
            InputCode::Unsigned { bits } | InputCode::Signed { bits } => 1usize << bits,
        };
        let Some((_, rule, _)) =
            best.filter(|(_, _, table)| distinct(table) >= FEWEST_CODES.min(levels / 2).max(2))
        else {
            return Err(self.fault(
                format!(
                    "every pixel value gives the same code at node '{}', or nearly so, however the pixels are scaled: the graph \
                     does not say how they are",
                    self.node.name()
                ),
                HELP,
            ));
        };
        // Arithmetic that fits raw pixels is there for them; a quantiser alone must have room for them, and no sign.
        let clipped = (0..=255).filter(|&p| coder.clips(0, rule.value(0, p))).count();
        let unsigned = matches!(self.code, InputCode::Unsigned { .. });
        let fits = if self.straight { unsigned && clipped * levels <= 256 } else { clipped <= MOST_CLIPPED };
        let says = *rule == PixelRule::Raw && fits;
        Ok(match says {
            true => Pixels::new(PixelRule::Graph, Origin::Graph),
            false => Pixels::new(rule.clone(), Origin::Guess),
        })
    }

    /// The codes of all pixel values under the rule that holds: one row, or one a channel.
    fn table(&self, builder: &Builder, coder: &dyn Coder) -> Result<(Vec<i16>, Pixels), Error> {
        let mut pixels = self.rule(builder, coder)?;
        let (all, told_apart) = self.channels;
        let of_rule = pixels.rule.channels();
        if of_rule != 1 && of_rule != all {
            return Err(self.fault(
                format!(
                    "the rule for pixels has values for {of_rule} channels, the map at node '{}' {all}",
                    self.node.name()
                ),
                "give one value, or one a channel",
            ));
        }
        let rows = told_apart.max(of_rule);
        // A row for each element, or channel: how many rows a channel has.
        let of_channel = (rows / all).max(1);
        if rows > MOST_ROWS {
            return Err(Error::TooLarge {
                what: format!("the table of pixels of {rows} channels at node '{}'", self.node.name()),
                limit: format!("{MOST_ROWS} channels"),
            });
        }
        let mut table = Vec::with_capacity(rows * 256);
        for c in 0..rows {
            for p in 0..=255u8 {
                let (code, exact) = match pixels.rule {
                    PixelRule::Codes => (self.own_code(p), self.own_code(p)),
                    ref rule => {
                        let channel = c / of_channel;
                        (coder.code(c, rule.value(channel, p)), coder.code_exact(c, rule.exact(channel, p)))
                    }
                };
                table.push(code);
                pixels.near_ties += usize::from(code != exact);
            }
        }
        if table.chunks(256).all(|row| row.iter().all(|&code| code == row[0])) {
            return Err(self.fault(
                format!("every pixel value gives the same code at node '{}' by the rule '{}'", self.node.name(), pixels.rule.name()),
                "take another rule (mean and std are those of pixels from 0 to 1), or mend the quantiser's scale",
            ));
        }
        let same = table.chunks(256).all(|row| *row == table[..256]);
        if same {
            table.truncate(256);
            pixels.near_ties /= rows;
        }
        Ok((table, pixels))
    }

    /// The code that a pixel is: beyond the last code there are none, and the nearest stands for them.
    fn own_code(&self, pixel: u8) -> i16 {
        let pixel = i16::from(pixel);
        match self.code {
            InputCode::Bipolar => 2 * pixel.min(1) - 1,
            InputCode::Unsigned { bits } => pixel.min((1 << bits) - 1),
            InputCode::Signed { bits } => pixel.min((1 << bits) - 1) - (1 << (bits - 1)),
        }
    }
}

/// Number of pairs of pixel values that `table` keeps apart.
fn pairs_apart(table: &[i16]) -> usize {
    let mut counts = [0usize; 512];
    table.iter().for_each(|&v| counts[(v + 256) as usize] += 1);
    256 * 256 - counts.iter().map(|n| n * n).sum::<usize>()
}

fn distinct(table: &[i16]) -> usize {
    table.iter().collect::<std::collections::BTreeSet<&i16>>().len()
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

/// Channels, or elements, that operations and constants tell apart; 1 where all are treated alike.
fn told_apart(stream: &Stream, steps: &[Step], constants: &[&Vec<f64>]) -> usize {
    let uniform = steps.iter().all(Step::is_uniform) && constants.iter().all(|c| c.len() == 1);
    match steps.iter().any(|step| step.is_by_element(stream.map)) {
        true => stream.map.elements(),
        false if uniform => 1,
        false => stream.map.c,
    }
}

/// `steps` with a constant an element where some have one: those of a channel are all its pixels'.
fn spread(stream: &Stream, steps: &[Step]) -> Vec<Step> {
    let (map, pixels) = (stream.map, stream.map.pixels());
    if !steps.iter().any(|step| step.is_by_element(map)) {
        return steps.to_vec();
    }
    let wide = |list: &[f64]| match list.len() == map.c && map.c > 1 {
        true => list.iter().flat_map(|&value| std::iter::repeat_n(value, pixels)).collect(),
        false => list.to_vec(),
    };
    steps.iter().map(|step| step.with_lists(wide)).collect()
}

/// Codes the input with one bit by `decision`.
pub fn binarise(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: &Stream,
    decision: &Decision,
) -> Result<(), Error> {
    let steps = &spread(stream, number(node, stream)?);
    let Rule::Thresholds(thresholds) = &decision.rule else { return Ok(()) };
    if decision.rule.steps() > 1 {
        return Err(node.binary_error(
            format!("has {} thresholds a channel on the input", decision.rule.steps()),
            "give the input a Quant of at most 8 bits, or one threshold",
        ));
    }
    let threshold = thresholds.concat();
    let place = Place {
        node,
        input: name,
        straight: steps.is_empty() && threshold == [0.0],
        code: InputCode::Bipolar,
        channels: (stream.map.c, told_apart(stream, steps, &[&threshold])),
    };
    let (pixel_values, pixels) = place.table(builder, &Sign { steps, rule: &decision.rule })?;
    let zero = |c: usize, p: u8| steps::eval_f32(steps, c, pixels.rule.value(c, p)) == 0.0;
    if decision.zero_is_zero && pixels.rule != PixelRule::Codes {
        let mut all =
            (0..place.channels.1.max(pixels.rule.channels())).flat_map(|c| (0..=255).map(move |p| (c, p)));
        if let Some((channel, p)) = all.find(|&(c, p)| zero(c, p)) {
            return Err(Error::SignOfZero { node: node.name(), channel, value: i64::from(p) });
        }
    }
    settle(builder, node, Coding { code: InputCode::Bipolar, pixel_values, pixels })
}

/// Codes the input with the integers of `quant` at `scale` and `zero`; gives the meaning of a code.
pub fn quantise(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: &Stream,
    quant: Quant,
    (scale, zero): (f64, f64),
) -> Result<Meaning, Error> {
    let steps = &spread(stream, number(node, stream)?);
    if quant.bits > 8 {
        return Err(node.attribute_error("bitwidth", quant.bits, "quantise the input to at most 8 bits"));
    }
    let bits = quant.bits;
    let code = if quant.signed { InputCode::Signed { bits } } else { InputCode::Unsigned { bits } };
    let place = Place {
        node,
        input: name,
        straight: steps.is_empty(),
        code,
        channels: (stream.map.c, told_apart(stream, steps, &[])),
    };
    let (pixel_values, pixels) = place.table(builder, &Levels { steps, quant, scale, zero })?;
    settle(builder, node, Coding { code, pixel_values, pixels })?;
    Ok(Meaning::Codes { scale, bias: -zero * scale })
}

/// Whether all that is done to the input is to scale it: raw pixels are its integers then.
pub fn is_scaled(stream: &Stream) -> bool {
    let Meaning::Number { steps, .. } = &stream.meaning else { return false };
    steps.iter().all(|step| {
        let affine = step.is_uniform().then(|| step.affine(0)).flatten();
        affine.is_some_and(|(_, offset)| offset == 0.0)
    })
}

/// Codes the input, which no quantiser codes, with integers of `bits` bits: the largest value of a pixel is the largest
/// integer, and 0 is 0.
pub fn rounded(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: &Stream,
    bits: u32,
) -> Result<Meaning, Error> {
    let steps = &spread(stream, number(node, stream)?);
    let wanted = builder.wanted.as_ref().map(|wanted| &wanted.rule).filter(|rule| **rule != PixelRule::Graph);
    let rule = wanted.unwrap_or(&PixelRule::Raw);
    let rows = told_apart(stream, steps, &[]).max(rule.channels());
    let of_channel = (rows / stream.map.c).max(1);
    let pixels = (0..rows).flat_map(|row| (0..=255).map(move |p| (row, p)));
    let values: Vec<f64> =
        pixels.map(|(row, p)| steps::eval(steps, row, rule.value(row / of_channel, p).into())).collect();
    let most = values.iter().map(|value| value.abs()).fold(0.0, f64::max);
    // The same that tells raw pixels elsewhere: what arithmetic makes of them is small.
    if most == 0.0 || !most.is_finite() || wanted.is_none() && !builder.input_is_u8 && most > 16.0 {
        return Err(Error::Input {
            name: name.into(),
            what: format!(
                "it reaches the layer '{}' without a quantiser, and the graph does not say how its pixels are",
                node.name()
            ),
            help: HELP.into(),
        });
    }
    let signed = values.iter().any(|&value| value < 0.0);
    let quant = Quant { bits, signed, narrow: signed, rounding: Rounding::HalfEven };
    quantise(builder, node, name, stream, quant, (most / quant.range().1, 0.0))
}

/// The input goes into a layer without a quantiser: the pixel itself is the code.
pub fn raw_pixels(builder: &mut Builder, node: &Node, name: &str, stream: &Stream) -> Result<Meaning, Error> {
    let fail = |what: &str| {
        Error::Input {
        name: name.into(),
        what: format!("it reaches the layer '{}' {what}", node.name()),
        help: "put a BipolarQuant or an 8-bit Quant behind the input, declare the input uint8, or say what a pixel means \
               (--input raw, unit, bipolar, mean=M,std=S); or `--quantise ends=8` rounds it"
            .into(),
    }
    };
    let Meaning::Number { steps, pool: None } = &stream.meaning else {
        return Err(fail("through pooling"));
    };
    let wanted = builder.wanted.clone().filter(|wanted| wanted.rule != PixelRule::Graph);
    let start = wanted.as_ref().map_or(Some((1.0, 0.0)), |wanted| wanted.rule.affine());
    let affine = start.and_then(|start| {
        steps.iter().try_fold(start, |(scale, bias), step| {
            let (a, b) = step.is_uniform().then(|| step.affine(0)).flatten()?;
            Some((scale * a, bias * a + b))
        })
    });
    let Some((scale, bias)) = affine else {
        return Err(fail(
            "through operations, or by a rule for pixels, that differ between channels or are not linear",
        ));
    };
    let scaled_down = !steps.is_empty() && bias.abs() <= 16.0 && (255.0 * scale + bias).abs() <= 16.0;
    if scale == 0.0 || !scale.is_finite() || !(builder.input_is_u8 || scaled_down || wanted.is_some()) {
        return Err(fail("without a quantiser"));
    }
    let raw = |wanted: &Pixels| matches!(wanted.rule, PixelRule::Raw | PixelRule::Codes);
    if builder.input_is_u8 && wanted.as_ref().is_some_and(|wanted| !raw(wanted)) {
        return Err(fail("as uint8, which reads raw pixels, and another rule was given"));
    }
    let origin = builder.wanted.as_ref().map_or(Origin::Graph, |wanted| wanted.origin);
    let coding = Coding {
        code: InputCode::Unsigned { bits: 8 },
        pixel_values: (0..256).collect(),
        pixels: wanted.unwrap_or_else(|| Pixels::new(PixelRule::Graph, origin)),
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
