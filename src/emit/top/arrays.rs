//! The analog arrays' part of the top module: wires and instances.

use super::instances::{CLOCK, Instance, RESET, all_groups, instance, or, rom, shared};
use super::{Group, group, sampled};
use crate::design::{Analog, Design};
use crate::emit::analog::AnalogView;
use crate::emit::facts::plural;
use crate::emit::library::{analog as library, memories};
use crate::emit::view::View;

/// Wires between the parts.
pub(super) fn wires(v: &View, a: &AnalogView) -> Group {
    // Samples of a frame have a last one of their own.
    let sample_last = or(a.draws, "read_last", "sample_last");
    let mut wires = vec![
        (true, 0, "array_ready"),
        (true, 0, "door_tile_first"),
        (v.multi_pass, 0, "door_pass_first"),
        (v.multi_pass, 0, "door_group_last"),
        (a.first_arrays, v.all_group_width, "array_group"),
        (a.first_arrays, 0, "unused_last_array_group"),
        (a.first_arrays, a.array_width, "first_array"),
        (true, 0, "cell_read"),
        (true, a.cell_address_width, "cell_address"),
        (true, a.cell_word, "cell_word"),
        (true, a.array_width, or(a.draws, "unused_array", "array")),
        (true, a.row_step, "step_row"),
        (true, a.row_step, or(a.row_enable, "step_enable", "unused_step_enable")),
        (true, 0, or(v.serial_input, "next_plane", "unused_next_plane")),
        (true, 0, "step_valid"),
        (true, 0, "step_first"),
        (true, 0, "sample"),
        (true, 0, sample_last),
        (true, a.array_width, or(a.draws, "unused_sample_array", "sample_array")),
        (true, a.read_width, "sample_read"),
        (true, 0, "converted"),
    ];
    let comment = match &v.drawn {
        Some(drawn) => {
            wires.extend(sampled::wires(drawn));
            "Reads of the arrays, from the door to the counts."
        }
        None => {
            wires.extend(converted(v, a));
            "Reads of the analog arrays, from the door to the codes."
        }
    };
    group(comment, wires, vec![format!("wire sampled = sample & {sample_last};")])
}

/// Wires from the columns' voltages to their codes.
fn converted(v: &View, a: &AnalogView) -> Vec<(bool, usize, &'static str)> {
    vec![
        (true, a.offset_word, "offset_word"),
        (true, a.columns * a.voltage_width, "voltage"),
        (v.noise, 32, "noise_seed"),
        (v.noise, v.lanes * a.voltage_width, "noisy_voltage"),
        (true, 0, "edge_read"),
        (true, a.edge_address_width, "edge_address"),
        (true, a.edges_width, "edge_word"),
        (true, 0, "code_valid"),
        (true, a.read_width, "code_read"),
        (true, a.columns * a.code_width, "code"),
        (v.subtracts, v.count_width, "reference"),
    ]
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
    let mut parts = Vec::new();
    if a.first_arrays {
        parts.extend(first_array(v));
    }
    parts.push(reader(design, analog, v, a));
    if let (Some(ensemble), Some(drawn)) = (&design.ensemble, &v.drawn) {
        parts.extend(sampled::instances(design, analog, ensemble, (v, a, drawn)));
        return parts;
    }
    let memories = memories::chip(design, analog);
    let offset_bits = a.columns * a.voltage_width;
    let (cells, used) = parted("cell_word", a.cells_width, a.cell_word);
    let (offsets, share) = parted("offset_word", offset_bits, a.offset_word);
    let all_driven = format!("{{{}{{1'b1}}}}", a.row_step);
    let step_enable = or(a.row_enable, "step_enable", &all_driven);
    parts.push(rom(&memories.cells, "cell_memory", ["cell_read", "cell_address", "cell_word"]).noting(
        format!(
            "Cells of all arrays: a word is {} row{} of {} columns, minus above plus, {} bits each{}.",
            a.row_step,
            plural(a.row_step),
            a.columns,
            analog.cell_width,
            if analog.reference.is_some() { "; above them, whether a row holds cells" } else { "" }
        ),
    ));
    parts.push(rom(&memories.offsets, "offset_memory", ["cell_read", "array", "offset_word"]).noting(
        match a.offset_word > offset_bits {
            true => "Offsets of all arrays' columns, above them the share of the array's reference.".into(),
            false => "Offsets of all arrays' columns.".into(),
        },
    ));
    let array = vec![
        CLOCK,
        (true, "valid_i", "step_valid"),
        (true, "first_i", "step_first"),
        (true, "row_i", "step_row"),
        (true, "enable_i", step_enable),
        (true, "cell_i", &cells),
        (true, "offset_i", &offsets),
        (true, "voltage_o", "voltage"),
    ];
    parts.push(shared(&library::array(design, analog), "cim_array", array));
    if let Some(noise) = &analog.noise {
        let ports = vec![
            CLOCK,
            RESET,
            (true, "frame_start_i", "frame_start"),
            (true, "seed_i", "noise_seed"),
            (true, "sample_i", "sample"),
            (true, "voltage_i", "voltage"),
            (true, "voltage_o", "noisy_voltage"),
        ];
        parts.push(shared(&library::noise(design, analog, noise), "column_noise", ports));
    }
    if let Some(reference) = &analog.reference {
        let (head, only_share) = library::reference(design, analog, reference);
        let ports = vec![
            CLOCK,
            (true, "valid_i", "step_valid"),
            (true, "first_i", "step_first"),
            (true, "row_i", "step_row"),
            (true, "enable_i", step_enable),
            (true, "used_i", used.as_str()),
            (true, "share_i", only_share.as_deref().unwrap_or(&share)),
            (true, "sample_i", "sample"),
            (true, "reference_o", "reference"),
        ];
        parts.push(shared(&head, "drive_reference", ports));
    }
    parts.push(
        rom(&memories.edges, "edge_memory", ["edge_read", "edge_address", "edge_word"]).noting(edges(analog)),
    );
    let converters = vec![
        CLOCK,
        RESET,
        (true, "sample_i", "sample"),
        (true, "sample_last_i", "sample_last"),
        (true, "sample_array_i", "sample_array"),
        (true, "sample_read_i", "sample_read"),
        (true, "voltage_i", or(v.noise, "noisy_voltage", "voltage")),
        (true, "edge_read_o", "edge_read"),
        (true, "edge_address_o", "edge_address"),
        (true, "edge_i", "edge_word"),
        (true, "converted_o", "converted"),
        (true, "code_valid_o", "code_valid"),
        (true, "code_read_o", "code_read"),
        (true, "code_o", "code"),
    ];
    let name = if analog.sense { "sense_amp" } else { "column_adc" };
    parts.push(shared(&library::converters(design, analog), name, converters));
    let nothing = format!("{}'d0", v.count_width);
    let value = vec![
        CLOCK,
        (true, "layer_i", or(a.value_layers, "layer", "1'b0")),
        (true, "code_valid_i", "code_valid"),
        (true, "code_read_i", "code_read"),
        (true, "code_i", "code"),
        (true, "reference_i", or(v.subtracts, "reference", &nothing)),
        (true, "count_o", "count"),
    ];
    parts.push(shared(&library::code_value(design, analog), "code_value", value));
    parts
}

