//! Cells in bytes for the matrix kernel.

use std::ops::Range;

use super::converters::{self, Converters};
use crate::golden::aligned::Aligned;
use crate::golden::analog::load::LoadedRead;
use crate::golden::analog::maps::LANES;

/// Rows of a group: the bytes in a row of a tile register.
pub(super) const DEPTH: usize = 64;

/// Rows that share four bytes.
pub(super) const FOUR: usize = 4;

/// Columns whose cells fill two tile registers, multiplied together by the [`LANES`] vectors of a block.
pub(super) const WIDE: usize = 32;

/// What the second digit of a cell counts; the first lies in -63 to 63 where there are two.
const RADIX: i32 = 127;

/// Largest size of a number of two digits.
const LARGEST: i32 = RADIX * 127 + 63;

/// How cells become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are; bits are 0 and 1.
    Whole,
    /// Half of each, all of them even; bits are -1 and 1, and the base grows by all halves.
    Half,
    /// Two digits; bits are 0 and 1 for the first, 0 and [`RADIX`] for the second.
    Digits,
}

/// One read's cells: what a row adds to a voltage when its bit turns from 0 to 1, in one or two signed bytes.
#[derive(Debug)]
pub(in crate::golden::analog) struct Tiles {
    /// Groups of [`DEPTH`] rows.
    pub groups: usize,
    /// Word of every row, [`FOUR`] side by side; rows that only fill up the last group add 0.
    pub words: Vec<[usize; FOUR]>,
    /// Largest of them.
    pub last_word: usize,
    /// Of every four words, whether they follow each other.
    pub runs: Vec<bool>,
    pub classes: usize,
    pub columns: usize,
    /// What a bit becomes, 0 and 1, for each digit of the cells.
    pub bits: &'static [[i8; 2]],
    /// Index `(((column / WIDE * digits + digit) * groups + group) * WIDE + column % WIDE) * DEPTH + row of the group`.
    pub cells: Aligned<i8>,
    /// Voltage when all bits are 0, twice side by side; index `class * columns.next_multiple_of(WIDE) + column`.
    pub base: Vec<u32>,
    pub converters: Converters,
}

impl Tiles {
    /// Whether the cells of `read` fit, and its voltages.
    pub fn fit(read: &LoadedRead) -> bool {
        read.narrow && read.largest <= LARGEST
    }

    /// Panics unless they [fit](Tiles::fit).
    pub fn new(read: &LoadedRead) -> Tiles {
        assert!(Tiles::fit(read), "cells of two digits");
        let form = match read.largest {
            0..=127 => Form::Whole,
            0..=254 if read.even => Form::Half,
            _ => Form::Digits,
        };
        let bits: &[_] = match form {
            Form::Whole => &[[0, 1]],
            Form::Half => &[[-1, 1]],
            Form::Digits => &[[0, 1], [0, RADIX as i8]],
        };
        let digits = bits.len();
        let rows = read.read.words.len();
        let groups = rows.div_ceil(DEPTH);
        let mut words = read.read.words.clone();
        words.resize(groups * DEPTH, words[0]);
        let words = words.as_chunks().0.to_vec();
        let columns = read.column_count();
        let padded = columns.next_multiple_of(WIDE);
        let mut cells = Aligned::new(padded * digits * groups * DEPTH, 0i8);
        let mut base = converters::bases(read, padded);
        let mut differences = vec![0i16; groups * DEPTH];
        for column in 0..columns {
            read.differences(column, &mut differences[..rows]);
            for (group, differences) in differences.chunks_exact(DEPTH).enumerate() {
                for digit in 0..digits {
                    let row = (column / WIDE * digits + digit) * groups + group;
                    let cells = &mut cells[(row * WIDE + column % WIDE) * DEPTH..][..DEPTH];
                    let radix = RADIX as i16;
                    let of = |difference: i16| match (form, digit) {
                        (Form::Whole, _) => difference,
                        (Form::Half, _) => difference / 2,
                        (Form::Digits, 0) => (difference + radix / 2).rem_euclid(radix) - radix / 2,
                        (Form::Digits, _) => (difference + radix / 2).div_euclid(radix),
                    };
                    cells
                        .iter_mut()
                        .zip(differences)
                        .for_each(|(cell, &difference)| *cell = of(difference) as i8);
                }
            }
            if form == Form::Half {
                let halves = differences
                    .iter()
                    .fold(0u16, |sum, difference| sum.wrapping_add((difference / 2) as u16));
                for base in base[column..].iter_mut().step_by(padded) {
                    *base = converters::twice((*base as u16).wrapping_add(halves));
                }
            }
        }
        Tiles {
            groups,
            last_word: read.read.words.iter().max().copied().unwrap_or(0),
            runs: words
                .iter()
                .map(|words: &[usize; FOUR]| words.windows(2).all(|two| two[0] + 1 == two[1]))
                .collect(),
            words,
            classes: read.class_count(),
            columns,
            bits,
            cells,
            base,
            converters: Converters::new(read),
        }
    }

    /// Bytes that the bits of a block of vectors fill.
    pub fn block_bytes(&self) -> usize {
        self.bits.len() * self.groups * DEPTH * LANES
    }

    /// Panics unless `columns` are some of the read's, from the start of a pair of tiles on.
    pub fn check(&self, columns: &Range<usize>) {
        assert!(columns.end <= self.columns && columns.start.is_multiple_of(WIDE));
        let padded = self.columns.next_multiple_of(WIDE);
        assert_eq!(self.cells.len(), padded * self.bits.len() * self.groups * DEPTH);
        assert_eq!(self.base.len(), padded * self.classes);
        assert_eq!(self.words.len() * FOUR, self.groups * DEPTH);
        assert_eq!(self.runs.len(), self.words.len());
        debug_assert!(self.words.as_flattened().iter().all(|&word| word <= self.last_word));
        self.converters.check(self.columns);
    }
}
