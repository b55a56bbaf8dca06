//! The trained numbers of a network, its forward pass and its backward pass over one batch.
//!
//! The forward pass is the chip's arithmetic: pixels as integers, signs of the latent weights, exact sums,
//! one decision a channel. Batch normalisation alone uses the batch's own statistics until they are measured.

use super::adam::Parameter;
use super::arrays::{self, Arrays, LayerDraw};
use super::bayes::{Draws, Noise};
use super::conv::{self, Backward, Maps};
use super::loss::{self, Loss};
use super::narrow;
use super::norm::{self, Affine, Statistics};
use super::plan::{Plan, PlanLayer};
use super::residual;
use super::sample::{Use, random};
use super::sign::Slope;
use super::supports::{self, Support};
use rand::{Rng, RngCore};
use rayon::prelude::*;

/// The numbers of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerState {
    /// Latent weights (fan-in x outputs), fan-in in the order kernel row, kernel column, channel; of a drawn layer their
    /// numbers lambda. The signs are the weights, or the likelier ones.
    pub weights: Parameter,
    /// Of the batch normalisation; of the scores, one number that all sums are multiplied by.
    pub gamma: Parameter,
    /// Empty for the scores.
    pub beta: Parameter,
    /// What the exported file normalises with; empty for the scores.
    pub measured: Statistics,
    /// Largest first; empty for binary weights.
    pub supports: Vec<Support>,
    /// What normalises the sums of the base with 0, 1 ... supports, where fewer than all are to serve.
    pub fewer: Vec<Normal>,
}

/// A normalisation: one number a channel in each list.
#[derive(Debug, Clone, PartialEq)]
pub struct Normal {
    pub gamma: Vec<f32>,
    pub beta: Vec<f32>,
    pub statistics: Statistics,
}

/// All numbers of a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub layers: Vec<LayerState>,
}

/// Where the sums are made: on the arrays of drawn chips, or exactly. Each seed's chip gets an equal part of the
/// images, in their order.
pub type On<'a> = Option<(&'a Arrays, &'a [u64])>;

/// A step's place in a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// From 0 to 1.
    pub progress: f64,
    /// Number of the step.
    pub step: u64,
}

impl Moment {
    /// The first step, and no step: the estimator of the signs' gradient as it ends.
    pub const START: Moment = Moment { progress: 0.0, step: 0 };
    pub const END: Moment = Moment { progress: 1.0, step: u64::MAX };
}

/// What a layer is normalised by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The statistics of its sums.
    Batch,
    /// The measured statistics.
    Measured,
}

/// How a forward pass goes.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub by: By,
    /// Supports that are used, the first ones.
    pub supports: usize,
    pub on: On<'a>,
    /// What drawn weights are.
    pub draws: Draws,
    /// Layers that are run, the first ones.
    pub layers: usize,
}

impl<'a> Pass<'a> {
    /// All layers, with the statistics of the batch.
    pub fn batch(draws: Draws) -> Pass<'a> {
        Pass { by: By::Batch, supports: usize::MAX, on: None, draws, layers: usize::MAX }
    }

    /// All layers, with the measured statistics.
    pub fn measured(draws: Draws) -> Pass<'a> {
        Pass { by: By::Measured, ..Pass::batch(draws) }
    }
}

/// What a layer's forward pass leaves for its backward pass.
struct Passed {
    /// Effective weights: signs, with their supports, or what drawn weights were. Empty where products are narrow.
    weights: Vec<f32>,
    /// What the sums have beside the products with these weights.
    noise: Option<Noise>,
    /// What is normalised: with the sums of a shortcut and, where a later layer adds them, pooled.
    sums: Vec<f32>,
    /// Empty for the scores.
    bits: Vec<i8>,
    winners: Vec<u8>,
    affine: Option<Affine>,
}

impl LayerState {
    /// The normalisation of the sums with all supports.
    pub fn normal(&self) -> Normal {
        Normal {
            gamma: self.gamma.value.clone(),
            beta: self.beta.value.clone(),
            statistics: self.measured.clone(),
        }
    }
}

