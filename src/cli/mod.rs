//! The command line: one file a verb; nobody imports it.
//!
//! A result goes to stdout, everything else to stderr. Exit status: 0 done, 1 ran and the answer is no,
//! 2 could not run.

mod bitstream;
mod blocks;
mod board;
mod calibrate;
mod caller;
mod check;
mod draw;
mod generate;
mod glyphs;
pub mod infer;
mod judge;
mod layers;
mod load;
pub mod machine;
mod made;
mod manual;
mod merge;
pub mod mutate;
mod new;
mod options;
mod output;
mod pixels;
mod progress;
mod report;
mod samples;
mod scores;
mod synth;
mod tools;
mod train;
mod vary;
pub mod verify;

use crate::app::{PROGRAM, VERSION, chip, fault};
use crate::cost::ChoiceError;
use crate::{escape, flow};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// From a trained binary neural network to a proven compute-in-memory accelerator.
#[derive(Parser)]
#[command(name = "bincim", version = VERSION)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// Tell only results, warnings and errors, not what is being done
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell the command line of every outside tool too, as it starts
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When results and errors are coloured; `auto`: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: output::Color,
}

#[derive(Subcommand)]
enum Verb {
    New(new::New),
    Check(check::Check),
    Infer(infer::Args),
    Calibrate(calibrate::Calibrate),
    Generate(generate::Generate),
    Compile(machine::compile::Compile),
    Draw(draw::Draw),
    Vary(vary::Vary),
    Merge(merge::Merge),
    Verify(verify::Verify),
    Mutate(mutate::Mutate),
    Synth(synth::Synth),
    Load(bitstream::Load),
    Board(board::Board),
    Report(report::Report),
    Train(train::Train),
    Glyphs(glyphs::Arguments),
    Tools(tools::Tools),
    Schema(new::Schema),
    Completions(manual::Completions),
    Man(manual::Man),
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
    let command = Arguments::command().color(output::asked(std::env::args_os()));
    let parsed = command.try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(problem) => return output::usage(&problem),
    };
    progress::quiet(arguments.quiet);
    if arguments.verbose {
        flow::observe(|line, folder| {
            progress::tell(format_args!("running in {}: {line}", escape::path(folder)));
        });
    }
    output::color(arguments.color);
    match run(arguments.verb) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::No) => ExitCode::from(1),
        Err(report) => {
            let no = report.downcast_ref::<ChoiceError>().is_some_and(|error| error.misfit().is_some());
            output::error(&fault::coded(report));
            ExitCode::from(if no { 1 } else { 2 })
        }
    }
}

fn run(verb: Verb) -> miette::Result<Outcome> {
    match verb {
        Verb::New(args) => new::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Calibrate(args) => calibrate::run(&args),
        Verb::Infer(args) => infer::run(&args),
        Verb::Generate(args) => generate::run(&args),
        Verb::Compile(args) => machine::compile::run(&args),
        Verb::Draw(args) => draw::run(&args),
        Verb::Vary(args) => vary::run(&args),
        Verb::Merge(args) => merge::run(&args),
        Verb::Verify(args) => verify::main(&args),
        Verb::Mutate(args) => mutate::run(&args),
        Verb::Synth(args) => synth::run(&args),
        Verb::Load(args) => bitstream::run(&args),
        Verb::Board(args) => board::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::Glyphs(args) => glyphs::run(args),
        Verb::Train(args) => train::run(&args),
        Verb::Tools(args) => tools::run(&args),
        Verb::Schema(args) => new::schema(&args),
        Verb::Completions(args) => manual::completions(&args),
        Verb::Man(args) => manual::man(&args),
    }
}

/// Runs the verb of a command line without the program's name, for a caller in this process: what it would print on standard
/// output is returned, what it tells goes to `watch`. Of the use cases that have not their place in `app` yet.
///
/// Errors: a command line that is none, and those of the verb.
pub fn call(words: &[OsString], watch: caller::Watcher) -> miette::Result<(Outcome, String)> {
    let name = OsString::from("bincim");
    let parsed = Arguments::try_parse_from(std::iter::once(&name).chain(words));
    let arguments = parsed.map_err(|problem| {
        let text = problem.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
        miette::miette!(code = "cli::usage", help = "`bincim help VERB` lists what a verb takes", "{first}")
    })?;
    let (outcome, told) = caller::during(watch, || run(arguments.verb));
    Ok((outcome?, told))
}
