//! Chips whose cells are drawn as they are read: classes and probabilities of the sums of their samples' scores.

use super::engine::Judge;
use crate::design::Design;
use crate::golden::ensemble::{self, Drawing};
use crate::golden::reference;
use crate::metrics::{self, Mixture};
use crate::network::{Decision, Network};
use crate::variation::{Chip, Correction};
use serde::{Deserialize, Serialize};

/// Seed of the first of the frames by which scores are corrected.
const SEED: u32 = 0x6669_7421;

/// Images that go through a chip together: bounds the memory of their samples' scores.
const CHUNK: usize = 1024;

/// How good the probabilities of a chip are, a softmax of the mean score of its samples: millionths, so that they are the same
/// when they are read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Mean negative log-likelihood, 10^-6 nats.
    pub nll: u64,
    /// Expected calibration error, 10^-6.
    pub ece: u64,
    /// Brier score, 10^-6.
    pub brier: u64,
}

/// What all chips of a machine are judged with.
#[derive(Debug)]
pub(super) struct Ensembles {
    /// The network with outputs of the sums of samples.
    mean: Network,
    /// Sums of the images of correction on the chip without errors.
    wanted: Option<Vec<i32>>,
}

/// What one chip gave.
pub(super) struct Found {
    /// Of each image.
    pub classes: Vec<usize>,
    /// None where the outputs are no logits.
    pub calibration: Option<Calibration>,
}

impl Ensembles {
    pub fn new(design: &Design, ideal: &Chip, judge: &Judge) -> Ensembles {
        Ensembles {
            mean: design.network.averaged(design.samples()),
            wanted: judge.correction.map(|images| sums(design, ideal, SEED, images)),
        }
    }

    /// Corrects `chip` where that is asked for, and classifies the images: frame 0 has the lower half of the chip's seed.
    pub fn judge(&self, design: &Design, chip: &mut Chip, judge: &Judge) -> Found {
        if let (Some(images), Some(wanted)) = (judge.correction, &self.wanted) {
            let found = sums(design, chip, SEED, images);
            chip.correction =
                Some(Correction::between(&found, wanted, design.output.scores, design.samples()));
        }
        let mut sums = sums(design, chip, chip.seed as u32, judge.images);
        if let Some(correction) = &chip.correction {
            sums.chunks_exact_mut(design.output.scores)
                .for_each(|image| correction.apply(image, design.samples()));
        }
        let images = || sums.chunks_exact(design.output.scores);
        let calibration = (judge.rule != Decision::HighestBit).then(|| {
            // The outputs of the mean network are those of one sample.
            let mixture = |sums: &[i32]| Mixture {
                probabilities: metrics::softmax(&self.mean.output.logits(sums, 1), 1.0),
                information: 0.0,
            };
            let mixtures: Vec<Mixture> = images().map(mixture).collect();
            let labels = judge.labels.iter().map(|&label| label as usize);
            let found = metrics::judge(mixtures.iter().zip(labels));
            let millionths = |value: f64| (1e6 * value).round() as u64;
            Calibration {
                nll: millionths(found.nll),
                ece: millionths(found.ece),
                brier: millionths(found.brier),
            }
        });
        let classes = images().map(|sums| reference::decide(&self.mean, sums, judge.rule)).collect();
        Found { classes, calibration }
    }
}

/// Sums of the scores of all samples of `images` (element values) on `chip`, image after image, in the order channel, row,
/// column; frame 0 has `seed`.
fn sums(design: &Design, chip: &Chip, seed: u32, images: &[i16]) -> Vec<i32> {
    let samples = design.samples();
    let drawing = Drawing { samples, seed, same: false, flips: true };
    let engine = ensemble::prepare_chip(design, chip, drawing);
    let (classes, size) = (design.output.scores, design.network.input.shape.elements());
    let mut sums = Vec::with_capacity(images.len() / size * classes);
    for (index, images) in images.chunks(CHUNK * size).enumerate() {
        let scores = engine.samples_of_elements(index * CHUNK, images);
        for image in scores.chunks_exact(samples * classes) {
            sums.extend((0..classes).map(|class| image[class..].iter().step_by(classes).sum::<i32>()));
        }
    }
    sums
}

/// Leaves in `chip` the correction that gives each class's sums the mean and the deviation over `images` (element values)
/// that they have on `ideal`, the chip without errors. Runs on the current rayon pool.
///
/// # Panics
/// Unless `images` holds whole images, at least one, and where the chips were drawn for another design.
pub fn correct(design: &Design, ideal: &Chip, chip: &mut Chip, images: &[i16]) {
    let [found, wanted] = [&*chip, ideal].map(|chip| sums(design, chip, SEED, images));
    chip.correction = Some(Correction::between(&found, &wanted, design.output.scores, design.samples()));
}
