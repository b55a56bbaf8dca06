//! What becomes of counts: accumulators, thresholds, pooling and the way back into the activation memory.

use super::facts::bits;
use super::library::{Head, core, memories};
use super::planes::ScaleBit;
use super::program::{self, Field, Port, Table};
use super::view::View;
use super::walk::{Select, comment};
use super::{NamedText, file};
use crate::design::{Design, LayerDesign, Source, Step, WriteWalk};
use askama::Template;

/// The files of this family.
pub(super) fn modules(design: &Design, view: &View) -> Vec<NamedText> {
    let thresholds = Thresholds::new(design, view);
    let mut files = vec![file("accumulator", &accumulator(design, view))];
    files.push(file("threshold_unit", &threshold_unit(design, view, &thresholds)));
    if view.gives_bits {
        files.extend(write_back(design, view));
    }
    files
}

/// Whether the layers keep their sums in different places.
pub(super) fn flip_layers(design: &Design) -> (bool, bool) {
    let flips = |layer: &LayerDesign| {
        design.thresholds[layer.threshold_base..layer.threshold_base + layer.groups]
            .iter()
            .flatten()
            .any(|threshold| threshold.flip)
    };
    let any = |after: bool| {
        design.layers.iter().any(|layer| !layer.scores && flips(layer) && layer.flip_after_pool == after)
    };
    (any(false), any(true))
}

// -------------------------------------------------------------------------------------------- accumulator

#[derive(Template)]
#[template(path = "rtl/accumulator.v", syntax = "verilog", escape = "none")]
struct Accumulator<'a> {
    v: &'a View,
    memory: Head,
    count_cut: bool,
    count_pad: usize,
    held_expr: &'static str,
    product: &'static str,
    scaled: String,
    driven_extended: String,
    store_expr: &'static str,
    start: &'static str,
    only_sum: &'static str,
}

/// What a plane's product counts: shifted, or a sum of the bits of its scale.
fn scaled(view: &View) -> String {
    if view.shift_width > 0 {
        return "product << shift".into();
    }
    let term = |bit: &ScaleBit| match bit.shift {
        0 => format!("({{SUM{{{}}}}} & product)", bit.name),
        shift => format!("({{SUM{{{}}}}} & (product << {shift}))", bit.name),
    };
    view.scale_bits.iter().map(term).collect::<Vec<String>>().join("\n          + ")
}

fn accumulator<'a>(design: &Design, view: &'a View) -> Accumulator<'a> {
    let (sum, count) = (view.accumulator_width, view.count_width);
    let own = "sum_q[lane*SUM +: SUM]";
    let stored = "stored[lane*SUM +: SUM]";
    Accumulator {
        v: view,
        memory: memories::sums(design, view.accumulator_depth),
        count_cut: count > sum,
        count_pad: sum.saturating_sub(count),
        held_expr: match (view.accumulator_depth > 0, view.mixed_register) {
            (false, _) => own,
            (true, false) => stored,
            (true, true) => {
                "in_register_i ? sum_q[lane*SUM +: SUM] :\n                                             stored[lane*SUM +: SUM]"
            }
        },
        product: if view.scales { "product" } else { "contribution" },
        scaled: scaled(view),
        driven_extended: match sum.saturating_sub(view.driven_width) {
            0 => "driven_q[STAGES*DRIVEN-1 -: DRIVEN]".into(),
            more => format!("{{{more}'d0, driven_q[STAGES*DRIVEN-1 -: DRIVEN]}}"),
        },
        store_expr: match view.mixed_register {
            true => "stored_valid_i & !in_register_i",
            false => "stored_valid_i",
        },
        start: if view.shortcuts { "kept_i[lane*SUM +: SUM]" } else { "{SUM{1'b0}}" },
        only_sum: match view.shortcuts {
            true => "kept_i[lane*SUM +: SUM] + contribution",
            false => "contribution",
        },
    }
}

// --------------------------------------------------------------------------------------------- thresholds

#[derive(Template)]
#[template(path = "rtl/threshold_unit.v", syntax = "verilog", escape = "none")]
struct ThresholdUnit<'a> {
    v: &'a View,
    memory: Head,
    t: Thresholds,
    groups: usize,
    /// There are thresholds for each number of planes: where those of fewer begin.
    threshold_sets: bool,
    sets: Vec<Set>,
    entry: &'static str,
    address_width: usize,
    unit_note: String,
    compare_width: usize,
    difference_cut: bool,
    difference_top: usize,
    score_sum_expr: String,
    threshold_compare_expr: String,
    plain_lanes: bool,
    first_plain_lane: usize,
    plain_compare: String,
    flip_before_expr: String,
    flip_after_expr: String,
    flip_result: &'static str,
    score_condition: &'static str,
    bit_condition: &'static str,
}

