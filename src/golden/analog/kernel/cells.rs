//! The column kernel: adds the cells of the rows that carry +1, one vector and a chunk of columns at a time.
//!
//! One source serves three builds; the compiler makes vectors of it. Voltages of 16 bits where all fit,
//! otherwise of 32.

use std::ops::Range;

use super::{PANEL, Panel, Sink};
use crate::golden::analog::load::LoadedRead;
use crate::golden::analog::maps::LANES;

/// Columns of a chunk.
const WIDTH: usize = 64;

/// Rows that are added between a load and a store of the voltages.
const ROWS: usize = 8;

/// Most edges that are compared one after the other; longer lists are searched.
const COMPARED: usize = 63;

/// One read's cells.
#[derive(Debug)]
pub(in crate::golden::analog) enum Cells {
    Narrow(CellsOf<i16>),
    Wide(CellsOf<i32>),
}

#[derive(Debug)]
pub(in crate::golden::analog) struct CellsOf<T> {
    words: Vec<usize>,
    last_word: usize,
    classes: usize,
    edge_count: usize,
    /// What a row adds when its bit turns from 0 to 1; one row of zeros at the end. Index
    /// `(column / WIDTH * (rows + 1) + row) * WIDTH + column % WIDTH`.
    differences: Vec<T>,
    /// Voltage when all bits are 0; index `(column / WIDTH * classes + class) * WIDTH + column % WIDTH`.
    base: Vec<T>,
    /// Few edges: index `(column / WIDTH * edges + edge) * WIDTH + column % WIDTH`; else `column * edges + edge`.
    edges: Vec<T>,
}

/// A column voltage.
pub(in crate::golden::analog) trait Voltage: Copy + Ord + Default {
    /// The voltage `value`; wraps.
    fn wrapped(value: i32) -> Self;
    /// The edge `value`; one outside the range compares like the end of the range.
    fn edge(value: i32) -> Self;
    /// Sum; wraps.
    fn plus(self, other: Self) -> Self;
}

impl Voltage for i16 {
    fn wrapped(value: i32) -> i16 {
        value as i16
    }

    fn edge(value: i32) -> i16 {
        // No narrow voltage reaches `i16::MAX`, and every one reaches `i16::MIN`.
        value.clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16
    }

    #[inline(always)]
    fn plus(self, other: i16) -> i16 {
        self.wrapping_add(other)
    }
}

impl Voltage for i32 {
    fn wrapped(value: i32) -> i32 {
        value
    }

    fn edge(value: i32) -> i32 {
        value
    }

    #[inline(always)]
    fn plus(self, other: i32) -> i32 {
        self.wrapping_add(other)
    }
}

impl Cells {
    pub fn new(read: &LoadedRead) -> Cells {
        match read.narrow {
            true => Cells::Narrow(CellsOf::new(read)),
            false => Cells::Wide(CellsOf::new(read)),
        }
    }

    /// Largest word that a row reads, counted from the window's origin.
    pub fn last_word(&self) -> usize {
        match self {
            Cells::Narrow(cells) => cells.last_word,
            Cells::Wide(cells) => cells.last_word,
        }
    }

    pub fn classes(&self) -> usize {
        match self {
            Cells::Narrow(cells) => cells.classes,
            Cells::Wide(cells) => cells.classes,
        }
    }

    pub fn edge_count(&self) -> usize {
        match self {
            Cells::Narrow(cells) => cells.edge_count,
            Cells::Wide(cells) => cells.edge_count,
        }
    }
}

impl<T: Voltage> CellsOf<T> {
    fn new(read: &LoadedRead) -> CellsOf<T> {
        let (columns, rows) = (read.column_count(), read.read.words.len());
        let (classes, edge_count) = (read.class_count(), read.edge_count());
        let chunks = columns.div_ceil(WIDTH);
        let mut differences = vec![T::default(); chunks * (rows + 1) * WIDTH];
        let mut base = vec![T::default(); chunks * classes * WIDTH];
        let mut edges = vec![T::default(); chunks * edge_count * WIDTH];
        for column in 0..columns {
            let (chunk, at) = (column / WIDTH, column % WIDTH);
            for row in 0..rows {
                differences[(chunk * (rows + 1) + row) * WIDTH + at] =
                    T::wrapped(read.difference(column, row));
            }
            for class in 0..classes {
                base[(chunk * classes + class) * WIDTH + at] = T::wrapped(read.base(class, column));
            }
            for (index, edge) in read.edges(column).into_iter().enumerate() {
                let place = match edge_count <= COMPARED {
                    true => (chunk * edge_count + index) * WIDTH + at,
                    false => column * edge_count + index,
                };
                edges[place] = T::edge(edge);
            }
        }
        let words = read.read.words.clone();
        let last_word = words.iter().max().copied().unwrap_or(0);
        CellsOf { words, last_word, classes, edge_count, differences, base, edges }
    }

