//! Icarus Verilog: compiles sources to a simulation and runs it.
//!
//! The slow second opinion: any Verilog bench that Verilator builds with `--binary` runs here too.

use super::process::{DEFAULT_LIMIT, Job, Limit, Ran, run, run_tool};
use super::tools::{Tool, find};
use super::{FlowError, Found};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The language level for `iverilog -g`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Verilog-2005, for emitted files.
    Verilog2005,
    /// SystemVerilog-2012, for benches.
    SystemVerilog2012,
}

/// Compiles `files` (relative to `cwd` or absolute) with `-Wall` into `out`; appends to `log`.
///
/// Errors: a missing tool, or a failure to compile with the lines that say why.
pub fn compile(
    files: &[PathBuf],
    top: &str,
    level: Level,
    cwd: &Path,
    out: &Path,
    log: &Path,
) -> Result<Found, FlowError> {
    let tool = find(Tool::Iverilog)?;
    let generation = match level {
        Level::Verilog2005 => "-g2005",
        Level::SystemVerilog2012 => "-g2012",
    };
    let mut args: Vec<OsString> =
        vec![generation.into(), "-Wall".into(), "-s".into(), top.into(), "-o".into(), out.into()];
    args.extend(files.iter().map(Into::into));
    run_tool(&tool, args, cwd, log, DEFAULT_LIMIT)?;
    Ok(tool)
}

/// Runs a compiled simulation in `cwd`, so that `$readmemh` finds relative names, with
/// `plusargs` such as `+seed=1`. Returns what it printed; `$fatal` and `$stop` give a non-zero code.
pub fn simulate(
    compiled: &Path,
    plusargs: &[String],
    cwd: &Path,
    log: &Path,
    limit: impl Into<Limit>,
) -> Result<Ran, FlowError> {
    let tool = find(Tool::Vvp)?;
    let compiled = fs::canonicalize(compiled).map_err(FlowError::io("find", compiled))?;
    // -N: $stop and an interrupt end the run with status 1 instead of opening a prompt.
    let mut args: Vec<OsString> = vec!["-N".into(), compiled.into()];
    args.extend(plusargs.iter().map(Into::into));
    let limit = limit.into();
    run(&Job { name: "vvp", program: &tool.program, env: &tool.env, args, cwd, log, capture: true, limit })
}
