//! Cells that are drawn as they are read: the probability with which each reads as +1, from pairs of phase-change devices.
//!
//! A cell is the sign of `(G+ - G-) + n` in one read, `n` the current of a pair in the noise plane. To read as +1 with the
//! probability p it is programmed to `G+ - G- = s Phi^-1(p)`, one-sided and held to `Gmax`, where `s` is the standard
//! deviation of `n`. Then each device takes its programming error ([`programming`]), held to what was verified, and drifts
//! ([`drift`]); the plane's devices are ON and drift by the mean exponent; what is left of an error in a cell's noise pair
//! does not change from read to read. The devices of a weight have read noise of their own, aihwkit's fit
//! (`inference/noise/pcm.py`): `g(t) Q sqrt(ln((t + tr) / 2 tr))`, `Q = 0.0088 / x^0.65` up to 0.2, `x` what was written,
//! `tr` 250 ns. Their 1/f noise and the plane's are taken as white: every read draws anew, of every cell alike. Unit: `Gmax`.
//!
//! With compensation the weights' read voltage of a layer grows by one number: what the mean size of its cells' differences
//! has shrunk by, times what the plane's noise has.

use super::drift::{self, FIRST_READ};
use super::physics::{Draws, Drift, Physics};
use super::programming;
use super::random::{Kind, Stream, normal};
use crate::variation::{ArrayDraw, DRAW_HALF, Site};
use rayon::prelude::*;

/// Seconds of one reading.
const READING: f64 = 250e-9;

/// The arrays at `sites`, with one gain a layer.
pub fn arrays(physics: &Physics, seed: u64, sites: &[Site]) -> Vec<ArrayDraw> {
    let gains = gains(physics, seed, sites);
    let gain =
        |site: &Site| gains.iter().find(|(layer, _)| *layer == site.layer).map_or(1.0, |(_, gain)| *gain);
    sites.par_iter().map(|site| Array::new(physics, seed, site).draw(gain(site))).collect()
}

/// What the weights' read voltage of each drawn layer is multiplied by: layer and number.
pub fn gains(physics: &Physics, seed: u64, sites: &[Site]) -> Vec<(usize, f64)> {
    let drawn = sites.iter().filter(|site| !site.converter.flips().is_empty());
    let mut layers: Vec<usize> = drawn.map(|site| site.layer).collect();
    layers.dedup();
    let noise = plane(&physics.draws, &physics.drift) / physics.draws.noise;
    let fresh = Physics { drift: Drift { time: 0.0, ..physics.drift.clone() }, ..physics.clone() };
    let of = |layer: usize| {
        let sites = || sites.par_iter().filter(move |site| site.layer == layer);
        // Sums of integers: the order of threads changes nothing.
        let size =
            |physics: &Physics| sites().map(|site| Array::new(physics, seed, site).size()).sum::<u64>();
        match size(physics) {
            0 => 1.0,
            now => size(&fresh) as f64 / now as f64 * noise,
        }
    };
    let compensates = physics.drift.compensate && physics.drift.time > 0.0 && physics.draws.noise > 0.0;
    layers.into_iter().map(|layer| (layer, if compensates { of(layer) } else { 1.0 })).collect()
}

/// Standard deviation of the plane's noise in one read, at this age.
fn plane(draws: &Draws, age: &Drift) -> f64 {
    let decay = drift::Law::new(age).map_or(1.0, |law| law.factor(1.0, 0.0));
    draws.noise * decay * (spread(age.time) / spread(0.0))
}

/// What a device's read noise grows by with the age: `sqrt(ln((t + tr) / 2 tr))`.
fn spread(time: f64) -> f64 {
    libm::log((time + FIRST_READ + READING) / (2.0 * READING)).sqrt()
}

/// Share of a normal distribution below `x`.
fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The cells of one site.
struct Array<'a> {
    physics: &'a Physics,
    site: &'a Site,
    flips: &'a [u8],
    stream: Stream,
    drift: Option<drift::Law>,
    /// Standard deviation of the plane's noise.
    noise: f64,
    spread: f64,
}

