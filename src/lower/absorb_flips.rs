//! Turns the weights of a flipped channel round: `not (acc >= t)` is `-acc >= 1 - t`.
//!
//! Not where a maximum is taken over the accumulators first, since it would become a minimum.

use crate::network::{Activation, Network};

pub fn run(network: &mut Network) {
    for layer in &mut network.layers {
        // Sums that go past a layer keep their signs; those of fixed point are rounded in one direction.
        let signed = !layer.shortcut.is_none() || layer.requant.is_some();
        if layer.pool.is_some_and(|p| p.before_sign) || signed {
            continue;
        }
        let Activation::Sign { threshold, flip } = &mut layer.activation else { continue };
        for c in (0..flip.len()).filter(|&c| flip[c]).collect::<Vec<usize>>() {
            layer.planes.iter_mut().for_each(|plane| plane.negate_row(c));
            let lists = std::iter::once(&mut *threshold).chain(&mut layer.fewer);
            for own in lists.flat_map(|list| list.iter_mut().skip(c).step_by(flip.len())) {
                *own = 1 - *own;
            }
            flip[c] = false;
        }
    }
}
