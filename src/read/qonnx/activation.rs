//! Nodes that decide bits: BipolarQuant, Sign, MultiThreshold, Quant; and the input's 8-bit Quant.

use super::builder::Builder;
use super::codes;
use super::constant;
use super::graph::Node;
use super::input;
use super::narrow;
use super::nodes::step;
use super::output;
use super::quant::Quant;
use super::rule::{Decision, Rule};
use super::state;
use super::steps::Step;
use super::stream::{Meaning, Source, Stream};
use super::weighted;
use crate::network::Layer;
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Most bits of an activation between layers.
const MOST_BITS: u32 = 8;
const _: () = assert!(Layer::MOST_STEPS == (1 << MOST_BITS) - 1);

/// One bit, met from 0 on.
fn at_zero() -> Rule {
    Rule::Thresholds(vec![vec![0.0]])
}

pub fn quantise<'t>(
    builder: &mut Builder,
    node: &Node,
    input_name: &str,
    stream: &mut Stream,
    needed: &dyn Fn(usize) -> Result<&'t Tensor, Error>,
) -> Result<(), Error> {
    let channels = stream.map.c;
    let layer = stream.source != Source::Input;
    let no_scale = |scale: &[f64]| match scale.contains(&0.0) {
        true => Err(node.structure_error("has a scale of 0", "give the quantiser a scale above 0")),
        false => Ok(()),
    };
    let decision = match node.op() {
        "Sign" => Decision {
            rule: at_zero(),
            low: vec![-1.0; channels],
            high: vec![1.0; channels],
            zero_is_zero: true,
        },
        "MultiThreshold" => multi_threshold(node, stream, needed(1)?)?,
        "BipolarQuant" => {
            let scale = stream.per_channel(needed(1)?).map_err(|e| e.at(node))?;
            no_scale(&scale)?;
            Decision {
                rule: at_zero(),
                low: spread(&scale, channels).map(|s| -s).collect(),
                high: spread(&scale, channels).collect(),
                zero_is_zero: false,
            }
        }
        _ => {
            let quant = constant::quant_of(node, needed(3)?)?;
            let scale = stream.per_channel(needed(1)?).map_err(|e| e.at(node))?;
            let zero = stream.per_channel(needed(2)?).map_err(|e| e.at(node))?;
            no_scale(&scale)?;
            if !quant.is_bipolar() && layer && !node.feeds_layer {
                return Err(output::quantised(&format!("{} bits by node '{}'", quant.bits, node.name())));
            }
            if !quant.is_bipolar() && layer && quant.bits > MOST_BITS {
                return Err(node.attribute_error(
                    "bitwidth",
                    quant.bits,
                    "activations between layers have at most 8 bits",
                ));
            }
            if !quant.is_bipolar() && stream.source == Source::Input {
                let ([scale], [zero]) = (&scale[..], &zero[..]) else {
                    return Err(node.structure_error(
                        "has a scale or zero point for each channel of the input",
                        "give the input's quantiser one scale and one zero point",
                    ));
                };
                stream.meaning = input::quantise(builder, node, input_name, stream, quant, (*scale, *zero))?;
                return Ok(());
            }
            let level = |integer: f64| {
                let pairs = spread(&scale, channels).zip(spread(&zero, channels));
                pairs.map(|(s, z)| (integer - z) * s).collect::<Vec<f64>>()
            };
            let (rule, (low, high)) = match quant.is_bipolar() {
                true => (at_zero(), (-1.0, 1.0)),
                false => (Rule::Quant(quant), quant.range()),
            };
            if low == high {
                return Err(node.attribute_error(
                    "bitwidth",
                    quant.bits,
                    "one level says nothing: use 2 to 8 bits",
                ));
            }
            let (low, high) = (level(low), level(high));
            if scale != [1.0] {
                step(node, stream, Step::Div(scale))?;
            }
            if zero != [0.0] {
                step(node, stream, Step::Add(zero))?;
            }
            Decision { rule, low, high, zero_is_zero: false }
        }
    };
    if matches!((&stream.meaning, &decision.rule), (Meaning::MeanBits { .. }, Rule::Quant(_))) {
        weighted::average(builder, node, stream)?;
    }
    match (&stream.meaning, stream.source) {
        (Meaning::Number { .. }, Source::Input) => {
            input::binarise(builder, node, input_name, stream, &decision)?;
        }
        (Meaning::Number { steps, pool }, Source::Layer(index))
            if let Some(quant) = codes_wanted(builder, node, steps, channels, &decision.rule) =>
        {
            let (least, most) = codes::decide(builder, node, index, (steps, *pool), quant)?;
            let (low, high) = quant.range();
            let place = |integer: f64| (integer - low) / (high - low);
            let between = |at: f64| {
                let ends = decision.low.iter().zip(&decision.high);
                ends.map(|(low, high)| low + (high - low) * at).collect()
            };
            let (low, high) = (between(place(least)), between(place(most)));
            stream.meaning = Meaning::Bits { low, high, steps: (most - least) as usize };
            return Ok(());
        }
        (Meaning::Number { .. }, Source::Sum(index))
            if builder.layers[index].steps() > 1 && decision.rule.is_sign() && narrow::is_state(stream) =>
        {
            state::upper(builder, node, stream, index, decision.zero_is_zero)?;
            stream.source = Source::Layer(index);
            stream.upper = true;
        }
        (Meaning::Number { steps, pool }, Source::Layer(index) | Source::Sum(index)) => {
            builder.decide_layer(node, stream, index, steps, *pool, &decision)?;
            stream.source = Source::Layer(index);
        }
        (Meaning::Bits { low, high, steps }, _) => {
            let again = |c: usize, v: f64| {
                let part = decision.rule.met(c, v) as f64 / decision.rule.steps() as f64;
                decision.low[c] + (decision.high[c] - decision.low[c]) * part
            };
            let level = |c: usize, n: usize| low[c] + (high[c] - low[c]) * n as f64 / *steps as f64;
            let uneven = |c: usize| {
                let (first, last) = (again(c, low[c]), again(c, high[c]));
                (1..*steps).any(|n| {
                    let even = first + (last - first) * n as f64 / *steps as f64;
                    (again(c, level(c, n)) - even).abs() > 1e-9 * (last - first).abs()
                })
            };
            if (0..channels).any(uneven) {
                return Err(node.binary_error(
                    "quantises activations a second time, to levels that are not even",
                    "quantise once",
                ));
            }
            let steps = *steps;
            if decision.zero_is_zero && low.iter().chain(high).any(|&v| v == 0.0) {
                return Err(Error::SignOfZero { node: node.name(), channel: 0, value: 0 });
            }
            let low: Vec<f64> = low.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            let high: Vec<f64> = high.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            stream.meaning = Meaning::Bits { low, high, steps };
            return Ok(());
        }
        _ => {
            return Err(node.binary_error(
                "takes the sign of an average of bits or of quantised pixels",
                "take the sign before, or put a layer between",
            ));
        }
    }
    let steps = decision.rule.steps();
    stream.meaning = Meaning::Bits { low: decision.low, high: decision.high, steps };
    Ok(())
}

