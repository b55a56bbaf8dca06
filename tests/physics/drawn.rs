//! Cells that are drawn as they are read: what the physics of a chip makes of their codes, against its closed forms.

use bincim::arch::{ArchFile, ReadoutKind, validate_file};
use bincim::design::{self, Misfit};
use bincim::device::{self, Draws, Drift, Physics, Programming};
use bincim::golden::ensemble::{self, Drawing};
use bincim::montecarlo;
use bincim::network::{Flips, random};
use bincim::variation::{Chip, Converter, Correction, Site, Zero};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Noise of 3 uS of 25.
const NOISE: f64 = 0.12;

/// An array whose cells all have the weight `weight` and the code `flip`; no code: it is read as it is.
fn site(layer: usize, weight: i8, flip: Option<u8>) -> Site {
    let (rows, columns) = (64, 32);
    let flips = flip.map_or_else(Vec::new, |flip| vec![flip; rows * columns]);
    Site {
        layer,
        array: 0,
        rows,
        columns,
        weights: vec![weight; rows * columns],
        levels: None,
        converter: Converter::Draw { flips },
        share: 1,
        level: 1.0,
        zero: Zero::Common,
    }
}

fn physics(draws: Draws) -> Physics {
    Physics { draws: Draws { noise: NOISE, ..draws }, ..Physics::default() }
}

/// What the cells of sites hold.
fn cells(physics: &Physics, seed: u64, sites: &[Site]) -> Vec<f64> {
    let Chip { arrays, .. } = device::chip(physics, seed, 0, sites);
    arrays.iter().flat_map(|array| &array.plus).map(|&cell| f64::from(cell)).collect()
}

/// Share of a normal distribution below `x`.
fn below(x: f64) -> f64 {
    0.5 * libm::erfc(-x / 2f64.sqrt())
}

/// What a cell of the probability `p` holds.
fn held(p: f64) -> f64 {
    (256.0 * p).round_ties_even() - 128.0
}

