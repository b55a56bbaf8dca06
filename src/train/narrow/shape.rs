//! Where the bytes of a layer's maps lie, and which of them its sums take.

use super::super::conv;
use super::super::plan::PlanLayer;
use crate::network::Shape;

/// Positions that one part of a weight gradient's product takes at least, where there are so many.
const POSITIONS: usize = 512;

/// A layer over a batch. A dense layer is a convolution of 1 x 1 over rows of images.
pub struct Geometry {
    pub maps: usize,
    pub input: Shape,
    pub conv: Shape,
    pub kernel: (usize, usize),
    pub stride: usize,
    pub pad: usize,
    /// What stands outside the map.
    pub pad_code: i8,
}

impl Geometry {
    pub fn new(layer: &PlanLayer, batch: usize) -> Geometry {
        let (input, conv) = (layer.input, layer.conv);
        if conv::is_dense(layer) {
            // Four neighbours fill a word, and no map is longer than it must be, so that threads can share them.
            let w = [4, 2, 1].into_iter().find(|&w| batch.is_multiple_of(w)).unwrap_or(1);
            return Geometry {
                maps: batch / w,
                input: Shape { c: input.elements(), h: 1, w },
                conv: Shape { c: conv.c, h: 1, w },
                kernel: (1, 1),
                stride: 1,
                pad: 0,
                pad_code: 0,
            };
        }
        Geometry {
            maps: batch,
            input,
            conv,
            kernel: layer.kernel,
            stride: layer.stride,
            pad: layer.pad,
            pad_code: conv::pad_level(layer) as i8,
        }
    }

    pub fn places(&self) -> usize {
        self.kernel.0 * self.kernel.1
    }

    /// The padded input maps.
    pub fn taken(&self) -> Map {
        Map {
            rows: self.input.h + 2 * self.pad,
            pitch: self.input.w + 2 * self.pad,
            channels: self.input.c.next_multiple_of(4),
            step: 1,
            border: (self.pad, self.pad),
        }
    }

    /// Maps of the sums' gradients as the windows of the input's gradient see them: `stride` apart, with what the turned
    /// kernel reaches beyond them.
    pub fn spread(&self) -> Map {
        let (kh, kw) = self.kernel;
        Map {
            rows: self.input.h + kh - 1,
            pitch: self.input.w + kw - 1,
            channels: self.conv.c.next_multiple_of(4),
            step: self.stride,
            border: (kh - 1 - self.pad, kw - 1 - self.pad),
        }
    }

    pub fn planes(&self) -> Planes {
        let groups = self.conv.w.div_ceil(4);
        let positions = self.conv.h * groups * 4;
        let padded = (self.input.w + 2 * self.pad).div_ceil(self.stride);
        Planes {
            rows: self.input.h + 2 * self.pad,
            phases: self.stride,
            // The last four positions of a row may reach beyond it.
            pitch: padded.max((self.kernel.1 - 1) / self.stride + 4 * groups),
            groups,
            together: POSITIONS.div_ceil(positions).min(self.maps),
        }
    }
}

/// Maps of bytes (map, row, column, channel) with a border.
pub struct Map {
    pub rows: usize,
    pub pitch: usize,
    /// A multiple of four.
    pub channels: usize,
    /// Places from pixel to pixel.
    step: usize,
    /// Rows above and columns before the first pixel.
    border: (usize, usize),
}

impl Map {
    pub fn size(&self) -> usize {
        self.rows * self.pitch * self.channels
    }

    /// Where row `y` begins within its map; its pixels lie [`Map::step`] bytes apart.
    pub fn line(&self, y: usize) -> usize {
        ((y * self.step + self.border.0) * self.pitch + self.border.1) * self.channels
    }

    pub fn step(&self) -> usize {
        self.step * self.channels
    }

    /// Beginnings of the windows of `maps` maps, whose corners lie `stride` apart.
    pub fn starts(&self, maps: usize, shape: Shape, stride: usize) -> Vec<u32> {
        let pixels = (0..maps).flat_map(|map| (0..shape.pixels()).map(move |pixel| (map, pixel)));
        let start = |(map, pixel): (usize, usize)| {
            let (y, x) = (pixel / shape.w * stride, pixel % shape.w * stride);
            (map * self.size() + (y * self.pitch + x) * self.channels) as u32
        };
        pixels.map(start).collect()
    }

    /// The taps of a window, four channels each.
    pub fn steps(&self, kernel: (usize, usize)) -> Vec<u32> {
        let places = (0..kernel.0 * kernel.1).map(|place| (place / kernel.1, place % kernel.1));
        let corner = |(y, x): (usize, usize)| (y * self.pitch + x) * self.channels;
        places.flat_map(|place| (0..self.channels / 4).map(move |k| (corner(place) + 4 * k) as u32)).collect()
    }
}

/// Maps of bytes whose neighbours in a row lie side by side: (part, channel, map of the part, row, phase, column); phase
/// `p` of a row holds columns `p`, `p + stride` ....
pub struct Planes {
    rows: usize,
    phases: usize,
    pitch: usize,
    /// Groups of four positions of a row of sums.
    pub groups: usize,
    /// Maps of a part.
    pub together: usize,
}

impl Planes {
    /// Bytes of one channel of a part.
    pub fn plane(&self) -> usize {
        self.together * self.rows * self.phases * self.pitch
    }

    /// Where column `x` of row `y` of map `map` lies in its plane.
    pub fn at(&self, map: usize, y: usize, x: usize) -> usize {
        ((map * self.rows + y) * self.phases + x % self.phases) * self.pitch + x / self.phases
    }

    /// The places that the taps (kernel row, kernel column, channel) of all windows begin from.
    pub fn starts(&self, geometry: &Geometry) -> Vec<u32> {
        let (channels, width) = (geometry.input.c, geometry.kernel.1);
        let start = |tap: usize| {
            let (place, c) = (tap / channels, tap % channels);
            (c * self.plane() + self.at(0, place / width, place % width)) as u32
        };
        (0..geometry.places() * channels).map(start).collect()
    }

    /// Four positions of the sums of `maps` maps each.
    pub fn steps(&self, geometry: &Geometry, maps: usize) -> Vec<u32> {
        let rows = (0..maps).flat_map(|map| (0..geometry.conv.h).map(move |y| (map, y * geometry.stride)));
        rows.flat_map(|(map, y)| (0..self.groups).map(move |group| (self.at(map, y, 0) + 4 * group) as u32))
            .collect()
    }
}
