//! The bit-parallel engine: the scores of a network for whole data sets, equal to [`super::reference`].
//!
//! Every map is packed 32 channels to a word, pixel after pixel; weights are laid out so that one word of
//! a pixel meets the words of 32 output channels at once; pooling, padding and flips cost next to nothing
//! because they are folded into limits and targets beforehand. Batches of images share each load of
//! weights. The fastest instruction set of the processor is chosen when the engine is prepared; all give
//! the same integers. `unsafe` is confined to the kernels and their aligned buffers.

mod kernel;
mod levels;
pub(in crate::golden) mod maps;
mod plan;
mod shortcut;
mod worker;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

pub use kernel::InstructionSet;
pub use worker::Worker;

use crate::network::{Network, Shape};
use maps::{Images, InputMap, PixelTable};
use plan::LayerPlan;

/// Fewest and most images that go through the layers together.
const BATCH: (usize, usize) = (16, 256);

/// Bytes of maps that a batch may fill: a share of a second-level cache.
const BATCH_BYTES: usize = 256 << 10;

/// A network laid out for this processor.
#[derive(Debug)]
pub struct Engine {
    set: InstructionSet,
    shape: Shape,
    /// Scores of one image.
    scores: usize,
    table: PixelTable,
    input: InputMap,
    plans: Vec<LayerPlan>,
    /// Images that go through the layers together.
    batch: usize,
    /// Of each layer, numbers of fixed point that were beyond their bits.
    saturated: Vec<AtomicU64>,
    /// Buffers that no thread is using.
    idle: Mutex<Vec<Worker>>,
}

/// Lays `network` out for the fastest instruction set of this processor.
///
/// The network is sound ([`crate::network::validate`] finds nothing).
pub fn prepare(network: &Network) -> Engine {
    prepare_for(network, InstructionSet::best())
}

/// Lays `network` out for `set`. Panics if this processor has not its instructions.
pub fn prepare_for(network: &Network, set: InstructionSet) -> Engine {
    assert!(set.available(), "{set} on a processor without it");
    let input = InputMap::new(network);
    let plans = plan::plan(network, &input, set);
    let bytes = input.bytes() + plans.iter().map(LayerPlan::bytes).sum::<usize>();
    Engine {
        set,
        shape: network.input.shape,
        scores: network.layers.last().map_or(0, |last| last.output.elements()),
        table: PixelTable::new(&network.input),
        input,
        saturated: plans.iter().map(|_| AtomicU64::new(0)).collect(),
        plans,
        batch: (BATCH_BYTES / bytes.max(1)).clamp(BATCH.0, BATCH.1),
        idle: Mutex::new(Vec::new()),
    }
}

impl Engine {
    /// The instruction set in use.
    pub fn instruction_set(&self) -> InstructionSet {
        self.set
    }

    /// Scores of one image.
    pub fn scores_per_image(&self) -> usize {
        self.scores
    }

    /// Most images that a [`Worker`] takes at once.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Scores of `pixels`: 8-bit images in CHW order, one after the other, looked up in the network's
    /// pixel table. Runs on the current rayon pool, batch by batch.
    ///
    /// Panics unless `pixels` holds whole images.
    pub fn infer(&self, pixels: &[u8]) -> Vec<i32> {
        self.infer_images(Images::Pixels(pixels))
    }

    /// Scores of maps of element values in CHW order, one after the other. Otherwise as [`Engine::infer`].
    pub fn infer_elements(&self, elements: &[i16]) -> Vec<i32> {
        self.infer_images(Images::Elements(elements))
    }

    /// Of each layer, how many of its states in all images so far were beyond their bits, and were held to them.
    pub fn saturated(&self) -> Vec<u64> {
        self.saturated.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Buffers to run single layers with.
    pub fn worker(&self) -> Worker {
        Worker::new(self)
    }

    fn infer_images(&self, images: Images) -> Vec<i32> {
        let size = self.shape.elements();
        assert!(images.len().is_multiple_of(size), "whole images of {size} elements");
        let count = images.len() / size;
        // Few images are shared out evenly; many go in full batches.
        let batch = count.div_ceil(rayon::current_num_threads()).clamp(1, self.batch);
        let mut scores = vec![0; count * self.scores];
        let batches = scores.par_chunks_mut(batch * self.scores).enumerate();
        batches.for_each(|(index, scores)| {
            let first = index * batch;
            let last = first + scores.len() / self.scores;
            let mut worker = self.take_worker();
            scores.copy_from_slice(worker.infer(self, images.slice(first * size, last * size)));
            for (all, own) in self.saturated.iter().zip(&mut worker.saturated) {
                all.fetch_add(std::mem::take(own), Ordering::Relaxed);
            }
            self.give_back(worker);
        });
        scores
    }

    /// Layers of the network.
    pub(in crate::golden) fn layers(&self) -> usize {
        self.plans.len()
    }

    /// Buffers that no thread is using.
    pub(in crate::golden) fn take_worker(&self) -> Worker {
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| self.worker())
    }

