//! The cells of one array: from nominal weights to the currents of their devices, and from currents to counts.
//!
//! The order of effects is fixed: stored state, stuck devices, target conductance (rounded to its levels), Gaussian
//! error, clamp at 0, programming error, drift, log-normal factor, threshold mismatch, shift of the die, row driver; then wires; then the
//! difference of the pair, or the difference from the reference, unless that is taken away behind the converter. Effects that are off cost nothing and leave the
//! draws of the others as they are. Every device is keyed by its place, not by its weight: another network on the
//! same seed meets the same devices.

use super::block;
use super::drift;
use super::gaussian::gaussian;
use super::lognormal::lognormal;
use super::physics::{Branches, CellKind, Physics, Reference, Sides};
use super::programming;
use super::random::{Kind, Stream};
use super::stuck::stuck;
use super::threshold::Law;
use crate::variation::{Site, Zero};

/// Column that keys the random numbers of the middle column: the same devices whatever the array's width.
const MIDDLE: usize = 1 << 24;

/// Currents of a cell in units of the nominal ON current: for drive +1 and for drive -1, those of its two lines (the
/// second is 0 where the cell has one line). Magnitudes: the sign of the drive is not in them.
pub type Currents = [[f64; 2]; 2];

/// The cells of one array before anything reads them.
pub struct Cells<'a> {
    physics: &'a Physics,
    site: &'a Site,
    stream: Stream,
    /// Conductance of a nominal OFF device on the grid of levels; an ON device has 1.
    off: f64,
    /// Largest multiple of the grid's step; 0: continuous.
    levels: f64,
    /// Nominal ON minus OFF, by which counts are defined.
    difference: f64,
    /// Largest weight of a cell.
    most: f64,
    /// What the devices of a cell of each weight from `-most` on are written to: looked up, for a branch on random weights
    /// would take longer than all else.
    written: Vec<Written>,
    /// What the whole chip's currents are multiplied by.
    die: f64,
    law: Option<Law>,
    drift: Option<drift::Law>,
    /// Factor of each row's driver for drive +1 and -1.
    rows: Vec<[f64; 2]>,
}

/// What two devices are written to.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// From 0 (OFF) to 1 (ON).
    states: [f64; 2],
    /// Nominal conductances of the states.
    targets: [f64; 2],
}

/// Random numbers of a column's cells, one a row with a weight; empty where the effect is off.
struct Draws {
    stuck: Vec<[u64; 2]>,
    gaussian: Vec<[f64; 2]>,
    programming: Vec<[f64; 2]>,
    drift: Vec<[f64; 2]>,
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
            programming: normals(physics.programming.scale > 0.0, Kind::Programming),
            drift: normals(physics.drift.time > 0.0, Kind::Drift),
            lognormal: normals(physics.lognormal.sigma > 0.0, Kind::LogNormal),
            threshold: normals(physics.threshold.a_vt > 0.0, Kind::Threshold),
        }
    }
}

