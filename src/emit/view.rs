//! What the templates ask of a design: its numbers by name, and which features exist.
//!
//! Only restates the design; widths of counters follow from the design's own limits. A width of 0 says that the
//! thing does not exist.

use super::analog::AnalogView;
use super::edge::Edge;
use super::facts::{bits, is_input, plural, skips, steps_rows, taps, turns};
use super::library::core::threshold_sets;
use super::library::{control, stream};
use crate::design::{Design, Ensemble, InputCode, InputKind, LayerDesign, PadValue};

/// Numbers and switches of all templates.
#[derive(Debug)]
pub(super) struct View {
    pub title: String,
    /// Of the names of the design's own modules.
    pub prefix: String,
    pub rows: usize,
    pub lanes: usize,
    pub word: usize,
    pub banks: usize,
    pub planes: usize,
    /// Bits of a row vector of the input unit, all of whose planes drive the same rows in turn if `serial_input`.
    pub vector_bits: usize,
    pub serial_input: bool,
    /// D.
    pub latency: usize,
    /// Lanes that share a copy of the row register; 0: none.
    pub segment: usize,
    pub row_enable: bool,
    /// Sums need the number of driven rows.
    pub counts_driven: bool,
    pub analog: Option<AnalogView>,
    /// Weights are drawn, and layers from the first drawn one on run once a sample.
    pub drawn: Option<DrawnView>,
    /// Reads have noise of their own.
    pub noise: bool,
    /// Something is taken away behind the converters.
    pub subtracts: bool,
    /// The first layer counts the planes of an integer.
    pub weighted: bool,
    /// The rows of the first layer's vectors count among the driven ones; the input unit counts them.
    pub input_driven: bool,
    pub input_counts: bool,
    /// Networks are loaded: what one network need not have another may.
    pub loadable: bool,
    pub layers: usize,
    pub many_layers: bool,
    pub layer_width: usize,
    pub cycle_width: usize,
    pub total_cycles: u64,

    // Loops.
    pub pass_width: usize,
    pub group_width: usize,
    pub multi_pass: bool,

    // Planes of weights.
    pub weight_planes: usize,
    /// Bits of the index of a plane; 0: every layer has one.
    pub plane_width: usize,
    /// Other units than the sequencer ask how many planes of the present frame run.
    pub tells_planes: bool,
    /// Planes of bits of the activation memory, and bits of the index of one; 0: there is one.
    pub map_bits: usize,
    pub bit_width: usize,
    /// Most thresholds of a lane.
    pub steps: usize,
    /// Some layer's states are levels themselves.
    pub state_levels: bool,
    /// Some contribution counts more than 1.
    pub scales: bool,
    /// Scales are powers of two; else the bits that some scale has.
    pub shift_width: usize,
    pub scale_width: usize,
    /// Some tiles are left out.
    pub skips: bool,
    pub masks_rows: bool,
    pub masks_lanes: bool,
    /// Bits of the number of kept rows of a slot.
    pub kept_width: usize,
    pub all_groups: usize,
    pub all_group_width: usize,

    // Walk.
    pub has_walk: bool,
    pub walk_width: usize,
    pub walk_bank_width: usize,
    /// Most banks of the activation memory or the input through which a walk goes; 1: it stays in one.
    pub walk_banks: usize,

    // Results.
    pub accumulates: bool,
    pub accumulator_depth: usize,
    pub accumulator_width: usize,
    pub mixed_register: bool,
    pub total_width: usize,
    /// Something stands between accumulators and thresholds: sums are multiplied there, and those kept are added.
    pub state: bool,
    pub scales_sums: bool,
    pub keeps_sums: bool,
    /// Bits of the distance of the rows and columns that are kept, less one; 0: all are.
    pub stride_width: usize,
    /// Some layer has groups that nothing is added to.
    pub narrow: bool,
    /// States of some layers are 0 or more.
    pub rectifies: bool,
    /// Nothing leaves some layers: their sums are only kept.
    pub silences: bool,
    pub pools: bool,
    pub count_width: usize,