    /// Takes buffers back for the next one who needs some.
    pub(in crate::golden) fn give_back(&self, worker: Worker) {
        self.idle().push(worker);
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        // A panic elsewhere cannot leave a list of buffers half changed.
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::reference;
    use crate::network::random::{self, Limits};
    use crate::network::{Layer, PadValue, Pool, Slicing, validate};

    /// Every instruction set of this processor against the definition, on networks of all features.
    fn equals_reference(seeds: std::ops::Range<u64>, limits: &Limits, images: usize) {
        for seed in seeds {
            let network = random::network(seed, limits);
            assert_eq!(validate(&network), [], "seed {seed}");
            let elements = random::elements(&network, seed, images);
            let size = network.input.shape.elements();
            let expected: Vec<i32> =
                elements.chunks(size).flat_map(|image| reference::run(&network, image).scores).collect();
            for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
                let engine = prepare_for(&network, set);
                assert_eq!(engine.infer_elements(&elements), expected, "seed {seed}, {set}");
            }
            for planes in 1..network.most_planes() {
                let fewer = network.limited(planes);
                let expected: Vec<i32> =
                    elements.chunks(size).flat_map(|image| reference::run(&fewer, image).scores).collect();
                let engine = prepare(&fewer);
                assert_eq!(engine.infer_elements(&elements), expected, "seed {seed}, {planes} planes");
            }
        }
    }

    #[test]
    fn random_networks_equal_the_reference() {
        equals_reference(0..300, &Limits::default(), 3);
    }

