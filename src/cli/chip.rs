//! Chips for a design: the ideal one, one drawn from a seed, one from a file.

use crate::design::Design;
use crate::device::{self, Physics};
use crate::variation::{self, Chip};
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;

/// The chip that a design was generated with, in its folder.
pub const SOURCE: &str = "source/chip.bin";

/// The chip without any error; `None` with the popcount readout.
pub fn ideal(design: &Design) -> Option<Chip> {
    Some(drawn(design, &Physics::default(), 0)?.0)
}

/// A chip of `physics`, held to the design's widths, and the number of cells that were beyond them; `None` with
/// the popcount readout.
pub fn drawn(design: &Design, physics: &Physics, seed: u64) -> Option<(Chip, usize)> {
    let analog = design.analog.as_ref()?;
    let mut chip = device::chip(physics, seed, analog.fraction_bits, &design.sites());
    let beyond = chip.saturate(analog.cell_width, analog.voltage_width);
    Some((chip, beyond))
}

/// Sets the read noise of `physics` to 0 where it is to be left out. Returns what was left out, counts.
pub fn leave_out_read_noise(physics: &mut Physics, out: bool) -> f64 {
    if out { std::mem::take(&mut physics.read_noise) } else { 0.0 }
}

/// The chip at `path`, which must have been drawn for `design`.
pub fn read(path: &Path, design: &Design) -> miette::Result<Chip> {
    let bytes =
        std::fs::read(path).into_diagnostic().wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let chip = Chip::read_from(&bytes).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    let Some(analog) = &design.analog else {
        return Err(miette::miette!(
            code = "cli::no_chip_needed",
            help = "set readout.kind to \"adc\" or \"sense\" in the architecture file",
            "{}: a machine with the popcount readout is the same on every chip",
            path.display()
        ));
    };
    if chip.subject != variation::subject(&design.sites()) || chip.fraction_bits != analog.fraction_bits {
        return Err(miette::miette!(
            code = "cli::other_chip",
            help = "draw one for this model and architecture: bincim draw MODEL --arch ARCH --seed N -o CHIP",
            "{} was drawn for another network or machine",
            path.display()
        ));
    }
    Ok(chip)
}
