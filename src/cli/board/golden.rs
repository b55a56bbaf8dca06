//! What the golden model makes of the images of a run.

use super::Board;
use crate::cli::infer::Model;
use crate::cli::{chip, progress::Step};
use crate::design::Design;
use crate::golden::{analog, machine, packed};
use crate::variation::Noises;

/// Scores of `pixels`, image after image, in channel, row, column order.
///
/// Errors: a chip in the folder that cannot be read.
pub fn scores(args: &Board, design: &Design, planes: usize, pixels: &[u8]) -> miette::Result<Vec<i32>> {
    let step = Step::start("asking the golden model");
    let limited = design.network.limited(planes);
    let scores = match design.analog {
        None if design.ensemble.is_some() => samples(args, design, pixels),
        None => Model::Packed(Box::new(packed::prepare(&limited))).scores(&limited, 0, pixels),
        Some(_) => {
            let chip = chip::read(&args.dir.join(chip::SOURCE), design)?;
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

/// Sums of the scores of all samples; image `i` is frame `i`.
fn samples(args: &Board, design: &Design, pixels: &[u8]) -> Vec<i32> {
    let images = pixels.chunks_exact(design.network.input.shape.elements());
    let of_image = |(index, pixels): (usize, &[u8])| {
        let seed = machine::frame_seed(args.noise_seed, index as u64);
        machine::run(design, None, &design.network.input.elements(pixels), seed).scores
    };
    let streamed: Vec<i32> = images.enumerate().flat_map(of_image).map(|score| score as i32).collect();
    design.in_channel_order(&streamed)
}
