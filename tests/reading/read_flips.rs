//! Flip codes: they come to the weights that they belong to, in every form of a layer, or the file is refused by name.

use crate::common::graph::{Graph, Value};
use bincim::lower::lower;
use bincim::network::{FLIP_BITS, Flips, Network, flip_codes};
use bincim::read::onnx::proto::{StringStringEntry, TensorProto};
use bincim::read::{self, Error};
use prost::Message;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Adds the codes of `weight` as unsigned bytes.
fn add_codes(graph: &mut Graph, weight: &str, dims: &[usize], codes: &[u8]) {
    graph.proto.initializer.push(TensorProto {
        dims: dims.iter().map(|&d| d as i64).collect(),
        data_type: Some(2),
        name: Some(flip_codes(weight)),
        raw_data: Some(codes.to_vec()),
        ..Default::default()
    });
}

/// The file whose output is `output`, with `bits` in its metadata.
fn file(graph: &Graph, output: &str, bits: Option<&str>) -> Vec<u8> {
    let mut model = graph.model(output);
    if let Some(bits) = bits {
        model.metadata_props =
            vec![StringStringEntry { key: Some(FLIP_BITS.into()), value: Some(bits.into()) }];
    }
    model.encode_to_vec()
}

fn network(bytes: &[u8]) -> Network {
    read::network_from_bytes(bytes, "t").unwrap_or_else(|e| panic!("{e:?}")).network
}

/// The only error: its code, and `parts` in its text.
fn refused(bytes: &[u8], code: &str, parts: &[&str]) {
    let list = read::network_from_bytes(bytes, "t").expect_err("must be refused");
    assert_eq!(list.iter().map(Error::code).collect::<Vec<_>>(), [code], "{list:?}");
    let text = list[0].to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(!list[0].help().is_empty());
}

/// How a layer has its weights in the graph; all read 3 x 4 x 2 bits, padded and strided convolutions too.
const FORMS: [&str; 8] =
    ["conv", "conv of a sign", "dense", "dense of a sign", "turned", "gemm", "gemm turned", "xnor"];

/// The weights' shape, and whether they are bits 0 and 1.
fn shape(form: &str) -> (Vec<usize>, bool) {
    match form {
        "conv" | "conv of a sign" => (vec![5, 3, 3, 2], false),
        "turned" | "gemm turned" => (vec![5, 24], false),
        "xnor" => (vec![24, 5], true),
        _ => (vec![24, 5], false),
    }
}

/// A network of one layer with the weights `values`, and `codes` beside them.
fn layer(form: &str, values: &[f64], codes: Option<&[u8]>) -> Vec<u8> {
    let mut g = Graph::new(&[1, 3, 4, 2]);
    let mut map = g.sign("x");
    let (dims, _) = shape(form);
    let mut weight = g.floats(&dims, values);
    if let Some(codes) = codes {
        add_codes(&mut g, &weight, &dims, codes);
    }
    let output = match form {
        "conv" | "conv of a sign" => {
            if form != "conv" {
                let scale = g.scalar(0.5);
                weight = g.custom("BipolarQuant", &[&weight, &scale], &[]);
            }
            let attributes = [("pads", Value::Ints(vec![1, 0, 1, 0])), ("strides", Value::Ints(vec![2, 1]))];
            let sums = g.node("Conv", &[&map, &weight], &attributes);
            let bits = g.sign(&sums);
            let flat = g.node("Flatten", &[&bits], &[]);
            let last = g.floats(&[10, 2], &[1.0; 20]);
            g.node("MatMul", &[&flat, &last], &[])
        }
        _ => {
            if form == "xnor" {
                let thresholds = g.floats(&[1, 1], &[0.0]);
                let attributes = [("out_scale", Value::Float(1.0)), ("out_bias", Value::Float(0.0))];
                map = g.custom("MultiThreshold", &[&map, &thresholds], &attributes);
            }
            let mut flat = g.node("Flatten", &[&map], &[]);
            match form {
                "dense of a sign" => weight = g.sign(&weight),
                "turned" => {
                    let turned = g.node("Transpose", &[&weight], &[]);
                    let minus = g.scalar(-2.0);
                    weight = g.node("Mul", &[&turned, &minus], &[]);
                }
                _ => {}
            }
            if form.starts_with("gemm") {
                let attributes =
                    [("alpha", Value::Float(-0.5)), ("transB", Value::Int(i64::from(form == "gemm turned")))];
                flat = g.node("Gemm", &[&flat, &weight], &attributes);
            } else if form == "xnor" {
                flat = g.custom("XnorPopcountMatMul", &[&flat, &weight], &[]);
            } else {
                flat = g.node("MatMul", &[&flat, &weight], &[]);
            }
            flat
        }
    };
    file(&g, &output, codes.map(|_| "4"))
}

