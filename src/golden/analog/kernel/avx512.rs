//! The look-up kernel for AVX-512: 32 vectors and five rows a look-up, 4 columns and 4 blocks at a time.

use std::arch::x86_64::*;
use std::ops::Range;

use super::tables::{ENTRIES, GROUP, GROUPS, STEPS, TILE, Tables};
use super::{CODES, PANEL, Panel, SCORES, STRIP, Sink, Stored, Strip};
use crate::golden::analog::maps::LANES;

/// Blocks that share each load of a table: 16 voltages, 4 indices and a table fill the registers.
const BLOCKS: usize = 4;

/// Tables from one that is read to one that is fetched.
const AHEAD: usize = 16 * TILE;

/// See [`super::look_up`]; `indices` holds [`super::PANEL`] x ceil(groups / 3) x 32 numbers.
///
/// # Safety
/// The processor has the instructions, and [`super::look_up`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn read(
    tables: &Tables,
    columns: Range<usize>,
    panel: &Panel,
    indices: &mut [u16],
    sink: &mut Sink,
) {
    let count = panel.blocks.len();
    // SAFETY: the caller's; blocks, columns and slots are those that were asserted.
    unsafe {
        index(tables, panel, indices);
        for first in columns.clone().step_by(TILE) {
            let mut block = 0;
            while block + BLOCKS <= count {
                tile::<BLOCKS>(tables, &columns, first, panel, block, indices, sink);
                block += BLOCKS;
            }
            while block < count {
                tile::<1>(tables, &columns, first, panel, block, indices, sink);
                block += 1;
            }
        }
    }
}

/// The bits of all rows, three groups to a number, for all vectors of all blocks; index
/// `(block * numbers + number) * 32 + lane`.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn index(tables: &Tables, panel: &Panel, indices: &mut [u16]) {
    let mut out = indices.as_mut_ptr();
    for block in panel.blocks {
        for words in tables.words.chunks(GROUPS * GROUP) {
            let mut index = _mm512_setzero_si512();
            for (bit, &word) in words.iter().enumerate() {
                // SAFETY: origin and largest word were asserted to lie in the maps.
                let lanes = unsafe { *panel.maps.get_unchecked(block.origin + word) };
                index = _mm512_mask_add_epi16(index, lanes, index, _mm512_set1_epi16(1 << bit));
            }
            // SAFETY: `indices` has room for every number of a full panel.
            unsafe {
                _mm512_storeu_si512(out.cast(), index);
                out = out.add(LANES);
            }
        }
    }
}

/// Columns `first .. first + TILE` of B blocks from `block` on. One function from the first load to the last
/// store, so that voltages never leave the registers.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn tile<const B: usize>(
    tables: &Tables,
    columns: &Range<usize>,
    first: usize,
    panel: &Panel,
    block: usize,
    indices: &[u16],
    sink: &mut Sink,
) {
    let padded = tables.columns.next_multiple_of(TILE);
    let blocks = &panel.blocks[block..block + B];
    // SAFETY: every column of the tile has a base and a table a group; every block has an index a group.
    let voltages: [[__m512i; B]; TILE] = unsafe {
        let mut voltages: [[__m512i; B]; TILE] = std::array::from_fn(|column| {
            std::array::from_fn(|b| {
                let at = blocks[b].class * padded + first + column;
                _mm512_set1_epi16(*tables.base.get_unchecked(at))
            })
        });
        let mut table = tables.entries.as_ptr().add(first * tables.groups * ENTRIES).cast::<__m512i>();
        let numbers = tables.groups.div_ceil(GROUPS);
        let mut index = indices.as_ptr().add(block * numbers * LANES).cast::<__m512i>();
        let mut groups = tables.groups;
        while groups > 0 {
            let mut bits: [__m512i; B] = std::array::from_fn(|b| _mm512_loadu_si512(index.add(b * numbers)));
            index = index.add(1);
            for _ in 0..groups.min(GROUPS) {
                for (column, voltages) in voltages.iter_mut().enumerate() {
                    let entries = _mm512_loadu_si512(table.add(column));
                    _mm_prefetch::<_MM_HINT_T0>(table.wrapping_add(AHEAD + column).cast());
                    for (voltage, &bits) in voltages.iter_mut().zip(&bits) {
                        // The look-up heeds the low five bits alone.
                        *voltage = _mm512_add_epi16(*voltage, _mm512_permutexvar_epi16(bits, entries));
                    }
                }
                table = table.add(TILE);
                bits = bits.map(|bits| _mm512_srli_epi16::<{ GROUP as u32 }>(bits));
            }
            groups = groups.saturating_sub(GROUPS);
        }
        voltages
    };
    for (column, mut voltages) in (first..columns.end).zip(voltages) {
        // SAFETY: the column is one of the read's, so it has edges; slots and noise were asserted.
        unsafe {
            if !sink.noise.is_empty() {
                let at = ((column - columns.start) * PANEL + block) * LANES;
                let noise = sink.noise.as_ptr().add(at).cast::<__m512i>();
                for (b, voltage) in voltages.iter_mut().enumerate() {
                    *voltage = _mm512_add_epi16(*voltage, _mm512_loadu_si512(noise.add(b)));
                }
            }
            let values = convert(tables, column, voltages, sink.values);
            for (value, block) in values.into_iter().zip(blocks) {
                let at = (column - columns.start) * sink.slots + block.slot;
                let sum = sink.sums.as_mut_ptr().add(at * LANES).cast::<__m512i>();
                _mm512_storeu_si512(sum, _mm512_add_epi16(_mm512_loadu_si512(sum), value));
            }
        }
    }
}

