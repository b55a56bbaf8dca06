//! The look-up kernel for AVX-512: 32 vectors and five or six rows a look-up, 4 columns and 4 blocks at a time.

use std::arch::x86_64::*;
use std::ops::Range;

use super::tables::{HALF, MOST_ROWS, STEPS, TILE, Tables};
use super::{CODES, PANEL, Panel, Rows, SCORES, STRIP, Sink, Stored, Strip};
use crate::golden::analog::maps::LANES;

/// Blocks that share each load of a table: 16 voltages, 4 indices and a table fill the registers.
const BLOCKS: usize = 4;

/// Groups whose tables are made together: they fit in the first-level cache.
const MADE: usize = 44;

/// Tables of some groups and the columns of a tile, and the voltages of a panel so far.
#[repr(align(64))]
struct Scratch {
    tables: [[[i16; 1 << MOST_ROWS]; TILE]; MADE],
    voltages: [[[i16; LANES]; PANEL]; TILE],
}

/// See [`super::look_up`].
///
/// # Safety
/// The processor has the instructions, and [`super::look_up`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn read(
    tables: &Tables,
    columns: Range<usize>,
    panel: &Panel,
    indices: &[u16],
    sink: &mut Sink,
) {
    // SAFETY: the caller's.
    unsafe {
        match tables.group {
            MOST_ROWS => read_of::<MOST_ROWS>(tables, columns, panel, indices, sink),
            _ => read_of::<5>(tables, columns, panel, indices, sink),
        }
    }
}

/// [`read`] of groups of G rows.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn read_of<const G: usize>(
    tables: &Tables,
    columns: Range<usize>,
    panel: &Panel,
    indices: &[u16],
    sink: &mut Sink,
) {
    let count = panel.blocks.len();
    let mut scratch =
        Scratch { tables: [[[0; 1 << MOST_ROWS]; TILE]; MADE], voltages: [[[0; LANES]; PANEL]; TILE] };
    for first in columns.clone().step_by(TILE) {
        let mut tile = Tile { tables, first, panel, groups: 0..0, indices };
        for made in (0..tables.groups).step_by(MADE) {
            tile.groups = made..tables.groups.min(made + MADE);
            let mut block = 0;
            // SAFETY: blocks, columns and slots are those that were asserted.
            unsafe {
                make::<G>(&tile, &mut scratch);
                while block + BLOCKS <= count {
                    add::<BLOCKS, G>(&tile, block, &mut scratch);
                    block += BLOCKS;
                }
                while block < count {
                    add::<1, G>(&tile, block, &mut scratch);
                    block += 1;
                }
            }
        }
        for (column, voltages) in (first..columns.end).zip(&mut scratch.voltages) {
            // SAFETY: the column is one of the read's; blocks, slots and noise are those that were asserted.
            unsafe { convert(tables, column, column - columns.start, panel, voltages, sink) };
        }
    }
}

/// Where the entries of a table find their halves in those of two columns: of each column, the first three rows of all
/// entries, and the others of the first and of the last 32 entries.
const PLACES: [[[i16; LANES]; 3]; 2] = {
    let mut places = [[[0; LANES]; 3]; 2];
    let mut at = 0;
    while at < 2 * LANES {
        let (column, entry) = (at / LANES, at % LANES);
        let start = column * 2 * HALF;
        places[column][0][entry] = (start + entry % HALF) as i16;
        places[column][1][entry] = (start + HALF + entry / HALF) as i16;
        places[column][2][entry] = (start + HALF + (entry + LANES) / HALF) as i16;
        at += 1;
    }
    places
};

/// Some columns of a read.
struct Tile<'a> {
    tables: &'a Tables,
    /// First of [`TILE`] columns.
    first: usize,
    panel: &'a Panel<'a>,
    /// Those whose tables are made.
    groups: Range<usize>,
    indices: &'a [u16],
}