impl Model {
    /// Random latent weights, everything else at rest.
    pub fn new(plan: &Plan) -> Model {
        let last = plan.layers.len() - 1;
        let layer = |(index, layer): (usize, &PlanLayer)| {
            let mut random = random(plan.train.seed, Use::Weights, index as u64);
            let count = layer.fan_in() * layer.conv.c;
            let drawn = plan.drawn(index);
            let weight = |_| {
                let place = 2.0 * random.random::<f32>() - 1.0;
                drawn.map_or(plan.train.spread as f32 * place, |bayes| bayes.start(place))
            };
            let weights = (0..count).map(weight).collect();
            let channels = if index == last { 0 } else { layer.conv.c };
            let gamma = match index == last {
                true => vec![1.0 / (layer.fan_in() as f32).sqrt()],
                false => vec![1.0; channels],
            };
            let mut state = LayerState {
                weights: Parameter::new(weights, drawn.is_none()),
                gamma: Parameter::new(gamma, false),
                beta: Parameter::new(vec![0.0; channels], false),
                measured: Statistics { mean: vec![0.0; channels], variance: vec![1.0; channels] },
                supports: supports::start(plan, index, None),
                fewer: Vec::new(),
            };
            state.fewer = vec![state.normal(); plan.fewer_supports()];
            state
        };
        Model { layers: plan.layers.iter().enumerate().map(layer).collect() }
    }

    /// All lists that may be trained, in a fixed order.
    pub fn parameters(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.layers.iter_mut().flat_map(|layer| {
            let supports = layer.supports.iter_mut().flat_map(|s| [&mut s.weights, &mut s.scale]);
            [&mut layer.weights, &mut layer.gamma, &mut layer.beta].into_iter().chain(supports)
        })
    }

    /// Loss of a batch, and the gradients of every trained number, with the first `supports` supports; of drawn weights,
    /// those by their means, or by what they were drawn as. On a chip the sums are those of its arrays, and gradients go
    /// through the sums of the weights' signs.
    pub fn gradients(
        &mut self,
        plan: &Plan,
        codes: &[i8],
        labels: &[u8],
        moment: Moment,
        supports: usize,
        on: On,
    ) -> Loss {
        let pass = Pass { supports, on, ..Pass::batch(plan.draws(moment)) };
        let mut passed = self.forward(plan, codes, pass);
        let last = plan.layers.len() - 1;
        let smoothing = plan.train.label_smoothing as f32;
        let scale = self.layers[last].gamma.value[0];
        let mut scores = passed[last].sums.clone();
        let loss = loss::cross_entropy(&mut scores, scale, labels, smoothing);
        let by_scale = scores.iter().zip(&passed[last].sums).map(|(g, s)| f64::from(*g) * f64::from(*s));
        self.layers[last].gamma.gradient = vec![by_scale.sum::<f64>() as f32];
        let images = labels.len();
        let mut gradient = Vec::new();
        // Of sums that later layers added, by the layer that made them.
        let mut carried: Vec<Option<Vec<f32>>> = vec![None; plan.layers.len()];
        for (index, layer) in plan.layers.iter().enumerate().rev() {
            let (before, own) = passed.split_at_mut(index);
            let own = &own[0];
            let maps = input(plan, before.last(), codes);
            let state = &mut self.layers[index];
            let mut wanted = vec![0.0; if index > 0 { maps.codes.len() } else { 0 }];
            let target = (index > 0).then_some(&mut wanted[..]);
            match &own.affine {
                None => {
                    let classes = layer.conv.c;
                    let row = |image: usize, _: usize, row: &mut [f32]| {
                        let from = &scores[image * classes..][..classes];
                        row.iter_mut().zip(from).for_each(|(to, g)| *to = g * scale);
                    };
                    let backward = Backward { layer, maps, weights: &own.weights, row };
                    backward.run(&mut state.weights.gradient, target);
                    if let Some(noise) = &own.noise {
                        noise.correct(layer, &own.weights, row, &mut state.weights.gradient);
                    }
                }
                Some(affine) => {
                    let slope = Slope::new(layer.ste, moment.progress);
                    let normalised = layer.normalised();
                    let (gamma, beta, slopes) =
                        norm::backward(&normalised, affine, slope, &own.sums, &own.winners, &mut gradient);
                    (state.gamma.gradient, state.beta.gradient) = (gamma, beta);
                    let (narrow, key) = (plan.is_narrow(layer), rounding(plan, moment.step, index));
                    let weights = &own.weights;
                    let latent = &state.weights.value;
                    let by_weight = &mut state.weights.gradient;
                    if layer.shortcut.is_none() && !layer.keeps {
                        let row = |image: usize, y: usize, row: &mut [f32]| slopes.row(image, y, row);
                        let bounds = slopes.bounds();
                        match narrow {
                            true => narrow::Backward { layer, maps, latent, row, bounds, key }
                                .run(by_weight, target),
                            false => Backward { layer, maps, weights, row }.run(by_weight, target),
                        }
                        if let Some(noise) = &own.noise {
                            noise.correct(layer, weights, row, by_weight);
                        }
                    } else {
                        let whole = residual::gradient(&normalised, &slopes, carried[index].take(), images);
                        let row = |image: usize, y: usize, row: &mut [f32]| {
                            residual::row(layer, &whole, &own.winners, (image, y), row);
                        };
                        match narrow {
                            true => {
                                let bounds = &residual::bounds(layer, &whole)[..];
                                narrow::Backward { layer, maps, latent, row, bounds, key }
                                    .run(by_weight, target);
                            }
                            false => Backward { layer, maps, weights, row }.run(by_weight, target),
                        }
                        if let Some(shortcut) = layer.shortcut {
                            residual::hand_on(&mut carried[shortcut.from], whole);
                        }
                    }
                }
            }
            state.share_gradient(supports);
            gradient = wanted;
            passed.truncate(index);
        }
        loss
    }

