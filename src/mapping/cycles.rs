//! Cycles of a sequence of tiles: the recurrence of ARCHITECTURE.md, "Cycles".
//!
//! Exact: the RTL's counters show these numbers.

use super::LayerMap;

/// One tile: weight words to load and vectors to compute with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    pub words: u64,
    pub vectors: u64,
}

/// Cycles of each layer, and the cycles from one frame's start to the next one's where input and output never wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub layers: Vec<u64>,
    pub interval: u64,
}

/// Cycles of a frame in which each layer runs at most `planes` planes. `array` is the array's latency D.
pub fn of_frame(layers: &[LayerMap], planes: usize, array: u64) -> Frame {
    let mut start = 0; // first issue cycle of the layer
    let mut loaded = 0; // first cycle in which the next tile stands complete in the shadow
    let mut spent = Vec::with_capacity(layers.len());
    for (index, layer) in layers.iter().enumerate() {
        let following = &layers[(index + 1) % layers.len()];
        let mut arrival = start + 2;
        let mut last_vector = arrival;
        let mut tiles = layer.tiles(planes).peekable();
        while let Some(tile) = tiles.next() {
            let door = arrival.max(loaded);
            let next_words = tiles.peek().map_or_else(|| first_words(following), |next| next.words);
            loaded = door + next_words;
            arrival = door + tile.vectors;
            last_vector = arrival - 1;
        }
        let end = last_vector + 4 + array;
        spent.push(end - start);
        start = end;
    }
    // The next frame is issued one cycle after this one is done, at the earliest one after its first tile is loaded.
    Frame { layers: spent, interval: start.max(loaded) + 1 }
}

/// One layer's reads of analog arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reads {
    /// Vectors of all groups and tiles.
    pub vectors: u64,
    /// Reads of one vector.
    pub reads: u64,
    /// Cycles of a read and of its conversion.
    pub words: u64,
    pub conversion: u64,
}

impl Reads {
    /// Cycles from one vector's door to the next one's.
    pub fn interval(&self) -> u64 {
        self.reads * self.words.max(self.conversion)
    }

    /// D: the count of a vector is registered `1 + D` cycles behind its door.
    pub fn latency(&self) -> u64 {
        (self.reads - 1) * self.words.max(self.conversion) + self.words + self.conversion + 3
    }
}

/// Cycles of a frame on analog arrays, where nothing is loaded.
pub fn of_analog_frame(layers: &[Reads]) -> Frame {
    let layers: Vec<u64> =
        layers.iter().map(|layer| 2 + (layer.vectors - 1) * layer.interval() + 4 + layer.latency()).collect();
    let interval = layers.iter().sum::<u64>() + 1;
    Frame { layers, interval }
}

/// Cycles of one layer in the steady state, without its drain: what the choice of the block compares.
pub(super) fn steady(layer: &LayerMap) -> u64 {
    let mut door = 0;
    let mut previous_vectors = 0;
    for tile in layer.tiles(layer.planes.len()) {
        door += tile.words.max(previous_vectors);
        previous_vectors = tile.vectors;
    }
    door + previous_vectors
}

fn first_words(layer: &LayerMap) -> u64 {
    layer.tiles(1).next().map_or(0, |tile| tile.words)
}

#[cfg(test)]
mod tests {
    use super::super::{PlaneTiles, Reuse};
    use super::*;

    fn layer(passes: usize, groups: usize, words: usize, vectors: usize) -> LayerMap {
        LayerMap {
            chunks: 1,
            passes,
            planes: vec![PlaneTiles { passes: vec![true; passes], groups: vec![true; groups] }],
            groups,
            words,
            last_words: words,
            vectors,
            block: vectors,
            last_block: vectors,
            blocks: 1,
            reuse: Reuse::WeightsStay,
            bound: 0,
        }
    }

    #[test]
    fn a_single_tile_takes_its_vectors_and_the_pipeline() {
        let frame = of_frame(&[layer(1, 1, 3, 10)], 1, 4);
        assert_eq!(frame, Frame { layers: vec![2 + 9 + 4 + 4], interval: 20 });
    }

    #[test]
    fn a_dense_layer_is_limited_by_its_loads_alone() {
        // 16 tiles of 8 words: the first stands ready, 15 loads follow back to back.
        assert_eq!(of_frame(&[layer(2, 8, 8, 1)], 1, 4).layers, [2 + 15 * 8 + 4 + 4]);
    }

    #[test]
    fn a_convolution_hides_its_loads() {
        assert_eq!(of_frame(&[layer(1, 4, 9, 100)], 1, 4).layers, [2 + 4 * 100 - 1 + 8]);
    }

    #[test]
    fn planes_are_more_passes_and_those_left_out_take_no_cycle() {
        let mut supported = layer(1, 4, 9, 100);
        supported.planes.push(supported.planes[0].clone());
        supported.planes.push(PlaneTiles { passes: vec![true], groups: vec![true, false, false, true] });
        let cycles = |planes| of_frame(&[supported.clone()], planes, 4).layers[0];
        assert_eq!(cycles(1), 2 + 4 * 100 - 1 + 8);
        assert_eq!(cycles(2), 2 + 8 * 100 - 1 + 8);
        assert_eq!(cycles(3), 2 + 10 * 100 - 1 + 8);
    }

    #[test]
    fn the_next_layers_first_load_runs_during_the_drain() {
        let both = of_frame(&[layer(1, 4, 8, 1), layer(1, 4, 8, 1)], 1, 4).layers;
        // The first tile of layer 1 is loaded while layer 0 drains (8 + D >= 8 words).
        assert_eq!(both[1], 2 + 3 * 8 + 8);
    }
}
