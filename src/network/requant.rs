//! States: accumulators that become fixed-point numbers, and the rounding that makes them.

/// What makes of a layer's sum of products a number of fixed point, a multiplier and an offset a channel: the sum before
/// the sign of Bi-Real Net and its kin (Liu et al., ECCV 2018), where scales and normalisations stand before the Add.
///
/// `acc = clamp(((multiplier[c] * products + offset[c]) >> shift) + kept)` with the arithmetic shift, which rounds down;
/// `kept` is what a shortcut adds, else 0. The result is what thresholds read and what is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requant {
    /// One a channel, of at most [`Requant::MULTIPLIER_BITS`] bits.
    pub multiplier: Vec<i32>,
    /// One a channel, of at most [`Requant::OFFSET_BITS`] bits; half a unit of the result in it rounds to the nearest.
    pub offset: Vec<i64>,
    /// 0 ..= [`Requant::MOST_SHIFT`].
    pub shift: u32,
    /// Bits of the result, two's complement, 2 ..= [`Requant::MOST_BITS`]; what lies beyond is the nearest that fits.
    pub bits: u32,
}

impl Requant {
    /// What an FPGA's multiplier takes at once.
    pub const MULTIPLIER_BITS: u32 = 18;
    pub const OFFSET_BITS: u32 = 48;
    pub const MOST_SHIFT: u32 = 31;
    pub const MOST_BITS: u32 = 24;

    /// What the sum of products `products` of channel `c` adds.
    pub fn addend(&self, c: usize, products: i64) -> i64 {
        (i64::from(self.multiplier[c]) * products + self.offset[c]) >> self.shift
    }

    /// Smallest and largest result.
    pub fn limits(&self) -> (i64, i64) {
        let most = (1i64 << (self.bits - 1)) - 1;
        (!most, most)
    }

    /// The nearest number that is a result.
    pub fn clamp(&self, value: i64) -> i64 {
        let (low, high) = self.limits();
        value.clamp(low, high)
    }

    /// Smallest and largest of what channel `c` adds to the sums of products from `low` to `high`.
    pub(super) fn range(&self, c: usize, (low, high): (i64, i64)) -> (i64, i64) {
        let ends = [self.addend(c, low), self.addend(c, high)];
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_rounded_down_and_held_to_its_bits() {
        let requant = Requant { multiplier: vec![3, -5], offset: vec![4, 0], shift: 3, bits: 4 };
        assert_eq!([-3, -2, -1, 0, 1, 2].map(|acc| requant.addend(0, acc)), [-1, -1, 0, 0, 0, 1]);
        assert_eq!([-2, 0, 1].map(|acc| requant.addend(1, acc)), [1, 0, -1]);
        assert_eq!([-9, -8, 7, 8].map(|value| requant.clamp(value)), [-8, -8, 7, 7]);
        assert_eq!((requant.range(0, (-3, 2)), requant.range(1, (-2, 1))), ((-1, 1), (-1, 1)));
    }
}
