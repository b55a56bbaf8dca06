//! Brings every threshold to the smallest accumulator that can occur and meets it: always met is the
//! smallest accumulator of all, never met is one above the largest.

use crate::network::{Activation, Network, accumulator_range, accumulator_step};

pub fn run(network: &mut Network) {
    for index in 0..network.layers.len() {
        let range = |c| accumulator_range(&network.layers, index, c, network.input.code);
        let ranges: Vec<(i64, i64)> = (0..network.layers[index].conv.c).map(range).collect();
        let step = accumulator_step(&network.layers, index, network.input.code) as i64;
        let layer = &mut network.layers[index];
        for (t, &(low, high)) in
            layer.fewer.iter_mut().flat_map(|list| list.iter_mut().zip(ranges.iter().cycle()))
        {
            *t = i64::from(*t).clamp(low, high + 1) as i32;
        }
        let Activation::Sign { threshold, .. } = &mut layer.activation else { continue };
        for (t, (low, high)) in threshold.iter_mut().zip(ranges.into_iter().cycle()) {
            let above = (i64::from(*t) - low).max(0);
            let reachable = low + (above + step - 1) / step * step;
            *t = reachable.min(high + 1) as i32;
        }
    }
}
