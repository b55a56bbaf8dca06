//! `[readout]`: how a column's sum becomes an integer.

use super::Subtraction;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

/// How a column's sum becomes an integer, and how fast the analog arrays are emulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Readout {
    /// What reads the columns.
    pub kind: ReadoutKind,
    /// adc: codes of the converter, 2 to 4096.
    #[schemars(range(min = 2, max = 4096))]
    pub levels: usize,
    /// adc: the counts that the first and the last code stand for.
    pub range: Range,
    /// F: a column voltage is an integer in units of 2^-F counts; 0 to 10.
    #[schemars(range(max = 10))]
    pub fraction_bits: u32,
    /// V: what a code stands for is an integer in units of 2^-V counts; 0 to 6.
    #[schemars(range(max = 6))]
    pub value_fraction_bits: u32,
    /// Bits of a cell's two drawn values, two's complement; cells beyond it saturate. 4 to 16.
    #[schemars(range(min = 2, max = 16))]
    pub cell_bits: u32,
    /// Noise of every read that the emulation itself adds to the voltages: standard deviation in counts, rounded to
    /// whole gains of the generator (`bincim check` says what it gives). 0: none.
    #[schemars(range(min = 0.0))]
    pub noise: f64,
    /// How the rows of a plane of weights with a smaller scale are driven.
    pub plane_drive: PlaneDrive,
    /// How the bits of an input of several bits meet the cells of an analog array; a popcount tree always has them side by
    /// side.
    pub input_bits: InputBits,
    /// adc: what a bit 0 of an input of several bits puts on its row.
    pub input_drive: InputDrive,
    /// Where what the cells of an offset mapping (`variation.cell.kind`) have in common is taken away. Left out: "digital"
    /// where converters read such a mapping, else "analog".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Subtraction>,
    /// Rows of every column that are summed in one cycle; divides the array's rows (and is at most those of one bit
    /// plane, where these lie side by side). 0: all of them.
    #[schemars(range(max = 4096))]
    pub rows_per_cycle: usize,
    /// Edges of every converter that are compared in one cycle; 0: all of them.
    #[schemars(range(max = 4096))]
    pub edges_per_cycle: usize,
}

/// How the rows of a plane of weights with a smaller scale are driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaneDrive {
    /// As those of the first plane; the scale is digital alone.
    Full,
    /// By the row drivers at the plane's scale over the first one's, the converter's range in proportion: errors of
    /// threshold voltages and of the drivers weigh more.
    Scaled,
}

/// How the bits of an input of several bits meet the cells of an analog array. Either way each bit plane takes a read, whose
/// value counts its power of two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputBits {
    /// Bit-serial: a row a tap, whose bits drive it one after the other. Every read meets the same cells, so that the error
    /// of a weight is the error of its cell.
    #[default]
    Serial,
    /// Every bit plane has rows of its own, with copies of the weights: a pass holds fewer taps, and the copies' errors
    /// average.
    SideBySide,
}

/// What the bits of an input of several bits put on the rows of an analog array.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputDrive {
    /// +1 or -1, as the bits of all other layers do: the reads of a vector add up to twice the product, and a constant.
    #[default]
    Bipolar,
    /// +1 or nothing: a bit 0 leaves its row undriven, so that its cell adds neither signal nor error.
    Unipolar,
}

impl Default for Readout {
    fn default() -> Readout {
        Readout {
            kind: ReadoutKind::Popcount,
            levels: 32,
            range: Range::Word(RangeWord::Full),
            fraction_bits: 6,
            value_fraction_bits: 0,
            cell_bits: 9,
            noise: 0.0,
            plane_drive: PlaneDrive::Full,
            input_bits: InputBits::Serial,
            input_drive: InputDrive::Bipolar,
            reference: None,
            rows_per_cycle: 0,
            edges_per_cycle: 0,
        }
    }
}

impl Readout {
    /// Columns are analog: arrays hold drawn cells instead of loaded weights.
    pub fn is_analog(&self) -> bool {
        self.kind != ReadoutKind::Popcount
    }

    /// Cells are drawn as they are read, and counted: nothing converts.
    pub fn is_sample(&self) -> bool {
        self.kind == ReadoutKind::Sample
    }

    /// Edges of a converter.
    pub fn edges(&self) -> usize {
        match self.kind {
            ReadoutKind::Sample => 0,
            ReadoutKind::Sense => 1,
            ReadoutKind::Popcount | ReadoutKind::Adc => self.levels - 1,
        }
    }

    /// Edges that are compared in one cycle: as asked for, or all.
    pub fn edges_at_once(&self) -> usize {
        match self.edges_per_cycle {
            0 => self.edges(),
            some => some.min(self.edges()),
        }
    }

    /// Cycles of one column's conversion; a draw takes one as well.
    pub fn conversion(&self) -> usize {
        if self.is_sample() { 1 } else { self.edges().div_ceil(self.edges_at_once()) }
    }
}

/// Standard deviation of the number of ones among 32 independent bits: the noise of gain 1 in units.
const SPREAD: f64 = 2.828_427_124_746_190_3;

/// Largest gain of the generators of noise.
pub(super) const MOST_GAIN: usize = 1023;

