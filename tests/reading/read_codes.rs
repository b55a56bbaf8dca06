//! Networks of 8-bit codes: residual graphs in which multipliers make activations, and a real one with its integers.

use crate::common::graph::Value;
use crate::common::residual::{Maker, SIDE};
use crate::common::shared;
use crate::support;
use bincim::golden::reference;
use bincim::network::{Activation, Network, Reads};
use bincim::read;
use rand::Rng;

/// Scales are powers of two and offsets lie beside every tie, so that multipliers give exactly the graph's codes.
const WEIGHT: f64 = 1.0 / 16.0;

/// `map` as codes of `bits` bits and `scale`.
fn quant(m: &mut Maker, map: &str, (bits, signed): (u32, bool), scale: f64) -> String {
    let constants = [scale, 0.0, f64::from(bits)].map(|value| m.graph.scalar(value));
    let attributes = [("signed", Value::Int(signed.into())), ("narrow", Value::Int(0))];
    let [scale, zero, bits] = &constants;
    m.graph.custom("Quant", &[map, scale, zero, bits], &attributes)
}

/// A convolution by integers of up to three bits, with offsets in steps of `step`, of which each is `odd` steps and whole
/// numbers of them beyond.
fn conv(
    m: &mut Maker,
    map: &str,
    (from, to): (usize, usize),
    kernel: usize,
    stride: i64,
    step: f64,
) -> String {
    let count = from * to * kernel * kernel;
    let weights: Vec<f64> = (0..count).map(|_| WEIGHT * f64::from(m.rng.random_range(-7..=7))).collect();
    let weights = m.graph.floats(&[to, from, kernel, kernel], &weights);
    let offsets: Vec<f64> =
        (0..to).map(|_| step * (32.0 * f64::from(m.rng.random_range(-40..40)) + 1.0)).collect();
    let offsets = m.graph.floats(&[to], &offsets);
    let edge = (kernel / 2) as i64;
    let attributes = [("pads", Value::Ints(vec![edge; 4])), ("strides", Value::Ints(vec![stride; 2]))];
    m.graph.node("Conv", &[map, &weights, &offsets], &attributes)
}

/// Relu and codes of `bits` bits, each counting 1.
fn codes(m: &mut Maker, map: &str, bits: u32) -> String {
    let positive = m.graph.node("Relu", &[map], &[]);
    quant(m, &positive, (bits, false), 1.0)
}

fn add(m: &mut Maker, one: &str, other: &str) -> String {
    let (first, second) = if m.rng.random() { (one, other) } else { (other, one) };
    m.graph.node("Add", &[first, second], &[])
}

/// Pixels less a mean image, two residual blocks of codes of 2 to 8 bits, the second of which halves rows and columns, an
/// average and classes.
fn residual(seed: u64) -> (Maker, String) {
    let mut m = Maker::new(seed);
    let mean: Vec<f64> = (0..2 * SIDE * SIDE).map(|_| f64::from(m.rng.random_range(90..150))).collect();
    let mean = m.graph.floats(&[2, SIDE, SIDE], &mean);
    let centred = m.graph.node("Sub", &["x", &mean], &[]);
    let input = quant(&mut m, &centred, (8, true), 1.0);
    // Steps of a sum are 1/16 of a code each, offsets lie half of such a step beside them.
    let half = 1.0 / 32.0;
    let bits = [8, 4, 2, 6][seed as usize % 4];
    let stem = conv(&mut m, &input, (2, 3), 3, 1, half);
    let first = codes(&mut m, &stem, bits);
    let inner = conv(&mut m, &first, (3, 4), 3, 1, half);
    let inner = codes(&mut m, &inner, bits);
    let outer = conv(&mut m, &inner, (4, 3), 3, 1, half);
    let sum = add(&mut m, &outer, &first);
    let second = codes(&mut m, &sum, bits);
    // The branch comes first or last: the order of an Add's inputs is that of its nodes.
    let narrow = conv(&mut m, &second, (3, 5), 3, 2, half);
    let narrow = codes(&mut m, &narrow, bits);
    let narrow = conv(&mut m, &narrow, (5, 5), 3, 1, half);
    let beside = conv(&mut m, &second, (3, 5), 1, 2, 0.0);
    let sum = add(&mut m, &narrow, &beside);
    let third = codes(&mut m, &sum, bits);
    let out = classes(&mut m, &third, 5);
    (m, out)
}

/// The average of a map of codes, in codes of its own, and three classes.
fn classes(m: &mut Maker, map: &str, channels: usize) -> String {
    let mean = m.graph.node("GlobalAveragePool", &[map], &[]);
    let mean = quant(m, &mean, (8, false), 1.0 / 7.0);
    let flat = m.graph.node("Flatten", &[&mean], &[]);
    let weights: Vec<f64> =
        (0..3 * channels).map(|_| WEIGHT * f64::from(m.rng.random_range(-7..=7))).collect();
    let weights = m.graph.floats(&[channels, 3], &weights);
    m.graph.node("MatMul", &[&flat, &weights], &[])
}

