//! Random networks in which maps are read by several layers.

use super::*;
use crate::network::Reads;

/// `network` where some layers add what a layer of their own makes of a map: of the one that they read, or of an earlier one.
/// The two may read the levels of a map and only their upper half. Some states are rectified, and some are of sums of pixels.
pub(super) fn with_branches(mut network: Network, seed: u64, limits: &Limits) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x6272_616e_6368);
    let rng = &mut rng;
    let mut index = 1;
    while index < network.layers.len() {
        if rng.random_ratio(2, 3) && takes_branch(&network, index) {
            let beside = beside(rng, limits, &network, index);
            insert(&mut network, index, beside);
            index += 1;
            network.layers[index].shortcut.adds = true;
            decide(rng, limits, &mut network, index);
        } else if pools_state(&network.layers[index]) && rng.random_ratio(2, 3) {
            decide(rng, limits, &mut network, index);
        }
        index += 1;
    }
    network
}

/// Whether layer `index` may add something new: no shortcut ends there or goes past it.
fn takes_branch(network: &Network, index: usize) -> bool {
    let layer = &network.layers[index];
    let bits = matches!(layer.activation, Activation::Sign { .. }) && layer.fewer.is_empty();
    let past = (index..network.layers.len())
        .any(|later| keeper(&network.layers, later).is_some_and(|from| from < index));
    bits && layer.pool.is_none() && !layer.sum_pixels && !past
}

/// Whether the layer adds its pixels up into activations.
fn pools_state(layer: &Layer) -> bool {
    let bits = matches!(layer.activation, Activation::Sign { .. }) && layer.fewer.is_empty();
    layer.sum_pixels && bits
}

/// A layer whose numbers are added to those of layer `index`: as many rows and columns, perhaps fewer channels.
fn beside(rng: &mut impl Rng, limits: &Limits, network: &Network, index: usize) -> Layer {
    let layer = &network.layers[index];
    let near = layer.reads.layer().unwrap_or(0);
    let gives = |from: &usize| matches!(network.layers[*from].activation, Activation::Sign { .. });
    let maps: Vec<usize> = (0..=near).filter(gives).collect();
    let from = if rng.random() { near } else { *maps.choose(rng).unwrap_or(&near) };
    let map = network.layers[from].output;
    let rows = windows(map.h, layer.conv.h, layer.stride.0, limits.kernel);
    let columns = windows(map.w, layer.conv.w, layer.stride.1, limits.kernel);
    let unpadded = rows.choose(rng).zip(columns.choose(rng));
    let (from, kernel, stride, padding) = match unpadded {
        Some((rows, columns)) => (from, (rows.0, columns.0), (rows.1, columns.1), Padding::NONE),
        None => (near, layer.kernel, layer.stride, layer.padding),
    };
    let input = network.layers[from].output;
    let conv = Shape { c: rng.random_range(1..=layer.conv.c), ..layer.conv };
    let planes = planes(rng, limits, conv.c, kernel.0 * kernel.1 * input.c);
    Layer {
        name: format!("beside{index}").into(),
        op: "conv",
        reads: reads(rng, &network.layers[from], from),
        input,
        kernel,
        stride,
        padding,
        planes,
        flips: None,
        conv,
        requant: None,
        shortcut: Shortcut::KEEPS,
        sum_pixels: false,
        pool: None,
        activation: Activation::Kept,
        fewer: Vec::new(),
        output: conv,
    }
}

/// Kernels and strides, of `stride` or 1, whose windows over `n` rows or columns are `wanted`.
fn windows(n: usize, wanted: usize, stride: usize, most: usize) -> Vec<(usize, usize)> {
    let all = (1..=most.min(n)).flat_map(|kernel| [(kernel, stride), (kernel, 1)]);
    all.filter(|(kernel, stride)| (n - kernel) / stride + 1 == wanted).collect()
}

/// The map of layer `from`, or the upper half of its levels.
fn reads(rng: &mut impl Rng, layer: &Layer, from: usize) -> Reads {
    let halves = layer.steps() > 1 && (layer.steps() + 1).is_power_of_two();
    if halves && rng.random() { Reads::Upper(from) } else { Reads::Map(from) }
}

/// Puts `layer` before layer `index`; it keeps numbers of fixed point.
fn insert(network: &mut Network, index: usize, layer: Layer) {
    for later in &mut network.layers[index..] {
        later.reads = later.reads.renumbered(|from| if from < index { from } else { from + 1 });
    }
    network.layers.insert(index, layer);
}

/// Gives layer `index`, and the one before it where that gives nothing, new numbers of fixed point and thresholds.
fn decide(rng: &mut impl Rng, limits: &Limits, network: &mut Network, index: usize) {
    if network.layers[index].shortcut.adds {
        let code = network.code_of(index - 1);
        let beside = &mut network.layers[index - 1];
        beside.requant = Some(states::requant(rng, beside, code));
        beside.shortcut.first = 0;
        let spare = network.layers[index].conv.c - network.layers[index - 1].conv.c;
        // What the last layer gives leaves in its order.
        let last = index + 1 == network.layers.len();
        network.layers[index].shortcut.first = if last { 0 } else { rng.random_range(0..=spare) };
        if let Some(from) = network.layers[index].reads.layer() {
            network.layers[index].reads = reads(rng, &network.layers[from], from);
        }
    }
    let code = network.code_of(index);
    let layer = &mut network.layers[index];
    let mut requant = states::requant(rng, layer, code);
    requant.unit = match rng.random_range(0..3) {
        0 => 1 << requant.shift,
        1 => 0,
        _ => rng.random_range(0..=1 << (requant.shift + 1)),
    };
    requant.rectified = rng.random_ratio(1, 3);
    layer.requant = Some(requant);
    let range = |c| accumulator_range(&network.layers, index, c, network.input.code);
    let (threshold, flip) = states::states(rng, &network.layers[index], range);
    let range: Vec<(i64, i64)> = (0..network.layers[index].conv.c).map(range).collect();
    let last = index + 1 == network.layers.len();
    let layer = &mut network.layers[index];
    layer.activation = Activation::Sign { threshold, flip };
    if limits.steps > 1 && !last {
        states::levels(rng, layer, &range, limits.steps);
    }
}
