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

/// Columns that share the loads of indices.
pub(super) const TILE: usize = 4;

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
    pub classes: usize,
    pub columns: usize,
    pub edge_count: usize,
    /// What the first three rows of a group give and what the others give, for the kernel to add up into a table. Index
    /// `(((column / TILE * groups + group) * TILE + column % TILE) * 2 + half) * HALF + bits of the half`.
    pub halves: Aligned<i16>,
    /// Voltage when all bits are 0; index `class * columns.next_multiple_of(TILE) + column`.
    pub base: Vec<i16>,
    /// Tables of [`CODES`] codes that a converter takes.
    pub parts: usize,
    /// First edge of every part but the first; [`steps`] of them a column.
    pub pivots: Aligned<i16>,
    /// Edges inside each part; [`steps`] of them a column and part.
    pub edges: Aligned<i16>,
    /// Of every column whose edges lie evenly enough; only where there is one part.
    pub guesses: Vec<Option<Guess>>,
}

/// A straight line through the edges of a converter: the code of a voltage is the guess or one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::golden::analog) struct Guess {
    pub offset: i16,
    pub factor: u16,
    pub shift: u16,
    /// Largest code.
    pub most: u16,
}

impl Guess {
    /// `None` where some voltage would be guessed wrong by more than that. `edges` rise.
    fn new(edges: &[i16]) -> Option<Guess> {
        let (first, last) = (f64::from(*edges.first()?), f64::from(*edges.last()?));
        let step = match edges.len() {
            1 => 256.0,
            count => (last - first) / (count - 1) as f64,
        };
        if step < 2.0 {
            return None;
        }
        // The factor has 16 bits, the highest of them set.
        let shift = step.log2().ceil() - 1.0;
        let guess = Guess {
            offset: (first - step / 2.0).round() as i16,
            factor: ((16.0 + shift).exp2() / step) as u16,
            shift: shift as u16,
            most: edges.len() as u16,
        };
        // Guesses and codes rise with the voltage, and codes change at the edges alone.
        let code = |voltage: i16| edges.partition_point(|&edge| edge <= voltage);
        let near =
            |voltage: i16| (code(voltage).saturating_sub(1)..=code(voltage)).contains(&guess.of(voltage));
        let around = edges.iter().flat_map(|&edge| [edge.saturating_sub(1), edge]);
        around.chain([i16::MIN, i16::MAX]).all(near).then_some(guess)
    }

    /// The guess for `voltage`, as the kernel makes it.
    fn of(&self, voltage: i16) -> usize {
        let above = voltage.saturating_sub(self.offset).max(0) as u32;
        usize::from(((above * u32::from(self.factor)) >> 16) as u16 >> self.shift).min(self.most.into())
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
            if column < columns { read.base(class, column) as i16 } else { 0 }
        };
        let parts = (read.edge_count() + 1).div_ceil(CODES);
        let mut pivots = Aligned::new(columns * STEPS * CODES, NEVER);
        let mut edges = Aligned::new(columns * parts * STEPS * CODES, NEVER);
        let mut guesses = Vec::with_capacity(columns);
        for column in 0..columns {
            // No voltage reaches `i16::MAX`, and every one reaches `i16::MIN`.
            let clamp = |edge: i32| edge.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
            let all: Vec<i16> = read.edges(column).into_iter().map(clamp).collect();
            let between: Vec<i16> = all.iter().copied().skip(CODES - 1).step_by(CODES).collect();
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
        let even = |first: i32, step: f64, count: usize| -> Vec<i16> {
            (0..count).map(|edge| (f64::from(first) + step * edge as f64).round() as i16).collect()
        };
        let mut uneven = even(-4000, 264.26, 31);
        for (n, edge) in uneven.iter_mut().enumerate() {
            *edge += [0, 90, -90][n % 3];
        }
        let lists =
            [even(-4000, 264.26, 31), even(-32768, 2.0, 10), even(-900, 64.0, 15), even(7, 1.0, 1), uneven];
        for edges in &lists {
            let guess = Guess::new(edges).expect("even enough");
            for voltage in i16::MIN..=i16::MAX {
                let code = edges.partition_point(|&edge| edge <= voltage);
                let found = guess.of(voltage);
                assert!(
                    found == code || found + 1 == code,
                    "{edges:?}: {found} for {voltage}, which is {code}"
                );
            }
        }
        for edges in [&[][..], &[5, 5, 5], &[0, 1, 2, 3], &[-9000, -8990, -8980, 9000]] {
            assert_eq!(Guess::new(edges), None);
        }
    }
}
