//! What every node does to the map that comes by: the dispatch, elementwise operations and the decision
//! on a class.

use super::Constant;
use super::activation;
use super::builder::Builder;
use super::constant;
use super::flips;
use super::graph::Node;
use super::input::MOST_ROWS;
use super::narrow;
use super::pooling;
use super::shapes;
use super::steps::Step;
use super::stream::{Axis, Meaning, Misfit, Source, Stream, Tail};
use super::weighted::{self, Values};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// What a node makes.
pub enum Made {
    Stream(Box<Stream>),
    Constant(Tensor),
}

/// The map after `node`, which reads it as input `place`; `others` are the constant inputs, `constants` the same with what
/// is known of how they were made.
pub fn apply(
    builder: &mut Builder,
    node: &Node,
    input_name: &str,
    mut stream: Stream,
    place: usize,
    others: &[Option<&Tensor>],
    constants: &[Option<Constant>],
) -> Result<Made, Error> {
    let op = node.op();
    let constant = |index: usize| others.get(index).copied().flatten();
    let needed = |index: usize| {
        constant(index).ok_or_else(|| Error::NotConstant {
            node: node.name(),
            op: op.into(),
            input: node.input(index).unwrap_or("(absent)").into(),
        })
    };
    let second = constants.get(1).and_then(Option::as_ref);
    let weights = |whole| Values {
        whole,
        addends: second.map_or(&[], |weights| &*weights.addends),
        flips: second.and_then(|weights| weights.flips.as_deref()),
    };
    let weighs = place == 0 && matches!(op, "Conv" | "MatMul" | "Gemm" | "XnorPopcountMatMul");
    for (place, constant) in constants.iter().enumerate() {
        if let Some(codes) = constant.as_ref().and_then(|constant| constant.flips.as_ref())
            && !(weighs && place == 1)
        {
            return Err(flips::refusal(node, &codes.weight));
        }
    }
    let shape_only = matches!(
        op,
        "Identity"
            | "Dropout"
            | "Cast"
            | "Reshape"
            | "Flatten"
            | "Squeeze"
            | "Unsqueeze"
            | "Transpose"
            | "Shape"
    );
    let two_sided = matches!(
        op,
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" | "Conv" | "MatMul" | "Gemm" | "XnorPopcountMatMul"
    );
    if place > 0 && (!two_sided || place > 1) {
        return Err(node.structure_error(
            format!("takes the map as its input {place}, where a constant belongs"),
            "make that input a constant",
        ));
    }
    let endless = node.proto.attribute.iter().find(|a| a.f.is_some_and(|f| !f.is_finite()));
    if let Some(attribute) = endless.filter(|_| op != "Clip") {
        return Err(node.attribute_error(attribute.name(), attribute.f(), "give a finite number"));
    }
    finite(node, others)?;
    if stream.tail.is_some() && !shape_only && !matches!(op, "ArgMax" | "TopK" | "Softmax") {
        return Err(
            node.structure_error("follows the decision on a class", "let the graph end with the decision")
        );
    }
    if stream.border.is_some() && !matches!(op, "Identity" | "Dropout" | "Cast" | "Conv") {
        return Err(node.structure_error("follows a Pad", "let a Conv follow the Pad, or pad in the Conv"));
    }
    let averaged = stream.narrow.is_some_and(|narrow| narrow.window != (1, 1));
    let for_conv = op == "Conv" && stream.narrow.is_some_and(|narrow| narrow.first == 0);
    if averaged && op != "Conv" {
        return Err(node.structure_error(
            "reads averages of windows of a state",
            "let a 1x1 Conv read them, and add what it gives: a shortcut that narrows",
        ));
    }
    if stream.narrow.is_some() && !for_conv && !narrow::OPS.contains(&op) {
        return Err(node.structure_error(
            "reads a part of a state",
            "let the Add of a shortcut follow a Slice, or a Pad of channels",
        ));
    }
    match op {
        "Identity" | "Dropout" => {}
        "Cast" => {
            let to = node.int("to").unwrap_or(0);
            if !matches!(to, 1 | 11) {
                return Err(node.attribute_error("to", to, "cast the map to float or double only"));
            }
        }
        "Shape" => return Ok(Made::Constant(constant::shape(node, &stream.sizes()))),
        "Reshape" => {
            let target = constant::reshape_target(node, needed(1)?, &stream.sizes())?;
            shapes::reshape(builder, node, &mut stream, &target)?;
        }
        "Flatten" | "Squeeze" | "Unsqueeze" => {
            let axes = constant::axes_input(node, constant(1))?;
            let target = constant::reshaped(node, &stream.sizes(), axes.as_deref())?;
            shapes::reshape(builder, node, &mut stream, &target)?;
        }
        "Transpose" => shapes::transpose(node, &mut stream)?,
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => {
            if node.proto.input.len() != 2 {
                return Err(node.shape_error("needs two inputs"));
            }
            let other = needed(1 - place)?;
            arithmetic(node, &mut stream, place, other)?;
        }
        "BatchNormalization" => {
            batch_norm(node, &mut stream, [needed(1)?, needed(2)?, needed(3)?, needed(4)?])?
        }
        "Neg" => step(node, &mut stream, Step::Mul(vec![-1.0]))?,
        "Relu" => step(node, &mut stream, Step::Leaky(vec![0.0]))?,
        "LeakyRelu" => {
            let slope = node.float("alpha").unwrap_or(f64::from(0.01f32));
            step(node, &mut stream, Step::Leaky(vec![slope]))?;
        }
        "PRelu" => {
            let slope = stream.per_channel(needed(1)?).map_err(|e| e.at(node))?;
            step(node, &mut stream, Step::Leaky(slope))?;
        }
        "Clip" => {
            let (low, high) = constant::clip_limits(node, others)?;
            step(node, &mut stream, Step::Clip { low, high })?;
        }
        "Tanh" => step(node, &mut stream, Step::Tanh)?,
        "Sigmoid" => step(node, &mut stream, Step::Sigmoid)?,
        "HardSigmoid" => {
            let alpha = node.float("alpha").unwrap_or(f64::from(0.2f32));
            let beta = node.float("beta").unwrap_or(0.5);
            step(node, &mut stream, Step::HardSigmoid { alpha, beta })?;
        }
        "BipolarQuant" | "Sign" | "MultiThreshold" | "Quant" | "IntQuant" => {
            activation::quantise(builder, node, input_name, &mut stream, &needed)?;
        }
        "MaxPool" | "GlobalMaxPool" => pooling::max_pool(builder, node, &mut stream)?,
        "GlobalAveragePool" | "AveragePool" => pooling::average_pool(builder, node, &mut stream)?,
        "ReduceMean" | "ReduceSum" => pooling::reduce(builder, node, &mut stream, constant(1))?,
        "Pad" => {
            let given =
                |index: usize| if node.input(index).is_some() { needed(index).map(Some) } else { Ok(None) };
            shapes::pad(node, &mut stream, [given(1)?, given(2)?, given(3)?])?;
        }
        "Slice" => {
            let given =
                |index: usize| if node.input(index).is_some() { needed(index).map(Some) } else { Ok(None) };
            narrow::slice(node, &mut stream, [given(1)?, given(2)?, given(3)?, given(4)?])?;
        }
        "Conv" if place == 0 => {
            let bias = if node.input(2).is_some() { Some(needed(2)?) } else { None };
            stream = weighted::conv(builder, node, input_name, stream, weights(needed(1)?), bias)?;
        }
        "MatMul" if place == 0 => {
            stream = weighted::matmul(builder, node, input_name, stream, weights(needed(1)?))?;
        }
        "XnorPopcountMatMul" if place == 0 => {
            stream = weighted::xnor(builder, node, input_name, stream, weights(needed(1)?))?;
        }
        "Gemm" if place == 0 => {
            let bias = if node.input(2).is_some() { Some(needed(2)?) } else { None };
            stream = weighted::gemm(builder, node, input_name, stream, weights(needed(1)?), bias)?;
        }
        "Conv" | "MatMul" | "Gemm" | "XnorPopcountMatMul" => {
            return Err(node.structure_error(
                "has its weights on the left and the map on the right",
                "transpose the product so that the map comes first",
            ));
        }
        "Softmax" | "LogSoftmax" | "ArgMax" | "TopK" => decide_class(node, &mut stream, constant(1))?,
        _ => {
            return Err(node.structure_error(
                "is supported on constants only, not on the map",
                "express it by Add, Sub, Mul, Div, BatchNormalization, Clip or MultiThreshold",
            ));
        }
    }
    Ok(Made::Stream(Box::new(stream)))
}

