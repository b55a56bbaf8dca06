//! NumPy in a process of its own, measured on request.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// The running process: one request a line, one answer a line.
pub struct Rival {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub version: String,
}

impl Rival {
    /// Starts `python` with the script beside this file. Panics with the reason if it cannot.
    pub fn start(python: &str) -> Rival {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/ensemble/rival.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{python}: {e}"));
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut rival = Rival { child, requests, answers, version: String::new() };
        rival.version = rival.answer();
        rival
    }

    /// Image-samples a second, the best over about `time`.
    pub fn rate(&mut self, what: &str, time: Duration) -> f64 {
        writeln!(self.requests, "{what} {}", time.as_secs_f64()).expect("a request");
        let answer = self.answer();
        answer.parse().unwrap_or_else(|_| panic!("NumPy: {answer}"))
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        assert!(!line.is_empty(), "the NumPy process ended; its reason is above");
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
