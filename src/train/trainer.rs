//! The training itself: epochs of steps, the measured statistics, the history.
//!
//! A pure function of the plan and the images: the same on any number of threads, and the same whether it ran
//! at one go or from checkpoints. Reads no clock and no disk.

use super::adam;
use super::arrays::Arrays;
use super::bayes;
use super::drop::drop_least;
use super::fold;
use super::model::{Model, Moment, Normal, On};
use super::norm::Statistics;
use super::plan::Plan;
use super::sample::{Samples, Use, batch, order, random};
use super::supports;
use crate::golden::{packed, reference};
use crate::network::{Decision, Network};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// Least slope of a normalisation whose bit may not change its direction.
const LEAST_GAMMA: f32 = 1e-3;
/// Test images that share a chip.
const CHIP_IMAGES: usize = 500;

/// What a chip of the training is drawn for.
#[derive(Clone, Copy)]
enum Chip {
    Step = 0,
    Measure = 1,
    Test = 2,
}

/// Seeds of the `count` chips of one batch. All lie above 2^63, where no other verb begins to count.
fn chips(seed: u64, purpose: Chip, number: u64, count: usize) -> Vec<u64> {
    let base = 1 << 63 | (purpose as u64) << 60 | (seed & 0xf_ffff) << 40;
    (0..count as u64).map(|chip| base | (number * count as u64 + chip) & 0xff_ffff_ffff).collect()
}

fn first_largest(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best })
}

/// What one epoch gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// From 1.
    pub epoch: usize,
    /// Mean over the epoch's steps, while it trained.
    pub loss: f64,
    /// Share of the training images that were right while it trained, augmented.
    pub train_accuracy: f64,
    /// Share of the test images that are right after this epoch: by the finished integers, or on chips.
    pub test_accuracy: f64,
    /// Share of them that an ensemble of drawn networks has right, where weights are drawn; `test_accuracy` then is that
    /// of the likelier weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble_accuracy: Option<f64>,
}

/// What one step gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub loss: f64,
    pub correct: usize,
}

/// Why training cannot go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    #[error("label {label} of image {image} is no class: the network has {classes} scores")]
    Label { image: usize, label: u8, classes: usize },
    #[error("{images} training images do not fill one batch of {batch}")]
    TooFew { images: usize, batch: usize },
    #[error("the images have {found} values, the network reads {expected}")]
    Shape { found: usize, expected: usize },
    #[error("epoch {epoch}, step {step}: the {what} is not a finite number")]
    NotFinite { epoch: usize, step: usize, what: String },
}

impl TrainError {
    /// Stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            TrainError::Label { .. } => "train::label",
            TrainError::TooFew { .. } => "train::too_few",
            TrainError::Shape { .. } => "train::shape",
            TrainError::NotFinite { .. } => "train::not_finite",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            TrainError::Label { .. } => {
                "set outputs of the layer with kind = \"scores\" to the number of classes"
            }
            TrainError::TooFew { .. } => "lower train.batch, or give more images",
            TrainError::Shape { .. } => "set [input] to the channels, rows and columns of the images",
            TrainError::NotFinite { .. } => {
                "lower train.rate, or give train.warmup a few epochs; --resume goes on from the last whole epoch"
            }
        }
    }
}

/// A network in training.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainer {
    pub plan: Plan,
    pub model: Model,
    /// The arrays that it is trained on; each step meets a chip of its own.
    pub arrays: Option<Arrays>,
    /// SHA-256 of the model that it went on from.
    pub started: Option<String>,
    /// Steps of Adam so far.
    pub steps: u64,
    pub history: Vec<EpochRecord>,
}

impl Trainer {
    pub fn new(plan: Plan) -> Trainer {
        Trainer { model: Model::new(&plan), plan, arrays: None, started: None, steps: 0, history: Vec::new() }
    }

    /// Steps of one epoch over `images` images; what is left of the last batch is passed over.
    pub fn steps_per_epoch(&self, images: usize) -> usize {
        images / self.plan.train.batch
    }

