//! Sequencer and gather unit: which vector is next, and from where its words come.

use super::program::{self, Field, Port, Table};
use super::view::{Edge, View, bits, is_input, layer_taps, taps};
use super::{NamedText, file};
use crate::design::{Design, LayerDesign, PadValue, Shape, SlotTap, Step};
use askama::Template;

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let walk = walk_table(design, view);
    let mut files = vec![sequencer(view, &walk)];
    if !walk.fields.is_empty() {
        files.push(program::module(&walk));
    }
    files.push(file("vector_pipe", &vector_pipe(view)));
    if view.has_map {
        files.extend(gather(design, view));
        files.push(file("map_memory", &MapMemory { v: view }));
        files.push(file("map_bank", &MapBank { v: view }));
    }
    files
}

/// Key of the tables that have one entry a layer.
pub(super) fn layer_key(view: &View) -> Vec<(&'static str, usize)> {
    if view.many_layers { vec![("layer_i", view.layer_width)] } else { Vec::new() }
}

/// Entries of a table with one entry a layer.
pub(super) fn layer_entries(design: &Design) -> Vec<(Vec<usize>, String)> {
    design.layers.iter().enumerate().map(|(index, layer)| (vec![index], comment(layer))).collect()
}

/// The layer's name in a comment, ASCII only.
pub(super) fn comment(layer: &LayerDesign) -> String {
    layer.name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).take(60).collect()
}

// ---------------------------------------------------------------------------------------------- sequencer

#[derive(Template)]
#[template(path = "rtl/sequencer.v", syntax = "verilog", escape = "none")]
struct Sequencer<'a> {
    v: &'a View,
    walk_fields: Vec<Port>,
    selects: Vec<Select>,
    walk_regs: Vec<Register>,
    counters: Vec<Register>,
}

/// A wire chosen by where a walk stands.
pub(super) struct Select {
    pub name: String,
    pub width: usize,
    pub expression: String,
}

struct Register {
    name: &'static str,
    width: usize,
    next: String,
}

