//! Drops pooling over windows of one pixel with stride 1, and sums over maps of one pixel.

use crate::network::Network;

pub fn run(network: &mut Network) {
    for layer in &mut network.layers {
        if layer.pool.is_some_and(|p| p.kernel == (1, 1) && p.stride == (1, 1)) {
            layer.pool = None;
        }
        if layer.conv.pixels() == 1 {
            layer.sum_pixels = false;
        }
    }
}
