//! The cells of one array: from nominal weights to the currents of their devices, and from currents to counts.
//!
//! The order of effects is fixed: stored state, stuck devices, target conductance (rounded to its levels), Gaussian
//! error, clamp at 0, log-normal factor, threshold mismatch, shift of the die, row driver; then wires; then the
//! difference of the pair, or the difference from the reference. Effects that are off cost nothing and leave the
//! draws of the others as they are. Every device is keyed by its place, not by its weight: another network on the
//! same seed meets the same devices.

use super::block;
use super::gaussian::gaussian;
use super::lognormal::lognormal;
use super::physics::{Branches, CellKind, Physics, Reference};
use super::random::{Kind, Stream};
use super::stuck::stuck;
use super::threshold::Law;
use crate::variation::Site;

/// Currents of a cell in units of the nominal ON current: for drive +1 and for drive -1, those of its two lines (the
/// second is 0 where the cell has one line). Magnitudes: the sign of the drive is not in them.
pub type Currents = [[f64; 2]; 2];

/// The cells of one array before anything reads them.
pub struct Cells<'a> {
    physics: &'a Physics,
    site: &'a Site,
    stream: Stream,
    /// Conductance of a nominal OFF and ON device on the grid of levels.
    target: [f64; 2],
    /// Nominal ON minus OFF, by which counts are defined.
    difference: f64,
    /// What the whole chip's currents are multiplied by.
    die: f64,
    law: Option<Law>,
    /// Factor of each row's driver for drive +1 and -1.
    rows: Vec<[f64; 2]>,
}

/// Random numbers of a column's cells, one a row with a weight; empty where the effect is off.
struct Draws {
    stuck: Vec<[u64; 2]>,
    gaussian: Vec<[f64; 2]>,
    lognormal: Vec<[f64; 2]>,
    threshold: Vec<[f64; 2]>,
}

impl Draws {
    fn new(physics: &Physics, stream: &Stream, column: usize, rows: &[u32]) -> Draws {
        let normals = |wanted: bool, kind| match wanted {
            true => block::normals(stream, kind, column, rows),
            false => Vec::new(),
        };
        Draws {
            stuck: match physics.stuck.at_zero + physics.stuck.at_one > 0.0 {
                true => block::pairs(stream, Kind::Stuck, column, rows),
                false => Vec::new(),
            },
            gaussian: normals(physics.gaussian.sigma > 0.0, Kind::Gaussian),
            lognormal: normals(physics.lognormal.sigma > 0.0, Kind::LogNormal),
            threshold: normals(physics.threshold.a_vt > 0.0, Kind::Threshold),
        }
    }
}

