//! The row vector of one cycle, the weights of one tile, and what they contribute to a lane's sum.

use super::draws::Draws;
use crate::bits::copy_bits;
use crate::design::{Design, LayerDesign};
use crate::network::PadValue;

/// What the rows carry in one cycle; where the bit planes of an integer drive the same rows in turn, plane `j` from bit
/// `j * plane_rows` on.
pub(super) struct RowVector {
    /// One bit a row; rows that carry nothing are 0.
    data: Vec<u64>,
    /// Driven rows: those that a tap or a constant padding uses.
    driven: Vec<u64>,
}

impl RowVector {
    pub fn empty(design: &Design) -> RowVector {
        let words = design.vector_bits().div_ceil(64);
        RowVector { data: vec![0; words], driven: vec![0; words] }
    }

    /// Puts a memory word on the rows from `at` on; its first `channels` rows are driven.
    pub fn drive(&mut self, at: usize, word: &[u64], channels: usize, width: usize) {
        copy_bits(&mut self.data, at, word, 0, width);
        self.mark(at, channels);
    }

    /// A tap outside the map.
    pub fn pad(&mut self, at: usize, channels: usize, value: PadValue) {
        match value {
            PadValue::Zero => {}
            PadValue::Minus => self.mark(at, channels),
            PadValue::Plus => {
                self.mark(at, channels);
                (at..at + channels).for_each(|row| self.data[row / 64] |= 1 << (row % 64));
            }
        }
    }

    /// Drives one row.
    pub fn set(&mut self, row: usize, bit: bool) {
        self.data[row / 64] |= u64::from(bit) << (row % 64);
        self.driven[row / 64] |= 1 << (row % 64);
    }

    /// Takes away the rows that are not `kept`.
    pub fn keep(&mut self, kept: &[bool]) {
        for (row, _) in kept.iter().enumerate().filter(|(_, kept)| !**kept) {
            self.data[row / 64] &= !(1 << (row % 64));
            self.driven[row / 64] &= !(1 << (row % 64));
        }
    }

    pub fn bit(&self, row: usize) -> bool {
        self.data[row / 64] >> (row % 64) & 1 == 1
    }

    pub fn driven(&self, row: usize) -> bool {
        self.driven[row / 64] >> (row % 64) & 1 == 1
    }

    fn mark(&mut self, at: usize, rows: usize) {
        (at..at + rows).for_each(|row| self.driven[row / 64] |= 1 << (row % 64));
    }
}

/// The weights of one tile: for every lane, one bit a row.
pub(super) struct Tile {
    lanes: Vec<Vec<u64>>,
}

impl Tile {
    /// Reads `words` words of the weight memory from `address` on. The first word of a tile presets all other
    /// cells to 1, so the rows beyond the last word hold 1. Where weights are drawn, `draws` turns cells of each word round.
    pub fn load(design: &Design, address: usize, words: usize, mut draws: Option<&mut Draws>) -> Tile {
        let height = design.weight_rows;
        let mut lanes = vec![vec![u64::MAX; design.rows.div_ceil(64)]; design.lanes];
        for word in 0..words {
            let image = design.weights.row(address + word);
            for (lane, cells) in lanes.iter_mut().enumerate() {
                copy_bits(cells, word * height, image, lane * height, height);
            }
            let turned = draws.as_mut().map(|draws| draws.word(address + word));
            for (lane, row) in turned.into_iter().flatten() {
                let row = word * height + row;
                lanes[lane][row / 64] ^= 1 << (row % 64);
            }
        }
        Tile { lanes }
    }

    /// What one vector adds to the sum of `lane`.
    pub fn contribution(&self, design: &Design, layer: &LayerDesign, lane: usize, row: &RowVector) -> i64 {
        let matches = |index: usize| {
            let equal = !(row.data[index] ^ self.lanes[lane][index]);
            if design.row_enable { equal & row.driven[index] } else { equal & mask(index, 0, design.rows) }
        };
        let words = row.data.len();
        if layer.weighted {
            return (0..design.planes)
                .map(|plane| {
                    let first = plane * design.plane_rows;
                    let count: u32 = (0..words)
                        .map(|i| (matches(i) & mask(i, first, first + design.plane_rows)).count_ones())
                        .sum();
                    i64::from(count) << plane
                })
                .sum();
        }
        let count: u32 = (0..words).map(|i| matches(i).count_ones()).sum();
        if design.signed_counts {
            let driven: u32 = row.driven.iter().map(|word| word.count_ones()).sum();
            2 * i64::from(count) - i64::from(driven)
        } else {
            i64::from(count)
        }
    }
}

/// Bits of word `index` that belong to rows `from .. to`.
fn mask(index: usize, from: usize, to: usize) -> u64 {
    let below = |row: usize| match row.saturating_sub(index * 64) {
        rows @ 0..64 => (1u64 << rows) - 1,
        _ => u64::MAX,
    };
    below(to) & !below(from)
}
