//! A layer of drawn weights in one pass: what its weights are, the noise of its sums, and the way back.
//!
//! Everything that a drawn layer reads is -1 or +1, or not driven: the variance of a sum is that of the weights of its
//! driven taps, the same for every image.

use super::super::conv::{self, Backward, Maps};
use super::super::groups;
use super::super::plan::{Plan, PlanLayer};
use super::super::sign::sign;
use super::recipe::Rule;
use super::{BayesPlan, Draws, Purpose, Stream, code, flip, of_code};
use crate::device::random::{normal, uniform};
use crate::network::PadValue;
use rayon::prelude::*;

/// Weights that one thread takes at a time.
const BLOCK: usize = 1 << 12;

/// The deviates of a batch's sums, and what they are multiplied by.
pub struct Noise {
    /// One for each sum of one image (row, column, channel); 0 where every weight is certain.
    pub(super) deviations: Vec<f32>,
    /// One for each sum of the batch.
    pub(super) deviates: Vec<f32>,
}

impl BayesPlan {
    /// What the codes of layer `index` are multiplied by (fan-in x outputs), from its `lambdas`.
    pub fn weights(&self, plan: &Plan, index: usize, lambdas: &[f32], draws: Draws) -> Vec<f32> {
        let seed = plan.train.seed;
        match draws {
            Draws::Mode => lambdas.par_iter().map(|&lambda| f32::from(sign(lambda))).collect(),
            Draws::Step { rounded, .. } if self.rule == Rule::Reparametrised => {
                let mean = |&lambda: &f32| {
                    f32::from(sign(lambda)) * (1.0 - 2.0 * self.chance(lambda, rounded)) as f32
                };
                lambdas.par_iter().map(mean).collect()
            }
            Draws::Step { step, rounded } => {
                self.drawn(Stream::new(seed, Purpose::Step, step, index), lambdas, rounded)
            }
            Draws::Sample(number) => {
                self.drawn(Stream::new(seed, Purpose::Sample, number, index), lambdas, true)
            }
        }
    }

    /// The probability of a flip, as it is or as its code has it.
    fn chance(&self, lambda: f32, rounded: bool) -> f64 {
        match rounded {
            true => of_code(self.bits, code(self.bits, lambda)),
            false => flip(lambda),
        }
    }

    pub(super) fn drawn(&self, stream: Stream, lambdas: &[f32], rounded: bool) -> Vec<f32> {
        let mut made = vec![0.0; lambdas.len()];
        let blocks = made.par_chunks_mut(BLOCK).zip(lambdas.par_chunks(BLOCK));
        blocks.enumerate().for_each(|(block, (made, lambdas))| {
            let fours = made.chunks_mut(4).zip(lambdas.chunks(4));
            for (place, (made, lambdas)) in fours.enumerate() {
                let words = stream.words(0, block * BLOCK / 4 + place);
                for ((made, &lambda), word) in made.iter_mut().zip(lambdas).zip(words) {
                    let below = f64::from(word) < self.chance(lambda, rounded) * 4_294_967_296.0;
                    *made = f32::from(sign(lambda)) * if below { -1.0 } else { 1.0 };
                }
            }
        });
        made
    }

