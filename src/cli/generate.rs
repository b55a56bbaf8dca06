//! `bincim generate`: the accelerator of a network as a folder of Verilog, memory images and benches.
//!
//! The folder appears whole or not at all. It holds its own sources (`source/model.onnx`, `source/arch.toml` with
//! every number resolved), so that `verify` and `synth` need nothing else.

use super::{Outcome, load};
use crate::cost::{self, Choice};
use crate::design::Design;
use crate::emit::{self, NamedText};
use crate::flow::folder::Pending;
use crate::report::{DesignView, LayerView};
use clap::Args;
use miette::{Context, IntoDiagnostic};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

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
    /// Folder to write; an earlier accelerator there is replaced
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Generate) -> miette::Result<Outcome> {
    let (network, _) = load::network(&args.model)?;
    let (choice, device) = load::choice(&network, args.arch.as_deref(), args.device.as_deref())?;
    refuse_foreign(&args.output)?;
    let design = &choice.design;
    let mut files = emit::accelerator(design);
    files.extend(emit::bench(design));
    if let Some(board) = device.and_then(|device| device.board.as_ref()) {
        files.extend(emit::board(design, board.clock_mhz, device.map_or("generic", |d| d.family.key())).into_diagnostic()?);
    }
    files.push(json_file("design.json", &view(design)));
    let arch = toml::to_string_pretty(&design.arch.to_file()).into_diagnostic()?;
    let model = std::fs::read(&args.model).into_diagnostic().wrap_err_with(|| args.model.display().to_string())?;
    files.push(NamedText { name: "source/arch.toml".into(), text: arch });
    files.push(json_file("manifest.json", &manifest(args, &model, &files)));

    let pending = Pending::begin(&args.output)?;
    for file in &files {
        write(&pending.path().join(&file.name), file.text.as_bytes())?;
    }
    write(&pending.path().join("source/model.onnx"), &model)?;
    let folder = pending.finish()?;
    summary(args, &choice, &folder, files.len());
    Ok(Outcome::Done)
}

/// An existing folder is replaced only if an earlier run made it.
fn refuse_foreign(folder: &Path) -> miette::Result<()> {
    let occupied = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if folder.is_file() || occupied && !folder.join("manifest.json").is_file() {
        return Err(miette::miette!(
            code = "generate::foreign",
            help = "name another folder",
            "{} exists and is not an accelerator made by `bincim generate`",
            folder.display()
        ));
    }
    Ok(())
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
        clock_mhz: Some(design.arch.target.clock_mhz),
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

/// What the folder was made from: versions and digests live here and not in the Verilog.
fn manifest(args: &Generate, model: &[u8], files: &[NamedText]) -> serde_json::Value {
    let digest = |bytes: &[u8]| {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let file_name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    serde_json::json!({
        "generator": { "name": "bincim", "version": env!("CARGO_PKG_VERSION") },
        "model": { "file": file_name(&args.model), "sha256": digest(model) },
        "files": files.iter().map(|file| serde_json::json!({
            "name": file.name, "sha256": digest(file.text.as_bytes())
        })).collect::<Vec<_>>(),
    })
}

fn summary(args: &Generate, choice: &Choice, folder: &Path, files: usize) {
    let design = &choice.design;
    let speed = cost::speed(design, design.arch.target.clock_mhz);
    if args.json {
        let object = serde_json::json!({
            "folder": folder, "files": files, "rows": design.rows, "lanes": design.lanes,
            "cycles": design.cycles, "interval": speed.interval, "frames_per_second": speed.frames_per_second,
            "reasons": choice.reasons,
        });
        println!("{object}");
        return;
    }
    println!("{}: {} files in {}", design.name, files, folder.display());
    println!(
        "  array {} x {}, {} cycles a frame, {:.0} frames/s at {} MHz",
        design.rows, design.lanes, design.cycles, speed.frames_per_second, design.arch.target.clock_mhz
    );
    for reason in &choice.reasons {
        println!("  - {reason}");
    }
    println!("  next: bincim verify {} --data DATA", args.output.display());
}
