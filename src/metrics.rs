//! How good probabilities are: what they cost, whether they are calibrated, and whether doubt tells strange images from
//! known ones. Floating point; no class of the machine is decided here.
//!
//! Logits are what the graph gives before a softmax, one a class. An image has those of one network, or of each sample of
//! an ensemble, whose probabilities are averaged.

use serde::Serialize;

/// Bins of the calibration error.
pub const BINS: usize = 15;

/// Probabilities of `logits / temperature`.
pub fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| ((logit - largest) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Entropy in nats, 0 to ln(classes).
pub fn entropy(probabilities: &[f64]) -> f64 {
    -probabilities.iter().filter(|&&p| p > 0.0).map(|p| p * p.ln()).sum::<f64>()
}

/// Probabilities of an ensemble, and what its members disagree in.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// Mean over the samples.
    pub probabilities: Vec<f64>,
    /// Mutual information of class and sample in nats: entropy of the mean less mean entropy, 0 to the entropy of the mean.
    pub information: f64,
}

/// The mean of the probabilities of `samples`, at least one.
pub fn mixture(samples: &[Vec<f64>]) -> Mixture {
    let count = samples.len() as f64;
    let classes = samples.first().map_or(0, Vec::len);
    let probabilities: Vec<f64> =
        (0..classes).map(|class| samples.iter().map(|one| one[class]).sum::<f64>() / count).collect();
    let mean = samples.iter().map(|one| entropy(one)).sum::<f64>() / count;
    let information = (entropy(&probabilities) - mean).max(0.0);
    Mixture { probabilities, information }
}

/// Figures over labelled images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    pub images: usize,
    /// Fraction whose most probable class is the label; the lowest one on a tie.
    pub right: f64,
    /// Mean negative logarithm of the label's probability, nats.
    pub nll: f64,
    /// Expected calibration error, 0 to 1: in [`BINS`] bins of equal width by the largest probability, what the fraction
    /// right and the mean of that probability differ by, weighted by the images. Source: Guo et al., ICML 2017.
    pub ece: f64,
    /// What `ece` comes to in the mean where the same probabilities are exactly true, for want of images: in each bin a sum
    /// of independent draws, taken as Gaussian.
    pub ece_floor: f64,
    /// Mean squared distance from the label's corner, 0 to 2.
    pub brier: f64,
    /// Mean entropy, nats.
    pub entropy: f64,
    /// Mean mutual information, nats; 0 for one network.
    pub information: f64,
    /// Images, sum of the largest probabilities and images right of each bin.
    pub bins: Vec<Bin>,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bin {
    pub images: usize,
    pub confidence: f64,
    pub right: usize,
    #[serde(skip)]
    variance: f64,
}

/// Judges `images` with their labels; none of them gives figures that are not numbers.
pub fn judge<'a>(images: impl Iterator<Item = (&'a Mixture, usize)>) -> Judgement {
    let mut bins = vec![Bin::default(); BINS];
    let (mut nll, mut brier, mut doubt, mut information) = (0.0, 0.0, 0.0, 0.0);
    for (image, label) in images {
        let probabilities = &image.probabilities;
        let class = most_probable(probabilities);
        let confidence = probabilities[class];
        // A confidence of 1 belongs to the last bin.
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.images += 1;
        bin.confidence += confidence;
        bin.right += usize::from(class == label);
        bin.variance += confidence * (1.0 - confidence);
        // The smallest number above 0, where a probability is too small for one.
        nll -= probabilities[label].max(f64::MIN_POSITIVE).ln();
        let corner = |(index, p): (usize, &f64)| (p - f64::from(u8::from(index == label))).powi(2);
        brier += probabilities.iter().enumerate().map(corner).sum::<f64>();
        doubt += entropy(probabilities);
        information += image.information;
    }
    let count: usize = bins.iter().map(|bin| bin.images).sum();
    let mean = |sum: f64| sum / count as f64;
    let gap = |bin: &Bin| (bin.right as f64 - bin.confidence).abs();
    // The mean size of a Gaussian number.
    let chance = |bin: &Bin| (2.0 * bin.variance / std::f64::consts::PI).sqrt();
    Judgement {
        images: count,
        right: mean(bins.iter().map(|bin| bin.right).sum::<usize>() as f64),
        nll: mean(nll),
        ece: mean(bins.iter().map(gap).sum()),
        ece_floor: mean(bins.iter().map(chance).sum()),
        brier: mean(brier),
        entropy: mean(doubt),
        information: mean(information),
        bins,
    }
}

/// The most probable class, the lowest one on a tie.
fn most_probable(probabilities: &[f64]) -> usize {
    let mut best = 0;
    for (class, p) in probabilities.iter().enumerate() {
        if *p > probabilities[best] {
            best = class;
        }
    }
    best
}

/// Temperatures that [`fit_temperature`] looks among.
pub const TEMPERATURES: (f64, f64) = (1e-3, 1e6);

