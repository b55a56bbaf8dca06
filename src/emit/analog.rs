//! What the top says of the analog arrays: the widths of their wires, and what is told of a layer's reads.

use super::facts::bits;
use super::library::analog::{first_arrays, most, reads, row_enable, unipolar, value_layers};
use crate::design::width::index as index_width;
use crate::design::{Design, LayerReadout};

#[derive(Debug)]
pub(super) struct AnalogView {
    /// Cells are drawn as they are read.
    pub draws: bool,
    pub row_step: usize,
    pub read_width: usize,
    /// Expressions for the layer's vectors: number of the last read, and of the last cycle of a read and of its interval.
    pub last_read: String,
    pub last_word: String,
    pub last_step: String,
    /// The first layer reads at another pace than the others.
    pub two_speeds: bool,
    /// Bits 0 of the input leave their rows undriven.
    pub unipolar: bool,
    /// Rows may be left undriven.
    pub row_enable: bool,
    pub array_width: usize,
    /// A table says where each group's arrays begin.
    pub first_arrays: bool,
    pub cell_address_width: usize,
    /// Columns of an array: those of the lanes and, where there is one, the reference column.
    pub columns: usize,
    pub cells_width: usize,
    /// Bits of the words of cells and offsets with what a reference has in them.
    pub cell_word: usize,
    pub offset_word: usize,
    pub voltage_width: usize,
    pub edges_width: usize,
    pub edge_address_width: usize,
    pub code_width: usize,
    /// Layers differ in what a code stands for.
    pub value_layers: bool,
}

impl AnalogView {
    /// `None` with the popcount readout.
    pub fn new(design: &Design) -> Option<AnalogView> {
        let analog = design.analog.as_ref()?;
        let layers: Vec<&LayerReadout> = design.layers.iter().filter_map(|l| l.readout.as_ref()).collect();
        let pace = |l: &LayerReadout| (l.reads, l.read_words, l.interval);
        // Layer 0 is the only one that may differ.
        let other = layers[layers.len() - 1];
        let choose = |width: usize, f: fn(&LayerReadout) -> usize| match f(layers[0]) == f(other) {
            true => format!("{width}'d{}", f(other) - 1),
            false => format!("weighted ? {width}'d{} : {width}'d{}", f(layers[0]) - 1, f(other) - 1),
        };
        let array_width = index_width(analog.arrays);
        let step_width = index_width(most(design, |l| l.interval));
        let read_width = index_width(reads(design));
        let columns = analog.columns(design.lanes);
        Some(AnalogView {
            draws: analog.draws,
            row_step: analog.row_step,
            read_width,
            last_read: choose(read_width, |l| l.reads),
            last_word: choose(step_width, |l| l.read_words),
            last_step: choose(step_width, |l| l.interval),
            two_speeds: layers.iter().any(|l| pace(l) != pace(layers[0])),
            unipolar: unipolar(design),
            row_enable: row_enable(design),
            array_width,
            first_arrays: first_arrays(design),
            cell_address_width: array_width + bits(analog.words - 1),
            columns,
            cells_width: columns * analog.row_step * 2 * analog.cell_width,
            cell_word: analog.cell_word(design.lanes),
            offset_word: analog.offset_word(design.lanes),
            voltage_width: analog.voltage_width,
            edges_width: analog.converters(design.lanes) * analog.edges_per_cycle * analog.voltage_width,
            edge_address_width: array_width + bits(analog.share - 1) + bits(analog.edge_steps - 1),
            code_width: analog.code_width,
            value_layers: value_layers(design) > 1,
        })
    }
}
