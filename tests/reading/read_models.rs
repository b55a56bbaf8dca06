//! The reader against real networks: weights and thresholds equal the published arrays, all styles of one
//! network mean the same, and the integers reproduce recorded accumulators.

use crate::common::{evaluate, shared};
use bincim::bits::BitMatrix;
use bincim::lower::lower;
use bincim::network::{Activation, Decision, InputCode, Layer, MapCode, Network, validate};
use bincim::read;
use npyz::npz::NpzArchive;

fn network(name: &str) -> Option<Network> {
    let path = shared(&format!("models/{name}.onnx"))?;
    let reading = read::reading(&path).unwrap_or_else(|e| panic!("{e}"));
    eprintln!("{name}: {:?}", reading.proof);
    let network = lower(reading.network);
    assert_eq!(validate(&network), []);
    Some(network)
}

fn array<T: npyz::Deserialize>(file: &str, name: &str) -> (Vec<u64>, Vec<T>) {
    let path = shared(&format!("models/{file}.npz")).expect("present beside the model");
    let mut archive = NpzArchive::open(path).unwrap();
    let array = archive.by_name(name).unwrap().unwrap_or_else(|| panic!("{file}: no array {name}"));
    (array.shape().to_vec(), array.into_vec().unwrap())
}

/// Weights of the neutral arrays, (out, in) or (out, in, rows, columns), in the network's column order.
fn neutral_weights(file: &str, index: usize) -> BitMatrix {
    let (shape, values) = array::<i8>(file, &format!("L{index}_w"));
    let size = |i: usize| shape.get(i).map_or(1, |&n| n as usize);
    let (inputs, kh, kw) = (size(1), size(2), size(3));
    BitMatrix::from_fn(size(0), inputs * kh * kw, |o, column| {
        let (c, x, y) = (column % inputs, column / inputs % kw, column / inputs / kw);
        values[((o * inputs + c) * kh + y) * kw + x] == 1
    })
}

fn last(layer: &Layer) -> (&Vec<i32>, &Vec<bool>) {
    match &layer.activation {
        Activation::Sign { threshold, flip } => (threshold, flip),
        Activation::Scores | Activation::Kept => panic!("{} has no threshold", layer.name.terminal()),
    }
}

/// Thresholds of the neutral arrays, brought into lowest..=highest + 1 and to the smallest reachable value.
fn neutral_thresholds(file: &str, layer: &Layer, index: usize, code: MapCode) -> Vec<i32> {
    let (_, values) = array::<i32>(file, &format!("L{index}_T"));
    let step = if code.is_bipolar() { 2 } else { 1 };
    values
        .iter()
        .enumerate()
        .map(|(c, &t)| {
            let (low, high) = layer.product_range(c, code);
            let reachable = (low..=high).step_by(step).find(|&acc| acc >= i64::from(t));
            reachable.unwrap_or(high + 1) as i32
        })
        .collect()
}

fn equals_neutral_arrays(file: &str, network: &Network) {
    for (index, layer) in network.layers.iter().enumerate() {
        assert!(layer.planes[0].weights == neutral_weights(file, index), "{file} weights of layer {index}");
        if layer.activation != Activation::Scores {
            let (threshold, flip) = last(layer);
            assert!(!flip.contains(&true));
            let expected = neutral_thresholds(file, layer, index, network.code_of(index));
            assert_eq!(threshold, &expected, "{file} thresholds of layer {index}");
        }
    }
}

fn reproduces_trace(file: &str, network: &Network, images: usize) {
    let (_, pixels) = array::<u8>(&format!("{file}_ref1000"), "images_u8");
    let size = network.input.shape.elements();
    let layers = network.layers.len();
    let recorded: Vec<Vec<i32>> =
        (0..layers).map(|l| array::<i32>(&format!("{file}_trace8"), &format!("L{l}_acc")).1).collect();
    for image in 0..images {
        let trace = evaluate(network, &pixels[image * size..(image + 1) * size]);
        for (index, acc) in trace[..layers].iter().enumerate() {
            let expected = &recorded[index][image * acc.len()..(image + 1) * acc.len()];
            assert_eq!(acc, expected, "{file} image {image} layer {index}");
        }
    }
}

