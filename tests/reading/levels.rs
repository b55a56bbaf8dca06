//! Activations of several levels: read as thresholds of a channel, lowered, and told by the program.

use crate::common::graph::{Graph, Value};
use bincim::golden::{packed, reference};
use bincim::lower::lower;
use bincim::network::random::{self, Limits};
use bincim::network::{Activation, Network, validate};
use bincim::read::{self, Error};
use prost::Message;
use std::fs;
use std::path::Path;
use std::process::Command;

/// 4 bits of the graph's pixels, through 3 sums of 4 (and of `scale`) to the activations that `act` makes, to 2 classes.
fn sums(act: impl FnOnce(&mut Graph, &str) -> String) -> Vec<u8> {
    sums_of(&[1.0], act).encode_to_vec()
}

/// The same with weights of the sizes `sizes`, in turn.
fn sums_of(
    sizes: &[f64],
    act: impl FnOnce(&mut Graph, &str) -> String,
) -> bincim::read::onnx::proto::ModelProto {
    let mut g = Graph::of_pixels(&[1, 4]);
    let half = g.scalar(127.5);
    let centred = g.node("Sub", &["x", &half], &[]);
    let bits = g.sign(&centred);
    let sign = |i: usize| if i * i % 5 < 2 { 1.0 } else { -1.0 };
    let w = g.floats(&[4, 3], &(0..12).map(|i| sign(i) * sizes[i % sizes.len()]).collect::<Vec<f64>>());
    let acc = g.node("MatMul", &[&bits, &w], &[]);
    let map = act(&mut g, &acc);
    let w = g.floats(&[3, 2], &[1.0, -1.0, 1.0, 1.0, -1.0, 1.0]);
    let output = g.node("MatMul", &[&map, &w], &[]);
    g.model(&output)
}

fn network(bytes: &[u8]) -> Network {
    read::network_from_bytes(bytes, "t").unwrap_or_else(|e| panic!("{e:?}")).network
}

/// Thresholds (step after step) and flips of the first layer.
fn signs(network: &Network) -> (&[i32], &[bool]) {
    let Activation::Sign { threshold, flip } = &network.layers[0].activation else { panic!("levels") };
    (threshold, flip)
}

#[test]
fn thresholds_stand_step_after_step_whatever_their_order_in_the_file() {
    // Sums are -4, -2 ... 4. Channel 1 falls; channel 2 meets one threshold always and one never.
    let thresholds = [[3.0, -1.0, 1.0], [-3.0, 3.0, 1.0], [-9.0, 9.0, 0.0]];
    let act = |g: &mut Graph, acc: &str| {
        let slopes = g.floats(&[3], &[1.0, -1.0, 1.0]);
        let turned = g.node("Mul", &[acc, &slopes], &[]);
        let list = g.floats(&[3, 3], thresholds.as_flattened());
        let levels = [("out_scale", Value::Float(2.0)), ("out_bias", Value::Float(-3.0))];
        g.custom("MultiThreshold", &[&turned, &list], &levels)
    };
    let net = network(&sums(act));
    let layer = &net.layers[0];
    assert_eq!((layer.steps(), layer.conv.c, layer.output.c, net.layers[1].fan_in()), (3, 3, 3, 3));
    let (threshold, flip) = signs(&net);
    assert_eq!(flip, [false, true, false]);
    // Of the falling channel: -acc >= -3 where acc < 4.
    assert_eq!(threshold, [0, 4, -4, 2, 0, 0, 4, -2, 5]);

    // A falling channel's constant steps are flipped with the others.
    let act = |g: &mut Graph, acc: &str| {
        let minus = g.node("Neg", &[acc], &[]);
        let list = g.floats(&[1, 3], &[9.0, 1.0, -9.0]);
        g.custom("MultiThreshold", &[&minus, &list], &[("out_scale", Value::Float(1.0))])
    };
    let net = network(&sums(act));
    assert_eq!(signs(&net), (&[5, 5, 5, 0, 0, 0, -4, -4, -4][..], &[true; 3][..]));
    let trace = reference::run(&net, &[1, -1, 1, 1]);
    for (c, &acc) in trace.layers[0].accumulators.iter().enumerate() {
        let met = trace.layers[0].bits.iter().skip(c).step_by(3).filter(|bit| **bit).count();
        assert_eq!(met, 1 + usize::from(-acc >= 1), "{acc}");
    }
}

