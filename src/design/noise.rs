//! Noise of every read that the emulated columns carry themselves: the cellular automata of the lanes.
//!
//! A lane's generator is a hybrid automaton of 32 cells, each by rule 90 (left XOR right) or 150 (with itself), both
//! ends held at 0; its vector of rules is chosen such that its characteristic polynomial is primitive, so it walks
//! through all 2^32 - 1 states that are not 0. Source: Serra, Slater, Muzio, Miller, "The analysis of
//! one-dimensional linear cellular automata and their aliasing properties", IEEE TCAD 9 (1990), whose recursion for
//! the polynomial stands below. [`STEPS`] steps lie between two reads; vectors of rules are chosen besides such that
//! no moment up to the fourth order of two reads one to three apart differs from that of independent reads.

use crate::arch::Readout;
use serde::Serialize;

/// Steps of the automata between two reads.
pub const STEPS: usize = 8;

/// The generators of a design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noise {
    /// Noise of a read in 2^-F counts: (ones of the lane's cells - 16) times this; at least 1.
    pub gain: usize,
    /// Steps in one clock cycle; divides [`STEPS`].
    pub steps_per_cycle: usize,
    /// One a lane; bit i is set where cell i follows rule 150.
    pub rules: Vec<u32>,
}

impl Noise {
    /// Generators of `lanes` lanes; `cycles`: clock cycles within which [`STEPS`] steps must be done. `None` without
    /// noise.
    pub fn new(readout: &Readout, lanes: usize, cycles: usize) -> Option<Noise> {
        let gain = readout.noise_gain();
        let cycles = [8, 4, 2, 1].into_iter().find(|&some| some <= cycles).unwrap_or(1);
        (gain > 0).then(|| Noise { gain, steps_per_cycle: STEPS / cycles, rules: rules(lanes) })
    }

    /// Largest noise in 2^-F counts.
    pub fn most(&self) -> usize {
        16 * self.gain
    }
}

/// A vector of rules for every lane, all different; the same for every design.
fn rules(lanes: usize) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::with_capacity(lanes);
    let mut candidate = 0u32;
    while found.len() < lanes {
        // An odd step reaches every number; 2^-7 of them will do.
        candidate = candidate.wrapping_add(0x9e37_79b9);
        if white(candidate) && primitive(polynomial(candidate)) {
            found.push(candidate);
        }
    }
    found
}

/// Reads apart at which two reads are looked at.
const APART: usize = 3;

/// Whether no moment up to the fourth order tells two reads that are close in time from independent ones: no cell, and
/// no sum (XOR) of two or three cells of the later read, is a sum of so few cells of the earlier one that both have four
/// cells or fewer.
fn white(rules: u32) -> bool {
    // What every cell becomes; the matrix of an automaton is symmetric.
    let mut rows: Vec<u32> = (0..32).map(|cell| 1 << cell).collect();
    (0..APART).all(|_| {
        for _ in 0..STEPS {
            rows.iter_mut().for_each(|row| *row = *row << 1 ^ *row >> 1 ^ *row & rules);
        }
        let few = |cells: u32, most: u32| cells.count_ones() <= most;
        (0..32).all(|a| {
            let pairs = |b: usize| {
                let pair = rows[a] ^ rows[b];
                !few(pair, 2) && (0..b).all(|c| !few(pair ^ rows[c], 1))
            };
            !few(rows[a], 3) && (0..a).all(pairs)
        })
    })
}

/// Characteristic polynomial; bit n is the coefficient of x^n. With p(k) that of the first k cells,
/// `p(k) = (x + d(k)) p(k-1) + p(k-2)`.
fn polynomial(rules: u32) -> u64 {
    let (mut before, mut last) = (0u64, 1u64);
    for cell in 0..32 {
        let own = if rules >> cell & 1 == 1 { last } else { 0 };
        (before, last) = (last, last << 1 ^ own ^ before);
    }
    last
}

/// Whether x has the order 2^32 - 1 modulo a polynomial of degree 32.
fn primitive(polynomial: u64) -> bool {
    let order = u64::from(u32::MAX);
    power(order, polynomial) == 1
        && [3, 5, 17, 257, 65537].iter().all(|prime| power(order / prime, polynomial) != 1)
}

