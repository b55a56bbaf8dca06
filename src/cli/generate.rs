//! `bincim generate`: the accelerator of a network as a folder of Verilog, memory images and benches.
//!
//! The folder appears whole or not at all. It holds its own sources (the model, and `source/arch.toml` with every
//! number resolved), so that `verify` and `synth` need nothing else.

use super::{Outcome, chip, load, made, options, output};
use crate::arch::device::{Device, DeviceFamily};
use crate::cost::{self, Choice};
use crate::design::Design;
use crate::emit::board::BoardTop;
use crate::emit::board::pll::{Pll, PllFamily};
use crate::emit::vectors::Frame;
use crate::emit::{self, NamedText};
use crate::flow::folder::{self, Pending};
use crate::golden::machine;
use crate::network::random;
use crate::report::{DesignView, LayerView};
use crate::variation::Chip;
use clap::Args;
use miette::{Context, IntoDiagnostic};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Images in the benches that come with a design, and the seed they are drawn from.
const BENCH_FRAMES: usize = 3;
const BENCH_SEED: u64 = 1;
/// Rate of the boards' serial line.
const BAUD: u64 = 115_200;

/// Writes the accelerator: Verilog, memory images, benches, board wrapper
#[derive(Args, Debug)]
pub struct Generate {
    /// QONNX model
    pub model: PathBuf,
    /// Architecture file; without one every number is chosen
    #[arg(long)]
    pub arch: Option<PathBuf>,
    /// Device, in place of the architecture file's
    #[arg(long)]
    pub device: Option<String>,
    /// Chip made by `bincim draw` for the memories of analog arrays; without one, the ideal chip
    #[arg(long)]
    pub chip: Option<PathBuf>,
    /// Folder to write; an earlier accelerator there is replaced
    #[arg(short, long, value_name = "DIR", value_parser = options::on_disk())]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Generate) -> miette::Result<Outcome> {
    let (network, _) = load::network(&args.model)?;
    let (choice, device) = load::choice(&network, args.arch.as_deref(), args.device.as_deref())?;
    folder::refuse_foreign(&args.output, made::not_of_a_design)?;
    let design = &choice.design;
    let chip = match &args.chip {
        Some(path) => Some(chip::read(path, design)?),
        None => chip::ideal(design),
    };
    let rtl = emit::accelerator(design, chip.as_ref());
    let names: Vec<String> = rtl.iter().map(|file| file.name.clone()).collect();
    let mut files = in_folder("rtl", rtl);
    files.extend(emit::bench::files(design, &names, &frames(design, chip.as_ref())).into_diagnostic()?);
    if let Some(device) = device {
        files.extend(in_folder("board", board(design, device)?));
    }
    files.push(json_file("design.json", &view(design)));
    let arch = toml::to_string_pretty(&design.arch.to_file()).into_diagnostic()?;
    let model = load::model_bytes(&args.model)?;
    files.push(NamedText { name: "source/arch.toml".into(), text: arch });
    files.push(json_file("manifest.json", &manifest(args, &model, &files)));

    let pending = Pending::begin(&args.output, made::not_of_a_design)?;
    for file in &files {
        write(&pending.path().join(&file.name), file.text.as_bytes())?;
    }
    write(&pending.path().join("source").join(format!("{}.onnx", design.name)), &model)?;
    if let Some(chip) = &chip {
        write(&pending.path().join(chip::SOURCE), &chip.write_to())?;
    }
    let folder = pending.finish()?;
    output::result(&summary(args, &choice, &folder, files.len()))?;
    Ok(Outcome::Done)
}

/// The same files inside `folder`.
fn in_folder(folder: &str, files: Vec<NamedText>) -> Vec<NamedText> {
    files.into_iter().map(|file| NamedText { name: format!("{folder}/{}", file.name), ..file }).collect()
}

/// Frames of random images and what the machine makes of them, for the benches that come with the design.
fn frames(design: &Design, chip: Option<&Chip>) -> Vec<Frame> {
    let elements = random::elements(&design.network, BENCH_SEED, BENCH_FRAMES);
    let images = elements.chunks(design.network.input.shape.elements()).cycle();
    let frame = |(index, image): (usize, &[i16])| {
        let seed = machine::frame_seed(machine::RESET_SEED, index as u64);
        super::verify::cosim::frame(design, chip, design.planes_of_weights(), image.to_vec(), seed)
    };
    images.take(emit::bench::frames(design, BENCH_FRAMES)).enumerate().map(frame).collect()
}

