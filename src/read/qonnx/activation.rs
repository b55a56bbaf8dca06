//! Nodes that decide bits: BipolarQuant, Sign, MultiThreshold, Quant; and the input's 8-bit Quant.

use super::builder::{Builder, Decision};
use super::constant;
use super::graph::Node;
use super::input;
use super::nodes::step;
use super::steps::Step;
use super::stream::{Meaning, Source, Stream};
use crate::read::Error;
use crate::read::onnx::Tensor;

pub fn quantise<'t>(
    builder: &mut Builder,
    node: &Node,
    input_name: &str,
    stream: &mut Stream,
    needed: &dyn Fn(usize) -> Result<&'t Tensor, Error>,
) -> Result<(), Error> {
    let channels = stream.map.c;
    let decision = match node.op() {
        "Sign" => Decision {
            threshold: vec![0.0],
            low: vec![-1.0; channels],
            high: vec![1.0; channels],
            zero_is_zero: true,
        },
        "MultiThreshold" => multi_threshold(node, stream, needed(1)?)?,
        "BipolarQuant" => {
            let scale = stream.per_channel(needed(1)?).map_err(|e| node.shape_error(e))?;
            Decision {
                threshold: vec![0.0],
                low: spread(&scale, channels).map(|s| -s).collect(),
                high: spread(&scale, channels).collect(),
                zero_is_zero: false,
            }
        }
        _ => {
            let quant = constant::quant_of(node, needed(3)?)?;
            let scale = stream.per_channel(needed(1)?).map_err(|e| node.shape_error(e))?;
            let zero = stream.per_channel(needed(2)?).map_err(|e| node.shape_error(e))?;
            if scale.contains(&0.0) {
                return Err(node.structure_error("has a scale of 0", "give the quantiser a scale above 0"));
            }
            if !quant.is_bipolar() {
                if stream.source != Source::Input {
                    return Err(node.attribute_error(
                        "bitwidth",
                        quant.bits,
                        "activations between layers are one bit: use BipolarQuant, or a signed Quant of 1 bit",
                    ));
                }
                let ([scale], [zero]) = (&scale[..], &zero[..]) else {
                    return Err(node.structure_error(
                        "has a scale or zero point for each channel of the input",
                        "give the input's quantiser one scale and one zero point",
                    ));
                };
                stream.meaning = input::quantise(builder, node, input_name, stream, quant, *scale, *zero)?;
                return Ok(());
            }
            let level = |sign: f64| {
                let pairs = spread(&scale, channels).zip(spread(&zero, channels));
                pairs.map(|(s, z)| (sign - z) * s).collect::<Vec<f64>>()
            };
            let (low, high) = (level(-1.0), level(1.0));
            if scale != [1.0] {
                step(node, stream, Step::Div(scale))?;
            }
            if zero != [0.0] {
                step(node, stream, Step::Add(zero))?;
            }
            Decision { threshold: vec![0.0], low, high, zero_is_zero: false }
        }
    };
    match (&stream.meaning, stream.source) {
        (Meaning::Number { .. }, Source::Input) => {
            input::binarise(builder, node, input_name, stream, &decision)?;
        }
        (Meaning::Number { steps, pool }, Source::Layer(index)) => {
            builder.decide_layer(node, stream, index, steps, *pool, &decision)?;
        }
        (Meaning::Bits { low, high }, _) => {
            let again = |c: usize, v: f64| {
                let t = decision.threshold[if decision.threshold.len() == 1 { 0 } else { c }];
                if v >= t { decision.high[c] } else { decision.low[c] }
            };
            if decision.zero_is_zero && low.iter().chain(high).any(|&v| v == 0.0) {
                return Err(Error::SignOfZero { node: node.name(), channel: 0, value: 0 });
            }
            let low: Vec<f64> = low.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            let high: Vec<f64> = high.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            stream.meaning = Meaning::Bits { low, high };
            return Ok(());
        }
        _ => {
            return Err(node.binary_error(
                "takes the sign of an average of bits or of quantised pixels",
                "take the sign before, or put a layer between",
            ));
        }
    }
    stream.meaning = Meaning::Bits { low: decision.low, high: decision.high };
    Ok(())
}

fn spread(list: &[f64], channels: usize) -> impl Iterator<Item = f64> + '_ {
    (0..channels).map(|c| list[if list.len() == 1 { 0 } else { c }])
}

fn multi_threshold(node: &Node, stream: &Stream, thresholds: &Tensor) -> Result<Decision, Error> {
    let &[channels, steps] = &thresholds.dims[..] else {
        return Err(node.shape_error("its thresholds need the shape (channels, steps)"));
    };
    if steps != 1 {
        return Err(node.binary_error(
            format!("has {steps} thresholds a channel"),
            "activations are one bit: give one threshold a channel",
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
    let threshold = stream
        .per_channel(&Tensor { dims, values: thresholds.values.clone() })
        .map_err(|e| node.shape_error(e))?;
    let (scale, bias) = (node.float("out_scale").unwrap_or(1.0), node.float("out_bias").unwrap_or(0.0));
    let all = stream.map.c;
    Ok(Decision { threshold, low: vec![bias; all], high: vec![scale + bias; all], zero_is_zero: false })
}
