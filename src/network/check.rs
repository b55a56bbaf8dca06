//! The invariants of a network, checked after reading and by every generator of random networks.

use super::{
    Activation, Flips, InputCode, Layer, MapCode, Network, Plane, Requant, Shape, accumulator_range, keeper,
    reads,
};

/// One broken invariant: the layer's name and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer '{layer}': {what}")]
pub struct Problem {
    pub layer: String,
    pub what: String,
}

/// Channels of layer `index` whose activation is the same for every input: their thresholds are always or never met.
pub fn constant_channels(network: &Network, index: usize) -> usize {
    match &network.layers[index].activation {
        Activation::Scores | Activation::Kept => 0,
        Activation::Sign { threshold, .. } => threshold
            .iter()
            .enumerate()
            .take(network.layers[index].conv.c)
            .filter(|&(channel, _)| {
                let (low, high) = accumulator_range(&network.layers, index, channel, network.input.code);
                let own = || threshold.iter().skip(channel).step_by(network.layers[index].conv.c);
                own().all(|&t| i64::from(t) <= low || i64::from(t) > high)
            })
            .count(),
    }
}

/// All broken invariants of `network`; empty when it is sound.
pub fn validate(network: &Network) -> Vec<Problem> {
    let mut problems = Vec::new();
    if network.layers.is_empty() {
        problems.push(Problem { layer: network.name.terminal(), what: "the network has no layer".into() });
    }
    let table = network.input.pixel_values.len();
    let shape = network.input.shape;
    if ![1, shape.c, shape.elements()].map(|rows| 256 * rows).contains(&table) {
        problems.push(Problem {
            layer: network.input.name.terminal(),
            what: "the pixel table needs 256 entries, or 256 for each channel, or for each element".into(),
        });
    }
    let last = network.layers.len().saturating_sub(1);
    for (index, layer) in network.layers.iter().enumerate() {
        let mut say = |what: String| problems.push(Problem { layer: layer.name.terminal(), what });
        reads::check(network, index, &mut say);
        if [layer.kernel.0, layer.kernel.1, layer.stride.0, layer.stride.1, layer.conv.elements()]
            .contains(&0)
        {
            say("kernel, stride and output size must be at least 1".into());
            continue;
        }
        let size = |n: usize, before: usize, after: usize, k: usize, s: usize| {
            (n + before + after).checked_sub(k).map(|free| free / s + 1)
        };
        let (p, (kh, kw), (sh, sw)) = (layer.padding, layer.kernel, layer.stride);
        let conv =
            (size(layer.input.h, p.top, p.bottom, kh, sh), size(layer.input.w, p.left, p.right, kw, sw));
        if conv != (Some(layer.conv.h), Some(layer.conv.w)) {
            say(format!("convolution output {} does not follow from its geometry", layer.conv));
        }
        if p.top.max(p.bottom) >= kh || p.left.max(p.right) >= kw {
            say("padding must be smaller than the kernel".into());
        }
        planes(layer, network.code_of(index), &mut say);
        flips(layer, &mut say);
        requant(layer, network.code_of(index), &mut say);
        shortcut(network, index, &mut say);
        let output = match (layer.sum_pixels, layer.pool) {
            (true, Some(_)) => {
                say("max pooling and the sum over pixels cannot both follow one layer".into());
                layer.output
            }
            (true, None) => Shape::vector(layer.conv.c),
            (false, None) => layer.conv,
            (false, Some(pool)) => Shape {
                c: layer.conv.c,
                h: size(layer.conv.h, 0, 0, pool.kernel.0, pool.stride.0.max(1)).unwrap_or(0),
                w: size(layer.conv.w, 0, 0, pool.kernel.1, pool.stride.1.max(1)).unwrap_or(0),
            },
        };
        if output != layer.output || output.elements() == 0 {
            say(format!("output {} does not follow from its geometry ({output})", layer.output));
        }
        match &layer.activation {
            Activation::Scores if index != last => say("only the last layer may give raw scores".into()),
            Activation::Scores if layer.pool.is_some() => say("raw scores cannot be max-pooled".into()),
            Activation::Scores => {}
            Activation::Kept if index == last => say("the last layer gives scores or bits".into()),
            Activation::Kept if !layer.shortcut.keeps => say("gives nothing and keeps nothing".into()),
            Activation::Kept => {}
            Activation::Sign { .. } if index != last && network.readers(index).count() == 0 => {
                say("gives a map that no layer reads".into());
            }
            Activation::Sign { threshold, flip } => signs(layer, threshold, flip, index == last, &mut say),
        }
        let fewer = network.most_planes() - 1;
        if !layer.fewer.is_empty()
            && (!matches!(layer.activation, Activation::Sign { .. })
                || layer.fewer.len() != fewer
                || layer.fewer.iter().any(|list| list.len() != layer.conv.c * layer.steps()))
        {
            say(format!(
                "thresholds of fewer planes are {fewer} lists of {} of a layer of bits",
                layer.conv.c * layer.steps()
            ));
        }
    }
    if let InputCode::Unsigned { bits } | InputCode::Signed { bits } = network.input.code
        && !(1..=8).contains(&bits)
    {
        problems.push(Problem {
            layer: network.input.name.terminal(),
            what: format!("{bits}-bit input (1 to 8 are supported)"),
        });
    }
    problems
}

