//! The end of the graph: what leaves it, and how that becomes a class.

use super::builder::Builder;
use super::graph::Graph;
use super::steps::Step;
use super::stream::{Meaning, Source, Stream, Tail};
use super::{Reading, Value, fewer};
use crate::network::{self, Activation, Decision, Input, Network, Output};
use crate::read::Error;
use std::collections::HashMap;

fn fault(what: impl Into<String>, help: impl Into<String>) -> Error {
    Error::Graph { what: what.into(), help: help.into() }
}

/// The network, once every node has been run.
pub fn finish(
    builder: Builder,
    graph: &Graph,
    values: &HashMap<&str, Value>,
    name: &str,
) -> Result<Reading, Vec<Error>> {
    let end = end(&builder, graph, values).map_err(|e| vec![e])?;
    let Some(coding) = builder.coding else {
        return Err(vec![fault("no layer reads its input", "let the graph begin with its image input")]);
    };
    let Answer { decision, scale, bias } = answer(end).map_err(|e| vec![e])?;
    let input = Input {
        name: graph.input.name().into(),
        shape: builder.layers[0].input,
        code: coding.code,
        pixel_values: coding.pixel_values,
        pixel_rule: coding.pixels.rule.name(),
    };
    let top_k = match end.tail {
        Some(Tail::TopK(k)) => Some(k),
        _ => None,
    };
    let output = Output { name: graph.outputs[0].into(), decision, scale, bias, top_k };
    let mut network = Network { name: name.into(), input, layers: builder.layers, output };
    only_kept(&mut network);
    fewer::attach(&mut network, graph)?;
    let problems = network::validate(&network);
    if !problems.is_empty() {
        let help = "this graph has a form that is not supported";
        return Err(problems.iter().map(|p| fault(p.to_string(), help)).collect());
    }
    Ok(Reading { network, proof: builder.proof, pixels: coding.pixels })
}

/// Lets layers give nothing whose numbers a shortcut takes and whose activations nobody reads.
fn only_kept(network: &mut Network) {
    let last = network.layers.len() - 1;
    for index in 0..last {
        let unread = network.readers(index).count() == 0;
        let layer = &mut network.layers[index];
        if unread && layer.shortcut.keeps {
            layer.activation = Activation::Kept;
        }
    }
}

/// What leaves the graph first; all else that leaves it must be made of the same last layer.
fn end<'v>(builder: &Builder, graph: &Graph, values: &'v HashMap<&str, Value>) -> Result<&'v Stream, Error> {
    let last = Source::Layer(builder.layers.len().wrapping_sub(1));
    let made = |output: &str| match values.get(output) {
        Some(Value::Stream(stream)) => Some(&**stream),
        _ => None,
    };
    let of_last = |stream: &Stream| stream.source == last && stream.border.is_none();
    let other = graph.outputs.iter().find(|output| made(output).is_some_and(of_last));
    let first = graph.outputs[0];
    let Some(end) = made(first) else {
        return Err(fault(
            format!("its output '{first}' is a constant"),
            "let the graph end with its last layer",
        ));
    };
    if let Source::Sum(index) = end.source {
        return Err(fault(
            format!("its output is the sums of '{}' and a shortcut", builder.layers[index].name.terminal()),
            "put a BipolarQuant behind the Add, and a dense layer behind that",
        ));
    }
    if !of_last(end) {
        return Err(match other {
            Some(other) => fault(
                format!(
                    "its first output '{first}' comes from inside the network; '{other}' is that of the last layer"
                ),
                format!("keep '{other}' as the only output"),
            ),
            None => fault(
                format!("its output '{first}' is not that of the last layer"),
                "let the graph end with its last layer",
            ),
        });
    }
    for output in &graph.outputs[1..] {
        if made(output).is_none_or(|stream| stream.source != last) {
            return Err(fault(
                format!("its further output '{output}' comes from inside the network"),
                format!("keep '{first}' as the only output"),
            ));
        }
    }
    let used = builder.layers.last().is_some_and(|layer| layer.activation != Activation::Scores);
    if matches!(end.meaning, Meaning::Number { .. }) && used {
        return Err(fault(
            format!("its first output '{first}' is the sums of a layer whose bits are used too"),
            "keep one of the two",
        ));
    }
    if end.map.pixels() != 1 {
        return Err(fault(
            format!("its output is a map of {} and not a vector of class scores", end.map),
            "end with a dense layer, or with an average over the whole map",
        ));
    }
    Ok(end)
}

