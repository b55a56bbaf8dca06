//! Verilator: lint, and models built from a file list with a C++ harness or a Verilog bench.
//!
//! Serves the native 5.006 and later and the Python wheel, whose make settings are empty and are
//! given on the command line. Uses ccache where it is on the PATH.

use super::process::{DEFAULT_LIMIT, Job, excerpt, relative, run, run_tool};
use super::runtime::{Runtime, on_path};
use super::tools::{Tool, find, fst_libraries};
use super::{FlowError, Found, MOST_BYTES};
use crate::bounded;
use serde::Serialize;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One model to build.
#[derive(Clone, Debug)]
pub struct Build<'a> {
    /// Verilog sources and waivers (.vlt), relative to `cwd` or absolute.
    pub files: &'a [PathBuf],
    /// C++ sources with `main`; if empty the top is a Verilog bench that ends by `$finish`.
    pub harness: &'a [PathBuf],
    /// Top module.
    pub top: &'a str,
    /// Folder Verilator runs in.
    pub cwd: &'a Path,
    /// Folder for the model; created, kept between builds for ccache and make.
    pub out: &'a Path,
    /// Include VCD tracing.
    pub trace: bool,
    /// The model runs for a moment only: what it takes to optimise it would not come back.
    pub short: bool,
    /// Simulation threads, at least 1.
    pub threads: usize,
    /// Compile jobs at a time, at least 1.
    pub jobs: usize,
    /// Further Verilator arguments, such as `-GDepth=4` or `-CFLAGS -DX=1`.
    pub args: &'a [String],
    /// Time limit; none is half an hour.
    pub limit: Option<Duration>,
}

/// A built model.
#[derive(Clone, Debug)]
pub struct Model {
    /// The program; run it with [`super::run_program`].
    pub program: PathBuf,
    /// The copy of Verilator used.
    pub tool: Found,
    /// The build log.
    pub log: PathBuf,
}

/// One line of a lint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `WIDTH`, `UNUSED`, ... for a warning; `ERROR` for an error.
    pub code: String,
    /// File as the tool names it; empty if the finding has no place.
    pub file: String,
    /// Line from 1, 0 if none.
    pub line: u32,
    /// The text.
    pub text: String,
}

/// Builds a model with the settings that were measured fastest: `-O3`, `-O2` for the hot files, `-O1` for a short run.
pub fn build(job: &Build) -> Result<Model, FlowError> {
    let mut tool = find(Tool::Verilator)?;
    let way = spaceless(&mut tool)?;
    let cwd = fs::canonicalize(job.cwd).map_err(FlowError::io("find", job.cwd))?;
    fs::create_dir_all(job.out).map_err(FlowError::io("create", job.out))?;
    let out = fs::canonicalize(job.out).map_err(FlowError::io("find", job.out))?;
    let stage = stage(&cwd, &out)?;
    let place = match &stage {
        Some(stage) => fs::canonicalize(stage.path()).map_err(FlowError::io("find", stage.path()))?,
        None => out.clone(),
    };
    let mut args: Vec<OsString> =
        words(if job.harness.is_empty() { "--binary" } else { "--cc --exe --build" });
    args.extend(words("-O3 --x-assign fast --x-initial fast --noassert -Wno-fatal -o model"));
    if job.trace {
        args.push("--trace".into());
    }
    if job.threads > 1 {
        args.extend(["--threads".into(), job.threads.to_string().into()]);
    }
    let cached = on_path("ccache").is_some();
    args.extend(["-MAKEFLAGS".into(), make_settings(&tool, job, cached).into()]);
    args.extend(job.args.iter().map(Into::into));
    // Objects that ccache keeps need no folder of ours.
    let runtime = if cached { None } else { Runtime::new(&tool, &args) };
    if let Some(way) = &way {
        // What starts itself again for a part of a hierarchy; no option of the runtime, whose key it must not change.
        let script = way.path().join("verilator/bin/verilator");
        args.extend(["-MAKEFLAGS".into(), format!("VM_HIER_VERILATOR={}", script.display()).into()]);
    }
    args.extend(["-j".into(), job.jobs.max(1).to_string().into(), "--top-module".into(), job.top.into()]);
    let cwd = match &stage {
        Some(_) => copied(job.files, &cwd, &place)?,
        None => cwd,
    };
    args.extend(["--Mdir".into(), relative(&cwd, &place).into()]);
    if job.args.iter().any(|arg| arg == "--trace-fst")
        && let Some(libraries) = fst_libraries()
    {
        link(&libraries, &place.join("fst"))?;
        args.extend(words("-CFLAGS -Ifst/include -LDFLAGS -Lfst/lib"));
    }
    args.extend(job.files.iter().map(Into::into));
    for source in job.harness {
        // The compiler runs in the model's folder; an absolute path may hold spaces, which make cannot quote.
        let path = job.cwd.join(source);
        let path = fs::canonicalize(&path).map_err(FlowError::io("read", &path))?;
        match stage {
            Some(_) => args.push(beside(&path, &place)?),
            None => args.push(relative(&place, &path).into()),
        }
    }
    let log = out.join("build.log");
    let _ = fs::remove_file(&log);
    if let Some(there) = runtime.as_ref().and_then(|runtime| runtime.lay(&place)) {
        args.splice(0..0, ["-MAKEFLAGS".into(), there.into()]);
    }
    run_tool(&tool, args, &cwd, &log, job.limit.unwrap_or(DEFAULT_LIMIT))?;
    if let Some(runtime) = &runtime {
        runtime.keep(&place);
    }
    let program = out.join("model");
    if stage.is_some() {
        fs::copy(place.join("model"), &program).map_err(FlowError::io("write", &program))?;
    }
    Ok(Model { program, tool, log })
}

