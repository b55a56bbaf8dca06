//! Elaboration with Yosys: Verilog to a netlist of gates, module by module as the text has them.

use super::process::{DEFAULT_LIMIT, relative, run_tool};
use super::tools::{Tool, find};
use super::yosys::quoted;
use super::{FlowError, Found, MOST_BYTES};
use crate::bounded;
use std::fs;
use std::path::{Path, PathBuf};

/// Reads `files` (relative to `cwd` or absolute) as synthesis does and returns the netlist of `top` as JSON: two-input
/// gates, multiplexers, flip-flops, and the instances of other modules, which stand beside it. Nothing is optimised.
/// `out` is a folder for script, log and netlist; it is created.
///
/// Errors: a missing tool, a name that a script cannot carry, or a failure of Yosys with the lines that say why.
pub fn elaborate(files: &[PathBuf], top: &str, cwd: &Path, out: &Path) -> Result<(String, Found), FlowError> {
    let tool = find(Tool::Yosys)?;
    fs::create_dir_all(out).map_err(FlowError::io("create", out))?;
    let cwd = fs::canonicalize(cwd).map_err(FlowError::io("find", cwd))?;
    let out = fs::canonicalize(out).map_err(FlowError::io("find", out))?;
    let mut script = String::from("# Written by bincim; run from the folder that holds the sources.\n");
    for file in files {
        let path = cwd.join(file);
        let path = fs::canonicalize(&path).map_err(FlowError::io("read", &path))?;
        script.push_str(&format!("read_verilog -sv {}\n", quoted(&relative(&cwd, &path))?));
    }
    let netlist = relative(&cwd, &out.join("netlist.json"));
    script
        .push_str(&format!("hierarchy -check -top {top}\nproc\ntechmap\nwrite_json {}\n", quoted(&netlist)?));
    let script_file = out.join("elaborate.ys");
    fs::write(&script_file, script).map_err(FlowError::io("write", &script_file))?;
    let log = out.join("elaborate.log");
    let _ = fs::remove_file(&log);
    let args = vec!["-q".into(), "-s".into(), relative(&cwd, &script_file).into()];
    run_tool(&tool, args, &cwd, &log, DEFAULT_LIMIT)?;
    let netlist = out.join("netlist.json");
    let text = bounded::text(&netlist, MOST_BYTES).map_err(FlowError::io("read", &netlist))?;
    Ok((text, tool))
}
