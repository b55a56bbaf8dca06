//! What writing leaves of error on a device, by the state that it was to take: published fits.
//!
//! Unit: `Gmax` of the device that was measured. Sources, with the conductance `G` in uS or the current `I` in nA:
//! PCM, aihwkit (`inference/noise/pcm.py`, after Joshi et al., Nature Communications 11, 2020): `0.26348 + 1.965 x -
//! 1.1731 x^2` uS with `x = G / 25 uS`. PCM, CrossSim (`PCM_Joshi`): `0.28639 + 0.075857 G - 0.0017877 G^2` uS, up to
//! 25 uS. RRAM, CrossSim (`RRAM_Milo`): `4.782 - 0.009107 G` uS, up to 225 uS. RRAM, CrossSim (`RRAM_Wan`): `1.053 +
//! 0.2374 G - 0.01167 G^2 + 0.0001536 G^3` uS, up to 39.26 uS. SONOS, CrossSim, just written: `19.887 (1 - exp(-I /
//! 176.31))` nA, of 1600 nA here, the largest current in Xiao et al.

use super::physics::{Device, Programming};

/// Conductance `g` with the error of the deviate `z`; never below 0.
#[inline]
pub fn written(table: &Programming, g: f64, z: f64) -> f64 {
    (g + table.scale * deviation(table.device, g) * z).max(0.0)
}

/// Standard deviation of a device that was to take the conductance `x`.
#[inline]
pub fn deviation(device: Device, x: f64) -> f64 {
    let (most, deviation) = match device {
        Device::Pcm => (25.0, 0.26348 + x * (1.965 - 1.1731 * x)),
        Device::PcmJoshi => {
            let g = 25.0 * x;
            (25.0, 0.286_385_99 + g * (0.075_857_24 - 0.001_787_67 * g))
        }
        Device::RramMilo => (225.0, 4.782 - 0.009_107 * (225.0 * x)),
        Device::RramWan => {
            let g = 39.26 * x;
            (39.26, 1.053 + g * (0.2374 + g * (-0.011_67 + 1.536e-4 * g)))
        }
        Device::Sonos => (1600.0, 19.887 * (1.0 - libm::exp(-1600.0 * x / 176.31))),
    };
    deviation.max(0.0) / most
}
