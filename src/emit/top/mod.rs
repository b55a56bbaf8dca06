//! The top module: the wires between the engine's parts.

mod arrays;
mod drawn;
mod instances;
mod loaded;
mod loops;
mod results;
mod sampled;
mod state;

use super::library::core::mixed_flip;
use super::result::{constants, has_table};
use super::view::View;
use super::walk::Walk;
use super::{NamedText, file, load};
use crate::design::{Design, LayerDesign};
use askama::Template;
use instances::Instance;
use loops::Told;

#[derive(Template)]
#[template(path = "top/bincim_top.v", syntax = "verilog", escape = "none")]
struct Top<'a> {
    v: &'a View,
    groups: Vec<Group>,
    instances: Vec<Instance>,
}

/// Wires that belong together, and assignments.
struct Group {
    comment: &'static str,
    wires: Vec<String>,
    lines: Vec<String>,
}

/// The top.
pub(super) fn module(design: &Design, view: &View, number: u32) -> NamedText {
    let memories = if view.loadable { load::memories(design, view) } else { Vec::new() };
    let (walk, load) = (Told::walk(design, view), Told::load(design, view));
    let arrays =
        view.analog.as_ref().map_or_else(|| weights(design, view, &load), |a| arrays::wires(view, a));
    let mut groups = vec![
        frames(view),
        walked(design, view, &walk),
        vector(design, view),
        arrays,
        counts(design, view),
        results(design, view),
        trace(view),
    ];
    let mut parts = vec![instances::registers(design, view)];
    if view.loadable {
        groups.insert(1, loaded::wires(design, view, &memories));
        parts.extend(loaded::instances(design, view, &memories, number));
    }
    parts.extend(walk.instances());
    parts.push(loops::sequencer(design, view, &walk));
    if view.has_walk {
        parts.push(loops::walk(design, view, &walk));
    }
    parts.push(instances::vector_pipe(design, view));
    parts.extend(instances::input_units(design, view));
    if view.has_map {
        parts.push(loops::gather(design, view, &walk));
        parts.push(instances::map_memory(design));
    }
    if view.masks_rows {
        parts.push(loops::support_mask(view, &walk));
    }
    parts.push(instances::row_driver(design, view));
    match (&design.analog, &view.analog) {
        (Some(analog), Some(a)) => parts.extend(arrays::instances(design, analog, view, a)),
        _ => {
            parts.push(instances::weight_memory(design));
            parts.extend(load.instances());
            parts.push(loops::weight_loader(design, view, &load));
            if let Some(ensemble) = &design.ensemble {
                parts.extend(drawn::draws(design, ensemble));
            }
            parts.push(instances::cim_array(view));
        }
    }
    if view.scales {
        parts.push(instances::plane_program(view));
    }
    if view.masks_lanes {
        if view.all_groups > 1 {
            parts.push(instances::count_group(view));
        }
        parts.push(instances::lane_program(view));
    }
    parts.push(instances::accumulator(design, view));
    if let Some(state) = &design.state {
        parts.push(state::unit(design, view, state));
    }
    parts.push(results::thresholds(design, view));
    if view.gives_bits {
        if has_table(view) {
            parts.push(results::write_program(design, view));
        }
        if view.steps > 1 {
            parts.extend([results::level_program(), results::level_code(design)]);
        }
        if let Some(level) = design.level() {
            parts.push(state::level(design, view, level));
        }
        parts.push(results::write_back(design, view));
    }
    if let Some(ensemble) = &design.ensemble {
        parts.push(drawn::score_sum(design, ensemble));
    }
    parts.push(results::score_buffer(design, view));
    if view.loadable {
        loaded::connect(&mut parts, &memories);
    }
    file(&design.module("top"), &Top { v: view, groups, instances: parts })
}

/// A wire that is 1 while one of some layers runs.
fn chosen(design: &Design, v: &View, name: &str, on: &dyn Fn(&LayerDesign) -> bool) -> String {
    let layers = design.layers.iter().enumerate().filter(|(_, layer)| on(layer));
    let terms: Vec<String> =
        layers.map(|(index, _)| format!("(layer == {}'d{index})", v.layer_width)).collect();
    let all = super::wrapped_by(&terms, " |", 6, 9 + name.len());
    format!("wire {name} = {all};")
}