/// Thresholds with the planes up to `plane`.
struct Set {
    plane: usize,
    offset: usize,
}

/// Whether there are thresholds for each number of planes.
pub(super) fn threshold_sets(design: &Design) -> bool {
    design.thresholds.len() > design.groups()
}

/// The threshold memory's entry and where flips act.
struct Thresholds {
    width: usize,
    has_flip: bool,
    entry_width: usize,
    flips_after: bool,
    mixed_flip: bool,
    gives_both: bool,
    idle_lanes: bool,
}

impl Thresholds {
    fn new(design: &Design, view: &View) -> Thresholds {
        let (before, after) = flip_layers(design);
        let width = design.widths.threshold;
        Thresholds {
            width,
            has_flip: before || after,
            entry_width: width + usize::from(before || after),
            flips_after: after,
            mixed_flip: before && after,
            gives_both: view.gives_bits && view.gives_scores,
            idle_lanes: !view.gives_bits && view.score_lanes < view.lanes,
        }
    }
}

/// Fields of the threshold unit's ports that depend on the layer.
pub(super) fn mixed_flip(design: &Design) -> bool {
    flip_layers(design) == (true, true)
}

fn threshold_unit<'a>(design: &Design, view: &'a View, t: &Thresholds) -> ThresholdUnit<'a> {
    let (sum, threshold) = (view.accumulator_width, t.width);
    let signed = view.signed_sums;
    let shift = design.layers[design.layers.len() - 1].score_shift;
    let compare = (sum + shift).max(threshold).max(view.score_width) + 1;
    let extend = |name: &str, from: usize, to: usize| match (to - from, signed) {
        (0, _) => name.to_string(),
        (more, true) => format!("{{{{{more}{{{name}[{}]}}}}, {name}}}", from - 1),
        (more, false) => format!("{{{more}'d0, {name}}}"),
    };
    let wide = extend("sum", sum, compare);
    let score_sum_expr = match (shift, t.gives_both) {
        (0, _) => wide,
        (_, true) => {
            format!("scores_i ? {{{}, {shift}'d0}} :\n          {wide}", extend("sum", sum, compare - shift))
        }
        (_, false) => format!("{{{}, {shift}'d0}}", extend("sum", sum, compare - shift)),
    };
    let most = sum.max(threshold);
    let plain_compare = match signed {
        true => format!(
            "$signed({}) >= $signed({})",
            extend("sum", sum, most),
            extend("threshold", threshold, most)
        ),
        false => format!("{} >= {}", extend("sum", sum, most), extend("threshold", threshold, most)),
    };
    let flip = |lane: &str| format!("entries[{lane}*ENTRY + {}]", t.width);
    let notes: Vec<&str> = [
        (view.gives_bits, "bits"),
        (view.pools, "max pooling over bits"),
        (view.gives_scores, "scores of the last layer"),
    ]
    .into_iter()
    .filter(|note| note.0)
    .map(|note| note.1)
    .collect();
    let first_plain_lane = if view.gives_scores { view.score_lanes } else { 0 };
    let before = t.has_flip && (t.mixed_flip || !t.flips_after);
    let unused_top = compare - 1;
    ThresholdUnit {
        v: view,
        memory: memories::thresholds(design, t.entry_width),
        groups: design.groups(),
        threshold_sets: threshold_sets(design),
        sets: (1..design.planes_of_weights())
            .map(|planes| Set { plane: planes - 1, offset: design.threshold_set(planes) })
            .collect(),
        entry: if threshold_sets(design) { "entry" } else { "group_q" },
        address_width: design.widths.threshold_address,
        unit_note: notes.join(", "),
        compare_width: compare,
        // The top bit is the comparison where bits are made of it.
        difference_cut: if view.gives_bits {
            unused_top > view.score_width
        } else {
            compare > view.score_width
        },
        difference_top: if view.gives_bits { compare - 2 } else { compare - 1 },
        score_sum_expr,
        threshold_compare_expr: extend("threshold", threshold, compare),
        plain_lanes: view.gives_bits && first_plain_lane < view.lanes,
        first_plain_lane,
        plain_compare,
        flip_before_expr: match (before, t.mixed_flip) {
            (false, _) => String::new(),
            (true, false) => format!(" ^ {}", flip("lane")),
            (true, true) => format!(" ^ ({} & !flip_after_pool_i)", flip("lane")),
        },
        flip_after_expr: match t.mixed_flip {
            true => format!("{} & flip_after_pool_i", flip("flip")),
            false => flip("flip"),
        },
        flip_result: if t.flips_after { " ^ flip_q" } else { "" },
        score_condition: if t.gives_both { " & scores_i" } else { "" },
        bit_condition: if t.gives_both { " & !scores_i" } else { "" },
        t: Thresholds { ..*t },
    }
}