    // Activation memory and its gathering.
    pub has_map: bool,
    /// The gathered words turn; the written ones do.
    pub rotates: bool,
    pub write_rotates: bool,
    pub bank_width: usize,
    pub map_width: usize,
    pub parts: usize,
    pub chunks_at_once: usize,
    pub write_addresses: usize,
    pub write_bits: usize,
    pub writes_rows: bool,
    pub writes_columns: bool,
    pub writes_groups: bool,
    /// Someone asks whether a result is the last of its row, or of its group.
    pub row_ends: bool,
    pub group_ends: bool,
    pub pads: bool,
    /// Some window reaches over the map's upper or lower edge; over its left or right one. One of them where `pads`.
    pub pads_rows: bool,
    pub pads_columns: bool,
    pub plus_pads: bool,
    pub coordinate_width: usize,
    pub driven_width: usize,

    // Weights.
    pub weight_rows: usize,
    pub words: usize,
    pub weight_bits: usize,
    pub weight_address_width: usize,

    // Input stream.
    pub elements: usize,
    pub elements_s: &'static str,
    pub stream_bits: usize,
    pub is_window: bool,
    pub input_passes: usize,
    pub input_last_taps: usize,
    pub kernel_rows: usize,
    pub input_columns: usize,

    // Scores.
    pub gives_scores: bool,
    pub gives_bits: bool,
    pub last_gives_bits: bool,
    pub score_lanes: usize,
    pub score_width: usize,
    pub output_bits: usize,
}

impl View {
    /// Something behind the arrays follows the groups as they are counted.
    pub fn follows_groups(&self) -> bool {
        self.masks_lanes && self.all_groups > 1 || self.scales_sums
    }

    /// Something asks whether the layer that runs counts the planes of an integer; with the popcount readout.
    pub fn asks_weighted(&self) -> bool {
        self.analog.is_none() && (self.planes > 1 || self.counts_driven && self.weighted)
    }

    /// Bits of the index of a sample.
    pub fn sample_width(&self) -> usize {
        self.drawn.as_ref().map_or(1, |drawn| drawn.sample_width)
    }

