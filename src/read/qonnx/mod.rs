//! QONNX graphs into networks of integers.
//!
//! The graph is executed symbolically: one map travels from the input to the output, weighted nodes
//! become layers, shape operations move its axes, elementwise operations gather until a sign folds them
//! into one threshold and one flip a channel. Every fold is proved over all reachable accumulators.
//! What is not understood is refused by node name; a fault in one branch does not hide those elsewhere.

mod activation;
mod builder;
mod constant;
mod fewer;
mod fold;
mod graph;
mod input;
mod nodes;
mod planes;
mod pooling;
mod quant;
mod residual;
mod shapes;
mod steps;
mod stream;
mod weighted;

pub use builder::Proof;

use super::Error;
use super::onnx::Tensor;
use super::onnx::proto::{ModelProto, ValueInfoProto};
use crate::network::{self, Activation, Decision, Input, Layer, Network, Output, Shape};
use builder::{Builder, MAX_FAN_IN, MAX_MAP};
use graph::{Graph, Node};
use nodes::Made;
use prost::Message;
use std::collections::HashMap;
use std::rc::Rc;
use stream::{Axis, Meaning, Source, Stream, Tail};

/// A network and the figures of its proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub network: Network,
    pub proof: Proof,
}

/// A constant, and the tensors whose sum it is where it is one of tensors of its own shape.
#[derive(Clone)]
struct Constant {
    whole: Rc<Tensor>,
    addends: Rc<[Tensor]>,
}

impl Constant {
    fn plain(tensor: Tensor) -> Constant {
        Constant { whole: Rc::new(tensor), addends: Rc::new([]) }
    }
}

/// What a name in the graph stands for.
#[derive(Clone)]
enum Value {
    Constant(Constant),
    Stream(Stream),
    /// Its node was refused; what depends on it is passed over in silence.
    Refused,
}

/// Work that a model of some size may ask for: constant elements to make, and accumulator values to prove.
/// Both grow with the file, so that a small file cannot ask for much.
struct Room {
    elements: usize,
    values: u64,
}

impl Room {
    fn of(model: &ModelProto) -> Room {
        let bytes = model.encoded_len();
        Room { elements: (1 << 23) + 8 * bytes, values: (1 << 26) + 1024 * bytes as u64 }
    }

    fn take(&mut self, elements: usize) -> Result<(), Error> {
        self.elements = self.elements.checked_sub(elements).ok_or_else(|| Error::TooLarge {
            what: "the work on constants".into(),
            limit: "8 million elements and 8 for each byte of the file".into(),
        })?;
        Ok(())
    }
}

