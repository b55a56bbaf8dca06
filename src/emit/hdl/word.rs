//! An unsigned value whose width is known only at run time, for kernels whose widths are numbers
//! of the design.
//!
//! Arithmetic wraps at the width, as hardware does. A literal has no width of its own (`width` 0)
//! and takes the width of what it meets, so kernels write `x.val() + 1`. Two values of different
//! widths meet only by mistake: the result then has the wider width, and the printer refuses the
//! kernel.

use std::cmp::Ordering;
use std::ops::{Add, BitAnd, BitOr, BitXor, Not, Shl, Shr, Sub};

/// Widest value, in bits: a 1024-bit stream word with its `tlast` bit, in whole limbs.
pub const MAX_WIDTH: usize = 64 * LIMBS;
const LIMBS: usize = 17;

/// An unsigned value of `width` bits; width 0 marks a literal that has not met a width yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Word {
    width: usize,
    limbs: [u64; LIMBS],
}

impl Word {
    /// `value` at a width of 1..=[`MAX_WIDTH`] bits, cut to the width.
    pub fn new(value: u64, width: usize) -> Self {
        Word::from(value).resized(width)
    }

    /// The same value at another width: zero-extended or cut.
    pub fn resized(mut self, width: usize) -> Self {
        self.width = width;
        if width == 0 {
            return self;
        }
        for (i, limb) in self.limbs.iter_mut().enumerate() {
            let kept = width.saturating_sub(64 * i).min(64);
            if kept < 64 {
                *limb &= (1u64 << kept) - 1;
            }
        }
        self
    }

    /// Width in bits; the name is the one that rust-hdl's macros call.
    pub fn bits(self) -> usize {
        self.width
    }

    /// The low 64 bits.
    pub fn low(self) -> u64 {
        self.limbs[0]
    }

    /// Bit `index`, false beyond the width.
    pub fn get_bit(self, index: impl Into<Word>) -> bool {
        let index = index.into().low() as usize;
        index < MAX_WIDTH && (self.limbs[index / 64] >> (index % 64)) & 1 == 1
    }

    /// The value as little-endian bytes, as many as the width needs.
    pub fn bytes(self) -> Vec<u8> {
        let all = self.limbs.iter().flat_map(|limb| limb.to_le_bytes());
        all.take(self.width.div_ceil(8)).collect()
    }

    /// The value of little-endian `bytes` at `width` bits.
    pub fn from_bytes(bytes: &[u8], width: usize) -> Self {
        let mut word = Word::default();
        for (i, &byte) in bytes.iter().take(8 * LIMBS).enumerate() {
            word.limbs[i / 8] |= u64::from(byte) << (8 * (i % 8));
        }
        word.resized(width)
    }

    fn zip(self, other: Word, f: impl Fn(u64, u64) -> u64) -> Word {
        let mut limbs = [0; LIMBS];
        for (i, limb) in limbs.iter_mut().enumerate() {
            *limb = f(self.limbs[i], other.limbs[i]);
        }
        Word { width: 0, limbs }.resized(self.width.max(other.width))
    }

    fn add_carry(self, other: Word, mut carry: bool) -> Word {
        let mut limbs = [0; LIMBS];
        for (i, limb) in limbs.iter_mut().enumerate() {
            let (partial, over_a) = self.limbs[i].overflowing_add(other.limbs[i]);
            let (sum, over_b) = partial.overflowing_add(u64::from(carry));
            *limb = sum;
            carry = over_a || over_b;
        }
        Word { width: 0, limbs }.resized(self.width.max(other.width))
    }
}

/// A one-bit signal or a vector at `width` bits: zero-extended or cut. Printed as a concatenation
/// or a part select.
pub fn bits_of(value: impl Into<Word>, width: usize) -> Word {
    value.into().resized(width)
}

impl From<u64> for Word {
    fn from(value: u64) -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = value;
        Word { width: 0, limbs }
    }
}

impl From<bool> for Word {
    fn from(value: bool) -> Self {
        Word::new(u64::from(value), 1)
    }
}

impl<T: Into<Word>> Add<T> for Word {
    type Output = Word;
    fn add(self, other: T) -> Word {
        self.add_carry(other.into(), false)
    }
}

impl<T: Into<Word>> Sub<T> for Word {
    type Output = Word;
    fn sub(self, other: T) -> Word {
        let other = other.into();
        let width = self.width.max(other.width);
        self.add_carry(other.zip(Word::default(), |a, _| !a), true).resized(width)
    }
}

