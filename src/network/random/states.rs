//! Random networks whose sums are numbers of fixed point.

use super::*;

/// Lets the layer `next`, which adds a shortcut, have more channels and fewer rows and columns than what was kept, half of
/// the times where it may: the last layer's channels stay in their order.
pub(super) fn narrow(seed: u64, limits: &Limits, layers: &mut [Layer], next: &mut Layer, last: bool) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x6e61_7272_6f77);
    let Some(from) = layers.iter().rposition(|layer| layer.shortcut.keeps) else { return };
    let added_before = layers[from + 1..].iter().any(|layer| layer.shortcut.adds);
    if !next.shortcut.adds || last || added_before || rng.random_ratio(1, 2) {
        return;
    }
    let kept = layers[from].output;
    // The kernel is odd and has its pixel in the middle: a stride leaves as many rows as there are kept.
    next.stride = (rng.random_range(1..=3), rng.random_range(1..=3));
    layers[from].shortcut.stride = next.stride;
    next.conv = Shape { c: rng.random_range(kept.c..=limits.channels), ..layers[from].shortcut.kept(kept) };
    next.output = next.conv;
    next.shortcut.first = rng.random_range(0..=next.conv.c - kept.c);
    next.planes = planes(&mut rng, limits, next.conv.c, next.fan_in());
}

/// `network` with accumulators of fixed point: of layers that add or keep sums, and of some others that give bits. Some
/// results reach the ends of their range. Some activations have several levels, up to `steps` and one, a part of them the
/// numbers themselves.
pub(super) fn with_states(mut network: Network, seed: u64, steps: usize) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7374_6174_6573);
    let mut rng_of_steps = ChaCha8Rng::seed_from_u64(seed ^ 0x6c65_7665_6c73);
    let input = network.input.code;
    let fewer = network.most_planes() - 1;
    let last = network.layers.len() - 1;
    for index in 0..network.layers.len() {
        let code = network.code_of(index);
        let layer = &mut network.layers[index];
        let bits = layer.activation != Activation::Scores && layer.steps() == 1 && !layer.sum_pixels;
        if !bits || layer.shortcut.is_none() && rng.random_ratio(1, 2) {
            continue;
        }
        layer.requant = Some(requant(&mut rng, layer, code));
        let range = |c| accumulator_range(&network.layers, index, c, input);
        let sets: Vec<_> = (0..=fewer).map(|_| states(&mut rng, &network.layers[index], range)).collect();
        let range: Vec<(i64, i64)> = (0..network.layers[index].conv.c).map(range).collect();
        let layer = &mut network.layers[index];
        let lists = sets.iter().skip(1).map(|set| set.0.clone()).collect();
        layer.fewer = if layer.fewer.is_empty() { Vec::new() } else { lists };
        let (threshold, flip) = sets[0].clone();
        layer.activation = Activation::Sign { threshold, flip };
        if steps > 1 && index < last && layer.fewer.is_empty() {
            levels(&mut rng_of_steps, layer, &range, steps);
        }
    }
    network
}

/// Gives `layer` several thresholds a channel, twice of three times: some at random, others so that its level is the state.
pub(super) fn levels(rng: &mut impl Rng, layer: &mut Layer, range: &[(i64, i64)], most: usize) {
    let Some(Requant { bits, rectified, .. }) = layer.requant else { return };
    let channels = layer.conv.c;
    match rng.random_range(0..3) {
        0 => {}
        1 => {
            let steps = most.min(rng.random_range(2..=7));
            let mut list =
                || range.iter().map(|&(low, high)| rng.random_range(low..=high + 1) as i32).collect();
            let lists: Vec<Vec<i32>> = (0..steps).map(|_| list()).collect();
            let list = in_order(lists, layer);
            if let Activation::Sign { threshold, .. } = &mut layer.activation {
                *threshold = list;
            }
        }
        _ => {
            let own = rng.random_range(2..=(most + 1).ilog2().max(2)).min(bits);
            let shift = rng.random_range(0..=bits - own);
            if most >= 3 {
                layer.activation = Activation::of_state(channels, (own, shift), rectified);
            }
        }
    }
}

/// Multipliers of both signs and now and then 0, at a shift that brings most sums into the range.
pub(super) fn requant(rng: &mut impl Rng, layer: &Layer, code: MapCode) -> Requant {
    let bits = rng.random_range(2..=16);
    let most = 1 << rng.random_range(1..Requant::MULTIPLIER_BITS);
    let spread = layer.product_range(0, code).1.max(1) as f64 * f64::from(most);
    let shift = (spread.log2() as i32 - bits as i32 + rng.random_range(-1..=3)).clamp(0, 31) as u32;
    let channels = || 0..layer.conv.c;
    let multiplier = channels().map(|_| rng.random_range(-most..most)).collect();
    let reach = 1i64 << (shift + bits - 1);
    let offset = channels().map(|_| rng.random_range(-reach..reach)).collect();
    Requant { multiplier, offset, unit: 1 << shift, shift, bits, rectified: false }
}

/// Thresholds anywhere in the range of the accumulators, its ends included, and flips.
pub(super) fn states(
    rng: &mut impl Rng,
    layer: &Layer,
    range: impl Fn(usize) -> (i64, i64),
) -> (Vec<i32>, Vec<bool>) {
    let threshold = |c| {
        let (low, high) = range(c);
        rng.random_range(low..=high + 1) as i32
    };
    let threshold = (0..layer.conv.c).map(threshold).collect();
    (threshold, (0..layer.conv.c).map(|_| rng.random_ratio(1, 3)).collect())
}
