//! What the golden model makes of the images of a run.

use super::Board;
use crate::cli::infer::Model;
use crate::cli::{chip, progress::Step};
use crate::design::Design;
use crate::golden::ensemble::{self, Drawing};
use crate::golden::{analog, packed};
use crate::variation::Noises;

/// Scores of `pixels`, image after image, in channel, row, column order.
///
/// Errors: a chip in the folder that cannot be read.
pub fn scores(args: &Board, design: &Design, planes: usize, pixels: &[u8]) -> miette::Result<Vec<i32>> {
    let step = Step::start("asking the golden model");
    let limited = design.network.limited(planes);
    let scores = match design.analog {
        None if design.ensemble.is_some() => {
            let engine = ensemble::prepare(design, drawing(args, design));
            summed(design, &engine.samples(0, pixels))
        }
        None => Model::Packed(Box::new(packed::prepare(&limited))).scores(&limited, 0, pixels),
        Some(_) => {
            let chip = chip::read(&args.dir.join(chip::SOURCE), design)?;
            if design.ensemble.is_some() {
                let engine = ensemble::prepare_chip(design, &chip, drawing(args, design));
                return Ok(summed(design, &engine.samples(0, pixels)));
            }
            let plan = analog::Plan::limited(design, planes);
            let gates = plan.gate_noise(args.noise_seed);
            let noises = Noises::of([gates.as_ref().map(|noise| noise as _)]);
            let noise = noises.as_ref().map(|noises| noises as _);
            let set = analog::InstructionSet::best();
            let loaded = Box::new(analog::Loaded::noisy(&plan, &chip, set, noise));
            Model::Analog(design, loaded, planes).scores(&design.network, 0, pixels)
        }
    };
    step.done(&format!("{} scores", scores.len()));
    Ok(scores)
}

/// What is drawn: image `i` is frame `i`.
fn drawing(args: &Board, design: &Design) -> Drawing {
    Drawing { samples: design.samples(), seed: args.noise_seed, same: false, flips: true }
}

/// Sums of the `scores` of all samples.
fn summed(design: &Design, scores: &[i32]) -> Vec<i32> {
    let samples = design.samples();
    let classes = design.output.scores;
    let sum = |image: &[i32], class: usize| image.iter().skip(class).step_by(classes).sum();
    let images = scores.chunks_exact(samples * classes);
    images.flat_map(|image| (0..classes).map(move |class| sum(image, class))).collect()
}
