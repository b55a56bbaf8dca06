//! The fast executor of analog arrays: a design on a drawn chip, many images at a time, equal to
//! [`super::machine`] in every bit.
//!
//! One bit of 32 images makes one word. With AVX-512 the rows of an array go in groups of five or six: their bits
//! of each of 32 vectors index a table of partial voltages, which one instruction looks up for all of them;
//! codes are guessed by a straight line and corrected, or found by the same instruction in the column's edges. Elsewhere, for single images and where
//! voltages leave 16 bits, the cells of the rows that carry +1 are added up, many columns a vector.
//! Integers only; nothing is rounded. `unsafe` is confined to the kernels.

mod generators;
mod kernel;
mod load;
mod maps;
mod plan;
mod recalibrate;
mod worker;

use rayon::prelude::*;

pub use generators::GateNoise;
pub use kernel::InstructionSet;
pub use load::Loaded;
pub use plan::Plan;

use crate::bits::BitMatrix;
use maps::LANES;

/// What one image gives on one chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Scores in the order of [`super::machine::MachineTrace::scores`]: row, column, class. One-bit scores are
    /// 0 or 1.
    pub scores: Vec<i64>,
    /// Result bits of every layer after pooling and flip: a row a channel, a column a pixel (row by row); 0 x 0
    /// for a layer of scores. Empty unless asked for.
    pub layers: Vec<BitMatrix>,
}

impl Loaded<'_> {
    /// Runs `images` (element values, channel, row, column, one image after the other, each inside the input
    /// code's range) on the calling thread. Calls may run side by side.
    ///
    /// # Panics
    /// Unless `images` holds whole images.
    pub fn run(&self, images: &[i16], traced: bool) -> Vec<Outcome> {
        self.run_from(0, images, traced)
    }

    /// [`Loaded::run`] where `first` images (a multiple of 32) came before: they count for the noise.
    pub fn run_from(&self, first: usize, images: &[i16], traced: bool) -> Vec<Outcome> {
        let (size, many) = self.whole(first, images);
        let batches = images.chunks(self.batch() * size).enumerate();
        batches
            .flat_map(|(n, batch)| worker::run(self, first + n * self.batch(), batch, traced, many))
            .collect()
    }

    /// [`Loaded::run`] on the current rayon pool, batch by batch. The result does not depend on the pool.
    ///
    /// # Panics
    /// Unless `images` holds whole images.
    pub fn run_parallel(&self, images: &[i16], traced: bool) -> Vec<Outcome> {
        self.run_parallel_from(0, images, traced)
    }

    /// [`Loaded::run_parallel`] where `first` images (a multiple of 32) came before.
    pub fn run_parallel_from(&self, first: usize, images: &[i16], traced: bool) -> Vec<Outcome> {
        let (size, many) = self.whole(first, images);
        // Few images are shared out evenly, in whole words; many go in full batches.
        let share = (images.len() / size).div_ceil(rayon::current_num_threads()).next_multiple_of(LANES);
        let batch = share.clamp(LANES, self.batch());
        let batches = images.par_chunks(batch * size).enumerate();
        batches
            .flat_map_iter(|(n, images)| worker::run(self, first + n * batch, images, traced, many))
            .collect()
    }

    /// Elements of an image, and whether there are many images.
    fn whole(&self, first: usize, images: &[i16]) -> (usize, bool) {
        assert!(first.is_multiple_of(LANES), "whole words of images before these");
        let size = self.plan.elements;
        assert!(images.len().is_multiple_of(size), "whole images of {size} elements");
        (size, images.len() / size >= worker::FEW)
    }
}
