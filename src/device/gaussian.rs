//! Gaussian error of a conductance, additive or proportional.
//!
//! Source: CrossSim's generic errors (`NormalIndependentDevice`, `NormalProportionalDevice`), whose sigma is relative
//! to `Gmax`. Unit: `Gmax`. Where conductances are clamped, an OFF device of conductance 0 becomes half-normal:
//! mean `sigma / sqrt(2 pi)`, so that a pair loses `0.399 sigma` of its gain.

use super::physics::{Gaussian, Scale};

/// Conductance `g` with the error of the deviate `z`; `difference` is ON minus OFF.
#[inline]
pub fn gaussian(table: &Gaussian, g: f64, difference: f64, z: f64) -> f64 {
    let scale = match table.of {
        Scale::Gmax => 1.0,
        Scale::Difference => difference,
        Scale::Value => g,
    };
    g + table.sigma * scale * z
}
