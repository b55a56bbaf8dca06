//! The waist: one accelerator in which every width, depth, latency, address, memory content and cycle
//! count is a number.
//!
//! `golden`, `emit` and `cost` read a [`Design`] independently and never each other.
//! Words used here are defined in ARCHITECTURE.md, section "The engine".

mod analog;
mod build;
mod chip;
pub mod ensemble;
mod error;
mod images;
mod input;
pub mod machine;
mod maps;
mod names;
pub mod noise;
mod reference;
mod refusal;
mod state;
pub mod tree;
mod walk;
pub mod width;

pub use analog::{Analog, LayerReadout};
use build::build_with;
pub use build::{build, outline};
pub use chip::Misfit;
pub use ensemble::Ensemble;
pub use error::DesignError;
use machine::Traits;
pub use machine::{Capacity, InputForm, Machine};
pub use reference::Reference;
pub use state::{STATE_STAGES, Scale, Scales, StateCode, StateFormat, StateUnit};
pub use tree::{TreePlan, TreeStyle};

use crate::arch::Arch;
use crate::bits::BitMatrix;
use crate::escape::Untrusted;
use crate::mapping::PlaneTiles;
use crate::mapping::cycles::Frame;
pub use crate::network::{Decision, InputCode, PadValue, Shape};
use crate::network::{Network, Shortcut};
use sha2::{Digest, Sha256};

/// A fully resolved accelerator.
#[derive(Debug, Clone)]
pub struct Design {
    /// Name of the network, for file headers and reports.
    pub name: Untrusted,
    pub network: Network,
    pub arch: Arch,

    /// R: rows of the array.
    pub rows: usize,
    /// P: column lanes, each with its own popcount tree.
    pub lanes: usize,
    /// CW: channels in one activation word; `rows = banks * word`.
    pub word: usize,
    /// NB: banks of the activation memory = slots of the row vector.
    pub banks: usize,
    /// G: bit planes of the input (1 for a bipolar input).
    pub planes: usize,
    /// Bit planes side by side in the rows: all, or 1 where they drive the same rows of an analog array in turn.
    pub row_planes: usize,
    /// Rows of one bit plane: at most `rows / row_planes`.
    pub plane_rows: usize,
    /// Popcount tree of one lane.
    pub tree: TreePlan,
    /// Lanes that share a copy of the row register; 0: none.
    pub segment: usize,
    /// D of the popcount readout: from the row register to the registered count.
    pub latency: usize,
    /// Some layer pads with "row not driven": rows carry an enable.
    pub row_enable: bool,
    /// Counts become signed sums (`2 * count - driven`): some rows are not driven, or some layer has several planes.
    pub signed_counts: bool,
    /// Some weights are drawn for each sample of a frame.
    pub ensemble: Option<Ensemble>,
    /// The arrays are analog: a chip's cells instead of loaded weights.
    pub analog: Option<Analog>,

    /// Rows of weights that the weight memory delivers a cycle; divides `rows`.
    pub weight_rows: usize,
    /// Weight memory: one word a row of the matrix; bit `lane * weight_rows + r`.
    pub weights: BitMatrix,
    /// Threshold memory: one entry a group of lanes, `lanes` long for each of [`Design::steps`] steps, step after step.
    /// Where fewer planes have thresholds of their own, or
    /// shift the sums of an integer first layer, sets for 1, 2 ... planes stand behind the one for all planes.
    pub thresholds: Vec<Vec<Threshold>>,

    pub widths: Widths,
    /// Words of each bank of the activation memory; 0 when no layer reads a map.
    pub map_depth: usize,
    /// Entries of the accumulator memory; 0 when no layer needs it.
    pub accumulator_depth: usize,
    /// What stands between accumulators and thresholds; `None`: nothing does.
    pub state: Option<StateUnit>,
    pub input: InputUnit,
    pub output: OutputUnit,
    pub layers: Vec<LayerDesign>,
    /// Cycles with at most 1, 2, ... planes a layer; the last entry is with all of them, as `cycles` is.
    pub plane_cycles: Vec<Frame>,
    /// Cycles from the first issue of layer 0 to the last write of the last layer.
    pub cycles: u64,
    /// Cycles from one frame's start to the next one's where input and output never wait.
    pub frame_interval: u64,
    /// This is no network's design but what a machine holds ([`Machine::capacity`]).
    pub capacity: Option<Capacity>,
}

