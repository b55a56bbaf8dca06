//! Random networks for property tests, a pure function of a seed.
//!
//! Every network passes [`super::validate`], every feature of the types occurs, and the same seed gives
//! the same network on every machine.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

mod branches;
mod states;

/// How large the networks get and which inputs they take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Most layers (at least 1).
    pub layers: usize,
    /// Most channels of any map.
    pub channels: usize,
    /// Largest height or width of the input map.
    pub side: usize,
    /// Largest kernel height or width.
    pub kernel: usize,
    /// Most bits of an input element (1 to 8).
    pub input_bits: u32,
    /// Most planes of a layer's weights; above 1 some leave taps and channels out.
    pub planes: usize,
    /// Layers add the accumulators that earlier ones kept.
    pub shortcuts: bool,
    /// Accumulators of layers that add or keep sums, and of some others, are numbers of fixed point.
    pub states: bool,
    /// Some layers add what a layer beside them made of the same map or of an earlier one; with states.
    pub branches: bool,
    /// Most thresholds of a channel (1 to [`Layer::MOST_STEPS`]).
    pub steps: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            layers: 5,
            channels: 70,
            side: 11,
            kernel: 7,
            input_bits: 8,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        }
    }
}

/// The network of `seed` within `limits`.
pub fn network(seed: u64, limits: &Limits) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let few = if rng.random() { 4.min(limits.channels) } else { limits.channels };
    let shape = match rng.random_ratio(1, 4) {
        true => Shape::vector(rng.random_range(1..=limits.channels)),
        false => Shape {
            c: rng.random_range(1..=few),
            h: rng.random_range(1..=limits.side),
            w: rng.random_range(1..=limits.side),
        },
    };
    let code = input_code(rng, limits);
    let mut layers: Vec<Layer> = Vec::new();
    let count = rng.random_range(1..=limits.layers);
    let mut map = shape;
    let input = code;
    let rng_of_steps = &mut ChaCha8Rng::seed_from_u64(seed ^ 0x0073_7465_7073);
    for index in 0..count {
        let code = match layers.last() {
            None => MapCode::Input(input),
            Some(before) => MapCode::Activation { steps: before.steps() },
        };
        let mut next = layer(rng, limits, map, code, index, index + 1 == count);
        if limits.shortcuts {
            let kept = layers.iter().rev().find(|layer| layer.shortcut.keeps).map(|layer| layer.output);
            shortcut(rng, limits, &mut next, kept);
            if limits.states {
                states::narrow(seed + index as u64, limits, &mut layers, &mut next, index + 1 == count);
            }
        }
        map = next.output;
        layers.push(next);
        if layers[index].shortcut.adds {
            let range = |c| accumulator_range(&layers, index, c, input);
            let activation = sign(rng, &layers[index], code, range);
            layers[index].activation = activation;
        } else if limits.steps > 1 && index + 1 < count {
            steps(rng_of_steps, &mut layers[index], code, limits.steps);
        }
    }
    if limits.planes > 1 {
        fewer(&mut ChaCha8Rng::seed_from_u64(seed ^ 0x0066_6577_6572), &mut layers, code);
    }
    let network = Network {
        name: format!("random-{seed}").into(),
        input: Input {
            name: "input".into(),
            shape,
            code,
            pixel_values: (0..256).map(|_| element(rng, code)).collect(),
            pixel_rule: "random".into(),
        },
        output: output(rng, map.elements()),
        layers,
    };
    if !limits.states {
        return network;
    }
    let network = states::with_states(network, seed, limits.steps);
    if limits.branches { branches::with_branches(network, seed, limits) } else { network }
}

/// Gives some layers thresholds for each number of planes below the most.
fn fewer(rng: &mut impl Rng, layers: &mut [Layer], input: InputCode) {
    let most = layers.iter().map(|layer| layer.planes.len()).max().unwrap_or(0);
    let some = rng.random_ratio(1, 2);
    let codes: Vec<MapCode> = (0..layers.len()).map(|index| reads::code_of(layers, index, input)).collect();
    for (layer, code) in layers.iter_mut().zip(codes) {
        if !some || layer.activation == Activation::Scores || rng.random_ratio(1, 3) {
            continue;
        }
        for _ in 1..most {
            let own: Vec<_> = (0..layer.conv.c).map(|c| layer.product_range(c, code)).collect();
            let lists = (0..layer.steps()).filter_map(|_| match sign(rng, layer, code, |c| own[c]) {
                Activation::Sign { threshold, .. } => Some(threshold),
                Activation::Scores | Activation::Kept => None,
            });
            let list = in_order(lists.collect(), layer);
            layer.fewer.push(list);
        }
    }
}

