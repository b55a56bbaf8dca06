//! Cells of several levels, and the middle column of single-ended cells.

use super::support::*;
use bincim::device::{Cell, CellKind, Gaussian, Physics, Reference, Scale, Sides, Wires, draw};
use bincim::variation::{Levels, Site};

/// Levels from -`most` to `most` that follow no pattern; one row is not used.
fn leveled(rows: usize, columns: usize, most: i32) -> Site {
    let level = |cell: usize| {
        let mix = (cell as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mix ^ mix >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as i32 % (2 * most + 1) - most
    };
    let values: Vec<i16> =
        (0..rows * columns).map(|cell| if cell % rows == 3 { 0 } else { level(cell) as i16 }).collect();
    let used = |column: usize, row: usize| match (row, values[column * rows + row]) {
        (3, _) => 0,
        (_, value) => {
            if value < 0 {
                -1
            } else {
                1
            }
        }
    };
    let plain = site(rows, columns, used);
    Site { levels: Some(Levels { most, values }), ..plain }
}

fn cell(kind: CellKind, sides: Sides, g_min: f64) -> Physics {
    Physics { cell: Cell { kind, sides, g_min, ..Cell::default() }, ..Physics::default() }
}

/// O32: without variation a cell of level v gives `v << F`, with every mapping, any OFF conductance and a middle column.
#[test]
fn o32_ideal_levels_are_whole_counts() {
    for most in [1, 3, 5, 15] {
        let site = leveled(64, 6, most);
        let expected: Vec<i16> =
            site.levels.as_ref().unwrap().values.iter().map(|value| value << 6).collect();
        for (kind, sides) in
            [(CellKind::Pair, Sides::One), (CellKind::Pair, Sides::Two), (CellKind::Offset, Sides::One)]
        {
            for g_min in [0.0, 0.2] {
                for reference in [Reference::Fixed, Reference::Replica, Reference::Column] {
                    let mut physics = cell(kind, sides, g_min);
                    physics.cell.reference = reference;
                    let array = draw(&physics, 1, 6, &site);
                    assert_eq!(array.plus, expected, "{most} {kind:?} {sides:?} {g_min}");
                    assert_eq!(array.minus, expected);
                }
            }
        }
    }
}

/// Mean square of (voltage less the ideal sum), in counts, over columns and chips, all rows driven with +1.
fn mean_square(physics: &Physics, site: &Site, chips: u64) -> f64 {
    let unit = f64::from(1 << 8);
    let drive = vec![1; site.rows];
    let mut sum = 0.0;
    for seed in 0..chips {
        let array = draw(physics, seed, 8, site);
        for column in 0..site.columns {
            let ideal: i32 = (0..site.rows).map(|row| site.weight(column * site.rows + row)).sum();
            sum += (f64::from(voltage(&array, column, &drive)) / unit - f64::from(ideal)).powi(2);
        }
    }
    sum / (chips * site.columns as u64) as f64
}

/// O33: an error in proportion to the conductance. One-sided pairs: sigma^2 x sum v^2 counts^2, so small weights are
/// exact; two-sided: sigma^2 x sum (m^2 + v^2) / 2; offset cells, whose conductance is (1 + v/m) / 2 for 2m counts:
/// sigma^2 x sum (m + v)^2. Bound: the estimate's relative standard error is sqrt(2 / (columns x chips)).
#[test]
fn o33_proportional_errors_of_levels() {
    let (columns, chips, sigma, most) = (64, 40, 0.02, 7);
    let site = leveled(64, columns, most);
    let values = &site.levels.as_ref().unwrap().values;
    let used = (0..values.len()).filter(|cell| site.weights[*cell] != 0);
    let sum = |square: &dyn Fn(f64) -> f64| {
        used.clone().map(|cell| square(f64::from(values[cell]))).sum::<f64>() / columns as f64
    };
    let m = f64::from(most);
    let bound = SIGMAS * (2.0 / (columns as f64 * chips as f64)).sqrt();
    for (kind, sides, expected) in [
        (CellKind::Pair, Sides::One, sum(&|v| v * v)),
        (CellKind::Pair, Sides::Two, sum(&|v| (m * m + v * v) / 2.0)),
        (CellKind::Offset, Sides::One, sum(&|v| (m + v) * (m + v))),
    ] {
        let mut physics = cell(kind, sides, 0.0);
        physics.gaussian = Gaussian { sigma, of: Scale::Value };
        physics.cell.clamp = false;
        let found = mean_square(&physics, &site, chips);
        let relative = found / (sigma * sigma * expected) - 1.0;
        assert!(relative.abs() < bound, "{kind:?} {sides:?}: {relative} (bound {bound})");
    }
}

/// O34: conductances of `bits` bits round a level of a one-sided pair to the nearest of `2^bits - 1` steps; with as many
/// levels as the slice has, nothing is lost.
#[test]
fn o34_levels_are_rounded_to_the_cells_conductances() {
    let site = leveled(64, 4, 15);
    for bits in [2, 3, 4, 6] {
        let mut physics = cell(CellKind::Pair, Sides::One, 0.0);
        physics.cell.bits = bits;
        let array = draw(&physics, 1, 8, &site);
        let steps = f64::from((1u32 << bits) - 1);
        for (place, value) in site.levels.as_ref().unwrap().values.iter().enumerate() {
            let state = f64::from(value.abs()) / 15.0;
            let kept = (state * steps).round_ties_even() / steps * 15.0 * f64::from(value.signum());
            let expected = (kept * 256.0).round_ties_even() as i16;
            assert!((array.plus[place] - expected).abs() <= 1, "{bits} bits, level {value}");
            assert!(bits != 4 || array.plus[place] == value << 8);
        }
    }
}

/// O35: the middle column's errors are common to all outputs. Offset cells with an error of sigma of a full device, N
/// used rows driven with +1: a column's own part and the common part have variance N (2 sigma)^2 each, so columns
/// correlate by 1/2 and differences of columns are free of it. Bounds: the common part is one number a chip, of relative
/// error sqrt(2 / chips); the own part sqrt(2 / (columns x chips)).
#[test]
fn o35_errors_of_the_middle_column_are_common() {
    let (rows, columns, chips, sigma) = (64, 16, 600, 0.02);
    let site = site(rows, columns, |c, r| if (c * 5 + r * 3) % 7 < 3 { 1 } else { -1 });
    let mut physics = cell(CellKind::Offset, Sides::One, 0.0);
    physics.gaussian = Gaussian { sigma, of: Scale::Gmax };
    physics.cell.clamp = false;
    physics.cell.reference = Reference::Column;
    let found = errors(&physics, &site, 8, chips, |_| vec![1; rows]);
    let expected = rows as f64 * (2.0 * sigma).powi(2);
    let (mut common, mut own) = (0.0, 0.0);
    for chip in found.chunks(columns) {
        let mean = chip.iter().sum::<f64>() / columns as f64;
        common += mean * mean / chips as f64;
        own += chip.iter().map(|error| (error - mean).powi(2)).sum::<f64>()
            / ((columns - 1) as f64 * chips as f64);
    }
    // The mean of the own parts is left in the common one.
    let common = common - own / columns as f64;
    let bounds =
        [SIGMAS * (2.0 / chips as f64).sqrt(), SIGMAS * (2.0 / (columns as f64 * chips as f64)).sqrt()];
    assert!((own / expected - 1.0).abs() < bounds[1], "own {own}, not {expected}");
    assert!((common / expected - 1.0).abs() < bounds[0] * 1.1, "common {common}, not {expected}");
    // Against a fixed level only the own part is there.
    physics.cell.reference = Reference::Fixed;
    let fixed = errors(&physics, &site, 8, chips, |_| vec![1; rows]);
    let square = fixed.iter().map(|error| error * error).sum::<f64>() / fixed.len() as f64;
    assert!((square / expected - 1.0).abs() < bounds[1], "fixed {square}, not {expected}");
}

/// The middle column is a line of the crossbar: a shift of all currents by the row's resistance is subtracted with it,
/// and without resistance the wires leave the draw as it is.
#[test]
fn the_middle_column_lies_in_the_crossbar() {
    let site = site(64, 8, |_, _| 1);
    let mut physics = cell(CellKind::Offset, Sides::One, 0.2);
    physics.cell.reference = Reference::Column;
    let plain = draw(&physics, 1, 8, &site);
    physics.wires = Wires { row: 1e-12, column: 0.0, ..Wires::default() };
    assert_eq!(draw(&physics, 1, 8, &site), plain);
    physics.wires = Wires { row: 5e-4, column: 0.0, ..Wires::default() };
    let drive = vec![1; 64];
    let lost =
        |physics: &Physics| 64.0 - f64::from(voltage(&draw(physics, 1, 12, &site), 7, &drive)) / 4096.0;
    let column = lost(&physics);
    physics.cell.reference = Reference::Fixed;
    let fixed = lost(&physics);
    // To first order a node's drop is the resistance times the sum of the currents beyond each segment before it: in
    // front of column 7, 8 + ... + 1 = 36, with a middle device of 0.6 behind them 40.8 (41.4 at that device itself),
    // of which 0.6 is subtracted.
    let expected = (40.8 - 0.6 * 41.4) / 36.0;
    assert!((column / fixed - expected).abs() < 0.02, "{column} {fixed}");
}
