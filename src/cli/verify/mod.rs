//! `bincim verify`: proves a generated design against the golden model, bit for bit and cycle for cycle.
//!
//! Compares every sum, result bit and score, and every output in every cycle, under random gaps, back-pressure,
//! malformed frames, register accesses and resets. The first difference is named down to the lane and the
//! cycle, with the command that shows it in a waveform.

pub mod cosim;
mod coverage;
mod draws;
mod text;
mod waves;

use super::progress::{self, Step};
use super::{Outcome, output};
use crate::design::Design;
use crate::escape::shell_path;
use crate::flow::{self, Tool, folder};
use crate::report::junit;
use crate::variation::Chip;
use clap::{Args, ValueEnum};
use cosim::{Mismatch, Plan, Shard, Trace};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;

/// Proves the Verilog of a design against the golden model, bit for bit and cycle for cycle
#[derive(Args, Debug)]
pub struct Verify {
    /// Folder made by `bincim generate`
    pub dir: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz or PNG format
    #[arg(long, long_help = crate::read::FORMATS)]
    pub data: PathBuf,
    /// Images to run: a number, or a range FIRST..END
    #[arg(long, default_value = "100")]
    pub images: Images,
    /// Seed of gaps, back-pressure, register accesses and resets
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seed of the noise that the columns themselves add in every read (readout.noise), as in `bincim infer`; drawn
    /// anew every few frames if not given
    #[arg(long)]
    pub noise_seed: Option<u32>,
    /// Split of the data set
    #[arg(long, value_enum, default_value = "test")]
    pub split: super::infer::Split,
    /// Simulations at a time
    #[arg(long, default_value_t = 2)]
    pub jobs: usize,
    /// Run at most K planes of weights in each layer; a number drawn for every frame if not given
    #[arg(long, value_name = "K")]
    pub planes: Option<usize>,
    /// Chip made by `bincim draw`; without one, the chip that the design was generated with
    #[arg(long)]
    pub chip: Option<PathBuf>,
    /// Keep a waveform around the first mismatch, or of the first image
    #[arg(long, num_args = 0..=1, default_missing_value = "fst", require_equals = true)]
    pub waves: Option<Waves>,
    /// Write the results as JUnit XML
    #[arg(long)]
    pub junit: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Format of a waveform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Waves {
    Fst,
    Vcd,
}

/// Which images of the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// The first so many.
    First(usize),
    /// From the first number up to, not including, the second; run as in a shard of a larger run.
    Range(usize, usize),
}

impl std::str::FromStr for Images {
    type Err = String;

    fn from_str(text: &str) -> Result<Images, String> {
        let number =
            |part: &str| part.parse::<usize>().map_err(|_| format!("'{part}' is not a number of images"));
        match text.split_once("..") {
            None => match number(text)? {
                0 => Err("at least one image is needed".into()),
                count => Ok(Images::First(count)),
            },
            Some((start, end)) => match (number(start)?, number(end)?) {
                (start, end) if start < end => Ok(Images::Range(start, end)),
                (start, end) => Err(format!("the range {start}..{end} is empty")),
            },
        }
    }
}

impl Images {
    /// The range inside a data set of `there` images, or what is wrong with it.
    pub fn within(self, there: usize) -> Result<Range<usize>, String> {
        match self {
            _ if there == 0 => Err("the data set holds no image".into()),
            Images::First(count) => Ok(0..count.min(there)),
            Images::Range(start, end) if end <= there => Ok(start..end),
            Images::Range(start, end) => {
                Err(format!("images {start}..{end} of {there}; the last one is {}", there - 1))
            }
        }
    }
}

/// Everything a run found, before it is told.
pub struct Verdict<'a> {
    pub design: &'a Design,
    pub shards: Vec<Shard>,
    pub plan: Plan,
    pub tool: String,
    /// Wall-clock time of the simulations.
    pub seconds: f64,
    /// Command that repeats the first mismatch with a waveform.
    pub command: Option<String>,
    /// Waveform written, and its view.
    pub waves: Option<(PathBuf, PathBuf)>,
}

impl Verdict<'_> {
    pub fn mismatches(&self) -> u64 {
        self.shards.iter().map(|shard| shard.mismatches).sum()
    }

    pub fn first(&self) -> Option<&Mismatch> {
        self.shards.iter().find_map(|shard| shard.first.as_ref())
    }

    fn total(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.iter().map(of).sum()
    }
}

/// Runs the verb: the design is rebuilt from the folder's own sources.
pub fn main(args: &Verify) -> miette::Result<Outcome> {
    flow::need(&[Tool::Verilator])?;
    let (design, model) = super::load::folder(&args.dir)?;
    let images = super::load::data(&model, &args.data, args.split.into())?;
    run(args, &design, &|index| images.image(index), images.len())
}

