//! One thread's buffers, and a batch of images run through the layers one after the other.

use super::Engine;
use super::kernel::{self, Before, InstructionSet, LANES, Maps, Signs, Work};
use super::levels::Steps;
use super::maps::{BitMap, Images, InputMap};
use super::plan::{LayerPlan, ResultPlan};
use super::shortcut::Kept;
use crate::golden::aligned::Aligned;
use crate::network::{Activation, Pool};

/// The maps of one batch of images. Made by [`Engine::worker`]; reused from batch to batch.
#[derive(Debug)]
pub struct Worker {
    images: usize,
    /// Input of the first layer: one of the two is in use.
    input_bits: Aligned<u32>,
    input_values: Aligned<i16>,
    /// Bits of each layer's output; empty where a layer gives scores.
    outputs: Vec<Aligned<u32>>,
    /// Bits before an overlapping pool.
    unpooled: Vec<Aligned<u32>>,
    /// Bits of the steps of each layer of several levels.
    steps: Vec<Aligned<u32>>,
    counts: Vec<i32>,
    kept: Kept,
    /// Of each layer, numbers of fixed point that were beyond their bits so far.
    pub(super) saturated: Vec<u64>,
    flags: Vec<u8>,
    scores: Vec<i32>,
}

impl Worker {
    pub(super) fn new(engine: &Engine) -> Worker {
        let batch = engine.batch;
        let (bits, values) = match &engine.input {
            InputMap::Bits(map) | InputMap::BitVector(map) => (map.blank.len(), 0),
            InputMap::Values(map) => (0, map.blank.len()),
        };
        let words = |map: Option<&BitMap>| Aligned::new(map.map_or(0, |map| map.words() * batch), 0);
        let unpooled = |plan: &LayerPlan| match &plan.result {
            ResultPlan::Signs { pool: Some((_, map)), .. } => words(Some(map)),
            _ => words(None),
        };
        let counts = |plan: &LayerPlan| match plan.result {
            ResultPlan::Signs { .. } if plan.counts_once() => 0,
            _ => plan.windows.count() * LANES * batch,
        };
        let steps = |plan: &LayerPlan| words(plan.steps.as_ref().and_then(|steps| steps.map.as_ref()));
        Worker {
            images: 0,
            input_bits: Aligned::new(bits * batch, 0),
            // The last run may read one element too many, the reads of 32 bits included.
            input_values: Aligned::new(values * batch, 0),
            outputs: engine.plans.iter().map(|plan| words(plan.output.as_ref())).collect(),
            unpooled: engine.plans.iter().map(unpooled).collect(),
            steps: engine.plans.iter().map(steps).collect(),
            counts: vec![0; engine.plans.iter().map(counts).max().unwrap_or(0)],
            kept: Kept::default(),
            saturated: vec![0; engine.plans.len()],
            flags: vec![0; engine.shape.elements().next_multiple_of(32)],
            scores: vec![0; engine.scores * batch],
        }
    }

    /// Takes up to [`Engine::batch`] images, CHW elements one image after the other.
    pub fn load(&mut self, engine: &Engine, elements: &[i16]) {
        self.load_images(engine, Images::Elements(elements));
    }

    pub(in crate::golden) fn load_images(&mut self, engine: &Engine, images: Images) {
        let size = engine.shape.elements();
        self.images = images.len() / size;
        assert!(
            images.len().is_multiple_of(size) && self.images <= engine.batch,
            "whole images, a batch at most"
        );
        for image in 0..self.images {
            let from = images.slice(image * size, (image + 1) * size);
            match &engine.input {
                InputMap::Values(map) => {
                    let length = map.blank.len();
                    let to = &mut self.input_values[image * length..(image + 1) * length];
                    to.copy_from_slice(&map.blank);
                    from.write_values(engine.shape, &engine.table, map, to);
                }
                InputMap::Bits(map) => {
                    let length = map.blank.len();
                    let to = &mut self.input_bits[image * length..(image + 1) * length];
                    to.copy_from_slice(&map.blank);
                    from.write_bits(&engine.table, &mut self.flags, map, to);
                }
                InputMap::BitVector(map) => {
                    let length = map.blank.len();
                    let to = &mut self.input_bits[image * length..(image + 1) * length];
                    from.write_vector(engine.shape, &engine.table, &mut self.flags, to);
                }
            }
        }
    }