/// Weights whose code is not 0 are those that differ from a file in which just they are turned round.
#[test]
fn codes_belong_to_the_weights_that_they_stand_beside() {
    for form in FORMS {
        for seed in 0..4 {
            let mut rng = StdRng::seed_from_u64(seed);
            let (dims, zero_one) = shape(form);
            let count = dims.iter().product();
            let low = if zero_one { 0.0 } else { -1.0 };
            let values: Vec<f64> = (0..count).map(|_| if rng.random() { 1.0 } else { low }).collect();
            let codes: Vec<u8> = (0..count).map(|_| rng.random_range(0..=7)).collect();
            let made = network(&layer(form, &values, Some(&codes)));
            let flips = made.layers[0].flips.as_ref().unwrap_or_else(|| panic!("{form}: no codes"));
            assert_eq!(flips.bits, 4);
            let plain = network(&layer(form, &values, None));
            assert_eq!(made.mode().layers[0].planes, plain.layers[0].planes, "{form}");
            for code in 1..=7u8 {
                let turn = |(value, own): (&f64, &u8)| if *own == code { 1.0 + low - value } else { *value };
                let other: Vec<f64> = values.iter().zip(&codes).map(turn).collect();
                let turned = network(&layer(form, &other, None));
                let (here, there) = (&plain.layers[0].planes[0].weights, &turned.layers[0].planes[0].weights);
                for channel in 0..here.rows() {
                    for column in 0..here.columns() {
                        let differs = here.get(channel, column) != there.get(channel, column);
                        let own = flips.codes[channel * here.columns() + column];
                        assert_eq!(own == code, differs, "{form}, channel {channel}, column {column}");
                    }
                }
            }
        }
    }
}

/// What the passes do to weights, channels and shapes leaves codes where they are.
#[test]
fn lowering_leaves_the_codes() {
    let mut rng = StdRng::seed_from_u64(7);
    for seed in 0..60 {
        let plain = bincim::network::random::network(seed, &Default::default());
        let drawn = bincim::network::random::with_flips(plain, rng.random_range(2..=8), seed);
        let lowered = lower(drawn.clone());
        assert_eq!(bincim::network::validate(&lowered), [], "{seed}");
        for (before, after) in drawn.layers.iter().zip(&lowered.layers) {
            assert_eq!(before.flips, after.flips, "{seed}");
        }
    }
}

/// 4 bits to 3 outputs with two layers of weights; codes are in the hands of the test.
struct Small {
    graph: Graph,
    first: String,
    output: String,
}

fn small() -> Small {
    let mut graph = Graph::new(&[1, 4]);
    let bits = graph.sign("x");
    let first = graph.floats(&[4, 3], &[1., -1., 1., 1., 1., -1., -1., -1., 1., 1., -1., -1.]);
    let sums = graph.node("MatMul", &[&bits, &first], &[]);
    let bits = graph.sign(&sums);
    let second = graph.floats(&[3, 2], &[1., -1., 1., 1., 1., -1.]);
    let output = graph.node("MatMul", &[&bits, &second], &[]);
    Small { graph, first, output }
}

#[test]
fn one_layer_of_two_may_have_codes() {
    let Small { mut graph, first, output } = small();
    add_codes(&mut graph, &first, &[4, 3], &[3; 12]);
    for (bits, most) in [("3", 3), ("8", 3)] {
        let made = network(&file(&graph, &output, Some(bits)));
        assert_eq!(made.layers[0].flips, Some(Flips { bits: bits.parse().unwrap(), codes: vec![most; 12] }));
        assert_eq!((made.layers[1].flips.as_ref(), made.first_drawn()), (None, Some(0)));
    }
}

#[test]
fn codes_and_key_come_together() {
    let Small { mut graph, first, output } = small();
    refused(&file(&graph, &output, Some("4")), "read::graph", &[FLIP_BITS, "'4'", "no tensor WEIGHT.flip"]);
    add_codes(&mut graph, &first, &[4, 3], &[1; 12]);
    refused(&file(&graph, &output, None), "read::graph", &[&flip_codes(&first), FLIP_BITS]);
    for bits in ["1", "9", "four", ""] {
        refused(&file(&graph, &output, Some(bits)), "read::graph", &[FLIP_BITS, &format!("'{bits}'")]);
    }
}

#[test]
fn codes_fit_their_weights() {
    let with = |dims: &[usize], codes: &[u8], bits: &str| {
        let Small { mut graph, first, output } = small();
        add_codes(&mut graph, &first, dims, codes);
        (file(&graph, &output, Some(bits)), flip_codes(&first))
    };
    let (bytes, name) = with(&[3, 4], &[1; 12], "4");
    refused(&bytes, "read::tensor", &[&name, "[3, 4]", "[4, 3]"]);
    let (bytes, name) = with(&[4, 3], &[0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0], "4");
    refused(&bytes, "read::tensor", &[&name, "8 is no flip code"]);
    let (bytes, _) = with(&[4, 3], &[7; 12], "4");
    assert_eq!(network(&bytes).layers[0].flips.as_ref().map(|f| f.codes[0]), Some(7));
    let (bytes, name) = with(&[4, 3], &[2; 12], "2");
    refused(&bytes, "read::tensor", &[&name, "2 is no flip code"]);
}

