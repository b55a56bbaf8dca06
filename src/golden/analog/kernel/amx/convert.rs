//! From products to voltages, codes, and what they stand for.

use std::arch::asm;
use std::arch::x86_64::*;
use std::ops::Range;
use std::ptr;

use super::super::avx512::convert;
use super::super::converters::{STEPS, twice};
use super::super::tiles::{Tiles, WIDE};
use super::super::{CODES, Panel, Sink};
use super::{Product, Products};
use crate::golden::analog::maps::LANES;

/// Columns whose products are converted together.
pub(super) const TOGETHER: usize = 4;

/// Every second lane of 16 bits.
const EVEN: __mmask32 = 0x5555_5555;

/// The columns of a sink while products come in.
pub(super) struct Conversion<'a, 'b> {
    tiles: &'a Tiles,
    panel: &'a Panel<'a>,
    products: *const Products,
    sink: &'a mut Sink<'b>,
    /// First column of the sink.
    first: usize,
    /// How to guess the codes of every column; empty unless that can be done.
    lines: Vec<Line>,
    /// Columns and the block whose products wait.
    waiting: Range<usize>,
    block: usize,
    /// Of the first that waits.
    places: Places,
}

/// What guesses a column's codes, see [`Guess`](super::super::converters::Guess): each number twice side by side.
#[repr(C)]
struct Line {
    offset: u32,
    factor: u32,
    most: u32,
}

impl<'a, 'b> Conversion<'a, 'b> {
    /// For `columns`, whose products will lie at `products`.
    pub fn new(
        tiles: &'a Tiles,
        columns: Range<usize>,
        panel: &'a Panel,
        products: *const Products,
        sink: &'a mut Sink<'b>,
    ) -> Self {
        let lines = tiles.converters.guesses[columns.clone()].iter().map(|guess| {
            let guess = guess.as_ref()?;
            Some(Line { offset: twice(guess.offset), factor: twice(guess.factor), most: twice(guess.most) })
        });
        let lines = if sink.noise.is_empty() { lines.collect() } else { None };
        let lines: Vec<Line> = lines.unwrap_or_default();
        let (first, places) = (columns.start, Places::NOWHERE);
        Conversion { tiles, panel, products, sink, first, lines, waiting: 0..0, block: 0, places }
    }

    /// Says that the products of `columns` and a block have been stored.
    ///
    /// # Safety
    /// None wait; columns and blocks have been asserted.
    #[inline]
    pub unsafe fn wait(&mut self, columns: Range<usize>, block: usize) {
        let at = columns.start - self.first;
        let slot = self.panel.blocks[block].slot;
        // SAFETY: the caller's.
        unsafe {
            self.places = Places {
                products: self.products.cast(),
                bases: self.base(columns.start, block),
                lines: self.lines.as_ptr().wrapping_add(at),
                edges: self.tiles.converters.edges.as_ptr().add(columns.start * STEPS * CODES).cast(),
                sums: self.sink.sums.as_mut_ptr().add((at * self.sink.stride + slot) * LANES).cast(),
            };
        }
        (self.waiting, self.block) = (columns, block);
    }

    /// Voltage of `column` when all bits of the block are 0.
    fn base(&self, column: usize, block: usize) -> &u32 {
        let padded = self.tiles.columns.next_multiple_of(WIDE);
        &self.tiles.base[self.panel.blocks[block].class * padded + column]
    }

    /// Converts the next `count` columns that wait, a multiple of [`TOGETHER`], or as many as are left.
    ///
    /// # Safety
    /// The processor has the instructions, and the products have been stored.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    pub unsafe fn some(&mut self, count: usize) {
        let end = self.waiting.end.min(self.waiting.start + count);
        // SAFETY: the caller's; values are those of a part at least.
        unsafe {
            if !self.lines.is_empty() {
                let values = _mm512_loadu_si512(self.sink.values.as_ptr().cast());
                while self.waiting.start + TOGETHER <= end {
                    self.places.convert(self.sink.stride * LANES * size_of::<i16>(), values);
                    self.waiting.start += TOGETHER;
                }
            }
            for column in self.waiting.start..end {
                self.search(column);
            }
        }
        self.waiting.start = end;
    }

    /// Converts one column by a search among its edges, with noise where there is some.
    ///
    /// # Safety
    /// As [`Conversion::some`].
    #[target_feature(enable = "avx512f,avx512bw")]
    unsafe fn search(&mut self, column: usize) {
        let mut voltages = [[0i16; LANES]];
        // SAFETY: the caller's.
        unsafe {
            let product: *const Product = (&raw const (*self.products).0[column % WIDE]).cast();
            let [even, odd] = [0, 1].map(|half| product.cast::<__m512i>().add(half));
            let odd = _mm512_slli_epi32::<16>(_mm512_load_si512(odd));
            let both = _mm512_mask_loadu_epi16(odd, EVEN, even.cast());
            let voltage = _mm512_add_epi16(both, _mm512_set1_epi32(*self.base(column, self.block) as i32));
            _mm512_storeu_si512(voltages.as_mut_ptr().cast(), voltage);
            let blocks = self.block..self.block + 1;
            let at = column - self.first;
            convert(&self.tiles.converters, column, at, self.panel, blocks, &mut voltages, self.sink);
        }
    }
}

