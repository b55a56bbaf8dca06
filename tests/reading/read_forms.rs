//! Forms of graphs that exporters write: read as the graph means them, or refused for the reason that holds.

use crate::common::graph::{Graph, Value};
use bincim::golden::reference;
use bincim::network::{Decision, InputCode, Network, constant_channels};
use bincim::read::onnx::proto::ValueInfoProto;
use bincim::read::{self, Error};
use prost::Message;

fn signs(count: usize) -> Vec<f64> {
    (0..count).map(|i| if i * i % 7 < 3 { 1.0 } else { -1.0 }).collect()
}

fn network(bytes: &[u8]) -> Network {
    read::network_from_bytes(bytes, "t").unwrap_or_else(|e| panic!("{e:?}")).network
}

/// The only error: its code, and each of `says` in its text and help.
fn refused(bytes: &[u8], code: &str, says: &[&str]) {
    let list = read::network_from_bytes(bytes, "t").expect_err("must be refused");
    assert_eq!(list.iter().map(Error::code).collect::<Vec<_>>(), [code], "{list:?}");
    let told = format!("{} {}", list[0], list[0].help());
    for word in says {
        assert!(told.contains(word), "no `{word}` in: {told}");
    }
    assert!(!list[0].help().is_empty());
}

/// Bits of `x`, a map of `dims`, in the graph's pixels.
fn bits_of(dims: &[i64]) -> (Graph, String) {
    let mut g = Graph::of_pixels(dims);
    let half = g.scalar(127.5);
    let centred = g.node("Sub", &["x", &half], &[]);
    let bits = g.sign(&centred);
    (g, bits)
}

/// A network on 2x5x6 bits: `pad` puts a border round them, a 3x3 convolution and 3 classes follow.
fn padded(pad: impl FnOnce(&mut Graph, &str) -> String, conv: &[(&str, Value)]) -> (Graph, String) {
    let (mut g, bits) = bits_of(&[1, 2, 5, 6]);
    let w = g.floats(&[2, 2, 1, 1], &[1.0, -1.0, 1.0, 1.0]);
    let first = g.node("Conv", &[&bits, &w], &[]);
    let half = g.scalar(0.5);
    let moved = g.node("Add", &[&first, &half], &[]);
    let map = g.sign(&moved);
    let map = pad(&mut g, &map);
    let w = g.floats(&[4, 2, 3, 3], &signs(72));
    let acc = g.node("Conv", &[&map, &w], conv);
    let bits = g.sign(&acc);
    let mean = g.node("GlobalAveragePool", &[&bits], &[]);
    let flat = g.node("Flatten", &[&mean], &[]);
    let w = g.floats(&[4, 3], &signs(12));
    let output = g.node("MatMul", &[&flat, &w], &[]);
    (g, output)
}

/// Without the names of nodes.
fn unnamed(mut network: Network) -> Network {
    network.layers.iter_mut().for_each(|layer| layer.name = "".into());
    network.output.name = "".into();
    network
}

#[test]
fn pad_names_its_axes_in_any_order() {
    let pad = |pads: &[i64], axes: Option<&[i64]>, value: f64| {
        let (pads, axes) = (pads.to_vec(), axes.map(<[i64]>::to_vec));
        padded(
            move |g, map| {
                let (pads, value) = (g.ints(&pads), g.scalar(value));
                match axes {
                    Some(axes) => {
                        let axes = g.ints(&axes);
                        g.node("Pad", &[map, &pads, &value, &axes], &[])
                    }
                    None => g.node("Pad", &[map, &pads, &value], &[]),
                }
            },
            &[],
        )
    };
    let of = |(g, output): (Graph, String)| unnamed(network(&g.bytes(&output)));
    // Rows 2 before and 1 behind, columns 0 before and 1 behind.
    let plain = of(pad(&[0, 0, 2, 0, 0, 0, 1, 1], None, 1.0));
    let p = plain.layers[1].padding;
    assert_eq!((p.top, p.left, p.bottom, p.right), (2, 0, 1, 1));
    assert_eq!(of(pad(&[2, 0, 1, 1], Some(&[2, 3]), 1.0)), plain);
    assert_eq!(of(pad(&[0, 2, 1, 1], Some(&[-1, -2]), 1.0)), plain);
    assert_eq!(of(pad(&[0, 0, 0, 2, 0, 0, 1, 1], Some(&[0, 1, 3, 2]), 1.0)), plain);
    let refuse = |pads: &[i64], axes: &[i64], code: &str, says: &str| {
        let (g, output) = pad(pads, Some(axes), 1.0);
        refused(&g.bytes(&output), code, &[says]);
    };
    refuse(&[1, 0, 0, 0], &[1, 2], "read::structure", "pads the channels of a map that is no state");
    refuse(&[1, 0, 0, 0], &[2], "read::attribute", "pads");
    refuse(&[1, 1, 1, 1], &[2, 2], "read::attribute", "axes");
    refuse(&[-1, 0, 0, 0], &[2, 3], "read::attribute", "pads");
}

