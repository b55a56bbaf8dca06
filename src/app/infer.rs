//! Runs images on the golden model that a request calls for, and adds up what samples gave.

use super::samples::Samples;
use super::{Watch, chip};
use crate::design::Design;
use crate::device::ColumnNoise;
use crate::golden::{analog, ensemble, machine, packed};
use crate::network::Network;
use crate::variation::{Chip, Correction, Noises};
use rayon::prelude::*;

/// Which golden model runs.
pub enum Model<'a> {
    /// Bit-parallel over the network.
    Packed(Box<packed::Engine>),
    /// Tile by tile over the design.
    Machine(&'a Design, usize),
    /// Many images at a time over the design's arrays with a chip in them.
    Analog(&'a Design, Box<analog::Loaded<'a>>, usize),
    /// Many images at a time over a design whose weights are drawn.
    Drawn(&'a Design, Box<ensemble::Engine<'a>>, Option<&'a Correction>),
}

impl Model<'_> {
    /// What runs, for people.
    pub fn name(&self) -> String {
        let (design, planes) = match self {
            Model::Packed(engine) => return engine.instruction_set().to_string(),
            Model::Machine(design, planes) => (design, *planes),
            Model::Analog(design, _, planes) => (design, *planes),
            Model::Drawn(design, engine, _) => return drawn(design, engine),
        };
        let cycles: u64 = design.frame_of(planes).layers.iter().sum();
        format!("machine of {} x {}, {cycles} cycles a frame", design.rows, design.lanes)
    }

    /// Samples of an image.
    pub fn samples(&self) -> usize {
        match self {
            Model::Drawn(_, engine, _) => engine.drawing().samples,
            _ => 1,
        }
    }

    /// What becomes of the sums of the samples' scores, where that is not they themselves.
    pub fn correction(&self) -> Option<&Correction> {
        if let Model::Drawn(_, _, correction) = self { *correction } else { None }
    }

    /// Scores of all `images`, image after image, sample after sample, in channel, row, column order; one-bit scores are -1
    /// or +1. `first` images came before these.
    pub fn scores(&self, network: &Network, first: usize, images: &[u8]) -> Vec<i32> {
        let values = || network.input.elements(images);
        match self {
            Model::Packed(engine) => engine.infer(images),
            Model::Drawn(_, engine, _) => engine.samples(first, images),
            Model::Machine(design, planes) => {
                let values = values();
                let images = values.par_chunks(network.input.shape.elements());
                let scores = images.flat_map_iter(|image| {
                    let scores = machine::run_planes(design, None, *planes, image, 0).scores;
                    scores.into_iter().map(|score| score as i32)
                });
                design.in_channel_order(&scores.collect::<Vec<i32>>())
            }
            Model::Analog(design, loaded, _) => {
                let values = values();
                let count = values.len() / network.input.shape.elements();
                let mut scores = vec![0; count * design.output.scores];
                loaded.scores_parallel_from(first, &values, &mut scores);
                design.in_channel_order(&scores)
            }
        }
    }
}

/// How weights are drawn, and on what.
fn drawn(design: &Design, engine: &ensemble::Engine) -> String {
    let drawing = engine.drawing();
    let kind = if drawing.same { "samples, the same for all images" } else { "fresh samples an image" };
    let read = if design.arch.readout.is_sample() { ", drawn anew in every read" } else { "" };
    let alone = if engine.one_by_one() { ", an image after the other" } else { "" };
    format!("{} {kind}{read}{alone}, machine of {} x {}", drawing.samples, design.rows, design.lanes)
}

/// How images are run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked {
    /// Most planes of weights in each layer; all if not given.
    pub planes: Option<usize>,
    pub samples: Samples,
    /// Seed of weights that are drawn and of the noise in gates; 1 if not given.
    pub noise_seed: Option<u32>,
    /// The noise that every read of a given chip adds stays away.
    pub without_read_noise: bool,
    /// A chip's correction of its scores stays away.
    pub without_correction: bool,
    /// The design is of an architecture file, whose machine runs so many samples and no more.
    pub of_file: bool,
}

/// Why nothing can run as asked for.
#[derive(Debug)]
pub enum Refusal {
    /// More planes than the layers have.
    Planes {
        asked: usize,
        most: usize,
    },
    Other(miette::Report),
}

impl From<miette::Report> for Refusal {
    fn from(report: miette::Report) -> Refusal {
        Refusal::Other(report)
    }
}

/// Everything that a [`Model`] takes from outside.
pub struct Bench<'a> {
    design: Option<&'a Design>,
    /// The one that was given, or the ideal one of an analog design.
    chip: Option<Chip>,
    plan: Option<analog::Plan>,
    column: Option<ColumnNoise>,
    /// The network with the planes that run.
    limited: Network,
    planes: usize,
    asked: Asked,
}

