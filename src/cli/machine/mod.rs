//! Loadable machines: the folder of one, and the networks that it was made for.

pub mod compile;
pub mod file;
pub mod generate;
pub mod verify;

use super::load::{self, Model};
use super::{made, pixels};
use crate::arch::Load;
use crate::design::{Design, DesignError, Machine};
use crate::network::Network;
use crate::read::{self, Rules};
use crate::{emit, escape};
use file::ProgramFile;
use miette::miette;
use std::path::{Path, PathBuf};

/// Folder of the programs of a machine's own networks.
pub const PROGRAMS: &str = "programs";

/// A machine in its folder.
pub struct Folder {
    pub machine: Machine,
    /// Number by which its loader knows its programs.
    pub number: u32,
}

/// The networks' programs that stand in the folder of a machine, in the order in which it was made for them.
pub fn own_programs(dir: &Path) -> miette::Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> = made::files(dir)
        .into_iter()
        .filter(|name| Path::new(name).parent() == Some(Path::new(PROGRAMS)))
        .map(|name| dir.join(name))
        .collect();
    match files.is_empty() {
        false => Ok(files),
        true => Err(miette!(
            code = "cli::no_machine",
            help = "`bincim generate MODEL ... --arch ARCH -o DIR` makes one, where ARCH has program.load = \"loadable\"",
            "{} holds no loadable machine: its manifest names no program in `{PROGRAMS}`",
            escape::path(dir)
        )),
    }
}

/// Whether `dir` holds a loadable machine.
pub fn is_machine(dir: &Path) -> bool {
    let arch = dir.join("source/arch.toml");
    arch.is_file() && read::arch::arch(&arch).is_ok_and(|arch| arch.program.load == Load::Loadable)
}

/// The machine of `dir`, rebuilt from its own sources.
///
/// Errors: there is none, or this version of the program makes another one of them.
pub fn folder(dir: &Path) -> miette::Result<Folder> {
    let mut networks = Vec::new();
    let mut number = None;
    for path in own_programs(dir)? {
        let program = ProgramFile::read(&path)?;
        number.get_or_insert(program.machine());
        networks.push(network(&program, &path)?.network);
    }
    let file = dir.join("source/arch.toml");
    let (choice, _) = load::choice(&networks[0], Some(&file), None)?;
    let machine = Machine::of(&networks, &choice.design.arch).map_err(fault)?;
    let own = emit::machine_number(&machine.capacity);
    if number != Some(own) {
        return Err(miette!(
            code = "cli::other_machine",
            help = "generate it again",
            "{}: this version of bincim makes another machine of its sources",
            escape::path(dir)
        ));
    }
    Ok(Folder { machine, number: own })
}

/// The network of a program, read by its own rules.
pub fn network(program: &ProgramFile, path: &Path) -> miette::Result<Model> {
    let rules: Rules = pixels::rules(&program.rules, || escape::path(path))?;
    load::model_of(&program.model, &program.name, path, rules)
}

/// The design of `network` on `machine`.
///
/// Errors: what the machine would have to be for it, a line for each number that is another one.
pub fn mapped(machine: &Machine, network: &Network) -> Result<Design, Vec<String>> {
    let mut larger = machine.with(network).map_err(|error| vec![error.to_string()])?;
    let lines = emit::differences(&machine.capacity, &larger.capacity);
    match larger.programs.pop() {
        Some(design) if lines.is_empty() => Ok(design),
        _ => Err(lines),
    }
}

/// Why there is no such machine.
pub fn fault(error: DesignError) -> miette::Report {
    miette!(code = "design::machine", help = error.help(), "{error}")
}
