//! The input unit's memory: what the stream leaves in it and what the first layer reads from it.

use super::rows::RowVector;
use crate::bits::BitMatrix;
use crate::design::{Design, InputKind, LayerDesign, Step};

/// The words of one frame, by bank.
pub(super) struct InputMemory {
    banks: Vec<BitMatrix>,
    /// Words that one carry of the walk is worth.
    carry_weight: i64,
}

impl InputMemory {
    /// Stores `image` (channel, row, column) as the input unit does.
    pub fn fill(design: &Design, image: &[i16]) -> InputMemory {
        let code = design.input.code;
        let planes = code.planes();
        let bipolar = code == crate::network::InputCode::Bipolar;
        let stored = |value: i16| match bipolar {
            true => usize::from(value > 0),
            false => (i32::from(value) - code.range().0) as usize,
        };
        match &design.input.kind {
            InputKind::Vector { length, words } => {
                let mut bank = BitMatrix::zeros(*words, design.vector_bits());
                for (element, &value) in image.iter().enumerate().take(*length) {
                    for plane in 0..planes {
                        let bit = plane * design.plane_rows + element % design.plane_rows;
                        bank.set(element / design.plane_rows, bit, stored(value) >> plane & 1 == 1);
                    }
                }
                InputMemory { banks: vec![bank], carry_weight: 0 }
            }
            InputKind::Window {
                kernel,
                stride,
                channels,
                padded,
                before,
                map,
                pad_code,
                columns,
                depth,
                word_bits,
                ..
            } => {
                let pixel = |row: usize, column: usize, channel: usize| match (
                    row.checked_sub(before.0),
                    column.checked_sub(before.1),
                ) {
                    (Some(y), Some(x)) if y < map.0 && x < map.1 => {
                        stored(image[(channel * map.0 + y) * map.1 + x])
                    }
                    _ => *pad_code,
                };
                let mut banks = vec![BitMatrix::zeros(*depth, *word_bits); kernel.0];
                for row in 0..padded.0 {
                    for column in 0..*columns {
                        let address = row / kernel.0 * columns + column;
                        for kx in 0..kernel.1 {
                            for channel in 0..*channels {
                                let value = pixel(row, column * stride.1 + kx, channel);
                                for plane in 0..planes {
                                    let bit = (kx * channels + channel) * planes + plane;
                                    banks[row % kernel.0].set(address, bit, value >> plane & 1 == 1);
                                }
                            }
                        }
                    }
                }
                InputMemory { banks, carry_weight: *columns as i64 }
            }
        }
    }

    pub fn banks(&self) -> usize {
        self.banks.len()
    }

    pub fn carry_weight(&self) -> i64 {
        self.carry_weight
    }

    /// The row vector of `pass` at walk position `at`.
    pub fn row_vector(&self, design: &Design, layer: &LayerDesign, pass: usize, at: Step) -> RowVector {
        let mut row = RowVector::empty(design);
        let last_pass = pass + 1 == layer.passes;
        match &design.input.kind {
            InputKind::Vector { length, .. } => {
                let used = if last_pass { length - pass * design.plane_rows } else { design.plane_rows };
                for plane in 0..design.planes {
                    for q in 0..used {
                        let r = plane * design.plane_rows + q;
                        row.set(r, self.banks[0].get(pass, r));
                    }
                }
            }
            InputKind::Window { kernel, channels, taps_per_pass, columns, .. } => {
                let taps_of_row = kernel.1 * channels;
                let taps = kernel.0 * taps_of_row;
                for q in 0..*taps_per_pass.min(&(taps - pass * taps_per_pass)) {
                    let tap = pass * taps_per_pass + q;
                    let index = at.bank + tap / taps_of_row;
                    let carry = if index >= kernel.0 { *columns as i64 } else { 0 };
                    let bank = &self.banks[index % kernel.0];
                    for plane in 0..design.planes {
                        let bit = bank
                            .get((at.address + carry) as usize, tap % taps_of_row * design.planes + plane);
                        row.set(plane * design.plane_rows + q, bit);
                    }
                }
            }
        }
        row
    }
}