impl<'a> Bench<'a> {
    /// What runs `network`: itself, or the machine of `design` with `chip`, without one the ideal chip.
    pub fn new(
        network: &Network,
        design: Option<&'a Design>,
        given: Option<&Chip>,
        asked: Asked,
    ) -> Result<Bench<'a>, Refusal> {
        let most = design.map_or(network, |design| &design.network).most_planes();
        let planes = match asked.planes {
            None => most,
            Some(planes) if (1..=most).contains(&planes) => planes,
            Some(asked) => return Err(Refusal::Planes { asked, most }),
        };
        let chip = given.cloned().or_else(|| chip::ideal(design?));
        let converts = |design: &&Design| design.analog.as_ref().is_some_and(|analog| !analog.draws);
        let plan = design.filter(converts).map(|design| analog::Plan::limited(design, planes));
        let column = match (design, given) {
            (Some(design), Some(chip)) if !asked.without_read_noise => column_noise(design, chip),
            _ => None,
        };
        Ok(Bench { design, chip, plan, column, limited: network.limited(planes), planes, asked })
    }

    /// Hands `act` the model, and the network that its scores are of: a machine's may have a unit of their own.
    ///
    /// Errors: more samples than the machine runs.
    pub fn with<R>(&self, act: impl FnOnce(&Model, &Network) -> R) -> miette::Result<R> {
        let seed = self.asked.noise_seed.unwrap_or(1);
        let gates = self.plan.as_ref().and_then(|plan| plan.gate_noise(seed));
        let noises = Noises::of([self.column.as_ref().map(|n| n as _), gates.as_ref().map(|n| n as _)]);
        let noise = noises.as_ref().map(|noises| noises as _);
        let drawing = |design| self.asked.samples.drawing(design, seed, self.asked.of_file);
        let drawn = self.limited.first_drawn().is_some();
        let model = match (self.design, &self.plan, &self.chip) {
            (Some(design), Some(plan), Some(chip)) => {
                let set = analog::InstructionSet::best();
                Model::Analog(design, Box::new(analog::Loaded::noisy(plan, chip, set, noise)), self.planes)
            }
            (Some(design), _, Some(chip)) => {
                let correction = chip.correction.as_ref().filter(|_| !self.asked.without_correction);
                let engine = ensemble::prepare_chip(design, chip, drawing(design)?);
                Model::Drawn(design, Box::new(engine), correction)
            }
            (Some(design), ..) if drawn => {
                Model::Drawn(design, Box::new(ensemble::prepare(design, drawing(design)?)), None)
            }
            (Some(design), ..) => Model::Machine(design, self.planes),
            (None, ..) => Model::Packed(Box::new(packed::prepare(&self.limited))),
        };
        Ok(act(&model, self.design.map_or(&self.limited, |design| &design.network)))
    }
}

/// Read noise of the architecture's physics, keyed by the chip's seed: the same that `bincim vary` has for this chip.
fn column_noise(design: &Design, chip: &Chip) -> Option<ColumnNoise> {
    let sigma = design.arch.variation.read_noise;
    (sigma > 0.0).then(|| ColumnNoise::new(sigma, chip.fraction_bits, chip.seed))
}

/// Sums over the samples of one image, whose scores are `each`, sample after sample, with the chip's correction.
pub fn summed(model: &Model, each: &[i32], classes: usize) -> Vec<i32> {
    let mut scores: Vec<i32> =
        (0..classes).map(|class| each[class..].iter().step_by(classes).sum()).collect();
    if let Some(correction) = model.correction() {
        correction.apply(&mut scores, each.len() / classes);
    }
    scores
}

/// Images between two steps of what is told; whole words of them.
const STEP: usize = 512;

/// Hands `act` the scores of `images`, a part of them after the other: with the number of the part's first image, and its
/// images. The scores of each image stand sample after sample, those of a sample in channel, row, column order.
///
/// Errors: those of `act`, and of whoever looks on.
pub fn in_steps(
    (model, network): (&Model, &Network),
    images: &[u8],
    watch: &dyn Watch,
    mut act: impl FnMut(usize, &[u8], Vec<i32>) -> miette::Result<()>,
) -> miette::Result<()> {
    let size = network.input.shape.elements();
    let count = images.len() / size;
    let mut bar = watch.step(&format!("classifying {count} images"), "images", count, 0);
    for (step, part) in images.chunks(STEP * size).enumerate() {
        let first = step * STEP;
        act(first, part, model.scores(network, first, part))?;
        bar.at(first + part.len() / size)?;
    }
    Ok(())
}
