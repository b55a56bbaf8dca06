//! Resolves a mapped network into a [`Design`].

use super::images::{Cells, Domain};
use super::maps::MapMemory;
use super::*;
use crate::arch::WeightSlices;
use crate::mapping::{self, Items, Mapping};
use crate::network::{
    Activation, InputCode, Layer, MapCode, Plane, Shortcut, Slicing, added_channels, keeper, plane_bits,
    plane_scales,
};

/// Resolves `network` on `arch` (both validated) into numbers.
pub fn build(network: &Network, arch: &Arch) -> Result<Design, DesignError> {
    build_with(network, arch, Traits::default())
}

/// [`build`] for a machine whose sums have `traits`, whether the network needs them or not.
pub(super) fn build_with(network: &Network, arch: &Arch, traits: Traits) -> Result<Design, DesignError> {
    let mut design = outline_with(network, arch, traits)?;
    if let Some(mut analog) = design.analog.take() {
        analog.reference = Reference::new(&design);
        design.analog = Some(analog);
        if let Some(ensemble) = &mut design.ensemble {
            ensemble.tap(design.lanes);
        }
        return Ok(design);
    }
    let cells = Cells::new(arch, design.row_planes, design.plane_rows);
    for (layer, program) in network.layers.iter().zip(&design.layers) {
        cells.write(&mut design.weights, layer, program);
    }
    if let Some(mut ensemble) = design.ensemble.take() {
        ensemble.fill(network, &design.layers, &cells);
        design.ensemble = Some(ensemble);
    }
    Ok(design)
}

/// [`build`] without the content of the weight memory, which stays zero: enough to compare geometries.
pub fn outline(network: &Network, arch: &Arch) -> Result<Design, DesignError> {
    outline_with(network, arch, Traits::default())
}