    pub fn new(design: &Design) -> View {
        let layers = &design.layers;
        let most = |f: fn(&LayerDesign) -> usize| layers.iter().map(f).max().unwrap_or(0);
        let any = |f: fn(&LayerDesign) -> bool| layers.iter().any(f);
        let written = || layers.iter().filter(|layer| layer.write.is_some());
        let last = &layers[layers.len() - 1];
        let loadable = design.loadable();
        let has_map = design.layer_count() > 1;
        let input = Input::new(design);
        let pads = any(|layer| layer.padding.is_some());
        let pads_columns = pads && Edge::all(design, false).iter().any(Edge::reached);
        let pads_rows = pads && (Edge::all(design, true).iter().any(Edge::reached) || !pads_columns);
        let plus_pads = any(|layer| matches!(layer.padding, Some((_, PadValue::Plus))));
        let multi_pass = any(|layer| layer.passes * layer.planes.len() * layer.map_scales.len() > 1);
        let has_walk = has_map || input.is_window;
        let modulus = if input.is_window { input.kernel_rows } else { 1 };
        let map_banks = if has_map { design.banks } else { 1 };
        let from_map = || layers.iter().filter(|layer| !is_input(layer));
        let rotates = map_banks > 1 && (loadable || from_map().any(turns));
        let walk_banks = modulus.max(if rotates { map_banks } else { 1 });
        let walk_bank_width = bits(walk_banks - 1);
        let map_width = bits(design.map_depth.saturating_sub(1)).max(1);
        let input_walk_width = bits(input.depth.saturating_sub(1)).max(1);
        let walk_width = map_width.max(if input.is_window { input_walk_width } else { 1 });
        let lanes = design.lanes;
        let gives_scores = last.scores;
        let chunks_at_once = (lanes / design.word).max(1);
        let writes_words = lanes > design.word;
        let pass_width = bits(most(|layer| layer.passes - 1));
        let accumulates = multi_pass || any(|layer| layer.sum_pixels);
        let count_width = design.widths.count;
        let bipolar = any(|layer| !layer.weighted);
        let counts_driven = design.signed_counts && design.analog.is_none() && bipolar;
        let weight_planes = most(|layer| layer.planes.len());
        let plane_width = bits(weight_planes - 1);
        // Rows that a plane leaves out hold empty cells in an analog array.
        let masks_rows =
            design.analog.is_none() && any(|layer| layer.planes.iter().any(|plane| plane.rows.is_some()));
        let scales = || layers.iter().flat_map(contributions);
        let map_bits = design.map_bits();
        let writes_rows = loadable || written().any(steps_rows);
        let writes_groups = loadable || written().any(|layer| layer.groups > 1);
        let strides = layers.iter().map(|layer| layer.shortcut.stride);
        let stride_width = bits(strides.map(|(rows, columns)| rows.max(columns)).max().unwrap_or(1) - 1);
        let shifts = scales().all(|scale| scale.count_ones() == 1);
        let masks_lanes = any(|layer| layer.planes.iter().any(|plane| plane.lanes.is_some()));
        let input_driven = counts_driven && layers.iter().any(|layer| is_input(layer) && !layer.weighted);
        let all_groups = design.groups();
        View {
            title: match design.capacity {
                Some(_) => format!("Accelerator {} for networks that are loaded", design.name.comment()),
                None => format!("Accelerator of '{}'", design.name.comment()),
            },
            prefix: design.arch.target.prefix.clone(),
            rows: design.rows,
            lanes,
            word: design.word,
            banks: design.banks,
            planes: design.planes,
            vector_bits: design.vector_bits(),
            serial_input: design.serial_input(),
            latency: design.latency,
            segment: design.segment,
            row_enable: design.row_enable,
            counts_driven,
            analog: AnalogView::new(design),
            drawn: design.ensemble.as_ref().map(|ensemble| DrawnView::new(design, ensemble)),
            noise: design.has_noise(),
            subtracts: design.analog.as_ref().is_some_and(|analog| analog.reference.is_some()),
            weighted: any(|layer| layer.weighted),
            input_driven,
            input_counts: input_driven && !masks_rows,
            loadable,
            layers: design.layer_count(),
            many_layers: design.layer_count() > 1,
            layer_width: design.widths.layer,
            cycle_width: control::cycle_width(design),
            total_cycles: design.cycles,

            pass_width,
            group_width: bits(most(|layer| layer.groups - 1)),
            multi_pass,

            weight_planes,
            plane_width,
            tells_planes: plane_width > 0 && (design.analog.is_none() || threshold_sets(design)),
            map_bits,
            bit_width: bits(map_bits - 1),
            steps: design.steps(),
            state_levels: design.level().is_some(),
            scales: plane_width > 0 || scales().any(|scale| scale > 1),
            shift_width: match shifts {
                true => bits(scales().map(|scale| scale.trailing_zeros() as usize).max().unwrap_or(0)).max(1),
                false => 0,
            },
            scale_width: if shifts { 0 } else { bits(scales().max().unwrap_or(1) as usize) },
            skips: skips(design),
            masks_rows,
            masks_lanes,
            // A slot has no more rows than all that are driven.
            kept_width: bits(design.word).min(driven_width(design, input.last_taps)),
            all_groups,
            all_group_width: bits(all_groups - 1).max(1),

            has_walk,
            walk_width,
            walk_bank_width,
            walk_banks,

            accumulates,
            accumulator_depth: design.accumulator_depth,
            accumulator_width: design.widths.accumulator,
            mixed_register: design.accumulator_depth > 0 && (loadable || any(|layer| layer.in_register)),
            total_width: design.widths.total,
            state: design.state.is_some(),
            scales_sums: design.scales().is_some(),
            keeps_sums: design.kept_entries() > 0,
            stride_width,
            narrow: any(|layer| layer.shortcut.adds && layer.added_groups < layer.groups),
            rectifies: any(|layer| layer.format.is_some_and(|format| format.rectified)),
            silences: any(|layer| layer.silent),
            pools: loadable || any(|layer| layer.walk.window != (1, 1)),
            count_width,

            has_map,
            rotates,
            write_rotates: map_banks > 1,
            bank_width: bits(design.banks - 1),
            map_width,
            parts: (design.word / lanes).max(1),
            chunks_at_once,
            write_addresses: if writes_words { design.banks } else { 1 },
            write_bits: if writes_words { design.rows } else { design.word },
            writes_rows,
            writes_columns: loadable
                || written().any(|layer| !layer.sum_pixels && layer.walk.pooled.0 * layer.walk.pooled.1 > 1),
            writes_groups,
            row_ends: writes_rows || stride_width > 0,
            group_ends: writes_groups || stride_width > 0,
            pads,
            pads_rows,
            pads_columns,
            plus_pads,
            coordinate_width: design.widths.coordinate,
            driven_width: driven_width(design, input.last_taps),

            weight_rows: design.weight_rows,
            words: design.rows / design.weight_rows,
            weight_bits: design.weight_rows * lanes,
            weight_address_width: design.widths.weight_address,

            elements: design.input.elements,
            elements_s: plural(design.input.elements),
            stream_bits: design.input.stream_bits,
            is_window: input.is_window,
            input_passes: layers
                .iter()
                .filter(|layer| is_input(layer))
                .map(|layer| layer.passes)
                .max()
                .unwrap_or(1),
            input_last_taps: input.last_taps,
            kernel_rows: input.kernel_rows,
            input_columns: input.columns,

            gives_scores,
            gives_bits: any(|layer| !layer.scores),
            last_gives_bits: !gives_scores,
            score_lanes: stream::score_lanes(design),
            score_width: design.widths.score,
            output_bits: design.output.stream_bits,
        }
    }
}

