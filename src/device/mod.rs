//! Draws chips: the physics of the `[variation]` table and a seed become the integers of a [`Chip`].
//!
//! One file a model, its source and unit in its head; `cells` and `edges` say in which order they act. A chip is a
//! function of physics, seed, fraction bits and sites alone: no state, no order, no thread count, no machine.
//! No dynamic noise is drawn, and no network is known.

mod block;
mod cells;
mod crossbar;
mod draws;
mod drift;
mod edges;
mod effects;
mod flash;
mod gaussian;
mod lognormal;
mod physics;
mod presets;
mod programming;
mod ramp;
pub mod random;
mod read_noise;
mod sar;
mod stuck;
mod threshold;
mod validate;
mod wires;

pub use crossbar::{Crossbar, Solution};
pub use draws::gains;
pub use edges::integer as integer_edge;
pub use physics::{
    Adc, AdcKind, Branches, Cell, CellKind, Column, Device, Die, Draws, Drift, Freeze, Gaussian, LogNormal,
    Physics, Programming, Reference, Row, Scale, Sense, Sides, Stuck, Threshold, Wires,
};
pub use presets::{PRESETS, Preset};
pub use read_noise::ColumnNoise;
pub use validate::PhysicsProblem;
pub use wires::{WireError, wire_error, wire_errors};

pub use crate::variation::DRAW_BITS;
use crate::variation::{ArrayDraw, Chip, Site, subject};
use cells::{Cells, Currents};
use random::{Kind, Stream};
use rayon::prelude::*;

/// Most fraction bits with which a cell has room for twice its ideal value.
pub const FRACTION_BITS: u32 = 14;

/// Draws the array at `site`: cell values and offsets rounded half to even, cell values held to 16 bits.
///
/// `physics` must be valid ([`Physics::validate`]). Panics where `fraction_bits` is beyond [`FRACTION_BITS`], or
/// the site's vectors do not have the sizes it states, or a uniform converter has fewer than 2 codes.
pub fn draw(physics: &Physics, seed: u64, fraction_bits: u32, site: &Site) -> ArrayDraw {
    assert!(fraction_bits <= FRACTION_BITS, "{fraction_bits} fraction bits, at most {FRACTION_BITS}");
    assert_eq!(site.weights.len(), site.rows * site.columns, "one weight a cell");
    if site.converter.draws() {
        return draws::arrays(physics, seed, std::slice::from_ref(site)).remove(0);
    }
    let unit = f64::from(1u32 << fraction_bits);
    let values = values(physics, seed, unit, site);
    let follow = match physics.drift.compensate && physics.drift.time > 0.0 {
        true => shrinkage(physics, seed, unit, site, &values),
        false => 1.0,
    };
    let [plus, minus] = values;
    let stream = Stream::new(seed, site.layer, site.array);
    let offset = |column| {
        let counts = physics.column.offset * stream.normal(Kind::Column, column, 0);
        (counts * unit).round_ties_even() as i32
    };
    ArrayDraw {
        rows: site.rows,
        columns: site.columns,
        plus,
        minus,
        offset: (0..site.columns).map(offset).collect(),
        edges: edges::edges(physics, &stream, fraction_bits, site, follow),
    }
}

/// What the cells of an array add where their row carries +1, and -1 with the sign turned, in `1 / unit` counts.
fn values(physics: &Physics, seed: u64, unit: f64, site: &Site) -> [Vec<i16>; 2] {
    let cells = Cells::new(physics, seed, site);
    let size = site.weights.len();
    let (mut plus, mut minus) = (Vec::with_capacity(size), Vec::with_capacity(size));
    let mut put = |column, row, currents, middle: Option<&Vec<Currents>>| {
        let middle = middle.map(|middle| middle[row]);
        let [p, m] = cells.counts(column, row, currents, middle).map(|count| rounded(count * unit));
        plus.push(p);
        minus.push(m);
    };
    let mut middle = cells.middle_column();
    if physics.wires.row > 0.0 || physics.wires.column > 0.0 {
        let mut currents: Vec<_> = (0..site.columns).flat_map(|column| cells.currents(column)).collect();
        // The middle column is the last one of the crossbar.
        let wide = middle.as_ref().map(|_| cells.with_middle_column());
        currents.extend(middle.take().into_iter().flatten());
        wires::freeze(physics, wide.as_ref().unwrap_or(site), &mut currents);
        middle = wide.map(|_| currents.split_off(size));
        for (cell, currents) in currents.into_iter().enumerate() {
            put(cell / site.rows, cell % site.rows, currents, middle.as_ref());
        }
    } else {
        for column in 0..site.columns {
            for (row, currents) in cells.currents(column).into_iter().enumerate() {
                put(column, row, currents, middle.as_ref());
            }
        }
    }
    [plus, minus]
}

/// Mean size of an array's cell values over what it was before they drifted.
fn shrinkage(physics: &Physics, seed: u64, unit: f64, site: &Site, now: &[Vec<i16>; 2]) -> f64 {
    let fresh = Physics { drift: Drift::default(), ..physics.clone() };
    let size = |values: &[Vec<i16>; 2]| -> u64 {
        values.iter().flatten().map(|value| u64::from(value.unsigned_abs())).sum()
    };
    match size(&values(&fresh, seed, unit, site)) {
        0 => 1.0,
        before => size(now) as f64 / before as f64,
    }
}

/// Half to even, held to 16 bits: behind the addition no digit below 1 is left.
#[inline]
fn rounded(value: f64) -> i16 {
    const DIGITS: f64 = 6_755_399_441_055_744.0;
    // The conversion to an integer saturates; beyond 2^51 digits hardly matter.
    (value + DIGITS - DIGITS) as i16
}

/// Draws a chip: [`draw`] for every site, in their order, on all threads; of cells that are drawn as they are read with one
/// gain a layer.
pub fn chip(physics: &Physics, seed: u64, fraction_bits: u32, sites: &[Site]) -> Chip {
    Chip {
        seed,
        subject: subject(sites),
        physics: physics.to_toml(),
        fraction_bits,
        widths: None,
        arrays: match sites.iter().all(|site| site.converter.draws()) {
            true => draws::arrays(physics, seed, sites),
            false => sites.par_iter().map(|site| draw(physics, seed, fraction_bits, site)).collect(),
        },
        thresholds: None,
        correction: None,
    }
}
