//! QONNX graphs into networks of integers.
//!
//! The graph is executed symbolically: one map travels from the input to the output, weighted nodes
//! become layers, shape operations move its axes, elementwise operations gather until a sign folds them
//! into one threshold and one flip a channel. Every fold is proved over all reachable accumulators.
//! What is not understood is refused by node name; a fault in one branch does not hide those elsewhere.

mod activation;
mod branch;
mod builder;
mod codes;
mod constant;
mod ends;
mod fewer;
mod flips;
mod fold;
mod graph;
mod input;
mod narrow;
mod nodes;
mod output;
mod planes;
mod pooling;
mod quant;
mod residual;
mod rule;
mod shapes;
mod state;
mod steps;
mod stream;
mod weighted;

pub use builder::Proof;
pub use codes::{MULTIPLIER_BITS, Rounded};

use super::onnx::Tensor;
use super::onnx::proto::{ModelProto, ValueInfoProto};
use super::pixels::{METADATA_KEY, Origin, PixelRule, Pixels};
use super::{Error, Rules};
use crate::network::{Layer, Network, Shape};
use builder::{Builder, MAX_FAN_IN, MAX_MAP};
use flips::{Codes, Declared};
use graph::{Graph, Node};
use nodes::Made;
use prost::Message;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use stream::{Axis, Meaning, Source, Stream};

/// A network, the figures of its proof, and how its pixels are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub network: Network,
    pub proof: Proof,
    pub pixels: Pixels,
}

/// A constant, the tensors whose sum it is where it is one of tensors of its own shape, and its flip codes.
#[derive(Clone)]
struct Constant {
    whole: Rc<Tensor>,
    addends: Rc<[Tensor]>,
    flips: Option<Rc<Codes>>,
}

impl Constant {
    fn plain(tensor: Tensor) -> Constant {
        Constant { whole: Rc::new(tensor), addends: Rc::new([]), flips: None }
    }
}

