//! Columns evaluated with integers, and the statistics that results are held against.

use bincim::bits::BitMatrix;
use bincim::device::{Physics, draw};
use bincim::network::{
    Activation, Input, InputCode, Layer, Network, Padding, Plane, Reads, Shape, Shortcut, random,
};
use bincim::variation::{ArrayDraw, Converter, Site, Zero};

/// Standard errors that an estimate may be off: 1 in 150,000 by chance.
pub const SIGMAS: f64 = 4.5;

/// An array of weights `weight(column, row)` whose converter is fine and wide enough to be out of the way.
pub fn site(rows: usize, columns: usize, weight: impl Fn(usize, usize) -> i8) -> Site {
    let weights = (0..columns * rows).map(|i| weight(i / rows, i % rows)).collect();
    let converter = Converter::Uniform { levels: 2, low: -1.0, step: 2.0 };
    Site {
        layer: 0,
        array: 0,
        rows,
        columns,
        weights,
        levels: None,
        converter,
        share: 1,
        level: 1.0,
        zero: Zero::Common,
    }
}

/// Voltage of a column in 2^-F counts under drives of -1, 0 and +1.
pub fn voltage(array: &ArrayDraw, column: usize, drive: &[i8]) -> i32 {
    let cells = column * array.rows..(column + 1) * array.rows;
    let cells = array.plus[cells.clone()].iter().zip(&array.minus[cells]);
    array.offset[column]
        + cells
            .zip(drive)
            .map(|((&plus, &minus), &drive)| match drive {
                1 => i32::from(plus),
                -1 => -i32::from(minus),
                _ => 0,
            })
            .sum::<i32>()
}

/// Edges of a column.
pub fn edges(array: &ArrayDraw, column: usize) -> &[i32] {
    let count = array.edges_per_column();
    &array.edges[column * count..(column + 1) * count]
}

/// Code of a column at a voltage.
pub fn code(array: &ArrayDraw, column: usize, voltage: i32) -> usize {
    edges(array, column).iter().filter(|&&edge| edge <= voltage).count()
}

/// Voltage minus ideal sum, in counts, of every column of `chips` chips under one drive for each column.
pub fn errors(
    physics: &Physics,
    site: &Site,
    fraction_bits: u32,
    chips: u64,
    drive: impl Fn(usize) -> Vec<i8>,
) -> Vec<f64> {
    assert_eq!(physics.validate(), []);
    let mut errors = Vec::new();
    for seed in 0..chips {
        let array = draw(physics, seed, fraction_bits, site);
        for column in 0..site.columns {
            let drive = drive(column);
            let weights = &site.weights[column * site.rows..][..site.rows];
            let ideal: i32 = weights.iter().zip(&drive).map(|(w, d)| i32::from(w * d)).sum();
            let unit = f64::from(1 << fraction_bits);
            errors.push(f64::from(voltage(&array, column, &drive)) / unit - f64::from(ideal));
        }
    }
    errors
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean of (v - m)^2 with the sample's own mean, over M - 1.
pub fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

/// The sample's mean and variance are those expected: the mean has the standard error `sqrt(var / M)`; the variance
/// `sqrt((k - 1) / M)` of itself with the kurtosis k (3 for a normal, where (M-1) s^2 / sigma^2 is chi-square), taken
/// from the sample.
pub fn assert_moments(what: &str, values: &[f64], expected_mean: f64, expected_variance: f64) {
    let m = values.len() as f64;
    let (mean, variance) = (mean(values), variance(values));
    let fourth = values.iter().map(|value| (value - mean).powi(4)).sum::<f64>() / m;
    let mean_bound = SIGMAS * (expected_variance / m).sqrt();
    let variance_bound = SIGMAS * ((fourth / (variance * variance) - 1.0) / m).sqrt();
    assert!(
        (mean - expected_mean).abs() < mean_bound,
        "{what}: mean {mean}, expected {expected_mean} +- {mean_bound}"
    );
    let off = variance / expected_variance - 1.0;
    assert!(
        off.abs() < variance_bound,
        "{what}: variance {variance}, expected {expected_variance}, off {off}"
    );
}

/// `hits` of `trials` independent trials are a rate of `p`.
pub fn assert_rate(what: &str, hits: usize, trials: usize, p: f64) {
    let (rate, error) = (hits as f64 / trials as f64, (p * (1.0 - p) / trials as f64).sqrt());
    assert!((rate - p).abs() < SIGMAS * error, "{what}: {rate}, expected {p} +- {}", SIGMAS * error);
}

/// Normal density.
pub fn pdf(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Normal distribution function.
pub fn phi(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Probabilities of the sums k of n independent -1 and +1: pairs (k, p).
pub fn sums(n: usize) -> Vec<(f64, f64)> {
    let ln_factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    (0..=n)
        .map(|ones| {
            let ln = ln_factorial(n) - ln_factorial(ones) - ln_factorial(n - ones);
            (2.0 * ones as f64 - n as f64, (ln - n as f64 * std::f64::consts::LN_2).exp())
        })
        .collect()
}

/// A dense layer of `taps` codes of 8 bits and `channels` sums that can be looked at, and one of scores behind it.
pub fn dense_pair(taps: usize, channels: usize) -> Network {
    let limits = random::Limits { layers: 1, planes: 1, shortcuts: false, ..random::Limits::default() };
    let mut network = random::network(1, &limits);
    let dense = |taps: usize, channels: usize, activation| Layer {
        name: format!("of{taps}").into(),
        op: "dense",
        reads: Reads::Input,
        input: Shape { c: taps, h: 1, w: 1 },
        kernel: (1, 1),
        stride: (1, 1),
        padding: Padding::NONE,
        planes: vec![Plane::binary(BitMatrix::from_fn(channels, taps, |channel, tap| {
            (channel * 7 + tap * 5) % 3 > 0
        }))],
        conv: Shape { c: channels, h: 1, w: 1 },
        sum_pixels: false,
        pool: None,
        requant: None,
        shortcut: Shortcut::NONE,
        flips: None,
        fewer: Vec::new(),
        activation,
        output: Shape { c: channels, h: 1, w: 1 },
    };
    let signs = Activation::Sign { threshold: vec![0; channels], flip: vec![false; channels] };
    network.layers = vec![dense(taps, channels, signs), dense(channels, 2, Activation::Scores)];
    Reads::in_sequence(&mut network.layers);
    network.input = Input {
        shape: Shape { c: taps, h: 1, w: 1 },
        code: InputCode::Unsigned { bits: 8 },
        ..network.input
    };
    network.output.scale = vec![1.0; 2];
    network.output.bias = vec![0.0; 2];
    network
}
