//! The harness of bincim's tests: the standard one, but for a test that finds at run time that it cannot run.
//!
//! A test binary begins with
//!
//! ```text
//! #[macro_use]
//! extern crate harness;
//! harness::main!();
//! ```
//!
//! and has `harness = false` in `Cargo.toml`; its tests are functions with `#[test]`, as ever. Where a tool or a file is
//! missing, [`not_run`] ends the test, which is told as ignored with the reason; [`in_part`] says which part of a test
//! was left out. Both are collected in the file that `BINCIM_NOT_RUN` names.
//!
//! `BINCIM_REQUIRE=tools` makes a failure of whatever lacks a tool, `BINCIM_REQUIRE=all` of everything that did not
//! run, except the tests that `BINCIM_MAY_MISS` names (`binary::module::test`, separated by blanks). The file that
//! `BINCIM_TIMES` names gets a line for each test: its seconds and its name.

pub use attribute::test;
pub use inventory;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::cell::RefCell;
use std::ffi::OsStr;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// One test of this binary.
pub struct Test {
    /// Path of its module, the binary first.
    pub module: &'static str,
    /// The function's name.
    pub name: &'static str,
    /// Why it runs on demand only, if it does.
    pub ignored: Option<&'static str>,
    /// The function.
    pub run: fn(),
}

inventory::collect!(Test);

/// What is missing where a test does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// An outside tool.
    Tool,
    /// A file that does not come with the project.
    File,
    /// Something that this system does not offer.
    System,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Lack::Tool => "no tool",
            Lack::File => "no file",
            Lack::System => "this system",
        })
    }
}

/// Whether this process runs the tests of this harness.
static RUNS: AtomicBool = AtomicBool::new(false);

/// What a test that did not run ends with.
struct NotRun(Lack, String);

thread_local! {
    /// The test of this thread and the parts of it that were left out; none on a thread of no test.
    static TEST: RefCell<Option<Vec<(Lack, String)>>> = const { RefCell::new(None) };
}

/// Ends this test as one that did not run; to be called on the thread of the test itself. Where no test of this harness
/// runs (a benchmark that shares a test's helpers) it only says so and returns.
pub fn not_run(lack: Lack, reason: impl fmt::Display) {
    if TEST.with_borrow(Option::is_some) {
        resume_unwind(Box::new(NotRun(lack, reason.to_string())));
    }
    outside(lack, &reason.to_string());
}

/// Says that a part of this test was left out; the rest counts.
pub fn in_part(lack: Lack, reason: impl fmt::Display) {
    let known = TEST.with_borrow_mut(|test| match test {
        Some(parts) => {
            parts.push((lack, reason.to_string()));
            true
        }
        None => false,
    });
    if !known {
        outside(lack, &reason.to_string());
    }
}

/// What lacks something on a thread that belongs to no test must not pass unheard.
fn outside(lack: Lack, reason: &str) {
    assert!(!RUNS.load(Ordering::Relaxed), "not on the thread of the test: {lack}: {reason}");
    eprintln!("NOT RUN: {lack}: {reason}");
}

/// The `main` of a test binary.
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            ::harness::run()
        }
    };
}

/// Runs the tests of this binary as its arguments say.
pub fn run() -> ExitCode {
    run_except(None)
}

/// The same without the tests whose names begin with `left_out`.
pub fn run_except(left_out: Option<&str>) -> ExitCode {
    RUNS.store(true, Ordering::Relaxed);
    let arguments = Arguments::from_args();
    let mut tests: Vec<(String, &Test)> =
        inventory::iter::<Test>.into_iter().map(|test| (name_in_binary(test), test)).collect();
    tests.retain(|(name, _)| left_out.is_none_or(|prefix| !name.starts_with(prefix)));
    tests.sort_by(|a, b| a.0.cmp(&b.0));
    let trials: Vec<Trial> = tests
        .iter()
        .map(|(name, test)| {
            let (name, test): (String, &'static Test) = (name.clone(), test);
            Trial::ignorable_test(name.clone(), move || outcome(&name, test))
                .with_ignored_flag(test.ignored.is_some())
        })
        .collect();
    if !arguments.list {
        for (trial, (name, test)) in trials.iter().zip(&tests) {
            if !arguments.is_filtered_out(trial) && arguments.is_ignored(trial) {
                note(&full_name(test, name), "on demand", test.ignored.unwrap_or_default());
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// `module::test`, as the standard harness names it: without the binary.
fn name_in_binary(test: &Test) -> String {
    match test.module.split_once("::") {
        Some((_, module)) => format!("{module}::{}", test.name),
        None => test.name.to_string(),
    }
}

fn full_name(test: &Test, name: &str) -> String {
    let binary = test.module.split("::").next().unwrap_or_default();
    format!("{binary}::{name}")
}

/// Runs one test on a thread that bears its name, as messages of panics tell.
fn outcome(name: &str, test: &'static Test) -> Result<Completion, Failed> {
    let run = move || {
        TEST.set(Some(Vec::new()));
        (test.run)();
        TEST.take().unwrap_or_default()
    };
    let start = Instant::now();
    let thread = std::thread::Builder::new().name(name.into()).spawn(run).map_err(Failed::from)?;
    let full = full_name(test, name);
    let ended = thread.join();
    if let Some(file) = std::env::var_os("BINCIM_TIMES") {
        append(&file, &format!("{:.1} {full}\n", start.elapsed().as_secs_f64()));
    }
    match ended {
        Ok(parts) => {
            for (lack, reason) in parts {
                tell(&full, lack, &reason, "in part")?;
            }
            Ok(Completion::Completed)
        }
        Err(payload) => match payload.downcast::<NotRun>() {
            Ok(not_run) => {
                let NotRun(lack, reason) = *not_run;
                tell(&full, lack, &reason, "not run")?;
                Ok(Completion::ignored_with(format!("{lack}: {reason}")))
            }
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text.or(payload.downcast_ref::<&str>().copied());
                Err(text.unwrap_or("panicked").into())
            }
        },
    }
}

/// Notes what did not run, or makes a failure of it.
fn tell(test: &str, lack: Lack, reason: &str, how: &str) -> Result<(), Failed> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    if required(test, lack, &variable("BINCIM_REQUIRE"), &variable("BINCIM_MAY_MISS")) {
        return Err(format!("{how}, and BINCIM_REQUIRE asks for it: {lack}: {reason}").into());
    }
    note(test, how, &format!("{lack}: {reason}"));
    Ok(())
}

/// Whether a test that lacks something is a failure.
fn required(test: &str, lack: Lack, require: &str, may_miss: &str) -> bool {
    let asked = match require {
        "all" => true,
        "tools" => lack == Lack::Tool,
        _ => false,
    };
    asked && !may_miss.split_whitespace().any(|name| name == test)
}

/// One line into the file of what did not run, if there is one.
fn note(test: &str, how: &str, reason: &str) {
    let line = format!("{test} ({how}): {}\n", reason.lines().collect::<Vec<_>>().join(" "));
    match std::env::var_os("BINCIM_NOT_RUN") {
        Some(file) => append(&file, &line),
        None if how == "in part" => eprint!("{line}"),
        None => {}
    }
}

/// Adds a whole line to a file that several tests write to.
fn append(file: &OsStr, line: &str) {
    let written = OpenOptions::new().create(true).append(true).open(file);
    let written = written.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