#[test]
fn shape_gives_the_sizes_from_start_to_end() {
    for (start, end, rest) in [(0, 1, vec![-1]), (-4, -3, vec![-1]), (0, 2, vec![-1, 5, 6]), (1, 9, vec![])] {
        let (mut g, bits) = bits_of(&[1, 2, 5, 6]);
        let shape = g.node("Shape", &[&bits], &[("start", Value::Int(start)), ("end", Value::Int(end))]);
        let rest = g.ints(&rest);
        let target = g.node("Concat", &[&shape, &rest], &[("axis", Value::Int(0))]);
        let turned = g.node("Reshape", &[&bits, &target], &[]);
        let flat = g.node("Flatten", &[&turned], &[("axis", Value::Int(if start == 1 { 0 } else { 1 }))]);
        let w = g.floats(&[60, 3], &signs(180));
        let output = g.node("MatMul", &[&flat, &w], &[]);
        let net = network(&g.bytes(&output));
        let pixels: Vec<u8> = (0..60u32).map(|i| (i * 83) as u8).collect();
        let x: Vec<f64> = pixels.iter().map(|&p| if p > 127 { 1.0 } else { -1.0 }).collect();
        let w = signs(180);
        let expected: Vec<i32> =
            (0..3).map(|o| (0..60).map(|k| x[k] * w[k * 3 + o]).sum::<f64>() as i32).collect();
        assert_eq!(reference::run(&net, &net.input.elements(&pixels)).scores, expected, "{start}..{end}");
    }
}

/// `outputs` of the graph, in this order.
fn with_outputs(g: &Graph, outputs: &[&str]) -> Vec<u8> {
    let mut model = g.model(outputs[0]);
    let graph = model.graph.as_mut().expect("a graph");
    graph.output = outputs
        .iter()
        .map(|name| ValueInfoProto { name: Some(name.to_string()), ..graph.output[0].clone() })
        .collect();
    model.encode_to_vec()
}

#[test]
fn outputs_that_a_node_reads_too_are_outputs() {
    let (mut g, bits) = bits_of(&[1, 4]);
    let w = g.floats(&[4, 3], &signs(12));
    let sums = g.node("MatMul", &[&bits, &w], &[]);
    let half = g.scalar(0.5);
    let moved = g.node("Add", &[&sums, &half], &[]);
    let hidden = g.sign(&moved);
    let w = g.floats(&[3, 3], &signs(9));
    let scores = g.node("MatMul", &[&hidden, &w], &[]);
    let class = g.node("ArgMax", &[&scores], &[("axis", Value::Int(1))]);
    let alone = unnamed(network(&g.bytes(&scores)));
    for outputs in [[&*scores, &*class], [&*class, &*scores]] {
        assert_eq!(unnamed(network(&with_outputs(&g, &outputs))), alone, "{outputs:?}");
    }
    refused(&with_outputs(&g, &[&scores, &hidden]), "read::graph", &[&format!("'{hidden}'"), &scores]);
    refused(
        &with_outputs(&g, &[&hidden, &scores]),
        "read::graph",
        &[&format!("'{hidden}'"), &format!("'{scores}'")],
    );
}