fn outline_with(network: &Network, arch: &Arch, traits: Traits) -> Result<Design, DesignError> {
    let planes = network.input.code.planes();
    refusal::check(network, arch, planes)?;
    // What an analog array reads are bits.
    let bits = arch.readout.is_analog().then(|| network.of_bits());
    let network = &built(bits.as_ref().unwrap_or(network), arch)?;
    let mapping = mapping::map(network, arch);
    let pads_with_nothing = |layer: &Layer| !layer.padding.is_none() && layer.padding.value == PadValue::Zero;
    let row_enable = traits.row_enable || network.layers[1..].iter().any(pads_with_nothing);
    let several = |layer: &Layer| layer.planes.len() > 1 || layer.planes[0].scale > 1;
    // Sums of an integer's planes and matches of bits do not add up: 2 x matches - taps does.
    let kept_integers = network.input.code != InputCode::Bipolar
        && (1..network.layers.len()).any(|index| keeper(&network.layers, index) == Some(0));
    let signed_counts =
        traits.signed_counts || row_enable || kept_integers || network.layers.iter().any(several);
    let tree = TreePlan {
        rows: arch.rows,
        groups: planes.max(traits.planes),
        enable: row_enable,
        style: tree_style(arch),
        pipelined: arch.popcount.pipelined,
    };
    let latency = tree.latency() + usize::from(arch.segment > 0);
    let memory = MapMemory::new(network, arch);
    let plan =
        arch.readout.is_analog().then(|| analog::plan(network, arch, &mapping.layers, mapping.plane_rows));
    if let Some(plan) = &plan {
        let undecided =
            |(layer, readout): &(&Layer, &LayerReadout)| !layer.fewer.is_empty() && readout.decides;
        if let Some((layer, _)) = network.layers.iter().zip(&plan.layers).find(undecided) {
            return Err(DesignError::SenseThresholds { layer: layer.name.terminal() });
        }
    }
    let domains = domains(network, signed_counts, plan.as_ref());
    let parts = Parts { network, arch, mapping: &mapping, memory: &memory, domains: &domains };
    let mut layers = parts.layers();
    let stages = if state::is_needed(network) { STATE_STAGES as u64 } else { 0 };
    let cycles = |planes| match &plan {
        Some(plan) => mapping::cycles::of_analog_frame(&plan.timing(&mapping.layers, planes), stages),
        None => mapping::cycles::of_frame(&mapping.layers, planes, latency as u64 + stages),
    };
    let sample_cycles = network.first_drawn().map_or_else(Vec::new, |first| {
        let samples = |from| mapping::cycles::Samples { first, count: arch.ensemble.samples, from };
        match &plan {
            Some(plan) => {
                let reads = plan.timing(&mapping.layers, 1);
                mapping::cycles::of_drawn_frames(&reads, samples(ensemble::SEEDED))
            }
            None => mapping::cycles::of_samples(&mapping.layers, latency as u64, samples(ensemble::SEEDING)),
        }
    });
    let plane_cycles: Vec<mapping::cycles::Frame> = match sample_cycles.last() {
        Some(all) => vec![all.clone()],
        None => (1..=network.most_planes()).map(cycles).collect(),
    };
    let frame = &plane_cycles[plane_cycles.len() - 1];
    if let Some(plan) = &plan {
        let pairs = network.layers.iter().zip(&domains).zip(&plan.layers);
        for (layer, ((source, domain), readout)) in layers.iter_mut().zip(pairs) {
            let readout = layer.readout.insert(readout.clone());
            readout.sums = domain.range(source);
        }
    }

    let depth = match plan {
        Some(_) => 0,
        None => layers.last().map_or(0, |last| last.weight_base + tile_words(last)),
    };
    let weights = BitMatrix::zeros(depth, arch.weight_bandwidth());
    let most = network.most_planes();
    let steps = layers.iter().map(|layer| layer.steps).max().unwrap_or(1);
    let set = |&planes: &usize| {
        let each = network.layers.iter().zip(&domains).zip(&layers);
        each.flat_map(move |((layer, domain), program)| match program.level {
            Some(_) => domain.there(layer, arch.lanes, steps),
            None => domain.thresholds(layer, planes, arch.lanes, steps),
        })
    };
    // One for all planes, and behind it those for fewer, where they differ.
    let mut sets = vec![most];
    if layers[0].weighted && network.layers[0].planes.len() > 1 || network.has_fewer() {
        sets.extend(1..most);
    }
    let thresholds: Vec<Vec<Threshold>> = sets.iter().flat_map(set).collect();
    let accumulator_depth =
        layers.iter().filter(|layer| !layer.in_register).map(|layer| layer.block).max().unwrap_or(0);
    let analog = plan.as_ref().map(|plan| &plan.analog);
    let counts = Counts {
        width: analog.map_or(tree.count_width(), |analog| analog.value_width),
        signed: signed_counts || analog.is_some(),
        fixed: network.layers.iter().any(|layer| layer.requant.is_some()),
        analog: analog.is_some(),
    };
    let state = state::is_needed(network).then(|| StateUnit {
        scales: Scales::new(network, &domains, &sets, arch.lanes),
        ..parts.kept(&layers, counts)
    });
    let depths = Depths { weights: depth, thresholds: thresholds.len(), accumulator: accumulator_depth };
    let widths = parts.widths(&layers, counts, depths);
    let last = network.layers.last().expect("a validated network has a layer");
    let score_bits = match last.activation {
        Activation::Scores => widths.score,
        Activation::Sign { .. } | Activation::Kept => 1,
    };
    let ensemble = Ensemble::outline(network, arch, &layers, score_bits, sample_cycles);
    let score_bits = ensemble.as_ref().map_or(score_bits, |ensemble| ensemble.score_width);
    if score_bits > 32 {
        return Err(DesignError::WideScores { layer: last.name.terminal(), bits: score_bits });
    }
    let mut design = Design {
        name: network.name.clone(),
        network: scaled(network, plan.as_ref()),
        arch: arch.clone(),
        rows: arch.rows,
        lanes: arch.lanes,
        word: arch.word,
        banks: arch.banks(),
        planes,
        row_planes: arch.row_planes(planes),
        plane_rows: mapping.plane_rows,
        row_enable,
        signed_counts,
        ensemble,
        analog: plan.map(|plan| plan.analog),
        weight_rows: arch.weight_rows,
        weights,
        thresholds,
        map_depth: memory.depth,
        accumulator_depth,
        state,
        input: input::unit(network, arch, mapping.plane_rows),
        output: OutputUnit {
            scores: last.output.elements(),
            groups: last.conv.c.div_ceil(arch.lanes),
            pixels: last.output.pixels(),
            stream_bits: score_bits.next_multiple_of(8),
        },
        cycles: frame.layers.iter().sum(),
        frame_interval: frame.interval,
        plane_cycles,
        widths,
        tree,
        segment: arch.segment,
        latency,
        layers,
        capacity: None,
    };
    let cycles = design.last_cycles(&design.plane_cycles[design.plane_cycles.len() - 1].layers);
    design.layers.iter_mut().zip(cycles).for_each(|(layer, cycles)| layer.cycles = cycles);
    Ok(design)
}

