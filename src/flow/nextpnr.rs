//! Place and route with nextpnr, over one or more seeds, and what its report says.
//!
//! A missed clock target is not an error: the figures say so. A design that does not fit is.

use super::process::{DEFAULT_LIMIT, relative, run_tool};
use super::tools::{Tool, find};
use super::{Family, FlowError, Found, MOST_BYTES};
use crate::bounded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One placement and routing.
#[derive(Clone, Debug)]
pub struct Route<'a> {
    /// Target family; Xilinx has no such step here.
    pub family: Family,
    /// Device arguments, such as `--up5k --package sg48`.
    pub device_args: &'a [String],
    /// The netlist written by synthesis.
    pub netlist: &'a Path,
    /// Pin constraints (.pcf, .lpf, .cst); without them pins are placed freely.
    pub constraints: Option<&'a Path>,
    /// Clock target in MHz.
    pub target_mhz: f64,
    /// Seeds to try; the one with the highest clock is kept, the earlier on a tie.
    pub seeds: &'a [u64],
    /// Seeds tried at a time, at least 1.
    pub jobs: usize,
    /// Existing folder for the results.
    pub out: &'a Path,
    /// Time limit for one seed; none is half an hour.
    pub limit: Option<Duration>,
}

/// What place and route gave.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The routed design, input of the packer.
    pub design: PathBuf,
    /// Figures of the seed that was kept.
    pub timing: Timing,
    /// The seed that was kept.
    pub seed: u64,
    /// Slowest clock in MHz of every seed, in the order given; none where no clock was timed.
    pub sweep: Vec<(u64, Option<f64>)>,
    /// The copy of nextpnr used.
    pub tool: Found,
    /// The log of the seed that was kept.
    pub log: PathBuf,
}

/// Clocks and utilisation out of nextpnr's report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Every timed clock by net name.
    pub clocks: BTreeMap<String, Clock>,
    /// Used and available cells by nextpnr's cell name.
    pub utilisation: BTreeMap<String, Used>,
}

/// One clock, MHz.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// What the routed design reaches.
    pub achieved: f64,
    /// What was asked for.
    pub constraint: f64,
}

/// Cells of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Used by the design.
    pub used: u64,
    /// In the device.
    pub available: u64,
}

impl Timing {
    /// The slowest clock in MHz; none if no path runs from register to register.
    pub fn fmax_mhz(&self) -> Option<f64> {
        self.clocks.values().map(|clock| clock.achieved).min_by(f64::total_cmp)
    }
}

