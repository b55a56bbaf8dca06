//! What the packed engine computes once for each layer: windows, weights in the kernel's order, limits.
//!
//! The counts of the kernel rise as accumulators fall: `acc = base - 2 * differing` for bits and
//! `acc = -count` for integers (whose weights are stored negated). So `acc >= threshold` is `count <= limit`
//! with a limit that also holds what undriven padding adds; windows with the same taps outside the map
//! form a class with limits of its own.
//!
//! Activations of several levels are counted plane by plane with the same weights: `acc = base - 2 * sum of scale * differing`.
//! Their bits are those of their steps until all windows of a pool are in, and become planes last.

use std::borrow::Cow;

use super::kernel::{InstructionSet, LANES, Window, Windows};
use super::levels::{Levels, Steps};
use super::maps::{BitMap, InputMap};
use crate::bits::BitMatrix;
use crate::golden::aligned::Aligned;
use crate::network::{
    Activation, Layer, MapCode, Network, PadValue, Padding, Pool, Requant, Shape, Shortcut, plane_scales,
    widest_padding,
};

/// One layer, ready to run.
#[derive(Debug)]
pub(super) struct LayerPlan {
    /// The layer whose map it reads; `None`: the input.
    pub reads: Option<usize>,
    pub windows: Windows,
    /// Blocks of 32 output channels.
    pub blocks: usize,
    /// Sets of weights: block after block, each `windows.words()` x 32.
    pub weights: Vec<Aligned<u32>>,
    /// What the kernel counts, one after the other; a layer of one binary plane that reads bits has one. Scales rise.
    pub passes: Vec<Pass>,
    pub result: ResultPlan,
    /// Activations of several levels.
    pub steps: Option<Steps>,
    /// The map that the layer's bits go to; `None` where it gives scores, or nothing.
    pub output: Option<BitMap>,
}

impl LayerPlan {
    /// The counts of one pass are the layer's counts.
    pub(super) fn counts_once(&self) -> bool {
        matches!(&self.passes[..], [pass] if pass.scale == 1)
    }

    /// Bytes that one image's results take.
    pub(super) fn bytes(&self) -> usize {
        let of_map = |map: &BitMap| map.words() * 4;
        let sums = match &self.result {
            ResultPlan::Signs { pool, .. } => pool.as_ref().map_or(0, |(_, map)| of_map(map)),
            ResultPlan::Sums { .. } => self.windows.count() * LANES * 4,
            // Accumulators of a block, of all channels, and those that were kept.
            ResultPlan::Shortcut { conv, .. } => self.windows.count() * LANES * 4 + 8 * conv.elements(),
        };
        let steps = self.steps.as_ref().and_then(|steps| steps.map.as_ref()).map_or(0, of_map);
        sums + steps + self.output.as_ref().map_or(0, of_map)
    }
}

/// One set of weights against one plane of the map, and what the counts are multiplied by.
#[derive(Debug)]
pub(super) struct Pass {
    /// Which of the layer's sets.
    pub weights: usize,
    /// Which plane of the map.
    pub plane: usize,
    pub scale: i32,
}

/// What becomes of the counts.
#[derive(Debug)]
pub(super) enum ResultPlan {
    /// Bits of every window.
    Signs {
        /// Block after block, class after class, step after step, 32 channels.
        limits: Vec<i32>,
        /// One word a block, applied to the bits of every window.
        flip: Vec<u32>,
        /// One word a block, applied to the pooled bits.
        flip_pooled: Option<Vec<u32>>,
        /// Overlapping windows: the bits go to a map of their own first, then through this pool.
        pool: Option<(Pool, BitMap)>,
    },
    /// Accumulators that a shortcut begins or ends at, or of fixed point, and their bits.
    Shortcut {
        /// Class after class, one entry a channel.
        base: Vec<i32>,
        /// As in `Sums`.
        factor: i32,
        conv: Shape,
        sum_pixels: bool,
        /// Behind pooling.
        output: Shape,
        pool: Pool,
        shortcut: Shortcut,
        requant: Option<Requant>,
        /// None: nothing leaves the layer.
        levels: Option<Levels>,
    },
    /// Accumulators, to be added up over the pixels or given out as scores.
    Sums {
        /// Class after class, one entry a channel.
        base: Vec<i32>,
        /// `acc = base - factor * count`: 2 for bits, 1 for integers and where a plane leaves something out.
        factor: i32,
        conv: Shape,
        sum_pixels: bool,
        activation: Activation,
    },
}