/// Declaration of a vector; of a single wire where `width` is 0.
fn wire(width: usize, name: &str) -> String {
    if width == 0 { name.into() } else { format!("[{}:0] {name}", width - 1) }
}

fn group(comment: &'static str, wires: Vec<(bool, usize, &str)>, lines: Vec<String>) -> Group {
    let wires = wires.into_iter().filter(|w| w.0).map(|(_, width, name)| wire(width, name)).collect();
    Group { comment, wires, lines }
}

fn frames(v: &View) -> Group {
    let last = v.layers - 1;
    let mut lines = vec!["wire frame_ready = frame_wanted & frame_waiting & score_room".to_string()];
    // A first tile that is drawn waits for its frame, as does a first vector whose cells are drawn.
    let drawn_first = v.drawn.as_ref().is_some_and(|drawn| drawn.first == 0);
    lines[0] += match (&v.analog, drawn_first) {
        (Some(a), _) if a.draws => " & array_free;",
        (Some(_), _) => " & array_ready;",
        (None, true) => ";",
        (None, false) => " & tile_ready;",
    };
    let released = if drawn_first { "layer_done & sample_last" } else { "layer_done" };
    match v.many_layers {
        true => {
            let width = v.layer_width;
            lines.push(format!("wire input_layer = (walk_layer == {width}'d0);"));
            lines.push(format!("wire frame_release = {released} & (layer == {width}'d0);"));
            let last = if v.loadable { "network_last_layer".into() } else { format!("{width}'d{last}") };
            lines.push(format!("wire last_layer = (layer == {last});"));
        }
        false => lines.push(format!("wire frame_release = {released};")),
    }
    if !v.many_layers {
        // One layer: it is the first and the last.
        lines.retain(|line| !line.contains("last_layer"));
    }
    group(
        "Frames and layers.",
        vec![
            (true, 0, "frame_wanted"),
            (true, 0, "frame_waiting"),
            (true, 0, "frame_error"),
            (true, 0, "frame_start"),
            (true, 0, "frame_done"),
            (true, 0, "busy"),
            (true, 0, "score_room"),
            (true, 0, "scores_waiting"),
            (true, v.plane_width.max(1), "wanted_last_plane"),
            (v.drawn.is_some(), 32, "seed"),
            (!v.noise && v.drawn.is_none(), 32, "unused_seed"),
            (
                true,
                v.sample_width(),
                if v.drawn.is_some() { "wanted_last_sample" } else { "unused_wanted_sample" },
            ),
            (v.drawn.is_some(), 0, "flips"),
            (v.drawn.is_none(), 0, "unused_flips"),
            (!v.loadable, 0, "unused_program_valid"),
            (!v.loadable, 0, "unused_program_last"),
            (!v.loadable, 32, "unused_program_data"),
            (true, 0, "layer_drained"),
        ],
        lines,
    )
}

/// Where the sequencer and the walk stand, and what they are told of the layer.
fn walked(design: &Design, v: &View, told: &Told) -> Group {
    let mut wires: Vec<String> =
        ["advance", "issue_valid", "tile_first", "sum_first", "sum_last", "group_last", "layer_last"]
            .map(String::from)
            .into();
    let used = |name: &str, used: bool| if used { name.into() } else { format!("unused_{name}") };
    wires.extend(told.wires().iter().map(|(width, name)| wire(*width, name)));
    let outputs = loops::outputs(design, v, told);
    wires
        .extend(outputs.iter().map(|&(name, width, there)| wire(width, &loops::sequencer_wire(name, there))));
    if v.has_walk {
        let outputs = loops::walk_outputs(&Walk::new(design, v), v);
        wires.extend(outputs.iter().map(|&(_, name, width, there)| wire(width, &used(name, there))));
    }
    Group {
        comment: "The vector that is issued, its place in the loops, and the layer's constants.",
        wires,
        lines: vec![],
    }
}

