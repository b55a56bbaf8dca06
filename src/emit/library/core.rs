//! What a design sets in the parts of its engine.

use super::super::facts::{Loops, skips};
use super::super::gather::Gather;
use super::super::view::View;
use super::super::walk::Walk;
use super::{Head, control, stream};
use crate::design::{Design, Ensemble, LayerDesign, StateCode, StateUnit};

/// `bincim_counter` of rounds of up to `count` steps.
pub(in super::super) fn counter(count: usize) -> Head {
    Head::new("bincim_counter").with("Count", count)
}

/// What a count is worth.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Products {
    /// Bits of the number of driven rows, with which counts become products; 0: they are products.
    pub driven: usize,
    /// Bits of a plane's scale, as a shift or as a factor.
    pub shift: usize,
    pub scale: usize,
}

/// `bincim_accumulator`.
pub(in super::super) fn accumulator(design: &Design, products: Products) -> Head {
    Head::new("bincim_accumulator")
        .with("Lanes", design.lanes)
        .with("Count", design.widths.count)
        .with("Sum", design.widths.accumulator)
        .with("Signed", design.analog.is_some().into())
        .with("Depth", design.accumulator_depth)
        .with("Driven", products.driven)
        .with("Stages", design.latency + 1)
        .with("Shift", products.shift)
        .with("Scale", products.scale)
}

/// `bincim_state`, where sums become numbers of fixed point, or those that another layer kept are added.
pub(in super::super) fn state(design: &Design, v: &View, state: &StateUnit) -> Head {
    let head = Head::new("bincim_state")
        .with("Lanes", design.lanes)
        .with("Sum", design.widths.accumulator)
        .with("Total", design.widths.total)
        .with("Signed", design.signed_sums().into())
        .with("Depth", state.depth)
        .with("Kept", state.bits)
        .with("Pools", shortcut_pools(design).into())
        .with("Stride", v.stride_width)
        .with("Narrow", v.narrow.into());
    let Some(scales) = &state.scales else { return head };
    head.with("Multiplier", scales.multiplier)
        .with("Offset", scales.offset)
        .with("Shift", scales.shift)
        .with("Entries", scales.entries.len())
        .with("Unit", scales.unit)
        .with("Rectifies", v.rectifies.into())
        .with_text("InitFile", &design.image("scales"))
}

/// Whether a layer whose sums are kept pools.
pub(in super::super) fn shortcut_pools(design: &Design) -> bool {
    design.layers.iter().any(|layer| layer.shortcut.keeps && layer.walk.window != (1, 1))
}

/// `bincim_threshold`, and what stands at its ports.
pub(in super::super) struct Thresholds {
    pub head: Head,
    /// Constants: the last of all layers' groups, and where flips act if that is one place.
    pub last_group: String,
    pub flip_after_pool: Option<&'static str>,
    /// First entry of the set of thresholds by the number of planes that run; `last_plane` is that number less 1.
    pub first_entry: String,
}

/// Whether there are thresholds for each number of planes.
pub(in super::super) fn threshold_sets(design: &Design) -> bool {
    design.thresholds.len() > design.groups()
}

/// Whether some layer turns bits before the pooling, and whether some does behind it.
fn flips(design: &Design) -> (bool, bool) {
    let turns = |layer: &LayerDesign| {
        let entries = layer.threshold_base..layer.threshold_base + layer.groups;
        !layer.scores && design.thresholds[entries].iter().flatten().any(|threshold| threshold.flip)
    };
    let any = |after| {
        design.loadable() || design.layers.iter().any(|layer| turns(layer) && layer.flip_after_pool == after)
    };
    (any(false), any(true))
}

/// Whether an entry of the threshold memory has a flip above the threshold.
pub(in super::super) fn has_flips(design: &Design) -> bool {
    let (before, after) = flips(design);
    before || after
}

/// Whether layers turn bits in different places.
pub(in super::super) fn mixed_flip(design: &Design) -> bool {
    flips(design) == (true, true)
}

pub(in super::super) fn thresholds(design: &Design, plane_width: usize) -> Thresholds {
    let (_, after) = flips(design);
    let scores = design.layers.iter().any(|layer| layer.scores);
    let bits = design.layers.iter().any(|layer| !layer.scores);
    let pools = bits && (design.loadable() || design.layers.iter().any(|layer| layer.walk.window != (1, 1)));
    let last = &design.layers[design.layers.len() - 1];
    let width = design.widths.threshold_address;
    let sets = (1..design.planes_of_weights()).rev().map(|planes| (planes - 1, design.threshold_set(planes)));
    let first_entry = match threshold_sets(design) {
        false => format!("{width}'d0"),
        true => sets.fold(format!("{width}'d0"), |other, (plane, entry)| {
            format!("(last_plane == {plane_width}'d{plane}) ? {width}'d{entry} :\n          {other}")
        }),
    };
    let head = Head::new("bincim_threshold")
        .with("Lanes", design.lanes)
        .with("Steps", design.steps())
        .with("Sum", design.widths.total)
        .with("Threshold", design.widths.threshold)
        .with("Signed", design.signed_totals().into())
        .with("Flips", has_flips(design).into())
        .with("FlipsAfter", after.into())
        .with("Bits", bits.into())
        .with("Pools", pools.into())
        .with("ScoreLanes", if scores { stream::score_lanes(design) } else { 0 })
        .with("Score", design.widths.score)
        .with("ScoreShift", last.score_shift)
        .with("Depth", design.thresholds.len());
    let head = match design.loadable() {
        true => head.with("Loadable", 1),
        false => head.with_text("InitFile", &design.image("thresholds")),
    };
    Thresholds {
        head,
        last_group: format!("{width}'d{}", design.groups() - 1),
        flip_after_pool: (!mixed_flip(design)).then_some(if after { "1'b1" } else { "1'b0" }),
        first_entry,
    }
}