    /// Runs layer `index` on the loaded images; the layers before it have been run.
    pub fn run(&mut self, engine: &Engine, index: usize) {
        let plan = &engine.plans[index];
        let (before, after) = self.outputs.split_at_mut(index);
        let (images, set) = (self.images, engine.set);
        let work = |block: usize, pass: usize| {
            let pass = &plan.passes[pass];
            let (maps, image_stride) = match (plan.reads, &engine.input) {
                (Some(from), _) => {
                    let map = &engine.plans[from].output;
                    let (plane, image) = map.as_ref().map_or((0, 0), |map| (map.blank.len(), map.words()));
                    (Maps::Bits(&before[from][pass.plane * plane..]), image)
                }
                (None, InputMap::Values(map)) => (Maps::Values(&self.input_values), map.blank.len()),
                (None, InputMap::Bits(map) | InputMap::BitVector(map)) => {
                    (Maps::Bits(&self.input_bits), map.words())
                }
            };
            let size = LANES * plan.windows.words();
            let weights = &plan.weights[pass.weights][block * size..][..size];
            Work { windows: &plan.windows, maps, image_stride, images, weights }
        };
        let blocks = (0..plan.blocks).map(|block| (block, move |pass| work(block, pass)));
        match &plan.result {
            ResultPlan::Signs { limits, flip, flip_pooled, pool } => {
                let Some(output) = &plan.output else { return };
                let out = &mut after[0];
                reset(output, images, out);
                let (unpooled, of_steps) = (&mut self.unpooled[index], &mut self.steps[index]);
                // Bits of steps, behind pooling, are those of the output unless there are several.
                let map_of_steps = plan.steps.as_ref().and_then(|steps| steps.map.as_ref());
                let (pooled, map): (&mut [u32], _) = match map_of_steps {
                    Some(map) => {
                        reset(map, images, of_steps);
                        (of_steps, map)
                    }
                    None => (out, output),
                };
                let (to, to_map): (&mut [u32], _) = match pool {
                    Some((_, map)) => {
                        reset(map, images, unpooled);
                        (unpooled, map)
                    }
                    None => (&mut *pooled, map),
                };
                let of_block = limits.len() / plan.blocks;
                for (block, work) in blocks {
                    let mut signs = Signs {
                        limits: &limits[block * of_block..(block + 1) * of_block],
                        steps: map_of_steps.map_or(1, |map| map.planes),
                        step_stride: to_map.blank.len(),
                        flip: flip[block],
                        out: to,
                        out_stride: to_map.words(),
                        column: block,
                    };
                    if plan.counts_once() {
                        kernel::signs(set, work(0), None, &mut signs);
                        continue;
                    }
                    let last = plan.passes.len() - 1;
                    count(set, plan, 0..last, &work, &mut self.counts);
                    let before = Before { counts: &self.counts, scale: plan.passes[last].scale };
                    kernel::signs(set, work(last), Some(before), &mut signs);
                }
                if let Some((pool, from)) = pool {
                    max_pool(pool, from, &self.unpooled[index], map, pooled, images);
                }
                if let Some(flip) = flip_pooled {
                    flip_pixels(map, pooled, flip, images);
                }
                if let (Some(steps), Some(from)) = (&plan.steps, map_of_steps) {
                    to_planes((steps, from), &self.steps[index], output, out, images);
                }
            }
            ResultPlan::Shortcut { .. } => {
                if let Some(output) = &plan.output {
                    reset(output, images, &mut after[0]);
                }
                for (block, work) in blocks {
                    count(set, plan, 0..plan.passes.len(), &work, &mut self.counts);
                    self.kept.take(plan, block, images, &self.counts);
                }
                let out = plan.output.as_ref().map(|map| (map, &mut after[0]));
                self.saturated[index] += self.kept.finish(plan, images, out);
            }
            ResultPlan::Sums { .. } => {
                if let Some(output) = &plan.output {
                    reset(output, images, &mut after[0]);
                }
                for (block, work) in blocks {
                    count(set, plan, 0..plan.passes.len(), &work, &mut self.counts);
                    let out = plan.output.as_ref().map(|map| (map, &mut after[0]));
                    finish_sums(plan, block, images, &self.counts, out, &mut self.scores);
                }
            }
        }
    }