    /// Scores (image, class) of a batch with the measured statistics: unscaled sums, without a chip exact integers. Of drawn
    /// weights, the likelier ones.
    pub fn scores(&self, plan: &Plan, codes: &[i8], on: On) -> Vec<f32> {
        let mut passed = self.forward(plan, codes, Pass { on, ..Pass::measured(Draws::Mode) });
        passed.pop().map(|last| last.sums).unwrap_or_default()
    }

    /// Loss of a batch with its own statistics. Of drawn weights, the likelier ones.
    pub fn loss(&self, plan: &Plan, codes: &[i8], labels: &[u8]) -> f64 {
        self.loss_of(plan, codes, labels, Draws::Mode)
    }

    /// Loss of a batch with its own statistics and drawn weights as `draws` has them.
    pub(super) fn loss_of(&self, plan: &Plan, codes: &[i8], labels: &[u8], draws: Draws) -> f64 {
        let mut passed = self.forward(plan, codes, Pass::batch(draws));
        let mut scores = passed.pop().map(|last| last.sums).unwrap_or_default();
        let scale = self.layers.last().map_or(1.0, |last| last.gamma.value[0]);
        loss::cross_entropy(&mut scores, scale, labels, plan.train.label_smoothing as f32).mean
    }

    /// Mean and variance of every signed layer's sums in one batch with the first `supports` supports, each normalised
    /// before it.
    pub fn batch_statistics(&self, plan: &Plan, codes: &[i8], supports: usize, on: On) -> Vec<Statistics> {
        let pass = Pass { supports, on, ..Pass::batch(Draws::Mode) };
        let passed = self.forward(plan, codes, pass);
        let signed = passed.iter().zip(&plan.layers).filter(|(passed, _)| passed.affine.is_some());
        signed.map(|(passed, layer)| norm::statistics(&passed.sums, layer.conv.c)).collect()
    }

