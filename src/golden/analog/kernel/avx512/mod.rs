//! The look-up kernel for AVX-512: 32 vectors and five or six rows a look-up, 4 columns and 4 blocks at a time.

mod accumulate;
mod convert;
mod index;
mod rows;

use std::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

use super::tables::{BLOCKS, HALF, MOST_ROWS, TILE, Tables};
use super::{PANEL, Panel, Sink};
use crate::golden::analog::maps::LANES;
use accumulate::{Voltages, accumulate};
use convert::Lines;

pub(super) use convert::convert;
pub(super) use index::index;
pub(super) use rows::{at_least, scores, take, transpose};

/// Groups whose tables are made together: half of an array of 256 rows. They and the indices that stream past them fit in
/// the first-level cache; with twice as many a look-up takes 1.2 cycles instead of one.
const MADE: usize = 22;

/// Lines of the next tables' halves that each quad of blocks asks for: all of them in a full panel.
const AHEAD: usize = (MADE * TILE * 4 * HALF).div_ceil(64 * PANEL / BLOCKS);

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
///
/// # Safety
/// As [`read`]; the tables are of groups of G rows.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn read_of<const G: usize>(
    tables: &Tables,
    columns: Range<usize>,
    panel: &Panel,
    indices: &[u16],
    sink: &mut Sink,
) {
    let mut scratch = MaybeUninit::<Scratch>::uninit();
    let scratch = scratch.as_mut_ptr();
    let quads: [Quad; PANEL / BLOCKS] = std::array::from_fn(|quad| Quad::new(panel, quad * BLOCKS));
    for first in columns.clone().step_by(TILE) {
        let whole = sink.noise.is_empty() && first + TILE <= columns.end;
        // SAFETY: a whole tile's columns are the read's.
        let lines = if whole { unsafe { Lines::new(&tables.converters, first) } } else { None };
        Lines::ask(&tables.converters, first + TILE);
        for start in (0..tables.groups).step_by(MADE) {
            let groups = start..tables.groups.min(start + MADE);
            let next = tables
                .halves
                .as_ptr()
                .wrapping_add((first * tables.groups + groups.end * TILE) * 2 * HALF)
                .cast::<i8>();
            // SAFETY: blocks, columns and slots are those that were asserted; the voltages of earlier groups have been written
            // to `scratch`, and every table of these groups.
            unsafe {
                make::<G>(tables, first, &groups, (&raw mut (*scratch).tables).cast());
                for (at, quad) in quads.iter().enumerate().take(panel.blocks.len().div_ceil(BLOCKS)) {
                    let voltages = (&raw mut (*scratch).voltages).cast::<__m512i>().add(at * BLOCKS);
                    let before = match start {
                        0 => bases(tables, first, quad),
                        _ => load(voltages),
                    };
                    for line in at * AHEAD..(at + 1) * AHEAD {
                        _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line * 64));
                    }
                    let index = indices.as_ptr().add((at * tables.groups + start) * BLOCKS * LANES);
                    let table = (&raw const (*scratch).tables).cast();
                    let after = accumulate::<G>(before, table, index.cast(), groups.len());
                    match &lines {
                        Some(lines) if groups.end == tables.groups => {
                            lines.convert(after, first - columns.start, quad, sink);
                        }
                        _ => store(voltages, after),
                    }
                }
            }
        }
        if lines.is_none() {
            for column in first..columns.end.min(first + TILE) {
                // SAFETY: the column is one of the read's; its voltages have been written for all blocks.
                unsafe {
                    let blocks = 0..panel.blocks.len();
                    let voltages = &mut (&mut (*scratch).voltages)[column - first][blocks.clone()];
                    let at = column - columns.start;
                    convert(&tables.converters, column, at, panel, blocks, voltages, sink);
                }
            }
        }
    }
}

/// Some blocks of a panel that are looked up together; the last ones repeat the panel's last block where there are too few.
struct Quad {
    classes: [usize; BLOCKS],
    /// Where their sums are; a repetition has none.
    slots: [Option<usize>; BLOCKS],
}