/// What the codes of `voltages` stand for.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn convert<const B: usize>(
    tables: &Tables,
    column: usize,
    voltages: [__m512i; B],
    values: &[i16],
) -> [__m512i; B] {
    // SAFETY: pivots and edges hold 32 numbers a column, part and step, and values 32 a part.
    unsafe {
        let edges = tables.edges.as_ptr().add(column * tables.parts * STEPS * CODES);
        if tables.parts == 1 {
            let codes = search(edges.cast(), voltages, tables.steps());
            let values = _mm512_loadu_si512(values.as_ptr().cast());
            return codes.map(|code| _mm512_permutexvar_epi16(code, values));
        }
        let pivots = tables.pivots.as_ptr().add(column * STEPS * CODES);
        let mut found = search(pivots.cast(), voltages, STEPS);
        for (part, voltage) in found.iter_mut().zip(voltages) {
            let mut parts = [0u16; LANES];
            _mm512_storeu_si512(parts.as_mut_ptr().cast(), *part);
            let mut value = _mm512_setzero_si512();
            let mut left = u32::MAX;
            // Every part that some lane lies in.
            while left != 0 {
                let here = parts[left.trailing_zeros() as usize];
                let same = _mm512_cmpeq_epi16_mask(*part, _mm512_set1_epi16(here as i16));
                let inside = edges.add(usize::from(here) * STEPS * CODES);
                let [code] = search(inside.cast(), [voltage], STEPS);
                let table = _mm512_loadu_si512(values.as_ptr().add(usize::from(here) * CODES).cast());
                value = _mm512_mask_permutexvar_epi16(value, same, code, table);
                left &= !same;
            }
            *part = value;
        }
        found
    }
}

/// Number of edges at or below each voltage, at most `2^steps - 1`. `edges`: a vector a step; number c of vector
/// s is edge `c + 2^s - 1`, which decides whether a code of at least c grows by `2^s`.
///
/// # Safety
/// `edges` points to `steps` vectors.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn search<const B: usize>(
    edges: *const __m512i,
    voltages: [__m512i; B],
    steps: usize,
) -> [__m512i; B] {
    let mut codes = [_mm512_setzero_si512(); B];
    for step in (0..steps).rev() {
        let stride = _mm512_set1_epi16(1 << step);
        // SAFETY: the caller's.
        let edges = unsafe { _mm512_loadu_si512(edges.add(step)) };
        for (code, &voltage) in codes.iter_mut().zip(&voltages) {
            let reached = _mm512_cmpge_epi16_mask(voltage, _mm512_permutexvar_epi16(*code, edges));
            *code = _mm512_mask_add_epi16(*code, reached, *code, stride);
        }
    }
    codes
}