    /// The noise of the sums of layer `index` in a step, whose mean weights are `means`.
    pub fn noise(
        &self,
        plan: &Plan,
        index: usize,
        means: &[f32],
        draws: Draws,
        images: usize,
    ) -> Option<Noise> {
        let Draws::Step { step, .. } = draws else { return None };
        if self.rule != Rule::Reparametrised {
            return None;
        }
        let layer = &plan.layers[index];
        let variances: Vec<f32> = means.par_iter().map(|mean| (1.0 - mean * mean).max(0.0)).collect();
        let mut deviations = vec![0.0; layer.conv.elements()];
        let (driven, ones) = driven(layer);
        conv::forward(&driven, Maps { codes: &ones, unit: 1.0 }, &variances, &mut deviations);
        deviations.iter_mut().for_each(|entry| *entry = entry.max(0.0).sqrt());
        let stream = Stream::new(plan.train.seed, Purpose::Deviates, step, index);
        let made = deviations.len();
        let mut deviates = vec![0.0f32; images * made];
        deviates.par_chunks_mut(made).enumerate().for_each(|(image, deviates)| {
            for (place, pair) in deviates.chunks_mut(2).enumerate() {
                let [a, b, c, d] = stream.words(image, place);
                let wide = [u64::from(a) << 32 | u64::from(b), u64::from(c) << 32 | u64::from(d)];
                pair.iter_mut().zip(wide).for_each(|(to, bits)| *to = normal(uniform(bits)) as f32);
            }
        });
        Some(Noise { deviations, deviates })
    }
}

/// One image in which every driven tap is 1, and the layer that reads it: of -1 and +1 the squares count alike.
fn driven(layer: &PlanLayer) -> (PlanLayer, Vec<i8>) {
    let pad_value = if layer.pad_value == PadValue::Zero { PadValue::Zero } else { PadValue::Plus };
    (PlanLayer { pad_value, ..layer.clone() }, vec![1; layer.input.elements()])
}

impl Noise {
    /// Adds the noise to a batch's `sums`.
    pub fn add(&self, sums: &mut [f32]) {
        let made = self.deviations.len();
        sums.par_chunks_mut(made).zip(self.deviates.par_chunks(made)).for_each(|(sums, deviates)| {
            let places = self.deviations.iter().zip(deviates);
            sums.iter_mut().zip(places).for_each(|(sum, (deviation, deviate))| *sum += deviation * deviate);
        });
    }

    /// Takes from `gradient`, that of the mean weights through the means of the sums, what goes through their variances;
    /// `row(image, y, gradient)` writes the gradient of the sums of one row of pixels.
    ///
    /// The variance of a sum is `sum over driven taps of (1 - m^2)`, so its deviation changes by `-m / deviation` with m.
    pub fn correct(
        &self,
        layer: &PlanLayer,
        means: &[f32],
        row: impl Fn(usize, usize, &mut [f32]) + Sync,
        gradient: &mut [f32],
    ) {
        let (made, width) = (self.deviations.len(), layer.conv.w * layer.conv.c);
        let group = groups::size(self.deviates.len() / made);
        let parts: Vec<Vec<f32>> = self
            .deviates
            .par_chunks(group * made)
            .enumerate()
            .map(|(part, deviates)| {
                let (mut total, mut slopes) = (vec![0.0f32; made], vec![0.0f32; width]);
                for (image, deviates) in deviates.chunks_exact(made).enumerate() {
                    let rows = total.chunks_exact_mut(width).zip(deviates.chunks_exact(width));
                    for (y, (total, deviates)) in rows.enumerate() {
                        row(part * group + image, y, &mut slopes);
                        let products = slopes.iter().zip(deviates).map(|(slope, deviate)| slope * deviate);
                        total.iter_mut().zip(products).for_each(|(total, product)| *total += product);
                    }
                }
                total
            })
            .collect();
        let mut along = vec![0.0f32; made];
        groups::sum(&parts, &mut along);
        for (along, &deviation) in along.iter_mut().zip(&self.deviations) {
            *along = if deviation > 0.0 { *along / deviation } else { 0.0 };
        }
        let (driven, ones) = driven(layer);
        let mut by_tap = vec![0.0f32; gradient.len()];
        let row = |_: usize, y: usize, row: &mut [f32]| row.copy_from_slice(&along[y * width..][..width]);
        let maps = Maps { codes: &ones, unit: 1.0 };
        Backward { layer: &driven, maps, weights: means, row }.run(&mut by_tap, None);
        let taps = means.par_iter().zip(&by_tap);
        gradient.par_iter_mut().zip(taps).for_each(|(gradient, (mean, by_tap))| *gradient -= mean * by_tap);
    }
}
