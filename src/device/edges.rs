//! The edges of a column's converter: nominal ones, those of each circuit, and their rounding to integers.
//!
//! Order: nominal edges, the circuit's own errors ([`flash`](super::flash), [`ramp`](super::ramp),
//! [`sar`](super::sar)), gain, rounding, sorting. A gain `1 + g` of the converter moves an edge at `t` to `t / (1 + g)`.
//!
//! Rounding is exact for the comparison "integer voltage >= edge": an edge between two integers is rounded up, and an
//! edge on an integer (within a millionth of a unit, as nominal edges are sums of binary fractions) obeys the tie
//! rule: the voltage on it goes to the even code, so the edge below an odd code lies one unit higher. A sense
//! amplifier's edge belongs to code 1.

use super::physics::{AdcKind, Physics};
use super::random::{Kind, Stream};
use super::{flash, ramp, sar};
use crate::variation::{Converter, Site};

/// Edges of all columns of an array in `2^-fraction_bits` counts, rising in each column; index `column * edges + e`.
/// `follow`: what the converters' references are multiplied by.
pub fn edges(physics: &Physics, stream: &Stream, fraction_bits: u32, site: &Site, follow: f64) -> Vec<i32> {
    let unit = f64::from(1u32 << fraction_bits);
    let (levels, low, step) = match &site.converter {
        Converter::Sense { reference } => {
            let edge = |column: usize| {
                let offset = physics.sense.offset * stream.normal(Kind::Sense, column / site.share, 0);
                integer((reference[column] * follow + offset) * unit, true)
            };
            return (0..site.columns).map(edge).collect();
        }
        Converter::Uniform { levels, low, step } => (*levels, *low, *step),
        // Nothing converts.
        Converter::Draw { .. } => return Vec::new(),
    };
    let shared = match physics.converter.kind {
        AdcKind::Ramp => ramp::levels(physics.converter.element, stream, levels),
        _ => Vec::new(),
    };
    let mut edges = Vec::with_capacity(site.columns * (levels - 1));
    for column in 0..site.columns {
        let converter = column / site.share / physics.converter.columns;
        // Edges in steps above the voltage of code 0: nominally 1/2, 3/2, ...
        let own = match physics.converter.kind {
            AdcKind::Ideal => (0..levels - 1).map(|e| e as f64 + 0.5).collect(),
            AdcKind::Flash => flash::levels(physics.converter.element, stream, converter, levels),
            AdcKind::Ramp => shared.clone(),
            AdcKind::Sar => sar::levels(physics.converter.element, stream, converter, levels),
        };
        let gain = 1.0 + physics.converter.gain * stream.normal(Kind::Gain, converter, 0);
        let gain = gain.max(0.1);
        let start = edges.len();
        for (e, level) in own.into_iter().enumerate() {
            let comparator = match physics.converter.kind {
                AdcKind::Ideal => 0.0,
                AdcKind::Flash => stream.normal(Kind::Comparator, converter, e),
                AdcKind::Ramp | AdcKind::Sar => stream.normal(Kind::Comparator, converter, 0),
            };
            let nominal = (low + level * step) * follow;
            let edge = (nominal + physics.converter.comparator * comparator) / gain;
            edges.push(integer(edge * unit, e % 2 == 1));
        }
        edges[start..].sort_unstable();
    }
    edges
}

/// The least integer voltage at or above `edge`, or above it where `edge` is an integer and not `inclusive`.
pub fn integer(edge: f64, inclusive: bool) -> i32 {
    let nearest = edge.round_ties_even();
    let integer = if (edge - nearest).abs() > 1e-6 {
        edge.ceil()
    } else if inclusive {
        nearest
    } else {
        nearest + 1.0
    };
    integer as i32
}
