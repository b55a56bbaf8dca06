//! A training that goes on from a model which `bincim train` wrote.

use super::adam::Parameter;
use super::model::{LayerState, Model};
use super::norm::Statistics;
use super::plan::{Plan, PlanLayer};
use super::recipe::Kind;
use super::supports::{self, Support};
use crate::network::FLIP_BITS;
use crate::onnx::{ModelProto, TensorProto};
use prost::Message;

/// Why a model is no start for a training.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("it is no ONNX model")]
    NoModel,
    #[error("layer '{layer}': the model has no tensor '{tensor}' of {expected} finite numbers")]
    Tensor { layer: String, tensor: String, expected: usize },
    #[error(
        "layer '{layer}': the model has supports already, and any_planes on a frozen base begins from the base"
    )]
    Supports { layer: String },
    #[error(
        "its weights are drawn (it has flip codes), and the training file has no [bayes]: they would become point estimates"
    )]
    Flips,
}

/// The numbers of the model `bytes` in the network of `plan`, layer by layer by their names: latent weights (signs
/// alone are taken in the size `train.spread`; of a drawn layer only signs are taken, in its own size), normalisation, statistics, and supports as the model has them. Of a
/// model without supports each support gets the sign of the base, so that the network is the same at first.
///
/// # Errors
/// Bytes that are no model, or all tensors that are missing or of another size.
pub fn start(plan: &Plan, bytes: &[u8]) -> Result<Model, Vec<StartError>> {
    let no_model = || vec![StartError::NoModel];
    let file = ModelProto::decode(bytes).map_err(|_| no_model())?;
    let drawn = file.metadata_props.iter().any(|entry| entry.key() == FLIP_BITS);
    let graph = file.graph.ok_or_else(no_model)?;
    if plan.bayes.is_none() && drawn {
        return Err(vec![StartError::Flips]);
    }
    let mut model = Model::new(plan);
    let mut errors = Vec::new();
    for (index, (layer, state)) in plan.layers.iter().zip(&mut model.layers).enumerate() {
        let mut read = |part: &str, expected: usize| -> Vec<f32> {
            let tensor = format!("{}.{part}", layer.name);
            let found = graph.initializer.iter().find(|t| t.name() == tensor).and_then(floats);
            found.filter(|values| values.len() == expected).unwrap_or_else(|| {
                errors.push(StartError::Tensor { layer: layer.name.clone(), tensor, expected });
                Vec::new()
            })
        };
        let count = state.weights.value.len();
        let mut base = latent(layer, &read("weights", count), plan.train.spread as f32);
        if let Some(bayes) = plan.drawn(index) {
            base.iter_mut().for_each(|weight| *weight = bayes.of_sign(*weight));
        }
        if layer.kind == Kind::Scores {
            state.gamma = Parameter::new(read("scale", 1), false);
        } else {
            let channels = layer.conv.c;
            state.gamma = Parameter::new(read("gamma", channels), false);
            state.beta = Parameter::new(read("beta", channels), false);
            state.measured =
                Statistics { mean: read("mean", channels), variance: read("variance", channels) };
        }
        let names: Vec<String> =
            (1..=state.supports.len()).map(|number| format!("support{number}")).collect();
        let has = |part: &str| graph.initializer.iter().any(|t| t.name() == format!("{}.{part}", layer.name));
        if names.iter().any(|name| has(name)) {
            if plan.fewer_supports() > 0 && plan.supports.as_ref().is_some_and(|supports| supports.frozen) {
                errors.push(StartError::Supports { layer: layer.name.clone() });
                continue;
            }
            for (name, support) in names.iter().zip(&mut state.supports) {
                if !has(name) {
                    // The file has no word of a support that is left out whole.
                    support.kept.fill(0.0);
                    continue;
                }
                let values = latent(layer, &read(name, count), plan.train.spread as f32);
                support.weights = Parameter::new(values, true);
                support.scale = Parameter::new(read(&format!("{name}.scale"), 1), false);
                let kept = format!("{name}.kept");
                if has(&kept) {
                    let values = read(&kept, support.kept.len());
                    let (inputs, pixels) = (layer.input.c, layer.kernel.0 * layer.kernel.1);
                    for (tap, value) in support.kept.iter_mut().enumerate() {
                        *value = values.get(tap % inputs * pixels + tap / inputs).copied().unwrap_or(0.0);
                    }
                }
            }
        } else if base.len() == count {
            state.supports = supports::start(plan, index, Some(&base));
            state.weights = Parameter::new(base, state.weights.clipped);
            if plan.fewer_supports() > 0 {
                rise(state);
                state.fewer = vec![state.normal(); plan.fewer_supports()];
            }
            // Supports of the base's signs make every sum larger by the same factor.
            let factor = 1.0 + state.supports.iter().map(Support::size).sum::<f32>();
            state.measured.mean.iter_mut().for_each(|mean| *mean *= factor);
            state.measured.variance.iter_mut().for_each(|variance| *variance *= factor * factor);
            continue;
        }
        state.weights = Parameter::new(base, true);
        if plan.fewer_supports() > 0 {
            rise(state);
        }
    }
    if errors.is_empty() { Ok(model) } else { Err(errors) }
}

/// Turns the weights of falling channels round: a channel's bit then has one direction for every number of planes.
fn rise(state: &mut LayerState) {
    let outputs = state.beta.value.len();
    for channel in 0..outputs {
        if state.gamma.value[channel] >= 0.0 {
            continue;
        }
        state.gamma.value[channel] *= -1.0;
        state.measured.mean[channel] *= -1.0;
        let lists =
            std::iter::once(&mut state.weights).chain(state.supports.iter_mut().map(|s| &mut s.weights));
        lists.for_each(|list| list.value.iter_mut().skip(channel).step_by(outputs).for_each(|w| *w *= -1.0));
    }
}

/// Finite values of a tensor of f32.
fn floats(tensor: &TensorProto) -> Option<Vec<f32>> {
    let (values, rest) = tensor.raw_data.as_deref()?.as_chunks::<4>();
    let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    (rest.is_empty() && values.iter().all(|value| value.is_finite())).then_some(values)
}

/// The weights of the file (as [`super::export`] orders them) in the trainer's order, between -1 and 1.
fn latent(layer: &PlanLayer, values: &[f32], spread: f32) -> Vec<f32> {
    let (inputs, outputs, pixels) = (layer.input.c, layer.conv.c, layer.kernel.0 * layer.kernel.1);
    if values.len() != inputs * outputs * pixels {
        return Vec::new();
    }
    let signs_only = values.iter().all(|value| value.abs() == 1.0);
    let size = if signs_only { spread } else { 1.0 };
    let mut made = Vec::with_capacity(values.len());
    for place in 0..pixels {
        for input in 0..inputs {
            for output in 0..outputs {
                let at = match layer.kind {
                    Kind::Conv => (output * inputs + input) * pixels + place,
                    Kind::Dense | Kind::Scores => (input * pixels + place) * outputs + output,
                };
                made.push((size * values[at]).clamp(-1.0, 1.0));
            }
        }
    }
    made
}
