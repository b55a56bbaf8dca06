//! The analog arrays' part of the top module: wires and instances.

use super::instances::{CLOCK, Instance, RESET, instance, rom};
use super::{Group, group};
use crate::design::{Analog, Design};
use crate::emit::analog::{AnalogView, converter};
use crate::emit::library::memories;
use crate::emit::view::View;

/// Wires between the parts.
pub(super) fn wires(v: &View, a: &AnalogView) -> Group {
    let planes = a.planes > 1;
    group(
        "Reads of the analog arrays, from the door to the codes.",
        vec![
            (true, 0, "array_ready"),
            (true, 0, "door_tile_first"),
            (v.multi_pass, 0, "door_pass_first"),
            (v.multi_pass, 0, "door_group_last"),
            (true, 0, "cell_read"),
            (true, a.cell_address_width, "cell_address"),
            (true, a.cell_word, "cell_word"),
            (true, a.array_width, "array"),
            (true, a.offset_word, "offset_word"),
            (true, a.row_step, "step_row"),
            (v.row_enable, a.row_step, "step_enable"),
            (v.serial_input, 0, "next_plane"),
            (true, 0, "step_valid"),
            (true, 0, "step_first"),
            (true, v.lanes * a.voltage_width, "voltage"),
            (v.noise, 32, "noise_seed"),
            (v.noise, v.lanes * a.voltage_width, "noisy_voltage"),
            (true, 0, "sample"),
            (true, 0, "sample_last"),
            (true, a.array_width, "sample_array"),
            (planes, a.plane_width, "sample_plane"),
            (true, 0, "edge_read"),
            (true, a.edge_address_width, "edge_address"),
            (true, a.edges_width, "edge_word"),
            (true, 0, "converted"),
            (true, 0, "code_valid"),
            (planes, a.plane_width, "code_plane"),
            (true, v.lanes * a.code_width, "code"),
            (a.reference.is_some(), v.count_width, "reference"),
        ],
        vec!["wire sampled = sample & sample_last;".into()],
    )
}

/// The columns' part of a word, and that of the reference above it.
fn parted(word: &str, columns: usize, whole: usize) -> (String, String) {
    match columns == whole {
        true => (word.into(), String::new()),
        false => (format!("{word}[{}:0]", columns - 1), format!("{word}[{}:{columns}]", whole - 1)),
    }
}

/// The parts, in the order of the data path.
pub(super) fn instances(design: &Design, analog: &Analog, v: &View, a: &AnalogView) -> Vec<Instance> {
    let planes = a.planes > 1;
    let reader = vec![
        CLOCK,
        RESET,
        (true, "frame_start_i", "frame_start"),
        (true, "door_valid_i", "door_valid"),
        (true, "door_tile_first_i", "door_tile_first"),
        (v.multi_pass, "door_pass_first_i", "door_pass_first"),
        (v.multi_pass, "door_group_last_i", "door_group_last"),
        (a.two_speeds, "weighted_i", "weighted"),
        (true, "ready_o", "array_ready"),
        (true, "row_i", "row"),
        (v.serial_input, "next_plane_o", "next_plane"),
        (v.row_enable, "enable_i", "row_enable"),
        (v.row_enable, "enable_o", "step_enable"),
        (true, "read_o", "cell_read"),
        (true, "cell_address_o", "cell_address"),
        (true, "array_o", "array"),
        (true, "row_o", "step_row"),
        (true, "sum_valid_o", "step_valid"),
        (true, "sum_first_o", "step_first"),
        (true, "sample_o", "sample"),
        (true, "sample_array_o", "sample_array"),
        (planes, "sample_plane_o", "sample_plane"),
        (true, "sample_last_o", "sample_last"),
    ];
    let memories = memories::chip(design, analog, a.word_width, a.turn_width + a.edge_step_width);
    let offset_bits = v.lanes * a.voltage_width;
    let (cells, used) = parted("cell_word", a.cells_width, a.cell_word);
    let (offsets, share) = parted("offset_word", offset_bits, a.offset_word);
    let array = vec![
        CLOCK,
        (true, "valid_i", "step_valid"),
        (true, "first_i", "step_first"),
        (true, "row_i", "step_row"),
        (v.row_enable, "enable_i", "step_enable"),
        (true, "cell_i", &cells),
        (true, "offset_i", &offsets),
        (true, "voltage_o", "voltage"),
    ];
    let columns = vec![
        CLOCK,
        RESET,
        (true, "sample_i", "sample"),
        (true, "sample_last_i", "sample_last"),
        (true, "sample_array_i", "sample_array"),
        (planes, "sample_plane_i", "sample_plane"),
        (true, "voltage_i", if v.noise { "noisy_voltage" } else { "voltage" }),
        (true, "edge_read_o", "edge_read"),
        (true, "edge_address_o", "edge_address"),
        (true, "edge_i", "edge_word"),
        (true, "converted_o", "converted"),
        (true, "code_valid_o", "code_valid"),
        (planes, "plane_o", "code_plane"),
        (true, "code_o", "code"),
    ];
    let noise = vec![
        CLOCK,
        RESET,
        (true, "frame_start_i", "frame_start"),
        (true, "seed_i", "noise_seed"),
        (true, "sample_i", "sample"),
        (true, "voltage_i", "voltage"),
        (true, "voltage_o", "noisy_voltage"),
    ];
    let reference = vec![
        CLOCK,
        (true, "valid_i", "step_valid"),
        (true, "first_i", "step_first"),
        (true, "row_i", "step_row"),
        (v.row_enable, "enable_i", "step_enable"),
        (true, "used_i", used.as_str()),
        (a.offset_word > offset_bits, "share_i", share.as_str()),
        (true, "sample_i", "sample"),
        (true, "reference_o", "reference"),
    ];
    let value = vec![
        CLOCK,
        (a.value_layers, "layer_i", "layer"),
        (true, "code_valid_i", "code_valid"),
        (planes, "plane_i", "code_plane"),
        (true, "code_i", "code"),
        (a.reference.is_some(), "reference_i", "reference"),
        (true, "count_o", "count"),
    ];
    let edges = match a.sense {
        true => "References of all arrays' sense amplifiers.".into(),
        false if a.share == 1 => {
            format!("Edges of all arrays' converters: a word is {} of every column.", a.edges_per_cycle)
        }
        false => format!(
            "Edges of all converters: a word is {} of every {}th column, those of its neighbours follow.",
            a.edges_per_cycle, a.share
        ),
    };
    let mut parts = vec![
        instance("array_reader", reader),
        rom(&memories.cells, "cell_memory", ["cell_read", "cell_address", "cell_word"]).noting(format!(
            "Cells of all arrays: a word is {} row{} of {} columns, minus above plus, {} bits each{}.",
            a.row_step,
            a.row_step_s,
            v.lanes,
            a.cell_width,
            if a.reference.is_some() { "; above them, whether a row holds cells" } else { "" }
        )),
        rom(&memories.offsets, "offset_memory", ["cell_read", "array", "offset_word"]).noting(
            match a.offset_word > offset_bits {
                true => {
                    "Offsets of all arrays' columns, above them the share of the array's reference.".into()
                }
                false => "Offsets of all arrays' columns.".into(),
            },
        ),
        instance("cim_array", array),
    ];
    parts.extend(v.noise.then(|| instance("column_noise", noise)));
    parts.extend(a.reference.is_some().then(|| instance("drive_reference", reference)));
    parts.extend([
        rom(&memories.edges, "edge_memory", ["edge_read", "edge_address", "edge_word"]).noting(edges),
        instance(converter(analog), columns),
        instance("code_value", value),
    ]);
    parts
}