    /// Mean and variance of the sums of the last layer that `pass` runs, which is a signed one.
    pub fn statistics_of_last(&self, plan: &Plan, codes: &[i8], pass: Pass) -> Statistics {
        let passed = self.forward(plan, codes, pass);
        let sums = passed.last().map_or(&[][..], |last| &last.sums);
        norm::statistics(sums, plan.layers[passed.len() - 1].conv.c)
    }

    /// Sums and bits of every layer that `pass` runs.
    fn forward(&self, plan: &Plan, codes: &[i8], pass: Pass) -> Vec<Passed> {
        let Pass { by, supports, on, draws, layers } = pass;
        let images = codes.len() / plan.input.elements();
        let mut passed: Vec<Passed> = Vec::new();
        let draw = |(arrays, seeds): (&Arrays, &[u64])| -> Vec<Vec<LayerDraw>> {
            let planes: Vec<_> = self.layers.iter().map(|layer| layer.planes(supports)).collect();
            seeds.par_iter().map(|&seed| arrays.draw(plan, seed, &planes)).collect()
        };
        let chips = on.map(draw);
        for (index, (layer, state)) in plan.layers.iter().zip(&self.layers).enumerate().take(layers) {
            let maps = input(plan, passed.last(), codes);
            let narrow = plan.is_narrow(layer);
            let weights = match plan.drawn(index) {
                Some(bayes) => bayes.weights(plan, index, &state.weights.value, draws),
                None if narrow => Vec::new(),
                None => state.effective(supports),
            };
            let noise = plan.drawn(index).and_then(|bayes| bayes.noise(plan, index, &weights, draws, images));
            let mut sums = vec![0.0; images * layer.conv.elements()];
            match &chips {
                Some(chips) => {
                    let part = images.div_ceil(chips.len());
                    let (taken, made) = (part * layer.input.elements(), part * layer.conv.elements());
                    let parts = maps.codes.chunks(taken).zip(sums.chunks_mut(made));
                    for ((codes, sums), draw) in parts.zip(chips) {
                        arrays::forward(layer, Maps { codes, unit: maps.unit }, &draw[index], sums);
                    }
                }
                None if narrow => narrow::forward(layer, maps, &state.weights.value, &mut sums),
                None => conv::forward(layer, maps, &weights, &mut sums),
            }
            if let Some(noise) = &noise {
                noise.add(&mut sums);
            }
            let mut winners = Vec::new();
            if let Some(shortcut) = layer.shortcut {
                residual::add(shortcut, &passed[shortcut.from].sums, &mut sums);
            }
            if layer.keeps && layer.pool > 1 {
                (sums, winners) = residual::pool(layer, &sums);
            }
            let mut bits = Vec::new();
            let affine = (index + 1 < plan.layers.len()).then(|| {
                let statistics = match by {
                    By::Batch => &norm::statistics(&sums, layer.conv.c),
                    By::Measured => &state.measured,
                };
                Affine::new(statistics, &state.gamma.value, &state.beta.value)
            });
            if let Some(affine) = &affine {
                bits = vec![0; images * layer.output.elements()];
                let normalised = layer.normalised();
                if normalised.pool > 1 {
                    winners = vec![0; bits.len()];
                }
                norm::forward(&normalised, affine, &sums, &mut bits, &mut winners);
            }
            passed.push(Passed { weights, noise, sums, bits, winners, affine });
        }
        passed
    }
}

/// What the chances of a layer's roundings in one step depend on.
fn rounding(plan: &Plan, step: u64, layer: usize) -> u32 {
    random(plan.train.seed, Use::Rounding, step.wrapping_mul(1 << 16).wrapping_add(layer as u64)).next_u32()
}

/// What a layer reads: the bits of the layer before it, or the image.
fn input<'a>(plan: &Plan, before: Option<&'a Passed>, codes: &'a [i8]) -> Maps<'a> {
    match before {
        Some(passed) => Maps { codes: &passed.bits, unit: 1.0 },
        None => Maps { codes, unit: plan.unit() },
    }
}
