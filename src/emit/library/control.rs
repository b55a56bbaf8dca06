//! What a design sets in its control: the registers, and the pipe of a vector.

use super::super::facts::bits;
use super::Head;
use crate::design::Design;

/// `bincim_registers`.
pub(in super::super) fn registers(design: &Design) -> Head {
    let head = Head::new("bincim_registers")
        .with("Layers", design.layers.len())
        .with("Planes", design.planes_of_weights())
        .with("Noise", design.has_noise().into())
        .with("Samples", design.ensemble.as_ref().map_or(0, |ensemble| ensemble.samples))
        .with("CycleWidth", cycle_width(design));
    head.with("TotalWidth", bits(design.cycles as usize))
}

/// Bits of the cycles of one run of a layer.
pub(in super::super) fn cycle_width(design: &Design) -> usize {
    let runs = &design.plane_cycles[design.plane_cycles.len() - 1].layers;
    bits(runs.iter().copied().max().unwrap_or(1) as usize)
}

/// The pipe of a vector: `bincim_vector_pipe`, behind analog arrays `bincim_analog_pipe`; `plane_width` bits of the number
/// of a plane of weights travel along.
pub(in super::super) fn vector_pipe(design: &Design, plane_width: usize) -> Head {
    match design.analog {
        Some(_) => Head::new("bincim_analog_pipe"),
        None => Head::new("bincim_vector_pipe").with("Latency", design.latency),
    }
    .with("State", design.state_stages())
    .with("Plane", plane_width)
}
