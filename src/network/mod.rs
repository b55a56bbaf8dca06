//! The network: layers, shapes and integers; knows no machine and no file format.
//!
//! Everything here is integer. Batch normalisation, scales, biases and signs have been folded into one
//! threshold and one flip bit a channel; what the fold could not absorb (the scalar tail behind the last
//! layer) is kept as the affine of [`Output`], which no decision of the hardware depends on.

mod check;
mod flips;
mod input;
pub mod random;
mod reads;
mod requant;
mod shortcut;
mod slices;
mod steps;

pub use check::{Problem, constant_channels, validate};
pub use flips::{FLIP_BITS, Flips, flip_codes};
pub use input::{Input, InputCode, MapCode};
pub use reads::{Reads, widest_kernel, widest_padding};
pub use requant::Requant;
pub use shortcut::{Shortcut, accumulator_range, accumulator_step, added_channels, keeper};
pub use slices::Slicing;
pub use steps::{plane_bits, plane_scales};

use crate::bits::BitMatrix;
use crate::escape::Untrusted;

/// Channels, height and width of a map; a vector is `c x 1 x 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Shape {
    pub c: usize,
    pub h: usize,
    pub w: usize,
}

impl Shape {
    pub fn vector(c: usize) -> Shape {
        Shape { c, h: 1, w: 1 }
    }

    pub fn pixels(&self) -> usize {
        self.h * self.w
    }

    pub fn elements(&self) -> usize {
        self.c * self.h * self.w
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.h, self.w) {
            (1, 1) => write!(f, "{}", self.c),
            (h, w) => write!(f, "{}x{h}x{w}", self.c),
        }
    }
}

/// What a tap outside the map reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PadValue {
    /// Row not driven: the tap adds nothing (for an integer input: value 0).
    Zero,
    /// +1, the largest level.
    Plus,
    /// -1, the smallest level.
    Minus,
}

/// Padding in pixels on each side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Padding {
    pub top: usize,
    pub left: usize,
    pub bottom: usize,
    pub right: usize,
    pub value: PadValue,
}

impl Padding {
    pub const NONE: Padding = Padding { top: 0, left: 0, bottom: 0, right: 0, value: PadValue::Zero };

    pub fn is_none(&self) -> bool {
        self.top + self.left + self.bottom + self.right == 0
    }
}

/// Max pooling behind a convolution. The windows lie wholly inside the map (floor mode, no padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Pool {
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    /// True: the maximum is taken over accumulators, then thresholded and flipped.
    /// False: over the bits after threshold and flip.
    pub before_sign: bool,
}

/// What becomes of an accumulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// Bits: `(acc >= threshold[s * channels + c]) ^ flip[c]` of each step `s`; a layer of bits has one step, one of
    /// activations of several levels as many as thresholds ([`plane_scales`]). The bits of a channel rise together: where
    /// one is 1 so are those of the steps before it, so thresholds do not fall from step to step, or, where the channel is
    /// flipped, do not rise. A step that is constant has its threshold at the smallest reachable accumulator or one above
    /// the largest.
    Sign { threshold: Vec<i32>, flip: Vec<bool> },
    /// The accumulator itself; only the last layer.
    Scores,
    /// Nothing: the layer's numbers are only kept, for a shortcut.
    Kept,
}

impl Activation {
    /// The level that is a state itself, less `shift` bits and held to `bits` bits: `2^bits - 1` thresholds a channel. Level 0
    /// is the smallest of two's complement, or, where the state is `rectified`, 0.
    pub fn of_state(channels: usize, (bits, shift): (u32, u32), rectified: bool) -> Activation {
        let least = if rectified { 0 } else { -(1i32 << (bits - 1)) };
        let thresholds =
            (least + 1..least + (1 << bits)).flat_map(|level| std::iter::repeat_n(level << shift, channels));
        Activation::Sign { threshold: thresholds.collect(), flip: vec![false; channels] }
    }
}

/// What a plane of weights leaves out: it adds nothing for a tap or a channel that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// One entry a column of the weights: the tap is kept.
    pub taps: Vec<bool>,
    /// One entry an output channel: the channel is kept.
    pub channels: Vec<bool>,
}

/// Weights of several levels: a slice of a weight, in one cell of an analog array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Largest size of a value.
    pub most: i32,
    /// One row an output channel, in the order of the planes' matrices.
    pub values: Vec<i16>,
}

