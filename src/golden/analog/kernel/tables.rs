//! Partial voltages for the look-up kernel.

use std::ops::Range;

use super::converters::{self, Converters};
use crate::golden::aligned::Aligned;
use crate::golden::analog::load::LoadedRead;

/// Most rows that one look-up covers: a table of their partial voltages is two vectors, and one instruction looks in both.
pub(super) const MOST_ROWS: usize = 6;

/// Rows of half a group, and the partial voltages that they can give.
const HALF_ROWS: usize = MOST_ROWS / 2;
pub(super) const HALF: usize = 1 << HALF_ROWS;

/// Columns that share the loads of indices, and blocks that share the loads of tables.
pub(super) const TILE: usize = 4;
pub(super) const BLOCKS: usize = 4;

/// One read's tables, 16 bits an entry.
///
/// Partial voltages wrap: sums of them are right modulo 2^16, and the whole voltage fits in 16 bits.
#[derive(Debug)]
pub(in crate::golden::analog) struct Tables {
    /// Rows that one look-up covers.
    pub group: usize,
    /// Groups of so many rows.
    pub groups: usize,
    /// Word of every row, `groups * group` of them; rows that only fill up the last group add 0.
    pub words: Vec<usize>,
    /// Largest of them.
    pub last_word: usize,
    /// Of every group, whether its words follow each other.
    pub runs: Vec<bool>,
    pub classes: usize,
    pub columns: usize,
    /// What the first three rows of a group give and what the others give, for the kernel to add up into a table. Index
    /// `(((column / TILE * groups + group) * TILE + column % TILE) * 2 + half) * HALF + bits of the half`.
    pub halves: Aligned<i16>,
    /// Voltage when all bits are 0, twice side by side; index `class * columns.next_multiple_of(TILE) + column`.
    pub base: Vec<u32>,
    pub converters: Converters,
}

impl Tables {
    /// For look-ups of `group` rows.
    pub fn new(read: &LoadedRead, group: usize) -> Tables {
        assert!(read.narrow, "voltages of 16 bits");
        assert!(matches!(group, 5 | MOST_ROWS), "the kernel looks up five or six rows");
        let mut words = read.read.words.clone();
        let rows = words.len();
        let groups = rows.div_ceil(group);
        words.resize(groups * group, read.read.words[0]);
        let runs = words.chunks_exact(group).map(|words| words.windows(2).all(|two| two[0] + 1 == two[1]));
        let runs = runs.collect();
        let columns = read.column_count();
        let padded = columns.next_multiple_of(TILE);
        let classes = read.class_count();
        let mut halves = Aligned::new(padded * groups * 2 * HALF, 0i16);
        let mut differences = vec![0; groups * group];
        for column in 0..columns {
            read.differences(column, &mut differences[..rows]);
            let first = (column / TILE * groups * TILE + column % TILE) * 2 * HALF;
            let groups = halves[first..].chunks_mut(TILE * 2 * HALF);
            for (halves, differences) in groups.zip(differences.chunks_exact(group)) {
                for (half, differences) in halves.chunks_exact_mut(HALF).zip(differences.chunks(HALF_ROWS)) {
                    fill(half, differences);
                }
            }
        }
        Tables {
            group,
            groups,
            last_word: words.iter().max().copied().unwrap_or(0),
            words,
            runs,
            classes,
            columns,
            halves,
            base: converters::bases(read, padded),
            converters: Converters::new(read),
        }
    }

    /// Panics unless `columns` are some of the read's, from the start of a tile on.
    pub fn check(&self, columns: &Range<usize>) {
        assert!(columns.end <= self.columns && columns.start.is_multiple_of(TILE));
        let padded = self.columns.next_multiple_of(TILE);
        assert_eq!(self.halves.len(), padded * self.groups * 2 * HALF);
        assert_eq!(self.base.len(), padded * self.classes);
        assert_eq!(self.words.len(), self.groups * self.group);
        assert_eq!(self.runs.len(), self.groups);
        debug_assert!(self.words.iter().all(|&word| word <= self.last_word));
        self.converters.check(self.columns);
    }
}

/// All sums of some of up to three differences.
fn fill(table: &mut [i16], differences: &[i16]) {
    for (bit, difference) in differences.iter().enumerate() {
        let (without, with) = table[..2 << bit].split_at_mut(1 << bit);
        for (with, without) in with.iter_mut().zip(without) {
            *with = without.wrapping_add(*difference);
        }
    }
}
