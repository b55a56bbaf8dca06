//! Address walks: constant steps over the pixels of a convolution, without multipliers or dividers.

use super::{SlotTap, Step, Walk, WriteWalk};
use crate::mapping::{Items, Pitch};
use crate::network::{Layer, Shape};

/// A map in the activation memory: `L = chunk + chunks * (x + pitch * y)`, bank `L mod banks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub chunks: usize,
    pub pitch: usize,
    /// Bank words.
    pub size: usize,
}

impl Region {
    /// Of `map` in `banks` banks.
    pub fn new(map: Shape, Pitch { chunks, pitch }: Pitch, banks: usize) -> Region {
        let words = chunks * (pitch * (map.h - 1) + map.w);
        Region { chunks, pitch, size: words.div_ceil(banks) }
    }
}

/// Splits a linear index into bank and address.
fn split(linear: i64, banks: usize) -> Step {
    let banks = banks as i64;
    Step { address: linear.div_euclid(banks), bank: linear.rem_euclid(banks) as usize }
}

/// Rows and columns.
type Size = (usize, usize);

/// The pooling window, the pooled map, and the pixels (rows, columns) of the four steps of a walk, in the order
/// window column, window row, column, row, each from the last position of the loops inside it.
fn pixel_steps(layer: &Layer) -> (Size, Size, [(i64, i64); 4]) {
    let (window, pool_stride) = layer.pool.map_or(((1, 1), (1, 1)), |pool| (pool.kernel, pool.stride));
    let pooled = match layer.pool {
        Some(_) => (layer.output.h, layer.output.w),
        None => (layer.conv.h, layer.conv.w),
    };
    let (sy, sx) = (layer.stride.0 as i64, layer.stride.1 as i64);
    let (wy, wx) = (window.0 as i64 - 1, window.1 as i64 - 1);
    let steps = [
        (0, sx),
        (sy, -sx * wx),
        (-sy * wy, sx * (pool_stride.1 as i64 - wx)),
        (sy * (pool_stride.0 as i64 - wy), -sx * (wx + pool_stride.1 as i64 * (pooled.1 as i64 - 1))),
    ];
    (window, pooled, steps)
}

fn assemble(layer: &Layer, origin: Step, step: impl Fn((i64, i64)) -> Step) -> Walk {
    let (window, pooled, pixel_steps) = pixel_steps(layer);
    let padding = layer.padding;
    Walk {
        window,
        pooled,
        origin,
        step_window_column: step(pixel_steps[0]),
        step_window_row: step(pixel_steps[1]),
        step_column: step(pixel_steps[2]),
        step_row: step(pixel_steps[3]),
        origin_pixel: (-(padding.top as i64), -(padding.left as i64)),
        pixel_steps,
    }
}

/// The walk of a layer that reads the map `region`, whose first bank word is `base`.
pub(super) fn over_map(layer: &Layer, region: Region, base: usize, banks: usize) -> Walk {
    let linear = |(rows, columns): (i64, i64)| region.chunks as i64 * (columns + region.pitch as i64 * rows);
    let corner = split(linear((-(layer.padding.top as i64), -(layer.padding.left as i64))), banks);
    let origin = Step { address: corner.address + base as i64, bank: corner.bank };
    assemble(layer, origin, |pixels| split(linear(pixels), banks))
}

/// The walk of a convolution over the input unit's window memory: the bank is the padded row modulo the kernel's
/// rows, a carry is worth one bank row of `columns` words.
pub(super) fn over_window(layer: &Layer, columns: usize) -> Walk {
    let stride = (layer.stride.0 as i64, layer.stride.1 as i64);
    let kernel_rows = layer.kernel.0 as i64;
    assemble(layer, Step::default(), |(rows, pixels)| Step {
        address: rows.div_euclid(kernel_rows) * columns as i64 + pixels / stride.1,
        bank: rows.rem_euclid(kernel_rows) as usize,
    })
}

/// The walk of a dense layer over the input unit: one vector, nothing moves.
pub(super) fn over_vector(layer: &Layer) -> Walk {
    assemble(layer, Step::default(), |_| Step::default())
}

/// `[pass][slot]` of a layer that reads `region`.
pub(super) fn taps(
    layer: &Layer,
    region: Region,
    items: Items,
    word: usize,
    banks: usize,
) -> Vec<Vec<Option<SlotTap>>> {
    let of_pass = |pass| {
        let mut slots = vec![None; banks];
        for (ky, item) in items.of_pass(pass, banks) {
            let (chunk, kx) = (item % region.chunks, item / region.chunks);
            // The word's index from the window's origin on; its slot is the bank there.
            let linear = item + region.chunks * region.pitch * ky;
            let slot: &mut Option<SlotTap> = &mut slots[linear % banks];
            assert!(slot.is_none(), "items of a pass lie in different banks");
            let channels = word.min(layer.input.c - chunk * word);
            *slot = Some(SlotTap { offset: (linear / banks) as i64, ky, kx, chunk, channels });
        }
        slots
    };
    (0..items.passes(banks)).map(of_pass).collect()
}

/// How a layer's output `map` is written into `region` at `base`.
pub(super) fn writes(
    map: Shape,
    region: Region,
    base: usize,
    word: usize,
    lanes: usize,
    banks: usize,
) -> WriteWalk {
    let chunks = region.chunks as i64;
    let to_next_row = chunks * (region.pitch as i64 - (map.w as i64 - 1));
    WriteWalk {
        origin: Step { address: base as i64, bank: 0 },
        step_column: split(chunks, banks),
        step_row: split(to_next_row, banks),
        step_chunk: split((lanes / word).max(1) as i64, banks),
        chunks: region.chunks,
        size: region.size,
    }
}
