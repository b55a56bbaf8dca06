//! `bincim verify`: proves a generated design against the golden model, bit for bit and cycle for cycle.
//!
//! Compares every sum, result bit and score, and every output in every cycle, under random gaps, back-pressure,
//! malformed frames, register accesses and resets. The first difference is named down to the lane and the
//! cycle, with the command that shows it in a waveform.
//!
//! Before that, the folder is compared with its manifest, and the popcount tree is proved: simulation and proof both
//! read the text that is synthesised.

mod changed;
pub mod cosim;
mod coverage;
mod draws;
mod explain;
pub mod text;
pub mod texts;
pub mod tree;
mod waves;

use super::machine;
use super::pixels::PictureArgs;
use super::progress::{self, Step};
use super::{Outcome, load, options, output};
use crate::design::Design;
use crate::escape;
use crate::escape::shell_path;
use crate::flow::{self, Tool, folder};
use crate::report::junit;
use crate::variation::Chip;
use changed::Change;
use clap::{Args, ValueEnum};
use cosim::{Mismatch, Model, Plan, Shard, Trace};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Instant;
use texts::Text;
use tree::{TreeProof, Wanted};

/// Proves the Verilog of a design against the golden model, bit for bit and cycle for cycle
#[derive(Args, Debug, Clone)]
pub struct Verify {
    /// Folder made by `bincim generate`
    pub dir: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format
    #[arg(long, long_help = crate::read::FORMATS)]
    pub data: PathBuf,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// Program of a network on a loadable machine, made by `bincim compile`; those of the machine's own networks if not
    /// given. Several follow one another, without a reset too
    #[arg(long, value_name = "FILE")]
    pub program: Vec<PathBuf>,
    /// Images to run: a number, a range FIRST..END, or ..N for the first N or all there are
    #[arg(long, default_value = "..100")]
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
    #[arg(long, default_value_t = 2, value_parser = options::count::<1, { options::MOST_JOBS }>)]
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
    /// Proof of the popcount tree by Yosys and decision diagrams
    #[arg(long, value_enum, default_value = "auto")]
    pub proof: Wanted,
    /// Refuse a folder in which a file differs from the manifest
    #[arg(long)]
    pub unchanged: bool,
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
    /// Beats of the network's program; none where the network is fixed.
    pub program: &'a [u32],
    pub shards: Vec<Shard>,
    /// Images that were to run, and how many of them on the text that is synthesised.
    pub images: usize,
    pub on_shipped: usize,
    pub plan: Plan,
    pub proof: TreeProof,
    /// Whether proof and simulation are good enough for what was asked.
    pub passed: bool,
    /// Files that differ from the manifest; none where there is no manifest.
    pub changes: Option<Vec<Change>>,
    /// What stands behind a bit that differs.
    pub behind: Option<String>,
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

    /// Images that were compared to their end, on the shipped text and on the model.
    pub fn compared(&self) -> (u64, u64) {
        let first = self.shards.first().map_or(0, |shard| shard.first_image);
        let border = first + self.on_shipped as u64;
        let (shipped, model): (Vec<&Shard>, Vec<&Shard>) =
            self.shards.iter().partition(|shard| shard.first_image < border);
        let count = |shards: Vec<&Shard>| shards.into_iter().map(whole_images).sum();
        (count(shipped), count(model))
    }

    /// Whether the run ended before all images were compared.
    pub fn broke_off(&self) -> bool {
        let (shipped, model) = self.compared();
        shipped + model < self.images as u64
    }

    fn total(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.iter().map(of).sum()
    }
}

/// Runs the verb: the design is rebuilt from the folder's own sources.
pub fn main(args: &Verify) -> miette::Result<Outcome> {
    flow::need(&[Tool::Verilator])?;
    if machine::is_machine(&args.dir) {
        return machine::verify::main(args);
    }
    if !args.program.is_empty() {
        return Err(miette::miette!(
            code = "cli::no_machine",
            help = "leave --program out, or generate with program.load = \"loadable\"",
            "--program: the network of {} is fixed",
            escape::path(&args.dir)
        ));
    }
    let (design, model) = load::folder(&args.dir)?;
    let model = model.fitting(args.pictures.resize)?;
    let images = load::data(&model, &args.data, args.split.into())?;
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
        folder::write_whole(path, junit::xml(&[text::suite(&verdict)]).as_bytes())?;
    }
    let found = format!("{:#}\n", text::json(&verdict));
    folder::write_whole(&args.dir.join("verify.json"), found.as_bytes())?;
    output::result(&match args.json {
        true => found,
        false => text::summary(&verdict),
    })?;
    Ok(if verdict.passed { Outcome::Done } else { Outcome::No })
}

/// Builds, runs and compares; `image` gives the elements (channel, row, column) of one of `there` images.
pub fn verify<'a>(
    args: &Verify,
    design: &'a Design,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    there: usize,
) -> miette::Result<Verdict<'a>> {
    verify_program(args, design, &[], image, there)
}