/// Gives `layer`, which is not the last, up to `most` thresholds a channel, three times of four more than one.
fn steps(rng: &mut impl Rng, layer: &mut Layer, code: MapCode, most: usize) {
    if !layer.shortcut.is_none() || rng.random_ratio(1, 4) {
        return;
    }
    let steps = *[2, 3, 3, 5, 7, 14, 15, 31, 255].choose(rng).unwrap_or(&2);
    let own: Vec<_> = (0..layer.conv.c).map(|c| layer.product_range(c, code)).collect();
    let lists = (0..steps.min(most)).filter_map(|_| match sign(rng, layer, code, |c| own[c]) {
        Activation::Sign { threshold, .. } => Some(threshold),
        Activation::Scores | Activation::Kept => None,
    });
    let list = in_order(lists.collect(), layer);
    if let Activation::Sign { threshold, .. } = &mut layer.activation {
        *threshold = list;
    }
}

/// The thresholds of `lists`, one a step, in the order that the flips of `layer` ask for.
fn in_order(lists: Vec<Vec<i32>>, layer: &Layer) -> Vec<i32> {
    let Activation::Sign { flip, .. } = &layer.activation else { return Vec::new() };
    let channel = |c: usize| {
        let mut own: Vec<i32> = lists.iter().map(|list| list[c]).collect();
        own.sort_unstable();
        if flip[c] {
            own.reverse();
        }
        own
    };
    let channels: Vec<Vec<i32>> = (0..flip.len()).map(channel).collect();
    (0..lists.len()).flat_map(|step| channels.iter().map(move |own| own[step])).collect()
}

/// `images` random input maps of `network`, element values in CHW order, one after the other.
pub fn elements(network: &Network, seed: u64, images: usize) -> Vec<i16> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x696d_6167_6573);
    (0..images * network.input.shape.elements()).map(|_| element(&mut rng, network.input.code)).collect()
}

/// Dense layers of `sizes` behind an input of bits (pixels from 128 on are +1) that end in scores. `sign(layer, output,
/// input)` is a weight, +1 where it is true, `threshold(layer, output)` that of a bit.
pub fn dense(
    sizes: &[usize],
    mut sign: impl FnMut(usize, usize, usize) -> bool,
    mut threshold: impl FnMut(usize, usize) -> i32,
) -> Network {
    let last = sizes.len() - 2;
    let mut layer = |(index, pair): (usize, &[usize])| {
        let (inputs, outputs) = (pair[0], pair[1]);
        let weights = BitMatrix::from_fn(outputs, inputs, |output, input| sign(index, output, input));
        let activation = match index == last {
            true => Activation::Scores,
            false => Activation::Sign {
                threshold: (0..outputs).map(|output| threshold(index, output)).collect(),
                flip: vec![false; outputs],
            },
        };
        Layer {
            name: format!("layer{index}").into(),
            op: "dense",
            reads: Reads::before(index),
            input: Shape::vector(inputs),
            kernel: (1, 1),
            stride: (1, 1),
            padding: Padding::NONE,
            planes: vec![Plane::binary(weights)],
            flips: None,
            conv: Shape::vector(outputs),
            requant: None,
            shortcut: Shortcut::NONE,
            sum_pixels: false,
            pool: None,
            activation,
            fewer: Vec::new(),
            output: Shape::vector(outputs),
        }
    };
    let classes = sizes[last + 1];
    Network {
        name: "dense".into(),
        input: Input {
            name: "in".into(),
            shape: Shape::vector(sizes[0]),
            code: InputCode::Bipolar,
            pixel_values: (0..256).map(|pixel| if pixel < 128 { -1 } else { 1 }).collect(),
            pixel_rule: "half".into(),
        },
        layers: sizes.windows(2).enumerate().map(&mut layer).collect(),
        output: Output {
            name: "out".into(),
            decision: Decision::Argmax,
            scale: vec![1.0; classes],
            bias: vec![0.0; classes],
            top_k: None,
        },
    }
}