/// What a walk carries along: name, width and the part of a step that moves it.
type Dimension = (&'static str, usize, fn(&LayerDesign, Stride) -> i64);

/// The four steps and the origin of a walk.
#[derive(Clone, Copy)]
enum Stride {
    Origin,
    WindowColumn,
    WindowRow,
    Column,
    Row,
}

fn step(layer: &LayerDesign, stride: Stride) -> Step {
    match stride {
        Stride::Origin => layer.walk.origin,
        Stride::WindowColumn => layer.walk.step_window_column,
        Stride::WindowRow => layer.walk.step_window_row,
        Stride::Column => layer.walk.step_column,
        Stride::Row => layer.walk.step_row,
    }
}

fn pixel_step(layer: &LayerDesign, stride: Stride) -> (i64, i64) {
    match stride {
        Stride::Origin => layer.walk.origin_pixel,
        Stride::WindowColumn => layer.walk.pixel_steps[0],
        Stride::WindowRow => layer.walk.pixel_steps[1],
        Stride::Column => layer.walk.pixel_steps[2],
        Stride::Row => layer.walk.pixel_steps[3],
    }
}

fn dimensions(view: &View) -> Vec<Dimension> {
    let mut all: Vec<Dimension> = Vec::new();
    if view.has_walk {
        all.push(("address", view.walk_width, |layer, stride| step(layer, stride).address));
    }
    if view.walk_bank_width > 0 {
        all.push(("bank", view.walk_bank_width, |layer, stride| step(layer, stride).bank as i64));
    }
    if view.pads_rows {
        all.push(("pad_row", view.coordinate_width, |layer, stride| pixel_step(layer, stride).0));
    }
    if view.pads_columns {
        all.push(("pad_column", view.coordinate_width, |layer, stride| pixel_step(layer, stride).1));
    }
    all
}

/// Steps that some layer takes: prefix of the field and the counter that must not have reached its end.
fn strides(view: &View) -> Vec<(Stride, &'static str, &'static str)> {
    let all = [
        (view.wc_width > 0, Stride::WindowColumn, "step_window_column_", "!window_column_last"),
        (view.wr_width > 0, Stride::WindowRow, "step_window_row_", "!window_row_last"),
        (true, Stride::Column, "step_column_", "!column_last"),
        (view.has_rows, Stride::Row, "step_row_", ""),
    ];
    all.into_iter().filter(|entry| entry.0).map(|(_, stride, prefix, last)| (stride, prefix, last)).collect()
}

fn walk_table(design: &Design, view: &View) -> Table {
    let layers = &design.layers;
    let mut fields = Vec::new();
    let mut add = |exists: bool, name, width, comment, value: &dyn Fn(&LayerDesign) -> i64| {
        if exists {
            fields.push(Field::new(name, width, comment, layers.iter().map(value)));
        }
    };
    let v = view;
    add(v.group_width > 0, "group_max", v.group_width, "groups - 1", &|l| l.groups as i64 - 1);
    add(v.block_width > 0, "block_max", v.block_width, "blocks - 1", &|l| l.blocks as i64 - 1);
    add(v.pass_width > 0, "pass_max", v.pass_width, "passes - 1", &|l| l.passes as i64 - 1);
    add(v.pixel_width > 0, "pixel_max", v.pixel_width, "pixels of a block - 1", &|l| l.block as i64 - 1);
    add(v.uneven_blocks, "pixel_max_last", v.pixel_width, "the same of the last block", &|l| {
        l.last_block as i64 - 1
    });
    add(v.sums_pixels, "sum_pixels", 1, "one result for all pixels", &|l| i64::from(l.sum_pixels));
    if v.has_walk {
        add(v.wc_width > 0, "window_column_max", v.wc_width, "pooling window", &|l| {
            l.walk.window.1 as i64 - 1
        });
        add(v.wr_width > 0, "window_row_max", v.wr_width, "", &|l| l.walk.window.0 as i64 - 1);
        add(v.column_width > 0, "column_max", v.column_width, "columns of the pooled map - 1", &|l| {
            l.walk.pooled.1 as i64 - 1
        });
        if v.carry_expr == "carry" {
            let window_columns = v.input_columns as i64;
            add(v.modulus_expr.contains("modulus"), "modulus", v.walk_bank_width + 1, "banks", &|l| {
                if is_input(l) { v.kernel_rows as i64 } else { v.banks as i64 }
            });
            add(true, "carry", v.walk_width, "words that a turn of the banks is worth", &|l| {
                if is_input(l) { window_columns } else { 1 }
            });
        }
    }
    for (name, width, part) in dimensions(view) {
        let field = |prefix: &str| -> &'static str { field_name(prefix, name) };
        add(true, field("origin_"), width, "", &|l| part(l, Stride::Origin));
        if view.moves {
            for (stride, prefix, _) in strides(view) {
                add(true, field(prefix), width, "", &|l| part(l, stride));
            }
        }
    }
    Table {
        module: "walk_program",
        description: "Walk program: the sequencer's constants of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(design),
        fields,
    }
}

/// Names of the walk's fields.
fn field_name(prefix: &str, dimension: &str) -> &'static str {
    const NAMES: [&str; 20] = [
        "origin_address",
        "origin_bank",
        "origin_pad_row",
        "origin_pad_column",
        "step_window_column_address",
        "step_window_column_bank",
        "step_window_column_pad_row",
        "step_window_column_pad_column",
        "step_window_row_address",
        "step_window_row_bank",
        "step_window_row_pad_row",
        "step_window_row_pad_column",
        "step_column_address",
        "step_column_bank",
        "step_column_pad_row",
        "step_column_pad_column",
        "step_row_address",
        "step_row_bank",
        "step_row_pad_row",
        "step_row_pad_column",
    ];
    let name = format!("{prefix}{dimension}");
    NAMES.into_iter().find(|known| *known == name).expect("every step has a name for every dimension")
}

