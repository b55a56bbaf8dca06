//! Integer thresholds and one flip bit out of a floating-point decision, and the proof of them.
//!
//! `find` bisects; `prove` then compares the result with the decision at every reachable accumulator. The
//! two are separate on purpose: thresholds that `find` got wrong, or a decision that is not monotone,
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

/// Thresholds and flip with `decide(acc) == met(thresholds, flip, acc)` for a monotone decision, which is a number from 0 to
/// `steps`. The bits of the steps rise together: threshold `s` is that of "more than `s` are met".
///
/// A threshold is the smallest reachable accumulator that meets it, or, where its bit is constant, `low` or `high + 1`;
/// a channel whose bits are all constant is not flipped.
pub fn find(reachable: Reachable, steps: usize, decide: impl Fn(i64) -> usize) -> (Vec<i64>, bool) {
    let (first, last) = (decide(reachable.low), decide(reachable.high));
    let flip = first > last;
    let threshold = |step: usize| {
        let met = |index: i64| (decide(reachable.value(index)) > step) ^ flip;
        match ((first > step) ^ flip, (last > step) ^ flip) {
            (true, _) => return reachable.low,
            (false, false) => return reachable.high + 1,
            (false, true) => {}
        }
        let (mut below, mut above) = (0, reachable.count() - 1);
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if met(middle) {
                above = middle;
            } else {
                below = middle;
            }
        }
        reachable.value(above)
    };
    ((0..steps).map(threshold).collect(), flip)
}

/// How many bits of the steps are 1.
pub fn met(thresholds: &[i64], flip: bool, acc: i64) -> usize {
    thresholds.iter().filter(|&&threshold| (acc >= threshold) ^ flip).count()
}

/// Compares thresholds and flip with `decide` at every reachable accumulator.
///
/// # Errors
/// The first accumulator at which they differ.
pub fn prove(
    reachable: Reachable,
    thresholds: &[i64],
    flip: bool,
    decide: impl Fn(i64) -> usize,
) -> Result<(), i64> {
    reachable.values().find(|&acc| decide(acc) != met(thresholds, flip, acc)).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    const R: Reachable = Reachable { low: -8, high: 8, step: 2 };

    fn folded(decide: impl Fn(i64) -> bool) -> Result<(i64, bool), i64> {
        let (thresholds, flip) = levels(1, |acc| usize::from(decide(acc)))?;
        Ok((thresholds[0], flip))
    }

    fn levels(steps: usize, decide: impl Fn(i64) -> usize) -> Result<(Vec<i64>, bool), i64> {
        let (thresholds, flip) = find(R, steps, &decide);
        prove(R, &thresholds, flip, decide).map(|()| (thresholds, flip))
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
    fn thresholds_of_several_steps_stand_in_their_order() {
        let count = |list: [i64; 3]| move |acc: i64| list.into_iter().filter(|&t| acc >= t).count();
        assert_eq!(levels(3, count([-3, 2, 6])), Ok((vec![-2, 2, 6], false)));
        // Always met, and never.
        assert_eq!(levels(3, count([-20, 0, 20])), Ok((vec![-8, 0, 9], false)));
        assert_eq!(levels(3, count([-20, 20, 20])), Ok((vec![-8, 9, 9], false)));
        // The same where the numbers fall: the constant ones are flipped with the others.
        let falling = |list| move |acc: i64| count(list)(-acc);
        assert_eq!(levels(3, falling([-3, 2, 6])), Ok((vec![4, 0, -4], true)));
        assert_eq!(levels(3, falling([-20, 0, 20])), Ok((vec![9, 2, -8], true)));
        assert!(levels(3, |acc| (acc.rem_euclid(5) / 2) as usize).is_err());
    }

    #[test]
    fn a_wrong_threshold_is_caught() {
        for threshold in -8..=9 {
            let right = threshold == 3 || threshold == 4;
            let decide = |a: i64| usize::from(a >= 4);
            assert_eq!(prove(R, &[threshold], false, decide).is_ok(), right);
            assert!(prove(R, &[threshold], true, decide).is_err());
            assert_eq!(prove(R, &[threshold, 6], false, |a| decide(a) + decide(a - 2)).is_ok(), right);
        }
    }
}
