//! From images to words of one bit of 32 images.

use crate::golden::analog::maps::LANES;

/// Elements that are transposed together.
pub(in crate::golden::analog) const STRIP: usize = 32;

/// One bit of [`STRIP`] elements of 32 images: a word an image, or, transposed, a word an element.
pub(in crate::golden::analog) type Strip = [u32; LANES];

/// Which bit of an element is meant.
#[derive(Debug, Clone, Copy)]
pub(in crate::golden::analog) enum Bit {
    /// 1 where it is positive.
    Sign,
    /// Bit `place` of its distance from the smallest value.
    Distance { lowest: i16, place: usize },
}

impl Bit {
    fn of(self, value: i16) -> u32 {
        match self {
            Bit::Sign => u32::from(value > 0),
            Bit::Distance { lowest, place } => (i32::from(value) - i32::from(lowest)) as u32 >> place & 1,
        }
    }
}

/// See [`super::take`].
pub(super) fn take(bit: Bit, elements: &[i16], image: usize, strips: &mut [Strip]) {
    for (elements, strip) in elements.chunks(STRIP).zip(strips) {
        let bits = elements.iter().enumerate();
        strip[image] = bits.fold(0, |word, (at, &value)| word | bit.of(value) << at);
    }
}

/// See [`super::transpose`].
pub(super) fn transpose(strip: &Strip) -> Strip {
    std::array::from_fn(|to| (0..STRIP).fold(0, |word, from| word | (strip[from] >> to & 1) << from))
}
