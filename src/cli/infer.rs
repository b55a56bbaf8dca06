//! `bincim infer`: classifies a data set with the golden model and counts what is right.
//!
//! The result goes to stdout, as text or as one JSON object; progress goes to stderr and only to a terminal.

pub use crate::app::infer::Model;
use crate::escape;
use std::path::PathBuf;
use std::time::Instant;

use miette::{IntoDiagnostic, WrapErr};
use rayon::prelude::*;

use super::judge::{self, JudgeArgs, Judged};
use super::load::Model as Read;
use super::pixels::{PictureArgs, ReadArgs};
use super::samples::SampleArgs;
use super::scores::{Row, Scores};
use super::{Outcome, chip, load, options, output, progress};
use crate::app::infer::{Asked, Bench, Refusal, in_steps, summed};
use crate::app::saturated::{self, Saturated};
use crate::golden::reference;
use crate::network::{Decision, Network};
use crate::read;

/// Classifies a data set with the golden model
#[derive(Debug, clap::Args)]
pub struct Args {
    /// QONNX model
    pub model: PathBuf,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format
    #[arg(long, long_help = read::FORMATS)]
    pub data: PathBuf,
    #[command(flatten)]
    pub reading: ReadArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// File to write every image's class and scores to, .csv or .npy (records with the fields class, label, scores,
    /// outputs); the data set needs no labels then
    #[arg(long, value_name = "FILE")]
    pub scores: Option<PathBuf>,
    /// Write the sums and bits (or levels) of every layer to that file too
    #[arg(long, requires = "scores", conflicts_with_all = ["arch", "chip"])]
    pub layers: bool,
    /// Architecture file: run the machine, tile by tile, instead of the bit-parallel model; arch.toml beside the model if
    /// not given (but for --layers), `none` for no such file
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Chip made by `bincim draw`, for an architecture with analog arrays; without one, the ideal chip
    #[arg(long)]
    pub chip: Option<PathBuf>,
    /// Run at most K planes of weights in each layer; all if not given
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..))]
    pub planes: Option<u16>,
    #[command(flatten)]
    pub samples: SampleArgs,
    /// Seed of weights that are drawn, and of the noise that the columns themselves add in every read (readout.noise), as
    /// in `bincim verify`; 1 if not given
    #[arg(long)]
    pub noise_seed: Option<u32>,
    /// Leave variation.read_noise out, the noise that every read of a chip adds
    #[arg(long)]
    pub without_read_noise: bool,
    /// Leave a chip's correction of its scores out (`bincim draw --correct`)
    #[arg(long)]
    pub without_correction: bool,
    #[command(flatten)]
    pub judge: JudgeArgs,
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

/// What a run over a data set gave. The fields are the keys of `--json`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    pub images: usize,
    /// None where there are no labels.
    pub correct: Option<usize>,
    /// Fraction, 0 to 1.
    pub accuracy: Option<f64>,
    pub images_per_second: f64,
    /// Samples of each image, where weights are drawn: its scores are their sums.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// When weights are drawn: "frame", once a sample of an image, or "read", as often as cells are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<&'static str>,
    /// Layers whose sums become states, and how many of these were beyond their bits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<Saturated>,
    /// Whether the chip's correction of its scores was applied, where weights are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrected: Option<bool>,
    /// How a pixel became the input's value.
    pub pixel_rule: String,
    /// Nobody said so.
    pub pixel_rule_is_guessed: bool,
    /// Class and scores, where there is one image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single: Option<Single>,
    /// How good the probabilities are, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Judged>,
}

/// What one image gave.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Single {
    pub class: usize,
    pub scores: Vec<i32>,
}

