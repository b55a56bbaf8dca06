//! Sums of a layer while its reads add to them, and those that bypass layers.

use super::maps::LANES;
use super::plan::{LayerPlan, Taken, Vector};
use crate::golden::aligned::Aligned;
use std::ops::Range;

/// Sums of some columns and some vectors: index `column * stride + slot`, then lane.
pub(super) enum Sums {
    Narrow(Aligned<i16>),
    Wide(Vec<i64>),
}

impl Sums {
    /// Zeros.
    pub fn new(narrow: bool, columns: usize, stride: usize) -> Sums {
        match narrow {
            true => Sums::Narrow(Aligned::new(columns * stride * LANES, 0)),
            false => Sums::Wide(vec![0; columns * stride * LANES]),
        }
    }

    /// Subtracts from the sums of every column those of its group in `references`: a group has `lanes` columns.
    pub fn take_columns(&mut self, references: &Sums, chunk: &Chunk, lanes: usize) {
        for (column, channel) in chunk.columns.clone().enumerate() {
            let (own, other) = (chunk.own(column), chunk.own(channel / lanes));
            match (&mut *self, references) {
                (Sums::Narrow(sums), Sums::Narrow(references)) => {
                    sums[own].iter_mut().zip(&references[other]).for_each(|(sum, value)| *sum -= value);
                }
                (Sums::Wide(sums), Sums::Wide(references)) => {
                    sums[own].iter_mut().zip(&references[other]).for_each(|(sum, value)| *sum -= value);
                }
                _ => unreachable!("sums of one layer"),
            }
        }
    }

    /// The sums of some columns, `length` each.
    pub fn save(&self, columns: &[usize], length: usize) -> Sums {
        let range = |column: &usize| column * length..(column + 1) * length;
        match self {
            Sums::Narrow(sums) => {
                let mut saved = Aligned::new(columns.len() * length, 0);
                for (to, column) in saved.chunks_exact_mut(length).zip(columns) {
                    to.copy_from_slice(&sums[range(column)]);
                }
                Sums::Narrow(saved)
            }
            Sums::Wide(sums) => {
                Sums::Wide(columns.iter().flat_map(|column| &sums[range(column)]).copied().collect())
            }
        }
    }

    /// Subtracts from the sums of all columns what a read takes away; the bits are in `maps` of `words` words each.
    pub fn take(&mut self, taken: &Taken, maps: &[u32], words: usize, chunk: &Chunk) {
        for at in 0..chunk.vectors.len() * chunk.blocks {
            let (vector, block) = (&chunk.vectors[at / chunk.blocks], at % chunk.blocks);
            let window = &maps[block * words + vector.origin..];
            let bits = taken.words[vector.class].iter().map(|&word| window[word]);
            let values = ones(bits).map(|ones| taken.values[vector.class][ones]);
            // Layers that add their pixels up have a slot an image.
            let slot = if chunk.slots == chunk.blocks { block } else { at };
            for column in 0..chunk.columns.len() {
                let own = (column * chunk.stride + slot) * LANES..(column * chunk.stride + slot + 1) * LANES;
                match self {
                    // The layer's sums fit in 16 bits with and without what is taken away.
                    Sums::Narrow(sums) => {
                        sums[own].iter_mut().zip(&values).for_each(|(sum, &value)| *sum -= value as i16);
                    }
                    Sums::Wide(sums) => {
                        sums[own].iter_mut().zip(&values).for_each(|(sum, value)| *sum -= value);
                    }
                }
            }
        }
    }

    /// Puts back what [`Sums::save`] took.
    pub fn restore(&mut self, columns: &[usize], saved: Sums) {
        match (self, saved) {
            (Sums::Narrow(sums), Sums::Narrow(saved)) => put(sums, columns, &saved),
            (Sums::Wide(sums), Sums::Wide(saved)) => put(sums, columns, &saved),
            _ => unreachable!("saved from the same sums"),
        }
    }
}

fn put<T: Copy>(sums: &mut [T], columns: &[usize], saved: &[T]) {
    let length = saved.len().checked_div(columns.len()).unwrap_or(0);
    for (n, column) in columns.iter().enumerate() {
        sums[column * length..][..length].copy_from_slice(&saved[n * length..][..length]);
    }
}

