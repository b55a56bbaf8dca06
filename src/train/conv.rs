//! The sums of a layer over a batch, and their gradients: of the weights and of the input map.
//!
//! Maps are (image, row, column, channel), weights (kernel row, kernel column, input channel, output).
//! Sums of signs and of pixels are exact in f32. Three ways to the same numbers: `windows` takes kernel rows
//! straight out of the padded map, where neighbouring windows overlap; `gathered` copies the windows of several small
//! maps; `patches` copies every window, which serves strides and maps of few channels. A kernel that covers its map is
//! one product for the batch.

use super::gathered;
use super::groups;
use super::matrix::{View, product};
use super::patches;
use super::plan::PlanLayer;
use super::windows;
use crate::network::PadValue;
use rayon::prelude::*;

/// A batch of input maps: codes, and what code 1 is worth.
#[derive(Clone, Copy)]
pub struct Maps<'a> {
    pub codes: &'a [i8],
    pub unit: f32,
}

impl<'a> Maps<'a> {
    pub fn chunk(&self, from: usize, length: usize) -> Maps<'a> {
        Maps { codes: &self.codes[from..from + length], unit: self.unit }
    }
}

/// Rows of a batch that one product of a dense layer takes.
const DENSE_ROWS: usize = 32;
/// Weight rows that one product of a dense layer's weight gradient makes.
const DENSE_INPUTS: usize = 128;
/// Weights of a dense layer from which products take columns instead of rows: a product packs its weights first, and
/// of so many that is too dear for a few rows.
const LARGE: usize = 1 << 19;
/// Columns that one product of a large dense layer makes.
const DENSE_COLUMNS: usize = 128;
/// Least entries of a kernel row that pay for `windows`.
const WIDE: usize = 24;

/// Whether the kernel covers the map.
pub fn is_dense(layer: &PlanLayer) -> bool {
    layer.conv.pixels() == 1 && layer.pad == 0 && layer.kernel == (layer.input.h, layer.input.w)
}

/// A way to the sums of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Gathered,
    Windows,
    Patches,
}

impl Way {
    fn of(layer: &PlanLayer) -> Way {
        match layer.stride == 1 && layer.kernel.1 * layer.input.c >= WIDE {
            true if gathered::suits(layer) => Way::Gathered,
            true => Way::Windows,
            false => Way::Patches,
        }
    }
}

/// What the taps outside the map hold.
pub fn pad_level(layer: &PlanLayer) -> f32 {
    match layer.pad_value {
        PadValue::Zero => 0.0,
        PadValue::Plus => 1.0,
        PadValue::Minus => -1.0,
    }
}

/// `sums` (image, row, column, output) of `maps` with the weights `weights` (fan-in x outputs).
pub fn forward(layer: &PlanLayer, maps: Maps, weights: &[f32], sums: &mut [f32]) {
    let (taken, made) = (layer.input.elements(), layer.conv.elements());
    let batch = maps.codes.len() / taken;
    if is_dense(layer) && taken * made >= LARGE {
        let x = floats(maps);
        let columns = |first: usize, count: usize| View::rows(&weights[first..], taken, count, made);
        return by_columns(sums, made, View::rows(&x, batch, taken, taken), &columns);
    }
    if is_dense(layer) {
        sums.par_chunks_mut(DENSE_ROWS * made).enumerate().for_each(|(block, sums)| {
            let rows = sums.len() / made;
            let x = floats(maps.chunk(block * DENSE_ROWS * taken, rows * taken));
            product(sums, View::rows(&x, rows, taken, taken), View::rows(weights, taken, made, made), false);
        });
        return;
    }
    let group = groups::size(batch);
    sums.par_chunks_mut(group * made).enumerate().for_each(|(index, sums)| {
        let maps = maps.chunk(index * group * taken, sums.len() / made * taken);
        match Way::of(layer) {
            Way::Gathered => gathered::forward(layer, maps, weights, sums),
            Way::Windows => windows::forward(layer, maps, weights, sums),
            Way::Patches => patches::forward(layer, maps, weights, sums),
        }
    });
}

/// What the backward pass of a layer reads.
pub struct Backward<'a, F> {
    pub layer: &'a PlanLayer,
    pub maps: Maps<'a>,
    /// fan-in x outputs
    pub weights: &'a [f32],
    /// `row(image, y, gradient)` writes the gradient of the sums of one row of pixels.
    pub row: F,
}

