//! Routed designs to bitstreams: `icepack`, `ecppack`, `gowin_pack`.
//!
//! Never touches a board; that is `load`.

use super::process::{DEFAULT_LIMIT, relative, run_tool};
use super::tools::{Tool, find};
use super::{Family, FlowError, Found};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Packs a routed design; the bitstream lies beside it as `name` with the family's suffix
/// (.bin, .bit, .fs). `pack_args` are the device's own, such as `-d GW1N-9C`.
///
/// Errors: a missing tool, its failure, or an empty bitstream.
pub fn pack(
    family: Family,
    routed: &Path,
    name: &str,
    pack_args: &[String],
) -> Result<(PathBuf, Found), FlowError> {
    let routed = fs::canonicalize(routed).map_err(FlowError::io("find", routed))?;
    let cwd = routed.parent().unwrap_or(Path::new("/")).to_path_buf();
    let input: OsString = relative(&cwd, &routed).into();
    let (tool, suffix) = match family {
        Family::Ice40 => (Tool::Icepack, "bin"),
        Family::Ecp5 => (Tool::Ecppack, "bit"),
        Family::Gowin => (Tool::GowinPack, "fs"),
        Family::Xilinx => {
            return Err(FlowError::NoSuchStep { step: "bitstream", family: "Xilinx 7" });
        }
    };
    let tool = find(tool)?;
    let output = format!("{name}.{suffix}");
    let mut args: Vec<OsString> = pack_args.iter().map(Into::into).collect();
    match family {
        Family::Gowin => args.extend(["-o".into(), output.clone().into(), input]),
        _ => args.extend([input, output.clone().into()]),
    }
    let log = cwd.join("pack.log");
    run_tool(&tool, args, &cwd, &log, DEFAULT_LIMIT)?;
    let bitstream = cwd.join(output);
    let size = fs::metadata(&bitstream).map_err(FlowError::io("read", &bitstream))?.len();
    if size == 0 {
        return Err(FlowError::BadOutput {
            tool: tool.tool.name(),
            file: bitstream,
            what: "the bitstream is empty".into(),
        });
    }
    Ok((bitstream, tool))
}