/// `network` with random flip codes of `bits` bits ([`Flips::BITS`]), a pure function of `seed`: the last layer that can
/// be drawn is, each other one three times of four. Layers of several planes cannot, nor can a first layer that reads
/// elements of several bits; a network without any other layer comes back as it is.
pub fn with_flips(mut network: Network, bits: usize, seed: u64) -> Network {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x0066_6c69_7073);
    let most = (1u8 << (bits - 1)) - 1;
    let mut always = true;
    for index in (0..network.layers.len()).rev() {
        let several = network.code_of(index).planes() > 1;
        let layer = &mut network.layers[index];
        if several || !matches!(&layer.planes[..], [Plane { levels: None, .. }]) {
            continue;
        }
        if !std::mem::take(&mut always) && rng.random_ratio(1, 4) {
            continue;
        }
        let code = |_| match rng.random_range(0..4) {
            0 => 0,
            1 => most,
            _ => rng.random_range(0..=most),
        };
        let codes = (0..layer.conv.c * layer.fan_in()).map(code).collect();
        layer.flips = Some(Flips { bits, codes });
    }
    network
}

fn element(rng: &mut impl Rng, code: InputCode) -> i16 {
    let (low, high) = code.range();
    let value = match code {
        InputCode::Bipolar => [low, high][usize::from(rng.random::<bool>())],
        // The ends of the range are where widths go wrong, so they come often.
        _ if rng.random_ratio(1, 4) => [low, high][usize::from(rng.random::<bool>())],
        _ => rng.random_range(low..=high),
    };
    value as i16
}

fn input_code(rng: &mut impl Rng, limits: &Limits) -> InputCode {
    let bits = rng.random_range(1..=limits.input_bits);
    match rng.random_range(0..3) {
        0 => InputCode::Bipolar,
        1 if bits >= 2 => InputCode::Signed { bits },
        _ => InputCode::Unsigned { bits },
    }
}

fn layer(
    rng: &mut impl Rng,
    limits: &Limits,
    input: Shape,
    code: MapCode,
    index: usize,
    last: bool,
) -> Layer {
    let (kernel, stride, padding) = geometry(rng, limits, input);
    let size = |n: usize, before: usize, after: usize, k: usize, s: usize| (n + before + after - k) / s + 1;
    let conv = Shape {
        c: rng.random_range(1..=limits.channels),
        h: size(input.h, padding.top, padding.bottom, kernel.0, stride.0),
        w: size(input.w, padding.left, padding.right, kernel.1, stride.1),
    };
    let fan_in = kernel.0 * kernel.1 * input.c;
    let planes = planes(rng, limits, conv.c, fan_in);
    let sum_pixels = rng.random_ratio(1, 5);
    let scores = last && rng.random_ratio(2, 3);
    let pool = (!sum_pixels && !scores && rng.random_ratio(1, 2)).then(|| pool(rng, conv));
    let output = match pool {
        _ if sum_pixels => Shape::vector(conv.c),
        None => conv,
        Some(pool) => Shape {
            c: conv.c,
            h: size(conv.h, 0, 0, pool.kernel.0, pool.stride.0),
            w: size(conv.w, 0, 0, pool.kernel.1, pool.stride.1),
        },
    };
    let dense = (conv.h, conv.w) == (1, 1) && kernel == (input.h, input.w) && padding.is_none();
    let mut layer = Layer {
        name: format!("layer{index}").into(),
        op: if dense { "dense" } else { "conv" },
        reads: Reads::before(index),
        input,
        kernel,
        stride,
        padding,
        planes,
        conv,
        sum_pixels,
        pool,
        requant: None,
        shortcut: Shortcut::NONE,
        flips: None,
        fewer: Vec::new(),
        activation: Activation::Scores,
        output,
    };
    if !scores {
        layer.activation = sign(rng, &layer, code, |c| layer.product_range(c, code));
    }
    layer
}