/// Places and routes a netlist, once a seed.
///
/// Errors: a missing tool, [`FlowError::DoesNotFit`], a failure of nextpnr, an unreadable report.
/// With several seeds a seed that fails to route is left out as long as another succeeds.
pub fn route(job: &Route) -> Result<Routed, FlowError> {
    let tool = find(tool_of(job.family)?)?;
    let seeds: &[u64] = if job.seeds.is_empty() { &[1] } else { job.seeds };
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<Result<Timing, FlowError>>>> =
        Mutex::new(seeds.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..job.jobs.clamp(1, seeds.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(index) else { break };
                    let result = route_seed(job, &tool, seed);
                    results.lock().unwrap_or_else(|e| e.into_inner())[index] = Some(result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(|e| e.into_inner());

    let mut best: Option<(u64, Timing)> = None;
    let mut sweep = Vec::new();
    let mut failure = None;
    for (&seed, result) in seeds.iter().zip(results.into_iter().flatten()) {
        match result {
            Ok(timing) => {
                let fmax = timing.fmax_mhz();
                sweep.push((seed, fmax));
                if best.as_ref().is_none_or(|(_, held)| fmax > held.fmax_mhz()) {
                    best = Some((seed, timing));
                }
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let Some((seed, timing)) = best else {
        return Err(failure.unwrap_or(FlowError::NoSuchStep { step: "seed", family: "given" }));
    };
    let design = job.out.join(design_name(job.family));
    let chosen = job.out.join(seed_name(job.family, seed));
    fs::rename(&chosen, &design).map_err(FlowError::io("rename", &chosen))?;
    Ok(Routed { design, timing, seed, sweep, tool, log: job.out.join(format!("route.seed{seed}.log")) })
}

fn tool_of(family: Family) -> Result<Tool, FlowError> {
    match family {
        Family::Ice40 => Ok(Tool::NextpnrIce40),
        Family::Ecp5 => Ok(Tool::NextpnrEcp5),
        Family::Gowin => Ok(Tool::NextpnrGowin),
        Family::Xilinx => Err(FlowError::NoSuchStep { step: "place and route", family: "Xilinx 7" }),
    }
}

fn design_name(family: Family) -> &'static str {
    match family {
        Family::Ice40 => "routed.asc",
        Family::Ecp5 => "routed.config",
        _ => "routed.json",
    }
}

fn seed_name(family: Family, seed: u64) -> String {
    let suffix = design_name(family).trim_start_matches("routed");
    format!("routed.seed{seed}{suffix}")
}

fn route_seed(job: &Route, tool: &Found, seed: u64) -> Result<Timing, FlowError> {
    let out = fs::canonicalize(job.out).map_err(FlowError::io("find", job.out))?;
    let near = |path: &Path| -> Result<PathBuf, FlowError> {
        Ok(relative(&out, &fs::canonicalize(path).map_err(FlowError::io("find", path))?))
    };
    let mut args: Vec<std::ffi::OsString> = job.device_args.iter().map(Into::into).collect();
    let report = format!("report.seed{seed}.json");
    args.extend(["--json".into(), near(job.netlist)?.into(), "--report".into(), report.clone().into()]);
    args.extend([
        "--freq".into(),
        format!("{}", job.target_mhz).into(),
        "--seed".into(),
        seed.to_string().into(),
    ]);
    args.push("--timing-allow-fail".into());
    let constraints = job.constraints.map(near).transpose()?;
    match job.family {
        Family::Ice40 => {
            args.extend(["--asc".into(), seed_name(job.family, seed).into()]);
            match constraints {
                Some(pcf) => args.extend(["--pcf".into(), pcf.into()]),
                None => args.push("--pcf-allow-unconstrained".into()),
            }
        }
        Family::Ecp5 => {
            args.extend(["--textcfg".into(), seed_name(job.family, seed).into()]);
            // The default router takes hours on a design that fills the device.
            args.extend(["--router".into(), "router2".into()]);
            match constraints {
                Some(lpf) => args.extend(["--lpf".into(), lpf.into()]),
                None => args.push("--lpf-allow-unconstrained".into()),
            }
        }
        Family::Gowin | Family::Xilinx => {
            args.extend(["--write".into(), seed_name(job.family, seed).into()]);
            if let Some(cst) = constraints {
                args.extend(["--vopt".into(), format!("cst={}", cst.display()).into()]);
            }
        }
    }
    let log = out.join(format!("route.seed{seed}.log"));
    match run_tool(tool, args, &out, &log, job.limit.unwrap_or(DEFAULT_LIMIT)) {
        Err(FlowError::ToolFailed { excerpt, log, .. }) if does_not_fit(&excerpt).is_some() => {
            Err(FlowError::DoesNotFit { detail: does_not_fit(&excerpt).unwrap_or_default(), log })
        }
        other => other,
    }?;
    let report = out.join(report);
    let text = bounded::text(&report, MOST_BYTES).map_err(FlowError::io("read", &report))?;
    parse_report(&text).map_err(|what| FlowError::BadOutput { tool: tool.tool.name(), file: report, what })
}

/// The line of a log that says that a resource ran out.
fn does_not_fit(excerpt: &str) -> Option<String> {
    let signs =
        ["no BELs remaining", "Unable to find a placement location", "failed to place", "no Bels remaining"];
    let line = excerpt.lines().find(|line| signs.iter().any(|sign| line.contains(sign)))?;
    Some(line.trim_start_matches("ERROR: ").to_string())
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    fmax: BTreeMap<String, Clock>,
    #[serde(default)]
    utilization: BTreeMap<String, Used>,
}

/// Parses nextpnr's `--report` JSON.
///
/// The clock list may be empty; the utilisation of some families is absent in old versions.
pub fn parse_report(text: &str) -> Result<Timing, String> {
    let report: Report = serde_json::from_str(text).map_err(|error| error.to_string())?;
    Ok(Timing { clocks: report.fmax, utilisation: report.utilization })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from nextpnr-ice40 0.4, shortened.
    const REPORT: &str = r#"{"critical_paths": [{"from": "posedge clk", "path": [], "to": "posedge clk"}],
        "fmax": {"clk_i$SB_IO_IN_$glb_clk": {"achieved": 79.75753784179688, "constraint": 12},
                 "clk_pll": {"achieved": 60.5, "constraint": 12.0}},
        "utilization": {"ICESTORM_LC": {"available": 5280, "used": 27}, "ICESTORM_RAM": {"available": 30, "used": 0}}}"#;

    #[test]
    fn a_recorded_report_is_read() {
        let timing = parse_report(REPORT).unwrap();
        assert_eq!(timing.fmax_mhz(), Some(60.5));
        assert_eq!(timing.clocks["clk_i$SB_IO_IN_$glb_clk"].constraint, 12.0);
        assert_eq!(timing.utilisation["ICESTORM_LC"], Used { used: 27, available: 5280 });
    }

    #[test]
    fn a_report_without_timed_clock_gives_none() {
        assert_eq!(parse_report(r#"{"fmax": {}, "utilization": {}}"#).unwrap().fmax_mhz(), None);
        assert!(parse_report(r#"{"fmax": 3}"#).is_err());
    }

    #[test]
    fn running_out_is_told_from_other_failures() {
        let line = "ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_LC'";
        assert_eq!(does_not_fit(line).unwrap(), line.trim_start_matches("ERROR: "));
        assert_eq!(does_not_fit("ERROR: unconstrained IO 'x'"), None);
    }
}
