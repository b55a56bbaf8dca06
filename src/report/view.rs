//! The records that reports are made of; `design.json` and `report.json` are written in these words.
//!
//! Unknown keys are ignored when read, so that a newer program's files still open.

use super::diagram::BlockView;
use serde::{Deserialize, Serialize};

/// What a generated design says of itself (`design.json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignView {
    /// Name of the network.
    pub name: String,
    /// Top module of the accelerator, without a board.
    pub top: String,
    /// Rows of the array.
    #[serde(default)]
    pub rows: u64,
    /// Column lanes of the array.
    #[serde(default)]
    pub lanes: u64,
    /// Weight bits of the network.
    #[serde(default)]
    pub weight_bits: u64,
    /// Multiply-accumulates of one frame.
    pub macs: u64,
    /// Cycles of one frame, from the first layer's start to the last layer's end.
    pub cycles: u64,
    /// Cycles between frames in a steady stream; `cycles` where it is absent.
    #[serde(default)]
    pub interval: Option<u64>,
    /// Cycles of one frame with at most 1, 2, ... planes of weights a layer; empty where each layer has one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plane_cycles: Vec<u64>,
    /// Clock that the design is made for, MHz.
    #[serde(default)]
    pub clock_mhz: Option<f64>,
    /// Clock of the accelerator on the board that the design is made for, MHz: what its PLL or oscillator gives; none
    /// without a board.
    #[serde(default)]
    pub board_clock_mhz: Option<f64>,
    /// How a pixel becomes a value of the input, and who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<String>,
    /// Every layer, in order.
    pub layers: Vec<LayerView>,
    /// The machine's units, for its block diagram.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<BlockView>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerView {
    /// Name in the model.
    pub name: String,
    /// Operation, such as `conv` or `dense`.
    pub op: String,
    /// Multiply-accumulates of one frame.
    #[serde(default)]
    pub macs: u64,
    /// Cycles of one frame.
    pub cycles: u64,
    /// Fewest cycles that any schedule needs on this array.
    pub bound: u64,
}

/// One synthesis run (`synth/<device>/report.json`, and `bincim synth --json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SynthView {
    /// Name of the network.
    pub design: String,
    /// Device name, such as `up5k`.
    pub device: String,
    /// The maker's part number.
    pub part: String,
    /// The board; none where the accelerator was synthesised alone.
    pub board: Option<String>,
    /// Top module that was synthesised.
    pub top: String,
    /// Inputs of one look-up table.
    pub lut_inputs: u32,
    /// Look-up tables after synthesis.
    pub luts: u64,
    /// Carry cells.
    pub carries: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Block memories.
    pub brams: u64,
    /// Large single-port memories.
    pub sprams: u64,
    /// Multiplier blocks.
    pub dsps: u64,
    /// What the device has of these.
    pub available: Available,
    /// Slowest clock of the routed design, MHz; none without place and route.
    pub fmax_mhz: Option<f64>,
    /// Clock that was asked for, MHz.
    pub target_mhz: f64,
    /// Clock at which the bitstream runs, MHz: what the board's PLL or oscillator gives; the target without a board.
    #[serde(default)]
    pub clock_mhz: Option<f64>,
    /// True if `fmax_mhz` is neither below the target nor below the bitstream's clock; none without place and route.
    pub meets_target: Option<bool>,
    /// Cycles of one frame.
    pub cycles: u64,
    /// Cycles between frames in a steady stream.
    pub interval: u64,
    /// Sum of the layers' bounds.
    pub bound: u64,
    /// Frames a second at the bitstream's clock.
    pub frames_per_second: f64,
    /// Frames a second at the target clock.
    pub frames_per_second_at_target: f64,
    /// What they would be at `fmax_mhz`; none without place and route.
    #[serde(default)]
    pub frames_per_second_at_fmax: Option<f64>,
    /// Billions of operations (two a multiply-accumulate) a second at `frames_per_second`.
    pub gops: f64,
    /// The same for one look-up table.
    pub gops_per_lut: f64,
    /// The bitstream's file; none for synthesis figures alone. In `report.json` it is relative to the
    /// design's folder.
    pub bitstream: Option<String>,
    /// Its size in bytes.
    pub bitstream_bytes: Option<u64>,
    /// Its SHA-256, in hex.
    pub bitstream_sha256: Option<String>,
    /// Every timed clock.
    pub clocks: Vec<ClockView>,
    /// Every seed tried.
    pub seeds: Vec<SeedView>,
    /// Cells after place and route, those that are used.
    pub utilisation: Vec<UsedView>,
    /// Cycles by layer.
    pub layers: Vec<LayerView>,
    /// The tools that did it.
    pub tools: Vec<ToolView>,
    /// Remarks a reader should know.
    pub remarks: Vec<String>,
}

/// What a device has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Available {
    /// Look-up tables.
    pub luts: u64,
    /// Flip-flops.
    pub ffs: u64,
    /// Block memories.
    pub brams: u64,
    /// Large single-port memories.
    pub sprams: u64,
    /// Multiplier blocks.
    pub dsps: u64,
}

/// One timed clock, MHz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockView {
    /// Net name.
    pub name: String,
    /// Reached.
    pub achieved_mhz: f64,
    /// Asked for.
    pub target_mhz: f64,
}

/// One seed of place and route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedView {
    /// The seed.
    pub seed: u64,
    /// Slowest clock, MHz.
    pub fmax_mhz: Option<f64>,
    /// True for the one that was kept.
    pub kept: bool,
}

/// Cells of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedView {
    /// The tool's cell name.
    pub name: String,
    /// Used.
    pub used: u64,
    /// In the device.
    pub available: u64,
}

/// A tool that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `native`, `project` or `given`; `program` for bincim itself.
    pub origin: String,
}

/// What `bincim verify` found (`verify.json`), as far as the report shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyView {
    /// Frames simulated.
    pub images: u64,
    /// Frames with any difference.
    pub mismatches: u64,
    /// Cycles that the golden model predicts for a frame.
    pub cycles_predicted: u64,
    /// Cycles that the RTL's counter showed.
    pub cycles_measured: u64,
}

/// Everything on one page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Page {
    /// The design.
    pub design: DesignView,
    /// The check of its Verilog, if it was run.
    pub verify: Option<VerifyView>,
    /// Every device it was synthesised for.
    pub runs: Vec<SynthView>,
}

impl SynthView {
    /// Clock at which the bitstream runs, MHz.
    pub fn clock(&self) -> f64 {
        self.clock_mhz.unwrap_or(self.target_mhz)
    }
}

impl DesignView {
    /// Sum of the layers' bounds.
    pub fn bound(&self) -> u64 {
        self.layers.iter().map(|layer| layer.bound).sum()
    }

    /// Cycles between frames in a steady stream.
    pub fn interval(&self) -> u64 {
        self.interval.unwrap_or(self.cycles)
    }
}
