//! The trained network as integers: one threshold and one flip bit a channel.
//!
//! Thresholds are first moved off the sums that occur: a normalisation followed by a sign compares an exact
//! sum with a threshold, and where the two are nearly equal the answer would hang on the rounding of whoever
//! runs the exported file.

use super::bayes;
use super::model::{LayerState, Model, Normal};
use super::norm::EPSILON;
use super::plan::{Plan, PlanLayer};
use super::recipe::{Code, Kind};
use super::shortcut;
use super::sign::sign;
use super::supports::Support;
use crate::bits::BitMatrix;
use crate::network::{
    Activation, Decision, Flips, Input, InputCode, Layer, Mask, Network, Output, PadValue, Padding, Plane,
    Pool, Reads, Shortcut, accumulator_range, accumulator_step,
};

/// Least distance of a threshold from a sum that occurs, in steps of the sum.
const CLEARANCE: f64 = 1.0 / 8.0;

/// The sums that a layer can have: multiples of `step` from `origin`, in its own unit.
struct Lattice {
    origin: f64,
    step: f64,
}

impl Lattice {
    /// With the first `supports` supports.
    fn of(plan: &Plan, model: &Model, index: usize, supports: usize) -> Lattice {
        let (layer, state) = (&plan.layers[index], &model.layers[index]);
        if layer.shortcut.is_some() {
            let (origin, step) = shortcut::lattice(plan, model, index);
            return Lattice { origin, step };
        }
        let multi_bit = index == 0 && plan.code == Code::Int8;
        let undriven = layer.pad > 0 && layer.pad_value == PadValue::Zero;
        let (scales, unit) = state.integer_scales_of(supports);
        if multi_bit || undriven || scales.len() > 1 {
            return Lattice {
                origin: 0.0,
                step: unit * if multi_bit { f64::from(plan.unit()) } else { 1.0 },
            };
        }
        // A sum of fan-in signs has the parity of the fan-in.
        Lattice { origin: (layer.fan_in() % 2) as f64, step: 2.0 }
    }
}

/// The sum at which channel `channel` changes its bit; `None` where it never does.
fn threshold(normal: &Normal, channel: usize) -> Option<f64> {
    let gamma = f64::from(normal.gamma[channel]);
    let deviation = (f64::from(normal.statistics.variance[channel]) + f64::from(EPSILON)).sqrt();
    let mean = f64::from(normal.statistics.mean[channel]);
    let threshold = mean - f64::from(normal.beta[channel]) * deviation / gamma;
    (gamma != 0.0 && threshold.is_finite()).then_some(threshold)
}

/// Moves thresholds off the sums that occur, through the measured mean, by up to [`CLEARANCE`] steps and
/// without changing a decision. Returns how many were moved.
///
/// Arrays (`rounded`) give sums between those as well, and compare them with the sum that the integer threshold
/// names: there every threshold goes to right below the nearest sum, so that it errs to both sides alike.
pub fn settle(plan: &Plan, model: &mut Model, rounded: bool) -> usize {
    let mut moved = 0;
    for index in 0..plan.layers.len() - 1 {
        let reach = shortcut::reach(&plan.layers, index);
        for supports in 0..model.layers[index].fewer.len() {
            let lattice = Lattice::of(plan, model, index, supports);
            moved += clear(&mut model.layers[index].fewer[supports], &lattice, reach, rounded);
        }
        let lattice = Lattice::of(plan, model, index, usize::MAX);
        let mut normal = model.layers[index].normal();
        moved += clear(&mut normal, &lattice, reach, rounded);
        model.layers[index].measured = normal.statistics;
    }
    moved
}

/// `reach`: the largest sum.
fn clear(normal: &mut Normal, lattice: &Lattice, reach: f64, rounded: bool) -> usize {
    let mut moved = 0;
    for channel in 0..normal.gamma.len() {
        let Some(at) = threshold(normal, channel) else { continue };
        let position = (at - lattice.origin) / lattice.step;
        let nearest = position.round();
        if at.abs() > 2.0 * reach || (!rounded && (position - nearest).abs() >= CLEARANCE) {
            continue;
        }
        // On the sum itself, it is met by a rising and by a falling channel alike.
        let rising = normal.gamma[channel] > 0.0;
        let below = rounded || position < nearest || (position == nearest && rising);
        let target = nearest + if below { -CLEARANCE } else { CLEARANCE };
        let mean = &mut normal.statistics.mean[channel];
        *mean = (f64::from(*mean) + (target - position) * lattice.step) as f32;
        moved += 1;
    }
    moved
}

/// The network as the exported file states it.
pub fn network(plan: &Plan, model: &Model) -> Network {
    let code = match plan.code {
        Code::Int8 => InputCode::Signed { bits: 8 },
        Code::Bipolar => InputCode::Bipolar,
    };
    let code = code.padded(&padding(&plan.layers[0]));
    let mut layers: Vec<Layer> = Vec::new();
    for (index, layer) in plan.layers.iter().enumerate() {
        layers.push(unsigned(plan, model, index));
        if layer.kind != Kind::Scores {
            let (activation, fewer) = decisions(plan, model, &layers, code);
            (layers[index].activation, layers[index].fewer) = (activation, fewer);
        }
    }
    // Supports that are left out whole are no planes.
    let most = layers.iter().map(|layer| layer.planes.len()).max().unwrap_or(1);
    layers.iter_mut().for_each(|layer| layer.fewer.truncate(most - 1));
    let scale = model.layers.last().map_or(1.0, |last| f64::from(last.gamma.value[0]));
    // A sum of the first layer is held in pixel units, one of several planes in units of the least.
    let last = model.layers.last().map_or(1.0, |last| last.integer_scales().1);
    let unit = last * if plan.layers.len() == 1 { f64::from(plan.unit()) } else { 1.0 };
    Network {
        name: plan.name.as_str().into(),
        input: Input {
            name: "image".into(),
            shape: plan.input,
            code,
            pixel_values: plan.pixel_codes().into_iter().map(i16::from).collect(),
            pixel_rule: "graph".into(),
        },
        layers,
        output: Output {
            name: "scores".into(),
            decision: if plan.classes() == 1 { Decision::Sign } else { Decision::Argmax },
            scale: vec![scale * unit; plan.classes()],
            bias: vec![0.0; plan.classes()],
            top_k: None,
        },
    }
}