/// How the first layer, or any other, reads its input.
struct Source {
    /// Start of the first window: the map's padding may be wider than the layer's.
    start: usize,
    /// Start of the window at the padded position (row, column).
    pixel: usize,
    row: usize,
    /// Kernel as seen by the windows: runs, and tap words of a run.
    runs: usize,
    run_words: usize,
    integers: bool,
    /// All taps form one vector of bits without gaps between pixels.
    vector: bool,
    /// Scales of the planes of the map.
    scales: Vec<i32>,
}

impl Source {
    /// What all planes of an element count together.
    fn most(&self) -> i32 {
        self.scales.iter().sum()
    }
}

/// Plans for all layers. `input` is the form of the image that the first one reads.
pub(super) fn plan(network: &Network, input: &InputMap, set: InstructionSet) -> Vec<LayerPlan> {
    let mut plans: Vec<LayerPlan> = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let code = network.code_of(index);
        let scales = match code {
            MapCode::Activation { steps } => {
                plane_scales(steps).into_iter().map(|scale| scale as i32).collect()
            }
            MapCode::Input(_) => vec![1],
        };
        let map = layer.reads.layer().and_then(|from| plans[from].output.as_ref());
        let source = match map {
            Some(map) => Source { scales, ..bits_source(layer, map) },
            None => input_source(layer, input),
        };
        debug_assert!(code.is_bipolar() || source.integers);
        plans.push(plan_layer(layer, &source, widest_padding(network, index), set));
    }
    plans
}

fn bits_source(layer: &Layer, map: &BitMap) -> Source {
    let run_words = layer.kernel.1 * map.pixel_words;
    // Runs that follow each other without a gap are one run.
    let (runs, run_words) = match run_words == map.row_words {
        true => (1, layer.kernel.0 * run_words),
        false => (layer.kernel.0, run_words),
    };
    let (rows, columns) = (map.padding.top - layer.padding.top, map.padding.left - layer.padding.left);
    Source {
        start: rows * map.row_words + columns * map.pixel_words,
        pixel: map.pixel_words,
        row: map.row_words,
        runs,
        run_words,
        integers: false,
        vector: false,
        scales: vec![1],
    }
}

fn input_source(layer: &Layer, input: &InputMap) -> Source {
    match input {
        InputMap::Bits(map) => bits_source(layer, map),
        InputMap::BitVector(map) => {
            let run_words = map.pixel_words;
            Source {
                start: 0,
                pixel: 0,
                row: 0,
                runs: 1,
                run_words,
                integers: false,
                vector: true,
                scales: vec![1],
            }
        }
        InputMap::Values(map) => Source {
            start: 0,
            pixel: layer.input.c,
            row: map.row,
            runs: layer.kernel.0,
            run_words: (layer.kernel.1 * layer.input.c).div_ceil(2),
            integers: true,
            vector: false,
            scales: vec![1],
        },
    }
}