    /// Scores of the loaded images, after the last layer: one after the other, CHW.
    pub fn scores(&mut self, engine: &Engine) -> &[i32] {
        if let (Some(map), Some(bits)) =
            (engine.plans.last().and_then(|plan| plan.output.as_ref()), self.outputs.last())
        {
            for image in 0..self.images {
                let bits = &bits[image * map.blank.len()..];
                let scores = &mut self.scores[image * engine.scores..][..engine.scores];
                for (pixel, word) in map.pixels().enumerate() {
                    for c in 0..map.shape.c {
                        let bit = bits[word + c / 32] >> (c % 32) & 1;
                        scores[c * map.shape.pixels() + pixel] = if bit == 1 { 1 } else { -1 };
                    }
                }
            }
        }
        &self.scores[..self.images * engine.scores]
    }

    /// Writes the bits that layer `index` reads of a loaded image to `to`, in the order row, column, channel; the layers
    /// before it have been run. Of a first layer, its input is one of bits.
    pub(in crate::golden) fn read_bits(&self, engine: &Engine, index: usize, image: usize, to: &mut [u64]) {
        to.fill(0);
        let (map, words) = match (engine.plans[index].reads, &engine.input) {
            (Some(before), _) => match &engine.plans[before].output {
                Some(map) => (map, &self.outputs[before]),
                None => return,
            },
            (None, InputMap::Bits(map) | InputMap::BitVector(map)) => (map, &self.input_bits),
            (None, InputMap::Values(map)) => {
                let values = &self.input_values[image * map.blank.len()..];
                let length = engine.shape.w * engine.shape.c;
                for y in 0..engine.shape.h {
                    let row = &values[map.start(y, engine.shape.c)..][..length];
                    for (at, _) in row.iter().enumerate().filter(|(_, value)| **value > 0) {
                        to[(y * length + at) / 64] |= 1 << ((y * length + at) % 64);
                    }
                }
                return;
            }
        };
        let words = &words[image * map.blank.len()..][..map.blank.len()];
        for (pixel, start) in map.pixels().enumerate() {
            for (word, &bits) in words[start..].iter().take(map.pixel_words).enumerate() {
                let at = pixel * map.shape.c + word * 32;
                to[at / 64] |= u64::from(bits) << (at % 64);
                if at % 64 > 32 && at / 64 + 1 < to.len() {
                    to[at / 64 + 1] |= u64::from(bits) >> (64 - at % 64);
                }
            }
        }
    }

    /// Runs everything on `images` and gives their scores.
    pub(super) fn infer(&mut self, engine: &Engine, images: Images) -> &[i32] {
        self.load_images(engine, images);
        for index in 0..engine.plans.len() {
            self.run(engine, index);
        }
        self.scores(engine)
    }
}

/// Counts of one block over some passes of a layer, each times its scale.
fn count<'a>(
    set: InstructionSet,
    plan: &LayerPlan,
    passes: std::ops::Range<usize>,
    work: &impl Fn(usize) -> Work<'a>,
    counts: &mut [i32],
) {
    for pass in passes.clone() {
        let scale = plan.passes[pass].scale;
        let first = pass == passes.start;
        if first && scale != 1 {
            counts.fill(0);
        }
        kernel::counts(set, work(pass), (!first || scale != 1).then_some(scale), counts);
    }
    if passes.is_empty() {
        counts.fill(0);
    }
}

fn reset(map: &BitMap, images: usize, words: &mut [u32]) {
    for plane in words.chunks_exact_mut(map.blank.len()).take(images * map.planes) {
        plane.copy_from_slice(&map.blank);
    }
}

