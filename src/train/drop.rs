//! Which supports are left out: groups of neighbouring taps, a group for all outputs alike, which is what an array skips.

use super::arrays::Arrays;
use super::model::{Model, Moment};
use super::plan::Plan;
use super::recipe::{DropBy, DropPer, SupportsRecipe};
use super::sample::{Samples, batch, order};
use super::sign::sign;
use super::supports::Support;
use std::ops::Range;

/// Most training images whose loss ranks the groups.
const LOSS_IMAGES: usize = 1000;
/// Most batches whose gradients rank them.
const GRADIENT_BATCHES: usize = 100;

/// Taps of one support of one layer that are left out together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    layer: usize,
    support: usize,
    taps: Range<usize>,
    /// Weights in it.
    weights: usize,
    /// What it costs, in the recipe's unit.
    cost: usize,
    /// Whether it is left out.
    dropped: bool,
}

impl Group {
    fn support<'a>(&self, model: &'a Model) -> &'a Support {
        &model.layers[self.layer].supports[self.support]
    }

    /// `kept`: 1, or 0 to leave it out.
    fn set(&self, model: &mut Model, kept: f32) {
        model.layers[self.layer].supports[self.support].kept[self.taps.clone()].fill(kept);
    }

    /// Its part of a list of one number a weight.
    fn part<'a>(&self, list: &'a [f32]) -> &'a [f32] {
        let outputs = self.weights / self.taps.len();
        &list[self.taps.start * outputs..][..self.weights]
    }
}

/// Leaves out the groups of supports that are worth the least for what they cost, of those that are left as `epoch`
/// begins, until `share` of all is left out. Without `arrays` passes are those of a counting machine.
pub fn drop_least(
    plan: &Plan,
    model: &mut Model,
    samples: &Samples,
    epoch: u64,
    share: f64,
    arrays: Option<&Arrays>,
) {
    let Some(recipe) = &plan.supports else { return };
    let (groups, dropped): (Vec<Group>, Vec<Group>) =
        groups(plan, recipe, model, arrays).into_iter().partition(|group| !group.dropped);
    let cost = |groups: &[Group]| groups.iter().map(|group| group.cost).sum::<usize>();
    let (all, gone) = (cost(&groups) + cost(&dropped), cost(&dropped));
    let worth = match recipe.drop_by {
        DropBy::Magnitude => by_magnitude(model, &groups),
        DropBy::Loss => by_loss(plan, model, &groups, samples, epoch),
        DropBy::Gradient => by_gradient(plan, model, &groups, samples, epoch),
    };
    let worth = worth.iter().zip(&groups).map(|(worth, group)| worth / group.cost as f64);
    let mut ranked: Vec<(f64, &Group)> = worth.zip(&groups).collect();
    ranked.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut left = ((all as f64 * share).round() as usize).saturating_sub(gone);
    for (_, group) in ranked {
        if group.cost > left {
            continue;
        }
        left -= group.cost;
        group.set(model, 0.0);
    }
}

fn groups(plan: &Plan, recipe: &SupportsRecipe, model: &Model, arrays: Option<&Arrays>) -> Vec<Group> {
    let mut made = Vec::new();
    for (layer, (planned, state)) in plan.layers.iter().zip(&model.layers).enumerate() {
        let bits = if layer == 0 { plan.code.bits() } else { 1 };
        let (rows, cycles) = arrays.map_or((bits, 1), |arrays| arrays.pass(layer));
        let (step, cost) = match recipe.drop_per {
            DropPer::Weight => (recipe.drop_taps, None),
            // A pass takes a vector a pixel for some outputs, however many of its rows are used.
            DropPer::Cycle => ((recipe.drop_taps / rows).max(1), Some(planned.conv.elements() * cycles)),
        };
        for (support, state) in state.supports.iter().enumerate() {
            for first in (0..planned.fan_in()).step_by(step) {
                let taps = first..(first + step).min(planned.fan_in());
                let weights = taps.len() * planned.conv.c;
                let dropped = state.kept[first] == 0.0;
                made.push(Group { layer, support, taps, weights, cost: cost.unwrap_or(weights), dropped });
            }
        }
    }
    made
}

/// Sum of the sizes of each group's latent weights.
fn by_magnitude(model: &Model, groups: &[Group]) -> Vec<f64> {
    let size = |group: &Group| {
        let latent = &group.support(model).weights.value;
        group.part(latent).iter().map(|s| f64::from(s.abs())).sum()
    };
    groups.iter().map(size).collect()
}

/// How much the loss of one large batch rises without each group.
fn by_loss(plan: &Plan, model: &mut Model, groups: &[Group], samples: &Samples, epoch: u64) -> Vec<f64> {
    let mut chosen = order(plan.train.seed, epoch, samples.labels.len());
    chosen.truncate(LOSS_IMAGES);
    let (codes, labels) = drawn(plan, samples, &chosen, epoch);
    let whole = model.loss(plan, &codes, &labels);
    let rise = |group: &Group| {
        group.set(model, 0.0);
        let loss = model.loss(plan, &codes, &labels);
        group.set(model, 1.0);
        loss - whole
    };
    groups.iter().map(rise).collect()
}

/// Mean square, over batches, of the change that the loss would have without each group, to first order: the sum of
/// gradient times weight (Molchanov et al., 2019).
fn by_gradient(plan: &Plan, model: &Model, groups: &[Group], samples: &Samples, epoch: u64) -> Vec<f64> {
    let mut model = model.clone();
    let order = order(plan.train.seed, epoch, samples.labels.len());
    let mut worth = vec![0.0; groups.len()];
    let batches = order.chunks_exact(plan.train.batch).take(GRADIENT_BATCHES);
    let count = batches.len() as f64;
    for chosen in batches {
        let (codes, labels) = drawn(plan, samples, chosen, epoch);
        model.gradients(plan, &codes, &labels, Moment::END, usize::MAX, None);
        for (worth, group) in worth.iter_mut().zip(groups) {
            let weights = &group.support(&model).weights;
            let pairs = group.part(&weights.gradient).iter().zip(group.part(&weights.value));
            let change: f64 = pairs.map(|(g, &s)| f64::from(g * f32::from(sign(s)))).sum();
            *worth += change * change / count;
        }
    }
    worth
}

fn drawn(plan: &Plan, samples: &Samples, chosen: &[u32], epoch: u64) -> (Vec<i8>, Vec<u8>) {
    let labels = chosen.iter().map(|&image| samples.labels[image as usize]).collect();
    (batch(plan, samples, chosen, Some(epoch)), labels)
}
