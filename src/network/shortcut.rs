//! Residual sums: accumulators that go past a layer and are added to those of a later one.

use super::reads::code_of;
use super::{InputCode, Layer, Shape};

/// What a layer has to do with accumulators that bypass layers (the identity shortcut of Bi-Real Net, Liu et al., ECCV
/// 2018: the sum before the sign, not its bit, is added to the sum of a later layer).
///
/// The layer that adds has no pooling, and its `conv` has the rows and columns of what was kept, and as many channels.
/// Numbers of fixed point ([`Requant`](super::Requant)) may be fewer: kept channel `c` is added to channel `first + c`, and
/// nothing to the others, and a layer may keep some of its pixels only (option A of He et al., CVPR 2016). What a sum counts
/// beside the other is in the scales of the two layers' planes, or in what `Requant` makes of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Shortcut {
    /// The accumulators of the last layer that kept its own, channel by channel and pixel by pixel, are added to this one's.
    pub adds: bool,
    /// The channel of this layer that channel 0 of what was kept is added to.
    pub first: usize,
    /// The accumulators (their maxima where the layer pools), with what was added, are kept for a later layer.
    pub keeps: bool,
    /// Every so many rows and columns are kept, from the first on.
    pub stride: (usize, usize),
}

impl Shortcut {
    pub const NONE: Shortcut = Shortcut { adds: false, first: 0, keeps: false, stride: (1, 1) };
    pub const ADDS: Shortcut = Shortcut { adds: true, ..Shortcut::NONE };
    pub const KEEPS: Shortcut = Shortcut { keeps: true, ..Shortcut::NONE };

    pub fn is_none(&self) -> bool {
        *self == Shortcut::NONE
    }

    /// What is kept of a layer's `output`.
    pub fn kept(&self, output: Shape) -> Shape {
        Shape { c: output.c, h: output.h.div_ceil(self.stride.0), w: output.w.div_ceil(self.stride.1) }
    }
}

/// Channels of layer `index` that a shortcut adds to; none where it adds nothing.
pub fn added_channels(layers: &[Layer], index: usize) -> std::ops::Range<usize> {
    let first = layers[index].shortcut.first;
    first..keeper(layers, index).map_or(first, |from| first + layers[from].output.c)
}

/// The layer whose accumulators layer `index` adds to its own; `None` where it adds none.
pub fn keeper(layers: &[Layer], index: usize) -> Option<usize> {
    layers[index].shortcut.adds.then(|| layers[..index].iter().rposition(|layer| layer.shortcut.keeps))?
}

/// Smallest and largest accumulator that any input can give channel `c` of layer `index`; `input`: the network's coding.
pub fn accumulator_range(layers: &[Layer], index: usize, c: usize, input: InputCode) -> (i64, i64) {
    let layer = &layers[index];
    let products = layer.product_range(c, code_of(layers, index, input));
    let kept = match keeper(layers, index).filter(|_| added_channels(layers, index).contains(&c)) {
        Some(from) => accumulator_range(layers, from, c - layer.shortcut.first, input),
        None => (0, 0),
    };
    match &layer.requant {
        Some(requant) => requant.range(c, products, kept),
        None => (products.0 + kept.0, products.1 + kept.1),
    }
}

/// Distance between neighbouring accumulators of one channel of layer `index`.
pub fn accumulator_step(layers: &[Layer], index: usize, input: InputCode) -> usize {
    let chain = std::iter::successors(Some(index), |&index| keeper(layers, index));
    let steps = chain.map(|index| match &layers[index].requant {
        Some(_) => 1,
        None => layers[index].product_step(code_of(layers, index, input)),
    });
    steps.fold(0, num_integer::gcd)
}
