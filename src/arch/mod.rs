//! The machine as a record: array, memories, readout, interfaces, target.
//!
//! [`ArchFile`] is what a user writes (numbers may be `"auto"`); [`Arch`] is the same machine with every
//! number known. Nothing here reads files.

pub mod device;
mod readout;
mod setting;
mod subtraction;
mod validate;

pub use readout::{InputBits, InputDrive, PlaneDrive, Range, RangeWord, Readout, ReadoutKind};
pub use setting::Setting;
pub use subtraction::Subtraction;
pub use validate::{ArchProblem, validate, validate_file};

use crate::device::{DRAW_BITS, Physics};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The architecture file (TOML, strict keys).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchFile {
    /// Free name, used in reports.
    pub name: Option<String>,
    /// The compute-in-memory macro.
    pub array: ArrayFile,
    /// The memory of binary maps.
    pub activation: ActivationFile,
    /// The memory that feeds the array's cells.
    pub weights: WeightsFile,
    /// How a column's sum becomes an integer.
    pub readout: Readout,
    /// How real cells, columns and converters differ from ideal ones; analog readouts only.
    pub variation: Physics,
    /// Planes of weights (supports, bits of weights).
    pub planes: PlanesFile,
    /// Networks whose weights are drawn for each sample.
    pub ensemble: Ensemble,
    /// The trees that read the columns.
    pub popcount: Popcount,
    /// Where partial sums of several passes wait.
    pub accumulator: AccumulatorFile,
    /// How networks come into the machine.
    pub program: Program,
    /// The streams.
    pub interface: Interface,
    /// The device and its clock.
    pub target: Target,
}

/// `[array]`: the compute-in-memory macro.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArrayFile {
    /// Rows: inputs of a column in one cycle, 8 to 4096.
    #[schemars(extend("minimum" = 8, "maximum" = 4096))]
    pub rows: Setting,
    /// Columns: output channels held at a time, 1 to 1024. Each has its own lane.
    #[schemars(extend("minimum" = 1, "maximum" = 1024))]
    pub columns: Setting,
    /// Converters of an analog array; divides `columns`: as many neighbouring columns as fall on one take turns at it.
    /// Equal to `columns` with the popcount readout.
    #[schemars(extend("minimum" = 1, "maximum" = 1024))]
    pub lanes: Setting,
    /// Pixels computed side by side; only 1 is built, since columns make better use of the same lanes.
    #[schemars(extend("minimum" = 1, "maximum" = 1))]
    pub pixel_lanes: Setting,
    /// Columns that share one copy of the row register (popcount readout); divides `columns`, 0: no copies. Copies
    /// shorten the rows' wires in wide arrays; each takes `rows` flip-flops, all together one cycle of latency.
    #[schemars(range(max = 1024))]
    pub segment: usize,
    /// Bits of a weight that one analog cell holds, as one of several conductances, 1 to 8. A weight of several
    /// planes is cut into such slices; a slice takes one read.
    #[schemars(range(min = 1, max = 8))]
    pub weight_bits_per_cell: usize,
    /// What slices of several bits are cut from.
    pub weight_slices: WeightSlices,
}

impl Default for ArrayFile {
    fn default() -> ArrayFile {
        ArrayFile {
            rows: Setting::default(),
            columns: Setting::default(),
            lanes: Setting::default(),
            pixel_lanes: Setting::default(),
            segment: 0,
            weight_bits_per_cell: 1,
            weight_slices: WeightSlices::Balanced,
        }
    }
}

/// What slices of several bits are cut from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightSlices {
    /// The magnitude of a weight: small weights are small levels.
    #[default]
    Balanced,
    /// The weight as an unsigned number: its planes, some in a cell.
    Offset,
}

/// `[activation]`: the memory of binary maps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActivationFile {
    /// Channels in one word; divides `rows`. `rows / word` banks are read at once.
    #[schemars(extend("minimum" = 1, "maximum" = 4096))]
    pub word: Setting,
}

/// `[weights]`: the memory that feeds the array's cells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WeightsFile {
    /// Where weights live.
    pub storage: Storage,
    /// Rows (of every column) that the memory delivers each cycle; divides `rows`.
    #[schemars(extend("minimum" = 1, "maximum" = 4096))]
    pub rows_per_cycle: Setting,
}

/// `[planes]`: planes of weights (supports, bits of weights).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlanesFile {
    /// Most planes of each layer, in their order; the others are not built. Empty: all planes of all layers. The
    /// register PLANES lowers the number further while the machine runs.
    #[schemars(inner(range(min = 1, max = 16)))]
    pub layers: Vec<usize>,
}

/// `[ensemble]`: networks with flip codes, whose weights are drawn anew for each sample of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ensemble {
    /// Samples of a frame, 1 to 255: their scores are added. The register SAMPLES lowers the number while the machine
    /// runs. Without effect on a network that has no flip codes.
    #[schemars(range(min = 1, max = 255))]
    pub samples: usize,
    /// Which cells of a word, those that are loaded or read at once, share the numbers that they are drawn with.
    #[serde(skip_serializing_if = "Sharing::is_crossed")]
    pub noise: Sharing,
}