fn plan_layer(layer: &Layer, source: &Source, padding: Padding, set: InstructionSet) -> LayerPlan {
    let output = match layer.activation {
        Activation::Scores | Activation::Kept => None,
        Activation::Sign { .. } => {
            Some(BitMap::new(layer.output, padding, plane_scales(layer.steps()).len()))
        }
    };
    let overlapping =
        layer.pool.filter(|pool| pool.stride.0 < pool.kernel.0 || pool.stride.1 < pool.kernel.1);
    let on_bits = layer.shortcut.is_none() && layer.requant.is_none();
    let steps = Steps::new(layer, on_bits);
    let all_windows = overlapping.is_some() || !on_bits;
    let own_map = overlapping
        .filter(|_| on_bits)
        .map(|pool| (pool, BitMap::new(layer.conv, Padding::NONE, layer.steps())));
    let of_steps = steps.as_ref().and_then(|steps| steps.map.as_ref());
    let target = own_map.as_ref().map(|(_, map)| map).or(of_steps).or(output.as_ref());
    let (list, classes) = windows(layer, source, target, all_windows);
    let blocks = layer.conv.c.div_ceil(LANES);
    let (planes, factor) = planes(layer, source);
    let bases_of =
        |classes: &[Class]| classes.iter().flat_map(|&class| bases(layer, class, source)).collect();
    let result = match &layer.activation {
        activation if !on_bits && *activation != Activation::Scores => ResultPlan::Shortcut {
            base: bases_of(&classes),
            factor,
            conv: layer.conv,
            sum_pixels: layer.sum_pixels,
            output: layer.output,
            pool: layer.pool.unwrap_or(Pool { kernel: (1, 1), stride: (1, 1), before_sign: true }),
            shortcut: layer.shortcut,
            requant: layer.requant.clone(),
            levels: Levels::new(activation),
        },
        Activation::Sign { threshold, flip } if !layer.sum_pixels => {
            let flips: Vec<u32> = (0..blocks).map(|block| flip_word(flip, block)).collect();
            let late = layer.pool.is_some_and(|pool| pool.before_sign);
            ResultPlan::Signs {
                limits: limits(layer, threshold, &classes, source, factor),
                flip: if late { vec![0; blocks] } else { flips.clone() },
                flip_pooled: late.then_some(flips),
                pool: own_map,
            }
        }
        activation => ResultPlan::Sums {
            base: bases_of(&classes),
            factor,
            conv: layer.conv,
            sum_pixels: layer.sum_pixels,
            activation: activation.clone(),
        },
    };
    let windows = Windows::new(list, source.runs, source.run_words, source.row);
    let mut passes = Vec::with_capacity(source.scales.len() * planes.len());
    for (plane, of_plane) in source.scales.iter().enumerate() {
        for (weights, (_, scale)) in planes.iter().enumerate() {
            passes.push(Pass { weights, plane, scale: scale * of_plane });
        }
    }
    passes.sort_by_key(|pass| pass.scale);
    let weights = planes.iter().map(|(matrix, _)| weights(layer, matrix, source, set)).collect();
    let reads = layer.reads.layer();
    LayerPlan { reads, windows, blocks, weights, passes, result, steps, output }
}

/// Taps of a window that lie inside the map: rows from..to and columns from..to of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Class {
    rows: (usize, usize),
    columns: (usize, usize),
}

/// The windows that are needed, row by row, and the classes they belong to.
///
/// With pooling that does not overlap, each window's target is the pooled pixel, and windows outside
/// every pool are left out. Without a `target` map (sums) targets are not used.
fn windows(
    layer: &Layer,
    source: &Source,
    target: Option<&BitMap>,
    unpooled: bool,
) -> (Vec<Window>, Vec<Class>) {
    let pool = layer.pool.filter(|_| !unpooled);
    let mut classes = Vec::new();
    let mut list = Vec::new();
    for y in 0..layer.conv.h {
        for x in 0..layer.conv.w {
            let place = match pool {
                None => Some((y, x)),
                Some(pool) => pooled(y, pool.kernel.0, pool.stride.0, layer.output.h).zip(pooled(
                    x,
                    pool.kernel.1,
                    pool.stride.1,
                    layer.output.w,
                )),
            };
            let Some((row, column)) = place else { continue };
            let class = class(layer, source, y, x);
            let class = classes.iter().position(|&known| known == class).unwrap_or_else(|| {
                classes.push(class);
                classes.len() - 1
            });
            let start = source.start + y * layer.stride.0 * source.row + x * layer.stride.1 * source.pixel;
            let target = match target {
                Some(map) if !layer.sum_pixels => map.word(row, column),
                _ => 0,
            };
            list.push(Window { start: start as u32, target: target as u32, class: class as u32 });
        }
    }
    (list, classes)
}

