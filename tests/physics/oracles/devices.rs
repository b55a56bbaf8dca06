//! Named devices: programming error by state, and drift with and without its compensation, against the published fits.

use super::support::*;
use bincim::device::{Cell, CellKind, Device, Drift, Physics, Programming, draw};
use bincim::variation::{Converter, Levels, Site};

const YEAR: f64 = 365.0 * 86_400.0;

/// One device a cell, at `state` tenths of `Gmax` above OFF: an offset cell of weight `w` of 5 stands at `(1 + w/5) / 2`.
fn devices(state: i8) -> Site {
    let level = i16::from(state) - 5;
    let levels = Levels { most: 5, values: vec![level; 256 * 64] };
    Site { levels: Some(levels), ..site(256, 64, |_, _| if level < 0 { -1 } else { 1 }) }
}

/// Conductances of the devices, as fractions of `Gmax`.
fn conductances(physics: &Physics, state: i8) -> Vec<f64> {
    let physics = Physics { cell: Cell { kind: CellKind::Offset, ..Cell::default() }, ..physics.clone() };
    assert_eq!(physics.validate(), []);
    let unit = f64::from(1 << 10);
    // A count is a fifth of half the difference from OFF to ON.
    let of = |value: &i16| (1.0 + f64::from(*value) / unit / 5.0) / 2.0;
    draw(&physics, 11, 10, &devices(state)).plus.iter().map(of).collect()
}

fn programmed(device: Device) -> Physics {
    Physics { programming: Programming { scale: 1.0, device }, ..Physics::default() }
}

/// O37: mean and deviation of what was written; the states are far enough from 0 for a clamp to do nothing.
#[test]
fn o37_programming_errors_are_those_of_the_device() {
    // Published values in uS (SONOS: nA), by hand from the fits.
    let cases = [
        (Device::Pcm, 25.0, [(2, 0.609_556), (6, 1.020_164), (10, 1.055_38)]),
        (Device::PcmJoshi, 25.0, [(2, 0.620_980), (6, 1.022_019), (10, 1.065_523)]),
        (Device::RramMilo, 225.0, [(4, 3.962_37), (6, 3.552_555), (10, 2.732_925)]),
        (Device::RramWan, 39.26, [(4, 2.497_995), (6, 2.177_371), (10, 1.680_641)]),
        (Device::Sonos, 1600.0, [(2, 16.648_594), (6, 19.801_127), (10, 19.884_7)]),
    ];
    for (device, most, states) in cases {
        for (state, deviation) in states {
            let found = conductances(&programmed(device), state);
            let sigma = deviation / most;
            // The cells' integers are steps of a tenth of a thousandth.
            let what = format!("{device:?} at {state}");
            assert_moments(&what, &found, f64::from(state) / 10.0, sigma * sigma);
        }
    }
    // OFF, the error of PCM is half-normal behind the clamp.
    let off = conductances(&programmed(Device::Pcm), 0);
    let sigma = 0.263_48 / 25.0;
    let half = sigma / (2.0 * std::f64::consts::PI).sqrt();
    assert_moments("OFF", &off, half, sigma * sigma / 2.0 - half * half);
}

/// O38: a normal exponent makes the conductance log-normal; a year leaves half of an ON device.
#[test]
fn o38_drift_is_that_of_phase_change_memory() {
    let log_time = (1.0 + YEAR / 20.0_f64).ln();
    // Mean and deviation of the exponent by the state, by hand from the fit.
    for (state, nu, spread) in [(10, 0.049, 0.008), (6, 0.049, 0.008), (2, 0.049_346_3, 0.014_218)] {
        let physics = Physics { drift: Drift { time: YEAR, ..Drift::default() }, ..Physics::default() };
        let found = conductances(&physics, state);
        let (mean, variance) = (-nu * log_time, (spread * log_time).powi(2));
        let expected = f64::from(state) / 10.0 * (mean + variance / 2.0_f64).exp();
        let squared = expected * expected * (variance.exp() - 1.0);
        assert_moments(&format!("a year at {state}"), &found, expected, squared);
    }
    // Exponents that the file gives, in place of those of the states.
    let given = Drift { time: 1e6, nu: Some(0.2), spread: 0.03, compensate: false };
    let found = conductances(&Physics { drift: given, ..Physics::default() }, 10);
    let log_time = (1.0 + 1e6 / 20.0_f64).ln();
    let variance = (0.03 * log_time).powi(2);
    let expected = (-0.2 * log_time + variance / 2.0).exp();
    assert_moments("given", &found, expected, expected * expected * (variance.exp() - 1.0));
    let given = Drift { time: 1e6, nu: Some(0.2), spread: 0.0, compensate: false };
    let found = conductances(&Physics { drift: given, ..Physics::default() }, 10);
    let expected = (1.0 + 1e6 / 20.0_f64).powf(-0.2);
    assert!(found.iter().all(|g| (g - expected).abs() < 2e-4), "{expected}");
}

/// O39: converters that follow the drift give the codes of the first day; without that the sums shrink to half.
#[test]
fn o39_a_compensated_array_gives_the_codes_of_the_first_day() {
    let mut site = site(256, 64, |column, row| if (column * 31 + row * 17) % 7 < 3 { -1 } else { 1 });
    site.converter = Converter::Uniform { levels: 129, low: -128.0, step: 2.0 };
    let drives: Vec<Vec<i8>> =
        (0..64).map(|c| (0..256).map(|r| if (r * r + c) % 5 < 2 { -1 } else { 1 }).collect()).collect();
    let slope = |drift: &Drift| {
        let physics = Physics { drift: drift.clone(), ..programmed(Device::Pcm) };
        let (fresh, aged) = (draw(&programmed(Device::Pcm), 5, 8, &site), draw(&physics, 5, 8, &site));
        let (mut product, mut square) = (0.0, 0.0);
        for (column, drive) in drives.iter().enumerate() {
            let of = |array| code(array, column, voltage(array, column, drive)) as f64 - 64.0;
            product += of(&fresh) * of(&aged);
            square += of(&fresh) * of(&fresh);
        }
        product / square
    };
    let plain = slope(&Drift { time: YEAR, ..Drift::default() });
    let followed = slope(&Drift { time: YEAR, compensate: true, ..Drift::default() });
    assert!((plain - 0.5).abs() < 0.05, "{plain}");
    assert!((followed - 1.0).abs() < 0.03, "{followed}");
}

/// O40: the reference of a sense amplifier follows as the edges of a converter do.
#[test]
fn o40_references_of_sense_amplifiers_follow_too() {
    let mut site = site(256, 16, |column, row| if (column + row) % 3 == 0 { -1 } else { 1 });
    site.converter = Converter::Sense { reference: vec![40.0; 16] };
    let reference =
        |drift: Drift| -> Vec<i32> { draw(&Physics { drift, ..Physics::default() }, 5, 8, &site).edges };
    let fresh = reference(Drift::default());
    assert_eq!(reference(Drift { time: YEAR, ..Drift::default() }), fresh);
    // Nothing but the exponents is drawn: their mean conductance is that of an ON device after a year.
    let left = (-0.049 * (1.0 + YEAR / 20.0_f64).ln()).exp();
    for (now, before) in
        reference(Drift { time: YEAR, compensate: true, ..Drift::default() }).iter().zip(&fresh)
    {
        let ratio = f64::from(*now) / f64::from(*before);
        assert!((ratio - left).abs() < 0.01, "{ratio} {left}");
    }
}