/// What the contributions of a layer count: of each plane of the weights and each plane of bits of its map.
pub(super) fn contributions(layer: &LayerDesign) -> impl Iterator<Item = i64> + '_ {
    layer.planes.iter().flat_map(|plane| layer.map_scales.iter().map(move |scale| plane.scale * scale))
}

/// What draws weights.
#[derive(Debug)]
pub(super) struct DrawnView {
    /// First layer that is drawn, and the first entry of its thresholds.
    pub first: usize,
    pub first_entry: usize,
    /// Bits of the index of a sample.
    pub sample_width: usize,
    /// First word of its weights, and bits of the address and of a word of the flip codes.
    pub base: usize,
    pub address_width: usize,
    pub code_bits: usize,
    pub noise_bits: usize,
    /// Bits of the sum of the samples' scores.
    pub score_width: usize,
}

impl DrawnView {
    fn new(design: &Design, ensemble: &Ensemble) -> DrawnView {
        DrawnView {
            first: ensemble.first,
            first_entry: design.layers[ensemble.first].threshold_base,
            sample_width: bits(ensemble.samples - 1).max(1),
            base: ensemble.base,
            address_width: bits(ensemble.codes.rows().saturating_sub(1)).max(1),
            code_bits: ensemble.codes.columns(),
            noise_bits: ensemble.taps.len(),
            score_width: ensemble.score_width,
        }
    }
}

/// What the input memory's two shapes have in common; of a machine, the most of its networks.
struct Input {
    is_window: bool,
    kernel_rows: usize,
    columns: usize,
    depth: usize,
    /// Elements of the last pass.
    last_taps: usize,
}

impl Input {
    fn new(design: &Design) -> Input {
        let left = |taps: usize| taps.saturating_sub((design.layers[0].passes - 1) * design.plane_rows);
        let mut input = Input { is_window: false, kernel_rows: 0, columns: 0, depth: 0, last_taps: 0 };
        for form in design.input_forms() {
            let (rows, columns, depth, taps) = match form.unit.kind {
                InputKind::Window { kernel, channels, columns, depth, .. } => {
                    (kernel.0, columns, depth, kernel.0 * kernel.1 * channels)
                }
                InputKind::Vector { length, words } => (0, 0, words, length),
            };
            input.is_window |= rows > 0;
            input.kernel_rows = input.kernel_rows.max(rows);
            input.columns = input.columns.max(columns);
            input.depth = input.depth.max(depth);
            input.last_taps = input.last_taps.max(left(taps));
        }
        input
    }
}

/// Kernel rows of the first layer; 0 where it reads a vector.
pub(super) fn input_kernel_rows(design: &Design) -> usize {
    Input::new(design).kernel_rows
}

/// Columns of the windows of the input; 0 where it is a vector.
pub(super) fn input_columns(design: &Design) -> usize {
    Input::new(design).columns
}

/// Elements of the input's last pass.
pub(super) fn input_last_taps(design: &Design) -> usize {
    Input::new(design).last_taps
}

/// Bits of the number of driven rows.
fn driven_width(design: &Design, last_input_taps: usize) -> usize {
    let from_map = taps(design)
        .map(|(_, slots)| slots.iter().flatten().map(|tap| tap.channels).sum::<usize>())
        .max()
        .unwrap_or(0);
    let bipolar = design.layers.iter().any(|layer| is_input(layer) && !layer.weighted);
    let from_input = match design.input.code {
        _ if design.loadable() && bipolar => design.rows,
        InputCode::Bipolar if design.layers[0].passes > 1 => design.plane_rows,
        InputCode::Bipolar => last_input_taps,
        _ => 0,
    };
    bits(from_map.max(from_input))
}
