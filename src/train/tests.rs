//! Gradients against differences, and the three ways of a convolution against each other.
//!
//! Sums are linear in weights and maps, so their differences are exact up to rounding for any step;
//! normalisation and loss are smooth, and their differences are taken in small steps.

use super::conv::{self, Backward, Maps};
use super::norm::{self, Affine, EPSILON, Statistics};
use super::plan::{PlanLayer, plan};
use super::recipe::*;
use super::sign::Slope;
use super::{gathered, matrix, patches, windows};

fn numbers(count: usize, salt: u32) -> Vec<f32> {
    let mixed = |i: usize| {
        let x = (i as u32).wrapping_mul(2_654_435_761).wrapping_add(salt.wrapping_mul(40_503));
        (x ^ x >> 15).wrapping_mul(2_246_822_519) >> 16
    };
    (0..count).map(|i| mixed(i) as f32 / 32_768.0 - 1.0).collect()
}

fn bits(count: usize, salt: u32) -> Vec<i8> {
    numbers(count, salt).into_iter().map(|x| if x < 0.0 { -1 } else { 1 }).collect()
}

/// One convolution of `inputs` to `outputs` channels on a map of `h` x `w`.
fn layer(inputs: usize, (h, w): (usize, usize), how: &str) -> PlanLayer {
    let text = format!(
        "[input]\nchannels = {inputs}\nrows = {h}\ncolumns = {w}\ncode = \"bipolar\"\n\
         [[layer]]\nkind = \"conv\"\n{how}\n[[layer]]\nkind = \"scores\"\noutputs = 2\n"
    );
    let recipe: Recipe = toml::from_str(&text).expect("a training file");
    plan(&recipe, "test").expect("a plan").layers.remove(0)
}

fn layers() -> Vec<PlanLayer> {
    [
        (8, (6, 7), "outputs = 5\nkernel = 3"),
        (24, (5, 4), "outputs = 3\nkernel = 3\npad = 1"),
        (16, (7, 5), "outputs = 6\nkernel = 2\npad = 1\npad_value = \"plus\"\npool = 2"),
        (30, (3, 3), "outputs = 4\nkernel = 1\npool = 2"),
        (13, (6, 6), "outputs = 4\nkernel = 5\npad = 3\npad_value = \"zero\"\npool = 3"),
        (8, (8, 9), "outputs = 5\nkernel = 3\nstride = 2\npad = 1"),
        (2, (6, 5), "outputs = 7\nkernel = 3\nstride = 3"),
        (7, (4, 3), "outputs = 6\nkernel = 3\npad = 2"),
    ]
    .map(|(inputs, size, how)| layer(inputs, size, how))
    .into()
}

const BATCH: usize = 3;

/// Sums of `maps`, straight from the definition.
fn defined(layer: &PlanLayer, maps: &[f32], weights: &[f32]) -> Vec<f32> {
    let (input, conv) = (layer.input, layer.conv);
    let mut sums = Vec::new();
    for map in maps.chunks_exact(input.elements()) {
        for place in 0..conv.elements() {
            let (o, x, y) = (place % conv.c, place / conv.c % conv.w, place / conv.c / conv.w);
            let taps = (0..layer.fan_in()).map(|tap| {
                let (c, kx, ky) =
                    (tap % input.c, tap / input.c % layer.kernel.1, tap / input.c / layer.kernel.1);
                let (row, column) = (y * layer.stride + ky, x * layer.stride + kx);
                let at = |at: usize, size: usize| at.checked_sub(layer.pad).filter(|&at| at < size);
                let value = match at(row, input.h).zip(at(column, input.w)) {
                    Some((row, column)) => map[(row * input.w + column) * input.c + c],
                    None => conv::pad_level(layer),
                };
                value * weights[tap * conv.c + o]
            });
            sums.push(taps.sum());
        }
    }
    sums
}

#[test]
fn sums_follow_the_definition_every_way() {
    for layer in layers() {
        let codes = bits(BATCH * layer.input.elements(), 1);
        let floats: Vec<f32> = codes.iter().map(|&code| code.into()).collect();
        let weights: Vec<f32> = bits(layer.fan_in() * layer.conv.c, 2).into_iter().map(f32::from).collect();
        let expected = defined(&layer, &floats, &weights);
        let maps = Maps { codes: &codes, unit: 1.0 };
        let mut sums = vec![0.0; expected.len()];
        conv::forward(&layer, maps, &weights, &mut sums);
        assert_eq!(sums, expected, "{layer:?}");
        sums.fill(9.0);
        patches::forward(&layer, maps, &weights, &mut sums);
        assert_eq!(sums, expected, "{layer:?}");
        if layer.stride == 1 {
            sums.fill(9.0);
            windows::forward(&layer, maps, &weights, &mut sums);
            assert_eq!(sums, expected, "{layer:?}");
            sums.fill(9.0);
            gathered::forward(&layer, maps, &weights, &mut sums);
            assert_eq!(sums, expected, "{layer:?}");
        }
    }
}