/// See [`super::at_least`].
///
/// # Safety
/// The processor has the instructions, and there are 32 sums a word.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn at_least(sums: &[i16], threshold: i16, words: &mut [u32]) {
    let threshold = _mm512_set1_epi16(threshold);
    for (index, word) in words.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let sums = unsafe { _mm512_loadu_si512(sums.as_ptr().add(index * LANES).cast()) };
        *word = _mm512_cmpge_epi16_mask(sums, threshold);
    }
}

/// See [`super::scores`]: eight columns of 32 sums become 32 rows of eight, in three rounds of interleaving.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn scores(
    columns: &[&[i16; LANES]; SCORES],
    shift: usize,
    subtrahends: &[i64; SCORES],
    scores: &mut [[i64; SCORES]; LANES],
) {
    // SAFETY: a column holds the 64 bytes of a vector, and so do the subtrahends and a row of scores.
    unsafe {
        let c = columns.map(|column| _mm512_loadu_si512(column.as_ptr().cast()));
        let subtrahends = _mm512_loadu_si512(subtrahends.as_ptr().cast());
        let shift = _mm_cvtsi64_si128(shift as i64);
        // Pairs, fours and eights of columns; every 128 bits for themselves.
        let low: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpacklo_epi16(c[2 * i], c[2 * i + 1]));
        let high: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpackhi_epi16(c[2 * i], c[2 * i + 1]));
        for (half, pairs) in [low, high].into_iter().enumerate() {
            let fours = [
                [_mm512_unpacklo_epi32(pairs[0], pairs[1]), _mm512_unpacklo_epi32(pairs[2], pairs[3])],
                [_mm512_unpackhi_epi32(pairs[0], pairs[1]), _mm512_unpackhi_epi32(pairs[2], pairs[3])],
            ];
            for (quarter, [left, right]) in fours.into_iter().enumerate() {
                let eights = [_mm512_unpacklo_epi64(left, right), _mm512_unpackhi_epi64(left, right)];
                for (odd, rows) in eights.into_iter().enumerate() {
                    let lane = 4 * half + 2 * quarter + odd;
                    let quarters = [
                        _mm512_extracti32x4_epi32::<0>(rows),
                        _mm512_extracti32x4_epi32::<1>(rows),
                        _mm512_extracti32x4_epi32::<2>(rows),
                        _mm512_extracti32x4_epi32::<3>(rows),
                    ];
                    for (group, row) in quarters.into_iter().enumerate() {
                        let wide = _mm512_sll_epi64(_mm512_cvtepi16_epi64(row), shift);
                        let to = scores[8 * group + lane].as_mut_ptr();
                        _mm512_storeu_si512(to.cast(), _mm512_sub_epi64(wide, subtrahends));
                    }
                }
            }
        }
    }
}

/// See [`super::transpose`].
///
/// # Safety
/// The processor has the instructions, and [`super::transpose`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn transpose(strip: &Strip) -> [u32; STRIP] {
    let length = STRIP.min(strip.elements - strip.first);
    let inside = u32::MAX >> (STRIP - length);
    let mut rows = [0u32; LANES];
    for (image, row) in rows[..strip.count].iter_mut().enumerate() {
        // SAFETY: the strip's images lie in the slice, and lanes outside the image are not read.
        let values = unsafe {
            let from = strip.images.as_ptr().add(image * strip.elements + strip.first);
            _mm512_maskz_loadu_epi16(inside, from)
        };
        *row = match strip.rule {
            Stored::Sign => _mm512_cmpgt_epi16_mask(values, _mm512_setzero_si512()),
            Stored::Distance { lowest } => {
                let stored = _mm512_sub_epi16(values, _mm512_set1_epi16(lowest));
                _mm512_test_epi16_mask(stored, _mm512_set1_epi16(1 << strip.plane))
            }
        };
    }
    // SAFETY: `rows` holds two vectors.
    let (low, high) = unsafe {
        (_mm512_loadu_si512(rows.as_ptr().cast()), _mm512_loadu_si512(rows.as_ptr().add(16).cast()))
    };
    let mut words = [0; STRIP];
    let mut bit = _mm512_set1_epi32(1);
    for word in &mut words {
        *word = _mm512_kunpackw(
            u32::from(_mm512_test_epi32_mask(high, bit)),
            u32::from(_mm512_test_epi32_mask(low, bit)),
        );
        bit = _mm512_add_epi32(bit, bit);
    }
    words
}
