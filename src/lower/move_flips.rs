//! Moves the flips that are left into the layers that read the map, whose weights for that input turn round.
//!
//! The bit between them then has the other sign. Not where one of them pads with +1 or -1, since padding is the same for
//! all channels.

use crate::network::{Activation, Layer, Network, PadValue};

pub fn run(network: &mut Network) {
    for index in 0..network.layers.len() {
        let pads = |reader: &Layer| !reader.padding.is_none() && reader.padding.value != PadValue::Zero;
        if network.readers(index).count() == 0 || network.readers(index).any(pads) {
            continue;
        }
        let (before, after) = network.layers.split_at_mut(index + 1);
        let layer = &mut before[index];
        // An OR of flipped bits is no flipped OR: only a flip behind the whole layer can move.
        if layer.pool.is_some_and(|p| !p.before_sign) {
            continue;
        }
        let Activation::Sign { flip, .. } = &layer.activation else { continue };
        for c in (0..flip.len()).filter(|&c| flip[c]).collect::<Vec<usize>>() {
            let readers = after.iter_mut().filter(|reader| reader.reads.layer() == Some(index));
            readers.for_each(|reader| turn_input(reader, c));
            layer.turn_bits(c);
        }
    }
}

/// Turns the weights of all taps of input channel `c` round.
fn turn_input(layer: &mut Layer, c: usize) {
    let channels = layer.input.c;
    for weights in layer.planes.iter_mut().map(|plane| &mut plane.weights) {
        for row in 0..weights.rows() {
            for column in (c..weights.columns()).step_by(channels) {
                let bit = weights.get(row, column);
                weights.set(row, column, !bit);
            }
        }
    }
}