/// Gradients of integer slopes are integers, so all ways and the differences must agree exactly.
#[test]
fn gradients_of_sums_are_their_differences() {
    for layer in layers() {
        let codes = bits(BATCH * layer.input.elements(), 3);
        let weights: Vec<f32> = bits(layer.fan_in() * layer.conv.c, 4).into_iter().map(f32::from).collect();
        let made = layer.conv.elements();
        let slopes: Vec<f32> = numbers(BATCH * made, 5).iter().map(|x| (x * 8.0).round()).collect();
        let width = layer.conv.w * layer.conv.c;
        let row = |image: usize, y: usize, row: &mut [f32]| {
            row.copy_from_slice(&slopes[image * made + y * width..][..width]);
        };
        let maps = Maps { codes: &codes, unit: 1.0 };
        let run = |windowed: bool| {
            let mut gradient = vec![7.0; codes.len()];
            let by_weight = match windowed {
                true => {
                    let flipped = windows::flipped(&layer, &weights);
                    windows::backward(&layer, maps, &flipped, &row, Some(&mut gradient))
                }
                false => patches::backward(&layer, maps, &weights, &row, Some(&mut gradient)),
            };
            (by_weight, gradient)
        };
        let (by_weight, by_map) = run(false);
        if layer.stride == 1 {
            assert_eq!((&by_weight, &by_map), (&run(true).0, &run(true).1), "{layer:?}");
        }
        if layer.stride == 1 && layer.pad < layer.kernel.0.min(layer.kernel.1) {
            let flipped = windows::flipped(&layer, &weights);
            let mut gradient = vec![7.0; codes.len()];
            let found = gathered::backward(&layer, maps, &flipped, &row, Some(&mut gradient));
            assert_eq!((&by_weight, &by_map), (&found, &gradient), "{layer:?}");
        }
        let mut whole = (vec![0.0; weights.len()], vec![0.0; codes.len()]);
        let backward = Backward { layer: &layer, maps, weights: &weights, row };
        backward.run(&mut whole.0, Some(&mut whole.1));
        assert_eq!((&whole.0, &whole.1), (&by_weight, &by_map), "{layer:?}");
        // The objective is the sum of all sums times their slopes; it is linear, so a step of 1 is exact.
        let floats: Vec<f32> = codes.iter().map(|&code| code.into()).collect();
        let objective = |maps: &[f32], weights: &[f32]| -> f32 {
            defined(&layer, maps, weights).iter().zip(&slopes).map(|(sum, slope)| sum * slope).sum()
        };
        let start = objective(&floats, &weights);
        for entry in (0..weights.len()).step_by(5) {
            let mut moved = weights.clone();
            moved[entry] += 1.0;
            assert_eq!(objective(&floats, &moved) - start, by_weight[entry], "weight {entry} {layer:?}");
        }
        for entry in (0..floats.len()).step_by(7) {
            let mut moved = floats.clone();
            moved[entry] += 1.0;
            assert_eq!(objective(&moved, &weights) - start, by_map[entry], "map {entry} {layer:?}");
        }
    }
}

#[test]
fn a_dense_layer_is_one_product() {
    dense(5, 9, 70);
    // So many weights that products take columns: the same sums.
    dense(900, 50, 3);
}

/// A dense layer of a map of 4 x 3 pixels against one product of the whole batch.
fn dense(inputs: usize, outputs: usize, batch: usize) {
    let layer = layer(inputs, (4, 3), &format!("outputs = {outputs}\nkernel = 3\npad = 0"));
    let dense = PlanLayer { kernel: (4, 3), conv: crate::network::Shape::vector(outputs), ..layer };
    let taken = 12 * inputs;
    let codes = bits(batch * taken, 6);
    let floats: Vec<f32> = codes.iter().map(|&code| code.into()).collect();
    let weights: Vec<f32> = numbers(taken * outputs, 7).iter().map(|x| (x * 4.0).round()).collect();
    let maps = Maps { codes: &codes, unit: 1.0 };
    let mut sums = vec![0.0; batch * outputs];
    conv::forward(&dense, maps, &weights, &mut sums);
    let view = |data, rows, columns| matrix::View::rows(data, rows, columns, columns);
    let mut expected = vec![0.0; batch * outputs];
    matrix::product(&mut expected, view(&floats, batch, taken), view(&weights, taken, outputs), false);
    assert_eq!(sums, expected);
    let slopes: Vec<f32> = numbers(batch * outputs, 8).iter().map(|x| (x * 4.0).round()).collect();
    let row =
        |image: usize, _: usize, row: &mut [f32]| row.copy_from_slice(&slopes[image * outputs..][..outputs]);
    let (mut by_weight, mut by_map) = (vec![0.0; taken * outputs], vec![0.0; batch * taken]);
    Backward { layer: &dense, maps, weights: &weights, row }.run(&mut by_weight, Some(&mut by_map));
    let mut expected = vec![0.0; taken * outputs];
    matrix::product(
        &mut expected,
        view(&floats, batch, taken).transposed(),
        view(&slopes, batch, outputs),
        false,
    );
    assert_eq!(by_weight, expected);
    let mut expected = vec![0.0; batch * taken];
    matrix::product(
        &mut expected,
        view(&slopes, batch, outputs),
        view(&weights, taken, outputs).transposed(),
        false,
    );
    assert_eq!(by_map, expected);
}

