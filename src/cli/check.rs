//! `bincim check`: what was understood of a network, and how it runs on a machine.

use super::load::{self, Model};
use super::pixels::{self, ReadArgs};
use super::{Outcome, chip, layers, output, progress};
use crate::app::check::{fits, json, plane_cycles};
use crate::arch::device::Device;
use crate::cost::{self, Candidate, Choice};
use crate::design::{Design, Ensemble, LayerDesign};
use crate::device::Drift;
use crate::mapping;
use crate::network::{InputCode, Layer, constant_channels};
use crate::report::thousands;
use clap::Args;
use std::path::PathBuf;

/// Shows layers, shapes, cycles and the fit on a device
#[derive(Args, Debug)]
pub struct Check {
    /// QONNX model
    pub model: PathBuf,
    /// Architecture file, `none` for no such file; arch.toml beside the model if not given, and where there is none,
    /// every number is chosen
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Device, in place of the architecture file's
    #[arg(long)]
    pub device: Option<String>,
    /// Frames a second that are enough: the smallest machine that makes them is chosen
    #[arg(long, value_name = "N", value_parser = load::frames)]
    pub target_fps: Option<f64>,
    /// Show the N fastest machines that fit and are known to route (10 without a number)
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10")]
    pub alternatives: Option<usize>,
    #[command(flatten)]
    pub reading: ReadArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Check) -> miette::Result<Outcome> {
    let arch = load::arch(&args.model, args.arch.as_deref());
    let model = load::network(&args.model, &args.reading)?;
    model.warn(&progress::Terminal);
    let network = &model.network;
    let chosen = load::choice_as(network, arch.as_deref(), args.device.as_deref(), args.target_fps);
    let (choice, device) = match chosen {
        Ok(chosen) => chosen,
        Err(error) => return load::no(error, args.json),
    };
    let fits = fits(&choice, device);
    let speed = cost::speed(&choice.design, choice.design.arch.clock_mhz());
    let fast = args.target_fps.is_none_or(|fps| speed.frames_per_second >= fps);
    let shown = &choice.alternatives[..args.alternatives.unwrap_or(0).min(choice.alternatives.len())];
    output::result(&match args.json {
        true => format!("{:#}\n", json(&model, &choice, device, (fits, shown))),
        false => text(&model, &choice, device) + &alternatives(args, shown, device),
    })?;
    Ok(if fits && fast { Outcome::Done } else { Outcome::No })
}

/// The table of the machines that were asked for.
fn alternatives(args: &Check, shown: &[Candidate], device: Option<&Device>) -> String {
    match (args.alternatives, device) {
        (None, _) => String::new(),
        (_, Some(device)) if !shown.is_empty() => {
            format!("the fastest that fit and are known to route:\n{}", cost::table(shown, device))
        }
        _ => "no alternatives: name a device, and leave a number of the array open\n".into(),
    }
}

/// The layers that run once a sample, and what samples cost.
fn drawn(design: &Design, ensemble: &Ensemble) -> Vec<String> {
    let last = design.layers.len() - 1;
    let layers = match ensemble.first == last {
        true => format!("layer {last} runs"),
        false => format!("layers {} to {last} run", ensemble.first),
    };
    let mut lines = vec![format!("  {layers} once a sample, and the samples' scores are added")];
    let some = |&samples: &usize| samples.is_power_of_two() || samples == ensemble.samples;
    for samples in (1..=ensemble.samples).filter(some) {
        let cycles: u64 = design.frame_with(1, samples).layers.iter().sum();
        let frames = design.arch.clock_mhz() * 1e6 / design.interval_with(1, samples) as f64;
        lines.push(format!(
            "  {samples} sample{:1} {:>12} cycles a frame, {frames:.0} frames/s",
            if samples == 1 { "" } else { "s" },
            thousands(cycles)
        ));
    }
    lines
}

