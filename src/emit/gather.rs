//! Gather unit: from where the words of a vector come.

use super::program::{self, Port, Table};
use super::rotate::rotate;
use super::taps::{Taps, channel_count_width, pad_table, tap_table};
use super::view::{View, bits};
use super::{NamedText, file};
use crate::design::{Design, PadValue};
use askama::Template;

#[derive(Template)]
#[template(path = "rtl/gather.v", syntax = "verilog", escape = "none")]
struct Gather<'a> {
    v: &'a View,
    g: GatherView,
    tap_fields: Vec<Port>,
    pad_fields: Vec<Port>,
    pad_rows: Vec<usize>,
    pad_columns: Vec<usize>,
    pad_rows_down: Vec<Down>,
    pad_columns_down: Vec<Down>,
}

struct Down {
    at: usize,
    comma: &'static str,
}

fn down(count: usize) -> Vec<Down> {
    (0..count).rev().map(|at| Down { at, comma: if at == 0 { "" } else { "," } }).collect()
}

/// What only the gather unit asks.
struct GatherView {
    gather_layer: bool,
    tap_layer: bool,
    tap_pass: bool,
    has_taps: bool,
    slot_offsets: bool,
    offset_width: usize,
    offset_term: String,
    wrap_term: String,
    row_inside_expr: String,
    column_inside_expr: String,
    live_expr: String,
    plus_expr: String,
    plus_partial: bool,
    row_expr: String,
    driven_expr: String,
    partials: bool,
    channel_count_width: usize,
    channel_count_extended: String,
    pad_kernel_rows: usize,
    pad_kernel_columns: usize,
}

/// Whether the gather unit asks for the layer, and for the pass.
pub(super) fn gather_keys(design: &Design, view: &View) -> (bool, bool) {
    let maps = &design.layers[1..];
    let has_taps = Taps::new(design).exists();
    (view.pads || has_taps && maps.len() > 1, has_taps && maps.iter().any(|layer| layer.passes > 1))
}

pub(super) fn gather(design: &Design, view: &View) -> Vec<NamedText> {
    let need = Taps::new(design);
    let offset_width = bits(need.offset_max as usize).min(view.map_width);
    let (kernel_rows, kernel_columns) = need.padded_kernel;
    let (ky_width, kx_width) = (bits(kernel_rows - 1), bits(kernel_columns - 1));
    let (gather_layer, tap_pass) = gather_keys(design, view);
    let tap_layer = design.layers.len() > 2 && need.exists();

    let tap_table = need.exists().then(|| tap_table(design, view, &need, tap_layer, tap_pass));
    let pad_table = view.pads.then(|| pad_table(design, view, &need));
    let kinds: Vec<PadValue> =
        design.layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value).collect();
    let all = |value: PadValue| kinds.iter().all(|kind| *kind == value);
    let join = |terms: &[(bool, &str)]| {
        let terms: Vec<&str> = terms.iter().filter(|term| term.0).map(|term| term.1).collect();
        terms.join(" & ")
    };
    let inside = |name: &str, tap: &str, width: usize| match width {
        0 => format!("{name}[0]"),
        _ => format!("{name}[{tap}[tap*{width} +: {width}]]"),
    };
    let mut row_expr = "slots[word*WORD +: WORD] & {WORD{door_live_q[word]}}".to_string();
    if view.plus_pads {
        let partial = " & (door_partial_q[word] ? channel_mask : {WORD{1'b1}})";
        row_expr = format!(
            "({row_expr}) |\n          ({{WORD{{door_plus_q[word]}}}}{})",
            if need.plus_partial { partial } else { "" }
        );
    }
    let channel_count_width = channel_count_width(design, view);
    let extend = |name: &str, from: usize, to: usize| match to.checked_sub(from) {
        Some(0) => name.to_string(),
        Some(more) => format!("{{{more}'d0, {name}}}"),
        None => format!("{name}[{}:0]", to - 1),
    };
    let offset = match (need.uniform, view.rotates) {
        (true, _) => "offset".to_string(),
        (false, true) => format!("bank_offset[bank*{offset_width} +: {offset_width}]"),
        (false, false) => format!("offset[bank*{offset_width} +: {offset_width}]"),
    };
    let g = GatherView {
        gather_layer,
        tap_layer,
        tap_pass,
        has_taps: need.exists(),
        slot_offsets: offset_width > 0 && !need.uniform,
        offset_width,
        offset_term: match offset_width {
            0 => String::new(),
            _ => format!(" + {}", extend(&offset, offset_width, view.map_width)),
        },
        wrap_term: match view.rotates {
            false => String::new(),
            true => format!(" +\n              {}", extend("wrapped[bank]", 1, view.map_width)),
        },
        row_inside_expr: inside("row_inside", "kernel_row", ky_width),
        column_inside_expr: inside("column_inside", "kernel_column", kx_width),
        live_expr: join(&[(need.unused, "used"), (view.pads, "~outside")]),
        plus_expr: join(&[
            (true, "outside"),
            (need.unused, "used"),
            (!all(PadValue::Plus), "{BANKS{plus_padding[0]}}"),
        ]),
        plus_partial: need.plus_partial,
        row_expr,
        driven_expr: match (need.unused, all(PadValue::Zero)) {
            (true, true) => "used & ~outside".into(),
            (true, false) => "used & ~(outside & {BANKS{zero_padding[0]}})".into(),
            (false, true) => "~outside".into(),
            (false, false) => "~(outside & {BANKS{zero_padding[0]}})".into(),
        },
        partials: need.driven_partial,
        channel_count_width,
        channel_count_extended: extend("count_channels_q", channel_count_width, view.driven_width),
        pad_kernel_rows: kernel_rows,
        pad_kernel_columns: kernel_columns,
    };
    let ports = |table: &Option<Table>| table.as_ref().map_or(Vec::new(), |t| program::ports(&t.fields));
    let mut files = vec![file(
        "gather",
        &Gather {
            v: view,
            tap_fields: ports(&tap_table),
            pad_fields: ports(&pad_table),
            pad_rows: (0..kernel_rows).collect(),
            pad_columns: (0..kernel_columns).collect(),
            pad_rows_down: down(kernel_rows),
            pad_columns_down: down(kernel_columns),
            g,
        },
    )];
    files.extend(tap_table.iter().chain(&pad_table).map(program::module));
    if view.rotates {
        files.push(rotate("rotate_to_slots", view.banks, true));
    }
    if view.rotates && offset_width > 0 && !need.uniform || view.write_rotates && view.writes_words {
        files.push(rotate("rotate_to_banks", view.banks, false));
    }
    files
}
