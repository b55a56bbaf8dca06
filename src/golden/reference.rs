//! The definition of a network, run tap by tap.
//!
//! Written to be obviously right and nothing else: every other executor is compared with this one. All
//! arithmetic is on integers; floating point appears only where a class decision needs the affine behind
//! the last layer.

use crate::network::{Activation, Decision, Layer, Network, Output, PadValue, Pool, Reads, Requant, Shape};

/// What one layer made of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerTrace {
    /// Sums of products, in the order of `accumulators`.
    pub products: Vec<i32>,
    /// Accumulators, behind fixed point and shortcuts, in CHW order of the layer's `conv` shape; one a channel where the layer sums its pixels.
    pub accumulators: Vec<i32>,
    /// Bits of step after step of the thresholds, each in CHW order of the layer's `output` shape, after pooling; empty
    /// where the layer gives scores.
    pub bits: Vec<bool>,
}

/// All layers' integers of one image and the network's scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    pub layers: Vec<LayerTrace>,
    /// Accumulators of the last layer, or -1/+1 for its bits, CHW.
    pub scores: Vec<i32>,
}

/// Runs `network` on one image: `input` holds the element values in CHW order.
///
/// Panics if `input` has not as many elements as the network's input map.
pub fn run(network: &Network, input: &[i16]) -> Trace {
    assert_eq!(input.len(), network.input.shape.elements(), "elements of the input map");
    let input: Vec<i32> = input.iter().map(|&value| i32::from(value)).collect();
    let mut layers = Vec::new();
    // What each layer gave, CHW.
    let mut maps: Vec<Vec<i32>> = Vec::new();
    let mut kept: Vec<i32> = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let code = network.code_of(index);
        let largest = if code.is_bipolar() { code.range().1 } else { 1 };
        let mut accumulators = match layer.reads {
            Reads::Input => convolve(layer, &input, largest),
            Reads::Map(from) => convolve(layer, &maps[from], largest),
            Reads::Upper(from) => convolve(layer, &upper(&maps[from]), largest),
        };
        if layer.sum_pixels {
            accumulators = accumulators.chunks(layer.conv.pixels()).map(|c| c.iter().sum()).collect();
        }
        let products = accumulators.clone();
        if let Some(requant) = &layer.requant {
            let pixels = accumulators.len() / layer.conv.c;
            // What was kept has this layer's rows and columns, and perhaps fewer channels.
            let addend = |index: usize| match layer.shortcut.adds {
                true => index.checked_sub(layer.shortcut.first * pixels).and_then(|at| kept.get(at)),
                false => None,
            };
            let state = |(index, &sum): (usize, &i32)| {
                let kept = addend(index).copied().unwrap_or(0);
                state(requant, index / pixels, i64::from(sum), i64::from(kept))
            };
            accumulators = accumulators.iter().enumerate().map(state).collect();
        } else if layer.shortcut.adds {
            accumulators.iter_mut().zip(&kept).for_each(|(sum, kept)| *sum += kept);
        }
        if layer.shortcut.keeps {
            let output = layer.output;
            let stride = layer.shortcut.stride;
            let largest = pools(layer, &accumulators).map(|window| window.max().unwrap_or(0)).enumerate();
            let taken = largest.filter(|(index, _)| {
                (index / output.w % output.h).is_multiple_of(stride.0)
                    && (index % output.w).is_multiple_of(stride.1)
            });
            kept = taken.map(|(_, sum)| sum).collect();
        }
        let bits = match &layer.activation {
            Activation::Scores | Activation::Kept => Vec::new(),
            Activation::Sign { threshold, flip } => signs(layer, &accumulators, threshold, flip),
        };
        maps.push(match layer.activation {
            Activation::Scores => accumulators.clone(),
            Activation::Sign { .. } => levels(layer, &bits),
            Activation::Kept => Vec::new(),
        });
        layers.push(LayerTrace { products, accumulators, bits });
    }
    Trace { layers, scores: maps.pop().unwrap_or_default() }
}

