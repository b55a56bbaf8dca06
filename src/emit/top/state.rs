//! The state unit in the top module: what the layers tell it, and what becomes of states that are levels.

use super::super::library::core;
use super::super::program::literal;
use super::super::view::View;
use super::instances::{CLOCK, Instance, RESET, low, or, shared};
use super::{chosen, wire_line};
use crate::design::{Design, LayerDesign, Scales, StateCode, StateUnit};

/// What the layer that runs does with sums that go past it.
pub(super) fn lines(design: &Design, v: &View) -> Vec<String> {
    let mut lines = Vec::new();
    if v.keeps_sums {
        lines.push(chosen(design, v, "adds_kept", &|layer| layer.shortcut.adds));
        lines.push(chosen(design, v, "keeps_sums", &|layer| layer.shortcut.keeps));
    }
    if let Some(scales) = design.scales() {
        lines.extend(state_format(design, v, scales));
    }
    lines
}

/// What a layer says of its states: shift and largest number, where something is added, and what is kept.
fn state_format(design: &Design, v: &View, scales: &Scales) -> Vec<String> {
    let by_layer = |name: &str, width: usize, of: &dyn Fn(&LayerDesign) -> i64| {
        let values: Vec<i64> = design.layers.iter().map(of).collect();
        let often = |value: &i64| values.iter().filter(|other| *other == value).count();
        let most = values.iter().copied().max_by_key(often).unwrap_or(0);
        let mut value = literal(width, most);
        for (index, own) in values.iter().enumerate().rev().filter(|(_, own)| **own != most) {
            let chosen = literal(width, *own);
            value = format!("(layer == {}'d{index}) ? {chosen} :\n      {value}", v.layer_width);
        }
        wire_line(width, name, &value)
    };
    let total = design.widths.total;
    let largest = |layer: &LayerDesign| {
        let bits = layer.format.map_or(total as u32, |format| format.bits + u32::from(format.rectified));
        (1i64 << (bits - 1)) - 1
    };
    let mut lines = vec![by_layer("largest_total", total, &largest)];
    if v.rectifies {
        lines.push(chosen(design, v, "rectifies", &|layer| {
            layer.format.is_some_and(|format| format.rectified)
        }));
    }
    if scales.unit > 0 {
        lines.push(by_layer("kept_unit", scales.unit, &|layer| layer.format.map_or(1, |format| format.unit)));
    }
    if v.narrow {
        let width = design.widths.threshold_address;
        // The last group of all where nothing is left out.
        let last = |layer: &LayerDesign| match layer.shortcut.adds && layer.added_groups < layer.groups {
            true => (layer.threshold_base + layer.added_groups) as i64 - 1,
            false => design.groups() as i64 - 1,
        };
        lines.push(by_layer("last_added", width, &last));
    }
    if v.stride_width > 0 {
        let between = |kept: usize| kept as i64 - 1;
        lines.push(by_layer("stride_rows", v.stride_width, &|layer| between(layer.shortcut.stride.0)));
        lines.push(by_layer("stride_columns", v.stride_width, &|layer| between(layer.shortcut.stride.1)));
    }
    if scales.shift > 0 {
        let shift = |layer: &LayerDesign| layer.format.map_or(0, |format| i64::from(format.shift));
        lines.push(by_layer("state_shift", scales.shift, &shift));
    }
    lines
}

/// Which layers give nothing, which ones' states are levels, and the bits of the others beside them.
pub(super) fn result_lines(design: &Design, v: &View) -> Vec<String> {
    let mut lines = Vec::new();
    if v.silences {
        lines.push(chosen(design, v, "silent", &|layer| layer.silent));
    }
    if !v.state_levels {
        return lines;
    }
    lines.push(chosen(design, v, "gives_state", &|layer| layer.level.is_some()));
    if v.steps == 1 {
        let bits = v.map_bits * v.lanes;
        let others = literal((v.map_bits - 1) * v.lanes, 0);
        lines.push(wire_line(bits, "pooled_plane", &format!("{{{others}, pooled}}")));
    }
    lines
}

/// The state unit.
pub(super) fn unit(design: &Design, v: &View, state: &StateUnit) -> Instance {
    let pools = core::shortcut_pools(design);
    let unit = core::thresholds(design, v.plane_width);
    let shifts = state.scales.as_ref().is_some_and(|scales| scales.shift > 0);
    let scales_unit = state.scales.as_ref().is_some_and(|scales| scales.unit > 0);
    let no_limit = literal(v.total_width, 0);
    let no_entry = if v.scales_sums { literal(design.widths.threshold_address, 0) } else { "1'b0".into() };
    let ports = vec![
        CLOCK,
        RESET,
        (true, "layer_start_i", or(v.keeps_sums, "layer_start", "1'b0")),
        (true, "adds_i", or(v.keeps_sums, "adds_kept", "1'b0")),
        (true, "keeps_i", or(v.keeps_sums, "keeps_sums", "1'b0")),
        (true, "shift_i", or(shifts, "state_shift", "1'b0")),
        (true, "unit_i", or(scales_unit, "kept_unit", "1'b0")),
        (true, "rectifies_i", or(v.rectifies, "rectifies", "1'b0")),
        (true, "largest_i", or(v.scales_sums, "largest_total", &no_limit)),
        (true, "last_group_i", or(v.scales_sums, &unit.last_group, "1'b0")),
        (true, "first_entry_i", or(v.scales_sums, &unit.first_entry, "1'b0")),
        (true, "last_added_i", or(v.narrow, "last_added", &no_entry)),
        (true, "stride_rows_i", or(v.stride_width > 0, "stride_rows", "1'b0")),
        (true, "stride_columns_i", or(v.stride_width > 0, "stride_columns", "1'b0")),
        (true, "count_valid_i", or(v.scales_sums, "count_valid", "1'b0")),
        (true, "count_group_last_i", or(v.scales_sums, "count_group_last", "1'b0")),
        (true, "sum_valid_i", "accumulated_valid"),
        (true, "sum_i", "accumulated"),
        (true, "total_o", "sum"),
        (true, "result_window_last_i", if pools { "result_window_last" } else { "1'b1" }),
        (true, "result_row_last_i", or(v.stride_width > 0, "result_row_last", "1'b0")),
        (true, "result_group_last_i", or(v.stride_width > 0, "result_group_last", "1'b0")),
        (true, "result_valid_i", "result_valid"),
    ];
    shared(&core::state(design, v, state), "state_unit", ports)
}

/// The planes of bits of layers whose states are levels, in place of those of the others.
pub(super) fn level(design: &Design, v: &View, level: StateCode) -> Instance {
    let there = low("pooled", v.steps * v.lanes, v.lanes);
    let ports = vec![
        (true, "clk_i", "clk_i"),
        (true, "total_i", "sum"),
        (true, "level_i", "gives_state"),
        (true, "there_i", &there),
        (true, "bit_i", or(v.steps > 1, "code", "pooled_plane")),
        (true, "bit_o", "activation"),
    ];
    shared(&core::state_level(design, level), "state_level", ports)
}
