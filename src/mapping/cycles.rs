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
    /// Most samples.
    pub count: usize,
    /// Words of the first sample's first tile go into the shadow from this cycle of the frame on, or its first vector is
    /// at an array whose cells are drawn as they are read.
    pub from: u64,
}

/// Cycles of a frame in which each layer runs at most `planes` planes. `array` is the array's latency D.
pub fn of_frame(layers: &[LayerMap], planes: usize, array: u64) -> Frame {
    let mut clock = Clock { array, ..Clock::default() };
    for (index, layer) in layers.iter().enumerate() {
        clock.run(layer.tiles(planes), first_words(&layers[(index + 1) % layers.len()]), 0);
    }
    let interval = clock.interval();
    Frame { input: clock.spent[0], layers: clock.spent, interval }
}

/// Cycles of frames of 1, 2 ... `samples.count` samples.
pub fn of_samples(layers: &[LayerMap], array: u64, samples: Samples) -> Vec<Frame> {
    let Samples { first, count, from } = samples;
    let mut clock = Clock { array, ..Clock::default() };
    // A first tile that is drawn waits for its frame, and for its noise.
    if first == 0 {
        clock.loaded = from + first_words(&layers[0]);
    }
    let mut frames = Vec::with_capacity(count);
    let mut input = 0;
    for sample in 0..count {
        for index in if sample == 0 { 0 } else { first }..layers.len() {
            let following = if index + 1 == layers.len() { first } else { index + 1 };
            // The first tile of the first sample is loaded when its noise is there.
            let held = if sample == 0 && index + 1 == first { from } else { 0 };
            clock.run(layers[index].tiles(1), first_words(&layers[following]), held);
            if index == 0 {
                input = clock.now;
            }
        }
        // Behind the last sample the next frame's first tile is loaded in place of the next sample's.
        let last = Clock { loaded: clock.door + first_words(&layers[0]), spent: Vec::new(), ..clock };
        let interval = if first == 0 { clock.now + 1 } else { last.interval() };
        frames.push(Frame { layers: clock.spent.clone(), interval, input });
    }
    frames
}

/// Where a frame stands behind the layers that have run.
#[derive(Default)]
struct Clock {
    array: u64,
    /// First issue cycle of the next layer.
    now: u64,
    /// Door cycle of the last tile's first vector.
    door: u64,
    /// First cycle in which the next tile stands complete in the shadow.
    loaded: u64,
    spent: Vec<u64>,
}

impl Clock {
    /// Runs a layer. The tile behind it has `following` words, which go into the shadow from the cycle `held` on.
    fn run(&mut self, tiles: impl Iterator<Item = Tile>, following: u64, held: u64) {
        let mut arrival = self.now + 2;
        let mut tiles = tiles.peekable();
        while let Some(tile) = tiles.next() {
            self.door = arrival.max(self.loaded);
            self.loaded = match tiles.peek() {
                Some(next) => self.door + next.words,
                None => self.door.max(held) + following,
            };
            arrival = self.door + tile.vectors;
        }
        // The last vector's door is one cycle before.
        let end = arrival + 3 + self.array;
        self.spent.push(end - self.now);
        self.now = end;
    }

    /// The next frame is issued one cycle after this one is done, at the earliest one after its first tile is loaded.
    fn interval(&self) -> u64 {
        self.now.max(self.loaded) + 1
    }
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

impl Reads {
    /// Cycles of the layer.
    fn cycles(&self) -> u64 {
        2 + (self.vectors - 1) * self.interval() + 4 + self.latency()
    }
}

/// Cycles of a frame on analog arrays, where nothing is loaded; `stages` of them from a sum to what meets the thresholds.
pub fn of_analog_frame(layers: &[Reads], stages: u64) -> Frame {
    let layers: Vec<u64> = layers.iter().map(|layer| layer.cycles() + stages).collect();
    let interval = layers.iter().sum::<u64>() + 1;
    Frame { interval, input: layers[0], layers }
}

/// Cycles of frames of 1, 2 ... `samples.count` samples on arrays whose cells are drawn as they are read: the first vector
/// of the first sample is at its array from the cycle `samples.from` on.
pub fn of_drawn_frames(layers: &[Reads], samples: Samples) -> Vec<Frame> {
    let of = |layers: &[Reads]| layers.iter().map(Reads::cycles).collect::<Vec<u64>>();
    let (mut spent, drawn) = (of(&layers[..samples.first]), of(&layers[samples.first..]));
    let begun: u64 = spent.iter().sum();
    let waits = samples.from.saturating_sub(begun + 2);
    let mut frames = Vec::with_capacity(samples.count);
    for sample in 0..samples.count {
        spent.extend(&drawn);
        if sample == 0 {
            spent[samples.first] += waits;
        }
        let all = spent.iter().sum();
        let input = if samples.first == 0 { all } else { spent[0] };
        frames.push(Frame { layers: spent.clone(), interval: all + 1, input });
    }
    frames
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
            bits: 1,
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
        assert_eq!(frame, Frame { layers: vec![2 + 9 + 4 + 4], interval: 20, input: 19 });
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

    #[test]
    fn frames_of_drawn_reads_wait_for_their_noise_alone() {
        let reads = |vectors, words| Reads { vectors, reads: 1, words, conversion: 1 };
        let layers = [reads(1, 2), reads(3, 4)];
        let samples = |first| Samples { first, count: 2, from: 12 };
        let plain = of_analog_frame(&layers, 0);
        assert_eq!(plain.layers, [2 + 4 + 6, 2 + 2 * 4 + 4 + 8]);
        let later = of_drawn_frames(&layers, samples(1));
        assert_eq!(later[0], plain);
        assert_eq!(later[1].layers, [12, 22, 22]);
        assert_eq!((later[1].interval, later[1].input), (12 + 2 * 22 + 1, 12));
        let first = of_drawn_frames(&layers, samples(0));
        assert_eq!(first[1].layers, [12 + 10, 22, 12, 22]);
        assert_eq!((first[1].interval, first[1].input), (22 + 22 + 12 + 22 + 1, 78));
    }

    #[test]
    fn layers_before_the_first_drawn_one_run_once() {
        let layers = [layer(1, 1, 3, 20), layer(1, 4, 8, 1)];
        let samples = |first| Samples { first, count: 3, from: 14 };
        let frames = of_samples(&layers, 4, samples(1));
        let one = &frames[0].layers;
        assert_eq!((frames.len(), frames[2].layers.len()), (3, 1 + 3));
        assert_eq!(frames[2].layers[..2], one[..]);
        assert_eq!((frames[2].layers[2], frames[2].layers[3], frames[2].input), (one[1], one[1], one[0]));
        // Noise is mixed while the first layer runs; without one, the frame waits for it and for the first tile.
        assert_eq!(frames[0], of_frame(&layers, 1, 4));
        let drawn = of_samples(&layers[1..], 4, samples(0));
        assert_eq!(drawn[0].layers, [14 + 8 + 3 * 8 + 4 + 4]);
        assert_eq!(drawn[2].input, drawn[2].layers.iter().sum::<u64>());
    }
}
