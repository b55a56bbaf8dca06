//! One frozen draw of a chip: integers only, no physics, no chance.
//!
//! `device` makes a [`Chip`]; `golden` and the Verilog obey it. Words are defined in ARCHITECTURE.md,
//! section "Analog arrays". [`Chip::write_to`] and [`Chip::read_from`] are its file.

mod correction;
mod file;
mod noise;

pub use correction::Correction;
pub use file::ChipError;
pub use noise::{Noises, ReadNoise, ReadPlace};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

/// Every array of one chip, in the order layer, group, pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip {
    /// Seed of the draw.
    pub seed: u64,
    /// SHA-256 (hexadecimal) of what the chip was drawn for: the arrays' nominal cells and converters.
    pub subject: String,
    /// The physics as TOML, for the record; nothing reads it back.
    pub physics: String,
    /// F: a column voltage of one count is `1 << fraction_bits`.
    pub fraction_bits: u32,
    /// Widths that the integers were held to; `None`: those of their types.
    pub widths: Option<Widths>,
    pub arrays: Vec<ArrayDraw>,
    /// Thresholds that were found anew for this chip; `None`: the design's own.
    pub thresholds: Option<OwnThresholds>,
    /// What the host makes of the scores of weights that are drawn; `None`: they stay.
    pub correction: Option<Correction>,
}

/// Half of the numbers that a cell is drawn with, [`DRAW_BITS`] bits: what one holds that always reads the same.
pub const DRAW_HALF: i16 = 1 << (DRAW_BITS - 1);

/// Bits of the number that a cell of a drawn array is compared with.
pub const DRAW_BITS: usize = 8;

/// Bits of a chip's integers, two's complement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Widths {
    /// Of a cell value: 2 to 16.
    pub cell: usize,
    /// Of a column voltage, its offset and its edges: 2 to 32.
    pub voltage: usize,
}

impl Widths {
    fn limit(bits: usize) -> i32 {
        ((1i64 << (bits - 1)) - 1) as i32
    }

    /// Cell values: the smallest number is left out, so that a cell and its mirror image are both there.
    pub fn cells(self) -> RangeInclusive<i32> {
        -Widths::limit(self.cell)..=Widths::limit(self.cell)
    }

    /// Offsets: half of a voltage, since cells may sum up to as much again. No sum then reaches the largest voltage,
    /// which stands for an edge that is never met.
    pub fn offsets(self) -> RangeInclusive<i32> {
        -(Widths::limit(self.voltage) / 2)..=Widths::limit(self.voltage) / 2
    }

    pub fn edges(self) -> RangeInclusive<i32> {
        -Widths::limit(self.voltage) - 1..=Widths::limit(self.voltage)
    }
}

/// Thresholds of one chip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnThresholds {
    /// SHA-256 (hexadecimal) of the design's threshold memory, which these stand in for.
    pub replace: String,
    /// In the order of that memory: a list an entry, a value a lane.
    pub values: Vec<Vec<i64>>,
}

/// One array: `rows` x `columns` cells and a converter a column.
///
/// Column voltage: `offset[c] + sum over driven rows r of (plus[c][r] if the row carries +1, -minus[c][r] if it
/// carries -1)`. Code: number of the column's edges that are at or below the voltage.
///
/// Where cells are drawn as they are read, `plus` alone is there: a cell reads as +1 with the probability
/// `(128 + plus) / 256`, `plus` from -128 to 128 and not 0; 0 where there is no cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArrayDraw {
    pub rows: usize,
    pub columns: usize,
    /// Cell value in 2^-F counts where the row carries +1; index `column * rows + row`.
    /// An ideal cell of weight w holds `w << F`; a cell without a weight holds 0 in both.
    pub plus: Vec<i16>,
    /// The same where the row carries -1.
    pub minus: Vec<i16>,
    /// Column offset in 2^-F counts.
    pub offset: Vec<i32>,
    /// Edges of a column's converter in 2^-F counts, rising (equal ones are allowed); index `column * edges + e`.
    pub edges: Vec<i32>,
}

/// What an array is meant to be: what a chip is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Index of the layer, and of the array inside the layer (group, pass): the keys of the random streams.
    pub layer: usize,
    pub array: usize,
    pub rows: usize,
    pub columns: usize,
    /// Nominal weight, -1 or +1, or 0 where the cell is not used; index `column * rows + row`.
    pub weights: Vec<i8>,
    /// What the cells hold, where that is one of several levels; `weights` then only tells which cells are used.
    pub levels: Option<Levels>,
    pub converter: Converter,
    /// Neighbouring columns that take turns at one converter.
    pub share: usize,
    /// Level at which the rows of this array are driven, as a fraction of the chip's own: 1, or less for a plane of
    /// weights with a smaller scale.
    pub level: f64,
    /// What the cells' values are counted from.
    pub zero: Zero,
}

