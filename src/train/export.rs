//! The trained network as a QONNX model.
//!
//! The graph reads raw pixels 0..=255 as float (1, channels, rows, columns) and holds, layer by layer,
//! `Conv` or `MatMul` with `BipolarQuant` weights, `BatchNormalization`, `BipolarQuant` and `MaxPool`; the last
//! `Mul` scales the sums. Sums that a shortcut begins at are pooled before their normalisation; those of a layer with a
//! shortcut pass a `Mul` by their scale, where it is not 1, and the `Add`. Thresholds of fewer planes than all, and flip codes of weights that are drawn, are tensors that no node reads. Nodes and tensors bear their layer's name. The same model gives the same bytes.

use super::bayes;
use super::fold;
use super::model::{LayerState, Model};
use super::norm::EPSILON;
use super::plan::{Plan, PlanLayer};
use super::recipe::{Code, Kind};
use super::shortcut::PlanShortcut;
use super::sign::sign;
use crate::network::{FLIP_BITS, PadValue, Shape, fewer_planes, flip_codes};
use crate::onnx::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetId, StringStringEntry,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use prost::Message;

const QONNX: &str = "qonnx.custom_op.general";
const FLOAT: i32 = 1;
const UINT8: i32 = 2;
const INT32: i32 = 6;
const INT64: i32 = 7;

/// What the file holds of the weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weights {
    /// Their signs.
    #[default]
    Signs,
    /// The latent numbers, whose signs the graph takes: another training can go on from them.
    Latent,
}

/// The bytes of the model file.
pub fn onnx(plan: &Plan, model: &Model, weights: Weights) -> Vec<u8> {
    let mut graph =
        Graph { made: GraphProto::default(), value: "image".into(), kept: String::new(), weights };
    graph.made.name = Some(plan.name.clone());
    let dims = [1, plan.input.c, plan.input.h, plan.input.w];
    graph.made.input.push(value_info("image", &dims));
    graph.made.output.push(value_info("scores", &[1, plan.classes()]));
    graph.scalar("one", 1.0);
    graph.input(plan.code);
    for (index, (layer, state)) in plan.layers.iter().zip(&model.layers).enumerate() {
        graph.layer(layer, state);
        if let Some(bayes) = plan.drawn(index) {
            graph.flips(layer, &state.weights.value, bayes.bits);
        }
    }
    for layer in fold::network(plan, model).layers {
        for (below, list) in layer.fewer.iter().enumerate() {
            let raw = list.iter().flat_map(|threshold| threshold.to_le_bytes()).collect();
            graph.tensor(&fewer_planes(layer.name.raw(), below + 1), INT32, &[list.len()], raw);
        }
    }
    let flip_bits = plan
        .bayes
        .iter()
        .map(|bayes| StringStringEntry { key: Some(FLIP_BITS.into()), value: Some(bayes.bits.to_string()) });
    let opset = |domain: &str, version| OperatorSetId { domain: Some(domain.into()), version: Some(version) };
    let model = ModelProto {
        ir_version: Some(8),
        producer_name: Some("bincim".into()),
        graph: Some(graph.made),
        opset_import: vec![opset("", 13), opset(QONNX, 2)],
        metadata_props: flip_bits.collect(),
    };
    model.encode_to_vec()
}

/// Nodes and constants under construction.
struct Graph {
    made: GraphProto,
    /// Name of the newest tensor.
    value: String,
    /// Name of the newest sums that a shortcut begins at.
    kept: String,
    weights: Weights,
}

impl Graph {
    /// What turns a pixel into a code; every step is exact.
    fn input(&mut self, code: Code) {
        match code {
            Code::Int8 => {
                self.scalar("image.scale", 1.0 / 128.0);
                self.then("Mul", "image.scaled", &["image.scale"], vec![]);
                self.then("Sub", "image.centred", &["one"], vec![]);
                self.scalar("image.step", 1.0 / 128.0);
                self.scalar("image.zero", 0.0);
                self.scalar("image.bits", 8.0);
                let attributes = vec![int("signed", 1), int("narrow", 0), text("rounding_mode", "ROUND")];
                let parameters = ["image.step", "image.zero", "image.bits"];
                self.then("Quant", "image.codes", &parameters, attributes);
            }
            Code::Bipolar => {
                self.scalar("image.middle", 127.5);
                self.then("Sub", "image.centred", &["image.middle"], vec![]);
                self.then("BipolarQuant", "image.signs", &["one"], vec![]);
            }
        }
    }

