//! Mismatch of the threshold voltage, seen through the alpha-power law.
//!
//! Sources: Pelgrom, Duinmaijer, Welbers, JSSC 24(5), 1989: `sigma_VT = A_VT / sqrt(W L)`; Sakurai, Newton, JSSC
//! 25(2), 1990: `I ~ (VGS - VT)^alpha`. Unit: factor on the current, voltages in mV. To first order
//! `dI/I = -alpha dVT / (VGS - VT)`. A driver at level `a` gives the current `a`, hence the overdrive is
//! `a^(1/alpha)` of the full one: the relative error grows as the level falls.

use super::physics::Threshold;

/// The law at one drive level.
#[derive(Debug, Clone, Copy)]
pub struct Law {
    /// Standard deviation of the threshold voltage over the overdrive.
    relative: f64,
    alpha: f64,
}

impl Law {
    /// `level`: fraction of the driver's full scale.
    pub fn new(table: &Threshold, level: f64) -> Law {
        let sigma = table.a_vt / (table.width * table.length).sqrt();
        Law { relative: sigma / (table.overdrive * libm::pow(level, 1.0 / table.alpha)), alpha: table.alpha }
    }

    /// Factor on a device's current for the deviate `z`; 0 where the device no longer conducts.
    #[inline]
    pub fn factor(&self, z: f64) -> f64 {
        libm::pow((1.0 - self.relative * z).max(0.0), self.alpha)
    }
}
