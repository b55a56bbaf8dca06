//! Chips for a design: the ideal one, one drawn from a seed, one from a file.

use crate::arch::Sharing;
use crate::bounded;
use crate::design::{Design, LayerDesign};
use crate::device::{self, Physics};
use crate::escape;
use crate::variation::{Chip, Site};
use miette::{IntoDiagnostic, WrapErr};
use std::path::Path;

/// The chip that a design was generated with, in its folder.
pub const SOURCE: &str = "source/chip.bin";

/// The chip without any error; `None` with the popcount readout.
pub fn ideal(design: &Design) -> Option<Chip> {
    Some(drawn(design, &design.arch.without_errors(), 0)?.0)
}

/// A chip of `physics`, held to the design's widths, and the number of cells that were beyond them; `None` with
/// the popcount readout.
pub fn drawn(design: &Design, physics: &Physics, seed: u64) -> Option<(Chip, usize)> {
    let analog = design.analog.as_ref()?;
    let mut chip = device::chip(physics, seed, analog.fraction_bits, &design.sites());
    let beyond = chip.saturate(analog.widths());
    Some((chip, beyond))
}

/// Sets the read noise of `physics` to 0 where it is to be left out. Returns what was left out, counts.
pub fn leave_out_read_noise(physics: &mut Physics, out: bool) -> f64 {
    if out { std::mem::take(&mut physics.read_noise) } else { 0.0 }
}

/// Bytes that no chip file of `design` exceeds: its integers, and room for its head and the physics in it.
fn most_bytes(design: &Design) -> usize {
    let edges = design.analog.as_ref().map_or(0, |analog| analog.edges);
    let array = |site: &Site| 4 * site.rows * site.columns + 4 * site.columns * (edges + 1) + 128;
    let thresholds = 8 * design.thresholds.len() * design.lanes;
    design.sites().iter().map(array).sum::<usize>() + thresholds + (1 << 20)
}

/// The chip at `path`, which must have been drawn for `design`.
pub fn read(path: &Path, design: &Design) -> miette::Result<Chip> {
    if design.analog.is_none() {
        return Err(miette::miette!(
            code = "cli::no_chip_needed",
            help = "set readout.kind to \"adc\" or \"sense\" in the architecture file",
            "{}: a machine with the popcount readout is the same on every chip",
            escape::path(path)
        ));
    }
    let bytes = bounded::bytes(path, most_bytes(design))
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read {}", escape::path(path)))?;
    let chip =
        Chip::read_from(&bytes).map_err(|error| miette::Report::new(error).wrap_err(escape::path(path)))?;
    fits(&chip, design, &escape::path(path))?;
    Ok(chip)
}

/// Refuses a chip, which is called `name`, that was drawn for another design.
pub fn fits(chip: &Chip, design: &Design, name: &str) -> miette::Result<()> {
    let misfits: Vec<String> = design.misfits(chip).iter().map(|misfit| format!("  {misfit}")).collect();
    if misfits.is_empty() {
        return Ok(());
    }
    Err(miette::miette!(
        code = "cli::other_chip",
        help = "draw one for this model and architecture: bincim draw MODEL --arch ARCH --seed N -o CHIP \
                (with --recalibrate N --data DATA for thresholds of its own)",
        "{name} is no chip of this network and machine:\n{}",
        misfits.join("\n")
    ))
}

/// What is taken to be so of a chip whose cells are drawn as they are read; nothing of other machines.
pub fn assumptions(design: &Design) -> Vec<String> {
    let mut found = Vec::new();
    if !design.analog.as_ref().is_some_and(|analog| analog.draws) {
        return found;
    }
    let draws = &design.arch.variation.draws;
    found.extend([
        "sampling = \"read\": every read draws every cell anew, also those of the next pixel; reads are white, where devices \
         have 1/f noise (aihwkit draws it once)",
        match design.arch.ensemble.noise {
            Sharing::Crossed => {
                "the number of a cell is that of its row XOR that of its column: independent within a column, pairwise everywhere"
            }
            Sharing::Rows => "the cells of a row are drawn with one number in all columns (ensemble.noise = \"rows\")",
            Sharing::Columns => {
                "the cells of a column are drawn with one number in all rows that are read at once (ensemble.noise = \
                 \"columns\")"
            }
        },
        "layers without flip codes, and those before the first one with them, are read as the signs of their cells",
    ]
    .map(String::from));
    found.push(match draws.noise > 0.0 {
        true => format!(
            "a noise pair gives {} Gmax in a read (variation.draws.noise); programming errors, exponents of drift and what \
             noise pairs differ by ({} Gmax) are drawn once a chip, read noise of the weights' devices ({} times aihwkit's) \
             with every read",
            draws.noise, draws.mismatch, draws.read_noise
        ),
        false => "variation.draws.noise = 0: cells follow their codes, and no device errs".into(),
    });
    found
}

/// Refuses a design whose cells are drawn as they are read, for `what`.
pub fn converts(design: &Design, what: &str) -> miette::Result<()> {
    if design.analog.as_ref().is_none_or(|analog| !analog.draws) {
        return Ok(());
    }
    Err(miette::miette!(
        code = "cli::drawn_cells",
        help = "leave {what} out; --correct N brings the scores of each chip to those of the chip without errors",
        "{what}: bits and sums of cells that are drawn as they are read (readout.kind = \"sample\") differ from sample to sample"
    ))
}

/// Refuses a design whose cells are not drawn as they are read, for `what`.
pub fn draws(design: &Design, what: &str) -> miette::Result<()> {
    if design.analog.as_ref().is_some_and(|analog| analog.draws) {
        return Ok(());
    }
    Err(miette::miette!(
        code = "cli::no_drawn_cells",
        help = "set readout.kind to \"sample\", or leave {what} out; --recalibrate finds thresholds anew where converters read",
        "{what}: no cell of this machine is drawn as it is read"
    ))
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
