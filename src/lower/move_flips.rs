//! Moves the flips that are left into the next layer, whose weights for that input turn round.
//!
//! The bit between the two layers then has the other sign. Not where the next layer pads with +1 or -1,
//! since padding is the same for all channels.

use crate::network::{Activation, Network, PadValue};

pub fn run(network: &mut Network) {
    for index in 1..network.layers.len() {
        let (before, after) = network.layers.split_at_mut(index);
        let (layer, next) = (&mut before[index - 1], &mut after[0]);
        if !next.padding.is_none() && next.padding.value != PadValue::Zero {
            continue;
        }
        // An OR of flipped bits is no flipped OR: only a flip behind the whole layer can move.
        if layer.pool.is_some_and(|p| !p.before_sign) {
            continue;
        }
        let Activation::Sign { flip, .. } = &layer.activation else { continue };
        let channels = next.input.c;
        for c in (0..flip.len()).filter(|&c| flip[c]).collect::<Vec<usize>>() {
            for weights in next.planes.iter_mut().map(|plane| &mut plane.weights) {
                for row in 0..weights.rows() {
                    for column in (c..weights.columns()).step_by(channels) {
                        let bit = weights.get(row, column);
                        weights.set(row, column, !bit);
                    }
                }
            }
            layer.turn_bits(c);
        }
    }
}
