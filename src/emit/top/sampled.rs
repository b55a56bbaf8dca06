//! The part of the top module in which cells are drawn as they are read: wires and instances.

use super::drawn;
use super::instances::{CLOCK, Instance, RESET, or, rom, shared};
use crate::design::{Analog, Design, Ensemble};
use crate::emit::analog::AnalogView;
use crate::emit::facts::plural;
use crate::emit::library::{analog as library, memories};
use crate::emit::program::literal;
use crate::emit::view::{DrawnView, View};

/// Wires between the parts, besides those of any array's reads.
pub(super) fn wires(drawn: &DrawnView) -> Vec<(bool, usize, &'static str)> {
    vec![
        (true, 0, "array_free"),
        (true, 0, "draw_layer"),
        (true, 0, "seeded"),
        (true, 0, "sample_start"),
        (true, 0, "sample_end"),
        (true, 0, "flip"),
        (true, drawn.noise_bits, "cell_noise"),
    ]
}

/// The parts behind the reader, in the order of the data path.
pub(super) fn instances(
    design: &Design,
    analog: &Analog,
    ensemble: &Ensemble,
    (v, a, view): (&View, &AnalogView, &DrawnView),
) -> Vec<Instance> {
    let first_drawn = literal(v.layer_width.max(1), view.first as i64);
    let turn = vec![
        CLOCK,
        RESET,
        (true, "layer_i", "layer"),
        (true, "first_drawn_i", first_drawn.as_str()),
        (true, "layer_done_i", "layer_done"),
        (true, "sample_first_i", "sample_first"),
        (true, "seeded_i", "seeded"),
        (true, "read_i", "cell_read"),
        (true, "draw_layer_o", "draw_layer"),
        (true, "sample_start_o", "sample_start"),
        (true, "sample_end_o", "sample_end"),
        (true, "array_free_i", "array_free"),
        (true, "ready_o", "array_ready"),
    ];
    let all_driven = format!("{{{}{{1'b1}}}}", a.row_step);
    let cells = vec![
        CLOCK,
        RESET,
        (true, "valid_i", "step_valid"),
        (true, "first_i", "step_first"),
        (true, "row_i", "step_row"),
        (true, "enable_i", or(a.row_enable, "step_enable", &all_driven)),
        (true, "cell_i", "cell_word"),
        (true, "flip_i", "flip"),
        (true, "noise_i", "cell_noise"),
        (true, "sample_read_i", "sample_read"),
        (true, "sample_i", "sample"),
        (true, "sample_last_i", "read_last"),
        (true, "converted_o", "converted"),
        (true, "count_o", "count"),
    ];
    let (rows, lanes) = (a.row_step, v.lanes);
    vec![
        shared(&library::draw_turn(design), "draw_turn", turn),
        rom(
            &memories::drawn_cells(design, analog),
            "cell_memory",
            ["cell_read", "cell_address", "cell_word"],
        )
        .noting(format!(
            "Cells of all arrays: a word is {rows} row{} of {lanes} columns, signs and codes of {} bits.",
            plural(rows),
            ensemble.bits - 1
        )),
        // What is read comes in one order and once: no group starts or comes again.
        drawn::noise(design, ensemble, "cell_read", ["1'b0"; 2], "cell_noise"),
        shared(&library::drawn_array(design, analog, ensemble), "cim_array", cells),
    ]
}
