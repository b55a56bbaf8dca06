//! A peer in a Python process of its own, measured on request: one request a line, one answer a line.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The running process.
pub struct Rival {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Rival {
    /// Starts `python` with `benches/BENCH/rival.py`. Panics with the reason if it cannot.
    pub fn start(python: impl AsRef<OsStr>, bench: &str, arguments: &[&Path]) -> Rival {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches").join(bench).join("rival.py");
        let mut child = Command::new(&python)
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", python.as_ref().display()));
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        Rival { child, requests, answers }
    }

    /// The answer to a request.
    pub fn ask(&mut self, request: &str) -> String {
        writeln!(self.requests, "{request}").expect("a request");
        self.answer()
    }

    /// The next line; the first one of most scripts tells their versions.
    pub fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        assert!(!line.is_empty(), "the rival's process ended; its reason is above");
        line.trim().to_string()
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        // The script ends by itself once its input is closed; a process that ended before is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
