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

use super::machine::{self, Sampling, frame_seed};
use super::packed;
use super::packed::maps::Images;
use crate::design::Design;
use crate::network::{Input, Network};
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
pub struct Engine<'a> {
    drawing: Drawing,
    first: usize,
    /// Scores of one sample.
    scores: usize,
    input: Input,
    kind: Kind<'a>,
}

#[derive(Debug)]
enum Kind<'a> {
    /// One network a sample, or a single one for all.
    Shared(Vec<packed::Engine>),
    Fresh {
        /// The likelier weights, for the layers before the first drawn one.
        before: Box<packed::Engine>,
        plan: Box<Plan>,
    },
    /// Read by read, an image after the other.
    Machine(&'a Design, &'a Chip),
}

/// Prepares `design`, whose weights are drawn as they are loaded.
///
/// # Panics
/// Where none is.
pub fn prepare(design: &Design, drawing: Drawing) -> Engine<'static> {
    engine(Cells::new(design, None), drawing)
}

/// Prepares `design` for `chip`, whose cells are drawn as they are read. Where the layers before the first drawn one are not
/// those of the network on this chip, the machine itself runs ([`Engine::one_by_one`]): where a cell of theirs reads as
/// another sign than its weight, or a threshold of theirs was found anew.
///
/// # Panics
/// Where no weight of the design is drawn, or the chip is another design's.
pub fn prepare_chip<'a>(design: &'a Design, chip: &'a Chip, drawing: Drawing) -> Engine<'a> {
    let cells = Cells::new(design, Some(chip));
    if cells.starts_as_the_network() {
        return engine(cells, drawing);
    }
    with(cells, drawing, Kind::Machine(design, chip))
}

fn engine(cells: Cells, drawing: Drawing) -> Engine<'static> {
    let (design, ensemble) = (cells.design, cells.ensemble);
    // What is read once a sample is one network a sample.
    let once = !cells.reads() || design.layers[ensemble.first..].iter().all(|layer| layer.vectors == 1);
    let kind = match drawing {
        Drawing { flips: false, .. } => Kind::Shared(vec![packed::prepare(&cells.mode())]),
        Drawing { same: true, .. } if once => {
            let networks = states(drawing.seed, drawing.samples).map(|state| cells.drawn(state));
            Kind::Shared(networks.map(|network| packed::prepare(&network)).collect())
        }
        _ => {
            Kind::Fresh { before: Box::new(packed::prepare(&cells.mode())), plan: Box::new(Plan::new(cells)) }
        }
    };
    with(cells, drawing, kind)
}

fn with<'a>(cells: Cells, drawing: Drawing, kind: Kind<'a>) -> Engine<'a> {
    let network = &cells.design.network;
    Engine {
        drawing,
        first: cells.ensemble.first,
        scores: network.layers.last().map_or(0, |last| last.output.elements()),
        input: network.input.clone(),
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

impl Engine<'_> {
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

    /// The machine runs, an image after the other.
    pub fn one_by_one(&self) -> bool {
        matches!(self.kind, Kind::Machine(..))
    }

    fn run(&self, first: usize, images: Images) -> Vec<i32> {
        let size = self.input.shape.elements();
        assert!(images.len().is_multiple_of(size), "whole images of {size} elements");
        let count = images.len() / size;
        let samples = self.drawing.samples;
        let most = match &self.kind {
            Kind::Shared(engines) => engines[0].batch(),
            Kind::Fresh { .. } => LANES / samples,
            Kind::Machine(..) => 1,
        };
        // Few images are shared out evenly; many go in full lots.
        let lot = count.div_ceil(rayon::current_num_threads()).clamp(1, most);
        let mut scores = vec![0; count * samples * self.scores];
        let lots = scores.par_chunks_mut(lot * samples * self.scores).enumerate();
        lots.for_each(|(index, scores)| {
            let begin = index * lot;
            let end = (begin + lot).min(count);
            let images = images.slice(begin * size, end * size);
            match &self.kind {
                Kind::Shared(engines) => self.shared(engines, images, scores),
                Kind::Fresh { before, plan } => self.fresh(before, plan, first + begin, images, scores),
                Kind::Machine(design, chip) => self.alone(design, chip, first + begin, images, scores),
            }
        });
        scores
    }

    /// The seed of a frame.
    fn seed(&self, frame: usize) -> u32 {
        frame_seed(self.drawing.seed, if self.drawing.same { 0 } else { frame as u64 })
    }

    /// One image through the machine.
    fn alone(&self, design: &Design, chip: &Chip, frame: usize, image: Images, scores: &mut [i32]) {
        let elements = match image {
            Images::Pixels(pixels) => self.input.elements(pixels),
            Images::Elements(elements) => elements.to_vec(),
        };
        let Drawing { samples, flips, .. } = self.drawing;
        let sampling = Sampling { samples, seed: self.seed(frame), flips };
        let each = machine::score_samples(design, Some(chip), &elements, sampling);
        for (to, sample) in scores.chunks_mut(self.scores).zip(each) {
            let sample: Vec<i32> = sample.into_iter().map(|score| score as i32).collect();
            to.copy_from_slice(&design.in_channel_order(&sample));
        }
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
        let size = self.input.shape.elements();
        let count = images.len() / size;
        let mut worker = before.take_worker();
        let words = plan.elements().div_ceil(64);
        let mut rows = vec![0u64; count * words];
        for (batch, rows) in rows.chunks_mut(before.batch() * words).enumerate() {
            let begin = batch * before.batch();
            let end = (begin + before.batch()).min(count);
            worker.load_images(before, images.slice(begin * size, end * size));
            (0..self.first).for_each(|index| worker.run(before, index));
            for (image, row) in rows.chunks_mut(words).enumerate() {
                worker.read_bits(before, self.first, image, row);
            }
        }
        before.give_back(worker);
        let states = (0..count).flat_map(|image| states(self.seed(first + image), self.drawing.samples));
        let states: Vec<u64> = states.collect();
        let rows: Vec<&[u64]> =
            (0..states.len()).map(|lane| &rows[lane / self.drawing.samples * words..][..words]).collect();
        plan.run(&rows, &states, scores);
    }
}
