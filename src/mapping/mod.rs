//! Where and when: tiles of each layer, loop order and the block of pixels that shares a load of weights.
//!
//! The block is chosen from a cost model that knows the weight memory's rows a cycle (ARCHITECTURE.md, "Cycles"):
//! convolutions become limited by compute, dense layers by weight bandwidth.

pub mod cycles;
mod maps;

pub use maps::{Items, Pitch};

use crate::arch::Arch;
use crate::network::{Layer, Mask, Network};
use cycles::Tile;

/// Smallest block that may wait in the accumulator memory: a sum must be written before it is read again.
pub const SMALLEST_BLOCK: usize = 4;

/// The mapping of a network on an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Rows of one bit plane of the input, and taps of one pass of the first layer.
    pub plane_rows: usize,
    pub layers: Vec<LayerMap>,
}

/// What stays while the rest streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// One load of weights serves all pixels.
    WeightsStay,
    /// One load of weights serves a block of pixels whose sums wait in the accumulator memory.
    Blocks,
    /// A vector stays while the weights of all passes stream.
    VectorsStay,
}

impl std::fmt::Display for Reuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reuse::WeightsStay => "weights stay",
            Reuse::Blocks => "blocks",
            Reuse::VectorsStay => "vectors stay",
        })
    }
}

/// The tiles of one plane of a layer's weights: those in which some weight is left.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlaneTiles {
    /// One entry a pass, and one a group; a tile runs where both are kept.
    pub passes: Vec<bool>,
    pub groups: Vec<bool>,
}

impl PlaneTiles {
    pub fn runs(&self, group: usize, pass: usize) -> bool {
        self.groups[group] && self.passes[pass]
    }
}

/// The tiles of one layer and the order in which they run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerMap {
    /// Words of one input pixel (0 for a layer that reads the input unit).
    pub chunks: usize,
    /// Tiles along the fan-in, in each plane.
    pub passes: usize,
    /// Planes of the weights, each with the same passes.
    pub planes: Vec<PlaneTiles>,
    /// Planes of bits of the map that the layer reads: each tile runs once for each of them. 1 for the input.
    pub bits: usize,
    /// Tiles along the output channels.
    pub groups: usize,
    /// Weight words of a tile of every pass but the last, and of the last.
    pub words: usize,
    pub last_words: usize,
    /// Vectors of a group: convolution pixels, those of overlapping pooling windows counted each time.
    pub vectors: usize,
    pub block: usize,
    pub last_block: usize,
    pub blocks: usize,
    pub reuse: Reuse,
    /// Larger of compute and weight bandwidth, in cycles.
    pub bound: u64,
}

impl LayerMap {
    /// Tiles of a group with at most `planes` planes.
    pub fn group_tiles(&self, group: usize, planes: usize) -> usize {
        let of_plane = |plane: &PlaneTiles| (0..self.passes).filter(|&pass| plane.runs(group, pass)).count();
        self.planes.iter().take(planes).map(of_plane).sum()
    }

    /// The tiles in the order in which they run, of at most `planes` planes: group, block, plane, pass.
    pub fn tiles(&self, planes: usize) -> impl Iterator<Item = Tile> + '_ {
        let block = move |b: usize| if b + 1 == self.blocks { self.last_block } else { self.block };
        let words = move |p: usize| if p + 1 == self.passes { self.last_words } else { self.words };
        (0..self.groups).flat_map(move |group| {
            (0..self.blocks).flat_map(move |b| {
                self.planes.iter().take(planes).flat_map(move |plane| {
                    (0..self.passes)
                        .filter(move |&p| plane.runs(group, p))
                        .map(move |p| Tile { words: words(p) as u64, vectors: (block(b) * self.bits) as u64 })
                })
            })
        })
    }
}