/// One matrix of weights and what it counts: the base of a layer, a support, a bit of its weights, or a slice of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// One row an output channel; columns run kernel row, kernel column, input channel (channel fastest).
    pub weights: BitMatrix,
    /// What a product counts, 1 ..= [`Plane::MOST_SCALE`].
    pub scale: i32,
    /// `None`: everything is kept.
    pub mask: Option<Mask>,
    /// `None`: the weights are -1 and +1. Only [`Network::sliced`] makes others.
    pub levels: Option<Levels>,
}

impl Plane {
    /// Largest scale of a plane.
    pub const MOST_SCALE: i32 = 255;

    /// The only plane of a layer with weights of -1 and +1.
    pub fn binary(weights: BitMatrix) -> Plane {
        Plane { weights, scale: 1, mask: None, levels: None }
    }

    /// Whether the tap adds to the channel.
    pub fn keeps(&self, channel: usize, column: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask.channels[channel] && mask.taps[column])
    }

    /// Largest size of a weight.
    pub fn most(&self) -> i32 {
        self.levels.as_ref().map_or(1, |levels| levels.most)
    }

    /// -1 or +1, or a level; 0 where the plane leaves the tap or the channel out.
    pub fn value(&self, channel: usize, column: usize) -> i32 {
        if let Some(levels) = &self.levels {
            return i32::from(levels.values[channel * self.weights.columns() + column]);
        }
        match (self.keeps(channel, column), self.weights.get(channel, column)) {
            (false, _) => 0,
            (true, true) => 1,
            (true, false) => -1,
        }
    }

    /// Turns the weights of an output channel round.
    pub fn negate_row(&mut self, channel: usize) {
        for column in 0..self.weights.columns() {
            let bit = self.weights.get(channel, column);
            self.weights.set(channel, column, !bit);
        }
    }
}

/// A convolution or a dense layer (a dense layer is a 1x1 convolution on a 1x1 map, or a convolution
/// whose kernel covers the whole map where it follows a flatten).
///
/// Accumulator, shape `conv`: `acc[o][y][x] = sum over (ky, kx, c) of w[o][ky][kx][c] * in[c][y*sy + ky - top][x*sx + kx - left]`
/// with `in` in {-1, +1} (padding 0 or +-1), or the input's integer for the first layer, and the weight
/// `w = sum over planes of scale * (-1, 0 or +1)`; then what [`Requant`] makes of it and what [`Shortcut`] adds to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Name of the source graph's node.
    pub name: Untrusted,
    /// "conv" or "dense", for reports only.
    pub op: &'static str,
    pub reads: Reads,
    /// Shape of the map that it reads.
    pub input: Shape,
    /// (height, width)
    pub kernel: (usize, usize),
    /// (height, width)
    pub stride: (usize, usize),
    pub padding: Padding,
    /// Planes of the weights, the largest scale first. The first one leaves nothing out; a binary layer has no other.
    pub planes: Vec<Plane>,
    /// `None`: the weights are what they are in every sample.
    pub flips: Option<Flips>,
    /// Shape of the accumulators, before pooling.
    pub conv: Shape,
    /// What makes of sums of products numbers of fixed point; `None`: sums are accumulators as they are.
    pub requant: Option<Requant>,
    pub shortcut: Shortcut,
    /// The accumulators of all pixels of a channel are added into one (global average pooling without
    /// its division, which the fold absorbs); `pool` is then `None` and `output` is a vector.
    pub sum_pixels: bool,
    pub pool: Option<Pool>,
    pub activation: Activation,
    /// Thresholds where each layer runs at most 1, 2 ... planes, one list for each number below the most of the network;
    /// no list: those of `activation` for every number. Flips are the same. In the order of `activation`.
    pub fewer: Vec<Vec<i32>>,
    pub output: Shape,
}

/// Name of the tensor of a model file that holds the thresholds of `layer` where each layer runs at most `planes` planes.
pub fn fewer_planes(layer: &str, planes: usize) -> String {
    format!("{layer}.planes{planes}.threshold")
}

impl Layer {
    /// Most planes of one layer.
    pub const MOST_PLANES: usize = 16;
    /// Most thresholds of a channel: activations of 8 bits.
    pub const MOST_STEPS: usize = 255;

    /// Keeps the first `planes` planes, where no layer of the network keeps more than `most`.
    fn limit(&mut self, planes: usize, most: usize) {
        self.planes.truncate(planes);
        let Activation::Sign { threshold, .. } = &mut self.activation else { return };
        if self.fewer.is_empty() {
            return;
        }
        if let Some(own) = self.fewer.get(planes - 1) {
            threshold.clone_from(own);
        }
        self.fewer.truncate(planes - 1);
        self.fewer.resize(most - 1, threshold.clone());
    }

