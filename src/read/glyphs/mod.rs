//! Draws digits: as many small grey pictures of the ten digits as wanted, from one seed.
//!
//! A glyph is a pure function of (seed, index, side). Its random stream is ChaCha, keyed by the
//! seed and selected by the index, so any subset in any order on any number of threads is the same
//! pictures. Arithmetic is `+ - * /` and `sqrt` on `f64`, which IEEE 754 rounds exactly, so the
//! bytes are the same on every machine. Nothing here touches a file.
//!
//! Each picture is a digit of one of several handwritten styles, with wobbling control points, a
//! random affine map, stroke width, softness, contrast, a shaded and noisy background, and clutter.

mod draw;
mod picture;
mod shapes;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rayon::prelude::*;
use std::ops::Range;

pub use picture::{Picture, PictureError, contact_sheet, half_blocks};

/// Number of classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// Side of the pictures that the example network reads, in pixels.
pub const SIDE: usize = 16;

/// One picture and its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glyph {
    /// `side * side` grey values, row by row, 0 black to 255 white.
    pub pixels: Vec<u8>,
    /// The digit, 0 to 9.
    pub label: u8,
}

/// Which half of the index space a data set comes from; the two share no glyph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

impl Split {
    /// Index of the first glyph of this split: 0 for training, 2^63 for testing.
    pub fn first(self) -> u64 {
        match self {
            Split::Train => 0,
            Split::Test => 1 << 63,
        }
    }
}

/// Draws glyph `index` of the collection `seed`, `side * side` pixels.
///
/// Every run of ten indices that starts at a multiple of ten holds each digit once, in random
/// order, so any such set is balanced and the index does not tell the label.
pub fn render(seed: u64, index: u64, side: usize) -> Glyph {
    let label = label_of(seed, index);
    let mut random = Random::new(seed, Stream::Picture, index);
    Glyph { pixels: draw::draw(&mut random, label, side), label }
}

/// Draws the first `count` glyphs of a split: images `count * SIDE * SIDE`, labels `count`.
pub fn dataset(seed: u64, split: Split, count: usize) -> (Vec<u8>, Vec<u8>) {
    batch(seed, split, 0..count as u64)
}

/// Draws glyphs `range` of a split, for those who want them piece by piece.
///
/// `batch(seed, split, a..b)` followed by `batch(seed, split, b..c)` is `batch(seed, split, a..c)`.
/// A position is counted modulo 2^63, the length of a split.
pub fn batch(seed: u64, split: Split, range: Range<u64>) -> (Vec<u8>, Vec<u8>) {
    let glyphs: Vec<Glyph> = range
        .into_par_iter()
        .map(|position| render(seed, split.first() | (position & !(1 << 63)), SIDE))
        .collect();
    let labels = glyphs.iter().map(|glyph| glyph.label).collect();
    let images = glyphs.into_iter().flat_map(|glyph| glyph.pixels).collect();
    (images, labels)
}

/// The class of a glyph: its place in the random permutation of its block of ten.
fn label_of(seed: u64, index: u64) -> u8 {
    let block = index / CLASSES as u64;
    let mut random = Random::new(seed, Stream::Labels, block);
    let mut digits: [u8; CLASSES] = std::array::from_fn(|digit| digit as u8);
    for last in (1..CLASSES).rev() {
        digits.swap(last, random.below(last as u32 + 1) as usize);
    }
    digits[(index % CLASSES as u64) as usize]
}

/// What a random stream is used for; part of its key, so the uses never share numbers.
#[derive(Clone, Copy)]
enum Stream {
    Labels = 1,
    Picture = 2,
}

/// Uniform numbers from one ChaCha stream.
struct Random(ChaCha12Rng);

impl Random {
    /// The stream numbered `number` of the key (seed, use).
    fn new(seed: u64, stream: Stream, number: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = stream as u8;
        key[16..].copy_from_slice(b"bincim glyphs v1");
        let mut generator = ChaCha12Rng::from_seed(key);
        generator.set_stream(number);
        Random(generator)
    }

    /// Uniform in `0 <= x < 1`, a multiple of 2^-32.
    fn unit(&mut self) -> f64 {
        f64::from(self.0.next_u32()) / 4_294_967_296.0
    }

    /// Uniform in `low <= x < high`.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `-1 <= x < 1`.
    fn signed(&mut self) -> f64 {
        self.between(-1.0, 1.0)
    }

    /// Bell-shaped with mean 0 and standard deviation 1: a sum of four uniform numbers.
    fn bell(&mut self) -> f64 {
        const SCALE: f64 = 1.732_050_807_568_877_2; // sqrt(12 / 4)
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * SCALE
    }

    /// Uniform among `0..count`, biased by less than `count` in 2^32.
    fn below(&mut self, count: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(count)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests;