/// Refuses constants that hold what is not a number; limits may be endless.
fn finite(node: &Node, others: &[Option<&Tensor>]) -> Result<(), Error> {
    if node.op() == "Clip" {
        return Ok(());
    }
    for (place, tensor) in others.iter().enumerate() {
        let Some(tensor) = tensor else { continue };
        if let Some(at) = tensor.values.iter().position(|value| !value.is_finite()) {
            return Err(node.structure_error(
                format!(
                    "its {} '{}' holds {}, which is not a finite number, as value {at}",
                    role(node.op(), place),
                    node.input(place).unwrap_or_default(),
                    tensor.values[at]
                ),
                "a training that diverged, weights that were never loaded, or a quantiser without a scale of its own leave such \
                 values: train or export the model again (1-bit weights and activations need a BINARY quantiser, not INT)",
            ));
        }
    }
    Ok(())
}

/// What constant input `place` of an operation is.
fn role(op: &str, place: usize) -> &'static str {
    match (op, place) {
        ("Conv" | "MatMul" | "Gemm", 0 | 1) => "weights",
        ("Conv" | "Gemm", 2) => "bias",
        ("Quant" | "IntQuant" | "BipolarQuant", 1) => "scale",
        ("Quant" | "IntQuant", 2) => "zero point",
        _ => "constant",
    }
}

