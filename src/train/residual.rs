//! Sums that go past layers: kept behind their pooling, added to later ones, and the way back of their gradients.

use super::groups;
use super::norm::Slopes;
use super::plan::PlanLayer;
use super::shortcut::PlanShortcut;
use rayon::prelude::*;

/// The layer's own `sums` in their scale, and `kept` added to them.
pub fn add(shortcut: PlanShortcut, kept: &[f32], sums: &mut [f32]) {
    let scale = shortcut.scale;
    sums.par_iter_mut().zip(kept).for_each(|(sum, kept)| *sum = scale * *sum + kept);
}

/// The largest sum of every pooling window of `layer`, and its place in the window (the first of equal ones).
pub fn pool(layer: &PlanLayer, sums: &[f32]) -> (Vec<f32>, Vec<u8>) {
    let (made, left, channels) = (layer.conv.elements(), layer.output.elements(), layer.conv.c);
    let count = sums.len() / made * left;
    let (mut pooled, mut winners) = (vec![0.0f32; count], vec![0u8; count]);
    let group = groups::size(sums.len() / made);
    let parts = pooled.par_chunks_mut(group * left).zip(winners.par_chunks_mut(group * left));
    sums.par_chunks(group * made).zip(parts).for_each(|(sums, (pooled, winners))| {
        let pixels = pooled.chunks_exact_mut(channels).zip(winners.chunks_exact_mut(channels));
        for (pixel, (pooled, winners)) in pixels.enumerate() {
            let (image, pixel) = (pixel / layer.output.pixels(), pixel % layer.output.pixels());
            for place in 0..layer.pool * layer.pool {
                let at = image * layer.conv.pixels() + source(layer, pixel, place);
                let row = &sums[at * channels..][..channels];
                for c in 0..channels {
                    if place == 0 || row[c] > pooled[c] {
                        pooled[c] = row[c];
                        winners[c] = place as u8;
                    }
                }
            }
        }
    });
    (pooled, winners)
}

/// The pixel of the sums at `place` of the window of pooled `pixel`.
fn source(layer: &PlanLayer, pixel: usize, place: usize) -> usize {
    let (y, x) = (pixel / layer.output.w * layer.pool, pixel % layer.output.w * layer.pool);
    (y + place / layer.pool) * layer.conv.w + x + place % layer.pool
}

/// Gradients of the sums that `layer` normalises: through its normalisation, and `carried` from the layers that add them.
pub fn gradient(layer: &PlanLayer, slopes: &Slopes, carried: Option<Vec<f32>>, images: usize) -> Vec<f32> {
    let width = layer.output.w * layer.output.c;
    let mut made = vec![0.0; images * layer.output.elements()];
    let row = |index: usize, row: &mut [f32]| slopes.row(index / layer.output.h, index % layer.output.h, row);
    made.par_chunks_mut(width).enumerate().for_each(|(index, part)| row(index, part));
    if let Some(carried) = carried {
        made.par_iter_mut().zip(&carried).for_each(|(made, carried)| *made += carried);
    }
    made
}

/// Largest size of the gradients that [`row`] writes, one a channel.
pub fn bounds(layer: &PlanLayer, gradient: &[f32]) -> Vec<f32> {
    let (scale, channels) = (layer.shortcut.map_or(1.0, |shortcut| shortcut.scale), layer.conv.c);
    let larger = |mut most: Vec<f32>, part: &[f32]| {
        for pixel in part.chunks_exact(channels) {
            most.iter_mut().zip(pixel).for_each(|(most, g)| *most = most.max(g.abs()));
        }
        most
    };
    let parts = gradient.par_chunks(groups::size(gradient.len() / channels) * channels);
    let parts: Vec<Vec<f32>> = parts.map(|part| larger(vec![0.0; channels], part)).collect();
    let most = parts.iter().fold(vec![0.0; channels], |most, part| larger(most, part));
    most.into_iter().map(|most| scale * most).collect()
}

/// Adds `gradient` to what `carried` holds for the layer whose sums were added.
pub fn hand_on(carried: &mut Option<Vec<f32>>, gradient: Vec<f32>) {
    match carried {
        Some(carried) => carried.par_iter_mut().zip(&gradient).for_each(|(sum, g)| *sum += g),
        None => *carried = Some(gradient),
    }
}

