//! The command line: one file a verb; nobody imports it.
//!
//! A result goes to stdout, everything else to stderr. Exit status: 0 done, 1 ran and the answer is no,
//! 2 could not run.

mod check;
pub mod infer;
mod load;
pub mod mutate;
pub mod verify;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// From a trained binary neural network to a proven compute-in-memory accelerator.
#[derive(Parser)]
#[command(name = "bincim", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::Check),
}

/// How a verb ended that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or the answer is yes.
    Done,
    /// The answer is no: a mismatch, a design that does not fit.
    No,
}

/// Runs the command line and returns the exit status.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.verb {
        Verb::Check(args) => check::run(args),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::from(2)
        }
    }
}
