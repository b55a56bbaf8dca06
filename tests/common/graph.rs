//! Small ONNX graphs built in tests, and their execution in floating point by the plain meaning of each
//! operation: the other side of every comparison with the reader.
#![allow(dead_code, reason = "each test binary uses its own part")]

use bincim::read::onnx::proto::*;
use prost::Message;
use std::collections::HashMap;

pub const QONNX: &str = "qonnx.custom_op.general";

/// An attribute's value.
#[derive(Clone)]
pub enum Value {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(&'static str),
}

/// A graph that grows; `x` is its input.
#[derive(Clone)]
pub struct Graph {
    pub proto: GraphProto,
    fresh: usize,
}

impl Graph {
    /// A graph with a float input of shape `dims`.
    pub fn new(dims: &[i64]) -> Graph {
        let proto = GraphProto { input: vec![value_info("x", dims, 1)], ..Default::default() };
        Graph { proto, fresh: 0 }
    }

    /// The same with an input of 8-bit unsigned pixels.
    pub fn of_pixels(dims: &[i64]) -> Graph {
        let mut graph = Graph::new(dims);
        graph.proto.input = vec![value_info("x", dims, 2)];
        graph
    }

    fn name(&mut self, of: &str) -> String {
        self.fresh += 1;
        format!("{of}_{}", self.fresh)
    }

    /// Adds an initialiser of 32-bit floats.
    pub fn floats(&mut self, dims: &[usize], values: &[f64]) -> String {
        let name = self.name("c");
        self.proto.initializer.push(TensorProto {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: Some(1),
            name: Some(name.clone()),
            raw_data: Some(values.iter().flat_map(|&v| (v as f32).to_le_bytes()).collect()),
            ..Default::default()
        });
        name
    }

    /// Adds an initialiser of 64-bit floats.
    pub fn doubles(&mut self, dims: &[usize], values: &[f64]) -> String {
        let name = self.name("d");
        self.proto.initializer.push(TensorProto {
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: Some(11),
            name: Some(name.clone()),
            raw_data: Some(values.iter().flat_map(|&v| v.to_le_bytes()).collect()),
            ..Default::default()
        });
        name
    }

    pub fn scalar(&mut self, value: f64) -> String {
        self.floats(&[], &[value])
    }

    /// Adds an initialiser of 64-bit integers.
    pub fn ints(&mut self, values: &[i64]) -> String {
        let name = self.name("i");
        self.proto.initializer.push(TensorProto {
            dims: vec![values.len() as i64],
            data_type: Some(7),
            name: Some(name.clone()),
            int64_data: values.to_vec(),
            ..Default::default()
        });
        name
    }

    /// Adds a node; gives the name of its output.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> String {
        self.node_of("", op, inputs, attributes)
    }

    /// Adds a node of the QONNX domain.
    pub fn custom(&mut self, op: &str, inputs: &[&str], attributes: &[(&str, Value)]) -> String {
        self.node_of(QONNX, op, inputs, attributes)
    }

