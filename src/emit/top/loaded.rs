//! The program loader in the top module, and the way of its words into the memories.

use super::super::facts::bits;
use super::super::library::control;
use super::super::load::{self, Memory};
use super::super::program::Table;
use super::super::view::View;
use super::instances::{CLOCK, Connection, Instance, RESET, instance, low, shared};
use super::{Group, group};
use crate::design::Design;

/// Wires of the loader, and of what it tells of the network.
pub(super) fn wires(design: &Design, v: &View, memories: &[Memory]) -> Group {
    let mut loaded = group(
        "The program, on its way into the memories; the engine stands in reset where there is none.",
        vec![
            (true, 0, "engine_rst_n"),
            (true, 0, "engine_idle"),
            (true, 0, "program_loaded"),
            (true, 0, "load_error"),
            (true, 3, "load_cause"),
            (true, memories.len(), "load_write"),
            (true, most(memories, Memory::address), "load_address"),
            (true, most(memories, |memory| memory.width), "load_data"),
            (true, 0, "input_ready"),
            (true, 0, "written_valid"),
            (true, 0, "written_last"),
            (true, 32, "written_data"),
            (true, 0, "beat_ready"),
        ],
        vec![
            // A beat that is written goes before one of the stream.
            "wire beat_valid = written_valid | s_axis_program_tvalid;".into(),
            "wire beat_last = written_valid ? written_last : s_axis_program_tlast;".into(),
            "wire [31:0] beat_data = written_valid ? written_data : s_axis_program_tdata;".into(),
            "assign s_axis_program_tready = beat_ready & !written_valid;".into(),
            "assign engine_idle = !busy & !frame_waiting & !scores_waiting & !m_axis_tvalid;".into(),
            "assign s_axis_tready = input_ready & engine_rst_n;".into(),
        ],
    );
    several(&mut loaded, design, v);
    for (name, table) in own_tables(design, v) {
        let prefix = name.trim_end_matches("_program");
        let fields =
            table.fields.iter().map(|field| format!("[{}:0] {prefix}_{}", field.width - 1, field.name));
        loaded.wires.extend(fields);
    }
    loaded
}

/// Where frames come in several forms: the wires of the input units, of which the network's takes beats.
fn several(group: &mut Group, design: &Design, v: &View) {
    let forms = design.input_forms().len();
    if forms == 1 {
        return;
    }
    let (rows, driven) = (v.vector_bits, if v.input_counts { v.driven_width } else { 1 });
    let width = bits(forms - 1);
    for number in 0..forms {
        let name = load::input_prefix(number);
        let unused = if v.input_counts { "" } else { "unused_" };
        for wire in ["ready", "waiting", "error"] {
            group.wires.push(format!("{name}_{wire}"));
        }
        group.wires.push(format!("[{}:0] {name}_row", rows - 1));
        group.wires.push(format!("[{}:0] {unused}{name}_driven_rows", driven - 1));
        group.lines.push(format!("wire {name}_chosen = (network_form == {width}'d{number});"));
        group.lines.push(format!("wire {name}_valid = s_axis_tvalid & {name}_chosen;"));
        group.lines.push(format!("wire {name}_release = frame_release & {name}_chosen;"));
    }
    let each = |of: &dyn Fn(String) -> String| {
        (0..forms).map(|number| of(load::input_prefix(number))).collect::<Vec<_>>().join("\n      | ")
    };
    let masked =
        |bits: usize, wire: &str| each(&|name| format!("({{{bits}{{{name}_chosen}}}} & {name}_{wire})"));
    group.lines.extend([
        format!("assign input_ready = {};", each(&|name| format!("({name}_ready & {name}_chosen)"))),
        // A unit that is not chosen has no frames.
        format!("assign frame_waiting = {};", each(&|name| format!("{name}_waiting"))),
        format!("assign frame_error = {};", each(&|name| format!("{name}_error"))),
        format!("assign input_row = {};", masked(rows, "row")),
    ]);
    if v.input_counts {
        group.lines.push(format!("assign input_driven_rows = {};", masked(driven, "driven_rows")));
    }
}