    fn layer(&mut self, layer: &PlanLayer, state: &LayerState) {
        let name = |part: &str| format!("{}.{part}", layer.name);
        match layer.kind {
            Kind::Conv => {
                self.pad(layer);
                let signs = self.effective(layer, state);
                let own = if layer.pad_value == PadValue::Zero { layer.pad as i64 } else { 0 };
                let (kh, kw) = (layer.kernel.0 as i64, layer.kernel.1 as i64);
                let attributes = vec![
                    ints("dilations", &[1, 1]),
                    int("group", 1),
                    ints("kernel_shape", &[kh, kw]),
                    ints("pads", &[own; 4]),
                    ints("strides", &[layer.stride as i64; 2]),
                ];
                self.named("Conv", &layer.name, &name("sums"), &[&signs], attributes);
            }
            Kind::Dense | Kind::Scores => {
                if layer.input.pixels() > 1 || self.made.node.iter().all(|node| node.op_type() != "MatMul") {
                    self.then("Flatten", &name("flat"), &[], vec![int("axis", 1)]);
                }
                let signs = self.effective(layer, state);
                self.named("MatMul", &layer.name, &name("sums"), &[&signs], vec![]);
            }
        }
        if layer.kind == Kind::Scores {
            self.scalar(&name("scale"), state.gamma.value[0]);
            // The graph's output.
            self.named("Mul", &name("scaled"), "scores", &[&name("scale")], vec![]);
            return;
        }
        if let Some(shortcut) = layer.shortcut {
            self.add_kept(layer, shortcut);
        }
        if layer.keeps {
            self.pool(layer);
            self.kept = self.value.clone();
        }
        let lists = [
            ("gamma", &state.gamma.value),
            ("beta", &state.beta.value),
            ("mean", &state.measured.mean),
            ("variance", &state.measured.variance),
        ];
        for (part, values) in lists {
            self.constant(&name(part), &[values.len()], values);
        }
        let inputs: Vec<String> = lists.iter().map(|(part, _)| name(part)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.then("BatchNormalization", &name("norm"), &inputs, vec![float("epsilon", EPSILON)]);
        self.then("BipolarQuant", &name("sign"), &["one"], vec![]);
        if !layer.keeps {
            self.pool(layer);
        }
    }

    /// The sums of a layer in their scale, and the sums that were kept added to them.
    fn add_kept(&mut self, layer: &PlanLayer, shortcut: PlanShortcut) {
        let name = |part: &str| format!("{}.{part}", layer.name);
        if shortcut.scale != 1.0 {
            self.scalar(&name("scale"), shortcut.scale);
            self.then("Mul", &name("scaled"), &[&name("scale")], vec![]);
        }
        let kept = self.kept.clone();
        self.then("Add", &name("residual"), &[&kept], vec![]);
    }

    fn pool(&mut self, layer: &PlanLayer) {
        if layer.pool == 1 {
            return;
        }
        let side = [layer.pool as i64; 2];
        let attributes = vec![ints("kernel_shape", &side), ints("pads", &[0; 4]), ints("strides", &side)];
        self.then("MaxPool", &format!("{}.pool", layer.name), &[], attributes);
    }

    /// Padding with -1 or +1, which a convolution's own padding cannot hold.
    fn pad(&mut self, layer: &PlanLayer) {
        if layer.pad == 0 || layer.pad_value == PadValue::Zero {
            return;
        }
        let (pad, name) = (layer.pad as i64, |part: &str| format!("{}.{part}", layer.name));
        let pads = [0, 0, pad, pad, 0, 0, pad, pad];
        let raw = pads.iter().flat_map(|p| p.to_le_bytes()).collect();
        self.tensor(&name("pads"), INT64, &[pads.len()], raw);
        self.scalar(&name("border"), if layer.pad_value == PadValue::Plus { 1.0 } else { -1.0 });
        let inputs = [&*name("pads"), &*name("border")];
        self.then("Pad", &name("padded"), &inputs, vec![text("mode", "constant")]);
    }

    /// The weights of a layer, the signs of the base and of the supports in their sizes; gives the tensor's name.
    fn effective(&mut self, layer: &PlanLayer, state: &LayerState) -> String {
        let name = |part: &str| format!("{}.{part}", layer.name);
        let mut sum = self.signs(layer, &name("weights"), &state.weights.value, "one");
        for (number, support) in state.supports.iter().enumerate().filter(|(_, support)| support.is_used()) {
            let own = name(&format!("support{}", number + 1));
            let scale = format!("{own}.scale");
            self.scalar(&scale, support.size());
            let mut signs = self.signs(layer, &own, &support.weights.value, &scale);
            if support.kept.contains(&0.0) {
                let kept = format!("{own}.kept");
                let (dims, values) = mask(layer, &support.kept);
                self.constant(&kept, &dims, &values);
                let made = format!("{own}.masked");
                self.push("Mul", &made, &made, vec![signs, kept], vec![]);
                signs = made;
            }
            let made = format!("{own}.sum");
            self.push("Add", &made, &made, vec![sum, signs], vec![]);
            sum = made;
        }
        sum
    }

    /// Signs of latent weights in the size that `scale` names; gives the tensor's name.
    fn signs(&mut self, layer: &PlanLayer, name: &str, latent: &[f32], scale: &str) -> String {
        let value = |latent: f32| match self.weights {
            Weights::Signs => f32::from(sign(latent)),
            Weights::Latent => latent,
        };
        let (dims, values) = ordered(layer, latent, value);
        self.constant(name, &dims, &values);
        let made = format!("{name}.signs");
        self.push("BipolarQuant", &made, &made, vec![name.into(), scale.into()], vec![]);
        made
    }

    /// The flip codes of the weights of a layer, beside them.
    fn flips(&mut self, layer: &PlanLayer, lambdas: &[f32], bits: usize) {
        let (dims, codes) = ordered(layer, lambdas, |lambda| bayes::code(bits, lambda));
        self.tensor(&flip_codes(&format!("{}.weights", layer.name)), UINT8, &dims, codes);
    }

    /// A node named like its output behind the newest tensor.
    fn then(&mut self, op: &str, output: &str, more: &[&str], attributes: Vec<AttributeProto>) {
        self.named(op, output, output, more, attributes);
    }

    fn named(&mut self, op: &str, name: &str, output: &str, more: &[&str], attributes: Vec<AttributeProto>) {
        let mut inputs = vec![std::mem::replace(&mut self.value, output.into())];
        inputs.extend(more.iter().map(|input| input.to_string()));
        self.push(op, name, output, inputs, attributes);
    }

    fn push(
        &mut self,
        op: &str,
        name: &str,
        output: &str,
        input: Vec<String>,
        attribute: Vec<AttributeProto>,
    ) {
        let custom = matches!(op, "BipolarQuant" | "Quant");
        self.made.node.push(NodeProto {
            input,
            output: vec![output.into()],
            name: Some(name.into()),
            op_type: Some(op.into()),
            attribute,
            domain: custom.then(|| QONNX.into()),
        });
    }

    fn scalar(&mut self, name: &str, value: f32) {
        self.constant(name, &[], &[value]);
    }

    fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        self.tensor(name, FLOAT, dims, values.iter().flat_map(|value| value.to_le_bytes()).collect());
    }

