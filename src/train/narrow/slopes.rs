//! Gradients of a batch of sums as bytes.

use super::kernel::{self, Bytes, InstructionSet, Rounding};
use super::shape::{Geometry, Map, Planes};
use super::weights;
use rayon::prelude::*;

/// Most that the scale of an output lies below the largest one: 2 to this.
const POWERS: u8 = 6;
/// Largest byte.
const MOST: f32 = 127.0;

/// What 1 of the bytes is worth, a power of two below the largest for each output.
pub struct Scales {
    /// Of every output.
    pub own: Vec<f32>,
    /// What the others are held in: 2 to minus [`Scales::powers`] of each output's own.
    pub least: f32,
    pub powers: Vec<u8>,
}

impl Scales {
    /// For numbers up to `bounds` in size, one an output.
    pub fn new(bounds: &[f32]) -> Scales {
        let largest = bounds.iter().fold(0.0, |most: f32, &bound| most.max(bound));
        let below = |bound: f32| match (largest / bound).log2().floor() {
            powers if powers > 0.0 => powers.min(f32::from(POWERS)) as u8,
            _ => 0,
        };
        let powers: Vec<u8> = bounds.iter().map(|&bound| POWERS - below(bound)).collect();
        let least = largest / MOST / f32::from(1u8 << POWERS);
        Scales { own: powers.iter().map(|&power| least * f32::from(1u8 << power)).collect(), least, powers }
    }

    fn inverse(&self) -> Vec<f32> {
        self.own.iter().map(|&scale| if scale > 0.0 { 1.0 / scale } else { 0.0 }).collect()
    }
}

/// The gradients twice: as maps for the input's gradient, and as right factors for that of the weights.
pub struct Slopes {
    /// Maps of [`Geometry::spread`].
    pub map: Vec<u8>,
    /// Of every part of [`Planes`], panels of [`Slopes::panel`] words.
    words: Vec<i32>,
    pub panel: usize,
    pub width: usize,
}

impl Slopes {
    /// Rounds what `line(map, y, gradients)` writes for every row of sums of every map.
    pub fn new(
        set: InstructionSet,
        geometry: &Geometry,
        line: &(impl Fn(usize, usize, &mut [f32]) + Sync),
        how: (&Scales, u32),
    ) -> Slopes {
        let (spread, planes, conv) = (geometry.spread(), geometry.planes(), geometry.conv);
        let width = weights::width(conv.c);
        let panel = planes.together * conv.h * planes.groups * width;
        let part = panel * conv.c.div_ceil(width);
        let mut slopes = Slopes {
            map: vec![128; geometry.maps * spread.size()],
            words: vec![0; geometry.maps.div_ceil(planes.together) * part],
            panel,
            width,
        };
        let inverse = how.0.inverse();
        let rounding = Rounding { inverse: &inverse, key: how.1 };
        let maps = slopes.map.par_chunks_mut(planes.together * spread.size());
        slopes.words.par_chunks_mut(part).zip(maps).enumerate().for_each(|(part, (words, maps))| {
            let mut values = vec![0.0; conv.w * conv.c];
            for (index, map) in maps.chunks_exact_mut(spread.size()).enumerate() {
                for y in 0..conv.h {
                    let number = part * planes.together + index;
                    line(number, y, &mut values);
                    let first = ((number * conv.h + y) * conv.w * conv.c) as u32;
                    let mut to = Bytes {
                        map: &mut map[spread.line(y)..],
                        step: spread.step(),
                        words: &mut words[(index * conv.h + y) * planes.groups * width..],
                        panel_words: panel,
                        width,
                    };
                    kernel::quantise(set, &values, &rounding, first, &mut to);
                }
            }
        });
        slopes
    }

    /// The panels of part `part`, of `steps` words a column.
    pub fn panels(&self, part: usize, steps: usize, columns: usize) -> impl Iterator<Item = &[i32]> {
        let count = columns.div_ceil(self.width);
        let words = &self.words[part * count * self.panel..][..count * self.panel];
        words.chunks_exact(self.panel).map(move |panel| &panel[..steps * self.width])
    }
}