/// Turns the bits of the steps into planes, pixel by pixel.
fn to_planes((steps, from): (&Steps, &BitMap), bits: &[u32], to: &BitMap, out: &mut [u32], images: usize) {
    for image in 0..images {
        let bits = &bits[image * from.words()..][..from.words()];
        let out = &mut out[image * to.words()..][..to.words()];
        for (plane, turns) in steps.turns.iter().enumerate() {
            let out = &mut out[plane * to.blank.len()..][..to.blank.len()];
            for y in 0..from.shape.h {
                // A row of pixels has no gap in either map.
                let row = &mut out[to.word(y, 0)..][..from.row_words];
                for step in turns {
                    let bits = &bits[step * from.blank.len() + from.word(y, 0)..][..from.row_words];
                    row.iter_mut().zip(bits).for_each(|(out, bits)| *out ^= bits);
                }
            }
        }
    }
}

/// Or of the bits of every pool of `from`, plane by plane, into `to`.
fn max_pool(pool: &Pool, from: &BitMap, bits: &[u32], to: &BitMap, out: &mut [u32], images: usize) {
    let planes = bits.chunks_exact(from.blank.len()).zip(out.chunks_exact_mut(to.blank.len()));
    for (bits, out) in planes.take(images * to.planes) {
        for y in 0..to.shape.h {
            for x in 0..to.shape.w {
                let out = &mut out[to.word(y, x)..][..to.pixel_words];
                for ky in 0..pool.kernel.0 {
                    for kx in 0..pool.kernel.1 {
                        let word = from.word(y * pool.stride.0 + ky, x * pool.stride.1 + kx);
                        out.iter_mut().zip(&bits[word..]).for_each(|(out, bits)| *out |= bits);
                    }
                }
            }
        }
    }
}

/// Inverts the flipped channels of every pixel, plane by plane.
fn flip_pixels(map: &BitMap, bits: &mut [u32], flip: &[u32], images: usize) {
    for plane in bits.chunks_exact_mut(map.blank.len()).take(images * map.planes) {
        for word in map.pixels() {
            plane[word..].iter_mut().zip(flip).for_each(|(bits, flip)| *bits ^= flip);
        }
    }
}

/// Turns the counts of one block into accumulators, sums over pixels, and bits or scores.
fn finish_sums(
    plan: &LayerPlan,
    block: usize,
    images: usize,
    counts: &[i32],
    mut out: Option<(&BitMap, &mut Aligned<u32>)>,
    scores: &mut [i32],
) {
    let ResultPlan::Sums { base, factor, conv, sum_pixels, activation } = &plan.result else { return };
    let windows = plan.windows.classes();
    let positions = if *sum_pixels { 1 } else { windows.len() };
    let channels = block * LANES..conv.c.min((block + 1) * LANES);
    let mut sums = vec![0; channels.len() * positions];
    for (image, counts) in counts.chunks_exact(windows.len() * LANES).take(images).enumerate() {
        sums.fill(0);
        for (window, (class, counts)) in windows.iter().zip(counts.chunks_exact(LANES)).enumerate() {
            for (lane, c) in channels.clone().enumerate() {
                let accumulator = base[class * conv.c + c] - factor * counts[lane];
                sums[lane * positions + window % positions] += accumulator;
            }
        }
        match (activation, &mut out) {
            (Activation::Sign { threshold, flip }, Some((map, out))) => {
                for (&sum, c) in sums.iter().zip(channels.clone()) {
                    let of_channel = threshold.iter().skip(c).step_by(conv.c);
                    let met = of_channel.filter(|&&threshold| (sum >= threshold) ^ flip[c]).count();
                    for plane in 0..map.planes {
                        let bit = plan.steps.as_ref().map_or(met > 0, |steps| steps.code[met][plane]);
                        let word = (image * map.planes + plane) * map.blank.len() + map.word(0, 0) + c / 32;
                        out[word] |= u32::from(bit) << (c % 32);
                    }
                }
            }
            _ => {
                let first = (image * conv.c + channels.start) * positions;
                scores[first..first + sums.len()].copy_from_slice(&sums);
            }
        }
    }
}
