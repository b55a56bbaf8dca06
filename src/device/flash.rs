//! Flash converter: a comparator an edge, references from a ladder of equal resistors.
//!
//! Source: the usual mismatch model; comparator offsets of standard deviation s give an integral non-linearity of s
//! and a differential one of sqrt(2) s. Unit: steps. The ladder hangs between fixed ends, so element errors shift
//! an inner edge by `element / 2 x sqrt(levels - 2)` steps at most (middle of the ladder).

use super::random::{Kind, Stream};

/// Edges of one converter in steps above the voltage of code 0, before its comparators' offsets.
pub fn levels(element: f64, stream: &Stream, converter: usize, levels: usize) -> Vec<f64> {
    ladder(levels - 2, |e| element * stream.normal(Kind::Element, converter, e)).collect()
}

/// 1/2 and then a step for each of `elements` elements, whose sum is kept at `elements` steps.
pub(super) fn ladder(elements: usize, error: impl Fn(usize) -> f64) -> impl Iterator<Item = f64> {
    let sizes: Vec<f64> = (0..elements).map(|e| (1.0 + error(e)).max(0.0)).collect();
    let total: f64 = sizes.iter().sum();
    let scale = if total > 0.0 { elements as f64 / total } else { 0.0 };
    let mut sum = 0.0;
    std::iter::once(0.5).chain(sizes.into_iter().map(move |size| {
        sum += size;
        0.5 + sum * scale
    }))
}
