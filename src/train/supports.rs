//! Supports of a layer's weights (Supported-BinaryNet): `w = w_0 + sum_k a_k s_k`, the base and the supports signs of
//! latent weights.
//!
//! Supports are learnt on a base at rest or together with it. Their sizes `a_k` are powers of two, so that the machine
//! adds planes by shifts, or codes of a row DAC; learnt ones are moved to the nearest such size at a stated time.

use super::adam::Parameter;
use super::model::LayerState;
use super::plan::Plan;
use super::recipe::SupportsRecipe;
use super::sample::{Use, random};
use super::sign::sign;
use rand::Rng;
use rayon::prelude::*;

/// Largest size of a latent support at the start on a base.
const QUIET: f32 = 0.05;
/// Smallest size that a support may learn or be given.
pub const LEAST_SCALE: f32 = 1.0 / 64.0;
/// The base's size in the finest steps that a size may have: those of a DAC of 7 bits.
const FULL_SCALE: f64 = 128.0;

/// One support of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Support {
    /// Latent weights, as those of the base (fan-in x outputs).
    pub weights: Parameter,
    /// One number: its size beside the base's 1.
    pub scale: Parameter,
    /// 1 for every tap that is kept, 0 for those left out.
    pub kept: Vec<f32>,
}

impl Support {
    pub fn size(&self) -> f32 {
        self.scale.value[0]
    }

    /// Whether any tap is left.
    pub fn is_used(&self) -> bool {
        self.kept.contains(&1.0)
    }
}

/// The supports of a layer at the start: random ones, or the signs of `base` where there is one to go on from, so that
/// the network is the same.
pub fn start(plan: &Plan, layer: usize, base: Option<&[f32]>) -> Vec<Support> {
    let Some(recipe) = &plan.supports else { return Vec::new() };
    let (fan_in, outputs) = (plan.layers[layer].fan_in(), plan.layers[layer].conv.c);
    let made = |(number, &scale): (usize, &f64)| {
        let stream = (layer * SupportsRecipe::MOST + number) as u64;
        let mut random = random(plan.train.seed, Use::Supports, stream);
        let spread = plan.train.spread as f32;
        let latent = |place: usize| match base {
            Some(base) => f32::from(sign(base[place])) * QUIET * random.random::<f32>(),
            None => spread * (2.0 * random.random::<f32>() - 1.0),
        };
        Support {
            weights: Parameter::new((0..fan_in * outputs).map(latent).collect(), true),
            scale: Parameter::new(vec![scale as f32], false),
            kept: vec![1.0; fan_in],
        }
    };
    recipe.scales.iter().enumerate().map(made).collect()
}

/// One plane of a layer's weights.
pub struct WeightPlane {
    /// 0 for the base, 1 for the first support.
    pub number: usize,
    /// What a product counts beside the base's.
    pub size: f32,
    /// (fan-in x outputs) -1 or +1; 0 where it is left out.
    pub signs: Vec<f32>,
}

impl LayerState {
    /// What a code of the input is multiplied by (fan-in x outputs): the sign, and the signs of the first `supports`
    /// used supports in their sizes.
    pub fn effective(&self, supports: usize) -> Vec<f32> {
        let mut made: Vec<f32> = self.weights.value.par_iter().map(|&w| f32::from(sign(w))).collect();
        for support in self.supports.iter().filter(|support| support.is_used()).take(supports) {
            let outputs = made.len() / support.kept.len();
            let rows = made.par_chunks_mut(outputs).zip(support.weights.value.par_chunks(outputs));
            rows.zip(&support.kept).for_each(|((made, latent), &kept)| {
                let size = kept * support.size();
                made.iter_mut().zip(latent).for_each(|(w, &s)| *w += size * f32::from(sign(s)));
            });
        }
        made
    }

    /// The base and the first `supports` supports, each in an array of its own.
    pub fn planes(&self, supports: usize) -> Vec<WeightPlane> {
        let signs = |latent: &[f32]| latent.par_iter().map(|&w| f32::from(sign(w))).collect::<Vec<f32>>();
        let base = WeightPlane { number: 0, size: 1.0, signs: signs(&self.weights.value) };
        let used = self.supports.iter().enumerate().filter(|(_, support)| support.is_used()).take(supports);
        let plane = |(index, support): (usize, &Support)| {
            let mut signs = signs(&support.weights.value);
            let outputs = signs.len() / support.kept.len();
            for (row, &kept) in signs.chunks_mut(outputs).zip(&support.kept) {
                row.iter_mut().for_each(|sign| *sign *= kept);
            }
            WeightPlane { number: index + 1, size: support.size(), signs }
        };
        std::iter::once(base).chain(used.map(plane)).collect()
    }