/// Where [`TOGETHER`] columns find what their conversion needs, and where it goes.
struct Places {
    /// Two vectors a column.
    products: *const __m512i,
    bases: *const u32,
    lines: *const Line,
    /// [`STEPS`] vectors a column.
    edges: *const __m512i,
    sums: *mut __m512i,
}

/// An instruction on three registers.
macro_rules! on {
    ($name:literal, $to:literal, $a:literal, $b:literal) => {
        concat!($name, " zmm", $to, ", zmm", $a, ", zmm", $b, "\n")
    };
}

/// A number of 32 bits in every lane.
macro_rules! spread {
    ($to:literal, $from:literal, $at:literal) => {
        concat!("vpbroadcastd zmm", $to, ", dword ptr [", $from, " * ", $at, "]\n")
    };
}

/// Voltages of column `$n` from its products, and the edge that they may reach.
#[rustfmt::skip]
macro_rules! guessed {
    ($n:literal, $voltage:literal, $guess:literal, $edge:literal) => {
        concat!(
            "vpslld zmm", $voltage, ", [{products} + 64 + 128 * ", $n, "], 16\n",
            "vmovdqu16 zmm", $voltage, " {{{even}}}, [{products} + 128 * ", $n, "]\n",
            spread!($edge, "{bases} + 4", $n),
            on!("vpaddw", $voltage, $voltage, $edge),
            spread!($edge, "{lines} + 12", $n),
            on!("vpsubusw", $guess, $voltage, $edge),
            spread!($edge, "{lines} + 4 + 12", $n),
            on!("vpmulhuw", $guess, $guess, $edge),
            spread!($edge, "{lines} + 8 + 12", $n),
            on!("vpminuw", $guess, $guess, $edge),
            "vpermw zmm", $edge, ", zmm", $guess, ", [{edges} + 320 * ", $n, "]\n",
        )
    };
}

/// One more where the voltage reaches the edge; adds what the code stands for to the sums, and goes on to the next column's.
#[rustfmt::skip]
macro_rules! corrected {
    ($voltage:literal, $guess:literal, $edge:literal) => {
        concat!(
            "vpcmpnltuw k1, zmm", $voltage, ", zmm", $edge, "\n",
            "vpaddw zmm", $guess, " {{k1}}, zmm", $guess, ", {ones}\n",
            "vpermw zmm", $guess, ", zmm", $guess, ", {values}\n",
            "vpaddw zmm", $guess, ", zmm", $guess, ", [{sums}]\n",
            "vmovdqu64 [{sums}], zmm", $guess, "\n",
            "add {sums}, {stride}\n",
        )
    };
}

impl Places {
    const NOWHERE: Places = Places {
        products: ptr::null(),
        bases: ptr::null(),
        lines: ptr::null(),
        edges: ptr::null(),
        sums: ptr::null_mut(),
    };

    /// Adds what the codes of 32 voltages a column stand for to their sums, which lie `stride` bytes apart, and goes on to the
    /// next columns. The voltages are the lower halves of the products, and the base more.
    ///
    /// Assembly, because the compiler makes ten instructions of VPMULHUW and two of the masked addition.
    ///
    /// # Safety
    /// The processor has the instructions, and everything is in its place.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    unsafe fn convert(&mut self, stride: usize, values: __m512i) {
        const { assert!(TOGETHER == 4 && size_of::<Product>() == 128) };
        const { assert!(size_of::<Line>() == 12 && STEPS * CODES * size_of::<u16>() == 320) };
        // SAFETY: the caller's.
        unsafe {
            asm!(
                guessed!(0, 16, 17, 18),
                guessed!(1, 19, 20, 21),
                guessed!(2, 22, 23, 24),
                guessed!(3, 25, 26, 27),
                corrected!(16, 17, 18),
                corrected!(19, 20, 21),
                corrected!(22, 23, 24),
                corrected!(25, 26, 27),
                even = in(kreg) EVEN,
                products = in(reg) self.products,
                bases = in(reg) self.bases,
                lines = in(reg) self.lines,
                edges = in(reg) self.edges,
                sums = inout(reg) self.sums,
                stride = in(reg) stride,
                ones = in(zmm_reg) _mm512_set1_epi16(1),
                values = in(zmm_reg) values,
                out("zmm16") _,
                out("zmm17") _,
                out("zmm18") _,
                out("zmm19") _,
                out("zmm20") _,
                out("zmm21") _,
                out("zmm22") _,
                out("zmm23") _,
                out("zmm24") _,
                out("zmm25") _,
                out("zmm26") _,
                out("zmm27") _,
                out("k1") _,
                options(nostack),
            );
        }
        self.products = self.products.wrapping_add(2 * TOGETHER);
        self.bases = self.bases.wrapping_add(TOGETHER);
        self.lines = self.lines.wrapping_add(TOGETHER);
        self.edges = self.edges.wrapping_add(STEPS * TOGETHER);
    }
}
