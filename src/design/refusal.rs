//! What a machine cannot hold of a network, or an architecture asks of another one.

use super::{DesignError, ensemble, input};
use crate::arch::{Arch, Range};
use crate::mapping;
use crate::network::{Activation, InputCode, Layer, Network, Plane, Reads};

/// Most thresholds of a channel on analog arrays, where each takes a channel of its own.
const MOST_ANALOG_STEPS: usize = 15;

/// The first reason for which `network`, whose input has `planes` bits, does not go on `arch`.
pub(super) fn check(network: &Network, arch: &Arch, planes: usize) -> Result<(), DesignError> {
    let first = &network.layers[0];
    let last = &network.layers[network.layers.len() - 1];
    if let Some((layer, why)) = ensemble::refusal(network, arch) {
        return Err(DesignError::Flips { layer: layer.terminal(), why });
    }
    let many = |layer: &&Layer| arch.readout.is_analog() && layer.steps() > MOST_ANALOG_STEPS;
    if let Some(layer) = network.layers.iter().find(many) {
        let (levels, most) = (layer.steps() + 1, MOST_ANALOG_STEPS + 1);
        return Err(DesignError::AnalogLevels { layer: layer.name.terminal(), levels, most });
    }
    let fixed = network.layers.iter().find_map(|layer| Some((layer, layer.requant.as_ref()?)));
    if let (true, Some((layer, requant))) = (arch.readout.is_analog(), fixed) {
        return Err(DesignError::AnalogState { layer: layer.name.terminal(), bits: requant.bits });
    }
    let sequence = arch.readout.is_analog() || network.first_drawn().is_some();
    let branch = |index: &usize| network.layers[*index].reads != Reads::before(*index);
    if let Some(index) = (0..network.layers.len()).find(branch).filter(|_| sequence) {
        return Err(DesignError::Branch { layer: network.layers[index].name.terminal() });
    }
    if let Some(layer) = network.layers.iter().find(|layer| layer.shortcut.first > 0) {
        return Err(DesignError::LastShortcut { layer: layer.name.terminal() });
    }
    if arch.row_planes(planes) > arch.rows {
        return Err(DesignError::TooFewRows { planes, rows: arch.rows });
    }
    let ranges = match &arch.readout.range {
        Range::Layers(ranges) => Some(ranges.len()),
        Range::Ends(ranges) => Some(ranges.len()),
        Range::Word(_) | Range::Counts(_) => None,
    };
    if let Some(ranges) = ranges.filter(|&ranges| ranges != network.layers.len()) {
        return Err(DesignError::OtherLayers { ranges, layers: network.layers.len() });
    }
    let (step, plane_rows) = mapping::row_steps(arch, planes);
    if plane_rows == 0 {
        return Err(DesignError::StepAcrossPlanes { step, rows: arch.rows / arch.row_planes(planes) });
    }
    if !arch.planes.is_empty() && arch.planes.len() != network.layers.len() {
        return Err(DesignError::OtherPlanes { numbers: arch.planes.len(), layers: network.layers.len() });
    }
    if let Some((layer, &asked)) =
        network.layers.iter().zip(&arch.planes).find(|(layer, asked)| **asked > layer.planes.len())
    {
        return Err(DesignError::TooManyPlanes {
            layer: layer.name.terminal(),
            asked,
            planes: layer.planes.len(),
        });
    }
    let code = network.input.code;
    let value = first.padding.value;
    if !first.padding.is_none() && input::pad_code(code, value).is_none() {
        return Err(DesignError::PadOutsideInput { layer: first.name.terminal(), value, code });
    }
    if network.layers.len() == 1
        && network.input.code != InputCode::Bipolar
        && first.activation == Activation::Scores
    {
        return Err(DesignError::ScoresFromInteger { layer: first.name.terminal(), bits: planes });
    }
    for layer in &network.layers {
        let beyond = |plane: &&Plane| !(1..=Plane::MOST_SCALE).contains(&plane.scale);
        if let Some(plane) = layer.planes.iter().find(beyond) {
            return Err(DesignError::Scale { layer: layer.name.terminal(), scale: plane.scale });
        }
    }
    if last.output.elements() > 65536 {
        return Err(DesignError::TooManyScores {
            layer: last.name.terminal(),
            elements: last.output.elements(),
        });
    }
    Ok(())
}