impl Readout {
    /// Gain of the generators of noise: whole, nearest to what is asked for; 0 without noise.
    pub fn noise_gain(&self) -> usize {
        if self.is_analog() && !self.is_sample() {
            (self.noise / self.noise_step()).round_ties_even() as usize
        } else {
            0
        }
    }

    /// Standard deviation of the noise that the generators give, in counts.
    pub fn noise_given(&self) -> f64 {
        self.noise_gain() as f64 * self.noise_step()
    }

    /// Standard deviation of the noise of gain 1, in counts.
    pub fn noise_step(&self) -> f64 {
        SPREAD / f64::from(1u32 << self.fraction_bits.min(31))
    }
}

/// What reads the columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadoutKind {
    /// A popcount tree: the exact number of matches.
    #[default]
    Popcount,
    /// An analog-to-digital converter a column.
    Adc,
    /// A sense amplifier a column: one bit.
    Sense,
    /// None: a sense amplifier a cell's pair of devices, one row after the other, whose draws are counted. Of networks with
    /// flip codes.
    Sample,
}

/// The range of a converter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(transform = positive)]
pub enum Range {
    Word(RangeWord),
    /// -R to +R counts in every layer.
    Counts(f64),
    /// -R to +R counts, another R in each layer, in their order; `bincim calibrate` finds them.
    Layers(Vec<f64>),
    /// From the first number of a pair to the second, another pair in each layer; `bincim calibrate` finds them.
    Ends(Vec<[f64; 2]>),
}

/// Counts are above 0, alone or in a list.
fn positive(schema: &mut Schema) {
    for form in schema.get_mut("anyOf").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
        let number = if form["type"] == "array" { &mut form["items"] } else { form };
        if number["type"] == "number" {
            number["exclusiveMinimum"] = 0.into();
        }
    }
}

/// Ranges that follow from the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RangeWord {
    /// Found from images: only `bincim calibrate` takes it, and writes numbers in its place.
    Calibrated,
    /// Plus and minus the rows that the layer's largest tile uses: nothing is ever clipped.
    Full,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchFile, validate_file};

    #[test]
    fn two_ends_rise_and_lie_within_what_sums_reach() {
        let keys = |levels: usize, range: Range| -> Vec<&'static str> {
            let mut file = ArchFile::default();
            (file.readout.kind, file.readout.levels, file.readout.range) = (ReadoutKind::Adc, levels, range);
            validate_file(&file).iter().map(|problem| problem.key).collect()
        };
        let ends = |pair| Range::Ends(vec![[0.0, 12.5], pair]);
        for pair in [[-20.5, -3.0], [-4.0, 40.0], [7.0, 9.0], [-4096.0, 4096.0]] {
            assert_eq!(keys(4096, ends(pair)), [""; 0], "{pair:?}");
        }
        for pair in [[3.0, 3.0], [4.0, -4.0], [f64::NAN, 1.0], [0.0, f64::INFINITY], [-4097.0, 0.0]] {
            assert_eq!(keys(16, ends(pair)), ["readout.range"], "{pair:?}");
        }
        assert_eq!(keys(4097, ends([0.0, 1.0])), ["readout.levels"]);
    }

    /// TOML tells the forms of a range apart.
    #[test]
    fn every_form_of_a_range_is_read_back() {
        for range in [
            Range::Word(RangeWord::Full),
            Range::Counts(12.0),
            Range::Layers(vec![12.0, 3.5]),
            Range::Ends(vec![[-3.5, 12.0], [0.0, 7.0]]),
        ] {
            let readout = Readout { range, ..Readout::default() };
            let text = toml::to_string(&readout).expect("it can be written");
            assert_eq!(toml::from_str::<Readout>(&text).expect("it can be read"), readout);
        }
        let whole =
            toml::from_str::<Readout>("range = [[-3, 12], [0, 7]]").expect("whole numbers are numbers");
        assert_eq!(whole.range, Range::Ends(vec![[-3.0, 12.0], [0.0, 7.0]]));
    }

    #[test]
    fn only_converters_take_a_unipolar_input() {
        let mut file = ArchFile::default();
        file.readout.input_drive = InputDrive::Unipolar;
        for (kind, expected) in [
            (ReadoutKind::Adc, &[][..]),
            (ReadoutKind::Sense, &["readout.input_drive"]),
            (ReadoutKind::Popcount, &["readout.input_drive"]),
        ] {
            file.readout.kind = kind;
            let keys: Vec<&str> = validate_file(&file).iter().map(|problem| problem.key).collect();
            assert_eq!(keys, expected, "{kind:?}");
        }
    }

    #[test]
    fn noise_is_a_whole_gain() {
        let readout = |kind, noise| Readout { kind, noise, ..Readout::default() };
        let some = readout(ReadoutKind::Adc, 0.5);
        assert_eq!(some.noise_gain(), 11);
        assert!((some.noise_given() - 0.48614).abs() < 1e-5, "{}", some.noise_given());
        assert_eq!(readout(ReadoutKind::Sense, 0.0).noise_gain(), 0);
        assert_eq!(readout(ReadoutKind::Popcount, 0.5).noise_gain(), 0);
    }
}