/// Lets `layer` keep its accumulators, or makes it one that adds those of the map `kept`, where it reads a map as large.
fn shortcut(rng: &mut impl Rng, limits: &Limits, layer: &mut Layer, kept: Option<Shape>) {
    if layer.activation == Activation::Scores || layer.sum_pixels {
        return;
    }
    layer.shortcut.keeps = rng.random_ratio(2, 3);
    if let (true, Some(pool)) = (layer.shortcut.keeps, &mut layer.pool) {
        pool.before_sign = true;
    }
    let Some(kept) = kept.filter(|kept| (kept.h, kept.w) == (layer.input.h, layer.input.w)) else { return };
    if rng.random_ratio(1, 5) {
        return;
    }
    // An odd kernel around its pixel keeps height and width.
    let kernel = 2 * rng.random_range(0..limits.kernel.div_ceil(2)) + 1;
    let edge = kernel / 2;
    let padding = Padding { top: edge, left: edge, bottom: edge, right: edge, value: layer.padding.value };
    layer.op = if kernel == 1 && kept.pixels() == 1 { "dense" } else { "conv" };
    (layer.kernel, layer.stride, layer.padding) = ((kernel, kernel), (1, 1), padding);
    (layer.conv, layer.output, layer.pool) = (kept, kept, None);
    layer.planes = planes(rng, limits, kept.c, layer.fan_in());
    layer.shortcut.adds = true;
}

/// One plane, or up to as many as `limits` allows, their scales falling: half of them powers of two.
fn planes(rng: &mut impl Rng, limits: &Limits, channels: usize, taps: usize) -> Vec<Plane> {
    if limits.planes < 2 {
        return vec![Plane::binary(BitMatrix::from_fn(channels, taps, |_, _| rng.random()))];
    }
    let count = 1 + (1..limits.planes).take_while(|_| rng.random_ratio(2, 3)).count();
    let mut planes = Vec::new();
    let mut scale = 1;
    for index in (0..count).rev() {
        let weights = BitMatrix::from_fn(channels, taps, |_, _| rng.random());
        let masked = index > 0 && rng.random_ratio(1, 2);
        let mask = masked.then(|| mask(rng, channels, taps));
        planes.insert(0, Plane { weights, scale, mask, levels: None });
        match rng.random_ratio(1, 2) {
            true => scale <<= rng.random_range(0..=2),
            false => scale += rng.random_range(0..=2 * scale),
        }
    }
    planes
}

/// Drops runs of taps, single ones, some channels, or all of one kind.
fn mask(rng: &mut impl Rng, channels: usize, taps: usize) -> Mask {
    let mut kept = |count: usize| match rng.random_range(0..4) {
        0 => vec![true; count],
        1 => (0..count).map(|_| rng.random_ratio(2, 3)).collect(),
        2 => {
            let (first, length) = (rng.random_range(0..count), rng.random_range(1..=count));
            (0..count).map(|index| !(first..first + length).contains(&index)).collect()
        }
        _ => (0..count).map(|index| index * 5 / count != 2).collect::<Vec<bool>>(),
    };
    Mask { taps: kept(taps), channels: kept(channels) }
}

/// Kernel, stride and padding of a convolution, or of a dense layer over the whole map.
fn geometry(rng: &mut impl Rng, limits: &Limits, input: Shape) -> ((usize, usize), (usize, usize), Padding) {
    if input.pixels() == 1 || rng.random_ratio(1, 6) {
        return ((input.h, input.w), (1, 1), Padding::NONE);
    }
    // The kernel never exceeds the padded map, and padding stays smaller than the kernel.
    let mut side = |n: usize| {
        let kernel = rng.random_range(1..=limits.kernel);
        let padded = rng.random_ratio(1, 2);
        let ends = if padded { (rng.random_range(0..kernel), rng.random_range(0..kernel)) } else { (0, 0) };
        (kernel.min(n + ends.0 + ends.1), rng.random_range(1..=3), ends)
    };
    let (rows, columns) = (side(input.h), side(input.w));
    let value = [PadValue::Zero, PadValue::Plus, PadValue::Minus];
    let value = *value.choose(rng).unwrap_or(&PadValue::Zero);
    let padding = Padding { top: rows.2.0, left: columns.2.0, bottom: rows.2.1, right: columns.2.1, value };
    ((rows.0, columns.0), (rows.1, columns.1), padding)
}

/// Max pooling on a map of shape `conv`: adjoining, overlapping or with gaps.
fn pool(rng: &mut impl Rng, conv: Shape) -> Pool {
    let kernel = (rng.random_range(1..=conv.h.min(3)), rng.random_range(1..=conv.w.min(3)));
    let stride = match rng.random() {
        true => kernel,
        false => (rng.random_range(1..=3), rng.random_range(1..=3)),
    };
    Pool { kernel, stride, before_sign: rng.random() }
}

