//! The graph as a sorted list of the nodes that its outputs need, with typed access to attributes.
//!
//! Checks what holds for any graph: one producer a value, no cycle, nothing undefined, known operations.

use crate::escape::Untrusted;
use crate::read::Error;
use crate::read::onnx::proto::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};
use std::collections::{HashMap, HashSet};

/// Domains under which the quantisation operations are found; a converter may lose the domain, and ONNX itself has no
/// operations of these names.
const CUSTOM_DOMAINS: [&str; 6] =
    ["qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas", "qonnx.custom_op", "", "ai.onnx"];
const CUSTOM_OPS: [&str; 5] = ["BipolarQuant", "Quant", "IntQuant", "MultiThreshold", "XnorPopcountMatMul"];
const STANDARD_OPS: [&str; 53] = [
    "Abs",
    "Add",
    "ArgMax",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "Div",
    "Dropout",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "Identity",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Sign",
    "Slice",
    "Softmax",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "TopK",
    "Transpose",
    "Unsqueeze",
];

/// A node with typed access to its attributes.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    pub proto: &'a NodeProto,
    /// A convolution or a product comes somewhere behind it.
    pub feeds_layer: bool,
}

impl<'a> Node<'a> {
    pub fn op(&self) -> &'a str {
        self.proto.op_type.as_deref().unwrap_or_default()
    }

    /// The node's name, or its first output where it has none.
    pub fn untrusted_name(&self) -> Untrusted {
        match self.proto.name.as_deref() {
            Some(name) if !name.is_empty() => name.into(),
            _ => self.proto.output.first().cloned().unwrap_or_default().into(),
        }
    }

    /// The same for messages.
    pub fn name(&self) -> String {
        self.untrusted_name().terminal()
    }

    /// Name of input `index`; none where it is absent or left empty.
    pub fn input(&self, index: usize) -> Option<&'a str> {
        self.proto.input.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    fn attribute(&self, name: &str) -> Option<&'a crate::read::onnx::proto::AttributeProto> {
        self.proto.attribute.iter().find(|a| a.name.as_deref() == Some(name))
    }

    pub fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    pub fn float(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.f.map(f64::from)
    }

    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.attribute(name)?.s.as_ref().map(|s| String::from_utf8_lossy(s).into_owned())
    }

    pub fn tensor(&self, name: &str) -> Option<&'a TensorProto> {
        self.attribute(name)?.t.as_ref()
    }

    pub fn shape_error(&self, what: impl Into<String>) -> Error {
        Error::Shape { node: self.name(), op: self.op().into(), what: what.into() }
    }

    pub fn structure_error(&self, what: impl Into<String>, help: impl Into<String>) -> Error {
        Error::Structure { node: self.name(), op: self.op().into(), what: what.into(), help: help.into() }
    }

    pub fn binary_error(&self, what: impl Into<String>, help: impl Into<String>) -> Error {
        Error::NotBinary { node: self.name(), op: self.op().into(), what: what.into(), help: help.into() }
    }

    pub fn attribute_error(&self, attribute: &str, value: impl std::fmt::Debug, help: &str) -> Error {
        Error::Attribute {
            node: self.name(),
            op: self.op().into(),
            attribute: attribute.into(),
            value: format!("{value:?}"),
            help: help.into(),
        }
    }
}

/// What the outputs need, in an order in which every value is made before it is used.
pub struct Graph<'a> {
    pub nodes: Vec<Node<'a>>,
    pub constants: HashMap<&'a str, &'a TensorProto>,
    pub input: &'a ValueInfoProto,
    pub outputs: Vec<&'a str>,
}

/// Sorts the graph of `model`.
///
/// # Errors
/// All unknown operations at once; else the first fault of the graph's form.
pub fn sort(model: &ModelProto) -> Result<Graph<'_>, Vec<Error>> {
    let Some(graph) = &model.graph else {
        return Err(vec![Error::NotOnnx { reason: "it has no graph".into() }]);
    };
    let fault = |what: String| {
        vec![Error::Graph { what, help: "run qonnx-cleanup on the model, or export it again".into() }]
    };
    let mut constants = HashMap::new();
    for tensor in &graph.initializer {
        if constants.insert(tensor.name.as_deref().unwrap_or_default(), tensor).is_some() {
            return Err(fault(format!("two initialisers are named '{}'", tensor.name())));
        }
    }
    if let Some(tensor) = graph.sparse_initializer.first() {
        let name = tensor.values.as_ref().map_or("", |values| values.name());
        return Err(vec![Error::Graph {
            what: format!("initialiser '{name}' is sparse"),
            help: "store it with all its values: sparse tensors are not read".into(),
        }]);
    }
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        for output in node.output.iter().filter(|o| !o.is_empty()) {
            if producers.insert(output, index).is_some() || constants.contains_key(output.as_str()) {
                return Err(fault(format!("value '{output}' is made twice")));
            }
        }
    }
    let input = single_input(graph, &constants).map_err(|e| vec![e])?;
    let outputs: Vec<&str> = graph.output.iter().map(|o| o.name()).collect();
    if outputs.is_empty() {
        return Err(fault("it has no output".into()));
    }
    let order = order(graph, &outputs, &producers, &constants, input.name()).map_err(fault)?;
    let feeds = feeds_layer(graph, &order, &producers);
    let nodes: Vec<Node> =
        order.iter().map(|&i| Node { proto: &graph.node[i], feeds_layer: feeds[i] }).collect();
    let unknown: Vec<Error> = nodes.iter().filter_map(unknown_op).collect();
    if let Some(error) = nodes.iter().find_map(attribute_fault) {
        return Err(vec![error]);
    }
    if unknown.is_empty() { Ok(Graph { nodes, constants, input, outputs }) } else { Err(unknown) }
}