/// The class that `scores` stand for under `rule`.
///
/// `Argmax` compares the scores themselves where the affine of the output keeps their order, else the
/// graph's outputs; the lowest index wins a tie. One score is class 1 where the graph's output is at least 0, or the
/// bit is the larger level, whatever the rule. `HighestBit` takes the last layer's bits, or the signs of
/// the graph's outputs where that layer gives accumulators; class 0 if no bit is set.
pub fn decide(network: &Network, scores: &[i32], rule: Decision) -> usize {
    let output = &network.output;
    match rule {
        _ if scores.len() == 1 => usize::from(one_score(network, scores[0])),
        Decision::Sign => 0,
        Decision::Argmax if keeps_order(output) => first_largest(scores),
        Decision::Argmax => first_largest(&graph_outputs(output, scores)),
        Decision::HighestBit => {
            let accumulators =
                network.layers.last().is_some_and(|last| last.activation == Activation::Scores);
            let set = |&class: &usize| match accumulators {
                true => graph_output(output, class, scores[class]) >= 0.0,
                false => scores[class] > 0,
            };
            (0..scores.len()).rev().find(set).unwrap_or(0)
        }
    }
}

/// Whether the only score means class 1.
fn one_score(network: &Network, score: i32) -> bool {
    let output = &network.output;
    match network.layers.last().map(|last| &last.activation) {
        Some(Activation::Sign { .. }) => f64::from(score) * output.scale[0] > 0.0,
        _ => graph_output(output, 0, score) >= 0.0,
    }
}

/// Whether every class has the same positive scale and the same bias.
fn keeps_order(output: &Output) -> bool {
    let same = |values: &[f64]| values.iter().all(|&value| value == values[0]);
    same(&output.scale) && same(&output.bias) && output.scale.iter().all(|&scale| scale > 0.0)
}

fn graph_outputs(output: &Output, scores: &[i32]) -> Vec<f64> {
    scores.iter().enumerate().map(|(class, &score)| graph_output(output, class, score)).collect()
}

fn graph_output(output: &Output, class: usize, score: i32) -> f64 {
    let scale = output.scale.get(class).copied().unwrap_or(1.0);
    let bias = output.bias.get(class).copied().unwrap_or(0.0);
    scale * f64::from(score) + bias
}

fn first_largest<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// The number of fixed point that the sum of products of channel `c` becomes: the floor of a fraction, held to its bits.
fn state(requant: &Requant, c: usize, sum: i64, kept: i64) -> i32 {
    let numerator = i64::from(requant.multiplier[c]) * sum + requant.offset[c] + requant.unit * kept;
    let exact = numerator.div_euclid(2i64.pow(requant.shift));
    let values = 2i64.pow(requant.bits);
    let least = if requant.rectified { 0 } else { -values / 2 };
    exact.max(least).min(least + values - 1) as i32
}

/// Whether each level, which counts above or below 0, is above: +1 or -1.
fn upper(map: &[i32]) -> Vec<i32> {
    map.iter().map(|&value| if value > 0 { 1 } else { -1 }).collect()
}

/// Index of (c, y, x) in a map of `shape` held in CHW order.
fn chw(shape: Shape, c: usize, y: usize, x: usize) -> usize {
    (c * shape.h + y) * shape.w + x
}

/// The accumulators of every channel and pixel, CHW; `largest`: of what the map's elements can be, where it is not of
/// integers.
fn convolve(layer: &Layer, map: &[i32], largest: i32) -> Vec<i32> {
    let mut accumulators = Vec::with_capacity(layer.conv.elements());
    for o in 0..layer.conv.c {
        for y in 0..layer.conv.h {
            for x in 0..layer.conv.w {
                accumulators.push(accumulate(layer, map, largest, (o, y, x)));
            }
        }
    }
    accumulators
}

/// The sum over all taps of output channel `o` at pixel (y, x); `largest`: of what the map's elements can be.
fn accumulate(layer: &Layer, map: &[i32], largest: i32, (o, y, x): (usize, usize, usize)) -> i32 {
    let mut sum = 0;
    let mut column = 0;
    for ky in 0..layer.kernel.0 {
        for kx in 0..layer.kernel.1 {
            for c in 0..layer.input.c {
                let row = (y * layer.stride.0 + ky).checked_sub(layer.padding.top);
                let col = (x * layer.stride.1 + kx).checked_sub(layer.padding.left);
                let value = match (row, col) {
                    (Some(row), Some(col)) if row < layer.input.h && col < layer.input.w => {
                        map[chw(layer.input, c, row, col)]
                    }
                    _ => match layer.padding.value {
                        PadValue::Zero => 0,
                        PadValue::Plus => largest,
                        PadValue::Minus => -largest,
                    },
                };
                sum += layer.weight(o, column) * value;
                column += 1;
            }
        }
    }
    sum
}

/// What the bits of the steps count together, CHW.
fn levels(layer: &Layer, bits: &[bool]) -> Vec<i32> {
    let elements = layer.output.elements();
    let value = |index: usize| {
        (0..layer.steps()).map(|step| if bits[step * elements + index] { 1 } else { -1 }).sum()
    };
    (0..elements).map(value).collect()
}

