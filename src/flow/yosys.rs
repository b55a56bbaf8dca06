//! Synthesis with Yosys: writes the script, runs it, reads the cell counts.
//!
//! The script is kept beside its log, so that a person can run it again by hand. The netlist it
//! writes is one that any supported nextpnr accepts.

use super::process::{DEFAULT_LIMIT, relative, run_tool};
use super::tools::{Tool, find_at_least};
use super::{Family, FlowError, Found, MOST_BYTES};
use crate::{bounded, escape};
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
    /// Cells by type, over the whole hierarchy below the top.
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
    let said = bounded::bytes(&log, MOST_BYTES).map_err(FlowError::io("read", &log))?;
    let said = String::from_utf8_lossy(&said);
    let warnings = obeyed_comments(&said);
    if !warnings.is_empty() {
        return Err(FlowError::ObeyedComment { warnings: warnings.join("\n"), log });
    }
    let stat = out.join("stat.json");
    let unreadable = |what| FlowError::BadOutput { tool: "yosys", file: stat.clone(), what };
    let text = bounded::text(&stat, MOST_BYTES).map_err(FlowError::io("read", &stat))?;
    let cells = parse_stat(&text, job.top).map_err(unreadable)?;
    let resources = resources(job.family, &cells).map_err(unreadable)?;
    Ok(Netlist { json: out.join("netlist.json"), cells, resources, tool, log })
}

/// Warnings of the log that a comment was obeyed (`translate_off`, `full_case`, ...), in the words of any version.
fn obeyed_comments(log: &str) -> Vec<&str> {
    let obeyed = |line: &str| {
        ["hot comment", "of those horrible", "translate_off", "full_case", "parallel_case"]
            .iter()
            .any(|words| line.contains(words))
    };
    log.lines().filter(|line| line.starts_with("Warning:") && obeyed(line)).collect()
}

/// Modules of the hardware library that are a LUT each: mapped by themselves, and dissolved behind that. Together with
/// their neighbours they would be restructured for depth, at nearly twice the area.
const APART: [&str; 1] = ["bincim_flip_step"];

