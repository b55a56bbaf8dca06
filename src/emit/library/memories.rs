//! What a design sets in its memories: `bincim_rom`, and the activation memory.

use super::Head;
use crate::design::{Analog, Design, Ensemble};

/// What synthesis makes of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Style {
    Block,
    Registers,
}

impl Style {
    fn set(self, head: Head) -> Head {
        match self {
            Style::Block => head.with_text("Style", "block"),
            Style::Registers => head.with_text("Style", "registers"),
        }
    }
}

/// `bincim_rom` with the words of the file `image`.
fn rom(width: usize, depth: usize, style: Style, image: &str) -> Head {
    style.set(Head::new("bincim_rom").with("Width", width).with("Depth", depth)).with_text("InitFile", image)
}

/// `bincim_map_memory`: the activation memory of a design with more than one layer.
pub(in super::super) fn map(design: &Design) -> Head {
    let head = Head::new("bincim_map_memory")
        .with("Banks", design.banks)
        .with("Word", design.word)
        .with("Bits", design.map_bits())
        .with("Depth", design.map_depth)
        .with("Parts", (design.word / design.lanes).max(1))
        .with("WritePorts", if design.lanes > design.word { design.banks } else { 1 });
    // Gowin's small memories shut eight LUTs for 64 bits, so Yosys is told to take block RAM, as the area estimate does.
    match design.arch.family.as_str() {
        "gowin" => Style::Block.set(head),
        _ => head,
    }
}

/// The weights, in the order of use: words of `weight_rows` rows x `lanes` columns.
pub(in super::super) fn weights(design: &Design) -> Head {
    let style = if design.weights_in_registers() { Style::Registers } else { Style::Block };
    if design.loadable() {
        let memory = Head::new("bincim_ram_1r1w").with("Width", design.weight_rows * design.lanes);
        return style.set(memory.with("Depth", design.weights.rows()));
    }
    rom(design.weight_rows * design.lanes, design.weights.rows(), style, &design.image("weights"))
}

/// The flip codes of the weights that are drawn, word for word beside them.
pub(in super::super) fn flips(design: &Design, ensemble: &Ensemble) -> Head {
    let style = if design.weights_in_registers() { Style::Registers } else { Style::Block };
    let (width, depth) = (ensemble.codes.columns(), ensemble.codes.rows());
    rom(width, depth, style, &design.image("flips"))
}

/// What the arrays of a drawn chip hold.
pub(in super::super) struct ChipMemories {
    /// Cells: a word is `row_step` rows of all columns, minus above plus.
    pub cells: Head,
    /// Offsets of the columns, an entry an array.
    pub offsets: Head,
    /// Edges of the converters: `edges_per_cycle` of each, turn by turn.
    pub edges: Head,
}

/// The cells of a chip that are drawn as they are read: a word is `row_step` rows of all columns.
pub(in super::super) fn drawn_cells(design: &Design, analog: &Analog) -> Head {
    // A lone array has an index of one bit all the same.
    let depth = analog.arrays.max(2) * analog.words.next_power_of_two();
    rom(analog.cell_word(design.lanes), depth, Style::Block, &design.image("cell"))
}

/// The memories of a chip with converters.
pub(in super::super) fn chip(design: &Design, analog: &Analog) -> ChipMemories {
    // A lone array has an index of one bit all the same, and its memories an empty second half.
    let arrays = analog.arrays.max(2);
    let memory = |width, depth, image: &str| rom(width, depth, Style::Block, image);
    let converters = analog.converters(design.lanes);
    ChipMemories {
        cells: memory(
            analog.cell_word(design.lanes),
            arrays * analog.words.next_power_of_two(),
            &design.image("cell"),
        ),
        offsets: memory(analog.offset_word(design.lanes), arrays, &design.image("offset")),
        edges: memory(
            converters * analog.edges_per_cycle * analog.voltage_width,
            arrays * analog.share.next_power_of_two() * analog.edge_steps.next_power_of_two(),
            &design.image("edge"),
        ),
    }
}
