//! Where the verbs print: the result on standard output, the log on standard error.
//!
//! Never panics: a reader that has gone away is no error, a full disk behind standard output is one.

use miette::{IntoDiagnostic, WrapErr};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// Writes the verb's result to standard output.
pub fn result(text: &str) -> miette::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).into_diagnostic().wrap_err("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes one line to standard error; a log that cannot be written stops no work.
pub fn log(line: Arguments) {
    let _ = writeln!(io::stderr(), "{line}");
}
