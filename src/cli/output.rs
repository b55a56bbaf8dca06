//! Where the verbs print: the result on standard output, the log on standard error.
//!
//! Never panics: a reader that has gone away is no error, a full disk behind standard output is one.

use super::options;
use crate::flow::folder;
use miette::{IntoDiagnostic, WrapErr};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// Writes the verb's result to standard output.
pub fn result(text: &str) -> miette::Result<()> {
    stdout(text.as_bytes())
}

fn stdout(bytes: &[u8]) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).into_diagnostic().wrap_err("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes the one file that a verb makes; `-` is standard output.
pub fn file(path: &Path, bytes: &[u8]) -> miette::Result<()> {
    match options::is_stdout(path) {
        true => stdout(bytes),
        false => Ok(folder::write_whole(path, bytes)?),
    }
}

/// Says what was written to `path`: on standard output, or where the file itself went there, on standard error.
pub fn summary(path: &Path, text: &str) -> miette::Result<()> {
    match options::is_stdout(path) {
        true => {
            log(format_args!("{}", text.trim_end()));
            Ok(())
        }
        false => result(text),
    }
}

/// Writes one line to standard error; a log that cannot be written stops no work.
pub fn log(line: Arguments) {
    let _ = writeln!(io::stderr(), "{line}");
}
