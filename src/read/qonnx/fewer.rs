//! Thresholds of fewer planes, which the graph itself, where all planes run, has no place for.
//!
//! An initialiser `LAYER.planesK.threshold` that no node reads holds one integer a channel, or, where activations have
//! several levels, one a channel for each step, step after step: the thresholds of layer LAYER, in its integer sums as they are read
//! (with what a shortcut adds, and in its unit), where each layer runs at most K planes of weights.

use super::graph::Graph;
use crate::network::{Activation, Layer, Network, fewer_planes};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Gives the layers the thresholds that the graph holds for them.
///
/// # Errors
/// All tensors that are missing beside others, of another size, or no integers.
pub fn attach(network: &mut Network, graph: &Graph) -> Result<(), Vec<Error>> {
    let most = network.most_planes();
    let mut errors = Vec::new();
    for layer in &mut network.layers {
        let names: Vec<String> = (1..most).map(|planes| fewer_planes(layer.name.raw(), planes)).collect();
        if names.iter().all(|name| !graph.constants.contains_key(name.as_str())) {
            continue;
        }
        for name in names {
            match list(layer, graph, &name) {
                Ok(list) => layer.fewer.push(list),
                Err(error) => errors.push(error),
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn list(layer: &Layer, graph: &Graph, name: &str) -> Result<Vec<i32>, Error> {
    let fault = |what: String| {
        Error::Tensor {
        name: name.into(),
        what,
        help: "give every number of planes below all of them one integer a channel (and step), or none of them any"
            .into(),
    }
    };
    let proto = graph.constants.get(name).ok_or_else(|| fault("it is missing".into()))?;
    let tensor = Tensor::decode(proto)?;
    let (channels, steps) = (layer.conv.c, layer.steps());
    if tensor.values.len() != channels * steps {
        let of_steps = if steps > 1 { format!(" of {steps} thresholds") } else { String::new() };
        let found = tensor.values.len();
        return Err(fault(format!("it has {found} values, the layer {channels} channels{of_steps}")));
    }
    let integer = |value: &f64| {
        let inside = value.fract() == 0.0 && value.abs() <= f64::from(i32::MAX);
        if inside { Ok(*value as i32) } else { Err(fault(format!("{value} is no integer threshold"))) }
    };
    let mut list: Vec<i32> = tensor.values.iter().map(integer).collect::<Result<_, Error>>()?;
    in_order(layer, &mut list);
    Ok(list)
}

/// Puts the thresholds of each channel into the order of the steps: what counts is how many are met.
fn in_order(layer: &Layer, list: &mut [i32]) {
    let Activation::Sign { flip, .. } = &layer.activation else { return };
    for (c, &flip) in flip.iter().enumerate() {
        let mut own: Vec<i32> = list.iter().skip(c).step_by(layer.conv.c).copied().collect();
        own.sort_by(|a, b| if flip { b.cmp(a) } else { a.cmp(b) });
        list.iter_mut().skip(c).step_by(layer.conv.c).zip(own).for_each(|(to, own)| *to = own);
    }
}
