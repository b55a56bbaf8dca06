//! The book against the program: what it shows is what the program prints. With `BINCIM_BLESS=1` the pages are written
//! anew.
//!
//! A block of a page that begins with three backticks and `console` holds commands after `$ ` and below each what it
//! printed: standard output, and standard error too where it failed. They run in one folder a page, with the program on
//! the PATH. A comment `<!-- before: COMMANDS -->` runs first and is not shown; `<!-- needs: TOOL -->` names a tool
//! without which the page is left as it is.

use crate::common::tools;
use bincim::flow::Tool;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("doc/src")
}

/// Holds the page `name` equal to `text`, or makes it so.
fn hold(name: &str, text: &str) {
    let path = book().join(name);
    let there = fs::read_to_string(&path).unwrap_or_default();
    if there == text {
        return;
    }
    if std::env::var_os("BINCIM_BLESS").is_some_and(|bless| bless == "1") {
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        return fs::write(&path, text).expect("writable");
    }
    let line = there.lines().zip(text.lines()).position(|(old, new)| old != new);
    let line = line.unwrap_or_else(|| there.lines().count().min(text.lines().count()));
    panic!(
        "doc/src/{name} is not what the program says, from line {} on:\n  page:    {}\n  program: {}\n\
         BINCIM_BLESS=1 cargo test --test tool book:: writes it anew",
        line + 1,
        there.lines().nth(line).unwrap_or("(its end)"),
        text.lines().nth(line).unwrap_or("(its end)"),
    );
}

/// The program, to be started in `dir`.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bincim"));
    command.current_dir(dir);
    command
}

#[test]
fn the_references_of_keys_are_those_of_the_schemas() {
    let pages = [
        ("keys/architecture.md", &["schema", "--markdown"][..]),
        ("keys/training.md", &["schema", "--train", "--markdown"]),
    ];
    for (page, words) in pages {
        let output = program(Path::new(".")).args(words).output().expect("the program");
        assert!(output.status.success());
        hold(page, &String::from_utf8(output.stdout).expect("text"));
    }
}

/// Pages whose commands are run.
fn pages() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "verbs/"] {
        for entry in fs::read_dir(book().join(folder)).expect("the book").flatten() {
            let name = format!("{folder}{}", entry.file_name().to_string_lossy());
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            if name.ends_with(".md") && text.contains("```console\n") {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

/// The comments `<!-- KEY: VALUE -->` of a page.
fn notes<'a>(page: &'a str, key: &str) -> Vec<&'a str> {
    let begin = format!("<!-- {key}: ");
    page.match_indices(&begin)
        .map(|(at, _)| &page[at + begin.len()..])
        .map(|rest| &rest[..rest.find(" -->").expect("the end of a comment")])
        .collect()
}

/// Runs one command of a page; what a reader sees of it.
#[expect(clippy::disallowed_methods, reason = "the commands of a page are a shell's")]
fn shown(dir: &Path, command: &str) -> String {
    let path = std::env::var("PATH").expect("a PATH");
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(dir)
        .env("PATH", format!("{}:{path}", dir.join(".bin").display()))
        .env("COLUMNS", "100")
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("bash");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text += &String::from_utf8_lossy(&output.stderr);
    }
    // Where this machine has its folders and its tools, and what processor it has, is nobody's business.
    let real = fs::canonicalize(dir).expect("a folder");
    let text = text.replace(&format!("{}/", real.display()), "").replace(&format!("{}/", dir.display()), "");
    let told = [("verilator ", " ("), (" images/s", " images/s (")];
    let lines = text.lines().map(|line| {
        let cut = told.iter().find(|(of, _)| line.contains(of)).and_then(|(_, begin)| {
            line.find(begin).map(|at| &line[..at + begin.find('(').expect("a bracket")])
        });
        cut.unwrap_or(line).trim_end()
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// A line without what differs from run to run: the numbers of lines that tell speed or time.
fn steady(line: &str) -> String {
    match ["images/s", " cycles in ", "verilator "].iter().any(|word| line.contains(word)) {
        true => line
            .split(|c: char| c.is_ascii_digit() || ".,".contains(c))
            .filter(|part| !part.is_empty())
            .collect(),
        false => line.into(),
    }
}

/// The page with what its commands print now; lines that differ in speed alone stay as they are.
fn run_anew(name: &str, page: &str) -> String {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    fs::create_dir(dir.join(".bin")).expect("writable");
    symlink(env!("CARGO_BIN_EXE_bincim"), dir.join(".bin/bincim")).expect("a link");
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), dir.join("examples")).expect("a link");
    for command in notes(page, "before") {
        shown(dir, &format!("({command}) >/dev/null"));
    }
    let mut out = String::new();
    let mut commands = 0;
    let mut blocks = page.split("```console\n");
    out += blocks.next().unwrap_or_default();
    for block in blocks {
        let (inside, after) =
            block.split_once("\n```\n").unwrap_or_else(|| panic!("{name}: a block without an end"));
        let mut old: Vec<&str> = Vec::new();
        out += "```console\n";
        let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in inside.lines() {
            match (line.strip_prefix("$ "), parts.last_mut()) {
                (Some(command), _) => parts.push((command, Vec::new())),
                (None, Some(part)) => part.1.push(line),
                (None, None) => old.push(line),
            }
        }
        assert!(old.is_empty() && !parts.is_empty(), "{name}: a block that begins with no command: {old:?}");
        for (command, before) in parts {
            let now = shown(dir, command);
            let same = now.lines().count() == before.len()
                && now.lines().zip(&before).all(|(now, before)| steady(now) == steady(before));
            out += &format!("$ {command}\n");
            match same {
                true => before.iter().for_each(|line| out += &format!("{line}\n")),
                false => out += &now,
            }
            commands += 1;
        }
        out += "```\n";
        out += after;
    }
    assert!(commands > 0, "{name}");
    out
}

#[test]
fn every_page_shows_what_the_program_prints() {
    let pages = pages();
    assert!(pages.len() > 20, "{pages:?}");
    for name in pages {
        let page = fs::read_to_string(book().join(&name)).expect("readable");
        let needs = |tool: &str| Tool::ALL.into_iter().find(|known| known.name() == tool).expect("a tool");
        if notes(&page, "needs").into_iter().all(|tool| tools::find(needs(tool), &name).is_some()) {
            hold(&name, &run_anew(&name, &page));
        }
    }
}

/// Every verb has its page, and the book lists every page that it has.
#[test]
fn every_verb_has_its_page() {
    let help = program(Path::new(".")).arg("--help").output().expect("the program");
    let help = String::from_utf8(help.stdout).expect("text");
    let verbs =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let verbs = verbs.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let verbs: Vec<&str> =
        verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help").collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    let summary = fs::read_to_string(book().join("SUMMARY.md")).expect("the contents");
    for verb in &verbs {
        let page = fs::read_to_string(book().join(format!("verbs/{verb}.md"))).unwrap_or_default();
        assert!(
            page.contains(&format!("$ bincim {verb} --help\n")),
            "doc/src/verbs/{verb}.md lacks its options"
        );
        assert!(summary.contains(&format!("(verbs/{verb}.md)")), "{verb} is not in SUMMARY.md");
    }
    for page in pages() {
        assert!(summary.contains(&format!("({page})")), "{page} is not in SUMMARY.md");
    }
}
