//! Widths: the fewest bits that hold what can occur. Computed here and nowhere else.

/// Bits of an unsigned number 0 ..= `largest`; at least 1.
pub fn unsigned(largest: usize) -> usize {
    (usize::BITS - largest.leading_zeros()).max(1) as usize
}

/// Bits of a two's complement number `smallest ..= largest`.
pub fn signed(smallest: i64, largest: i64) -> usize {
    let magnitude = |v: i64| if v < 0 { !v } else { v };
    (i64::BITS - magnitude(smallest).leading_zeros().min(magnitude(largest).leading_zeros()) + 1) as usize
}

/// Bits of an index 0 .. `count`; at least 1.
pub fn index(count: usize) -> usize {
    unsigned(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_the_fewest_bits() {
        assert_eq!([unsigned(0), unsigned(1), unsigned(2), unsigned(255), unsigned(256)], [1, 1, 2, 8, 9]);
        assert_eq!(
            [signed(0, 0), signed(-1, 0), signed(-1, 1), signed(-128, 127), signed(-129, 0)],
            [1, 1, 2, 8, 9]
        );
        assert_eq!([index(1), index(2), index(9), index(16)], [1, 1, 4, 4]);
    }

    /// What the gather unit relies on: one unsigned comparison tells inside from outside, before the map too.
    #[test]
    fn a_negative_coordinate_compares_as_one_beyond_the_map() {
        for map in 1..=300 {
            let width = signed(-7, map + 7);
            for place in -7..=map + 7 {
                let code = place & ((1 << width) - 1);
                assert_eq!(code < map, (0..map).contains(&place), "{place} in {map}");
            }
        }
    }
}