fn text(model: &Model, choice: &Choice, device: Option<&Device>) -> String {
    let (network, proof) = (&model.network, &model.proof);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    let design = &choice.design;
    line(format!(
        "{}: input {} {}, pixels by '{}' ({}), {} layers, {} weight bits, {} MACs, decision {}",
        network.name.terminal(),
        network.input.shape,
        code(network.input.code),
        network.input.pixel_rule,
        pixels::origin(model.pixels.origin),
        network.layers.len(),
        thousands(network.weight_bits() as u64),
        thousands(network.macs() as u64),
        match network.output.decision {
            crate::network::Decision::Argmax => "argmax",
            crate::network::Decision::Sign => "class 1 where the score is at least 0",
            crate::network::Decision::HighestBit => "highest set bit",
        }
    ));
    if !proof.is_empty() {
        line(proof.to_string());
    }
    pixels::lines(&network.input, &model.pixels).into_iter().for_each(&mut line);
    model.warnings().into_iter().for_each(&mut line);
    line(String::new());
    line(format!(
        "{:3} {:22} {:9} {:>10} {:>10} {:>12} {:>10} {:>5} {:>7} {:>14} {:>9} {:>9}",
        "", "layer", "kernel", "in", "out", "MACs", "weights", "const", "tiles", "reuse", "cycles", "bound"
    ));
    let reuse = mapping::map(&design.network, &design.arch);
    for (index, (layer, program)) in network.layers.iter().zip(&design.layers).enumerate() {
        line(format!(
            "{index:3} {:22} {:9} {:>10} {:>10} {:>12} {:>10} {:>5} {:>7} {:>14} {:>9} {:>9}",
            shorten(&layer.name.terminal(), 22),
            kernel(layer),
            layer.input.to_string(),
            layer.output.to_string(),
            thousands(layer.macs() as u64),
            thousands(layer.weight_bits() as u64),
            constant_channels(network, index),
            tiles(program),
            reuse.layers[index].reuse.to_string(),
            thousands(program.cycles),
            thousands(program.bound),
        ));
    }
    let bound: u64 = design.layers.iter().map(|layer| layer.bound).sum();
    line(format!("{:3} {:22} {:>95} {:>9}", "", "total", thousands(design.cycles), thousands(bound)));
    line(String::new());
    let speed = cost::speed(design, design.arch.clock_mhz());
    line(format!(
        "array {} x {}, words of {}, {} banks, {} weight bits a cycle; {:.0} frames/s at {} MHz ({:.1} GOPS)",
        design.rows,
        design.lanes,
        design.word,
        design.banks,
        design.arch.weight_bandwidth(),
        speed.frames_per_second,
        design.arch.clock_mhz(),
        speed.gops
    ));
    layers::notes(network, design).into_iter().for_each(&mut line);
    if let Some(ensemble) = &design.ensemble {
        drawn(design, ensemble).into_iter().for_each(&mut line);
    }
    if design.planes_of_weights() > 1 {
        for (index, cycles) in plane_cycles(design).into_iter().enumerate() {
            let planes = index + 1;
            let frames = design.arch.clock_mhz() * 1e6 / design.interval_of(planes) as f64;
            line(format!(
                "  {planes} plane{:1} {:>12} cycles a frame, {frames:.0} frames/s",
                if planes == 1 { "" } else { "s" },
                thousands(cycles)
            ));
        }
    }
    for memory in cost::memories(design) {
        line(format!(
            "  {:14} {:>3} x {:>6} bits x {:>5} words = {:>10} bits",
            memory.name,
            memory.copies,
            memory.width,
            memory.depth,
            thousands(memory.bits() as u64)
        ));
    }
    if design.analog.is_some() && design.planes > 1 {
        line(format!(
            "the input's {} bits {}{}: {} taps a pass, {} reads a vector (readout.input_bits)",
            design.planes,
            if design.serial_input() { "drive the same rows in turn" } else { "have rows of their own" },
            match design.arch.unipolar(design.planes) {
                true => ", those of bits 0 are not driven (readout.input_drive)",
                false => "",
            },
            design.plane_rows,
            design.planes
        ));
    }
    for reason in choice.reasons.iter().cloned().chain(physics(design)) {
        line(format!("- {reason}"));
    }
    if let (Some(area), Some(device)) = (choice.area, device) {
        let percent = |used: u64, there: u64| 100.0 * used as f64 / there.max(1) as f64;
        let verdict = if fits(choice, Some(device)) { "fits" } else { "does NOT fit" };
        line(format!(
            "{verdict} {}: about {} LUTs ({:.0} %), {} FFs ({:.0} %), {} block RAMs ({:.0} %)",
            device.name,
            area.luts,
            percent(area.luts, device.luts),
            area.ffs,
            percent(area.ffs, device.ffs),
            area.brams,
            percent(area.brams, device.brams)
        ));
        if !fits(choice, Some(device)) {
            line(format!(
                "  devices that it fits: {}; or take \"auto\" for rows and columns",
                match cost::devices_that_fit(network, &design.arch.to_file(), &device.name) {
                    none if none.is_empty() => "none".into(),
                    some => some.join(", "),
                }
            ));
        }
    }
    out
}