/// A temporary folder to build in where a path has spaces: make refuses those, and line feeds end its lines.
fn stage(cwd: &Path, out: &Path) -> Result<Option<tempfile::TempDir>, FlowError> {
    match spaced(cwd) || spaced(out) {
        true => temporary().map(Some),
        false => Ok(None),
    }
}

fn spaced(path: &Path) -> bool {
    path.to_string_lossy().contains(char::is_whitespace)
}

/// A temporary folder whose path has no space.
fn temporary() -> Result<tempfile::TempDir, FlowError> {
    let parent = Some(std::env::temp_dir()).filter(|path| !spaced(path)).unwrap_or_else(|| "/tmp".into());
    tempfile::tempdir_in(&parent).map_err(FlowError::io("create a folder in", parent))
}

/// Where Verilator itself lies in a path with a space, a way to it without one, for as long as what is returned is kept:
/// the script that starts the program does not quote its name, and a makefile cannot include from there.
fn spaceless(tool: &mut Found) -> Result<Option<tempfile::TempDir>, FlowError> {
    let Some(root) = tool.program.ancestors().nth(2).filter(|root| tool.wheel && spaced(root)) else {
        return Ok(None);
    };
    let folder = temporary()?;
    let way = folder.path().join("verilator");
    link(root, &way)?;
    tool.env.push(("VERILATOR_BIN".into(), way.join("bin/verilator_bin").into()));
    tool.env.push(("VERILATOR_ROOT".into(), way.into()));
    Ok(Some(folder))
}

/// Copies what is named relative to `cwd` into `place`, as it lies there; returns the folder that stands for `cwd`.
fn copied(files: &[PathBuf], cwd: &Path, place: &Path) -> Result<PathBuf, FlowError> {
    let sources = place.join("sources");
    let folder = sources.join("cwd");
    fs::create_dir_all(&folder).map_err(FlowError::io("create", &folder))?;
    for file in files.iter().filter(|file| file.is_relative()) {
        let (from, to) = (cwd.join(file), folder.join(file));
        let parent = to.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(FlowError::io("create", parent))?;
        fs::copy(&from, &to).map_err(FlowError::io("read", &from))?;
    }
    Ok(folder)
}

/// Copies `source` and the headers beside it into `place`; returns its name there.
fn beside(source: &Path, place: &Path) -> Result<OsString, FlowError> {
    let folder = source.parent().unwrap_or(Path::new("."));
    let entries = fs::read_dir(folder).map_err(FlowError::io("read", folder))?;
    let headers = entries.flatten().map(|entry| entry.path());
    let headers = headers.filter(|path| path.extension().is_some_and(|ending| ending == "h"));
    for path in headers.chain([source.to_path_buf()]) {
        let name = path.file_name().unwrap_or_default();
        fs::copy(&path, place.join(name)).map_err(FlowError::io("read", &path))?;
    }
    Ok(source.file_name().unwrap_or_default().to_os_string())
}