/// Where the results of a design's layers go.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Writes {
    /// Some map has more than one pixel, some more than one row, some layer more than one group.
    pub columns: bool,
    pub rows: bool,
    pub groups: bool,
    /// Bits of the number of words of a pixel; 0, where it need not be known.
    pub chunks: usize,
}

/// `bincim_write_back`; without a map to write to it holds the bits on their way to the score buffer.
pub(in super::super) fn write_back(design: &Design, writes: Writes) -> Head {
    let map = design.map_depth > 0;
    Head::new("bincim_write_back")
        .with("Lanes", design.lanes)
        .with("Bits", design.map_bits())
        .with("Word", if map { design.word } else { design.lanes })
        .with("Banks", if map { design.banks } else { 1 })
        .with("Depth", design.map_depth.max(1))
        .with("Columns", writes.columns.into())
        .with("Rows", writes.rows.into())
        .with("Groups", writes.groups.into())
        .with("Chunks", writes.chunks)
}

/// The loops over a layer's vectors, as the sequencer and the weight loader count them.
fn loops(head: Head, design: &Design) -> Head {
    let loops = Loops::new(design);
    head.with("Layers", design.layer_count())
        .with("Samples", design.samples())
        .with("Groups", loops.groups)
        .with("Blocks", loops.blocks)
        .with("Passes", loops.passes)
        .with("Planes", loops.planes)
        .with("Skips", skips(design).into())
}

/// `bincim_sequencer`.
pub(in super::super) fn sequencer(design: &Design) -> Head {
    loops(Head::new("bincim_sequencer"), design)
        .with("Bits", design.map_bits())
        .with("Pixels", Loops::new(design).pixels)
        .with("CycleWidth", control::cycle_width(design))
}

/// `bincim_walk`.
pub(in super::super) fn walk(walk: &Walk) -> Head {
    Head::new("bincim_walk")
        .with("Address", walk.address)
        .with("Banks", walk.banks)
        .with("Coordinate", walk.coordinate)
        .with("WindowColumns", walk.window.1)
        .with("WindowRows", walk.window.0)
        .with("Columns", walk.columns)
        .with("Rows", walk.rows.into())
        .with("Moves", walk.moves.into())
        .with("Returns", walk.returns.into())
}

/// `bincim_gather`.
pub(in super::super) fn gather(v: &View, gather: &Gather) -> Head {
    Head::new("bincim_gather")
        .with("Banks", v.banks)
        .with("Word", v.word)
        .with("Bits", v.map_bits)
        .with("Address", v.map_width)
        .with("Offset", gather.offset)
        .with("Rotates", v.rotates.into())
        .with("Coordinate", if v.pads { v.coordinate_width } else { 1 })
        .with("KernelRows", gather.rows.len().max(1))
        .with("KernelColumns", gather.columns.len().max(1))
        .with_bits("RowsBefore", gather.rows.iter().map(|edge| edge.before))
        .with_bits("RowsBeyond", gather.rows.iter().map(|edge| edge.beyond))
        .with_bits("ColumnsBefore", gather.columns.iter().map(|edge| edge.before))
        .with_bits("ColumnsBeyond", gather.columns.iter().map(|edge| edge.beyond))
        .with("Driven", if v.counts_driven { v.driven_width } else { 0 })
        .with("Kept", if v.masks_rows && v.counts_driven { v.kept_width } else { 0 })
        .with("Channels", gather.channels)
}

/// `bincim_level_code`, where activations have several levels.
pub(in super::super) fn level_code(design: &Design) -> Head {
    Head::new("bincim_level_code")
        .with("Lanes", design.lanes)
        .with("Steps", design.steps())
        .with("Bits", design.map_bits())
}

/// `bincim_state_level`, where states are levels.
pub(in super::super) fn state_level(design: &Design, level: StateCode) -> Head {
    Head::new("bincim_state_level")
        .with("Lanes", design.lanes)
        .with("Total", design.widths.total)
        .with("Level", level.bits as usize)
        .with("Shift", level.shift as usize)
        .with("Bits", design.map_bits())
        .with("Rectified", level.rectified.into())
}

/// `bincim_score_sum`, where the scores of samples are added.
pub(in super::super) fn score_sum(design: &Design, ensemble: &Ensemble) -> Head {
    Head::new("bincim_score_sum")
        .with("Lanes", stream::score_lanes(design))
        .with("Width", design.widths.score)
        .with("Sum", ensemble.score_width)
        .with("Words", design.output.groups * design.output.pixels)
}

/// `bincim_weight_loader`.
pub(in super::super) fn weight_loader(design: &Design) -> Head {
    loops(Head::new("bincim_weight_loader"), design)
        .with("Drawn", design.ensemble.is_some().into())
        .with("Words", design.rows / design.weight_rows)
        .with("TileWords", Loops::new(design).words)
        .with("AddressWidth", design.widths.weight_address)
}

/// `bincim_support_mask`, where some plane leaves rows out.
pub(in super::super) fn support_mask(v: &View) -> Head {
    Head::new("bincim_support_mask")
        .with("Rows", v.rows)
        .with("SlotRows", if v.has_map && v.counts_driven { v.banks * v.kept_width } else { 0 })
        .with("Driven", if v.input_driven { v.driven_width } else { 0 })
}
