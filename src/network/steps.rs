//! Activations of several levels: thresholds a channel, and the planes of bits in which the next layer reads them.
//!
//! An activation of `steps` thresholds is the number of those that are met, `met` in 0 ..= `steps`, and counts
//! `2 * met - steps`: the even spacing of as many bits of -1 and +1, of which a single bit is the case `steps` = 1.
//! A map holds it in planes of bits whose scales add up to `steps`: the sum of `scale * (-1 or +1)` over the planes is
//! `2 * met - steps` as well, so a product of bits a plane, each counted `scale` times, is the product with the activation.

use super::{Activation, Layer, Network};
use crate::bits::BitMatrix;

/// What a bit of each plane counts, the largest first: half of what is left, rounded up, so that every number of
/// thresholds is a sum of some of them (3 thresholds: 2 and 1; 15: 8, 4, 2, 1; 14: 7, 4, 2, 1).
pub fn plane_scales(steps: usize) -> Vec<usize> {
    let mut left = steps;
    let halves = std::iter::from_fn(|| {
        let scale = left.div_ceil(2);
        left -= scale;
        (scale > 0).then_some(scale)
    });
    halves.collect()
}

/// The planes' bits where `met` of `steps` thresholds are met.
pub fn plane_bits(steps: usize, met: usize) -> Vec<bool> {
    let mut left = met;
    let taken = |scale: usize| {
        let bit = left >= scale;
        left -= if bit { scale } else { 0 };
        bit
    };
    plane_scales(steps).into_iter().map(taken).collect()
}

impl Network {
    /// The same network where every layer gives bits: an activation of several levels becomes a channel for each of its
    /// thresholds, all with the same weights. Step `s` of channel `c` is channel `s * channels + c`, so the bits that a
    /// layer gives are in the same order in both; its accumulators are those of the first channels, repeated.
    ///
    /// Panics where such a layer has a shortcut, a state or weights that are drawn.
    pub fn of_bits(&self) -> Network {
        let mut network = self.clone();
        let mut before = 1;
        for layer in &mut network.layers {
            let steps = layer.steps();
            if before > 1 {
                repeat_inputs(layer, before);
            }
            if steps > 1 {
                repeat_outputs(layer, steps);
            }
            before = steps;
        }
        network
    }
}

/// Gives `layer` `copies` inputs for each, all with the same weights.
fn repeat_inputs(layer: &mut Layer, copies: usize) {
    assert!(layer.flips.is_none(), "weights that are drawn read bits");
    let (channels, columns) = (layer.input.c, layer.fan_in());
    layer.input.c *= copies;
    let fan_in = columns * copies;
    let of = |column: usize| column / (channels * copies) * channels + column % channels;
    for plane in &mut layer.planes {
        assert!(plane.levels.is_none(), "planes are cut into slices later");
        plane.weights = BitMatrix::from_fn(plane.weights.rows(), fan_in, |row, column| {
            plane.weights.get(row, of(column))
        });
        if let Some(mask) = &mut plane.mask {
            mask.taps = (0..fan_in).map(|column| mask.taps[of(column)]).collect();
        }
    }
}

/// Gives `layer` `copies` output channels for each, all with the same weights; each has one threshold.
fn repeat_outputs(layer: &mut Layer, copies: usize) {
    assert!(layer.flips.is_none(), "no weights that are drawn");
    assert!(layer.shortcut.is_none() && layer.requant.is_none(), "neither shortcuts nor states");
    let channels = layer.conv.c;
    for plane in &mut layer.planes {
        let (rows, columns) = (plane.weights.rows() * copies, plane.weights.columns());
        plane.weights =
            BitMatrix::from_fn(rows, columns, |row, column| plane.weights.get(row % channels, column));
        if let Some(mask) = &mut plane.mask {
            mask.channels = mask.channels.repeat(copies);
        }
    }
    layer.conv.c *= copies;
    layer.output.c *= copies;
    if let Activation::Sign { flip, .. } = &mut layer.activation {
        *flip = flip.repeat(copies);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_count_what_the_thresholds_do() {
        for steps in 1..=255 {
            let scales = plane_scales(steps);
            assert_eq!(scales.iter().sum::<usize>(), steps);
            assert_eq!(1 << scales.len(), (steps + 1).next_power_of_two(), "{steps}");
            for met in 0..=steps {
                let bits = plane_bits(steps, met);
                let sum: i64 =
                    scales.iter().zip(bits).map(|(&s, bit)| if bit { s as i64 } else { -(s as i64) }).sum();
                assert_eq!(sum, 2 * met as i64 - steps as i64);
            }
        }
        assert_eq!(plane_scales(2), [1, 1]);
        assert_eq!(plane_scales(14), [7, 4, 2, 1]);
    }
}
