//! Batch normalisation, maximum and sign behind the sums of a layer, forward and backward.
//!
//! The maximum is taken before the sign, where its gradient knows which sum decided; the sign is monotone,
//! so the bits are those of a maximum over bits, which is what the hardware does.

use super::groups;
use super::plan::PlanLayer;
use super::sign::{Slope, sign};
use rayon::prelude::*;

/// Added to every variance, in training and in the exported file.
pub const EPSILON: f32 = 1e-4;
/// Rows whose sums are added in f32 before they go into an f64.
const ROWS: usize = 64;

/// Mean and variance of the sums of every channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    pub mean: Vec<f32>,
    pub variance: Vec<f32>,
}

/// y = scale * sum + shift, a channel each; and the slope of the normalisation.
pub struct Affine {
    pub scale: Vec<f32>,
    pub shift: Vec<f32>,
    mean: Vec<f32>,
    slope: Vec<f32>,
}

impl Affine {
    pub fn new(statistics: &Statistics, gamma: &[f32], beta: &[f32]) -> Affine {
        let slope: Vec<f32> = statistics.variance.iter().map(|v| 1.0 / (v + EPSILON).sqrt()).collect();
        let scale: Vec<f32> = gamma.iter().zip(&slope).map(|(g, s)| g * s).collect();
        let offset = |((b, m), a): ((&f32, &f32), &f32)| b - m * a;
        let shift = beta.iter().zip(&statistics.mean).zip(&scale).map(offset).collect();
        Affine { scale, shift, mean: statistics.mean.clone(), slope }
    }
}

/// Mean and variance over the rows of `sums` (any number of rows x channels).
pub fn statistics(sums: &[f32], channels: usize) -> Statistics {
    let count = (sums.len() / channels) as f64;
    let rows = groups::size(sums.len() / channels);
    let moments = |part: &[f32]| {
        let mut moments = vec![0.0f64; 2 * channels];
        let (mut first, mut second) = (vec![0.0f32; channels], vec![0.0f32; channels]);
        for block in part.chunks(ROWS * channels) {
            first.fill(0.0);
            second.fill(0.0);
            for row in block.chunks_exact(channels) {
                for ((f, s), &x) in first.iter_mut().zip(&mut second).zip(row) {
                    *f += x;
                    *s += x * x;
                }
            }
            for c in 0..channels {
                moments[c] += f64::from(first[c]);
                moments[channels + c] += f64::from(second[c]);
            }
        }
        moments
    };
    let parts: Vec<Vec<f64>> = sums.par_chunks(rows * channels).map(moments).collect();
    let total = groups::sum_f64(&parts);
    let mean = |c: usize| total[c] / count;
    let variance = |c: usize| (total[channels + c] / count - mean(c) * mean(c)).max(0.0);
    Statistics {
        mean: (0..channels).map(|c| mean(c) as f32).collect(),
        variance: (0..channels).map(|c| variance(c) as f32).collect(),
    }
}

/// The bits (image, row, column, channel) behind `sums`, and for a pooling layer the place in its window of
/// each largest value.
pub fn forward(layer: &PlanLayer, affine: &Affine, sums: &[f32], bits: &mut [i8], winners: &mut [u8]) {
    let (made, left) = (layer.conv.elements(), layer.output.elements());
    let group = groups::size(sums.len() / made);
    if layer.pool == 1 {
        let parts = sums.par_chunks(group * made).zip(bits.par_chunks_mut(group * left));
        return parts.for_each(|(sums, bits)| signs(affine, sums, bits));
    }
    let parts = bits.par_chunks_mut(group * left).zip(winners.par_chunks_mut(group * left));
    sums.par_chunks(group * made).zip(parts).for_each(|(sums, (bits, winners))| {
        let images = sums.chunks_exact(made);
        for (sums, (bits, winners)) in
            images.zip(bits.chunks_exact_mut(left).zip(winners.chunks_exact_mut(left)))
        {
            pooled(layer, affine, sums, bits, winners);
        }
    });
}

fn signs(affine: &Affine, sums: &[f32], bits: &mut [i8]) {
    let channels = affine.scale.len();
    for (row, bits) in sums.chunks_exact(channels).zip(bits.chunks_exact_mut(channels)) {
        for c in 0..channels {
            bits[c] = sign(affine.scale[c] * row[c] + affine.shift[c]);
        }
    }
}

fn pooled(layer: &PlanLayer, affine: &Affine, sums: &[f32], bits: &mut [i8], winners: &mut [u8]) {
    let (channels, pool) = (layer.conv.c, layer.pool);
    let mut best = vec![0.0f32; channels];
    let pixels = bits.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
    for (pixel, (bits, winners)) in pixels.enumerate() {
        let (y, x) = (pixel / layer.output.w * pool, pixel % layer.output.w * pool);
        for place in 0..pool * pool {
            let row = &sums[((y + place / pool) * layer.conv.w + x + place % pool) * channels..][..channels];
            for c in 0..channels {
                let value = affine.scale[c] * row[c] + affine.shift[c];
                if place == 0 || value > best[c] {
                    best[c] = value;
                    winners[c] = place as u8;
                }
            }
        }
        bits.iter_mut().zip(&best).for_each(|(bit, &value)| *bit = sign(value));
    }
}

/// The backward pass behind its first half: what the gradient of every sum is made of.
pub struct Slopes<'a> {
    layer: &'a PlanLayer,
    sums: &'a [f32],
    winners: &'a [u8],
    /// Gradients behind the signs' estimator, of the pooled values.
    gradient: &'a [f32],
    scale: Vec<f32>,
    /// Gradient of every sum, apart from the gradient that reaches it: -(constant + linear * sum).
    constant: Vec<f32>,
    linear: Vec<f32>,
    bounds: Vec<f32>,
}