impl<T: Into<Word>> BitAnd<T> for Word {
    type Output = Word;
    fn bitand(self, other: T) -> Word {
        self.zip(other.into(), |a, b| a & b)
    }
}

impl<T: Into<Word>> BitOr<T> for Word {
    type Output = Word;
    fn bitor(self, other: T) -> Word {
        self.zip(other.into(), |a, b| a | b)
    }
}

impl<T: Into<Word>> BitXor<T> for Word {
    type Output = Word;
    fn bitxor(self, other: T) -> Word {
        self.zip(other.into(), |a, b| a ^ b)
    }
}

impl Not for Word {
    type Output = Word;
    fn not(self) -> Word {
        self.zip(Word::default(), |a, _| !a)
    }
}

impl<T: Into<Word>> Shl<T> for Word {
    type Output = Word;
    fn shl(self, by: T) -> Word {
        let (limbs, bits) = split(by.into());
        let mut word = Word::default();
        for i in limbs..LIMBS {
            let below = if i > limbs { self.limbs[i - limbs - 1] } else { 0 };
            word.limbs[i] = (join(below, self.limbs[i - limbs]) << bits >> 64) as u64;
        }
        word.resized(self.width)
    }
}

impl<T: Into<Word>> Shr<T> for Word {
    type Output = Word;
    fn shr(self, by: T) -> Word {
        let (limbs, bits) = split(by.into());
        let mut word = Word::default();
        for i in limbs..LIMBS {
            let above = self.limbs.get(i + 1).copied().unwrap_or(0);
            word.limbs[i - limbs] = (join(self.limbs[i], above) >> bits) as u64;
        }
        word.resized(self.width)
    }
}

/// A shift as whole limbs and the bits beyond them.
fn split(by: Word) -> (usize, u32) {
    (by.low() as usize / 64, (by.low() % 64) as u32)
}

/// Two neighbouring limbs as one number.
fn join(low: u64, high: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

impl<T: Into<Word> + Copy> PartialEq<T> for Word {
    fn eq(&self, other: &T) -> bool {
        self.limbs == (*other).into().limbs
    }
}

impl<T: Into<Word> + Copy> PartialOrd<T> for Word {
    fn partial_cmp(&self, other: &T) -> Option<Ordering> {
        let other: Word = (*other).into();
        Some(self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn arithmetic_wraps_at_the_width() {
        assert!(Word::new(15, 4) + 1 == 0);
        assert!(Word::new(0, 4) - 1 == 15);
        assert!(!Word::new(5, 4) == 10);
        assert!(Word::new(3, 65) - 4 == !Word::new(0, 65));
    }

    #[test]
    fn shifts_cross_limbs() {
        let word = Word::new(0xA5, 1000) << 900;
        assert!(word.get_bit(900) && !word.get_bit(901) && word.get_bit(907));
        assert!(word >> 900 == 0xA5);
        assert!(Word::new(0xA5, 8) << 4 == 0x50);
    }

    proptest! {
        #[test]
        fn a_shift_moves_every_bit(
            bytes in proptest::collection::vec(any::<u8>(), 1..136), by in 0u64..1200,
        ) {
            let word = Word::from_bytes(&bytes, 8 * bytes.len());
            for i in 0..8 * bytes.len() as u64 {
                prop_assert_eq!((word << by).get_bit(i), i >= by && word.get_bit(i - by));
                prop_assert_eq!((word >> by).get_bit(i), word.get_bit(i + by));
            }
        }

        #[test]
        fn agrees_with_u128(a: u64, b: u64, width in 1usize..=64, by in 0usize..64) {
            let mask = (1u128 << width) - 1;
            let (x, y) = (Word::new(a, width), Word::new(b, width));
            let (p, q) = (u128::from(a) & mask, u128::from(b) & mask);
            prop_assert_eq!(u128::from((x + y).low()), (p + q) & mask);
            prop_assert_eq!(u128::from((x - y).low()), p.wrapping_sub(q) & mask);
            prop_assert_eq!(u128::from((x << by as u64).low()), (p << by) & mask);
            prop_assert_eq!(u128::from((x >> by as u64).low()), p >> by);
            prop_assert_eq!(x < y, p < q);
            prop_assert_eq!(x == y, p == q);
        }

        #[test]
        fn bytes_round_trip(bytes in proptest::collection::vec(any::<u8>(), 1..136)) {
            prop_assert_eq!(Word::from_bytes(&bytes, 8 * bytes.len()).bytes(), bytes);
        }
    }
}