/// Writes the gradients of the sums that `layer` makes itself, of row `y` of `image`, from the `gradient` of those that
/// it normalises.
pub fn row(layer: &PlanLayer, gradient: &[f32], winners: &[u8], (image, y): (usize, usize), row: &mut [f32]) {
    let scale = layer.shortcut.map_or(1.0, |shortcut| shortcut.scale);
    let (channels, pool, width) = (layer.conv.c, layer.pool, layer.output.w * layer.output.c);
    row.fill(0.0);
    if y / pool >= layer.output.h {
        return; // below the last whole window
    }
    let start = (image * layer.output.h + y / pool) * width;
    let gradient = &gradient[start..start + width];
    if pool == 1 {
        row.iter_mut().zip(gradient).for_each(|(row, g)| *row = scale * g);
        return;
    }
    let winners = &winners[start..start + width];
    for (at, (&g, &place)) in gradient.iter().zip(winners).enumerate() {
        let (x, c, place) = (at / channels, at % channels, usize::from(place));
        if place / pool == y % pool {
            row[(x * pool + place % pool) * channels + c] = scale * g;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::norm::{self, Affine, EPSILON};
    use super::super::plan::{Plan, plan};
    use super::super::sign::Slope;
    use super::*;

    /// A pooled convolution whose sums a second one and a third one add, and these once more.
    fn planned() -> Plan {
        let text = "[input]\nchannels = 1\nrows = 5\ncolumns = 7\ncode = \"bipolar\"\n\
             [[layer]]\nkind = \"conv\"\noutputs = 3\nkernel = 2\npool = 2\n\
             [[layer]]\nkind = \"conv\"\noutputs = 3\nkernel = 3\npad = 1\nshortcut = \"conv1\"\nscale = 0.5\n\
             [[layer]]\nkind = \"conv\"\noutputs = 3\nkernel = 3\npad = 1\nshortcut = \"conv2\"\nscale = 2.0\n\
             [[layer]]\nkind = \"conv\"\noutputs = 3\nkernel = 3\npad = 1\nshortcut = \"conv2\"\nscale = 0.25\n\
             [[layer]]\nkind = \"scores\"\noutputs = 2\n";
        plan(&toml::from_str(text).expect("a training file"), "test").expect("a plan")
    }

    fn numbers(count: usize, salt: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + salt * 101) * 7919 % 1009) as f32 / 100.0 - 5.0).collect()
    }

    const IMAGES: usize = 3;
    const CHANNELS: usize = 3;

    /// The sum of all normalised values times `weights`, in f64, of the sums that each layer makes itself.
    fn objective(plan: &Plan, own: &[Vec<f64>], weights: &[Vec<f32>]) -> f64 {
        let mut kept: Vec<Vec<f64>> = Vec::new();
        let mut total = 0.0;
        for (index, layer) in plan.layers[..4].iter().enumerate() {
            let mut sums = own[index].clone();
            if let Some(shortcut) = layer.shortcut {
                let scale = f64::from(shortcut.scale);
                sums.iter_mut().zip(&kept[shortcut.from]).for_each(|(sum, kept)| *sum = scale * *sum + kept);
            }
            if layer.pool > 1 {
                let at = |i: usize, place: usize| {
                    let (image, rest) = (i / layer.output.elements(), i % layer.output.elements());
                    let (y, x) = (rest / CHANNELS / layer.output.w, rest / CHANNELS % layer.output.w);
                    let (y, x) = (2 * y + place / 2, 2 * x + place % 2);
                    sums[(image * layer.conv.pixels() + y * layer.conv.w + x) * CHANNELS + i % CHANNELS]
                };
                let largest = |i| (0..4).map(|place| at(i, place)).fold(f64::MIN, f64::max);
                sums = (0..IMAGES * layer.output.elements()).map(largest).collect();
            }
            let count = (sums.len() / CHANNELS) as f64;
            for c in 0..CHANNELS {
                let column = || sums.iter().skip(c).step_by(CHANNELS);
                let mean = column().sum::<f64>() / count;
                let variance = column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
                let of = |(x, &w): (&f64, &f32)| f64::from(w) * (x - mean);
                let weighed =
                    column().zip(weights[index].iter().skip(c).step_by(CHANNELS)).map(of).sum::<f64>();
                total += weighed / (variance + f64::from(EPSILON)).sqrt();
            }
            kept.push(sums);
        }
        total
    }

    /// What [`super::super::model`] does, with normalised values in place of bits.
    #[test]
    fn gradients_past_layers_are_their_differences() {
        let plan = planned();
        let layers = &plan.layers[..4];
        let own: Vec<Vec<f32>> =
            layers.iter().enumerate().map(|(i, l)| numbers(IMAGES * l.conv.elements(), i)).collect();
        let weights: Vec<Vec<f32>> =
            layers.iter().enumerate().map(|(i, l)| numbers(IMAGES * l.output.elements(), 10 + i)).collect();
        let mut passed: Vec<(Vec<f32>, Vec<u8>)> = Vec::new();
        for (layer, own) in layers.iter().zip(&own) {
            let mut sums = own.clone();
            if let Some(shortcut) = layer.shortcut {
                add(shortcut, &passed[shortcut.from].0, &mut sums);
            }
            passed.push(if layer.pool > 1 { pool(layer, &sums) } else { (sums, Vec::new()) });
        }
        let mut carried: Vec<Option<Vec<f32>>> = vec![None; 4];
        let wide: Vec<Vec<f64>> = own.iter().map(|list| list.iter().map(|&x| x.into()).collect()).collect();
        for (index, layer) in layers.iter().enumerate().rev() {
            let normalised = layer.normalised();
            let (sums, winners) = &passed[index];
            let affine = Affine::new(&norm::statistics(sums, CHANNELS), &[1.0; 3], &[0.0; 3]);
            let mut weights_here = weights[index].clone();
            let (_, _, slopes) =
                norm::backward(&normalised, &affine, Slope::Identity, sums, winners, &mut weights_here);
            let whole = gradient(&normalised, &slopes, carried[index].take(), IMAGES);
            let width = layer.conv.w * CHANNELS;
            let mut found = vec![9.0; own[index].len()];
            for (at, part) in found.chunks_exact_mut(width).enumerate() {
                row(layer, &whole, winners, (at / layer.conv.h, at % layer.conv.h), part);
            }
            if let Some(shortcut) = layer.shortcut {
                hand_on(&mut carried[shortcut.from], whole);
            }
            for entry in 0..found.len() {
                let at = |step: f64| {
                    let mut moved = wide.clone();
                    moved[index][entry] += step;
                    objective(&plan, &moved, &weights)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                let off = (f64::from(found[entry]) - expected).abs();
                assert!(off < 2e-4 * expected.abs().max(1.0), "{index} {entry}: {} {expected}", found[entry]);
            }
        }
    }
}