/// How many of `words` have each bit set.
fn ones(words: impl Iterator<Item = u32>) -> [usize; LANES] {
    // One word a binary digit of the 32 numbers.
    let mut digits = [0u32; 16];
    for mut carry in words {
        for digit in &mut digits {
            (*digit, carry) = (*digit ^ carry, *digit & carry);
            if carry == 0 {
                break;
            }
        }
    }
    std::array::from_fn(|lane| {
        let digits = digits.iter().enumerate();
        digits.map(|(place, digit)| ((digit >> lane & 1) as usize) << place).sum()
    })
}

/// Columns and vectors of a layer whose sums are made together.
#[derive(Clone)]
pub(super) struct Chunk<'a> {
    pub columns: Range<usize>,
    /// Whole pooling windows.
    pub vectors: &'a [Vector],
    /// Vectors of the layer before these, and pixels behind the pooling.
    pub before: usize,
    pub pixel: usize,
    /// Words of images.
    pub blocks: usize,
    /// Sums of a column: vectors x blocks, or blocks where the layer adds its pixels up.
    pub slots: usize,
    /// Slots from one column to the next. Odd: where columns lie a power of two apart, processors take a load of one for what
    /// was just stored to another, and their lines fall into the same few places of a cache.
    pub stride: usize,
}

impl Chunk<'_> {
    /// Where the sums of a column are.
    fn own(&self, column: usize) -> Range<usize> {
        let first = column * self.stride * LANES;
        first..first + self.slots * LANES
    }
}

/// Sums on their way from the layer that kept them to the one that adds them: index
/// `((channel * pixels + pixel) * blocks + block) * LANES + lane`.
#[derive(Default)]
pub(super) struct Kept {
    pixels: usize,
    sums: Vec<i64>,
}

impl Kept {
    /// Makes room for the sums of a layer that keeps its own.
    pub fn prepare(&mut self, layer: &LayerPlan, blocks: usize) {
        if layer.shortcut.keeps {
            self.pixels = layer.vectors.len() / layer.window;
            self.sums.resize(layer.columns * self.pixels * blocks * LANES, 0);
        }
    }

    fn place(&self, chunk: &Chunk, column: usize) -> usize {
        ((chunk.columns.start + column) * self.pixels + chunk.pixel) * chunk.blocks * LANES
    }

    /// Puts what was kept where the sums of a chunk start from; the layer has no pooling.
    pub fn start(&self, chunk: &Chunk, sums: &mut Sums) {
        let length = chunk.slots * LANES;
        for column in 0..chunk.columns.len() {
            let kept = &self.sums[self.place(chunk, column)..][..length];
            let own = chunk.own(column);
            match sums {
                // The layer's sums, with these in them, fit in 16 bits.
                Sums::Narrow(sums) => {
                    sums[own].iter_mut().zip(kept).for_each(|(sum, &kept)| *sum = kept as i16);
                }
                Sums::Wide(sums) => sums[own].copy_from_slice(kept),
            }
        }
    }

    /// Keeps the largest sums of each window of `window` vectors.
    pub fn keep(&mut self, chunk: &Chunk, window: usize, sums: &Sums) {
        let pixel = chunk.blocks * LANES;
        for column in 0..chunk.columns.len() {
            let at = self.place(chunk, column);
            let to = self.sums[at..].chunks_exact_mut(pixel);
            let own = chunk.own(column);
            match sums {
                Sums::Narrow(sums) => {
                    to.zip(sums[own].chunks_exact(window * pixel)).for_each(|(to, own)| largest(to, own));
                }
                Sums::Wide(sums) => {
                    to.zip(sums[own].chunks_exact(window * pixel)).for_each(|(to, own)| largest(to, own));
                }
            }
        }
    }
}

/// The largest of each place of several parts of `sums`, as long as `to`.
fn largest<T: Copy + Into<i64>>(to: &mut [i64], sums: &[T]) {
    to.fill(i64::MIN);
    for part in sums.chunks_exact(to.len()) {
        to.iter_mut().zip(part).for_each(|(to, &sum)| *to = sum.into().max(*to));
    }
}