fn sequencer(view: &View, walk: &Table) -> NamedText {
    let selects = dimensions(view)
        .into_iter()
        .map(|(name, width, _)| {
            let strides = strides(view);
            let last = strides.len() - 1;
            let expression = strides
                .iter()
                .enumerate()
                .map(|(index, (_, prefix, more))| match index == last {
                    true => format!("{prefix}{name}"),
                    false => format!("{more} ? {prefix}{name} :\n      "),
                })
                .collect();
            Select { name: format!("step_{name}"), width, expression }
        })
        .collect();
    let walk_regs = dimensions(view)
        .into_iter()
        .map(|(name, width, _)| Register {
            name,
            width,
            next: match name {
                "address" | "bank" => format!("{name}_next"),
                _ => format!("{name}_q + step_{name}"),
            },
        })
        .collect();
    let count = |name: &str, width: usize| format!("{name}_last ? {width}'d0 : {name}_q + {width}'d1");
    let mut counters = Vec::new();
    if view.wc_width > 0 {
        let next = count("window_column", view.wc_width);
        counters.push(Register { name: "window_column", width: view.wc_width, next });
    }
    if view.wr_width > 0 {
        let next = format!("!window_column_last ? window_row_q : {}", count("window_row", view.wr_width));
        counters.push(Register { name: "window_row", width: view.wr_width, next });
    }
    if view.column_width > 0 {
        let next = match view.pools {
            true => format!("!window_last ? column_q : {}", count("column", view.column_width)),
            false => count("column", view.column_width),
        };
        counters.push(Register { name: "column", width: view.column_width, next });
    }
    let walk_fields = program::ports(&walk.fields);
    file("sequencer", &Sequencer { v: view, walk_fields, selects, walk_regs, counters })
}

// -------------------------------------------------------------------------------------------- vector pipe

#[derive(Template)]
#[template(path = "rtl/vector_pipe.v", syntax = "verilog", escape = "none")]
struct VectorPipe<'a> {
    v: &'a View,
    tags: Vec<Tag>,
}

/// A bit that travels with a vector; `stages` behind the door, none where it is used at the door only.
pub(super) struct Tag {
    pub name: &'static str,
    stages: String,
    shift: String,
}

/// The bits that travel with a vector.
pub(super) fn tags(view: &View) -> Vec<Tag> {
    let all = [
        (view.accumulates, "sum_first", 1),
        (view.accumulates, "sum_last", 3),
        (view.accumulator_depth > 0, "block_last", 0),
        (view.pools, "window_last", 3),
        (view.writes_rows, "row_last", 3),
        (true, "group_last", if view.writes_groups { 3 } else { 1 }),
        (true, "layer_last", 3),
    ];
    all.into_iter()
        .filter(|tag| tag.0)
        .map(|(_, name, behind)| Tag {
            name,
            stages: if behind == 0 { "TREE".into() } else { format!("TREE+{behind}") },
            shift: match behind + view.latency {
                1 => format!("door_{name}_q"),
                _ if behind == 0 => format!("{{{name}_q[TREE-2:0], door_{name}_q}}"),
                _ => format!("{{{name}_q[TREE+{}:0], door_{name}_q}}", behind as i64 - 2)
                    .replace("TREE+-1", "TREE-1"),
            },
        })
        .collect()
}

fn vector_pipe(view: &View) -> VectorPipe<'_> {
    VectorPipe { v: view, tags: tags(view) }
}

// ------------------------------------------------------------------------------------------------- gather

#[derive(Template)]
#[template(path = "rtl/map_memory.v", syntax = "verilog", escape = "none")]
struct MapMemory<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "rtl/map_bank.v", syntax = "verilog", escape = "none")]
struct MapBank<'a> {
    v: &'a View,
}

#[derive(Template)]
#[template(path = "rtl/gather.v", syntax = "verilog", escape = "none")]
struct Gather<'a> {
    v: &'a View,
    g: GatherView,
    tap_fields: Vec<Port>,
    pad_fields: Vec<Port>,
    inside_wires: Vec<Place>,
    inside: Vec<Inside>,
}

/// Where a row or column of the kernel stands.
struct Place {
    name: String,
    window: &'static str,
    at: usize,
}

