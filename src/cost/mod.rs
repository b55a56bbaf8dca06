//! What a design costs: memories, an area estimate, and the geometry that suits a device best.
//!
//! Estimates only; the synthesis report is the truth.

mod area;
mod candidates;
mod choose;
mod evidence;

pub use area::{Area, Memory, area, memories};
pub use candidates::{Candidate, table};
pub use choose::{Choice, ChoiceError, Misfit, Progress, Wish, choose, choose_as, devices_that_fit};

use crate::design::Design;

/// Speed of a design at `clock_mhz`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Speed {
    /// Cycles of one frame's computation.
    pub cycles: u64,
    /// Cycles between frames in a steady stream: computation, or the input stream where that is slower.
    pub interval: u64,
    pub frames_per_second: f64,
    /// Operations (two a multiply-accumulate) a second, in billions.
    pub gops: f64,
}

/// Cycles and frames a second of `design`.
pub fn speed(design: &Design, clock_mhz: f64) -> Speed {
    let interval = design.interval();
    let frames_per_second = clock_mhz * 1e6 / interval as f64;
    let gops = 2.0 * design.network.macs() as f64 * frames_per_second / 1e9;
    Speed { cycles: design.cycles, interval, frames_per_second, gops }
}