/// Thresholds near the middle of what the accumulators reach, now and then a constant channel.
fn sign(rng: &mut impl Rng, layer: &Layer, code: MapCode, range: impl Fn(usize) -> (i64, i64)) -> Activation {
    let pixels = if layer.sum_pixels { layer.conv.pixels() } else { 1 };
    let scales = layer.scales() as f64;
    let spread = f64::from(code.range().1) * scales * ((layer.fan_in() * pixels) as f64).sqrt();
    let mut threshold = Vec::new();
    for c in 0..layer.conv.c {
        let (low, high) = range(c);
        threshold.push(match rng.random_range(0..20) {
            0 => low as i32,
            1 => high as i32 + 1,
            2 => high as i32,
            _ => (rng.random_range(-1.5..=1.5) * spread) as i32,
        });
    }
    Activation::Sign { threshold, flip: (0..layer.conv.c).map(|_| rng.random_ratio(1, 3)).collect() }
}

/// Affines that keep the scores' order, that are negative, and that differ from class to class.
fn output(rng: &mut impl Rng, classes: usize) -> Output {
    let (scale, bias) = match rng.random_range(0..3) {
        0 => (vec![0.25; classes], vec![-1.5; classes]),
        1 => (vec![-2.0; classes], vec![0.0; classes]),
        _ => (vec![1.0; classes], (0..classes).map(|_| f64::from(rng.random_range(-20..=20))).collect()),
    };
    let decision = if rng.random() { Decision::Argmax } else { Decision::HighestBit };
    Output { name: "output".into(), decision, scale, bias, top_k: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_sound_and_repeatable() {
        for seed in 0..500 {
            let one = network(seed, &Limits::default());
            assert_eq!(validate(&one), [], "seed {seed}");
            assert_eq!(one, network(seed, &Limits::default()));
            assert_eq!(elements(&one, seed, 2), elements(&one, seed, 2));
        }
    }

    #[test]
    fn networks_with_states_are_sound() {
        let limits = Limits { shortcuts: true, states: true, planes: 3, ..Limits::default() };
        let networks: Vec<Network> = (0..300).map(|seed| network(seed, &limits)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
        }
        let layers = || networks.iter().flat_map(|network| &network.layers);
        let with = |layer: &&Layer| layer.requant.is_some();
        assert!(layers().filter(with).filter(|layer| layer.shortcut.adds).count() > 50);
        assert!(layers().filter(with).filter(|layer| layer.shortcut.is_none()).count() > 50);
        assert!(layers().filter(with).filter(|layer| layer.planes.len() > 1).count() > 50);
        assert!(layers().filter(with).filter(|layer| layer.pool.is_some()).count() > 20);
        assert!(layers().filter(|layer| layer.shortcut.stride != (1, 1)).count() > 20);
        assert!(layers().filter(|layer| layer.shortcut.first > 0).count() > 20);
    }

    #[test]
    fn networks_whose_states_are_levels_are_sound() {
        let limits = Limits { shortcuts: true, states: true, steps: 255, ..Limits::default() };
        let networks: Vec<Network> = (0..300).map(|seed| network(seed, &limits)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
        }
        let layers = || networks.iter().flat_map(|network| &network.layers);
        let with = |layer: &&Layer| layer.requant.is_some() && layer.steps() > 1;
        assert!(layers().filter(with).filter(|layer| layer.shortcut.adds).count() > 20);
        assert!(layers().filter(with).filter(|layer| layer.pool.is_some()).count() > 20);
        let own = |layer: &&Layer| {
            (2..=8).any(|bits| layer.activation == Activation::of_state(layer.conv.c, (bits, 0), false))
        };
        assert!(layers().filter(with).filter(own).count() > 20);
    }

    #[test]
    fn networks_with_flips_are_sound() {
        let plain = |seed| network(seed, &Limits::default());
        let networks: Vec<Network> =
            (0..200).map(|seed| with_flips(plain(seed), 2 + seed as usize % 7, seed)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
            assert_eq!(network.mode(), plain(seed as u64), "seed {seed}");
            let first_only = network.layers.len() == 1 && network.input.code.planes() > 1;
            assert_eq!(network.first_drawn().is_none(), first_only, "seed {seed}");
            assert!(network.input.code.planes() == 1 || network.layers[0].flips.is_none(), "seed {seed}");
        }
        let drawn =
            || networks.iter().flat_map(|network| &network.layers).filter_map(|layer| layer.flips.as_ref());
        for bits in Flips::BITS {
            let most = ((1u32 << (bits - 1)) - 1) as u8;
            let of = |code: u8| drawn().any(|flips| flips.bits == bits && flips.codes.contains(&code));
            assert!(of(0) && of(most), "{bits}");
        }
        assert!(networks.iter().any(|network| {
            let first = network.first_drawn();
            first.is_some_and(|first| network.layers[first..].iter().any(|layer| layer.flips.is_none()))
        }));
    }

    #[test]
    fn networks_of_several_levels_are_sound() {
        let limits = Limits { steps: 255, planes: 2, ..Limits::default() };
        let networks: Vec<Network> = (0..500).map(|seed| network(seed, &limits)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
        }
        let layers = || networks.iter().flat_map(|network| &network.layers);
        for steps in [1, 2, 3, 5, 7, 14, 15, 31, 255] {
            assert!(layers().any(|layer| layer.steps() == steps && layer.pool.is_some()), "{steps}");
        }
        assert!(layers().any(|layer| layer.steps() > 1 && !layer.fewer.is_empty()));
    }

    #[test]
    fn networks_with_shortcuts_are_sound() {
        let limits = Limits { shortcuts: true, planes: 3, ..Limits::default() };
        let networks: Vec<Network> = (0..500).map(|seed| network(seed, &limits)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
        }
        let layers = || networks.iter().flat_map(|network| &network.layers);
        assert!(layers().any(|layer| layer.shortcut.adds && layer.shortcut.keeps && layer.conv.pixels() > 1));
        assert!(layers().any(|layer| layer.shortcut.keeps && layer.pool.is_some()));
        let over =
            |network: &Network, index| keeper(&network.layers, index).is_some_and(|kept| kept + 2 == index);
        assert!(networks.iter().any(|network| (0..network.layers.len()).any(|index| over(network, index))));
    }

    #[test]
    fn networks_with_planes_are_sound() {
        let limits = Limits { planes: 4, ..Limits::default() };
        let networks: Vec<Network> = (0..500).map(|seed| network(seed, &limits)).collect();
        for (seed, network) in networks.iter().enumerate() {
            assert_eq!(validate(network), [], "seed {seed}");
            assert_eq!(validate(&network.limited(2)), [], "seed {seed}");
        }
        let planes = || networks.iter().flat_map(|n| &n.layers).flat_map(|layer| &layer.planes);
        assert!(networks.iter().any(|n| n.most_planes() == 4));
        for scale in [1, 2, 4, 16] {
            assert!(planes().any(|plane| plane.scale == scale), "{scale}");
        }
        let masks = || planes().filter_map(|plane| plane.mask.as_ref());
        assert!(masks().any(|mask| !mask.taps.contains(&true)));
        assert!(masks().any(|mask| mask.channels.contains(&false) && mask.channels.contains(&true)));
    }

    #[test]
    fn every_feature_occurs() {
        let networks: Vec<Network> = (0..500).map(|seed| network(seed, &Limits::default())).collect();
        let layers = || networks.iter().flat_map(|n| &n.layers);
        for value in [PadValue::Zero, PadValue::Plus, PadValue::Minus] {
            assert!(layers().any(|l| !l.padding.is_none() && l.padding.value == value), "{value:?}");
        }
        for k in 1..=7 {
            assert!(layers().any(|l| l.kernel == (k, k)), "kernel {k}");
        }
        let pools = || layers().filter_map(|l| l.pool);
        assert!(pools().any(|p| p.kernel.0 > p.stride.0 && p.before_sign));
        assert!(pools().any(|p| p.kernel.0 < p.stride.0 && !p.before_sign));
        assert!(layers().any(|l| l.sum_pixels && l.conv.pixels() > 1 && l.activation == Activation::Scores));
        assert!(layers().any(|l| l.sum_pixels && l.conv.pixels() > 1 && l.activation != Activation::Scores));
        assert!(networks.iter().any(|n| n.input.code == InputCode::Unsigned { bits: 8 }));
        assert!(networks.iter().any(|n| n.input.code == InputCode::Signed { bits: 8 }));
        assert!(networks.iter().any(|n| n.input.code == InputCode::Unsigned { bits: 1 }));
        assert!(networks.iter().any(|n| n.input.code == InputCode::Bipolar));
    }
}
