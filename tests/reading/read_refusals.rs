//! One refusal a kind of error, by code and by the name it must carry; and forms that must be accepted.

use crate::common::graph::{Graph, Value};
use bincim::network::{Decision, InputCode, Network};
use bincim::read::onnx::proto::{NodeProto, SparseTensorProto, StringStringEntry};
use bincim::read::{self, Error};
use prost::Message;

/// A dense network: sign, 4 inputs to 3 outputs, and `tail` behind it.
fn small(tail: impl FnOnce(&mut Graph, String) -> String) -> Vec<u8> {
    let mut g = Graph::new(&[1, 4]);
    let bits = g.sign("x");
    let w = g.floats(&[4, 3], &[1., -1., 1., 1., 1., -1., -1., -1., 1., 1., -1., -1.]);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    let output = tail(&mut g, acc);
    g.bytes(&output)
}

/// A convolution network on 2x6x6 bits: 3 channels of 3x3, and `tail` behind it.
fn small_conv(attributes: &[(&str, Value)], tail: impl FnOnce(&mut Graph, String) -> String) -> Vec<u8> {
    let mut g = Graph::new(&[1, 2, 6, 6]);
    let bits = g.sign("x");
    let w = g.floats(&[3, 2, 3, 3], &[1.0; 54]);
    let acc = g.node("Conv", &[&bits, &w], attributes);
    let output = tail(&mut g, acc);
    g.bytes(&output)
}

fn network(bytes: &[u8]) -> Network {
    read::network_from_bytes(bytes, "t").unwrap_or_else(|e| panic!("{e:?}")).network
}

fn errors(bytes: &[u8]) -> Vec<Error> {
    read::network_from_bytes(bytes, "t").expect_err("must be refused")
}

/// The only error: its code, and `name` somewhere in its text.
fn refused(bytes: &[u8], code: &str, name: &str) {
    let list = errors(bytes);
    assert_eq!(list.iter().map(Error::code).collect::<Vec<_>>(), [code], "{list:?}");
    assert!(list[0].to_string().contains(name), "{}", list[0]);
    assert!(!list[0].help().is_empty());
}

#[test]
fn io() {
    let errors = read::network(std::path::Path::new("no/such/model.onnx")).unwrap_err();
    assert_eq!(errors.list[0].code(), "read::io");
    assert!(errors.to_string().contains("no/such/model.onnx"));
}

#[test]
fn not_onnx() {
    refused(b"not a model at all", "read::not-onnx", "");
    refused(&[], "read::not-onnx", "no graph");
    let whole = small(|_, acc| acc);
    refused(&whole[..whole.len() - 3], "read::not-onnx", "cut short");
}

