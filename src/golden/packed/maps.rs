//! How the maps between layers lie in memory, and how an input image gets there.
//!
//! A bit map holds each pixel's channels side by side, 32 to a word, unused bits 0; the padding that the
//! reading layer wants is part of the map, so no inner loop ever asks where a border is. Undriven padding
//! (value 0) is held as bits 0 and put right by the limits of the windows that touch it. A map of activations of several
//! levels holds plane after plane of them in this way; the largest level is 1 in all planes, the smallest 0.

use crate::network::{Input, InputCode, Layer, Network, PadValue, Padding, Shape};

/// A packed map of bits with its padding, or of several planes of such bits.
#[derive(Debug)]
pub(super) struct BitMap {
    pub shape: Shape,
    pub padding: Padding,
    /// Planes of bits.
    pub planes: usize,
    /// Words of one pixel.
    pub pixel_words: usize,
    /// Words from one row to the next.
    pub row_words: usize,
    /// A plane before anything is written: border in place, interior 0.
    pub blank: Vec<u32>,
}

impl BitMap {
    pub(super) fn new(shape: Shape, padding: Padding, planes: usize) -> BitMap {
        let pixel_words = shape.c.div_ceil(32);
        let row_words = (padding.left + shape.w + padding.right) * pixel_words;
        let rows = padding.top + shape.h + padding.bottom;
        let border = padding.value == PadValue::Plus;
        let mut blank: Vec<u32> = match border {
            true => (0..rows * row_words).map(|word| ones(shape.c, word % pixel_words)).collect(),
            false => vec![0; rows * row_words],
        };
        for y in 0..shape.h {
            let start = (padding.top + y) * row_words + padding.left * pixel_words;
            blank[start..start + shape.w * pixel_words].fill(0);
        }
        BitMap { shape, padding, planes, pixel_words, row_words, blank }
    }

    /// Words of one image: of all planes.
    pub(super) fn words(&self) -> usize {
        self.planes * self.blank.len()
    }

    /// First word of the pixel (y, x) inside the padding, of the first plane.
    pub(super) fn word(&self, y: usize, x: usize) -> usize {
        (self.padding.top + y) * self.row_words + (self.padding.left + x) * self.pixel_words
    }

    /// First words of all pixels of the first plane, row by row.
    pub(super) fn pixels(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.shape.h).flat_map(move |y| (0..self.shape.w).map(move |x| self.word(y, x)))
    }
}

/// The bits of word `word` that stand for channels below `c`.
fn ones(c: usize, word: usize) -> u32 {
    match c - word * 32 {
        left if left >= 32 => u32::MAX,
        left => (1 << left) - 1,
    }
}

/// The form in which the first layer reads the image.
#[derive(Debug)]
pub(super) enum InputMap {
    /// Bits, channel-minor.
    Bits(BitMap),
    /// All bits of the image as one vector, in the order pixel row, pixel column, channel: for a first
    /// layer that reads the whole image at once.
    BitVector(BitMap),
    /// 16-bit integers, channel-minor, padding in place; for integers and for bits of few channels.
    Values(ValueMap),
}

/// A map of 16-bit integers with its padding.
#[derive(Debug)]
pub(super) struct ValueMap {
    padding: Padding,
    /// Elements from one row to the next.
    pub row: usize,
    /// The map before anything is written; one element longer than the map, since a run of odd length
    /// reads one element too many (against a weight of 0).
    pub blank: Vec<i16>,
}

impl InputMap {
    pub(super) fn new(network: &Network) -> InputMap {
        let (layer, shape) = (&network.layers[0], network.input.shape);
        if network.input.code != InputCode::Bipolar {
            return InputMap::Values(ValueMap::new(layer));
        }
        if layer.padding.is_none() && layer.kernel == (shape.h, shape.w) {
            return InputMap::BitVector(BitMap::new(Shape::vector(shape.elements()), Padding::NONE, 1));
        }
        // A tap word of bits takes three instructions and holds the channels of one pixel; a tap word of
        // integers takes one and runs on over the pixels of a row.
        let bit_cost = 3 * layer.kernel.1 * shape.c.div_ceil(32);
        match (layer.kernel.1 * shape.c).div_ceil(2) < bit_cost {
            true => InputMap::Values(ValueMap::new(layer)),
            false => InputMap::Bits(BitMap::new(shape, layer.padding, 1)),
        }
    }

