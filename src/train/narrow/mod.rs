//! The products of a layer whose weights are signs, in integers of eight bits.
//!
//! The forward sums are exact: codes times signs. The gradients of the sums are rounded to bytes, up or down by chance, with
//! a scale an output; the other side of both backward products, signs of weights or codes of maps, is exact. Sums are
//! integers, so neither threads nor the processor's instructions change a bit of them.

mod kernel;
mod shape;
mod slopes;
#[cfg(test)]
mod tests;
mod weights;

use super::conv::Maps;
use super::plan::PlanLayer;
use kernel::{Finish, InstructionSet, Left, Sums};
use rayon::prelude::*;
use shape::{Geometry, Map};
use slopes::{Scales, Slopes};
use weights::Panels;

/// Rows of sums that stay in the cache between a product and its end.
const ROWS: usize = 96;
/// Rows that share a pass over the weights at least, where there are so many.
const SHARED: usize = 192;
/// Largest sum in 32 bits.
const MOST: usize = i32::MAX as usize;

/// Whether every sum of a layer fits into 32 bits.
pub fn suits(layer: &PlanLayer) -> bool {
    let places = layer.kernel.0 * layer.kernel.1;
    let taps = places * layer.input.c.max(64 * layer.conv.c);
    // Up to three positions stand in vain beside one that counts.
    128 * taps < MOST && 128 * 128 * 4 * layer.conv.pixels() < MOST
}

/// `sums` (image, row, column, output) of `maps` with the signs of the `latent` weights (fan-in x outputs).
pub fn forward(layer: &PlanLayer, maps: Maps, latent: &[f32], sums: &mut [f32]) {
    forward_on(InstructionSet::best(), layer, maps, latent, sums);
}

fn forward_on(set: InstructionSet, layer: &PlanLayer, maps: Maps, latent: &[f32], sums: &mut [f32]) {
    let geometry = Geometry::new(layer, maps.codes.len() / layer.input.elements());
    let map = geometry.taken();
    let panels = Panels::of_sums(set, &geometry, latent);
    let windows = Windows { maps: geometry.maps, shape: geometry.conv, stride: geometry.stride, map: &map };
    windows.times(set, geometry.kernel, &slopes::load(&map, &geometry, maps.codes), &panels, maps.unit, sums);
}

/// All windows of some maps.
struct Windows<'a> {
    maps: usize,
    /// Windows of a map.
    shape: crate::network::Shape,
    /// From corner to corner.
    stride: usize,
    map: &'a Map,
}

impl Windows<'_> {
    /// Writes what the windows of `bytes` times `panels` give, times `scale`.
    fn times(
        &self,
        set: InstructionSet,
        kernel: (usize, usize),
        bytes: &[u8],
        panels: &Panels,
        scale: f32,
        out: &mut [f32],
    ) {
        let columns = panels.columns;
        let made = self.shape.pixels() * columns;
        let share = self.maps.div_ceil(rayon::current_num_threads());
        let together = SHARED.div_ceil(self.shape.pixels()).min(share).max(1);
        let starts = self.map.starts(together, self.shape, self.stride);
        let steps = self.map.steps(kernel);
        let scales = vec![scale; panels.width];
        out.par_chunks_mut(together * made).enumerate().for_each(|(block, out)| {
            let starts = &starts[..out.len() / columns];
            let bytes = &bytes[block * together * self.map.size()..];
            let mut values = vec![0; ROWS * panels.width];
            for (first, words, offsets) in panels.each() {
                let scales = &scales[..panels.width.min(columns - first)];
                let how = Finish { offsets, scales, add: false };
                for (starts, out) in starts.chunks(ROWS).zip(out.chunks_mut(ROWS * columns)) {
                    let left = Left { bytes, starts, steps: &steps };
                    let mut sums = Sums { values: &mut values, width: panels.width, stride: panels.width };
                    kernel::product(set, left, words, &mut sums, true);
                    kernel::finish(set, &sums, starts.len(), &how, &mut out[first..], columns);
                }
            }
        });
    }
}