/// The network, its output's scale in the units of the design's scores: 2^-V counts behind an analog readout.
fn scaled(network: &Network, plan: Option<&analog::Plan>) -> Network {
    let mut network = network.clone();
    let scores = network.layers.last().is_some_and(|last| last.activation == Activation::Scores);
    if let (Some(plan), true) = (plan, scores) {
        let unit = f64::from(1u32 << plan.analog.value_fraction_bits);
        network.output.scale.iter_mut().for_each(|scale| *scale /= unit);
    }
    network
}

/// The domains of the layers' sums.
fn domains(network: &Network, signed_counts: bool, plan: Option<&analog::Plan>) -> Vec<Domain> {
    let mut domains: Vec<Domain> = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        let code = network.code_of(index);
        let mut domain = match plan {
            Some(plan) => Domain::analog(layer, code, &plan.layers[index], plan.analog.value_fraction_bits),
            None => Domain::new(layer, code, signed_counts),
        };
        if let (Some(kept), None) = (keeper(&network.layers, index), &layer.requant) {
            domain.add(&domains[kept], &network.layers[kept], network.most_planes());
        }
        domains.push(domain);
    }
    domains
}

/// What layer `index` does with shortcuts: sums that no later layer adds are not kept.
fn shortcut(network: &Network, index: usize) -> Shortcut {
    let layers = &network.layers;
    let used = (index + 1..layers.len()).any(|later| keeper(layers, later) == Some(index));
    Shortcut { keeps: used, ..layers[index].shortcut }
}

/// The network as the arrays hold it: the planes that are asked for, in slices where a cell has several levels.
fn built(network: &Network, arch: &Arch) -> Result<Network, DesignError> {
    let limited = network.limited_each(&arch.planes);
    if arch.cell_bits < 2 {
        return Ok(limited);
    }
    let slicing = match arch.slices {
        WeightSlices::Balanced => Slicing::Balanced,
        WeightSlices::Offset => Slicing::Offset,
    };
    let sliced = limited.sliced(arch.cell_bits, slicing);
    let readout = &arch.readout;
    for layer in &sliced.layers {
        for plane in &layer.planes {
            if plane.scale > Plane::MOST_SCALE {
                return Err(DesignError::Scale { layer: layer.name.terminal(), scale: plane.scale });
            }
            let needed = cell_width(arch, plane.most());
            if needed > readout.cell_bits as usize {
                let (layer, most, bits) = (layer.name.terminal(), plane.most(), readout.cell_bits);
                return Err(DesignError::NarrowCell { layer, most, bits, needed });
            }
        }
    }
    Ok(sliced)
}

/// Bits of a cell whose largest weight is `most`.
fn cell_width(arch: &Arch, most: i32) -> usize {
    let counts = f64::from(most) + reference::common(arch, most);
    width::signed(-1, (counts * f64::from(1u32 << arch.readout.fraction_bits)).ceil() as i64)
}

/// The tree's shape: as asked for, or the one that measured smallest on the target's family.
fn tree_style(arch: &Arch) -> TreeStyle {
    use crate::arch::PopcountStyle;
    match arch.popcount.style {
        PopcountStyle::Auto => TreeStyle::for_family(&arch.family),
        PopcountStyle::Flat => TreeStyle::Flat,
        PopcountStyle::Compress32 => TreeStyle::Compress32,
        PopcountStyle::CarryIn => TreeStyle::CarryIn,
        PopcountStyle::Ccu2c => TreeStyle::Ccu2c,
        PopcountStyle::Lut6 => TreeStyle::Lut6,
    }
}

/// What the programs of the layers and the widths follow from.
struct Parts<'a> {
    network: &'a Network,
    arch: &'a Arch,
    mapping: &'a Mapping,
    memory: &'a MapMemory,
    /// Of the sums of every layer.
    domains: &'a [Domain],
}