    fn tensor(&mut self, name: &str, data_type: i32, dims: &[usize], raw: Vec<u8>) {
        self.made.initializer.push(TensorProto {
            dims: dims.iter().map(|&size| size as i64).collect(),
            data_type: Some(data_type),
            name: Some(name.into()),
            raw_data: Some(raw),
            ..Default::default()
        });
    }
}

/// What `value` makes of the weights of a layer, in the shape and order of the file.
fn ordered<T>(layer: &PlanLayer, latent: &[f32], value: impl Fn(f32) -> T) -> (Vec<usize>, Vec<T>) {
    match layer.kind {
        Kind::Conv => conv_weights(layer, latent, value),
        Kind::Dense | Kind::Scores => dense_weights(layer, latent, value),
    }
}

/// Weights in the order output, input, row, column.
fn conv_weights<T>(layer: &PlanLayer, latent: &[f32], value: impl Fn(f32) -> T) -> (Vec<usize>, Vec<T>) {
    let (inputs, outputs, (kh, kw)) = (layer.input.c, layer.conv.c, layer.kernel);
    let mut values = Vec::with_capacity(latent.len());
    for output in 0..outputs {
        for input in 0..inputs {
            for place in 0..kh * kw {
                values.push(value(latent[(place * inputs + input) * outputs + output]));
            }
        }
    }
    (vec![outputs, inputs, kh, kw], values)
}

/// Weights in the order input (channel, row, column), output.
fn dense_weights<T>(layer: &PlanLayer, latent: &[f32], value: impl Fn(f32) -> T) -> (Vec<usize>, Vec<T>) {
    let (Shape { c, .. }, pixels, outputs) = (layer.input, layer.input.pixels(), layer.conv.c);
    let mut values = Vec::with_capacity(latent.len());
    for channel in 0..c {
        for pixel in 0..pixels {
            let row = &latent[(pixel * c + channel) * outputs..][..outputs];
            values.extend(row.iter().map(|&weight| value(weight)));
        }
    }
    (vec![layer.fan_in(), outputs], values)
}

/// A number for each tap, in the order of the weights' inputs.
fn mask(layer: &PlanLayer, taps: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let (inputs, (kh, kw)) = (layer.input.c, layer.kernel);
    let values = (0..taps.len()).map(|at| taps[at % (kh * kw) * inputs + at / (kh * kw)]).collect();
    match layer.kind {
        Kind::Conv => (vec![1, inputs, kh, kw], values),
        Kind::Dense | Kind::Scores => (vec![taps.len(), 1], values),
    }
}

fn value_info(name: &str, dims: &[usize]) -> ValueInfoProto {
    let dim = |&size: &usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor_type = TensorTypeProto { elem_type: Some(FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.into()), kind: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

fn attribute(name: &str, kind: i32) -> AttributeProto {
    AttributeProto { name: Some(name.into()), kind: Some(kind), ..Default::default() }
}

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: Some(value), ..attribute(name, 2) }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { ints: values.to_vec(), ..attribute(name, 7) }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: Some(value), ..attribute(name, 1) }
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: Some(value.as_bytes().to_vec()), ..attribute(name, 3) }
}