fn has(files: &[PathBuf], module: &str) -> bool {
    files.iter().any(|file| file.file_stem().is_some_and(|stem| stem == module))
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
    let apart: Vec<&str> = APART.iter().filter(|module| has(files, module)).copied().collect();
    if !apart.is_empty() {
        text.push_str(&format!("hierarchy -top {top}\n"));
    }
    for module in &apart {
        text.push_str(&format!("setattr -mod -set keep_hierarchy 1 *{module}*\n"));
    }
    // The synthesis command reads the family's cells and then checks that every module is there.
    text.push_str(&format!("{command} -top {top}"));
    for arg in job.synth_args {
        text.push_str(&format!(" {arg}"));
    }
    for module in &apart {
        text.push_str(&format!("\nsetattr -mod -unset keep_hierarchy *{module}*"));
    }
    if !apart.is_empty() {
        text.push_str("\nflatten\nopt_clean -purge");
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

pub(super) fn quoted(path: &Path) -> Result<String, FlowError> {
    escape::yosys(path).ok_or_else(|| FlowError::BadName {
        name: escape::path(path),
        what: "file name in a Yosys script",
        rule: "use a path without quotes, backslashes, semicolons, dollar signs, backticks and line breaks",
    })
}

#[derive(Deserialize)]
struct Stat {
    modules: BTreeMap<String, StatModule>,
}

/// Cells of one module; instances of other modules are among them, or in a list of their own.
#[derive(Deserialize)]
struct StatModule {
    num_cells_by_type: BTreeMap<String, u64>,
    #[serde(default)]
    num_submodules_by_type: BTreeMap<String, u64>,
}

/// Parses `stat -json`: the cells of the top module and of all modules below it, each as often as it is instantiated.
///
/// Library cells appear as modules of their own in some versions; without cells of their own they are cells here.
pub fn parse_stat(text: &str, top: &str) -> Result<BTreeMap<String, u64>, String> {
    let start = text.find('{').ok_or("no JSON object in it")?;
    let stat: Stat = serde_json::from_str(text[start..].trim_end()).map_err(|error| error.to_string())?;
    let plain = |name: &str| name.trim_start_matches('\\').to_string();
    let modules: BTreeMap<String, StatModule> =
        stat.modules.into_iter().map(|(name, module)| (plain(&name), module)).collect();
    if !modules.contains_key(top) {
        return Err(format!("no module `{top}` in it"));
    }
    let mut cells = BTreeMap::new();
    count_below(&modules, top, 1, &mut vec![], &mut cells)?;
    cells.remove("$scopeinfo");
    Ok(cells)
}

/// Adds `copies` times the cells of module `name` and of those below it to `cells`; `above` are its ancestors.
fn count_below<'a>(
    modules: &'a BTreeMap<String, StatModule>,
    name: &'a str,
    copies: u64,
    above: &mut Vec<&'a str>,
    cells: &mut BTreeMap<String, u64>,
) -> Result<(), String> {
    if above.contains(&name) {
        return Err(format!("module `{name}` is inside itself"));
    }
    above.push(name);
    let module = &modules[name];
    let further = module
        .num_submodules_by_type
        .iter()
        .filter(|(kind, _)| !module.num_cells_by_type.contains_key(*kind));
    for (kind, &count) in module.num_cells_by_type.iter().chain(further) {
        let kind = kind.trim_start_matches('\\');
        let count = copies.checked_mul(count).ok_or("a count beyond 64 bits")?;
        match modules.get_key_value(kind) {
            // A module that got parameters is the design's own, even one of wires alone.
            Some((kind, inner)) if !inner.num_cells_by_type.is_empty() || kind.starts_with("$paramod") => {
                count_below(modules, kind, count, above, cells)?;
            }
            _ => *cells.entry(kind.to_string()).or_default() += count,
        }
    }
    above.pop();
    Ok(())
}

/// What one cell of a family occupies.
fn occupies(family: Family, cell: &str) -> Option<Occupied> {
    use Occupied::{Bram, Carry, Dsp, Ff, HalfBram, Luts, Nothing, Spram};
    let starts = |heads: &[&str]| heads.iter().any(|head| cell.starts_with(head));
    Some(match family {
        Family::Ice40 => match cell {
            "SB_LUT4" => Luts(1),
            "SB_CARRY" => Carry(0),
            "SB_SPRAM256KA" => Spram,
            "SB_MAC16" => Dsp,
            _ if starts(&["SB_DFF"]) => Ff,
            _ if starts(&["SB_RAM40_4K"]) => Bram,
            _ if starts(&["SB_GB", "SB_IO", "SB_PLL40", "SB_HFOSC", "SB_LFOSC", "SB_RGBA_DRV"]) => Nothing,
            _ => return None,
        },
        Family::Ecp5 => match cell {
            "LUT4" => Luts(1),
            // A carry cell is two LUTs with their carry; a distributed RAM fills four.
            "CCU2C" => Carry(2),
            "TRELLIS_DPR16X4" => Luts(4),
            "TRELLIS_FF" => Ff,
            "DP16KD" | "PDPW16KD" => Bram,
            "MULT18X18D" => Dsp,
            "PFUMX" | "L6MUX21" | "EHXPLLL" | "TRELLIS_IO" | "DCCA" | "GSR" | "OSCG" | "VHI" | "VLO"
            | "BB" | "IB" | "OB" | "OBZ" => Nothing,
            _ => return None,
        },
        Family::Gowin => match cell {
            "LUT1" | "LUT2" | "LUT3" | "LUT4" => Luts(1),
            // An ALU is a LUT with its carry; a shadow RAM fills four and shuts the four beside it.
            "ALU" => Carry(1),
            "SP" | "SPX9" | "SDPB" | "SDPX9B" | "DPB" | "DPX9B" | "pROM" | "pROMX9" => Bram,
            "GND" | "VCC" | "rPLL" | "PLLVR" | "OSC" | "GSR" | "BUFG" | "BUFS" => Nothing,
            _ if starts(&["RAM16S"]) => Luts(8),
            _ if starts(&["MULT", "PADD", "ALU54"]) => Dsp,
            _ if starts(&["DFF", "DL"]) => Ff,
            _ if starts(&["MUX2", "IBUF", "OBUF", "TBUF", "IOBUF"]) => Nothing,
            _ => return None,
        },
        Family::Xilinx => match cell {
            "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" => Luts(1),
            "SRL16E" | "SRLC16E" | "SRLC32E" | "RAM32X1S" | "RAM64X1S" => Luts(1),
            "RAM32X1D" | "RAM64X1D" | "RAM128X1S" => Luts(2),
            "RAM32M" | "RAM64M" | "RAM128X1D" | "RAM256X1S" => Luts(4),
            "CARRY4" => Carry(0),
            "RAMB36E1" => Bram,
            "RAMB18E1" => HalfBram,
            "DSP48E1" => Dsp,
            // An inverter moves into the LUT or the pin behind it.
            "INV" | "MUXF7" | "MUXF8" | "GND" | "VCC" => Nothing,
            _ if starts(&["FDRE", "FDSE", "FDCE", "FDPE", "LDCE", "LDPE"]) => Ff,
            _ if starts(&["BUF", "IBUF", "OBUF", "IOBUF"]) => Nothing,
            _ => return None,
        },
    })
}

enum Occupied {
    /// Look-up tables, whatever they serve as.
    Luts(u64),
    /// A carry cell and the look-up tables in it.
    Carry(u64),
    Ff,
    Bram,
    HalfBram,
    Spram,
    Dsp,
    /// Pads, clocks, constants and multiplexers beside the look-up tables.
    Nothing,
}

/// Counts cells by what they occupy.
///
/// Sources: the cell libraries of Yosys (`ice40/cells_sim.v`, `ecp5/cells_sim.v`,
/// `gowin/cells_sim.v`, `xilinx/cells_sim.v`).
///
/// Errors: cells that are not known, so that no figure is too small, and a netlist without logic.
pub fn resources(family: Family, cells: &BTreeMap<String, u64>) -> Result<Resources, String> {
    let mut sum = Resources::default();
    let mut half_brams = 0;
    let mut unknown = Vec::new();
    for (cell, &count) in cells {
        match occupies(family, cell) {
            Some(Occupied::Luts(luts)) => sum.luts += luts * count,
            Some(Occupied::Carry(luts)) => {
                sum.carries += count;
                sum.luts += luts * count;
            }
            Some(Occupied::Ff) => sum.ffs += count,
            Some(Occupied::Bram) => half_brams += 2 * count,
            Some(Occupied::HalfBram) => half_brams += count,
            Some(Occupied::Spram) => sum.sprams += count,
            Some(Occupied::Dsp) => sum.dsps += count,
            Some(Occupied::Nothing) => {}
            None => unknown.push(format!("{count} x `{cell}`")),
        }
    }
    sum.brams = half_brams.div_ceil(2);
    match () {
        () if !unknown.is_empty() => {
            Err(format!("it has cells whose size is not known: {}", unknown.join(", ")))
        }
        () if sum.luts + sum.ffs == 0 => Err("it has neither look-up tables nor flip-flops".into()),
        () => Ok(sum),
    }
}

#[cfg(test)]
mod tests;