#[test]
fn quantisers_of_the_default_domain_are_read() {
    let of = |domain: &str| {
        let mut g = Graph::of_pixels(&[1, 4]);
        let (half, one) = (g.scalar(127.5), g.scalar(1.0));
        let centred = g.node("Sub", &["x", &half], &[]);
        let bits = g.node_of(domain, "BipolarQuant", &[&centred, &one], &[]);
        let w = g.floats(&[4, 3], &signs(12));
        let (zero, two) = (g.scalar(0.0), g.scalar(2.0));
        let narrow = [("signed", Value::Int(1)), ("narrow", Value::Int(1))];
        let w = g.node_of(domain, "Quant", &[&w, &one, &zero, &two], &narrow);
        let sums = g.node("MatMul", &[&bits, &w], &[]);
        unnamed(network(&g.bytes(&sums)))
    };
    assert_eq!(of(""), of(crate::common::graph::QONNX));
    assert_eq!(of("ai.onnx"), of(crate::common::graph::QONNX));
}

#[test]
fn groups_and_convolutions_over_one_axis_are_refused_by_name() {
    let conv = |dims: &[i64], weights: &[usize], attributes: &[(&str, Value)]| {
        let (mut g, bits) = bits_of(dims);
        let w = g.floats(weights, &signs(weights.iter().product()));
        let acc = g.node("Conv", &[&bits, &w], attributes);
        g.bytes(&acc)
    };
    let depthwise = conv(&[1, 4, 6, 6], &[4, 1, 3, 3], &[("group", Value::Int(4))]);
    refused(&depthwise, "read::attribute", &["attribute group = 4 is not supported"]);
    let two = conv(&[1, 4, 6, 6], &[4, 2, 3, 3], &[("group", Value::Int(2))]);
    refused(&two, "read::attribute", &["group = 2"]);
    let dilated = conv(&[1, 4, 6, 6], &[4, 4, 3, 3], &[("dilations", Value::Ints(vec![2, 2]))]);
    refused(&dilated, "read::attribute", &["dilations = [2, 2]"]);
    let one_axis = conv(&[1, 4, 6], &[3, 4, 3], &[]);
    refused(&one_axis, "read::structure", &["over 1 axis", "kernel (1, k)"]);
}

#[test]
fn what_is_no_number_is_named_where_it_stands_and_once() {
    let dense = |weight: f64, weight_scale: f64, scale: f64| {
        let (mut g, mut map) = bits_of(&[1, 4]);
        for _ in 0..3 {
            let mut w = signs(16);
            w[7] = weight;
            let (w, scale_of_w) = (g.floats(&[4, 4], &w), g.scalar(weight_scale));
            let w = g.custom("BipolarQuant", &[&w, &scale_of_w], &[]);
            let acc = g.node("MatMul", &[&map, &w], &[]);
            let half = g.scalar(0.5);
            let moved = g.node("Add", &[&acc, &half], &[]);
            let scale = g.scalar(scale);
            map = g.custom("BipolarQuant", &[&moved, &scale], &[]);
        }
        let w = g.floats(&[4, 2], &signs(8));
        let output = g.node("MatMul", &[&map, &w], &[]);
        g.bytes(&output)
    };
    network(&dense(1.0, 1.0, 1.0));
    // Three nodes, one message.
    refused(&dense(f64::NAN, 1.0, 1.0), "read::structure", &["NaN", "not a finite number", "2 more"]);
    refused(
        &dense(1.0, f64::INFINITY, 1.0),
        "read::structure",
        &["scale is not a number", "BINARY", "2 more"],
    );
    refused(&dense(1.0, f64::NAN, 1.0), "read::structure", &["scale is not a number (NaN)", "2 more"]);
    refused(&dense(1.0, 0.0, 1.0), "read::structure", &["scale is 0", "2 more"]);
    // What depends on a refused node is passed over.
    refused(&dense(1.0, 1.0, f64::NAN), "read::structure", &["scale", "NaN"]);
    refused(&dense(1.0, 1.0, 0.0), "read::structure", &["scale of 0"]);
    let plain = |weight: f64| {
        let (mut g, bits) = bits_of(&[1, 4]);
        let mut w = signs(12);
        w[5] = weight;
        let w = g.floats(&[4, 3], &w);
        let output = g.node("MatMul", &[&bits, &w], &[]);
        g.bytes(&output)
    };
    refused(&plain(f64::NAN), "read::structure", &["weights", "NaN", "value 5"]);
    refused(&plain(f64::NEG_INFINITY), "read::structure", &["weights", "-inf"]);
}

