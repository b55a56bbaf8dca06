//! One chip of a machine's physics.

use super::chip;
use crate::design::Design;
use crate::escape;
use crate::montecarlo::{correct, recalibrate};
use crate::variation::Chip;
use std::path::Path;

/// Which chip.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The same seed gives the same bytes.
    pub seed: u64,
    /// Seconds since the devices were written, in place of variation.drift.time.
    pub time: Option<f64>,
    /// References follow the drift, as variation.drift.compensate says too.
    pub compensate: bool,
    /// Read noise stays out of the physics on record.
    pub without_read_noise: bool,
}

/// A chip, and what is told of it.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The design, with the physics that the chip was drawn by.
    pub design: Design,
    pub chip: Chip,
    /// Cell values that were held to readout.cell_bits.
    pub beyond: usize,
    /// Read noise that was left out, counts.
    pub left_out: f64,
    /// Thresholds that are not the design's.
    pub moved: usize,
}

/// What of a chip is fitted to images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Thresholds, so that every channel fires as often as on the chip without errors.
    Thresholds,
    /// A line for each class's scores, where cells are drawn as they are read.
    Scores,
}

impl Fit {
    /// The option that asks for it.
    pub fn option(self) -> &'static str {
        match self {
            Fit::Thresholds => "--recalibrate",
            Fit::Scores => "--correct",
        }
    }
}

/// Draws a chip of `design`, whose architecture file is at `arch`.
///
/// Errors: physics that cannot be, and a machine without analog arrays.
pub fn draw(mut design: Design, arch: &Path, options: Options) -> miette::Result<Drawn> {
    let physics = &mut design.arch.variation;
    physics.drift.time = options.time.unwrap_or(physics.drift.time);
    physics.drift.compensate |= options.compensate;
    let problems = crate::arch::validate(&design.arch);
    if !problems.is_empty() {
        return Err(crate::cost::ChoiceError::Arch(problems).into());
    }
    let physics = &mut design.arch.variation;
    let left_out = chip::leave_out_read_noise(physics, options.without_read_noise);
    match chip::drawn(&design, &design.arch.variation, options.seed) {
        Some((chip, beyond)) => Ok(Drawn { design, chip, beyond, left_out, moved: 0 }),
        None => Err(miette::miette!(
            code = "draw::no_analog",
            help = "set readout.kind to \"adc\" or \"sense\" in the architecture file",
            "{}: with the popcount readout every chip is the same",
            escape::path(arch)
        )),
    }
}

impl Drawn {
    /// Refuses a fit for which the machine is not made.
    pub fn can_be_fitted(&self, fit: Fit) -> miette::Result<()> {
        match fit {
            Fit::Thresholds => {
                chip::converts(&self.design, fit.option())?;
                chip::has_thresholds(&self.design)
            }
            Fit::Scores => chip::draws(&self.design, fit.option()),
        }
    }

    /// Fits the chip to `images`: element values (channel, row, column), image after image.
    ///
    /// Errors: a machine that is not made for it.
    pub fn fit(&mut self, fit: Fit, images: &[i16]) -> miette::Result<()> {
        self.can_be_fitted(fit)?;
        let (design, drawn) = (&self.design, &mut self.chip);
        let Some(ideal) = chip::ideal(design) else { return Ok(()) };
        match fit {
            Fit::Thresholds => {
                recalibrate(design, &ideal, drawn, design.arch.variation.read_noise, images);
                self.moved = chip::moved_thresholds(design, drawn);
            }
            Fit::Scores => correct(design, &ideal, drawn, images),
        }
        Ok(())
    }
}
