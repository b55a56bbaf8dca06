//! Converters of 16-bit voltages: their edges in the order of a search, and straight lines that guess their codes.

use super::CODES;
use crate::golden::aligned::Aligned;
use crate::golden::analog::load::LoadedRead;

/// Steps of a search among the edges of one part.
pub(super) const STEPS: usize = 5;

/// One read's converters, a column each. Voltages and edges are counted from [`LOWEST`] on, so that none is negative.
#[derive(Debug)]
pub(in crate::golden::analog) struct Converters {
    pub edge_count: usize,
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

impl Converters {
    pub fn new(read: &LoadedRead) -> Converters {
        let columns = read.column_count();
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
        Converters { edge_count: read.edge_count(), parts, pivots, edges, guesses }
    }

    /// Panics unless there are `columns` of them.
    pub fn check(&self, columns: usize) {
        assert_eq!(self.pivots.len(), columns * STEPS * CODES);
        assert_eq!(self.edges.len(), columns * self.parts * STEPS * CODES);
        assert!(self.edge_count < self.parts * CODES && self.guesses.len() == columns);
    }

    /// Steps of the binary search inside one part.
    pub fn steps(&self) -> usize {
        let longest = self.edge_count.min(CODES - 1);
        (usize::BITS - longest.leading_zeros()) as usize
    }
}

/// Voltages of columns when all bits are 0, twice side by side; index `class * padded + column`, where `padded` is at least
/// the number of columns.
pub(super) fn bases(read: &LoadedRead, padded: usize) -> Vec<u32> {
    let base = |index: usize| {
        let (class, column) = (index / padded, index % padded);
        if column >= read.column_count() {
            return 0;
        }
        twice((read.base(class, column) as i16).wrapping_sub(LOWEST) as u16)
    };
    (0..read.class_count() * padded).map(base).collect()
}

/// A number of 16 bits twice side by side.
pub(super) fn twice(number: u16) -> u32 {
    u32::from(number) * 0x1_0001
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
