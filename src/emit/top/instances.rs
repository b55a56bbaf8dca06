//! The parts of the top module: every instance with its named connections.

use super::super::facts::bits;
use super::super::library::core::Products;
use super::super::library::{Head, array, control, core, memories, stream};
use super::super::load;
use super::super::view::View;
use crate::design::machine::MOST_FORMS;
use crate::design::{Design, InputForm, InputKind};

pub(super) struct Instance {
    /// The module, with its parameters where it has any; one of the design's own without its prefix.
    module: String,
    own: bool,
    pub name: &'static str,
    /// Comment above it; may be empty.
    pub note: String,
    pub ports: Vec<Connection>,
}

pub(super) struct Connection {
    pub port: String,
    pub wire: String,
    pub comma: &'static str,
}

/// An instance of a module of this design; `ports` are (exists, port, wire).
pub(super) fn instance(module: &'static str, ports: Vec<(bool, &str, &str)>) -> Instance {
    Instance { own: true, ..connected(module.into(), module, ports) }
}

/// An instance of a module of the library.
pub(super) fn shared(head: &Head, name: &'static str, ports: Vec<(bool, &str, &str)>) -> Instance {
    connected(head.at(2), name, ports)
}

fn connected(module: String, name: &'static str, ports: Vec<(bool, &str, &str)>) -> Instance {
    let ports: Vec<(&str, &str)> =
        ports.into_iter().filter(|port| port.0).map(|(_, port, wire)| (port, wire)).collect();
    let last = ports.len() - 1;
    let ports = ports
        .iter()
        .enumerate()
        .map(|(index, (port, wire))| Connection {
            port: (*port).into(),
            wire: (*wire).into(),
            comma: if index == last { "" } else { "," },
        })
        .collect();
    Instance { module, own: false, name, note: String::new(), ports }
}

impl Instance {
    /// Name of the module in a design whose own names begin with `prefix`.
    pub fn of(&self, prefix: &str) -> String {
        if self.own { format!("{prefix}_{}", self.module) } else { self.module.clone() }
    }

    /// The same under another name than its module's.
    pub fn called(self, name: &'static str) -> Instance {
        Instance { name, ..self }
    }

    /// The lines above it.
    pub fn lead(&self) -> String {
        if self.note.is_empty() { String::new() } else { format!("\n  // {}", self.note) }
    }

    /// The same with a comment above it.
    pub fn noting(self, note: String) -> Instance {
        Instance { note, ..self }
    }
}

/// `wire` where it is there, else `other`.
pub(super) fn or<'a>(there: bool, wire: &'a str, other: &'a str) -> &'a str {
    if there { wire } else { other }
}

pub(super) const CLOCK: (bool, &str, &str) = (true, "clk_i", "clk_i");
pub(super) const RESET: (bool, &str, &str) = (true, "rst_ni", "rst_ni");

pub(super) fn registers(design: &Design, v: &View) -> Instance {
    let mut ports = vec![CLOCK, RESET];
    for name in [
        "s_axil_awaddr",
        "s_axil_awvalid",
        "s_axil_awready",
        "s_axil_wdata",
        "s_axil_wstrb",
        "s_axil_wvalid",
        "s_axil_wready",
        "s_axil_bresp",
        "s_axil_bvalid",
        "s_axil_bready",
        "s_axil_araddr",
        "s_axil_arvalid",
        "s_axil_arready",
        "s_axil_rdata",
        "s_axil_rresp",
        "s_axil_rvalid",
        "s_axil_rready",
    ] {
        ports.push((true, name, name));
    }
    let layers = if v.loadable { "network_layers".into() } else { format!("10'd{}", v.layers) };
    let drawn = v.drawn.is_some();
    ports.extend([
        (true, "layers_i", layers.as_str()),
        (true, "frame_wanted_o", "frame_wanted"),
        (true, "last_plane_o", "wanted_last_plane"),
        (true, "seed_o", or(v.noise, "noise_seed", or(drawn, "seed", "unused_seed"))),
        (true, "last_sample_o", or(drawn, "wanted_last_sample", "unused_wanted_sample")),
        (true, "flips_o", or(drawn, "flips", "unused_flips")),
        (true, "frame_start_i", "frame_start"),
        (true, "frame_done_i", "frame_done"),
        (true, "busy_i", "busy"),
        (true, "frame_waiting_i", "frame_waiting"),
        (true, "scores_waiting_i", "scores_waiting"),
        (true, "frame_error_i", "frame_error"),
        (true, "layer_done_i", "layer_done"),
        (true, "layer_i", "layer"),
        (true, "layer_cycles_i", "layer_cycles"),
        (true, "loaded_i", or(v.loadable, "program_loaded", "1'b0")),
        (true, "load_error_i", or(v.loadable, "load_error", "1'b0")),
        (true, "load_cause_i", or(v.loadable, "load_cause", "3'd0")),
        (true, "program_valid_o", or(v.loadable, "written_valid", "unused_program_valid")),
        (true, "program_last_o", or(v.loadable, "written_last", "unused_program_last")),
        (true, "program_data_o", or(v.loadable, "written_data", "unused_program_data")),
    ]);
    shared(&control::registers(design), "registers", ports)
}

