//! Shortcuts of a plan: which earlier layer's sums a layer adds to its own, and what its own count beside them.
//!
//! A layer whose sums are kept and all that add to them, one after the other, are a chain. Its sums are multiples of one
//! step, the finest of its layers', so that the integers of the whole chain count in that step.

use super::model::Model;
use super::plan::{Plan, PlanLayer, Problem};
use super::recipe::{Code, Kind, LayerRecipe, Recipe, SupportsRecipe};
use super::supports;
use crate::network::{PadValue, Plane};

/// Sums up to this many steps are exact in f32.
const EXACT: f64 = 16_777_216.0;
/// Root mean square of a pixel, of which the first layer's sums are made.
const PIXEL: f64 = 0.5;

/// What a layer adds to its own sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanShortcut {
    /// The layer whose sums, behind its pooling and with what it added, are added.
    pub from: usize,
    /// What a sum of the layer's own counts beside them: a power of two.
    pub scale: f32,
}

/// Finds the shortcuts of `recipe` among `layers`, the layers that could be resolved.
pub fn resolve(recipe: &Recipe, layers: &mut [PlanLayer], problems: &mut Vec<Problem>) {
    let names: Vec<&str> = recipe.layer.iter().filter_map(|layer| layer.shortcut.as_deref()).collect();
    if names.is_empty() && recipe.layer.iter().all(|layer| layer.scale.is_none()) {
        return;
    }
    let mut say = |place: &str, what: String| problems.push(Problem { place: place.into(), what });
    if recipe.supports.as_ref().is_some_and(|supports| supports.any_planes) {
        say(
            "supports.any_planes",
            "it turns the weights of falling channels round, and what a shortcut adds would not turn with them; \
             remove it, or shortcut from every layer"
                .into(),
        );
    }
    for layer in layers.iter_mut() {
        layer.keeps = names.contains(&layer.name.as_str());
    }
    for (index, asked) in recipe.layer.iter().enumerate().take(layers.len()) {
        match found(recipe, asked, layers, index) {
            Ok(shortcut) => layers[index].shortcut = shortcut,
            Err(what) => say(&format!("layer {} ('{}')", index + 1, layers[index].name), what),
        }
    }
}

/// The shortcut that layer `index` asks for, or what is wrong with it.
fn found(
    recipe: &Recipe,
    asked: &LayerRecipe,
    layers: &[PlanLayer],
    index: usize,
) -> Result<Option<PlanShortcut>, String> {
    let Some(name) = &asked.shortcut else {
        return match asked.scale {
            Some(_) => {
                Err("scale: it is what sums count beside a shortcut; give shortcut, or remove it".into())
            }
            None => Ok(None),
        };
    };
    let (layer, before) = (&layers[index], &layers[..index]);
    let refused = |what: String| Err(format!("shortcut = \"{name}\": {what}"));
    if layer.kind == Kind::Scores {
        return refused("the scores add nothing; remove it".into());
    }
    let Some(from) = before.iter().position(|other| other.name == *name) else {
        let names: Vec<&str> = before.iter().map(|other| other.name.as_str()).collect();
        return refused(match names.is_empty() {
            true => "nothing stands before the first layer; remove it".into(),
            false => format!("no earlier layer has this name; name one of {}", names.join(", ")),
        });
    };
    if let Some(last) = before.iter().rposition(|other| other.keeps).filter(|&last| last != from) {
        let last = &before[last].name;
        return refused(format!(
            "only the last sums that were kept can be added, and those of '{last}' are kept in between; name '{last}'"
        ));
    }
    if layer.kind != layers[from].kind {
        return refused(
            "a convolution adds a convolution's sums, a dense layer a dense layer's; name such a layer"
                .into(),
        );
    }
    if layer.pool > 1 {
        return refused(format!(
            "a layer that adds sums cannot be pooled, since they come pixel by pixel; remove pool, or pool '{name}'"
        ));
    }
    if layer.conv != layers[from].output {
        return refused(format!(
            "it hands on {}, and this layer's sums are {}; make outputs, pad and stride fit, or begin a chain here by \
             removing it",
            layers[from].output, layer.conv
        ));
    }
    let scale = scale(recipe, asked.scale, layers, index, from)?;
    Ok(Some(PlanShortcut { from, scale: scale as f32 }))
}