/// Which rows or columns of the kernel lie inside the map, the last one first.
struct Inside {
    name: &'static str,
    tests: Vec<String>,
}

impl Inside {
    /// Adds the places that are compared to `wires`.
    fn new(view: &View, edges: &[Edge], rows: bool, wires: &mut Vec<Place>) -> Inside {
        let (name, kind, window, limit) = match rows {
            true => ("row_inside", "row", "window_row_i", "map_rows"),
            false => ("column_inside", "column", "window_column_i", "map_columns"),
        };
        let mut tests = Vec::new();
        for (at, edge) in edges.iter().enumerate().rev() {
            let comma = if at == 0 { "" } else { "," };
            tests.push(match (edge.before, edge.beyond) {
                (false, false) => format!("1'b1{comma}"),
                (true, false) => format!("$signed({kind}_{at}) >= {}'sd0{comma}", view.coordinate_width),
                (_, true) => format!("{kind}_{at} < {limit}{comma}"),
            });
        }
        let reached = edges.iter().enumerate().filter(|(_, edge)| edge.reached());
        wires.extend(reached.map(|(at, _)| Place { name: format!("{kind}_{at}"), window, at }));
        Inside { name, tests }
    }
}

/// Edges that the rows, and the columns, of padded kernels reach. Padding that no window reaches counts as reached.
fn edges(design: &Design, view: &View) -> (Vec<Edge>, Vec<Edge>) {
    let (mut rows, columns) = (Edge::all(design, true), Edge::all(design, false));
    if !rows.iter().chain(&columns).any(Edge::reached) {
        rows.fill(Edge { before: true, beyond: true });
    }
    let keep = |edges: Vec<Edge>, kept: bool| if kept { edges } else { Vec::new() };
    (keep(rows, view.pads_rows), keep(columns, view.pads_columns))
}

/// What only the gather unit asks.
struct GatherView {
    gather_layer: bool,
    tap_layer: bool,
    tap_pass: bool,
    has_taps: bool,
    slot_offsets: bool,
    offset_width: usize,
    offset_term: String,
    wrap_term: String,
    outside_expr: String,
    live_expr: String,
    plus_expr: String,
    plus_partial: bool,
    row_expr: String,
    driven_expr: String,
    partials: bool,
    channel_count_width: usize,
    channel_count_extended: String,
}

/// Whether the gather unit asks for the layer, and for the pass.
pub(super) fn gather_keys(design: &Design, view: &View) -> (bool, bool) {
    let maps = &design.layers[1..];
    let has_taps = Taps::new(design, view).exists();
    (view.pads || has_taps && maps.len() > 1, has_taps && maps.iter().any(|layer| layer.passes > 1))
}

/// Which fields the slots need.
struct Taps {
    /// All slots of an entry have the same offset.
    uniform: bool,
    offset_max: i64,
    unused: bool,
    padded_kernel: (usize, usize),
    plus_partial: bool,
    driven_partial: bool,
}

impl Taps {
    fn new(design: &Design, view: &View) -> Taps {
        let used = |slots: &[Option<SlotTap>]| slots.iter().flatten().copied().collect::<Vec<_>>();
        let partial = |slots: &[Option<SlotTap>]| used(slots).iter().any(|tap| tap.channels < design.word);
        let plus = |layer: &LayerDesign| matches!(layer.padding, Some((_, PadValue::Plus)));
        let kernel = |pads: bool, pick: fn(&SlotTap) -> usize| {
            taps(design)
                .filter(|(layer, _)| pads && layer.padding.is_some())
                .flat_map(|(_, slots)| used(slots))
                .map(|tap| pick(&tap) + 1)
                .max()
                .unwrap_or(1)
        };
        Taps {
            uniform: taps(design)
                .all(|(_, slots)| used(slots).windows(2).all(|w| w[0].offset == w[1].offset)),
            offset_max: taps(design)
                .flat_map(|(_, slots)| used(slots))
                .map(|tap| tap.offset)
                .max()
                .unwrap_or(0),
            unused: taps(design).any(|(_, slots)| slots.contains(&None)),
            padded_kernel: (kernel(view.pads_rows, |tap| tap.ky), kernel(view.pads_columns, |tap| tap.kx)),
            plus_partial: taps(design).any(|(layer, slots)| plus(layer) && partial(slots)),
            driven_partial: design.row_enable && taps(design).any(|(_, slots)| partial(slots)),
        }
    }

