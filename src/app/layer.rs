//! Sums of single layers: of the network itself, and of a drawn chip's arrays with the layer's own weights or others.

use crate::bits::BitMatrix;
use crate::design::{Design, SumUnit};
use crate::device;
use crate::golden::{machine, reference};
use crate::network::{Layer, Network, Plane, Shape};
use crate::variation::{ArrayDraw, Chip, Site};
use rayon::prelude::*;

/// Accumulators of each layer of `wanted`, over the element values of `images`: image after image in channel, row, column
/// order of the layer's `conv` shape; one a channel where the layer sums its pixels.
pub fn accumulators(network: &Network, images: &[i16], wanted: &[usize]) -> Vec<Vec<i32>> {
    let each = images.par_chunks(network.input.shape.elements());
    let traces: Vec<reference::Trace> = each.map(|image| reference::run(network, image)).collect();
    let of =
        |&layer: &usize| traces.iter().flat_map(|trace| &trace.layers[layer].accumulators).copied().collect();
    wanted.iter().map(of).collect()
}

/// A layer on the arrays of a machine.
pub struct OnArrays<'a> {
    design: &'a Design,
    index: usize,
    /// Where the sum of each channel, row and column stands in what the machine gives.
    order: Vec<usize>,
    units: Vec<SumUnit>,
    /// Shape of the sums of an image.
    pub shape: Shape,
}

impl<'a> OnArrays<'a> {
    /// Layer `index` of `design`.
    ///
    /// Errors: a machine without converters, a layer whose sums meet shortcuts or states, windows of pooling that overlap.
    pub fn new(design: &'a Design, index: usize) -> miette::Result<OnArrays<'a>> {
        let (layer, program) = (&design.network.layers[index], &design.layers[index]);
        let refuse = |help: &'static str, what: &str| {
            let name = layer.name.terminal();
            Err(miette::miette!(code = "layer::sums", help = help, "layer {index} ('{name}'): {what}"))
        };
        if design.analog.as_ref().is_none_or(|analog| analog.draws) {
            return refuse("set readout.kind to \"adc\"", "no converter of this machine reads its sums");
        }
        let units: Option<Vec<SumUnit>> =
            (0..layer.conv.c).map(|channel| design.unit_of_sums(index, channel)).collect();
        let Some(units) = units else {
            return refuse(
                "set readout.kind to \"adc\", and take a layer without shortcuts and states",
                "its sums do not leave the arrays as they are",
            );
        };
        let (window, pooled) = (program.walk.window, program.walk.pooled);
        if layer.pool.is_some_and(|pool| pool.stride != pool.kernel) {
            return refuse(
                "ask for another layer",
                "its pooling windows overlap, so sums are made more than once",
            );
        }
        let shape = match layer.sum_pixels {
            true => Shape::vector(layer.conv.c),
            false => Shape { c: layer.conv.c, h: window.0 * pooled.0, w: window.1 * pooled.1 },
        };
        let place = |channel: usize, row: usize, column: usize| {
            let pixel = row / window.0 * pooled.1 + column / window.1;
            let vector = (pixel * window.0 + row % window.0) * window.1 + column % window.1;
            let vectors = if layer.sum_pixels { 1 } else { program.vectors };
            (channel / design.lanes * vectors + vector) * design.lanes + channel % design.lanes
        };
        let rows = |channel| {
            (0..shape.h).flat_map(move |row| (0..shape.w).map(move |column| (channel, row, column)))
        };
        let order = (0..shape.c).flat_map(rows).map(|(channel, row, column)| place(channel, row, column));
        Ok(OnArrays { design, index, order: order.collect(), units, shape })
    }

    /// What the arrays of `chip` give for `maps`, map after map: what the layer reads in channel, row, column order, the
    /// image's element values or bits -1 and +1. In the unit of the network's accumulators, without noise of reads; maps,
    /// channel, row, column.
    ///
    /// # Panics
    /// Unless `maps` are whole maps of the layer.
    pub fn sums(&self, chip: &Chip, maps: &[i16]) -> Vec<f32> {
        let size = self.design.network.layers[self.index].input.elements();
        assert!(maps.len().is_multiple_of(size), "whole maps of {size} elements");
        let of_map =
            |map: &[i16]| self.in_order(&machine::layer_sums(self.design, Some(chip), self.index, map));
        maps.par_chunks(size).flat_map_iter(of_map).collect()
    }

    /// The same of whole frames: `images` are element values of the network's input, and every layer before this one reads
    /// what the chip made of them.
    ///
    /// # Panics
    /// Unless `images` are whole images.
    pub fn sums_of_frames(&self, chip: &Chip, images: &[i16]) -> Vec<f32> {
        let size = self.design.network.input.shape.elements();
        assert!(images.len().is_multiple_of(size), "whole images of {size} elements");
        let of_image = |image: &[i16]| {
            let trace = machine::run(self.design, Some(chip), image, machine::RESET_SEED);
            self.in_order(&trace.layers[self.index].sums)
        };
        images.par_chunks(size).flat_map_iter(of_image).collect()
    }

    /// Sums of the machine by channel, row, column, in the unit of the network's accumulators.
    fn in_order(&self, sums: &[i64]) -> Vec<f32> {
        let pixels = self.shape.pixels();
        let value = |(at, &place): (usize, &usize)| {
            let SumUnit { fraction, slope, surplus } = self.units[at / pixels];
            // Exact: powers of two, and integers far below 2^53.
            let counts = sums[place] as f64 / (1u64 << fraction) as f64;
            ((counts + surplus as f64) / slope as f64) as f32
        };
        self.order.iter().enumerate().map(value).collect()
    }
}

