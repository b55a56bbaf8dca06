//! The `[variation]` table of the architecture file: how real cells, columns and converters differ from ideal ones.
//!
//! Every key has a default, and the defaults together are the ideal chip. Nothing here draws. The unit "count" is
//! one product of the column sum of `drive x weight`; a conductance or current is a fraction of `Gmax`, the ON value
//! of a nominal device.

use super::PRESETS;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// `[variation]`: static differences between chips, and the read noise. Strict keys; the default is the ideal chip.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = with_preset)]
pub struct Physics {
    /// Dynamic noise of a column at each read: standard deviation in counts, 0 to 1000. Not part of a drawn chip.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub read_noise: f64,
    /// What a cell is made of.
    pub cell: Cell,
    /// An additive or proportional error of each device.
    pub gaussian: Gaussian,
    /// What writing leaves of error on each device, by its state.
    pub programming: Programming,
    /// How conductances fall after they were written.
    pub drift: Drift,
    /// A factor of each device's current.
    pub lognormal: LogNormal,
    /// Mismatch of the transistors' threshold voltage.
    pub threshold: Threshold,
    /// Devices that ignore what is written.
    pub stuck: Stuck,
    /// What all cells of a chip share.
    pub die: Die,
    /// The row driver (DAC).
    pub row: Row,
    /// Resistance of the lines.
    pub wires: Wires,
    /// The column before its converter.
    pub column: Column,
    /// The ADC of a column.
    pub converter: Adc,
    /// The sense amplifier, where a column is read with one bit.
    pub sense: Sense,
    /// The noise by which cells are drawn as they are read.
    #[serde(skip_serializing_if = "Draws::is_ideal")]
    pub draws: Draws,
}

/// The key that a file may have besides those of the record: the reader writes the preset out.
fn with_preset(schema: &mut Schema) {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    if let Some(keys) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        let about = "Named physics of a published system; the other keys of the table go before it.";
        keys.insert(
            "preset".into(),
            serde_json::json!({ "description": about, "type": "string", "enum": names }),
        );
    }
}

/// `[variation.cell]`: what a cell is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cell {
    /// How devices make a signed product.
    pub kind: CellKind,
    /// OFF over ON conductance, `Gmin / Gmax` (1 / ON/OFF ratio): 0 to 0.9.
    #[schemars(range(min = 0.0, max = 0.9))]
    pub g_min: f64,
    /// Bits of the programmable conductance: targets are rounded (half to even) to multiples of
    /// `Gmax / (2^bits - 1)`. 0 to 16; 0: continuous.
    #[schemars(range(min = 0, max = 16))]
    pub bits: u32,
    /// Whether drive +1 and drive -1 meet the same devices.
    pub branches: Branches,
    /// Conductances of a pair that holds one of several levels.
    pub sides: Sides,
    /// What a single-ended column is compared with.
    pub reference: Reference,
    /// Whether a conductance below 0 becomes 0, as it must physically; false keeps the errors Gaussian.
    pub clamp: bool,
}

impl Default for Cell {
    fn default() -> Cell {
        Cell {
            kind: CellKind::Pair,
            g_min: 0.0,
            bits: 0,
            branches: Branches::Shared,
            sides: Sides::One,
            reference: Reference::Fixed,
            clamp: true,
        }
    }
}

/// How devices make a signed product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// Two conductances on two lines, read as their difference: +1 is (ON, OFF), -1 is (OFF, ON). With one-bit
    /// weights the one-sided and the two-sided balanced mapping are this same cell.
    #[default]
    Pair,
    /// One conductance, driven with either polarity; half of the driven ON + OFF is subtracted.
    Offset,
    /// One line that a cell pulls with its ON current where drive and weight agree, else with its OFF current;
    /// each drive opens another path. Half of the driven ON + OFF is subtracted.
    Xnor,
}

/// Whether drive +1 and drive -1 meet the same devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Branches {
    /// The same devices, hence the same error.
    #[default]
    Shared,
    /// Devices of their own, hence independent errors.
    Independent,
}

/// What a single-ended column is compared with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// A fixed level: a shift of the whole chip shifts the sum by as much as all cells together.
    #[default]
    Fixed,
    /// A replica column that shifts with the chip: only a gain error is left.
    Replica,
    /// A column of cells at the middle conductance, one a row, drawn like all cells and read beside every column:
    /// its errors are common to all outputs of an array.
    Column,
}

