//! Where the kernels of layers with padding reach over the border of their map.

use crate::design::Design;

/// Whether a row, or column, of the kernels of layers with padding ever stands before the map, and beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Edge {
    pub before: bool,
    pub beyond: bool,
}

impl Edge {
    /// For each row (else column) of the largest such kernel.
    pub fn all(design: &Design, rows: bool) -> Vec<Edge> {
        let pick = |(row, column): (usize, usize)| if rows { row } else { column };
        let mut edges = Vec::new();
        for (layer, network) in design.layers.iter().zip(&design.network.layers) {
            let Some((map, _)) = layer.padding else { continue };
            let kernel = pick(network.kernel);
            edges.resize(edges.len().max(kernel), Edge::default());
            let walk = &layer.walk;
            let origin = if rows { walk.origin_pixel.0 } else { walk.origin_pixel.1 };
            let pooling = network.pool.map_or(1, |pool| pick(pool.stride));
            let steps = (pick(walk.pooled) - 1) * pooling + pick(walk.window) - 1;
            let last = origin + (steps * pick(network.stride)) as i64;
            for (tap, edge) in edges.iter_mut().enumerate().take(kernel) {
                edge.before |= origin + (tap as i64) < 0;
                edge.beyond |= last + tap as i64 >= if rows { map.h } else { map.w } as i64;
            }
        }
        edges
    }

    pub fn reached(&self) -> bool {
        self.before || self.beyond
    }
}
