//! One bit of 512 samples side by side: draws, counts and comparisons without a branch on data.

#![allow(clippy::needless_range_loop, reason = "loops over the words of slices, which become vectors")]

use std::ops::Range;

use super::plan::{LayerPlan, NOTHING, Plan, Word};

/// One bit of every sample.
pub(super) type Slice = [u64; WIDE];

const WIDE: usize = 8;

/// Samples that run together.
pub(super) const LANES: usize = 64 * WIDE;

/// Rows that are added at once, and the planes of a count that this needs.
const ROWS: usize = 8;
pub(super) const LEAST_PLANES: usize = 4;

/// A map of `elements` bits, with -1 and +1 behind them.
pub(super) fn map(elements: usize) -> Vec<Slice> {
    let mut map = vec![[0; WIDE]; elements + 2];
    map[elements + 1] = [u64::MAX; WIDE];
    map
}

/// Brings bit `n` of the words of sample `lane` to bit `lane` of `to[n]`.
pub(super) fn spread<'a>(samples: impl Iterator<Item = &'a [u64]>, to: &mut [Slice]) {
    let samples: Vec<&[u64]> = samples.collect();
    for (part, samples) in samples.chunks(64).enumerate() {
        for (word, to) in to.chunks_mut(64).enumerate() {
            let mut block = [0u64; 64];
            block.iter_mut().zip(samples).for_each(|(row, sample)| *row = sample[word]);
            transpose(&mut block);
            to.iter_mut().zip(block).for_each(|(slice, row)| slice[part] = row);
        }
    }
}

/// Swaps rows and bits (Warren, "Hacker's Delight", 7-3).
fn transpose(block: &mut [u64; 64]) {
    let mut distance = 32;
    let mut mask = u64::MAX >> 32;
    while distance > 0 {
        let mut row = 0;
        while row < 64 {
            let swapped = (block[row] >> distance ^ block[row + distance]) & mask;
            block[row] ^= swapped << distance;
            block[row + distance] ^= swapped;
            row = (row + distance + 1) & !distance;
        }
        distance /= 2;
        mask ^= mask << distance;
    }
}

/// The state of the next word: xorshift 13, 7, 17.
#[inline(always)]
fn step(state: &mut [Slice; 64]) {
    for bit in (13..64).rev() {
        add_bit(state, bit, bit - 13);
    }
    for bit in 0..57 {
        add_bit(state, bit, bit + 7);
    }
    for bit in (17..64).rev() {
        add_bit(state, bit, bit - 17);
    }
}

#[inline(always)]
fn add_bit(state: &mut [Slice; 64], to: usize, from: usize) {
    let added = state[from];
    for i in 0..WIDE {
        state[to][i] ^= added[i];
    }
}

/// Count of one sample.
pub(super) fn number(count: &[Slice], sample: usize) -> i32 {
    let bit = |plane: &Slice| (plane[sample / 64] >> (sample % 64) & 1) as i32;
    count.iter().enumerate().map(|(index, plane)| bit(plane) << index).sum()
}

/// Samples whose count is at most `limit`.
pub(super) fn at_most(count: &[Slice], limit: i32) -> Slice {
    if limit < 0 {
        return [0; WIDE];
    }
    let mut met = [u64::MAX; WIDE];
    if limit >> count.len() > 0 {
        return met;
    }
    for (bit, plane) in count.iter().enumerate() {
        let set = limit >> bit & 1 == 1;
        met.iter_mut()
            .zip(plane)
            .for_each(|(met, plane)| *met = if set { !plane | *met } else { !plane & *met });
    }
    met
}

/// A word of cells, and the windows of a map that meet what it is drawn to.
pub(super) struct Work<'a> {
    pub plan: &'a Plan,
    pub layer: &'a LayerPlan,
    pub word: &'a Word,
    pub windows: Range<usize>,
    pub map: &'a [Slice],
}