/// Input maps as bytes, channels side by side.
pub fn load(map: &Map, geometry: &Geometry, codes: &[i8]) -> Vec<u8> {
    let mut bytes = vec![geometry.pad_code as u8 ^ 128; geometry.maps * map.size()];
    let (c, width) = (geometry.input.c, geometry.input.w * geometry.input.c);
    let maps = codes.par_chunks_exact(geometry.input.elements());
    bytes.par_chunks_exact_mut(map.size()).zip(maps).for_each(|(bytes, codes)| {
        for (y, codes) in codes.chunks_exact(width).enumerate() {
            let line = &mut bytes[map.line(y)..];
            if map.channels == c {
                line.iter_mut().zip(codes).for_each(|(byte, &code)| *byte = code as u8 ^ 128);
                continue;
            }
            for (pixel, codes) in line.chunks_mut(map.channels).zip(codes.chunks_exact(c)) {
                pixel.iter_mut().zip(codes).for_each(|(byte, &code)| *byte = code as u8 ^ 128);
            }
        }
    });
    bytes
}

/// Input maps as bytes, positions side by side.
pub fn turn(planes: &Planes, geometry: &Geometry, codes: &[i8]) -> Vec<u8> {
    let (c, plane) = (geometry.input.c, planes.plane());
    let parts = geometry.maps.div_ceil(planes.together);
    let mut bytes = vec![geometry.pad_code as u8 ^ 128; parts * c * plane];
    let codes = codes.par_chunks(planes.together * geometry.input.elements());
    bytes.par_chunks_exact_mut(c * plane).zip(codes).for_each(|(bytes, codes)| {
        for (line, codes) in codes.chunks_exact(geometry.input.w * c).enumerate() {
            let (map, y) = (line / geometry.input.h, line % geometry.input.h + geometry.pad);
            let mut x = 0;
            // Eight pixels and channels at a time, where they lie side by side.
            while geometry.stride == 1 && x + 8 <= geometry.input.w {
                let at = planes.at(map, y, x + geometry.pad);
                for first in (0..c / 8 * 8).step_by(8) {
                    let rows = std::array::from_fn(|i| {
                        let row = &codes[(x + i) * c + first..][..8];
                        u64::from_le_bytes(std::array::from_fn(|j| row[j] as u8)) ^ 0x8080_8080_8080_8080
                    });
                    for (j, column) in transposed(rows).into_iter().enumerate() {
                        bytes[(first + j) * plane + at..][..8].copy_from_slice(&column.to_le_bytes());
                    }
                }
                for (i, codes) in codes[x * c..][..8 * c].chunks_exact(c).enumerate() {
                    for (channel, &code) in codes.iter().enumerate().skip(c / 8 * 8) {
                        bytes[channel * plane + at + i] = code as u8 ^ 128;
                    }
                }
                x += 8;
            }
            for (codes, x) in codes.chunks_exact(c).zip(0..).skip(x) {
                let at = planes.at(map, y, x + geometry.pad);
                for (channel, &code) in codes.iter().enumerate() {
                    bytes[channel * plane + at] = code as u8 ^ 128;
                }
            }
        }
    });
    bytes
}

/// Byte `i` of word `j` of what is made is byte `j` of word `i`.
fn transposed(mut rows: [u64; 8]) -> [u64; 8] {
    let masks = [(4, 0x0000_0000_ffff_ffff), (2, 0x0000_ffff_0000_ffff), (1, 0x00ff_00ff_00ff_00ff)];
    for (apart, low) in masks {
        for i in (0..8).filter(|i| i & apart == 0) {
            let (a, b) = (rows[i], rows[i + apart]);
            rows[i] = a & low | (b & low) << (8 * apart);
            rows[i + apart] = a >> (8 * apart) & low | b & !low;
        }
    }
    rows
}
