//! Reads of the columns of an array for a panel of vector blocks: the inner loops.
//!
//! A block is 32 vectors, one an image, at the same place of the map. Three kernels give the same sums:
//! [`Tiles`] (AMX) multiplies bytes, 64 rows and 32 columns by a block at once; [`Tables`] (AVX-512) looks up the partial
//! voltages of five or six rows for a whole block; [`Cells`] adds the cells of the rows that carry +1, one vector and many
//! columns at a time.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod cells;
mod converters;
mod strip;
mod tables;
mod tiles;

use std::ops::Range;

pub(super) use cells::Cells;
pub(super) use strip::{Bit, STRIP, Strip};
pub(super) use tables::Tables;
pub(super) use tiles::Tiles;

use tables::BLOCKS;

use super::maps::LANES;
use crate::golden::aligned::Aligned;

/// Blocks of a full panel.
pub(super) const PANEL: usize = 32;

/// Codes of one table.
const CODES: usize = 32;

/// Codes of a converter that takes two such searches; one of more is read by comparison alone.
pub(super) const MOST_CODES: usize = CODES * CODES;

/// The instructions that the inner loops use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// AMX for products of bytes, and AVX-512 with 16-bit elements.
    Amx,
    /// AVX-512 with 16-bit elements, one look-up in two tables.
    Avx512Pairs,
    /// AVX-512 with 16-bit elements.
    Avx512,
    /// AVX2.
    Avx2,
    /// Whatever the compiler makes of plain loops.
    Plain,
}

impl InstructionSet {
    /// All sets, the fastest first.
    pub const ALL: [InstructionSet; 5] = [
        InstructionSet::Amx,
        InstructionSet::Avx512Pairs,
        InstructionSet::Avx512,
        InstructionSet::Avx2,
        InstructionSet::Plain,
    ];

    /// Whether this processor has the instructions.
    pub fn available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return match self {
            InstructionSet::Amx => InstructionSet::Avx512.available() && amx::available(),
            InstructionSet::Avx512Pairs | InstructionSet::Avx512 => {
                std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512bw")
            }
            InstructionSet::Avx2 => std::is_x86_feature_detected!("avx2"),
            InstructionSet::Plain => true,
        };
        #[cfg(not(target_arch = "x86_64"))]
        return self == InstructionSet::Plain;
    }

    /// The fastest set of this processor.
    pub fn best() -> InstructionSet {
        let mut sets = InstructionSet::ALL.into_iter();
        let fast = |set: &InstructionSet| *set != InstructionSet::Avx512Pairs || pairs_are_fast();
        sets.find(|set| set.available() && fast(set)).unwrap_or(InstructionSet::Plain)
    }

    /// Rows that one look-up covers (with AMX: of cells that do not fit in its bytes); `None`: the set has no look-up.
    pub fn rows_of_look_up(self) -> Option<usize> {
        match self {
            InstructionSet::Avx512Pairs => Some(6),
            InstructionSet::Amx | InstructionSet::Avx512 => Some(5),
            InstructionSet::Avx2 | InstructionSet::Plain => None,
        }
    }
}

/// Whether a look-up in two tables (VPERMI2W) takes no longer than one in one (VPERMW): so it is on AMD's processors,
/// while Intel's split it.
fn pairs_are_fast() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let vendor = std::arch::x86_64::__cpuid(0);
        [vendor.ebx, vendor.edx, vendor.ecx].map(u32::to_le_bytes).concat() == b"AuthenticAMD"
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        false
    }
}

/// Names the instruction set for reports.
impl std::fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            InstructionSet::Amx => "AMX int8, AVX-512 BW",
            InstructionSet::Avx512Pairs => "AVX-512 BW, pairs of tables",
            InstructionSet::Avx512 => "AVX-512 BW",
            InstructionSet::Avx2 => "AVX2",
            InstructionSet::Plain => "plain",
        })
    }
}

/// One block of vectors.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    /// First word of its window in the maps.
    pub origin: usize,
    /// Class of its window.
    pub class: usize,
    /// Where its sums are.
    pub slot: usize,
}

/// Up to [`PANEL`] blocks that are read together.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    pub maps: &'a [u32],
    pub blocks: &'a [Block],
}