impl Design {
    /// Cycles from one frame's first issue to the next one's where frames come without gaps and results never wait:
    /// the computation, or the input stream where that takes longer. An input memory of one frame is filled again
    /// from the end of the first layer on.
    pub fn interval(&self) -> u64 {
        self.interval_of(self.planes_of_weights())
    }

    /// [`Design::interval`] where each layer runs at most `planes` planes.
    pub fn interval_of(&self, planes: usize) -> u64 {
        self.interval_with(planes, self.samples())
    }

    /// [`Design::interval_of`] with `samples` samples.
    pub fn interval_with(&self, planes: usize, samples: usize) -> u64 {
        let frame = self.frame_with(planes, samples);
        let filling = match self.input.frames {
            1 => frame.input + self.filling_cycles() + 1,
            _ => self.filling_cycles(),
        };
        frame.interval.max(filling)
    }

    /// Cycles where each layer runs at most `planes` planes.
    pub fn frame_of(&self, planes: usize) -> &Frame {
        &self.plane_cycles[planes.clamp(1, self.plane_cycles.len()) - 1]
    }

    /// Fewest cycles in which one frame can enter: its beats and the padding between and behind them.
    pub fn filling_cycles(&self) -> u64 {
        let input = &self.input;
        let cycles = match &input.kind {
            InputKind::Vector { words, .. } => words * (self.plane_rows / input.elements),
            InputKind::Window { padded, channels, .. } => {
                input.beats + padded.0 * padded.1 - input.beats * input.elements / channels
            }
        };
        cycles as u64
    }
}

impl Design {
    /// Bits that the row driver holds of a vector: plane `j` of an integer input from `j * plane_rows` on; one a row, or
    /// more where the planes drive the same rows in turn.
    pub fn vector_bits(&self) -> usize {
        self.rows.max(self.planes * self.plane_rows)
    }

    /// The bit planes of the input drive the same rows in turn.
    pub fn serial_input(&self) -> bool {
        self.row_planes < self.planes
    }

    /// Numbers of planes that the register PLANES chooses from: 1 up to the most of a layer.
    pub fn planes_of_weights(&self) -> usize {
        self.plane_cycles.len()
    }

    /// First entry of the threshold memory of layer `index` where each layer runs at most `planes` planes.
    pub fn threshold_base(&self, index: usize, planes: usize) -> usize {
        self.layers[index].threshold_base + self.threshold_set(planes)
    }

    /// First entry of the set of thresholds that serves at most `planes` planes.
    pub fn threshold_set(&self, planes: usize) -> usize {
        let groups = self.groups();
        if planes < self.thresholds.len() / groups { planes * groups } else { 0 }
    }

    /// Scores of one or several images as the stream has them, in channel, row, column order; bits as -1 and +1.
    pub fn in_channel_order(&self, scores: &[i32]) -> Vec<i32> {
        let one_bit = self.layers.last().is_some_and(|last| !last.scores);
        let pixels = self.output.pixels;
        let classes = self.output.scores / pixels;
        let of_image = |scores: &[i32]| -> Vec<i32> {
            (0..scores.len()).map(|index| scores[index % pixels * classes + index / pixels]).collect()
        };
        let ordered = scores.chunks_exact(self.output.scores).flat_map(of_image);
        ordered.map(|score| if one_bit { 2 * score - 1 } else { score }).collect()
    }

