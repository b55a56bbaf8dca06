//! The steps of the numbers lambda of a drawn layer's weights.

use super::super::adam::Parameter;
use super::recipe::Rule;
use super::{BayesPlan, variance};
use rayon::prelude::*;

/// Keeps the rule of BayesBiNN from dividing by 0.
const LEAST_VARIANCE: f64 = 1e-10;
/// Numbers that one thread takes at a time.
const BLOCK: usize = 1 << 14;

/// Takes step number `count`, from 1, of `lambdas`, whose gradient is that of the mean loss by the weights (their means,
/// or as they were drawn); `share` is what is left of the largest rate, `images` the number of training images.
pub fn step(plan: &BayesPlan, lambdas: &mut Parameter, (share, count): (f64, u64), images: usize) {
    let (rate, kl, images) = (plan.rate * share, plan.kl, images as f64);
    match plan.rule {
        Rule::Reparametrised => {
            by_lambda(kl / images, lambdas);
            lambdas.step(rate, count);
        }
        Rule::Bayesbinn => {
            let blocks = lambdas.value.par_chunks_mut(BLOCK).zip(lambdas.gradient.par_chunks(BLOCK));
            blocks.for_each(|(lambdas, gradient)| {
                for (lambda, gradient) in lambdas.iter_mut().zip(gradient) {
                    let natural = images * f64::from(*gradient) / (variance(*lambda) + LEAST_VARIANCE);
                    let wide = f64::from(*lambda);
                    *lambda = (wide - rate * (natural + kl * wide)) as f32;
                }
            });
        }
    }
}

/// Turns the gradient by the means into that by lambda, and adds `kl` times that of the divergence from even chances,
/// sum of p ln 2p + (1 - p) ln 2(1 - p), which is lambda (1 - m^2).
pub(super) fn by_lambda(kl: f64, lambdas: &mut Parameter) {
    let blocks = lambdas.gradient.par_chunks_mut(BLOCK).zip(lambdas.value.par_chunks(BLOCK));
    blocks.for_each(|(gradient, lambdas)| {
        for (gradient, &lambda) in gradient.iter_mut().zip(lambdas) {
            *gradient = (variance(lambda) * (f64::from(*gradient) + kl * f64::from(lambda))) as f32;
        }
    });
}
