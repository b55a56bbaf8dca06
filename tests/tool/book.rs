//! The book against the program: what it shows is what the program prints. With `BINCIM_BLESS=1` the pages are written
//! anew.

use std::fs;
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