/// Applies `step` to the numbers or to the levels of the map.
pub fn step(node: &Node, stream: &mut Stream, step: Step) -> Result<(), Error> {
    let linear = |what: &str| {
        node.structure_error(
            format!("is not linear, or differs between channels, on {what}"),
            "move it before the quantiser",
        )
    };
    match &mut stream.meaning {
        Meaning::Number { steps, .. } => steps.push(step),
        Meaning::Bits { low, high, steps } => {
            let levels = *steps as f64;
            let uneven = |c: usize| {
                let at = |n: f64| step.eval(c, low[c] + (high[c] - low[c]) * n / levels);
                let (first, last) = (at(0.0), at(levels));
                let spread = (last - first).abs();
                (1..*steps).any(|n| {
                    let even = first + (last - first) * n as f64 / levels;
                    (at(n as f64) - even).abs() > 1e-9 * spread
                })
            };
            if !step.is_affine() && (0..low.len()).any(uneven) {
                return Err(linear("activations of more than one bit"));
            }
            for list in [low, high] {
                list.iter_mut().enumerate().for_each(|(c, v)| *v = step.eval(c, *v));
            }
        }
        Meaning::MeanBits { low, high, .. } => {
            if !step.is_affine() {
                return Err(linear("an average"));
            }
            for list in [low, high] {
                list.iter_mut().enumerate().for_each(|(c, v)| *v = step.eval(c, *v));
            }
        }
        Meaning::Codes { scale, bias } => {
            let Some((a, b)) = step.is_uniform().then(|| step.affine(0)).flatten() else {
                return Err(linear("the quantised input"));
            };
            (*scale, *bias) = (*scale * a, *bias * a + b);
        }
    }
    Ok(())
}

