//! Gather unit: what it is told of the slots of a pass and of a layer's map.

use super::edge::Edge;
use super::facts::{bits, is_input};
use super::taps::{Taps, channel_count_width, pad_table, tap_table};
use super::view::View;
use crate::design::{Design, PadValue};

/// Edges that the rows, and the columns, of padded kernels reach. Padding that no window reaches counts as reached.
pub(super) fn edges(design: &Design, view: &View) -> (Vec<Edge>, Vec<Edge>) {
    let (mut rows, columns) = (Edge::all(design, true), Edge::all(design, false));
    if !rows.iter().chain(&columns).any(Edge::reached) {
        rows.fill(Edge { before: true, beyond: true });
    }
    let keep = |edges: Vec<Edge>, kept: bool| if kept { edges } else { Vec::new() };
    (keep(rows, view.pads_rows), keep(columns, view.pads_columns))
}

/// What a design sets in its gather unit and what stands at its inputs where no table says it.
pub(super) struct Gather {
    /// Bits of a slot's distance from the window's origin, from 1; whether all slots have the same.
    pub offset: usize,
    pub one_offset: bool,
    pub rows: Vec<Edge>,
    pub columns: Vec<Edge>,
    /// Bits of the number of channels of a last word.
    pub channels: usize,
    /// Outside of every padded map is +1; is not driven.
    pub all_plus: bool,
    pub all_zero: bool,
}

impl Gather {
    pub fn new(design: &Design, view: &View) -> Gather {
        let need = Taps::new(design, view);
        let (rows, columns) = edges(design, view);
        let kinds = || design.layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value);
        let all = |value: PadValue| view.pads && kinds().all(|kind| kind == value);
        Gather {
            offset: bits(need.offset_max as usize).min(view.map_width).max(1),
            one_offset: need.uniform,
            rows,
            columns,
            channels: channel_count_width(design, view),
            all_plus: all(PadValue::Plus),
            all_zero: all(PadValue::Zero) && view.row_enable,
        }
    }
}

/// The tables of the slots and of the maps, as far as this design needs them.
pub(super) fn tables(
    design: &Design,
    view: &View,
    of: &Design,
) -> Vec<(&'static str, super::program::Table)> {
    let need = Taps::new(design, view);
    let mut tables = Vec::new();
    if need.exists() {
        let passes = design.layers.iter().any(|layer| !is_input(layer) && layer.passes > 1);
        let keys = (design.layer_count() > 2, passes);
        tables.push(("tap_program", tap_table(view, &need, keys, of)));
    }
    if view.pads || need.driven_partial {
        tables.push(("pad_program", pad_table(design, view, &need, of)));
    }
    tables
}
