//! One integer threshold and one flip bit out of a floating-point decision, and the proof of it.
//!
//! `find` bisects; `prove` then compares the result with the decision at every reachable accumulator. The
//! two are separate on purpose: a threshold that `find` got wrong, or a decision that is not monotone,
//! cannot pass `prove`.

/// The accumulators that can occur: low, low + step, ..., high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reachable {
    pub low: i64,
    pub high: i64,
    pub step: i64,
}

impl Reachable {
    /// Number of accumulator values.
    pub fn count(&self) -> i64 {
        (self.high - self.low) / self.step + 1
    }

    /// The values, in rising order.
    pub fn values(self) -> impl Iterator<Item = i64> {
        (0..self.count()).map(move |index| self.value(index))
    }

    fn value(&self, index: i64) -> i64 {
        self.low + index * self.step
    }
}

/// Threshold and flip with `decide(acc) == ((acc >= threshold) ^ flip)` for a monotone decision.
///
/// The threshold is the smallest reachable accumulator that meets it. A constant decision gives flip 0
/// with the threshold at `low` (always met) or at `high + 1` (never met).
pub fn find(reachable: Reachable, decide: impl Fn(i64) -> bool) -> (i64, bool) {
    let (first, last) = (decide(reachable.low), decide(reachable.high));
    if first == last {
        return (if first { reachable.low } else { reachable.high + 1 }, false);
    }
    let (mut below, mut met) = (0, reachable.count() - 1);
    while met - below > 1 {
        let middle = below + (met - below) / 2;
        if decide(reachable.value(middle)) == last {
            met = middle;
        } else {
            below = middle;
        }
    }
    (reachable.value(met), first)
}

/// Compares threshold and flip with `decide` at every reachable accumulator.
///
/// # Errors
/// The first accumulator at which they differ.
pub fn prove(
    reachable: Reachable,
    threshold: i64,
    flip: bool,
    decide: impl Fn(i64) -> bool,
) -> Result<(), i64> {
    reachable.values().find(|&acc| decide(acc) != ((acc >= threshold) ^ flip)).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: Reachable = Reachable { low: -8, high: 8, step: 2 };

    fn folded(decide: impl Fn(i64) -> bool) -> Result<(i64, bool), i64> {
        let (threshold, flip) = find(R, &decide);
        prove(R, threshold, flip, decide).map(|()| (threshold, flip))
    }

    #[test]
    fn rising_falling_and_constant_decisions() {
        assert_eq!(folded(|a| a >= 3), Ok((4, false)));
        assert_eq!(folded(|a| a >= 4), Ok((4, false)));
        assert_eq!(folded(|a| a <= 4), Ok((6, true)));
        assert_eq!(folded(|a| a < 4), Ok((4, true)));
        assert_eq!(folded(|_| true), Ok((-8, false)));
        assert_eq!(folded(|_| false), Ok((9, false)));
        assert_eq!(folded(|a| a >= 18302), Ok((9, false)));
        assert_eq!(folded(|a| a > -8), Ok((-6, false)));
        assert_eq!(folded(|a| a >= 8), Ok((8, false)));
    }

    #[test]
    fn a_tie_belongs_to_the_side_that_the_comparison_includes() {
        let decide = |gamma: f64| move |acc: i64| gamma * (acc as f64 - 2.0) >= 0.0;
        assert_eq!(folded(decide(0.5)), Ok((2, false)));
        assert_eq!(folded(decide(-0.5)), Ok((4, true)));
        assert_eq!(folded(decide(1e-6)), Ok((2, false)));
        assert_eq!(folded(decide(-1e-6)), Ok((4, true)));
        assert_eq!(folded(decide(0.0)), Ok((-8, false)));
    }

    #[test]
    fn a_decision_that_folds_back_is_caught() {
        assert!(folded(|a| a == 2).is_err());
        assert!(folded(|a| a != 2).is_err());
        assert!(folded(|a| a.rem_euclid(4) == 0).is_err());
    }

    #[test]
    fn a_wrong_threshold_is_caught() {
        for threshold in -8..=9 {
            let right = threshold == 3 || threshold == 4;
            assert_eq!(prove(R, threshold, false, |a| a >= 4).is_ok(), right);
            assert!(prove(R, threshold, true, |a| a >= 4).is_err());
        }
    }
}