    fn partial(&self) -> bool {
        self.plus_partial || self.driven_partial
    }

    fn exists(&self) -> bool {
        self.offset_max > 0 || self.unused || self.partial() || self.padded_kernel != (1, 1)
    }
}

fn gather(design: &Design, view: &View) -> Vec<NamedText> {
    let need = Taps::new(design, view);
    let offset_width = bits(need.offset_max as usize).min(view.map_width);
    let (rows, columns) = edges(design, view);
    let mut inside_wires = Vec::new();
    let mut inside = Vec::new();
    for (edges, is_row) in [(&rows, true), (&columns, false)] {
        if !edges.is_empty() {
            inside.push(Inside::new(view, edges, is_row, &mut inside_wires));
        }
    }
    let tap_inside = |name: &str, tap: &str, count: usize| match bits(count.max(1) - 1) {
        0 => format!("{name}[0]"),
        width => format!("{name}[{tap}[tap*{width} +: {width}]]"),
    };
    let row_inside = tap_inside("row_inside", "kernel_row", rows.len());
    let column_inside = tap_inside("column_inside", "kernel_column", columns.len());
    let (gather_layer, tap_pass) = gather_keys(design, view);
    let tap_layer = design.layers.len() > 2 && need.exists();

    let tap_table = need.exists().then(|| tap_table(design, view, &need, tap_layer, tap_pass));
    let pad_table = view.pads.then(|| pad_table(design, view, &need));
    let kinds: Vec<PadValue> =
        design.layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value).collect();
    let all = |value: PadValue| kinds.iter().all(|kind| *kind == value);
    let join = |terms: &[(bool, &str)]| {
        let terms: Vec<&str> = terms.iter().filter(|term| term.0).map(|term| term.1).collect();
        terms.join(" & ")
    };
    let mut row_expr = "slots[word*WORD +: WORD] & {WORD{door_live_q[word]}}".to_string();
    if view.plus_pads {
        let partial = " & (door_partial_q[word] ? channel_mask : {WORD{1'b1}})";
        row_expr = format!(
            "({row_expr}) |\n          ({{WORD{{door_plus_q[word]}}}}{})",
            if need.plus_partial { partial } else { "" }
        );
    }
    let channel_count_width = channel_count_width(design, view);
    let extend = |name: &str, from: usize, to: usize| match to.checked_sub(from) {
        Some(0) => name.to_string(),
        Some(more) => format!("{{{more}'d0, {name}}}"),
        None => format!("{name}[{}:0]", to - 1),
    };
    let offset = match (need.uniform, view.rotates) {
        (true, _) => "offset".to_string(),
        (false, true) => format!("bank_offset[bank*{offset_width} +: {offset_width}]"),
        (false, false) => format!("offset[bank*{offset_width} +: {offset_width}]"),
    };
    let g = GatherView {
        gather_layer,
        tap_layer,
        tap_pass,
        has_taps: need.exists(),
        slot_offsets: offset_width > 0 && !need.uniform,
        offset_width,
        offset_term: match offset_width {
            0 => String::new(),
            _ => format!(" + {}", extend(&offset, offset_width, view.map_width)),
        },
        wrap_term: match view.rotates {
            false => String::new(),
            true => format!(" +\n              {}", extend("wrapped[bank]", 1, view.map_width)),
        },
        outside_expr: match (rows.is_empty(), columns.is_empty()) {
            (false, false) => format!("!({row_inside} &\n            {column_inside})"),
            (false, true) => format!("!{row_inside}"),
            (true, _) => format!("!{column_inside}"),
        },
        live_expr: join(&[(need.unused, "used"), (view.pads, "~outside")]),
        plus_expr: join(&[
            (true, "outside"),
            (need.unused, "used"),
            (!all(PadValue::Plus), "{BANKS{plus_padding[0]}}"),
        ]),
        plus_partial: need.plus_partial,
        row_expr,
        driven_expr: match (need.unused, all(PadValue::Zero)) {
            (true, true) => "used & ~outside".into(),
            (true, false) => "used & ~(outside & {BANKS{zero_padding[0]}})".into(),
            (false, true) => "~outside".into(),
            (false, false) => "~(outside & {BANKS{zero_padding[0]}})".into(),
        },
        partials: need.driven_partial,
        channel_count_width,
        channel_count_extended: extend("count_channels_q", channel_count_width, view.driven_width),
    };
    let ports = |table: &Option<Table>| table.as_ref().map_or(Vec::new(), |t| program::ports(&t.fields));
    let mut files = vec![file(
        "gather",
        &Gather {
            v: view,
            tap_fields: ports(&tap_table),
            pad_fields: ports(&pad_table),
            inside_wires,
            inside,
            g,
        },
    )];
    files.extend(tap_table.iter().chain(&pad_table).map(program::module));
    if view.rotates {
        files.push(rotate("rotate_to_slots", view.banks, true));
    }
    if view.rotates && offset_width > 0 && !need.uniform || view.write_rotates && view.writes_words {
        files.push(rotate("rotate_to_banks", view.banks, false));
    }
    files
}