impl<'a> Array<'a> {
    fn new(physics: &'a Physics, seed: u64, site: &'a Site) -> Array<'a> {
        Array {
            physics,
            site,
            flips: site.converter.flips(),
            stream: Stream::new(seed, site.layer, site.array),
            drift: drift::Law::new(&physics.drift),
            noise: plane(&physics.draws, &physics.drift),
            spread: spread(physics.drift.time),
        }
    }

    fn draw(&self, gain: f64) -> ArrayDraw {
        let Site { rows, columns, .. } = *self.site;
        let plus = (0..rows * columns).map(|place| self.cell(place, gain)).collect();
        ArrayDraw { rows, columns, plus, ..ArrayDraw::default() }
    }

    /// Sum of the sizes of all cells' differences, in 2^-20 `Gmax`.
    fn size(&self) -> u64 {
        let used = (0..self.site.weights.len()).filter(|&place| self.site.weights[place] != 0);
        used.map(|place| ((self.pair(place).0).abs() * f64::from(1 << 20)).round() as u64).sum()
    }

    fn cell(&self, place: usize, gain: f64) -> i16 {
        let weight = i16::from(self.site.weights[place]);
        let flip = self.flips.get(place).map_or(0, |&flip| i16::from(flip));
        if weight == 0 || self.physics.draws.noise == 0.0 {
            return weight * (DRAW_HALF - flip);
        }
        let (difference, read) = self.pair(place);
        // Where nothing is drawn the plane is off.
        if self.flips.is_empty() {
            return DRAW_HALF * if difference == 0.0 { weight } else { difference.signum() as i16 };
        }
        let mean = difference * gain + self.mismatch(place);
        let deviation = libm::sqrt(self.noise * self.noise + gain * gain * read * read);
        let half = f64::from(DRAW_HALF);
        match (2.0 * half * below(mean / deviation)).round_ties_even() as i16 - DRAW_HALF {
            // No cell is at the very middle.
            0 => {
                if mean < 0.0 {
                    -1
                } else {
                    1
                }
            }
            value => value,
        }
    }

    /// Difference of a cell's two conductances now, and standard deviation of their read noise.
    fn pair(&self, place: usize) -> (f64, f64) {
        let flip = self.flips.get(place).map_or(0.0, |&flip| f64::from(flip));
        let p = 1.0 - flip / 256.0;
        let size = if p < 1.0 { (self.physics.draws.noise * normal(p)).min(1.0) } else { 1.0 };
        let targets = if self.site.weights[place] > 0 { [size, 0.0] } else { [0.0, size] };
        let (column, row) = (place / self.site.rows, place % self.site.rows);
        let errors = self.stream.normals(Kind::Programming, column, row);
        let ages = self.stream.normals(Kind::Drift, column, row);
        let device = |index: usize| {
            let target = targets[index];
            let written = self.written(target, errors[index]);
            let now = written * self.drift.map_or(1.0, |law| law.factor(written, ages[index]));
            let share = (0.0088 / libm::pow(target, 0.65).max(1e-3)).min(0.2);
            (now, self.physics.draws.read_noise * now * share * self.spread)
        };
        let ((plus, first), (minus, second)) = (device(0), device(1));
        (plus - minus, libm::sqrt(first * first + second * second))
    }

    /// What a device that was to take `target` is written to: with a tolerance, what is beyond it is written anew.
    fn written(&self, target: f64, z: f64) -> f64 {
        let table = &self.physics.programming;
        let deviation = table.scale * programming::deviation(table.device, target);
        let tolerance = self.physics.draws.tolerance;
        let z = match tolerance > 0.0 && deviation > 0.0 {
            true => {
                let most = below(tolerance / deviation);
                normal(1.0 - most + (2.0 * most - 1.0) * below(z))
            }
            false => z,
        };
        programming::written(table, target, z)
    }

    /// What is left of an error in a cell's noise pair.
    fn mismatch(&self, place: usize) -> f64 {
        let (column, row) = (place / self.site.rows, place % self.site.rows);
        let [error, age] = self.stream.normals(Kind::NoisePair, column, row);
        let decay = self.drift.map_or(1.0, |law| law.factor(1.0, age));
        self.physics.draws.mismatch * error * decay
    }
}