    /// Thresholds of a channel: 1 for a layer of bits, or of scores.
    pub fn steps(&self) -> usize {
        match &self.activation {
            Activation::Sign { flip, threshold } => threshold.len() / flip.len().max(1),
            Activation::Scores | Activation::Kept => 1,
        }
    }

    /// Turns the bits of channel `c` of all steps round: what the channel counts is then negative.
    pub fn turn_bits(&mut self, c: usize) {
        let Activation::Sign { threshold, flip } = &mut self.activation else { return };
        flip[c] = !flip[c];
        // Bits that rise together fall when they are turned: the last step becomes the first.
        for list in std::iter::once(threshold).chain(&mut self.fewer) {
            let own: Vec<i32> = list.iter().skip(c).step_by(flip.len()).copied().collect();
            list.iter_mut()
                .skip(c)
                .step_by(flip.len())
                .zip(own.iter().rev())
                .for_each(|(to, own)| *to = *own);
        }
    }

    /// Inputs of one accumulator: kernel height x width x input channels.
    pub fn fan_in(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.input.c
    }

    /// The weight of output channel `channel` for the tap `column`.
    pub fn weight(&self, channel: usize, column: usize) -> i32 {
        self.planes.iter().map(|plane| plane.scale * plane.value(channel, column)).sum()
    }

    pub fn weight_bits(&self) -> usize {
        self.fan_in() * self.conv.c * self.planes.len()
    }

    /// Multiply-accumulates of one image (an element and a weight of several bits count once).
    pub fn macs(&self) -> usize {
        self.fan_in() * self.conv.c * self.conv.pixels()
    }

    /// Sum of the planes' scales, times their largest values: the largest weight that can be.
    pub fn scales(&self) -> i64 {
        self.planes.iter().map(|plane| i64::from(plane.scale) * i64::from(plane.most())).sum()
    }

    /// Smallest and largest sum of products that any input can give channel `c`, with all planes or only the first ones;
    /// `code` is that of the map which the layer reads. What a shortcut adds is not in it ([`accumulator_range`]).
    pub fn product_range(&self, c: usize, code: MapCode) -> (i64, i64) {
        let pixels = if self.sum_pixels { self.conv.pixels() as i64 } else { 1 };
        let (low, high) = code.range();
        let (low, high) = (i64::from(low), i64::from(high));
        let of = |plus: i64, minus: i64| (plus * low - minus * high, plus * high - minus * low);
        if let (Some(flips), [plane]) = (&self.flips, &self.planes[..]) {
            let row = &flips.codes[c * self.fan_in()..(c + 1) * self.fan_in()];
            let certain =
                |sign| (0..row.len()).filter(move |&tap| row[tap] == 0 && plane.weights.get(c, tap) == sign);
            let (plus, minus) = (certain(true).count() as i64, certain(false).count() as i64);
            let drawn = row.iter().filter(|code| **code > 0).count() as i64;
            let (least, most) = of(plus, minus);
            let reach = low.abs().max(high.abs());
            let scale = i64::from(plane.scale) * pixels;
            return ((least - drawn * reach) * scale, (most + drawn * reach) * scale);
        }
        if let [plane @ Plane { levels: None, .. }] = &self.planes[..] {
            let plus = plane.weights.ones(c) as i64;
            let scale = i64::from(plane.scale) * pixels;
            return of(plus * scale, (self.fan_in() as i64 - plus) * scale);
        }
        let mut weights = vec![0i64; self.fan_in()];
        let mut range = (i64::MAX, i64::MIN);
        for plane in &self.planes {
            for (column, weight) in weights.iter_mut().enumerate() {
                *weight += i64::from(plane.scale * plane.value(c, column));
            }
            let plus: i64 = weights.iter().filter(|weight| **weight > 0).sum();
            let minus: i64 = -weights.iter().filter(|weight| **weight < 0).sum::<i64>();
            let (lowest, highest) = of(plus * pixels, minus * pixels);
            range = (range.0.min(lowest), range.1.max(highest));
        }
        range
    }

    /// Distance between neighbouring sums of products of one channel: what the scales of all planes have in common, and
    /// with one plane twice that, since a sum of bipolar values has the parity of its number of taps, unless some taps
    /// are not driven.
    pub fn product_step(&self, code: MapCode) -> usize {
        let all_driven = self.padding.is_none() || self.padding.value != PadValue::Zero;
        let scales = self.planes.iter().map(|plane| plane.scale as usize);
        let common = scales.fold(0, num_integer::gcd);
        let signs = matches!(&self.planes[..], [Plane { levels: None, .. }]);
        if code.is_bipolar() && all_driven && signs { 2 * common } else { common }
    }
}