/// See [`super::index`].
///
/// # Safety
/// The processor has the instructions, and [`super::index`] has asserted the bounds.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn index(tables: &Tables, panel: &Panel, indices: &mut [u16]) {
    let mut out = indices.as_mut_ptr();
    for block in panel.blocks {
        for words in tables.words.chunks_exact(tables.group) {
            let mut index = _mm512_setzero_si512();
            for (bit, &word) in words.iter().enumerate() {
                // SAFETY: origin and largest word were asserted to lie in the maps.
                let lanes = unsafe { *panel.maps.get_unchecked(block.origin + word) };
                index = _mm512_mask_add_epi16(index, lanes, index, _mm512_set1_epi16(1 << bit));
            }
            // SAFETY: `indices` has room for every group of every block.
            unsafe {
                _mm512_storeu_si512(out.cast(), index);
                out = out.add(LANES);
            }
        }
    }
}

/// What the G bits of each lane find in a table of 2^G entries.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn found<const G: usize>(bits: __m512i, table: [__m512i; 2]) -> __m512i {
    match G {
        MOST_ROWS => _mm512_permutex2var_epi16(table[0], bits, table[1]),
        _ => _mm512_permutexvar_epi16(bits, table[0]),
    }
}

/// Adds up the halves of the tile's groups into tables. The halves of two columns make one vector.
///
/// # Safety
/// There are halves of all groups.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn make<const G: usize>(tile: &Tile, scratch: &mut Scratch) {
    let of_column = PLACES.map(|places| {
        // SAFETY: a list of places holds the 64 bytes of a vector.
        places.map(|places| unsafe { _mm512_loadu_si512(places.as_ptr().cast()) })
    });
    let (tables, groups) = (tile.tables, &tile.groups);
    // SAFETY: the caller's; `scratch` has room for the tables of all groups of the tile.
    unsafe {
        let at = (tile.first * tables.groups + groups.start * TILE) * 2 * HALF;
        let mut halves = tables.halves.as_ptr().add(at).cast::<__m512i>();
        let mut to = scratch.tables.as_mut_ptr().cast::<__m512i>();
        for _ in 0..groups.len() * TILE / 2 {
            let pair = _mm512_loadu_si512(halves);
            halves = halves.add(1);
            for [low, high, higher] in of_column {
                let low = _mm512_permutexvar_epi16(low, pair);
                _mm512_storeu_si512(to, _mm512_add_epi16(low, _mm512_permutexvar_epi16(high, pair)));
                if G == MOST_ROWS {
                    let high = _mm512_permutexvar_epi16(higher, pair);
                    _mm512_storeu_si512(to.add(1), _mm512_add_epi16(low, high));
                }
                to = to.add((1 << MOST_ROWS) / LANES);
            }
        }
    }
}