/// The temperature at which the labels of `images`, logits each, cost least: the loss is convex in its inverse, whose slope
/// is halved in on. An end of [`TEMPERATURES`] where the loss falls that far: all labels have the largest logit, or the
/// logits say nothing of them.
pub fn fit_temperature(images: &[(Vec<f64>, usize)]) -> f64 {
    // Mean over the images of (expected logit - the label's): the loss' slope along the inverse temperature.
    let slope = |inverse: f64| -> f64 {
        let each = images.iter().map(|(logits, label)| {
            let probabilities = softmax(logits, 1.0 / inverse);
            probabilities.iter().zip(logits).map(|(p, logit)| p * logit).sum::<f64>() - logits[*label]
        });
        each.sum()
    };
    let (mut low, mut high) = ((1.0 / TEMPERATURES.1).ln(), (1.0 / TEMPERATURES.0).ln());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(middle.exp()) <= 0.0 { low = middle } else { high = middle }
    }
    1.0 / (0.5 * (low + high)).exp()
}

/// The chance that an image of `strange` has more doubt than one of `known`, ties counting half: the area under the
/// receiver's curve. Not a number where one of them is empty.
pub fn auroc(known: &[f64], strange: &[f64]) -> f64 {
    let mut known = known.to_vec();
    known.sort_by(f64::total_cmp);
    let below = |doubt: f64| known.partition_point(|&one| one < doubt);
    let up_to = |doubt: f64| known.partition_point(|&one| one <= doubt);
    let wins: f64 = strange.iter().map(|&doubt| 0.5 * (below(doubt) + up_to(doubt)) as f64).sum();
    wins / (known.len() * strange.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} and {b}");
    }

    fn certain(p: f64) -> Mixture {
        Mixture { probabilities: vec![p, 1.0 - p], information: 0.0 }
    }

    #[test]
    fn probabilities_of_logits() {
        let p = softmax(&[2.0 + 1e4, 0.0 + 1e4], 2.0);
        close(p[0], 1.0 / (1.0 + (-1f64).exp()));
        close(p[0] + p[1], 1.0);
        close(entropy(&[0.25; 4]), 4f64.ln());
        close(entropy(&[1.0, 0.0]), 0.0);
    }

    /// Two samples that contradict each other know nothing together, and know that.
    #[test]
    fn an_ensembles_information_is_its_disagreement() {
        let one = mixture(&[vec![1.0, 0.0], vec![0.0, 1.0]]);
        assert_eq!(one.probabilities, [0.5, 0.5]);
        close(one.information, 2f64.ln());
        close(mixture(&[vec![0.3, 0.7], vec![0.3, 0.7]]).information, 0.0);
    }

    /// By hand: 0.9 right, 0.8 wrong, 0.6 right.
    #[test]
    fn figures_of_three_images() {
        let images = [(certain(0.9), 0), (certain(0.2), 0), (certain(0.6), 0)];
        let found = judge(images.iter().map(|(image, label)| (image, *label)));
        close(found.right, 2.0 / 3.0);
        close(found.nll, -(0.9f64 * 0.2 * 0.6).ln() / 3.0);
        close(found.ece, (0.1 + 0.8 + 0.4) / 3.0);
        close(found.brier, 2.0 * (0.01 + 0.64 + 0.16) / 3.0);
        let spread = |p: f64| (2.0 * p * (1.0 - p) / std::f64::consts::PI).sqrt();
        close(found.ece_floor, (spread(0.9) + spread(0.8) + spread(0.6)) / 3.0);
        assert_eq!(found.bins.iter().map(|bin| bin.images).sum::<usize>(), 3);
    }

    /// Calibrated by construction: the error is its floor.
    #[test]
    fn true_probabilities_err_by_the_floor() {
        let mut state = 1u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        let (mut errors, mut floors) = (0.0, 0.0);
        for _ in 0..200 {
            let images: Vec<(Mixture, usize)> = (0..500)
                .map(|_| {
                    let p = 0.5 + 0.5 * draw();
                    (certain(p), usize::from(draw() > p))
                })
                .collect();
            let found = judge(images.iter().map(|(image, label)| (image, *label)));
            errors += found.ece / 200.0;
            floors += found.ece_floor / 200.0;
        }
        assert!((errors / floors - 1.0).abs() < 0.05, "{errors} and {floors}");
    }

    /// Logits three times too large, by labels that are drawn from the right ones.
    #[test]
    fn a_temperature_is_found_again() {
        let images: Vec<(Vec<f64>, usize)> = (0..1000)
            .map(|index| {
                // Of ten images of this kind, 7 have label 0.
                (vec![3.0 * (0.7f64 / 0.3).ln(), 0.0], usize::from(index % 10 >= 7))
            })
            .collect();
        assert!((fit_temperature(&images) - 3.0).abs() < 1e-6);
        let right = [(vec![1.0, 0.0], 0)];
        assert!(fit_temperature(&right) < 1.01 * TEMPERATURES.0);
    }

    #[test]
    fn doubt_tells_strange_from_known() {
        close(auroc(&[0.1, 0.2], &[0.3, 0.4]), 1.0);
        close(auroc(&[0.1, 0.2], &[0.1, 0.2]), 0.5);
        close(auroc(&[0.5, 0.5, 0.1], &[0.5]), (0.5 + 0.5 + 1.0) / 3.0);
    }
}
