//! `bincim load`: a design's bitstream onto its board.

use super::progress::Step;
use super::{Outcome, output};
use crate::arch::device::{self, Board, Device};
use crate::bounded;
use crate::escape;
use crate::flow::{self, Loading, Tool};
use crate::report::SynthView;
use clap::Args;
use miette::miette;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Programs the board with the bitstream that `bincim synth` made
#[derive(Args, Debug)]
pub struct Load {
    /// Folder written by `bincim generate` and `bincim synth`
    pub dir: PathBuf,
    /// Device, where the folder has bitstreams for several
    #[arg(long)]
    pub device: Option<String>,
    /// Which board, where several are plugged in: what the programming tool takes for it (openFPGALoader: the serial
    /// number of its converter; iceprog: d:, i: or s: and the device)
    #[arg(long, value_name = "WHICH")]
    pub port: Option<String>,
    /// Print the command and run nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Runs the verb.
pub fn run(args: &Load) -> miette::Result<Outcome> {
    let (device, view) = chosen(args)?;
    let Some(board) = &device.board else {
        return Err(miette!(
            code = "cli::no_board",
            help = "take a device with a board",
            "{} has no board that could be programmed",
            device.name
        ));
    };
    let bitstream = bitstream(&args.dir, &view)?;
    let tool = tool(board)?;
    let which = args.port.iter().flat_map(|port| [board.loader.which.clone(), port.clone()]);
    let words: Vec<String> = board.loader.args.iter().cloned().chain(which).collect();
    if args.dry_run {
        let words: Vec<String> = words.iter().map(escape::shell).collect();
        output::result(&format!(
            "{} {}{}{}\n",
            tool.name(),
            words.join(" "),
            if words.is_empty() { "" } else { " " },
            escape::shell_path(&bitstream)
        ))?;
        return Ok(Outcome::Done);
    }
    flow::need(&[tool])?;
    let step = Step::start(format!("programming the {} with {}", board.title, escape::path(&bitstream)));
    let log = bitstream.with_file_name("load.log");
    let found = flow::load(&Loading { tool, args: &words, bitstream: &bitstream, log: &log })?;
    step.done(&found.describe());
    let port = if args.dir.join(super::board::RECORD).is_file() { " --port /dev/ttyUSB1" } else { "" };
    output::result(&format!(
        "{} is on the {}\n  next: bincim board {}{port} --data DATA\n",
        escape::terminal(&view.design),
        board.title,
        escape::shell_path(&args.dir)
    ))?;
    Ok(Outcome::Done)
}

/// The device whose bitstream is meant, and the report of its synthesis.
fn chosen(args: &Load) -> miette::Result<(&'static Device, SynthView)> {
    let mut made: Vec<(&Device, SynthView)> = Vec::new();
    for device in device::all() {
        let report = args.dir.join("synth").join(&device.name).join("report.json");
        let Ok(bytes) = bounded::bytes(&report, flow::MOST_BYTES) else { continue };
        let view = serde_json::from_slice::<SynthView>(&bytes)
            .map_err(|error| miette!(code = "cli::report", "{}: {error}", escape::path(&report)))?;
        if view.bitstream.is_some() {
            made.push((device, view));
        }
    }
    let wanted = args.device.as_deref().map(device::find).transpose()?;
    let names: Vec<&str> = made.iter().map(|(device, _)| device.name.as_str()).collect();
    let there = if names.is_empty() { "none".into() } else { names.join(", ") };
    let fitting = |(device, _): &(&Device, SynthView)| wanted.is_none_or(|wanted| wanted.name == device.name);
    let count = made.iter().filter(|made| fitting(made)).count();
    match made.into_iter().find(fitting) {
        Some(only) if count == 1 => Ok(only),
        Some(_) => Err(miette!(
            code = "cli::several_bitstreams",
            help = "name one with --device",
            "{} holds bitstreams for several devices: {there}",
            escape::path(&args.dir)
        )),
        None => Err(miette!(
            code = "cli::no_bitstream",
            help = "`bincim synth DIR --device DEVICE` makes one",
            "{} holds no bitstream{}; those there: {there}",
            escape::path(&args.dir),
            wanted.map_or(String::new(), |wanted| format!(" for {}", wanted.name))
        )),
    }
}

/// The bitstream's file, which must be as its report says.
fn bitstream(dir: &Path, view: &SynthView) -> miette::Result<PathBuf> {
    let path = dir.join(view.bitstream.as_deref().unwrap_or_default());
    let bytes = bounded::bytes(&path, flow::MOST_BYTES).map_err(flow::FlowError::io("read", &path))?;
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if view.bitstream_sha256.as_deref() != Some(&*digest) {
        return Err(miette!(
            code = "cli::other_bitstream",
            help = "run `bincim synth` again",
            "{} is not the bitstream of its report",
            escape::path(&path)
        ));
    }
    Ok(path)
}

/// The tool that the board names.
fn tool(board: &Board) -> miette::Result<Tool> {
    Tool::ALL.into_iter().find(|tool| tool.name() == board.loader.tool).ok_or_else(|| {
        miette!("the board {} names the loader `{}`, which nobody knows", board.name, board.loader.tool)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_names_a_tool_that_is_known() {
        for board in device::all().iter().filter_map(|device| device.board.as_ref()) {
            tool(board).expect("a known tool");
        }
    }
}
