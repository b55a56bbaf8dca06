//! The folder of a loadable machine: its Verilog, what checks it, and the programs of its own networks.

use super::PROGRAMS;
use super::file::ProgramFile;
use crate::cli::load::Model;
use crate::design::Machine;
use crate::emit::{self, NamedText, bench};
use crate::escape;
use miette::{IntoDiagnostic, miette};
use std::path::PathBuf;

/// What stands in the folder, but for what every design has.
pub struct Texts {
    pub rtl: Vec<NamedText>,
    pub benches: Vec<NamedText>,
    /// Path inside the folder, and content.
    pub programs: Vec<(String, Vec<u8>)>,
}

/// The texts of `machine` and the programs of its networks, which `models` are, read from `paths`.
///
/// Errors: two networks of one name; a template that cannot be rendered.
pub fn texts(machine: &Machine, models: &[Model], paths: &[PathBuf]) -> miette::Result<Texts> {
    let rtl = emit::accelerator(&machine.capacity, None);
    let number = emit::machine_number(&machine.capacity);
    let mut programs: Vec<(String, Vec<u8>)> = Vec::new();
    for ((design, model), path) in machine.programs.iter().zip(models).zip(paths) {
        let file = format!("{PROGRAMS}/{}.bin", escape::identifier(design.name.raw()));
        if programs.iter().any(|(name, _)| *name == file) {
            return Err(miette!(
                code = "cli::same_name",
                help = "give one of the files another name",
                "two of the models are called {}",
                design.name.terminal()
            ));
        }
        let program = ProgramFile::of((machine, number), design, model, path)?;
        programs.push((file, program.bytes()));
    }
    Ok(Texts { rtl, benches: bench::machine_files(&machine.capacity).into_diagnostic()?, programs })
}
