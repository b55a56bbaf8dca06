//! The way of results back into the activation memory.

use super::facts::bits;
use super::library::{Head, core};
use super::program::{self, Field, Port, Table};
use super::view::View;
use super::walk::{Select, comment};
use super::{NamedText, file};
use crate::design::{Design, LayerDesign, Source, Step, WriteWalk};
use askama::Template;

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if view.gives_bits { write_back(design, view) } else { Vec::new() }
}

// --------------------------------------------------------------------------------------------- write-back

#[derive(Template)]
#[template(path = "rtl/write_back.v", syntax = "verilog", escape = "none")]
struct WriteBack<'a> {
    v: &'a View,
    w: WriteView,
    write_fields: Vec<Port>,
    selects: Vec<Select>,
    chunk_indices: Vec<usize>,
}

/// What only the write-back asks.
#[derive(Default)]
struct WriteView {
    /// Rotations of the words of a group to consecutive banks, where they turn.
    rotate_write: Head,
    rotate_data: Head,
    write_layer: bool,
    part_logic: bool,
    part_index_width: usize,
    limits_chunks: bool,
    chunks_width: usize,
    moves_writes: bool,
    from_bank: &'static str,
    from_address: &'static str,
    wrap_extended: String,
    word_write: String,
    word_data: String,
    wrapped_bank: String,
    single_group_word: String,
    part_write_expr: String,
}

/// Whether the write-back has constants that differ between layers.
pub(super) fn write_layer(design: &Design) -> bool {
    design.layers.iter().filter(|layer| layer.write.is_some()).count() > 1
}

/// Whether some group would write beyond the last word of a pixel what another pixel or map keeps there. The words
/// behind the only pixel of a map that ends with them are never read.
fn limits_chunks(design: &Design, view: &View) -> bool {
    let words = view.chunks_at_once;
    design.layers.windows(2).any(|pair| {
        let (Some(write), Source::Map { size, .. }) = (&pair[0].write, &pair[1].source) else { return false };
        let (rows, columns) = pair[0].walk.pooled;
        let one_pixel = pair[0].sum_pixels || rows * columns == 1;
        let spare = write.chunks.next_multiple_of(words) <= size * view.banks;
        write.chunks % words != 0 && !(one_pixel && spare)
    })
}

fn write_back(design: &Design, view: &View) -> Vec<NamedText> {
    if !view.has_map {
        let w = WriteView::default();
        let module = WriteBack { v: view, w, write_fields: vec![], selects: vec![], chunk_indices: vec![] };
        return vec![file("write_back", &module)];
    }
    let part_logic = view.parts > 1 && view.writes_groups;
    let limits = limits_chunks(design, view);
    let table = write_table(design, view, limits);
    let chunks_at_once = view.chunks_at_once;
    let idle_words = view.banks - chunks_at_once;
    let words = if limits { "write_words_q" } else { "{WORDS{1'b1}}" };
    let words = words.replace("WORDS", &chunks_at_once.to_string());
    let valid = format!("{words} & {{{chunks_at_once}{{to_map}}}}");
    let idle_bits = view.rows - view.lanes;
    let extend = |name: &str, from: usize, to: usize| match to - from {
        0 => name.to_string(),
        more => format!("{{{more}'d0, {name}}}"),
    };
    let w = WriteView {
        rotate_write: core::rotate(view.banks, 1, core::Turn::Up),
        rotate_data: core::rotate(view.banks, view.word, core::Turn::Up),
        write_layer: write_layer(design),
        part_logic,
        part_index_width: bits(view.parts - 1),
        limits_chunks: limits,
        chunks_width: chunks_width(design, view),
        moves_writes: view.writes_columns || view.writes_groups,
        from_bank: if view.writes_groups { "from_bank" } else { "bank_q" },
        from_address: if view.writes_groups { "from_address" } else { "address_q" },
        wrap_extended: extend("bank_wraps", 1, view.map_width),
        word_write: match idle_words {
            0 => valid,
            idle => format!("{{{idle}'d0, {valid}}}"),
        },
        word_data: match idle_bits {
            0 => "bit_q".into(),
            idle => format!("{{{idle}'d0, bit_q}}"),
        },
        wrapped_bank: extend("wrapped[bank]", 1, view.map_width),
        single_group_word: match view.word - view.lanes.min(view.word) {
            0 => "bit_q".into(),
            idle => format!("{{{idle}'d0, bit_q}}"),
        },
        part_write_expr: match (view.write_rotates, part_logic) {
            (true, true) => format!("part_write & {{{}{{bank_write[bank]}}}}", view.parts),
            (false, true) => format!("part_write & {{{}{{bank_write}}}}", view.parts),
            (true, false) => format!("{{{}{{bank_write[bank]}}}}", view.parts),
            (false, false) => format!("{{{}{{bank_write}}}}", view.parts),
        },
    };
    let module = WriteBack {
        v: view,
        selects: write_selects(view, part_logic),
        w,
        write_fields: program::ports(&table.fields),
        chunk_indices: (0..chunks_at_once).collect(),
    };
    vec![file("write_back", &module), program::module(&table)]
}

fn chunks_width(design: &Design, view: &View) -> usize {
    let most = design.layers.iter().filter_map(|layer| layer.write.as_ref()).map(|write| write.chunks).max();
    bits(most.unwrap_or(0).max(view.chunks_at_once))
}

/// Step of address and bank: to the next group's first pixel, the next row or the next column.
fn write_selects(view: &View, part_logic: bool) -> Vec<Select> {
    if !(view.writes_columns || view.writes_groups) {
        return Vec::new();
    }
    let mut selects = Vec::new();
    let mut add = |dimension: &str, width: usize| {
        if view.writes_groups {
            selects.push(Select {
                name: format!("from_{dimension}"),
                width,
                expression: format!("group_last_i ? first_{dimension}_q : {dimension}_q"),
            });
        }
        let pixel = match (view.writes_columns, view.writes_rows) {
            (false, _) => String::new(),
            (true, false) => format!("step_column_{dimension}"),
            (true, true) => {
                format!("row_last_i ? step_row_{dimension} :\n      step_column_{dimension}")
            }
        };
        let chunk = match part_logic {
            true => format!("(word_done ? step_chunk_{dimension} : {width}'d0)"),
            false => format!("step_chunk_{dimension}"),
        };
        let expression = match (view.writes_groups, view.writes_columns) {
            (true, true) => format!("group_last_i ? {chunk} :\n      {pixel}"),
            (true, false) => chunk,
            (false, _) => pixel,
        };
        selects.push(Select { name: format!("step_{dimension}"), width, expression });
    };
    add("address", view.map_width);
    if view.write_rotates {
        add("bank", view.bank_width);
    }
    selects
}

/// The step from pixel to pixel; where a map has one column it is the step from row to row.
fn pixel_step(layer: &LayerDesign, write: &WriteWalk) -> Step {
    if layer.walk.pooled.1 == 1 { write.step_row } else { write.step_column }
}

fn write_table(design: &Design, view: &View, limits: bool) -> Table {
    let written: Vec<(usize, &LayerDesign, &WriteWalk)> = design
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
    add(limits, "chunks", chunks_width(design, view), |_, w| w.chunks as i64);
    Table {
        module: "write_program",
        description: "Write program: where each layer's results go.".into(),
        inputs: if written.len() > 1 { vec![("layer_i", view.layer_width)] } else { vec![] },
        entries: written.iter().map(|(index, layer, _)| (vec![*index], comment(layer))).collect(),
        fields,
    }
}