impl<'a> Cells<'a> {
    pub fn new(physics: &'a Physics, seed: u64, site: &'a Site) -> Cells<'a> {
        let stream = Stream::new(seed, site.layer, site.array);
        let levels = f64::from((1u32 << physics.cell.bits) - 1);
        let grid = |g: f64| if physics.cell.bits == 0 { g } else { (g * levels).round_ties_even() / levels };
        let level = physics.row.level * site.level;
        let sigma = physics.row.inl / level;
        let driver = |row| stream.normals(Kind::Row, 0, row).map(|z| (1.0 + sigma * z).max(0.0));
        Cells {
            physics,
            site,
            stream,
            target: [grid(physics.cell.g_min), 1.0],
            difference: 1.0 - physics.cell.g_min,
            die: (1.0 + physics.die.sigma * Stream::new(seed, 0, 0).normal(Kind::Die, 0, 0)).max(0.0),
            law: (physics.threshold.a_vt > 0.0).then(|| Law::new(&physics.threshold, level)),
            rows: (0..site.rows).map(|row| if sigma > 0.0 { driver(row) } else { [1.0; 2] }).collect(),
        }
    }

    /// Currents of a column's cells at full voltage, one a row. A cell without a weight is switched off and free of
    /// errors.
    pub fn currents(&self, column: usize) -> Vec<Currents> {
        let kind = self.physics.cell.kind;
        let weights = &self.site.weights[column * self.site.rows..][..self.site.rows];
        let rows: Vec<u32> =
            (0..).zip(weights).filter(|(_, weight)| **weight != 0).map(|(row, _)| row).collect();
        let first = Draws::new(self.physics, &self.stream, 2 * column, &rows);
        let own = kind == CellKind::Pair && self.physics.cell.branches == Branches::Independent;
        let second = own.then(|| Draws::new(self.physics, &self.stream, 2 * column + 1, &rows));
        let off = self.physics.cell.g_min;
        let empty = [[off, if kind == CellKind::Pair { off } else { 0.0 }]; 2];
        let mut currents = vec![empty; weights.len()];
        for (at, &row) in rows.iter().enumerate() {
            let row = row as usize;
            currents[row] = self.cell(row, weights[row] > 0, at, &first, second.as_ref());
        }
        currents
    }

    /// Currents of one cell; `at`: its place in the draws.
    #[inline]
    fn cell(&self, row: usize, on: bool, at: usize, first: &Draws, second: Option<&Draws>) -> Currents {
        let shared = self.physics.cell.branches == Branches::Shared;
        let [plus, minus] = self.rows[row];
        match self.physics.cell.kind {
            CellKind::Pair => {
                let [a, b] = self.devices(first, at, [on, !on], false);
                let [c, d] = second.map_or([a, b], |second| self.devices(second, at, [on, !on], false));
                [[a * plus, b * plus], [c * minus, d * minus]]
            }
            CellKind::Offset => {
                let [a, b] = self.devices(first, at, [on, on], shared);
                [[a * plus, 0.0], [b * minus, 0.0]]
            }
            CellKind::Xnor => {
                let on = match first.stuck.get(at) {
                    Some(bits) => stuck(&self.physics.stuck, on, bits[0]),
                    None => on,
                };
                let [a, b] = self.devices(first, at, [on, !on], shared);
                [[a * plus, 0.0], [b * minus, 0.0]]
            }
        }
    }

    /// Currents of two devices of a cell; `same`: one device in two states.
    #[inline]
    fn devices(&self, draws: &Draws, at: usize, written: [bool; 2], same: bool) -> [f64; 2] {
        let physics = self.physics;
        let both = |numbers: [f64; 2]| if same { [numbers[0]; 2] } else { numbers };
        let mut state = written;
        if physics.cell.kind != CellKind::Xnor
            && let Some(&[a, b]) = draws.stuck.get(at)
        {
            let bits = if same { [a, a] } else { [a, b] };
            state = [0, 1].map(|i| stuck(&physics.stuck, written[i], bits[i]));
        }
        let mut current = state.map(|on| self.target[usize::from(on)]);
        if let Some(z) = draws.gaussian.get(at) {
            let z = both(*z);
            current = [0, 1].map(|i| gaussian(&physics.gaussian, current[i], self.difference, z[i]));
            if physics.cell.clamp {
                current = current.map(|g| g.max(0.0));
            }
        }
        if let Some(z) = draws.lognormal.get(at) {
            let z = both(*z);
            current = [0, 1].map(|i| current[i] * lognormal(&physics.lognormal, z[i]));
        }
        if let (Some(law), Some(z)) = (&self.law, draws.threshold.get(at)) {
            let z = both(*z);
            current = [0, 1].map(|i| current[i] * law.factor(z[i]));
        }
        current.map(|i| i * self.die)
    }

    /// What a cell adds to the column, in counts: where the row carries +1, and (with its sign turned) -1. 0 for a
    /// cell without a weight.
    #[inline]
    pub fn counts(&self, column: usize, row: usize, currents: Currents) -> [f64; 2] {
        if self.site.weights[column * self.site.rows + row] == 0 {
            return [0.0; 2];
        }
        let [[a, b], [c, d]] = currents;
        let die = if self.physics.cell.reference == Reference::Replica { self.die } else { 1.0 };
        let middle = (1.0 + self.physics.cell.g_min) / 2.0 * die;
        let half = self.difference / 2.0;
        match self.physics.cell.kind {
            CellKind::Pair => [(a - b) / self.difference, (c - d) / self.difference],
            CellKind::Offset => [(a - middle) / half, (c - middle) / half],
            CellKind::Xnor => [(a - middle) / half, (middle - c) / half],
        }
    }
}
