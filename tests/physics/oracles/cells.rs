//! Cells: exact pass-through, Gaussian, rectified, log-normal, threshold, die, stuck, branches.

use super::support::*;
use bincim::device::{
    Branches, Cell, CellKind, Column, Die, Gaussian, LogNormal, Physics, Reference, Row, Scale, Sense, Stuck,
    Threshold, draw,
};
use bincim::variation::{Converter, Site};

/// Some weight of -1 or +1 and some drive, both without pattern.
fn sign(a: usize, b: usize) -> i8 {
    let place = (a as u64) << 32 | (b as u64 + 1);
    let mix = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mix = (mix ^ mix >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    if mix >> 40 & 1 == 1 { 1 } else { -1 }
}

fn gaussian(sigma: f64, of: Scale) -> Physics {
    Physics { gaussian: Gaussian { sigma, of }, ..Physics::default() }
}

/// Values of the cells' `plus`, turned to weight +1, in counts.
fn values(physics: &Physics, rows: usize, columns: usize, fraction_bits: u32) -> Vec<f64> {
    let site = site(rows, columns, sign);
    let array = draw(physics, 77, fraction_bits, &site);
    let unit = f64::from(1 << fraction_bits);
    array.plus.iter().zip(&site.weights).map(|(&v, &w)| f64::from(v) * f64::from(w) / unit).collect()
}

/// O1: without variation every kind of cell gives `w << F`, and 9 bits of ADC give y = 2 popcount - N.
#[test]
fn o1_ideal_cells_and_a_fine_converter_pass_the_sum_through() {
    let n = 256;
    let mut site = site(n, 16, |c, r| if r == 200 { 0 } else { sign(c, r) });
    site.converter = Converter::Uniform { levels: n + 1, low: -(n as f64), step: 2.0 };
    for kind in [CellKind::Pair, CellKind::Offset, CellKind::Xnor] {
        for g_min in [0.0, 0.2] {
            let physics = Physics { cell: Cell { kind, g_min, ..Cell::default() }, ..Physics::default() };
            let array = draw(&physics, 3, 6, &site);
            assert_eq!(array.plus, site.weights.iter().map(|&w| i16::from(w) << 6).collect::<Vec<_>>());
            assert_eq!(array.minus, array.plus);
            for column in 0..16 {
                let drive: Vec<i8> = (0..n).map(|row| sign(row + 99, column)).collect();
                let y: i32 = (0..n).map(|row| i32::from(site.weights[column * n + row] * drive[row])).sum();
                let value = 2 * code(&array, column, voltage(&array, column, &drive)) as i32 - n as i32;
                // One row is not used, so sums are odd and lie on edges: they go to the even code.
                assert!((value - y).abs() == 1 && (value + n as i32) % 4 == 0, "{value} {y}");
            }
        }
    }
}

/// An array driven at half the level has the errors of a chip whose rows are all driven at half the level.
#[test]
fn a_planes_level_is_its_drivers_level() {
    let mut physics = Physics::default();
    physics.threshold.a_vt = 3.0;
    physics.row.inl = 0.01;
    let mut low = physics.clone();
    low.row.level = 0.5;
    let full = site(64, 8, sign);
    let half = Site { level: 0.5, ..full.clone() };
    assert_eq!(draw(&physics, 1, 8, &half).plus, draw(&low, 1, 8, &full).plus);
    assert_ne!(draw(&physics, 1, 8, &half).plus, draw(&physics, 1, 8, &full).plus);
}

/// O1 on a full column: every sum of -N, -N + 2, ... N comes out itself.
#[test]
fn o1_every_sum_has_its_code() {
    let n = 256;
    let mut site = site(n, 1, |_, _| 1);
    site.converter = Converter::Uniform { levels: n + 1, low: -(n as f64), step: 2.0 };
    let array = draw(&Physics::default(), 0, 4, &site);
    for ones in 0..=n {
        let drive: Vec<i8> = (0..n).map(|row| if row < ones { 1 } else { -1 }).collect();
        assert_eq!(code(&array, 0, voltage(&array, 0, &drive)), ones);
    }
}

/// O2: N independent balanced cells: variance 2 N sigma^2; k driven rows: 2 k sigma^2; single-ended: k sigma^2 in
/// full differences, which are 2 counts. 256 columns x 16 chips.
#[test]
fn o2_variance_of_independent_cells() {
    let (n, sigma) = (256, 0.05);
    let site = site(n, 256, sign);
    let mut physics = gaussian(sigma, Scale::Difference);
    physics.cell = Cell { g_min: 0.5, ..Cell::default() };
    let random = |column: usize| (0..n).map(|row| sign(row + 7, column)).collect::<Vec<i8>>();
    let pair = errors(&physics, &site, 10, 16, random);
    assert_moments("pair", &pair, 0.0, 2.0 * n as f64 * sigma * sigma);
    let k = 100;
    let some = |_: usize| (0..n).map(|row| i8::from(row % 256 < k)).collect::<Vec<i8>>();
    let pair = errors(&physics, &site, 10, 16, some);
    assert_moments("k rows", &pair, 0.0, 2.0 * k as f64 * sigma * sigma);
    for kind in [CellKind::Offset, CellKind::Xnor] {
        physics.cell.kind = kind;
        let single: Vec<f64> = errors(&physics, &site, 10, 16, some).iter().map(|e| e / 2.0).collect();
        assert_moments("single-ended", &single, 0.0, k as f64 * sigma * sigma);
    }
    // Relative to Gmax the same sigma is 1 / (1 - g_min) of the difference.
    physics = gaussian(sigma, Scale::Gmax);
    physics.cell = Cell { g_min: 0.2, ..Cell::default() };
    let pair = errors(&physics, &site, 10, 16, random);
    assert_moments("Gmax", &pair, 0.0, 2.0 * n as f64 * (sigma / 0.8f64).powi(2));
}

/// O3: mean and variance of a conductance mu + sigma z clamped at 0.
fn rectified(mu: f64, sigma: f64) -> (f64, f64) {
    let z = mu / sigma;
    let first = mu * phi(z) + sigma * pdf(z);
    let second = (mu * mu + sigma * sigma) * phi(z) + mu * sigma * pdf(z);
    (first, second - first * first)
}

/// O3: the pair of a rectified OFF cell. 65,536 cells.
#[test]
fn o3_a_rectified_off_cell_takes_gain() {
    for (g_min, sigma) in [(0.0, 0.05), (0.0, 0.3), (0.05, 0.05), (0.2, 0.05)] {
        let mut physics = gaussian(sigma, Scale::Gmax);
        physics.cell.g_min = g_min;
        let (on, on_variance) = rectified(1.0, sigma);
        let (off, off_variance) = rectified(g_min, sigma);
        let difference = 1.0 - g_min;
        let values = values(&physics, 256, 256, 12);
        let variance = (on_variance + off_variance) / (difference * difference);
        assert_moments("rectified pair", &values, (on - off) / difference, variance);
        if g_min == 0.0 && sigma == 0.05 {
            assert!(((on - off) - (1.0 - 0.3989 * sigma)).abs() < 1e-5);
            assert!((variance / (sigma * sigma) - 1.3408).abs() < 1e-3);
        }
        physics.cell.clamp = false;
        let values = self::values(&physics, 256, 256, 12);
        assert_moments("not clamped", &values, 1.0, 2.0 * (sigma / difference).powi(2));
    }
}

/// O4: proportional and log-normal errors. 65,536 cells.
#[test]
fn o4_proportional_and_lognormal_cells() {
    let (s, g_min) = (0.1, 0.2);
    let mut physics = gaussian(s, Scale::Value);
    physics.cell.g_min = g_min;
    let expected = s * s * (1.0 + g_min * g_min) / ((1.0 - g_min) * (1.0 - g_min));
    assert_moments("proportional", &values(&physics, 256, 256, 12), 1.0, expected);
    for s in [0.1f64, 0.5] {
        let physics = Physics { lognormal: LogNormal { sigma: s }, ..Physics::default() };
        // A saturated cell would be missed: e^(4.5 x 0.5) fits into 12 bits and a sign.
        let values = values(&physics, 256, 256, 10);
        let variance = (s * s).exp() * ((s * s).exp() - 1.0);
        assert_moments("log-normal", &values, (s * s / 2.0).exp(), variance);
    }
}

/// O5: what a chip shares grows with (sum x w)^2, what cells have alone with N; the slope tells them apart. One column
/// a chip, 4,000 chips.
#[test]
fn o5_shared_and_local_errors() {
    let (shared, local) = (0.02, 0.05);
    for n in [16usize, 256] {
        let mut physics = gaussian(local, Scale::Gmax);
        physics.cell = Cell { g_min: 0.5, clamp: false, ..Cell::default() };
        physics.die = Die { sigma: shared };
        let site = site(n, 1, sign);
        let cells = 2.0 * n as f64 * (local / 0.5f64).powi(2) * (1.0 + shared * shared);
        let aligned = errors(&physics, &site, 10, 4000, |c| (0..n).map(|r| sign(c, r)).collect());
        let expected = (shared * n as f64).powi(2) + cells;
        assert_moments("sum N", &aligned, 0.0, expected);
        // Half the rows against: the sum is 0, and so is the shared error.
        let balanced = |c: usize| (0..n).map(|r| sign(c, r) * if r % 2 == 0 { 1 } else { -1 }).collect();
        assert_moments("sum 0", &errors(&physics, &site, 10, 4000, balanced), 0.0, cells);
    }
    // Single-ended with a fixed reference all N cells shift; with a replica only the sum does.
    let n = 64;
    for (reference, sum) in [(Reference::Fixed, n as f64), (Reference::Replica, 0.0)] {
        let cell = Cell { kind: CellKind::Xnor, reference, ..Cell::default() };
        let physics = Physics { die: Die { sigma: shared }, cell, ..Physics::default() };
        let balanced = |_: usize| (0..n).map(|r| if r % 2 == 0 { 1 } else { -1 }).collect();
        let errors = errors(&physics, &site(n, 1, |_, _| 1), 12, 4000, balanced);
        if sum == 0.0 {
            assert!(errors.iter().all(|error| error.abs() < 0.01), "a replica lets the shift through");
        } else {
            assert_moments("fixed reference", &errors, 0.0, (shared * sum).powi(2));
        }
    }
}

/// O8: flips of a sense amplifier at margin m: Phi(-|m| / s), s^2 = s_os^2 + 2 N sigma^2. 1,024 columns x 16 chips.
#[test]
fn o8_flips_of_a_sense_amplifier_at_a_margin() {
    let (n, columns, chips) = (64, 1024, 16);
    for (margin, offset, sigma) in [(2, 2.0, 0.0), (-4, 3.0, 0.0), (4, 2.0, 0.1), (6, 0.5, 0.3)] {
        let mut physics = gaussian(sigma, Scale::Gmax);
        physics.cell.clamp = false;
        physics.sense = Sense { offset };
        let mut site = site(n, columns, |_, _| 1);
        site.converter = Converter::Sense { reference: vec![0.0; columns] };
        let ones = (n as i32 + margin) as usize / 2;
        let drive: Vec<i8> = (0..n).map(|row| if row < ones { 1 } else { -1 }).collect();
        let mut flips = 0;
        for seed in 0..chips {
            let array = draw(&physics, seed, 10, &site);
            flips += (0..columns)
                .filter(|&c| (code(&array, c, voltage(&array, c, &drive)) == 1) != (margin > 0))
                .count();
        }
        let s = (offset * offset + 2.0 * n as f64 * sigma * sigma).sqrt();
        let p = phi(-f64::from(margin.abs()) / s);
        assert_rate(&format!("margin {margin}"), flips, columns * chips as usize, p);
    }
}

/// O9 for a cell with two conducting branches: flips over random data, zeros excluded. With p = (N + k) / 2 matches
/// the error's variance is 4 p sl^2; without the discreteness of sums the rate is arctan(sqrt(2) sl) / pi.
/// A column is read once, so columns x chips are independent.
#[test]
fn o9_flips_of_cells_with_two_branches_over_random_data() {
    let (n, columns, chips, sl) = (128, 512, 16, 0.3);
    let physics = Physics {
        cell: Cell { kind: CellKind::Xnor, branches: Branches::Independent, ..Cell::default() },
        gaussian: Gaussian { sigma: sl, of: Scale::Value },
        ..Physics::default()
    };
    // Value errors of this size reach 0 once in 2,300 cells: leave them Gaussian.
    let physics = Physics { cell: Cell { clamp: false, ..physics.cell }, ..physics };
    let site = site(n, columns, sign);
    let (mut flips, mut trials) = (0, 0);
    for seed in 0..chips {
        let array = draw(&physics, seed, 10, &site);
        for column in 0..columns {
            let drive: Vec<i8> = (0..n).map(|row| sign(row + 1000 * seed as usize, column + 5)).collect();
            let y: i32 = (0..n).map(|row| i32::from(site.weights[column * n + row] * drive[row])).sum();
            trials += usize::from(y != 0);
            flips += usize::from(y != 0 && (voltage(&array, column, &drive) > 0) != (y > 0));
        }
    }
    let (mut expected, mut all) = (0.0, 0.0);
    for (k, p) in sums(n).into_iter().filter(|(k, _)| *k != 0.0) {
        let s = (2.0 * (n as f64 + k)).sqrt() * sl;
        expected += p * if s > 0.0 { phi(-k.abs() / s) } else { 0.0 };
        all += p;
    }
    assert_rate("flips", flips, trials, expected / all);
    let continuous = (std::f64::consts::SQRT_2 * sl).atan() / std::f64::consts::PI;
    assert!((continuous - expected / all).abs() < 0.04, "{continuous} {}", expected / all);
}

/// O19: Pelgrom and the alpha-power law: sigma_I / I = alpha sigma_VT / overdrive, and more at a low drive level.
/// 65,536 cells; second-order terms are below the bound.
#[test]
fn o19_threshold_mismatch_and_its_growth_at_low_drive() {
    let table = Threshold { a_vt: 0.6, width: 0.12, length: 0.03, overdrive: 400.0, alpha: 1.3 };
    let sigma_vt = 0.6 / (0.12f64 * 0.03).sqrt();
    assert!((sigma_vt - 10.0).abs() < 1e-9);
    for level in [1.0f64, 0.25] {
        let physics =
            Physics { threshold: table.clone(), row: Row { level, ..Row::default() }, ..Physics::default() };
        let sigma = 1.3 * sigma_vt / (400.0 * level.powf(1.0 / 1.3));
        let values = values(&physics, 256, 256, 12);
        // Mean of (1 - e z)^a to second order: 1 + a (a - 1) e^2 / 2.
        let mean = 1.0 + 1.3 * 0.3 / 2.0 * (sigma / 1.3).powi(2);
        assert_moments(&format!("level {level}"), &values, mean, sigma * sigma);
    }
    // Without weights on other effects a device that no longer conducts is off, not negative.
    let physics = Physics {
        threshold: Threshold { a_vt: 20.0, width: 0.05, length: 0.02, overdrive: 300.0, alpha: 2.0 },
        ..Physics::default()
    };
    assert!(values(&physics, 64, 64, 4).iter().all(|&value| value >= 0.0));
}

/// O24: stuck cells of a balanced pair: gain 1 - p0 - p1, variance N [p0 (1 - p0) + p1 (1 - p1)], counts binomial.
/// 512 columns x 16 chips.
#[test]
fn o24_stuck_cells() {
    let (n, p0, p1) = (128, 0.01, 0.03);
    let physics = Physics { stuck: Stuck { at_zero: p0, at_one: p1 }, ..Physics::default() };
    let site = site(n, 512, sign);
    let errors = errors(&physics, &site, 4, 16, |c| (0..n).map(|r| sign(c, r)).collect());
    let variance = n as f64 * (p0 * (1.0 - p0) + p1 * (1.0 - p1));
    assert_moments("stuck", &errors, -(n as f64) * (p0 + p1), variance);
    let array = draw(&physics, 1, 4, &site);
    let count = |value: i16| {
        array.plus.iter().zip(&site.weights).filter(|(v, w)| **v == value * i16::from(**w)).count()
    };
    let cells = n * 512;
    assert_rate("both states lost", count(-16), cells, p0 * p1);
    assert_rate("one state lost", count(0), cells, p0 * (1.0 - p1) + p1 * (1.0 - p0));
    assert_rate("whole", count(16), cells, (1.0 - p0) * (1.0 - p1));
    // Stored bits: a stuck one changes both branches alike.
    let cell = Cell { kind: CellKind::Xnor, branches: Branches::Independent, ..Cell::default() };
    let array = draw(&Physics { cell, ..physics }, 1, 4, &site);
    assert_eq!(array.plus, array.minus);
    for (from, p) in [(1, p0), (-1, p1)] {
        let all: Vec<_> = array.plus.iter().zip(&site.weights).filter(|(_, w)| **w == from).collect();
        let lost = all.iter().filter(|(value, _)| **value == -16 * i16::from(from)).count();
        assert_rate("stuck bits", lost, all.len(), p);
    }
}

/// Branches: shared devices err alike for both drives, independent ones without correlation (65,536 cells; the
/// correlation of independent normals has the standard error 1 / sqrt(M)).
#[test]
fn branches_are_shared_or_independent() {
    let site = site(256, 256, sign);
    for kind in [CellKind::Pair, CellKind::Offset, CellKind::Xnor] {
        let mut physics = gaussian(0.05, Scale::Gmax);
        physics.cell = Cell { kind, g_min: 0.5, ..Cell::default() };
        let errors = |physics: &Physics| -> Vec<(f64, f64)> {
            let array = draw(physics, 4, 12, &site);
            let error = |v: i16, w: i8| f64::from(v) / 4096.0 - f64::from(w);
            let cells = array.plus.iter().zip(&array.minus).zip(&site.weights);
            cells.map(|((&p, &m), &w)| (error(p, w), error(m, w))).collect()
        };
        // A path of an xnor cell that conducts too much adds to `plus` and takes from `minus`.
        let sign = if kind == CellKind::Xnor { -1.0 } else { 1.0 };
        assert!(errors(&physics).iter().all(|(p, m)| (p - sign * m).abs() < 1e-9));
        physics.cell.branches = Branches::Independent;
        let pairs = errors(&physics);
        let product: f64 = pairs.iter().map(|(p, m)| p * m).sum::<f64>() / pairs.len() as f64;
        let plus: Vec<f64> = pairs.iter().map(|pair| pair.0).collect();
        let minus: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
        let correlation = product / (variance(&plus) * variance(&minus)).sqrt();
        assert!(correlation.abs() < SIGMAS / 256.0, "{kind:?}: {correlation}");
    }
}

/// Row drivers: one error for all columns of a row, for each drive; relative to the level. Column offsets in counts.
#[test]
fn rows_share_their_driver_and_columns_have_offsets() {
    let site = site(512, 8, |_, _| 1);
    let row = Row { level: 0.5, inl: 0.01 };
    let array = draw(&Physics { row, ..Physics::default() }, 5, 12, &site);
    let of = |values: &[i16]| -> Vec<f64> { values[..512].iter().map(|&v| f64::from(v) / 4096.0).collect() };
    for column in 1..8 {
        assert_eq!(array.plus[column * 512..][..512], array.plus[..512]);
    }
    assert_moments("drive +1", &of(&array.plus), 1.0, 0.02 * 0.02);
    assert_moments("drive -1", &of(&array.minus), 1.0, 0.02 * 0.02);
    assert_ne!(array.plus, array.minus);
    let physics = Physics { column: Column { offset: 3.0 }, ..Physics::default() };
    let offsets = errors(&physics, &self::site(1, 1024, |_, _| 1), 8, 4, |_| vec![0]);
    assert_moments("offset", &offsets, 0.0, 9.0);
}

/// Levels of a programmable conductance: an OFF target between two levels moves to one of them.
#[test]
fn conductances_have_levels() {
    let cell = |bits| Cell { g_min: 0.1, bits, ..Cell::default() };
    let value = |bits| {
        draw(&Physics { cell: cell(bits), ..Physics::default() }, 0, 12, &site(1, 1, |_, _| 1)).plus[0]
    };
    // 4 bits: 0.1 x 15 = 1.5 goes to 2; 2 bits: 0.3 goes to 0.
    assert_eq!(value(0), 4096);
    assert_eq!(value(4), ((1.0 - 2.0 / 15.0) / 0.9 * 4096.0_f64).round_ties_even() as i16);
    assert_eq!(value(2), (1.0 / 0.9 * 4096.0_f64).round_ties_even() as i16);
}

/// Cells without a weight hold 0 and cells that leave 16 bits are held at their ends, whatever the physics.
#[test]
fn unused_cells_are_zero_and_large_ones_saturate() {
    let every = |kind| Physics {
        cell: Cell { kind, g_min: 0.1, bits: 4, branches: Branches::Independent, ..Cell::default() },
        gaussian: Gaussian { sigma: 0.5, of: Scale::Difference },
        lognormal: LogNormal { sigma: 1.0 },
        threshold: Threshold { a_vt: 2.0, ..Threshold::default() },
        stuck: Stuck { at_zero: 0.1, at_one: 0.1 },
        die: Die { sigma: 0.3 },
        row: Row { level: 0.5, inl: 0.1 },
        ..Physics::default()
    };
    let site = Site { array: 3, ..site(64, 64, |c, r| if (c + r) % 3 == 0 { 0 } else { sign(c, r) }) };
    for kind in [CellKind::Pair, CellKind::Offset, CellKind::Xnor] {
        for column in [0.0, 0.01] {
            let mut physics = every(kind);
            physics.wires.column = column;
            assert_eq!(physics.validate(), []);
            let array = draw(&physics, 8, 14, &site);
            for (cell, &weight) in site.weights.iter().enumerate().filter(|(_, w)| **w == 0) {
                assert_eq!((weight, array.plus[cell], array.minus[cell]), (0, 0, 0));
            }
            // A single line's current has a floor, but no ceiling.
            assert!(array.plus.contains(&i16::MAX));
            assert!(kind != CellKind::Pair || array.minus.contains(&i16::MIN));
        }
    }
}