/// The popcounts that a real FPGA printed for four pictures.
fn reproduces_hardware(network: &Network) {
    let (_, pixels) = array::<u8>("cnv_cifar10_hwgolden", "images_u8");
    let (_, popcounts) = array::<i32>("cnv_cifar10_hwgolden", "popcount");
    std::thread::scope(|scope| {
        for (image, expected) in pixels.chunks(3072).zip(popcounts.chunks(10)) {
            scope.spawn(move || {
                let scores = evaluate(network, image).pop().unwrap();
                assert_eq!(scores.iter().map(|s| (s + 512) / 2).collect::<Vec<i32>>(), expected);
            });
        }
    });
}

#[test]
fn tfc_as_brevitas_exported_it() {
    let Some(net) = network("TFC_1W1A") else { return };
    assert_eq!(net.input.name, "0");
    assert_eq!(net.input.code, InputCode::Bipolar);
    assert_eq!(net.input.pixel_values, (0..256).map(|p| if p >= 128 { 1 } else { -1 }).collect::<Vec<i16>>());
    equals_neutral_arrays("tfc_mnist", &net);
    reproduces_trace("tfc_mnist", &net, 8);
    let (_, pixels) = array::<u8>("tfc_mnist_ref1000", "images_u8");
    let (_, recorded) = array::<i32>("tfc_mnist_ref1000", "acc");
    for (image, scores) in pixels.chunks(784).zip(recorded.chunks(10)) {
        assert_eq!(evaluate(&net, image)[3], scores);
    }
    assert_eq!(net.output.decision, Decision::Argmax);
    let (_, logits) = array::<f32>("tfc_mnist_ref1000", "logits");
    let (_, acc) = array::<i32>("tfc_mnist_ref1000", "acc");
    for (index, (&score, &logit)) in acc.iter().zip(&logits).enumerate() {
        let c = index % 10;
        let ours = net.output.scale[c] * f64::from(score) + net.output.bias[c];
        assert!((ours - f64::from(logit)).abs() < 1e-5, "logit {index}: {ours} and {logit}");
    }
}

#[test]
fn lfc_in_all_styles() {
    let Some(net) = network("lfc_mnist") else { return };
    assert_eq!(net.input.pixel_values, (0..256).map(|p| if p >= 128 { 1 } else { -1 }).collect::<Vec<i16>>());
    equals_neutral_arrays("lfc_mnist", &net);
    reproduces_trace("lfc_mnist", &net, 2);
    for style in ["lfc_mnist_bn", "lfc_mnist_mt", "lfc_mnist_u8"] {
        let Some(other) = network(style) else { return };
        same(&net, &other);
    }
}

#[test]
fn cnv_in_all_styles() {
    let Some(net) = network("cnv_cifar10") else { return };
    let rule = |p: i16| if p < 128 { p - 128 } else { (p - 127).min(127) };
    assert_eq!(net.input.pixel_values, (0..256).map(rule).collect::<Vec<i16>>());
    assert_eq!(net.input.pixel_rule, "bipolar");
    equals_neutral_arrays("cnv_cifar10", &net);
    reproduces_trace("cnv_cifar10", &net, 1);
    reproduces_hardware(&net);
    for style in ["cnv_cifar10_bn", "cnv_cifar10_mt", "cnv_cifar10_u8"] {
        let Some(other) = network(style) else { return };
        same(&net, &other);
    }
}

/// Two styles of one network: everything equal but names and where the pixel table comes from.
fn same(one: &Network, other: &Network) {
    assert_eq!(one.input.shape, other.input.shape, "{}", other.name.raw());
    assert_eq!(one.input.pixel_values, other.input.pixel_values, "{}", other.name.raw());
    assert_eq!(one.input.code, other.input.code);
    assert_eq!(one.layers.len(), other.layers.len());
    for (a, b) in one.layers.iter().zip(&other.layers) {
        let renamed = Layer { name: a.name.clone(), ..b.clone() };
        assert!(
            *a == renamed,
            "{} layer {} differs from {} of {}",
            one.name.raw(),
            a.name.raw(),
            b.name.raw(),
            other.name.raw()
        );
    }
    assert_eq!(one.output.decision, other.output.decision);
    assert_eq!((&one.output.scale, &one.output.bias), (&other.output.scale, &other.output.bias));
}
