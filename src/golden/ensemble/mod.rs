//! Many images through a design whose weights are drawn, once a sample or as often as they are read: the scores of every
//! sample, equal to [`super::machine`].
//!
//! With fresh weights for each image, a word holds one bit of 64 samples, each of an image of its own or not: 512 samples
//! draw their weights, count and compare side by side (`sliced`). Where all images meet the same weights, samples are
//! so many fixed networks for [`super::packed`]; but for cells that several pixels read, which are drawn for each. Layers
//! before the first drawn one run once an image, with [`super::packed`] too.

mod order;
mod plan;
mod sliced;

use rayon::prelude::*;

use super::machine::frame_seed;
use super::packed;
use super::packed::maps::Images;
use crate::design::Design;
use crate::network::Network;
use crate::variation::Chip;
use order::Cells;
use plan::Plan;
use sliced::LANES;

/// How weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawing {
    /// Samples of an image, at least 1.
    pub samples: usize,
    /// Seed of frame 0.
    pub seed: u32,
    /// Every image has the samples of frame 0, instead of those of its own seed ([`frame_seed`]).
    pub same: bool,
    /// Weights are turned round; without, every sample is that of the likelier weights.
    pub flips: bool,
}

/// A design ready to run.
#[derive(Debug)]
pub struct Engine {
    drawing: Drawing,
    first: usize,
    /// Scores of one sample.
    scores: usize,
    /// Elements of an image.
    size: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// One network a sample, or a single one for all.
    Shared(Vec<packed::Engine>),
    Fresh {
        /// The likelier weights, for the layers before the first drawn one.
        before: Box<packed::Engine>,
        plan: Box<Plan>,
    },
}

/// Prepares `design`, whose weights are drawn as they are loaded.
///
/// # Panics
/// Where none is.
pub fn prepare(design: &Design, drawing: Drawing) -> Engine {
    engine(Cells::new(design, None), drawing)
}

/// Prepares `design` for `chip`, whose cells are drawn as they are read. `None` where the layers before the first drawn one
/// are not those of the network on this chip: where a cell of theirs reads as another sign than its weight, or a threshold
/// of theirs was found anew.
///
/// # Panics
/// Where no weight of the design is drawn, or the chip is another design's.
pub fn prepare_chip(design: &Design, chip: &Chip, drawing: Drawing) -> Option<Engine> {
    let cells = Cells::new(design, Some(chip));
    cells.starts_as_the_network().then(|| engine(cells, drawing))
}

fn engine(cells: Cells, drawing: Drawing) -> Engine {
    let (design, ensemble) = (cells.design, cells.ensemble);
    let network = &design.network;
    // What is read once a sample is one network a sample.
    let once = !cells.reads() || design.layers[ensemble.first..].iter().all(|layer| layer.vectors == 1);
    let kind = match drawing {
        Drawing { flips: false, .. } => Kind::Shared(vec![packed::prepare(&cells.mode())]),
        Drawing { same: true, .. } if once => {
            let networks = states(drawing.seed, drawing.samples).map(|state| cells.drawn(state));
            Kind::Shared(networks.map(|network| packed::prepare(&network)).collect())
        }
        _ => Kind::Fresh {
            before: Box::new(packed::prepare(&cells.mode())),
            plan: Box::new(Plan::new(cells)),
        },
    };
    Engine {
        drawing,
        first: ensemble.first,
        scores: network.layers.last().map_or(0, |last| last.output.elements()),
        size: network.input.shape.elements(),
        kind,
    }
}

/// States of the first words of the first `samples` samples of a frame with `seed`.
fn states(seed: u32, samples: usize) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(order::mixed(seed)), |state| Some(order::next_sample(*state))).take(samples)
}

/// The networks of the first `samples` samples of a frame with `seed`, where weights are drawn as they are loaded.
pub fn networks(design: &Design, seed: u32, samples: usize) -> Vec<Network> {
    let cells = Cells::new(design, None);
    states(seed, samples).map(|state| cells.drawn(state)).collect()
}