/// Padding with 0 round bits needs a code that holds 0.
#[test]
fn a_one_bit_input_padded_with_zero_is_an_input_of_two_bits() {
    let (mut g, bits) = bits_of(&[1, 2, 5, 6]);
    let w = g.floats(&[4, 2, 3, 3], &signs(72));
    let acc = g.node("Conv", &[&bits, &w], &[("pads", Value::Ints(vec![1, 1, 1, 1]))]);
    let half = g.scalar(0.5);
    let moved = g.node("Add", &[&acc, &half], &[]);
    let bits = g.sign(&moved);
    let flat = g.node("Flatten", &[&bits], &[]);
    let w = g.floats(&[120, 3], &signs(360));
    let output = g.node("MatMul", &[&flat, &w], &[]);
    let net = network(&g.bytes(&output));
    assert_eq!(net.input.code, InputCode::Signed { bits: 2 });
    let arch = bincim::arch::ArchFile::default().with("generic", 32, 8, 8, 8, 8);
    let lowered = bincim::lower::lower(net.clone());
    let design = bincim::design::build(&lowered, &arch).expect("a design");
    for seed in 0..20u32 {
        let pixels: Vec<u8> = (0..60u32).map(|i| (i * 71 + seed * 37 + i * i * seed) as u8).collect();
        let expected = g.run(&output, &pixels.iter().map(|&p| f64::from(p)).collect::<Vec<f64>>()).values;
        let elements = net.input.elements(&pixels);
        let scores = reference::run(&net, &elements).scores;
        assert_eq!(scores.iter().map(|&s| f64::from(s)).collect::<Vec<f64>>(), expected);
        let machine = bincim::golden::machine::run(&design, None, &elements, 0).scores;
        assert_eq!(design.in_channel_order(&machine.iter().map(|&s| s as i32).collect::<Vec<i32>>()), scores);
    }
}

/// 4 bits to `classes` sums, and `tail` behind them.
fn scores(classes: usize, tail: impl FnOnce(&mut Graph, String) -> String) -> Vec<u8> {
    let (mut g, bits) = bits_of(&[1, 4]);
    let w = g.floats(&[4, classes], &signs(4 * classes));
    let sums = g.node("MatMul", &[&bits, &w], &[]);
    let output = tail(&mut g, sums);
    g.bytes(&output)
}

fn node(
    op: &'static str,
    attributes: &'static [(&'static str, Value)],
) -> impl Fn(&mut Graph, String) -> String {
    move |g, x| g.node(op, &[&x], attributes)
}

#[test]
fn functions_behind_the_scores_keep_their_order_or_are_refused_by_name() {
    let plain = unnamed(network(&scores(3, |_, x| x)));
    for op in ["Sigmoid", "Tanh", "LeakyRelu"] {
        assert_eq!(unnamed(network(&scores(3, node(op, &[])))), plain, "{op}");
    }
    let softmax = network(&scores(3, node("Softmax", &[("axis", Value::Int(1))])));
    assert_eq!(unnamed(softmax), plain);
    for (op, says) in
        [("Relu", "a Relu, which makes all scores below 0 equal"), ("HardSigmoid", "beyond its limits")]
    {
        refused(&scores(3, node(op, &[])), "read::graph", &["scores", says, "remove it"]);
    }
    let falls = scores(3, |g, x| {
        let squashed = g.node("Sigmoid", &[&x], &[]);
        g.node("Neg", &[&squashed], &[])
    });
    refused(&falls, "read::graph", &["falls"]);
    for bits in [2.0, 4.0, 8.0] {
        let quantised = scores(3, |g, x| {
            let (scale, zero, bits) = (g.scalar(1.0), g.scalar(0.0), g.scalar(bits));
            g.custom("Quant", &[&x, &scale, &zero, &bits], &[("signed", Value::Int(1))])
        });
        refused(
            &quantised,
            "read::graph",
            &[&format!("quantised to {bits} bits"), "can become equal", "remove the quantiser"],
        );
    }
    let thresholds = scores(3, |g, x| {
        let t = g.floats(&[1, 16], &(0..16).map(f64::from).collect::<Vec<f64>>());
        g.custom("MultiThreshold", &[&x, &t], &[("out_scale", Value::Float(1.0))])
    });
    refused(&thresholds, "read::graph", &["quantised to 17 levels"]);
}