/// What the backward pass of a layer reads.
pub struct Backward<'a, F> {
    pub layer: &'a PlanLayer,
    pub maps: Maps<'a>,
    /// fan-in x outputs
    pub latent: &'a [f32],
    /// `row(image, y, gradient)` writes the gradient of the sums of one row of pixels.
    pub row: F,
    /// What no gradient of a sum exceeds, one an output; where one does, it is held to it.
    pub bounds: &'a [f32],
    /// Of the roundings' chances.
    pub key: u32,
}

impl<F: Fn(usize, usize, &mut [f32]) + Sync> Backward<'_, F> {
    /// The gradient of the weights (fan-in x outputs) and, where wanted, of the input maps.
    pub fn run(&self, weight_gradient: &mut [f32], input_gradient: Option<&mut [f32]>) {
        self.run_on(InstructionSet::best(), weight_gradient, input_gradient);
    }

    fn run_on(&self, set: InstructionSet, weight_gradient: &mut [f32], input_gradient: Option<&mut [f32]>) {
        let layer = self.layer;
        let geometry = Geometry::new(layer, self.maps.codes.len() / layer.input.elements());
        let scales = Scales::new(self.bounds);
        let images = self.maps.codes.len() / layer.input.elements() / geometry.maps;
        let line = |map: usize, y: usize, line: &mut [f32]| {
            let each = line.len() / images;
            line.chunks_exact_mut(each).enumerate().for_each(|(i, row)| (self.row)(map * images + i, y, row));
        };
        let slopes = Slopes::new(set, &geometry, &line, (&scales, self.key));
        if let Some(gradient) = input_gradient {
            let panels = Panels::of_inputs(set, &geometry, self.latent, &scales.powers);
            let map = geometry.spread();
            let windows = Windows { maps: geometry.maps, shape: geometry.input, stride: 1, map: &map };
            windows.times(set, geometry.kernel, &slopes.map, &panels, scales.least, gradient);
        }
        self.weights(set, &geometry, &slopes, &scales, weight_gradient);
    }

    /// The gradient of the weights.
    fn weights(
        &self,
        set: InstructionSet,
        geometry: &Geometry,
        slopes: &Slopes,
        scales: &Scales,
        gradient: &mut [f32],
    ) {
        let (planes, outputs) = (geometry.planes(), geometry.conv.c);
        let bytes = slopes::turn(&planes, geometry, self.maps.codes);
        let (starts, steps) = (planes.starts(geometry), planes.steps(geometry, planes.together));
        let words = steps.len() / planes.together;
        let parts: Vec<(usize, usize)> = (0..geometry.maps.div_ceil(planes.together))
            .map(|part| (part, planes.together.min(geometry.maps - part * planes.together) * words))
            .collect();
        // So many parts that no sum leaves 32 bits.
        let code = if self.maps.unit == 1.0 { 1 } else { 128 };
        let span = (MOST / 127 / code / (4 * steps.len())).max(1);
        let stride = outputs.next_multiple_of(slopes.width);
        let scale: Vec<f32> = scales.own.iter().map(|scale| scale * self.maps.unit).collect();
        let share = starts.len().div_ceil(rayon::current_num_threads()).next_multiple_of(12);
        for (number, span) in parts.chunks(span).enumerate() {
            let mut offsets = vec![0; stride];
            for &(part, steps) in span {
                let panels = slopes.panels(part, steps, outputs).zip(offsets.chunks_exact_mut(slopes.width));
                panels.for_each(|(panel, to)| kernel::offsets(set, panel, to, part == span[0].0));
            }
            let how = Finish { offsets: &offsets, scales: &scale, add: number > 0 };
            let blocks =
                gradient.par_chunks_mut(ROWS.min(share) * outputs).zip(starts.par_chunks(ROWS.min(share)));
            blocks.for_each(|(gradient, starts)| {
                let mut values = vec![0; starts.len() * stride];
                for &(part, count) in span {
                    let bytes = &bytes[part * geometry.input.c * planes.plane()..];
                    let left = Left { bytes, starts, steps: &steps[..count] };
                    for (index, panel) in slopes.panels(part, count, outputs).enumerate() {
                        let values = &mut values[index * slopes.width..];
                        let mut sums = Sums { values, width: slopes.width, stride };
                        kernel::product(set, left, panel, &mut sums, part == span[0].0);
                    }
                }
                let sums = Sums { values: &mut values, width: slopes.width, stride };
                kernel::finish(set, &sums, starts.len(), &how, gradient, outputs);
            });
        }
    }
}