/// Decision rule, and affine of what it compares over the last layer's integers.
struct Answer {
    decision: Decision,
    scale: Vec<f64>,
    bias: Vec<f64>,
}

fn answer(end: &Stream) -> Result<Answer, Error> {
    match &end.meaning {
        Meaning::Number { steps, pool: None } => {
            let bend = steps.iter().position(|step| !step.is_affine()).unwrap_or(steps.len());
            let (straight, bent) = steps.split_at(bend);
            let affine = |c: usize| {
                straight.iter().try_fold((1.0, 0.0), |(scale, bias), step| {
                    let (a, b) = step.affine(c)?;
                    Some((scale * a, bias * a + b))
                })
            };
            let pairs: Option<Vec<(f64, f64)>> = (0..end.map.c).map(affine).collect();
            let (scale, mut bias): (Vec<f64>, Vec<f64>) = pairs.unwrap_or_default().into_iter().unzip();
            bent.iter().try_for_each(rises)?;
            if let [bias] = &mut bias[..] {
                *bias -= border(bent)?;
                return Ok(Answer { decision: Decision::Sign, scale, bias: vec![*bias] });
            }
            Ok(Answer { decision: Decision::Argmax, scale, bias })
        }
        Meaning::Bits { steps: levels @ 2.., .. } => Err(quantised(&format!("{} levels", levels + 1))),
        Meaning::Bits { low, high, .. } => {
            let pairs = || low.iter().zip(high);
            Ok(Answer {
                decision: if end.map.c == 1 { Decision::Sign } else { Decision::HighestBit },
                scale: pairs().map(|(l, h)| (h - l) / 2.0).collect(),
                bias: pairs().map(|(l, h)| (h + l) / 2.0).collect(),
            })
        }
        Meaning::Number { .. } => {
            Err(fault("its output is pooled", "pool before the last layer, which gives the class scores"))
        }
        Meaning::MeanBits { .. } | Meaning::Codes { .. } => Err(fault(
            "its output is an average of bits, or the input itself, and no sums of a layer",
            "end with a dense layer, whose sums are the class scores",
        )),
    }
}

/// The refusal of scores that a quantiser behind the last layer made `to`.
pub fn quantised(to: &str) -> Error {
    fault(
        format!("its scores are quantised to {to}, so that different scores can become equal"),
        "remove the quantiser behind the last layer: the class is that of the largest sum",
    )
}

/// Whether `step` behind the scores keeps their order: it rises everywhere, and alike for all classes.
fn rises(step: &Step) -> Result<(), Error> {
    let help = "remove it: the class is that of the largest score (for one score: whether it is at least 0)";
    let name = match step {
        Step::Tanh | Step::Sigmoid => return Ok(()),
        Step::Leaky(slope) if slope.len() == 1 && slope[0] > 0.0 => return Ok(()),
        Step::Leaky(slope) if slope.iter().all(|&s| s == 0.0) => {
            "a Relu, which makes all scores below 0 equal"
        }
        Step::Leaky(_) => "a PRelu or LeakyRelu that falls, or differs between classes",
        Step::Clip { .. } | Step::HardSigmoid { .. } => {
            "a Clip, Max, Min or HardSigmoid, which makes scores beyond its limits equal"
        }
        affine => match affine.is_uniform().then(|| affine.affine(0)).flatten() {
            Some((scale, _)) if scale > 0.0 => return Ok(()),
            _ => "an operation behind a Sigmoid or Tanh that falls, or differs between classes",
        },
    };
    Err(fault(format!("its scores go through {name}"), help))
}

/// The number before `bent` from which on one score means class 1: what leaves the graph is then at least 0, or at least
/// one half where the graph ends with a sigmoid.
fn border(bent: &[Step]) -> Result<f64, Error> {
    let end = if matches!(bent.last(), Some(Step::Sigmoid)) { 0.5 } else { 0.0 };
    let before = |y: f64, step: &Step| match step {
        Step::Tanh => y.atanh(),
        Step::Sigmoid => (y / (1.0 - y)).ln(),
        Step::Leaky(slope) => {
            if y >= 0.0 {
                y
            } else {
                y / slope[0]
            }
        }
        affine => affine.affine(0).map_or(f64::NAN, |(a, b)| (y - b) / a),
    };
    let border = bent.iter().rev().fold(end, before);
    border.is_finite().then_some(border).ok_or_else(|| {
        fault(
            "its one output lies on one side of 0 for every input",
            "end with the score itself, or its sigmoid",
        )
    })
}
