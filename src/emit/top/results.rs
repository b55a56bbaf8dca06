//! The parts of the top module behind the sums: thresholds, what becomes of their bits, and the score buffer.

use super::super::library::core::{self, Writes};
use super::super::library::stream;
use super::super::program::literal;
use super::super::result::{self, write_layer};
use super::super::view::View;
use super::instances::{CLOCK, Instance, RESET, instance, low, or, said, shared};
use crate::design::Design;

pub(super) fn thresholds(design: &Design, v: &View) -> Instance {
    let unit = core::thresholds(design, v.plane_width);
    let scores = match (v.gives_bits, v.gives_scores) {
        (true, true) => "last_layer",
        (_, gives_scores) => {
            if gives_scores {
                "1'b1"
            } else {
                "1'b0"
            }
        }
    };
    let or_unused = |gives, name, unused| if gives { name } else { unused };
    let first_again = v.drawn.as_ref().map_or(0, |drawn| drawn.first_entry);
    let first_again = literal(design.widths.threshold_address, first_again as i64);
    let no_entry = literal(design.widths.threshold_address, 0);
    let entry =
        design.lanes * (design.steps() * design.widths.threshold + usize::from(core::has_flips(design)));
    let no_data = format!("{{{entry}{{1'b0}}}}");
    let ports = vec![
        CLOCK,
        RESET,
        (true, "scores_i", scores),
        (true, "load_i", "1'b0"),
        (true, "load_address_i", no_entry.as_str()),
        (true, "load_data_i", no_data.as_str()),
        (
            true,
            "flip_after_pool_i",
            unit.flip_after_pool.unwrap_or(or(v.loadable, "layer_flip_after_pool", "flip_after_pool")),
        ),
        (true, "last_group_i", or(v.loadable, "network_last_group", &unit.last_group)),
        (true, "again_i", or(v.drawn.is_some(), "!sample_last", "1'b0")),
        (true, "first_again_i", first_again.as_str()),
        (true, "first_entry_i", unit.first_entry.as_str()),
        (true, "count_valid_i", "entry_valid"),
        (true, "count_group_last_i", "entry_group_last"),
        (true, "sum_i", "sum"),
        (true, "result_valid_i", "result_valid"),
        (true, "result_window_last_i", if v.pools { "result_window_last" } else { "1'b1" }),
        (true, "score_valid_o", or_unused(v.gives_scores, "score_valid", "unused_score_valid")),
        (true, "score_o", or_unused(v.gives_scores, "score", "unused_score")),
        (true, "bit_valid_o", or_unused(v.gives_bits, "pooled_valid", "unused_pooled_valid")),
        (true, "bit_o", or_unused(v.gives_bits, "pooled", "unused_pooled")),
    ];
    shared(&unit.head, "threshold_unit", ports)
}

/// The planes of bits of what the thresholds decide.
pub(super) fn level_code(design: &Design) -> Instance {
    let code = if design.level().is_some() { "code" } else { "activation" };
    let ports = vec![(true, "bit_i", "pooled"), (true, "toggle_i", "toggle"), (true, "code_o", code)];
    shared(&core::level_code(design), "level_code", ports)
}

/// The table of the steps at which a plane's bit changes.
pub(super) fn level_program() -> Instance {
    instance("level_program", vec![(true, "layer_i", "layer"), (true, "toggle_o", "toggle")])
}

/// The table of where each layer's results go.
pub(super) fn write_program(design: &Design, v: &View) -> Instance {
    let names: Vec<(String, String)> = result::constants(design, v)
        .iter()
        .map(|field| (format!("{}_o", field.name), format!("write_{}", field.name)))
        .collect();
    let mut ports = vec![(write_layer(design), "layer_i", "layer")];
    ports.extend(names.iter().map(|(port, wire)| (true, port.as_str(), wire.as_str())));
    instance("write_program", ports)
}

pub(super) fn write_back(design: &Design, v: &View) -> Instance {
    let map = v.has_map;
    let writes = Writes {
        columns: map && v.writes_columns,
        rows: map && v.writes_rows,
        groups: map && v.writes_groups,
        chunks: if map { result::counted_chunks(design, v) } else { 0 },
    };
    let there = if map { result::constants(design, v) } else { Vec::new() };
    let constant = |name: &str, width: usize| match there.iter().any(|field| field.name == name) {
        true => format!("write_{name}"),
        false => format!("{width}'d0"),
    };
    let (address, bank) = (if map { v.map_width } else { 1 }, if map { v.bank_width.max(1) } else { 1 });
    let constants = [
        ("origin_address", address),
        ("step_column_address", address),
        ("step_row_address", address),
        ("step_chunk_address", address),
        ("step_column_bank", bank),
        ("step_row_bank", bank),
        ("step_chunk_bank", bank),
        ("chunks", writes.chunks.max(1)),
    ]
    .map(|(name, width)| (format!("{name}_i"), constant(name, width)));
    let mut ports = vec![
        CLOCK,
        RESET,
        (true, "layer_start_i", or(map, "layer_start", "1'b0")),
        (true, "to_map_i", or(map, or(v.last_gives_bits, "!last_layer", "1'b1"), "1'b0")),
    ];
    ports.extend(constants.iter().map(|(port, wire)| (true, port.as_str(), wire.as_str())));
    ports.extend([
        (true, "bit_valid_i", or(v.silences, "pooled_valid & !silent", "pooled_valid")),
        (true, "bit_i", or(v.map_bits > 1, "activation", "pooled")),
        (true, "row_last_i", or(writes.rows, "result_row_last", "1'b1")),
        (true, "group_last_i", or(writes.groups, "result_group_last", "1'b1")),
        (true, "write_o", or(map, "map_write", "unused_map_write")),
        (true, "write_address_o", or(map, "map_write_address", "unused_map_write_address")),
        (true, "write_data_o", or(map, "map_write_data", "unused_map_write_data")),
        (true, "bits_valid_o", "bit_valid"),
        (true, "bits_o", "result_bits"),
        (true, "kept_back_o", or(v.last_gives_bits, "score_valid", "unused_kept_back")),
    ]);
    shared(&core::write_back(design, writes), "write_back", ports)
}

pub(super) fn score_buffer(design: &Design, v: &View) -> Instance {
    let buffer = stream::scores(design, design);
    let told = buffer.constants.each_ref().map(|one| said(v, "score", one));
    let bits = low("result_bits", v.map_bits * v.lanes, v.score_lanes);
    let data = if v.gives_scores { or(v.drawn.is_some(), "sum_of_scores", "score") } else { &bits };
    let mut ports = vec![CLOCK, RESET];
    ports.extend(told.iter().map(|(port, value)| (true, port.as_str(), value.as_str())));
    ports.extend([
        (true, "frame_start_i", "frame_start"),
        (true, "room_o", "score_room"),
        (true, "waiting_o", "scores_waiting"),
        (true, "write_i", or(v.drawn.is_some(), "sum_of_scores_valid", "score_valid")),
        (true, "data_i", data),
        (true, "m_axis_tdata", "m_axis_tdata"),
        (true, "m_axis_tvalid", "m_axis_tvalid"),
        (true, "m_axis_tready", "m_axis_tready"),
        (true, "m_axis_tlast", "m_axis_tlast"),
    ]);
    shared(&buffer.head, "score_buffer", ports)
}