/// Codes of a branch that only an Add takes, made before or behind the sums that they are added to, and codes that are scaled
/// on their way.
#[test]
fn codes_are_added_wherever_they_are_made() {
    for seed in 100..128 {
        let mut m = Maker::new(seed);
        let half = 1.0 / 32.0;
        let bits = [8, 4, 2, 6][seed as usize % 4];
        let stem = m.codes();
        let stem = conv(&mut m, &stem, (2, 3), 3, 1, half / 128.0);
        let first = codes(&mut m, &stem, bits);
        let (sums, beside) = match seed % 2 == 0 {
            true => {
                let beside = conv(&mut m, &first, (3, 4), 1, 1, half);
                let beside = codes(&mut m, &beside, bits);
                (conv(&mut m, &first, (3, 4), 3, 1, half), beside)
            }
            false => {
                let sums = conv(&mut m, &first, (3, 4), 3, 1, half);
                let beside = conv(&mut m, &first, (3, 4), 1, 1, half);
                (sums, codes(&mut m, &beside, bits))
            }
        };
        let sum = add(&mut m, &sums, &beside);
        let second = codes(&mut m, &sum, bits);
        let scaled = m.times(&second, 0.5);
        let sums = conv(&mut m, &second, (4, 4), 3, 1, half);
        let sum = add(&mut m, &sums, &scaled);
        let third = codes(&mut m, &sum, bits);
        let out = classes(&mut m, &third, 4);
        let network = m.network(&out);
        let kept = network.layers.iter().filter(|layer| layer.activation == Activation::Kept);
        assert_eq!(kept.count(), 1, "seed {seed}");
    }
}

#[test]
fn residual_networks_of_codes_give_the_graphs_scores() {
    for seed in 0..28 {
        let (mut m, out) = residual(seed);
        let network = m.network(&out);
        let layers = &network.layers;
        assert_eq!(network.input.rows(), 2 * SIDE * SIDE);
        assert_eq!(layers.len(), 8, "seed {seed}");
        assert_eq!(layers.iter().filter(|layer| layer.activation == Activation::Kept).count(), 1);
        assert_eq!(layers.iter().filter(|layer| layer.shortcut.adds).count(), 2);
        assert!(layers.iter().enumerate().any(|(index, layer)| layer.reads != Reads::before(index)));
    }
}

/// The scores of a layer's integers as those of weights and codes as the trace has them.
fn sums(network: &Network, index: usize, accumulators: &[i32], weights: &[i64]) -> Vec<i64> {
    let layer = &network.layers[index];
    let (taps, of_channel) = (layer.fan_in(), accumulators.len() / layer.conv.c);
    let (area, channels) = (layer.kernel.0 * layer.kernel.1, layer.input.c);
    // Weights count in a unit of half a step where some are odd and others even.
    let weight = |o: usize, c: usize, tap: usize| weights[(o * channels + c) * area + tap];
    let own = |o: usize, c: usize, tap: usize| i64::from(layer.weight(o, tap * channels + c));
    let places = || (0..channels).flat_map(|c| (0..area).map(move |tap| (c, tap)));
    let (c, tap) = places().find(|&(c, tap)| weight(0, c, tap) != 0).expect("a weight");
    let unit = own(0, c, tap) / weight(0, c, tap);
    assert!((0..layer.conv.c).all(|o| places().all(|(c, tap)| own(o, c, tap) == unit * weight(o, c, tap))));
    let levels = layer.reads.layer().map_or(0, |from| network.layers[from].steps() as i64);
    let of = |(at, &sum): (usize, &i32)| {
        let all: i64 = weights[at / of_channel * taps..][..taps].iter().sum();
        let sum = i64::from(sum) / unit;
        // A level of a map counts twice what it is, less the most.
        if levels > 0 { (sum + levels * all) / 2 } else { sum }
    };
    accumulators.iter().enumerate().map(of).collect()
}

/// Every code and every sum of a real network of 8 bits on one image.
#[test]
fn resnet14_gives_the_codes_and_sums_of_its_trace() {
    let Some(path) = shared("models/others/crosssim_resnet/resnet14_w8a8_qonnx.onnx") else { return };
    let Some(folder) = support::shared() else { return };
    let reading = read::reading(&path).expect("a network");
    let rounded = reading.proof.rounded;
    assert!(rounded.layers == 14 && rounded.other < rounded.sums / 1000, "{rounded:?}");
    let network = reading.network;
    let (pixels, _) = support::cifar(&folder);
    let trace = reference::run(&network, &network.input.elements(&pixels[..3 * 32 * 32]));
    let file = |name: &str| path.with_file_name(name);
    let (traced, integers) = (file("resnet14_int_trace1.npz"), file("resnet14_int_params.npz"));
    // In the order of the network, whose branches wait for the sums that they are added to.
    let order = [1, 2, 3, 4, 5, 8, 6, 7, 9, 10, 13, 11, 12, 14, 15];
    let code_of = [1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 0, 10, 11, 12, 13];
    let met = |index: usize| {
        let (layer, bits) = (&network.layers[index], &trace.layers[index].bits);
        let elements = layer.output.elements();
        let level =
            move |at: usize| bits.iter().skip(at).step_by(elements).filter(|bit| **bit).count() as i64;
        (0..elements).map(level).collect::<Vec<i64>>()
    };
    for (index, (conv, code)) in order.into_iter().zip(code_of).enumerate() {
        let weights = support::array(&integers, &format!("conv2d_{conv}.q")).values;
        let expected = support::array(&traced, &format!("acc_conv2d_{conv}")).values;
        if code > 0 {
            let codes = support::array(&traced, &format!("code_activation_{code}")).values;
            assert_eq!(met(index), codes, "codes of conv2d_{conv}");
        }
        let products = &trace.layers[index].products;
        assert_eq!(sums(&network, index, products, &weights), expected, "sums of conv2d_{conv}");
    }
    let pooled = support::array(&traced, "code_average_pooling2d_1").values;
    assert_eq!(met(15), pooled);
}