/// The quantiser, where its integers become codes.
fn codes_wanted<'q>(
    builder: &Builder,
    node: &Node,
    steps: &[Step],
    channels: usize,
    rule: &'q Rule,
) -> Option<&'q Quant> {
    let Rule::Quant(quant) = rule else { return None };
    let kept = node.proto.output.iter().any(|output| builder.added.contains(output));
    codes::wanted(steps, channels, quant, kept).then_some(quant)
}

fn spread(list: &[f64], channels: usize) -> impl Iterator<Item = f64> + '_ {
    (0..channels).map(|c| list[if list.len() == 1 { 0 } else { c }])
}

fn multi_threshold(node: &Node, stream: &Stream, thresholds: &Tensor) -> Result<Decision, Error> {
    let &[channels, steps] = &thresholds.dims[..] else {
        return Err(node.shape_error("its thresholds need the shape (channels, steps)"));
    };
    if steps > 1 && stream.source != Source::Input && !node.feeds_layer {
        return Err(output::quantised(&format!("{} levels by node '{}'", steps + 1, node.name())));
    }
    if !(1..1 << MOST_BITS).contains(&steps) {
        return Err(node.binary_error(
            format!("has {steps} thresholds a channel"),
            "give 1 to 255 thresholds a channel: activations of 8 bits",
        ));
    }
    let rank = stream.dims.len();
    let layout = node.text("data_layout").unwrap_or_default();
    let axis = match layout.as_str() {
        "" if rank == 3 => 2,
        "" => 1,
        text => text.find('C').unwrap_or(1),
    };
    if axis >= rank {
        return Err(node.attribute_error("data_layout", &layout, "name the layout that the tensor has"));
    }
    let mut dims = vec![1; rank];
    dims[axis] = channels;
    let threshold = |step: usize| {
        let values = thresholds.values.iter().skip(step).step_by(steps).copied().collect();
        stream.per_channel(&Tensor { dims: dims.clone(), values }).map_err(|e| e.at(node))
    };
    let of_steps = (0..steps).map(threshold).collect::<Result<Vec<_>, Error>>()?;
    let lists = of_steps.iter().map(Vec::len).max().unwrap_or(1);
    let rising = |c: usize| {
        let mut own: Vec<f64> = of_steps.iter().map(|list| list[c.min(list.len() - 1)]).collect();
        own.sort_by(f64::total_cmp);
        own
    };
    let rule = Rule::Thresholds((0..lists).map(rising).collect());
    let (scale, bias) = (node.float("out_scale").unwrap_or(1.0), node.float("out_bias").unwrap_or(0.0));
    let all = stream.map.c;
    let high = vec![scale * steps as f64 + bias; all];
    Ok(Decision { rule, low: vec![bias; all], high, zero_is_zero: false })
}
