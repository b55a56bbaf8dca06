//! Reads of analog arrays: column voltages, codes and what the codes stand for, in integers.

use std::collections::BTreeMap;

use super::draws::Draws;
use super::noise::Generators;
use super::rows::RowVector;
use crate::design::{Analog, Design, LayerDesign, LayerReadout, Reference};
use crate::variation::{ArrayDraw, Chip, DRAW_HALF};

/// How often each sum of a column came, in counts.
pub type ColumnSums = BTreeMap<i32, u64>;

/// The arrays of a chip as a design uses them.
pub(super) struct Arrays<'a> {
    pub analog: &'a Analog,
    chip: &'a Chip,
}

/// What a read takes away from what its codes stand for, in 2^-V counts: its rows with cells carry `drive` together.
pub(in crate::golden) fn taken(reference: &Reference, array: usize, drive: i64) -> i64 {
    (drive * reference.shares[array] + ((1 << reference.fraction) >> 1)) >> reference.fraction
}

/// The rows' parts in one read: both 0 where a row is not driven.
struct Drive {
    /// Row of the array that the first element drives.
    first: usize,
    plus: Vec<i32>,
    minus: Vec<i32>,
}

impl<'a> Arrays<'a> {
    /// `None` with the popcount readout.
    ///
    /// # Panics
    /// Where the design is analog and `chip` is missing or was drawn for other arrays.
    pub fn new(design: &'a Design, chip: Option<&'a Chip>) -> Option<Arrays<'a>> {
        let analog = design.analog.as_ref()?;
        let chip = chip.expect("an analog design needs a chip");
        assert_eq!(chip.arrays.len(), analog.arrays, "the chip has other arrays than the design");
        Some(Arrays { analog, chip })
    }

    /// Adds a vector's reads of one array to the sums of all lanes; `generators` add their noise to the voltages.
    pub fn add(&self, visit: &Visit, mut generators: Option<&mut Generators>, sums: &mut [i64]) {
        let draw = &self.chip.arrays[visit.array];
        for (scale, drive) in visit.reads() {
            let noise = generators.as_mut().map(|generators| generators.read());
            let taken = match self.reference_column(draw) {
                Some(column) => visit.readout.values[self.code(draw, column, voltage(draw, column, &drive))],
                None => self.taken(visit, &drive),
            };
            for (column, sum) in sums.iter_mut().enumerate().filter(|(column, _)| visit.adds(*column)) {
                // A lane beyond the last channel never reaches an edge.
                let mut code = 0;
                if column < self.channels(draw) {
                    let noise = noise.as_ref().map_or(0, |noise| noise[column]);
                    code = self.code(draw, column, voltage(draw, column, &drive) + noise);
                }
                *sum += (visit.readout.values[code] - taken) * scale;
            }
        }
    }

    /// Adds a vector's reads of one array whose cells are drawn as they are read; without `draws` each is read as it is.
    pub fn add_drawn(&self, visit: &Visit, mut draws: Option<&mut Draws>, sums: &mut [i64]) {
        let draw = &self.chip.arrays[visit.array];
        let step = self.analog.row_step;
        for (scale, drive) in visit.reads() {
            for word in 0..visit.readout.read_words {
                let numbers = draws.as_mut().and_then(|draws| draws.drawing());
                for (column, sum) in sums.iter_mut().enumerate().filter(|(column, _)| visit.adds(*column)) {
                    for row in 0..step {
                        let place = word * step + row;
                        let carried = i64::from(drive.plus[place] - drive.minus[place]);
                        let cell = |column: usize| draw.plus[column * draw.rows + drive.first + place];
                        // A lane beyond the last channel holds +1 wherever the others hold cells.
                        let lone = if cell(0) == 0 { 0 } else { DRAW_HALF };
                        let cell = if column < draw.columns { cell(column) } else { lone };
                        let number = numbers.as_ref().map(|numbers| numbers[row] ^ numbers[step + column]);
                        *sum += carried * scale * drawn(cell, number);
                    }
                }
            }
        }
    }

    /// The same with converters that change nothing, on a chip without errors; counts every column sum in `found`.
    pub fn add_exactly(&self, visit: &Visit, found: &mut ColumnSums, sums: &mut [i64]) {
        let draw = &self.chip.arrays[visit.array];
        for (scale, drive) in visit.reads() {
            let taken = match self.reference_column(draw) {
                Some(column) => self.value(voltage(draw, column, &drive)),
                None => self.taken(visit, &drive),
            };
            let columns = sums.iter_mut().enumerate().take(self.channels(draw));
            for (column, sum) in columns.filter(|(column, _)| visit.adds(*column)) {
                let voltage = voltage(draw, column, &drive);
                *found.entry(voltage >> self.analog.fraction_bits).or_default() += 1;
                *sum += (self.value(voltage) - taken) * scale;
            }
        }
    }

    /// What a converter that changes nothing makes of a voltage, in 2^-V counts.
    fn value(&self, voltage: i32) -> i64 {
        (i64::from(voltage) << self.analog.value_fraction_bits) >> self.analog.fraction_bits
    }

    fn code(&self, draw: &ArrayDraw, column: usize, voltage: i32) -> usize {
        let edges = &draw.edges[column * self.analog.edges..][..self.analog.edges];
        edges.iter().filter(|&&edge| edge <= voltage).count()
    }

    /// Columns that are output channels.
    fn channels(&self, draw: &ArrayDraw) -> usize {
        self.reference_column(draw).unwrap_or(draw.columns)
    }

    /// The column whose value is taken away from the others': the last one.
    fn reference_column(&self, draw: &ArrayDraw) -> Option<usize> {
        self.analog.reference_column.then(|| draw.columns - 1)
    }

    /// What a read takes away behind the converters, where that is counted.
    fn taken(&self, visit: &Visit, drive: &Drive) -> i64 {
        let Some(reference) = &self.analog.reference else { return 0 };
        let used = |row: usize| i64::from(reference.rows.get(visit.array, drive.first + row));
        let carried = drive.plus.iter().zip(&drive.minus).map(|(plus, minus)| i64::from(plus - minus));
        taken(reference, visit.array, carried.enumerate().map(|(row, carried)| carried * used(row)).sum())
    }
}