/// What a name in the graph stands for.
#[derive(Clone)]
enum Value {
    Constant(Constant),
    Stream(Box<Stream>),
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

/// Turns `model` into a network called `name`, read by `rules`, and as the model says where these are silent.
///
/// # Errors
/// All faults that can be told apart in one pass, one for each reason.
pub fn read(model: &ModelProto, name: &str, rules: &Rules) -> Result<Reading, Vec<Error>> {
    layers(model, name, rules).map_err(Error::gathered)
}

/// The rule in the model's metadata, where it has one.
///
/// # Errors
/// A text that is no rule.
pub fn metadata(model: &ModelProto) -> Result<Option<Pixels>, Error> {
    let Some(entry) = model.metadata_props.iter().find(|entry| entry.key() == METADATA_KEY) else {
        return Ok(None);
    };
    let rule = PixelRule::parse(entry.value()).map_err(|error| match error {
        Error::Pixels { what, help } => {
            Error::Pixels { what: format!("{what}, in the model's metadata under '{METADATA_KEY}'"), help }
        }
        other => other,
    })?;
    Ok(Some(Pixels::new(rule, Origin::Metadata)))
}

fn layers(model: &ModelProto, name: &str, rules: &Rules) -> Result<Reading, Vec<Error>> {
    let graph = graph::sort(model)?;
    let drawn = Declared::of(model, &graph)?;
    let (mut builder, start) = start(graph.input).map_err(|e| vec![e])?;
    builder.wanted = match &rules.pixels {
        Some(pixels) => Some(pixels.clone()),
        None => metadata(model).map_err(|e| vec![e])?,
    };
    builder.fixed = rules.fixed;
    builder.flip_bits = drawn.bits();
    let mut room = Room::of(model);
    builder.proof_room = room.values;
    let mut values: HashMap<&str, Value> = HashMap::new();
    values.insert(graph.input.name(), Value::Stream(Box::new(start)));
    let mut uses: HashMap<&str, usize> = HashMap::new();
    // What leaves the graph is needed to the end, whoever else reads it.
    let read = graph.nodes.iter().flat_map(|n| &n.proto.input).map(String::as_str);
    for value in read.chain(graph.outputs.iter().copied()) {
        *uses.entry(value).or_default() += 1;
    }
    let begun = shortcuts(&graph, &uses, builder.fixed.state.is_some());
    builder.added = added(&graph).into_iter().map(String::from).collect();
    let mut errors = Vec::new();
    for node in &graph.nodes {
        let made = run(&mut builder, &mut room, (&graph, &drawn), node, &values);
        let made = made.and_then(|made| begin(&mut builder, &begun, node, made)).unwrap_or_else(|error| {
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
    if errors.is_empty() {
        errors = drawn.left_over(&builder.drawn);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    output::finish(builder, &graph, &values, name)
}

/// The maps that an Add of two maps takes and another node takes too: where shortcuts begin. Where maps are to be `states`, also
/// those of which a convolution, or an average before one, makes a branch.
fn shortcuts<'a>(graph: &Graph<'a>, uses: &HashMap<&'a str, usize>, states: bool) -> HashSet<&'a str> {
    // Through what may take a part of a map on its way to the Add.
    let parts = graph.nodes.iter().filter(|node| narrow::OPS.contains(&node.op()));
    let parts: HashMap<&str, &str> = parts
        .filter_map(|node| Some((node.proto.output.first()?.as_str(), node.proto.input.first()?.as_str())))
        .collect();
    let several = |name: &&str| uses.get(name).is_some_and(|&uses| uses > 1);
    let source = |name: &'a String| {
        std::iter::successors(Some(name.as_str()), |name| parts.get(name).copied()).find(several)
    };
    let begins = |node: &&Node| node.op() == "Add" || states && matches!(node.op(), "AveragePool" | "Conv");
    graph.nodes.iter().filter(begins).flat_map(|node| node.proto.input.iter().filter_map(source)).collect()
}

/// The maps that an Add of two maps takes, through scales perhaps.
fn added<'a>(graph: &Graph<'a>) -> HashSet<&'a str> {
    let made: HashMap<&str, &Node<'a>> =
        graph.nodes.iter().filter_map(|node| Some((node.proto.output.first()?.as_str(), node))).collect();
    // What a node works on; none where its first input is a constant.
    let input = |name: &'a str| {
        let node = made.get(name)?;
        let scales = matches!(node.op(), "Mul" | "Div" | "Identity" | "Neg");
        let inputs = node.proto.input.iter().map(String::as_str);
        scales.then(|| inputs.into_iter().find(|input| made.contains_key(input)))?
    };
    let computed = |node: &&Node<'a>| node.proto.input.iter().all(|name| made.contains_key(name.as_str()));
    let adds = graph.nodes.iter().filter(|node| node.op() == "Add").filter(computed);
    let inputs = adds.flat_map(|node| node.proto.input.iter().map(String::as_str));
    inputs.flat_map(|name| std::iter::successors(Some(name), |name| input(name))).collect()
}

/// What `node` made, as a state where a shortcut begins there and the maps of shortcuts are states.
fn begin(builder: &mut Builder, begun: &HashSet<&str>, node: &Node, made: Value) -> Result<Value, Error> {
    match (builder.fixed.state, made) {
        (Some(state), Value::Stream(mut stream))
            if node.proto.output.iter().any(|output| begun.contains(output.as_str())) =>
        {
            state::begin(builder, state, node, &mut stream)?;
            Ok(Value::Stream(stream))
        }
        (_, made) => Ok(made),
    }
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
        narrow: None,
        upper: false,
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
    (graph, drawn): (&Graph<'a>, &Declared),
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
            let flips = drawn.of_weight(name, &tensor)?;
            constants.push(Some(Constant { flips, ..Constant::plain(tensor) }));
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
            let flips = flips::through(node, &constants, &tensor.dims, room)?;
            Ok(Value::Constant(Constant { whole: Rc::new(tensor), addends: addends.into(), flips }))
        }
        [(_, first), (_, second)] if node.op() == "Add" => {
            let alone = |layer: usize| {
                let read = |(name, value): (&&str, &Value)| {
                    let of_layer =
                        matches!(value, Value::Stream(stream) if stream.source == Source::Layer(layer));
                    of_layer && !node.proto.input.iter().any(|input| input == name)
                };
                !values.iter().any(read)
            };
            if let Some(sum) = codes::add(builder, node, first, second, &alone)? {
                return Ok(Value::Stream(Box::new(sum)));
            }
            let sum = match builder.fixed.state {
                Some(state) => state::add(builder, state, node, first, second)?,
                None => residual::add(builder, node, first, second)?,
            };
            Ok(Value::Stream(Box::new(sum)))
        }
        [_, _, ..] => Err(Error::Residual { node: node.name(), op: node.op().into() }),
        [(place, found)] => {
            room.take(found.map.c)?;
            let made =
                nodes::apply(builder, node, graph.input.name(), found.clone(), place, &inputs, &constants)?;
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
