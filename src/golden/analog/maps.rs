//! Maps of bits, transposed: one 32-bit word holds one bit of 32 images.
//!
//! A map lies row by row, pixel by pixel, channel by channel, with the padding that the reading layer wants
//! around it, so no loop asks where a border is. Undriven padding (value 0) is held as bits 0; the voltages
//! of the windows that touch it start from another base.

use super::kernel::{self, Bit, InstructionSet, STRIP};
use crate::bits::BitMatrix;
use crate::design::{Design, InputKind};
use crate::network::{InputCode, Layer, PadValue, Padding, Shape};

/// Images of one word.
pub(super) const LANES: usize = 32;

/// How the map of 32 images lies in memory.
#[derive(Debug)]
pub(super) struct Map {
    /// Channels (bit planes of an integer input side by side), height, width.
    pub shape: Shape,
    padding: Padding,
    /// Words from one row to the next.
    pub row_words: usize,
    /// The map before anything is written: the border in place, everything else 0.
    pub blank: Vec<u32>,
}

impl Map {
    /// The map between two layers; `reader` is the layer that reads it.
    pub fn between(shape: Shape, reader: Option<&Layer>) -> Map {
        let padding = reader.map_or(Padding::NONE, |layer| layer.padding);
        Map::new(shape, padding, |_| padding.value == PadValue::Plus)
    }

    /// The map of the input; channel `c` of plane `j` is channel `c * planes + j` of the map.
    pub fn input(design: &Design) -> Map {
        let planes = design.input.code.planes();
        let (layer, shape) = (&design.network.layers[0], design.network.input.shape);
        let code = match design.input.kind {
            InputKind::Window { pad_code, .. } => pad_code,
            InputKind::Vector { .. } => 0,
        };
        let shape = Shape { c: shape.c * planes, ..shape };
        Map::new(shape, layer.padding, |channel| code >> (channel % planes) & 1 == 1)
    }

    fn new(shape: Shape, padding: Padding, border: impl Fn(usize) -> bool) -> Map {
        let row_words = (padding.left + shape.w + padding.right) * shape.c;
        let rows = padding.top + shape.h + padding.bottom;
        let word = |index: usize| if border(index % shape.c) { u32::MAX } else { 0 };
        let mut map = Map { shape, padding, row_words, blank: (0..rows * row_words).map(word).collect() };
        for y in 0..shape.h {
            let start = map.word(y, 0);
            map.blank[start..start + shape.w * shape.c].fill(0);
        }
        map
    }

    /// First word of the pixel (y, x).
    pub fn word(&self, y: usize, x: usize) -> usize {
        (self.padding.top + y) * self.row_words + (self.padding.left + x) * self.shape.c
    }

    /// First word of the window whose origin is the pixel (y, x), which may lie in the padding.
    pub fn origin(&self, y: i64, x: i64) -> usize {
        let row = y + self.padding.top as i64;
        let column = x + self.padding.left as i64;
        row as usize * self.row_words + column as usize * self.shape.c
    }

    /// Writes up to 32 images (channel, row, column), one after the other, into a blank map.
    pub fn write(&self, set: InstructionSet, code: InputCode, images: &[i16], map: &mut [u32]) {
        let planes = code.planes();
        let (pixels, channels) = (self.shape.pixels(), self.shape.c / planes);
        let elements = channels * pixels;
        let mut strips = vec![[0; LANES]; elements.div_ceil(STRIP)];
        for plane in 0..planes {
            let bit = match code {
                InputCode::Bipolar => Bit::Sign,
                _ => Bit::Distance { lowest: code.range().0 as i16, place: plane },
            };
            // One image after the other: memory is read in order.
            for (image, elements) in images.chunks_exact(elements).enumerate() {
                kernel::take(set, bit, elements, image, &mut strips);
            }
            let (mut channel, mut y, mut x) = (0, 0, 0);
            for (first, strip) in (0..elements).step_by(STRIP).zip(&strips) {
                let words = kernel::transpose(set, strip);
                if pixels == 1 && planes == 1 {
                    // The bits of a single pixel lie as they come.
                    let to = &mut map[self.word(0, 0) + first..];
                    match to.first_chunk_mut() {
                        Some(to) if first + STRIP <= elements => *to = words,
                        _ => to[..elements - first].copy_from_slice(&words[..elements - first]),
                    }
                    continue;
                }
                for word in &words[..STRIP.min(elements - first)] {
                    map[self.word(y, x) + channel * planes + plane] = *word;
                    x += 1;
                    if x == self.shape.w {
                        (x, y) = (0, y + 1);
                    }
                    if y == self.shape.h {
                        (y, channel) = (0, channel + 1);
                    }
                }
            }
        }
    }

    /// The bits of one image: a row a channel, a column a pixel.
    pub fn bits(&self, map: &[u32], lane: usize) -> BitMatrix {
        let mut bits = BitMatrix::zeros(self.shape.c, self.shape.pixels());
        for pixel in 0..self.shape.pixels() {
            let at = self.word(pixel / self.shape.w, pixel % self.shape.w);
            for (channel, word) in map[at..at + self.shape.c].iter().enumerate() {
                let row = bits.row_mut(channel);
                row[pixel / 64] |= u64::from(word >> lane & 1) << (pixel % 64);
            }
        }
        bits
    }
}