/// What the pipe tells of a vector, by place: the wire, and whether the design looks at it.
pub(super) fn travellers(v: &View) -> Vec<(&'static str, bool)> {
    let (stored, analog) = (v.accumulator_depth > 0, v.analog.is_some());
    let mut all = Vec::new();
    match analog {
        true => all.extend([
            ("door_tile_first", true),
            ("door_pass_first", v.multi_pass),
            ("door_group_last", v.multi_pass),
        ]),
        false => {
            all.extend([("fetch_valid", stored), ("fetch_block_last", stored), ("stored_valid", stored)])
        }
    }
    all.extend([
        ("count_first", v.accumulates),
        ("count_plane", v.plane_width + v.bit_width > 0),
        ("result_window_last", v.pools),
        ("result_row_last", v.row_ends),
        ("result_group_last", v.group_ends),
    ]);
    all
}

/// The plane of the weights and the plane of bits of the map, which travel as one number.
fn plane_and_bit(v: &View, plane: &str, bit: &str) -> String {
    match (v.plane_width > 0, v.bit_width > 0) {
        (true, true) => format!("{{{bit}, {plane}}}"),
        (false, true) => bit.into(),
        (_, false) => plane.into(),
    }
}

pub(super) fn vector_pipe(design: &Design, v: &View) -> Instance {
    let analog = v.analog.is_some();
    let outs: Vec<(String, String)> = travellers(v)
        .iter()
        .map(|&(name, there)| {
            let wire = match name {
                _ if !there => format!("unused_{name}"),
                "count_plane" => plane_and_bit(v, "count_plane", "count_map_bit"),
                _ => name.into(),
            };
            (format!("{name}_o"), wire)
        })
        .collect();
    let plane = plane_and_bit(v, "plane", "map_bit");
    // A vector input has no walk: it is all of its window and of its row.
    let walked = |wire| if v.has_walk { wire } else { "1'b1" };
    let mut ports = vec![
        CLOCK,
        RESET,
        (true, "issue_valid_i", "issue_valid"),
        (true, "tile_first_i", "tile_first"),
        (analog, "pass_first_i", "pass_first"),
        (true, "plane_i", &plane),
        (true, "sum_first_i", "sum_first"),
        (true, "sum_last_i", "sum_last"),
        (!analog, "block_last_i", "block_last"),
        (true, "window_last_i", walked("window_last")),
        (true, "row_last_i", walked("row_last")),
        (true, "group_last_i", "group_last"),
        (true, "layer_last_i", "layer_last"),
        (true, "advance_o", "advance"),
        (!analog, "tile_ready_i", "tile_ready"),
        (!analog, "tile_swap_o", "tile_swap"),
        (analog, "array_ready_i", "array_ready"),
        (true, "door_valid_o", "door_valid"),
        (analog, "sampled_i", "sampled"),
        (analog, "converted_i", "converted"),
        (true, "count_valid_o", "count_valid"),
        (true, "count_group_last_o", or(v.follows_groups(), "count_group_last", "unused_count_group_last")),
        (true, "accumulated_valid_o", or(v.state, "accumulated_valid", "unused_accumulated_valid")),
        (true, "entry_valid_o", "entry_valid"),
        (true, "entry_group_last_o", "entry_group_last"),
        (true, "sum_valid_o", "sum_valid"),
        (true, "result_valid_o", "result_valid"),
        (true, "layer_drained_o", "layer_drained"),
        (true, "layer_done_o", "layer_done"),
    ];
    ports.extend(outs.iter().map(|(port, wire)| (true, port.as_str(), wire.as_str())));
    shared(&control::vector_pipe(design, v.plane_width + v.bit_width), "vector_pipe", ports)
}

/// The low bits of a wire where it is wider than the port.
pub(super) fn low(name: &str, width: usize, port: usize) -> String {
    if width > port && port > 0 { format!("{name}[{}:0]", port - 1) } else { name.into() }
}

/// The port of a constant, and what stands there: its value, or what the network that is loaded says.
pub(super) fn said(v: &View, unit: &str, constant: &stream::Constant) -> (String, String) {
    let value = match v.loadable {
        true => format!("network_{unit}_{}", constant.name),
        false => constant.text.clone(),
    };
    (format!("{}_i", constant.name), value)
}