/// Adds the tile's groups to the voltages of B blocks from `block` on.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn add<const B: usize, const G: usize>(tile: &Tile, block: usize, scratch: &mut Scratch) {
    let Tile { tables, first, panel, groups, indices } = tile;
    let padded = tables.columns.next_multiple_of(TILE);
    let blocks = &panel.blocks[block..block + B];
    // Plain loops: a closure would be called with vectors in memory.
    let mut voltages = [[_mm512_setzero_si512(); B]; TILE];
    // SAFETY: every column of the tile has a base and a table a group; every block has an index a group; `scratch` holds
    // the voltages of every column and block.
    unsafe {
        for (column, voltages) in voltages.iter_mut().enumerate() {
            for (b, voltage) in voltages.iter_mut().enumerate() {
                *voltage = match groups.start {
                    0 => {
                        let at = blocks[b].class * padded + first + column;
                        _mm512_set1_epi16(*tables.base.get_unchecked(at) as i16)
                    }
                    _ => _mm512_loadu_si512(scratch.voltages[column].as_ptr().add(block + b).cast()),
                };
            }
        }
        let mut table = scratch.tables.as_ptr().cast::<__m512i>();
        let at = (block * tables.groups + groups.start) * LANES;
        let mut index = indices.as_ptr().add(at).cast::<__m512i>();
        // The next tile's halves, a line a group, while the first blocks are added.
        let at = ((first + TILE) * tables.groups + groups.start * TILE) * 2 * HALF;
        let mut ahead = tables
            .halves
            .as_ptr()
            .wrapping_add(at)
            .cast::<__m512i>()
            .wrapping_add(block / BLOCKS * groups.len());
        for _ in groups.clone() {
            if block < TILE / 2 * BLOCKS {
                _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
                ahead = ahead.wrapping_add(1);
            }
            let mut bits = [_mm512_setzero_si512(); B];
            for (b, bits) in bits.iter_mut().enumerate() {
                *bits = _mm512_loadu_si512(index.add(b * tables.groups));
            }
            index = index.add(1);
            for voltages in &mut voltages {
                let entries = [_mm512_loadu_si512(table), _mm512_loadu_si512(table.add(1))];
                table = table.add((1 << MOST_ROWS) / LANES);
                for (voltage, &bits) in voltages.iter_mut().zip(&bits) {
                    *voltage = _mm512_add_epi16(*voltage, found::<G>(bits, entries));
                }
            }
        }
    }
    for (to, voltages) in scratch.voltages.iter_mut().zip(voltages) {
        for (to, voltage) in to[block..block + B].iter_mut().zip(voltages) {
            // SAFETY: the 64 bytes of a vector.
            unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), voltage) };
        }
    }
}

/// Adds what the codes of a column's voltages stand for, `at` columns behind the first of the sink. One function from load
/// to store, so that vectors are not passed in memory.
///
/// # Safety
/// The column is one of the read's; blocks, slots and noise have been asserted.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn convert(
    tables: &Tables,
    column: usize,
    at: usize,
    panel: &Panel,
    voltages: &mut [[i16; LANES]; PANEL],
    sink: &mut Sink,
) {
    // SAFETY: pivots and edges hold 32 numbers a column, part and step, and values 32 a part; every block has a slot.
    unsafe {
        if !sink.noise.is_empty() {
            let noise = sink.noise[at * PANEL * LANES..].as_chunks::<LANES>().0;
            for (voltages, noise) in voltages.iter_mut().zip(noise).take(panel.blocks.len()) {
                let noise = _mm512_loadu_si512(noise.as_ptr().cast());
                let voltage = _mm512_add_epi16(_mm512_loadu_si512(voltages.as_ptr().cast()), noise);
                _mm512_storeu_si512(voltages.as_mut_ptr().cast(), voltage);
            }
        }
        let sums = sink.sums.as_mut_ptr().add(at * sink.slots * LANES).cast::<__m512i>();
        let edges = tables.edges.as_ptr().add(column * tables.parts * STEPS * CODES).cast::<__m512i>();
        let values = sink.values.as_ptr().cast::<__m512i>();
        let first_values = _mm512_loadu_si512(values);
        let pivots = tables.pivots.as_ptr().add(column * STEPS * CODES).cast::<__m512i>();
        let steps = tables.steps();
        let line = tables.guesses[column].as_ref().map(|guess| Line {
            edges: _mm512_loadu_si512(edges),
            offset: _mm512_set1_epi16(guess.offset as i16),
            factor: _mm512_set1_epi16(guess.factor as i16),
            most: _mm512_set1_epi16(guess.most as i16),
        });
        let blocks = panel.blocks.iter().zip(voltages);
        // A loop of its own for what is nearly always the case.
        if let Some(line) = &line {
            for (block, voltages) in blocks {
                let code = line.code(_mm512_loadu_si512(voltages.as_ptr().cast()));
                let value = _mm512_permutexvar_epi16(code, first_values);
                let sum = sums.add(block.slot);
                _mm512_storeu_si512(sum, _mm512_add_epi16(_mm512_loadu_si512(sum), value));
            }
            return;
        }
        for (block, voltages) in blocks {
            let voltage = _mm512_loadu_si512(voltages.as_ptr().cast());
            let value = match tables.parts {
                1 => _mm512_permutexvar_epi16(search(edges, voltage, steps), first_values),
                _ => in_parts(pivots, edges, voltage, values),
            };
            let sum = sums.add(block.slot);
            _mm512_storeu_si512(sum, _mm512_add_epi16(_mm512_loadu_si512(sum), value));
        }
    }
}