/// Where what the codes stand for goes.
pub(super) struct Sink<'a> {
    /// What a code stands for; a multiple of [`CODES`] long.
    pub values: &'a [i16],
    /// Sums to add to: index `(column - first column) * stride + slot`, then lane. They wrap.
    pub sums: &'a mut [i16],
    pub stride: usize,
    /// Added to the voltages: index `((column - first column) * PANEL + block) * 32 + lane`; empty: nothing is.
    pub noise: &'a [i16],
}

impl Sink<'_> {
    /// Panics unless all reads and writes of `columns` columns and `panel` lie within the slices.
    fn check(&self, columns: usize, panel: &Panel, last_word: usize, classes: usize, edges: usize) {
        for block in panel.blocks {
            assert!(block.origin + last_word < panel.maps.len());
            assert!(block.slot < self.stride && block.class < classes);
        }
        assert!(panel.blocks.len() <= PANEL);
        assert!(self.noise.is_empty() || self.noise.len() == columns * PANEL * LANES);
        assert!(self.sums.len() >= columns * self.stride * LANES);
        assert!(self.values.len() > edges && self.values.len().is_multiple_of(CODES));
    }
}

/// Table lengths that a sink's values are padded to, for a converter of `levels` codes.
pub(super) fn padded_codes(levels: usize) -> usize {
    levels.next_multiple_of(CODES)
}

/// What the blocks of `panel` look up: the bits of every group of rows, one number a vector; index
/// `((block / BLOCKS * groups + group) * BLOCKS + block % BLOCKS) * 32 + lane`. Blocks that only fill up the last
/// [`BLOCKS`] look up whatever is there.
pub(super) fn index(tables: &Tables, panel: Panel, indices: &mut Aligned<u16>) {
    for block in panel.blocks {
        assert!(block.origin + tables.last_word < panel.maps.len());
    }
    let room = room(tables, &panel);
    if indices.len() < room {
        *indices = Aligned::new(room, 0);
    }
    #[cfg(target_arch = "x86_64")]
    {
        assert!(InstructionSet::Avx512.available());
        // SAFETY: the processor has the instructions, and the bounds were asserted above.
        unsafe { avx512::index(tables, &panel, indices) }
    }
}

/// Length of the indices of `panel`.
fn room(tables: &Tables, panel: &Panel) -> usize {
    tables.groups * panel.blocks.len().next_multiple_of(BLOCKS) * LANES
}

