//! Reads of analog arrays: column voltages, codes and what the codes stand for, in integers.

use std::collections::BTreeMap;

use super::noise::Generators;
use super::rows::RowVector;
use crate::design::{Analog, Design, LayerDesign, LayerReadout};
use crate::variation::{ArrayDraw, Chip};

/// How often each sum of a column came, in counts.
pub type ColumnSums = BTreeMap<i32, u64>;

/// The arrays of a chip as a design uses them.
pub(super) struct Arrays<'a> {
    pub analog: &'a Analog,
    chip: &'a Chip,
}

/// A row's part in one read: both 0 where the row is not driven.
struct Drive {
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

    /// Adds one vector's reads of one array to the sums of all lanes, times `2^shift`; `generators` add their noise to the voltages.
    #[allow(clippy::too_many_arguments)]
    pub fn add(
        &self,
        design: &Design,
        layer: &LayerDesign,
        readout: &LayerReadout,
        array: usize,
        shift: usize,
        row: &RowVector,
        mut generators: Option<&mut Generators>,
        sums: &mut [i64],
    ) {
        let draw = &self.chip.arrays[readout.first_array + array];
        for plane in 0..readout.reads {
            let rows = match readout.reads {
                1 => 0..design.rows,
                _ => plane * design.plane_rows..(plane + 1) * design.plane_rows,
            };
            let drive = self.drive(design, layer, row, rows.clone());
            let noise = generators.as_mut().map(|generators| generators.read());
            for (column, sum) in sums.iter_mut().enumerate() {
                // A lane beyond the last channel never reaches an edge.
                let mut code = 0;
                if column < draw.columns {
                    let noise = noise.as_ref().map_or(0, |noise| noise[column]);
                    let voltage = voltage(draw, column, rows.start, &drive) + noise;
                    let edges = &draw.edges[column * self.analog.edges..][..self.analog.edges];
                    code = edges.iter().filter(|&&edge| edge <= voltage).count();
                }
                *sum += readout.values[code] << (plane + shift);
            }
        }
    }

    /// The same with converters that change nothing, on a chip without errors; counts every column sum in `found`.
    #[allow(clippy::too_many_arguments)]
    pub fn add_exactly(
        &self,
        design: &Design,
        layer: &LayerDesign,
        readout: &LayerReadout,
        array: usize,
        shift: usize,
        row: &RowVector,
        found: &mut ColumnSums,
        sums: &mut [i64],
    ) {
        let draw = &self.chip.arrays[readout.first_array + array];
        for plane in 0..readout.reads {
            let rows = match readout.reads {
                1 => 0..design.rows,
                _ => plane * design.plane_rows..(plane + 1) * design.plane_rows,
            };
            let drive = self.drive(design, layer, row, rows.clone());
            for (column, sum) in sums.iter_mut().enumerate().take(draw.columns) {
                let counts = voltage(draw, column, rows.start, &drive) >> self.analog.fraction_bits;
                *found.entry(counts).or_default() += 1;
                *sum += i64::from(counts) << (plane + shift + self.analog.value_fraction_bits as usize);
            }
        }
    }

    /// Rows of the first layer are all driven; unused ones hold empty cells.
    fn drive(
        &self,
        design: &Design,
        layer: &LayerDesign,
        row: &RowVector,
        rows: std::ops::Range<usize>,
    ) -> Drive {
        let all = !design.row_enable || matches!(layer.source, crate::design::Source::Input);
        let (plus, minus) = rows
            .map(|index| {
                let driven = all || row.driven(index);
                let bit = row.bit(index);
                (i32::from(driven && bit), i32::from(driven && !bit))
            })
            .unzip();
        Drive { plus, minus }
    }
}

/// Voltage of one column in 2^-F counts; `first` is the row of the drive's first element.
fn voltage(draw: &ArrayDraw, column: usize, first: usize, drive: &Drive) -> i32 {
    let at = column * draw.rows + first;
    let cells = draw.plus[at..].iter().zip(&draw.minus[at..]);
    let sum: i32 = cells
        .zip(drive.plus.iter().zip(&drive.minus))
        .map(|((plus, minus), (up, down))| up * i32::from(*plus) - down * i32::from(*minus))
        .sum();
    draw.offset[column] + sum
}
