//! What was understood of a network, and how it runs on a machine.

use super::load::Model;
use super::pixels;
use crate::arch::device::Device;
use crate::cost::{self, Candidate, Choice};
use crate::design::Design;
use crate::network::{Layer, Plane, constant_channels, keeper};

/// Whether the machine fits on the device; it does where none is named.
pub fn fits(choice: &Choice, device: Option<&Device>) -> bool {
    match (choice.area, device) {
        (Some(area), Some(device)) => {
            area.luts <= device.luts && area.ffs <= device.ffs && area.brams <= device.brams
        }
        _ => true,
    }
}

/// What was understood of a network, and how it runs on a machine: the object that `bincim check --json` prints.
pub fn json(
    model: &Model,
    choice: &Choice,
    device: Option<&Device>,
    (fits, alternatives): (bool, &[Candidate]),
) -> serde_json::Value {
    let (network, design) = (&model.network, &choice.design);
    let speed = cost::speed(design, design.arch.clock_mhz());
    let layers: Vec<serde_json::Value> = network
        .layers
        .iter()
        .zip(&design.layers)
        .enumerate()
        .map(|(index, (layer, program))| {
            serde_json::json!({
                "name": layer.name, "op": layer.op, "reads": layer.reads, "input": layer.input, "conv": layer.conv,
                "output": layer.output, "kernel": layer.kernel, "stride": layer.stride,
                "macs": layer.macs(), "weight_bits": layer.weight_bits(),
                "constant_channels": constant_channels(network, index),
                "adds_sums_of": keeper(&network.layers, index).map(|kept| &network.layers[kept].name),
                "state_bits": layer.requant.as_ref().map(|requant| requant.bits),
                "planes": layer.planes.iter().map(|plane| plane.scale).collect::<Vec<i32>>(),
                "planes_run": program.planes.len(),
                "levels": layer.steps() + 1,
                "map_scales": program.map_scales,
                "slices": slices(&design.network.layers[index]),
                "flip_bits": layer.flips.as_ref().map(|flips| flips.bits),
                "passes": program.passes, "groups": program.groups, "block": program.block,
                "cycles": program.cycles, "bound": program.bound,
            })
        })
        .collect();
    serde_json::json!({
        "network": network.name,
        "input": { "shape": network.input.shape, "code": network.input.code, "pixel_rule": network.input.pixel_rule },
        "pixels": pixels::json(&network.input, &model.pixels),
        "warnings": model.warnings(),
        "decision": network.output.decision,
        "layers": layers,
        "macs": network.macs(), "weight_bits": network.weight_bits(),
        "arch": design.arch,
        "cycles": design.cycles,
        "bound": design.layers.iter().map(|layer| layer.bound).sum::<u64>(),
        "plane_cycles": plane_cycles(design),
        "ensemble": design.ensemble.as_ref().map(|ensemble| serde_json::json!({
            "first_layer": ensemble.first, "samples": ensemble.samples, "bits": ensemble.bits,
            "cycles": ensemble.cycles.iter().map(|frame| frame.layers.iter().sum::<u64>()).collect::<Vec<_>>(),
        })),
        "interval": speed.interval,
        "frames_per_second": speed.frames_per_second,
        "noise": design.analog.as_ref().and_then(|analog| analog.noise.as_ref()).map(|noise| serde_json::json!({
            "sigma": design.arch.readout.noise_given(), "gain": noise.gain,
            "steps_per_cycle": noise.steps_per_cycle,
        })),
        "memories": cost::memories(design),
        "device": device.map(|device| device.name.clone()),
        "area": choice.area,
        "fits": fits,
        "reasons": choice.reasons,
        "alternatives": alternatives,
    })
}

/// Cycles of a frame with at most 1, 2, ... planes of weights.
pub fn plane_cycles(design: &Design) -> Vec<u64> {
    design.plane_cycles.iter().map(|frame| frame.layers.iter().sum()).collect()
}

/// What the cells of a layer hold; nothing where that is one bit.
pub fn slices(layer: &Layer) -> Option<String> {
    let slice = |plane: &Plane| {
        plane.levels.as_ref().map(|levels| format!("-{0} to {0} of scale {1}", levels.most, plane.scale))
    };
    let slices: Option<Vec<String>> = layer.planes.iter().map(slice).collect();
    slices.map(|slices| slices.join(", "))
}