#[test]
fn codes_without_weights_are_refused() {
    let Small { mut graph, first, output } = small();
    add_codes(&mut graph, &first, &[4, 3], &[1; 12]);
    add_codes(&mut graph, "gone", &[4, 3], &[1; 12]);
    refused(&file(&graph, &output, Some("4")), "read::tensor", &["'gone.flip'", "no initialiser 'gone'"]);

    // A scale is an initialiser, and what a node does with it is no weighing.
    let Small { mut graph, first, output } = small();
    add_codes(&mut graph, &first, &[4, 3], &[1; 12]);
    let scale = graph.floats(&[2], &[0.5, 0.25]);
    add_codes(&mut graph, &scale, &[2], &[1, 1]);
    let scaled = graph.node("Mul", &[&output, &scale], &[]);
    refused(&file(&graph, &scaled, Some("4")), "read::structure", &["node_Mul", &scale, "flip codes"]);

    // Weights of a node that the output does not need.
    let Small { mut graph, first, output } = small();
    add_codes(&mut graph, &first, &[4, 3], &[1; 12]);
    let idle = graph.floats(&[4, 3], &[1.0; 12]);
    add_codes(&mut graph, &idle, &[4, 3], &[1; 12]);
    refused(
        &file(&graph, &output, Some("4")),
        "read::tensor",
        &[&flip_codes(&idle), "not what a layer weighs"],
    );
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let with = |make: &dyn Fn(&mut Graph, String) -> String, values: &[f64]| {
        let mut graph = Graph::new(&[1, 4]);
        let weight = graph.floats(&[4, 3], values);
        add_codes(&mut graph, &weight, &[4, 3], &[1; 12]);
        let output = make(&mut graph, weight);
        file(&graph, &output, Some("4"))
    };
    let quantised = |graph: &mut Graph, input: &str, low: bool| {
        let inputs = [graph.scalar(1.0), graph.scalar(0.0), graph.scalar(2.0)];
        let attributes = [("signed", Value::Int(i64::from(low))), ("narrow", Value::Int(i64::from(low)))];
        graph.custom("Quant", &[input, &inputs[0], &inputs[1], &inputs[2]], &attributes)
    };
    // Two planes.
    let ternary = [1.0, -1.0, 0.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, 1.0, 0.0, -1.0];
    let dense = |graph: &mut Graph, weight: String| {
        let bits = graph.sign("x");
        graph.node("MatMul", &[&bits, &weight], &[])
    };
    refused(&with(&dense, &ternary), "read::structure", &["node_MatMul", "more than one size"]);
    // Activations of several levels before it, and behind it.
    let signs = ternary.map(|weight| if weight > 0.0 { 1.0 } else { -1.0 });
    let levels = |graph: &mut Graph, weight: String| {
        let bits = graph.sign("x");
        let square = graph.floats(&[4, 4], &[1.0; 16]);
        let sums = graph.node("MatMul", &[&bits, &square], &[]);
        let map = quantised(graph, &sums, true);
        graph.node("MatMul", &[&map, &weight], &[])
    };
    refused(&with(&levels, &signs), "read::structure", &["node_MatMul", "activations of several levels"]);
    let behind = |graph: &mut Graph, weight: String| {
        let sums = dense(graph, weight);
        let map = quantised(graph, &sums, true);
        let last = graph.floats(&[3, 2], &[1.0; 6]);
        graph.node("MatMul", &[&map, &last], &[])
    };
    refused(&with(&behind, &signs), "read::structure", &["node_Quant", "several levels"]);
    // Bits 0 and 1, whose offset a turned weight would change.
    let lifted = |graph: &mut Graph, weight: String| {
        let bits = graph.sign("x");
        let one = graph.scalar(1.0);
        let map = graph.node("Add", &[&bits, &one], &[]);
        graph.node("MatMul", &[&map, &weight], &[])
    };
    refused(&with(&lifted, &signs), "read::structure", &["node_MatMul", "both sides of 0"]);
    // A sum of constants.
    let sum = |graph: &mut Graph, weight: String| {
        let support = graph.floats(&[4, 3], &[0.5; 12]);
        let weights = graph.node("Add", &[&weight, &support], &[]);
        dense(graph, weights)
    };
    refused(&with(&sum, &signs), "read::structure", &["node_Add", "flip codes"]);
}
