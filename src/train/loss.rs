//! Softmax cross entropy with label smoothing.

/// What a batch's scores cost, and how many are right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Mean over the batch; not a number where a score is none.
    pub mean: f64,
    /// Images whose largest score (the first of equal ones) is that of their label.
    pub correct: usize,
}

/// Loss of `scores` (image, class) times `scale`; they become the gradients of the scaled scores. The target
/// of an image is 1 - `smoothing` for its label plus `smoothing` spread over all classes.
///
/// Panics where a label is no class.
pub fn cross_entropy(scores: &mut [f32], scale: f32, labels: &[u8], smoothing: f32) -> Loss {
    let classes = scores.len() / labels.len();
    let (mut loss, mut correct) = (0.0f64, 0);
    let share = smoothing / classes as f32;
    for (row, &label) in scores.chunks_exact_mut(classes).zip(labels) {
        let label = usize::from(label);
        let largest = (1..classes).fold(0, |best, c| if row[c] > row[best] { c } else { best });
        correct += usize::from(largest == label);
        row.iter_mut().for_each(|score| *score *= scale);
        // The order may have turned with a negative scale, so the maximum is taken again.
        let top = row.iter().fold(f32::NEG_INFINITY, |top, &score| top.max(score));
        let total: f32 = row.iter().map(|score| (score - top).exp()).sum();
        let log_total = total.ln();
        let mean_score = row.iter().map(|score| score - top).sum::<f32>() / classes as f32;
        let entropy = log_total - (1.0 - smoothing) * (row[label] - top) - smoothing * mean_score;
        loss += f64::from(entropy);
        for (class, score) in row.iter_mut().enumerate() {
            let target = share + if class == label { 1.0 - smoothing } else { 0.0 };
            *score = ((*score - top).exp() / total - target) / labels.len() as f32;
        }
    }
    Loss { mean: loss / labels.len() as f64, correct }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let scores: Vec<f32> = (0..12).map(|i| ((i * 7 % 11) as f32 - 5.0) * 0.4).collect();
        let labels = [2, 0, 3];
        for smoothing in [0.0, 0.15] {
            let mut gradient = scores.clone();
            let loss = cross_entropy(&mut gradient, 0.5, &labels, smoothing);
            assert!(loss.mean > 0.0 && loss.correct <= 3);
            for entry in 0..scores.len() {
                // The gradient is by the scaled score.
                let at = |step: f32| {
                    let mut moved = scores.clone();
                    moved[entry] += step / 0.5;
                    cross_entropy(&mut moved, 0.5, &labels, smoothing).mean
                };
                let difference = (at(0.01) - at(-0.01)) / 0.02;
                assert!((difference - f64::from(gradient[entry])).abs() < 2e-5, "{entry}: {difference}");
            }
        }
    }

    #[test]
    fn equal_scores_cost_the_logarithm_of_the_classes_and_the_first_one_wins() {
        let loss = cross_entropy(&mut [3.0; 20], 1.0, &[0, 1], 0.0);
        assert!((loss.mean - 10f64.ln()).abs() < 1e-6);
        assert_eq!(loss.correct, 1);
        assert!(cross_entropy(&mut [f32::NAN, 0.0], 1.0, &[0], 0.0).mean.is_nan());
    }
}
