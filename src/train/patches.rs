//! Convolutions by copied windows: any stride, any number of channels.

use super::conv::{Maps, pad_level};
use super::matrix::{View, product};
use super::plan::PlanLayer;

/// Calls `visit(pixel, place, y, x)` for every tap inside the map: `place` counts the kernel's places.
fn taps(layer: &PlanLayer, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let (kh, kw) = layer.kernel;
    for pixel in 0..layer.conv.pixels() {
        let (oy, ox) = (pixel / layer.conv.w * layer.stride, pixel % layer.conv.w * layer.stride);
        for place in 0..kh * kw {
            let (y, x) = (oy + place / kw, ox + place % kw);
            let inside = |at: usize, size: usize| (layer.pad..layer.pad + size).contains(&at);
            if inside(y, layer.input.h) && inside(x, layer.input.w) {
                visit(pixel, place, y - layer.pad, x - layer.pad);
            }
        }
    }
}

/// Writes the windows of one image, a row a pixel; entries outside the map are left as they are.
pub fn load(layer: &PlanLayer, image: Maps, patches: &mut [f32]) {
    let (c, fan_in) = (layer.input.c, layer.fan_in());
    taps(layer, |pixel, place, y, x| {
        let codes = &image.codes[(y * layer.input.w + x) * c..][..c];
        let target = &mut patches[pixel * fan_in + place * c..][..c];
        target.iter_mut().zip(codes).for_each(|(value, &code)| *value = f32::from(code) * image.unit);
    });
}

pub fn forward(layer: &PlanLayer, maps: Maps, weights: &[f32], sums: &mut [f32]) {
    let (taken, made, outputs) = (layer.input.elements(), layer.conv.elements(), layer.conv.c);
    let (pixels, fan_in) = (layer.conv.pixels(), layer.fan_in());
    let mut patches = vec![pad_level(layer); pixels * fan_in];
    for (image, sums) in sums.chunks_exact_mut(made).enumerate() {
        load(layer, maps.chunk(image * taken, taken), &mut patches);
        let patches = View::rows(&patches, pixels, fan_in, fan_in);
        product(sums, patches, View::rows(weights, fan_in, outputs, outputs), false);
    }
}

/// The gradient of the weights of these images; that of the maps goes into `gradient` where there is one.
pub fn backward(
    layer: &PlanLayer,
    maps: Maps,
    weights: &[f32],
    row: &impl Fn(usize, usize, &mut [f32]),
    mut gradient: Option<&mut [f32]>,
) -> Vec<f32> {
    let (taken, inputs, outputs) = (layer.input.elements(), layer.input.c, layer.conv.c);
    let (pixels, fan_in) = (layer.conv.pixels(), layer.fan_in());
    let mut patches = vec![pad_level(layer); pixels * fan_in];
    let mut slopes = vec![0.0; pixels * outputs];
    let mut weight_gradient = vec![0.0; fan_in * outputs];
    let mut spread = vec![0.0; if gradient.is_some() { pixels * fan_in } else { 0 }];
    for image in 0..maps.codes.len() / taken {
        load(layer, maps.chunk(image * taken, taken), &mut patches);
        for (y, slopes) in slopes.chunks_exact_mut(layer.conv.w * outputs).enumerate() {
            row(image, y, slopes);
        }
        let slopes = View::rows(&slopes, pixels, outputs, outputs);
        let windows = View::rows(&patches, pixels, fan_in, fan_in);
        product(&mut weight_gradient, windows.transposed(), slopes, image > 0);
        let Some(gradient) = gradient.as_deref_mut() else { continue };
        product(&mut spread, slopes, View::rows(weights, fan_in, outputs, outputs).transposed(), false);
        let target = &mut gradient[image * taken..][..taken];
        target.fill(0.0);
        taps(layer, |pixel, place, y, x| {
            let from = &spread[pixel * fan_in + place * inputs..][..inputs];
            let to = &mut target[(y * layer.input.w + x) * inputs..][..inputs];
            to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
        });
    }
    weight_gradient
}
