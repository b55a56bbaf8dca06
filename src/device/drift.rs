//! Drift of a device's conductance after it was written: `g(t) = g (t / t0)^-nu`, `t = time + t0`, `t0` 20 s.
//!
//! Each device has an exponent of its own, drawn once: the magnitude of a normal deviate whose mean and standard
//! deviation are given, or follow from what was written, `x` in `Gmax`: mean `-0.0155 ln x + 0.0244` held to 0.049 and
//! 0.1, deviation `-0.0125 ln x - 0.0059` held to 0.008 and 0.045 (aihwkit, `inference/noise/pcm.py`).

use super::physics::Drift;

/// Seconds between writing and the first reading, to which conductances refer.
pub const FIRST_READ: f64 = 20.0;

/// The drift until one time.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// `ln(t / t0)`.
    log_time: f64,
    /// Mean and standard deviation of the exponent; by the state where there are none.
    given: Option<(f64, f64)>,
}

impl Law {
    /// None where no time has passed.
    pub fn new(table: &Drift) -> Option<Law> {
        let log_time = libm::log((table.time + FIRST_READ) / FIRST_READ);
        (table.time > 0.0).then_some(Law { log_time, given: table.nu.map(|nu| (nu, table.spread)) })
    }

    /// What the conductance of a device that was written to `g` has become a multiple of, for its deviate `z`.
    #[inline]
    pub fn factor(&self, g: f64, z: f64) -> f64 {
        let (mean, spread) = self.given.unwrap_or_else(|| by_state(g));
        libm::exp(-(mean + spread * z).abs() * self.log_time)
    }
}

#[inline]
fn by_state(g: f64) -> (f64, f64) {
    let log = libm::log(g.max(1e-7));
    ((-0.0155 * log + 0.0244).clamp(0.049, 0.1), (-0.0125 * log - 0.0059).clamp(0.008, 0.045))
}