/// Bits of the number of channels in an incomplete word.
fn channel_count_width(design: &Design, view: &View) -> usize {
    bits(design.word - 1).clamp(1, view.driven_width)
}

fn tap_table(design: &Design, view: &View, need: &Taps, tap_layer: bool, tap_pass: bool) -> Table {
    let banks = view.banks;
    let mut inputs = Vec::new();
    if tap_layer {
        inputs.push(("layer_i", view.layer_width));
    }
    if tap_pass {
        inputs.push(("pass_i", view.pass_width));
    }
    let entries = design
        .layers
        .iter()
        .enumerate()
        .skip(1)
        .flat_map(|(index, layer)| (0..layer.passes).map(move |pass| (index, layer, pass)))
        .map(|(index, layer, pass)| {
            let key = [(tap_layer, index), (tap_pass, pass)];
            let key = key.into_iter().filter(|part| part.0).map(|part| part.1).collect();
            (key, format!("{}, pass {pass}", comment(layer)))
        })
        .collect();
    let slot_values = |f: &dyn Fn(&SlotTap) -> i64| -> Vec<Vec<i64>> {
        taps(design).map(|(_, slots)| slots.iter().map(|tap| tap.as_ref().map_or(0, f)).collect()).collect()
    };
    let mut fields = Vec::new();
    let offset_width = bits(need.offset_max as usize).min(view.map_width);
    if offset_width > 0 && need.uniform {
        let values = taps(design).map(|(_, slots)| slots.iter().flatten().next().map_or(0, |tap| tap.offset));
        fields.push(Field::new("offset", offset_width, "", values));
    } else if offset_width > 0 {
        let values = slot_values(&|tap| tap.offset).into_iter();
        fields.push(Field::slots(
            "offset",
            banks * offset_width,
            "one a slot, slot 0 in the low bits",
            values,
        ));
    }
    let mut add = |exists: bool, name, width: usize, comment, f: &dyn Fn(&SlotTap) -> i64| {
        if exists {
            fields.push(Field::slots(name, banks * width, comment, slot_values(f).into_iter()));
        }
    };
    let (ky, kx) = (bits(need.padded_kernel.0 - 1), bits(need.padded_kernel.1 - 1));
    add(need.unused, "used", 1, "", &|_| 1);
    // Only layers with padding ask for the place in the kernel; others may have larger kernels.
    add(ky > 0, "kernel_row", ky, "", &|tap| (tap.ky as i64) % (1 << ky));
    add(kx > 0, "kernel_column", kx, "", &|tap| (tap.kx as i64) % (1 << kx));
    add(need.partial(), "partial", 1, "the last, incomplete word of a pixel", &|tap| {
        i64::from(tap.channels < design.word)
    });
    Table {
        module: "tap_program",
        description: "Tap program: where each slot of the row vector comes from in each pass.".into(),
        inputs,
        entries,
        fields,
    }
}

