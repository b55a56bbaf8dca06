//! Ranges of converters from the column sums that images cause.
//!
//! Sources: limits that hold the inner 99.98 % of the sums, and limits that lose least, from Xiao et al., "On the accuracy
//! of analog neural network inference accelerators" (IEEE CAS Magazine 22, 2022) and its CrossSim code; granular steps
//! from the same code, where the step is the smallest output step times a power of two.

use crate::golden::machine::ColumnSums;
use serde::Serialize;

/// How a range is found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The smallest count that this fraction of the sums does not exceed in size.
    Fraction(f64),
    /// The smallest range of these whose step is 2, 4, 8, ... counts: one-bit sums move in steps of 2.
    Granular(f64),
    /// The range in half counts whose mean absolute error of all sums is least; the smallest of equals.
    LeastError,
    /// Both ends at shares of the sums (`TAILS`) of their own, those with the least mean absolute error; the widest of
    /// equals.
    Ends,
}

/// Shares of the sums that an end of a range may leave beyond it.
const TAILS: [f64; 12] = [0.0, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 0.1];

/// A layer's range, and what it does to the sums.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Counts that the first code stands for.
    pub low: f64,
    /// Counts that the last code stands for.
    pub range: f64,
    /// Counts between two codes.
    pub step: f64,
    /// Largest size of a sum.
    pub largest: i32,
    /// Fraction of the sums beyond the range.
    pub clipped: f64,
    /// Mean size of what conversion changes in a sum, counts.
    pub error: f64,
}

/// The range of a converter of `levels` codes (at least 2) for these sums.
pub fn range(sums: &ColumnSums, levels: usize, rule: Rule) -> Found {
    let even = |high: f64| (-high, high);
    let ends = match rule {
        Rule::Fraction(fraction) => even(f64::from(inner(sums, fraction).max(1))),
        Rule::Granular(fraction) => {
            let least = f64::from(inner(sums, fraction).max(1));
            let mut step = 2.0;
            while step * (levels - 1) as f64 / 2.0 < least {
                step *= 2.0;
            }
            even(step * (levels - 1) as f64 / 2.0)
        }
        Rule::LeastError => {
            let candidates = (1..=2 * largest(sums).max(1)).map(|halves| even(f64::from(halves) / 2.0));
            least_error(sums, levels, candidates)
        }
        Rule::Ends => {
            let lows = TAILS.map(|tail| beyond(sums.iter(), tail));
            let highs = TAILS.map(|tail| beyond(sums.iter().rev(), tail));
            let pairs = lows.into_iter().flat_map(|low| highs.map(|high| (low, high)));
            // One sum alone still has a range around it.
            let pair = |(low, high): (f64, f64)| {
                if low < high { (low, high) } else { (low.min(high) - 1.0, low.max(high) + 1.0) }
            };
            least_error(sums, levels, pairs.map(pair))
        }
    };
    let (low, high) = ends;
    let total: u64 = sums.values().sum();
    let outside = |sum: i32| f64::from(sum) < low || f64::from(sum) > high;
    let beyond = sums.iter().filter(|(sum, _)| outside(**sum)).map(|(_, count)| count);
    Found {
        low,
        range: high,
        step: (high - low) / (levels - 1) as f64,
        largest: largest(sums),
        clipped: beyond.sum::<u64>() as f64 / total.max(1) as f64,
        error: error(sums, levels, ends),
    }
}

/// The first of the candidates whose error is least.
fn least_error(sums: &ColumnSums, levels: usize, candidates: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let tried = candidates.map(|ends| (error(sums, levels, ends), ends));
    tried.min_by(|a, b| a.0.total_cmp(&b.0)).map_or((-1.0, 1.0), |best| best.1)
}

/// The first of `sums`, in their order, before which no more than the share `tail` of all lie; 0 without any.
fn beyond<'a>(sums: impl Iterator<Item = (&'a i32, &'a u64)> + Clone, tail: f64) -> f64 {
    let total: u64 = sums.clone().map(|(_, count)| count).sum();
    let mut before = 0;
    for (sum, count) in sums {
        before += count;
        if before as f64 > tail * total as f64 {
            return f64::from(*sum);
        }
    }
    0.0
}

fn largest(sums: &ColumnSums) -> i32 {
    sums.keys().map(|sum| sum.abs()).max().unwrap_or(0)
}