    pub fn node_of(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        attributes: &[(&str, Value)],
    ) -> String {
        let output = self.name(op);
        let attribute = |(name, value): &(&str, Value)| {
            let mut a = AttributeProto { name: Some(name.to_string()), ..Default::default() };
            match value.clone() {
                Value::Int(i) => (a.i, a.kind) = (Some(i), Some(2)),
                Value::Ints(ints) => (a.ints, a.kind) = (ints, Some(7)),
                Value::Float(f) => (a.f, a.kind) = (Some(f), Some(1)),
                Value::Text(s) => (a.s, a.kind) = (Some(s.into()), Some(3)),
            }
            a
        };
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|s| s.to_string()).collect(),
            output: vec![output.clone()],
            name: Some(format!("node_{output}")),
            op_type: Some(op.into()),
            attribute: attributes.iter().map(attribute).collect(),
            domain: Some(domain.into()),
        });
        output
    }

    /// `BipolarQuant` of scale 1.
    pub fn sign(&mut self, x: &str) -> String {
        let one = self.scalar(1.0);
        self.custom("BipolarQuant", &[x, &one], &[])
    }

    pub fn model(&self, output: &str) -> ModelProto {
        let mut graph = self.proto.clone();
        graph.output = vec![value_info(output, &[], 1)];
        ModelProto {
            ir_version: Some(8),
            producer_name: Some("test".into()),
            graph: Some(graph),
            opset_import: vec![
                OperatorSetId { domain: Some(String::new()), version: Some(13) },
                OperatorSetId { domain: Some(QONNX.into()), version: Some(2) },
            ],
            ..Default::default()
        }
    }

    pub fn bytes(&self, output: &str) -> Vec<u8> {
        self.model(output).encode_to_vec()
    }

    /// The value called `output` for the input `x` of the graph's shape.
    pub fn run(&self, output: &str, x: &[f64]) -> Tensor {
        let tensor_type = self.proto.input[0].kind.as_ref().unwrap().tensor_type.as_ref().unwrap();
        let dims = tensor_type.shape.as_ref().unwrap().dim.iter().map(|d| d.dim_value() as usize).collect();
        let mut values = HashMap::from([("x".to_string(), Tensor { dims, values: x.to_vec() })]);
        for init in &self.proto.initializer {
            let read = bincim::read::onnx::Tensor::decode(init).unwrap();
            values.insert(init.name().into(), Tensor { dims: read.dims, values: read.values });
        }
        for node in &self.proto.node {
            let inputs: Vec<Tensor> = node.input.iter().map(|n| values[n].clone()).collect();
            values.insert(node.output[0].clone(), execute(node, &inputs));
        }
        values[output].clone()
    }
}

fn value_info(name: &str, dims: &[i64], elem_type: i32) -> ValueInfoProto {
    let dim = dims.iter().map(|&d| DimensionProto { dim_value: Some(d), dim_param: None }).collect();
    let tensor_type = TensorTypeProto { elem_type: Some(elem_type), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.into()), kind: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub dims: Vec<usize>,
    pub values: Vec<f64>,
}