/// What the sums of layer `index` count beside those of layer `from`: as `given`, or the power of two that brings them
/// nearest to the size of the sums that layer `from` makes itself.
fn scale(
    recipe: &Recipe,
    given: Option<f64>,
    layers: &[PlanLayer],
    index: usize,
    from: usize,
) -> Result<f64, String> {
    let code = recipe.input.code;
    let supports = recipe.supports.as_ref();
    let part = supports.map_or(1.0, supports::finest);
    let steps: Vec<f64> = chain(layers, from).map(|member| step(layers, code, member)).collect();
    let (least, most) =
        (steps.iter().copied().fold(f64::MAX, f64::min), steps.iter().copied().fold(0.0, f64::max));
    // Powers of two: the largest plane of the chain counts 128 of its least at most.
    let room = f64::from((Plane::MOST_SCALE + 1) / 2) * part;
    let (low, high) = (most / room, least * room);
    let scale = given.unwrap_or_else(|| {
        let wanted = size(layers, code, from) / (layers[index].fan_in() as f64).sqrt();
        wanted.log2().round().exp2().max(low).min(high)
    });
    if !(scale > 0.0 && scale.is_finite() && scale.log2().round().exp2() == scale) {
        return Err(format!("scale = {scale}: give a power of two, such as 0.125"));
    }
    if !(low..=high).contains(&scale) {
        return Err(format!(
            "scale = {scale}: in the finest step of the sums that are added up, a plane of weights would count more \
             than {}; give {low} to {high}",
            Plane::MOST_SCALE
        ));
    }
    let weight = supports.map_or(1.0, |supports| 1.0 + most_supports(supports));
    let largest = weight * (scale * layers[index].fan_in() as f64 + reach(layers, from));
    let finest = part * scale.min(least);
    if largest / finest >= EXACT {
        return Err(format!(
            "scale = {scale}: sums with the shortcut reach {largest} in steps of {finest}, and f32 holds 2^24 steps; \
             give a larger scale, or shorten the chain"
        ));
    }
    Ok(scale)
}

/// Largest sum of the supports' sizes.
fn most_supports(supports: &SupportsRecipe) -> f64 {
    match supports.learn_scales {
        true => supports.scales.len() as f64,
        false => supports.scales.iter().sum(),
    }
}

/// Root mean square of the sums that a layer makes itself, of weights and bits that know nothing of each other.
fn size(layers: &[PlanLayer], code: Code, index: usize) -> f64 {
    let of_input = match (index, code) {
        (0, Code::Int8) => PIXEL,
        _ => step(layers, code, index),
    };
    of_input * (layers[index].fan_in() as f64).sqrt()
}

/// The layer whose sums are the first of the chain of layer `index`.
fn root(layers: &[PlanLayer], index: usize) -> usize {
    layers[index].shortcut.map_or(index, |shortcut| root(layers, shortcut.from))
}

/// The layers of the chain of layer `index`; itself alone where it has none.
fn chain(layers: &[PlanLayer], index: usize) -> impl Iterator<Item = usize> {
    (0..layers.len()).filter(move |&member| root(layers, member) == root(layers, index))
}

/// What a product of an input code and a sign counts in the sums of layer `index`.
fn step(layers: &[PlanLayer], code: Code, index: usize) -> f64 {
    let unit = if index == 0 { f64::from(code.unit()) } else { 1.0 };
    layers[index].shortcut.map_or(unit, |shortcut| unit * f64::from(shortcut.scale))
}

/// Largest size of a sum of layer `index` with binary weights.
pub fn reach(layers: &[PlanLayer], index: usize) -> f64 {
    let fan_in = layers[index].fan_in() as f64;
    layers[index]
        .shortcut
        .map_or(fan_in, |shortcut| f64::from(shortcut.scale) * fan_in + reach(layers, shortcut.from))
}

/// What 1 of the integers of layer `index` is worth in its sums.
pub fn unit(plan: &Plan, model: &Model, index: usize) -> f64 {
    chain(&plan.layers, index).map(|member| own_unit(plan, model, member)).fold(f64::MAX, f64::min)
}

/// What 1 of the integers of layer `index` would be worth without the rest of its chain.
fn own_unit(plan: &Plan, model: &Model, index: usize) -> f64 {
    step(&plan.layers, plan.code, index) * model.layers[index].integer_scales().1
}

/// A sum of layer `index` that occurs, and the distance to the next one.
pub fn lattice(plan: &Plan, model: &Model, index: usize) -> (f64, f64) {
    let added = |&member: &usize| plan.layers[member].shortcut.map(|shortcut| shortcut.from);
    let (mut origin, mut step) = (0.0, 0);
    for member in std::iter::successors(Some(index), added) {
        let layer = &plan.layers[member];
        let undriven = layer.pad > 0 && layer.pad_value == PadValue::Zero;
        let bits = member > 0 || plan.code == Code::Bipolar;
        let scales = plane_scales(plan, model, member);
        // A sum of signs that are all there is even or odd, as the number of them.
        let own = match scales[..] {
            [scale] if bits && !undriven => {
                origin -= layer.fan_in() as f64 * f64::from(scale);
                2 * scale
            }
            _ => scales.into_iter().fold(0, num_integer::gcd),
        };
        step = num_integer::gcd(step, own);
    }
    let unit = unit(plan, model, index);
    (origin * unit, f64::from(step) * unit)
}

/// Scales of the planes of layer `index`, in [`unit`].
pub fn plane_scales(plan: &Plan, model: &Model, index: usize) -> Vec<i32> {
    let factor = (own_unit(plan, model, index) / unit(plan, model, index)) as i32;
    model.layers[index].integer_scales().0.into_iter().map(|scale| scale * factor).collect()
}
