//! `bincim vary`: Monte-Carlo over the chips of a machine.
//!
//! A run with `-o DIR` keeps every finished chip, goes on where it was ended, and gives the same bytes for any number
//! of threads or shards.

mod jobs;

use super::infer::{Rule, Split};
use super::pixels::{PictureArgs, ReadArgs};
use super::progress::Terminal;
use super::{Outcome, options, output};
use crate::app::vary::points::Sweep;
use crate::app::vary::{self as app, MOST_SHARDS, Options, Prepared, Run, results};
use crate::network::Decision;
use clap::Args;
use std::path::PathBuf;

/// Classifies the same images with many drawn chips of a machine
#[derive(Args, Debug, Clone)]
pub struct Vary {
    /// QONNX model
    pub model: PathBuf,
    /// Architecture file, with the physics in its table [variation]; arch.toml beside the model if not given
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format
    #[arg(long, long_help = crate::read::FORMATS)]
    pub data: PathBuf,
    /// Chips to draw
    #[arg(long, value_name = "N")]
    pub chips: usize,
    /// Only the first N images
    #[arg(long, value_name = "N")]
    pub images: Option<usize>,
    /// Part of the data set
    #[arg(long, value_enum, default_value_t = Split::Test)]
    pub split: Split,
    /// How scores become a class; the network's own rule if not given
    #[arg(long, value_enum)]
    pub rule: Option<Rule>,
    #[command(flatten)]
    pub reading: ReadArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// Seed of the first chip; the others follow by one, and `bincim draw --seed` makes each of them
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub seed: u64,
    /// Accuracy of a good chip, a fraction: tells the share of good chips
    #[arg(long, value_name = "A")]
    pub yield_at: Option<f64>,
    /// Least share of good chips: exit status 1 below it
    #[arg(long, value_name = "Y", requires = "yield_at")]
    pub require_yield: Option<f64>,
    /// Stop early when the 95 % interval of every mean is within this fraction on either side, after 10 chips
    #[arg(long, value_name = "HALFWIDTH", conflicts_with = "shard")]
    pub until: Option<f64>,
    /// Run at most K planes of weights in each layer; all if not given
    #[arg(long, value_name = "K")]
    pub planes: Option<usize>,
    /// Find each chip's thresholds anew on the first N images of the training part, so that every channel fires as often
    /// as on the chip without errors
    #[arg(long, value_name = "N")]
    pub recalibrate: Option<usize>,
    /// Where cells are drawn as they are read: correct each chip's scores by a line a class, found on the first N images of the
    /// training part (as `bincim draw --correct` does)
    #[arg(long, value_name = "N", conflicts_with = "recalibrate")]
    pub correct: Option<usize>,
    /// Compare the result bits of every layer with those of the chip without errors
    #[arg(long)]
    pub flips: bool,
    /// Sensitivity: no effect, each effect of [variation] alone, and all
    #[arg(long)]
    pub each: bool,
    /// One key under variation or readout at several values: KEY=V1,V2,...
    #[arg(long, value_name = "KEY=V1,V2,...")]
    pub sweep: Option<Sweep>,
    /// Leave variation.read_noise out, the noise that every read adds
    #[arg(long)]
    pub without_read_noise: bool,
    /// Run only the chips i, i + n, i + 2n, ... (i from 0); `bincim merge` joins the shards
    #[arg(long, value_name = "i/n", value_parser = shard, requires = "output")]
    pub shard: Option<(usize, usize)>,
    /// Threads; all cores if not given
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Folder of the run: chips that are finished in it are not run again
    #[arg(short, long, value_name = "DIR", value_parser = options::on_disk())]
    pub output: Option<PathBuf>,
    /// Write job scripts (Slurm and Snakemake) that make this run in shards, instead of running
    #[arg(long, value_name = "DIR", value_parser = options::on_disk(), requires = "shards", conflicts_with_all = ["shard", "until", "output"])]
    pub emit_jobs: Option<PathBuf>,
    /// Shards of --emit-jobs
    #[arg(long, value_name = "n", requires = "emit_jobs", value_parser = clap::value_parser!(u32).range(1..=MOST_SHARDS as i64))]
    pub shards: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `i/n` with `i < n`.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match numbers {
        Some((index, count)) if index < count => Ok((index, count)),
        _ => Err("write i/n with i from 0 to n - 1, such as 0/4".into()),
    }
}

impl Vary {
    /// What is run.
    fn asked(&self) -> Options {
        Options {
            model: self.model.clone(),
            arch: self.arch.clone(),
            data: self.data.clone(),
            chips: self.chips,
            images: self.images,
            split: self.split.into(),
            rule: self.rule.map(Decision::from),
            reading: self.reading.asked(),
            resize: self.pictures.resize,
            seed: self.seed,
            yield_at: self.yield_at,
            require_yield: self.require_yield,
            until: self.until,
            planes: self.planes,
            recalibrate: self.recalibrate,
            correct: self.correct,
            flips: self.flips,
            each: self.each,
            sweep: self.sweep.clone(),
            without_read_noise: self.without_read_noise,
            shard: self.shard,
            threads: self.threads,
        }
    }
}

pub fn run(args: &Vary) -> miette::Result<Outcome> {
    let asked = args.asked();
    app::check(&asked, args.shards)?;
    let prepared = Prepared::new(&asked, &Terminal)?;
    if let Some(dir) = &args.emit_jobs {
        return jobs::emit(args, &prepared.arch, dir);
    }
    tell(args, &prepared.run(args.output.as_deref())?)
}

/// Prints the result; of a shard only what there is.
fn tell(args: &Vary, run: &Run) -> miette::Result<Outcome> {
    let settings = &run.settings;
    if let Some((index, count)) = settings.shard {
        let chips = (0..settings.chips).filter(|&chip| settings.owns(chip)).count();
        output::result(&match args.json {
            true => format!("{:#}\n", serde_json::json!({ "shard": index, "shards": count, "chips": chips })),
            false => format!("{}: shard {index} of {count}, {chips} chips done\n", settings.network),
        })?;
        return Ok(Outcome::Done);
    }
    let results = run.results()?;
    output::result(&match args.json {
        true => crate::report::json(&results),
        false => results::told(&results),
    })?;
    let missed = args
        .require_yield
        .is_some_and(|least| results.given.good.as_ref().is_some_and(|good| good.fraction < least));
    Ok(if missed { Outcome::No } else { Outcome::Done })
}