fn arithmetic(node: &Node, stream: &mut Stream, place: usize, other: &Tensor) -> Result<(), Error> {
    let number = matches!(stream.meaning, Meaning::Number { .. });
    let values = match stream.per_channel(other) {
        // The input's table may have a row for each element: a mean image.
        Err(Misfit::Pixels(_))
            if stream.source == Source::Input && number && stream.map.elements() <= MOST_ROWS =>
        {
            stream.per_element(other).ok_or(Misfit::NotFinite).map_err(|e| e.at(node))?
        }
        values => values.map_err(|e| e.at(node))?,
    };
    let made = match (node.op(), place) {
        ("Add", _) => Step::Add(values),
        ("Mul", _) => Step::Mul(values),
        ("Sub", 0) => Step::Sub(values),
        ("Sub", _) => Step::SubFrom(values),
        ("Div", 0) => {
            if values.contains(&0.0) {
                return Err(node.structure_error("divides by 0", "remove the channel or mend its scale"));
            }
            Step::Div(values)
        }
        ("Max", _) if values.len() == 1 => Step::Clip { low: values[0], high: f64::INFINITY },
        ("Min", _) if values.len() == 1 => Step::Clip { low: f64::NEG_INFINITY, high: values[0] },
        _ => {
            return Err(node.structure_error(
                "divides a constant by the map, or limits it by channel",
                "express it by Add, Sub, Mul, Div, BatchNormalization or Clip",
            ));
        }
    };
    step(node, stream, made)
}

fn batch_norm(node: &Node, stream: &mut Stream, inputs: [&Tensor; 4]) -> Result<(), Error> {
    if node.int("training_mode").unwrap_or(0) != 0 {
        return Err(node.attribute_error("training_mode", 1, "export the model in evaluation mode"));
    }
    let rank = stream.dims.len();
    let mut lists = Vec::with_capacity(4);
    for tensor in inputs {
        let mut dims = vec![1; rank];
        if rank < 2 {
            return Err(node.shape_error("its input has no channel dimension"));
        }
        dims[1] = tensor.values.len();
        let list = stream.per_channel(&Tensor { dims, values: tensor.values.clone() });
        lists.push(list.map_err(|e| e.at(node))?);
    }
    let epsilon = node.float("epsilon").unwrap_or(f64::from(1e-5f32));
    let [gamma, beta, mean, variance] = lists.try_into().unwrap_or_default();
    if variance.iter().any(|v| v + epsilon <= 0.0) {
        return Err(
            node.structure_error("has a channel of no or negative variance", "use an epsilon above 0")
        );
    }
    step(node, stream, Step::Normalise { gamma, beta, mean, variance, epsilon })
}

fn decide_class(node: &Node, stream: &mut Stream, k: Option<&Tensor>) -> Result<(), Error> {
    let vector = stream.map.pixels() == 1 && stream.dims.len() >= 2;
    let axis = node.int("axis").unwrap_or(if node.op() == "ArgMax" { 0 } else { -1 });
    let place = if axis < 0 { axis.saturating_add(stream.dims.len() as i64) } else { axis };
    let on_classes = usize::try_from(place)
        .ok()
        .and_then(|a| stream.dims.get(a))
        .is_some_and(|d| *d == stream.real(&[Axis::C]));
    if vector && stream.map.c == 1 {
        return Err(node.structure_error(
            "decides among the classes of one score, which is always class 0",
            "let the graph end with the score: class 1 is then where it is at least 0",
        ));
    }
    if !vector || !on_classes {
        return Err(node.attribute_error("axis", axis, "decide over the classes of a (batch, class) vector"));
    }
    stream.tail = Some(match node.op() {
        "TopK" => {
            let k = node.int("k").or_else(|| k.and_then(|t| t.values.first()).map(|&v| v as i64));
            let valid = k.and_then(|k| usize::try_from(k).ok()).filter(|k| (1..=stream.map.c).contains(k));
            if node.int("largest").unwrap_or(1) == 0 {
                return Err(node.attribute_error("largest", 0, "take the largest scores"));
            }
            Tail::TopK(valid.ok_or_else(|| {
                node.attribute_error("k", k.unwrap_or(0), "take at least 1 and at most all classes")
            })?)
        }
        "ArgMax" if node.int("select_last_index").unwrap_or(0) != 0 => {
            return Err(node.attribute_error("select_last_index", 1, "a tie goes to the lowest index"));
        }
        _ => stream.tail.unwrap_or(Tail::Order),
    });
    Ok(())
}
