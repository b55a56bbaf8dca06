//! The command line: one file a verb; nobody imports it.
//!
//! A result goes to stdout, everything else to stderr. Exit status: 0 done, 1 ran and the answer is
//! no, 2 could not run.

mod glyphs;

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
    Glyphs(glyphs::Arguments),
}

/// Runs the command line and returns the exit status.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.verb {
        Verb::Glyphs(arguments) => glyphs::run(arguments),
    };
    match outcome {
        Ok(status) => status,
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::from(2)
        }
    }
}
