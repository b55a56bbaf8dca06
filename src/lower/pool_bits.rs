//! Pools bits instead of accumulators where no channel is flipped: a maximum commutes with `>=`.

use crate::network::{Activation, Network};

pub fn run(network: &mut Network) {
    for layer in &mut network.layers {
        if let (Some(pool), Activation::Sign { flip, .. }) = (&mut layer.pool, &layer.activation)
            && !flip.contains(&true)
            && !layer.shortcut.keeps
        {
            pool.before_sign = false;
        }
    }
}
