//! `bincim mutate`: breaks a design's Verilog in many places and tells which breaks its bench misses.

use super::{Outcome, options, output, progress};
use crate::bounded;
use crate::escape;
use crate::flow::mutate::{self, Fate, Known, Trial};
use crate::flow::{self, Tool};
use crate::read;
use clap::Args;
use miette::{IntoDiagnostic, WrapErr};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Breaks the Verilog of a design in many places and counts the breaks that its bench misses
#[derive(Args, Debug)]
pub struct Mutate {
    /// Folder made by `bincim generate`
    pub dir: PathBuf,
    /// Number of mutants
    #[arg(long, default_value_t = 100, value_parser = options::count::<1, 100_000>)]
    pub count: usize,
    /// Picks the places
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Simulations at a time
    #[arg(long, default_value_t = 2, value_parser = options::count::<1, { options::MOST_JOBS }>)]
    pub jobs: usize,
    /// Leave alone files whose name starts so; may be repeated
    #[arg(long)]
    pub skip: Vec<String>,
    /// List of mutants that change nothing, with reasons (TOML)
    #[arg(long)]
    pub known: Option<PathBuf>,
    /// Least part of the counted mutants that the bench must catch
    #[arg(long, default_value_t = 0.98, value_parser = options::fraction)]
    pub least: f64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownFile {
    #[serde(default)]
    mutant: Vec<Known>,
}

/// Mutants by fate.
struct Count {
    killed: usize,
    survived: usize,
    proved: usize,
    unused: usize,
    listed: usize,
    stillborn: usize,
}

impl Count {
    fn of(trials: &[Trial]) -> Count {
        let number = |test: fn(&Fate) -> bool| trials.iter().filter(|trial| test(&trial.fate)).count();
        Count {
            killed: number(|fate| matches!(fate, Fate::Killed(_) | Fate::TimedOut)),
            survived: number(|fate| matches!(fate, Fate::Survived)),
            proved: number(|fate| matches!(fate, Fate::Proved)),
            unused: number(|fate| matches!(fate, Fate::Unused)),
            listed: number(|fate| matches!(fate, Fate::Listed(_))),
            stillborn: number(|fate| matches!(fate, Fate::Stillborn)),
        }
    }

    /// Part of the mutants that change something which the bench caught.
    fn caught(&self) -> f64 {
        self.killed as f64 / (self.killed + self.survived).max(1) as f64
    }
}

pub fn run(args: &Mutate) -> miette::Result<Outcome> {
    flow::need(&[Tool::Iverilog, Tool::Vvp])?;
    if super::machine::is_machine(&args.dir) {
        return Err(miette::miette!(
            code = "cli::no_bench",
            help = "plant bugs in a fixed accelerator of one of its networks (program.load = \"fixed\")",
            "{} holds a loadable machine, which has no Verilog bench to catch bugs with",
            escape::path(&args.dir)
        ));
    }
    let known = args.known.as_deref().map_or(Ok(Vec::new()), read_known)?;
    let told = format!("simulating {} mutants", args.count);
    let bar = progress::bar(&told, "{bar:40} {pos}/{len} mutants, {eta} left", args.count, 0);
    let job = mutate::Job {
        dir: &args.dir,
        count: args.count,
        seed: args.seed,
        jobs: args.jobs,
        skip: &args.skip,
        known: &known,
        only: &[],
    };
    let trials = mutate::run(&job, &|| bar.inc(1))?;
    bar.finish_and_clear();
    let count = Count::of(&trials);
    let told = match args.json {
        true => format!(
            "{:#}\n",
            serde_json::json!({
                "mutants": trials.len(), "killed": count.killed, "survived": count.survived,
                "proved_equivalent": count.proved, "unused_constants": count.unused,
                "listed_equivalent": count.listed,
                "stillborn": count.stillborn, "caught": count.caught(), "trials": trials,
            })
        ),
        false => text(args, &trials, &count),
    };
    output::result(&told)?;
    Ok(if count.caught() >= args.least { Outcome::Done } else { Outcome::No })
}

fn read_known(path: &Path) -> miette::Result<Vec<Known>> {
    let text = bounded::text(path, 16 << 20)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read {}", escape::path(path)))?;
    let file: KnownFile = toml::from_str(&text)
        .map_err(|problem| miette::miette!("{}", read::toml_problem(&problem)))
        .wrap_err_with(|| format!("{} is not a list of [[mutant]] entries", escape::path(path)))?;
    Ok(file.mutant)
}

fn text(args: &Mutate, trials: &[Trial], count: &Count) -> String {
    let mut out = format!(
        "{} mutants of seed {}: {} killed, {} survived, {} proved equivalent, {} in unused table \
         entries, {} listed as equivalent, {} no Verilog\n{:.1} % of those that change something are caught\n",
        trials.len(),
        args.seed,
        count.killed,
        count.survived,
        count.proved,
        count.unused,
        count.listed,
        count.stillborn,
        100.0 * count.caught()
    );
    for trial in trials {
        let (mark, detail) = match &trial.fate {
            Fate::Survived => ("SURVIVED", ""),
            Fate::Proved => ("proved equivalent", ""),
            Fate::Unused => ("unused", ""),
            Fate::Listed(reason) => ("listed", reason.as_str()),
            _ => continue,
        };
        let m = &trial.mutant;
        out.push_str(&format!(
            "\n{mark}: {}:{} {}\n    {}\n    '{}' -> '{}'\n",
            m.file,
            m.line,
            m.rule,
            trial.text,
            m.before.trim(),
            m.after.trim()
        ));
        if !detail.is_empty() {
            out.push_str(&format!("    {detail}\n"));
        }
    }
    out
}