    /// Hands the gradient of the effective weights, which `weights` holds, on to the first `supports` supports and
    /// their sizes.
    pub fn share_gradient(&mut self, supports: usize) {
        let gradient = &self.weights.gradient;
        for support in self.supports.iter_mut().filter(|support| support.is_used()).take(supports) {
            let outputs = gradient.len() / support.kept.len();
            let size = support.scale.value[0];
            let rows = support.weights.gradient.par_chunks_mut(outputs).zip(gradient.par_chunks(outputs));
            let taps = support.weights.value.par_chunks(outputs).zip(&support.kept);
            let by_tap: Vec<f64> = rows
                .zip(taps)
                .map(|((own, gradient), (latent, &kept))| {
                    own.iter_mut().zip(gradient).for_each(|(own, g)| *own = kept * size * g);
                    let along = gradient.iter().zip(latent).map(|(g, &s)| f64::from(g * f32::from(sign(s))));
                    f64::from(kept) * along.sum::<f64>()
                })
                .collect();
            support.scale.gradient = vec![by_tap.iter().sum::<f64>() as f32];
        }
    }

    /// The integer scales of base and used supports, and what 1 of them is worth beside the base's 1.
    pub fn integer_scales(&self) -> (Vec<i32>, f64) {
        self.integer_scales_of(usize::MAX)
    }

    /// [`LayerState::integer_scales`] of the base and the first `supports` supports.
    pub fn integer_scales_of(&self, supports: usize) -> (Vec<i32>, f64) {
        let used = self.supports.iter().filter(|support| support.is_used()).take(supports);
        let sizes: Vec<f64> =
            std::iter::once(1.0).chain(used.map(|support| f64::from(support.size()))).collect();
        let (codes, common) = coded(&sizes);
        (codes.iter().map(|code| code / common).collect(), f64::from(common) / FULL_SCALE)
    }
}

/// `sizes` in the finest steps that sizes may have, and the largest step of which all of them are multiples.
fn coded(sizes: &[f64]) -> (Vec<i32>, i32) {
    let codes: Vec<i32> = sizes.iter().map(|size| (size * FULL_SCALE).round() as i32).collect();
    let common = codes.iter().copied().fold(0, num_integer::gcd);
    (codes, common)
}

/// The finest step that the base and supports of `recipe` may come to have in common, beside the base's 1.
pub fn finest(recipe: &SupportsRecipe) -> f64 {
    if recipe.learn_scales {
        return recipe.dac_bits.map_or(f64::from(LEAST_SCALE), |bits| (-f64::from(bits)).exp2());
    }
    let sizes: Vec<f64> = std::iter::once(1.0).chain(recipe.scales.iter().copied()).collect();
    f64::from(coded(&sizes).1) / FULL_SCALE
}

/// Keeps learnt sizes where they may be: falling, and no size larger than the base's.
pub fn hold(supports: &mut [Support]) {
    let mut most = 1.0;
    for support in supports {
        let size = &mut support.scale.value[0];
        *size = size.clamp(LEAST_SCALE, most);
        most = *size;
    }
}

/// Moves learnt sizes to the nearest ones that there are.
pub fn snap(recipe: &SupportsRecipe, supports: &mut [Support]) {
    for support in supports {
        let size = recipe.nearest(support.size().into()) as f32;
        support.scale = Parameter::new(vec![size], false);
    }
}

/// Weights of all supports, and how many of them are left out.
pub fn counted(layers: &[LayerState]) -> (usize, usize) {
    let supports = layers.iter().flat_map(|layer| &layer.supports);
    supports.fold((0, 0), |(all, dropped), support| {
        let outputs = support.weights.value.len() / support.kept.len();
        let gone = support.kept.iter().filter(|&&kept| kept == 0.0).count();
        (all + support.weights.value.len(), dropped + gone * outputs)
    })
}