impl Work<'_> {
    /// Draws the weights, adds what differs from the map to the counts of the channels, and steps to the next word.
    pub fn run(&self, state: &mut [Slice; 64], counts: &mut [Slice]) {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the instructions.
            return unsafe { word_avx512(self, state, counts) };
        } else if std::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has the instructions.
            return unsafe { word_avx2(self, state, counts) };
        }
        by_bits(self, state, counts);
    }
}

/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn word_avx512(work: &Work, state: &mut [Slice; 64], counts: &mut [Slice]) {
    by_bits(work, state, counts);
}

/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn word_avx2(work: &Work, state: &mut [Slice; 64], counts: &mut [Slice]) {
    by_bits(work, state, counts);
}

#[inline(always)]
fn by_bits(work: &Work, state: &mut [Slice; 64], counts: &mut [Slice]) {
    match if work.word.drawn { work.plan.bits } else { 0 } {
        0 => run::<0>(work, state, counts),
        2 => run::<2>(work, state, counts),
        3 => run::<3>(work, state, counts),
        4 => run::<4>(work, state, counts),
        5 => run::<5>(work, state, counts),
        6 => run::<6>(work, state, counts),
        7 => run::<7>(work, state, counts),
        8 => run::<8>(work, state, counts),
        bits => unreachable!("draws of {bits} bits"),
    }
    step(state);
}

/// With draws of `BITS` bits; 0 where none of the word's cells is turned round.
#[inline(always)]
fn run<const BITS: usize>(work: &Work, state: &[Slice; 64], counts: &mut [Slice]) {
    let (layer, word) = (work.layer, work.word);
    let reads = &layer.reads[word.reads];
    let used = reads.rows.len();
    let mut rows = vec![[[0; WIDE]; BITS]; if BITS == 0 { 0 } else { used }];
    for (noise, &row) in rows.iter_mut().zip(&reads.rows) {
        sums(work.plan, state, row, noise);
    }
    let mut own = [[0; WIDE]; BITS];
    let mut weights = [[0; WIDE]; ROWS];
    let mut differ = [[0; WIDE]; ROWS];
    for lane in 0..word.lanes {
        sums(work.plan, state, work.plan.height + lane, &mut own);
        let cells = &layer.cells[word.cells + lane * used..][..used];
        for (part, cells) in cells.chunks(ROWS).enumerate() {
            for (row, (cell, weight)) in cells.iter().zip(&mut weights).enumerate() {
                let masks = &work.plan.masks[usize::from(*cell)];
                match BITS {
                    0 => *weight = [masks[0]; WIDE],
                    _ => draw(&rows[part * ROWS + row], &own, masks, weight),
                }
            }
            let from = part * ROWS;
            for window in work.windows.clone() {
                let at = &reads.at[window * used + from..][..cells.len()];
                differ[cells.len()..].fill([0; WIDE]);
                for ((differ, weight), at) in differ.iter_mut().zip(&weights).zip(at) {
                    match *at {
                        NOTHING => *differ = [0; WIDE],
                        at => {
                            let bits = &work.map[at as usize];
                            (0..WIDE).for_each(|i| differ[i] = weight[i] ^ bits[i]);
                        }
                    }
                }
                let sum = if layer.sums == 1 { 0 } else { window };
                let first = (lane * layer.sums + sum) * layer.planes;
                add(&differ, &mut counts[first..first + layer.planes]);
            }
        }
    }
}

/// The noise of row or lane `index` of the word, the lowest bit first.
#[inline(always)]
fn sums<const BITS: usize>(plan: &Plan, state: &[Slice; 64], index: usize, noise: &mut [Slice; BITS]) {
    for (bit, noise) in noise.iter_mut().enumerate() {
        // The remainder says nothing but that the index is inside.
        let [a, b, c] = plan.taps[index * BITS + bit].map(|tap| state[usize::from(tap % 64)]);
        for i in 0..WIDE {
            noise[i] = a[i] ^ b[i] ^ c[i];
        }
    }
}

