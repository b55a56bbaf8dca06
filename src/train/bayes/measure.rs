//! What is measured of drawn networks: the statistics that one threshold a channel, the same for all samples, comes
//! from, and how an ensemble does.

use super::super::model::{Model, Pass};
use super::super::norm::Statistics;
use super::super::plan::Plan;
use super::super::sample::{Samples, batch};
use super::{BayesPlan, Draws, Purpose, Stream};
use crate::golden::{packed, reference};
use crate::network::{Decision, Network};

/// Least number of networks that statistics are taken over.
const NETWORKS: usize = 20;
/// Samples from which the networks of an ensemble are counted: those before it are for the statistics.
const ENSEMBLE: u64 = 1 << 40;

/// Sets the statistics of every signed layer to the mean and variance of its sums over the first `train.measured` images,
/// where each batch of them meets a network of its own, and there are at least 20. Layer after layer: each is measured
/// behind the decisions that the layers before it will take, so that what one draw moves alike in a whole batch counts as
/// variance.
pub fn measure(plan: &Plan, model: &mut Model, samples: &Samples) {
    let size = plan.train.batch;
    let batches = samples.labels.len().min(plan.train.measured) / size;
    let networks = batches * NETWORKS.div_ceil(batches.max(1));
    for index in 0..plan.layers.len() - 1 {
        let channels = plan.layers[index].conv.c;
        let (mut mean, mut square) = (vec![0.0f64; channels], vec![0.0f64; channels]);
        for number in 0..networks {
            let first = number % batches * size;
            let chosen: Vec<u32> = (first..first + size).map(|image| image as u32).collect();
            let codes = batch(plan, samples, &chosen, None);
            let pass = Pass { layers: index + 1, ..Pass::measured(Draws::Sample(number as u64)) };
            let found = model.statistics_of_last(plan, &codes, pass);
            for c in 0..channels {
                let own = f64::from(found.mean[c]);
                mean[c] += own;
                square[c] += f64::from(found.variance[c]) + own * own;
            }
        }
        let count = networks as f64;
        let variance = |c: usize| (square[c] / count - (mean[c] / count) * (mean[c] / count)).max(0.0) as f32;
        model.layers[index].measured = Statistics {
            mean: mean.iter().map(|mean| (mean / count) as f32).collect(),
            variance: (0..channels).map(variance).collect(),
        };
    }
}

/// One network of the law that the flip codes of `network` state, a function of `seed` and `sample`.
pub(super) fn drawn(network: &Network, seed: u64, sample: u64) -> Network {
    let mut made = network.mode();
    for (index, layer) in network.layers.iter().enumerate() {
        let Some(flips) = &layer.flips else { continue };
        let stream = Stream::new(seed, Purpose::Sample, ENSEMBLE + sample, index);
        let weights = &mut made.layers[index].planes[0].weights;
        let taps = weights.columns();
        for (place, codes) in flips.codes.chunks(4).enumerate() {
            let words = stream.words(0, place);
            for (at, (&code, word)) in codes.iter().zip(words).enumerate() {
                if word >> (32 - flips.bits) < u32::from(code) {
                    let (row, column) = ((4 * place + at) / taps, (4 * place + at) % taps);
                    let bit = weights.get(row, column);
                    weights.set(row, column, !bit);
                }
            }
        }
    }
    made
}

/// Images that an ensemble of `plan.samples` drawn networks classifies right by the sum of their integer scores.
pub fn count_right(plan: &BayesPlan, seed: u64, network: &Network, samples: &Samples) -> usize {
    let mut total: Vec<i32> = Vec::new();
    for sample in 0..plan.samples {
        let scores = packed::prepare(&drawn(network, seed, sample as u64)).infer(samples.pixels);
        total.resize(scores.len(), 0);
        total.iter_mut().zip(&scores).for_each(|(total, score)| *total += score);
    }
    let classes = network.layers.last().map_or(1, |last| last.output.elements());
    let right = |(scores, label): (&[i32], &u8)| {
        reference::decide(network, scores, Decision::Argmax) == usize::from(*label)
    };
    total.chunks_exact(classes).zip(samples.labels).filter(|pair| right(*pair)).count()
}