/// Which cells of a word share the numbers that they are drawn with. Words never do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// None: a number of its row XOR one of its column, independent within a column and pairwise everywhere.
    #[default]
    Crossed,
    /// Those of a row: one number for all columns.
    Rows,
    /// Those of a column: one number for all rows of the word.
    Columns,
}

impl Sharing {
    pub const ALL: [Sharing; 3] = [Sharing::Crossed, Sharing::Rows, Sharing::Columns];

    fn is_crossed(&self) -> bool {
        *self == Sharing::Crossed
    }
}

/// Most noise bits of a word of cells that are drawn. The state's sums of three bits give a few more (945 were found); the
/// last ones are the rarest.
pub const MOST_NOISE: usize = 768;

impl Default for Ensemble {
    fn default() -> Ensemble {
        Ensemble { samples: 8, noise: Sharing::Crossed }
    }
}

/// Where weights live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// Block RAM, initialised by the bitstream.
    #[default]
    BlockRam,
    /// Logic cells: small networks on parts with few block RAMs.
    Registers,
}

/// `[popcount]`: the trees that read the columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Popcount {
    /// Shape of the tree; `auto` takes the one that measured smallest on the target's family.
    pub style: PopcountStyle,
    /// Registers between the levels of the tree (true), or only at its end (false).
    pub pipelined: bool,
}

impl Default for Popcount {
    fn default() -> Popcount {
        Popcount { style: PopcountStyle::Auto, pipelined: true }
    }
}

/// Shape of the popcount tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PopcountStyle {
    /// The one that measured smallest on the target's family.
    Auto,
    /// Plain counting loops; the synthesizer shapes the tree.
    Flat,
    /// 3:2 compressors.
    Compress32,
    /// Adders that take a third bit in their carry input.
    CarryIn,
    /// ECP5 carry cells with the XNOR folded in.
    Ccu2c,
    /// Xilinx 6-input LUT counters.
    Lut6,
}

/// `[accumulator]`: where partial sums of several passes wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccumulatorFile {
    /// Pixels whose sums are kept while the passes of a block run; 0: none (every pixel runs all its passes).
    #[schemars(extend("anyOf" = [{ "const": "auto" }, { "const": 0 }, { "minimum": 4, "maximum": 65536 }]))]
    pub depth: Setting,
}

/// `[program]`: how networks come into the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Program {
    /// Whether the network is in the gates, or is loaded.
    pub load: Load,
}

/// How a network comes into the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// It is in gates and in the contents of memories: one network.
    #[default]
    Fixed,
    /// It comes over a stream of its own, one after the other, as far as the machine's memories and counters reach; popcount
    /// readout only.
    Loadable,
}

/// `[interface]`: the streams.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Interface {
    /// Frames kept in the input memory: 2 lets the next one arrive while one is computed.
    #[schemars(range(min = 1, max = 2))]
    pub input_buffers: usize,
    /// Widest input stream in bytes.
    #[schemars(range(min = 1, max = 64))]
    pub stream_bytes: usize,
}

impl Default for Interface {
    fn default() -> Interface {
        Interface { input_buffers: 2, stream_bytes: 4 }
    }
}

/// `[target]`: the device and its clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Target {
    /// Device name of the device table, or "generic" for plain Verilog.
    pub device: String,
    /// Clock of the engine in MHz; left out: one that the device reaches with room to spare.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 2000))]
    pub clock_mhz: Option<f64>,
    /// What the names of the design's own modules and memory images begin with: the top is PREFIX_top. Designs of several
    /// prefixes stand in one simulation or chip.
    #[schemars(regex(pattern = r"^[A-Za-z][A-Za-z0-9_]{0,39}$"))]
    pub prefix: String,
}

impl Default for Target {
    fn default() -> Target {
        Target { device: "generic".into(), clock_mhz: None, prefix: "bincim".into() }
    }
}

/// The machine with every number known; made by [`ArchFile::with`] or by the choice for a device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arch {
    pub name: String,
    /// R, 8 to 4096.
    pub rows: usize,
    /// P: columns, 1 to 1024.
    pub lanes: usize,
    /// Neighbouring columns that take turns at one converter; divides `lanes`.
    pub share: usize,
    /// Lanes that share a copy of the row register; divides `lanes`; 0: none.
    pub segment: usize,
    /// CW; divides `rows`; divides `lanes` or is divided by it.
    pub word: usize,
    /// Bits of a weight that one analog cell holds, and what they are cut from.
    pub cell_bits: usize,
    pub slices: WeightSlices,
    /// Divides `rows`.
    pub weight_rows: usize,
    pub storage: Storage,
    /// Most planes of weights of each layer; empty: all.
    pub planes: Vec<usize>,
    pub readout: Readout,
    /// What chips are drawn from.
    pub variation: Physics,
    pub ensemble: Ensemble,
    pub popcount: Popcount,
    pub accumulator_depth: usize,
    pub load: Load,
    pub interface: Interface,
    pub target: Target,
    /// Logic family of the target: "ice40", "ecp5", "gowin", "xilinx7" or "generic".
    pub family: String,
}