/// `design` with other weights in layer `index`: -1 and +1, a row an output channel, columns (kernel row, kernel column, input
/// channel).
///
/// Errors: a layer of several planes, weights that are neither, and another number of them than the layer has.
pub fn with_weights(design: &Design, index: usize, weights: &[i8]) -> miette::Result<Design> {
    let layer: &Layer = &design.network.layers[index];
    let (outputs, fan_in) = (layer.conv.c, layer.fan_in());
    let refuse = |help: &'static str, what: String| {
        let name = layer.name.terminal();
        Err(miette::miette!(code = "layer::weights", help = help, "layer {index} ('{name}'): {what}"))
    };
    if layer.planes.len() > 1 || layer.flips.is_some() {
        return refuse(
            "take a layer of one plane of weights, -1 and +1",
            "it has several planes, or weights that are drawn".into(),
        );
    }
    if weights.len() != outputs * fan_in {
        return refuse(
            "give outputs x (kernel row, kernel column, input channel)",
            format!("{} weights, but it has {outputs} x {fan_in}", weights.len()),
        );
    }
    if let Some(other) = weights.iter().find(|weight| !matches!(weight, -1 | 1)) {
        return refuse("give the signs of the weights", format!("a weight of {other}, neither -1 nor +1"));
    }
    let mut matrix = BitMatrix::zeros(outputs, fan_in);
    for (place, _) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0) {
        matrix.set(place / fan_in, place % fan_in, true);
    }
    let mut design = design.clone();
    design.network.layers[index].planes = vec![Plane::binary(matrix)];
    Ok(design)
}

/// The arrays of layer `index` on the chip of `seed`, as `bincim draw` draws them; those of other layers are empty.
pub fn chip(design: &Design, index: usize, seed: u64) -> Option<Chip> {
    let analog = design.analog.as_ref()?;
    let physics = &design.arch.variation;
    let drawn = |site: &Site| match site.layer == index {
        true => device::draw(physics, seed, analog.fraction_bits, site),
        false => ArrayDraw::default(),
    };
    let mut chip = Chip {
        seed,
        subject: String::new(),
        physics: String::new(),
        fraction_bits: analog.fraction_bits,
        widths: None,
        arrays: design.sites().par_iter().map(drawn).collect(),
        thresholds: None,
        correction: None,
    };
    chip.saturate(analog.widths());
    Some(chip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost;
    use crate::network::random;
    use crate::read::arch::arch_from_text;

    const ARCH: &str = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[readout]\nkind = \"adc\"\nlevels = 15\n\
                        range = 12\n[variation.gaussian]\nsigma = 0.3\n";

    /// What a layer of `trace` wrote, as the next one reads it: channel, row, column.
    fn written(design: &Design, index: usize, bits: &[bool]) -> Vec<i16> {
        let output = design.network.layers[index].output;
        let place = |channel: usize, pixel: usize| {
            (channel / design.lanes * output.pixels() + pixel) * design.lanes + channel % design.lanes
        };
        let each = (0..output.c).flat_map(|channel| (0..output.pixels()).map(move |pixel| (channel, pixel)));
        each.map(|(channel, pixel)| if bits[place(channel, pixel)] { 1 } else { -1 }).collect()
    }

    /// Each layer alone, drawn alone, gives what it gives in a whole frame on the whole chip.
    #[test]
    fn a_layer_alone_gives_the_sums_of_the_frame() {
        let file = arch_from_text(ARCH).expect("an architecture");
        let (mut compared, mut erring) = (0, 0);
        for seed in 0..60 {
            let network = random::network(seed, &random::Limits::default());
            let Ok(choice) = cost::choose(&network, &file, None) else { continue };
            let design = choice.design;
            let plain = |layer: &Layer| layer.planes.len() == 1 && layer.steps() == 1;
            if !design.network.layers.iter().all(plain) {
                continue;
            }
            let (whole, _) =
                super::super::chip::drawn(&design, &design.arch.variation, seed).expect("a chip");
            let image = random::elements(&network, seed, 1);
            let trace = machine::run(&design, Some(&whole), &image, machine::RESET_SEED);
            let mut map = image.clone();
            for (index, layer) in trace.layers.iter().enumerate() {
                if let Ok(on) = OnArrays::new(&design, index) {
                    let alone = chip(&design, index, seed).expect("a chip");
                    let sums = on.sums(&alone, &map);
                    assert_eq!(sums, on.sums_of_frames(&whole, &image), "layer {index} of network {seed}");
                    let clean = &reference::run(&network, &image).layers[index].accumulators;
                    erring += sums.iter().zip(clean).filter(|(sum, clean)| **sum != **clean as f32).count();
                    compared += sums.len();
                }
                if !layer.bits.is_empty() {
                    map = written(&design, index, &layer.bits);
                }
            }
        }
        assert!(compared > 1000 && erring > compared / 20, "{erring} of {compared}");
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        let network = random::network(3, &random::Limits::default());
        let file = arch_from_text(ARCH).expect("an architecture");
        let design = cost::choose(&network, &file, None).expect("a machine").design;
        let layer = &design.network.layers[0];
        let weights = vec![1; layer.conv.c * layer.fan_in()];
        let says =
            |weights: &[i8]| with_weights(&design, 0, weights).map(|_| ()).expect_err("refused").to_string();
        assert!(says(&weights[1..]).contains("weights, but it has"));
        assert!(says(&vec![0; weights.len()]).contains("a weight of 0"));
        let own = with_weights(&design, 0, &weights).expect("a design");
        assert_eq!(own.network.layers[0].planes[0].weights.ones(0), layer.fan_in());
    }
}
