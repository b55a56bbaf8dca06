//! What a design sets in its control: the registers, and the pipe of a vector.

use super::super::facts::bits;
use super::super::load::Memory;
use super::Head;
use crate::design::Design;

/// `bincim_registers`.
pub(in super::super) fn registers(design: &Design) -> Head {
    let head = Head::new("bincim_registers")
        .with("Layers", design.layer_count())
        .with("Planes", design.planes_of_weights())
        .with("Noise", design.has_noise().into())
        .with("Samples", design.ensemble.as_ref().map_or(0, |ensemble| ensemble.samples));
    let head = if design.loadable() { head.with("Loadable", 1) } else { head };
    head.with("CycleWidth", cycle_width(design)).with("TotalWidth", bits(design.cycles as usize))
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

/// `bincim_loader`, which writes `memories`, of the machine of that number.
pub(in super::super) fn loader(memories: &[Memory], number: u32) -> Head {
    let most = |of: fn(&Memory) -> usize| memories.iter().map(of).max().unwrap_or(1);
    let list = |width: usize, of: fn(&Memory) -> usize| {
        let each: Vec<String> =
            memories.iter().rev().map(|memory| format!("{width}'d{}", of(memory) - 1)).collect();
        format!("{{{}}}", each.join(", "))
    };
    Head::new("bincim_loader")
        .with("Memories", memories.len())
        .with("Width", most(|memory| memory.width))
        .with("Address", most(Memory::address))
        .with_value("LastBeats", list(16, Memory::beats))
        .with_value("LastAddresses", list(24, |memory| memory.depth))
        .with_value("Machine", format!("32'h{number:08X}"))
}
