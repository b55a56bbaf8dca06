//! Signs of latent weights as right factors of narrow products.

use super::super::sign::sign;
use super::kernel::{self, InstructionSet, LANES, VECTORS};
use super::shape::Geometry;
use rayon::prelude::*;

/// A right factor, cut into panels of columns.
pub struct Panels {
    words: Vec<i32>,
    /// 128 times the sum of every column.
    offsets: Vec<i32>,
    steps: usize,
    pub width: usize,
    pub columns: usize,
}

/// Columns of a panel for so many in all: as few as possible in vain, and then as many as possible.
pub fn width(columns: usize) -> usize {
    let widths = (1..=VECTORS).rev().map(|vectors| vectors * LANES);
    widths.min_by_key(|&width| columns.next_multiple_of(width)).unwrap_or(LANES)
}

impl Panels {
    /// The factor for the sums: a column an output.
    pub fn of_sums(set: InstructionSet, geometry: &Geometry, latent: &[f32]) -> Panels {
        let (channels, outputs) = (geometry.input.c, geometry.conv.c);
        let mut made = Panels::empty(geometry.places(), channels.div_ceil(4), outputs);
        made.fill(geometry.places(), |place, first, (words, width)| {
            let count = width.min(outputs - first);
            for (k, words) in words.chunks_exact_mut(width).enumerate() {
                for j in 0..(channels - 4 * k).min(4) {
                    let row = &latent[(place * channels + 4 * k + j) * outputs + first..][..count];
                    for (word, &w) in words.iter_mut().zip(row) {
                        *word |= i32::from(sign(w) as u8) << (8 * j);
                    }
                }
            }
        });
        made.with_offsets(set)
    }

    /// The factor for the input's gradient: a column a channel of the input, the kernel turned by half, the weights of
    /// every output times 2 to its power.
    pub fn of_inputs(set: InstructionSet, geometry: &Geometry, latent: &[f32], powers: &[u8]) -> Panels {
        let (channels, outputs) = (geometry.input.c, geometry.conv.c);
        let places = geometry.places();
        let mut made = Panels::empty(places, outputs.div_ceil(4), channels);
        made.fill(places, |place, first, (words, width)| {
            for n in 0..width.min(channels - first) {
                let row = &latent[((places - 1 - place) * channels + first + n) * outputs..][..outputs];
                for (k, (four, powers)) in row.chunks(4).zip(powers.chunks(4)).enumerate() {
                    let mut bytes = [0; 4];
                    for ((byte, &w), power) in bytes.iter_mut().zip(four).zip(powers) {
                        *byte = (sign(w) << power) as u8;
                    }
                    words[k * width + n] = i32::from_le_bytes(bytes);
                }
            }
        });
        made.with_offsets(set)
    }

    fn empty(places: usize, words: usize, columns: usize) -> Panels {
        let width = width(columns);
        let (steps, panels) = (places * words, columns.div_ceil(width));
        let offsets = vec![0; panels * width];
        Panels { words: vec![0; panels * steps * width], offsets, steps, width, columns }
    }

    /// Calls `write(place, first column, (words of the place, width))` for each place of the kernel in each panel.
    fn fill(&mut self, places: usize, write: impl Fn(usize, usize, (&mut [i32], usize)) + Sync) {
        let width = self.width;
        let parts = self.words.par_chunks_mut(self.steps / places * width).enumerate();
        parts.for_each(|(part, words)| write(part % places, part / places * width, (words, width)));
    }

    fn with_offsets(mut self, set: InstructionSet) -> Panels {
        let panels = self.words.par_chunks(self.steps * self.width);
        self.offsets
            .par_chunks_mut(self.width)
            .zip(panels)
            .for_each(|(offsets, panel)| kernel::offsets(set, panel, offsets, true));
        self
    }

    /// First column, words and offsets of every panel.
    pub fn each(&self) -> impl Iterator<Item = (usize, &[i32], &[i32])> {
        let panels =
            self.words.chunks_exact(self.steps * self.width).zip(self.offsets.chunks_exact(self.width));
        panels.enumerate().map(|(panel, (words, offsets))| (panel * self.width, words, offsets))
    }
}