/// The one input that is no initialiser (old exporters list every initialiser as an input too).
fn single_input<'a>(
    graph: &'a GraphProto,
    constants: &HashMap<&str, &TensorProto>,
) -> Result<&'a ValueInfoProto, Error> {
    let real: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|i| !constants.contains_key(i.name())).collect();
    match real.as_slice() {
        [one] => Ok(one),
        several => Err(Error::Graph {
            what: format!("it has {} inputs that are no initialisers, not 1", several.len()),
            help: "bring the network down to one image input".into(),
        }),
    }
}

/// Depth-first from the outputs without recursion, so that a deep graph cannot exhaust the stack.
fn order(
    graph: &GraphProto,
    outputs: &[&str],
    producers: &HashMap<&str, usize>,
    constants: &HashMap<&str, &TensorProto>,
    input: &str,
) -> Result<Vec<usize>, String> {
    const OPEN: u8 = 1;
    const DONE: u8 = 2;
    let mut state = vec![0u8; graph.node.len()];
    let mut order = Vec::new();
    let mut stack = Vec::new();
    for output in outputs {
        match producers.get(output) {
            Some(&index) => stack.push((index, 0)),
            None => return Err(format!("output '{output}' is made by no node")),
        }
        while let Some((index, next)) = stack.pop() {
            if state[index] == DONE {
                continue;
            }
            state[index] = OPEN;
            let node = &graph.node[index];
            let Some(name) = node.input.get(next) else {
                state[index] = DONE;
                order.push(index);
                continue;
            };
            stack.push((index, next + 1));
            if name.is_empty() || constants.contains_key(name.as_str()) || name == input {
                continue;
            }
            match producers.get(name.as_str()) {
                None => return Err(format!("value '{name}' is used but never made")),
                Some(&made_by) if state[made_by] == OPEN => {
                    return Err(format!("value '{name}' depends on itself"));
                }
                Some(&made_by) => stack.push((made_by, 0)),
            }
        }
    }
    Ok(order)
}

/// Of each node of `graph`: whether a convolution or a product comes behind it; `order` is one of use after making.
fn feeds_layer(graph: &GraphProto, order: &[usize], producers: &HashMap<&str, usize>) -> Vec<bool> {
    let mut feeds = vec![false; graph.node.len()];
    for &index in order.iter().rev() {
        let node = &graph.node[index];
        let weighted = matches!(node.op_type(), "Conv" | "MatMul" | "Gemm" | "XnorPopcountMatMul");
        if weighted || feeds[index] {
            for &made_by in node.input.iter().filter_map(|name| producers.get(name.as_str())) {
                feeds[made_by] = true;
            }
        }
    }
    feeds
}

/// An attribute that ONNX does not allow: given twice, or of another kind than its name says, so that it would be
/// taken for one that is not there.
fn attribute_fault(node: &Node) -> Option<Error> {
    const INTS: [&str; 6] = ["axes", "dilations", "kernel_shape", "pads", "perm", "strides"];
    const INT: [&str; 8] = ["axis", "ceil_mode", "group", "keepdims", "narrow", "signed", "transA", "transB"];
    const TEXT: [&str; 4] = ["auto_pad", "data_layout", "mode", "rounding_mode"];
    let mut seen = HashSet::new();
    for attribute in &node.proto.attribute {
        let name = attribute.name.as_deref().unwrap_or_default();
        if !seen.insert(name) {
            return Some(node.structure_error(
                format!("has its attribute {} twice", Untrusted::from(name.to_string()).terminal()),
                "run onnx.checker on the model, and export it again",
            ));
        }
        let (ints, int, text) = (!attribute.ints.is_empty(), attribute.i.is_some(), attribute.s.is_some());
        let any = ints
            || int
            || text
            || attribute.f.is_some()
            || attribute.t.is_some()
            || !attribute.floats.is_empty();
        let (expected, there) = match name {
            _ if INTS.contains(&name) => ("whole numbers", ints),
            _ if INT.contains(&name) => ("a whole number", int),
            _ if TEXT.contains(&name) => ("a text", text),
            _ => continue,
        };
        if any && !there {
            return Some(node.structure_error(
                format!("its attribute {name} holds something else than {expected}"),
                "run onnx.checker on the model, and export it again",
            ));
        }
    }
    None
}

fn unknown_op(node: &Node) -> Option<Error> {
    let domain = node.proto.domain.as_deref().unwrap_or_default();
    let op = node.op();
    let known = match domain {
        "" | "ai.onnx" if STANDARD_OPS.contains(&op) => true,
        _ => CUSTOM_DOMAINS.contains(&domain) && CUSTOM_OPS.contains(&op),
    };
    let shown = if domain.is_empty() { op.to_string() } else { format!("{domain}::{op}") };
    (!known).then(|| Error::UnknownOp { node: node.name(), op: shown })
}