/// x to the power of `exponent`.
fn power(mut exponent: u64, polynomial: u64) -> u64 {
    let (mut result, mut square) = (1, 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, square, polynomial);
        }
        square = product(square, square, polynomial);
        exponent >>= 1;
    }
    result
}

fn product(mut a: u64, mut b: u64, polynomial: u64) -> u64 {
    let mut sum = 0;
    while b > 0 {
        sum ^= if b & 1 == 1 { a } else { 0 };
        a <<= 1;
        a ^= if a >> 32 == 1 { polynomial } else { 0 };
        b >>= 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::ReadoutKind;

    type Matrix = [u32; 32];

    /// The automaton as a matrix over two elements: row i says which cells cell i becomes the sum of.
    fn matrix(rules: u32) -> Matrix {
        std::array::from_fn(|i| {
            let left = if i > 0 { 1 << (i - 1) } else { 0 };
            let right = if i < 31 { 1 << (i + 1) } else { 0 };
            left | right | rules & 1 << i
        })
    }

    fn times(a: &Matrix, b: &Matrix) -> Matrix {
        a.map(|row| (0..32).filter(|j| row >> j & 1 == 1).fold(0, |sum, j| sum ^ b[j]))
    }

    fn raised(matrix: &Matrix, mut exponent: u64) -> Matrix {
        let (mut result, mut square) = (std::array::from_fn(|i| 1 << i), *matrix);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = times(&result, &square);
            }
            square = times(&square, &square);
            exponent >>= 1;
        }
        result
    }

    /// The order of the matrix itself, found without any polynomial, is 2^32 - 1: were it smaller, it would divide
    /// one of the quotients. Every state that is not 0 then lies on one cycle, as the polynomial is irreducible
    /// where x has this order.
    #[test]
    fn every_lane_walks_through_all_states_but_zero() {
        let one: Matrix = std::array::from_fn(|i| 1 << i);
        let order = u64::from(u32::MAX);
        assert_eq!(3 * 5 * 17 * 257 * 65537, order);
        let rules = rules(256);
        for rules in &rules {
            let matrix = matrix(*rules);
            assert_eq!(raised(&matrix, order), one, "{rules:08x}");
            for prime in [3, 5, 17, 257, 65537] {
                assert_ne!(raised(&matrix, order / prime), one, "{rules:08x}: the order divides 1/{prime}");
            }
        }
        let different: std::collections::BTreeSet<u32> = rules.iter().copied().collect();
        assert_eq!(different.len(), rules.len());
    }

    /// A published maximal vector (Cattell, Muzio: x^32 by two rules 150) would serve as well; neighbours of chosen
    /// vectors do not: the test of primitivity can fail.
    #[test]
    fn not_every_vector_is_maximal() {
        let maximal = (0..4096u32).filter(|&rules| primitive(polynomial(rules))).count();
        assert!((64..256).contains(&maximal), "{maximal} of 4096, about 1 in 32 expected");
        assert!(!primitive(polynomial(0)));
    }

    /// Reads one, two and three apart: no cell of the later read is the sum of fewer than four of the earlier.
    #[test]
    fn cells_of_later_reads_are_sums_of_many() {
        for rules in rules(64) {
            for apart in 1..=3 {
                let rows = raised(&matrix(rules), (STEPS * apart) as u64);
                assert!(rows.iter().all(|row| row.count_ones() >= 4), "{rules:08x}, {apart} apart");
            }
        }
    }

    #[test]
    fn steps_take_as_many_cycles_as_there_are() {
        let readout = |noise| Readout { kind: ReadoutKind::Adc, noise, ..Readout::default() };
        let noise = |noise, cycles| Noise::new(&readout(noise), 2, cycles);
        let found = [1, 3, 7, 8, 100].map(|cycles| noise(0.5, cycles).map(|noise| noise.steps_per_cycle));
        assert_eq!(found, [8, 4, 2, 1, 1].map(Some));
        assert_eq!(noise(0.0, 8), None);
        assert_eq!(noise(0.5, 8).map(|noise| (noise.gain, noise.most())), Some((11, 176)));
    }
}