/// One vector at one array.
pub struct Visit<'a> {
    pub design: &'a Design,
    pub layer: &'a LayerDesign,
    pub readout: &'a LayerReadout,
    /// Index of the array on the chip.
    pub array: usize,
    /// What the plane of weights counts.
    pub scale: i64,
    /// Lanes that the plane adds to, where it leaves out some.
    pub kept: Option<&'a [bool]>,
    pub row: &'a RowVector,
}

impl Visit<'_> {
    fn adds(&self, lane: usize) -> bool {
        self.kept.is_none_or(|kept| kept[lane])
    }

    /// Each read's rows, and what it counts: one read a bit plane of the input.
    fn reads(&self) -> impl Iterator<Item = (i64, Drive)> {
        (0..self.readout.reads).map(|plane| {
            let bits = match self.readout.reads {
                1 => 0..self.design.rows,
                _ => plane * self.design.plane_rows..(plane + 1) * self.design.plane_rows,
            };
            // A plane has rows of its own, or drives those of all others.
            let first = if self.design.serial_input() { 0 } else { bits.start };
            (self.scale << plane, self.drive(first, bits))
        })
    }

    /// Drives the rows from `first` on with `bits` of the vector. Rows of the first layer are all driven, or those of bits 1
    /// alone; unused ones, and those that a plane leaves out, hold empty cells.
    fn drive(&self, first: usize, bits: std::ops::Range<usize>) -> Drive {
        let all = !self.design.row_enable || matches!(self.layer.source, crate::design::Source::Input);
        let (plus, minus) = bits
            .map(|index| {
                let driven = all || self.row.driven(index);
                let bit = self.row.bit(index);
                (i32::from(driven && bit), i32::from(driven && !bit && !self.readout.unipolar))
            })
            .unzip();
        Drive { first, plus, minus }
    }
}

/// What a cell reads as: turned round where its number is below its code; 0 where there is no cell.
fn drawn(cell: i16, number: Option<u32>) -> i64 {
    let code = (DRAW_HALF - cell.abs()) as u32;
    let sign = i64::from(cell.signum());
    if number.is_some_and(|number| number < code) { -sign } else { sign }
}

/// Voltage of one column in 2^-F counts.
fn voltage(draw: &ArrayDraw, column: usize, drive: &Drive) -> i32 {
    let at = column * draw.rows + drive.first;
    let cells = draw.plus[at..].iter().zip(&draw.minus[at..]);
    let sum: i32 = cells
        .zip(drive.plus.iter().zip(&drive.minus))
        .map(|((plus, minus), (up, down))| up * i32::from(*plus) - down * i32::from(*minus))
        .sum();
    draw.offset[column] + sum
}
