//! Packed bits: matrices of one-bit values, XNOR and popcount on their words.
//!
//! The only owner of `bitvec`. Bit 1 is +1, bit 0 is -1. Every row starts on a word boundary and the
//! bits beyond the last column are always 0, so whole words can be combined and counted.

use bitvec::prelude::{BitVec, Lsb0};

/// A matrix of bits, row-major, each row padded with zeros to whole 64-bit words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BitMatrix {
    rows: usize,
    columns: usize,
    words_per_row: usize,
    bits: BitVec<u64, Lsb0>,
}

impl BitMatrix {
    /// A matrix of `rows` x `columns` zeros (every value -1).
    pub fn zeros(rows: usize, columns: usize) -> BitMatrix {
        let words_per_row = columns.div_ceil(64);
        BitMatrix { rows, columns, words_per_row, bits: BitVec::repeat(false, rows * words_per_row * 64) }
    }

    /// A matrix whose bit (r, c) is `f(r, c)`.
    pub fn from_fn(rows: usize, columns: usize, mut f: impl FnMut(usize, usize) -> bool) -> BitMatrix {
        let mut matrix = BitMatrix::zeros(rows, columns);
        for r in 0..rows {
            for c in 0..columns {
                if f(r, c) {
                    matrix.set(r, c, true);
                }
            }
        }
        matrix
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of 64-bit words that hold one row.
    pub fn words_per_row(&self) -> usize {
        self.words_per_row
    }

    /// Bit (r, c). Panics outside the matrix.
    pub fn get(&self, r: usize, c: usize) -> bool {
        assert!(r < self.rows && c < self.columns, "bit ({r}, {c}) outside {}x{}", self.rows, self.columns);
        self.row(r)[c / 64] >> (c % 64) & 1 == 1
    }

    /// Sets bit (r, c). Panics outside the matrix.
    pub fn set(&mut self, r: usize, c: usize, value: bool) {
        assert!(r < self.rows && c < self.columns, "bit ({r}, {c}) outside {}x{}", self.rows, self.columns);
        let word = &mut self.row_mut(r)[c / 64];
        *word = *word & !(1 << (c % 64)) | u64::from(value) << (c % 64);
    }

    /// The words of row `r`, column 0 in the least significant bit of the first word.
    pub fn row(&self, r: usize) -> &[u64] {
        &self.bits.as_raw_slice()[r * self.words_per_row..(r + 1) * self.words_per_row]
    }

    /// The words of row `r`; the caller keeps the bits beyond the last column 0.
    pub fn row_mut(&mut self, r: usize) -> &mut [u64] {
        let start = r * self.words_per_row;
        &mut self.bits.as_raw_mut_slice()[start..start + self.words_per_row]
    }

    /// All words, row after row.
    pub fn words(&self) -> &[u64] {
        self.bits.as_raw_slice()
    }

    /// Number of ones in row `r`.
    pub fn ones(&self, r: usize) -> usize {
        self.row(r).iter().map(|w| w.count_ones() as usize).sum()
    }
}

/// Number of equal bits among the first `columns` of two packed rows.
pub fn xnor_popcount(a: &[u64], b: &[u64], columns: usize) -> usize {
    let differing: usize = a.iter().zip(b).map(|(x, y)| (x ^ y).count_ones() as usize).sum();
    columns - differing
}

/// Copies `length` bits from bit `from` of `source` to bit `to` of `target`; bit 0 is the least significant of
/// word 0. Panics when either range leaves its slice.
pub fn copy_bits(target: &mut [u64], to: usize, source: &[u64], from: usize, length: usize) {
    let mut done = 0;
    while done < length {
        let (s, t) = (from + done, to + done);
        let take = (64 - s % 64).min(64 - t % 64).min(length - done);
        let mask = if take == 64 { u64::MAX } else { (1 << take) - 1 };
        let bits = source[s / 64] >> (s % 64) & mask;
        let word = &mut target[t / 64];
        *word = *word & !(mask << (t % 64)) | bits << (t % 64);
        done += take;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_where_they_were_put_and_rows_stay_padded_with_zeros() {
        let matrix = BitMatrix::from_fn(3, 70, |r, c| (r * 31 + c * 7) % 3 == 0);
        for r in 0..3 {
            let expected = (0..70).filter(|c| (r * 31 + c * 7) % 3 == 0).count();
            assert_eq!(matrix.ones(r), expected);
            assert_eq!(matrix.row(r)[1] >> 6, 0);
        }
    }

    #[test]
    fn copied_bits_arrive_at_any_alignment_and_leave_the_rest() {
        for (to, from, length) in [(0, 0, 64), (3, 61, 130), (70, 5, 1), (1, 0, 191), (9, 9, 0)] {
            let source: Vec<u64> = (0..4u64).map(|w| (w + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
            let mut target = vec![u64::MAX; 4];
            copy_bits(&mut target, to, &source, from, length);
            for bit in 0..256 {
                let expected = match bit {
                    b if b >= to && b < to + length => {
                        source[(b - to + from) / 64] >> ((b - to + from) % 64) & 1
                    }
                    _ => 1,
                };
                assert_eq!(target[bit / 64] >> (bit % 64) & 1, expected, "bit {bit}");
            }
        }
    }

    #[test]
    fn xnor_popcount_counts_equal_bits() {
        let a = BitMatrix::from_fn(1, 100, |_, c| c % 2 == 0);
        let b = BitMatrix::from_fn(1, 100, |_, c| c % 4 == 0);
        assert_eq!(xnor_popcount(a.row(0), b.row(0), 100), 75);
    }
}