impl<F: Fn(usize, usize, &mut [f32]) + Sync> Backward<'_, F> {
    /// The gradient of the weights (fan-in x outputs) and, where wanted, of the input maps.
    pub fn run(&self, weight_gradient: &mut [f32], input_gradient: Option<&mut [f32]>) {
        if is_dense(self.layer) {
            return self.dense(weight_gradient, input_gradient);
        }
        let taken = self.layer.input.elements();
        let batch = self.maps.codes.len() / taken;
        let group = groups::size(batch);
        let way = Way::of(self.layer);
        let turned = match (way, &input_gradient) {
            (Way::Gathered | Way::Windows, Some(_)) => windows::flipped(self.layer, self.weights),
            _ => Vec::new(),
        };
        let run = |index: usize, gradient: Option<&mut [f32]>| {
            let first = index * group;
            let images = group.min(batch - first);
            let maps = self.maps.chunk(first * taken, images * taken);
            let row = |image: usize, y: usize, row: &mut [f32]| (self.row)(first + image, y, row);
            match way {
                Way::Gathered => gathered::backward(self.layer, maps, &turned, &row, gradient),
                Way::Windows => windows::backward(self.layer, maps, &turned, &row, gradient),
                Way::Patches => patches::backward(self.layer, maps, self.weights, &row, gradient),
            }
        };
        let parts: Vec<Vec<f32>> = match input_gradient {
            Some(gradient) => {
                gradient.par_chunks_mut(group * taken).enumerate().map(|(i, g)| run(i, Some(g))).collect()
            }
            None => (0..batch.div_ceil(group)).into_par_iter().map(|i| run(i, None)).collect(),
        };
        groups::sum(&parts, weight_gradient);
    }

    fn dense(&self, weight_gradient: &mut [f32], input_gradient: Option<&mut [f32]>) {
        let (taken, made) = (self.layer.input.elements(), self.layer.conv.elements());
        let batch = self.maps.codes.len() / taken;
        let mut slopes = vec![0.0; batch * made];
        slopes.par_chunks_mut(made).enumerate().for_each(|(image, row)| (self.row)(image, 0, row));
        let x = floats(self.maps);
        weight_gradient.par_chunks_mut(DENSE_INPUTS * made).enumerate().for_each(|(block, part)| {
            let x = View::rows(&x[block * DENSE_INPUTS..], batch, part.len() / made, taken);
            product(part, x.transposed(), View::rows(&slopes, batch, made, made), false);
        });
        let Some(gradient) = input_gradient else { return };
        if taken * made >= LARGE {
            let rows = |first: usize, count: usize| {
                View::rows(&self.weights[first * made..], count, made, made).transposed()
            };
            by_columns(gradient, taken, View::rows(&slopes, batch, made, made), &rows);
        } else {
            gradient.par_chunks_mut(DENSE_ROWS * taken).enumerate().for_each(|(block, part)| {
                let rows = part.len() / taken;
                let slopes = View::rows(&slopes[block * DENSE_ROWS * made..], rows, made, made);
                product(part, slopes, View::rows(self.weights, taken, made, made).transposed(), false);
            });
        }
    }
}

/// `made` (rows x `width`) of `left` and the columns (first, count) of a right factor, some columns at a time.
fn by_columns<'a>(
    made: &mut [f32],
    width: usize,
    left: View,
    right: &(impl Fn(usize, usize) -> View<'a> + Sync),
) {
    let rows = made.len() / width;
    let starts: Vec<usize> = (0..width).step_by(DENSE_COLUMNS).collect();
    let part = |&first: &usize| {
        let count = DENSE_COLUMNS.min(width - first);
        let mut part = vec![0.0; rows * count];
        product(&mut part, left, right(first, count), false);
        part
    };
    let parts: Vec<Vec<f32>> = starts.par_iter().map(part).collect();
    made.par_chunks_mut(width).enumerate().for_each(|(row, made)| {
        for (made, part) in made.chunks_mut(DENSE_COLUMNS).zip(&parts) {
            made.copy_from_slice(&part[row * made.len()..][..made.len()]);
        }
    });
}

fn floats(maps: Maps) -> Vec<f32> {
    maps.codes.iter().map(|&code| f32::from(code) * maps.unit).collect()
}
