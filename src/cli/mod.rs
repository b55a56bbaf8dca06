//! The command line: one file a verb; nobody imports it.

pub mod infer;

use std::process::ExitCode;

/// Runs the command line and returns the exit status.
pub fn main() -> ExitCode {
    ExitCode::from(2)
}