    /// SHA-256 (hexadecimal) of the threshold memory.
    pub fn thresholds_digest(&self) -> String {
        let mut hash = Sha256::new();
        for threshold in self.thresholds.iter().flatten() {
            hash.update(threshold.value.to_le_bytes());
            hash.update([u8::from(threshold.flip)]);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Most thresholds of a lane.
    pub fn steps(&self) -> usize {
        self.layers.iter().map(|layer| layer.steps).max().unwrap_or(1)
    }

    /// What states are as levels, where some layer's are.
    pub fn level(&self) -> Option<StateCode> {
        self.layers.iter().find_map(|layer| layer.level)
    }

    /// Planes of the activation memory: most bits of an activation.
    pub fn map_bits(&self) -> usize {
        let written = self.layers.iter().filter(|layer| layer.write.is_some());
        written.map(|layer| layer.code[0].len()).max().unwrap_or(1)
    }

    /// Groups of all layers; of a machine, the most of a network.
    pub fn groups(&self) -> usize {
        self.capacity
            .as_ref()
            .map_or_else(|| self.layers.iter().map(|layer| layer.groups).sum(), |held| held.groups)
    }

    /// Layers; of a machine, the most of a network.
    pub fn layer_count(&self) -> usize {
        self.capacity.as_ref().map_or(self.layers.len(), |held| held.layers)
    }

    /// Forms in which frames come in: one; of a machine, those of its networks.
    pub fn input_forms(&self) -> Vec<InputForm> {
        self.capacity.as_ref().map_or_else(|| vec![InputForm::of(self)], |held| held.inputs.clone())
    }

    /// Networks are loaded into the memories while the machine stands, and are not in its gates.
    pub fn loadable(&self) -> bool {
        self.arch.load == crate::arch::Load::Loadable
    }

    /// Accumulators are two's complement.
    pub fn signed_sums(&self) -> bool {
        self.signed_counts || self.analog.is_some()
    }

    /// Entries of the memory of sums that a later layer adds; 0: none are.
    pub fn kept_entries(&self) -> usize {
        self.state.as_ref().map_or(0, |state| state.depth)
    }

    /// The sums that meet the thresholds are two's complement.
    pub fn signed_totals(&self) -> bool {
        self.signed_sums() || self.scales().is_some()
    }

    /// The table of what sums are multiplied by, where some layer's are numbers of fixed point.
    pub fn scales(&self) -> Option<&Scales> {
        self.state.as_ref()?.scales.as_ref()
    }

    /// Cycles from an accumulator's sum to the one that meets the thresholds.
    pub fn state_stages(&self) -> usize {
        if self.state.is_some() { STATE_STAGES } else { 0 }
    }

    /// Reads have noise in gates.
    pub fn has_noise(&self) -> bool {
        self.analog.as_ref().is_some_and(|analog| analog.noise.is_some())
    }

    /// Results depend on the register SEED.
    pub fn has_seed(&self) -> bool {
        self.has_noise() || self.ensemble.is_some()
    }

    /// Weights live in logic cells instead of block RAM.
    pub fn weights_in_registers(&self) -> bool {
        self.arch.storage == crate::arch::Storage::Registers
    }
}

/// Widths in bits of the engine's numbers, each just wide enough for what can occur.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Widths {
    /// Count of one lane in one pass (unsigned).
    pub count: usize,
    /// Accumulator: unsigned, or two's complement where `signed_sums`.
    pub accumulator: usize,
    /// What meets the thresholds: the accumulator, or what the state unit makes of it; unsigned, or two's complement where
    /// `signed_totals`.
    pub total: usize,
    /// Threshold memory's value, same signedness as what meets it, able to hold "never".
    pub threshold: usize,
    /// Score, two's complement.
    pub score: usize,
    /// Address inside a bank of the activation memory.
    pub map_address: usize,
    /// Index modulo `banks`.
    pub bank: usize,
    pub weight_address: usize,
    pub threshold_address: usize,
    /// Index of a pixel inside a block of accumulators.
    pub accumulator_address: usize,
    /// Index of a layer.
    pub layer: usize,
    /// Coordinate of a window origin, two's complement (only where `row_enable` or a constant padding).
    pub coordinate: usize,
}

/// What a lane compares with, in the domain of the sums that meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threshold {
    /// Sign layers: bit = accumulator >= value. Score layers: score = (accumulator << score_shift) - value.
    pub value: i64,
    pub flip: bool,
}

/// One step of an address walk: `bank += bank_step`, wrapping at the modulus with a carry;
/// `address += address_step + carry * carry_weight`, modulo the address width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Step {
    pub address: i64,
    pub bank: usize,
}

