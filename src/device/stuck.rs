//! Devices that stay OFF or ON whatever is written.
//!
//! Source: the usual stuck-at model (MNSIM, NeuroSim): independent devices, two rates. A balanced pair keeps the gain
//! `1 - p0 - p1` and its sum of N cells varies by `N [p0 (1 - p0) + p1 (1 - p1)]` more. A stuck device still has the
//! errors of its state.

use super::physics::Stuck;
use super::random::uniform;

/// State of the device, 0 (OFF) to 1 (ON), given what was written and its random number.
#[inline]
pub fn stuck(table: &Stuck, written: f64, bits: u64) -> f64 {
    let u = uniform(bits);
    if u < table.at_zero {
        0.0
    } else if u < table.at_zero + table.at_one {
        1.0
    } else {
        written
    }
}
