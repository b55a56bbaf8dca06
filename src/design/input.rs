//! The input unit: stream beats and the memory that feeds the first layer.

use super::{InputKind, InputUnit};
use crate::arch::Arch;
use crate::network::{InputCode, Network, PadValue};

/// The input unit of `network` on `arch`; `plane_rows` rows carry one plane.
pub(super) fn unit(network: &Network, arch: &Arch, plane_rows: usize) -> InputUnit {
    let layer = &network.layers[0];
    let code = network.input.code;
    let map = network.input.shape;
    let whole_map = (map.h, map.w) == (1, 1) || layer.kernel == (map.h, map.w) && layer.conv.pixels() == 1;
    if whole_map && layer.padding.is_none() && map.pixels() == 1 {
        return vector(code, map.c, arch, plane_rows);
    }
    let padding = layer.padding;
    let elements = if map.c <= arch.interface.stream_bytes { map.c } else { 1 };
    let padded = (map.h + padding.top + padding.bottom, map.w + padding.left + padding.right);
    InputUnit {
        code,
        elements,
        element_bits: 8,
        stream_bits: 8 * elements,
        beats: map.elements() / elements,
        frames: arch.interface.input_buffers,
        kind: InputKind::Window {
            kernel: layer.kernel,
            stride: layer.stride,
            channels: map.c,
            padded,
            before: (padding.top, padding.left),
            map: (map.h, map.w),
            // Without padding the code is never read.
            pad_code: pad_code(code, padding.value).unwrap_or(0),
            columns: layer.conv.w,
            depth: padded.0.div_ceil(layer.kernel.0) * layer.conv.w,
            word_bits: layer.kernel.1 * map.c * code.planes(),
            taps_per_pass: plane_rows,
        },
    }
}

fn vector(code: InputCode, length: usize, arch: &Arch, plane_rows: usize) -> InputUnit {
    let (element_bits, most) = match code {
        InputCode::Bipolar => (1, arch.interface.stream_bytes * 8),
        _ => (8, arch.interface.stream_bytes),
    };
    // A beat never straddles two words, so words fill by whole beats.
    let elements = (1..=most.min(plane_rows)).rev().find(|e| plane_rows.is_multiple_of(*e)).unwrap_or(1);
    InputUnit {
        code,
        elements,
        element_bits,
        stream_bits: (elements * element_bits).next_multiple_of(8),
        beats: length.div_ceil(elements),
        frames: arch.interface.input_buffers,
        kind: InputKind::Vector { length, words: length.div_ceil(plane_rows) },
    }
}

/// Code in memory of the padding value: the bit of a bipolar input, the offset-binary code of an integer.
/// `None`: the input's code does not hold it.
pub(super) fn pad_code(code: InputCode, value: PadValue) -> Option<usize> {
    let (low, high) = code.range();
    let value = match value {
        PadValue::Zero => 0,
        PadValue::Plus => 1,
        PadValue::Minus => -1,
    };
    match code {
        InputCode::Bipolar => [-1, 1].iter().position(|&bit| bit == value),
        _ => (low..=high).contains(&value).then(|| (value - low) as usize),
    }
}
