//! Sequencer and walk program: which vector is next, and where it begins.

use super::facts::is_input;
use super::gather::gather;
use super::program::{self, Field, Port, Table};
use super::view::View;
use super::{NamedText, file};
use crate::design::{Design, LayerDesign, Step};
use askama::Template;

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let walk = walk_table(design, view);
    let mut files = vec![sequencer(view, &walk)];
    if !walk.fields.is_empty() {
        files.push(program::module(&walk));
    }
    if view.has_map {
        files.extend(gather(design, view));
    }
    files
}

/// Key of the tables that have one entry a layer.
pub(super) fn layer_key(view: &View) -> Vec<(&'static str, usize)> {
    if view.many_layers { vec![("layer_i", view.layer_width)] } else { Vec::new() }
}

/// Entries of a table with one entry a layer.
pub(super) fn layer_entries(design: &Design) -> Vec<(Vec<usize>, String)> {
    design.layers.iter().enumerate().map(|(index, layer)| (vec![index], comment(layer))).collect()
}

/// The layer in a comment.
pub(super) fn comment(layer: &LayerDesign) -> String {
    format!("layer '{}'", layer.name.comment())
}

#[derive(Template)]
#[template(path = "rtl/sequencer.v", syntax = "verilog", escape = "none")]
struct Sequencer<'a> {
    v: &'a View,
    walk_fields: Vec<Port>,
    selects: Vec<Select>,
    walk_regs: Vec<Register>,
    walk_layer: &'static str,
    counters: Vec<Register>,
}

/// A wire chosen by where a walk stands.
pub(super) struct Select {
    pub name: String,
    pub width: usize,
    pub expression: String,
}

struct Register {
    name: &'static str,
    width: usize,
    next: String,
}

/// What a walk carries along: name, width and the part of a step that moves it.
type Dimension = (&'static str, usize, fn(&LayerDesign, Stride) -> i64);

/// The four steps and the origin of a walk.
#[derive(Clone, Copy)]
enum Stride {
    Origin,
    WindowColumn,
    WindowRow,
    Column,
    Row,
}

fn step(layer: &LayerDesign, stride: Stride) -> Step {
    match stride {
        Stride::Origin => layer.walk.origin,
        Stride::WindowColumn => layer.walk.step_window_column,
        Stride::WindowRow => layer.walk.step_window_row,
        Stride::Column => layer.walk.step_column,
        Stride::Row => layer.walk.step_row,
    }
}

fn pixel_step(layer: &LayerDesign, stride: Stride) -> (i64, i64) {
    match stride {
        Stride::Origin => layer.walk.origin_pixel,
        Stride::WindowColumn => layer.walk.pixel_steps[0],
        Stride::WindowRow => layer.walk.pixel_steps[1],
        Stride::Column => layer.walk.pixel_steps[2],
        Stride::Row => layer.walk.pixel_steps[3],
    }
}

fn dimensions(view: &View) -> Vec<Dimension> {
    let mut all: Vec<Dimension> = Vec::new();
    if view.has_walk {
        all.push(("address", view.walk_width, |layer, stride| step(layer, stride).address));
    }
    if view.walk_bank_width > 0 {
        all.push(("bank", view.walk_bank_width, |layer, stride| step(layer, stride).bank as i64));
    }
    if view.pads_rows {
        all.push(("pad_row", view.coordinate_width, |layer, stride| pixel_step(layer, stride).0));
    }
    if view.pads_columns {
        all.push(("pad_column", view.coordinate_width, |layer, stride| pixel_step(layer, stride).1));
    }
    all
}

/// Steps that some layer takes: prefix of the field and the counter that must not have reached its end.
fn strides(view: &View) -> Vec<(Stride, &'static str, &'static str)> {
    let all = [
        (view.wc_width > 0, Stride::WindowColumn, "step_window_column_", "!window_column_last"),
        (view.wr_width > 0, Stride::WindowRow, "step_window_row_", "!window_row_last"),
        (true, Stride::Column, "step_column_", "!column_last"),
        (view.has_rows, Stride::Row, "step_row_", ""),
    ];
    all.into_iter().filter(|entry| entry.0).map(|(_, stride, prefix, last)| (stride, prefix, last)).collect()
}

fn walk_table(design: &Design, view: &View) -> Table {
    let layers = &design.layers;
    let mut fields = Vec::new();
    let mut add = |exists: bool, name, width, comment, value: &dyn Fn(&LayerDesign) -> i64| {
        if exists {
            fields.push(Field::new(name, width, comment, layers.iter().map(value)));
        }
    };
    let v = view;
    add(v.group_width > 0, "group_max", v.group_width, "groups - 1", &|l| l.groups as i64 - 1);
    add(v.block_width > 0, "block_max", v.block_width, "blocks - 1", &|l| l.blocks as i64 - 1);
    add(v.pass_width > 0 && !v.skips, "pass_max", v.pass_width, "passes - 1", &|l| l.passes as i64 - 1);
    add(v.plane_width > 0 && !v.skips, "plane_max", v.plane_width, "planes of the weights - 1", &|l| {
        l.planes.len() as i64 - 1
    });
    add(v.pixel_width > 0, "pixel_max", v.pixel_width, "pixels of a block - 1", &|l| l.block as i64 - 1);
    add(v.uneven_blocks, "pixel_max_last", v.pixel_width, "the same of the last block", &|l| {
        l.last_block as i64 - 1
    });
    add(v.sums_pixels, "sum_pixels", 1, "one result for all pixels", &|l| i64::from(l.sum_pixels));
    if v.has_walk {
        add(v.wc_width > 0, "window_column_max", v.wc_width, "pooling window", &|l| {
            l.walk.window.1 as i64 - 1
        });
        add(v.wr_width > 0, "window_row_max", v.wr_width, "", &|l| l.walk.window.0 as i64 - 1);
        add(v.column_width > 0, "column_max", v.column_width, "columns of the pooled map - 1", &|l| {
            l.walk.pooled.1 as i64 - 1
        });
        if v.carry_expr == "carry" {
            let window_columns = v.input_columns as i64;
            add(v.modulus_expr.contains("modulus"), "modulus", v.walk_bank_width + 1, "banks", &|l| {
                if is_input(l) { v.kernel_rows as i64 } else { v.banks as i64 }
            });
            add(true, "carry", v.walk_width, "words that a turn of the banks is worth", &|l| {
                if is_input(l) { window_columns } else { 1 }
            });
        }
    }
    for (name, width, part) in dimensions(view) {
        let field = |prefix: &str| -> &'static str { field_name(prefix, name) };
        add(true, field("origin_"), width, "", &|l| part(l, Stride::Origin));
        if view.moves {
            for (stride, prefix, _) in strides(view) {
                add(true, field(prefix), width, "", &|l| part(l, stride));
            }
        }
    }
    Table {
        module: "walk_program",
        description: "Walk program: the sequencer's constants of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(design),
        fields,
    }
}

/// Names of the walk's fields.
fn field_name(prefix: &str, dimension: &str) -> &'static str {
    const NAMES: [&str; 20] = [
        "origin_address",
        "origin_bank",
        "origin_pad_row",
        "origin_pad_column",
        "step_window_column_address",
        "step_window_column_bank",
        "step_window_column_pad_row",
        "step_window_column_pad_column",
        "step_window_row_address",
        "step_window_row_bank",
        "step_window_row_pad_row",
        "step_window_row_pad_column",
        "step_column_address",
        "step_column_bank",
        "step_column_pad_row",
        "step_column_pad_column",
        "step_row_address",
        "step_row_bank",
        "step_row_pad_row",
        "step_row_pad_column",
    ];
    let name = format!("{prefix}{dimension}");
    NAMES.into_iter().find(|known| *known == name).expect("every step has a name for every dimension")
}