/// The wrapper for the device's board; nothing for a device without one.
fn board(design: &Design, device: &Device) -> miette::Result<Vec<NamedText>> {
    let Some(board) = &device.board else { return Ok(Vec::new()) };
    let hertz = |mhz: f64| (mhz * 1e6).round() as u64;
    let (oscillator, wanted) = (hertz(board.clock_mhz), hertz(design.arch.clock_mhz()));
    let family = match device.family {
        DeviceFamily::Ice40 if board.pll_on_pad => Some(PllFamily::Ice40Pad),
        DeviceFamily::Ice40 => Some(PllFamily::Ice40),
        DeviceFamily::Ecp5 => Some(PllFamily::Ecp5),
        DeviceFamily::Gowin => Some(PllFamily::Gowin),
        DeviceFamily::Xilinx => None,
    };
    let pll = match family {
        Some(family) if wanted != oscillator => {
            Some(Pll::new(family, oscillator, wanted).into_diagnostic().wrap_err("target.clock_mhz")?)
        }
        _ => None,
    };
    let top = BoardTop {
        module: format!("{}_top", board.name),
        clock_hz: oscillator,
        pll,
        reset_pin: board.reset_pin,
        led_active_low: board.led_active_low,
        baud: BAUD,
        s_bytes: design.input.stream_bits / 8,
        m_bytes: design.output.stream_bits / 8,
        frame_beats: design.input.beats,
    };
    emit::board::modules(&top).into_diagnostic()
}

fn write(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    let what = || format!("cannot write {}", path.display());
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).into_diagnostic().wrap_err_with(what)?;
    }
    std::fs::write(path, bytes).into_diagnostic().wrap_err_with(what)
}

fn json_file(name: &str, value: &impl serde::Serialize) -> NamedText {
    let text = serde_json::to_string_pretty(value).expect("plain values") + "\n";
    NamedText { name: name.into(), text }
}

/// What the design says of itself.
fn view(design: &Design) -> DesignView {
    DesignView {
        name: design.name.clone(),
        top: "bincim_top".into(),
        rows: design.rows as u64,
        lanes: design.lanes as u64,
        weight_bits: design.network.weight_bits() as u64,
        macs: design.network.macs() as u64,
        cycles: design.cycles,
        interval: Some(design.interval()),
        plane_cycles: plane_cycles(design),
        clock_mhz: Some(design.arch.clock_mhz()),
        layers: design
            .network
            .layers
            .iter()
            .zip(&design.layers)
            .map(|(layer, program)| LayerView {
                name: layer.name.clone(),
                op: layer.op.into(),
                macs: layer.macs() as u64,
                cycles: program.cycles,
                bound: program.bound,
            })
            .collect(),
    }
}

/// Cycles of a frame with 1, 2, ... planes of weights; empty where there is one.
fn plane_cycles(design: &Design) -> Vec<u64> {
    let cycles = design.plane_cycles.iter().map(|frame| frame.layers.iter().sum());
    if design.planes_of_weights() > 1 { cycles.collect() } else { Vec::new() }
}

/// What the folder was made from: versions and digests live here and not in the Verilog.
fn manifest(args: &Generate, model: &[u8], files: &[NamedText]) -> serde_json::Value {
    let digest =
        |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    serde_json::json!({
        "generator": { "name": "bincim", "version": env!("CARGO_PKG_VERSION") },
        "model": { "file": file_name(&args.model), "sha256": digest(model) },
        "files": files.iter().map(|file| serde_json::json!({
            "name": file.name, "sha256": digest(file.text.as_bytes())
        })).collect::<Vec<_>>(),
    })
}

fn summary(args: &Generate, choice: &Choice, folder: &Path, files: usize) -> String {
    let design = &choice.design;
    let speed = cost::speed(design, design.arch.clock_mhz());
    if args.json {
        let object = serde_json::json!({
            "folder": folder, "files": files, "rows": design.rows, "lanes": design.lanes,
            "cycles": design.cycles, "interval": speed.interval, "frames_per_second": speed.frames_per_second,
            "reasons": choice.reasons,
        });
        return format!("{object}\n");
    }
    let mut text = format!("{}: {} files in {}\n", design.name, files, folder.display());
    text += &format!(
        "  array {} x {}, {} cycles a frame, {:.0} frames/s at {} MHz\n",
        design.rows,
        design.lanes,
        design.cycles,
        speed.frames_per_second,
        design.arch.clock_mhz()
    );
    for reason in &choice.reasons {
        text += &format!("  - {reason}\n");
    }
    text + &format!("  next: bincim verify {} --data DATA\n", args.output.display())
}
