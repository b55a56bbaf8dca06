//! The trained network as a QONNX model.
//!
//! The graph reads raw pixels 0..=255 as float (1, channels, rows, columns) and holds, layer by layer,
//! `Conv` or `MatMul` with `BipolarQuant` weights, `BatchNormalization`, `BipolarQuant` and `MaxPool`; the last
//! `Mul` scales the sums. Nodes and tensors bear their layer's name. The same model gives the same bytes.

use super::model::{LayerState, Model};
use super::norm::EPSILON;
use super::plan::{Plan, PlanLayer};
use super::recipe::{Code, Kind};
use super::sign::sign;
use crate::network::{PadValue, Shape};
use crate::onnx::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetId, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use prost::Message;

const QONNX: &str = "qonnx.custom_op.general";
const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// The bytes of the model file.
pub fn onnx(plan: &Plan, model: &Model) -> Vec<u8> {
    let mut graph = Graph { made: GraphProto::default(), value: "image".into() };
    graph.made.name = Some(plan.name.clone());
    let dims = [1, plan.input.c, plan.input.h, plan.input.w];
    graph.made.input.push(value_info("image", &dims));
    graph.made.output.push(value_info("scores", &[1, plan.classes()]));
    graph.scalar("one", 1.0);
    graph.input(plan.code);
    for (layer, state) in plan.layers.iter().zip(&model.layers) {
        graph.layer(layer, state);
    }
    let opset = |domain: &str, version| OperatorSetId { domain: Some(domain.into()), version: Some(version) };
    let model = ModelProto {
        ir_version: Some(8),
        producer_name: Some("bincim".into()),
        graph: Some(graph.made),
        opset_import: vec![opset("", 13), opset(QONNX, 2)],
    };
    model.encode_to_vec()
}

/// Nodes and constants under construction.
struct Graph {
    made: GraphProto,
    /// Name of the newest tensor.
    value: String,
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
        let weights = name("weights");
        match layer.kind {
            Kind::Conv => {
                self.pad(layer);
                let (dims, values) = conv_weights(layer, &state.weights.value);
                let signs = self.signs(&weights, &dims, &values);
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
                let (dims, values) = dense_weights(layer, &state.weights.value);
                let signs = self.signs(&weights, &dims, &values);
                self.named("MatMul", &layer.name, &name("sums"), &[&signs], vec![]);
            }
        }
        if layer.kind == Kind::Scores {
            self.scalar(&name("scale"), state.gamma.value[0]);
            // The graph's output.
            self.named("Mul", &name("scaled"), "scores", &[&name("scale")], vec![]);
            return;
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
        if layer.pool > 1 {
            let side = [layer.pool as i64; 2];
            let attributes = vec![ints("kernel_shape", &side), ints("pads", &[0; 4]), ints("strides", &side)];
            self.then("MaxPool", &name("pool"), &[], attributes);
        }
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

    /// A binary weight: signs behind a BipolarQuant; gives the name of the quantised tensor.
    fn signs(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        self.constant(name, dims, values);
        let made = format!("{name}.signs");
        self.push("BipolarQuant", &made, &made, vec![name.into(), "one".into()], vec![]);
        made
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

/// Signs in the order output, input, row, column.
fn conv_weights(layer: &PlanLayer, latent: &[f32]) -> ([usize; 4], Vec<f32>) {
    let (inputs, outputs, (kh, kw)) = (layer.input.c, layer.conv.c, layer.kernel);
    let mut values = Vec::with_capacity(latent.len());
    for output in 0..outputs {
        for input in 0..inputs {
            for place in 0..kh * kw {
                values.push(f32::from(sign(latent[(place * inputs + input) * outputs + output])));
            }
        }
    }
    ([outputs, inputs, kh, kw], values)
}

/// Signs in the order input (channel, row, column), output.
fn dense_weights(layer: &PlanLayer, latent: &[f32]) -> ([usize; 2], Vec<f32>) {
    let (Shape { c, .. }, pixels, outputs) = (layer.input, layer.input.pixels(), layer.conv.c);
    let mut values = Vec::with_capacity(latent.len());
    for channel in 0..c {
        for pixel in 0..pixels {
            let row = &latent[(pixel * c + channel) * outputs..][..outputs];
            values.extend(row.iter().map(|&weight| f32::from(sign(weight))));
        }
    }
    ([layer.fan_in(), outputs], values)
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
