//! Bitstreams onto boards: `iceprog`, `openFPGALoader`.

use super::process::{DEFAULT_LIMIT, run_tool};
use super::tools::{Tool, find};
use super::{FlowError, Found};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// One board to program.
#[derive(Clone, Debug)]
pub struct Loading<'a> {
    /// The program that does it, and its arguments before the bitstream.
    pub tool: Tool,
    pub args: &'a [String],
    /// The bitstream.
    pub bitstream: &'a Path,
    /// File that receives what the program says.
    pub log: &'a Path,
}

/// Programs a board; returns the copy of the tool that did.
///
/// Errors: a missing tool, or its failure.
pub fn load(job: &Loading) -> Result<Found, FlowError> {
    let tool = find(job.tool)?;
    let bitstream = fs::canonicalize(job.bitstream).map_err(FlowError::io("find", job.bitstream))?;
    let cwd = bitstream.parent().unwrap_or(Path::new("/")).to_path_buf();
    let mut args: Vec<OsString> = job.args.iter().map(Into::into).collect();
    args.push(bitstream.into());
    run_tool(&tool, args, &cwd, job.log, DEFAULT_LIMIT)?;
    Ok(tool)
}