    pub fn is_finished(&self) -> bool {
        self.history.len() >= self.plan.train.epochs
    }

    /// Whether `samples` can be trained on.
    ///
    /// # Errors
    /// Images of another size, a label that is no class, fewer images than one batch.
    pub fn check(&self, samples: &Samples) -> Result<(), TrainError> {
        let size = self.plan.input.elements();
        if samples.pixels.len() != samples.labels.len() * size {
            let found = samples.pixels.len() / samples.labels.len().max(1);
            return Err(TrainError::Shape { found, expected: size });
        }
        let classes = self.plan.classes();
        if let Some(image) = samples.labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(TrainError::Label { image, label: samples.labels[image], classes });
        }
        Ok(())
    }

    /// Trains one epoch; `told` hears of every step. Then measures the statistics, moves thresholds off the
    /// sums that occur, and tests the integers.
    ///
    /// # Errors
    /// See [`Trainer::check`], and a loss or a number that is not finite: the trainer is then of no more use.
    pub fn epoch(
        &mut self,
        samples: &Samples,
        test: &Samples,
        told: &mut dyn FnMut(Step),
    ) -> Result<(), TrainError> {
        self.check(samples)?;
        self.check(test)?;
        let images = samples.labels.len();
        let size = self.plan.train.batch;
        let steps = self.steps_per_epoch(images);
        if steps == 0 {
            return Err(TrainError::TooFew { images, batch: size });
        }
        let epoch = self.history.len();
        self.settle_supports(epoch, samples);
        let order = order(self.plan.train.seed, epoch as u64, images);
        let (mut loss, mut correct) = (0.0, 0);
        for (number, chosen) in order.chunks_exact(size).enumerate() {
            let codes = batch(&self.plan, samples, chosen, Some(epoch as u64));
            let labels: Vec<u8> = chosen.iter().map(|&image| samples.labels[image as usize]).collect();
            let step = self.step(&codes, &labels, steps as u64);
            if let Some(what) = self.not_finite(&step, number + 1 == steps) {
                return Err(TrainError::NotFinite { epoch: epoch + 1, step: number + 1, what });
            }
            loss += step.loss;
            correct += step.correct;
            told(step);
        }
        self.measure(samples);
        let share = |right: usize| right as f64 / test.labels.len().max(1) as f64;
        self.history.push(EpochRecord {
            epoch: epoch + 1,
            loss: loss / steps as f64,
            train_accuracy: correct as f64 / (steps * size) as f64,
            test_accuracy: share(self.tested(test)),
            ensemble_accuracy: self.count_right_drawn(test).map(share),
        });
        Ok(())
    }

    /// One step on one batch of codes (image, row, column, channel).
    pub fn step(&mut self, codes: &[i8], labels: &[u8], steps_per_epoch: u64) -> Step {
        let recipe = &self.plan.train;
        let progress = self.steps as f64 / (steps_per_epoch * recipe.epochs as u64) as f64;
        let rate = adam::rate(recipe, self.steps, steps_per_epoch);
        let seeds = chips(recipe.seed, Chip::Step, self.steps, recipe.chips);
        let on: On = self.arrays.as_ref().map(|arrays| (arrays, &seeds[..]));
        let used = self.supports_of_step();
        let moment = Moment { progress: progress.min(1.0), step: self.steps };
        let loss = self.model.gradients(&self.plan, codes, labels, moment, used, on);
        self.steps += 1;
        let frozen = self.plan.supports.as_ref().is_some_and(|supports| supports.frozen);
        let rising = self.plan.fewer_supports() > 0;
        let learning = self.scales_move();
        let images = steps_per_epoch as usize * recipe.batch;
        for (index, layer) in self.model.layers.iter_mut().enumerate() {
            match self.plan.drawn(index) {
                Some(bayes) => {
                    bayes::step(bayes, &mut layer.weights, (rate / recipe.rate, self.steps), images);
                }
                None if !frozen => layer.weights.step(rate, self.steps),
                None => {}
            }
            layer.gamma.step(rate, self.steps);
            layer.beta.step(rate, self.steps);
            if rising && !layer.beta.value.is_empty() {
                // A bit has one direction for every number of planes.
                layer.gamma.value.iter_mut().for_each(|gamma| *gamma = gamma.max(LEAST_GAMMA));
            }
            for support in layer.supports.iter_mut().filter(|support| support.is_used()).take(used) {
                support.weights.step(rate, self.steps);
                if learning {
                    support.scale.step(rate, self.steps);
                }
            }
            if learning {
                supports::hold(&mut layer.supports);
            }
        }
        Step { loss: loss.mean, correct: loss.correct }
    }

    /// How many supports the next step uses: all, or as many as it draws, where a frozen base alone has nothing to learn.
    fn supports_of_step(&self) -> usize {
        let Some(recipe) = &self.plan.supports else { return 0 };
        let all = recipe.scales.len();
        match recipe.any_planes {
            true => {
                let mut random = random(self.plan.train.seed, Use::Planes, self.steps);
                random.random_range(usize::from(recipe.frozen)..=all)
            }
            false => all,
        }
    }

    /// The epoch, from 0, that begins at the share `at` of the training.
    fn epoch_at(&self, at: f64) -> usize {
        (at * self.plan.train.epochs as f64) as usize
    }

    /// Whether sizes of supports are being learnt, so that no integers stand for them yet.
    fn scales_move(&self) -> bool {
        let supports = self.plan.supports.as_ref();
        supports.is_some_and(|s| s.learn_scales && self.history.len() < self.epoch_at(s.snap))
    }

    /// What happens to the supports as `epoch` begins: learnt sizes become such as there are, the least groups go.
    fn settle_supports(&mut self, epoch: usize, samples: &Samples) {
        let Some(recipe) = &self.plan.supports else { return };
        if recipe.learn_scales && epoch == self.epoch_at(recipe.snap) {
            self.model.layers.iter_mut().for_each(|layer| supports::snap(recipe, &mut layer.supports));
        }
        let last = self.epoch_at(recipe.drop_at);
        let first = recipe.drop_from.map_or(last, |from| self.epoch_at(from));
        if recipe.drop > 0.0 && (first..=last).contains(&epoch) {
            let share = recipe.drop * (epoch + 1 - first) as f64 / (last + 1 - first) as f64;
            let arrays = self.arrays.as_ref();
            drop_least(&self.plan, &mut self.model, samples, epoch as u64, share, arrays);
        }
    }

    /// The first thing that is no finite number; the trained numbers are looked through where `all` is set.
    fn not_finite(&mut self, step: &Step, all: bool) -> Option<String> {
        if step.loss.is_finite() && !all {
            return None;
        }
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        for (layer, state) in self.plan.layers.iter().zip(&self.model.layers) {
            let own = [("weights", &state.weights), ("gamma", &state.gamma), ("beta", &state.beta)];
            let supports =
                state.supports.iter().flat_map(|s| [("supports", &s.weights), ("scales", &s.scale)]);
            for (what, parameter) in own.into_iter().chain(supports) {
                if !finite(&parameter.value) {
                    return Some(format!("loss is {} and {what} of layer '{}'", step.loss, layer.name));
                }
            }
        }
        (!step.loss.is_finite()).then(|| "loss".into())
    }

    /// Sets the statistics to the plain average over the batches of the first `train.measured` images, as they
    /// are, with the weights at rest (drawn ones: over networks of them), for every number of supports that is to serve (a frozen base alone keeps its own);
    /// then moves thresholds off the sums that occur.
    pub fn measure(&mut self, samples: &Samples) {
        if self.plan.bayes.is_some() {
            bayes::measure(&self.plan, &mut self.model, samples);
            fold::settle(&self.plan, &mut self.model, false);
            return;
        }
        let fewer = self.plan.fewer_supports();
        let frozen = self.plan.supports.as_ref().is_some_and(|supports| supports.frozen);
        for supports in usize::from(frozen)..fewer {
            for (state, statistics) in self.statistics(samples, supports).into_iter().enumerate() {
                let state = &mut self.model.layers[state];
                state.fewer[supports] = Normal { statistics, ..state.normal() };
            }
        }
        for (state, statistics) in self.statistics(samples, usize::MAX).into_iter().enumerate() {
            self.model.layers[state].measured = statistics;
        }
        fold::settle(&self.plan, &mut self.model, self.arrays.is_some());
    }

    /// Statistics of the signed layers' sums with the first `supports` supports.
    fn statistics(&self, samples: &Samples, supports: usize) -> Vec<Statistics> {
        let size = self.plan.train.batch;
        let count = samples.labels.len().min(self.plan.train.measured) / size;
        let mut totals: Vec<[Vec<f64>; 2]> = Vec::new();
        for number in 0..count {
            let chosen: Vec<u32> = (number * size..(number + 1) * size).map(|image| image as u32).collect();
            let codes = batch(&self.plan, samples, &chosen, None);
            let recipe = &self.plan.train;
            let seeds = chips(recipe.seed, Chip::Measure, number as u64, recipe.chips);
            let on = self.arrays.as_ref().map(|arrays| (arrays, &seeds[..]));
            let found = self.model.batch_statistics(&self.plan, &codes, supports, on);
            totals.resize_with(found.len(), Default::default);
            for (total, found) in totals.iter_mut().zip(&found) {
                for (total, found) in total.iter_mut().zip([&found.mean, &found.variance]) {
                    total.resize(found.len(), 0.0);
                    total.iter_mut().zip(found).for_each(|(t, &f)| *t += f64::from(f));
                }
            }
        }
        let average = |total: &[f64]| total.iter().map(|t| (t / count as f64) as f32).collect();
        let of =
            |total: &[Vec<f64>; 2]| Statistics { mean: average(&total[0]), variance: average(&total[1]) };
        totals.iter().map(of).collect()
    }

    /// The network of integers, as the exported file states it.
    pub fn network(&self) -> Network {
        fold::network(&self.plan, &self.model)
    }

    /// Images that are classified right: by the integers (by the sums as trained, while sizes of supports are being
    /// learnt), or on arrays by chips of their own, one for each batch of images and the same in every epoch.
    pub fn tested(&self, samples: &Samples) -> usize {
        if self.arrays.is_none() && !self.scales_move() {
            return self.count_right(samples);
        }
        let all: Vec<u32> = (0..samples.labels.len() as u32).collect();
        let right = |(number, chosen): (usize, &[u32])| {
            let codes = batch(&self.plan, samples, chosen, None);
            let seeds = chips(self.plan.train.seed, Chip::Test, number as u64, 1);
            let on = self.arrays.as_ref().map(|arrays| (arrays, &seeds[..]));
            let scores = self.model.scores(&self.plan, &codes, on);
            let rows = scores.chunks_exact(self.plan.classes()).zip(chosen);
            rows.filter(|(row, image)| first_largest(row) == usize::from(samples.labels[**image as usize]))
                .count()
        };
        all.chunks(CHIP_IMAGES).enumerate().map(right).sum()
    }

    /// Images that the integers classify right.
    pub fn count_right(&self, samples: &Samples) -> usize {
        self.count_right_with(samples, usize::MAX)
    }

    /// Images that an ensemble of drawn networks classifies right by the sum of their scores; `None` without `[bayes]`.
    pub fn count_right_drawn(&self, samples: &Samples) -> Option<usize> {
        let bayes = self.plan.bayes.as_ref()?;
        Some(bayes::count_right(bayes, self.plan.train.seed, &self.network(), samples))
    }

    /// Images that the integers classify right with the first `planes` planes of weights; drawn weights are the likelier ones.
    pub fn count_right_with(&self, samples: &Samples, planes: usize) -> usize {
        let network = self.network().mode().limited(planes);
        let scores = packed::prepare(&network).infer(samples.pixels);
        let classes = scores.chunks_exact(self.plan.classes());
        classes
            .zip(samples.labels)
            .filter(|(scores, label)| {
                reference::decide(&network, scores, Decision::Argmax) == usize::from(**label)
            })
            .count()
    }
}