impl<'a> Cells<'a> {
    pub fn new(physics: &'a Physics, seed: u64, site: &'a Site) -> Cells<'a> {
        let stream = Stream::new(seed, site.layer, site.array);
        let levels = f64::from((1u32 << physics.cell.bits) - 1);
        let level = physics.row.level * site.level;
        let sigma = physics.row.inl / level;
        let driver = |row| stream.normals(Kind::Row, 0, row).map(|z| (1.0 + sigma * z).max(0.0));
        let mut cells = Cells {
            physics,
            site,
            stream,
            off: on_grid(physics.cell.g_min, levels),
            levels,
            difference: 1.0 - physics.cell.g_min,
            most: f64::from(site.most()),
            written: Vec::new(),
            die: (1.0 + physics.die.sigma * Stream::new(seed, 0, 0).normal(Kind::Die, 0, 0)).max(0.0),
            drift: drift::Law::new(&physics.drift),
            law: (physics.threshold.a_vt > 0.0).then(|| Law::new(&physics.threshold, level)),
            rows: (0..site.rows).map(|row| if sigma > 0.0 { driver(row) } else { [1.0; 2] }).collect(),
        };
        let weights = -site.most()..=site.most();
        cells.written = weights.map(|weight| cells.written_to(cells.states(weight))).collect();
        cells
    }

    /// States of the two devices of a cell of this weight.
    fn states(&self, weight: i32) -> [f64; 2] {
        let weight = f64::from(weight) / self.most;
        match (self.physics.cell.kind, self.physics.cell.sides) {
            (CellKind::Pair, Sides::One) => [weight.max(0.0), (-weight).max(0.0)],
            (CellKind::Pair, Sides::Two) => [(1.0 + weight) / 2.0, (1.0 - weight) / 2.0],
            (CellKind::Offset, _) => [(1.0 + weight) / 2.0; 2],
            (CellKind::Xnor, _) => [(1.0 + weight) / 2.0, 1.0 - (1.0 + weight) / 2.0],
        }
    }

    fn written_to(&self, states: [f64; 2]) -> Written {
        Written { states, targets: states.map(|state| self.target(state)) }
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
            let weight = self.site.weight(column * self.site.rows + row);
            currents[row] = self.cell(row, weight, at, &first, second.as_ref());
        }
        currents
    }

    /// Currents of the cells at the middle conductance, one a row, where the physics has such a column.
    pub fn middle_column(&self) -> Option<Vec<Currents>> {
        if self.physics.cell.reference != Reference::Column || self.physics.cell.kind == CellKind::Pair {
            return None;
        }
        let used = |row: &u32| {
            (0..self.site.columns).any(|c| self.site.weights[c * self.site.rows + *row as usize] != 0)
        };
        let rows: Vec<u32> = (0..self.site.rows as u32).filter(used).collect();
        let draws = Draws::new(self.physics, &self.stream, MIDDLE, &rows);
        let shared = self.physics.cell.branches == Branches::Shared;
        let mut currents = vec![[[self.physics.cell.g_min, 0.0]; 2]; self.site.rows];
        for (at, &row) in rows.iter().enumerate() {
            let [plus, minus] = self.rows[row as usize];
            let [a, b] = self.devices(&draws, at, &self.written_to([0.5; 2]), shared);
            currents[row as usize] = [[a * plus, 0.0], [b * minus, 0.0]];
        }
        Some(currents)
    }

    /// The site with the middle column behind its own.
    pub fn with_middle_column(&self) -> Site {
        let mut site = self.site.clone();
        let used = |row: usize| (0..site.columns).any(|column| site.weights[column * site.rows + row] != 0);
        let column: Vec<i8> = (0..site.rows).map(|row| i8::from(used(row))).collect();
        site.weights.extend(column);
        site.columns += 1;
        site
    }

    /// Currents of one cell; `at`: its place in the draws.
    #[inline]
    fn cell(&self, row: usize, weight: i32, at: usize, first: &Draws, second: Option<&Draws>) -> Currents {
        let written = &self.written[(weight + self.site.most()) as usize];
        let shared = self.physics.cell.branches == Branches::Shared;
        let [plus, minus] = self.rows[row];
        match self.physics.cell.kind {
            CellKind::Pair => {
                let [a, b] = self.devices(first, at, written, false);
                let [c, d] = second.map_or([a, b], |second| self.devices(second, at, written, false));
                [[a * plus, b * plus], [c * minus, d * minus]]
            }
            CellKind::Offset => {
                let [a, b] = self.devices(first, at, written, shared);
                [[a * plus, 0.0], [b * minus, 0.0]]
            }
            CellKind::Xnor => {
                let [a, b] = match first.stuck.get(at) {
                    Some(bits) => {
                        let on = stuck(&self.physics.stuck, written.states[0], bits[0]);
                        self.devices(first, at, &self.written_to([on, 1.0 - on]), shared)
                    }
                    None => self.devices(first, at, written, shared),
                };
                [[a * plus, 0.0], [b * minus, 0.0]]
            }
        }
    }

    /// Currents of the two devices of a cell; `same`: one device in two states.
    #[inline]
    fn devices(&self, draws: &Draws, at: usize, written: &Written, same: bool) -> [f64; 2] {
        let physics = self.physics;
        let both = |numbers: [f64; 2]| if same { [numbers[0]; 2] } else { numbers };
        let mut current = written.targets;
        if physics.cell.kind != CellKind::Xnor
            && let Some(&[a, b]) = draws.stuck.get(at)
        {
            let bits = if same { [a, a] } else { [a, b] };
            current = [0, 1].map(|i| self.target(stuck(&physics.stuck, written.states[i], bits[i])));
        }
        if let Some(z) = draws.gaussian.get(at) {
            let z = both(*z);
            current = [0, 1].map(|i| gaussian(&physics.gaussian, current[i], self.difference, z[i]));
            if physics.cell.clamp {
                current = current.map(|g| g.max(0.0));
            }
        }
        if let Some(z) = draws.programming.get(at) {
            let z = both(*z);
            current = [0, 1].map(|i| programming::written(&physics.programming, current[i], z[i]));
        }
        if let (Some(law), Some(z)) = (&self.drift, draws.drift.get(at)) {
            let z = both(*z);
            current = [0, 1].map(|i| current[i] * law.factor(current[i], z[i]));
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

    /// Conductance of a nominal device in a state from 0 (OFF) to 1 (ON).
    #[inline]
    fn target(&self, state: f64) -> f64 {
        if state == 1.0 {
            1.0
        } else if state == 0.0 {
            self.off
        } else {
            on_grid(self.physics.cell.g_min + self.difference * state, self.levels)
        }
    }

    /// What a cell adds to the column, in counts: where the row carries +1, and (with its sign turned) -1. 0 for a
    /// cell without a weight. `middle`: the row's cell of the middle column, where there is one.
    #[inline]
    pub fn counts(
        &self,
        column: usize,
        row: usize,
        currents: Currents,
        middle: Option<Currents>,
    ) -> [f64; 2] {
        if self.site.weights[column * self.site.rows + row] == 0 {
            return [0.0; 2];
        }
        let [[a, b], [c, d]] = currents;
        let die = if self.physics.cell.reference == Reference::Replica { self.die } else { 1.0 };
        let nominal = (1.0 + self.physics.cell.g_min) / 2.0 * die;
        let [up, down] = match self.site.zero {
            Zero::Common => middle.map_or([nominal; 2], |middle| middle.map(|line| line[0])),
            Zero::Current => [0.0; 2],
        };
        // A full cell stands for `most` counts.
        let whole = self.difference / self.most;
        let half = whole / 2.0;
        match self.physics.cell.kind {
            CellKind::Pair => [(a - b) / whole, (c - d) / whole],
            CellKind::Offset => [(a - up) / half, (c - down) / half],
            CellKind::Xnor => [(a - up) / half, (down - c) / half],
        }
    }
}

/// The nearest multiple of `1 / levels`, half to even; 0: any conductance.
#[inline]
fn on_grid(g: f64, levels: f64) -> f64 {
    if levels == 0.0 { g } else { (g * levels).round_ties_even() / levels }
}