fn padding(layer: &PlanLayer) -> Padding {
    match layer.pad {
        0 => Padding::NONE,
        pad => Padding { top: pad, left: pad, bottom: pad, right: pad, value: layer.pad_value },
    }
}

/// Layer `index` before its thresholds are known.
fn unsigned(plan: &Plan, model: &Model, index: usize) -> Layer {
    let layer = &plan.layers[index];
    let pool = (layer.pool > 1).then_some(Pool {
        kernel: (layer.pool, layer.pool),
        stride: (layer.pool, layer.pool),
        before_sign: layer.keeps,
    });
    Layer {
        name: layer.name.as_str().into(),
        op: if layer.kind == Kind::Conv { "conv" } else { "dense" },
        input: layer.input,
        kernel: layer.kernel,
        stride: (layer.stride, layer.stride),
        padding: padding(layer),
        planes: planes(layer, &model.layers[index], &shortcut::plane_scales(plan, model, index)),
        conv: layer.conv,
        sum_pixels: false,
        pool,
        reads: Reads::before(index),
        requant: None,
        shortcut: Shortcut { adds: layer.shortcut.is_some(), keeps: layer.keeps, ..Shortcut::NONE },
        flips: plan.drawn(index).map(|bayes| flips(bayes.bits, layer, &model.layers[index])),
        fewer: Vec::new(),
        activation: Activation::Scores,
        output: layer.output,
    }
}

/// The flip codes of a layer whose weights are drawn.
fn flips(bits: usize, layer: &PlanLayer, state: &LayerState) -> Flips {
    let (fan_in, outputs) = (layer.fan_in(), layer.conv.c);
    let of = |place: usize| bayes::code(bits, state.weights.value[place % fan_in * outputs + place / fan_in]);
    Flips { bits, codes: (0..fan_in * outputs).map(of).collect() }
}

/// Thresholds and flips of the last of `layers`, and its thresholds of fewer planes; `code`: the network's input.
fn decisions(plan: &Plan, model: &Model, layers: &[Layer], code: InputCode) -> (Activation, Vec<Vec<i32>>) {
    let index = layers.len() - 1;
    let unit = shortcut::unit(plan, model, index);
    let decide = |normal: &Normal, step: i64| -> (Vec<i32>, Vec<bool>) {
        let range = |channel| accumulator_range(layers, index, channel, code);
        (0..layers[index].conv.c).map(|channel| decision(normal, channel, unit, range(channel), step)).unzip()
    };
    let state = &model.layers[index];
    let (threshold, flip) = decide(&state.normal(), accumulator_step(layers, index, code) as i64);
    let fewer = state.fewer.iter().map(|normal| decide(normal, 1).0).collect();
    (Activation::Sign { threshold, flip }, fewer)
}

/// The base and the supports that are used, with their integer scales.
fn planes(layer: &PlanLayer, state: &LayerState, scales: &[i32]) -> Vec<Plane> {
    let (fan_in, outputs) = (layer.fan_in(), layer.conv.c);
    let signs = |latent: &[f32], kept: &dyn Fn(usize) -> bool| {
        BitMatrix::from_fn(outputs, fan_in, |output, tap| {
            kept(tap) && sign(latent[tap * outputs + output]) > 0
        })
    };
    let base =
        Plane { weights: signs(&state.weights.value, &|_| true), scale: scales[0], mask: None, levels: None };
    let support = |(support, &scale): (&Support, &i32)| {
        let taps: Vec<bool> = support.kept.iter().map(|&kept| kept == 1.0).collect();
        let weights = signs(&support.weights.value, &|tap| taps[tap]);
        let whole = taps.iter().all(|&kept| kept);
        let mask = (!whole).then(|| Mask { taps, channels: vec![true; outputs] });
        Plane { weights, scale, mask, levels: None }
    };
    let used = state.supports.iter().filter(|support| support.is_used());
    std::iter::once(base).chain(used.zip(&scales[1..]).map(support)).collect()
}

/// The integer threshold and the flip bit of a channel whose sums go from `low` to `high` in steps.
fn decision(normal: &Normal, channel: usize, unit: f64, (low, high): (i64, i64), step: i64) -> (i32, bool) {
    let constant = |bit: bool| (if bit { low } else { high + 1 } as i32, false);
    let Some(threshold) = threshold(normal, channel) else {
        return constant(normal.beta[channel] >= 0.0);
    };
    let rising = normal.gamma[channel] > 0.0;
    let position = (threshold / unit - low as f64) / step as f64;
    // The first sum on the upper side: a rising channel is met on the threshold itself, a falling one above it.
    let first = if rising { position.ceil() } else { position.floor() + 1.0 };
    let last = ((high - low) / step) as f64;
    if first <= 0.0 {
        return constant(rising);
    }
    if first > last {
        return constant(!rising);
    }
    ((low + first as i64 * step) as i32, !rising)
}
