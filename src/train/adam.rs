//! Trained numbers and the steps of Adam (Kingma and Ba, ICLR 2015), with a warm-up and a cosine.

use super::recipe::TrainRecipe;
use rayon::prelude::*;

const FIRST: f32 = 0.9;
const SECOND: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Numbers that one thread takes at a time.
const BLOCK: usize = 1 << 14;

/// A list of trained numbers, their gradients and Adam's two moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    pub value: Vec<f32>,
    pub gradient: Vec<f32>,
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    /// The numbers stay between -1 and 1.
    pub clipped: bool,
}

impl Parameter {
    pub fn new(value: Vec<f32>, clipped: bool) -> Parameter {
        let zeros = vec![0.0; value.len()];
        Parameter { gradient: zeros.clone(), first: zeros.clone(), second: zeros, value, clipped }
    }

    /// Takes step number `count`, from 1.
    pub fn step(&mut self, rate: f64, count: u64) {
        let power = |base: f32| 1.0 - f64::from(base).powf(count as f64);
        let rate = (rate / power(FIRST)) as f32;
        let correction = (1.0 / power(SECOND).sqrt()) as f32;
        let clipped = self.clipped;
        let moments = self.first.par_chunks_mut(BLOCK).zip(self.second.par_chunks_mut(BLOCK));
        let values = self.value.par_chunks_mut(BLOCK).zip(self.gradient.par_chunks(BLOCK));
        values.zip(moments).for_each(|((value, gradient), (first, second))| {
            for i in 0..value.len() {
                let g = gradient[i];
                first[i] = FIRST * first[i] + (1.0 - FIRST) * g;
                second[i] = SECOND * second[i] + (1.0 - SECOND) * (g * g);
                let moved = value[i] - rate * first[i] / (second[i].sqrt() * correction + EPSILON);
                value[i] = if clipped { moved.clamp(-1.0, 1.0) } else { moved };
            }
        });
    }
}

/// Adam's rate at step `step` (from 0) of `per_epoch * epochs`.
pub fn rate(recipe: &TrainRecipe, step: u64, per_epoch: u64) -> f64 {
    let total = per_epoch * recipe.epochs as u64;
    let warm = recipe.warmup * per_epoch as f64;
    let at = step as f64;
    if at < warm {
        return recipe.rate * (at + 1.0) / (warm + 1.0);
    }
    let progress = (at - warm) / (total as f64 - warm).max(1.0);
    let least = recipe.rate * recipe.rate_end;
    // The cosine of the libm crate has the same bits on every machine.
    least + (recipe.rate - least) * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * progress))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_steps_are_those_of_the_paper() {
        let mut parameter = Parameter::new(vec![0.5, -0.999, 0.25], true);
        parameter.gradient = vec![2.0, 1e-3, 0.0];
        parameter.step(0.1, 1);
        // The first step has the size of the rate, whatever the gradient.
        let expected = [0.4, -1.0, 0.25];
        for (value, expected) in parameter.value.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-5, "{value} {expected}");
        }
        parameter.gradient[0] = -2.0;
        parameter.step(0.1, 2);
        let (first, second) = ((0.9 * 0.2 - 0.2) / (1.0 - 0.81), (0.999 * 0.004 + 0.004) / (1.0 - 0.998001));
        let expected = 0.4 - 0.1 * first / f64::sqrt(second);
        assert!((f64::from(parameter.value[0]) - expected).abs() < 1e-5, "{}", parameter.value[0]);
    }

    #[test]
    fn the_rate_warms_up_and_falls_to_its_end() {
        let recipe = TrainRecipe { epochs: 4, warmup: 1.0, rate: 0.1, rate_end: 0.1, ..Default::default() };
        let rates: Vec<f64> = (0..=40).map(|step| rate(&recipe, step, 10)).collect();
        assert!(rates[..10].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!((rates[10] - 0.1).abs() < 1e-12 && (rates[40] - 0.01).abs() < 1e-12);
        assert!((rates[25] - 0.055).abs() < 1e-12);
    }
}
