//! Makes a one-channel image that a dense layer reads whole into a vector: the order of its elements is the
//! same, and the machine needs no window.

use crate::network::{Network, Shape};

pub fn run(network: &mut Network) {
    let shape = network.input.shape;
    let Some(layer) = network.layers.first_mut() else { return };
    let whole = layer.kernel == (shape.h, shape.w) && layer.padding.is_none() && layer.conv.pixels() == 1;
    if whole && shape.c == 1 && layer.input == shape {
        network.input.shape = Shape::vector(shape.elements());
        layer.input = network.input.shape;
        (layer.kernel, layer.stride) = ((1, 1), (1, 1));
    }
}