fn vector(design: &Design, v: &View) -> Group {
    let travellers = instances::travellers(v);
    let mut wires = Vec::new();
    let unused: Vec<String> =
        travellers.iter().filter(|one| !one.1).map(|one| format!("unused_{}", one.0)).collect();
    wires.extend(unused.iter().map(|name| (true, 0, name.as_str())));
    wires.extend([
        (true, 0, "door_valid"),
        (true, v.vector_bits, "input_row"),
        (v.has_map, v.rows, "map_row"),
        (v.has_map, v.banks * v.map_width, "read_address"),
        (v.has_map, v.map_bits * v.rows, "read_data"),
        (v.row_enable, v.banks, "map_driven"),
        (!v.row_enable && v.has_map, v.banks, "unused_map_driven"),
        (v.counts_driven && v.has_map, v.driven_width, "map_driven_rows"),
        (!v.counts_driven && v.has_map, 1, "unused_map_driven_rows"),
        (v.input_driven, v.driven_width, "input_driven_rows"),
        (!v.input_counts && design.input_forms().len() == 1, 1, "unused_input_driven_rows"),
        (v.masks_rows && v.counts_driven && v.has_map, v.banks * v.kept_width, "kept_rows"),
        (v.masks_rows && !(v.counts_driven && v.has_map), 1, "unused_kept_rows"),
        (v.masks_rows && !v.input_driven, 1, "unused_kept_driven_rows"),
        (v.masks_rows, v.rows, "kept"),
        (true, v.rows, "row"),
        (v.row_enable, v.rows, "row_enable"),
        (!v.row_enable, v.rows, "unused_row_enable"),
    ]);
    let mut lines = Vec::new();
    if v.input_driven {
        let value = match v.has_map {
            true => "input_layer ? input_driven_rows : map_driven_rows",
            false => "input_driven_rows",
        };
        lines.push(wire_line(v.driven_width, "driven_rows", value));
    }
    group("The vector on its way from issue to the rows.", wires, lines)
}

fn wire_line(width: usize, name: &str, value: &str) -> String {
    format!("wire {} =\n      {value};", wire(width, name))
}

fn weights(design: &Design, v: &View, told: &Told) -> Group {
    let drawn = v.drawn.as_ref();
    let lines = drawn.map_or_else(Vec::new, |drawn| drawn::flip_address(v, drawn));
    let mut group = group(
        "Weights on their way into the shadow cells.",
        vec![
            (true, 0, "weight_read"),
            (true, v.weight_address_width, "weight_address"),
            (true, v.weight_bits, "weight_word"),
            (drawn.is_some(), 0, "draw_layer"),
            (drawn.is_some(), 0, "sample_start"),
            (drawn.is_some(), 0, "group_start"),
            (drawn.is_some(), 0, "group_again"),
            (drawn.is_some(), 0, "draw"),
            (drawn.is_none(), 0, "unused_draw_layer"),
            (drawn.is_none(), 0, "unused_sample_start"),
            (drawn.is_none(), 0, "unused_group_start"),
            (drawn.is_none(), 0, "unused_group_again"),
            (drawn.is_none(), 0, "unused_draw"),
            (drawn.is_some(), 0, "seeded"),
            (drawn.is_some(), 0, "flip"),
            (drawn.is_some(), drawn.map_or(0, |drawn| drawn.noise_bits), "weight_noise"),
            (drawn.is_some(), drawn.map_or(0, |drawn| drawn.code_bits), "flip_code"),
            (drawn.is_some(), v.weight_bits, "drawn_word"),
            (true, v.words, "shadow_write"),
            (true, 0, "tile_ready"),
            (true, 0, "tile_swap"),
        ],
        lines,
    );
    for (name, width, used) in loops::load_outputs(design, v, told) {
        group.wires.push(wire(width, &if used { name.into() } else { format!("unused_{name}") }));
    }
    group.wires.extend(told.wires().iter().map(|(width, name)| wire(*width, name)));
    group
}

