//! Tables of partial voltages and edges for the look-up kernel.

use std::ops::Range;

use super::CODES;
use crate::golden::aligned::Aligned;
use crate::golden::analog::load::LoadedRead;

/// Rows that one look-up covers, and the partial voltages they can give.
pub(super) const GROUP: usize = 5;
pub(super) const ENTRIES: usize = 1 << GROUP;

/// Groups whose bits share one 16-bit number.
pub(super) const GROUPS: usize = 3;

/// Steps of a search among the edges of one part.
pub(super) const STEPS: usize = 5;

/// Columns that share the loads of indices.
pub(super) const TILE: usize = 4;

/// One read's tables, 16 bits an entry.
///
/// Entries wrap: sums of them are right modulo 2^16, and the whole voltage fits in 16 bits.
#[derive(Debug)]
pub(in crate::golden::analog) struct Tables {
    /// Groups of [`GROUP`] rows.
    pub groups: usize,
    /// Word of every row, `groups * GROUP` of them; rows that only fill up the last group add 0.
    pub words: Vec<usize>,
    /// Largest of them.
    pub last_word: usize,
    pub classes: usize,
    pub columns: usize,
    pub edge_count: usize,
    /// Index `((column / TILE * groups + group) * TILE + column % TILE) * ENTRIES + bits of the group`.
    pub entries: Aligned<i16>,
    /// Voltage when all bits are 0; index `class * columns.next_multiple_of(TILE) + column`.
    pub base: Vec<i16>,
    /// Tables of [`CODES`] codes that a converter takes.
    pub parts: usize,
    /// First edge of every part but the first; [`steps`] of them a column.
    pub pivots: Aligned<i16>,
    /// Edges inside each part; [`steps`] of them a column and part.
    pub edges: Aligned<i16>,
}

impl Tables {
    pub fn new(read: &LoadedRead) -> Tables {
        assert!(read.narrow, "voltages of 16 bits");
        let mut words = read.read.words.clone();
        let rows = words.len();
        let groups = rows.div_ceil(GROUP);
        words.resize(groups * GROUP, read.read.words[0]);
        let columns = read.column_count();
        let padded = columns.next_multiple_of(TILE);
        let classes = read.class_count();
        let mut entries = Aligned::new(padded * groups * ENTRIES, 0i16);
        let mut differences = vec![0; groups * GROUP];
        for column in 0..columns {
            read.differences(column, &mut differences[..rows]);
            let first = (column / TILE * groups * TILE + column % TILE) * ENTRIES;
            let tables = entries[first..].chunks_mut(TILE * ENTRIES);
            for (table, differences) in tables.zip(differences.chunks_exact(GROUP)) {
                fill(&mut table[..ENTRIES], differences);
            }
        }
        let base = |index: usize| {
            let (class, column) = (index / padded, index % padded);
            if column < columns { read.base(class, column) as i16 } else { 0 }
        };
        let parts = (read.edge_count() + 1).div_ceil(CODES);
        let mut pivots = Aligned::new(columns * STEPS * CODES, NEVER);
        let mut edges = Aligned::new(columns * parts * STEPS * CODES, NEVER);
        for column in 0..columns {
            // No voltage reaches `i16::MAX`, and every one reaches `i16::MIN`.
            let clamp = |edge: i32| edge.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            let all: Vec<i16> = read.edges(column).into_iter().map(clamp).collect();
            let between: Vec<i16> = all.iter().copied().skip(CODES - 1).step_by(CODES).collect();
            steps(&between, &mut pivots[column * STEPS * CODES..][..STEPS * CODES]);
            for (part, all) in all.chunks(CODES).enumerate() {
                let inside = &all[..all.len().min(CODES - 1)];
                steps(inside, &mut edges[(column * parts + part) * STEPS * CODES..][..STEPS * CODES]);
            }
        }
        Tables {
            groups,
            last_word: words.iter().max().copied().unwrap_or(0),
            words,
            classes,
            columns,
            edge_count: read.edge_count(),
            entries,
            base: (0..classes * padded).map(base).collect(),
            parts,
            pivots,
            edges,
        }
    }

    /// Panics unless `columns` are some of the read's, from the start of a tile on.
    pub fn check(&self, columns: &Range<usize>) {
        assert!(columns.end <= self.columns && columns.start.is_multiple_of(TILE));
        let padded = self.columns.next_multiple_of(TILE);
        assert_eq!(self.entries.len(), padded * self.groups * ENTRIES);
        assert_eq!(self.base.len(), padded * self.classes);
        assert_eq!(self.words.len(), self.groups * GROUP);
        debug_assert!(self.words.iter().all(|&word| word <= self.last_word));
        assert_eq!(self.pivots.len(), self.columns * STEPS * CODES);
        assert_eq!(self.edges.len(), self.columns * self.parts * STEPS * CODES);
        assert!(self.edge_count < self.parts * CODES);
    }

    /// Steps of the binary search inside one part.
    pub fn steps(&self) -> usize {
        let longest = self.edge_count.min(CODES - 1);
        (usize::BITS - longest.leading_zeros()) as usize
    }
}

/// An edge that no voltage reaches.
const NEVER: i16 = i16::MAX;

/// Lays out up to 31 edges for a binary search: number c of step s is edge `c + 2^s - 1`.
fn steps(edges: &[i16], to: &mut [i16]) {
    for (step, to) in to.chunks_exact_mut(CODES).enumerate() {
        for (code, to) in to.iter_mut().enumerate() {
            *to = edges.get(code + (1 << step) - 1).copied().unwrap_or(NEVER);
        }
    }
}

/// All sums of some of five differences.
fn fill(table: &mut [i16], differences: &[i16]) {
    for (bit, difference) in differences.iter().enumerate() {
        let (without, with) = table[..2 << bit].split_at_mut(1 << bit);
        for (with, without) in with.iter_mut().zip(without) {
            *with = without.wrapping_add(*difference);
        }
    }
}