// --------------------------------------------------------------------------------------------- write-back

#[derive(Template)]
#[template(path = "rtl/write_back.v", syntax = "verilog", escape = "none")]
struct WriteBack<'a> {
    v: &'a View,
    w: WriteView,
    write_fields: Vec<Port>,
    selects: Vec<Select>,
    chunk_indices: Vec<usize>,
}

/// What only the write-back asks.
#[derive(Default)]
struct WriteView {
    /// Rotations of the words of a group to consecutive banks, where they turn.
    rotate_write: Head,
    rotate_data: Head,
    write_layer: bool,
    part_logic: bool,
    part_index_width: usize,
    limits_chunks: bool,
    chunks_width: usize,
    moves_writes: bool,
    from_bank: &'static str,
    from_address: &'static str,
    wrap_extended: String,
    word_write: String,
    word_data: String,
    wrapped_bank: String,
    single_group_word: String,
    part_write_expr: String,
}

/// Whether the write-back has constants that differ between layers.
pub(super) fn write_layer(design: &Design) -> bool {
    design.layers.iter().filter(|layer| layer.write.is_some()).count() > 1
}

/// Whether some group would write beyond the last word of a pixel what another pixel or map keeps there. The words
/// behind the only pixel of a map that ends with them are never read.
fn limits_chunks(design: &Design, view: &View) -> bool {
    let words = view.chunks_at_once;
    design.layers.windows(2).any(|pair| {
        let (Some(write), Source::Map { size, .. }) = (&pair[0].write, &pair[1].source) else { return false };
        let (rows, columns) = pair[0].walk.pooled;
        let one_pixel = pair[0].sum_pixels || rows * columns == 1;
        let spare = write.chunks.next_multiple_of(words) <= size * view.banks;
        write.chunks % words != 0 && !(one_pixel && spare)
    })
}

fn write_back(design: &Design, view: &View) -> Vec<NamedText> {
    if !view.has_map {
        let w = WriteView::default();
        let module = WriteBack { v: view, w, write_fields: vec![], selects: vec![], chunk_indices: vec![] };
        return vec![file("write_back", &module)];
    }
    let part_logic = view.parts > 1 && view.writes_groups;
    let limits = limits_chunks(design, view);
    let table = write_table(design, view, limits);
    let chunks_at_once = view.chunks_at_once;
    let idle_words = view.banks - chunks_at_once;
    let words = if limits { "write_words_q" } else { "{WORDS{1'b1}}" };
    let words = words.replace("WORDS", &chunks_at_once.to_string());
    let valid = format!("{words} & {{{chunks_at_once}{{to_map}}}}");
    let idle_bits = view.rows - view.lanes;
    let extend = |name: &str, from: usize, to: usize| match to - from {
        0 => name.to_string(),
        more => format!("{{{more}'d0, {name}}}"),
    };
    let w = WriteView {
        rotate_write: core::rotate(view.banks, 1, core::Turn::Up),
        rotate_data: core::rotate(view.banks, view.word, core::Turn::Up),
        write_layer: write_layer(design),
        part_logic,
        part_index_width: bits(view.parts - 1),
        limits_chunks: limits,
        chunks_width: chunks_width(design, view),
        moves_writes: view.writes_columns || view.writes_groups,
        from_bank: if view.writes_groups { "from_bank" } else { "bank_q" },
        from_address: if view.writes_groups { "from_address" } else { "address_q" },
        wrap_extended: extend("bank_wraps", 1, view.map_width),
        word_write: match idle_words {
            0 => valid,
            idle => format!("{{{idle}'d0, {valid}}}"),
        },
        word_data: match idle_bits {
            0 => "bit_q".into(),
            idle => format!("{{{idle}'d0, bit_q}}"),
        },
        wrapped_bank: extend("wrapped[bank]", 1, view.map_width),
        single_group_word: match view.word - view.lanes.min(view.word) {
            0 => "bit_q".into(),
            idle => format!("{{{idle}'d0, bit_q}}"),
        },
        part_write_expr: match (view.write_rotates, part_logic) {
            (true, true) => format!("part_write & {{{}{{bank_write[bank]}}}}", view.parts),
            (false, true) => format!("part_write & {{{}{{bank_write}}}}", view.parts),
            (true, false) => format!("{{{}{{bank_write[bank]}}}}", view.parts),
            (false, false) => format!("{{{}{{bank_write}}}}", view.parts),
        },
    };
    let module = WriteBack {
        v: view,
        selects: write_selects(view, part_logic),
        w,
        write_fields: program::ports(&table.fields),
        chunk_indices: (0..chunks_at_once).collect(),
    };
    vec![file("write_back", &module), program::module(&table)]
}

