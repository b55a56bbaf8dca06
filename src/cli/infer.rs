//! `bincim infer`: classifies a data set with the golden model and counts what is right.
//!
//! The result goes to stdout, as text or as one JSON object; progress goes to stderr and only to a terminal.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::{Outcome, chip, load, options, output};
use crate::design::Design;
use crate::device::ColumnNoise;
use crate::golden::{analog, machine, packed, reference};
use crate::network::{Decision, Network, Shape};
use crate::read;
use crate::variation::{Chip, Noises};

/// Images between two steps of the progress bar; whole words of them.
const STEP: usize = 512;

/// Classify a data set with the golden model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// QONNX model
    pub model: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary or npz format
    #[arg(long)]
    pub data: PathBuf,
    /// Architecture file: run the machine, tile by tile, instead of the bit-parallel model
    #[arg(long)]
    pub arch: Option<PathBuf>,
    /// Chip made by `bincim draw`, for an architecture with analog arrays; without one, the ideal chip
    #[arg(long, requires = "arch")]
    pub chip: Option<PathBuf>,
    /// Run at most K planes of weights in each layer; all if not given
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    pub planes: Option<u16>,
    /// Seed of the noise that the columns themselves add in every read (readout.noise), as in `bincim verify`
    #[arg(long, default_value_t = 1, requires = "arch")]
    pub noise_seed: u32,
    /// Leave variation.read_noise out, the noise that every read of a chip adds
    #[arg(long)]
    pub without_read_noise: bool,
    /// Part of the data set
    #[arg(long, value_enum, default_value_t = Split::Test)]
    pub split: Split,
    /// Only the first N images
    #[arg(long, value_name = "N", value_parser = options::count::<1, { usize::MAX }>)]
    pub images: Option<usize>,
    /// How scores become a class; the network's own rule if not given
    #[arg(long, value_enum)]
    pub rule: Option<Rule>,
    /// Threads; all cores if not given
    #[arg(long, value_name = "N", value_parser = options::count::<1, { options::MOST_THREADS }>)]
    pub threads: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    Test,
    Train,
}

impl Split {
    pub fn name(self) -> &'static str {
        read::Split::from(self).name()
    }
}

impl From<Split> for read::Split {
    fn from(split: Split) -> read::Split {
        match split {
            Split::Test => read::Split::Test,
            Split::Train => read::Split::Train,
        }
    }
}

/// How scores become a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Rule {
    /// Largest score, lowest index on a tie
    Argmax,
    /// Highest index whose bit is 1, class 0 if none
    HighestBit,
}

impl From<Rule> for Decision {
    fn from(rule: Rule) -> Decision {
        match rule {
            Rule::Argmax => Decision::Argmax,
            Rule::HighestBit => Decision::HighestBit,
        }
    }
}

/// Which golden model runs.
enum Model<'a> {
    /// Bit-parallel over the network.
    Packed(Box<packed::Engine>),
    /// Tile by tile over the design.
    Machine(&'a Design, usize),
    /// Many images at a time over the design's arrays with a chip in them.
    Analog(&'a Design, Box<analog::Loaded<'a>>, usize),
}

impl Model<'_> {
    fn name(&self) -> String {
        let (design, planes) = match self {
            Model::Packed(engine) => return engine.instruction_set().to_string(),
            Model::Machine(design, planes) => (design, *planes),
            Model::Analog(design, _, planes) => (design, *planes),
        };
        let cycles: u64 = design.frame_of(planes).layers.iter().sum();
        format!("machine of {} x {}, {cycles} cycles a frame", design.rows, design.lanes)
    }

    /// Scores of all `images`, image after image, in channel, row, column order; one-bit scores are -1 or +1. `first`
    /// images came before these.
    fn scores(&self, network: &Network, first: usize, images: &[u8]) -> Vec<i32> {
        let values = || images.iter().map(|&pixel| network.input.pixel_values[usize::from(pixel)]);
        match self {
            Model::Packed(engine) => engine.infer(images),
            Model::Machine(design, planes) => {
                let values: Vec<i16> = values().collect();
                let images = values.par_chunks(network.input.shape.elements());
                let scores = images.flat_map_iter(|image| {
                    let scores = machine::run_planes(design, None, *planes, image, 0).scores;
                    scores.into_iter().map(|score| score as i32)
                });
                design.in_channel_order(&scores.collect::<Vec<i32>>())
            }
            Model::Analog(design, loaded, _) => {
                let values: Vec<i16> = values().collect();
                let count = values.len() / network.input.shape.elements();
                let mut scores = vec![0; count * design.output.scores];
                loaded.scores_parallel_from(first, &values, &mut scores);
                design.in_channel_order(&scores)
            }
        }
    }
}

