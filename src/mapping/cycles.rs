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

/// Cycles of each layer that runs, one after the other, and of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Layers that run once a sample stand there as often as they run.
    pub layers: Vec<u64>,
    /// From one frame's start to the next one's where input and output never wait.
    pub interval: u64,
    /// From the frame's start until the input is no longer read.
    pub input: u64,
}

/// What of a frame runs several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Samples {
    /// First layer that does.
    pub first: usize,
    pub count: usize,
    /// Words of the first sample's first tile go into the shadow from this cycle of the frame on.
    pub from: u64,
}

/// Cycles of a frame in which each layer runs at most `planes` planes. `array` is the array's latency D.
pub fn of_frame(layers: &[LayerMap], planes: usize, array: u64, samples: Option<Samples>) -> Frame {
    let order = order(layers.len(), samples);
    let mut start = 0; // first issue cycle of the layer
    let mut loaded = 0; // first cycle in which the next tile stands complete in the shadow
    let mut spent = Vec::with_capacity(order.len());
    let mut input = 0;
    // The first tile of the first sample is loaded when its noise is there.
    let held =
        |place: usize| samples.filter(|samples| place == samples.first).map_or(0, |samples| samples.from);
    if held(0) > 0 {
        loaded = held(0) + first_words(&layers[0]);
    }
    for (place, &index) in order.iter().enumerate() {
        let following = order.get(place + 1).copied().unwrap_or(0);
        let mut arrival = start + 2;
        let mut last_vector = arrival;
        let mut tiles = layers[index].tiles(planes).peekable();
        while let Some(tile) = tiles.next() {
            let door = arrival.max(loaded);
            loaded = match tiles.peek() {
                Some(next) => door + next.words,
                None => door.max(held(place + 1)) + first_words(&layers[following]),
            };
            arrival = door + tile.vectors;
            last_vector = arrival - 1;
        }
        let end = last_vector + 4 + array;
        spent.push(end - start);
        start = end;
        if index == 0 {
            input = start;
        }
    }
    // The next frame is issued one cycle after this one is done, at the earliest one after its first tile is loaded;
    // a first tile that is drawn waits for its frame.
    let first_drawn = samples.is_some_and(|samples| samples.first == 0);
    let interval = if first_drawn { start + 1 } else { start.max(loaded) + 1 };
    Frame { layers: spent, interval, input }
}

/// The layers in the order in which they run.
fn order(layers: usize, samples: Option<Samples>) -> Vec<usize> {
    let again =
        samples.into_iter().flat_map(|samples| (1..samples.count).flat_map(move |_| samples.first..layers));
    (0..layers).chain(again).collect()
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
    Frame { interval, input: layers[0], layers }
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
        let frame = of_frame(&[layer(1, 1, 3, 10)], 1, 4, None);
        assert_eq!(frame, Frame { layers: vec![2 + 9 + 4 + 4], interval: 20, input: 19 });
    }

    #[test]
    fn a_dense_layer_is_limited_by_its_loads_alone() {
        // 16 tiles of 8 words: the first stands ready, 15 loads follow back to back.
        assert_eq!(of_frame(&[layer(2, 8, 8, 1)], 1, 4, None).layers, [2 + 15 * 8 + 4 + 4]);
    }

    #[test]
    fn a_convolution_hides_its_loads() {
        assert_eq!(of_frame(&[layer(1, 4, 9, 100)], 1, 4, None).layers, [2 + 4 * 100 - 1 + 8]);
    }

    #[test]
    fn planes_are_more_passes_and_those_left_out_take_no_cycle() {
        let mut supported = layer(1, 4, 9, 100);
        supported.planes.push(supported.planes[0].clone());
        supported.planes.push(PlaneTiles { passes: vec![true], groups: vec![true, false, false, true] });
        let cycles = |planes| of_frame(&[supported.clone()], planes, 4, None).layers[0];
        assert_eq!(cycles(1), 2 + 4 * 100 - 1 + 8);
        assert_eq!(cycles(2), 2 + 8 * 100 - 1 + 8);
        assert_eq!(cycles(3), 2 + 10 * 100 - 1 + 8);
    }

    #[test]
    fn the_next_layers_first_load_runs_during_the_drain() {
        let both = of_frame(&[layer(1, 4, 8, 1), layer(1, 4, 8, 1)], 1, 4, None).layers;
        // The first tile of layer 1 is loaded while layer 0 drains (8 + D >= 8 words).
        assert_eq!(both[1], 2 + 3 * 8 + 8);
    }

    #[test]
    fn layers_before_the_first_drawn_one_run_once() {
        let layers = [layer(1, 1, 3, 20), layer(1, 4, 8, 1)];
        let samples = |first, count| Some(Samples { first, count, from: 14 });
        let one = of_frame(&layers, 1, 4, samples(1, 1)).layers;
        let three = of_frame(&layers, 1, 4, samples(1, 3));
        assert_eq!(three.layers.len(), 1 + 3);
        assert_eq!(three.layers[..2], one[..]);
        assert_eq!((three.layers[2], three.layers[3], three.input), (one[1], one[1], one[0]));
        // Noise is mixed while the first layer runs; without one, the frame waits for it and for the first tile.
        assert_eq!(one, of_frame(&layers, 1, 4, None).layers);
        assert_eq!(of_frame(&layers[1..], 1, 4, samples(0, 1)).layers, [14 + 8 + 3 * 8 + 4 + 4]);
    }
}