/// The smallest size that at least `fraction` of the sums do not exceed.
fn inner(sums: &ColumnSums, fraction: f64) -> i32 {
    let total: u64 = sums.values().sum();
    let mut sizes = std::collections::BTreeMap::new();
    sums.iter().for_each(|(sum, count)| *sizes.entry(sum.abs()).or_insert(0u64) += count);
    let mut inside = 0;
    for (size, count) in sizes {
        inside += count;
        if inside as f64 >= fraction * total as f64 {
            return size;
        }
    }
    0
}

/// Mean size of the change of a sum by an ideal converter from `low` to `high`; ties go to the even code.
fn error(sums: &ColumnSums, levels: usize, (low, high): (f64, f64)) -> f64 {
    let step = (high - low) / (levels - 1) as f64;
    let change = |sum: i32| {
        let code = ((f64::from(sum) - low) / step).round_ties_even().clamp(0.0, (levels - 1) as f64);
        (code * step + low - f64::from(sum)).abs()
    };
    let total: u64 = sums.values().sum();
    sums.iter().map(|(sum, count)| change(*sum) * *count as f64).sum::<f64>() / total.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(counts: &[(i32, u64)]) -> ColumnSums {
        counts.iter().copied().collect()
    }

    #[test]
    fn each_rule_by_hand() {
        // 1000 sums: one of -40, nine of 20 in size, the others smaller.
        let sums = sums(&[(-40, 1), (-20, 4), (20, 5), (-2, 500), (0, 90), (10, 400)]);
        let fraction = range(&sums, 11, Rule::Fraction(0.999));
        assert_eq!((fraction.range, fraction.step, fraction.largest), (20.0, 4.0, 40));
        assert_eq!(fraction.clipped, 0.001);
        assert_eq!(range(&sums, 11, Rule::Fraction(1.0)).range, 40.0);
        // Ten steps of 4 counts reach 20, ten of 8 reach 40.
        assert_eq!(range(&sums, 11, Rule::Granular(0.999)).range, 20.0);
        assert_eq!(range(&sums, 11, Rule::Granular(1.0)).range, 40.0);
        assert_eq!(range(&sums, 11, Rule::Granular(0.5)).range, 10.0);
        let least = range(&sums, 11, Rule::LeastError);
        let tried =
            (1..=80).map(|halves| error(&sums, 11, (-f64::from(halves) / 2.0, f64::from(halves) / 2.0)));
        assert_eq!(least.error, tried.fold(f64::INFINITY, f64::min));
    }

    #[test]
    fn both_ends_follow_the_sums() {
        // 100,000 sums from 100 to 140, four far below and one far above.
        let mut all: ColumnSums = (100..140).map(|sum| (sum, 2500)).collect();
        all.insert(-400, 4);
        all.insert(900, 1);
        let found = range(&all, 41, Rule::Ends);
        assert_eq!((found.low, found.range, found.step), (100.0, 139.0, 39.0 / 40.0));
        assert_eq!(found.clipped, 5.0 / 100_005.0);
        // With codes for everything nothing is clipped; a lone sum lies inside its range.
        let all: ColumnSums = [(-3, 5), (7, 1)].into();
        assert_eq!((range(&all, 11, Rule::Ends).low, range(&all, 11, Rule::Ends).range), (-3.0, 7.0));
        let lone = range(&[(5, 9)].into(), 3, Rule::Ends);
        assert_eq!((lone.low, lone.range, lone.error), (4.0, 6.0, 0.0));
        // Of all pairs of ends that the shares allow, none errs less.
        let uneven: ColumnSums = (0..60).map(|sum| (sum * sum / 7 - 40, (70 - sum) as u64)).collect();
        let found = range(&uneven, 8, Rule::Ends);
        for low in TAILS {
            for high in TAILS {
                let ends = (beyond(uneven.iter(), low), beyond(uneven.iter().rev(), high));
                assert!(found.error <= error(&uneven, 8, ends), "{ends:?}");
            }
        }
        assert!(found.error < range(&uneven, 8, Rule::LeastError).error);
    }

    #[test]
    fn ties_go_to_the_even_code() {
        // Codes stand for -2, 0 and 2 (numbers 0, 1, 2): -1 goes to -2, 1 to 2.
        assert_eq!(error(&sums(&[(-1, 1), (1, 1), (0, 2)]), 3, (-2.0, 2.0)), 0.5);
        // A layer that never sums anything still has a range.
        assert_eq!(range(&sums(&[(0, 3)]), 5, Rule::Fraction(0.9)).range, 1.0);
        assert_eq!(range(&sums(&[]), 5, Rule::LeastError).error, 0.0);
    }
}