#[test]
fn thresholds_of_fewer_planes_are_those_of_every_step() {
    let act = |g: &mut Graph, acc: &str| {
        let minus = g.node("Neg", &[acc], &[]);
        let inputs = [g.scalar(2.0), g.scalar(0.0), g.scalar(2.0)];
        let attributes = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
        g.custom("Quant", &[&minus, &inputs[0], &inputs[1], &inputs[2]], &attributes)
    };
    let with = |count: usize| {
        let mut model = sums_of(&[1.0, 3.0], act);
        let layer = network(&model.encode_to_vec()).layers[0].name.raw().to_owned();
        let graph = model.graph.as_mut().expect("a graph");
        let mut list = graph.initializer[0].clone();
        list.name = Some(format!("{layer}.planes1.threshold"));
        list.dims = vec![count as i64];
        let values: Vec<f32> = (0..count).map(|i| [1.0, -6.0, 7.0][i / 3 % 3] + (i % 3) as f32).collect();
        list.raw_data = Some(values.iter().flat_map(|value| value.to_le_bytes()).collect());
        list.float_data.clear();
        graph.initializer.push(list);
        read::network_from_bytes(&model.encode_to_vec(), "t").map(|reading| reading.network)
    };
    let net = with(9).unwrap_or_else(|e| panic!("{e:?}"));
    assert_eq!((net.layers[0].planes.len(), net.layers[0].steps()), (2, 3));
    assert!(signs(&net).1.iter().all(|&flip| flip));
    // Flipped channels fall from step to step.
    assert_eq!(net.layers[0].fewer, [vec![7, 8, 9, 1, 2, 3, -6, -5, -4]]);
    let limited = net.limited(1);
    for image in 0..16 {
        let input: Vec<i16> = (0..4).map(|bit| if image >> bit & 1 == 1 { 1 } else { -1 }).collect();
        let scores = packed::prepare(&limited).infer_elements(&input);
        assert_eq!(scores, reference::run(&limited, &input).scores);
    }
    let errors = with(3).expect_err("thresholds of one step");
    assert_eq!(errors.iter().map(Error::code).collect::<Vec<_>>(), ["read::tensor"]);
    assert!(errors[0].to_string().contains("3 values, the layer 3 channels of 3 thresholds"), "{errors:?}");
}

#[test]
fn lowered_networks_of_levels_are_as_they_were() {
    let limits = Limits { steps: 15, planes: 3, input_bits: 3, channels: 9, side: 6, ..Limits::default() };
    let mut leveled = 0;
    for seed in 0..60 {
        let network = random::network(seed, &limits);
        let lowered = [lower(network.clone()), lower(network.of_bits())];
        for lowered in &lowered {
            assert_eq!(validate(lowered), [], "seed {seed}");
        }
        for image in random::elements(&network, seed, 3).chunks(network.input.shape.elements()) {
            let scores = reference::run(&network, image).scores;
            for lowered in &lowered {
                assert_eq!(reference::run(lowered, image).scores, scores, "seed {seed}");
            }
        }
        leveled += usize::from(network.layers.iter().any(|layer| layer.steps() > 1));
    }
    assert!(leveled > 30, "{leveled}");
}

/// What the program says, which ends well.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn bincim(dir: &Path, words: &[&str]) -> String {
    let ran =
        Command::new(env!("CARGO_BIN_EXE_bincim")).args(words).current_dir(dir).output().expect("starts");
    assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("text")
}

/// All images of 4 pixels that are 0 or 255.
fn all_images() -> impl Iterator<Item = [u8; 4]> {
    (0..16).map(|image| std::array::from_fn(|bit| 255 * (image >> bit & 1) as u8))
}

fn npy(shape: &str, content: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), content].concat()
}

fn write_images(dir: &Path) {
    let content: Vec<u8> = all_images().flatten().collect();
    fs::write(dir.join("images.npy"), npy("(16, 4)", &content)).expect("writable");
}