/// A [`Guess`] and the edges that correct it, in every lane.
struct Line {
    edges: __m512i,
    offset: __m512i,
    factor: __m512i,
    most: __m512i,
}

impl Line {
    /// Number of edges at or below each voltage.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn code(&self, voltage: __m512i) -> __m512i {
        let above = _mm512_subs_epu16(voltage, self.offset);
        let guessed = _mm512_min_epu16(_mm512_mulhi_epu16(above, self.factor), self.most);
        let reached = _mm512_cmpge_epu16_mask(voltage, _mm512_permutexvar_epi16(guessed, self.edges));
        _mm512_mask_add_epi16(guessed, reached, guessed, _mm512_set1_epi16(1))
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

/// See [`super::scores`]: sixteen columns of 32 sums become 32 rows of sixteen, in three rounds of interleaving within
/// every 128 bits, which leave eight columns of a row together, and a fourth that joins both halves of the row.
///
/// # Safety
/// The processor has the instructions.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn scores(
    columns: &[&[i16; LANES]; SCORES],
    shift: usize,
    subtrahends: &[i32; SCORES],
    scores: &mut Rows,
) {
    // SAFETY: a column holds the 64 bytes of a vector, and so do the subtrahends; the rows of scores have been asserted.
    unsafe {
        let subtrahends = _mm512_loadu_si512(subtrahends.as_ptr().cast());
        let shift = _mm_cvtsi64_si128(shift as i64);
        // Number i: in every 128 bits g, eight columns of row 8 g + i.
        let eight = |columns: &[&[i16; LANES]]| -> [__m512i; 8] {
            let c: [__m512i; 8] =
                std::array::from_fn(|column| _mm512_loadu_si512(columns[column].as_ptr().cast()));
            let low: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpacklo_epi16(c[2 * i], c[2 * i + 1]));
            let high: [__m512i; 4] = std::array::from_fn(|i| _mm512_unpackhi_epi16(c[2 * i], c[2 * i + 1]));
            let fours = [low, high].map(|pairs| {
                [
                    [_mm512_unpacklo_epi32(pairs[0], pairs[1]), _mm512_unpacklo_epi32(pairs[2], pairs[3])],
                    [_mm512_unpackhi_epi32(pairs[0], pairs[1]), _mm512_unpackhi_epi32(pairs[2], pairs[3])],
                ]
            });
            std::array::from_fn(|i| {
                let [left, right] = fours[i / 4][i / 2 % 2];
                if i % 2 == 0 {
                    _mm512_unpacklo_epi64(left, right)
                } else {
                    _mm512_unpackhi_epi64(left, right)
                }
            })
        };
        let (left, right) = (eight(&columns[..SCORES / 2]), eight(&columns[SCORES / 2..]));
        let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
        let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
        for (i, (left, right)) in left.into_iter().zip(right).enumerate() {
            for (half, places) in [first, second].into_iter().enumerate() {
                let rows = _mm512_permutex2var_epi64(left, places, right);
                let rows = [_mm512_castsi512_si256(rows), _mm512_extracti64x4_epi64::<1>(rows)];
                for (odd, row) in rows.into_iter().enumerate() {
                    let lane = 8 * (2 * half + odd) + i;
                    if lane < scores.count {
                        let wide = _mm512_sll_epi32(_mm512_cvtepi16_epi32(row), shift);
                        let to = scores.scores.as_mut_ptr().add(lane * scores.stride);
                        _mm512_storeu_si512(to.cast(), _mm512_sub_epi32(wide, subtrahends));
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