/// What is wrong with the thresholds of a layer.
fn signs(layer: &Layer, threshold: &[i32], flip: &[bool], last: bool, say: &mut dyn FnMut(String)) {
    let channels = layer.conv.c;
    if flip.len() != channels || threshold.is_empty() || !threshold.len().is_multiple_of(channels) {
        return say(format!("needs {channels} flips, and as many thresholds for each step"));
    }
    let steps = layer.steps();
    if steps == 1 {
        return;
    }
    if steps > Layer::MOST_STEPS {
        say(format!("has {steps} thresholds a channel (at most {})", Layer::MOST_STEPS));
    }
    if last {
        say("the last layer gives scores or bits, no activations of several levels".into());
    }
    if !layer.shortcut.is_none() && layer.requant.is_none() {
        say("activations of several levels have no shortcut, unless they are of numbers of fixed point"
            .into());
    }
    for list in std::iter::once(threshold).chain(layer.fewer.iter().map(Vec::as_slice)) {
        let rises = |c: usize| {
            let own = list.iter().skip(c).step_by(channels);
            if flip[c] { own.is_sorted_by(|a, b| a >= b) } else { own.is_sorted() }
        };
        if let Some(channel) = (0..channels).find(|&c| !rises(c)) {
            say(format!("the thresholds of channel {channel} are not in the order of their steps"));
        }
    }
}

/// What is wrong with the shortcut that begins or ends at layer `index`.
fn shortcut(network: &Network, index: usize, say: &mut impl FnMut(String)) {
    let layer = &network.layers[index];
    if layer.shortcut.is_none() {
        return;
    }
    if layer.activation == Activation::Scores || layer.sum_pixels {
        say("raw scores and sums over pixels have no shortcut".into());
    }
    if layer.shortcut.keeps && layer.pool.is_some_and(|pool| !pool.before_sign) {
        say("accumulators are kept where the pooling follows the sign".into());
    }
    let stride = layer.shortcut.stride;
    if [stride.0, stride.1].contains(&0) || layer.requant.is_none() && stride != (1, 1) {
        return say("only of numbers of fixed point some pixels are kept and others not".into());
    }
    if !layer.shortcut.adds {
        return;
    }
    if layer.pool.is_some() {
        say("a layer that adds a shortcut cannot be pooled".into());
    }
    let Some(kept) = keeper(&network.layers, index) else {
        return say("adds a shortcut that no layer before it kept".into());
    };
    if network.layers[kept].requant.is_some() != layer.requant.is_some() {
        say("adds sums as they are to numbers of fixed point".into());
    }
    let kept = network.layers[kept].shortcut.kept(network.layers[kept].output);
    let fits = match layer.requant {
        Some(_) => layer.shortcut.first + kept.c <= layer.conv.c,
        None => layer.shortcut.first == 0 && kept.c == layer.conv.c,
    };
    if !fits || (kept.h, kept.w) != (layer.conv.h, layer.conv.w) {
        return say(format!("adds a map of {kept} to one of {}", layer.conv));
    }
    let channels = 0..layer.conv.c;
    let ranges = channels.map(|c| accumulator_range(&network.layers, index, c, network.input.code));
    let largest = ranges.map(|(low, high)| high.max(-low)).max().unwrap_or(0);
    if largest > i64::from(i32::MAX) / 2 {
        say(format!(
            "accumulators with their shortcuts reach {largest}; at most {} are supported",
            i32::MAX / 2
        ));
    }
}