#[test]
fn one_score_is_a_class_of_two() {
    /// Class of each image by the network, beside the sum of the only layer.
    fn classes(bytes: &[u8]) -> Vec<(i32, usize)> {
        let net = network(bytes);
        assert_eq!((net.output.decision, net.classes()), (Decision::Sign, 2));
        let each = (0..16u32).map(|image| {
            let pixels: Vec<u8> = (0..4).map(|i| if image >> i & 1 == 1 { 200 } else { 9 }).collect();
            let trace = reference::run(&net, &net.input.elements(&pixels));
            let class = reference::decide(&net, &trace.scores, net.output.decision);
            for rule in [Decision::Argmax, Decision::HighestBit] {
                assert_eq!(reference::decide(&net, &trace.scores, rule), class, "{rule:?}");
            }
            (trace.layers[0].accumulators[0], class)
        });
        each.collect()
    }
    let decides = |bytes: &[u8], one: &dyn Fn(i32) -> bool| {
        let all = classes(bytes);
        assert!(all.iter().all(|&(sum, class)| class == usize::from(one(sum))), "{all:?}");
        assert!(all.iter().any(|&(_, class)| class == 0) && all.iter().any(|&(_, class)| class == 1));
    };
    decides(&scores(1, |_, x| x), &|sum| sum >= 0);
    let moved = |by: f64| {
        move |g: &mut Graph, x: String| {
            let by = g.scalar(by);
            g.node("Sub", &[&x, &by], &[])
        }
    };
    decides(&scores(1, moved(1.5)), &|sum| sum >= 2);
    decides(&scores(1, node("Sigmoid", &[])), &|sum| sum >= 0);
    decides(&scores(1, node("Tanh", &[])), &|sum| sum >= 0);
    decides(&scores(1, |g, x| moved(1.5)(g, x).pipe(|x| g.node("Sigmoid", &[&x], &[]))), &|sum| sum >= 2);
    // sigmoid(sum) - 0.8 is at least 0 from a sum of 1.39 on.
    decides(&scores(1, |g, x| g.node("Sigmoid", &[&x], &[]).pipe(|x| moved(0.8)(g, x))), &|sum| sum >= 2);
    decides(&scores(1, node("Neg", &[])), &|sum| sum <= 0);
    decides(&scores(1, |g, x| g.sign(&x)), &|sum| sum >= 0);
    let bit = |low: f32, high: f32| {
        scores(1, |g, x| {
            let t = g.floats(&[1, 1], &[2.0]);
            let levels = [("out_scale", Value::Float(high - low)), ("out_bias", Value::Float(low))];
            g.custom("MultiThreshold", &[&x, &t], &levels)
        })
    };
    decides(&bit(0.0, 1.0), &|sum| sum >= 2);
    decides(&bit(1.0, 0.0), &|sum| sum < 2);
    refused(&scores(1, node("Relu", &[])), "read::graph", &["Relu"]);
    refused(
        &scores(1, node("ArgMax", &[("axis", Value::Int(1))])),
        "read::structure",
        &["always class 0", "at least 0"],
    );
}

/// Method-call order for what is nested otherwise.
trait Pipe: Sized {
    fn pipe<R>(self, f: impl FnOnce(Self) -> R) -> R {
        f(self)
    }
}

impl Pipe for String {}

/// Relu before a BipolarQuant: what is at least 0 is always +1.
#[test]
fn layers_without_a_channel_that_changes_are_counted() {
    let of = |relu: bool| {
        let (mut g, bits) = bits_of(&[1, 4]);
        let w = g.floats(&[4, 3], &signs(12));
        let mut sums = g.node("MatMul", &[&bits, &w], &[]);
        if relu {
            sums = g.node("Relu", &[&sums], &[]);
        }
        let half = g.scalar(if relu { 0.0 } else { 0.5 });
        let moved = g.node("Add", &[&sums, &half], &[]);
        let bits = g.sign(&moved);
        let w = g.floats(&[3, 2], &signs(6));
        let output = g.node("MatMul", &[&bits, &w], &[]);
        network(&g.bytes(&output))
    };
    assert_eq!((constant_channels(&of(true), 0), constant_channels(&of(false), 0)), (3, 0));
}
