//! What the cells of an offset mapping have in common, taken away behind the converter: the rows that it is counted
//! over, and what a row of them adds on a chip without errors.

use super::analog::Column;
use super::images::Cells;
use super::{Design, LayerDesign, width};
use crate::arch::{Arch, Subtraction};
use crate::bits::BitMatrix;
use crate::network::Layer;

/// Binary digits of a row's share behind those of a value, where that is no whole number.
const FRACTION: u32 = 12;

/// A read whose driven rows with cells add up to the drive `d` takes away `(d x share + 2^fraction / 2) >> fraction` from
/// what the codes of its columns stand for.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Rows that hold cells: a row of bits an array.
    pub rows: BitMatrix,
    /// What a driven row takes away, in 2^-(V + fraction) counts, of each array.
    pub shares: Vec<i64>,
    pub fraction: u32,
    /// Bits of the drive of a read, two's complement.
    pub drive_width: usize,
}

/// What the cells of weight 0 add to a column, in counts; 0 where it is subtracted before the converter.
pub(super) fn common(arch: &Arch, most: i32) -> f64 {
    let off = arch.variation.cell.g_min;
    match arch.subtraction() {
        Subtraction::Analog => 0.0,
        Subtraction::Digital | Subtraction::Column => f64::from(most) * (1.0 + off) / (1.0 - off),
    }
}

/// [`common`] in 2^-V counts.
fn exact(arch: &Arch, most: i32) -> f64 {
    common(arch, most) * f64::from(1u32 << arch.readout.value_fraction_bits)
}

/// Largest size of what a read takes away, in 2^-V counts.
pub(super) fn most(arch: &Arch, column: Column) -> i64 {
    (exact(arch, column.most) * column.rows as f64 + 0.5).ceil() as i64
}

impl Reference {
    /// The share of all arrays, where they have one.
    pub fn only_share(&self) -> Option<i64> {
        self.shares.windows(2).all(|pair| pair[0] == pair[1]).then(|| self.shares[0])
    }

    /// Bits of a share where arrays differ, unsigned; 0 where they do not.
    pub fn share_width(&self) -> usize {
        let largest = self.shares.iter().copied().max().unwrap_or(0) as usize;
        if self.only_share().is_some() { 0 } else { width::unsigned(largest) }
    }

    /// `None` where nothing is left to take away.
    pub(super) fn new(design: &Design) -> Option<Reference> {
        let arch = &design.arch;
        if arch.subtraction() != Subtraction::Digital {
            return None;
        }
        let cells = Cells::new(arch, design.row_planes, design.plane_rows);
        let (mut rows, mut exact_shares) = (Vec::new(), Vec::new());
        for (layer, program) in design.network.layers.iter().zip(&design.layers) {
            for group in 0..program.groups {
                for (plane, pass) in program.tiles(group, program.planes.len()) {
                    rows.push(used(&cells, layer, program, (plane, pass)));
                    exact_shares.push(exact(arch, layer.planes[plane].most()));
                }
            }
        }
        let whole = exact_shares.iter().all(|share| (share - share.round()).abs() < 1e-9);
        let fraction = if whole { 0 } else { FRACTION };
        let unit = f64::from(1u32 << fraction);
        let most =
            rows.iter().map(|rows| rows.iter().filter(|used| **used).count()).max().unwrap_or(0) as i64;
        Some(Reference {
            rows: BitMatrix::from_fn(rows.len(), arch.rows, |array, row| rows[array][row]),
            shares: exact_shares.iter().map(|share| (share * unit).round_ties_even() as i64).collect(),
            fraction,
            drive_width: width::signed(-most, most),
        })
    }
}

/// Which rows of a tile hold cells: those with a tap that the plane keeps.
pub(super) fn used(
    cells: &Cells,
    layer: &Layer,
    program: &LayerDesign,
    (plane, pass): (usize, usize),
) -> Vec<bool> {
    let mask = layer.planes[plane].mask.as_ref();
    let kept = |column: usize| mask.is_none_or(|mask| mask.taps[column]);
    (0..cells.rows).map(|row| cells.column(layer, &program.source, pass, row).is_some_and(kept)).collect()
}