/// What a run over a data set gave. The fields are the keys of `--json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    pub images: usize,
    pub correct: usize,
    /// Fraction, 0 to 1.
    pub accuracy: f64,
    pub images_per_second: f64,
}

pub fn run(args: &Args) -> miette::Result<Outcome> {
    let (network, _) = load::network(&args.model)?;
    let data = read::dataset(&args.data, args.split.into())?;
    let Some(labels) = &data.labels else {
        return Err(miette::miette!(
            code = "infer::no_labels",
            help = "put the labels beside the images (see `bincim infer --help` for the formats)",
            "{} has no labels to compare with",
            args.data.display()
        ));
    };
    let design = match &args.arch {
        Some(path) => Some(load::choice(&network, Some(path), None)?.0.design),
        None => None,
    };
    let planes = planes(args, design.as_ref().map_or(&network, |design| &design.network))?;
    let chip = match (&design, &args.chip) {
        (Some(design), Some(path)) => Some(chip::read(path, design)?),
        (Some(design), None) => chip::ideal(design),
        (None, _) => None,
    };
    let plan = design.as_ref().filter(|design| design.analog.is_some());
    let plan = plan.map(|design| analog::Plan::limited(design, planes));
    let gates = plan.as_ref().and_then(|plan| plan.gate_noise(args.noise_seed));
    let column = match (&design, &chip, &args.chip) {
        (Some(design), Some(chip), Some(_)) if !args.without_read_noise => column_noise(design, chip),
        _ => None,
    };
    let noises = Noises::of([column.as_ref().map(|n| n as _), gates.as_ref().map(|n| n as _)]);
    let noise = noises.as_ref().map(|noises| noises as _);
    let model = match (&design, &plan, &chip) {
        (Some(design), Some(plan), Some(chip)) => {
            let set = analog::InstructionSet::best();
            Model::Analog(design, Box::new(analog::Loaded::noisy(plan, chip, set, noise)), planes)
        }
        (Some(design), ..) => Model::Machine(design, planes),
        (None, ..) => Model::Packed(Box::new(packed::prepare(&network.limited(planes)))),
    };
    // The machine's scores may have a unit of their own.
    let network = design.as_ref().map_or(&network, |design| &design.network);
    let (_, told) = classify(args, network, &model, &data.images, data.shape, labels)
        .map_err(|error| miette::miette!("{error:#}"))?;
    output::result(&told)?;
    Ok(Outcome::Done)
}

/// The number of planes asked for, or all there are.
fn planes(args: &Args, network: &Network) -> miette::Result<usize> {
    let all = network.most_planes();
    match args.planes.map(usize::from) {
        None => Ok(all),
        Some(planes) if planes <= all => Ok(planes),
        Some(planes) => Err(miette::miette!(
            code = "infer::planes",
            help = "`bincim check` shows the planes of each layer",
            "--planes {planes}: the layers of {} have at most {all}",
            args.model.display()
        )),
    }
}

/// Read noise of the architecture's physics, keyed by the chip's seed: the same that `bincim vary` has for this chip.
fn column_noise(design: &Design, chip: &Chip) -> Option<ColumnNoise> {
    let sigma = design.arch.variation.read_noise;
    (sigma > 0.0).then(|| ColumnNoise::new(sigma, chip.fraction_bits, chip.seed))
}