/// The pool that position `at` belongs to, where pools do not overlap.
fn pooled(at: usize, kernel: usize, stride: usize, pools: usize) -> Option<usize> {
    (at % stride < kernel && at / stride < pools).then_some(at / stride)
}

/// Only bits with undriven padding need more than one class.
fn class(layer: &Layer, source: &Source, y: usize, x: usize) -> Class {
    let all = Class { rows: (0, layer.kernel.0), columns: (0, layer.kernel.1) };
    if source.integers || layer.padding.is_none() || layer.padding.value != PadValue::Zero {
        return all;
    }
    let inside = |at: usize, before: usize, size: usize, kernel: usize| {
        let from = before.saturating_sub(at).min(kernel);
        (from, (before + size).saturating_sub(at).clamp(from, kernel))
    };
    Class {
        rows: inside(y * layer.stride.0, layer.padding.top, layer.input.h, layer.kernel.0),
        columns: inside(x * layer.stride.1, layer.padding.left, layer.input.w, layer.kernel.1),
    }
}

/// The accumulator of every channel where the count is 0.
fn bases(layer: &Layer, class: Class, source: &Source) -> Vec<i32> {
    if source.integers {
        return vec![0; layer.conv.c];
    }
    let inside = |ky: usize, kx: usize| {
        (class.rows.0..class.rows.1).contains(&ky) && (class.columns.0..class.columns.1).contains(&kx)
    };
    let base = |o: usize| {
        // A tap outside was counted as -1 times its weight: give the weight back.
        let mut base = layer.fan_in() as i32 * reach(layer) * source.most();
        for ky in 0..layer.kernel.0 {
            for kx in (0..layer.kernel.1).filter(|&kx| !inside(ky, kx)) {
                for c in 0..layer.input.c {
                    base += layer.weight(o, (ky * layer.kernel.1 + kx) * layer.input.c + c) * source.most();
                }
            }
        }
        base
    };
    (0..layer.conv.c).map(base).collect()
}

/// Largest count that meets the threshold; lanes beyond the last channel never do.
fn limits(layer: &Layer, threshold: &[i32], classes: &[Class], source: &Source, factor: i32) -> Vec<i32> {
    let bases: Vec<Vec<i32>> = classes.iter().map(|&class| bases(layer, class, source)).collect();
    let steps = || threshold.chunks(layer.conv.c);
    let limit = |base: i32, threshold: i32| {
        let limit = (i64::from(base) - i64::from(threshold)).div_euclid(i64::from(factor));
        limit.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
    };
    let mut limits = Vec::new();
    for block in 0..layer.conv.c.div_ceil(LANES) {
        for (base, threshold) in bases.iter().flat_map(|base| steps().map(move |step| (base, step))) {
            let channels = base.iter().zip(threshold).skip(block * LANES).take(LANES);
            limits.extend(channels.map(|(&base, &threshold)| limit(base, threshold)));
            limits.resize(limits.len().next_multiple_of(LANES), i32::MIN);
        }
    }
    limits
}

fn flip_word(flip: &[bool], block: usize) -> u32 {
    let lanes = flip.iter().skip(block * LANES).take(LANES).enumerate();
    lanes.fold(0, |word, (lane, &flip)| word | u32::from(flip) << lane)
}

