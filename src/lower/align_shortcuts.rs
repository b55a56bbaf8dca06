//! Lets the channels that a shortcut adds to be the first ones of their layer, in the order in which they were kept.
//!
//! The machine adds group to group and lane to lane. Before: 16 kept channels are added to channels 8 to 23 of 32. After: to
//! channels 0 to 15 of the same layer, whose channels are in the order 8 .. 23, 0 .. 7, 24 .. 31; the layer that reads them
//! has its weights in that order, and what is added behind stands in it, too.

use crate::bits::BitMatrix;
use crate::network::{Activation, Layer, Network, added_channels, keeper};

pub fn run(network: &mut Network) {
    let layers = &network.layers;
    let moves = layers.iter().any(|layer| layer.shortcut.first > 0);
    // What the last layer gives leaves the network in its order.
    if !moves || layers.last().is_some_and(|last| last.shortcut.adds) {
        return;
    }
    // Of each layer: the channels of before in their new order.
    let mut orders: Vec<Vec<usize>> = Vec::new();
    for index in 0..network.layers.len() {
        let order: Vec<usize> = match keeper(&network.layers, index) {
            Some(from) => {
                let added = added_channels(&network.layers, index);
                let moved = orders[from].iter().map(|channel| channel + added.start);
                moved
                    .chain((0..network.layers[index].conv.c).filter(|channel| !added.contains(channel)))
                    .collect()
            }
            None => (0..network.layers[index].conv.c).collect(),
        };
        let layer = &mut network.layers[index];
        if let Some(from) = layer.reads.layer() {
            reads(layer, &orders[from]);
        }
        gives(layer, &order);
        orders.push(order);
    }
    network.layers.iter_mut().for_each(|layer| layer.shortcut.first = 0);
}

/// Lets `layer` read its input channels in `order`.
fn reads(layer: &mut Layer, order: &[usize]) {
    let of = |column: usize| column / order.len() * order.len() + order[column % order.len()];
    let columns = layer.fan_in();
    for plane in &mut layer.planes {
        let weights = &plane.weights;
        plane.weights =
            BitMatrix::from_fn(weights.rows(), columns, |row, column| weights.get(row, of(column)));
        if let Some(mask) = &mut plane.mask {
            mask.taps = (0..columns).map(|column| mask.taps[of(column)]).collect();
        }
    }
    if let Some(flips) = &mut layer.flips {
        let place = |place: usize| place / columns * columns + of(place % columns);
        flips.codes = (0..flips.codes.len()).map(|at| flips.codes[place(at)]).collect();
    }
}

/// Puts the channels of `layer` into `order`.
fn gives(layer: &mut Layer, order: &[usize]) {
    let columns = layer.fan_in();
    for plane in &mut layer.planes {
        let weights = &plane.weights;
        plane.weights =
            BitMatrix::from_fn(order.len(), columns, |row, column| weights.get(order[row], column));
        if let Some(mask) = &mut plane.mask {
            mask.channels = taken(&mask.channels, order);
        }
    }
    if let Some(flips) = &mut layer.flips {
        let rows = order.iter().flat_map(|row| &flips.codes[row * columns..(row + 1) * columns]);
        flips.codes = rows.copied().collect();
    }
    if let Some(requant) = &mut layer.requant {
        requant.multiplier = taken(&requant.multiplier, order);
        requant.offset = taken(&requant.offset, order);
    }
    let Activation::Sign { threshold, flip } = &mut layer.activation else { return };
    *flip = taken(flip, order);
    for list in std::iter::once(threshold).chain(&mut layer.fewer) {
        *list = list.chunks(order.len()).flat_map(|step| taken(step, order)).collect();
    }
}

fn taken<T: Copy>(list: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&channel| list[channel]).collect()
}