/// Turns `model` into a network called `name`.
///
/// # Errors
/// All faults that can be told apart in one pass.
pub fn read(model: &ModelProto, name: &str) -> Result<Reading, Vec<Error>> {
    let graph = graph::sort(model)?;
    let (mut builder, start) = start(graph.input).map_err(|e| vec![e])?;
    let mut room = Room::of(model);
    builder.proof_room = room.values;
    let mut values: HashMap<&str, Value> = HashMap::new();
    values.insert(graph.input.name(), Value::Stream(start));
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for input in graph.nodes.iter().flat_map(|n| &n.proto.input) {
        *uses.entry(input.as_str()).or_default() += 1;
    }
    let mut errors = Vec::new();
    for node in &graph.nodes {
        let made = run(&mut builder, &mut room, &graph, node, &values).unwrap_or_else(|error| {
            errors.push(error);
            Value::Refused
        });
        for input in &node.proto.input {
            if let Some(left) = uses.get_mut(input.as_str()) {
                *left -= 1;
                if *left == 0 {
                    values.remove(input.as_str());
                }
            }
        }
        for output in node.proto.output.iter().filter(|o| !o.is_empty()) {
            values.insert(output, made.clone());
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    finish(builder, &graph, &values, name)
}

/// The travelling map at the graph's input.
fn start(input: &ValueInfoProto) -> Result<(Builder, Stream), Error> {
    let fault = |what: &str| Error::Input {
        name: input.name().into(),
        what: what.into(),
        help: "give it the shape (1, channels, rows, columns) or (1, elements)".into(),
    };
    let tensor = input.kind.as_ref().and_then(|k| k.tensor_type.as_ref());
    let tensor = tensor.ok_or_else(|| fault("it has no tensor type"))?;
    let dims = &tensor.shape.as_ref().ok_or_else(|| fault("it has no shape"))?.dim;
    let size = |index: usize| {
        dims.get(index)
            .and_then(|d| d.dim_value)
            .and_then(|d| usize::try_from(d).ok())
            .filter(|d| (1..=MAX_MAP).contains(d))
            .ok_or_else(|| fault("its shape has an open, empty or too large dimension"))
    };
    if !dims.is_empty() && dims[0].dim_value.is_some_and(|batch| batch > 1) {
        return Err(fault("its batch size is fixed and not 1"));
    }
    let map = match dims.len() {
        2 => Shape::vector(size(1)?),
        3 => Shape { c: 1, h: size(1)?, w: size(2)? },
        4 => Shape { c: size(1)?, h: size(2)?, w: size(3)? },
        _ => return Err(fault("its shape has neither 2, 3 nor 4 dimensions")),
    };
    if [map.c, map.h, map.w].iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| n > MAX_MAP)
        || map.c > MAX_FAN_IN
    {
        return Err(fault("it is too large"));
    }
    let mut stream = Stream {
        source: Source::Input,
        map,
        dims: Vec::new(),
        meaning: Meaning::Number { steps: Vec::new(), pool: None },
        border: None,
        tail: None,
    };
    let axes: &[&[Axis]] = match dims.len() {
        2 => &[&[], &[Axis::C]],
        3 => &[&[], &[Axis::H], &[Axis::W]],
        _ => &[&[], &[Axis::C], &[Axis::H], &[Axis::W]],
    };
    stream.dims = axes.iter().map(|dim| stream.real(dim)).collect();
    Ok((Builder { input_is_u8: tensor.elem_type == Some(2), ..Default::default() }, stream))
}

fn run<'a>(
    builder: &mut Builder,
    room: &mut Room,
    graph: &Graph<'a>,
    node: &Node<'a>,
    values: &HashMap<&str, Value>,
) -> Result<Value, Error> {
    let mut constants: Vec<Option<Constant>> = Vec::with_capacity(node.proto.input.len());
    let mut streams: Vec<(usize, &Stream)> = Vec::new();
    for (place, name) in node.proto.input.iter().enumerate() {
        if name.is_empty() {
            constants.push(None);
        } else if let Some(proto) = graph.constants.get(name.as_str()) {
            let tensor = Tensor::decode(proto)?;
            room.take(tensor.values.len())?;
            constants.push(Some(Constant::plain(tensor)));
        } else {
            match values.get(name.as_str()) {
                Some(Value::Constant(constant)) => constants.push(Some(constant.clone())),
                Some(Value::Stream(found)) => {
                    streams.push((place, found));
                    constants.push(None);
                }
                Some(Value::Refused) | None => return Ok(Value::Refused),
            }
        }
    }
    let inputs: Vec<Option<&Tensor>> = constants.iter().map(|c| c.as_ref().map(|c| &*c.whole)).collect();
    match streams[..] {
        [] => {
            let tensor = constant::evaluate(node, &inputs, room.elements)?;
            room.take(tensor.values.len())?;
            let addends = addends(room, node, &constants)?;
            Ok(Value::Constant(Constant { whole: Rc::new(tensor), addends: addends.into() }))
        }
        [(_, first), (_, second)] if node.op() == "Add" => {
            Ok(Value::Stream(residual::add(builder, node, first, second)?))
        }
        [_, _, ..] => Err(Error::Residual { node: node.name(), op: node.op().into() }),
        [(place, found)] => {
            room.take(found.map.c)?;
            let made = nodes::apply(
                builder,
                node,
                graph.input.name(),
                found.clone(),
                place,
                &inputs,
                constants.get(1).and_then(Option::as_ref).map_or(&[], |weights| &*weights.addends),
            )?;
            Ok(match made {
                Made::Stream(stream) => Value::Stream(stream),
                Made::Constant(tensor) => Value::Constant(Constant::plain(tensor)),
            })
        }
    }
}