/// [`verify`] of a network whose `program` is loaded; none where the network is fixed.
pub fn verify_program<'a>(
    args: &Verify,
    design: &'a Design,
    program: &'a [u32],
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
    there: usize,
) -> miette::Result<Verdict<'a>> {
    if let Images::First(count) = args.images {
        load::image_count(Some(count), there, &args.data)?;
    }
    let range = args.images.within(there).map_err(|problem| miette::miette!("--images: {problem}"))?;
    let plan = Plan {
        seed: args.seed,
        noise_seed: args.noise_seed,
        resets: 2,
        jobs: args.jobs,
        planes: args.planes.map(|_| load::planes(args.planes, design)).transpose()?,
        whole: matches!(args.images, Images::Range(..)),
    };
    let _held = folder::hold(&args.dir.join("build"))?;
    let changes = changes(args)?;
    let chip = chip(args, design)?;
    let step = Step::start("proving the popcount tree");
    let proof = tree::prove(&args.dir, design, args.proof)?;
    step.done(&proof.sentence());

    let on_shipped = texts::shipped_images(design, range.len());
    let border = range.start + on_shipped;
    let subject = Subject { design, chip: chip.as_ref(), program };
    let shipped = build(args, subject, Text::Shipped, on_shipped)?;
    let text = format!("comparing {} images with the golden model", range.len());
    let template = "{bar:40} {pos}/{len} images, {per_sec}, {eta} left";
    let bar = progress::bar(&text, template, range.len(), 0);
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let now = || Instant::now();
    let start = now();
    let mut shards = cosim::run(design, &shipped, image, range.start..border, &plan, &|done| bar.inc(done))?;
    let mut seconds = start.elapsed().as_secs_f64();
    if border < range.end && shards.iter().all(|shard| shard.mismatches == 0) {
        let model = build(args, subject, Text::Model, range.len() - on_shipped)?;
        let start = now();
        shards.extend(cosim::run(design, &model, image, border..range.end, &plan, &|done| bar.inc(done))?);
        seconds += start.elapsed().as_secs_f64();
    }
    bar.finish_and_clear();
    let mut verdict = Verdict {
        design,
        program,
        images: range.len(),
        on_shipped,
        plan,
        passed: proof.passes(args.proof) && shards.iter().all(|shard| shard.mismatches == 0),
        proof,
        changes,
        behind: None,
        shards,
        tool: shipped.tool.describe(),
        seconds,
        command: None,
        waves: None,
    };
    verdict.behind = behind(&verdict, chip.as_ref(), image);
    verdict.command = command(args, &verdict);
    if let Some(format) = args.waves {
        match waves::write(&verdict, &args.dir, chip, image, format) {
            Ok(waves) => verdict.waves = Some(waves),
            // The verdict stands without its picture.
            Err(problem) => output::log(format_args!("no waveform: {}", one_line(&problem.to_string()))),
        }
    }
    Ok(verdict)
}

/// What is in the memories of a design: a chip, or a network that is loaded.
#[derive(Clone, Copy)]
struct Subject<'a> {
    design: &'a Design,
    chip: Option<&'a Chip>,
    program: &'a [u32],
}

/// The simulation of one text for that many images, with what is in its memories.
fn build(args: &Verify, subject: Subject, text: Text, images: usize) -> miette::Result<Model> {
    let Subject { design, chip, program } = subject;
    let what = match text {
        Text::Shipped => "the text that is synthesised",
        Text::Model => "the faster model of the popcount tree",
    };
    let step = Step::start(format!(
        "building the model of {}: {what} (seed {})",
        escape::path(&args.dir),
        args.seed
    ));
    let model = cosim::build(&args.dir, design, text, Trace::Off, images, args.jobs)?;
    step.done(&model.tool.describe());
    let model = model.with_program(program.to_vec());
    Ok(match chip {
        Some(chip) => model.with_chip(design, chip.clone())?,
        None => model,
    })
}

/// What differs from the manifest, said aloud.
///
/// Errors: with `--unchanged`, a file that differs, or a folder without a manifest.
fn changes(args: &Verify) -> miette::Result<Option<Vec<Change>>> {
    let changes = changed::changes(&args.dir);
    let named = text::changes(changes.as_deref());
    if args.unchanged && !named.is_empty() {
        return Err(miette::miette!(
            code = "verify::changed",
            help = "without --unchanged the folder is verified as it stands",
            "{}: {}",
            escape::path(&args.dir),
            named.join("; ")
        ));
    }
    named.iter().for_each(|line| output::log(format_args!("WARNING: {line}")));
    Ok(changes)
}

/// Images of a shard that were compared to their end.
fn whole_images(shard: &Shard) -> u64 {
    match &shard.first {
        None => shard.images,
        Some(first) if first.phase == "stream" => {
            u64::try_from(first.image).map_or(0, |image| image.saturating_sub(shard.first_image))
        }
        Some(_) => 0,
    }
}

/// The golden sums, threshold and flip of the first mismatch, where it is a bit.
fn behind(
    verdict: &Verdict,
    chip: Option<&Chip>,
    image: &(dyn Fn(usize) -> Vec<i16> + Sync),
) -> Option<String> {
    let first = verdict.first().filter(|first| first.kind == "bit")?;
    let (design, plan) = (verdict.design, &verdict.plan);
    let index = usize::try_from(first.image).ok()?;
    // An image gives several frames; the one that was expected to give this bit explains it.
    draws::kinds(index).find_map(|kind| {
        let settings = draws::settings(design, plan, index, kind);
        let elements = draws::elements(design, plan, index, kind, &image(index));
        let trace = cosim::trace(design, chip, settings, &elements, draws::seed(design, plan, index, kind));
        explain::bit(design, chip, settings.planes, &trace, first)
    })
}

/// The first line of a message, without control characters.
fn one_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
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
    let program =
        args.program.iter().map(|file| format!("--program {} ", shell_path(file))).collect::<String>();
    let noise = args.noise_seed.map_or_else(String::new, |seed| format!(" --noise-seed {seed}"));
    Some(format!(
        "bincim verify {} {program}{chip}{planes}--data {} --split {} --images {}..{} --seed {}{noise} --waves",
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
