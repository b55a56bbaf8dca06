//! `bincim calibrate`: the ranges of the converters from images, as numbers in an architecture file.

use super::infer::Split;
use super::options::count;
use super::pixels::{PictureArgs, ReadArgs};
use super::{Outcome, chip, load, output};
use crate::arch::{Range, ReadoutKind};
use crate::escape;
use crate::golden::machine::{self, ColumnSums};
use crate::montecarlo::ranges::{self, Found, Rule};
use crate::read;
use clap::Args;
use miette::{IntoDiagnostic, miette};
use rayon::prelude::*;
use std::path::PathBuf;

/// Images where no number is given.
const FIRST_IMAGES: usize = 100;

/// Finds the range of each layer's converters from the column sums of images
#[derive(Args, Debug)]
pub struct Calibrate {
    /// QONNX model
    pub model: PathBuf,
    /// Architecture file with readout.kind = "adc"; its readout.range is replaced; arch.toml beside the model if not given
    #[arg(long, value_name = "FILE")]
    pub arch: Option<PathBuf>,
    /// Data set: a folder or file of idx, CIFAR-10 binary, npy, npz, PNG or JPEG format; labels are not looked at
    #[arg(long)]
    pub data: PathBuf,
    /// Part of the data set
    #[arg(long, value_enum, default_value_t = Split::Train)]
    pub split: Split,
    /// Only the first N images; the first 100, or all where there are fewer, if not given
    #[arg(long, value_name = "N", value_parser = count::<1, { usize::MAX }>)]
    pub images: Option<usize>,
    /// How a range is found
    #[arg(long, value_enum, default_value_t = RuleName::Percentile)]
    pub rule: RuleName,
    /// Share of the sums inside the range in percent (percentile, granular)
    #[arg(long, value_name = "P", default_value_t = 99.98)]
    pub percentile: f64,
    #[command(flatten)]
    pub reading: ReadArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
    /// Architecture file to write, `-` for standard output: every number resolved, one range a layer
    #[arg(short, long, value_name = "ARCH")]
    pub output: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How a range is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RuleName {
    /// The smallest count that --percentile of the sums do not exceed in size
    Percentile,
    /// The smallest range of these whose step is 2, 4, 8, ... counts
    Granular,
    /// The range, in half counts, that changes the sums least
    LeastError,
    /// From and to the sums beyond which shares of their own lie, from 0 to 10 %, such that the sums change least: two
    /// numbers a layer
    Ends,
}

pub fn run(args: &Calibrate) -> miette::Result<Outcome> {
    if !(args.percentile > 0.0 && args.percentile <= 100.0) {
        return Err(miette!(
            code = "calibrate::options",
            help = "take a percentage above 0 and up to 100, such as 99.98",
            "--percentile {}",
            args.percentile
        ));
    }
    let arch = load::need_arch(&args.model, args.arch.as_deref())?;
    let model = load::network(&args.model, &args.reading)?.fitting(args.pictures.resize)?;
    let mut file = read::arch::arch_to_calibrate(&arch)?;
    if file.readout.kind != ReadoutKind::Adc {
        return Err(miette!(
            code = "calibrate::no_converter",
            help = "set readout.kind to \"adc\" in the architecture file",
            "{}: only converters have a range",
            escape::path(&arch)
        ));
    }
    file.readout.range = Range::Word(crate::arch::RangeWord::Full);
    let (choice, _) = load::chosen(&model.network, file, &arch)?;
    let design = choice.design;
    let ideal = chip::ideal(&design).ok_or_else(|| miette!("an analog design has a chip"))?;
    let images = load::data(&model, &args.data, args.split.into())?;
    let count = match args.images {
        None => images.len().min(FIRST_IMAGES),
        asked => load::image_count(asked, images.len(), &args.data)?,
    };
    let columns = (0..count)
        .into_par_iter()
        .map(|index| machine::column_sums(&design, &ideal, &images.image(index)))
        .reduce(|| vec![ColumnSums::new(); design.layers.len()], joined);
    let fraction = args.percentile / 100.0;
    let rule = match args.rule {
        RuleName::Percentile => Rule::Fraction(fraction),
        RuleName::Granular => Rule::Granular(fraction),
        RuleName::LeastError => Rule::LeastError,
        RuleName::Ends => Rule::Ends,
    };
    let levels = design.arch.readout.levels;
    let found: Vec<Found> = columns.iter().map(|sums| ranges::range(sums, levels, rule)).collect();
    let mut arch = design.arch.to_file();
    arch.readout.range = match rule {
        Rule::Ends => Range::Ends(found.iter().map(|found| [found.low, found.range]).collect()),
        _ => Range::Layers(found.iter().map(|found| found.range).collect()),
    };
    let text = toml::to_string_pretty(&arch).into_diagnostic()?;
    output::file(&args.output, text.as_bytes())?;
    let layers: Vec<(String, Found)> =
        design.layers.iter().map(|layer| layer.name.terminal()).zip(found).collect();
    let told = if args.json { json(args, count, &layers) } else { told(args, count, &layers) };
    output::summary(&args.output, &told)?;
    Ok(Outcome::Done)
}

/// Both counts together; addition does not know the order of images.
fn joined(mut all: Vec<ColumnSums>, more: Vec<ColumnSums>) -> Vec<ColumnSums> {
    for (all, more) in all.iter_mut().zip(more) {
        more.into_iter().for_each(|(sum, count)| *all.entry(sum).or_default() += count);
    }
    all
}

fn json(args: &Calibrate, images: usize, layers: &[(String, Found)]) -> String {
    let layers: Vec<serde_json::Value> =
        layers.iter().map(|(name, found)| serde_json::json!({ "name": name, "found": found })).collect();
    format!("{:#}\n", serde_json::json!({ "arch": args.output, "images": images, "layers": layers }))
}

fn told(args: &Calibrate, images: usize, layers: &[(String, Found)]) -> String {
    let mut text = format!("{}: ranges from {images} images, counts\n", escape::path(&args.output));
    text += &format!(
        "{:22} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10}\n",
        "layer", "from", "to", "step", "largest", "clipped", "error"
    );
    for (name, found) in layers {
        text += &format!(
            "{:22} {:>8} {:>8} {:>8.3} {:>8} {:>8.4} % {:>10.3}\n",
            name.chars().take(22).collect::<String>(),
            found.low,
            found.range,
            found.step,
            found.largest,
            100.0 * found.clipped,
            found.error
        );
    }
    text
}