    /// Bytes that one image takes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            InputMap::Bits(map) | InputMap::BitVector(map) => map.blank.len() * 4,
            InputMap::Values(map) => map.blank.len() * 2,
        }
    }
}

impl ValueMap {
    fn new(layer: &Layer) -> ValueMap {
        let (shape, padding) = (layer.input, layer.padding);
        let row = (padding.left + shape.w + padding.right) * shape.c;
        let value = match padding.value {
            PadValue::Zero => 0,
            PadValue::Plus => 1,
            PadValue::Minus => -1,
        };
        ValueMap { padding, row, blank: vec![value; (padding.top + shape.h + padding.bottom) * row + 1] }
    }

    /// Where the elements of row `y` (`channels` a pixel) begin inside the padding.
    pub(super) fn start(&self, y: usize, channels: usize) -> usize {
        (self.padding.top + y) * self.row + self.padding.left * channels
    }

    /// Writes the elements of an image (`shape`, CHW) into `map`.
    fn write<T: Copy, F>(&self, shape: Shape, image: &[T], of: impl Fn(usize) -> F, map: &mut [i16])
    where
        F: Fn(T) -> i16,
    {
        for y in 0..shape.h {
            let start = self.start(y, shape.c);
            let row = &mut map[start..start + shape.w * shape.c];
            for c in 0..shape.c {
                let value = of(c);
                let from = &image[(c * shape.h + y) * shape.w..][..shape.w];
                for (element, to) in from.iter().zip(row[c..].iter_mut().step_by(shape.c)) {
                    *to = value(*element);
                }
            }
        }
    }
}