fn execute(node: &NodeProto, inputs: &[Tensor]) -> Tensor {
    let find = |name: &str| node.attribute.iter().find(|a| a.name() == name);
    let ints = |name: &str, default: &[i64]| find(name).map_or(default.to_vec(), |a| a.ints.clone());
    let x = &inputs[0];
    let map = |f: &dyn Fn(f64) -> f64| Tensor {
        dims: x.dims.clone(),
        values: x.values.iter().map(|&v| f(v)).collect(),
    };
    let both = |f: &dyn Fn(f64, f64) -> f64| broadcast(x, &inputs[1], f);
    match node.op_type() {
        "Add" => both(&|a, b| a + b),
        "Sub" => both(&|a, b| a - b),
        "Mul" => both(&|a, b| a * b),
        "Div" => both(&|a, b| a / b),
        "Floor" => map(&f64::floor),
        "Relu" => map(&|v| v.max(0.0)),
        "Clip" => map(&|v| v.max(inputs[1].values[0]).min(inputs[2].values[0])),
        "BipolarQuant" => both(&|a, s| if a >= 0.0 { s } else { -s }),
        "Quant" => {
            let (scale, bits) = (inputs[1].values[0], inputs[3].values[0] as i32);
            if bits == 1 {
                return map(&|v| if v >= 0.0 { scale } else { -scale });
            }
            let signed = find("signed").unwrap().i() == 1;
            let narrow = find("narrow").is_some_and(|a| a.i() == 1);
            let high = if signed { 2f64.powi(bits - 1) } else { 2f64.powi(bits) } - 1.0;
            let low = if !signed {
                0.0
            } else if narrow {
                -high
            } else {
                -high - 1.0
            };
            map(&|v| (v / scale).clamp(low, high).round_ties_even() * scale)
        }
        "MultiThreshold" => {
            let (scale, bias) = (find("out_scale").unwrap().f(), find("out_bias").unwrap().f());
            let plane: usize = x.dims[2..].iter().product();
            let steps = inputs[1].dims[1];
            let values = x.values.iter().enumerate().map(|(i, &v)| {
                let c = if inputs[1].dims[0] == 1 { 0 } else { i / plane % x.dims[1] };
                let met = inputs[1].values[c * steps..(c + 1) * steps].iter().filter(|&&t| v >= t).count();
                f64::from(scale) * met as f64 + f64::from(bias)
            });
            Tensor { dims: x.dims.clone(), values: values.collect() }
        }
        "BatchNormalization" => {
            let epsilon = f64::from(find("epsilon").unwrap().f());
            let plane: usize = x.dims[2..].iter().product();
            let values = x.values.iter().enumerate().map(|(i, v)| {
                let c = i / plane % x.dims[1];
                let p = |k: usize| inputs[k].values[c];
                (v - p(3)) / (p(4) + epsilon).sqrt() * p(1) + p(2)
            });
            Tensor { dims: x.dims.clone(), values: values.collect() }
        }
        "Conv" => {
            let pads = ints("pads", &[0; 4]);
            let mut made = convolve(&padded(x, &pads, 0.0), &inputs[1], &ints("strides", &[1, 1]));
            if let Some(bias) = inputs.get(2) {
                let plane = made.dims[2] * made.dims[3];
                made.values.iter_mut().enumerate().for_each(|(i, v)| *v += bias.values[i / plane]);
            }
            made
        }
        "Pad" => {
            let p: Vec<i64> = inputs[1].values.iter().map(|&v| v as i64).collect();
            let plane = x.dims[2] * x.dims[3];
            let mut values = vec![inputs[2].values[0]; p[1] as usize * plane];
            values.extend(&x.values);
            values.extend(vec![inputs[2].values[0]; p[5] as usize * plane]);
            let dims = vec![1, values.len() / plane, x.dims[2], x.dims[3]];
            padded(&Tensor { dims, values }, &[p[2], p[3], p[6], p[7]], inputs[2].values[0])
        }
        // Of rows and columns, from the first to the last.
        "Slice" => {
            assert_eq!(inputs[3].values, [2.0, 3.0]);
            let steps: Vec<i64> = inputs[4].values.iter().map(|&v| v as i64).collect();
            windows(x, &[1, 1], &steps, |w| w.sum())
        }
        "MaxPool" => {
            let (k, s) = (ints("kernel_shape", &[]), ints("strides", &[1, 1]));
            windows(x, &k, &s, |w| w.fold(f64::NEG_INFINITY, f64::max))
        }
        "AveragePool" => {
            let (k, s) = (ints("kernel_shape", &[]), ints("strides", &[1, 1]));
            windows(x, &k, &s, |w| w.sum::<f64>() / (k[0] * k[1]) as f64)
        }
        "GlobalAveragePool" => {
            let k = [x.dims[2] as i64, x.dims[3] as i64];
            windows(x, &k, &k, |w| w.sum::<f64>() / (k[0] * k[1]) as f64)
        }
        "Flatten" => Tensor { dims: vec![1, x.values.len()], values: x.values.clone() },
        "Transpose" => {
            let (rows, columns) = (x.dims[0], x.dims[1]);
            let values = (0..rows * columns).map(|i| x.values[i % rows * columns + i / rows]).collect();
            Tensor { dims: vec![columns, rows], values }
        }
        "MatMul" => product(x, &inputs[1], false),
        "XnorPopcountMatMul" => {
            let bipolar = |t: &Tensor| Tensor {
                dims: t.dims.clone(),
                values: t.values.iter().map(|v| 2.0 * v - 1.0).collect(),
            };
            let k = inputs[1].dims[0] as f64;
            let mut made = product(&bipolar(x), &bipolar(&inputs[1]), false);
            made.values.iter_mut().for_each(|v| *v = (*v + k) * 0.5);
            made
        }
        "Gemm" => {
            let made = product(x, &inputs[1], find("transB").is_some_and(|a| a.i() == 1));
            broadcast(&made, &inputs[2], &|a, b| a + b)
        }
        other => panic!("the test's executor has no {other}"),
    }
}