/// Rows that an analog array sums in one cycle, and rows of one of the input's planes: an equal share of all rows with the
/// popcount readout, whole steps of it on analog arrays, and there all rows unless the planes lie side by side.
pub fn row_steps(arch: &Arch, planes: usize) -> (usize, usize) {
    let share = arch.rows / arch.row_planes(planes);
    if !arch.readout.is_analog() {
        return (arch.rows, share);
    }
    let most = if arch.readout.is_sample() { share.min(arch.drawn_rows()) } else { share };
    let step = match arch.readout.rows_per_cycle {
        0 => (1..=most).rev().find(|step| arch.rows.is_multiple_of(*step)).unwrap_or(1),
        step => step,
    };
    (step, share / step * step)
}

/// Maps `network` on `arch`, which must be valid.
pub fn map(network: &Network, arch: &Arch) -> Mapping {
    let plane_rows = row_steps(arch, network.input.code.planes()).1;
    let layers = network
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let items = Items::of(network, arch, index);
            let tiles = if index == 0 {
                input_tiles(layer, arch, arch.row_planes(network.input.code.planes()), plane_rows)
            } else {
                map_tiles(layer, arch, &items)
            };
            let pass_of = |column: usize| match index {
                0 => column / plane_rows,
                _ => items.pass_of_tap(layer, arch.word, arch.banks(), column),
            };
            let planes = plane_tiles(layer, arch.lanes, tiles.passes, pass_of);
            let bits = network.code_of(index).planes();
            arrange(
                layer,
                arch,
                tiles,
                planes,
                if index == 0 { Elements::Input(bits) } else { Elements::Map(bits) },
            )
        })
        .collect();
    Mapping { plane_rows, layers }
}

fn plane_tiles(
    layer: &Layer,
    lanes: usize,
    passes: usize,
    pass_of: impl Fn(usize) -> usize,
) -> Vec<PlaneTiles> {
    let groups = layer.conv.c.div_ceil(lanes);
    let all = || PlaneTiles { passes: vec![true; passes], groups: vec![true; groups] };
    let kept = |mask: &Mask| {
        let mut tiles = PlaneTiles { passes: vec![false; passes], groups: vec![false; groups] };
        for (column, _) in mask.taps.iter().enumerate().filter(|(_, kept)| **kept) {
            tiles.passes[pass_of(column)] = true;
        }
        for (channel, _) in mask.channels.iter().enumerate().filter(|(_, kept)| **kept) {
            tiles.groups[channel / lanes] = true;
        }
        tiles
    };
    layer.planes.iter().map(|plane| plane.mask.as_ref().map_or_else(all, kept)).collect()
}

/// Chunks, passes and rows used by the last pass.
#[derive(Clone, Copy)]
struct FanIn {
    chunks: usize,
    passes: usize,
    last_rows: usize,
}

/// The input unit packs taps without gaps: `plane_rows` of them a pass; of `planes` planes each in its own group of rows.
fn input_tiles(layer: &Layer, arch: &Arch, planes: usize, plane_rows: usize) -> FanIn {
    let passes = layer.fan_in().div_ceil(plane_rows);
    let last = layer.fan_in() - (passes - 1) * plane_rows;
    debug_assert!(plane_rows * planes <= arch.rows);
    FanIn { chunks: 0, passes, last_rows: (planes - 1) * plane_rows + last }
}

/// The activation memory delivers whole words of channels.
fn map_tiles(layer: &Layer, arch: &Arch, items: &Items) -> FanIn {
    let passes = items.passes(arch.banks());
    let last_rows = match items.apart {
        // The slots of a row of the kernel begin anywhere.
        true => arch.rows,
        false => {
            let last_slots = items.rows * items.row - (passes - 1) * arch.banks();
            (last_slots - 1) * arch.word + layer.input.c - (items.chunks - 1) * arch.word
        }
    };
    FanIn { chunks: items.chunks, passes, last_rows }
}

/// Planes of bits of what a layer reads: of the input, which come at once, or of a map, which come one after the other.
#[derive(Clone, Copy)]
enum Elements {
    Input(usize),
    Map(usize),
}

