//! The hardware library: modules that are the same text in every design, and what a design sets in them.
//!
//! The one list of its files, and a small record a module that turns what a design asks into parameters. Nothing else
//! writes a parameter of a library module.

pub(super) mod analog;
pub(super) mod array;
pub(super) mod control;
pub(super) mod core;
pub(super) mod memories;
pub(super) mod stream;

use super::NamedText;

/// A file of the library: one plain Verilog module without a template's directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Module {
    /// Name of the module and, with `.v`, of its file.
    pub name: &'static str,
    /// Folder of `templates/rtl`.
    pub room: &'static str,
    pub text: &'static str,
}

macro_rules! module {
    ($room:literal, $name:literal) => {
        Module {
            name: $name,
            room: $room,
            text: include_str!(concat!("../../../templates/rtl/", $room, "/", $name, ".v")),
        }
    };
}

/// Every module of the library.
pub const MODULES: &[Module] = &[
    module!("analog", "bincim_array_analog"),
    module!("analog", "bincim_array_draw"),
    module!("analog", "bincim_array_reader"),
    module!("analog", "bincim_code_value"),
    module!("analog", "bincim_column_adc"),
    module!("analog", "bincim_column_noise"),
    module!("analog", "bincim_draw_turn"),
    module!("analog", "bincim_drive_reference"),
    module!("array", "bincim_array_segment"),
    module!("array", "bincim_column_cells"),
    module!("array", "bincim_flip_step"),
    module!("array", "bincim_row_driver"),
    module!("array", "bincim_weight_noise"),
    module!("array", "bincim_weight_sampler"),
    module!("control", "bincim_analog_pipe"),
    module!("control", "bincim_loader"),
    module!("control", "bincim_most_register"),
    module!("control", "bincim_registers"),
    module!("control", "bincim_vector_pipe"),
    module!("core", "bincim_accumulator"),
    module!("core", "bincim_counter"),
    module!("core", "bincim_gather"),
    module!("core", "bincim_inside"),
    module!("core", "bincim_layer_counter"),
    module!("core", "bincim_level_code"),
    module!("core", "bincim_map_memory"),
    module!("core", "bincim_place"),
    module!("core", "bincim_rotate"),
    module!("core", "bincim_score_sum"),
    module!("core", "bincim_sequencer"),
    module!("core", "bincim_state"),
    module!("core", "bincim_state_level"),
    module!("core", "bincim_support_mask"),
    module!("core", "bincim_threshold"),
    module!("core", "bincim_tile_counter"),
    module!("core", "bincim_walk"),
    module!("core", "bincim_walk_counter"),
    module!("core", "bincim_weight_loader"),
    module!("core", "bincim_write_back"),
    module!("memory", "bincim_ram_1r1w"),
    module!("memory", "bincim_rom"),
    module!("memory", "bincim_store"),
    module!("memory", "bincim_table"),
    module!("stream", "bincim_input_frames"),
    module!("stream", "bincim_input_stream"),
    module!("stream", "bincim_input_vector"),
    module!("stream", "bincim_input_window"),
    module!("stream", "bincim_score_buffer"),
];

/// The library's files that `files` instantiate, themselves or through one another, in the order of the list.
pub(super) fn used(files: &[NamedText]) -> Vec<NamedText> {
    let mut found = vec![false; MODULES.len()];
    let mut texts: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
    while let Some(text) = texts.pop() {
        for (module, found) in MODULES.iter().zip(&mut found) {
            if !*found && text.contains(&format!("{} #(", module.name)) {
                *found = true;
                texts.push(module.text);
            }
        }
    }
    let used = MODULES.iter().zip(found).filter(|(_, found)| *found);
    used.map(|(module, _)| NamedText { name: format!("{}.v", module.name), text: module.text.into() })
        .collect()
}

/// A module with its parameters, as an instance begins; the instance's name follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Head {
    module: &'static str,
    parameters: Vec<(&'static str, String)>,
}

impl Head {
    fn new(module: &'static str) -> Head {
        Head { module, parameters: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: usize) -> Head {
        self.parameters.push((name, value.to_string()));
        self
    }

    /// One bit each, the first one lowest.
    fn with_bits(mut self, name: &'static str, bits: impl DoubleEndedIterator<Item = bool>) -> Head {
        let digits: String = bits.rev().map(|bit| if bit { '1' } else { '0' }).collect();
        self.parameters.push((
            name,
            if digits.is_empty() { "1'b0".into() } else { format!("{}'b{digits}", digits.len()) },
        ));
        self
    }

    /// An expression; its lines, where it has several, begin behind those of a parameter.
    fn with_value(mut self, name: &'static str, value: String) -> Head {
        self.parameters.push((name, value));
        self
    }

    fn with_text(mut self, name: &'static str, value: &str) -> Head {
        self.parameters.push((name, format!("\"{value}\"")));
        self
    }

    /// The text, for an instance that begins in column `indent`.
    pub fn at(&self, indent: usize) -> String {
        let blanks = " ".repeat(indent);
        let lines: Vec<String> =
            self.parameters.iter().map(|(name, value)| format!("{blanks}    .{name}({value})")).collect();
        format!("{} #(\n{}\n{blanks})", self.module, lines.join(",\n"))
    }
}
