//! Chips for a design: the ideal one, one drawn from a seed, one from a file.

use crate::design::{Design, LayerDesign};
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
    if let Some(own) = &chip.thresholds {
        // Sums of analog arrays are signed, and so are the thresholds.
        let half = 1i64 << (design.widths.threshold - 1);
        let fits = |entry: &Vec<i64>| {
            entry.len() == design.lanes && entry.iter().all(|value| (-half..half).contains(value))
        };
        if own.replace != design.thresholds_digest()
            || own.values.len() != design.thresholds.len()
            || !own.values.iter().all(fits)
        {
            return Err(miette::miette!(
                code = "cli::other_thresholds",
                help = "draw the chip again for this model: bincim draw MODEL --arch ARCH --seed N --recalibrate N --data DATA -o CHIP",
                "{} has thresholds that were found for a network with others than this one's",
                path.display()
            ));
        }
    }
    Ok(chip)
}

/// Refuses a design in which sense amplifiers decide a layer: it has no threshold to find anew.
pub fn has_thresholds(design: &Design) -> miette::Result<()> {
    let decides = |layer: &&LayerDesign| layer.readout.as_ref().is_some_and(|readout| readout.decides);
    match design.layers.iter().find(decides) {
        Some(layer) => Err(miette::miette!(
            code = "cli::no_thresholds",
            help = "set readout.kind to \"adc\", or leave --recalibrate out",
            "--recalibrate: sense amplifiers decide layer '{}' in the array, where no threshold is left",
            layer.name.terminal()
        )),
        None => Ok(()),
    }
}

/// Thresholds of the chip that are not the design's.
pub fn moved_thresholds(design: &Design, chip: &Chip) -> usize {
    let own = chip.thresholds.iter().flat_map(|own| own.values.iter().flatten());
    own.zip(design.thresholds.iter().flatten()).filter(|(own, threshold)| **own != threshold.value).count()
}
