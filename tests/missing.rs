//! The harness itself: a test that lacks something is told as not run, with the reason, and is a failure where that is
//! asked for. This binary runs its own tests again, one at a time, with `BINCIM_LACKING` set.

#[macro_use]
extern crate harness;
harness::main!();

use harness::Lack;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn lacking() -> bool {
    std::env::var_os("BINCIM_LACKING").is_some()
}

#[test]
fn lacks_a_tool() {
    if lacking() {
        harness::not_run(Lack::Tool, "`abacus`\nwas not found");
        unreachable!("the test has ended");
    }
}

#[test]
fn lacks_a_part() {
    if lacking() {
        harness::in_part(Lack::File, "the second half");
    }
}

#[test]
fn lacks_on_another_thread() {
    if lacking() {
        std::thread::scope(|scope| {
            scope.spawn(|| harness::not_run(Lack::Tool, "`abacus`"));
        });
    }
}

#[test]
fn panics() {
    assert!(!lacking(), "a panic of {}", "its own");
}

#[test]
#[ignore = "to be seen in a list"]
fn runs_on_demand() {}

/// Runs a test of this binary that lacks something; what it printed, and what it noted.
#[expect(clippy::disallowed_methods, reason = "the test binary itself is under test")]
fn again(test: &str, require: &str, may_miss: &str) -> (Output, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let notes = folder.path().join("notes");
    let output = Command::new(std::env::current_exe().expect("a test binary"))
        .args(["--exact", test])
        .env("BINCIM_LACKING", "1")
        .env("BINCIM_NOT_RUN", &notes)
        .env("BINCIM_REQUIRE", require)
        .env("BINCIM_MAY_MISS", may_miss)
        .output()
        .expect("the test binary starts");
    (output, fs::read_to_string(notes).unwrap_or_default())
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_did_not_run_is_told_with_the_reason() {
    let (output, notes) = again("lacks_a_tool", "", "");
    assert!(output.status.success(), "{}", out(&output));
    assert!(out(&output).contains("0 passed; 0 failed; 1 ignored"), "{}", out(&output));
    assert_eq!(notes, "missing::lacks_a_tool (not run): no tool: `abacus` was not found\n");
    let (output, notes) = again("lacks_a_part", "", "");
    assert!(out(&output).contains("1 passed; 0 failed; 0 ignored"), "{}", out(&output));
    assert_eq!(notes, "missing::lacks_a_part (in part): no file: the second half\n");
    let (output, notes) = again("runs_on_demand", "all", "");
    assert!(out(&output).contains("0 passed; 0 failed; 1 ignored"), "{}", out(&output));
    assert_eq!(notes, "missing::runs_on_demand (on demand): to be seen in a list\n");
}

#[test]
fn what_must_run_fails() {
    for (test, require, may_miss, fails) in [
        ("lacks_a_tool", "tools", "", true),
        ("lacks_a_tool", "all", "missing::lacks_a_part", true),
        ("lacks_a_tool", "all", "missing::lacks_a_tool", false),
        ("lacks_a_part", "tools", "", false),
        ("lacks_a_part", "all", "", true),
        ("lacks_on_another_thread", "", "", true),
        ("panics", "", "", true),
    ] {
        let (output, notes) = again(test, require, may_miss);
        assert_eq!(output.status.success(), !fails, "{test}, {require}: {}", out(&output));
        assert!(!fails || notes.is_empty(), "{notes}");
    }
    let (output, _) = again("panics", "", "");
    assert!(out(&output).contains("a panic of its own"), "{}", out(&output));
}

/// A test binary of the standard harness would pass where it cannot run.
#[test]
fn every_test_binary_has_this_harness() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml")).expect("readable").parse().expect("TOML");
    let listed: Vec<&str> = manifest["test"]
        .as_array()
        .expect("tests")
        .iter()
        .filter(|test| test.get("harness").is_some_and(|harness| harness.as_bool() == Some(false)))
        .filter_map(|test| test["name"].as_str())
        .collect();
    let mut count = 0;
    for entry in fs::read_dir(root.join("tests")).expect("readable").flatten() {
        let path = entry.path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let main = if path.is_dir() { path.join("main.rs") } else { path };
        let Ok(text) = fs::read_to_string(&main) else { continue };
        count += 1;
        assert!(
            listed.contains(&name.as_str()),
            "Cargo.toml lacks `[[test]]` with `name = \"{name}\"` and `harness = false`"
        );
        assert!(
            text.contains("#[macro_use]\nextern crate harness;\n")
                && (text.contains("\nharness::main!();\n") || text.contains("harness::run_except(")),
            "{}: the lines `#[macro_use] extern crate harness;` and `harness::main!();` are missing",
            main.display()
        );
    }
    assert_eq!(count, listed.len(), "Cargo.toml names a test binary that is not there");
}
