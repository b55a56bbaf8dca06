//! Convolutions of stride 1 whose kernel rows are read in place: a padded map's rows lie side by side, so the
//! window of pixel m of kernel row ky begins at entry (m + ky * pitch) * channels, and one product a kernel row
//! does all pixels. The few positions that wrap around a row's end are computed and dropped.

use super::conv::{Maps, pad_level};
use super::matrix::{View, product};
use super::plan::PlanLayer;

/// The map with its border, one image at a time.
struct Padded {
    values: Vec<f32>,
    pitch: usize,
}

impl Padded {
    fn new(layer: &PlanLayer) -> Padded {
        let (rows, pitch) = (layer.input.h + 2 * layer.pad, layer.input.w + 2 * layer.pad);
        Padded { values: vec![pad_level(layer); rows * pitch * layer.input.c], pitch }
    }

    fn load(&mut self, layer: &PlanLayer, image: Maps) {
        let width = layer.input.w * layer.input.c;
        for (y, codes) in image.codes.chunks_exact(width).enumerate() {
            let start = ((y + layer.pad) * self.pitch + layer.pad) * layer.input.c;
            let row = &mut self.values[start..start + width];
            row.iter_mut().zip(codes).for_each(|(value, &code)| *value = f32::from(code) * image.unit);
        }
    }

    /// The windows of kernel row `ky` at all of `pixels` positions.
    fn windows(&self, layer: &PlanLayer, ky: usize, pixels: usize) -> View<'_> {
        let c = layer.input.c;
        View::rows(&self.values[ky * self.pitch * c..], pixels, layer.kernel.1 * c, c)
    }
}

/// Positions from the first sum to the last, those that wrap included.
fn positions(layer: &PlanLayer, pitch: usize) -> usize {
    (layer.conv.h - 1) * pitch + layer.conv.w
}

/// The part of the weights that kernel row `ky` has.
fn kernel_row(layer: &PlanLayer, ky: usize) -> std::ops::Range<usize> {
    let size = layer.kernel.1 * layer.input.c * layer.conv.c;
    ky * size..(ky + 1) * size
}

pub fn forward(layer: &PlanLayer, maps: Maps, weights: &[f32], sums: &mut [f32]) {
    let (taken, made, outputs) = (layer.input.elements(), layer.conv.elements(), layer.conv.c);
    let mut padded = Padded::new(layer);
    let pixels = positions(layer, padded.pitch);
    let mut wide = vec![0.0; pixels * outputs];
    for (image, sums) in sums.chunks_exact_mut(made).enumerate() {
        padded.load(layer, maps.chunk(image * taken, taken));
        for ky in 0..layer.kernel.0 {
            let row = &weights[kernel_row(layer, ky)];
            let row = View::rows(row, layer.kernel.1 * layer.input.c, outputs, outputs);
            product(&mut wide, padded.windows(layer, ky, pixels), row, ky > 0);
        }
        let width = layer.conv.w * outputs;
        for (y, row) in sums.chunks_exact_mut(width).enumerate() {
            let start = y * padded.pitch * outputs;
            row.copy_from_slice(&wide[start..start + width]);
        }
    }
}

/// The weights turned by half: entry (ky, kx, output, input) of kernel place (kh-1-ky, kw-1-kx).
pub fn flipped(layer: &PlanLayer, weights: &[f32]) -> Vec<f32> {
    let ((kh, kw), inputs, outputs) = (layer.kernel, layer.input.c, layer.conv.c);
    let mut turned = vec![0.0; weights.len()];
    for (place, block) in turned.chunks_exact_mut(inputs * outputs).enumerate() {
        let source = kh * kw - 1 - place;
        let source = &weights[source * inputs * outputs..(source + 1) * inputs * outputs];
        for (input, row) in source.chunks_exact(outputs).enumerate() {
            for (output, &weight) in row.iter().enumerate() {
                block[output * inputs + input] = weight;
            }
        }
    }
    turned
}

/// The gradient of the weights of these images; that of the maps goes into `gradient` where there is one.
pub fn backward(
    layer: &PlanLayer,
    maps: Maps,
    flipped: &[f32],
    row: &impl Fn(usize, usize, &mut [f32]),
    mut gradient: Option<&mut [f32]>,
) -> Vec<f32> {
    let ((kh, kw), inputs, outputs) = (layer.kernel, layer.input.c, layer.conv.c);
    let taken = layer.input.elements();
    let mut padded = Padded::new(layer);
    let pitch = padded.pitch;
    let pixels = positions(layer, pitch);
    // Gradients of the sums with kh - 1 rows of zeros above and below and kw - 1 zeros before each row.
    let mut slopes = vec![0.0; ((layer.conv.h + 2 * (kh - 1)) * pitch + kw - 1) * outputs];
    let mut weight_gradient = vec![0.0; layer.fan_in() * outputs];
    let reached = (layer.input.h - 1) * pitch + layer.input.w;
    let mut wide = vec![0.0; if gradient.is_some() { reached * inputs } else { 0 }];
    for image in 0..maps.codes.len() / taken {
        padded.load(layer, maps.chunk(image * taken, taken));
        for y in 0..layer.conv.h {
            let start = ((y + kh - 1) * pitch + kw - 1) * outputs;
            row(image, y, &mut slopes[start..start + layer.conv.w * outputs]);
        }
        let first = ((kh - 1) * pitch + kw - 1) * outputs;
        for ky in 0..kh {
            let slopes = View::rows(&slopes[first..], pixels, outputs, outputs);
            let part = &mut weight_gradient[kernel_row(layer, ky)];
            product(part, padded.windows(layer, ky, pixels).transposed(), slopes, image > 0);
        }
        let Some(gradient) = gradient.as_deref_mut() else { continue };
        for ky in 0..kh {
            let start = ((layer.pad + ky) * pitch + layer.pad) * outputs;
            let slopes = View::rows(&slopes[start..], reached, kw * outputs, outputs);
            let turned = &flipped[kernel_row(layer, ky)];
            product(&mut wide, slopes, View::rows(turned, kw * outputs, inputs, inputs), ky > 0);
        }
        let width = layer.input.w * inputs;
        for (y, row) in gradient[image * taken..][..taken].chunks_exact_mut(width).enumerate() {
            row.copy_from_slice(&wide[y * pitch * inputs..][..width]);
        }
    }
    weight_gradient
}