/// The input units: one; of a machine whose networks' frames come in several forms, one a form.
pub(super) fn input_units(design: &Design, v: &View) -> Vec<Instance> {
    const NAMES: [&str; MOST_FORMS] = ["input_unit_0", "input_unit_1", "input_unit_2", "input_unit_3"];
    let forms = design.input_forms();
    match &forms[..] {
        [form] => vec![input_unit(design, v, form, 0, false)],
        _ => {
            let unit = |(number, form)| input_unit(design, v, form, number, true).called(NAMES[number]);
            forms.iter().enumerate().map(unit).collect()
        }
    }
}

/// The input unit of a form; where it is one of `several`, its wires are its own.
fn input_unit(design: &Design, v: &View, form: &InputForm, number: usize, several: bool) -> Instance {
    let driven = if v.input_counts { v.driven_width } else { 0 };
    let unit = stream::input(design, form, Some(design).filter(|_| !several), driven, v.input_last_taps);
    let prefix = load::input_prefix(number);
    let told: Vec<(String, String)> = unit.constants.iter().map(|one| said(v, &prefix, one)).collect();
    let (kernel_rows, depth) = match form.unit.kind {
        InputKind::Window { kernel, depth, .. } => (kernel.0, depth),
        InputKind::Vector { .. } => (0, 1),
    };
    let address = low("walk_address", v.walk_width, bits(depth - 1).max(1));
    let bank = match kernel_rows > 1 {
        true => low("walk_bank", v.walk_bank_width, bits(kernel_rows - 1)),
        false => "1'b0".into(),
    };
    let pass = match form.passes > 1 {
        true => low("pass", v.pass_width, bits(form.passes - 1)),
        false => "1'b0".into(),
    };
    let own = |name: &str, alone: &str| if several { format!("{prefix}_{name}") } else { alone.to_string() };
    let driven_rows = match (several, v.input_counts) {
        (true, true) => format!("{prefix}_driven_rows"),
        (true, false) => format!("unused_{prefix}_driven_rows"),
        (false, counts) => or(counts, "input_driven_rows", "unused_input_driven_rows").into(),
    };
    let data = low("s_axis_tdata", v.stream_bits, form.unit.stream_bits);
    let valid = own("valid", "s_axis_tvalid");
    let (ready, waiting) = (own("ready", "s_axis_tready"), own("waiting", "frame_waiting"));
    let (release, error, row) =
        (own("release", "frame_release"), own("error", "frame_error"), own("row", "input_row"));
    let mut ports = vec![CLOCK, RESET];
    ports.extend(told.iter().map(|(port, value)| (true, port.as_str(), value.as_str())));
    ports.extend([
        (true, "s_axis_tdata", data.as_str()),
        (true, "s_axis_tvalid", &valid),
        (true, "s_axis_tready", &ready),
        (true, "s_axis_tlast", "s_axis_tlast"),
        (true, "frame_waiting_o", &waiting),
        (true, "frame_release_i", &release),
        (true, "frame_error_o", &error),
        (true, "advance_i", "advance"),
        (kernel_rows > 0, "walk_address_i", &address),
        (kernel_rows > 0, "walk_bank_i", &bank),
        (true, "pass_i", &pass),
        (true, "driven_rows_o", &driven_rows),
        (true, "row_o", &row),
    ]);
    shared(&unit.head, "input_unit", ports)
}

pub(super) fn map_memory(design: &Design) -> Instance {
    let ports = vec![
        CLOCK,
        (true, "read_i", "advance"),
        (true, "read_address_i", "read_address"),
        (true, "read_data_o", "read_data"),
        (true, "write_i", "map_write"),
        (true, "write_address_i", "map_write_address"),
        (true, "write_data_i", "map_write_data"),
    ];
    shared(&memories::map(design), "map_memory", ports)
}

pub(super) fn row_driver(design: &Design, v: &View) -> Instance {
    let (zeros, ones) = (format!("{{{}{{1'b0}}}}", v.rows), format!("{{{}{{1'b1}}}}", v.rows));
    let undriven = format!("{{{}{{1'b0}}}}", v.banks);
    let ports = vec![
        CLOCK,
        (true, "load_i", "door_valid"),
        (true, "next_plane_i", if v.serial_input { "next_plane" } else { "1'b0" }),
        (true, "from_input_i", if v.has_map { "input_layer" } else { "1'b1" }),
        (true, "input_row_i", "input_row"),
        (true, "map_row_i", if v.has_map { "map_row" } else { &zeros }),
        (true, "kept_i", if v.masks_rows { "kept" } else { &ones }),
        (true, "map_driven_i", if v.row_enable { "map_driven" } else { &undriven }),
        (true, "enable_o", if v.row_enable { "row_enable" } else { "unused_row_enable" }),
        (true, "row_o", "row"),
    ];
    shared(&array::row_driver(design), "row_driver", ports)
}