fn broadcast(a: &Tensor, b: &Tensor, f: &dyn Fn(f64, f64) -> f64) -> Tensor {
    let (large, rank) = (if a.dims.len() >= b.dims.len() { a } else { b }, a.dims.len().max(b.dims.len()));
    let size =
        |t: &Tensor, i: usize| if i + t.dims.len() < rank { 1 } else { t.dims[i + t.dims.len() - rank] };
    let dims: Vec<usize> = (0..rank).map(|i| size(a, i).max(size(b, i))).collect();
    assert_eq!(large.dims.len(), rank);
    let at = |t: &Tensor, mut index: usize| {
        let (mut offset, mut stride) = (0, 1);
        for i in (0..rank).rev() {
            let position = index % dims[i];
            index /= dims[i];
            if size(t, i) > 1 {
                offset += position * stride;
            }
            stride *= size(t, i);
        }
        t.values[offset]
    };
    let total = dims.iter().product();
    Tensor { values: (0..total).map(|i| f(at(a, i), at(b, i))).collect(), dims }
}

fn padded(x: &Tensor, pads: &[i64], value: f64) -> Tensor {
    let (c, h, w) = (x.dims[1], x.dims[2], x.dims[3]);
    let [top, left, bottom, right] = [pads[0] as usize, pads[1] as usize, pads[2] as usize, pads[3] as usize];
    let (height, width) = (h + top + bottom, w + left + right);
    let mut values = vec![value; c * height * width];
    for (i, &v) in x.values.iter().enumerate() {
        values[((i / (h * w)) * height + i / w % h + top) * width + i % w + left] = v;
    }
    Tensor { dims: vec![1, c, height, width], values }
}

fn convolve(x: &Tensor, w: &Tensor, strides: &[i64]) -> Tensor {
    let (c, h, width) = (x.dims[1], x.dims[2], x.dims[3]);
    let (o, kh, kw) = (w.dims[0], w.dims[2], w.dims[3]);
    let (sh, sw) = (strides[0] as usize, strides[1] as usize);
    let (rows, columns) = ((h - kh) / sh + 1, (width - kw) / sw + 1);
    let mut values = Vec::new();
    for i in 0..o * rows * columns {
        let (out, y, xx) = (i / (rows * columns), i / columns % rows, i % columns);
        let mut sum = 0.0;
        for k in 0..c * kh * kw {
            let (ch, ky, kx) = (k / (kh * kw), k / kw % kh, k % kw);
            sum += w.values[out * c * kh * kw + k] * x.values[(ch * h + y * sh + ky) * width + xx * sw + kx];
        }
        values.push(sum);
    }
    Tensor { dims: vec![1, o, rows, columns], values }
}

fn windows(
    x: &Tensor,
    kernel: &[i64],
    strides: &[i64],
    f: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Tensor {
    let (c, h, w) = (x.dims[1], x.dims[2], x.dims[3]);
    let (kh, kw) = (kernel[0] as usize, kernel[1] as usize);
    let (sh, sw) = (strides[0] as usize, strides[1] as usize);
    let (rows, columns) = ((h - kh) / sh + 1, (w - kw) / sw + 1);
    let values = (0..c * rows * columns)
        .map(|i| {
            let (ch, y, xx) = (i / (rows * columns), i / columns % rows, i % columns);
            let at = |k: usize| x.values[(ch * h + y * sh + k / kw) * w + xx * sw + k % kw];
            f(&mut (0..kh * kw).map(at))
        })
        .collect();
    Tensor { dims: vec![1, c, rows, columns], values }
}

fn product(x: &Tensor, w: &Tensor, transposed: bool) -> Tensor {
    let (inputs, outputs) = if transposed { (w.dims[1], w.dims[0]) } else { (w.dims[0], w.dims[1]) };
    let weight = |k: usize, o: usize| w.values[if transposed { o * inputs + k } else { k * outputs + o }];
    let values = (0..outputs).map(|o| (0..inputs).map(|k| x.values[k] * weight(k, o)).sum()).collect();
    Tensor { dims: vec![1, outputs], values }
}
