//! Convolutions of stride 1 on small maps: the windows of several images are copied side by side, so that one product
//! has rows enough to pay for packing the weights, and none that wraps around a row's end.

use super::conv::{Maps, pad_level};
use super::matrix::{View, product};
use super::plan::PlanLayer;

/// Rows that a product should have at least.
const ROWS: usize = 96;
/// Widest map that is taken, and least weights of a layer: otherwise what `windows` computes in vain is little.
const WIDTH: usize = 16;
const WEIGHTS: usize = 1 << 14;

/// Whether this is the way for a layer.
pub fn suits(layer: &PlanLayer) -> bool {
    let border = layer.pad < layer.kernel.0.min(layer.kernel.1);
    let weights = layer.fan_in() * layer.conv.c;
    layer.stride == 1 && border && layer.conv.w <= WIDTH && weights >= WEIGHTS
}

/// The windows of some maps: a row a place of the kernel's corner.
struct Windows {
    /// Rows and columns of places, of one map.
    places: (usize, usize),
    kernel: (usize, usize),
    channels: usize,
    pitch: usize,
    padded: Vec<f32>,
    rows: Vec<f32>,
}

impl Windows {
    /// For up to `images` maps that give `places`; `border` is what stands around them.
    fn new(
        places: (usize, usize),
        kernel: (usize, usize),
        channels: usize,
        border: f32,
        images: usize,
    ) -> Windows {
        let pitch = places.1 + kernel.1 - 1;
        let padded = vec![border; (places.0 + kernel.0 - 1) * pitch * channels];
        let rows = vec![0.0; images * places.0 * places.1 * kernel.0 * kernel.1 * channels];
        Windows { places, kernel, channels, pitch, padded, rows }
    }

    /// The entries of map row `y` from column `x` on, border included.
    fn line(&mut self, y: usize, x: usize, width: usize) -> &mut [f32] {
        let start = (y * self.pitch + x) * self.channels;
        &mut self.padded[start..start + width * self.channels]
    }

    /// Copies the windows of the map that stands in the lines to place `image`.
    fn copy(&mut self, image: usize) {
        let (height, width) = self.places;
        let segment = self.kernel.1 * self.channels;
        let row = self.kernel.0 * segment;
        let rows = &mut self.rows[image * height * width * row..][..height * width * row];
        for (place, row) in rows.chunks_exact_mut(row).enumerate() {
            let (y, x) = (place / width, place % width);
            for (ky, to) in row.chunks_exact_mut(segment).enumerate() {
                let start = ((y + ky) * self.pitch + x) * self.channels;
                to.copy_from_slice(&self.padded[start..start + segment]);
            }
        }
    }

    /// The windows of the first `images` maps.
    fn view(&self, images: usize) -> View<'_> {
        let width = self.kernel.0 * self.kernel.1 * self.channels;
        View::rows(&self.rows, images * self.places.0 * self.places.1, width, width)
    }
}

/// Images of one product of `pixels` rows each.
fn together(pixels: usize) -> usize {
    ROWS.div_ceil(pixels)
}

/// Windows of the layer's own maps, of up to `images` of them.
fn of_maps(layer: &PlanLayer, images: usize) -> Windows {
    Windows::new((layer.conv.h, layer.conv.w), layer.kernel, layer.input.c, pad_level(layer), images)
}

/// Loads `maps` into `windows`.
fn load(layer: &PlanLayer, maps: Maps, windows: &mut Windows) {
    let width = layer.input.w * layer.input.c;
    for (image, codes) in maps.codes.chunks_exact(layer.input.elements()).enumerate() {
        for (y, codes) in codes.chunks_exact(width).enumerate() {
            let line = windows.line(y + layer.pad, layer.pad, layer.input.w);
            line.iter_mut().zip(codes).for_each(|(value, &code)| *value = f32::from(code) * maps.unit);
        }
        windows.copy(image);
    }
}

pub fn forward(layer: &PlanLayer, maps: Maps, weights: &[f32], sums: &mut [f32]) {
    let (taken, made, outputs) = (layer.input.elements(), layer.conv.elements(), layer.conv.c);
    let together = together(layer.conv.pixels());
    let mut windows = of_maps(layer, together);
    for (part, sums) in sums.chunks_mut(together * made).enumerate() {
        let images = sums.len() / made;
        load(layer, maps.chunk(part * together * taken, images * taken), &mut windows);
        product(sums, windows.view(images), View::rows(weights, layer.fan_in(), outputs, outputs), false);
    }
}

/// The gradient of the weights of these images; that of the maps, for which `flipped` are the weights turned by half, goes into `gradient` where there is one.
pub fn backward(
    layer: &PlanLayer,
    maps: Maps,
    flipped: &[f32],
    row: &impl Fn(usize, usize, &mut [f32]),
    mut gradient: Option<&mut [f32]>,
) -> Vec<f32> {
    let ((kh, kw), inputs, outputs) = (layer.kernel, layer.input.c, layer.conv.c);
    let (taken, made) = (layer.input.elements(), layer.conv.elements());
    let together = together(layer.conv.pixels());
    let mut windows = of_maps(layer, together);
    let mut slopes = vec![0.0; together * made];
    // The gradient of a map is the convolution of the sums' gradients with the weights turned by half; the border there is
    // what the kernel reaches beyond the layer's own.
    let border = (kh - 1 - layer.pad, kw - 1 - layer.pad);
    let mut turned = gradient
        .is_some()
        .then(|| Windows::new((layer.input.h, layer.input.w), layer.kernel, outputs, 0.0, together));
    let mut weight_gradient = vec![0.0; layer.fan_in() * outputs];
    let count = maps.codes.len() / taken;
    for first in (0..count).step_by(together) {
        let images = together.min(count - first);
        load(layer, maps.chunk(first * taken, images * taken), &mut windows);
        for (at, slopes) in slopes.chunks_exact_mut(layer.conv.w * outputs).enumerate() {
            if at < images * layer.conv.h {
                row(first + at / layer.conv.h, at % layer.conv.h, slopes);
            }
        }
        let rows = View::rows(&slopes, images * layer.conv.pixels(), outputs, outputs);
        product(&mut weight_gradient, windows.view(images).transposed(), rows, first > 0);
        let (Some(gradient), Some(windows)) = (gradient.as_deref_mut(), &mut turned) else { continue };
        for (image, slopes) in slopes.chunks_exact(made).take(images).enumerate() {
            for (y, slopes) in slopes.chunks_exact(layer.conv.w * outputs).enumerate() {
                windows.line(y + border.0, border.1, layer.conv.w).copy_from_slice(slopes);
            }
            windows.copy(image);
        }
        let turned = View::rows(flipped, kh * kw * outputs, inputs, inputs);
        product(&mut gradient[first * taken..][..images * taken], windows.view(images), turned, false);
    }
    weight_gradient
}
