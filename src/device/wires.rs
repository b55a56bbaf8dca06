//! Resistance of the lines: the currents of a crossbar, exactly, and their frozen form, one current a cell.
//!
//! Source: the linear nodal model of CrossSim's input-sourced crossbar, solved to the end instead of to a tolerance of
//! 1e-3. Rows start at their drivers, columns end in virtual grounds; one segment lies between neighbouring devices,
//! before the first device of a row and behind the last of a column. Unit: conductances in `Gmax`, resistances in
//! `1 / Gmax`, voltages in full drives. Devices are linear resistors; the two lines of a `pair` lie side by side.
//!
//! An `xnor` cell's rows drive gates: they carry no current, the cells of a column hang between an ideal supply and
//! the column line, and only those states count that the drive selects.

use super::cells::{Cells, Currents};
use super::crossbar::Crossbar;
use super::physics::{CellKind, Freeze, Physics};
use super::random::{Kind, Stream};
use crate::variation::Site;
use rayon::prelude::*;

/// Currents of all cells of an array (index `column * rows + row`) as they arrive at the columns' ends.
pub(super) fn freeze(physics: &Physics, site: &Site, currents: &mut [Currents]) {
    let lines = lines(physics);
    let used = used_rows(site);
    let gated = physics.cell.kind == CellKind::Xnor;
    let g = [0, 1].map(|branch| {
        conductances(site, lines, |cell| match gated && !used[cell % site.rows] {
            true => [0.0; 2],
            false => currents[cell][branch],
        })
    });
    let plus = frozen_currents(physics, site, &used, &g[0]);
    // Devices that both drives share are one network.
    let minus = if g[0] == g[1] { plus.clone() } else { frozen_currents(physics, site, &used, &g[1]) };
    for (cell, currents) in currents.iter_mut().enumerate() {
        let (column, row) = (cell / site.rows, cell % site.rows);
        let at = (row * site.columns + column) * lines;
        currents[0][..lines].copy_from_slice(&plus[at..at + lines]);
        currents[1][..lines].copy_from_slice(&minus[at..at + lines]);
    }
}

/// Lines of one column.
fn lines(physics: &Physics) -> usize {
    if physics.cell.kind == CellKind::Pair { 2 } else { 1 }
}

/// The crossbar's conductances, row after row, from the cells' currents at full voltage.
fn conductances(site: &Site, lines: usize, current: impl Fn(usize) -> [f64; 2]) -> Vec<f64> {
    let mut g = Vec::with_capacity(site.rows * site.columns * lines);
    for row in 0..site.rows {
        for column in 0..site.columns {
            g.extend_from_slice(&current(column * site.rows + row)[..lines]);
        }
    }
    g
}

/// Rows that any cell has a weight on; the others are never driven.
fn used_rows(site: &Site) -> Vec<bool> {
    let weight = |row, column| site.weights[column * site.rows + row];
    (0..site.rows).map(|row| (0..site.columns).any(|column| weight(row, column) != 0)).collect()
}

fn frozen_currents(physics: &Physics, site: &Site, used: &[bool], g: &[f64]) -> Vec<f64> {
    let lines = lines(physics);
    let crossbar = crossbar(physics, site, lines, g.to_vec());
    match physics.wires.freeze {
        Freeze::Reference => {
            let drive: Vec<f64> = used.iter().map(|&used| f64::from(u8::from(used))).collect();
            crossbar.solve(&drive, &vec![0.0; site.columns * lines]).currents
        }
        Freeze::Transfer => crossbar.transfer(),
    }
}

fn crossbar(physics: &Physics, site: &Site, lines: usize, g: Vec<f64>) -> Crossbar {
    let row = if physics.cell.kind == CellKind::Xnor { 0.0 } else { physics.wires.row };
    Crossbar::new(site.rows, site.columns * lines, g, row, physics.wires.column)
}

/// What freezing the wires costs: frozen column sums against exact ones.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct WireError {
    /// Root mean square of frozen minus exact over columns and drives, in counts.
    pub rms: f64,
    /// Largest of them.
    pub worst: f64,
    /// Root mean square of exact minus the same cells without resistance: what the wires do at all.
    pub effect: f64,
    /// Largest violation of Kirchhoff's current law in the exact solutions, over the current of the largest line.
    pub residual: f64,
}

