//! Real numbers at a network's ends, rounded where that is asked for.

use crate::read::onnx::Tensor;

/// The weights of a layer, each the nearest whole multiple of a unit: the largest of an output channel is
/// `2^(bits-1) - 1` of its units. `place(o, k)` is the place of weight `k` of output channel `o`.
pub fn weights(
    real: &Tensor,
    (outputs, inputs): (usize, usize),
    place: &dyn Fn(usize, usize) -> usize,
    bits: u32,
) -> Tensor {
    let most = f64::from((1 << (bits - 1)) - 1);
    let mut values = real.values.clone();
    for o in 0..outputs {
        let places = || (0..inputs).map(|k| place(o, k));
        let largest = places().map(|at| real.values[at].abs()).fold(0.0, f64::max);
        if largest > 0.0 {
            let unit = largest / most;
            places().for_each(|at| values[at] = (real.values[at] / unit).round_ties_even() * unit);
        }
    }
    Tensor { dims: real.dims.clone(), values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_whole_multiples_of_their_channels_unit() {
        let real = Tensor { dims: vec![2, 3], values: vec![0.5, -1.4, 7.0, 0.0, 0.0, 0.0] };
        let rounded = weights(&real, (2, 3), &|o, k| o * 3 + k, 4);
        assert_eq!(rounded.values, [0.0, -1.0, 7.0, 0.0, 0.0, 0.0]);
        let turned = weights(&real, (3, 2), &|o, k| k * 3 + o, 2);
        assert_eq!(turned.values, [0.5, -1.4, 7.0, 0.0, 0.0, 0.0]);
    }
}
