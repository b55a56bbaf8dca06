//! Random networks whose sums are numbers of fixed point.

use super::*;

/// `network` with accumulators of fixed point: of layers that add or keep sums, and of some others that give bits. Some
/// results reach the ends of their range.
pub(super) fn with_states(mut network: Network, seed: u64) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x7374_6174_6573);
    let input = network.input.code;
    let fewer = network.most_planes() - 1;
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
        let layer = &mut network.layers[index];
        let lists = sets.iter().skip(1).map(|set| set.0.clone()).collect();
        layer.fewer = if layer.fewer.is_empty() { Vec::new() } else { lists };
        let (threshold, flip) = sets[0].clone();
        layer.activation = Activation::Sign { threshold, flip };
    }
    network
}

/// Multipliers of both signs and now and then 0, at a shift that brings most sums into the range.
fn requant(rng: &mut impl Rng, layer: &Layer, code: MapCode) -> Requant {
    let bits = rng.random_range(2..=16);
    let most = 1 << rng.random_range(1..Requant::MULTIPLIER_BITS);
    let spread = layer.product_range(0, code).1.max(1) as f64 * f64::from(most);
    let shift = (spread.log2() as i32 - bits as i32 + rng.random_range(-1..=3)).clamp(0, 31) as u32;
    let channels = || 0..layer.conv.c;
    let multiplier = channels().map(|_| rng.random_range(-most..most)).collect();
    let reach = 1i64 << (shift + bits - 1);
    let offset = channels().map(|_| rng.random_range(-reach..reach)).collect();
    Requant { multiplier, offset, shift, bits }
}

/// Thresholds anywhere in the range of the accumulators, its ends included, and flips.
fn states(rng: &mut impl Rng, layer: &Layer, range: impl Fn(usize) -> (i64, i64)) -> (Vec<i32>, Vec<bool>) {
    let threshold = |c| {
        let (low, high) = range(c);
        rng.random_range(low..=high + 1) as i32
    };
    let threshold = (0..layer.conv.c).map(threshold).collect();
    (threshold, (0..layer.conv.c).map(|_| rng.random_ratio(1, 3)).collect())
}