fn pad_table(design: &Design, view: &View, need: &Taps) -> Table {
    let layers = &design.layers;
    let kinds: Vec<PadValue> =
        layers.iter().filter_map(|layer| layer.padding).map(|(_, value)| value).collect();
    let is = |layer: &LayerDesign, value: PadValue| matches!(layer.padding, Some((_, v)) if v == value);
    let coordinate = view.coordinate_width;
    let mut fields = vec![Field::new("padded", 1, "", layers.iter().map(|l| i64::from(l.padding.is_some())))];
    let (rows, columns) = edges(design, view);
    let beyond = |edges: &[Edge]| edges.iter().any(|edge| edge.beyond);
    let mut limit = |exists: bool, name, value: fn(Shape) -> usize| {
        if exists {
            let values = layers.iter().map(|l| l.padding.map_or(0, |(map, _)| value(map) as i64));
            fields.push(Field::new(name, coordinate, "", values));
        }
    };
    limit(beyond(&rows), "map_rows", |map| map.h);
    limit(beyond(&columns), "map_columns", |map| map.w);
    if view.plus_pads && kinds.iter().any(|kind| *kind != PadValue::Plus) {
        let values = layers.iter().map(|l| i64::from(is(l, PadValue::Plus)));
        fields.push(Field::new("plus_padding", 1, "", values));
    }
    if view.row_enable && kinds.iter().any(|kind| *kind != PadValue::Zero) {
        let values = layers.iter().map(|l| i64::from(is(l, PadValue::Zero)));
        fields.push(Field::new("zero_padding", 1, "", values));
    }
    // Channels of the last word of a pixel where it is incomplete.
    let rest = |layer: &LayerDesign| {
        let chunk = layer_taps(layer).iter().flatten().flatten().map(|tap| tap.channels);
        chunk.filter(|channels| *channels < design.word).min().unwrap_or(0)
    };
    if need.driven_partial {
        let width = channel_count_width(design, view);
        fields.push(Field::new(
            "last_channels",
            width,
            "channels of an incomplete word",
            layers.iter().map(|l| rest(l) as i64),
        ));
    }
    if need.plus_partial {
        let mask = |layer| (0..design.word).map(|c| i64::from(c < rest(layer))).collect();
        fields.push(Field::slots("channel_mask", design.word, "", layers.iter().map(mask)));
    }
    Table {
        module: "pad_program",
        description: "Pad program: the map's size and padding of each layer.".into(),
        inputs: layer_key(view),
        entries: layer_entries(design),
        fields,
    }
}

// ------------------------------------------------------------------------------------------------- rotate

#[derive(Template)]
#[template(path = "rtl/rotate.v", syntax = "verilog", escape = "none")]
struct Rotate {
    module: &'static str,
    description: String,
    slots: usize,
    amount_width: usize,
    stages: Vec<Stage>,
    last: usize,
}

struct Stage {
    index: usize,
    amount: usize,
    from: String,
    low: usize,
}

/// A rotation of `slots` words. Down: output s is input (s + amount) mod slots; else the way back.
pub(super) fn rotate(module: &'static str, slots: usize, down: bool) -> NamedText {
    let amount_width = bits(slots - 1);
    let stages = (0..amount_width)
        .map(|index| Stage {
            index,
            amount: 1 << index,
            from: if index == 0 { "data_i".into() } else { format!("by_{}", 1 << (index - 1)) },
            low: if down { 1 << index } else { slots - (1 << index) },
        })
        .collect();
    let what = match down {
        true => "word s of the output is word (s + amount)",
        false => "word s of the input becomes word (s + amount)",
    };
    file(
        module,
        &Rotate {
            module,
            description: format!("Rotation of {slots} words: {what} mod {slots}."),
            slots,
            amount_width,
            stages,
            last: 1 << (amount_width - 1),
        },
    )
}
