//! Synthesis with Yosys: writes the script, runs it, reads the cell counts.
//!
//! The script is kept beside its log, so that a person can run it again by hand. The netlist it
//! writes is one that any supported nextpnr accepts.

use super::process::{DEFAULT_LIMIT, relative, run_tool};
use super::tools::{Tool, find_at_least};
use super::{Family, FlowError, Found, MOST_BYTES};
use crate::bounded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One synthesis.
#[derive(Clone, Debug)]
pub struct Synthesis<'a> {
    /// Target family.
    pub family: Family,
    /// Extra arguments of the `synth_*` command, such as `-device u`.
    pub synth_args: &'a [String],
    /// Sources, relative to `cwd` or absolute.
    pub files: &'a [PathBuf],
    /// Top module.
    pub top: &'a str,
    /// Folder Yosys runs in, so that `$readmemh` finds relative names.
    pub cwd: &'a Path,
    /// Existing folder for `synth.ys`, `synth.log`, `stat.json` and `netlist.json`.
    pub out: &'a Path,
    /// Time limit; none is half an hour.
    pub limit: Option<Duration>,
}

/// What synthesis gave.
#[derive(Clone, Debug)]
pub struct Netlist {
    /// The netlist for nextpnr.
    pub json: PathBuf,
    /// Cells of the flattened top by type.
    pub cells: BTreeMap<String, u64>,
    /// The same, counted by what they occupy.
    pub resources: Resources,
    /// The copy of Yosys used.
    pub tool: Found,
    /// The log.
    pub log: PathBuf,
}

/// Cells by what they occupy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Look-up tables, of 4 inputs (6 on Xilinx), those inside carry cells and LUT memories included.
    pub luts: u64,
    /// Carry cells: one `SB_CARRY`, `CCU2C`, `ALU` or `CARRY4` each.
    pub carries: u64,
    /// Flip-flops and latches.
    pub ffs: u64,
    /// Block memories; half blocks are rounded up in sum.
    pub brams: u64,
    /// Large single-port memories (UP5K only).
    pub sprams: u64,
    /// Multiplier blocks.
    pub dsps: u64,
}

/// Synthesises the sources for a family.
///
/// Errors: a missing tool, a name that a script cannot carry, a failure of Yosys with the lines
/// that say why, or statistics that cannot be read.
pub fn synthesise(job: &Synthesis) -> Result<Netlist, FlowError> {
    // Yosys and nextpnr for Gowin must match; the pair was measured at 0.70 and 0.11.
    let least: &[u32] = if job.family == Family::Gowin { &[0, 70] } else { &[0, 23] };
    let tool = find_at_least(Tool::Yosys, least)?;
    let cwd = fs::canonicalize(job.cwd).map_err(FlowError::io("find", job.cwd))?;
    let out = fs::canonicalize(job.out).map_err(FlowError::io("find", job.out))?;
    let from_cwd = |name: &str| relative(&cwd, &out.join(name));
    let mut files = Vec::new();
    for file in job.files {
        let path = cwd.join(file);
        let path = fs::canonicalize(&path).map_err(FlowError::io("read", &path))?;
        files.push(relative(&cwd, &path));
    }
    let script = script(job, &files, &from_cwd("netlist.json"), &from_cwd("stat.json"))?;
    let script_file = out.join("synth.ys");
    fs::write(&script_file, script).map_err(FlowError::io("write", &script_file))?;
    let log = out.join("synth.log");
    // Yosys writes its own log: the WebAssembly build loses its standard output after ABC.
    let console = out.join("synth.console.log");
    let args = vec![
        "-q".into(),
        "-l".into(),
        from_cwd("synth.log").into(),
        "-s".into(),
        from_cwd("synth.ys").into(),
    ];
    run_tool(&tool, args, &cwd, &console, job.limit.unwrap_or(DEFAULT_LIMIT))?;
    let cells = read_stat(&out.join("stat.json"), job.top)?;
    let resources = resources(job.family, &cells);
    Ok(Netlist { json: out.join("netlist.json"), cells, resources, tool, log })
}

/// The script: read, check, synthesise, count, write.
fn script(job: &Synthesis, files: &[PathBuf], netlist: &Path, stat: &Path) -> Result<String, FlowError> {
    let command = match job.family {
        Family::Ice40 => "synth_ice40 -abc9",
        // Without -nowidelut the LUTs of arithmetic double.
        Family::Ecp5 => "synth_ecp5 -abc9 -nowidelut",
        Family::Gowin => "synth_gowin",
        Family::Xilinx => "synth_xilinx -abc9",
    };
    let top = checked_top(job.top)?;
    let mut text = String::from("# Written by bincim; run from the folder that holds the sources.\n");
    for file in files {
        text.push_str(&format!("read_verilog -sv {}\n", quoted(file)?));
    }
    // The synthesis command reads the family's cells and then checks that every module is there.
    text.push_str(&format!("{command} -top {top}"));
    for arg in job.synth_args {
        text.push_str(&format!(" {arg}"));
    }
    // Older nextpnr refuses the scope cells that newer Yosys leaves.
    text.push_str("\ndelete */t:$scopeinfo\n");
    // `tee` takes its file name to the next blank and knows no quotes.
    let stat = quoted(stat)?;
    let stat = stat.trim_matches('"');
    if stat.contains(char::is_whitespace) {
        return Err(FlowError::BadName {
            name: stat.to_string(),
            what: "output folder of a synthesis",
            rule: "use an output folder whose path from the sources holds no blanks",
        });
    }
    text.push_str(&format!("tee -q -o {stat} stat -json\n"));
    text.push_str(&format!("write_json {}\n", quoted(netlist)?));
    Ok(text)
}