impl Arch {
    /// NB: words side by side in the row vector.
    pub fn banks(&self) -> usize {
        self.rows / self.word
    }

    /// Bit planes, of an input that has `planes`, with rows of their own: all, or 1 where an analog array takes them one
    /// after the other on the same rows.
    pub fn row_planes(&self, planes: usize) -> usize {
        match self.readout.is_analog() && self.readout.input_bits == InputBits::Serial {
            true => 1,
            false => planes,
        }
    }

    /// Whether only the bits 1 of an input that has `planes` bit planes drive their rows.
    pub fn unipolar(&self, planes: usize) -> bool {
        planes > 1
            && self.readout.kind == ReadoutKind::Adc
            && self.readout.input_drive == InputDrive::Unipolar
    }

    /// T: cycles in which all columns of an analog array are converted.
    pub fn conversion(&self) -> usize {
        self.share * self.readout.conversion()
    }

    /// Most rows of cells that are drawn in a cycle: as the noise bits of a word allow.
    pub fn drawn_rows(&self) -> usize {
        (MOST_NOISE / DRAW_BITS).saturating_sub(self.lanes)
    }

    /// Where what the cells of an offset mapping have in common is taken away.
    pub fn subtraction(&self) -> Subtraction {
        Subtraction::of(&self.readout, &self.variation)
    }

    /// The physics of this machine's chip without errors.
    pub fn without_errors(&self) -> Physics {
        Subtraction::without_errors(&self.readout, &self.variation)
    }

    /// Clock of the engine in MHz; 50 where neither file nor device says another.
    pub fn clock_mhz(&self) -> f64 {
        self.target.clock_mhz.unwrap_or(50.0)
    }

    /// Bits of weights that the memory delivers a cycle.
    pub fn weight_bandwidth(&self) -> usize {
        self.weight_rows * self.lanes
    }
}

impl ArchFile {
    /// Columns that fall on one converter; 1 where not both numbers are given.
    fn share(&self) -> usize {
        let lanes = self.array.lanes.value().filter(|lanes| *lanes > 0);
        let shared = self.array.columns.value().zip(lanes).map(|(columns, lanes)| columns / lanes);
        shared.unwrap_or(1).max(1)
    }

    /// The machine with `family` as the target's logic family and `rows`, `lanes`, `word`, `weight_rows` and `depth` where the file says "auto".
    pub fn with(
        &self,
        family: &str,
        rows: usize,
        lanes: usize,
        word: usize,
        weight_rows: usize,
        depth: usize,
    ) -> Arch {
        Arch {
            name: self.name.clone().unwrap_or_else(|| "bincim".into()),
            rows: self.array.rows.or(rows),
            lanes: self.array.columns.or(self.array.lanes.or(lanes)),
            share: self.share(),
            segment: self.array.segment,
            cell_bits: self.array.weight_bits_per_cell,
            slices: self.array.weight_slices,
            word: self.activation.word.or(word),
            weight_rows: self.weights.rows_per_cycle.or(weight_rows),
            storage: self.weights.storage,
            planes: self.planes.layers.clone(),
            readout: self.readout.clone(),
            variation: self.variation.clone(),
            ensemble: self.ensemble.clone(),
            popcount: self.popcount.clone(),
            accumulator_depth: self.accumulator.depth.or(depth),
            load: self.program.load,
            interface: self.interface.clone(),
            target: self.target.clone(),
            family: family.into(),
        }
    }
}

impl Arch {
    /// The same machine as a file without any "auto".
    pub fn to_file(&self) -> ArchFile {
        ArchFile {
            name: Some(self.name.clone()),
            array: ArrayFile {
                rows: Setting::Value(self.rows),
                columns: Setting::Value(self.lanes),
                lanes: Setting::Value(self.lanes / self.share.max(1)),
                pixel_lanes: Setting::Value(1),
                segment: self.segment,
                weight_bits_per_cell: self.cell_bits,
                weight_slices: self.slices,
            },
            activation: ActivationFile { word: Setting::Value(self.word) },
            weights: WeightsFile { storage: self.storage, rows_per_cycle: Setting::Value(self.weight_rows) },
            readout: self.readout.clone(),
            variation: self.variation.clone(),
            planes: PlanesFile { layers: self.planes.clone() },
            ensemble: self.ensemble.clone(),
            popcount: self.popcount.clone(),
            accumulator: AccumulatorFile { depth: Setting::Value(self.accumulator_depth) },
            program: Program { load: self.load },
            interface: self.interface.clone(),
            target: self.target.clone(),
        }
    }
}
