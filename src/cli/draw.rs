//! `bincim draw`: one chip of a machine's physics.

use super::pixels::{PictureArgs, ReadArgs};
use super::{Outcome, chip, load, options, output, progress};
use crate::app::draw::{self as app, Drawn, Fit, Options};
use crate::device;
use crate::escape;
use crate::report::thousands;
use crate::variation::Correction;
use clap::Args;
use std::path::PathBuf;

/// Draws one chip: the integers of its cells, columns and converters
#[derive(Args, Debug)]
pub struct Draw {
    /// QONNX model
    pub model: PathBuf,
    /// Architecture file, with the physics in its table [variation]; arch.toml beside the model if not given
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Which chip: the same seed gives the same bytes
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Time since the devices were written, such as 1h, 1d or 1y: variation.drift.time of this chip
    #[arg(long, value_parser = options::time)]
    pub time: Option<f64>,
    /// Let the converters' references follow the drift, one number an array (where cells are drawn as they are read: the
    /// weights' read voltage, one number a layer): variation.drift.compensate
    #[arg(long)]
    pub compensate: bool,
    /// Leave variation.read_noise out of the physics on record; no chip holds it, with or without this
    #[arg(long)]
    pub without_read_noise: bool,
    /// Find the chip's thresholds anew on the first N images of the training part, so that every channel fires as often as
    /// on the chip without errors; they become part of the chip
    #[arg(long, value_name = "N", requires = "data", group = "fit", value_parser = clap::value_parser!(u32).range(1..))]
    pub recalibrate: Option<u32>,
    /// Where cells are drawn as they are read: find a line for each class's scores on the first N images of the training part,
    /// so that their mean and deviation are those of the chip without errors; it becomes part of the chip, and `infer` applies
    /// it to the sums that the machine gives
    #[arg(long, value_name = "N", requires = "data", group = "fit", value_parser = clap::value_parser!(u32).range(1..))]
    pub correct: Option<u32>,
    /// Data set of --recalibrate and --correct: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format
    #[arg(long, requires = "fit")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub reading: ReadArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// File to write; `-` is standard output
    #[arg(short, long, value_name = "CHIP")]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Drives under which frozen wires are compared with exact ones.
const WIRE_DRIVES: usize = 4;

/// How old a chip is whose devices drift; `following` is what compensation moves.
fn aged(drift: &device::Drift, following: &str) -> String {
    match (drift.time, drift.compensate) {
        (0.0, _) => String::new(),
        (time, true) => {
            format!(", {} s after it was written, its {following} following", thousands(time as u64))
        }
        (time, false) => format!(", {} s after it was written", thousands(time as u64)),
    }
}

/// Gains that undo the drift; nothing where there are none.
fn told(gains: &[(usize, f64)]) -> String {
    match gains.iter().all(|(_, gain)| *gain == 1.0) {
        true => String::new(),
        false => {
            let each: Vec<String> =
                gains.iter().map(|(layer, gain)| format!("{gain:.3} (layer {layer})")).collect();
            format!("  gains of the weights' read voltage: {}\n", each.join(", "))
        }
    }
}

/// What the scores of each class are corrected by.
fn corrected(correction: &Correction) -> String {
    let lines = correction.multipliers.iter().zip(&correction.offsets);
    let each: Vec<String> = lines
        .map(|(&multiplier, &offset)| {
            format!("{:.3} z {:+.2}", f64::from(multiplier) / 256.0, f64::from(offset) / 256.0)
        })
        .collect();
    format!("  scores of a sample are corrected to {}\n", each.join(", "))
}

pub fn run(args: &Draw) -> miette::Result<Outcome> {
    let arch = load::need_arch(&args.model, args.arch.as_deref())?;
    let model = load::network(&args.model, &args.reading)?.fitting(args.pictures.resize)?;
    model.warn(&progress::Terminal);
    let (choice, _) = load::choice(&model.network, Some(&arch), None)?;
    let asked = Options {
        seed: args.seed,
        time: args.time,
        compensate: args.compensate,
        without_read_noise: args.without_read_noise,
    };
    let mut drawn = app::draw(choice.design, &arch, asked)?;
    if let (Some(count), Some(data)) = (args.recalibrate, &args.data) {
        drawn.can_be_fitted(Fit::Thresholds)?;
        let data = load::training(&model, data, count as usize, Fit::Thresholds.option())?;
        drawn.fit(Fit::Thresholds, &data.input.elements(&data.pixels))?;
    }
    if let (Some(count), Some(data)) = (args.correct, &args.data) {
        drawn.can_be_fitted(Fit::Scores)?;
        let data = load::training(&model, data, count as usize, Fit::Scores.option())?;
        drawn.fit(Fit::Scores, &data.input.elements(&data.pixels))?;
    }
    let Drawn { design, chip: drawn, beyond, left_out, moved } = drawn;
    let design = &design;
    output::file(&args.output, &drawn.write_to())?;
    let wires = device::wire_errors(&design.arch.variation, args.seed, &design.sites(), WIRE_DRIVES);
    let arrays = drawn.arrays.len();
    let gains = match design.analog.as_ref().is_some_and(|analog| analog.draws) {
        true => device::gains(&design.arch.variation, args.seed, &design.sites()),
        false => Vec::new(),
    };
    let cells: usize = drawn.arrays.iter().map(|array| array.plus.len()).sum();
    output::summary(&args.output, &match args.json {
        true => format!(
            "{:#}\n",
            serde_json::json!({
                "chip": args.output, "seed": drawn.seed, "subject": drawn.subject,
                "arrays": arrays, "cells": cells, "saturated": beyond, "read_noise_left_out": left_out,
                "recalibrated_on": args.recalibrate.unwrap_or(0), "thresholds_moved": moved,
                "corrected_on": args.correct.unwrap_or(0), "correction": drawn.correction,
                "drift_time_s": design.arch.variation.drift.time, "wires": wires,
                "assumptions": chip::assumptions(design), "gains": gains,
            })
        ),
        false => format!(
            "{}: chip {} of {}{}, {} arrays, {} cells{}{}{}\n{}{}{}",
            escape::path(&args.output),
            drawn.seed,
            model.network.name.terminal(),
            aged(&design.arch.variation.drift, if gains.is_empty() { "converters" } else { "read voltages" }),
            arrays,
            thousands(cells as u64),
            match beyond {
                0 => String::new(),
                some => format!(", {} cell values held to readout.cell_bits", thousands(some as u64)),
            },
            match args.recalibrate {
                Some(count) =>
                    format!(", {} thresholds moved on {count} training images", thousands(moved as u64)),
                None => String::new(),
            },
            wires.map_or_else(String::new, |wires| format!(
                "\n  wires move column sums by {:.3} counts; frozen into the cells they are {:.3} off the exact currents, {:.3} \
                 at most (root mean squares, an array a layer, {WIRE_DRIVES} random drives)",
                wires.effect, wires.rms, wires.worst
            )),
            told(&gains),
            drawn.correction.as_ref().map_or_else(String::new, corrected),
            chip::assumptions(design).iter().map(|line| format!("  - {line}\n")).collect::<String>(),
        ),
    })?;
    Ok(Outcome::Done)
}
