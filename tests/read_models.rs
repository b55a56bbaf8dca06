//! The reader against real networks: weights and thresholds equal the published arrays, all styles of one
//! network mean the same, and the integers reproduce recorded accumulators.

mod common;

use bincim::bits::BitMatrix;
use bincim::network::{Activation, Decision, InputCode, Layer, Network, validate};
use bincim::read;
use common::shared;
use npyz::npz::NpzArchive;

fn network(name: &str) -> Option<Network> {
    let path = shared(&format!("models/{name}.onnx"))?;
    let reading = read::reading(&path).unwrap_or_else(|e| panic!("{e}"));
    eprintln!("{name}: {:?}", reading.proof);
    assert_eq!(validate(&reading.network), []);
    Some(reading.network)
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
        Activation::Scores => panic!("{} has no threshold", layer.name),
    }
}

/// Thresholds of the neutral arrays, brought into lowest..=highest + 1 and to the smallest reachable value.
fn neutral_thresholds(file: &str, layer: &Layer, index: usize, code: InputCode) -> Vec<i32> {
    let (_, values) = array::<i32>(file, &format!("L{index}_T"));
    let step = if code == InputCode::Bipolar { 2 } else { 1 };
    values
        .iter()
        .enumerate()
        .map(|(c, &t)| {
            let (low, high) = layer.accumulator_range(c, code);
            let reachable = (low..=high).step_by(step).find(|&acc| acc >= i64::from(t));
            reachable.unwrap_or(high + 1) as i32
        })
        .collect()
}

/// Straight evaluation of the network's definition for one image of pixels (channel, row, column).
/// Returns every layer's accumulators in (channel, row, column) order and the bits behind the last sign.
fn evaluate(network: &Network, pixels: &[u8]) -> Vec<Vec<i32>> {
    let mut map: Vec<i32> = pixels.iter().map(|&p| network.input.pixel_values[p as usize].into()).collect();
    let mut trace = Vec::new();
    for layer in &network.layers {
        let (i, conv) = (layer.input, layer.conv);
        assert!(layer.padding.is_none() && !layer.sum_pixels);
        assert_eq!(map.len(), i.elements());
        let mut acc = Vec::with_capacity(conv.elements());
        for o in 0..conv.c {
            for y in 0..conv.h {
                for x in 0..conv.w {
                    let mut sum = 0;
                    for ky in 0..layer.kernel.0 {
                        for kx in 0..layer.kernel.1 {
                            for c in 0..i.c {
                                let column = (ky * layer.kernel.1 + kx) * i.c + c;
                                let (row, col) = (y * layer.stride.0 + ky, x * layer.stride.1 + kx);
                                let value = map[(c * i.h + row) * i.w + col];
                                sum += if layer.weights.get(o, column) { value } else { -value };
                            }
                        }
                    }
                    acc.push(sum);
                }
            }
        }
        map = acc.clone();
        trace.push(acc);
        if let Activation::Sign { threshold, flip } = &layer.activation {
            for (index, value) in map.iter_mut().enumerate() {
                let c = index / conv.pixels();
                *value = if (*value >= threshold[c]) ^ flip[c] { 1 } else { -1 };
            }
        }
        if let Some(pool) = layer.pool {
            assert!(!pool.before_sign);
            let out = layer.output;
            map = (0..out.elements())
                .map(|index| {
                    let (c, y, x) = (index / out.pixels(), index / out.w % out.h, index % out.w);
                    (0..pool.kernel.0 * pool.kernel.1)
                        .map(|k| {
                            let row = y * pool.stride.0 + k / pool.kernel.1;
                            let col = x * pool.stride.1 + k % pool.kernel.1;
                            map[(c * conv.h + row) * conv.w + col]
                        })
                        .max()
                        .unwrap()
                })
                .collect();
        }
    }
    trace
}

fn equals_neutral_arrays(file: &str, network: &Network) {
    for (index, layer) in network.layers.iter().enumerate() {
        assert!(layer.weights == neutral_weights(file, index), "{file} weights of layer {index}");
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
        for (index, acc) in trace.iter().enumerate() {
            let expected = &recorded[index][image * acc.len()..(image + 1) * acc.len()];
            assert_eq!(acc, expected, "{file} image {image} layer {index}");
        }
    }
}

#[test]
fn tfc_as_brevitas_exported_it() {
    let Some(net) = network("TFC_1W1A") else { return };
    assert_eq!(net.input.name, "0");
    assert_eq!(net.input.code, InputCode::Bipolar);
    assert_eq!(net.input.pixel_values, (0..256).map(|p| if p >= 128 { 1 } else { -1 }).collect::<Vec<i16>>());
    reproduces_trace("tfc_mnist", &net, 8);
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
        reproduces_bits("lfc_mnist", &other);
    }
}

#[test]
fn cnv_in_all_styles() {
    let Some(net) = network("cnv_cifar10") else { return };
    let rule = |p: i16| if p < 128 { p - 128 } else { (p - 127).min(127) };
    assert_eq!(net.input.pixel_values, (0..256).map(rule).collect::<Vec<i16>>());
    assert_eq!(net.input.pixel_rule, "cnv-int8");
    equals_neutral_arrays("cnv_cifar10", &net);
    reproduces_trace("cnv_cifar10", &net, 1);
    for style in ["cnv_cifar10_bn", "cnv_cifar10_mt", "cnv_cifar10_u8"] {
        let Some(other) = network(style) else { return };
        assert_eq!(other.input.pixel_values, net.input.pixel_values);
        reproduces_bits("cnv_cifar10", &other);
    }
}

/// The last layer's recorded accumulators for one image: what every style must agree on.
fn reproduces_bits(file: &str, network: &Network) {
    let (_, pixels) = array::<u8>(&format!("{file}_ref1000"), "images_u8");
    let layers = network.layers.len();
    let (_, recorded) = array::<i32>(&format!("{file}_trace8"), &format!("L{}_acc", layers - 1));
    let trace = evaluate(network, &pixels[..network.input.shape.elements()]);
    assert_eq!(trace[layers - 1], recorded[..10], "{}", network.name);
}
