//! Devices that stay OFF or ON whatever is written.
//!
//! Source: the usual stuck-at model (MNSIM, NeuroSim): independent devices, two rates. A balanced pair keeps the gain
//! `1 - p0 - p1` and its sum of N cells varies by `N [p0 (1 - p0) + p1 (1 - p1)]` more. A stuck device still has the
//! errors of its state.

use super::physics::Stuck;
use super::random::uniform;

/// Whether the device is ON, given what was written and its random number.
#[inline]
pub fn stuck(table: &Stuck, written: bool, bits: u64) -> bool {
    let u = uniform(bits);
    if u < table.at_zero { false } else { u < table.at_zero + table.at_one || written }
}