impl Quad {
    /// The blocks from `first` on.
    fn new(panel: &Panel, first: usize) -> Quad {
        let last = panel.blocks.len() - 1;
        let blocks: [_; BLOCKS] = std::array::from_fn(|b| &panel.blocks[last.min(first + b)]);
        Quad {
            classes: blocks.map(|block| block.class),
            slots: std::array::from_fn(|b| (first + b <= last).then_some(blocks[b].slot)),
        }
    }
}

/// Voltages of the tile's columns when all bits are 0.
///
/// # Safety
/// Every class of the blocks has a base for every column of the tile.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn bases(tables: &Tables, first: usize, quad: &Quad) -> Voltages {
    let padded = tables.columns.next_multiple_of(TILE);
    let mut voltages = [[_mm512_setzero_si512(); BLOCKS]; TILE];
    for (b, class) in quad.classes.iter().enumerate() {
        // SAFETY: the caller's.
        let bases = unsafe { tables.base.as_ptr().add(class * padded + first) };
        for (column, voltages) in voltages.iter_mut().enumerate() {
            // SAFETY: the caller's.
            voltages[b] = _mm512_set1_epi32(unsafe { *bases.add(column) } as i32);
        }
    }
    voltages
}

/// The voltages of a tile from those of panels; `from` points to those of the first column.
///
/// # Safety
/// They have been written.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn load(from: *const __m512i) -> Voltages {
    let mut voltages = [[_mm512_setzero_si512(); BLOCKS]; TILE];
    for (column, voltages) in voltages.iter_mut().enumerate() {
        for (b, voltage) in voltages.iter_mut().enumerate() {
            // SAFETY: the caller's.
            *voltage = unsafe { _mm512_load_si512(from.add(column * PANEL + b)) };
        }
    }
    voltages
}

/// Writes what [`load`] reads.
///
/// # Safety
/// There is room behind `to`.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn store(to: *mut __m512i, voltages: Voltages) {
    for (column, voltages) in voltages.into_iter().enumerate() {
        for (b, voltage) in voltages.into_iter().enumerate() {
            // SAFETY: the caller's.
            unsafe { _mm512_store_si512(to.add(column * PANEL + b), voltage) };
        }
    }
}

/// Adds up the halves of some groups into tables of the tile from column `first` on.
///
/// # Safety
/// There are halves of all groups, and room for their tables.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn make<const G: usize>(tables: &Tables, first: usize, groups: &Range<usize>, mut to: *mut __m512i) {
    // SAFETY: the caller's; a list of places holds the 64 bytes of a vector.
    unsafe {
        let places = PLACES.map(|places| _mm512_loadu_si512(places.as_ptr().cast()));
        let at = (first * tables.groups + groups.start * TILE) * 2 * HALF;
        let mut halves = tables.halves.as_ptr().add(at).cast::<__m128i>();
        for _ in 0..groups.len() * TILE {
            let low = _mm512_broadcast_i32x4(_mm_load_si128(halves));
            let high = _mm512_castsi128_si512(_mm_load_si128(halves.add(1)));
            halves = halves.add(2);
            _mm512_store_si512(to, _mm512_add_epi16(low, _mm512_permutexvar_epi16(places[0], high)));
            if G == MOST_ROWS {
                let high = _mm512_permutexvar_epi16(places[1], high);
                _mm512_store_si512(to.add(1), _mm512_add_epi16(low, high));
            }
            to = to.add((1 << MOST_ROWS) / LANES);
        }
    }
}

/// Where the entries of a table find the sums of the last three rows: the first and the last 32 entries.
const PLACES: [[i16; LANES]; 2] = {
    let mut places = [[0; LANES]; 2];
    let mut entry = 0;
    while entry < 2 * LANES {
        places[entry / LANES][entry % LANES] = (entry / HALF) as i16;
        entry += 1;
    }
    places
};
