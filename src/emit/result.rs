//! The way of results back into the activation memory.

use super::NamedText;
use super::facts::bits;
use super::program::{self, Field, Port, Table};
use super::view::View;
use super::walk::comment;
use crate::design::{Design, LayerDesign, Step, WriteWalk};

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    match has_table(view) {
        true => vec![program::module(design, &write_table(design, view, design))],
        false => Vec::new(),
    }
}

/// Whether results go to a map, by a table.
pub(super) fn has_table(view: &View) -> bool {
    view.gives_bits && view.has_map
}

/// The constants of the layer whose results leave, as the table has them.
pub(super) fn constants(design: &Design, view: &View) -> Vec<Port> {
    program::ports(&write_table(design, view, design).fields)
}

/// Bits of the number of words of a pixel, where the write-back must know it, else 0.
pub(super) fn counted_chunks(design: &Design, view: &View) -> usize {
    if limits_chunks(design, view) { chunks_width(design, view) } else { 0 }
}

/// Whether the write-back has constants that differ between layers.
pub(super) fn write_layer(design: &Design) -> bool {
    design.layers.iter().filter(|layer| layer.write.is_some()).count() > 1
}

/// Whether some group would write beyond the last word of a pixel what another pixel or map keeps there. The words
/// behind the only pixel of a map that ends with them are never read.
fn limits_chunks(design: &Design, view: &View) -> bool {
    let words = view.chunks_at_once;
    view.loadable
        || design.layers.iter().any(|layer| {
            let Some(write) = &layer.write else { return false };
            let (rows, columns) = layer.walk.pooled;
            let one_pixel = layer.sum_pixels || rows * columns == 1;
            let spare = write.chunks.next_multiple_of(words) <= write.size * view.banks;
            write.chunks % words != 0 && !(one_pixel && spare)
        })
}

fn chunks_width(design: &Design, view: &View) -> usize {
    let most = design.layers.iter().filter_map(|layer| layer.write.as_ref()).map(|write| write.chunks).max();
    bits(most.unwrap_or(0).max(view.chunks_at_once))
}

/// The step from pixel to pixel; where a map has one column it is the step from row to row.
fn pixel_step(layer: &LayerDesign, write: &WriteWalk) -> Step {
    if layer.walk.pooled.1 == 1 { write.step_row } else { write.step_column }
}

pub(super) fn write_table(design: &Design, view: &View, of: &Design) -> Table {
    let written: Vec<(usize, &LayerDesign, &WriteWalk)> = of
        .layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| layer.write.as_ref().map(|write| (index, layer, write)))
        .collect();
    let mut fields = Vec::new();
    let mut add = |exists: bool, name, width, value: fn(&LayerDesign, &WriteWalk) -> i64| {
        if exists {
            fields.push(Field::new(
                name,
                width,
                "",
                written.iter().map(|(_, layer, write)| value(layer, write)),
            ));
        }
    };
    let (address, bank) = (view.map_width, view.bank_width);
    let turns = view.write_rotates;
    add(true, "origin_address", address, |_, w| w.origin.address);
    add(view.writes_columns, "step_column_address", address, |l, w| pixel_step(l, w).address);
    add(view.writes_rows, "step_row_address", address, |_, w| w.step_row.address);
    add(view.writes_groups, "step_chunk_address", address, |_, w| w.step_chunk.address);
    add(view.writes_columns && turns, "step_column_bank", bank, |l, w| pixel_step(l, w).bank as i64);
    add(view.writes_rows && turns, "step_row_bank", bank, |_, w| w.step_row.bank as i64);
    add(view.writes_groups && turns, "step_chunk_bank", bank, |_, w| w.step_chunk.bank as i64);
    add(limits_chunks(design, view), "chunks", chunks_width(design, view), |_, w| w.chunks as i64);
    Table {
        module: "write_program",
        description: "Write program: where each layer's results go.".into(),
        inputs: if write_layer(design) { vec![("layer_i", view.layer_width)] } else { vec![] },
        entries: written.iter().map(|(index, layer, _)| (vec![*index], comment(layer))).collect(),
        fields,
    }
}
