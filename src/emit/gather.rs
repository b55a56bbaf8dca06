//! Gather unit: from where the words of a vector come.

use super::edge::Edge;
use super::facts::bits;
use super::library::{Head, core};
use super::program::{self, Port, Table};
use super::taps::{Taps, channel_count_width, pad_table, tap_table};
use super::view::View;
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
    inside_wires: Vec<Place>,
    inside: Vec<Inside>,
}

/// Where a row or column of the kernel stands.
struct Place {
    name: String,
    window: &'static str,
    at: usize,
}

/// Which rows or columns of the kernel lie inside the map, the last one first.
struct Inside {
    name: &'static str,
    tests: Vec<String>,
}

impl Inside {
    /// Adds the places that are compared to `wires`.
    fn new(view: &View, edges: &[Edge], rows: bool, wires: &mut Vec<Place>) -> Inside {
        let (name, kind, window, limit) = match rows {
            true => ("row_inside", "row", "window_row_i", "map_rows"),
            false => ("column_inside", "column", "window_column_i", "map_columns"),
        };
        let mut tests = Vec::new();
        for (at, edge) in edges.iter().enumerate().rev() {
            let comma = if at == 0 { "" } else { "," };
            tests.push(match (edge.before, edge.beyond) {
                (false, false) => format!("1'b1{comma}"),
                (true, false) => format!("$signed({kind}_{at}) >= {}'sd0{comma}", view.coordinate_width),
                (_, true) => format!("{kind}_{at} < {limit}{comma}"),
            });
        }
        let reached = edges.iter().enumerate().filter(|(_, edge)| edge.reached());
        wires.extend(reached.map(|(at, _)| Place { name: format!("{kind}_{at}"), window, at }));
        Inside { name, tests }
    }
}

/// Edges that the rows, and the columns, of padded kernels reach. Padding that no window reaches counts as reached.
pub(super) fn edges(design: &Design, view: &View) -> (Vec<Edge>, Vec<Edge>) {
    let (mut rows, columns) = (Edge::all(design, true), Edge::all(design, false));
    if !rows.iter().chain(&columns).any(Edge::reached) {
        rows.fill(Edge { before: true, beyond: true });
    }
    let keep = |edges: Vec<Edge>, kept: bool| if kept { edges } else { Vec::new() };
    (keep(rows, view.pads_rows), keep(columns, view.pads_columns))
}

/// What only the gather unit asks.
struct GatherView {
    /// Rotations of the slots' offsets to their banks and of the banks' words to their slots, where anything turns.
    rotate_offsets: Head,
    rotate_words: Head,
    gather_layer: bool,
    tap_layer: bool,
    tap_pass: bool,
    has_taps: bool,
    slot_offsets: bool,
    offset_width: usize,
    offset_term: String,
    wrap_term: String,
    outside_expr: String,
    live_expr: String,
    plus_expr: String,
    plus_partial: bool,
    row_expr: String,
    driven_expr: String,
    has_pads: bool,
    kept_extended: String,
    partials: bool,
    whole_word: String,
    channel_count_width: usize,
    channel_count_extended: String,
}

/// Whether the gather unit asks for the layer, and for the pass.
pub(super) fn gather_keys(design: &Design, view: &View) -> (bool, bool) {
    let maps = &design.layers[1..];
    let need = Taps::new(design, view);
    let has_taps = need.exists();
    (
        view.pads || need.driven_partial || has_taps && maps.len() > 1,
        has_taps && maps.iter().any(|layer| layer.passes > 1),
    )
}

pub(super) fn gather(design: &Design, view: &View) -> Vec<NamedText> {
    let need = Taps::new(design, view);
    let offset_width = bits(need.offset_max as usize).min(view.map_width);
    let (rows, columns) = edges(design, view);
    let mut inside_wires = Vec::new();
    let mut inside = Vec::new();
    for (edges, is_row) in [(&rows, true), (&columns, false)] {
        if !edges.is_empty() {
            inside.push(Inside::new(view, edges, is_row, &mut inside_wires));
        }
    }
    let tap_inside = |name: &str, tap: &str, count: usize| match bits(count.max(1) - 1) {
        0 => format!("{name}[0]"),
        width => format!("{name}[{tap}[tap*{width} +: {width}]]"),
    };
    let row_inside = tap_inside("row_inside", "kernel_row", rows.len());
    let column_inside = tap_inside("column_inside", "kernel_column", columns.len());
    let (gather_layer, tap_pass) = gather_keys(design, view);
    let tap_layer = design.layers.len() > 2 && need.exists();

    let tap_table = need.exists().then(|| tap_table(design, view, &need, tap_layer, tap_pass));
    let has_pads = view.pads || need.driven_partial;
    let pad_table = has_pads.then(|| pad_table(design, view, &need));
    let kinds: Vec<PadValue> =
        design.layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value).collect();
    let all = |value: PadValue| kinds.iter().all(|kind| *kind == value);
    let join = |terms: &[(bool, &str)]| {
        let terms: Vec<&str> = terms.iter().filter(|term| term.0).map(|term| term.1).collect();
        terms.join(" & ")
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
        rotate_offsets: core::rotate(view.banks, offset_width, core::Turn::Up),
        rotate_words: core::rotate(view.banks, view.word, core::Turn::Down),
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
        outside_expr: match (rows.is_empty(), columns.is_empty()) {
            (false, false) => format!("!({row_inside} &\n            {column_inside})"),
            (false, true) => format!("!{row_inside}"),
            (true, _) => format!("!{column_inside}"),
        },
        live_expr: join(&[(need.unused, "used"), (view.pads, "~outside")]),
        plus_expr: join(&[
            (true, "outside"),
            (need.unused, "used"),
            (!all(PadValue::Plus), "{BANKS{plus_padding[0]}}"),
        ]),
        plus_partial: need.plus_partial,
        row_expr,
        has_pads,
        kept_extended: extend(
            "kept_rows_i[slot*KEPT +: KEPT]",
            view.kept_width,
            view.driven_width.max(view.kept_width),
        ),
        driven_expr: match (need.unused, all(PadValue::Zero)) {
            (true, _) if !view.row_enable => "used".into(),
            (false, _) if !view.row_enable => "{BANKS{1'b1}}".into(),
            (true, true) => "used & ~outside".into(),
            (true, false) => "used & ~(outside & {BANKS{zero_padding[0]}})".into(),
            (false, true) => "~outside".into(),
            (false, false) => "~(outside & {BANKS{zero_padding[0]}})".into(),
        },
        partials: need.driven_partial,
        // Where no vector drives as many rows as a word has, no slot is driven whole.
        whole_word: match bits(view.word) <= view.driven_width {
            true => format!("{}'d{}", view.driven_width, view.word),
            false => format!("{}'d0", view.driven_width),
        },
        channel_count_width,
        channel_count_extended: extend("count_channels_q", channel_count_width, view.driven_width),
    };
    let ports = |table: &Option<Table>| table.as_ref().map_or(Vec::new(), |t| program::ports(&t.fields));
    let mut files = vec![file(
        "gather",
        &Gather {
            v: view,
            tap_fields: ports(&tap_table),
            pad_fields: ports(&pad_table),
            inside_wires,
            inside,
            g,
        },
    )];
    files.extend(tap_table.iter().chain(&pad_table).map(program::module));
    files
}