/// What the values of a single-ended array's cells are counted from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Zero {
    /// What all cells have in common: it is subtracted before anything reads the column.
    #[default]
    Common,
    /// No current: the column holds the raw current.
    Current,
}

/// Nominal weights of several levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    /// Largest size of a value: what a fully switched cell stands for.
    pub most: i32,
    /// Index as that of `weights`.
    pub values: Vec<i16>,
}

impl Site {
    /// Weight of a cell, 0 where it is not used.
    pub fn weight(&self, cell: usize) -> i32 {
        match &self.levels {
            Some(levels) => i32::from(levels.values[cell]),
            None => i32::from(self.weights[cell]),
        }
    }

    /// Largest size of a weight.
    pub fn most(&self) -> i32 {
        self.levels.as_ref().map_or(1, |levels| levels.most)
    }
}

/// The nominal converter of an array's columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Converter {
    /// `levels` codes; code c stands for `low + c * step` counts. Nominal edges lie half a step below each code
    /// but the first; a voltage exactly on an edge goes to the even code.
    Uniform { levels: usize, low: f64, step: f64 },
    /// One edge: code 1 at or above `reference[column]` counts.
    Sense { reference: Vec<f64> },
    /// None: cells are drawn as they are read. A cell of index `i` is turned round with the probability `flips[i] / 256`,
    /// below a half; no `flips`: every cell is read as it is.
    Draw { flips: Vec<u8> },
}

impl Converter {
    /// Cells are drawn as they are read.
    pub fn draws(&self) -> bool {
        matches!(self, Converter::Draw { .. })
    }

    /// Flip codes of cells that are drawn.
    pub fn flips(&self) -> &[u8] {
        if let Converter::Draw { flips } = self { flips } else { &[] }
    }
}

impl Chip {
    /// The chip's own threshold of a lane in an entry of the threshold memory.
    pub fn threshold(&self, entry: usize, lane: usize) -> Option<i64> {
        self.thresholds.as_ref().map(|own| own.values[entry][lane])
    }

    /// Holds all integers to `widths`; how many cells were beyond.
    pub fn saturate(&mut self, widths: Widths) -> usize {
        let ends = |range: RangeInclusive<i32>| (*range.start(), *range.end());
        let (offsets, edges) = (ends(widths.offsets()), ends(widths.edges()));
        let cell = *widths.cells().end() as i16;
        let mut beyond = 0;
        for array in &mut self.arrays {
            for value in array.plus.iter_mut().chain(&mut array.minus) {
                let held = (*value).clamp(-cell, cell);
                beyond += usize::from(held != *value);
                *value = held;
            }
            array.offset.iter_mut().for_each(|value| *value = (*value).clamp(offsets.0, offsets.1));
            array.edges.iter_mut().for_each(|value| *value = (*value).clamp(edges.0, edges.1));
        }
        self.widths = Some(widths);
        beyond
    }
}

impl ArrayDraw {
    /// Edges of one column's converter: its codes are 0 to this.
    pub fn edges_per_column(&self) -> usize {
        self.edges.len().checked_div(self.columns).unwrap_or(0)
    }

    /// Cells are drawn as they are read: there is one number a cell, and nothing else.
    pub fn is_drawn(&self) -> bool {
        self.minus.is_empty() && !self.plus.is_empty()
    }

