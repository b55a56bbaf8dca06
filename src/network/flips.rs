//! Weights that are drawn anew for each sample of an ensemble.

/// What a layer's weights are drawn from: a weight is turned round where a uniform number of `bits` bits is below its
/// code, so with the probability `code / 2^bits`, below a half; code 0 is an ordinary weight. (A sign and a flip code
/// can say "never", which an unsigned code of the whole probability cannot.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flips {
    /// Bits of the number that is drawn, 2 ..= 8.
    pub bits: usize,
    /// One a weight, each below `2^(bits - 1)`: one row an output channel, columns in the order of the plane's matrix.
    pub codes: Vec<u8>,
}

impl Flips {
    /// Bits that a draw may have.
    pub const BITS: std::ops::RangeInclusive<usize> = 2..=8;

    /// The code nearest to the probability of a flip, as far as codes reach.
    pub fn code(bits: usize, probability: f64) -> u8 {
        let most = f64::from((1u32 << (bits - 1)) - 1);
        (probability * f64::from(1u32 << bits)).round().clamp(0.0, most) as u8
    }
}

/// Name of the tensor of a model file that holds the flip codes (unsigned bytes, the weight's own shape) of the weight
/// tensor `weight`.
pub fn flip_codes(weight: &str) -> String {
    format!("{weight}.flip")
}

/// Key of a model file's metadata that says the bits of its flip codes.
pub const FLIP_BITS: &str = "bincim.flip_bits";