fn counts(design: &Design, v: &View) -> Group {
    let mut lines = Vec::new();
    let analog_speeds = v.analog.as_ref().is_some_and(|a| a.two_speeds || a.unipolar);
    if v.asks_weighted() || analog_speeds {
        match v.many_layers {
            true if v.loadable => {
                lines.push(format!("wire weighted = network_weighted & (layer == {}'d0);", v.layer_width));
            }
            true => lines.push(format!("wire weighted = (layer == {}'d0);", v.layer_width)),
            false => lines.push("wire weighted = 1'b1;".into()),
        }
    }
    let choose = |name: &str, on: &dyn Fn(&LayerDesign) -> bool| chosen(design, v, name, on);
    if v.mixed_register && !v.loadable {
        lines.push(choose("in_register", &|layer| layer.in_register));
    }
    if mixed_flip(design) && !v.loadable {
        lines.push(choose("flip_after_pool", &|layer| layer.flip_after_pool));
    }
    lines.extend(state::lines(design, v));
    let stored = v.accumulator_depth > 0;
    group(
        "Counts and sums.",
        vec![
            (stored, 0, "fetch_valid"),
            (stored, 0, "fetch_block_last"),
            (true, 0, "count_valid"),
            (v.accumulates, 0, "count_first"),
            (v.plane_width > 0, v.plane_width, "count_plane"),
            (v.bit_width > 0, v.bit_width, "count_map_bit"),
            (!v.state, 0, "unused_accumulated_valid"),
            (v.follows_groups(), 0, "count_group_last"),
            (!v.follows_groups(), 0, "unused_count_group_last"),
            (true, v.lanes * v.count_width, "count"),
            (stored, 0, "stored_valid"),
            (v.state, 0, "accumulated_valid"),
            (v.state, v.lanes * v.accumulator_width, "accumulated"),
            (true, 0, "entry_valid"),
            (true, 0, "entry_group_last"),
            (v.scales, v.shift_width.max(v.scale_width), "scale"),
            (v.masks_lanes, v.lanes, "kept_lanes"),
            (v.masks_lanes && v.all_groups > 1, v.all_group_width, "count_group"),
            (v.masks_lanes && v.all_groups > 1, 0, "unused_last_count_group"),
        ],
        lines,
    )
}

fn results(design: &Design, v: &View) -> Group {
    let map = has_table(v);
    let summed = v.drawn.as_ref().map_or(0, |drawn| v.score_lanes * drawn.score_width);
    let mut group = group(
        "Results on their way to memory.",
        vec![
            (true, 0, "result_valid"),
            (v.pools, 0, "result_window_last"),
            (v.row_ends, 0, "result_row_last"),
            (v.group_ends, 0, "result_group_last"),
            (v.gives_scores, 0, "score_valid"),
            (v.gives_scores, v.score_lanes * v.score_width, "score"),
            (v.drawn.is_some(), 0, "sum_of_scores_valid"),
            (v.drawn.is_some(), summed, "sum_of_scores"),
            (!v.gives_scores, 0, "unused_score_valid"),
            (!v.gives_scores, 0, "unused_score"),
            (v.gives_bits, 0, "pooled_valid"),
            (v.gives_bits, v.steps * v.lanes, "pooled"),
            (v.steps > 1, v.map_bits * v.steps, "toggle"),
            (v.steps > 1 && v.state_levels, v.map_bits * v.lanes, "code"),
            (v.map_bits > 1, v.map_bits * v.lanes, "activation"),
            (!v.gives_bits, 0, "unused_pooled_valid"),
            (!v.gives_bits, v.lanes, "unused_pooled"),
            (map, v.banks * v.parts, "map_write"),
            (map, v.write_addresses * v.map_width, "map_write_address"),
            (map, v.map_bits * v.write_bits, "map_write_data"),
            (v.gives_bits && !v.has_map, 0, "unused_map_write"),
            (v.gives_bits && !v.has_map, 0, "unused_map_write_address"),
            (v.gives_bits && !v.has_map, v.lanes, "unused_map_write_data"),
            (v.last_gives_bits, 0, "score_valid"),
            (v.gives_bits && !v.last_gives_bits, 0, "unused_kept_back"),
        ],
        state::result_lines(design, v),
    );
    if map {
        let constants = constants(design, v);
        group.wires.extend(constants.iter().map(|field| wire(field.width, &format!("write_{}", field.name))));
    }
    group
}

fn trace(v: &View) -> Group {
    let mut unused = vec!["sum_valid"];
    if v.gives_bits {
        unused.extend(["bit_valid", "result_bits"]);
    }
    let lines = vec![format!("wire unused_trace = &{{1'b0, {}}};", unused.join(", "))];
    group(
        "What co-simulation compares: final sums, results, and the cycles of a layer.",
        vec![
            (true, 0, "sum_valid"),
            (true, v.lanes * v.total_width, "sum"),
            (v.gives_bits, 0, "bit_valid"),
            (v.gives_bits, v.map_bits * v.lanes, "result_bits"),
            (true, 0, "layer_done"),
            (true, v.cycle_width, "layer_cycles"),
        ],
        lines,
    )
}