/// Verifies `design`, which stands in `args.dir`, tells the result and keeps it in `verify.json` there;
/// arguments as in [`verify`].
pub fn run(
    args: &Verify,
    design: &Design,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    there: usize,
) -> miette::Result<Outcome> {
    let verdict = verify(args, design, image, there)?;
    if let Some(path) = &args.junit {
        folder::write_whole(path, junit::xml(&text::suite(&verdict)).as_bytes())?;
    }
    let found = format!("{:#}\n", text::json(&verdict));
    folder::write_whole(&args.dir.join("verify.json"), found.as_bytes())?;
    output::result(&match args.json {
        true => found,
        false => text::summary(&verdict),
    })?;
    Ok(if verdict.mismatches() == 0 { Outcome::Done } else { Outcome::No })
}

/// Builds, runs and compares; `image` gives the elements (channel, row, column) of one of `there` images.
pub fn verify<'a>(
    args: &Verify,
    design: &'a Design,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    there: usize,
) -> miette::Result<Verdict<'a>> {
    let range = args.images.within(there).map_err(|problem| miette::miette!("--images: {problem}"))?;
    let plan = Plan {
        seed: args.seed,
        noise_seed: args.noise_seed,
        resets: 2,
        jobs: args.jobs.max(1),
        planes: args.planes.map(|_| planes(args.planes, design)).transpose()?,
        whole: matches!(args.images, Images::Range(..)),
    };
    let _held = folder::hold(&args.dir.join("build"))?;
    let chip = chip(args, design)?;
    let step = Step::start(format!("building the model of {} (seed {})", args.dir.display(), args.seed));
    let model = cosim::build(&args.dir, Trace::Off, plan.jobs)?;
    step.done(&model.tool.describe());
    let model = match chip.clone() {
        Some(chip) => model.with_chip(design, chip)?,
        None => model,
    };
    let text = format!("comparing {} images with the golden model", range.len());
    let template = "{bar:40} {pos}/{len} images, {per_sec}, {eta} left";
    let bar = progress::bar(&text, template, range.len(), 0);
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let start = Instant::now();
    let shards = cosim::run(design, &model, image, range, &plan, &|done| bar.inc(done))?;
    bar.finish_and_clear();
    let mut verdict = Verdict {
        design,
        shards,
        plan,
        tool: model.tool.describe(),
        seconds: start.elapsed().as_secs_f64(),
        command: None,
        waves: None,
    };
    verdict.command = command(args, &verdict);
    if let Some(format) = args.waves {
        verdict.waves = Some(waves::write(&verdict, &args.dir, chip, image, format)?);
    }
    Ok(verdict)
}

/// The number of planes asked for, or all there are.
///
/// Errors: a number outside of what the design has.
pub fn planes(asked: Option<usize>, design: &Design) -> miette::Result<usize> {
    let all = design.planes_of_weights();
    match asked {
        None => Ok(all),
        Some(planes) if (1..=all).contains(&planes) => Ok(planes),
        Some(planes) => Err(miette::miette!(
            code = "cli::planes",
            help = "`bincim check` shows the planes of each layer",
            "--planes {planes}: the layers of {} have {all} plane{} of weights at most",
            design.name.terminal(),
            if all == 1 { "" } else { "s" }
        )),
    }
}

/// The chip asked for, or the one that stands beside the design's sources; `None` with the popcount readout.
fn chip(args: &Verify, design: &Design) -> miette::Result<Option<Chip>> {
    match &args.chip {
        Some(path) => Ok(Some(super::chip::read(path, design)?)),
        None if design.analog.is_some() => {
            Ok(Some(super::chip::read(&args.dir.join(super::chip::SOURCE), design)?))
        }
        None => Ok(None),
    }
}

/// The command that repeats the shard of the first mismatch: what is driven depends on every frame of it.
fn command(args: &Verify, verdict: &Verdict) -> Option<String> {
    let (shard, _) = failing(&verdict.shards)?;
    let chip = args.chip.as_ref().map_or_else(String::new, |chip| format!("--chip {} ", shell_path(chip)));
    let planes = args.planes.map_or_else(String::new, |planes| format!("--planes {planes} "));
    let noise = args.noise_seed.map_or_else(String::new, |seed| format!(" --noise-seed {seed}"));
    Some(format!(
        "bincim verify {} {chip}{planes}--data {} --split {} --images {}..{} --seed {}{noise} --waves",
        shell_path(&args.dir),
        shell_path(&args.data),
        args.split.name(),
        shard.start,
        shard.end,
        args.seed
    ))
}

/// The shard of the first mismatch.
fn failing(shards: &[Shard]) -> Option<(Range<usize>, &Mismatch)> {
    let shard = shards.iter().find(|shard| shard.first.is_some())?;
    let start = shard.first_image as usize;
    Some((start..start + shard.images as usize, shard.first.as_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_a_number_or_a_range() {
        assert_eq!("12".parse(), Ok(Images::First(12)));
        assert_eq!("3..9".parse(), Ok(Images::Range(3, 9)));
        assert_eq!("9..9".parse::<Images>(), Err("the range 9..9 is empty".into()));
        assert_eq!("0".parse::<Images>(), Err("at least one image is needed".into()));
        assert_eq!("x".parse::<Images>(), Err("'x' is not a number of images".into()));
        assert_eq!(Images::First(12).within(5), Ok(0..5));
        assert!(Images::Range(3, 9).within(5).is_err());
    }
}
