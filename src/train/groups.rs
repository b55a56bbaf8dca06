//! How a batch is cut for threads: into groups of fixed size, whose sums are added in their order.
//!
//! The cut depends on the batch alone, so results have the same bits for any number of threads.

use rayon::prelude::*;

/// Most groups of a batch; more threads than these have nothing to do.
const GROUPS: usize = 16;

/// Images of one group in a batch of `batch`.
pub fn size(batch: usize) -> usize {
    batch.div_ceil(GROUPS).max(1)
}

/// The sum of equally long lists, each entry added in the order of the lists.
pub fn sum(parts: &[Vec<f32>], total: &mut [f32]) {
    total.par_chunks_mut(4096).enumerate().for_each(|(block, total)| {
        let range = block * 4096..block * 4096 + total.len();
        total.fill(0.0);
        for part in parts {
            total.iter_mut().zip(&part[range.clone()]).for_each(|(t, p)| *t += p);
        }
    });
}

/// The same for short lists of f64.
pub fn sum_f64(parts: &[Vec<f64>]) -> Vec<f64> {
    let mut total = vec![0.0; parts.first().map_or(0, Vec::len)];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}