/// Passes by groups, by planes where there are several.
fn tiles(program: &LayerDesign) -> String {
    match program.planes.len() {
        1 => format!("{}x{}", program.passes, program.groups),
        planes => format!("{}x{}x{planes}", program.passes, program.groups),
    }
}

/// What the converters see, what is drawn anew in every read, and how old the devices are.
fn physics(design: &Design) -> Vec<String> {
    let mut found = chip::assumptions(design);
    if design.analog.as_ref().is_some_and(|analog| analog.reference.is_some()) {
        found.push(
            "converters see the raw current of the offset mapping; what its cells have in common is subtracted behind \
             them (readout.reference = \"analog\" subtracts before)"
                .into(),
        );
    }
    if design.analog.as_ref().is_some_and(|analog| analog.reference_column) {
        found.push(
            "every array has one more column, at the middle conductance, with a converter of its own; what its code stands \
             for is subtracted from all others (readout.reference)"
                .into(),
        );
    }
    if let Some(noise) = design.analog.as_ref().and_then(|analog| analog.noise.as_ref()) {
        let readout = &design.arch.readout;
        found.push(format!(
            "reads have noise in gates: {:.4} counts (readout.noise = {}, nearest gain {}), {} step{} of the generators \
             a cycle",
            readout.noise_given(),
            readout.noise,
            noise.gain,
            noise.steps_per_cycle,
            if noise.steps_per_cycle == 1 { "" } else { "s" },
        ));
    }
    if design.analog.is_some() && design.arch.variation.read_noise > 0.0 {
        found.push(format!(
            "variation.read_noise = {} counts is for `infer --chip` and `vary`; the Verilog has none of it (readout.noise \
             is noise that both have)",
            design.arch.variation.read_noise
        ));
    }
    let drift = &design.arch.variation.drift;
    if design.analog.is_some() && *drift != Drift::default() {
        found.push(match drift.time {
            0.0 => "variation.drift: no time passes, so nothing drifts; variation.drift.time or `draw --time` says how \
                    much"
                .into(),
            time => format!("devices were written {} s ago (variation.drift.time)", thousands(time as u64)),
        });
    }
    found
}

fn kernel(layer: &Layer) -> String {
    let mut text = match layer.op {
        "dense" => "dense".to_string(),
        _ => format!("{}x{}", layer.kernel.0, layer.kernel.1),
    };
    if layer.stride != (1, 1) {
        text.push_str(&format!("/{}", layer.stride.0));
    }
    if !layer.padding.is_none() {
        text.push_str(&format!(" p{}", layer.padding.top.max(layer.padding.left)));
    }
    if let Some(pool) = layer.pool {
        text.push_str(&format!(" mp{}", pool.kernel.0));
    }
    if layer.sum_pixels {
        text.push_str(" gap");
    }
    text
}

fn code(code: InputCode) -> String {
    match code {
        InputCode::Bipolar => "1 bit".into(),
        InputCode::Unsigned { bits } => format!("unsigned {bits} bits"),
        InputCode::Signed { bits } => format!("signed {bits} bits"),
    }
}

fn shorten(name: &str, width: usize) -> String {
    match name.chars().count() > width {
        true => name.chars().take(width - 1).chain(['~']).collect(),
        false => name.to_string(),
    }
}
