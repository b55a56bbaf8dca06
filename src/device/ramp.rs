//! Ramp converter: one ramp for all columns of an array, one comparator a column.
//!
//! Source: CrossSim's `RampADC` (shared capacitive DAC, comparator offset a column). Unit: steps. The ramp rises by one
//! unit element a step and is trimmed at both ends; the comparator's offset shifts all edges of its column alike,
//! which is a pure code offset.

use super::flash::ladder;
use super::random::{Kind, Stream};

/// Edges of every column of the array in steps above the voltage of code 0, before the comparators' offsets.
pub fn levels(element: f64, stream: &Stream, levels: usize) -> Vec<f64> {
    ladder(levels - 2, |e| element * stream.normal(Kind::Element, 0, e)).collect()
}