    /// Why the integers cannot be an array at all.
    fn problem(&self) -> Option<String> {
        if self.rows == 0 || self.columns == 0 {
            return Some(format!("{} rows x {} columns hold nothing", self.rows, self.columns));
        }
        if self.is_drawn() {
            let beyond = |value: &&i16| !(-DRAW_HALF..=DRAW_HALF).contains(*value);
            let value = self.plus.iter().find(beyond)?;
            return Some(format!("a cell of {value}, outside of -{DRAW_HALF} to {DRAW_HALF}"));
        }
        let per_column = self.edges_per_column();
        if per_column == 0 {
            return Some("its columns have no edges".into());
        }
        let falling = |edges: &&[i32]| !edges.is_sorted();
        let mut columns = self.edges.chunks(per_column).enumerate();
        let (column, _) = columns.find(|(_, edges)| falling(edges))?;
        let more = match columns.filter(|(_, edges)| falling(edges)).count() {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        Some(format!("the edges of column {column}{more} do not rise"))
    }
}

/// SHA-256 (hexadecimal) of what a chip is drawn for: [`Chip::subject`].
///
/// Two lists of sites have one subject only if they are equal: every number goes in, with its sizes before it.
pub fn subject(sites: &[Site]) -> String {
    let mut hash = Sha256::new();
    let number = |hash: &mut Sha256, value: usize| hash.update((value as u64).to_le_bytes());
    number(&mut hash, sites.len());
    for site in sites {
        for value in [site.layer, site.array, site.rows, site.columns, site.weights.len()] {
            number(&mut hash, value);
        }
        let weights: Vec<u8> = site.weights.iter().map(|&weight| weight as u8).collect();
        hash.update(&weights);
        let (kind, levels, values) = match &site.converter {
            Converter::Uniform { levels, low, step } => (0, *levels, vec![*low, *step]),
            Converter::Sense { reference } => (1, 2, reference.clone()),
            Converter::Draw { flips } => (2, flips.len(), Vec::new()),
        };
        for value in [kind, levels, values.len()] {
            number(&mut hash, value);
        }
        values.iter().for_each(|value| hash.update(value.to_bits().to_le_bytes()));
        if let Converter::Draw { flips } = &site.converter {
            hash.update(flips);
        }
        if let Some(levels) = &site.levels {
            hash.update(b"levels");
            number(&mut hash, levels.most as usize);
            levels.values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        if site.share != 1 {
            hash.update(b"share");
            number(&mut hash, site.share);
        }
        if site.level != 1.0 {
            hash.update(b"level");
            hash.update(site.level.to_bits().to_le_bytes());
        }
        if site.zero == Zero::Current {
            hash.update(b"raw");
        }
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_widths_is_held_to_them() {
        let array = ArrayDraw {
            rows: 1,
            columns: 2,
            plus: vec![9, -9],
            minus: vec![7, -8],
            offset: vec![100, -100],
            edges: vec![-100, 100],
        };
        let mut chip = Chip {
            seed: 0,
            subject: "".into(),
            physics: "".into(),
            fraction_bits: 0,
            widths: None,
            arrays: vec![array],
            thresholds: None,
            correction: None,
        };
        let widths = Widths { cell: 4, voltage: 6 };
        assert_eq!((chip.saturate(widths), chip.widths), (3, Some(widths)));
        let held = &chip.arrays[0];
        assert_eq!((&held.plus[..], &held.minus[..]), (&[7, -7][..], &[7, -7][..]));
        assert_eq!((&held.offset[..], &held.edges[..]), (&[15, -15][..], &[-32, 31][..]));
    }

    #[test]
    fn another_weight_key_or_converter_is_another_subject() {
        let site = Site {
            layer: 1,
            array: 2,
            rows: 2,
            columns: 1,
            weights: vec![1, -1],
            levels: None,
            converter: Converter::Uniform { levels: 3, low: -2.0, step: 2.0 },
            share: 1,
            level: 1.0,
            zero: Zero::Common,
        };
        let sense = |reference| Converter::Sense { reference };
        let all = [
            vec![],
            vec![site.clone()],
            vec![site.clone(), site.clone()],
            vec![Site { layer: 2, ..site.clone() }],
            vec![Site { level: 0.5, ..site.clone() }],
            vec![Site { share: 2, ..site.clone() }],
            vec![Site { zero: Zero::Current, ..site.clone() }],
            vec![Site { levels: Some(Levels { most: 3, values: vec![1, -3] }), ..site.clone() }],
            vec![Site { levels: Some(Levels { most: 3, values: vec![1, -1] }), ..site.clone() }],
            vec![Site { levels: Some(Levels { most: 4, values: vec![1, -1] }), ..site.clone() }],
            vec![Site { array: 1, ..site.clone() }],
            vec![Site { weights: vec![1, 0], ..site.clone() }],
            vec![Site { rows: 1, columns: 2, ..site.clone() }],
            vec![Site { converter: Converter::Uniform { levels: 4, low: -2.0, step: 2.0 }, ..site.clone() }],
            vec![Site { converter: sense(vec![0.0]), ..site.clone() }],
            vec![Site { converter: sense(vec![0.5]), ..site.clone() }],
            vec![Site { converter: Converter::Draw { flips: vec![] }, ..site.clone() }],
            vec![Site { converter: Converter::Draw { flips: vec![1, 0] }, ..site.clone() }],
            vec![Site { converter: Converter::Draw { flips: vec![0, 1] }, ..site.clone() }],
        ];
        let subjects: std::collections::BTreeSet<String> = all.iter().map(|sites| subject(sites)).collect();
        assert_eq!(subjects.len(), all.len());
        assert_eq!(subject(&all[2]), subject(&all[2].clone()));
    }
}