impl Engine {
    /// Scores of every sample of `pixels`, 8-bit images one after the other in channel, row, column order: image after
    /// image, sample after sample, channel, row, column. `first` images came before these. Runs on the current rayon
    /// pool.
    ///
    /// # Panics
    /// Unless `pixels` holds whole images.
    pub fn samples(&self, first: usize, pixels: &[u8]) -> Vec<i32> {
        self.run(first, Images::Pixels(pixels))
    }

    /// The same of element values.
    pub fn samples_of_elements(&self, first: usize, elements: &[i16]) -> Vec<i32> {
        self.run(first, Images::Elements(elements))
    }

    /// Samples of an image.
    pub fn drawing(&self) -> Drawing {
        self.drawing
    }

    fn run(&self, first: usize, images: Images) -> Vec<i32> {
        assert!(images.len().is_multiple_of(self.size), "whole images of {} elements", self.size);
        let count = images.len() / self.size;
        let samples = self.drawing.samples;
        let most = match &self.kind {
            Kind::Shared(engines) => engines[0].batch(),
            Kind::Fresh { .. } => LANES / samples,
        };
        // Few images are shared out evenly; many go in full lots.
        let lot = count.div_ceil(rayon::current_num_threads()).clamp(1, most);
        let mut scores = vec![0; count * samples * self.scores];
        let lots = scores.par_chunks_mut(lot * samples * self.scores).enumerate();
        lots.for_each(|(index, scores)| {
            let begin = index * lot;
            let end = (begin + lot).min(count);
            let images = images.slice(begin * self.size, end * self.size);
            match &self.kind {
                Kind::Shared(engines) => self.shared(engines, images, scores),
                Kind::Fresh { before, plan } => self.fresh(before, plan, first + begin, images, scores),
            }
        });
        scores
    }

    /// A batch of images through the networks of all samples.
    fn shared(&self, engines: &[packed::Engine], images: Images, scores: &mut [i32]) {
        let mut worker = engines[0].take_worker();
        worker.load_images(&engines[0], images);
        (0..self.first).for_each(|index| worker.run(&engines[0], index));
        for sample in 0..self.drawing.samples {
            // A single network is that of all samples.
            if let Some(engine) = engines.get(sample) {
                (self.first..engine.layers()).for_each(|index| worker.run(engine, index));
            }
            let of_image = scores.chunks_mut(self.scores).skip(sample).step_by(self.drawing.samples);
            of_image
                .zip(worker.scores(&engines[0]).chunks(self.scores))
                .for_each(|(to, from)| to.copy_from_slice(from));
        }
        engines[0].give_back(worker);
    }

    /// A lot of images whose samples fill the lanes. `first` images came before.
    fn fresh(&self, before: &packed::Engine, plan: &Plan, first: usize, images: Images, scores: &mut [i32]) {
        let count = images.len() / self.size;
        let mut worker = before.take_worker();
        let words = plan.elements().div_ceil(64);
        let mut rows = vec![0u64; count * words];
        for (batch, rows) in rows.chunks_mut(before.batch() * words).enumerate() {
            let begin = batch * before.batch();
            let end = (begin + before.batch()).min(count);
            worker.load_images(before, images.slice(begin * self.size, end * self.size));
            (0..self.first).for_each(|index| worker.run(before, index));
            for (image, row) in rows.chunks_mut(words).enumerate() {
                worker.read_bits(before, self.first, image, row);
            }
        }
        before.give_back(worker);
        let states = (0..count).flat_map(|image| {
            let frame = if self.drawing.same { 0 } else { (first + image) as u64 };
            states(frame_seed(self.drawing.seed, frame), self.drawing.samples)
        });
        let states: Vec<u64> = states.collect();
        let rows: Vec<&[u64]> =
            (0..states.len()).map(|lane| &rows[lane / self.drawing.samples * words..][..words]).collect();
        plan.run(&rows, &states, scores);
    }
}
