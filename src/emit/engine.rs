//! The array, and the weights that fill it.

use super::facts::bits;
use super::program::{self, Field, Port, Table};
use super::view::View;
use super::walk::{layer_entries, layer_key};
use super::{NamedText, file};
use crate::design::Design;
use askama::Template;

/// The files of this family; none where analog arrays hold the weights.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    if design.analog.is_some() {
        return Vec::new();
    }
    let idle = idle_cells(design);
    let mut files = vec![
        file("cim_array", &CimArray { v: view }),
        file("column", &Column { v: view, inverted: idle.contains('0'), idle: idle_literal(&idle) }),
    ];
    if view.segment > 0 {
        files.push(file("array_segment", &ArraySegment { v: view }));
    }
    files.extend(weight_loader(design, view));
    files
}

#[derive(Template)]
#[template(path = "rtl/cim_array.v", syntax = "verilog", escape = "none")]
struct CimArray<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "rtl/array_segment.v", syntax = "verilog", escape = "none")]
struct ArraySegment<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "rtl/column.v", syntax = "verilog", escape = "none")]
struct Column<'a> {
    v: &'a View,
    inverted: bool,
    idle: String,
}

#[derive(Template)]
#[template(path = "rtl/weight_loader.v", syntax = "verilog", escape = "none")]
struct WeightLoader<'a> {
    v: &'a View,
    load_fields: Vec<Port>,
    has_load_fields: bool,
    rewinds_weights: bool,
    load_counters: Vec<Counter>,
    word_width: usize,
    own_layer: &'static str,
}

/// One loop of the loader; width 0: it runs once in every layer.
struct Counter {
    name: &'static str,
    width: usize,
    last: String,
    end: &'static str,
    step: &'static str,
    next: String,
}

/// Cells as they are stored where the weight is +1, the highest row first.
fn idle_cells(design: &Design) -> String {
    design.tree.inverted_rows().iter().rev().map(|inverted| if *inverted { '0' } else { '1' }).collect()
}

/// The same as a hexadecimal literal, broken where it is long.
fn idle_literal(cells: &str) -> String {
    let rows = cells.len();
    let padded = format!("{}{cells}", "0".repeat(rows.next_multiple_of(4) - rows));
    let digits: String = padded
        .as_bytes()
        .chunks(4)
        .map(|four| {
            let value = four.iter().fold(0, |value, bit| value * 2 + u32::from(bit - b'0'));
            char::from_digit(value, 16).expect("four bits are one digit")
        })
        .collect();
    if digits.len() <= 64 {
        return format!("{rows}'h{digits}");
    }
    // Whole digits from the right, so that only the first piece may have an odd width.
    let mut pieces = Vec::new();
    let mut rest = digits.as_str();
    let mut left = rows;
    while !rest.is_empty() {
        let take = match rest.len() % 16 {
            0 => 16,
            odd => odd,
        };
        let (piece, after) = rest.split_at(take);
        let width = left - after.len() * 4;
        pieces.push(format!("{width}'h{piece}"));
        left -= width;
        rest = after;
    }
    format!("{{{}}}", super::wrapped(&pieces, 8, 7))
}

fn weight_loader(design: &Design, view: &View) -> Vec<NamedText> {
    let layers = &design.layers;
    let most = |f: &dyn Fn(&crate::design::LayerDesign) -> usize| layers.iter().map(f).max().unwrap_or(0);
    let word_width = bits(most(&|layer| layer.words.max(layer.last_words) - 1));
    let uneven = layers.iter().any(|layer| layer.passes == 1 || layer.words != layer.last_words)
        && layers.iter().any(|layer| layer.passes > 1);
    let mut fields = Vec::new();
    let mut add = |exists: bool, name, width, comment, value: fn(&crate::design::LayerDesign) -> usize| {
        if exists {
            fields.push(Field::new(name, width, comment, layers.iter().map(|l| value(l) as i64)));
        }
    };
    add(view.group_width > 0, "group_max", view.group_width, "groups - 1", |l| l.groups - 1);
    add(view.block_width > 0, "block_max", view.block_width, "blocks - 1", |l| l.blocks - 1);
    let asks_pass = view.pass_width > 0 && (!view.skips || word_width > 0 && uneven);
    add(asks_pass, "pass_max", view.pass_width, "passes - 1", |l| l.passes - 1);
    let planes = view.plane_width > 0;
    add(planes && !view.skips, "plane_max", view.plane_width, "planes - 1", |l| l.planes.len() - 1);
    let address = view.weight_address_width;
    add(planes && !view.skips, "group_words", address, "words of a group", |l| l.group_words(0));
    add(word_width > 0 && uneven, "word_max", word_width, "words of a tile - 1", |l| l.words - 1);
    add(word_width > 0, "word_max_last", word_width, "the same of the last pass", |l| l.last_words - 1);
    let last = |name: &str, width: usize| match width {
        0 => "1'b1".to_string(),
        _ => format!("({name}_q == {name}_max)"),
    };
    let word_last = match (word_width, uneven) {
        (0, _) => "1'b1".to_string(),
        (_, true) if view.skips && view.pass_width > 0 => {
            "(word_q == ((pass_q == pass_max) ? word_max_last : word_max))".to_string()
        }
        (_, true) => "(word_q == (pass_last ? word_max_last : word_max))".to_string(),
        (_, false) => "(word_q == word_max_last)".to_string(),
    };
    let layer_last = if view.many_layers { "(layer_q == LAST_LAYER)" } else { "1'b1" };
    let counter = |name, width, last, end, step| Counter {
        name,
        width,
        last,
        end,
        step,
        next: format!("{name}_q + {width}'d1"),
    };
    let layer_width = if view.many_layers { view.layer_width } else { 0 };
    // With planes the last word of a frame's first tile waits for the frame.
    let fetch = if planes { "fetch & !word_last" } else { "fetch" };
    let pass_end = if planes && !view.skips { "plane_end" } else { "block_end" };
    let plane_last = match view.skips {
        true => String::new(),
        false => "(plane_q == plane_max) | (plane_q == last_plane_i)".into(),
    };
    let pass_last = if view.skips { String::new() } else { last("pass", view.pass_width) };
    let mut load_counters = vec![
        counter("layer", layer_width, layer_last.to_string(), "frame_end", "layer_end"),
        counter("group", view.group_width, last("group", view.group_width), "layer_end", "group_end"),
        counter("block", view.block_width, last("block", view.block_width), "group_end", "block_end"),
        Counter {
            next: view.plane_next.clone(),
            ..counter("plane", view.plane_width, plane_last, "block_end", "plane_end")
        },
        Counter {
            next: view.pass_next.clone(),
            ..counter("pass", view.pass_width, pass_last, pass_end, "tile_end")
        },
        counter("word", word_width, word_last, "tile_end", fetch),
    ];
    load_counters.retain(|counter| planes || counter.name != "plane");
    let has_load_fields = !fields.is_empty();
    let load_fields = program::ports(&fields);
    let loader = WeightLoader {
        v: view,
        load_fields,
        has_load_fields,
        rewinds_weights: view.block_width > 0,
        load_counters,
        word_width,
        own_layer: "layer_q",
    };
    let mut files = vec![file("weight_loader", &loader)];
    if has_load_fields {
        files.push(program::module(&Table {
            module: "load_program",
            description: "Load program: the weight loader's constants of each layer.".into(),
            inputs: layer_key(view),
            entries: layer_entries(design),
            fields,
        }));
    }
    files
}