fn checked_top(top: &str) -> Result<&str, FlowError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !top.is_empty() && top.chars().all(good) && !top.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(top);
    }
    Err(FlowError::BadName {
        name: top.to_string(),
        what: "top module",
        rule: "a module name is letters, digits and underscores and does not start with a digit",
    })
}

fn quoted(path: &Path) -> Result<String, FlowError> {
    match path.to_str() {
        Some(text) if !text.contains(['"', '\\', '\n', '\r', ';']) => Ok(format!("\"{text}\"")),
        _ => Err(FlowError::BadName {
            name: path.display().to_string(),
            what: "file name in a Yosys script",
            rule: "use a path without quotes, backslashes, semicolons and line breaks",
        }),
    }
}

/// Cells by type out of `stat -json`.
fn read_stat(file: &Path, top: &str) -> Result<BTreeMap<String, u64>, FlowError> {
    let text = bounded::text(file, MOST_BYTES).map_err(FlowError::io("read", file))?;
    parse_stat(&text, top).map_err(|what| FlowError::BadOutput {
        tool: "yosys",
        file: file.to_path_buf(),
        what,
    })
}

#[derive(Deserialize)]
struct Stat {
    modules: BTreeMap<String, StatModule>,
}

#[derive(Deserialize)]
struct StatModule {
    num_cells_by_type: BTreeMap<String, u64>,
}

/// Parses `stat -json` of a flattened design: the counts of the top module alone.
///
/// Library cells appear as modules of their own in some versions and are ignored.
pub fn parse_stat(text: &str, top: &str) -> Result<BTreeMap<String, u64>, String> {
    let start = text.find('{').ok_or("no JSON object in it")?;
    let stat: Stat = serde_json::from_str(text[start..].trim_end()).map_err(|error| error.to_string())?;
    let module = stat
        .modules
        .into_iter()
        .find(|(name, _)| name.trim_start_matches('\\') == top)
        .ok_or_else(|| format!("no module `{top}` in it"))?;
    let mut cells = module.1.num_cells_by_type;
    cells.remove("$scopeinfo");
    Ok(cells)
}

/// Counts cells by what they occupy.
///
/// Sources: the cell libraries of Yosys (`ice40/cells_sim.v`, `ecp5/cells_sim.v`,
/// `gowin/cells_sim.v`, `xilinx/cells_sim.v`).
pub fn resources(family: Family, cells: &BTreeMap<String, u64>) -> Resources {
    let mut sum = Resources::default();
    let mut half_brams = 0;
    for (cell, &count) in cells {
        match family {
            Family::Ice40 => match cell.as_str() {
                "SB_LUT4" => sum.luts += count,
                "SB_CARRY" => sum.carries += count,
                "SB_SPRAM256KA" => sum.sprams += count,
                "SB_MAC16" => sum.dsps += count,
                c if c.starts_with("SB_DFF") => sum.ffs += count,
                c if c.starts_with("SB_RAM40_4K") => half_brams += 2 * count,
                _ => {}
            },
            Family::Ecp5 => match cell.as_str() {
                "LUT4" => sum.luts += count,
                // A carry cell is two LUTs with their carry; a distributed RAM fills four.
                "CCU2C" => {
                    sum.carries += count;
                    sum.luts += 2 * count;
                }
                "TRELLIS_DPR16X4" => sum.luts += 4 * count,
                "TRELLIS_FF" => sum.ffs += count,
                "DP16KD" | "PDPW16KD" => half_brams += 2 * count,
                "MULT18X18D" => sum.dsps += count,
                _ => {}
            },
            Family::Gowin => match cell.as_str() {
                "LUT1" | "LUT2" | "LUT3" | "LUT4" => sum.luts += count,
                // An ALU is a LUT with its carry; a shadow RAM fills four and shuts the four beside it.
                "ALU" => {
                    sum.carries += count;
                    sum.luts += count;
                }
                "RAM16SDP1" | "RAM16SDP2" | "RAM16SDP4" | "RAM16S1" | "RAM16S2" | "RAM16S4" => {
                    sum.luts += 8 * count
                }
                "SP" | "SPX9" | "SDPB" | "SDPX9B" | "DPB" | "DPX9B" | "pROM" | "pROMX9" => {
                    half_brams += 2 * count
                }
                c if c.starts_with("MULT") => sum.dsps += count,
                c if c.starts_with("DFF") || c.starts_with("DL") => sum.ffs += count,
                _ => {}
            },
            Family::Xilinx => match cell.as_str() {
                "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" | "SRL16E" | "SRLC32E" => {
                    sum.luts += count
                }
                "RAM32X1D" | "RAM64X1D" => sum.luts += 2 * count,
                "RAM32M" | "RAM64M" | "RAM128X1D" => sum.luts += 4 * count,
                "CARRY4" => sum.carries += count,
                "FDRE" | "FDSE" | "FDCE" | "FDPE" | "LDCE" | "LDPE" => sum.ffs += count,
                "RAMB36E1" => half_brams += 2 * count,
                "RAMB18E1" => half_brams += count,
                "DSP48E1" => sum.dsps += count,
                _ => {}
            },
        }
    }
    sum.brams = half_brams.div_ceil(2);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from Yosys 0.23, shortened.
    const STAT_23: &str = r#"{
   "creator": "Yosys 0.23 (git sha1 7ce5011c24b)",
   "invocation": "stat -json ",
   "modules": {
      "\\top": {
         "num_wires":         26,
         "num_cells":         70,
         "num_cells_by_type": {
            "SB_CARRY": 22,
            "SB_DFF": 24,
            "SB_LUT4": 24
         }
      }
   },
      "design": {
         "num_cells":         70,
         "num_cells_by_type": { "SB_CARRY": 22 }
      }
}

