//! `bincim compile`: a network's program for a machine that is there.

use super::file::ProgramFile;
use super::{folder, mapped};
use crate::cli::pixels::ReadArgs;
use crate::cli::progress::{Step, Terminal};
use crate::cli::{Outcome, load, options, output};
use crate::flow::folder::write_whole;
use crate::{cost, escape};
use clap::Args;
use std::path::PathBuf;

/// Makes a network's program for a loadable machine
#[derive(Args, Debug)]
pub struct Compile {
    /// QONNX model
    pub model: PathBuf,
    /// Folder of the machine, made by `bincim generate` with program.load = "loadable"
    #[arg(long, value_name = "DIR")]
    pub machine: PathBuf,
    #[command(flatten)]
    pub reading: ReadArgs,
    /// File to write
    #[arg(short, long, value_name = "FILE", value_parser = options::on_disk())]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Compile) -> miette::Result<Outcome> {
    let step = Step::start(format!("reading {}", escape::path(&args.model)));
    let model = load::network(&args.model, &args.reading)?;
    step.done(&format!("{} layers", model.network.layers.len()));
    model.warn(&Terminal);
    let step = Step::start(format!("mapping on the machine of {}", escape::path(&args.machine)));
    let there = folder(&args.machine)?;
    let design = match mapped(&there.machine, &model.network) {
        Ok(design) => design,
        Err(lines) => return refuse(args, &model.network.name.terminal(), &lines),
    };
    step.done(&format!("{} cycles a frame", design.cycles));
    let program = ProgramFile::of((&there.machine, there.number), &design, &model, &args.model)?;
    write_whole(&args.output, &program.bytes())?;
    let speed = cost::speed(&design, design.arch.clock_mhz());
    output::result(&match args.json {
        true => {
            let object = serde_json::json!({
                "fits": true, "file": args.output.to_string_lossy(), "machine": there.number,
                "beats": program.beats.len(), "cycles": design.cycles, "interval": speed.interval,
                "frames_per_second": speed.frames_per_second,
            });
            format!("{object}\n")
        }
        false => format!(
            "{}: {} beats of 32 bits in {}\n  {} cycles a frame, {:.0} frames/s at {} MHz\n  next: bincim verify {} --program {} --data DATA\n",
            design.name.terminal(),
            program.beats.len(),
            escape::path(&args.output),
            design.cycles,
            speed.frames_per_second,
            design.arch.clock_mhz(),
            escape::shell_path(&args.machine),
            escape::shell_path(&args.output),
        ),
    })?;
    Ok(Outcome::Done)
}

/// The answer is no: the machine is too small, or other.
fn refuse(args: &Compile, network: &str, lines: &[String]) -> miette::Result<Outcome> {
    output::result(&match args.json {
        true => format!("{}\n", serde_json::json!({ "fits": false, "lacks": lines })),
        false => {
            let mut text =
                format!("{network} does not go on the machine of {}:\n", escape::path(&args.machine));
            lines.iter().for_each(|line| text += &format!("  {line}\n"));
            text + "  next: generate the machine anew with this model among its own\n"
        }
    })?;
    Ok(Outcome::No)
}
