//! From voltages to codes, and what they stand for.

use std::arch::asm;
use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::super::converters::{Converters, STEPS};
use super::super::tables::{BLOCKS, TILE};
use super::super::{CODES, PANEL, Panel, Sink};
use super::Quad;
use super::accumulate::Voltages;
use crate::golden::analog::maps::LANES;

/// What every column of a tile guesses its codes by, see [`Guess`](super::super::converters::Guess).
pub(super) struct Lines([Line; TILE]);

/// One column's, in every lane, and the edges that correct it.
#[repr(C, align(64))]
struct Line {
    edges: __m512i,
    offset: __m512i,
    factor: __m512i,
    most: __m512i,
}

impl Lines {
    /// Those of the columns from `first` on; `None` unless all of them have one.
    ///
    /// # Safety
    /// They are columns of the read.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub unsafe fn new(converters: &Converters, first: usize) -> Option<Lines> {
        let mut lines = [const { None }; TILE];
        for (line, column) in lines.iter_mut().zip(first..) {
            let guess = converters.guesses[column].as_ref()?;
            // SAFETY: edges are the numbers of STEPS vectors a column where there is one part.
            let edges =
                unsafe { _mm512_loadu_si512(converters.edges.as_ptr().add(column * STEPS * CODES).cast()) };
            *line = Some(Line {
                edges,
                offset: _mm512_set1_epi16(guess.offset as i16),
                factor: _mm512_set1_epi16(guess.factor as i16),
                most: _mm512_set1_epi16(guess.most as i16),
            });
        }
        Some(Lines(lines.map(|line| line.expect("one of each column"))))
    }

    /// Asks for the memory that [`Lines::new`] reads, wherever it is.
    #[inline]
    pub fn ask(converters: &Converters, first: usize) {
        for column in first..first + TILE {
            let edges = converters.edges.as_ptr().wrapping_add(column * STEPS * CODES);
            // SAFETY: asking for memory does not read it.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(edges.cast()) };
        }
    }

    /// Adds what the codes of the voltages stand for; the tile starts `at` columns behind the first of the sink.
    ///
    /// # Safety
    /// Its columns are the sink's, and every block has a slot.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    pub unsafe fn convert(&self, voltages: Voltages, at: usize, quad: &Quad, sink: &mut Sink) {
        let mut nowhere = MaybeUninit::<__m512i>::uninit();
        let nowhere = nowhere.as_mut_ptr();
        // SAFETY: the caller's; values are those of one part.
        unsafe {
            let values = _mm512_loadu_si512(sink.values.as_ptr().cast());
            let first = sink.sums.as_mut_ptr().add(at * sink.stride * LANES).cast::<__m512i>();
            let sums = |column: usize| {
                quad.slots.map(|slot| slot.map_or(nowhere, |slot| first.add(column * sink.stride + slot)))
            };
            // Written out, so that voltages stay in registers.
            self.0[0].convert(voltages[0], values, sums(0));
            self.0[1].convert(voltages[1], values, sums(1));
            self.0[2].convert(voltages[2], values, sums(2));
            self.0[3].convert(voltages[3], values, sums(3));
        }
    }
}

impl Line {
    /// Adds what the codes of a column's voltages stand for to `sums`, one block after the other: some may have the same.
    ///
    /// Assembly for the same reason as the [inner loop](super::accumulate), and because the compiler makes ten instructions
    /// of VPMULHUW and two of the masked addition.
    ///
    /// # Safety
    /// There are 32 sums behind each pointer.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    unsafe fn convert(&self, voltages: [__m512i; BLOCKS], values: __m512i, sums: [*mut __m512i; BLOCKS]) {
        // SAFETY: the caller's.
        unsafe {
            asm!(
                "vmovdqa64 zmm24, [{line} + 64]",
                "vmovdqa64 zmm25, [{line} + 128]",
                "vmovdqa64 zmm26, [{line} + 192]",
                "vmovdqa64 zmm27, [{line}]",
                // How far above the line's start.
                "vpsubusw zmm16, {v0}, zmm24",
                "vpsubusw zmm17, {v1}, zmm24",
                "vpsubusw zmm18, {v2}, zmm24",
                "vpsubusw zmm19, {v3}, zmm24",
                // The guess.
                "vpmulhuw zmm16, zmm16, zmm25",
                "vpmulhuw zmm17, zmm17, zmm25",
                "vpmulhuw zmm18, zmm18, zmm25",
                "vpmulhuw zmm19, zmm19, zmm25",
                "vpminuw zmm16, zmm16, zmm26",
                "vpminuw zmm17, zmm17, zmm26",
                "vpminuw zmm18, zmm18, zmm26",
                "vpminuw zmm19, zmm19, zmm26",
                // One more where the voltage reaches the edge that follows.
                "vpermw zmm20, zmm16, zmm27",
                "vpermw zmm21, zmm17, zmm27",
                "vpermw zmm22, zmm18, zmm27",
                "vpermw zmm23, zmm19, zmm27",
                "vpcmpnltuw k1, {v0}, zmm20",
                "vpcmpnltuw k2, {v1}, zmm21",
                "vpcmpnltuw k3, {v2}, zmm22",
                "vpcmpnltuw k4, {v3}, zmm23",
                "vpaddw zmm16 {{k1}}, zmm16, {ones}",
                "vpaddw zmm17 {{k2}}, zmm17, {ones}",
                "vpaddw zmm18 {{k3}}, zmm18, {ones}",
                "vpaddw zmm19 {{k4}}, zmm19, {ones}",
                // What the codes stand for.
                "vpermw zmm16, zmm16, {values}",
                "vpermw zmm17, zmm17, {values}",
                "vpermw zmm18, zmm18, {values}",
                "vpermw zmm19, zmm19, {values}",
                "vpaddw zmm16, zmm16, [{s0}]",
                "vmovdqu64 [{s0}], zmm16",
                "vpaddw zmm17, zmm17, [{s1}]",
                "vmovdqu64 [{s1}], zmm17",
                "vpaddw zmm18, zmm18, [{s2}]",
                "vmovdqu64 [{s2}], zmm18",
                "vpaddw zmm19, zmm19, [{s3}]",
                "vmovdqu64 [{s3}], zmm19",
                line = in(reg) self,
                v0 = in(zmm_reg) voltages[0],
                v1 = in(zmm_reg) voltages[1],
                v2 = in(zmm_reg) voltages[2],
                v3 = in(zmm_reg) voltages[3],
                ones = in(zmm_reg) _mm512_set1_epi16(1),
                values = in(zmm_reg) values,
                s0 = in(reg) sums[0],
                s1 = in(reg) sums[1],
                s2 = in(reg) sums[2],
                s3 = in(reg) sums[3],
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
                out("k2") _,
                out("k3") _,
                out("k4") _,
                options(nostack, preserves_flags),
            );
        }
    }
}