/// The tables that only loadable machines have.
fn own_tables(design: &Design, v: &View) -> [(&'static str, Table); 2] {
    [
        ("layer_program", load::layer_table(design, v, design)),
        ("network_program", load::network_table(design, v, design)),
    ]
}

fn most(memories: &[Memory], of: fn(&Memory) -> usize) -> usize {
    memories.iter().map(of).max().unwrap_or(1)
}

/// The loader, of the machine of that number, and the tables of layers and of the network.
pub(super) fn instances(design: &Design, v: &View, memories: &[Memory], number: u32) -> Vec<Instance> {
    let ports = vec![
        CLOCK,
        RESET,
        (true, "s_axis_program_tdata", "beat_data"),
        (true, "s_axis_program_tvalid", "beat_valid"),
        (true, "s_axis_program_tready", "beat_ready"),
        (true, "s_axis_program_tlast", "beat_last"),
        (true, "idle_i", "engine_idle"),
        (true, "engine_rst_no", "engine_rst_n"),
        (true, "loaded_o", "program_loaded"),
        (true, "error_o", "load_error"),
        (true, "cause_o", "load_cause"),
        (true, "write_o", "load_write"),
        (true, "address_o", "load_address"),
        (true, "data_o", "load_data"),
    ];
    let mut parts = vec![shared(&control::loader(memories, number), "loader", ports)];
    for (name, table) in own_tables(design, v).into_iter().filter(|(_, table)| !table.fields.is_empty()) {
        let prefix = name.trim_end_matches("_program");
        let mut ports: Vec<(String, String)> =
            table.inputs.iter().map(|(port, _)| (port.to_string(), "layer".into())).collect();
        let fields = table.fields.iter();
        ports.extend(fields.map(|field| (format!("{}_o", field.name), format!("{prefix}_{}", field.name))));
        let ports = ports.iter().map(|(port, wire)| (true, port.as_str(), wire.as_str())).collect();
        parts.push(instance(name, ports));
    }
    parts
}

/// Leads the loader's words to the memories among `parts`, and its reset to the engine.
pub(super) fn connect(parts: &mut [Instance], memories: &[Memory]) {
    let (address, data) = (most(memories, Memory::address), most(memories, |memory| memory.width));
    for part in parts {
        let engine = !["loader", "registers"].contains(&part.name);
        for port in &mut part.ports {
            match port.port.as_str() {
                "rst_ni" if engine => port.wire = "engine_rst_n".into(),
                "s_axis_tready" if part.name == "input_unit" => port.wire = "input_ready".into(),
                _ => {}
            }
        }
        let name = match part.name {
            "threshold_unit" => "thresholds",
            "weight_memory" => "weights",
            name => name,
        };
        let Some(number) = memories.iter().position(|memory| memory.name == name) else { continue };
        let memory = &memories[number];
        let wires = [
            format!("load_write[{number}]"),
            low("load_address", address, memory.address()),
            low("load_data", data, memory.width),
        ];
        let names = match name {
            "thresholds" => ["load_i", "load_address_i", "load_data_i"],
            _ => ["write_i", "write_address_i", "write_data_i"],
        };
        part.ports.retain(|port| !names.contains(&port.port.as_str()));
        if !part.ports.iter().any(|port| port.port == "clk_i") {
            part.ports.insert(0, connection("clk_i", "clk_i".into()));
        }
        let at = 1 + usize::from(part.ports.iter().any(|port| port.port == "rst_ni"));
        for (port, wire) in names.iter().zip(wires).rev() {
            part.ports.insert(at, connection(port, wire));
        }
    }
}

fn connection(port: &str, wire: String) -> Connection {
    Connection { port: port.into(), wire, comma: "," }
}
