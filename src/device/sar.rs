//! Successive-approximation converter with binary-weighted capacitors, each converter with its own.
//!
//! Source: the usual unit-capacitor model; a capacitor of k units has the relative error `element / sqrt(k)`, so the
//! differential non-linearity at mid-scale is `element x sqrt(2^B - 1)` steps and the integral one
//! `element / 2 x sqrt(2^B)`. Unit: steps. Codes above the last are read as the last.
//!
//! The edges are those of the search, not the sorted levels: where capacitor errors make a level lower than its
//! predecessor, codes are missed, as they are in the circuit.

use super::random::{Kind, Stream};

/// Edges of one converter in steps above the voltage of code 0, before its comparator's offset.
pub fn levels(element: f64, stream: &Stream, converter: usize, levels: usize) -> Vec<f64> {
    let bits = levels.next_power_of_two().trailing_zeros() as usize;
    let capacitors: Vec<f64> = (0..bits)
        .map(|bit| {
            let units = f64::from(1u32 << bit);
            (units + element * units.sqrt() * stream.normal(Kind::Element, converter, bit)).max(0.0)
        })
        .collect();
    // One more unit ends the array, so that all capacitors together are 2^B units.
    let last = (1.0 + element * stream.normal(Kind::Element, converter, bits)).max(0.0);
    let total: f64 = capacitors.iter().sum::<f64>() + last;
    let scale = f64::from(1u32 << bits) / total.max(f64::MIN_POSITIVE);
    let level = |code: usize| {
        (0..bits).filter(|bit| code >> bit & 1 == 1).map(|bit| capacitors[bit]).sum::<f64>() * scale - 0.5
    };
    (1..levels).map(|code| search_edge(code, bits, level)).collect()
}

/// The least voltage that a binary search over the codes' levels answers with `code` or more.
///
/// From the last bit up: where `code` has the bit, the voltage must reach the level of that trial and then satisfy
/// the bits below; where it has not, reaching the trial's level already leads to a greater code.
fn search_edge(code: usize, bits: usize, level: impl Fn(usize) -> f64) -> f64 {
    (0..bits).fold(f64::NEG_INFINITY, |below, bit| {
        let trial = level((code >> bit | 1) << bit);
        if code >> bit & 1 == 1 { trial.max(below) } else { trial.min(below) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the circuit does, bit after bit.
    fn search(voltage: f64, bits: usize, level: impl Fn(usize) -> f64) -> usize {
        (0..bits).rev().fold(0, |code, bit| {
            let trial = code | 1 << bit;
            if voltage >= level(trial) { trial } else { code }
        })
    }

    #[test]
    fn edges_are_those_of_the_search_even_where_levels_fall() {
        let stream = Stream::new(5, 0, 0);
        for bits in 1..=5usize {
            for trial in 0..50 {
                // Levels without any order.
                let level = |code: usize| 10.0 * stream.normal(Kind::Element, trial, code);
                let edges: Vec<f64> = (1..1 << bits).map(|code| search_edge(code, bits, level)).collect();
                for at in 0..400 {
                    let voltage = f64::from(at - 200) * 0.2;
                    let count = edges.iter().filter(|edge| **edge <= voltage).count();
                    assert_eq!(count, search(voltage, bits, level), "{bits} bits, {voltage}");
                }
            }
        }
    }

    #[test]
    fn equal_capacitors_give_equal_steps() {
        for count in [2, 3, 11, 31, 32, 64] {
            let expected: Vec<f64> = (0..count - 1).map(|e| e as f64 + 0.5).collect();
            assert_eq!(levels(0.0, &Stream::new(1, 2, 3), 4, count), expected);
        }
    }
}
