//! `bincim merge`: joins the shards of a Monte-Carlo run to what one run would have written.

use super::{Outcome, made, options, output};
use crate::app::vary::records::{self, Records};
use crate::app::vary::results;
use crate::app::vary::settings::{self, Settings};
use crate::escape;
use crate::flow::folder::Pending;
use clap::Args;
use miette::miette;
use std::path::{Path, PathBuf};

/// Joins the shards of `bincim vary --shard` to the same bytes as one run gives
#[derive(Args, Debug)]
pub struct Merge {
    /// Folders of all shards, in any order
    #[arg(required = true, value_name = "DIR")]
    pub shards: Vec<PathBuf>,
    /// Folder to write
    #[arg(short, long, value_name = "OUT", value_parser = options::on_disk())]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Merge) -> miette::Result<Outcome> {
    let (settings, records) = joined(&args.shards)?;
    let count = results::covered(&settings, &records)
        .ok_or_else(|| miette!(code = "merge::incomplete", "chips are missing"))?;
    let pending = Pending::begin(&args.output, made::not_of_a_run)?;
    results::write(pending.path(), &settings, &records, count)?;
    pending.finish()?;
    let results = results::results(&settings, &records, count);
    output::result(&match args.json {
        true => crate::report::json(&results),
        false => results::told(&results),
    })?;
    Ok(Outcome::Done)
}

/// The run that the shards in `dirs` make up.
///
/// Errors: folders without a shard, shards of different settings, chips that are missing or there twice.
fn joined(dirs: &[PathBuf]) -> miette::Result<(Settings, Records)> {
    let refuse =
        |help: &str, what: String| Err(miette!(code = "merge::refused", help = help.to_string(), "{what}"));
    let mut first: Option<(&Path, Settings)> = None;
    let (mut all, mut wrong) = (Records::new(), Vec::new());
    for dir in dirs {
        let place = escape::path(dir);
        let Some(shard) = Settings::read(dir)? else {
            wrong.push(format!("{place}: no {}", settings::FILE));
            continue;
        };
        if shard.shard.is_none() {
            wrong.push(format!("{place}: a whole run, no shard"));
            continue;
        }
        let whole = Settings { shard: None, ..shard.clone() };
        if let Some((other, expected)) = &first {
            let differences = whole.all_differences(expected);
            if !differences.is_empty() {
                wrong.push(format!(
                    "{place} (here) and {} (there) differ: {}",
                    escape::path(other),
                    differences.join("; ")
                ));
                continue;
            }
        }
        let (records, _) = records::read(dir, &shard)?;
        for (key, record) in records.into_iter().filter(|((chip, _), _)| *chip < shard.chips) {
            if all.insert(key, record).is_some() {
                wrong.push(format!("{place}: chip {} stands in another shard too", key.0));
            }
        }
        first.get_or_insert((dir, whole));
    }
    if !wrong.is_empty() {
        return refuse("give every shard of one run once", wrong.join("\n"));
    }
    let Some((_, whole)) = first else { return refuse("name the folders of all shards", "no shard".into()) };
    let there = |chip: usize| (0..whole.cases.len()).all(|case| all.contains_key(&(chip, case)));
    let missing: Vec<String> =
        (0..whole.chips).filter(|&chip| !there(chip)).map(|chip| chip.to_string()).collect();
    if !missing.is_empty() {
        let named = missing[..missing.len().min(20)].join(", ");
        let more = if missing.len() > 20 { ", ..." } else { "" };
        return refuse(
            "finish every shard (the same command goes on) and name all of them",
            format!("{} of {} chips are missing: {named}{more}", missing.len(), whole.chips),
        );
    }
    Ok((whole, all))
}