/// Where the arrays of the group at the door begin.
fn first_array(v: &View) -> [Instance; 2] {
    let table = vec![(true, "group_i", "array_group"), (true, "first_array_o", "first_array")];
    let group = all_groups(v, "array_group", "frame_start", "door_valid & door_group_last");
    [group, instance("array_program", table)]
}

fn reader(design: &Design, analog: &Analog, v: &View, a: &AnalogView) -> Instance {
    let drawn = design.layers.get(design.first_drawn()).and_then(|layer| layer.readout.as_ref());
    let first_again = drawn.map_or(0, |readout| readout.group_arrays[0]);
    let first_again = format!("{}'d{first_again}", a.array_width);
    let (any_array, all_rows) = (format!("{}'d0", a.array_width), format!("{{{}{{1'b1}}}}", v.rows));
    let ports = vec![
        CLOCK,
        RESET,
        (true, "frame_start_i", "frame_start"),
        (true, "again_i", or(a.draws, "sample_end", "1'b0")),
        (true, "first_again_i", first_again.as_str()),
        (true, "door_valid_i", "door_valid"),
        (true, "door_tile_first_i", "door_tile_first"),
        (true, "door_pass_first_i", or(v.multi_pass, "door_pass_first", "1'b1")),
        (true, "door_group_last_i", or(v.multi_pass, "door_group_last", "1'b1")),
        (true, "first_array_i", or(a.first_arrays, "first_array", &any_array)),
        (true, "last_read_i", &a.last_read),
        (true, "last_word_i", &a.last_word),
        (true, "last_step_i", &a.last_step),
        (true, "unipolar_i", or(a.unipolar, "weighted", "1'b0")),
        (true, "ready_o", or(a.draws, "array_free", "array_ready")),
        (true, "row_i", "row"),
        (true, "enable_i", or(v.row_enable, "row_enable", &all_rows)),
        (true, "next_plane_o", or(v.serial_input, "next_plane", "unused_next_plane")),
        (true, "read_o", "cell_read"),
        (true, "cell_address_o", "cell_address"),
        (true, "array_o", or(a.draws, "unused_array", "array")),
        (true, "row_o", "step_row"),
        (true, "enable_o", or(a.row_enable, "step_enable", "unused_step_enable")),
        (true, "sum_valid_o", "step_valid"),
        (true, "sum_first_o", "step_first"),
        (true, "sample_o", "sample"),
        (true, "sample_array_o", or(a.draws, "unused_sample_array", "sample_array")),
        (true, "sample_read_o", "sample_read"),
        (true, "sample_last_o", or(a.draws, "read_last", "sample_last")),
    ];
    shared(&library::reader(design, analog, v.multi_pass), "array_reader", ports)
}

/// What the memory of the edges holds.
fn edges(analog: &Analog) -> String {
    match (analog.sense, analog.share) {
        (true, _) => "References of all arrays' sense amplifiers.".into(),
        (false, 1) => {
            format!("Edges of all arrays' converters: a word is {} of every column.", analog.edges_per_cycle)
        }
        (false, share) => format!(
            "Edges of all converters: a word is {} of every {share}th column, those of its neighbours follow.",
            analog.edges_per_cycle
        ),
    }
}