    #[test]
    fn batches_that_are_not_full_equal_the_reference() {
        let limits = Limits {
            layers: 3,
            channels: 40,
            side: 6,
            kernel: 3,
            input_bits: 8,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        equals_reference(1000..1100, &limits, 2 * BATCH.0 + 5);
    }

    #[test]
    fn sums_longer_than_a_byte_equal_the_reference() {
        let limits = Limits {
            layers: 2,
            channels: 1100,
            side: 2,
            kernel: 2,
            input_bits: 4,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        equals_reference(2000..2030, &limits, 2);
    }

    #[test]
    fn networks_with_planes_equal_the_reference() {
        let limits = Limits { planes: 4, ..Limits::default() };
        equals_reference(3000..3200, &limits, 3);
        let limits = Limits {
            layers: 2,
            channels: 1100,
            side: 2,
            kernel: 2,
            input_bits: 4,
            planes: 3,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        equals_reference(4000..4010, &limits, 2);
    }

    #[test]
    fn networks_with_levels_equal_the_reference() {
        let limits = Limits { steps: 15, ..Limits::default() };
        equals_reference(8000..8200, &limits, 3);
        equals_reference(8200..8300, &Limits { planes: 4, shortcuts: true, ..limits.clone() }, 3);
        equals_reference(8300..8350, &Limits { channels: 40, side: 6, ..limits.clone() }, 2 * BATCH.0 + 5);
        let wide = Limits { layers: 3, channels: 1100, side: 2, kernel: 2, input_bits: 4, ..limits };
        equals_reference(8400..8410, &wide, 2);
    }

    /// Levels of every number of steps, behind every kind of pooling, before every kind of padding.
    #[test]
    fn levels_of_all_kinds_are_met() {
        let limits = Limits { steps: 15, ..Limits::default() };
        let networks: Vec<Network> = (8000..8200).map(|seed| random::network(seed, &limits)).collect();
        let pairs = || networks.iter().flat_map(|network| network.layers.windows(2));
        let leveled = || pairs().filter(|pair| pair[0].steps() > 1);
        for value in [PadValue::Zero, PadValue::Plus, PadValue::Minus] {
            let padded = |pair: &[Layer]| !pair[1].padding.is_none() && pair[1].padding.value == value;
            assert!(leveled().any(padded), "{value:?}");
        }
        for (before_sign, overlaps) in [(false, false), (false, true), (true, false), (true, true)] {
            let pooled = |pair: &[Layer]| {
                let of =
                    |pool: Pool| pool.before_sign == before_sign && overlaps == (pool.stride < pool.kernel);
                pair[0].pool.is_some_and(of)
            };
            assert!(leveled().any(pooled), "{before_sign} {overlaps}");
        }
        assert!(leveled().any(|pair| pair[0].sum_pixels) && leveled().any(|pair| pair[1].sum_pixels));
    }

    #[test]
    fn networks_with_shortcuts_equal_the_reference() {
        let limits = Limits { shortcuts: true, ..Limits::default() };
        equals_reference(6000..6200, &limits, 3);
        equals_reference(7000..7100, &Limits { planes: 3, ..limits.clone() }, 2 * BATCH.0 + 5);
    }

    #[test]
    fn networks_with_states_equal_the_reference() {
        let limits = Limits { shortcuts: true, states: true, ..Limits::default() };
        equals_reference(9000..9100, &limits, 3);
        equals_reference(9100..9140, &Limits { planes: 3, ..limits.clone() }, 2 * BATCH.0 + 5);
        equals_reference(9140..9240, &Limits { steps: 255, ..limits }, BATCH.0 + 3);
    }

    #[test]
    fn networks_with_branches_equal_the_reference() {
        let limits = Limits { shortcuts: true, states: true, branches: true, ..Limits::default() };
        equals_reference(9300..9340, &Limits { steps: 255, ..limits.clone() }, BATCH.0 + 3);
        let few = Limits { steps: 15, channels: 12, side: 7, kernel: 3, ..limits };
        equals_reference(9400..9600, &few, 3);
    }

    #[test]
    fn states_beyond_their_bits_are_counted() {
        let limits = Limits { shortcuts: true, states: true, ..Limits::default() };
        let mut seen = 0;
        for seed in 9000..9020 {
            let network = random::network(seed, &limits);
            let elements = random::elements(&network, seed, 5);
            let engine = prepare(&network);
            engine.infer_elements(&elements);
            // Those that more bits would hold otherwise: of the layers up to the first one that holds some back.
            let mut wide = network.clone();
            let Some(index) = engine.saturated().iter().position(|&count| count > 0) else { continue };
            wide.layers[index].requant.iter_mut().for_each(|requant| requant.bits = 24);
            let size = network.input.shape.elements();
            let differ = |image: &[i16]| {
                let (one, other) = (reference::run(&network, image), reference::run(&wide, image));
                let pairs = one.layers[index].accumulators.iter().zip(&other.layers[index].accumulators);
                pairs.filter(|(one, other)| one != other).count() as u64
            };
            let expected: u64 = elements.chunks(size).map(differ).sum();
            assert_eq!(engine.saturated()[index], expected, "seed {seed}");
            seen += 1;
        }
        assert!(seen > 5, "{seen}");
    }

    #[test]
    fn networks_with_slices_equal_the_reference() {
        for seed in 5000..5100 {
            let network = random::network(seed, &Limits { planes: 5, ..Limits::default() });
            let slicing = if seed % 2 == 0 { Slicing::Balanced } else { Slicing::Offset };
            let sliced = network.sliced(2 + seed as usize % 3, slicing);
            let elements = random::elements(&network, seed, 3);
            let size = network.input.shape.elements();
            for planes in 1..=sliced.most_planes() {
                let fewer = sliced.limited(planes);
                let expected: Vec<i32> =
                    elements.chunks(size).flat_map(|image| reference::run(&fewer, image).scores).collect();
                assert_eq!(
                    prepare(&fewer).infer_elements(&elements),
                    expected,
                    "seed {seed}, {planes} planes"
                );
            }
        }
    }

    #[test]
    fn pixels_go_through_the_table() {
        for seed in 0..100 {
            let network = random::network(seed, &Limits { layers: 2, ..Limits::default() });
            let size = network.input.shape.elements();
            let pixels: Vec<u8> = (0..3 * size).map(|i| (i * 37 + i / 7) as u8).collect();
            let elements: Vec<i16> =
                pixels.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
            let engine = prepare(&network);
            assert_eq!(engine.infer(&pixels), engine.infer_elements(&elements), "seed {seed}");
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let network = random::network(7, &Limits::default());
        let elements = random::elements(&network, 7, 3 * BATCH.1 + 1);
        let engine = prepare(&network);
        let expected = engine.infer_elements(&elements);
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            assert_eq!(pool.install(|| engine.infer_elements(&elements)), expected);
        }
    }
}