/// What is wrong with the numbers of fixed point that a layer makes of its sums.
fn requant(layer: &Layer, code: MapCode, say: &mut dyn FnMut(String)) {
    let Some(requant) = &layer.requant else { return };
    let Requant { multiplier, offset, unit, shift, bits, rectified: _ } = requant;
    if multiplier.len() != layer.conv.c || offset.len() != layer.conv.c {
        return say(format!("needs {} multipliers and as many offsets", layer.conv.c));
    }
    let fits = |value: i64, bits: u32| (-(1i64 << (bits - 1))..1i64 << (bits - 1)).contains(&value);
    if !multiplier.iter().all(|&one| fits(one.into(), Requant::MULTIPLIER_BITS)) {
        say(format!("a multiplier of more than {} bits", Requant::MULTIPLIER_BITS));
    }
    if !offset.iter().all(|&one| fits(one, Requant::OFFSET_BITS)) {
        say(format!("an offset of more than {} bits", Requant::OFFSET_BITS));
    }
    if !(0..=1 << Requant::MOST_SHIFT).contains(unit) {
        say(format!("what is kept counts {unit}, at most 2^{}", Requant::MOST_SHIFT));
    }
    if *shift > Requant::MOST_SHIFT || !(Requant::LEAST_BITS..=Requant::MOST_BITS).contains(bits) {
        return say(format!("a state of {bits} bits behind a shift of {shift}"));
    }
    let ranges = (0..layer.conv.c).map(|c| requant.reach(c, layer.product_range(c, code), (0, 0)));
    let largest = ranges.map(|(low, high)| high.max(-low)).max().unwrap_or(0);
    if largest > i64::from(i32::MAX) / 2 {
        say(format!("what a state gains reaches {largest}; at most {} are supported", i32::MAX / 2));
    }
    if layer.activation == Activation::Scores || layer.flips.is_some() {
        say("raw scores and weights that are drawn have no state".into());
    }
}

/// What is wrong with the planes of the weights of `layer`, which reads elements of `code`.
fn planes(layer: &Layer, code: MapCode, say: &mut impl FnMut(String)) {
    let (channels, taps) = (layer.conv.c, layer.fan_in());
    if !(1..=Layer::MOST_PLANES).contains(&layer.planes.len()) {
        say(format!("has {} planes of weights (1 to {})", layer.planes.len(), Layer::MOST_PLANES));
    }
    for (index, plane) in layer.planes.iter().enumerate() {
        let (rows, columns) = (plane.weights.rows(), plane.weights.columns());
        if (rows, columns) != (channels, taps) {
            say(format!("weights are {rows}x{columns} where {channels}x{taps} are needed"));
        }
        if !(1..=Plane::MOST_SCALE).contains(&plane.scale) {
            say(format!("plane {index} has the scale {} (1 to {})", plane.scale, Plane::MOST_SCALE));
        }
        if index > 0 && plane.scale > layer.planes[index - 1].scale {
            say(format!("plane {index} has a larger scale than the plane before it"));
        }
        match &plane.mask {
            Some(_) if index == 0 => say("the first plane leaves something out".into()),
            Some(mask) if (mask.channels.len(), mask.taps.len()) != (channels, taps) => {
                say(format!("the mask of plane {index} has not one entry a channel and a tap"));
            }
            _ => {}
        }
    }
    let (low, high) = code.range();
    let pixels = if layer.sum_pixels { layer.conv.pixels() as i64 } else { 1 };
    let largest = taps as i64 * pixels * layer.scales() * i64::from(high.max(-low));
    if largest > i64::from(i32::MAX) / 2 {
        say(format!("accumulators reach {largest}; at most {} are supported", i32::MAX / 2));
    }
}

/// What holds of weights that are drawn.
fn flips(layer: &Layer, say: &mut dyn FnMut(String)) {
    let Some(flips) = &layer.flips else { return };
    let (channels, taps, bits) = (layer.conv.c, layer.fan_in(), flips.bits);
    if !Flips::BITS.contains(&bits) {
        return say(format!("flip codes for draws of {bits} bits (2 to 8)"));
    }
    if flips.codes.len() != channels * taps {
        let codes = flips.codes.len();
        say(format!("{codes} flip codes, {channels} x {taps} are needed"));
    }
    let most = (1u32 << (bits - 1)) - 1;
    if let Some(code) = flips.codes.iter().find(|code| u32::from(**code) > most) {
        say(format!("a flip code of {code}; with {bits} bits at most {most}"));
    }
    if layer.planes.len() > 1 || layer.planes.iter().any(|plane| plane.levels.is_some()) {
        say("weights of several planes or levels are not drawn".into());
    }
}
