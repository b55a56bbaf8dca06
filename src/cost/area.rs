//! Memories of a design, exactly, and its logic, estimated.

use crate::arch::{Storage, device::Device, device::DeviceFamily};
use crate::design::{Analog, Design, InputKind};

/// One memory as the Verilog declares it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Memory {
    pub name: &'static str,
    pub copies: usize,
    pub width: usize,
    pub depth: usize,
}

impl Memory {
    pub fn bits(&self) -> usize {
        self.copies * self.width * self.depth
    }
}

/// Every memory of `design` that may become block RAM, in the order of the data path.
pub fn memories(design: &Design) -> Vec<Memory> {
    let frames = design.input.frames;
    let input = match &design.input.kind {
        InputKind::Window { kernel, depth, word_bits, .. } => {
            Memory { name: "input", copies: kernel.0, width: *word_bits, depth: depth * frames }
        }
        InputKind::Vector { words, .. } => {
            let width = design.planes * design.plane_rows;
            Memory { name: "input", copies: 1, width, depth: words * frames }
        }
    };
    let arrays = design.analog.iter().flat_map(|analog| {
        let (lanes, arrays) = (design.lanes, analog.arrays);
        let converts = usize::from(!analog.draws);
        let edge = analog.converters(lanes) * analog.edges_per_cycle * analog.voltage_width;
        let edge_words = analog.share.next_power_of_two() * analog.edge_steps.next_power_of_two();
        [
            ("cells", analog.cell_word(lanes), arrays * analog.words.next_power_of_two()),
            ("offsets", analog.offset_word(lanes) * converts, arrays),
            ("edges", edge * converts, arrays * edge_words),
        ]
        .map(|(name, width, depth)| Memory { name, copies: 1, width, depth })
    });
    let parts = (design.word / design.lanes).max(1);
    let flips = design.layers.iter().any(|layer| !layer.scores) as usize;
    [
        input,
        Memory {
            name: "maps",
            copies: design.banks * parts,
            width: design.word / parts * design.map_bits(),
            depth: design.map_depth,
        },
        Memory { name: "weights", copies: 1, width: design.weights.columns(), depth: design.weights.rows() },
        Memory {
            name: "flips",
            copies: 1,
            width: design.ensemble.as_ref().map_or(0, |ensemble| ensemble.codes.columns()),
            depth: design.ensemble.as_ref().map_or(0, |ensemble| ensemble.codes.rows()),
        },
        Memory {
            name: "sums of scores",
            copies: 1,
            width: design.ensemble.as_ref().map_or(0, |ensemble| design.lanes * ensemble.score_width),
            depth: design.output.groups * design.output.pixels,
        },
        Memory {
            name: "thresholds",
            copies: 1,
            width: design.lanes * (design.steps() * design.widths.threshold + flips),
            depth: design.thresholds.len(),
        },
        Memory {
            name: "accumulators",
            copies: 1,
            width: design.lanes * design.widths.accumulator,
            depth: design.accumulator_depth,
        },
        Memory {
            name: "state",
            copies: 1,
            width: design.lanes * design.state.as_ref().map_or(0, |state| state.bits),
            depth: design.kept_entries(),
        },
        Memory {
            name: "scales",
            copies: 1,
            width: design.scales().map_or(0, |table| design.lanes * (table.multiplier + table.offset)),
            depth: design.scales().map_or(0, |table| table.entries.len()),
        },
        Memory {
            name: "scores",
            copies: 1,
            width: design.lanes * design.output.stream_bits,
            depth: 2 * design.output.groups * design.output.pixels,
        },
    ]
    .into_iter()
    .chain(arrays)
    .filter(|memory| memory.bits() > 0)
    .collect()
}

/// An estimate of what a design takes on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Area {
    pub luts: u64,
    pub ffs: u64,
    pub brams: u64,
}

/// Memories of fewer bits, or of fewer words, become logic in the tools.
const SMALL_MEMORY: usize = 1024;
const SHALLOW_MEMORY: usize = 32;

/// Logic of a tree for one row, in thousandths of a LUT: the measured trees of `benches/popcount`.
fn tree_luts(family: DeviceFamily) -> u64 {
    match family {
        DeviceFamily::Ice40 | DeviceFamily::Gowin => 2300,
        DeviceFamily::Ecp5 => 1680,
        DeviceFamily::Xilinx => 1330,
    }
}