pub(super) fn weight_memory(design: &Design) -> Instance {
    let memory = memories::weights(design);
    let memory = match design.loadable() {
        false => rom(&memory, "weight_memory", ["weight_read", "weight_address", "weight_word"]),
        true => {
            let ports = [
                CLOCK,
                (true, "read_i", "weight_read"),
                (true, "read_address_i", "weight_address"),
                (true, "read_data_o", "weight_word"),
            ];
            shared(&memory, "weight_memory", ports.into())
        }
    };
    memory.noting(format!(
        "Weights in the order of use: {} rows x {} columns a word.",
        design.weight_rows, design.lanes
    ))
}

/// A memory that is read only; `wires` are read, address and data.
pub(super) fn rom(head: &Head, name: &'static str, wires: [&str; 3]) -> Instance {
    let [read, address, data] = wires;
    let ports = vec![CLOCK, (true, "read_i", read), (true, "address_i", address), (true, "data_o", data)];
    shared(head, name, ports)
}

pub(super) fn cim_array(v: &View) -> Instance {
    let ports = vec![
        CLOCK,
        (true, "write_i", "shadow_write"),
        (true, "weight_i", or(v.drawn.is_some(), "drawn_word", "weight_word")),
        (true, "swap_i", "tile_swap"),
        (v.planes > 1, "weighted_i", "weighted"),
        (true, "row_i", "row"),
        (v.row_enable, "enable_i", "row_enable"),
        (true, "count_o", "count"),
    ];
    instance("cim_array", ports)
}

pub(super) fn accumulator(design: &Design, v: &View) -> Instance {
    let products = Products {
        driven: if v.counts_driven { v.driven_width } else { 0 },
        shift: if v.scales { v.shift_width } else { 0 },
        scale: if v.scales { v.scale_width } else { 0 },
    };
    let stored = v.accumulator_depth > 0;
    let all_lanes = format!("{{{}{{1'b1}}}}", v.lanes);
    let ports = vec![
        CLOCK,
        RESET,
        (
            true,
            "in_register_i",
            match (v.mixed_register, v.loadable) {
                (true, true) => "layer_in_register",
                (true, false) => "in_register",
                (false, _) => or(stored, "1'b0", "1'b1"),
            },
        ),
        (true, "fetch_valid_i", or(stored, "fetch_valid", "1'b0")),
        (true, "fetch_block_last_i", or(stored, "fetch_block_last", "1'b0")),
        (
            true,
            "driven_rows_i",
            match (v.counts_driven, v.input_driven) {
                (false, _) => "1'b0",
                (true, true) => "driven_rows",
                (true, false) => "map_driven_rows",
            },
        ),
        (true, "weighted_i", or(v.counts_driven && v.weighted, "weighted", "1'b0")),
        (true, "count_valid_i", "count_valid"),
        (true, "count_first_i", or(v.accumulates, "count_first", "1'b1")),
        (true, "count_i", "count"),
        (true, "scale_i", or(v.scales, "scale", "1'b0")),
        (true, "lanes_i", or(v.masks_lanes, "kept_lanes", &all_lanes)),
        (true, "stored_valid_i", or(stored, "stored_valid", "1'b0")),
        (true, "sum_o", or(v.state, "accumulated", "sum")),
    ];
    shared(&core::accumulator(design, products), "accumulator", ports)
}

/// What the plane at the count is worth.
pub(super) fn plane_program(v: &View) -> Instance {
    let scale = if v.shift_width > 0 { "shift_o" } else { "scale_o" };
    let ports = vec![
        (v.many_layers, "layer_i", "layer"),
        (v.plane_width > 0, "plane_i", "count_plane"),
        (v.bit_width > 0, "bit_i", "count_map_bit"),
        (true, scale, "scale"),
    ];
    instance("plane_program", ports)
}

/// Counts the groups of all layers, as `name`, from 0 with `clear` on and one on with `step`.
pub(super) fn all_groups(v: &View, name: &'static str, clear: &str, step: &str) -> Instance {
    let last = format!("{}'d{}", v.all_group_width, v.all_groups - 1);
    let unused = format!("unused_last_{name}");
    let ports = vec![
        CLOCK,
        RESET,
        (true, "clear_i", clear),
        (true, "step_i", step),
        (true, "last_i", last.as_str()),
        (true, "value_o", name),
        (true, "last_o", unused.as_str()),
    ];
    shared(&core::counter(v.all_groups), name, ports)
}

/// The group of all layers that is counted.
pub(super) fn count_group(v: &View) -> Instance {
    all_groups(v, "count_group", "1'b0", "count_valid & count_group_last")
}

/// Lanes that the plane at the count adds to.
pub(super) fn lane_program(v: &View) -> Instance {
    let ports = vec![
        (v.all_groups > 1, "group_i", "count_group"),
        (true, "plane_i", "count_plane"),
        (true, "kept_o", "kept_lanes"),
    ];
    instance("lane_program", ports)
}