fn arrange(
    layer: &Layer,
    arch: &Arch,
    fan_in: FanIn,
    tiles: Vec<PlaneTiles>,
    elements: Elements,
) -> LayerMap {
    let (planes, bits) = match elements {
        Elements::Input(planes) => (planes, 1),
        Elements::Map(planes) => (planes, planes),
    };
    let window = layer.pool.map_or(1, |pool| pool.kernel.0 * pool.kernel.1);
    let vectors = if layer.sum_pixels { layer.conv.pixels() } else { layer.output.pixels() * window };
    let full_words = arch.rows / arch.weight_rows;
    let last_words = fan_in.last_rows.div_ceil(arch.weight_rows);
    let compute = (layer.fan_in() * planes).div_ceil(arch.rows)
        * layer.conv.c.div_ceil(arch.lanes)
        * layer.conv.pixels()
        * tiles.len();
    let weights = layer.weight_bits().div_ceil(arch.weight_bandwidth());
    let whole = LayerMap {
        chunks: fan_in.chunks,
        passes: fan_in.passes,
        planes: tiles,
        bits,
        groups: layer.conv.c.div_ceil(arch.lanes),
        words: full_words,
        last_words,
        vectors,
        block: vectors,
        last_block: vectors,
        blocks: 1,
        reuse: Reuse::WeightsStay,
        bound: compute.max(weights) as u64,
    };
    if arch.readout.is_analog() {
        // Nothing is loaded: every pixel visits the arrays of all its passes in turn.
        let (step, plane_rows) = row_steps(arch, planes);
        let rows = if planes > 1 { plane_rows } else { arch.rows };
        let interval = planes * (rows / step).max(arch.conversion());
        let tiles: usize = (0..whole.groups).map(|group| whole.group_tiles(group, usize::MAX)).sum();
        let bound = (tiles * layer.conv.pixels() * interval) as u64;
        let all = LayerMap { last_words: full_words, bound, ..whole };
        return match layer.sum_pixels || all.passes * all.planes.len() == 1 {
            true => all,
            false => {
                LayerMap { block: 1, last_block: 1, blocks: all.vectors, reuse: Reuse::VectorsStay, ..all }
            }
        };
    }
    if whole.passes * whole.planes.len() * whole.bits == 1 || layer.sum_pixels {
        return whole;
    }
    candidates(&whole, arch.accumulator_depth)
        .into_iter()
        .min_by_key(|candidate| (cycles::steady(candidate), candidate.blocks))
        .unwrap_or(whole)
}

/// Every way to cut the vectors of a layer of several passes into blocks, at most `depth` long.
fn candidates(whole: &LayerMap, depth: usize) -> Vec<LayerMap> {
    let with = |block: usize, reuse| LayerMap {
        block,
        blocks: whole.vectors.div_ceil(block),
        last_block: whole.vectors - (whole.vectors.div_ceil(block) - 1) * block,
        reuse,
        ..whole.clone()
    };
    let mut all = vec![with(1, Reuse::VectorsStay)];
    if whole.vectors >= SMALLEST_BLOCK && depth >= SMALLEST_BLOCK {
        let fewest = whole.vectors.div_ceil(depth);
        for blocks in fewest..fewest + 8 {
            let block = whole.vectors.div_ceil(blocks);
            let reuse = if block == whole.vectors { Reuse::WeightsStay } else { Reuse::Blocks };
            let candidate = with(block, reuse);
            if candidate.last_block >= SMALLEST_BLOCK {
                all.push(candidate);
            }
        }
        // Full blocks and a remainder: fewer reloads where the even cut leaves blocks short.
        let candidate = with(depth.min(whole.vectors), Reuse::Blocks);
        if candidate.last_block >= SMALLEST_BLOCK && candidate.blocks > 1 {
            all.push(candidate);
        }
    }
    all
}
