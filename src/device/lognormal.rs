//! Log-normal error of a current: transistors below threshold, filaments.
//!
//! Source: a threshold voltage that is normal makes a sub-threshold current log-normal,
//! `sigma = sigma_VT / (n kT/q)`. Unit: factor. Its median is 1, its mean `exp(sigma^2 / 2)`, its variance
//! `exp(sigma^2) (exp(sigma^2) - 1)`.

use super::physics::LogNormal;

/// Factor on a device's current for the deviate `z`.
#[inline]
pub fn lognormal(table: &LogNormal, z: f64) -> f64 {
    libm::exp(table.sigma * z)
}