/// The addends of a sum of constants of one shape, through linear operations on the sum.
fn addends(room: &mut Room, node: &Node, inputs: &[Option<Constant>]) -> Result<Vec<Tensor>, Error> {
    let own = |constant: &Constant| match constant.addends.is_empty() {
        true => vec![(*constant.whole).clone()],
        false => constant.addends.to_vec(),
    };
    let (first, second) = match inputs {
        [Some(first), rest @ ..] => (first, rest.first().and_then(Option::as_ref)),
        _ => return Ok(Vec::new()),
    };
    match (node.op(), second) {
        ("Add", Some(second)) if first.whole.dims == second.whole.dims && first.whole.values.len() > 1 => {
            let mut all = own(first);
            all.extend(own(second));
            all.truncate(Layer::MOST_PLANES + 1);
            room.take(all.len() * first.whole.values.len())?;
            Ok(all)
        }
        ("Mul" | "Div", Some(second)) if !first.addends.is_empty() && second.addends.is_empty() => {
            each(room, node, inputs, 0)
        }
        ("Mul", Some(second)) if !second.addends.is_empty() && first.addends.is_empty() => {
            each(room, node, inputs, 1)
        }
        ("Identity" | "Neg" | "Transpose" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze", _)
            if !first.addends.is_empty() =>
        {
            each(room, node, inputs, 0)
        }
        _ => Ok(Vec::new()),
    }
}

/// `node` on each addend of input `place`.
fn each(
    room: &mut Room,
    node: &Node,
    inputs: &[Option<Constant>],
    place: usize,
) -> Result<Vec<Tensor>, Error> {
    let Some(Some(sum)) = inputs.get(place) else { return Ok(Vec::new()) };
    let mut made = Vec::with_capacity(sum.addends.len());
    for addend in sum.addends.iter() {
        let mut tensors: Vec<Option<&Tensor>> =
            inputs.iter().map(|c| c.as_ref().map(|c| &*c.whole)).collect();
        tensors[place] = Some(addend);
        let tensor = constant::evaluate(node, &tensors, room.elements)?;
        room.take(tensor.values.len())?;
        made.push(tensor);
    }
    Ok(made)
}

/// The network, once every node has been run.
fn finish(
    builder: Builder,
    graph: &Graph,
    values: &HashMap<&str, Value>,
    name: &str,
) -> Result<Reading, Vec<Error>> {
    let fault = |what: &str, help: &str| vec![Error::Graph { what: what.into(), help: help.into() }];
    let mut ends = graph.outputs.iter().map(|output| match values.get(output) {
        Some(Value::Stream(stream)) => Some(stream),
        _ => None,
    });
    let last = Source::Layer(builder.layers.len().wrapping_sub(1));
    let end = match ends.next().flatten() {
        Some(Stream { source: Source::Sum(index), .. }) => {
            return Err(fault(
                &format!(
                    "its output is the sums of '{}' and a shortcut",
                    builder.layers[*index].name.terminal()
                ),
                "put a BipolarQuant behind the Add, and a dense layer behind that",
            ));
        }
        Some(end) if end.source == last && end.border.is_none() => end,
        _ => {
            return Err(fault(
                "its first output is not that of the last layer",
                "let the graph end with its last layer",
            ));
        }
    };
    let used = builder.layers.last().is_some_and(|layer| layer.activation != Activation::Scores);
    if matches!(end.meaning, Meaning::Number { .. }) && used {
        return Err(fault(
            "its first output is the sums of a layer whose bits are used too",
            "keep one of the two",
        ));
    }
    if ends.any(|other| other.is_none_or(|o| o.source != last)) {
        return Err(fault(
            "it has further outputs from inside the network",
            "keep the class scores as the only output",
        ));
    }
    let Some(coding) = builder.coding else {
        return Err(fault("no layer reads its input", "let the graph begin with its image input"));
    };
    if end.map.pixels() != 1 {
        return Err(fault(
            &format!("its output is a map of {} and not a vector of class scores", end.map),
            "end with a dense layer, or with an average over the whole map",
        ));
    }
    let (decision, scale, bias) =
        scores(end).map_err(|what| fault(what, "end with linear operations on the scores"))?;
    let input = Input {
        name: graph.input.name().into(),
        shape: builder.layers[0].input,
        code: coding.code,
        pixel_values: coding.pixel_values,
        pixel_rule: coding.pixel_rule,
    };
    let top_k = match end.tail {
        Some(Tail::TopK(k)) => Some(k),
        _ => None,
    };
    let output = Output { name: graph.outputs[0].into(), decision, scale, bias, top_k };
    let mut network = Network { name: name.into(), input, layers: builder.layers, output };
    fewer::attach(&mut network, graph)?;
    let problems = network::validate(&network);
    if !problems.is_empty() {
        let help = "this graph has a form that is not supported";
        return Err(problems
            .iter()
            .map(|p| Error::Graph { what: p.to_string(), help: help.into() })
            .collect());
    }
    Ok(Reading { network, proof: builder.proof })
}

/// Decision rule and affine of the graph's output over the last layer's integers.
fn scores(end: &Stream) -> Result<(Decision, Vec<f64>, Vec<f64>), &'static str> {
    match &end.meaning {
        Meaning::Number { steps, pool: None } => {
            let affine = |c: usize| {
                steps.iter().try_fold((1.0, 0.0), |(scale, bias), step| {
                    let (a, b) = step.affine(c)?;
                    Some((scale * a, bias * a + b))
                })
            };
            let pairs: Option<Vec<(f64, f64)>> = (0..end.map.c).map(affine).collect();
            let (scale, bias) = pairs.ok_or("its scores go through a bend")?.into_iter().unzip();
            Ok((Decision::Argmax, scale, bias))
        }
        Meaning::Bits { steps: 2.., .. } => Err("its output has more than one bit"),
        Meaning::Bits { low, high, .. } => {
            let pairs = || low.iter().zip(high);
            Ok((
                Decision::HighestBit,
                pairs().map(|(l, h)| (h - l) / 2.0).collect(),
                pairs().map(|(l, h)| (h + l) / 2.0).collect(),
            ))
        }
        _ => Err("its output is pooled, averaged or the input itself"),
    }
}