/// Images as they come from outside, CHW, one after the other.
#[derive(Debug, Clone, Copy)]
pub(in crate::golden) enum Images<'a> {
    /// Pixel values, to be looked up in the network's table.
    Pixels(&'a [u8]),
    /// Element values.
    Elements(&'a [i16]),
}

/// Turns the pixels of one channel, or of all, into elements.
#[derive(Debug)]
struct PixelRow {
    values: [i16; 256],
    /// The pixel value from which on elements are positive, where the table is such a step.
    step: Option<u8>,
}

impl PixelRow {
    fn new(values: &[i16]) -> PixelRow {
        let values: [i16; 256] = std::array::from_fn(|pixel| values.get(pixel).copied().unwrap_or(0));
        let step = values.iter().position(|&value| value > 0);
        let step = step.filter(|&step| values[step..].iter().all(|&value| value > 0));
        PixelRow { values, step: step.map(|step| step as u8) }
    }

    /// One byte a pixel: 1 for +1, 0 for -1.
    fn flags(&self, pixels: &[u8], flags: &mut [u8]) {
        match self.step {
            Some(step) => {
                flags.iter_mut().zip(pixels).for_each(|(flag, &pixel)| *flag = u8::from(pixel >= step));
            }
            None => {
                let positive = |pixel: u8| self.values[usize::from(pixel)] > 0;
                flags.iter_mut().zip(pixels).for_each(|(flag, &pixel)| *flag = u8::from(positive(pixel)));
            }
        }
    }
}

/// Turns pixels into elements.
#[derive(Debug)]
pub(super) struct PixelTable {
    /// One for all channels, or one a channel, or one an element.
    rows: Vec<PixelRow>,
    /// Pixels that share a row: all of an image, those of a channel, or one.
    run: usize,
}

impl PixelTable {
    pub(super) fn new(input: &Input) -> PixelTable {
        let rows: Vec<PixelRow> = input.pixel_values.chunks(256).map(PixelRow::new).collect();
        let run = input.shape.elements() / rows.len();
        PixelTable { rows, run }
    }

    /// Elements of the pixels of channel `channel`.
    fn row(&self, channel: usize) -> &[i16; 256] {
        &self.rows[if self.rows.len() == 1 { 0 } else { channel }].values
    }
}

impl Images<'_> {
    pub(in crate::golden) fn len(&self) -> usize {
        match self {
            Images::Pixels(pixels) => pixels.len(),
            Images::Elements(elements) => elements.len(),
        }
    }

    /// Elements `from..to`.
    pub(in crate::golden) fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Images::Pixels(pixels) => Images::Pixels(&pixels[from..to]),
            Images::Elements(elements) => Images::Elements(&elements[from..to]),
        }
    }

    /// Writes the one image that this holds into a map of integers.
    pub(super) fn write_values(&self, shape: Shape, table: &PixelTable, to: &ValueMap, map: &mut [i16]) {
        match self {
            Images::Pixels(pixels) if table.run < shape.pixels() => {
                let pairs = pixels.iter().zip(&table.rows);
                let elements: Vec<i16> = pairs.map(|(&pixel, row)| row.values[usize::from(pixel)]).collect();
                to.write(shape, &elements, |_| |value| value, map);
            }
            Images::Pixels(pixels) => {
                let of = |c: usize| {
                    let row = table.row(c);
                    move |pixel: u8| row[usize::from(pixel)]
                };
                to.write(shape, pixels, of, map);
            }
            Images::Elements(elements) => to.write(shape, elements, |_| |value| value, map),
        }
    }

    /// Writes the one image that this holds as one vector of bits, pixel by pixel.
    pub(super) fn write_vector(&self, shape: Shape, table: &PixelTable, scratch: &mut [u8], map: &mut [u32]) {
        self.write_flags(table, scratch);
        if shape.c > 1 && shape.pixels() > 1 {
            let chw = scratch[..shape.elements()].to_vec();
            for (index, flag) in scratch[..shape.elements()].iter_mut().enumerate() {
                *flag = chw[index % shape.c * shape.pixels() + index / shape.c];
            }
        }
        for (word, flags) in map.iter_mut().zip(scratch.chunks_exact(32)) {
            *word = pack(flags);
        }
    }

    /// Writes the one image that this holds into a map of bits.
    pub(super) fn write_bits(&self, table: &PixelTable, scratch: &mut [u8], to: &BitMap, map: &mut [u32]) {
        self.write_flags(table, scratch);
        for (c, channel) in scratch[..to.shape.elements()].chunks(to.shape.pixels()).enumerate() {
            for (word, &flag) in to.pixels().zip(channel) {
                map[word + c / 32] |= u32::from(flag) << (c % 32);
            }
        }
    }

    /// One byte an element, CHW: 1 for +1, 0 for -1.
    fn write_flags(&self, table: &PixelTable, flags: &mut [u8]) {
        match self {
            Images::Pixels(pixels) => {
                let runs = flags.chunks_mut(table.run).zip(pixels.chunks(table.run));
                runs.zip(&table.rows).for_each(|((flags, pixels), row)| row.flags(pixels, flags));
            }
            Images::Elements(elements) => {
                flags.iter_mut().zip(*elements).for_each(|(flag, &value)| *flag = u8::from(value > 0));
            }
        }
    }
}

/// Packs 32 bytes of 0 or 1, the first into the lowest bit.
fn pack(flags: &[u8]) -> u32 {
    let mut word = 0;
    for (index, eight) in flags.chunks_exact(8).enumerate() {
        let eight = u64::from_le_bytes(std::array::from_fn(|i| eight[i]));
        // Byte i holds 0 or 1; the product brings it to bit 56 + i and nothing else there.
        word |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * index);
    }
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_the_order() {
        for seed in 0..200u64 {
            let word = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17) as u32;
            let flags: Vec<u8> = (0..32).map(|bit| (word >> bit & 1) as u8).collect();
            assert_eq!(pack(&flags), word);
        }
    }

    #[test]
    fn only_a_monotone_table_is_a_step() {
        let table = |f: fn(usize) -> bool| {
            PixelRow::new(&(0..256).map(|p| if f(p) { 1 } else { -1 }).collect::<Vec<i16>>()).step
        };
        assert_eq!(table(|p| p >= 128), Some(128));
        assert_eq!(table(|p| p < 128), None);
        assert_eq!(table(|_| true), Some(0));
        assert_eq!(table(|_| false), None);
    }

    #[test]
    fn a_plus_border_sets_only_real_channels() {
        let padding = Padding { top: 1, left: 0, bottom: 0, right: 1, value: PadValue::Plus };
        let map = BitMap::new(Shape { c: 33, h: 1, w: 1 }, padding, 1);
        assert_eq!(map.blank, [u32::MAX, 1, u32::MAX, 1, 0, 0, u32::MAX, 1]);
    }
}
