//! The fast executor of analog arrays: a design on a drawn chip, many images at a time, equal to
//! [`super::machine`] in every bit.
//!
//! One bit of 32 images makes one word. With AVX-512 the rows of an array go in groups of five or six: their bits
//! of each of 32 vectors index a table of partial voltages, which one instruction looks up for all of them; codes are
//! guessed by a straight line and corrected, or found by the same instruction in the column's edges. Elsewhere, for
//! single images and where voltages leave 16 bits, the cells of the rows that carry +1 are added up, many columns a
//! vector.
//! Integers only; nothing is rounded. `unsafe` is confined to the kernels and their aligned buffers.

mod generators;
mod kernel;
mod load;
mod maps;
mod plan;
mod recalibrate;
mod sums;
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
    pub scores: Vec<i32>,
    /// Result bits of every layer after pooling and flip: a row a channel, a column a pixel (row by row); 0 x 0
    /// for a layer of scores. Empty unless asked for.
    pub layers: Vec<BitMatrix>,
}

/// Images go in as element values (channel, row, column, one image after the other, each inside the input code's range);
/// `first` images (a multiple of 32) came before: they count for the noise. Every function panics unless it is given whole
/// images.
impl Loaded<'_> {
    /// Writes the scores of `images`, as in [`Outcome`], one image after the other; on the calling thread. Calls may run
    /// side by side.
    ///
    /// # Panics
    /// Unless there is room for exactly the scores of all images.
    pub fn scores_from(&self, first: usize, images: &[i16], scores: &mut [i32]) {
        let (size, many) = self.whole(first, images);
        let batch = self.batch();
        assert_eq!(scores.len(), images.len() / size * self.plan.scores, "room for every score");
        let lots = images.chunks(batch * size).zip(scores.chunks_mut(batch * self.plan.scores));
        for (n, (images, scores)) in lots.enumerate() {
            worker::run(self, first + n * batch, images, many, scores);
        }
    }

    /// [`Loaded::scores_from`] on the current rayon pool, batch by batch. The result does not depend on the pool.
    pub fn scores_parallel_from(&self, first: usize, images: &[i16], scores: &mut [i32]) {
        let (size, many) = self.whole(first, images);
        let batch = self.share(images.len() / size);
        assert_eq!(scores.len(), images.len() / size * self.plan.scores, "room for every score");
        let lots = images.par_chunks(batch * size).zip(scores.par_chunks_mut(batch * self.plan.scores));
        lots.enumerate().for_each(|(n, (images, scores))| {
            worker::run(self, first + n * batch, images, many, scores);
        });
    }

    /// What each image gives, on the calling thread.
    pub fn run_from(&self, first: usize, images: &[i16], traced: bool) -> Vec<Outcome> {
        let (size, many) = self.whole(first, images);
        let lots = images.chunks(self.batch() * size).enumerate();
        lots.flat_map(|(n, images)| self.outcomes(first + n * self.batch(), images, traced, many)).collect()
    }

    /// [`Loaded::run_from`] on the current rayon pool, batch by batch. The result does not depend on the pool.
    pub fn run_parallel_from(&self, first: usize, images: &[i16], traced: bool) -> Vec<Outcome> {
        let (size, many) = self.whole(first, images);
        let batch = self.share(images.len() / size);
        let lots = images.par_chunks(batch * size).enumerate();
        lots.flat_map_iter(|(n, images)| self.outcomes(first + n * batch, images, traced, many)).collect()
    }

    fn outcomes(&self, first: usize, images: &[i16], traced: bool, many: bool) -> Vec<Outcome> {
        let mut scores = vec![0; images.len() / self.plan.elements * self.plan.scores];
        let maps = worker::run(self, first, images, many, &mut scores);
        worker::outcomes(self.plan, &maps, &scores, traced)
    }

    /// Images of a batch where threads share `images`: few are shared out evenly, in whole words; many go in full
    /// batches.
    fn share(&self, images: usize) -> usize {
        images.div_ceil(rayon::current_num_threads()).next_multiple_of(LANES).clamp(LANES, self.batch())
    }

    /// Elements of an image, and whether there are many images.
    fn whole(&self, first: usize, images: &[i16]) -> (usize, bool) {
        assert!(first.is_multiple_of(LANES), "whole words of images before these");
        let size = self.plan.elements;
        assert!(images.len().is_multiple_of(size), "whole images of {size} elements");
        (size, images.len() / size >= worker::FEW)
    }
}