/// The sign, turned round where the number `row ^ lane` is below the code: from the lowest bit on, a number is below where
/// its bit is 0 and the code's is 1, or where they are equal and it was below so far. The code's highest bit is 0.
#[inline(always)]
fn draw<const BITS: usize>(row: &[Slice; BITS], lane: &[Slice; BITS], masks: &[u64; 8], weight: &mut Slice) {
    for i in 0..WIDE {
        let mut below = 0;
        for bit in 0..BITS {
            let code = if bit + 1 < BITS { masks[bit + 1] } else { 0 };
            let zero = !(row[bit][i] ^ lane[bit][i]);
            below = code & below | zero & (code | below);
        }
        weight[i] = masks[0] ^ below;
    }
}

/// Adds eight bits to a count of at least [`LEAST_PLANES`] planes.
#[inline(always)]
fn add(bits: &[Slice; ROWS], count: &mut [Slice]) {
    let full = |a: u64, b: u64, c: u64| (a ^ b ^ c, a & b | c & (a | b));
    let Some((low, high)) = count.split_first_chunk_mut::<3>() else { return };
    let mut carry = [0; WIDE];
    for i in 0..WIDE {
        let (sum, two_a) = full(low[0][i], bits[0][i], bits[1][i]);
        let (sum, two_b) = full(sum, bits[2][i], bits[3][i]);
        let (sum, two_c) = full(sum, bits[4][i], bits[5][i]);
        let (sum, two_d) = full(sum, bits[6][i], bits[7][i]);
        low[0][i] = sum;
        let (sum, four_a) = full(low[1][i], two_a, two_b);
        let (sum, four_b) = full(sum, two_c, two_d);
        low[1][i] = sum;
        (low[2][i], carry[i]) = full(low[2][i], four_a, four_b);
    }
    for plane in high {
        for i in 0..WIDE {
            let both = plane[i] & carry[i];
            plane[i] ^= carry[i];
            carry[i] = both;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize) -> Vec<u64> {
        let mixed =
            |index: u64| index.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index.wrapping_mul(0xd134_2543) << 29;
        (1..=count as u64).map(mixed).collect()
    }

    #[test]
    fn bits_of_samples_come_to_their_lanes() {
        let all = words(300 * 2);
        let mut slices = vec![[0; WIDE]; 100];
        spread(all.chunks(2), &mut slices);
        for (lane, words) in all.chunks(2).enumerate() {
            for (bit, slice) in slices.iter().enumerate() {
                assert_eq!(
                    slice[lane / 64] >> (lane % 64) & 1,
                    words[bit / 64] >> (bit % 64) & 1,
                    "{lane} {bit}"
                );
            }
        }
    }

    #[test]
    fn states_step_as_numbers_do() {
        let all = words(512);
        let mut slices = [[0; WIDE]; 64];
        spread(all.chunks(1), &mut slices);
        step(&mut slices);
        for (lane, &word) in all.iter().enumerate() {
            let mut next = word;
            next ^= next << 13;
            next ^= next >> 7;
            next ^= next << 17;
            let bit = |bit: usize| slices[bit][lane / 64] >> (lane % 64) & 1;
            assert_eq!((0..64).fold(0, |state, at| state | bit(at) << at), next);
        }
    }

    #[test]
    fn bits_are_counted_and_counts_compared() {
        let mut count = vec![[0; WIDE]; 6];
        let mut numbers = vec![0; LANES];
        for round in 0..7 {
            let bits: [Slice; ROWS] = std::array::from_fn(|row| {
                let words = words(8 * (8 * round + row + 1));
                std::array::from_fn(|i| words[8 * (8 * round + row) + i])
            });
            add(&bits, &mut count);
            for (lane, number) in numbers.iter_mut().enumerate() {
                *number += bits.iter().filter(|bits| bits[lane / 64] >> (lane % 64) & 1 == 1).count() as i32;
            }
            for (lane, &expected) in numbers.iter().enumerate() {
                assert_eq!(number(&count, lane), expected);
            }
        }
        for limit in -1..70 {
            let met = at_most(&count, limit);
            for (lane, &number) in numbers.iter().enumerate() {
                assert_eq!(met[lane / 64] >> (lane % 64) & 1 == 1, number <= limit, "{number} {limit}");
            }
        }
    }
}