/// Conductances of a pair that holds one of several levels (`array.weight_bits_per_cell`); with one bit both are the
/// same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// The level on one device, the other one OFF: conductances are in proportion to weights.
    #[default]
    One,
    /// Half of it on each, up on one and down on the other, from the middle.
    Two,
}

/// `[variation.gaussian]`: an additive or proportional error of each device.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gaussian {
    /// Standard deviation as a fraction of what `of` says: 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub sigma: f64,
    /// What `sigma` is relative to.
    pub of: Scale,
}

/// What a relative error is relative to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// `Gmax`, whatever the state.
    #[default]
    Gmax,
    /// `Gmax - Gmin`, whatever the state.
    Difference,
    /// The device's own conductance.
    Value,
}

/// `[variation.programming]`: what writing leaves of error on each device, by the state that it was to take.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Programming {
    /// The published standard deviation times this: 0 to 10; 0: no error.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub scale: f64,
    /// Whose devices.
    pub device: Device,
}

/// Devices whose programming error was measured, by their state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// Phase-change memory of 25 uS, aihwkit's fit: 1.06 uS when ON, 0.26 uS when OFF.
    #[default]
    Pcm,
    /// Phase-change memory of 25 uS, CrossSim's fit to Joshi et al.
    PcmJoshi,
    /// Resistive memory of 225 uS, CrossSim's fit to Milo et al.
    RramMilo,
    /// Resistive memory of 39 uS, CrossSim's fit to Wan et al.
    RramWan,
    /// SONOS transistors of 1600 nA just after they were written, CrossSim's fit: exact when OFF.
    Sonos,
}

/// `[variation.drift]`: conductances fall as `(1 + time / 20 s)^-nu`, each device with an exponent of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// Seconds since the first reading, 20 s after writing: 0 to 1e10; 0: no drift. A year has 31536000.
    #[schemars(range(min = 0.0, max = 1e10))]
    pub time: f64,
    /// Mean exponent of all devices: 0 to 1. Without it mean and spread are those of phase-change memory by state
    /// (aihwkit): 0.049 when ON, 0.1 when OFF.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub nu: Option<f64>,
    /// Standard deviation of the exponent between devices, beside `nu`: 0 to 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub spread: f64,
    /// Whether an array's converters follow the drift: their references shrink as the mean size of its cells' values
    /// has, one number an array. Where cells are drawn as they are read the weights' read voltage follows, one number a
    /// layer. What drift does to a single-ended column against a fixed level is a shift, which
    /// this does not undo.
    pub compensate: bool,
}

/// `[variation.lognormal]`: a factor `exp(sigma z)` of each device's current.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogNormal {
    /// Standard deviation of the logarithm: 0 to 3. Below threshold: `sigma_VT / (n kT/q)`.
    #[schemars(range(min = 0.0, max = 3.0))]
    pub sigma: f64,
}

/// `[variation.threshold]`: mismatch of the transistors' threshold voltage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Threshold {
    /// Pelgrom coefficient in mV um: 0 to 20; 0: no mismatch. `sigma_VT = a_vt / sqrt(width x length)`.
    #[schemars(range(min = 0.0, max = 20.0))]
    pub a_vt: f64,
    /// Channel width in um: 0.01 to 100.
    #[schemars(range(min = 0.01, max = 100.0))]
    pub width: f64,
    /// Channel length in um: 0.005 to 100.
    #[schemars(range(min = 0.005, max = 100.0))]
    pub length: f64,
    /// Overdrive `VGS - VT` at full drive in mV: 10 to 5000.
    #[schemars(range(min = 10.0, max = 5000.0))]
    pub overdrive: f64,
    /// Exponent of the alpha-power law: 1 to 2.
    #[schemars(range(min = 1.0, max = 2.0))]
    pub alpha: f64,
}

impl Default for Threshold {
    fn default() -> Threshold {
        Threshold { a_vt: 0.0, width: 0.1, length: 0.03, overdrive: 300.0, alpha: 1.3 }
    }
}

/// `[variation.stuck]`: devices that ignore what is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stuck {
    /// Fraction of devices (`xnor`: of stored bits) that are always OFF (`xnor`: -1): 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_zero: f64,
    /// Fraction that is always ON (`xnor`: +1): 0 to 1, with `at_zero` at most 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub at_one: f64,
}