/// [`wire_error`] of the first array of each layer; `None` without resistance.
pub fn wire_errors(physics: &Physics, seed: u64, sites: &[Site], drives: usize) -> Option<WireError> {
    if physics.wires.row == 0.0 && physics.wires.column == 0.0 {
        return None;
    }
    let first: Vec<&Site> = sites.iter().filter(|site| site.array == 0).collect();
    let errors: Vec<WireError> =
        first.par_iter().map(|site| wire_error(physics, seed, site, drives)).collect();
    let mean = |of: fn(&WireError) -> f64| {
        (errors.iter().map(|error| of(error).powi(2)).sum::<f64>() / errors.len().max(1) as f64).sqrt()
    };
    let most = |of: fn(&WireError) -> f64| errors.iter().map(of).fold(0.0, f64::max);
    Some(WireError {
        rms: mean(|error| error.rms),
        worst: most(|error| error.worst),
        effect: mean(|error| error.effect),
        residual: most(|error| error.residual),
    })
}

/// Compares frozen with exact column sums under `drives` random drives of all used rows with -1 or +1.
pub fn wire_error(physics: &Physics, seed: u64, site: &Site, drives: usize) -> WireError {
    let cells = Cells::new(physics, seed, site);
    let mut ideal: Vec<Currents> = (0..site.columns).flat_map(|column| cells.currents(column)).collect();
    let columns = site.columns;
    // The middle column is the last one of the crossbar.
    let middle = cells.middle_column();
    let wide = middle.as_ref().map(|_| cells.with_middle_column());
    ideal.extend(middle.iter().flatten());
    let site = wide.as_ref().unwrap_or(site);
    let middle = middle.map(|_| columns);
    let mut frozen = ideal.clone();
    freeze(physics, site, &mut frozen);
    let used = used_rows(site);
    let stream = Stream::new(seed, site.layer, site.array);
    let (lines, gated) = (lines(physics), physics.cell.kind == CellKind::Xnor);
    let mut error = WireError { rms: 0.0, worst: 0.0, effect: 0.0, residual: 0.0 };
    for probe in 0..drives {
        let drive: Vec<f64> = (0..site.rows)
            .map(|row| match (used[row], stream.pair(Kind::Probe, probe, row)[0] & 1) {
                (false, _) => 0.0,
                (true, 0) => -1.0,
                (true, _) => 1.0,
            })
            .collect();
        // Each row shows the devices that its drive selects; an idle row of an xnor array none.
        let g = conductances(site, lines, |cell| match drive[cell % site.rows] {
            d if d > 0.0 => ideal[cell][0],
            d if d < 0.0 || !gated => ideal[cell][1],
            _ => [0.0; 2],
        });
        let voltage: Vec<f64> = drive.iter().map(|d| if gated { d.abs() } else { *d }).collect();
        let exact = crossbar(physics, site, lines, g).solve(&voltage, &vec![0.0; site.columns * lines]);
        error.residual = error.residual.max(exact.residual);
        for column in 0..columns {
            let sum = |currents: &dyn Fn(usize, usize) -> Currents| -> f64 {
                (0..site.rows)
                    .map(|row| {
                        let middle = middle.map(|middle| currents(middle, row));
                        let [plus, minus] = cells.counts(column, row, currents(column, row), middle);
                        if drive[row] > 0.0 { plus } else { drive[row] * minus }
                    })
                    .sum()
            };
            let without = sum(&|column, row| ideal[column * site.rows + row]);
            let kept = sum(&|column, row| frozen[column * site.rows + row]);
            let real = sum(&|column, row| {
                let at = (row * site.columns + column) * lines;
                let sign = if gated { 1.0 } else { drive[row] };
                let other = if lines == 2 { exact.currents[at + 1] } else { 0.0 };
                [[exact.currents[at] * sign, other * sign]; 2]
            });
            // Currents of idle rows and cells reach the column, and the middle one, as well.
            let of = |column| leak(site, &exact.currents, &drive, column, lines);
            let leak = (of(column) - middle.map_or(0.0, of)) * f64::from(site.most())
                / (1.0 - physics.cell.g_min)
                * if lines == 2 { 1.0 } else { 2.0 };
            let difference = kept - real - leak;
            error.rms += difference * difference;
            error.worst = error.worst.max(difference.abs());
            error.effect += (real + leak - without) * (real + leak - without);
        }
    }
    let count = (drives * columns).max(1) as f64;
    error.rms = (error.rms / count).sqrt();
    error.effect = (error.effect / count).sqrt();
    error
}

/// Current that cells without a weight or on idle rows send into a column.
fn leak(site: &Site, currents: &[f64], drive: &[f64], column: usize, lines: usize) -> f64 {
    (0..site.rows)
        .filter(|&row| drive[row] == 0.0 || site.weights[column * site.rows + row] == 0)
        .map(|row| {
            let at = (row * site.columns + column) * lines;
            currents[at] - if lines == 2 { currents[at + 1] } else { 0.0 }
        })
        .sum()
}