    #[inline(always)]
    fn read(&self, columns: Range<usize>, panel: &Panel, lanes: usize, sink: &mut Sink) {
        let mut ones = Vec::with_capacity(self.words.len() + ROWS);
        for (index, block) in panel.blocks.iter().enumerate() {
            for lane in 0..lanes {
                self.ones(&panel.maps[block.origin..], lane, &mut ones);
                let mut column = columns.start;
                while column < columns.end {
                    let chunk = column / WIDTH;
                    let end = columns.end.min((chunk + 1) * WIDTH);
                    let mut voltages = self.voltages(chunk, block.class, &ones);
                    if !sink.noise.is_empty() {
                        for column in column..end {
                            let at = ((column - columns.start) * PANEL + index) * LANES + lane;
                            let voltage = &mut voltages[column % WIDTH];
                            *voltage = voltage.plus(T::wrapped(i32::from(sink.noise[at])));
                        }
                    }
                    let codes = self.codes(chunk, &voltages);
                    for column in column..end {
                        let slot = (column - columns.start) * sink.stride + block.slot;
                        let sum = &mut sink.sums[slot * LANES + lane];
                        *sum = sum.wrapping_add(sink.values[codes[column % WIDTH] as usize]);
                    }
                    column = end;
                }
            }
        }
    }

    /// The rows that carry +1, filled up with the row of zeros to a multiple of [`ROWS`].
    #[inline(always)]
    fn ones(&self, map: &[u32], lane: usize, ones: &mut Vec<usize>) {
        ones.resize(self.words.len(), 0);
        let mut count = 0;
        for (row, &word) in self.words.iter().enumerate() {
            ones[count] = row;
            count += (map[word] >> lane & 1) as usize;
        }
        ones.resize(count, 0);
        ones.resize(count.next_multiple_of(ROWS), self.words.len());
    }

    #[inline(always)]
    fn voltages(&self, chunk: usize, class: usize, ones: &[usize]) -> [T; WIDTH] {
        let rows = self.words.len() + 1;
        let cells = &self.differences[chunk * rows * WIDTH..][..rows * WIDTH];
        let mut voltages = [T::default(); WIDTH];
        voltages.copy_from_slice(&self.base[(chunk * self.classes + class) * WIDTH..][..WIDTH]);
        for eight in ones.chunks_exact(ROWS) {
            let row = |n: usize| -> &[T; WIDTH] {
                let cells = &cells[eight[n] * WIDTH..][..WIDTH];
                cells.try_into().expect("a row of a chunk")
            };
            let rows: [&[T; WIDTH]; ROWS] = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
            for column in 0..WIDTH {
                let [a, b, c, d, e, f, g, h] = rows.map(|row| row[column]);
                let sum = a.plus(b).plus(c.plus(d)).plus(e.plus(f).plus(g.plus(h)));
                voltages[column] = voltages[column].plus(sum);
            }
        }
        voltages
    }

    #[inline(always)]
    fn codes(&self, chunk: usize, voltages: &[T; WIDTH]) -> [u16; WIDTH] {
        let mut codes = [0u16; WIDTH];
        if self.edge_count <= COMPARED {
            let edges = &self.edges[chunk * self.edge_count * WIDTH..][..self.edge_count * WIDTH];
            for edges in edges.chunks_exact(WIDTH) {
                for ((code, voltage), edge) in codes.iter_mut().zip(voltages).zip(edges) {
                    *code += u16::from(edge <= voltage);
                }
            }
            return codes;
        }
        let edges = self.edges[chunk * WIDTH * self.edge_count..].chunks_exact(self.edge_count);
        for ((code, voltage), edges) in codes.iter_mut().zip(voltages).zip(edges) {
            *code = edges.partition_point(|edge| edge <= voltage) as u16;
        }
        codes
    }
}

#[inline(always)]
fn read(cells: &Cells, columns: Range<usize>, panel: &Panel, lanes: usize, sink: &mut Sink) {
    match cells {
        Cells::Narrow(cells) => cells.read(columns, panel, lanes, sink),
        Cells::Wide(cells) => cells.read(columns, panel, lanes, sink),
    }
}

/// See [`super::add`].
pub(super) fn read_plain(cells: &Cells, columns: Range<usize>, panel: &Panel, lanes: usize, sink: &mut Sink) {
    read(cells, columns, panel, lanes, sink);
}

/// See [`super::add`].
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
pub(super) fn read_avx2(cells: &Cells, columns: Range<usize>, panel: &Panel, lanes: usize, sink: &mut Sink) {
    read(cells, columns, panel, lanes, sink);
}

/// See [`super::add`].
///
/// # Safety
/// The processor has the instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn read_avx512(
    cells: &Cells,
    columns: Range<usize>,
    panel: &Panel,
    lanes: usize,
    sink: &mut Sink,
) {
    read(cells, columns, panel, lanes, sink);
}