/// What a lane's accumulator adds up.
#[derive(Clone, Copy)]
struct Counts {
    /// Bits of a count, or of the value of a code.
    width: usize,
    /// Sums are two's complement; some become numbers of fixed point.
    signed: bool,
    fixed: bool,
    /// Values of codes.
    analog: bool,
}

impl Counts {
    /// Bits of the sums that meet thresholds, from `low` to `high`.
    fn bits_of_totals(&self, low: i64, high: i64) -> usize {
        bits_of(low, high, self.signed || self.fixed)
    }
}

fn bits_of(low: i64, high: i64, signed: bool) -> usize {
    match signed {
        true => width::signed(low, high),
        false => width::unsigned(high as usize),
    }
}

/// Entries of memories.
#[derive(Clone, Copy)]
struct Depths {
    weights: usize,
    thresholds: usize,
    accumulator: usize,
}

impl Parts<'_> {
    /// The layers' programs, their weights and thresholds one behind the other.
    fn layers(&self) -> Vec<LayerDesign> {
        let (mut weight_base, mut threshold_base) = (0, 0);
        let placed = |index| {
            let program = LayerDesign { weight_base, threshold_base, ..self.layer(index) };
            weight_base += tile_words(&program);
            threshold_base += program.groups;
            program
        };
        (0..self.network.layers.len()).map(placed).collect()
    }

    /// One layer's program, its memories at 0.
    fn layer(&self, index: usize) -> LayerDesign {
        let Parts { network, arch, mapping, memory, domains } = *self;
        let (layer, map, domain) = (&network.layers[index], &mapping.layers[index], &domains[index]);
        let banks = arch.banks();
        let read = layer
            .reads
            .layer()
            .and_then(|from| memory.regions[from].map(|region| (region, memory.bases[from])));
        let (source, walk) = if let Some((region, base)) = read {
            let source = Source::Map {
                chunks: region.chunks,
                pitch: region.pitch,
                base,
                size: region.size,
                taps: walk::taps(layer, region, Items::of(network, arch, index), arch.word, banks),
            };
            (source, walk::over_map(layer, region, base, banks))
        } else {
            let walk = match input::unit(network, arch, mapping.plane_rows).kind {
                InputKind::Window { columns, .. } => walk::over_window(layer, columns),
                InputKind::Vector { .. } => walk::over_vector(layer),
            };
            (Source::Input, walk)
        };
        let write = memory.regions[index].map(|region| {
            walk::writes(layer.output, region, memory.bases[index], arch.word, arch.lanes, banks)
        });
        let code = network.code_of(index);
        let level = StateCode::of(network, index).filter(|level| Some(*level) == self.level());
        let cells = Cells::new(arch, arch.row_planes(network.input.code.planes()), mapping.plane_rows);
        let planes = layer.planes.iter().zip(&map.planes);
        let planes = planes
            .map(|(plane, tiles)| PlaneDesign {
                scale: i64::from(plane.scale) * domain.slope_of_bits(),
                tiles: tiles.clone(),
                rows: cells.kept_rows(layer, &source, map.passes, plane),
                lanes: cells.kept_lanes(map.groups, plane),
            })
            .collect();
        LayerDesign {
            name: layer.name.clone(),
            source,
            passes: map.passes,
            planes,
            groups: map.groups,
            vectors: map.vectors,
            block: map.block,
            last_block: map.last_block,
            blocks: map.blocks,
            words: map.words,
            last_words: map.last_words,
            weight_base: 0,
            threshold_base: 0,
            weighted: !code.is_bipolar(),
            steps: if level.is_some() { 1 } else { layer.steps() },
            level,
            code: code_of_steps(layer.steps()),
            map_scales: map_scales(code),
            in_register: map.passes * map.planes.len() * map.bits == 1 || map.block == 1 || layer.sum_pixels,
            sum_pixels: layer.sum_pixels,
            shortcut: shortcut(network, index),
            added_groups: added_channels(&network.layers, index).len().div_ceil(arch.lanes),
            format: domain.format(layer),
            flip_after_pool: layer.pool.is_some_and(|pool| pool.before_sign),
            scores: layer.activation == Activation::Scores,
            silent: layer.activation == Activation::Kept,
            score_shift: if layer.activation == Activation::Scores { domain.score(layer, 0).0 } else { 0 },
            padding: (index > 0 && !layer.padding.is_none()).then_some((layer.input, layer.padding.value)),
            walk,
            write,
            readout: None,
            cycles: 0,
            bound: map.bound,
        }
    }

    /// The level that states are, in the layers where they are: of the last one, where they are not alike.
    fn level(&self) -> Option<StateCode> {
        (0..self.network.layers.len()).rev().find_map(|index| StateCode::of(self.network, index))
    }

    /// The memory of the sums that later layers add.
    fn kept(&self, layers: &[LayerDesign], counts: Counts) -> StateUnit {
        let sources = self.network.layers.iter().zip(self.domains);
        let keepers: Vec<_> = sources.zip(layers).filter(|(_, program)| program.shortcut.keeps).collect();
        let entries = keepers
            .iter()
            .map(|((source, _), program)| program.shortcut.kept(source.output).pixels() * program.groups);
        let ranges = || keepers.iter().map(|((source, domain), _)| domain.range(source));
        let low = ranges().map(|range| range.0).min().unwrap_or(0);
        let high = ranges().map(|range| range.1).max().unwrap_or(0);
        StateUnit { depth: entries.max().unwrap_or(0), bits: counts.bits_of_totals(low, high), scales: None }
    }

    /// Widths that hold whatever occurs.
    fn widths(&self, layers: &[LayerDesign], counts: Counts, depths: Depths) -> Widths {
        let Parts { network, arch, mapping, memory, domains } = *self;
        let ranges = || network.layers.iter().zip(domains).map(|(layer, domain)| domain.range(layer));
        let low = ranges().map(|range| range.0).min().unwrap_or(0);
        let high = ranges().map(|range| range.1).max().unwrap_or(0);
        let own = || network.layers.iter().zip(domains).map(|(layer, domain)| domain.own_range(layer));
        let least = own().map(|range| range.0).min().unwrap_or(0);
        let most = own().map(|range| range.1).max().unwrap_or(0);
        let last = network.layers.last().expect("a validated network has a layer");
        let code = network.code_of(network.layers.len() - 1);
        let last_sums = domains.last().map_or((0, 0), |domain| domain.range(last));
        let scores = (0..last.conv.c).map(|channel| match counts.analog {
            true => last_sums,
            false => last.product_range(channel, code),
        });
        let coordinate = layers
            .iter()
            .filter_map(|layer| layer.padding)
            .map(|(map, _)| width::signed(-7, map.h.max(map.w) as i64 + 7))
            .max()
            .unwrap_or(1);
        let input_address = match input::unit(network, arch, mapping.plane_rows).kind {
            InputKind::Window { depth, .. } => width::index(depth),
            InputKind::Vector { words, .. } => width::index(words),
        };
        let modulus = match network.layers[0].kernel.0 {
            rows if matches!(layers[0].source, Source::Input) => rows.max(arch.banks()),
            _ => arch.banks(),
        };
        Widths {
            count: counts.width,
            accumulator: bits_of(least, most, counts.signed),
            total: counts.bits_of_totals(low, high),
            threshold: counts.bits_of_totals(low, high + 1),
            score: scores.fold(1, |bits, (low, high)| bits.max(width::signed(low, high))),
            map_address: width::index(memory.depth.max(1)).max(input_address),
            bank: width::index(modulus),
            weight_address: width::index(depths.weights),
            threshold_address: width::index(depths.thresholds),
            accumulator_address: width::index(depths.accumulator.max(1)),
            layer: width::index(network.layers.len()),
            coordinate,
        }
    }
}

/// What a bit of each plane of the activation memory counts.
fn map_scales(code: MapCode) -> Vec<i64> {
    match code {
        MapCode::Input(_) => vec![1],
        MapCode::Activation { steps } => plane_scales(steps).iter().map(|&scale| scale as i64).collect(),
    }
}

/// The planes' bits of every number of thresholds that are met.
fn code_of_steps(steps: usize) -> Vec<Vec<bool>> {
    (0..=steps).map(|met| plane_bits(steps, met)).collect()
}

/// Weight words of all tiles of a layer.
pub(super) fn tile_words(layer: &LayerDesign) -> usize {
    (0..layer.groups).map(|group| layer.group_words(group)).sum()
}