/// How the scores of the last layer become a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Largest score, lowest index on a tie.
    Argmax,
    /// One score: class 1 where what leaves the graph is at least 0 (or its bit is 1), else class 0.
    Sign,
    /// Highest index whose bit is 1, class 0 if none (the host rule of BNN-PYNQ's LFC).
    HighestBit,
}

/// What leaves the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Name of the graph's output.
    pub name: Untrusted,
    /// Rule used unless the user asks for the other one.
    pub decision: Decision,
    /// Graph output of class c = `scale[c] * score[c] + bias[c]` (scores: accumulators, or -1/+1 of the
    /// last layer's bits), before a rising function that is the same for all classes (softmax, sigmoid), where the
    /// graph ends in one. The class decision uses this affine when it is not order-preserving.
    pub scale: Vec<f64>,
    pub bias: Vec<f64>,
    /// The graph ended in TopK.
    pub top_k: Option<usize>,
}

impl Output {
    /// What the graph gives for `scores`, one a class.
    pub fn of(&self, scores: &[i32]) -> impl Iterator<Item = f64> {
        self.of_sums(scores, 1)
    }

    /// The logits of the mean of `samples` samples, whose scores are added in `sums`: one score is that of class 1 against 0.
    pub fn logits(&self, sums: &[i32], samples: usize) -> Vec<f64> {
        let outputs = self.of_sums(sums, samples);
        match self.decision {
            Decision::Sign => std::iter::once(0.0).chain(outputs).collect(),
            Decision::Argmax | Decision::HighestBit => outputs.collect(),
        }
    }

    /// The mean of what it gives for each of `samples` samples, whose scores are added in `sums`, one a class.
    pub fn of_sums(&self, sums: &[i32], samples: usize) -> impl Iterator<Item = f64> {
        let affine = self.scale.iter().zip(&self.bias);
        sums.iter()
            .zip(affine)
            .map(move |(&sum, (scale, bias))| scale / samples as f64 * f64::from(sum) + bias)
    }
}

/// A whole network. `layers[0]` reads `input`, each other layer the activations of one before it, and only the last may
/// have [`Activation::Scores`].
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub name: Untrusted,
    pub input: Input,
    pub layers: Vec<Layer>,
    pub output: Output,
}

impl Network {
    /// Number of classes that a decision tells apart.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |last| last.output.elements()).max(2)
    }

    pub fn weight_bits(&self) -> usize {
        self.layers.iter().map(Layer::weight_bits).sum()
    }

    pub fn macs(&self) -> usize {
        self.layers.iter().map(Layer::macs).sum()
    }

    /// The first layer whose weights are drawn for each sample; the layers before it are the same in all of them.
    pub fn first_drawn(&self) -> Option<usize> {
        self.layers.iter().position(|layer| layer.flips.is_some())
    }

    /// The same network where no weight is ever turned round: of each weight the likelier value.
    pub fn mode(&self) -> Network {
        let mut network = self.clone();
        network.layers.iter_mut().for_each(|layer| layer.flips = None);
        network
    }

    /// The same network with outputs of the sums of `samples` samples: the mean of what the graph gives for each.
    pub fn averaged(&self, samples: usize) -> Network {
        let mut network = self.clone();
        network.output.scale.iter_mut().for_each(|scale| *scale /= samples as f64);
        network
    }

    /// Most planes of a layer.
    pub fn most_planes(&self) -> usize {
        self.layers.iter().map(|layer| layer.planes.len()).max().unwrap_or(0)
    }

    /// The same network where each layer runs its first `planes` planes (at least 1) at most.
    pub fn limited(&self, planes: usize) -> Network {
        self.limited_each(&vec![planes; self.layers.len()])
    }

    /// The same network with the first `planes[n]` planes (at least 1) of layer `n`; all where the list is empty.
    pub fn limited_each(&self, planes: &[usize]) -> Network {
        let mut network = self.clone();
        let pairs = || self.layers.iter().zip(planes);
        let most = pairs().map(|(layer, &planes)| planes.clamp(1, layer.planes.len())).max().unwrap_or(0);
        for (layer, &planes) in network.layers.iter_mut().zip(planes) {
            layer.limit(planes.clamp(1, most), most);
        }
        network
    }

    /// Whether some layer has other thresholds where fewer planes run.
    pub fn has_fewer(&self) -> bool {
        self.layers.iter().any(|layer| !layer.fewer.is_empty())
    }

    /// Coding of the map that layer `index` reads.
    pub fn code_of(&self, index: usize) -> MapCode {
        reads::code_of(&self.layers, index, self.input.code)
    }
}
