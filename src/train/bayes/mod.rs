//! Weights that are drawn: a network's weights as chances instead of signs (mean-field Bernoulli weights).
//!
//! Of a drawn weight `lambda` is trained: it is +1 with the probability (1 + m) / 2, `m = tanh(lambda)`, so its sign is
//! the likelier value and a flip of that has the probability (1 - |m|) / 2. Two rules train it: local reparametrisation
//! (Kingma, Salimans and Welling, NIPS 2015; with signs: Peters and Welling, 2018), which gives every sum its mean and a
//! Gaussian deviate of its variance, and that of BayesBiNN (Meng, Bachmann and Khan, ICML 2020), which draws the weights.
//! What is exported are signs and flip codes ([`crate::network::Flips`]); they are drawn from after every epoch, when
//! statistics are measured, and in the last epochs of training as well.

mod layer;
mod measure;
mod plan;
pub mod recipe;
mod step;

#[cfg(test)]
mod tests;

pub use layer::Noise;
pub use measure::{count_right, measure};
pub use plan::{BayesPlan, resolve};
pub use step::step;

use super::sample::{Use, random};
use crate::device::random::philox;
use crate::network::Flips;
use rand::RngCore;

/// What drawn weights are in a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draws {
    /// Their likelier values.
    Mode,
    /// What the rule makes of them in training step `step`; by their codes where `rounded`.
    Step { step: u64, rounded: bool },
    /// One network of all that there may be, drawn by the codes.
    Sample(u64),
}

/// What a random number is for; the numbers are part of a seed's meaning.
#[derive(Clone, Copy)]
enum Purpose {
    Step = 0,
    Sample = 1,
    Deviates = 2,
}

/// Random numbers of one layer in one step, or in one sample; each is a function of its place.
#[derive(Debug, Clone, Copy)]
struct Stream([u32; 2]);

impl Stream {
    /// `number` of the step or sample counts below 2^44, `layer` below 2^16.
    fn new(seed: u64, purpose: Purpose, number: u64, layer: usize) -> Stream {
        let stream = (purpose as u64) << 60 | number << 16 | layer as u64;
        let key = random(seed, Use::Draws, stream).next_u64();
        Stream([key as u32, (key >> 32) as u32])
    }

    /// Four numbers of 32 bits of a place.
    fn words(&self, image: usize, place: usize) -> [u32; 4] {
        philox([place as u32, (place as u64 >> 32) as u32, image as u32, 0], self.0)
    }
}

/// The probability with which a weight of `lambda` has the other sign than it; at most 1/2.
fn flip(lambda: f32) -> f64 {
    1.0 / (1.0 + libm::exp(2.0 * f64::from(lambda.abs())))
}

/// 1 - m^2, the derivative of m by lambda and the variance of the weight; exact where m is nearly 1 too.
fn variance(lambda: f32) -> f64 {
    let flip = flip(lambda);
    4.0 * flip * (1.0 - flip)
}

/// The flip code of a weight, for draws of `bits` bits.
pub fn code(bits: usize, lambda: f32) -> u8 {
    Flips::code(bits, flip(lambda))
}

/// The probability that a code of draws of `bits` bits stands for.
fn of_code(bits: usize, code: u8) -> f64 {
    f64::from(code) / f64::from(1u32 << bits)
}