/// Classifies `images` (8-bit, CHW, one after the other, each of `shape`); the summary, and how it is told.
///
/// Errors: images of another shape than the network reads, labels that do not match the images, or more
/// images asked for than there are.
fn classify(
    args: &Args,
    network: &Network,
    model: &Model<'_>,
    images: &[u8],
    shape: Shape,
    labels: &[u8],
) -> anyhow::Result<(Summary, String)> {
    let size = network.input.shape.elements();
    ensure!(
        shape.elements() == size,
        "{} reads maps of {} but the images of {} are {shape}",
        args.model.display(),
        network.input.shape,
        args.data.display(),
    );
    ensure!(
        images.len() == labels.len() * size,
        "{} holds {} images but {} labels",
        args.data.display(),
        images.len() / size,
        labels.len()
    );
    let count = load::image_count(args.images, labels.len(), &args.data)
        .map_err(|problem| anyhow::anyhow!("{problem}"))?;
    ensure!(count > 0, "{}: no image to classify", args.data.display());
    ensure!(args.threads != Some(0), "--threads must be at least 1");
    let rule = args.rule.map_or(network.output.decision, Decision::from);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .context("cannot start the threads")?;
    let bar = progress(count);
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let begin = Instant::now();
    let mut correct = 0;
    let steps = images[..count * size].chunks(STEP * size).zip(labels[..count].chunks(STEP));
    for (step, (images, labels)) in steps.enumerate() {
        let scores = pool.install(|| model.scores(network, step * STEP, images));
        let classes = scores.chunks(network.layers.last().map_or(1, |last| last.output.elements()));
        correct += classes
            .zip(labels)
            .filter(|(scores, label)| reference::decide(network, scores, rule) == usize::from(**label))
            .count();
        bar.inc(labels.len() as u64);
    }
    let seconds = begin.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let summary = Summary {
        images: count,
        correct,
        accuracy: correct as f64 / count as f64,
        images_per_second: count as f64 / seconds,
    };
    let told = match args.json {
        true => serde_json::to_string(&summary)?,
        false => format!(
            "{}: {correct} of {count} {} images right, {:.2} %, {:.0} images/s ({} threads, {})",
            network.name,
            args.split.name(),
            100.0 * summary.accuracy,
            summary.images_per_second,
            pool.current_num_threads(),
            model.name(),
        ),
    };
    Ok((summary, told + "\n"))
}

/// A bar over `count` images; hidden unless stderr is a terminal.
fn progress(count: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} images, {per_sec}, {eta} left");
    let bar = ProgressBar::new(count as u64);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::random;

    fn args(images: Option<usize>) -> Args {
        Args {
            model: "net.onnx".into(),
            data: "data".into(),
            arch: None,
            chip: None,
            planes: None,
            noise_seed: 1,
            without_read_noise: false,
            split: Split::Test,
            images,
            rule: Some(Rule::Argmax),
            threads: Some(1),
            json: true,
        }
    }

    /// Images, and the labels that the reference gives them.
    fn labelled(network: &Network, count: usize) -> (Vec<u8>, Vec<u8>) {
        let size = network.input.shape.elements();
        let images: Vec<u8> = (0..count * size).map(|i| (i * 89 + i / 5) as u8).collect();
        let label = |image: &[u8]| {
            let elements: Vec<i16> =
                image.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
            let scores = reference::run(network, &elements).scores;
            reference::decide(network, &scores, Decision::Argmax) as u8
        };
        let labels = images.chunks(size).map(label).collect();
        (images, labels)
    }

    #[test]
    fn counts_what_is_right() {
        let network = random::network(3, &random::Limits::default());
        let (images, mut labels) = labelled(&network, 40);
        labels[1] = labels[1].wrapping_add(1);
        labels[39] = labels[39].wrapping_add(1);
        let shape = network.input.shape;
        let model = Model::Packed(Box::new(packed::prepare(&network)));
        let (all, _) = classify(&args(None), &network, &model, &images, shape, &labels).expect("a summary");
        assert_eq!((all.images, all.correct, all.accuracy), (40, 38, 0.95));
        let arch = crate::arch::ArchFile::default().with("generic", 32, 8, 8, 8, 8);
        let design = crate::design::build(&network, &arch).expect("a design");
        let machine = Model::Machine(&design, 1);
        let (same, _) =
            classify(&args(None), &network, &machine, &images, shape, &labels).expect("a summary");
        assert_eq!(same.correct, all.correct);
        let (some, _) =
            classify(&args(Some(39)), &network, &model, &images, shape, &labels).expect("a summary");
        assert_eq!((some.images, some.correct), (39, 38));
    }

    #[test]
    fn wrong_input_is_refused_with_its_reason() {
        let network = random::network(3, &random::Limits::default());
        let (images, labels) = labelled(&network, 2);
        let shape = network.input.shape;
        let model = Model::Packed(Box::new(packed::prepare(&network)));
        let says = |images: &[u8], shape, labels: &[u8], args: &Args| {
            classify(args, &network, &model, images, shape, labels).expect_err("refused").to_string()
        };
        assert!(says(&images, shape, &labels, &args(Some(3))).contains("--images 3"));
        assert!(says(&images, shape, &labels[..1], &args(None)).contains("1 labels"));
        assert!(says(&images, Shape::vector(100_003), &labels, &args(None)).contains("100003"));
        assert!(says(&images, shape, &labels, &args(Some(0))).contains("no image"));
    }
}