"#;

    #[test]
    fn recorded_statistics_are_read() {
        let cells = parse_stat(STAT_23, "top").unwrap();
        assert_eq!(
            resources(Family::Ice40, &cells),
            Resources { luts: 24, carries: 22, ffs: 24, ..Resources::default() }
        );
        assert_eq!(parse_stat(STAT_23, "other").unwrap_err(), "no module `other` in it");
        assert_eq!(parse_stat("", "top").unwrap_err(), "no JSON object in it");
        assert!(parse_stat(&STAT_23[..200], "top").is_err());
    }

    fn count(family: Family, cells: &[(&str, u64)]) -> Resources {
        resources(family, &cells.iter().map(|(name, n)| (name.to_string(), *n)).collect())
    }

    #[test]
    fn every_family_is_counted_by_what_cells_occupy() {
        let ecp5 = count(
            Family::Ecp5,
            &[("LUT4", 10), ("CCU2C", 3), ("TRELLIS_DPR16X4", 1), ("TRELLIS_FF", 7), ("DP16KD", 2)],
        );
        assert_eq!(ecp5, Resources { luts: 20, carries: 3, ffs: 7, brams: 2, ..Resources::default() });
        let gowin = count(
            Family::Gowin,
            &[
                ("LUT2", 1),
                ("LUT4", 1),
                ("ALU", 5),
                ("RAM16SDP4", 2),
                ("DFFCE", 4),
                ("SDPB", 1),
                ("MUX2_LUT5", 9),
            ],
        );
        assert_eq!(gowin, Resources { luts: 23, carries: 5, ffs: 4, brams: 1, ..Resources::default() });
        let xilinx = count(
            Family::Xilinx,
            &[("LUT6", 8), ("RAMB18E1", 3), ("RAMB36E1", 1), ("FDCE", 2), ("CARRY4", 1)],
        );
        assert_eq!(xilinx, Resources { luts: 8, carries: 1, ffs: 2, brams: 3, ..Resources::default() });
        let ice = count(
            Family::Ice40,
            &[("SB_DFFER", 3), ("SB_RAM40_4KNR", 2), ("SB_SPRAM256KA", 4), ("SB_MAC16", 1)],
        );
        assert_eq!(ice, Resources { ffs: 3, brams: 2, sprams: 4, dsps: 1, ..Resources::default() });
    }

    #[test]
    fn the_script_quotes_and_refuses() {
        let job = |top| Synthesis {
            family: Family::Ecp5,
            synth_args: &[],
            files: &[],
            top,
            cwd: Path::new("."),
            out: Path::new("."),
            limit: None,
        };
        let (net, stat) = (Path::new("n.json"), Path::new("s.json"));
        let text = script(&job("top"), &[PathBuf::from("a b.v")], net, stat).unwrap();
        assert!(text.contains("read_verilog -sv \"a b.v\"\n"));
        assert!(text.contains("synth_ecp5 -abc9 -nowidelut -top top\n"));
        assert!(matches!(script(&job("top; shell"), &[], net, stat), Err(FlowError::BadName { .. })));
        let blank = script(&job("top"), &[], net, Path::new("a b/s.json"));
        assert!(matches!(blank, Err(FlowError::BadName { .. })));
        let quote = script(&job("top"), &[PathBuf::from("a\".v")], net, stat);
        assert!(matches!(quote, Err(FlowError::BadName { .. })));
    }
}