/// The value before the sign in f64, pooled, and the objective: its sum, weighed by `weights`.
fn normalised(layer: &PlanLayer, sums: &[f64], gamma: &[f64], beta: &[f64], weights: &[f64]) -> f64 {
    let (c, count) = (layer.conv.c, (sums.len() / layer.conv.c) as f64);
    let column = |ch: usize| sums.iter().skip(ch).step_by(c);
    let mut objective = 0.0;
    for ch in 0..c {
        let mean = column(ch).sum::<f64>() / count;
        let variance = column(ch).map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        let scale = gamma[ch] / (variance + f64::from(EPSILON)).sqrt();
        for (pixel, _) in weights.iter().enumerate().filter(|(i, _)| i % c == ch) {
            let place = pixel / c;
            let (image, place) = (place / layer.output.pixels(), place % layer.output.pixels());
            let (y, x) = (place / layer.output.w * layer.pool, place % layer.output.w * layer.pool);
            let window = (0..layer.pool * layer.pool).map(|tap| {
                let (row, column) = (y + tap / layer.pool, x + tap % layer.pool);
                let at = (image * layer.conv.pixels() + row * layer.conv.w + column) * c + ch;
                scale * (sums[at] - mean) + beta[ch]
            });
            objective += weights[pixel] * window.fold(f64::NEG_INFINITY, f64::max);
        }
    }
    objective
}

#[test]
fn gradients_of_the_normalisation_are_its_differences() {
    for how in
        ["outputs = 3\nkernel = 2", "outputs = 3\nkernel = 2\npool = 2", "outputs = 2\nkernel = 3\npool = 3"]
    {
        let layer = layer(3, (6, 8), how);
        let (c, made) = (layer.conv.c, layer.conv.elements());
        let sums: Vec<f32> = numbers(BATCH * made, 9).iter().map(|x| x * 6.0).collect();
        let (gamma, beta) = (vec![1.25, -0.75, 0.5][..c].to_vec(), vec![0.1, 0.3, -0.2][..c].to_vec());
        let affine = Affine::new(&norm::statistics(&sums, c), &gamma, &beta);
        let left = BATCH * layer.output.elements();
        let (mut codes, mut winners) = (vec![0; left], vec![0; if layer.pool > 1 { left } else { 0 }]);
        norm::forward(&layer, &affine, &sums, &mut codes, &mut winners);
        let weights = numbers(left, 10);
        let mut gradient = weights.clone();
        let slope = Slope::Identity;
        let (by_gamma, by_beta, slopes) =
            norm::backward(&layer, &affine, slope, &sums, &winners, &mut gradient);
        let mut by_sum = vec![0.0; sums.len()];
        let width = layer.conv.w * c;
        for (index, row) in by_sum.chunks_exact_mut(width).enumerate() {
            slopes.row(index / layer.conv.h, index % layer.conv.h, row);
        }
        let wide = |list: &[f32]| -> Vec<f64> { list.iter().map(|&x| x.into()).collect() };
        let weights = wide(&weights);
        let objective =
            |sums: &[f64], gamma: &[f64], beta: &[f64]| normalised(&layer, sums, gamma, beta, &weights);
        let (sums, gamma, beta) = (wide(&sums), wide(&gamma), wide(&beta));
        let step = 1e-6;
        let close = |name: &str, at: usize, found: f32, low: f64, high: f64| {
            let expected = (high - low) / (2.0 * step);
            let difference = (f64::from(found) - expected).abs();
            assert!(difference < 2e-4 * expected.abs().max(1.0), "{how}: {name} {at}: {found} {expected}");
        };
        let moved = |list: &[f64], at: usize, by: f64| {
            let mut list = list.to_vec();
            list[at] += by;
            list
        };
        for at in 0..c {
            let f = |by| objective(&sums, &moved(&gamma, at, by), &beta);
            close("gamma", at, by_gamma[at], f(-step), f(step));
            let f = |by| objective(&sums, &gamma, &moved(&beta, at, by));
            close("beta", at, by_beta[at], f(-step), f(step));
        }
        for at in (0..sums.len()).step_by(3) {
            let f = |by| objective(&moved(&sums, at, by), &gamma, &beta);
            close("sum", at, by_sum[at], f(-step), f(step));
        }
    }
}

#[test]
fn statistics_are_mean_and_variance() {
    let sums: Vec<f32> = (0..2000).map(|i| ((i * 31 % 257) as f32) - 100.0).collect();
    let Statistics { mean, variance } = norm::statistics(&sums, 4);
    for c in 0..4 {
        let own: Vec<f64> = sums.iter().skip(c).step_by(4).map(|&x| x.into()).collect();
        let m = own.iter().sum::<f64>() / 500.0;
        let v = own.iter().map(|x| (x - m) * (x - m)).sum::<f64>() / 500.0;
        assert!((f64::from(mean[c]) - m).abs() < 1e-4 && (f64::from(variance[c]) - v).abs() < 1e-2);
    }
}
