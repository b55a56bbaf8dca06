//! A chip's correction of its scores: one line a class.

use serde::{Deserialize, Serialize};

/// Two numbers a class, by which a chip's scores are brought to those of the chip without errors.
///
/// The sum `z` of the scores of `S` samples becomes `(multiplier z + S offset + 128) >> 8`, rounded half up: `multiplier` in
/// 2^-8, `offset` in 2^-8 counts of one sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// 0 to [`Correction::MOST`] a class, in the order channel, row, column.
    pub multipliers: Vec<u16>,
    /// One a class, at most [`Correction::FAR`] in size.
    pub offsets: Vec<i32>,
}

/// Binary digits of the multipliers behind the point.
const FRACTION_BITS: u32 = 8;

impl Correction {
    /// Largest multiplier: just below 4.
    pub const MOST: u16 = (4 << FRACTION_BITS) - 1;

    /// Largest size of an offset: 2^20 counts.
    pub const FAR: i32 = 1 << (20 + FRACTION_BITS);

    /// The correction that gives each class the mean and the standard deviation that it has in `wanted`: sums of the scores
    /// of `samples` samples, image after image, of `classes` classes each, and those `found` for the same images. A class
    /// whose sums are all alike is moved alone.
    ///
    /// # Panics
    /// Unless both hold the same number of whole images, at least one.
    pub fn between(found: &[i32], wanted: &[i32], classes: usize, samples: usize) -> Correction {
        assert!(found.len() == wanted.len() && !found.is_empty() && found.len().is_multiple_of(classes));
        let lines: Vec<(u16, i32)> = (0..classes)
            .map(|class| {
                let (mean, spread) = moments(found[class..].iter().step_by(classes));
                let (wanted, wanted_spread) = moments(wanted[class..].iter().step_by(classes));
                let one = f64::from(1u32 << FRACTION_BITS);
                let multiplier = match spread > 0.0 {
                    true => (one * wanted_spread / spread).round().min(f64::from(Correction::MOST)),
                    false => one,
                };
                let offset = (one * wanted - multiplier * mean) / samples as f64;
                let far = f64::from(Correction::FAR);
                (multiplier as u16, offset.round().clamp(-far, far) as i32)
            })
            .collect();
        let (multipliers, offsets) = lines.into_iter().unzip();
        Correction { multipliers, offsets }
    }

    /// Corrects the `scores` of an image, sums of `samples` samples, one a class; what is beyond 32 bits is held to them.
    pub fn apply(&self, scores: &mut [i32], samples: usize) {
        for (score, (&multiplier, &offset)) in
            scores.iter_mut().zip(self.multipliers.iter().zip(&self.offsets))
        {
            let half = 1 << (FRACTION_BITS - 1);
            let sum = i64::from(multiplier) * i64::from(*score) + samples as i64 * i64::from(offset) + half;
            *score = (sum >> FRACTION_BITS).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        }
    }

    /// Why these numbers are no correction.
    pub(super) fn problem(&self) -> Option<String> {
        let (most, far) = (Correction::MOST, Correction::FAR);
        if self.multipliers.len() != self.offsets.len() || self.offsets.is_empty() {
            let (multipliers, offsets) = (self.multipliers.len(), self.offsets.len());
            return Some(format!("a correction of {multipliers} multipliers and {offsets} offsets"));
        }
        if let Some(number) = self.multipliers.iter().find(|&&number| number > most) {
            return Some(format!("a correction multiplies by {number} / 256, more than {most} / 256"));
        }
        let beyond = self.offsets.iter().find(|number| number.unsigned_abs() > far as u32)?;
        Some(format!("a correction adds {beyond} / 256, more than {far} / 256"))
    }
}

/// Mean and standard deviation.
fn moments<'a>(values: impl Iterator<Item = &'a i32>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0i128, 0i128, 0i128);
    for &value in values {
        let value = i128::from(value);
        (count, sum, squares) = (count + 1, sum + value, squares + value * value);
    }
    let mean = sum as f64 / count as f64;
    // Whole numbers as far as the root, which is rounded alike everywhere.
    (mean, ((count * squares - sum * sum) as f64).sqrt() / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_up_and_a_line_of_one_changes_nothing() {
        let one = Correction { multipliers: vec![256; 3], offsets: vec![0; 3] };
        let mut scores = [-7, 0, 9];
        one.apply(&mut scores, 8);
        assert_eq!(scores, [-7, 0, 9]);
        // -7 / 2 = -3.5, 9 / 2 = 4.5; 3 x 1 + 4 samples of 3 / 256.
        let half = Correction { multipliers: vec![128, 128, 768], offsets: vec![0, 0, 3] };
        let mut scores = [-7, 9, 1];
        half.apply(&mut scores, 4);
        assert_eq!(scores, [-3, 5, 3]);
        let far = Correction { multipliers: vec![1023], offsets: vec![Correction::FAR] };
        let mut scores = [i32::MAX];
        far.apply(&mut scores, 255);
        assert_eq!(scores, [i32::MAX]);
    }

    /// A chip that shrinks and shifts every class alike for all images is undone but for the rounding of the line.
    #[test]
    fn means_and_deviations_become_those_that_are_wanted() {
        let wanted: Vec<i32> = (0..600).map(|at| (at * 7919 % 401 - 200) * (1 + at % 3)).collect();
        let bent = |at: usize, score: i32| [score * 3 / 4 + 11, score * 5 / 4 - 30, score / 2][at % 3];
        let found: Vec<i32> = wanted.iter().enumerate().map(|(at, &score)| bent(at, score)).collect();
        let correction = Correction::between(&found, &wanted, 3, 8);
        // Whole counts of what was bent leave a little.
        for (found, wanted) in correction.multipliers.iter().zip([341u16, 205, 512]) {
            assert!(found.abs_diff(wanted) <= 3, "{found} {wanted}");
        }
        let mut corrected = found.clone();
        corrected.chunks_mut(3).for_each(|image| correction.apply(image, 8));
        for class in 0..3 {
            let of = |scores: &[i32]| moments(scores[class..].iter().step_by(3));
            let ((mean, spread), (wanted, wanted_spread)) = (of(&corrected), of(&wanted));
            assert!((mean - wanted).abs() < 0.6 && (spread / wanted_spread - 1.0).abs() < 0.01, "{class}");
        }
    }

    #[test]
    fn classes_that_do_not_vary_are_moved_alone() {
        let correction = Correction::between(&[5, 5], &[9, 11], 1, 2);
        assert_eq!(correction, Correction { multipliers: vec![256], offsets: vec![640] });
        let mut scores = [5];
        correction.apply(&mut scores, 2);
        assert_eq!(scores, [10]);
    }
}