#[test]
fn files_of_scores_have_levels() {
    let act = |g: &mut Graph, acc: &str| {
        let inputs = [g.scalar(2.0), g.scalar(0.0), g.scalar(2.0)];
        let attributes = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
        g.custom("Quant", &[acc, &inputs[0], &inputs[1], &inputs[2]], &attributes)
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    fs::write(dir.join("net.onnx"), sums(act)).expect("writable");
    write_images(dir);
    bincim(dir, &["infer", "net.onnx", "--data", "images.npy", "--scores", "s.csv", "--layers"]);
    let text = fs::read_to_string(dir.join("s.csv")).expect("written");
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let place =
        |name: &str| names.iter().position(|n| *n == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
    let mut seen = [false; 4];
    for line in lines {
        let numbers: Vec<f64> = line.split(',').map(|n| n.parse().expect("a number")).collect();
        for c in 0..3 {
            let (sum, level) = (place(&format!("layer0_sum_{c}")), place(&format!("layer0_level_{c}")));
            // Rounded to the nearest even of -2 to 1, from -2 on.
            let wanted = (numbers[sum] / 2.0).round_ties_even().clamp(-2.0, 1.0) + 2.0;
            assert_eq!(numbers[level], wanted, "{line}");
            seen[wanted as usize] = true;
        }
    }
    assert_eq!(seen, [true; 4]);
    assert!(!names.iter().any(|name| name.contains("bit")), "{names:?}");
}

/// On an array whose columns are read by converters, a channel of several levels is a channel of bits for each threshold.
#[test]
fn arrays_with_converters_run_levels_as_channels_of_bits() {
    let act = |g: &mut Graph, acc: &str| {
        let inputs = [g.scalar(2.0), g.scalar(0.0), g.scalar(2.0)];
        let attributes = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
        g.custom("Quant", &[acc, &inputs[0], &inputs[1], &inputs[2]], &attributes)
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path();
    let model = sums(act);
    let net = lower(network(&model));
    fs::write(dir.join("net.onnx"), model).expect("writable");
    write_images(dir);
    let classes = all_images().map(|image| {
        let scores = reference::run(&net, &net.input.elements(&image)).scores;
        reference::decide(&net, &scores, net.output.decision) as u8
    });
    let labels: Vec<u8> = classes.collect();
    assert!(labels.contains(&0) && labels.contains(&1));
    fs::write(dir.join("labels.npy"), npy("(16,)", &labels)).expect("writable");
    // One step of a converter is one of the sum: the array without effects is the network.
    let arch = "[array]\nrows = 16\ncolumns = 8\n[activation]\nword = 8\n[readout]\nkind = \"adc\"\nlevels = 65\nrange = 32\n\
                [variation.gaussian]\nsigma = 0.5\n";
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    let data = ["net.onnx", "--data", "images.npy", "--arch"];
    let says = |words: &[&str]| bincim(dir, words);
    let out = says(&[&["infer"], &data[..], &["arch.toml"]].concat());
    assert!(out.contains("16 of 16 test images right"), "{out}");
    let out = says(
        &[&["vary"], &data[..], &["arch.toml", "--chips", "3", "--flips", "--json", "-o", "run"]].concat(),
    );
    let results: serde_json::Value = serde_json::from_str(&out).expect("one JSON object");
    assert_eq!(
        (&results["accuracy_ideal"], &results["accuracy_network"]),
        (&1.0.into(), &1.0.into()),
        "{out}"
    );
    let flips = results["flips"][0]["mean"].as_f64().expect("a number");
    assert!(flips > 0.0 && flips < 0.5, "{out}");
    let settings = fs::read_to_string(dir.join("run/settings.json")).expect("settings");
    let settings: serde_json::Value = serde_json::from_str(&settings).expect("JSON");
    assert_eq!((&settings["flips"][0]["bits"], &settings["flips"][1]["bits"]), (&9.into(), &0.into()));
    let out = says(&[&["calibrate"], &data[..], &["arch.toml", "-o", "ranges.toml"]].concat());
    assert!(out.contains("ranges from 16 images"), "{out}");
    let out = says(&[&["infer"], &data[..], &["ranges.toml"]].concat());
    assert!(out.contains("of 16 test images right"), "{out}");
}
