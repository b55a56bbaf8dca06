//! One frozen draw of a chip: integers only, no physics, no chance.
//!
//! `device` makes a [`Chip`]; `golden` and the Verilog obey it. Words are defined in ARCHITECTURE.md,
//! section "Analog arrays".

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
    pub arrays: Vec<ArrayDraw>,
}

/// One array: `rows` x `columns` cells and a converter a column.
///
/// Column voltage: `offset[c] + sum over driven rows r of (plus[c][r] if the row carries +1, -minus[c][r] if it
/// carries -1)`. Code: number of the column's edges that are at or below the voltage.
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
    pub converter: Converter,
}

/// The nominal converter of an array's columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Converter {
    /// `levels` codes; code c stands for `low + c * step` counts. Nominal edges lie half a step below each code
    /// but the first; a voltage exactly on an edge goes to the even code.
    Uniform { levels: usize, low: f64, step: f64 },
    /// One edge: code 1 at or above `reference[column]` counts.
    Sense { reference: Vec<f64> },
}
