//! The units that run through the loops of a layer: sequencer, walk, weight loader, and the tables that tell them.

use super::instances::{CLOCK, Instance, RESET, instance, low, or, shared};
use crate::design::Design;
use crate::design::width::index as index_width;
use crate::emit::facts::{Loops, skips};
use crate::emit::gather::{self, Gather};
use crate::emit::library::core;
use crate::emit::planes::{groups, passes, rows, spans};
use crate::emit::program::{Table, literal};
use crate::emit::view::View;
use crate::emit::walk::{Walk, load_table, step_ports, walk_table};

/// The tables that tell one unit. Their outputs are wires of the top module that begin with `prefix`.
pub(super) struct Told {
    prefix: &'static str,
    /// Instance and table.
    tables: Vec<(&'static str, Table)>,
    /// Wires of layer, group, plane and pass, by which the tables are asked.
    keys: [&'static str; 4],
}

impl Told {
    /// What the sequencer, the walk and the gather unit are told.
    pub fn walk(design: &Design, view: &View) -> Told {
        let mut tables = vec![("walk_program", walk_table(design, view, design))];
        if view.has_map {
            tables.extend(gather::tables(design, view, design));
        }
        if view.masks_rows {
            tables.push(("mask_program", rows(design, view)));
        }
        if skips(design) {
            tables.push(("walk_pass_program", passes(design, view)));
            tables.push(("walk_group_program", groups(design, view)));
        }
        Told::new("walk", tables, ["walk_layer", "group", "plane", "pass"])
    }

    /// What the weight loader is told.
    pub fn load(design: &Design, view: &View) -> Told {
        let mut tables = vec![("load_program", load_table(design, view, design))];
        if skips(design) {
            tables.push(("load_pass_program", passes(design, view)));
            tables.push(("load_group_program", groups(design, view)));
            tables.push(("load_span_program", spans(design, view)));
        }
        Told::new("load", tables, ["load_layer", "load_group", "load_plane", "load_pass"])
    }

    fn new(prefix: &'static str, mut tables: Vec<(&'static str, Table)>, keys: [&'static str; 4]) -> Told {
        tables.retain(|(_, table)| !table.fields.is_empty());
        Told { prefix, tables, keys }
    }

    fn fields(&self) -> impl Iterator<Item = (&str, usize)> {
        self.tables
            .iter()
            .flat_map(|(_, table)| &table.fields)
            .map(|field| (field.name.as_str(), field.width))
    }

    fn wire(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }

    /// Width and name of all wires.
    pub fn wires(&self) -> Vec<(usize, String)> {
        self.fields().map(|(name, width)| (width, self.wire(name))).collect()
    }

    fn has(&self, name: &str) -> bool {
        self.fields().any(|field| field.0 == name)
    }

    /// What stands at an input of `width` bits: the field of its name, or what is the same for all layers.
    fn at(&self, name: &str, width: usize, always: usize) -> (String, String) {
        let wire = if self.has(name) { self.wire(name) } else { literal(width, always as i64) };
        (format!("{name}_i"), wire)
    }

    /// Whether some table has the input.
    fn asks(&self, input: &str) -> bool {
        self.tables.iter().any(|(_, table)| table.inputs.iter().any(|one| one.0 == input))
    }

    pub fn instances(&self) -> Vec<Instance> {
        let key = |port: &str| match port {
            "layer_i" => self.keys[0],
            "group_i" => self.keys[1],
            "plane_i" => self.keys[2],
            _ => self.keys[3],
        };
        let one = |(name, table): &(&'static str, Table)| {
            let inputs = table.inputs.iter().map(|&(port, _)| (port.to_string(), key(port).to_string()));
            let fields =
                table.fields.iter().map(|field| (format!("{}_o", field.name), self.wire(&field.name)));
            let ports: Vec<(String, String)> = inputs.chain(fields).collect();
            instance(table.module, borrowed(&ports)).called(name)
        };
        self.tables.iter().map(one).collect()
    }

    /// Inputs that both the sequencer and the weight loader have.
    fn loops(&self, design: &Design) -> Vec<(String, String)> {
        let loops = Loops::new(design);
        let (pass, plane) = (index_width(loops.passes), index_width(loops.planes));
        vec![
            self.at("last_group", index_width(loops.groups), 0),
            self.at("last_block", index_width(loops.blocks), 0),
            self.at("last_pass", pass, 0),
            self.at("layer_last_plane", plane, 0),
            self.at("pass_last", 1, 1),
            self.at("next_pass", pass, 0),
            self.at("following_plane", plane + 1, 0),
            self.at("first_pass", pass, 0),
        ]
    }
}

fn borrowed(ports: &[(String, String)]) -> Vec<(bool, &str, &str)> {
    ports.iter().map(|(port, wire)| (true, port.as_str(), wire.as_str())).collect()
}

fn last_layer(design: &Design) -> String {
    if design.loadable() {
        return "network_last_layer".into();
    }
    literal(design.widths.layer.max(1), design.layers.len() as i64 - 1)
}

/// The first layer that runs once a sample.
fn first_drawn(design: &Design) -> String {
    let first = design.ensemble.as_ref().map_or(0, |ensemble| ensemble.first);
    literal(design.widths.layer.max(1), first as i64)
}

/// The wire behind an output of the sequencer. (`bit` is a word of SystemVerilog.)
pub(super) fn sequencer_wire(output: &str, used: bool) -> String {
    let name = if output == "bit" { "map_bit" } else { output };
    if used { name.into() } else { format!("unused_{name}") }
}

/// An output of the sequencer, its bits (0: a single wire), and whether anything looks at it.
pub(super) fn outputs(design: &Design, v: &View, told: &Told) -> Vec<(&'static str, usize, bool)> {
    let loops = Loops::new(design);
    let analog = v.analog.is_some();
    vec![
        ("walk_layer", v.layer_width, v.many_layers),
        ("layer", v.layer_width, true),
        ("layer_start", 0, v.has_map),
        ("group", index_width(loops.groups), told.asks("group_i")),
        ("pass", index_width(loops.passes), told.asks("pass_i") || v.input_passes > 1),
        ("plane", index_width(loops.planes), true),
        ("last_plane", index_width(loops.planes), v.tells_planes),
        ("last_sample", v.sample_width(), v.drawn.is_some()),
        ("sample_first", 0, v.drawn.is_some()),
        ("sample_last", 0, v.drawn.is_some()),
        ("bit", v.bit_width.max(1), v.bit_width > 0),
        ("pass_first", 0, analog),
        ("block_last", 0, !analog),
        ("walk_start", 0, v.has_walk),
        ("walk_back", 0, v.has_walk),
        ("block_end", 0, v.has_walk),
    ]
}

pub(super) fn sequencer(design: &Design, v: &View, told: &Told) -> Instance {
    let pixel = index_width(Loops::new(design).pixels);
    let mut inputs = told.loops(design);
    inputs.push(told.at("last_pixel", pixel, 0));
    let last_block = match told.has("last_block_last_pixel") {
        true => told.at("last_block_last_pixel", pixel, 0),
        false => ("last_block_last_pixel_i".into(), told.at("last_pixel", pixel, 0).1),
    };
    inputs.push(last_block);
    inputs.push(told.at("one_sum", 1, 0));
    inputs.push(told.at("last_bit", v.bit_width.max(1), 0));
    let first_drawn = first_drawn(design);
    inputs.push(("last_layer_i".into(), last_layer(design)));
    let outputs: Vec<(String, String)> = outputs(design, v, told)
        .into_iter()
        .map(|(name, _, used)| (format!("{name}_o"), sequencer_wire(name, used)))
        .collect();
    let mut ports = vec![
        CLOCK,
        RESET,
        (true, "frame_ready_i", "frame_ready"),
        (true, "frame_start_o", "frame_start"),
        (true, "frame_done_o", "frame_done"),
        (true, "busy_o", "busy"),
        (true, "layer_drained_i", "layer_drained"),
        (true, "layer_done_i", "layer_done"),
        (true, "layer_cycles_o", "layer_cycles"),
        (true, "last_plane_i", "wanted_last_plane"),
        (true, "first_drawn_i", first_drawn.as_str()),
        (true, "last_sample_i", or(v.drawn.is_some(), "wanted_last_sample", "1'b0")),
    ];
    ports.extend(borrowed(&inputs));
    ports.extend([
        (true, "advance_i", "advance"),
        (true, "issue_valid_o", "issue_valid"),
        (true, "tile_first_o", "tile_first"),
        (true, "sum_first_o", "sum_first"),
        (true, "sum_last_o", "sum_last"),
        (true, "group_last_o", "group_last"),
        (true, "layer_last_o", "layer_last"),
    ]);
    ports.extend(borrowed(&outputs));
    shared(&core::sequencer(design), "sequencer", ports)
}

/// Outputs of the walk, and whether anything looks at them.
pub(super) fn walk_outputs(walk: &Walk, v: &View) -> Vec<(&'static str, &'static str, usize, bool)> {
    vec![
        ("address_o", "walk_address", walk.address, true),
        ("bank_o", "walk_bank", index_width(walk.banks), v.walk_bank_width > 0),
        ("map_row_o", "window_row", walk.coordinate, v.pads_rows),
        ("map_column_o", "window_column", walk.coordinate, v.pads_columns),
        ("window_last_o", "window_last", 0, true),
        ("row_last_o", "row_last", 0, true),
    ]
}

pub(super) fn walk(design: &Design, v: &View, told: &Told) -> Instance {
    let walk = Walk::new(design, v);
    let mut inputs = vec![
        told.at("last_window_column", index_width(walk.window.1), 0),
        told.at("last_window_row", index_width(walk.window.0), 0),
        told.at("last_column", index_width(walk.columns), 0),
        told.at("banks", index_width(walk.banks) + 1, walk.all_banks.unwrap_or(0)),
        told.at("turn", walk.address, walk.all_turn.unwrap_or(0)),
    ];
    inputs.extend(step_ports(&walk).iter().map(|(name, width)| told.at(name, *width, 0)));
    let unused = |(port, wire, _, used): (&str, &str, usize, bool)| {
        (port.to_string(), if used { wire.to_string() } else { format!("unused_{wire}") })
    };
    let outputs: Vec<(String, String)> = walk_outputs(&walk, v).into_iter().map(unused).collect();
    let mut ports = vec![
        CLOCK,
        (true, "start_i", "walk_start"),
        (true, "step_i", "advance"),
        (true, "back_i", "walk_back"),
        (true, "block_end_i", "block_end"),
    ];
    ports.extend(borrowed(&inputs));
    ports.extend(borrowed(&outputs));
    shared(&core::walk(&walk), "walk", ports)
}

pub(super) fn support_mask(v: &View, told: &Told) -> Instance {
    let inputs = [told.at("kept", v.rows, 0), told.at("kept_rows", 1, 0), told.at("driven_rows", 1, 0)];
    let kept_rows = or(v.has_map && v.counts_driven, "kept_rows", "unused_kept_rows");
    let driven = or(v.input_driven, "input_driven_rows", "unused_kept_driven_rows");
    let mut ports = vec![CLOCK, (true, "advance_i", "advance")];
    ports.extend(borrowed(&inputs));
    ports.extend([
        (true, "kept_o", "kept"),
        (true, "kept_rows_o", kept_rows),
        (true, "driven_rows_o", driven),
    ]);
    shared(&core::support_mask(v), "support_mask", ports)
}

pub(super) fn gather(design: &Design, v: &View, told: &Told) -> Instance {
    let gather = Gather::new(design, v);
    let of_slots = |name: &str, width: usize, bit: u8| match told.has(name) {
        true => (format!("{name}_i"), told.wire(name)),
        false => (format!("{name}_i"), format!("{{{}{{1'b{bit}}}}}", v.banks * width)),
    };
    let offset = match gather.one_offset && told.has("offset") {
        true => ("offset_i".into(), format!("{{{}{{{}}}}}", v.banks, told.wire("offset"))),
        false => of_slots("offset", gather.offset, 0),
    };
    let coordinate = if v.pads { v.coordinate_width } else { 1 };
    let ones = format!("{{{}{{1'b1}}}}", v.word);
    let kept = match v.masks_rows && v.counts_driven {
        true => "kept_rows".into(),
        false => format!("{{{}{{1'b0}}}}", v.banks),
    };
    let inputs = [
        offset,
        of_slots("used", 1, 1),
        of_slots("kernel_row", index_width(gather.rows.len()), 0),
        of_slots("kernel_column", index_width(gather.columns.len()), 0),
        of_slots("partial", 1, 0),
        told.at("padded", 1, 0),
        told.at("zero_padding", 1, gather.all_zero.into()),
        told.at("plus_padding", 1, gather.all_plus.into()),
        told.at("map_rows", coordinate, 0),
        told.at("map_columns", coordinate, 0),
        told.at("last_channels", gather.channels, 0),
        ("channel_mask_i".into(), if told.has("channel_mask") { told.wire("channel_mask") } else { ones }),
        ("kept_rows_i".into(), kept),
    ];
    let address = low("walk_address", v.walk_width, v.map_width);
    let bank = match v.rotates {
        true => low("walk_bank", v.walk_bank_width, v.bank_width),
        false => format!("{}'d0", v.bank_width.max(1)),
    };
    let place = |there: bool, wire: &str| if there { wire.into() } else { format!("{coordinate}'d0") };
    let (row, column) = (place(v.pads_rows, "window_row"), place(v.pads_columns, "window_column"));
    let mut ports = vec![
        CLOCK,
        (true, "advance_i", "advance"),
        (true, "walk_address_i", &address),
        (true, "walk_bank_i", &bank),
        (true, "bit_i", or(v.bit_width > 0, "map_bit", "1'b0")),
        (true, "window_row_i", &row),
        (true, "window_column_i", &column),
    ];
    ports.extend(borrowed(&inputs));
    ports.extend([
        (true, "read_address_o", "read_address"),
        (true, "read_data_i", "read_data"),
        (true, "row_o", "map_row"),
        (true, "driven_o", if v.row_enable { "map_driven" } else { "unused_map_driven" }),
        (true, "driven_rows_o", if v.counts_driven { "map_driven_rows" } else { "unused_map_driven_rows" }),
    ]);
    shared(&core::gather(v, &gather), "gather", ports)
}

/// Outputs of the weight loader by which its tables are asked, and whether they are.
pub(super) fn load_outputs(design: &Design, v: &View, told: &Told) -> Vec<(&'static str, usize, bool)> {
    let loops = Loops::new(design);
    vec![
        ("load_layer", v.layer_width, v.many_layers),
        ("load_group", index_width(loops.groups), told.asks("group_i")),
        ("load_pass", index_width(loops.passes), skips(design) && loops.passes > 1),
        ("load_plane", index_width(loops.planes), skips(design)),
    ]
}

pub(super) fn weight_loader(design: &Design, v: &View, told: &Told) -> Instance {
    let loops = Loops::new(design);
    let (word, plane) = (index_width(loops.words), index_width(loops.planes));
    let mut inputs = told.loops(design);
    inputs.push(told.at("group_words", v.weight_address_width, 0));
    inputs.push(told.at("last_pass_last_word", word, 0));
    let last_word = match told.has("last_word") {
        true => told.at("last_word", word, 0).1,
        false => told.at("last_pass_last_word", word, 0).1,
    };
    inputs.push(("last_word_i".into(), last_word));
    let last_plane = if v.plane_width > 0 { "last_plane".into() } else { format!("{plane}'d0") };
    inputs.push(("last_plane_i".into(), last_plane));
    inputs.push(("last_layer_i".into(), last_layer(design)));
    let drawn = v.drawn.is_some();
    let (first_drawn, base) = (first_drawn(design), v.drawn.as_ref().map_or(0, |drawn| drawn.base));
    let drawn_address = literal(v.weight_address_width, base as i64);
    let outputs: Vec<(String, String)> = load_outputs(design, v, told)
        .into_iter()
        .map(|(wire, _, used)| {
            let port = wire.replace("load_", "");
            (format!("{port}_o"), if used { wire.into() } else { format!("unused_{wire}") })
        })
        .collect();
    let mut ports = vec![CLOCK, RESET];
    ports.extend(borrowed(&inputs));
    ports.extend(borrowed(&outputs));
    ports.extend([
        (true, "first_drawn_i", first_drawn.as_str()),
        (true, "last_sample_i", or(drawn, "last_sample", "1'b0")),
        (true, "drawn_address_i", drawn_address.as_str()),
        (true, "seeded_i", or(drawn, "seeded", "1'b0")),
        (true, "draw_layer_o", or(drawn, "draw_layer", "unused_draw_layer")),
        (true, "sample_start_o", or(drawn, "sample_start", "unused_sample_start")),
        (true, "group_start_o", or(drawn, "group_start", "unused_group_start")),
        (true, "group_again_o", or(drawn, "group_again", "unused_group_again")),
        (true, "draw_o", or(drawn, "draw", "unused_draw")),
        (true, "frame_start_i", "frame_start"),
        (true, "read_o", "weight_read"),
        (true, "address_o", "weight_address"),
        (true, "write_o", "shadow_write"),
        (true, "tile_ready_o", "tile_ready"),
        (true, "tile_swap_i", "tile_swap"),
    ]);
    shared(&core::weight_loader(design), "weight_loader", ports)
}
