//! The input map, and how the elements of maps are coded.

use super::{PadValue, Padding, Shape, plane_scales};
use crate::escape::Untrusted;

/// How an element of the input map is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputCode {
    /// One bit, 1 is +1 and 0 is -1.
    Bipolar,
    /// `bits` bits (1..=8), value 0 ..= 2^bits - 1.
    Unsigned { bits: u32 },
    /// `bits` bits (2..=8), two's complement, value -2^(bits-1) ..= 2^(bits-1) - 1.
    Signed { bits: u32 },
}

impl InputCode {
    /// Number of binary planes an element takes.
    pub fn planes(&self) -> usize {
        match *self {
            InputCode::Bipolar => 1,
            InputCode::Unsigned { bits } | InputCode::Signed { bits } => bits as usize,
        }
    }

    /// The code that also holds what `padding` puts round the map: bits with 0 around them take integers of two bits.
    pub fn padded(self, padding: &Padding) -> InputCode {
        match self {
            InputCode::Bipolar if !padding.is_none() && padding.value == PadValue::Zero => {
                InputCode::Signed { bits: 2 }
            }
            code => code,
        }
    }

    /// Smallest and largest value.
    pub fn range(&self) -> (i32, i32) {
        match *self {
            InputCode::Bipolar => (-1, 1),
            InputCode::Unsigned { bits } => (0, (1 << bits) - 1),
            InputCode::Signed { bits } => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        }
    }
}

/// How an element of the map that a layer reads is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MapCode {
    /// An element of the network's input.
    Input(InputCode),
    /// The activation of a layer with `steps` thresholds a channel: -steps, -steps + 2 ..= steps.
    Activation { steps: usize },
}

impl MapCode {
    /// Whether the element is made of -1 and +1, one of them or several.
    pub fn is_bipolar(&self) -> bool {
        matches!(self, MapCode::Input(InputCode::Bipolar) | MapCode::Activation { .. })
    }

    /// Number of planes of bits an element takes.
    pub fn planes(&self) -> usize {
        match *self {
            MapCode::Input(code) => code.planes(),
            MapCode::Activation { steps } => plane_scales(steps).len(),
        }
    }

    /// Smallest and largest value.
    pub fn range(&self) -> (i32, i32) {
        match *self {
            MapCode::Input(code) => code.range(),
            MapCode::Activation { steps } => (-(steps as i32), steps as i32),
        }
    }
}

/// The input map and how an 8-bit pixel becomes one of its elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Name of the graph's input.
    pub name: Untrusted,
    pub shape: Shape,
    pub code: InputCode,
    /// Element value of every pixel value 0..=255, for all channels alike (256 entries), channel after channel (256 entries
    /// each), or element after element in channel, row, column order.
    pub pixel_values: Vec<i16>,
    /// The rule that `pixel_values` follows, for reports.
    pub pixel_rule: String,
}

impl Input {
    /// Rows of `pixel_values`: 1, or one a channel, or one an element.
    pub fn rows(&self) -> usize {
        self.pixel_values.len() / 256
    }

    /// Element values of every pixel value at element `element` in channel, row, column order.
    pub fn row(&self, element: usize) -> &[i16] {
        let row = element * self.rows() / self.shape.elements();
        &self.pixel_values[row * 256..(row + 1) * 256]
    }

    /// Elements of `pixels`: whole images one after the other, each in channel, row, column order.
    ///
    /// Panics unless they are whole images.
    pub fn elements(&self, pixels: &[u8]) -> Vec<i16> {
        let size = self.shape.elements();
        assert!(pixels.len().is_multiple_of(size), "whole images of {size} pixels");
        let run = size / self.rows();
        let runs = pixels.chunks(run).zip(self.pixel_values.chunks(256).cycle());
        runs.flat_map(|(pixels, row)| pixels.iter().map(move |&pixel| row[usize::from(pixel)])).collect()
    }
}