fn sequencer(view: &View, walk: &Table) -> NamedText {
    let selects = dimensions(view)
        .into_iter()
        .map(|(name, width, _)| {
            let strides = strides(view);
            let last = strides.len() - 1;
            let expression = strides
                .iter()
                .enumerate()
                .map(|(index, (_, prefix, more))| match index == last {
                    true => format!("{prefix}{name}"),
                    false => format!("{more} ? {prefix}{name} :\n      "),
                })
                .collect();
            Select { name: format!("step_{name}"), width, expression }
        })
        .collect();
    let walk_regs = dimensions(view)
        .into_iter()
        .map(|(name, width, _)| Register {
            name,
            width,
            next: match name {
                "address" | "bank" => format!("{name}_next"),
                _ => format!("{name}_q + step_{name}"),
            },
        })
        .collect();
    let count = |name: &str, width: usize| format!("{name}_last ? {width}'d0 : {name}_q + {width}'d1");
    let mut counters = Vec::new();
    if view.wc_width > 0 {
        let next = count("window_column", view.wc_width);
        counters.push(Register { name: "window_column", width: view.wc_width, next });
    }
    if view.wr_width > 0 {
        let next = format!("!window_column_last ? window_row_q : {}", count("window_row", view.wr_width));
        counters.push(Register { name: "window_row", width: view.wr_width, next });
    }
    if view.column_width > 0 {
        let next = match view.pools {
            true => format!("!window_last ? column_q : {}", count("column", view.column_width)),
            false => count("column", view.column_width),
        };
        counters.push(Register { name: "column", width: view.column_width, next });
    }
    let walk_fields = program::ports(&walk.fields);
    file(
        "sequencer",
        &Sequencer { v: view, walk_fields, selects, walk_regs, walk_layer: "walk_layer_q", counters },
    )
}