/// Logic and flip-flops of the columns with all that reads them.
fn columns(design: &Design, device: &Device) -> (u64, u64) {
    let cells = (design.rows * design.lanes) as u64;
    let Some(analog) = &design.analog else {
        let luts = cells * tree_luts(device.family) / 1000;
        // A flip-flop of these families sits behind its own LUT and shuts it for others, so shadow and active cells
        // take logic cells of their own (iCE40 logic cell; `slice_valid` of nextpnr's Gowin architecture).
        let behind_lut = matches!(device.family, DeviceFamily::Ice40 | DeviceFamily::Gowin);
        let own = if behind_lut { 2 * cells } else { 0 };
        return (luts + own, 2 * cells);
    };
    if analog.draws {
        // Products of a word, which are counted; its sum, a total and a count. What draws the cells comes beside.
        let column = 2 * analog.row_step + 2 * analog.value_width;
        let registers = analog.row_step + 3 * analog.value_width;
        return ((design.lanes * column) as u64, (design.lanes * registers) as u64);
    }
    // An emulated row of a column: the choice between two values, and an adder. An edge: a comparison and a count.
    let row = analog.cell_width + analog.voltage_width;
    let edge = analog.voltage_width + analog.code_width;
    let column = analog.row_step * row + analog.edges_per_cycle * edge + 4 * analog.value_width;
    let column = column + noise_luts(analog);
    let noise = if analog.noise.is_some() { 50 } else { 0 };
    let registers = 2 * analog.voltage_width + analog.code_width + analog.value_width + noise;
    let columns = analog.columns(design.lanes);
    ((columns * column) as u64, (columns * registers) as u64)
}

/// A lane's generator of noise, as synthesis shows it: the cells, once for each step of a cycle (sums of more and more of
/// them), the count, the product with the gain and the addition to the voltage.
fn noise_luts(analog: &Analog) -> usize {
    analog.noise.as_ref().map_or(0, |noise| 32 * noise.steps_per_cycle + 40 + analog.voltage_width)
}

/// Logic and flip-flops of what draws weights: a LUT a bit of each cell of a word, one a noise bit, the generator, and the
/// sums of scores.
fn sampler(design: &Design) -> (u64, u64) {
    let Some(ensemble) = &design.ensemble else { return (0, 0) };
    let cells = ensemble.rows * design.lanes;
    let noise = (ensemble.rows + design.lanes) * ensemble.bits;
    let sums = design.lanes * ensemble.score_width;
    let generator = 64 * if design.layers.iter().any(|layer| layer.blocks > 1) { 3 } else { 2 };
    let luts = cells * ensemble.bits + noise + 3 * generator + 2 * sums;
    (luts as u64, (cells + generator + design.lanes * design.widths.score) as u64)
}

/// Estimates the area of `design` on `device`.
pub fn area(design: &Design, device: &Device) -> Area {
    let (column_luts, column_ffs) = columns(design, device);
    let rows = design.rows as u64;
    let lanes = design.lanes as u64;
    let rotation = if design.banks > 1 { 2 * rows * u64::from(design.banks.ilog2() + 1) } else { rows };
    // Each further threshold is a comparison, and each further plane of bits a choice a row.
    let steps = (design.steps() - 1) * (design.widths.threshold + 2);
    let lane = (5 * design.widths.accumulator + 10 + steps) as u64;
    let choice = rows * (design.map_bits() as u64 - 1);
    let in_logic = |memory: &Memory| {
        memory.bits() < SMALL_MEMORY
            || memory.depth <= SHALLOW_MEMORY
            || design.arch.storage == Storage::Registers && ["weights", "flips"].contains(&memory.name)
    };
    let (small, large): (Vec<Memory>, Vec<Memory>) = memories(design).into_iter().partition(in_logic);
    let rom_luts: u64 = small.iter().map(|memory| memory.bits().div_ceil(16) as u64).sum();
    // The window memory, its walk and the weighing of the planes, as placed designs show them.
    let planes = if design.planes > 1 { 1000 + 40 * lanes } else { 0 };
    // Sums behind the accumulators: two registers, a comparison and a choice; a product of so many bits.
    let bypass = if design.state.is_some() { 2 * lanes * design.widths.total as u64 } else { 0 };
    let product = design.scales().map_or(0, |table| table.multiplier * design.widths.accumulator);
    let products = lanes * product as u64;
    // Bit planes that drive the same rows in turn wait in a shift register.
    let vector = design.vector_bits() as u64;
    let shift = if design.serial_input() { vector } else { 0 };
    let drawn = sampler(design);
    let luts = column_luts
        + rotation
        + choice
        + lanes * lane
        + rom_luts
        + planes
        + shift
        + bypass
        + products
        + drawn.0
        + 900;
    let copies = design.lanes.checked_div(design.segment).map_or(0, |segments| {
        segments as u64 * rows * if design.row_enable { 2 } else { 1 } + (lanes * design.weight_rows as u64)
    });
    let ffs = column_ffs
        + copies
        + rows
        + vector
        + lanes * (3 * design.widths.accumulator + 8) as u64
        + bypass
        + drawn.1
        + 500;
    let brams = large
        .iter()
        .map(|memory| memory.copies as u64 * device.brams_for(memory.depth as u64, memory.width as u64))
        .sum();
    Area { luts, ffs, brams }
}
