//! States: accumulators that become fixed-point numbers, and the rounding that makes them.

/// What makes of a layer's sum of products a number of fixed point, a multiplier and an offset a channel: the sum before
/// the sign of Bi-Real Net and its kin (Liu et al., ECCV 2018), where scales and normalisations stand before the Add, and
/// the codes of networks of 8 bits (Jacob et al., CVPR 2018).
///
/// `acc = clamp((multiplier[c] * products + offset[c] + unit * kept) >> shift)` with the arithmetic shift, which rounds
/// down; `kept` is what a shortcut adds, else 0. The result is what thresholds read and what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requant {
    /// One a channel, of at most [`Requant::MULTIPLIER_BITS`] bits.
    pub multiplier: Vec<i32>,
    /// One a channel, of at most [`Requant::OFFSET_BITS`] bits; half a unit of the result in it rounds to the nearest.
    pub offset: Vec<i64>,
    /// What one of what is kept counts before the shift, 0 ..= 2^[`Requant::MOST_SHIFT`]; `1 << shift` adds it as it is.
    pub unit: i64,
    /// 0 ..= [`Requant::MOST_SHIFT`].
    pub shift: u32,
    /// Bits of the result, [`Requant::LEAST_BITS`] ..= [`Requant::MOST_BITS`]; what lies beyond is the nearest that fits.
    pub bits: u32,
    /// The result is 0 or more: a rectifier, as large as the bits hold. Else it is two's complement.
    pub rectified: bool,
}

impl Requant {
    /// What an FPGA's multiplier takes at once.
    pub const MULTIPLIER_BITS: u32 = 18;
    pub const OFFSET_BITS: u32 = 48;
    pub const MOST_SHIFT: u32 = 31;
    pub const LEAST_BITS: u32 = 2;
    pub const MOST_BITS: u32 = 24;

    /// The number before it is held to its bits.
    pub fn exact(&self, c: usize, products: i64, kept: i64) -> i64 {
        (i64::from(self.multiplier[c]) * products + self.offset[c] + self.unit * kept) >> self.shift
    }

    /// Smallest and largest result.
    pub fn limits(&self) -> (i64, i64) {
        match self.rectified {
            true => (0, (1 << self.bits) - 1),
            false => (-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1),
        }
    }

    /// The nearest number that is a result.
    pub fn clamp(&self, value: i64) -> i64 {
        let (low, high) = self.limits();
        value.clamp(low, high)
    }

    /// Smallest and largest of what channel `c` makes of sums of products and of what is kept within these ranges, before
    /// it is held to its bits.
    pub(super) fn reach(&self, c: usize, products: (i64, i64), kept: (i64, i64)) -> (i64, i64) {
        let (least, most) = match self.multiplier[c] < 0 {
            true => (products.1, products.0),
            false => products,
        };
        (self.exact(c, least, kept.0), self.exact(c, most, kept.1))
    }

    /// [`Requant::reach`] of results.
    pub(super) fn range(&self, c: usize, products: (i64, i64), kept: (i64, i64)) -> (i64, i64) {
        let (low, high) = self.reach(c, products, kept);
        (self.clamp(low), self.clamp(high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_rounded_down_and_held_to_its_bits() {
        let requant = Requant {
            multiplier: vec![3, -5],
            offset: vec![4, 0],
            unit: 8,
            shift: 3,
            bits: 4,
            rectified: false,
        };
        assert_eq!([-3, -2, -1, 0, 1, 2].map(|acc| requant.exact(0, acc, 0)), [-1, -1, 0, 0, 0, 1]);
        assert_eq!([-2, 0, 1].map(|acc| requant.exact(1, acc, 3)), [4, 3, 2]);
        assert_eq!([-9, -8, 7, 8].map(|value| requant.clamp(value)), [-8, -8, 7, 7]);
        let ranges = (requant.reach(0, (-3, 2), (0, 0)), requant.reach(1, (-2, 1), (-1, 5)));
        assert_eq!(ranges, ((-1, 1), (-2, 6)));
    }

    #[test]
    fn what_is_kept_is_scaled_before_the_shift() {
        let codes =
            Requant { multiplier: vec![3], offset: vec![4], unit: 5, shift: 3, bits: 3, rectified: true };
        // (3 * 1 + 4 + 5 * kept) / 8, rounded down: 7, 12, 17 eighths.
        assert_eq!([0, 1, 2].map(|kept| codes.exact(0, 1, kept)), [0, 1, 2]);
        assert_eq!([-1, 0, 7, 8].map(|value| codes.clamp(value)), [0, 0, 7, 7]);
        assert_eq!(codes.range(0, (-9, 4), (0, 7)), (0, 6));
    }
}
