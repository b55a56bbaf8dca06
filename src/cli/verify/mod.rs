//! `bincim verify`: proves a generated design against the golden model, bit for bit and cycle for cycle.
//!
//! Compares every sum, result bit, score, `tlast` and cycle counter of every image, under random gaps,
//! back-pressure, register accesses and resets. The first difference is named down to the lane and the
//! cycle, with the command that shows it in a waveform.

pub mod cosim;
mod text;
mod waves;

use super::{Outcome, options, output};
use crate::design::Design;
use crate::flow::folder;
use crate::report::junit;
use crate::variation::Chip;
use clap::{Args, ValueEnum};
use cosim::{Mismatch, Plan, Shard, Trace};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Proves the Verilog of a design against the golden model, bit for bit and cycle for cycle
#[derive(Args, Debug)]
pub struct Verify {
    /// Folder made by `bincim generate`
    pub dir: PathBuf,
    /// Data set: a folder or file of a supported format
    #[arg(long)]
    pub data: PathBuf,
    /// Images to run: a number, a range FIRST..END, or ..N for the first N or all there are
    #[arg(long, default_value = "..100")]
    pub images: Images,
    /// Seed of gaps, back-pressure, register accesses and resets
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Seed of the noise that the columns themselves add in every read (readout.noise), as in `bincim infer`
    #[arg(long, default_value_t = 1)]
    pub noise_seed: u32,
    /// Split of the data set
    #[arg(long, value_enum, default_value = "test")]
    pub split: super::infer::Split,
    /// Simulations at a time
    #[arg(long, default_value_t = 2, value_parser = options::count::<1, { options::MOST_JOBS }>)]
    pub jobs: usize,
    /// Run at most K planes of weights in each layer; all if not given
    #[arg(long, value_name = "K")]
    pub planes: Option<usize>,
    /// Chip made by `bincim draw`; without one, the chip that the design was generated with
    #[arg(long)]
    pub chip: Option<PathBuf>,
    /// Keep a waveform around the first mismatch, or of the first image
    #[arg(long, num_args = 0..=1, default_missing_value = "fst", require_equals = true)]
    pub waves: Option<Waves>,
    /// Write the results as JUnit XML
    #[arg(long, value_parser = options::on_disk())]
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
    /// The first so many, or all where there are fewer.
    UpTo(usize),
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
            Some(("", end)) => match number(end)? {
                0 => Err("at least one image is needed".into()),
                count => Ok(Images::UpTo(count)),
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
            Images::First(count) | Images::UpTo(count) => Ok(0..count.min(there)),
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
    let design = super::load::design(&args.dir)?;
    let images = super::load::images(&design.network, &args.data, args.split.into())?;
    run(args, &design, &|index| images.image(index), images.count())
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
    if let Images::First(count) = args.images {
        super::load::image_count(Some(count), there, &args.data)?;
    }
    let range = args.images.within(there).map_err(|problem| miette::miette!("--images: {problem}"))?;
    let plan = Plan {
        seed: args.seed,
        noise_seed: args.noise_seed,
        resets: 2,
        jobs: args.jobs,
        planes: planes(args.planes, design)?,
        whole: matches!(args.images, Images::Range(..)),
    };
    let _held = folder::hold(&args.dir.join("build"))?;
    output::log(format_args!("building the model of {} (seed {})", args.dir.display(), args.seed));
    let chip = chip(args, design)?;
    let model = cosim::build(&args.dir, Trace::Off, plan.jobs)?;
    let model = match chip.clone() {
        Some(chip) => model.with_chip(design, chip)?,
        None => model,
    };
    output::log(format_args!("{}", model.tool.describe()));
    let bar = progress_bar(range.len());
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
            design.name,
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

/// The command that repeats the shard of the first mismatch, up to its image.
fn command(args: &Verify, verdict: &Verdict) -> Option<String> {
    let shard = repeating(&verdict.shards)?;
    let chip = args.chip.as_ref().map_or_else(String::new, |chip| format!("--chip {} ", quoted(chip)));
    let planes = args.planes.map_or_else(String::new, |planes| format!("--planes {planes} "));
    let noise = match verdict.design.has_noise() {
        true => format!(" --noise-seed {}", args.noise_seed),
        false => String::new(),
    };
    Some(format!(
        "bincim verify {} {chip}{planes}--data {} --split {} --images {}..{} --seed {}{noise} --waves",
        quoted(&args.dir),
        quoted(&args.data),
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

/// Images that repeat the first mismatch: a shard need not run beyond the image that differed, unless
/// the mismatch lies in a phase that draws among all images of the shard.
fn repeating(shards: &[Shard]) -> Option<Range<usize>> {
    let (shard, first) = failing(shards)?;
    let end = match usize::try_from(first.image) {
        Ok(image) if first.phase == "stream" && first.kind != "count" => shard.end.min(image + 1),
        _ => shard.end,
    };
    Some(shard.start..end)
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+=:,".contains(c)) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

fn progress_bar(images: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(images as u64);
    if let Ok(style) =
        ProgressStyle::with_template("  {bar:40.green/dim} {pos}/{len} images  {per_sec}  {eta} left")
    {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
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
        assert_eq!(quoted(Path::new("a b'c")), "'a b'\\''c'");
    }
}