pub fn run(args: &Args) -> miette::Result<Outcome> {
    let arch = architecture(args)?;
    let mut read = load::network(&args.model, &args.reading)?.fitting(args.pictures.resize)?;
    let data = load::data(&read, &args.data, args.split.into())?;
    read.network.input = data.input.clone();
    // Arrays whose cells are drawn as they are read have codes even where none of them is used.
    let reads = match &arch {
        Some(path) if args.samples.mode && read.network.first_drawn().is_some() => {
            load::choice(&read.network, Some(path), None)?.0.design.arch.readout.is_sample()
        }
        _ => false,
    };
    if !reads {
        let samples = args.samples.asked();
        samples.settle(&mut read.network, &args.model, args.noise_seed.is_some() && args.arch.is_none())?;
    }
    let network = &read.network;
    let drawn = network.first_drawn().is_some();
    if drawn && args.layers {
        return Err(miette::miette!(
            code = "infer::layers",
            help = "take the likelier value of each weight (--mode), or leave --layers out",
            "--layers: the layers of {} give other sums and bits in every sample",
            escape::path(&args.model)
        ));
    }
    if data.labels.is_none() && args.scores.is_none() && data.len() > 1 {
        return Err(miette::miette!(
            code = "infer::no_labels",
            help = "name a file for what comes out (--scores FILE.csv), or put the labels beside the images (see `bincim infer \
                    --help` for the formats)",
            "{} has no labels to compare with",
            escape::path(&args.data)
        ));
    }
    let labels = data.labels_of(network)?;
    if args.judge.metrics && labels.is_none() {
        return Err(miette::miette!(
            code = "infer::no_labels",
            help = "put the labels beside the images (see `bincim infer --help` for the formats), or leave --metrics out",
            "{} has no labels to judge probabilities by",
            escape::path(&args.data)
        ));
    }
    let design = match &arch {
        Some(path) => Some(load::choice(network, Some(path), None)?.0.design),
        // What is drawn depends on the machine: here the one that is chosen without a file.
        None if drawn => Some(load::choice(network, None, None)?.0.design),
        None => None,
    };
    let chip = match (&design, &args.chip) {
        (Some(design), Some(path)) => Some(chip::read(path, design)?),
        _ => None,
    };
    let asked = Asked {
        planes: args.planes.map(usize::from),
        samples: args.samples.asked(),
        noise_seed: args.noise_seed,
        without_read_noise: args.without_read_noise,
        without_correction: args.without_correction,
        of_file: args.arch.is_some(),
    };
    let bench = Bench::new(network, design.as_ref(), chip.as_ref(), asked).map_err(|error| match error {
        Refusal::Planes { asked, most } => miette::miette!(
            code = "infer::planes",
            help = "`bincim check` shows the planes of each layer",
            "--planes {asked}: the layers of {} have at most {most}",
            escape::path(&args.model)
        ),
        Refusal::Other(report) => report,
    })?;
    let images = Images { pixels: &data.pixels, labels, guessed: data.guessed };
    let (summary, told) = bench.with(|model, network| classify(args, network, model, &images, &read))??;
    output::result(&match args.json {
        true => serde_json::to_string(&summary).into_diagnostic()? + "\n",
        false => told,
    })?;
    Ok(Outcome::Done)
}

/// The architecture file, if the machine of one is to run.
///
/// Errors: an option of a machine without one.
fn architecture(args: &Args) -> miette::Result<Option<PathBuf>> {
    // Sums and bits of layers are those of the network, whatever machine lies beside it.
    let arch = if args.layers { None } else { load::arch(&args.model, args.arch.as_deref()) };
    let asks = [("--chip", args.chip.is_some()), ("--noise-seed", args.noise_seed.is_some())];
    match asks.iter().find(|(_, given)| *given && arch.is_none()) {
        None => Ok(arch),
        Some((option, _)) => Err(miette::miette!(
            code = "infer::no_arch",
            help = "name the architecture file (--arch FILE)",
            "{option} is of a machine, and there is none: no architecture file is named, and none lies beside {}",
            escape::path(&args.model)
        )),
    }
}

/// What is classified.
struct Images<'a> {
    /// Image after image, each in channel, row, column order, as the network reads them.
    pixels: &'a [u8],
    labels: Option<&'a [u32]>,
    /// Whether nobody said how a pixel becomes the input's value.
    guessed: bool,
}

