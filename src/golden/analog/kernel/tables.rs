//! Partial voltages and edges for the look-up kernel.

use std::ops::Range;

use super::CODES;
use crate::golden::aligned::Aligned;
use crate::golden::analog::load::LoadedRead;

/// Most rows that one look-up covers: a table of their partial voltages is two vectors, and one instruction looks in both.
pub(super) const MOST_ROWS: usize = 6;

/// Rows of half a group, and the partial voltages that they can give.
const HALF_ROWS: usize = MOST_ROWS / 2;
pub(super) const HALF: usize = 1 << HALF_ROWS;

/// Steps of a search among the edges of one part.
pub(super) const STEPS: usize = 5;

/// Columns that share the loads of indices, and blocks that share the loads of tables.
pub(super) const TILE: usize = 4;
pub(super) const BLOCKS: usize = 4;

/// One read's tables, 16 bits an entry.
///
/// Partial voltages wrap: sums of them are right modulo 2^16, and the whole voltage fits in 16 bits. Voltages and edges
/// are counted from [`LOWEST`] on, so that none is negative.
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
    pub edge_count: usize,
    /// What the first three rows of a group give and what the others give, for the kernel to add up into a table. Index
    /// `(((column / TILE * groups + group) * TILE + column % TILE) * 2 + half) * HALF + bits of the half`.
    pub halves: Aligned<i16>,
    /// Voltage when all bits are 0, twice side by side; index `class * columns.next_multiple_of(TILE) + column`.
    pub base: Vec<u32>,
    /// Tables of [`CODES`] codes that a converter takes.
    pub parts: usize,
    /// First edge of every part but the first; [`steps`] of them a column.
    pub pivots: Aligned<u16>,
    /// Edges inside each part; [`steps`] of them a column and part.
    pub edges: Aligned<u16>,
    /// Of every column whose edges lie evenly enough; only where there is one part.
    pub guesses: Vec<Option<Guess>>,
}

/// A straight line through the edges of a converter: the code of a voltage is the guess or one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::golden::analog) struct Guess {
    pub offset: u16,
    /// Codes in 65,536 voltages.
    pub factor: u16,
    /// Largest code.
    pub most: u16,
}

impl Guess {
    /// `None` where some voltage would be guessed wrong by more than that. `edges` rise.
    fn new(edges: &[u16]) -> Option<Guess> {
        let (first, last) = (f64::from(*edges.first()?), f64::from(*edges.last()?));
        let step = match edges.len() {
            1 => 256.0,
            count => (last - first) / (count - 1) as f64,
        };
        if step < 2.0 {
            return None;
        }
        let guess = Guess {
            offset: (first - step / 2.0).round() as u16,
            factor: (65536.0 / step).round() as u16,
            most: edges.len() as u16,
        };
        // Guesses and codes rise with the voltage, and codes change at the edges alone.
        let near = |(voltage, code): (u16, usize)| {
            let guessed = guess.of(voltage);
            guessed == code || guessed + 1 == code
        };
        let around = edges.iter().enumerate().flat_map(|(below, &edge)| {
            let code = below + edges[below..].iter().take_while(|&&other| other == edge).count();
            let before = edges[..below].iter().take_while(|&&other| other < edge).count();
            [(edge, code), (edge.saturating_sub(1), if edge == 0 { code } else { before })]
        });
        around.chain([(0, edges.iter().filter(|&&edge| edge == 0).count())]).all(near).then_some(guess)
    }

    /// The guess for `voltage`, as the kernel makes it.
    fn of(&self, voltage: u16) -> usize {
        let above = u32::from(voltage.saturating_sub(self.offset));
        ((above * u32::from(self.factor)) >> 16).min(self.most.into()) as usize
    }
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
        let base = |index: usize| {
            let (class, column) = (index / padded, index % padded);
            let base =
                if column < columns { (read.base(class, column) as i16).wrapping_sub(LOWEST) } else { 0 };
            u32::from(base as u16) * 0x1_0001
        };
        let parts = (read.edge_count() + 1).div_ceil(CODES);
        let mut pivots = Aligned::new(columns * STEPS * CODES, NEVER);
        let mut edges = Aligned::new(columns * parts * STEPS * CODES, NEVER);
        let mut guesses = Vec::with_capacity(columns);
        for column in 0..columns {
            // No voltage reaches `NEVER`, and every one reaches 0.
            let counted = |edge: i32| (edge - i32::from(LOWEST)).clamp(0, NEVER.into()) as u16;
            let all: Vec<u16> = read.edges(column).into_iter().map(counted).collect();
            let between: Vec<u16> = all.iter().copied().skip(CODES - 1).step_by(CODES).collect();
            guesses.push(if parts == 1 { Guess::new(&all) } else { None });
            steps(&between, &mut pivots[column * STEPS * CODES..][..STEPS * CODES]);
            for (part, all) in all.chunks(CODES).enumerate() {
                let inside = &all[..all.len().min(CODES - 1)];
                steps(inside, &mut edges[(column * parts + part) * STEPS * CODES..][..STEPS * CODES]);
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
            edge_count: read.edge_count(),
            halves,
            base: (0..classes * padded).map(base).collect(),
            parts,
            pivots,
            edges,
            guesses,
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
        assert_eq!(self.pivots.len(), self.columns * STEPS * CODES);
        assert_eq!(self.edges.len(), self.columns * self.parts * STEPS * CODES);
        assert!(self.edge_count < self.parts * CODES && self.guesses.len() == self.columns);
    }

    /// Steps of the binary search inside one part.
    pub fn steps(&self) -> usize {
        let longest = self.edge_count.min(CODES - 1);
        (usize::BITS - longest.leading_zeros()) as usize
    }
}

/// The voltage that counts as 0.
const LOWEST: i16 = i16::MIN;

/// An edge that no voltage reaches.
const NEVER: u16 = u16::MAX;

/// Lays out up to 31 edges for a binary search: number c of step s is edge `c + 2^s - 1`.
fn steps(edges: &[u16], to: &mut [u16]) {
    for (step, to) in to.chunks_exact_mut(CODES).enumerate() {
        for (code, to) in to.iter_mut().enumerate() {
            *to = edges.get(code + (1 << step) - 1).copied().unwrap_or(NEVER);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_right_or_one_low_for_every_voltage() {
        let even = |first: u16, step: f64, count: usize| -> Vec<u16> {
            (0..count).map(|edge| (f64::from(first) + step * edge as f64).round() as u16).collect()
        };
        let mut uneven = even(28768, 264.26, 31);
        for (n, edge) in uneven.iter_mut().enumerate() {
            *edge = [*edge, *edge + 90, *edge - 90][n % 3];
        }
        let lists = [
            even(28768, 264.26, 31),
            even(0, 2.0, 10),
            even(31000, 64.0, 15),
            even(32775, 1.0, 1),
            even(1000, 2000.4, 31),
            uneven,
        ];
        for edges in &lists {
            let guess = Guess::new(edges).expect("even enough");
            for voltage in 0..=u16::MAX {
                let code = edges.partition_point(|&edge| edge <= voltage);
                let found = guess.of(voltage);
                assert!(
                    found == code || found + 1 == code,
                    "{edges:?}: {found} for {voltage}, which is {code}"
                );
            }
        }
        for edges in [&[][..], &[5, 5, 5], &[0, 1, 2, 3], &[23000, 23010, 23020, 41000]] {
            assert_eq!(Guess::new(edges), None);
        }
    }
}
