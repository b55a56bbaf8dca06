//! Statistics of accuracy over chips.
//!
//! Chips differ, and all see the same images: the images of several chips are no independent trials, so nothing is
//! pooled. Over the images of one chip and over chips that pass, the interval is Wilson's; of the mean over chips
//! it is Student's, from the spread between chips. Sums are integers: the order of the chips changes no bit.

use super::student;
use serde::Serialize;

/// Half width of a 95 % interval in standard errors of a normal distribution.
const Z: f64 = 1.959963984540054;

/// Fractions, 0 to 1. The names are keys of `bincim vary --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    pub chips: usize,
    pub images: usize,
    pub accuracy_mean: f64,
    /// Sample standard deviation over chips; none for a single chip.
    pub accuracy_std: Option<f64>,
    /// 95 % interval of the mean over chips (Student), for these images; none for a single chip.
    pub accuracy_low: Option<f64>,
    pub accuracy_high: Option<f64>,
    pub accuracy_min: f64,
    /// Quantiles over chips: 5, 25, 50, 75 and 95 % (between neighbours: linear).
    pub accuracy_q05: f64,
    pub accuracy_q25: f64,
    pub accuracy_median: f64,
    pub accuracy_q75: f64,
    pub accuracy_q95: f64,
    pub accuracy_max: f64,
}

/// How many chips reach an accuracy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Yield {
    /// Accuracy that a good chip reaches, a fraction.
    pub at: f64,
    pub good: usize,
    #[serde(rename = "yield")]
    pub fraction: f64,
    /// 95 % interval (Wilson).
    pub low: f64,
    pub high: f64,
}

/// Wilson's 95 % interval of a probability, from `hits` of `trials` (at least 1).
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
pub fn wilson(hits: usize, trials: usize) -> (f64, f64) {
    let (n, p) = (trials as f64, hits as f64 / trials as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let low = if hits == 0 { 0.0 } else { centre - half };
    let high = if hits == trials { 1.0 } else { centre + half };
    (low, high)
}

/// Statistics over chips that classify `correct[chip]` of the same `images` images rightly.
///
/// # Panics
/// Without a chip or without an image.
pub fn statistics(correct: &[usize], images: usize) -> Statistics {
    assert!(!correct.is_empty() && images > 0, "chips and images");
    let (chips, mean) = (correct.len(), mean(correct, images));
    let spread = standard_deviation(correct, images);
    let half = half_width(correct, images);
    let mut sorted = correct.to_vec();
    sorted.sort_unstable();
    let quantile = |q: f64| quantile(&sorted, q) / images as f64;
    Statistics {
        chips,
        images,
        accuracy_mean: mean,
        accuracy_std: spread,
        accuracy_low: half.map(|half| (mean - half).max(0.0)),
        accuracy_high: half.map(|half| (mean + half).min(1.0)),
        accuracy_min: quantile(0.0),
        accuracy_q05: quantile(0.05),
        accuracy_q25: quantile(0.25),
        accuracy_median: quantile(0.5),
        accuracy_q75: quantile(0.75),
        accuracy_q95: quantile(0.95),
        accuracy_max: quantile(1.0),
    }
}

/// Half width of the 95 % interval of the mean over chips, a fraction; none for a single chip.
pub fn half_width(correct: &[usize], images: usize) -> Option<f64> {
    let spread = standard_deviation(correct, images)?;
    let chips = correct.len();
    Some(student::two_sided_95(chips - 1) * spread / (chips as f64).sqrt())
}

/// Chips that classify at least the fraction `at` of `images` rightly.
///
/// # Panics
/// Without a chip.
pub fn yield_at(correct: &[usize], images: usize, at: f64) -> Yield {
    // The quotient is what the user sees as the chip's accuracy.
    let good = correct.iter().filter(|&&right| right as f64 / images as f64 >= at).count();
    let (low, high) = wilson(good, correct.len());
    Yield { at, good, fraction: good as f64 / correct.len() as f64, low, high }
}

fn mean(correct: &[usize], images: usize) -> f64 {
    correct.iter().sum::<usize>() as f64 / (correct.len() * images) as f64
}

/// Sample standard deviation (n - 1).
fn standard_deviation(correct: &[usize], images: usize) -> Option<f64> {
    let n = correct.len() as u128;
    if n < 2 {
        return None;
    }
    let sum: u128 = correct.iter().map(|&right| right as u128).sum();
    let squares: u128 = correct.iter().map(|&right| (right as u128).pow(2)).sum();
    // Exact until here.
    let variance = (n * squares - sum * sum) as f64 / (n * (n - 1)) as f64;
    Some(variance.sqrt() / images as f64)
}

/// Quantile of sorted values, linear between neighbours (definition 7 of Hyndman and Fan, as in NumPy and R).
fn quantile(sorted: &[usize], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = place - below as f64;
    sorted[below] as f64 + share * (sorted[above] as f64 - sorted[below] as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got}, not {expected}");
    }

    #[test]
    fn wilsons_interval_as_published() {
        // Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81/263, 15/148, 0/20, 1/29.
        for (hits, trials, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let (l, h) = wilson(hits, trials);
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{hits}/{trials}: {l} {h}");
        }
        assert_eq!(wilson(7, 7).1, 1.0);
    }

    #[test]
    fn a_sample_worked_by_hand() {
        let got = statistics(&[90, 80, 100, 70, 85], 100);
        near(got.accuracy_mean, 0.85);
        // Deviations 5, -5, 15, -15, 0: 500 / 4 = 125.
        near(got.accuracy_std.unwrap(), 125f64.sqrt() / 100.0);
        let half = 2.7764451051977987 * 125f64.sqrt() / 100.0 / 5f64.sqrt();
        near(got.accuracy_low.unwrap(), 0.85 - half);
        near(got.accuracy_high.unwrap(), 0.85 + half);
        assert_eq!((got.accuracy_min, got.accuracy_median, got.accuracy_max), (0.7, 0.85, 1.0));
        near(got.accuracy_q25, 0.8);
        near(got.accuracy_q05, 0.72);
        near(got.accuracy_q95, 0.98);
        assert_eq!(got, statistics(&[100, 70, 85, 80, 90], 100));
    }

    #[test]
    fn one_chip_says_nothing_about_others() {
        let got = statistics(&[50], 100);
        assert_eq!((got.accuracy_mean, got.accuracy_std, got.accuracy_low), (0.5, None, None));
        assert_eq!(half_width(&[5, 5, 5], 10), Some(0.0));
    }

    #[test]
    fn yield_counts_chips_at_the_limit() {
        let got = yield_at(&[89, 90, 91, 50], 100, 0.9);
        assert_eq!((got.good, got.fraction), (2, 0.5));
        assert_eq!((got.low, got.high), wilson(2, 4));
    }
}