/// Reads `columns` of all blocks by look-up; `indices` are theirs, from [`index`].
pub(super) fn look_up(
    tables: &Tables,
    columns: Range<usize>,
    panel: Panel,
    indices: &[u16],
    sink: &mut Sink,
) {
    tables.check(&columns);
    sink.check(columns.len(), &panel, tables.last_word, tables.classes, tables.converters.edge_count);
    assert!(indices.len() >= room(tables, &panel));
    #[cfg(target_arch = "x86_64")]
    {
        assert!(InstructionSet::Avx512.available());
        // SAFETY: the processor has the instructions, and the bounds were asserted above.
        unsafe { avx512::read(tables, columns, &panel, indices, sink) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("only with AVX-512");
}

/// The bits of `panel` as bytes for [`multiply`], a block after the other, each [`Tiles::block_bytes`] long.
pub(super) fn spread(tiles: &Tiles, panel: Panel, bytes: &mut Aligned<u16>) {
    for block in panel.blocks {
        assert!(block.origin + tiles.last_word < panel.maps.len());
    }
    let room = panel.blocks.len() * tiles.block_bytes() / 2;
    if bytes.len() < room {
        *bytes = Aligned::new(room, 0);
    }
    #[cfg(target_arch = "x86_64")]
    {
        assert!(InstructionSet::Avx512.available());
        // SAFETY: the processor has the instructions, and the bounds were asserted above.
        unsafe { amx::spread(tiles, &panel, bytes) }
    }
}

/// Reads `columns` of all blocks by products of bytes; `bytes` are theirs, from [`spread`].
pub(super) fn multiply(tiles: &Tiles, columns: Range<usize>, panel: Panel, bytes: &[u16], sink: &mut Sink) {
    tiles.check(&columns);
    sink.check(columns.len(), &panel, tiles.last_word, tiles.classes, tiles.converters.edge_count);
    assert!(bytes.len() >= panel.blocks.len() * tiles.block_bytes() / 2);
    #[cfg(target_arch = "x86_64")]
    {
        assert!(InstructionSet::Amx.available());
        // SAFETY: the processor has the instructions, and the bounds were asserted above.
        unsafe { amx::read(tiles, columns, &panel, bytes, sink) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    unreachable!("only with AMX");
}

/// Reads `columns` of the first `lanes` vectors of all blocks by adding cells.
pub(super) fn add(
    set: InstructionSet,
    cells: &Cells,
    columns: Range<usize>,
    panel: Panel,
    lanes: usize,
    sink: &mut Sink,
) {
    sink.check(columns.len(), &panel, cells.last_word(), cells.classes(), cells.edge_count());
    assert!(set.available());
    match set {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the instructions.
        InstructionSet::Amx | InstructionSet::Avx512Pairs | InstructionSet::Avx512 => unsafe {
            cells::read_avx512(cells, columns, &panel, lanes, sink)
        },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the processor has the instructions.
        InstructionSet::Avx2 => unsafe { cells::read_avx2(cells, columns, &panel, lanes, sink) },
        _ => cells::read_plain(cells, columns, &panel, lanes, sink),
    }
}

/// Where scores go: one row an image.
pub(super) struct Rows<'a> {
    /// From the first column's place in the first row on.
    pub scores: &'a mut [i32],
    /// From row to row.
    pub stride: usize,
    /// Up to 32.
    pub count: usize,
}

/// Scores of as many columns as there are subtrahends, of up to 32 images: sums shifted to the left, less the column's
/// subtrahend. The columns' sums lie `stride` apart.
pub(super) fn scores(
    set: InstructionSet,
    sums: &[i16],
    stride: usize,
    shift: usize,
    subtrahends: &[i32],
    mut rows: Rows,
) {
    let columns = subtrahends.len();
    assert!((1..=LANES).contains(&rows.count) && columns > 0);
    assert!(sums.len() >= (columns - 1) * stride + LANES);
    assert!(rows.scores.len() >= (rows.count - 1) * rows.stride + columns);
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Amx | InstructionSet::Avx512Pairs | InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::scores(sums, stride, shift, subtrahends, &mut rows) }
        }
        _ => rows.plain(sums, stride, shift, subtrahends),
    }
}

impl Rows<'_> {
    /// See [`scores`].
    pub fn plain<T: Copy + Into<i64>>(
        &mut self,
        sums: &[T],
        stride: usize,
        shift: usize,
        subtrahends: &[i32],
    ) {
        for (lane, scores) in self.scores.chunks_mut(self.stride).take(self.count).enumerate() {
            for ((column, score), subtrahend) in scores.iter_mut().enumerate().zip(subtrahends) {
                let sum: i64 = sums[column * stride + lane].into();
                *score = ((sum << shift) - i64::from(*subtrahend)) as i32;
            }
        }
    }
}

/// Takes `bit` of each of an image's elements: word `image` of every strip.
pub(super) fn take(set: InstructionSet, bit: Bit, elements: &[i16], image: usize, strips: &mut [Strip]) {
    assert!(image < LANES && strips.len() == elements.len().div_ceil(STRIP));
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Amx | InstructionSet::Avx512Pairs | InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the bounds were asserted above.
            unsafe { avx512::take(bit, elements, image, strips) }
        }
        _ => strip::take(bit, elements, image, strips),
    }
}

/// Words of images to words of elements.
pub(super) fn transpose(set: InstructionSet, strip: &Strip) -> Strip {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Amx | InstructionSet::Avx512Pairs | InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions.
            unsafe { avx512::transpose(strip) }
        }
        _ => strip::transpose(strip),
    }
}

/// One bit a lane, one word a block: whether the sum is at or above `threshold`.
pub(super) fn at_least(set: InstructionSet, sums: &[i16], threshold: i16, words: &mut [u32]) {
    assert_eq!(sums.len(), words.len() * LANES);
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Amx | InstructionSet::Avx512Pairs | InstructionSet::Avx512 => {
            assert!(set.available());
            // SAFETY: the processor has the instructions, and the lengths were asserted above.
            unsafe { avx512::at_least(sums, threshold, words) }
        }
        _ => {
            for (word, sums) in words.iter_mut().zip(sums.chunks_exact(LANES)) {
                *word = 0;
                for (lane, &sum) in sums.iter().enumerate() {
                    *word |= u32::from(sum >= threshold) << lane;
                }
            }
        }
    }
}
