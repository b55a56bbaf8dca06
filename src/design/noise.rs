//! Noise of every read that the emulated columns carry themselves: the cellular automata of the lanes.
//!
//! A lane's generator is a hybrid automaton of 32 cells, each by rule 90 (left XOR right) or 150 (with itself), both
//! ends held at 0; its vector of rules is chosen such that its characteristic polynomial is primitive, so it walks
//! through all 2^32 - 1 states that are not 0. Source: Serra, Slater, Muzio, Miller, "The analysis of
//! one-dimensional linear cellular automata and their aliasing properties", IEEE TCAD 9 (1990), whose recursion for
//! the polynomial stands below.
//!
//! A read's noise counts the ones that [`SITES`] carry during [`STEPS`] steps: 32 bits. Vectors of rules are chosen
//! such that these are 32 independent sums of the state's bits, so that a read is binomial, and such that no moment
//! up to the fourth order of two reads one to three apart differs from that of independent reads.

use crate::arch::Readout;
use serde::Serialize;

/// Steps of the automata in one read.
pub const STEPS: usize = 8;

/// Cells that are counted.
pub const SITES: [usize; 4] = [4, 12, 20, 28];

/// The generators of a design.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noise {
    /// Noise of a read in 2^-F counts: (ones that were counted - 16) times this; at least 1.
    pub gain: usize,
    /// Steps in one clock cycle; divides [`STEPS`].
    pub steps_per_cycle: usize,
    /// One a lane; bit i is set where cell i follows rule 150.
    pub rules: Vec<u32>,
}

impl Noise {
    /// Generators of `lanes` lanes; `cycles`: clock cycles that [`STEPS`] steps may take. `None` without
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
        if primitive(polynomial(candidate)) && white(candidate) {
            found.push(candidate);
        }
    }
    found
}

/// Reads apart at which two reads are looked at.
const APART: usize = 3;

/// A linear map of 32 bits: bit i of what it gives is the sum (XOR) of the bits that are set in element i.
type Map = [u32; 32];

/// Whether the counted bits of a read are independent, and no moment up to the fourth order tells two reads that are
/// close in time from independent ones: no bit, and no sum of two or three bits of the later read, is a sum of so few bits
/// of the earlier one that both have four bits or fewer.
fn white(rules: u32) -> bool {
    let mut state: Map = std::array::from_fn(|cell| 1 << cell);
    let mut counted = [0; 32];
    for bits in counted.as_chunks_mut().0 {
        *bits = SITES.map(|site| state[site]);
        let before = state;
        for cell in 0..32 {
            let left = if cell > 0 { before[cell - 1] } else { 0 };
            let right = if cell < 31 { before[cell + 1] } else { 0 };
            state[cell] = left ^ right ^ if rules >> cell & 1 == 1 { before[cell] } else { 0 };
        }
    }
    let Some(inverse) = inverse(counted) else { return false };
    // From the counted bits of one read to those of the next.
    let next = product_of(&product_of(&counted, &state), &inverse);
    let mut later = next;
    (0..APART).all(|_| {
        let differs = differs(&later);
        later = product_of(&later, &next);
        differs
    })
}

/// Whether every bit is a sum of at least 4, every pair of at least 3, every three of at least 2 bits.
fn differs(map: &Map) -> bool {
    let few = |bits: u32, most: u32| bits.count_ones() <= most;
    (0..32).all(|a| {
        let pairs = |b: usize| {
            let pair = map[a] ^ map[b];
            !few(pair, 2) && (0..b).all(|c| !few(pair ^ map[c], 1))
        };
        !few(map[a], 3) && (0..a).all(pairs)
    })
}

/// First `second`, then `first`.
fn product_of(first: &Map, second: &Map) -> Map {
    first.map(|row| (0..32).filter(|bit| row >> bit & 1 == 1).fold(0, |sum, bit| sum ^ second[bit]))
}

/// `None` where the map loses something.
fn inverse(mut map: Map) -> Option<Map> {
    let mut inverse: Map = std::array::from_fn(|bit| 1 << bit);
    for column in 0..32 {
        let pivot = (column..32).find(|&row| map[row] >> column & 1 == 1)?;
        map.swap(column, pivot);
        inverse.swap(column, pivot);
        for row in (0..32).filter(|&row| row != column) {
            if map[row] >> column & 1 == 1 {
                map[row] ^= map[column];
                inverse[row] ^= inverse[column];
            }
        }
    }
    Some(inverse)
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

    /// The automaton: row i says which cells cell i becomes the sum of.
    fn matrix(rules: u32) -> Map {
        std::array::from_fn(|i| {
            let left = if i > 0 { 1 << (i - 1) } else { 0 };
            let right = if i < 31 { 1 << (i + 1) } else { 0 };
            left | right | rules & 1 << i
        })
    }

    fn raised(matrix: &Map, mut exponent: u64) -> Map {
        let (mut result, mut square) = (std::array::from_fn(|i| 1 << i), *matrix);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = product_of(&result, &square);
            }
            square = product_of(&square, &square);
            exponent >>= 1;
        }
        result
    }

    /// The order of the matrix itself, found without any polynomial, is 2^32 - 1: were it smaller, it would divide
    /// one of the quotients. Every state that is not 0 then lies on one cycle, as the polynomial is irreducible
    /// where x has this order.
    #[test]
    fn every_lane_walks_through_all_states_but_zero() {
        let one: Map = std::array::from_fn(|i| 1 << i);
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

    /// Bits of a read as sums of seed bits: independent inside a read, and those of different lanes and of the first
    /// reads of a frame all different, so that over all seeds no two of them are correlated.
    #[test]
    fn bits_of_all_lanes_and_reads_are_different_sums() {
        let mut seen = std::collections::BTreeSet::new();
        let lanes = rules(64);
        for rules in &lanes {
            let (mut state, one_step) = (raised(&matrix(*rules), STEPS as u64), matrix(*rules));
            for read in 0..8 {
                let mut bits = Vec::new();
                for _ in 0..STEPS {
                    bits.extend(SITES.map(|site| state[site]));
                    state = product_of(&one_step, &state);
                }
                assert!(inverse(bits.clone().try_into().expect("32 bits")).is_some(), "{rules:08x}, {read}");
                seen.extend(bits);
            }
        }
        // The few that coincide are those of neighbouring sites early in a frame.
        let all = lanes.len() * 8 * 32;
        assert!(all - seen.len() <= 8, "{} of {all} are twins", all - seen.len());
    }

    #[test]
    fn an_inverse_undoes() {
        let map = matrix(rules(1)[0]);
        let one: Map = std::array::from_fn(|bit| 1 << bit);
        assert_eq!(inverse(map).map(|inverse| product_of(&inverse, &map)), Some(one));
        assert_eq!(inverse([1; 32]), None);
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