/// Threshold, flip and max pooling: the layer's output bits, CHW, step after step.
fn signs(layer: &Layer, accumulators: &[i32], threshold: &[i32], flip: &[bool]) -> Vec<bool> {
    let before_sign = layer.pool.is_some_and(|pool| pool.before_sign);
    let mut bits = Vec::with_capacity(layer.output.elements() * layer.steps());
    for threshold in threshold.chunks(layer.conv.c) {
        for (index, mut window) in pools(layer, accumulators).enumerate() {
            let c = index / layer.output.pixels();
            let sign = |acc: i32| (acc >= threshold[c]) ^ flip[c];
            bits.push(if before_sign { window.max().is_some_and(sign) } else { window.any(sign) });
        }
    }
    bits
}

/// The accumulators of every pooling window, CHW; without pooling a window is one pixel.
fn pools<'a>(
    layer: &Layer,
    accumulators: &'a [i32],
) -> impl Iterator<Item = impl Iterator<Item = i32> + use<'a>> + use<'a> {
    let before = if layer.sum_pixels { Shape::vector(layer.conv.c) } else { layer.conv };
    let one = Pool { kernel: (1, 1), stride: (1, 1), before_sign: false };
    let (pool, output) = (layer.pool.unwrap_or(one), layer.output);
    (0..output.elements()).map(move |index| {
        let (c, y, x) = (index / output.pixels(), index / output.w % output.h, index % output.w);
        let window = (0..pool.kernel.0).flat_map(move |ky| {
            (0..pool.kernel.1).map(move |kx| (y * pool.stride.0 + ky, x * pool.stride.1 + kx))
        });
        window.map(move |(row, col)| accumulators[chw(before, c, row, col)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::network::random::{self, Limits};
    use crate::network::{Input, InputCode, Mask, Padding, Plane, Shortcut, validate};

    /// One 2x2 convolution with padding on a 1x2x2 input, small enough to be summed by hand.
    fn small(value: PadValue, pool: Option<Pool>) -> Network {
        let input = Shape { c: 1, h: 2, w: 2 };
        let conv = Shape { c: 1, h: 2, w: 2 };
        let layer = Layer {
            name: "conv".into(),
            op: "conv",
            reads: Reads::Input,
            input,
            kernel: (2, 2),
            stride: (1, 1),
            padding: Padding { top: 1, left: 1, bottom: 0, right: 0, value },
            // + -
            // - +
            planes: vec![Plane::binary(BitMatrix::from_fn(1, 4, |_, column| column == 0 || column == 3))],
            conv,
            sum_pixels: false,
            pool,
            requant: None,
            shortcut: Shortcut::NONE,
            flips: None,
            fewer: Vec::new(),
            activation: match pool {
                None => Activation::Scores,
                Some(_) => Activation::Sign { threshold: vec![2], flip: vec![true] },
            },
            output: if pool.is_some() { Shape { c: 1, h: 1, w: 1 } } else { conv },
        };
        Network {
            name: "small".into(),
            input: Input {
                name: "in".into(),
                shape: input,
                code: InputCode::Signed { bits: 8 },
                pixel_values: (0..256).map(|p| p - 128).collect(),
                pixel_rule: "graph".into(),
            },
            layers: vec![layer],
            output: Output {
                name: "out".into(),
                decision: Decision::Argmax,
                scale: vec![1.0; 4],
                bias: vec![0.0; 4],
                top_k: None,
            },
        }
    }

    #[test]
    fn a_padded_convolution_equals_the_sum_by_hand() {
        let input = [5, -7, 11, 100];
        for (value, expected) in [
            // (0,0): only the lower right tap is inside: + 5, and pad * (+1 -1 -1)
            (PadValue::Zero, [5, -12, 6, 5 + 7 - 11 + 100]),
            (PadValue::Plus, [5 - 1, -12 + 1 - 1, 6 + 1 - 1, 101]),
            (PadValue::Minus, [5 + 1, -12, 6, 101]),
        ] {
            let network = small(value, None);
            assert_eq!(validate(&network), []);
            assert_eq!(run(&network, &input).scores, expected, "{value:?}");
        }
    }

    #[test]
    fn planes_add_up_by_their_scales() {
        let mut network = small(PadValue::Zero, None);
        let base = &mut network.layers[0].planes[0];
        base.scale = 2;
        // - - and the right column is left out.
        // + -
        let weights = BitMatrix::from_fn(1, 4, |_, column| column == 2);
        let mask = Some(Mask { taps: vec![true, false, true, false], channels: vec![true] });
        network.layers[0].planes.push(Plane { weights, scale: 1, mask, levels: None });
        assert_eq!(validate(&network), []);
        let input = [5, -7, 11, 100];
        // Base sums 5, -12, 6, 101, twice; then - upper left + lower left.
        assert_eq!(run(&network, &input).scores, [10, -24 + 5, 12, 202 - 5 + 11]);
        assert_eq!(run(&network.limited(1), &input).scores, [10, -24, 12, 202]);
    }

    #[test]
    fn activations_of_several_levels_are_as_many_bits() {
        let limits = Limits { steps: 15, planes: 3, input_bits: 3, ..Limits::default() };
        let mut seen = 0;
        for seed in 0..120 {
            let network = random::network(seed, &Limits { channels: 9, side: 6, ..limits.clone() });
            let bits = network.of_bits();
            assert_eq!(validate(&bits), [], "seed {seed}");
            for image in random::elements(&network, seed, 3).chunks(network.input.shape.elements()) {
                let (one, other) = (run(&network, image), run(&bits, image));
                assert_eq!(one.scores, other.scores, "seed {seed}");
                for (index, (one, other)) in one.layers.iter().zip(&other.layers).enumerate() {
                    assert_eq!(one.bits, other.bits, "seed {seed}, layer {index}");
                    let repeated = one.accumulators.repeat(network.layers[index].steps());
                    assert_eq!(repeated, other.accumulators, "seed {seed}, layer {index}");
                }
            }
            seen += usize::from(network.layers.iter().any(|layer| layer.steps() > 1));
        }
        assert!(seen > 60, "{seen}");
    }

    #[test]
    fn a_shortcut_adds_what_was_kept() {
        let pool = Pool { kernel: (2, 2), stride: (1, 1), before_sign: true };
        let mut network = small(PadValue::Zero, Some(pool));
        // Accumulators 5, -12, 6, 101, of which the largest is kept; its bit is flipped to 0.
        network.layers[0].shortcut = Shortcut::KEEPS;
        let mut second = network.layers[0].clone();
        let one = Shape { c: 1, h: 1, w: 1 };
        (second.input, second.conv, second.output) = (one, one, one);
        (second.kernel, second.padding, second.pool) = ((1, 1), Padding::NONE, None);
        second.planes = vec![Plane { scale: 3, ..Plane::binary(BitMatrix::from_fn(1, 1, |_, _| true)) }];
        second.shortcut = Shortcut { adds: true, ..Shortcut::KEEPS };
        second.activation = Activation::Sign { threshold: vec![98], flip: vec![false] };
        let mut third = second.clone();
        third.activation = Activation::Sign { threshold: vec![102], flip: vec![false] };
        network.layers.extend([second, third]);
        Reads::in_sequence(&mut network.layers);
        assert_eq!(validate(&network), []);
        let trace = run(&network, &[5, -7, 11, 100]);
        // 101 - 3 meets 98, hence + 3 in the last layer.
        let sums: Vec<&[i32]> = trace.layers.iter().map(|layer| &layer.accumulators[..]).collect();
        assert_eq!(sums, [&[5, -12, 6, 101][..], &[98], &[101]]);
        assert_eq!(trace.scores, [-1]);
    }

    #[test]
    fn the_order_of_pooling_and_flip_matters() {
        let pool = |before_sign| Some(Pool { kernel: (2, 2), stride: (2, 2), before_sign });
        // Accumulators 5, -12, 6, 101 against threshold 2, flipped.
        let input = [5, -7, 11, 100];
        assert_eq!(run(&small(PadValue::Zero, pool(true)), &input).scores, [-1]);
        assert_eq!(run(&small(PadValue::Zero, pool(false)), &input).scores, [1]);
    }

    #[test]
    fn decisions_follow_the_rules_of_ties_and_affines() {
        let mut network = small(PadValue::Zero, None);
        assert_eq!(decide(&network, &[3, 7, 7, 0], Decision::Argmax), 1);
        assert_eq!(decide(&network, &[3, -7, 7, -1], Decision::HighestBit), 2);
        assert_eq!(decide(&network, &[-3, -7, -7, -1], Decision::HighestBit), 0);
        network.output.bias = vec![0.0, 0.0, 0.5, 0.0];
        assert_eq!(decide(&network, &[3, 7, 7, 0], Decision::Argmax), 2);
        network.output.bias = vec![0.0; 4];
        network.output.scale = vec![-1.0; 4];
        assert_eq!(decide(&network, &[3, 7, 7, 0], Decision::Argmax), 3);
    }
}