#[test]
fn too_large() {
    let mut g = Graph::of_pixels(&[1, 1, 4096, 4096]);
    let w = g.floats(&[2, 1, 1, 1], &[1.0; 2]);
    let half = g.scalar(127.5);
    let centred = g.node("Sub", &["x", &half], &[]);
    let bits = g.sign(&centred);
    let acc = g.node("Conv", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::too-large", "node_Conv");
}

#[test]
fn graph_faults() {
    let mut g = Graph::new(&[1, 4]);
    let out = g.node("Identity", &["nothing"], &[]);
    refused(&g.bytes(&out), "read::graph", "'nothing'");

    let mut g = Graph::new(&[1, 4]);
    let out = g.node("Identity", &["x"], &[]);
    g.proto.node[0].input = vec![out.clone()];
    refused(&g.bytes(&out), "read::graph", "depends on itself");

    let mut g = Graph::new(&[1, 4]);
    let out = g.sign("x");
    refused(&g.bytes(&out), "read::graph", "last layer");
}

/// What would be taken for an attribute that is not there, or decided by the one that comes first.
#[test]
fn attributes_twice_or_of_another_kind() {
    let strides = |values: &[Value]| {
        let named: Vec<(&str, Value)> = values.iter().map(|value| ("strides", value.clone())).collect();
        small_conv(&named, |_, acc| acc)
    };
    // As it should be: nothing but the end is wrong.
    refused(&strides(&[Value::Ints(vec![2, 2])]), "read::graph", "a map of 3x2x2");
    refused(
        &strides(&[Value::Ints(vec![1, 1]), Value::Ints(vec![2, 2])]),
        "read::structure",
        "strides twice",
    );
    refused(
        &strides(&[Value::Float(1.5)]),
        "read::structure",
        "strides holds something else than whole numbers",
    );
    let flat = small(|g, acc| g.node("Flatten", &[&acc], &[("axis", Value::Ints(vec![1]))]));
    refused(&flat, "read::structure", "axis holds something else than a whole number");
}

#[test]
fn sparse_weights() {
    let mut g = Graph::new(&[1, 4]);
    let bits = g.sign("x");
    let w = g.floats(&[4, 3], &[1.0; 12]);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    let values = g.proto.initializer.pop();
    g.proto.sparse_initializer.push(SparseTensorProto { values });
    refused(&g.bytes(&acc), "read::graph", "is sparse");
}

/// Values of attributes are shown as they are written.
#[test]
fn values_in_messages() {
    let dilated = [("kernel_shape", Value::Ints(vec![2, 2])), ("dilations", Value::Ints(vec![2, 2]))];
    let pooled = small_conv(&[], |g, acc| {
        let bits = g.sign(&acc);
        g.node("MaxPool", &[&bits], &dilated)
    });
    refused(&pooled, "read::attribute", "dilations = [2, 2]");
    let cast = small(|g, acc| g.node("Cast", &[&acc], &[("to", Value::Int(7))]));
    refused(&cast, "read::attribute", "to = 7 ");
}

#[test]
fn tensor_of_wrong_size() {
    let mut g = Graph::new(&[1, 4]);
    let bits = g.sign("x");
    let w = g.floats(&[4, 3], &[1.0; 11]);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::tensor", &w);
}

#[test]
fn external_data() {
    let mut g = Graph::new(&[1, 4]);
    let bits = g.sign("x");
    let w = g.floats(&[4, 3], &[1.0; 12]);
    let tensor = g.proto.initializer.last_mut().unwrap();
    tensor.data_location = Some(1);
    tensor.external_data =
        vec![StringStringEntry { key: Some("location".into()), value: Some("/etc/passwd".into()) }];
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::external-data", &w);
}

#[test]
fn all_unknown_operations_at_once() {
    let bytes = small(|g, acc| {
        let a = g.node("LSTM", &[&acc], &[]);
        g.node_of("com.example", "Magic", &[&a], &[])
    });
    let list = errors(&bytes);
    assert_eq!(list.iter().map(Error::code).collect::<Vec<_>>(), ["read::unknown-op"; 2]);
    assert!(list[0].to_string().contains("LSTM") && list[1].to_string().contains("com.example::Magic"));
}

#[test]
fn faults_in_separate_nodes_are_told_together() {
    let bytes = small(|g, acc| {
        let wrong = g.floats(&[5], &[0.0; 5]);
        let good = g.sign(&acc);
        let w1 = g.floats(&[3, 4], &[1.0; 12]);
        let a = g.node("MatMul", &[&good, &w1], &[]);
        g.node("Add", &[&a, &wrong], &[])
    });
    assert_eq!(errors(&bytes).len(), 1);
    let mut g = Graph::new(&[1, 4]);
    let w = g.floats(&[4, 3], &[0.3; 12]);
    let wrong = g.floats(&[2, 2], &[1.0; 4]);
    let axes = g.ints(&[7]);
    let squeezed = g.node("Squeeze", &[&wrong, &axes], &[]);
    let steps = g.node("Add", &[&w, &wrong], &[]);
    let bits = g.sign("x");
    let a = g.node("MatMul", &[&bits, &steps], &[]);
    let out = g.node("Add", &[&a, &squeezed], &[]);
    let codes: Vec<&str> = errors(&g.bytes(&out)).iter().map(Error::code).collect();
    assert_eq!(codes, ["read::shape", "read::attribute"]);
}

#[test]
fn attributes() {
    let end = |g: &mut Graph, acc: String| {
        let bits = g.sign(&acc);
        let flat = g.node("Flatten", &[&bits], &[]);
        let n = flat.clone();
        let w = g.floats(&[1], &[1.0]);
        g.node("Mul", &[&n, &w], &[])
    };
    let ints = |v: &[i64]| Value::Ints(v.to_vec());
    refused(&small_conv(&[("dilations", ints(&[2, 2]))], end), "read::attribute", "dilations");
    refused(&small_conv(&[("group", Value::Int(2))], end), "read::attribute", "group");
    refused(&small_conv(&[("pads", ints(&[3, 0, 0, 0]))], end), "read::attribute", "pads");
    refused(&small_conv(&[("strides", ints(&[0, 1]))], end), "read::attribute", "strides");
    let padded_pool = |g: &mut Graph, acc: String| {
        let bits = g.sign(&acc);
        g.node("MaxPool", &[&bits], &[("kernel_shape", ints(&[2, 2])), ("pads", ints(&[1, 1, 1, 1]))])
    };
    refused(&small_conv(&[], padded_pool), "read::attribute", "pads");
    let partial_average = |g: &mut Graph, acc: String| {
        let bits = g.sign(&acc);
        g.node("AveragePool", &[&bits], &[("kernel_shape", ints(&[2, 2]))])
    };
    refused(&small_conv(&[], partial_average), "read::attribute", "kernel_shape");
    let two_bits = |g: &mut Graph, acc: String| {
        let (scale, zero, bits) = (g.scalar(1.0), g.scalar(0.0), g.scalar(2.0));
        g.custom("Quant", &[&acc, &scale, &zero, &bits], &[("signed", Value::Int(1))])
    };
    refused(&small(two_bits), "read::graph", "quantised to 2 bits");
    let nine_bits = |g: &mut Graph, acc: String| {
        let (scale, zero, bits) = (g.scalar(1.0), g.scalar(0.0), g.scalar(9.0));
        g.custom("Quant", &[&acc, &scale, &zero, &bits], &[("signed", Value::Int(1))])
    };
    refused(&small(nine_bits), "read::graph", "quantised to 9 bits");
    let inside = |g: &mut Graph, acc: String| {
        let bits = nine_bits(g, acc);
        let w = g.floats(&[3, 2], &[1.0; 6]);
        g.node("MatMul", &[&bits, &w], &[])
    };
    refused(&small(inside), "read::attribute", "bitwidth = 9");
}

#[test]
fn shapes_that_contradict() {
    let bytes = small(|g, acc| {
        let shape = g.ints(&[1, 5]);
        g.node("Reshape", &[&acc, &shape], &[])
    });
    refused(&bytes, "read::shape", "node_Reshape");
}

#[test]
fn weights_that_are_no_constant() {
    let mut g = Graph::new(&[1, 4]);
    let out = g.node("MatMul", &["x"], &[]);
    refused(&g.bytes(&out), "read::not-constant", "node_MatMul");
}

#[test]
fn weights_and_activations_that_are_not_binary() {
    let mut g = Graph::new(&[1, 4]);
    let bits = g.sign("x");
    let w = g.floats(&[4, 1], &[1.0, -1.414, 0.577, 0.333]);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::not-binary", "output channel 0");
    let many = small(|g, acc| {
        let t = g.floats(&[3, 256], &[0.5; 768]);
        let bits = g.custom("MultiThreshold", &[&acc, &t], &[("out_scale", Value::Float(1.0))]);
        let w = g.floats(&[3, 2], &[1.0; 6]);
        g.node("MatMul", &[&bits, &w], &[])
    });
    refused(&many, "read::not-binary", "256 thresholds");
    let no_sign = small(|g, acc| {
        let w = g.floats(&[3, 1], &[1.0; 3]);
        g.node("MatMul", &[&acc, &w], &[])
    });
    refused(&no_sign, "read::not-binary", "not quantised");
}

#[test]
fn a_chain_that_folds_back() {
    let bytes = small(|g, acc| {
        let leaky = g.node("LeakyRelu", &[&acc], &[("alpha", Value::Float(-1.0))]);
        let two = g.scalar(2.0);
        let moved = g.node("Sub", &[&leaky, &two], &[]);
        g.sign(&moved)
    });
    refused(&bytes, "read::not-monotone", "channel 0");
}

#[test]
fn the_sign_of_zero() {
    refused(&small(|g, acc| g.node("Sign", &[&acc], &[])), "read::sign-of-zero", "value 0");
    let never_zero = small(|g, acc| {
        let half = g.scalar(0.5);
        let moved = g.node("Add", &[&acc, &half], &[]);
        g.node("Sign", &[&moved], &[])
    });
    assert_eq!(network(&never_zero).layers.len(), 1);
}

#[test]
fn residual_sums_and_branches() {
    let bytes = small(|g, acc| {
        let a = g.sign(&acc);
        g.node("Add", &[&acc, &a], &[])
    });
    refused(&bytes, "read::residual", "node_Add");
    let two_heads = small(|g, acc| {
        let a = g.sign(&acc);
        let w = g.floats(&[3, 3], &[1.0; 9]);
        let one = g.node("MatMul", &[&a, &w], &[]);
        let other = g.node("MatMul", &[&a, &w], &[]);
        g.node("Concat", &[&one, &other], &[("axis", Value::Int(1))])
    });
    refused(&two_heads, "read::residual", "node_Concat");
}

#[test]
fn structures() {
    let after_decision = small(|g, acc| {
        let soft = g.node("Softmax", &[&acc], &[("axis", Value::Int(1))]);
        g.sign(&soft)
    });
    refused(&after_decision, "read::structure", "decision");
    let reciprocal = small(|g, acc| {
        let one = g.scalar(1.0);
        g.node("Div", &[&one, &acc], &[])
    });
    refused(&reciprocal, "read::structure", "divides a constant");
    let mut g = Graph::new(&[1, 2, 4, 4]);
    let bits = g.sign("x");
    let (pads, value) = (g.ints(&[0, 0, 1, 1, 0, 0, 1, 1]), g.scalar(0.5));
    let padded = g.node("Pad", &[&bits, &pads, &value], &[]);
    let w = g.floats(&[1, 2, 3, 3], &[1.0; 18]);
    let acc = g.node("Conv", &[&padded, &w], &[]);
    refused(&g.bytes(&acc), "read::structure", "pads with 0.5");
}

#[test]
fn inputs() {
    let mut g = Graph::new(&[1, 4]);
    let w = g.floats(&[4, 1], &[1.0; 4]);
    let acc = g.node("MatMul", &["x", &w], &[]);
    refused(&g.bytes(&acc), "read::input", "without a quantiser");
    let mut g = Graph::new(&[1, 4]);
    let w = g.floats(&[4, 1], &[1.0; 4]);
    let far = g.scalar(1000.0);
    let moved = g.node("Add", &["x", &far], &[]);
    let bits = g.sign(&moved);
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::input", "every pixel value gives the same code");
    let mut g = Graph::new(&[16, 4]);
    let bits = g.sign("x");
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    refused(&g.bytes(&acc), "read::input", "batch");
}

#[test]
fn old_exporters_list_initialisers_as_inputs_and_use_old_domains() {
    for domain in ["finn.custom_op.general", "onnx.brevitas"] {
        let mut g = Graph::new(&[1, 4]);
        let one = g.scalar(1.0);
        let bits = g.node_of(domain, "BipolarQuant", &["x", &one], &[]);
        let w = g.floats(&[4, 2], &[1.0; 8]);
        let acc = g.node("MatMul", &[&bits, &w], &[]);
        let listed: Vec<_> = g.proto.initializer.iter().map(|i| i.name().to_string()).collect();
        for name in listed {
            let mut input = g.proto.input[0].clone();
            input.name = Some(name);
            g.proto.input.insert(0, input);
        }
        assert_eq!(network(&g.bytes(&acc)).layers[0].fan_in(), 4);
    }
}

#[test]
fn xnor_popcount_counts_become_sums() {
    let mut g = Graph::of_pixels(&[1, 3]);
    let t = g.floats(&[1, 1], &[100.0]);
    let binary = [("out_scale", Value::Float(1.0)), ("out_bias", Value::Float(0.0))];
    let bits = g.custom("MultiThreshold", &["x", &t], &binary);
    let w = g.floats(&[3, 2], &[1.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    let out = g.custom("XnorPopcountMatMul", &[&bits, &w], &[]);
    let net = network(&g.bytes(&out));
    for pixels in [[0u8, 0, 0], [200, 0, 200], [200, 200, 99], [100, 255, 0]] {
        let expected = g.run(&out, &pixels.map(f64::from)).values;
        let scores = crate::common::evaluate(&net, &pixels).pop().unwrap();
        let counts: Vec<f64> = scores
            .iter()
            .enumerate()
            .map(|(c, &s)| net.output.scale[c] * f64::from(s) + net.output.bias[c])
            .collect();
        assert_eq!(counts, expected);
    }
}

/// A convolution of 4 outputs on 2x6x6 pixels, `middle`, then 3 classes from what `middle` leaves.
fn with_middle(
    inputs: usize,
    middle: impl FnOnce(&mut Graph, String) -> String,
    order: fn(usize) -> usize,
) -> Network {
    let mut g = Graph::of_pixels(&[1, 2, 6, 6]);
    let half = g.scalar(127.5);
    let centred = g.node("Sub", &["x", &half], &[]);
    let bits = g.sign(&centred);
    let pattern = |i: usize| if i * i % 7 < 3 { 1.0 } else { -1.0 };
    let w = g.floats(&[4, 2, 3, 3], &(0..72).map(pattern).collect::<Vec<f64>>());
    let acc = g.node("Conv", &[&bits, &w], &[("auto_pad", Value::Text("VALID"))]);
    let middle = middle(&mut g, acc);
    let w: Vec<f64> = (0..inputs * 3).map(|i| pattern(order(i / 3) * 3 + i % 3)).collect();
    let w = g.floats(&[inputs, 3], &w);
    let out = g.node("MatMul", &[&middle, &w], &[]);
    let network = network(&g.bytes(&out));
    let layers = network.layers.into_iter().map(|mut layer| {
        layer.name = Default::default();
        layer
    });
    let output = bincim::network::Output { name: Default::default(), ..network.output };
    Network { layers: layers.collect(), output, ..network }
}

#[test]
fn averages_in_all_their_spellings() {
    let global = |after_sign: bool, op: &'static str| {
        let attributes = match op {
            "AveragePool" => vec![("kernel_shape", Value::Ints(vec![4, 4]))],
            "ReduceMean" => vec![("axes", Value::Ints(vec![2, -1])), ("keepdims", Value::Int(0))],
            _ => Vec::new(),
        };
        with_middle(
            4,
            move |g, acc| {
                let map = if after_sign { g.sign(&acc) } else { acc };
                let mean = g.node(op, &[&map], &attributes);
                let flat = g.node("Flatten", &[&mean], &[]);
                if after_sign { flat } else { g.sign(&flat) }
            },
            |i| i,
        )
    };
    for after_sign in [false, true] {
        let wanted = global(after_sign, "GlobalAveragePool");
        assert_eq!(wanted.layers[usize::from(after_sign)].conv.pixels(), 16);
        assert!(wanted.layers[usize::from(after_sign)].sum_pixels);
        for op in ["AveragePool", "ReduceMean"] {
            assert_eq!(global(after_sign, op), wanted, "{op}");
        }
    }
    let sum = with_middle(
        4,
        |g, acc| {
            let bits = g.sign(&acc);
            let axes = g.ints(&[2, 3]);
            g.node("ReduceSum", &[&bits, &axes], &[("keepdims", Value::Int(0))])
        },
        |i| i,
    );
    let mean = global(true, "GlobalAveragePool");
    assert_eq!(sum.layers, mean.layers);
    assert_eq!((sum.output.scale[0], mean.output.scale[0]), (1.0, 1.0 / 16.0));
}

#[test]
fn a_flatten_of_a_channels_last_map_orders_the_weights_alike() {
    let plain = with_middle(
        64,
        |g, acc| {
            let bits = g.sign(&acc);
            g.node("Flatten", &[&bits], &[])
        },
        |i| i,
    );
    // Input k of the channels-last vector is (row, column, channel): k / 4 is the pixel, k % 4 the channel.
    let turned = with_middle(
        64,
        |g, acc| {
            let bits = g.sign(&acc);
            let last = g.node("Transpose", &[&bits], &[("perm", Value::Ints(vec![0, 2, 3, 1]))]);
            let shape = g.ints(&[0, -1]);
            let kept = g.node("Identity", &[&last], &[]);
            g.node("Reshape", &[&kept, &shape], &[])
        },
        |k| k % 4 * 16 + k / 4,
    );
    assert_eq!(turned, plain);
    assert_eq!(plain.layers[1].kernel, (4, 4));
}

#[test]
fn decisions_and_tails() {
    assert_eq!(network(&small(|_, acc| acc)).output.decision, Decision::Argmax);
    let bits = network(&small(|g, acc| g.sign(&acc)));
    assert_eq!(bits.output.decision, Decision::HighestBit);
    let top = small(|g, acc| {
        let k = g.ints(&[2]);
        g.node("TopK", &[&acc, &k], &[("axis", Value::Int(-1))])
    });
    assert_eq!(network(&top).output.top_k, Some(2));
    let too_many = small(|g, acc| {
        let k = g.ints(&[4]);
        g.node("TopK", &[&acc, &k], &[("axis", Value::Int(-1))])
    });
    refused(&too_many, "read::attribute", "k = ");
    let normed = small(|g, acc| {
        let (gamma, beta) = (g.floats(&[3], &[2.0, -1.0, 0.5]), g.floats(&[3], &[1.0, 2.0, 3.0]));
        let (mean, var) = (g.floats(&[3], &[0.0, 4.0, 8.0]), g.floats(&[3], &[1.0, 4.0, 0.25]));
        let inputs = [acc.as_str(), &gamma, &beta, &mean, &var];
        let normed = g.node("BatchNormalization", &inputs, &[("epsilon", Value::Float(0.0))]);
        g.node("Softmax", &[&normed], &[("axis", Value::Int(1))])
    });
    let out = network(&normed).output;
    assert_eq!((out.scale, out.bias), (vec![2.0, -0.5, 1.0], vec![1.0, 4.0, -5.0]));
}

#[test]
fn input_codes_and_pixel_rules() {
    let quantised = |signed: i64, bits: f64, scale: f64, affine: bool| {
        let mut g = Graph::new(&[1, 4]);
        let (scale, zero, bits) = (g.scalar(scale), g.scalar(0.0), g.scalar(bits));
        let mut x = "x".to_string();
        if affine {
            let (two, one) = (g.scalar(2.0), g.scalar(1.0));
            let doubled = g.node("Mul", &["x", &two], &[]);
            x = g.node("Sub", &[&doubled, &one], &[]);
        }
        let signed = [("signed", Value::Int(signed)), ("narrow", Value::Int(0))];
        let q = g.custom("Quant", &[&x, &scale, &zero, &bits], &signed);
        let w = g.floats(&[4, 1], &[1.0; 4]);
        let acc = g.node("MatMul", &[&q, &w], &[]);
        network(&g.bytes(&acc)).input
    };
    let cnv = quantised(1, 8.0, 1.0 / 128.0, false);
    assert_eq!((cnv.code, cnv.pixel_rule.as_str()), (InputCode::Signed { bits: 8 }, "bipolar"));
    assert_eq!([0, 127, 128, 254, 255].map(|p: usize| cnv.pixel_values[p]), [-128, -1, 1, 127, 127]);
    // As Brevitas exports CNV: 2x - 1 in the graph, x in 0..=1.
    let brevitas = quantised(1, 8.0, 1.0 / 128.0, true);
    assert_eq!((brevitas.pixel_rule.as_str(), brevitas.pixel_values), ("unit", cnv.pixel_values));
    let unit = quantised(0, 8.0, f64::from(1.0f32 / 255.0), false);
    assert_eq!((unit.code, unit.pixel_rule.as_str()), (InputCode::Unsigned { bits: 8 }, "unit"));
    assert_eq!(unit.pixel_values, (0..256).collect::<Vec<i16>>());
    let raw = quantised(0, 8.0, 1.0, false);
    assert_eq!((raw.pixel_rule.as_str(), &raw.pixel_values), ("graph", &unit.pixel_values));
    assert_eq!(quantised(0, 4.0, 16.0, false).pixel_values[255], 15);
}

#[test]
fn a_network_written_back_and_read_again_is_unchanged() {
    let bytes = small(|g, acc| g.sign(&acc));
    let model = read::onnx::decode(&bytes).unwrap();
    assert_eq!(model.encode_to_vec(), bytes);
    assert!(model.graph.unwrap().node.iter().all(|n: &NodeProto| !n.name().is_empty()));
}