/// Adds what the codes of the voltages of a column and some `blocks` of the panel stand for, `at` columns behind the first of
/// the sink. One function from load
/// to store, so that vectors are not passed in memory.
///
/// # Safety
/// The column is one of the read's; blocks, slots and noise have been asserted.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn convert(
    converters: &Converters,
    column: usize,
    at: usize,
    panel: &Panel,
    blocks: Range<usize>,
    voltages: &mut [[i16; LANES]],
    sink: &mut Sink,
) {
    // SAFETY: pivots and edges hold 32 numbers a column, part and step, and values 32 a part; every block has a slot.
    unsafe {
        if !sink.noise.is_empty() {
            let noise = sink.noise[(at * PANEL + blocks.start) * LANES..].as_chunks::<LANES>().0;
            for (voltages, noise) in voltages.iter_mut().zip(noise) {
                let noise = _mm512_loadu_si512(noise.as_ptr().cast());
                let voltage = _mm512_add_epi16(_mm512_loadu_si512(voltages.as_ptr().cast()), noise);
                _mm512_storeu_si512(voltages.as_mut_ptr().cast(), voltage);
            }
        }
        let sums = sink.sums.as_mut_ptr().add(at * sink.stride * LANES).cast::<__m512i>();
        let edges =
            converters.edges.as_ptr().add(column * converters.parts * STEPS * CODES).cast::<__m512i>();
        let values = sink.values.as_ptr().cast::<__m512i>();
        let first_values = _mm512_loadu_si512(values);
        let pivots = converters.pivots.as_ptr().add(column * STEPS * CODES).cast::<__m512i>();
        let steps = converters.steps();
        for (block, voltages) in panel.blocks[blocks].iter().zip(voltages) {
            let voltage = _mm512_loadu_si512(voltages.as_ptr().cast());
            let value = match converters.parts {
                1 => _mm512_permutexvar_epi16(search(edges, voltage, steps), first_values),
                _ => in_parts(pivots, edges, voltage, values),
            };
            let sum = sums.add(block.slot);
            _mm512_storeu_si512(sum, _mm512_add_epi16(_mm512_loadu_si512(sum), value));
        }
    }
}

/// What the codes of a converter of several parts stand for.
///
/// # Safety
/// `pivots` points to [`STEPS`] vectors, `edges` to as many for every part, `values` to one for every part.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn in_parts(
    pivots: *const __m512i,
    edges: *const __m512i,
    voltage: __m512i,
    values: *const __m512i,
) -> __m512i {
    // SAFETY: the caller's; no search finds more parts than there are.
    unsafe {
        let part = search(pivots, voltage, STEPS);
        let mut parts = [0u16; LANES];
        _mm512_storeu_si512(parts.as_mut_ptr().cast(), part);
        let mut value = _mm512_setzero_si512();
        let mut left = u32::MAX;
        // Every part that some lane lies in.
        while left != 0 {
            let here = usize::from(parts[left.trailing_zeros() as usize]);
            let same = _mm512_cmpeq_epi16_mask(part, _mm512_set1_epi16(here as i16));
            let code = search(edges.add(here * STEPS), voltage, STEPS);
            let table = _mm512_loadu_si512(values.add(here));
            value = _mm512_mask_permutexvar_epi16(value, same, code, table);
            left &= !same;
        }
        value
    }
}

/// Number of edges at or below each voltage, at most `2^steps - 1`. `edges`: a vector a step; number c of vector
/// s is edge `c + 2^s - 1`, which decides whether a code of at least c grows by `2^s`.
///
/// # Safety
/// `edges` points to `steps` vectors.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn search(edges: *const __m512i, voltage: __m512i, steps: usize) -> __m512i {
    let mut code = _mm512_setzero_si512();
    for step in (0..steps).rev() {
        // SAFETY: the caller's.
        let edges = unsafe { _mm512_loadu_si512(edges.add(step)) };
        let reached = _mm512_cmpge_epu16_mask(voltage, _mm512_permutexvar_epi16(code, edges));
        code = _mm512_mask_add_epi16(code, reached, code, _mm512_set1_epi16(1 << step));
    }
    code
}
