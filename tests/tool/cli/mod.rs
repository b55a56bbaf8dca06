//! The built program from outside: every verb, its exit status, its two streams, and what it leaves on the disk.

mod chips;
mod disk;
mod drawn;
mod interrupted;
mod limits;
mod machine;
mod manners;
mod metrics;
mod names;
mod neighbours;
mod package;
mod refusals;
mod runtime;
mod states;
use crate::common::tools;
mod train;
mod verbs;

use bincim::flow::Tool;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tools::present;

/// The example network.
fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs/glyphs.onnx")
}

/// The program, to be started in `dir`.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bincim"));
    command.current_dir(dir).env_remove("RUST_BACKTRACE");
    command
}

/// A shell with a script in `dir`; `$BINCIM` is the program, `$MODEL` the example network.
#[expect(clippy::disallowed_methods, reason = "limits and mounts are set by a shell")]
fn shell(dir: &Path, script: &str) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(dir);
    command.env("BINCIM", env!("CARGO_BIN_EXE_bincim")).env("MODEL", model());
    Ran::from(command.output().expect("a shell"))
}

/// What one run gave.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let ran = Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text on standard output"),
            err: String::from_utf8(output.stderr).expect("text on standard error"),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }
}

impl Ran {
    /// Asserts the exit status.
    fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.out, self.err);
        self
    }

    /// Asserts that it could not run, printed no result, and said each of `words`.
    fn refuses(self, words: &[&str]) {
        let ran = self.ends(2);
        assert_eq!(ran.out, "", "a result of a run that could not run");
        let said = unwrapped(&ran.err);
        // Words of the command line are clap's to refuse.
        if !ran.err.contains("error: ") {
            let codes = ran.err.split_whitespace().filter(|word| is_code(word)).count();
            assert!(codes > 0, "no code:\n{}", ran.err);
            assert!(ran.err.contains("help: "), "no help:\n{}", ran.err);
            let long: Vec<&str> = ran.err.lines().map(str::trim).filter(|line| line.len() > 20).collect();
            let once: std::collections::BTreeSet<_> = long.iter().collect();
            assert_eq!(once.len(), long.len(), "said twice:\n{}", ran.err);
            // What one line says must stand nowhere else, whatever is before it there.
            let text = |line: &str| line.trim_start_matches([' ', '×', '│', '╰', '─', '▶']).to_string();
            for line in
                ran.err.lines().map(text).filter(|line| line.len() > 40 && !line.starts_with("help: "))
            {
                assert_eq!(said.matches(&unwrapped(&line)).count(), 1, "said twice:\n{}", ran.err);
            }
        }
        for word in words {
            assert!(said.contains(&unwrapped(word)), "no `{word}` in:\n{}", ran.err);
        }
    }

    /// The one JSON object on standard output, which has all of `keys`.
    fn json(&self, keys: &[&str]) -> Value {
        let value: Value = serde_json::from_str(&self.out).expect("one JSON object and nothing else");
        let object = value.as_object().expect("an object");
        for key in keys {
            assert!(object.contains_key(*key), "no key `{key}` in {:?}", object.keys().collect::<Vec<_>>());
        }
        value
    }
}

/// Whether a word is an error's code, such as `flow::io`.
fn is_code(word: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || "_-0123456789".contains(c))
    };
    word.contains("::") && word.split("::").all(part)
}

/// Without blanks and rulers: long messages are broken to the width of the terminal.
fn unwrapped(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect()
}

/// Runs the program in `dir`; `MODEL` among the words stands for the example network.
fn bincim(dir: &Path, words: &[&str]) -> Ran {
    let mut command = program(dir);
    for word in words {
        match *word {
            "MODEL" => command.arg(model()),
            word => command.arg(word),
        };
    }
    Ran::from(command.output().expect("the program starts"))
}

/// A folder with test glyphs in `data`.
fn with_glyphs(count: usize) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    bincim(root.path(), &["glyphs", "--split", "test", "--count", &count.to_string(), "-o", "data"]).ends(0);
    root
}

/// Generates the example as a small array into `dir/d`.
fn generate_small(dir: &Path) {
    let text = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n";
    std::fs::write(dir.join("arch.toml"), text).expect("writable");
    bincim(dir, &["generate", "MODEL", "--arch", "arch.toml", "--device", "up5k", "-o", "d"]).ends(0);
}

/// Names in a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folder in which a run makes `name` in `dir`, once it has begun to.
fn under_construction(dir: &Path, name: &str) -> Option<PathBuf> {
    let prefix = format!("{name}.partial-");
    let made = std::fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let named = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&prefix));
    made.filter(named).map(|path| path.join("new")).find(|path| path.is_dir())
}

/// Every file below a folder with its content.
fn content(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for name in names(dir) {
        let path = dir.join(name);
        match path.is_dir() {
            true => files.extend(content(&path)),
            false => files.push((path.clone(), std::fs::read(&path).expect("readable"))),
        }
    }
    files
}