fn chunks_width(design: &Design, view: &View) -> usize {
    let most = design.layers.iter().filter_map(|layer| layer.write.as_ref()).map(|write| write.chunks).max();
    bits(most.unwrap_or(0).max(view.chunks_at_once))
}

/// Step of address and bank: to the next group's first pixel, the next row or the next column.
fn write_selects(view: &View, part_logic: bool) -> Vec<Select> {
    if !(view.writes_columns || view.writes_groups) {
        return Vec::new();
    }
    let mut selects = Vec::new();
    let mut add = |dimension: &str, width: usize| {
        if view.writes_groups {
            selects.push(Select {
                name: format!("from_{dimension}"),
                width,
                expression: format!("group_last_i ? first_{dimension}_q : {dimension}_q"),
            });
        }
        let pixel = match (view.writes_columns, view.writes_rows) {
            (false, _) => String::new(),
            (true, false) => format!("step_column_{dimension}"),
            (true, true) => {
                format!("row_last_i ? step_row_{dimension} :\n      step_column_{dimension}")
            }
        };
        let chunk = match part_logic {
            true => format!("(word_done ? step_chunk_{dimension} : {width}'d0)"),
            false => format!("step_chunk_{dimension}"),
        };
        let expression = match (view.writes_groups, view.writes_columns) {
            (true, true) => format!("group_last_i ? {chunk} :\n      {pixel}"),
            (true, false) => chunk,
            (false, _) => pixel,
        };
        selects.push(Select { name: format!("step_{dimension}"), width, expression });
    };
    add("address", view.map_width);
    if view.write_rotates {
        add("bank", view.bank_width);
    }
    selects
}

/// The step from pixel to pixel; where a map has one column it is the step from row to row.
fn pixel_step(layer: &LayerDesign, write: &WriteWalk) -> Step {
    if layer.walk.pooled.1 == 1 { write.step_row } else { write.step_column }
}

fn write_table(design: &Design, view: &View, limits: bool) -> Table {
    let written: Vec<(usize, &LayerDesign, &WriteWalk)> = design
        .layers
        .iter()
        .enumerate()
        .filter_map(|(index, layer)| layer.write.as_ref().map(|write| (index, layer, write)))
        .collect();
    let mut fields = Vec::new();
    let mut add = |exists: bool, name, width, value: fn(&LayerDesign, &WriteWalk) -> i64| {
        if exists {
            fields.push(Field::new(
                name,
                width,
                "",
                written.iter().map(|(_, layer, write)| value(layer, write)),
            ));
        }
    };
    let (address, bank) = (view.map_width, view.bank_width);
    let turns = view.write_rotates;
    add(true, "origin_address", address, |_, w| w.origin.address);
    add(view.writes_columns, "step_column_address", address, |l, w| pixel_step(l, w).address);
    add(view.writes_rows, "step_row_address", address, |_, w| w.step_row.address);
    add(view.writes_groups, "step_chunk_address", address, |_, w| w.step_chunk.address);
    add(view.writes_columns && turns, "step_column_bank", bank, |l, w| pixel_step(l, w).bank as i64);
    add(view.writes_rows && turns, "step_row_bank", bank, |_, w| w.step_row.bank as i64);
    add(view.writes_groups && turns, "step_chunk_bank", bank, |_, w| w.step_chunk.bank as i64);
    add(limits, "chunks", chunks_width(design, view), |_, w| w.chunks as i64);
    Table {
        module: "write_program",
        description: "Write program: where each layer's results go.".into(),
        inputs: if written.len() > 1 { vec![("layer_i", view.layer_width)] } else { vec![] },
        entries: written.iter().map(|(index, layer, _)| (vec![*index], comment(layer))).collect(),
        fields,
    }
}