/// Lints with `-Wall`; an empty list is a clean lint.
///
/// Errors: a missing tool, or a failure that says nothing a finding could hold.
pub fn lint(files: &[PathBuf], top: &str, cwd: &Path, log: &Path) -> Result<Vec<Finding>, FlowError> {
    let mut tool = find(Tool::Verilator)?;
    let _way = spaceless(&mut tool)?;
    let mut args = words("--lint-only -Wall -Wno-fatal --timing");
    args.extend(["--top-module".into(), top.into()]);
    args.extend(files.iter().map(Into::into));
    let start = fs::metadata(log).map(|meta| meta.len() as usize).unwrap_or(0);
    let ran = run(&Job {
        name: "verilator",
        program: &tool.program,
        env: &tool.env,
        args,
        cwd,
        log,
        capture: false,
        limit: DEFAULT_LIMIT.into(),
    })?;
    let bytes = bounded::bytes(log, MOST_BYTES).map_err(FlowError::io("read", log))?;
    let text = String::from_utf8_lossy(&bytes[start.min(bytes.len())..]).into_owned();
    let findings = parse_findings(&text);
    if ran.code != 0 && findings.is_empty() {
        return Err(FlowError::ToolFailed {
            tool: "verilator".into(),
            status: format!("exit status {}", ran.code),
            excerpt: excerpt(&text),
            log: log.to_path_buf(),
        });
    }
    Ok(findings)
}

/// Reads `%Warning-CODE: file:line:column: text` and `%Error: ...` lines.
pub fn parse_findings(text: &str) -> Vec<Finding> {
    text.lines().filter_map(parse_finding).collect()
}

fn parse_finding(line: &str) -> Option<Finding> {
    let (code, rest) = if let Some(rest) = line.strip_prefix("%Warning-") {
        let (code, rest) = rest.split_once(": ")?;
        (code.to_string(), rest)
    } else {
        let rest = line.strip_prefix("%Error")?;
        let (kind, rest) = rest.split_once(": ")?;
        // The closing summary repeats what was said.
        if rest.starts_with("Exiting due to") {
            return None;
        }
        (format!("ERROR{kind}"), rest)
    };
    let parts: Vec<&str> = rest.splitn(4, ':').collect();
    if let [file, line, column, text] = parts[..]
        && let (Ok(line), Ok(_)) = (line.parse(), column.parse::<u32>())
    {
        return Some(Finding { code, file: file.into(), line, text: text.trim().into() });
    }
    Some(Finding { code, file: String::new(), line: 0, text: rest.trim().into() })
}

/// Settings for the generated makefile, as one `-MAKEFLAGS` word list; `cached`: by ccache.
fn make_settings(tool: &Found, job: &Build, cached: bool) -> String {
    let level = if job.short { 1 } else { 2 };
    let mut settings = format!("OPT_FAST=-O{level} OPT_GLOBAL=-O2 OPT_SLOW=-O0");
    if cached {
        settings.push_str(" OBJCACHE=ccache");
    }
    if tool.wheel {
        // The wheel is not configured for any compiler. Headers of C++20 take longer to read; only coroutines need it.
        let timed = job.harness.is_empty() || job.args.iter().any(|arg| arg == "--timing");
        settings.push_str(&format!(
            " CFG_CXXFLAGS_STD=-std=gnu++{} CFG_CXXFLAGS_PCH_I=-include CFG_CXXFLAGS_COROUTINES=-fcoroutines \
             CFG_LDLIBS_THREADS=-pthread",
            if timed { 20 } else { 17 }
        ));
    }
    settings
}

/// Makes `place` a link to `target`; one of an earlier run is replaced.
fn link(target: &Path, place: &Path) -> Result<(), FlowError> {
    let target = fs::canonicalize(target).map_err(FlowError::io("find", target))?;
    if let Err(error) = fs::remove_file(place)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        return Err(FlowError::io("remove", place)(error));
    }
    std::os::unix::fs::symlink(&target, place).map_err(FlowError::io("write", place))
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_findings_are_read() {
        // Recorded from 5.006 and 5.48.
        let text = "%Warning-WIDTH: a.v:3:10: Operator ASSIGN expects 8 bits\n\
                    \x20                         : ... note: In instance 'top'\n\
                    \x20   3 |   assign x = y;\n\
                    %Warning-DECLFILENAME: /x/b.v:1:8: Filename 'b' does not match MODULE name: 'c'\n\
                    %Error: a.v:9:1: syntax error, unexpected endmodule\n\
                    %Error: Cannot find file containing module: 'd'\n\
                    %Error: Exiting due to 2 error(s)\n";
        let findings = parse_findings(text);
        let short: Vec<_> = findings.iter().map(|f| (f.code.as_str(), f.file.as_str(), f.line)).collect();
        assert_eq!(
            short,
            [("WIDTH", "a.v", 3), ("DECLFILENAME", "/x/b.v", 1), ("ERROR", "a.v", 9), ("ERROR", "", 0)]
        );
        assert_eq!(findings[1].text, "Filename 'b' does not match MODULE name: 'c'");
        assert_eq!(findings[3].text, "Cannot find file containing module: 'd'");
    }
}