/// The matrices that the kernel counts with, their scales, and the factor of the counts in an accumulator.
///
/// Integers meet whole weights in one pass. A plane of levels is half the sum of a few matrices. A plane with a mask is half the sum of two matrices, equal where a tap is
/// kept and opposite where it is left out; all scales are doubled then, and the factor is 1 instead of 2.
fn planes<'a>(layer: &'a Layer, source: &Source) -> (Vec<(Cow<'a, BitMatrix>, i32)>, i32) {
    if source.integers {
        return (vec![(Cow::Borrowed(&layer.planes[0].weights), 1)], 1);
    }
    let halves = layer.planes.iter().any(|plane| plane.mask.is_some() || plane.levels.is_some());
    let mut passes = Vec::new();
    for plane in &layer.planes {
        if let Some(levels) = &plane.levels {
            for (place, part) in parts(levels.most).into_iter().enumerate() {
                let bit = |o, column| sign(levels.most, plane.value(o, column), place);
                let matrix = BitMatrix::from_fn(layer.conv.c, layer.fan_in(), bit);
                passes.push((Cow::Owned(matrix), part * plane.scale));
            }
            continue;
        }
        match plane.mask {
            None => {
                let scale = if halves { 2 * plane.scale } else { plane.scale };
                passes.push((Cow::Borrowed(&plane.weights), scale));
            }
            Some(_) => {
                for other in [true, false] {
                    let bit = |o, column| match plane.value(o, column) {
                        0 => other,
                        sign => sign > 0,
                    };
                    let matrix = BitMatrix::from_fn(layer.conv.c, layer.fan_in(), bit);
                    passes.push((Cow::Owned(matrix), plane.scale));
                }
            }
        }
    }
    (passes, if halves { 1 } else { 2 })
}

/// The accumulator of one tap whose matrices all match: half the sum of their scales where those are doubled.
fn reach(layer: &Layer) -> i32 {
    layer.planes.iter().map(|plane| plane.scale * parts(plane.most()).iter().sum::<i32>() / 2).sum()
}

/// Powers of two, falling, and a further 1: their sums and differences are twice every level up to `most`.
fn parts(most: i32) -> Vec<i32> {
    let mut parts = vec![1, 1];
    while parts.iter().sum::<i32>() < 2 * most {
        parts.insert(0, 2 * parts[0]);
    }
    parts
}

/// Whether part `place` of twice `level` is added.
fn sign(most: i32, level: i32, place: usize) -> bool {
    let mut left = 2 * level;
    for part in &parts(most)[..place] {
        left -= if left >= 0 { *part } else { -part };
    }
    left >= 0
}

/// Weights of one pass in the order of the kernel.
fn weights(layer: &Layer, matrix: &BitMatrix, source: &Source, set: InstructionSet) -> Aligned<u32> {
    let words = source.runs * source.run_words;
    let mut all = Aligned::new(layer.conv.c.div_ceil(LANES) * LANES * words, 0);
    for o in 0..layer.conv.c {
        let block = &mut all[o / LANES * LANES * words..][..LANES * words];
        let taps: Vec<u32> = match source.integers {
            true => integer_taps(layer, o, source.run_words),
            false => bit_taps(layer, matrix, o, source.vector),
        };
        for (word, taps) in taps.into_iter().enumerate() {
            block[set.weight_index(words, o % LANES, word)] = taps;
        }
    }
    all
}

/// Negated weights as pairs of 16-bit integers, each kernel row filled up with 0.
fn integer_taps(layer: &Layer, o: usize, run_words: usize) -> Vec<u32> {
    let run = layer.kernel.1 * layer.input.c;
    let tap = |row: usize, i: usize| match i < run {
        // At most 255 a plane of a few: far inside 16 bits (`network::validate`).
        true => -layer.weight(o, row * run + i) as i16,
        false => 0,
    };
    let pair =
        |row, word| u32::from(tap(row, 2 * word) as u16) | u32::from(tap(row, 2 * word + 1) as u16) << 16;
    (0..layer.kernel.0).flat_map(|row| (0..run_words).map(move |word| pair(row, word))).collect()
}

/// Weight bits, each pixel's channels filled up with 0, or all as one `vector`.
fn bit_taps(layer: &Layer, matrix: &BitMatrix, o: usize, vector: bool) -> Vec<u32> {
    let (pixels, c) = match vector {
        true => (1, layer.fan_in()),
        false => (layer.kernel.0 * layer.kernel.1, layer.input.c),
    };
    let mut taps = Vec::new();
    for pixel in 0..pixels {
        for first in (0..c).step_by(32) {
            let bits = (first..c.min(first + 32)).enumerate();
            taps.push(
                bits.fold(0, |word, (bit, column)| {
                    word | u32::from(matrix.get(o, pixel * c + column)) << bit
                }),
            );
        }
    }
    taps
}