/// The walk of the window origin over the convolution's pixels. Order, innermost first: column in the pooling
/// window, row in the pooling window, pooled column, pooled row. Without pooling the window is 1 x 1.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Walk {
    /// Pooling window (rows, columns).
    pub window: (usize, usize),
    /// Pooled map (rows, columns).
    pub pooled: (usize, usize),
    /// State at the first pixel.
    pub origin: Step,
    /// Steps to the next window column, window row, pooled column, pooled row.
    pub step_window_column: Step,
    pub step_window_row: Step,
    pub step_column: Step,
    pub step_row: Step,
    /// Same walk in pixels of the padded map's origin: (row, column) of the first window origin and the four
    /// steps in the same order; used for the padding masks.
    pub origin_pixel: (i64, i64),
    pub pixel_steps: [(i64, i64); 4],
}

/// What the sums of a channel on analog arrays stand for: `(slope * accumulator - surplus) << fraction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SumUnit {
    /// Binary digits behind the point.
    pub fraction: u32,
    pub slope: i64,
    pub surplus: i64,
}

/// Where one slot of the row vector comes from in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SlotTap {
    /// Bank address = walk address + `offset` + (1 if walk bank + slot >= banks).
    pub offset: i64,
    /// Kernel row, kernel column, chunk of channels.
    pub ky: usize,
    pub kx: usize,
    pub chunk: usize,
    /// Channels of this chunk (the rest of the word is 0 in memory).
    pub channels: usize,
}

/// Where a layer's vectors come from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The input unit.
    Input,
    /// The activation memory.
    Map {
        /// Words of one pixel.
        chunks: usize,
        /// Pixels from one map row to the next in the memory.
        pitch: usize,
        /// First bank word of the region.
        base: usize,
        /// Bank words of the region.
        size: usize,
        /// `[pass][slot]`; `None`: the slot carries nothing (data 0, weights 1).
        taps: Vec<Vec<Option<SlotTap>>>,
    },
}

/// How the result of a layer is written into its region.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WriteWalk {
    /// State for group 0, first pooled pixel.
    pub origin: Step,
    /// Step to the next pooled column, and from the end of a pooled row to the start of the next.
    pub step_column: Step,
    pub step_row: Step,
    /// Step of the origin each time a whole word of channels (or `lanes`, where lanes > word) is done.
    pub step_chunk: Step,
    /// Words of one pixel (chunks at or beyond this are not written).
    pub chunks: usize,
    /// Bank words of the region.
    #[serde(skip)]
    pub size: usize,
}

/// One plane of a layer's weights.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PlaneDesign {
    /// What a contribution of this plane counts.
    pub scale: i64,
    /// Tiles that run; the others take neither words nor cycles.
    pub tiles: PlaneTiles,
    /// Rows that the plane drives in each pass, where it leaves out some that carry a tap; the others carry 0 and
    /// count as not driven.
    #[serde(skip)]
    pub rows: Option<Vec<Vec<bool>>>,
    /// Lanes that the plane adds to in each group, where it leaves out some.
    #[serde(skip)]
    pub lanes: Option<Vec<Vec<bool>>>,
}