/// Classifies `images`, and writes their scores where that was asked for; the summary, and how it is told.
///
/// Errors: more images asked for than there are, or a file of scores that cannot be written.
fn classify(
    args: &Args,
    network: &Network,
    model: &Model<'_>,
    images: &Images,
    read: &Read,
) -> miette::Result<(Summary, String)> {
    let size = network.input.shape.elements();
    let count = load::image_count(args.images, images.pixels.len() / size, &args.data)?;
    if count == 0 {
        return Err(miette::miette!(
            code = "infer::images",
            help = "take a data set with at least one image",
            "{}: no image to classify",
            escape::path(&args.data)
        ));
    }
    let samples = model.samples();
    // Scores of several samples are added, and the graph's outputs are their mean.
    let mean = network.averaged(samples);
    let mut file = match &args.scores {
        Some(path) => Some(Scores::new(path, &mean, (images.labels.is_some(), args.layers), count)?),
        None => None,
    };
    let rule = args.rule.map_or(network.output.decision, Decision::from);
    if args.judge.metrics {
        judge::check(network, rule)?;
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()
        .into_diagnostic()
        .wrap_err("cannot start the threads")?;
    #[expect(clippy::disallowed_methods, reason = "cli reads clocks")]
    let begin = Instant::now();
    let mut correct = images.labels.map(|_| 0);
    let mut single = None;
    let mut kept = Vec::new();
    let classes = network.layers.last().map_or(1, |last| last.output.elements());
    let taken = &images.pixels[..count * size];
    pool.install(|| {
        in_steps((model, network), taken, &progress::Terminal, |first, pixels, scores| {
            let traces: Vec<reference::Trace> = match args.layers {
                true => {
                    let each = pixels.par_chunks(size);
                    each.map(|image| reference::run(network, &network.input.elements(image))).collect()
                }
                false => Vec::new(),
            };
            for (index, each) in scores.chunks(samples * classes).enumerate() {
                let scores = summed(model, each, classes);
                let class = reference::decide(&mean, &scores, rule);
                let label = images.labels.map(|labels| labels[first + index]);
                if let (Some(correct), Some(label)) = (&mut correct, label) {
                    *correct += usize::from(class == label as usize);
                }
                if let Some(file) = &mut file {
                    file.push(&Row { class, label, scores: &scores, trace: traces.get(index) });
                }
                if args.judge.metrics {
                    kept.push(each.to_vec());
                }
                if count == 1 {
                    single = Some(Single { class, scores });
                }
            }
            Ok(())
        })
    })?;
    let seconds = begin.elapsed().as_secs_f64();
    if let (Some(file), Some(path)) = (file, &args.scores) {
        file.write(path)?;
    }
    // Metrics may run further images.
    let states = match model {
        Model::Packed(engine) => saturated::of(network, &engine.saturated(), count),
        _ => Vec::new(),
    };
    let metrics = match (args.judge.metrics, images.labels) {
        (true, Some(labels)) => {
            let subject = judge::Subject { network, model, read, data: &args.data, pixels: images.pixels };
            Some(pool.install(|| judge::judge(&args.judge, &subject, &kept, &labels[..count]))?)
        }
        _ => None,
    };
    let summary = Summary {
        images: count,
        correct,
        accuracy: correct.map(|correct| correct as f64 / count as f64),
        images_per_second: count as f64 / seconds,
        samples: matches!(model, Model::Drawn(..)).then_some(samples),
        sampling: match model {
            Model::Drawn(design, ..) => Some(design.sampling()),
            _ => None,
        },
        states,
        corrected: matches!(model, Model::Drawn(..)).then(|| model.correction().is_some()),
        pixel_rule: network.input.pixel_rule.clone(),
        pixel_rule_is_guessed: images.guessed,
        single,
        metrics,
    };
    let run = format!(
        "{:.0} images/s ({} threads, {})",
        summary.images_per_second,
        pool.current_num_threads(),
        model.name()
    );
    Ok((summary.clone(), told(args, network, &summary, &run)))
}

/// The summary for people; `run` is how it was made.
fn told(args: &Args, network: &Network, summary: &Summary, run: &str) -> String {
    let (name, count, split) = (network.name.terminal(), summary.images, args.split.name());
    let mut text = match (summary.correct, summary.accuracy) {
        (Some(correct), Some(accuracy)) => {
            format!("{name}: {correct} of {count} {split} images right, {:.2} %, {run}\n", 100.0 * accuracy)
        }
        _ => format!("{name}: {count} {split} images classified, which have no labels, {run}\n"),
    };
    if let Some(single) = &summary.single {
        let scores: Vec<String> = single.scores.iter().map(i32::to_string).collect();
        text += &format!("  class {}, scores {}\n", single.class, scores.join(" "));
    }
    text += &saturated::told(&summary.states);
    if let Some(metrics) = &summary.metrics {
        text += &metrics.told();
    }
    if summary.pixel_rule_is_guessed {
        text += &format!("  what a pixel means is a GUESS ('{}'): see --input\n", summary.pixel_rule);
    }
    if let Some(path) = &args.scores {
        text += &format!("  classes and scores in {}\n", escape::path(path));
    }
    text
}

#[cfg(test)]
mod tests;
