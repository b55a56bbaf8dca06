//! Weights of several bits as slices: what one cell of several levels holds of a weight.
//!
//! Source: Xiao et al., arXiv 2109.01262, and CrossSim's manual: a balanced cell holds a slice of the magnitude, the
//! sign chooses the device; an offset cell holds a slice of the weight as an unsigned number, here its planes of -1 and
//! +1. Slices are equally wide where the bits do not divide.

use super::{Layer, Levels, Network, Plane};
use crate::bits::BitMatrix;

/// What a slice is cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slicing {
    /// The magnitude: a small weight is a small level.
    Balanced,
    /// The planes: some of them together make a level.
    Offset,
}

impl Network {
    /// The same network, the planes of every layer of several planes put together to slices of up to `bits` bits.
    pub fn sliced(&self, bits: usize, slicing: Slicing) -> Network {
        let mut network = self.clone();
        for layer in network.layers.iter_mut().filter(|layer| layer.planes.len() > 1) {
            // Their lists count planes, not slices.
            layer.fewer.clear();
            layer.planes = match slicing {
                Slicing::Balanced => magnitudes(layer, bits),
                Slicing::Offset => chunks(layer, bits),
            };
        }
        network
    }
}

/// Digits of the weights' magnitudes in their unit, the highest first.
fn magnitudes(layer: &Layer, bits: usize) -> Vec<Plane> {
    let weights = matrix(layer, |channel, column| layer.weight(channel, column));
    let (unit, largest) = unit(&weights);
    let total = (i32::BITS - largest.leading_zeros()).max(1) as usize;
    let (count, width) = split(total, bits);
    let digit = (1 << width) - 1;
    let slice = |index: usize| {
        let shift = (count - 1 - index) * width;
        let cut = |weight: &i32| weight.signum() * ((weight.abs() / unit) >> shift & digit);
        plane(layer, weights.iter().map(cut).collect(), unit << shift, digit)
    };
    (0..count).map(slice).collect()
}

/// Sums of some planes each, in their unit.
fn chunks(layer: &Layer, bits: usize) -> Vec<Plane> {
    let (_, width) = split(layer.planes.len(), bits);
    let slice = |planes: &[Plane]| {
        let sum =
            |channel, column| planes.iter().map(|plane| plane.scale * plane.value(channel, column)).sum();
        let values = matrix(layer, sum);
        let (unit, largest) = unit(&values);
        plane(layer, values.iter().map(|value| value / unit).collect(), unit, largest.max(1))
    };
    layer.planes.chunks(width).map(slice).collect()
}

/// Number of slices, and the bits of each.
fn split(total: usize, bits: usize) -> (usize, usize) {
    let count = total.div_ceil(bits);
    (count, total.div_ceil(count))
}

fn matrix(layer: &Layer, value: impl Fn(usize, usize) -> i32) -> Vec<i32> {
    let value = &value;
    let channel = |channel| (0..layer.fan_in()).map(move |column| value(channel, column));
    (0..layer.conv.c).flat_map(channel).collect()
}

/// What all values are whole multiples of, and the largest multiple.
fn unit(values: &[i32]) -> (i32, i32) {
    let unit = values.iter().copied().fold(0, num_integer::gcd).max(1);
    let largest = values.iter().map(|value| value.abs()).max().unwrap_or(0);
    (unit, largest / unit)
}

fn plane(layer: &Layer, values: Vec<i32>, scale: i32, most: i32) -> Plane {
    let columns = layer.fan_in();
    let sign = |channel: usize, column: usize| values[channel * columns + column] >= 0;
    let weights = BitMatrix::from_fn(layer.conv.c, columns, sign);
    let values = values.iter().map(|value| *value as i16).collect();
    Plane { weights, scale, mask: None, levels: Some(Levels { most, values }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::random::{self, Limits};

    /// The slices of all planes give the weights back, and each value lies within its bounds.
    #[test]
    fn slices_add_up_to_the_weights() {
        let mut seen = [0; 3];
        for seed in 0..60 {
            let limits = Limits {
                layers: 3,
                channels: 12,
                side: 4,
                kernel: 3,
                input_bits: 4,
                planes: 5,
                shortcuts: false,
                states: false,
                branches: false,
                steps: 1,
            };
            let network = random::network(seed, &limits);
            for (bits, slicing) in
                [(2, Slicing::Balanced), (3, Slicing::Offset), (8, Slicing::Balanced), (8, Slicing::Offset)]
            {
                let sliced = network.sliced(bits, slicing);
                for (layer, cut) in network.layers.iter().zip(&sliced.layers) {
                    for channel in 0..layer.conv.c {
                        for column in 0..layer.fan_in() {
                            assert_eq!(layer.weight(channel, column), cut.weight(channel, column));
                        }
                    }
                    for plane in cut.planes.iter().filter(|_| layer.planes.len() > 1) {
                        let levels = plane.levels.as_ref().expect("a slice has levels");
                        assert!(levels.values.iter().all(|value| i32::from(value.abs()) <= levels.most));
                        seen[0] += usize::from(levels.most > 3);
                        seen[1] += usize::from(levels.values.contains(&0));
                    }
                    seen[2] += usize::from(cut.planes.len() > 1);
                }
            }
        }
        assert!(seen.iter().all(|&count| count > 20), "{seen:?}");
    }

    #[test]
    fn small_weights_are_small_levels() {
        // Weights of -7 to 7: three bits of magnitude.
        let weight = |n: usize| n as i32 % 15 - 7;
        let mut network = random::network(1, &Limits { planes: 1, ..Limits::default() });
        let layer = &mut network.layers[0];
        let (rows, columns) = (layer.conv.c, layer.fan_in());
        let bit = |shift: usize| move |o: usize, k: usize| (weight(o * columns + k) + 7) >> shift & 1 == 1;
        // 2 u - 14 with u = w + 7: four planes, the smallest one whole.
        layer.planes = [(8, 3), (4, 2), (2, 1), (1, 0)]
            .map(|(scale, shift)| Plane {
                scale,
                ..Plane::binary(BitMatrix::from_fn(rows, columns, bit(shift)))
            })
            .into();
        layer
            .planes
            .push(Plane { scale: 1, ..Plane::binary(BitMatrix::from_fn(rows, columns, |_, _| true)) });
        let sliced = network.sliced(2, Slicing::Balanced);
        let [high, low] = &sliced.layers[0].planes[..] else { panic!("two slices") };
        assert_eq!((high.scale, low.scale), (8, 2));
        for n in 0..(rows * columns).min(15) {
            let (o, k) = (n / columns, n % columns);
            let expected =
                (weight(n).signum() * (weight(n).abs() >> 2), weight(n).signum() * (weight(n).abs() & 3));
            assert_eq!((high.value(o, k), low.value(o, k)), expected, "{}", weight(n));
        }
    }
}