/// One layer's program.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LayerDesign {
    pub name: Untrusted,
    pub source: Source,
    /// Tiles along the fan-in, in each plane.
    pub passes: usize,
    /// Planes of the weights.
    pub planes: Vec<PlaneDesign>,
    /// What a bit of each plane of the map that the layer reads counts: every tile is run once for each of them, plane
    /// after plane. 1 alone for bits, and for the input, whose planes the tree weighs or the rows carry in turn.
    pub map_scales: Vec<i64>,
    /// Thresholds of a lane; where the state itself is the level, one that is met where the lane has a channel.
    pub steps: usize,
    /// The level that is written is the state itself.
    pub level: Option<StateCode>,
    /// The bits of the planes that are written at level 0, 1 ...: as many thresholds are met.
    #[serde(skip)]
    pub code: Vec<Vec<bool>>,
    /// Tiles along the output channels: ceil(C_out / lanes).
    pub groups: usize,
    /// Convolution pixels (pooling windows expanded) walked in all.
    pub vectors: usize,
    /// Convolution pixels of one block, of the last block, and number of blocks: within a group, all passes of a
    /// block run before the next block.
    pub block: usize,
    pub last_block: usize,
    pub blocks: usize,
    /// Weight words of a tile of every pass but the last, and of the last pass.
    pub words: usize,
    pub last_words: usize,
    /// First word of the weight memory; tiles that run follow in the order group, plane, pass.
    pub weight_base: usize,
    /// First entry of the threshold memory; one a group.
    pub threshold_base: usize,
    /// The tree weighs its planes (the multi-bit input layer).
    pub weighted: bool,
    /// Accumulators stay in the lane's register instead of the accumulator memory.
    pub in_register: bool,
    /// One result for the sum over all pixels.
    pub sum_pixels: bool,
    /// The flip follows the pooling instead of preceding it.
    pub flip_after_pool: bool,
    /// Those that the last layer which kept its own left are added to the sums, entry for entry of group and pixel; the
    /// sums are kept.
    pub shortcut: Shortcut,
    /// Groups that a shortcut adds to; the others have nothing added.
    pub added_groups: usize,
    /// The sums become numbers of fixed point.
    pub format: Option<StateFormat>,
    /// Raw scores leave the layer.
    pub scores: bool,
    /// Nothing leaves the layer: its sums are only kept.
    pub silent: bool,
    /// Left shift of the accumulator in a score.
    pub score_shift: usize,
    /// Map size and pad value, where the walk can leave the map.
    pub padding: Option<(Shape, PadValue)>,
    pub walk: Walk,
    /// `None` for the last layer, and where nobody reads what the layer gives.
    pub write: Option<WriteWalk>,
    /// Reads of the layer's analog arrays; `None` with the popcount readout.
    #[serde(skip)]
    pub readout: Option<LayerReadout>,
    /// Predicted cycles of this layer.
    pub cycles: u64,
    /// Lower bound: the larger of compute and weight bandwidth, in cycles.
    pub bound: u64,
}

impl LayerDesign {
    /// Tiles (plane, pass) of a group with at most `planes` planes, in the order in which they run.
    pub fn tiles(&self, group: usize, planes: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.planes.iter().enumerate().take(planes).flat_map(move |(index, plane)| {
            let runs = move |pass: &usize| plane.tiles.runs(group, *pass);
            (0..self.passes).filter(runs).map(move |pass| (index, pass))
        })
    }

    /// Weight words of a tile of `pass`.
    pub fn tile_words(&self, pass: usize) -> usize {
        if pass + 1 == self.passes { self.last_words } else { self.words }
    }

    /// Weight words of all tiles of a group.
    pub fn group_words(&self, group: usize) -> usize {
        self.tiles(group, self.planes.len()).map(|(_, pass)| self.tile_words(pass)).sum()
    }
}

/// How image elements arrive and are kept. Frames are double-buffered when `frames` is 2.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InputUnit {
    pub code: InputCode,
    /// Elements of a beat; each takes `element_bits` of the stream.
    pub elements: usize,
    pub element_bits: usize,
    /// Stream width in bits, whole bytes.
    pub stream_bits: usize,
    /// Beats of one frame.
    pub beats: usize,
    /// Frames kept: 1 or 2.
    pub frames: usize,
    pub kind: InputKind,
}

/// The two shapes of the input memory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// Convolution: one bank a kernel row; a word holds the kernel's columns of one output column:
    /// bit `(kx * channels + c) * planes + j`.
    Window {
        kernel: (usize, usize),
        stride: (usize, usize),
        channels: usize,
        /// Padded map (rows, columns); pads hold `pad_code` (offset-binary code of the pad value).
        padded: (usize, usize),
        /// Pixels of padding above and left of the map, and the map itself (rows, columns).
        before: (usize, usize),
        map: (usize, usize),
        pad_code: usize,
        /// Output columns = words of one bank row.
        columns: usize,
        /// Words of one bank for one frame.
        depth: usize,
        /// Bits of one word.
        word_bits: usize,
        /// Taps (kernel row, column, channel in that order of index) of one pass: `plane_rows` at most.
        taps_per_pass: usize,
    },
    /// Dense: one word a pass; its bit `j * plane_rows + q` is bit j of element `pass * plane_rows + q`.
    Vector { length: usize, words: usize },
}

/// How scores leave.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OutputUnit {
    /// Scores of one frame.
    pub scores: usize,
    /// Groups of the last layer = words of the score buffer per pixel.
    pub groups: usize,
    pub pixels: usize,
    /// Stream width in bits, whole bytes; scores are sign-extended, bits are 0 or 1.
    pub stream_bits: usize,
}
