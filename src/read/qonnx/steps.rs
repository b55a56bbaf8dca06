//! The elementwise operations between an accumulator and the sign that decides on it.
//!
//! A step holds its constants once or once a channel. It is evaluated in `f64` (this is the meaning that
//! thresholds are folded from) and in `f32`, operation by operation as a runtime would, for comparison.

use super::codes::Kept;
use crate::network::Shape;

/// One operation. A constant list has one entry, or one a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Add(Vec<f64>),
    Sub(Vec<f64>),
    /// constant - x
    SubFrom(Vec<f64>),
    Mul(Vec<f64>),
    Div(Vec<f64>),
    /// (x - mean) / sqrt(variance + epsilon) * gamma + beta
    Normalise {
        gamma: Vec<f64>,
        beta: Vec<f64>,
        mean: Vec<f64>,
        variance: Vec<f64>,
        epsilon: f64,
    },
    Clip {
        low: f64,
        high: f64,
    },
    /// x where x >= 0, else slope * x; slope 0 is ReLU.
    Leaky(Vec<f64>),
    Tanh,
    Sigmoid,
    HardSigmoid {
        alpha: f64,
        beta: f64,
    },
    /// What a shortcut adds: no function of the sum alone, and left out where one is evaluated.
    Kept(Kept),
}

fn at(list: &[f64], channel: usize) -> f64 {
    if list.len() == 1 { list[0] } else { list[channel] }
}

impl Step {
    /// The step is a x + b with constants: it commutes with means.
    pub fn is_affine(&self) -> bool {
        matches!(
            self,
            Step::Add(_)
                | Step::Sub(_)
                | Step::SubFrom(_)
                | Step::Mul(_)
                | Step::Div(_)
                | Step::Normalise { .. }
        )
    }

    pub fn eval(&self, channel: usize, x: f64) -> f64 {
        match self {
            Step::Add(v) => x + at(v, channel),
            Step::Sub(v) => x - at(v, channel),
            Step::SubFrom(v) => at(v, channel) - x,
            Step::Mul(v) => x * at(v, channel),
            Step::Div(v) => x / at(v, channel),
            Step::Normalise { gamma, beta, mean, variance, epsilon } => {
                (x - at(mean, channel)) / (at(variance, channel) + epsilon).sqrt() * at(gamma, channel)
                    + at(beta, channel)
            }
            Step::Clip { low, high } => x.max(*low).min(*high),
            Step::Leaky(slope) => {
                if x >= 0.0 {
                    x
                } else {
                    x * at(slope, channel)
                }
            }
            Step::Tanh => x.tanh(),
            Step::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Step::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Step::Kept(_) => x,
        }
    }

    pub fn eval_f32(&self, channel: usize, x: f32) -> f32 {
        let at = |list: &[f64]| at(list, channel) as f32;
        match self {
            Step::Add(v) => x + at(v),
            Step::Sub(v) => x - at(v),
            Step::SubFrom(v) => at(v) - x,
            Step::Mul(v) => x * at(v),
            Step::Div(v) => x / at(v),
            Step::Normalise { gamma, beta, mean, variance, epsilon } => {
                (x - at(mean)) / (at(variance) + *epsilon as f32).sqrt() * at(gamma) + at(beta)
            }
            Step::Clip { low, high } => x.max(*low as f32).min(*high as f32),
            Step::Leaky(slope) => {
                if x >= 0.0 {
                    x
                } else {
                    x * at(slope)
                }
            }
            Step::Tanh => x.tanh(),
            Step::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Step::HardSigmoid { alpha, beta } => (*alpha as f32 * x + *beta as f32).clamp(0.0, 1.0),
            Step::Kept(_) => x,
        }
    }

    /// (scale, bias) with step(x) = scale * x + bias, for an affine step.
    pub fn affine(&self, channel: usize) -> Option<(f64, f64)> {
        match self {
            Step::Add(v) => Some((1.0, at(v, channel))),
            Step::Sub(v) => Some((1.0, -at(v, channel))),
            Step::SubFrom(v) => Some((-1.0, at(v, channel))),
            Step::Mul(v) => Some((at(v, channel), 0.0)),
            Step::Div(v) => Some((1.0 / at(v, channel), 0.0)),
            Step::Normalise { gamma, beta, mean, variance, epsilon } => {
                let scale = at(gamma, channel) / (at(variance, channel) + epsilon).sqrt();
                Some((scale, at(beta, channel) - at(mean, channel) * scale))
            }
            _ => None,
        }
    }

    /// The step with other lists of constants.
    pub fn with_lists(&self, of: impl Fn(&[f64]) -> Vec<f64>) -> Step {
        match self {
            Step::Add(v) => Step::Add(of(v)),
            Step::Sub(v) => Step::Sub(of(v)),
            Step::SubFrom(v) => Step::SubFrom(of(v)),
            Step::Mul(v) => Step::Mul(of(v)),
            Step::Div(v) => Step::Div(of(v)),
            Step::Leaky(v) => Step::Leaky(of(v)),
            Step::Normalise { gamma, beta, mean, variance, epsilon } => Step::Normalise {
                gamma: of(gamma),
                beta: of(beta),
                mean: of(mean),
                variance: of(variance),
                epsilon: *epsilon,
            },
            other => other.clone(),
        }
    }

    /// Whether some constant differs between the pixels of a channel of the input `map`.
    pub fn is_by_element(&self, map: Shape) -> bool {
        let lists: Vec<&[f64]> = match self {
            Step::Add(v) | Step::Sub(v) | Step::SubFrom(v) | Step::Mul(v) | Step::Div(v) | Step::Leaky(v) => {
                vec![v]
            }
            Step::Normalise { gamma, beta, mean, variance, .. } => vec![gamma, beta, mean, variance],
            _ => Vec::new(),
        };
        map.pixels() > 1 && lists.iter().any(|list| list.len() == map.elements())
    }

    /// Whether all channels share the step's constants.
    pub fn is_uniform(&self) -> bool {
        match self {
            Step::Add(v) | Step::Sub(v) | Step::SubFrom(v) | Step::Mul(v) | Step::Div(v) | Step::Leaky(v) => {
                v.len() == 1
            }
            Step::Normalise { gamma, beta, mean, variance, .. } => {
                [gamma, beta, mean, variance].iter().all(|v| v.len() == 1)
            }
            _ => true,
        }
    }
}

/// `steps` applied to `x` in order, in `f64`.
pub fn eval(steps: &[Step], channel: usize, x: f64) -> f64 {
    steps.iter().fold(x, |x, step| step.eval(channel, x))
}

/// `steps` applied to `x` in order, every intermediate result rounded to `f32`.
pub fn eval_f32(steps: &[Step], channel: usize, x: f32) -> f32 {
    steps.iter().fold(x, |x, step| step.eval_f32(channel, x))
}