/// `[variation.die]`: what all cells of a chip share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Die {
    /// Standard deviation of the relative shift of every current of a chip: 0 to 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub sigma: f64,
}

/// `[variation.row]`: the row driver (DAC).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Row {
    /// Drive level as a fraction of the driver's full scale: 0.01 to 1. Columns are read on this scale; errors
    /// of the threshold voltage and of the driver weigh more at a low level.
    #[schemars(range(min = 0.01, max = 1.0))]
    pub level: f64,
    /// Standard deviation of the driver's error (integral non-linearity) at that level, as a fraction of full
    /// scale, for each row and each drive: 0 to 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub inl: f64,
}

impl Default for Row {
    fn default() -> Row {
        Row { level: 1.0, inl: 0.0 }
    }
}

/// `[variation.wires]`: resistance of the lines; columns end in a virtual ground.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Wires {
    /// Resistance of a row between neighbouring devices, times `Gmax`: 0 to 0.1.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub row: f64,
    /// Resistance of a column between neighbouring devices, times `Gmax`: 0 to 0.1.
    #[schemars(range(min = 0.0, max = 0.1))]
    pub column: f64,
    /// How a network of resistors becomes one number a cell.
    pub freeze: Freeze,
}

/// How a network of resistors becomes one number a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// Each cell's current when every row in use is driven with +1 (`xnor`: for `minus`, with -1). One solution an array.
    #[default]
    Reference,
    /// The current that each row alone sends into each column: exact for every drive of a `pair` or `offset`
    /// array, as that network is linear. One solution a column.
    Transfer,
}

/// `[variation.column]`: the column before its converter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Column {
    /// Standard deviation of a column's offset in counts: 0 to 1000.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub offset: f64,
}

/// `[variation.converter]`: the ADC of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adc {
    /// Circuit of the ADC.
    pub kind: AdcKind,
    /// Standard deviation of a comparator's offset in counts: 0 to 1000.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub comparator: f64,
    /// Standard deviation of a unit element (resistor, capacitor), relative: 0 to 0.5.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub element: f64,
    /// Standard deviation of the relative gain error of a converter: 0 to 0.2.
    #[schemars(range(min = 0.0, max = 0.2))]
    pub gain: f64,
    /// Neighbouring columns that take turns at one converter: 1 to 1024; neighbouring lanes where `array.lanes` says
    /// which columns do. The emulation converts all columns of an array at once; `array.lanes` makes it take turns.
    #[schemars(range(min = 1, max = 1024))]
    pub columns: usize,
}

impl Default for Adc {
    fn default() -> Adc {
        Adc { kind: AdcKind::Ideal, comparator: 0.0, element: 0.0, gain: 0.0, columns: 1 }
    }
}

/// Circuit of the ADC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdcKind {
    /// Equal steps; only the gain varies.
    #[default]
    Ideal,
    /// A comparator an edge, and a ladder of elements a converter.
    Flash,
    /// A comparator a converter; the ramp's elements are shared by the whole array.
    Ramp,
    /// Successive approximation: a comparator and binary-weighted capacitors a converter.
    Sar,
}

/// `[variation.sense]`: the sense amplifier, where a column is read with one bit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sense {
    /// Standard deviation of the amplifier's offset in counts: 0 to 1000.
    #[schemars(range(min = 0.0, max = 1000.0))]
    pub offset: f64,
}

/// `[variation.draws]`: the noise by which cells are drawn as they are read (`readout.kind = "sample"`). Reads are white:
/// each draws anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Draws {
    /// Standard deviation of a noise pair's current in one read, as a fraction of `Gmax`: 0 to 1. Cells are programmed to
    /// this times the deviate of their probability. 0: cells follow their codes, whatever the devices.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub noise: f64,
    /// Standard deviation of what a noise pair differs by in every read alike, as a fraction of `Gmax`: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mismatch: f64,
    /// Read noise of a weight's own devices: the published figure of phase-change memory (aihwkit) times this, 0 to 10.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub read_noise: f64,
    /// Devices of a weight are verified, and written anew where they are off by more than this, as a fraction of `Gmax`: 0
    /// to 1; 0: they are written once.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub tolerance: f64,
}

impl Draws {
    fn is_ideal(&self) -> bool {
        *self == Draws::default()
    }
}

impl Physics {
    /// The table as TOML, without its `[variation]` prefix.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a record of numbers and names")
    }
}