/// What a cell of the code `flip` is programmed to.
fn target(flip: u8) -> f64 {
    NOISE * device::random::normal(1.0 - f64::from(flip) / 256.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn without_errors_cells_keep_their_codes() {
    for noise in [0.0, 0.02, NOISE, 0.3] {
        let physics = physics(Draws::default());
        let physics = Physics { draws: Draws { noise, ..physics.draws }, ..physics };
        for flip in 0..128 {
            for weight in [-1, 1] {
                let found = cells(&physics, 1, &[site(0, weight, Some(flip))]);
                let expected = f64::from(weight) * f64::from(128 - i16::from(flip));
                assert!(found.iter().all(|cell| *cell == expected), "{noise} {flip} {weight}: {}", found[0]);
            }
        }
    }
}

/// Devices of `Gmax` reach no further: from a noise of half of it on, a flip of 1/256 is out of reach.
#[test]
fn what_is_beyond_the_largest_conductance_is_held_to_it() {
    let physics = physics(Draws::default());
    let wide = Physics { draws: Draws { noise: 0.5, ..physics.draws }, ..physics };
    let found = cells(&wide, 1, &[site(0, 1, Some(1))]);
    assert!(found.iter().all(|cell| *cell == held(below(2.0))), "{}", found[0]);
}

/// The mean and the deviation of the probabilities follow from the fit of the programming error, by quadrature.
#[test]
fn programming_errors_are_those_of_the_fit() {
    let mut physics = physics(Draws::default());
    physics.programming = Programming { scale: 1.0, ..Programming::default() };
    for flip in [1, 30, 64, 110] {
        let x = target(flip);
        let error = |x: f64| (0.26348 + 1.965 * x - 1.1731 * x * x) / 25.0;
        let steps: Vec<f64> = (-600..=600).map(|step| f64::from(step) / 100.0).collect();
        let (mut all, mut first, mut second) = (0.0, 0.0, 0.0);
        for a in steps.iter().step_by(4) {
            for b in steps.iter().step_by(4) {
                let weight = (-(a * a + b * b) / 2.0).exp();
                let difference = (x + error(x) * a).max(0.0) - (error(0.0) * b).max(0.0);
                let value = held(below(difference / NOISE)).clamp(-128.0, 128.0);
                all += weight;
                first += weight * value;
                second += weight * value * value;
            }
        }
        let expected = first / all;
        let spread = (second / all - expected * expected).sqrt();
        let found: Vec<f64> =
            (0..8).flat_map(|seed| cells(&physics, seed, &[site(0, 1, Some(flip))])).collect();
        let standard = spread / (found.len() as f64).sqrt();
        assert!(
            (mean(&found) - expected).abs() < 4.5 * standard + 0.01,
            "{flip}: {} {expected}",
            mean(&found)
        );
        assert!((deviation(&found) / spread - 1.0).abs() < 0.03, "{flip}: {} {spread}", deviation(&found));
    }
}

/// What is verified is off by the tolerance at most, and still errs.
#[test]
fn verified_devices_keep_to_their_tolerance() {
    let tolerance = 0.01;
    let mut physics = physics(Draws { tolerance, ..Draws::default() });
    physics.programming = Programming { scale: 3.0, ..Programming::default() };
    let x = target(64);
    let found = cells(&physics, 5, &[site(0, 1, Some(64))]);
    let least = held(below((x - 2.0 * tolerance) / NOISE));
    let most = held(below((x + tolerance) / NOISE));
    assert!(found.iter().all(|cell| (least..=most).contains(cell)));
    assert!(deviation(&found) > 1.0, "{}", deviation(&found));
    physics.draws.tolerance = 0.0;
    let free = cells(&physics, 5, &[site(0, 1, Some(64))]);
    assert!(deviation(&free) > 2.0 * deviation(&found));
}

/// Equal exponents take the same share of weights and noise; what is left is that 1/f noise grows, and a gain undoes it.
#[test]
fn equal_drift_changes_the_noise_alone_and_a_gain_undoes_it() {
    let mut physics = physics(Draws::default());
    let (time, reading) = (31_536_000.0, 250e-9);
    physics.drift = Drift { time, nu: Some(0.05), spread: 0.0, compensate: false };
    let spread = |age: f64| ((age + 20.0 + reading) / (2.0 * reading)).ln().sqrt();
    let grown = spread(time) / spread(0.0);
    assert!((1.1..1.5).contains(&grown), "{grown}");
    for flip in [1, 20, 64, 110, 127] {
        let found = cells(&physics, 1, &[site(0, 1, Some(flip))]);
        let expected = held(below(target(flip) / NOISE / grown));
        assert!(found.iter().all(|cell| *cell == expected), "{flip}: {} {expected}", found[0]);
    }
    physics.drift.compensate = true;
    for flip in [1, 20, 64, 110, 127] {
        let found = cells(&physics, 1, &[site(0, 1, Some(flip))]);
        let expected = f64::from(128 - i16::from(flip));
        assert!(found.iter().all(|cell| (*cell - expected).abs() <= 1.0), "{flip}: {}", found[0]);
    }
    let sites = [site(0, 1, Some(64)), site(3, -1, Some(9))];
    for (layer, gain) in device::gains(&physics, 1, &sites) {
        let decay = ((time + 20.0) / 20.0).powf(-0.05);
        let noise = decay * grown;
        assert!((gain - noise / decay).abs() < 1e-4, "layer {layer}: {gain}");
    }
}

/// After a year of aihwkit's drift, cells of small conductances have lost more than the plane; one gain a layer brings their
/// mean back.
#[test]
fn after_a_year_a_gain_restores_the_mean_probability() {
    let mut physics = physics(Draws::default());
    physics.programming = Programming { scale: 1.0, ..Programming::default() };
    let sites: Vec<Site> = [5, 30, 60, 90, 120]
        .into_iter()
        .enumerate()
        .map(|(array, flip)| Site { array, ..site(0, 1, Some(flip)) })
        .collect();
    let fresh = mean(&cells(&physics, 2, &sites));
    physics.drift = Drift { time: 31_536_000.0, ..Drift::default() };
    let aged = mean(&cells(&physics, 2, &sites));
    physics.drift.compensate = true;
    let followed = mean(&cells(&physics, 2, &sites));
    println!("mean of what cells hold: {fresh:.2}, after a year {aged:.2}, with a gain {followed:.2}");
    assert!(aged < 0.85 * fresh, "{aged} of {fresh}");
    assert!((followed / fresh - 1.0).abs() < 0.06, "{followed} of {fresh}");
}

/// Read noise of the weight's own devices adds to the plane's.
#[test]
fn devices_of_a_weight_have_noise_of_their_own() {
    let physics = physics(Draws { read_noise: 1.0, ..Draws::default() });
    for flip in [1, 30, 64, 100] {
        let x = target(flip);
        let read = x * (0.0088 / x.powf(0.65)).min(0.2) * ((20.0f64 + 250e-9) / 500e-9).ln().sqrt();
        let expected = held(below(x / (NOISE * NOISE + read * read).sqrt()));
        let found = cells(&physics, 1, &[site(0, 1, Some(flip))]);
        assert!(found.iter().all(|cell| *cell == expected), "{flip}: {} {expected}", found[0]);
    }
}

/// What noise pairs differ by is a shift of each cell.
#[test]
fn noise_pairs_differ_by_their_mismatch() {
    let mismatch = 0.03;
    let physics = physics(Draws { mismatch, ..Draws::default() });
    let found: Vec<f64> = (0..4).flat_map(|seed| cells(&physics, seed, &[site(0, 1, Some(64))])).collect();
    let shift = |cell: &f64| {
        NOISE * device::random::normal(((cell + 128.0) / 256.0).clamp(0.5 / 256.0, 255.5 / 256.0))
    };
    let shifts: Vec<f64> = found.iter().map(shift).collect();
    let standard = mismatch / (shifts.len() as f64).sqrt();
    assert!((mean(&shifts) - target(64)).abs() < 4.5 * standard + 2e-4, "{}", mean(&shifts));
    assert!((deviation(&shifts) / mismatch - 1.0).abs() < 0.05, "{}", deviation(&shifts));
}

/// Layers without codes are read as signs, whatever their devices do; the same seed gives the same chip.
#[test]
fn layers_without_codes_keep_their_signs() {
    let mut physics = physics(Draws { mismatch: 0.1, read_noise: 1.0, ..Draws::default() });
    physics.programming = Programming { scale: 1.0, ..Programming::default() };
    physics.drift = Drift { time: 31_536_000.0, ..Drift::default() };
    let sites = [site(0, -1, None), site(1, 1, Some(40))];
    let found = cells(&physics, 7, &sites);
    assert!(found[..found.len() / 2].iter().all(|cell| *cell == -128.0));
    assert_eq!(found, cells(&physics, 7, &sites));
    assert_ne!(found, cells(&physics, 8, &sites));
}

#[test]
fn what_no_drawn_cell_has_is_refused_by_name() {
    let keys = |change: fn(&mut ArchFile)| -> Vec<&'static str> {
        let mut file = ArchFile::default();
        file.readout.kind = ReadoutKind::Sample;
        change(&mut file);
        validate_file(&file).iter().map(|problem| problem.key).collect()
    };
    assert_eq!(keys(|_| ()), [""; 0]);
    assert_eq!(keys(|file| file.variation.draws.noise = NOISE), [""; 0]);
    assert_eq!(keys(|file| file.variation.read_noise = 1.0), ["variation.read_noise"]);
    assert_eq!(keys(|file| file.variation.stuck.at_one = 0.1), ["variation.stuck"]);
    assert_eq!(keys(|file| file.variation.programming.scale = 1.0), ["variation.draws.noise"]);
    assert_eq!(keys(|file| file.variation.draws.noise = 2.0), ["variation.draws.noise"]);
    assert_eq!(keys(|file| file.readout.noise = 1.0), ["readout.noise"]);
    assert_eq!(keys(|file| file.array.weight_bits_per_cell = 2), ["array.weight_bits_per_cell"]);
    let popcount = |file: &mut ArchFile| {
        (file.readout.kind, file.variation.draws.noise) = (ReadoutKind::Popcount, NOISE);
    };
    assert_eq!(keys(popcount), ["variation.draws"]);
}

/// An old chip's scores, on images and draws that no line was fitted to, come as near to those of the chip without errors as
/// those of its reads' noise: the distance of means and deviations falls to a fraction.
#[test]
fn corrected_scores_are_spread_like_those_without_errors() {
    let arch = {
        let mut arch = ArchFile::default().with("generic", 32, 16, 16, 16, 32);
        arch.readout.kind = ReadoutKind::Sample;
        arch.ensemble.samples = 8;
        arch
    };
    let rng = &mut ChaCha8Rng::seed_from_u64(3);
    let signs = &mut ChaCha8Rng::seed_from_u64(4);
    let mut network = random::dense(&[64, 32, 5], |_, _, _| signs.random(), |_, _| rng.random_range(-4..=4));
    for layer in &mut network.layers {
        let codes = (0..layer.fan_in() * layer.conv.c).map(|_| rng.random_range(0..8)).collect();
        layer.flips = Some(Flips { bits: 4, codes });
    }
    let design = design::build(&network, &arch).expect("a design");
    let ideal = device::chip(&Physics::default(), 0, 0, &design.sites());
    let mut old = physics(Draws { mismatch: 0.02, ..Draws::default() });
    old.programming.scale = 1.0;
    old.drift = Drift { time: 31_536_000.0, ..Drift::default() };
    let mut chip = device::chip(&old, 9, 0, &design.sites());
    chip.saturate(design.analog.as_ref().expect("arrays").widths());
    let images = random::elements(&network, 11, 600);
    let (fit, others) = images.split_at(300 * 64);
    montecarlo::correct(&design, &ideal, &mut chip, fit);
    let correction = chip.correction.clone().expect("a correction");
    assert_eq!(design.misfits(&chip), []);
    let drawing = Drawing { samples: 8, seed: 5, same: false, flips: true };
    let sums = |chip: &Chip| -> Vec<i32> {
        let scores = ensemble::prepare_chip(&design, chip, drawing).samples_of_elements(0, others);
        let image = |scores: &[i32]| -> Vec<i32> {
            (0..5).map(|class| scores[class..].iter().step_by(5).sum()).collect()
        };
        scores.chunks(8 * 5).flat_map(image).collect()
    };
    let (wanted, found) = (sums(&ideal), sums(&chip));
    let mut corrected = found.clone();
    corrected.chunks_mut(5).for_each(|image| correction.apply(image, 8));
    let of = |scores: &[i32], class: usize| -> Vec<f64> {
        scores[class..].iter().step_by(5).map(|&score| f64::from(score)).collect()
    };
    let (mut before, mut after, mut spreads) = (0.0, 0.0, 0.0f64);
    for class in 0..5 {
        let [wanted, found, corrected] = [&wanted, &found, &corrected].map(|scores| of(scores, class));
        before += (mean(&found) - mean(&wanted)).abs();
        after += (mean(&corrected) - mean(&wanted)).abs();
        spreads = spreads.max((deviation(&corrected) / deviation(&wanted) - 1.0).abs());
        println!(
            "{class}: deviation {:.1}, found {:.1}, corrected {:.1}; mean {:.1}, found {:.1}, corrected {:.1}",
            deviation(&wanted),
            deviation(&found),
            deviation(&corrected),
            mean(&wanted),
            mean(&found),
            mean(&corrected)
        );
    }
    assert!(after < 0.5 * before && spreads < 0.15, "means {before} {after}, deviations {spreads}");
    let lone = Correction { multipliers: vec![512], offsets: vec![64] };
    let other = Chip { correction: Some(lone), ..chip };
    assert_eq!(design.misfits(&other), [Misfit::Corrected { chip: 1, machine: 5 }]);
    assert_eq!(Chip::read_from(&other.write_to()), Ok(other));
}