/// Standard deviations from the mean within which a sum's gradient keeps to [`Slopes::bounds`].
const REACH: f32 = 8.0;

/// Turns the gradient of the bits into that of the values before the sign, in place; gives the gradients of
/// gamma and beta, and what [`Slopes::row`] needs.
pub fn backward<'a>(
    layer: &'a PlanLayer,
    affine: &Affine,
    slope: Slope,
    sums: &'a [f32],
    winners: &'a [u8],
    gradient: &'a mut [f32],
) -> (Vec<f32>, Vec<f32>, Slopes<'a>) {
    let (channels, made, left) = (layer.conv.c, layer.conv.elements(), layer.output.elements());
    let batch = sums.len() / made;
    let group = groups::size(batch);
    let parts: Vec<(Vec<f64>, Vec<f32>)> = gradient
        .par_chunks_mut(group * left)
        .enumerate()
        .map(|(index, gradient)| {
            let mut totals = vec![0.0f64; 2 * channels];
            let (mut g, mut b) = (vec![0.0f32; channels], vec![0.0f32; channels]);
            let mut largest = vec![0.0f32; channels];
            for (image, gradient) in gradient.chunks_exact_mut(left).enumerate() {
                let image = index * group + image;
                g.fill(0.0);
                b.fill(0.0);
                let sums = &sums[image * made..][..made];
                for (pixel, gradient) in gradient.chunks_exact_mut(channels).enumerate() {
                    let winners = match layer.pool {
                        1 => &[][..],
                        _ => &winners[image * left + pixel * channels..][..channels],
                    };
                    for c in 0..channels {
                        let sum = sums[decider(layer, pixel, winners, c) * channels + c];
                        let passed = gradient[c] * slope.at(affine.scale[c] * sum + affine.shift[c]);
                        gradient[c] = passed;
                        g[c] += passed * (sum - affine.mean[c]) * affine.slope[c];
                        b[c] += passed;
                        largest[c] = largest[c].max(passed.abs());
                    }
                }
                for c in 0..channels {
                    totals[c] += f64::from(g[c]);
                    totals[channels + c] += f64::from(b[c]);
                }
            }
            (totals, largest)
        })
        .collect();
    let (parts, largest): (Vec<Vec<f64>>, Vec<Vec<f32>>) = parts.into_iter().unzip();
    let totals = groups::sum_f64(&parts);
    let gamma: Vec<f32> = totals[..channels].iter().map(|&t| t as f32).collect();
    let beta: Vec<f32> = totals[channels..].iter().map(|&t| t as f32).collect();
    let count = (batch * layer.conv.pixels()) as f32;
    // d sum = scale * (g - beta' / n - (sum - mean) * slope * gamma' / n)
    let linear: Vec<f32> =
        (0..channels).map(|c| affine.scale[c] * affine.slope[c] * gamma[c] / count).collect();
    let constant =
        (0..channels).map(|c| affine.scale[c] * beta[c] / count - linear[c] * affine.mean[c]).collect();
    let bound = |c: usize| {
        let passed = largest.iter().fold(0.0, |most: f32, part| most.max(part[c]));
        affine.scale[c].abs() * (passed + (beta[c].abs() + REACH * gamma[c].abs()) / count)
    };
    let bounds = (0..channels).map(bound).collect();
    let slopes =
        Slopes { layer, sums, winners, gradient, scale: affine.scale.clone(), constant, linear, bounds };
    (gamma, beta, slopes)
}

/// The pixel among the sums that decided pooled `pixel` of channel `c`.
fn decider(layer: &PlanLayer, pixel: usize, winners: &[u8], c: usize) -> usize {
    if layer.pool == 1 {
        return pixel;
    }
    let (place, pool) = (usize::from(winners[c]), layer.pool);
    let (y, x) = (pixel / layer.output.w * pool, pixel % layer.output.w * pool);
    (y + place / pool) * layer.conv.w + x + place % pool
}

impl Slopes<'_> {
    /// What no gradient of a sum exceeds, one a channel, as long as the sum lies within eight standard deviations.
    pub fn bounds(&self) -> &[f32] {
        &self.bounds
    }

    /// Writes the gradients of the sums of row `y` of `image`.
    pub fn row(&self, image: usize, y: usize, row: &mut [f32]) {
        let (layer, channels, pool) = (self.layer, self.layer.conv.c, self.layer.pool);
        let start = (image * layer.conv.h + y) * layer.conv.w * channels;
        let sums = &self.sums[start..start + row.len()];
        for (row, sums) in row.chunks_exact_mut(channels).zip(sums.chunks_exact(channels)) {
            for c in 0..channels {
                row[c] = -(self.constant[c] + self.linear[c] * sums[c]);
            }
        }
        if y / pool >= layer.output.h {
            return; // below the last whole window
        }
        let width = layer.output.w * channels;
        let start = (image * layer.output.h + y / pool) * width;
        let gradient = &self.gradient[start..start + width];
        if pool == 1 {
            for (row, gradient) in row.chunks_exact_mut(channels).zip(gradient.chunks_exact(channels)) {
                for c in 0..channels {
                    row[c] += self.scale[c] * gradient[c];
                }
            }
            return;
        }
        let winners = &self.winners[start..start + width];
        for (x, gradient) in gradient.chunks_exact(channels).enumerate() {
            for c in 0..channels {
                let place = usize::from(winners[x * channels + c]);
                if place / pool == y % pool {
                    row[(x * pool + place % pool) * channels + c] += self.scale[c] * gradient[c];
                }
            }
        }
    }
}
