//! What several verbs read first: the network, the machine for it, the device.

use super::{Outcome, output};
use crate::arch::ArchFile;
use crate::arch::device::{self, Device};
use crate::cost::{self, Choice, ChoiceError};
use crate::design::Design;
use crate::lower;
use crate::network::Network;
use crate::read;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::OnceLock;

/// The lowered network at `path`, and one sentence on the proof of its thresholds.
pub fn network(path: &Path) -> miette::Result<(Network, String)> {
    let reading = read::reading(path)?;
    let proof = format!(
        "folded {} thresholds, each proved over every reachable accumulator value ({} compared with the graph, 0 differ{})",
        reading.proof.channels,
        reading.proof.values,
        match reading.proof.f32_differences {
            0 => String::new(),
            n => format!("; {n} are near ties that f32 arithmetic rounds the other way"),
        }
    );
    Ok((lower::lower(reading.network), proof))
}

/// Says that an architecture file which lies beside the model is not read where none is given.
pub fn mention_arch(model: &Path, arch: Option<&Path>) {
    let beside = model.with_file_name("arch.toml");
    if arch.is_none() && beside.is_file() {
        output::log(format_args!(
            "note: {} lies beside the model and is not read; --arch takes it",
            beside.display()
        ));
    }
}

/// The machine for `network`: the architecture file (or an empty one) with every "auto" chosen.
pub fn choice(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    choice_as(network, arch, device_name, None)
}

/// The same; with a number of frames a second that are enough, the smallest machine that makes them.
pub fn choice_as(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
    target_fps: Option<f64>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    let file = match arch {
        Some(path) => read::arch::arch(path)?,
        None => ArchFile::default(),
    };
    chosen(network, file, arch, device_name, target_fps)
}

/// The same for a file that is read already; `path` is where it came from.
pub fn chosen(
    network: &Network,
    mut file: ArchFile,
    path: Option<&Path>,
    device_name: Option<&str>,
    target_fps: Option<f64>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    if let Some(name) = device_name {
        file.target.device = name.into();
    }
    // A fault of the file names the file; one of `--device` needs no name.
    let blame = |report: miette::Report| match path {
        // Nothing is wrong with a file for which nothing fits.
        Some(path) if report.downcast_ref::<ChoiceError>().is_none_or(|error| error.misfit().is_none()) => {
            report.wrap_err(path.display().to_string())
        }
        _ => report,
    };
    let device = match (file.target.device.as_str(), device_name) {
        ("generic", _) => None,
        (name, Some(_)) => Some(device::find(name)?),
        (name, None) => Some(device::find(name).map_err(|error| blame(error.into()))?),
    };
    if let Some(device) = device {
        // A board's name is its device's.
        file.target.device = device.name.clone();
    }
    let bar = OnceLock::new();
    let progress = |done: usize, all: usize| {
        let bar: &ProgressBar = bar.get_or_init(|| weighing(all));
        bar.set_position(done as u64);
    };
    let choice = cost::choose_as(network, &file, device, &cost::Wish { target_fps, progress: &progress });
    if let Some(bar) = bar.get() {
        bar.finish_and_clear();
    }
    Ok((choice.map_err(|error| blame(error.into()))?, device))
}

/// Progress of weighing `machines` machines, on a terminal.
fn weighing(machines: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(machines as u64);
    if let Ok(style) = ProgressStyle::with_template("  {bar:40.green/dim} {pos}/{len} machines weighed") {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar
}

/// A number of frames a second on the command line.
pub fn frames(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(frames) if frames.is_finite() && frames > 0.0 => Ok(frames),
        _ => Err("frames a second, a number above 0".into()),
    }
}

/// The answer where nothing fits or is fast enough: one JSON object on standard output, or the error as it is.
pub fn no(error: miette::Report, json: bool) -> miette::Result<Outcome> {
    match error.downcast_ref::<ChoiceError>().and_then(ChoiceError::misfit) {
        Some(misfit) if json => {
            output::result(&format!("{:#}\n", serde_json::json!({ "fits": false, "misfit": misfit })))?;
            Ok(Outcome::No)
        }
        Some(_) => {
            output::error(&error);
            Ok(Outcome::No)
        }
        None => Err(error),
    }
}

/// The design that stands in `dir`, rebuilt from its own sources.
pub fn design(dir: &Path) -> miette::Result<Design> {
    let source = dir.join("source");
    let files =
        std::fs::read_dir(&source).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let models: Vec<_> = files.unwrap_or_default();
    let Some(model) = models.iter().find(|path| path.extension().is_some_and(|ending| ending == "onnx"))
    else {
        return Err(miette::miette!(
            code = "cli::no_design",
            help = "`bincim generate MODEL --arch ARCH -o DIR` makes one",
            "{} holds no design: no model in its folder `source`",
            dir.display()
        ));
    };
    let (network, _) = network(model)?;
    let (choice, _) = choice(&network, Some(&source.join("arch.toml")), None)?;
    Ok(choice.design)
}

/// The images of a data set as element values of `network`'s input.
pub struct Images {
    values: Vec<i16>,
    size: usize,
    pixels: Vec<u8>,
}

impl Images {
    /// Number of images.
    pub fn count(&self) -> usize {
        self.pixels.len() / self.size
    }

    /// Element values of image `index`, in channel, row, column order.
    pub fn image(&self, index: usize) -> Vec<i16> {
        let pixels = &self.pixels[index * self.size..(index + 1) * self.size];
        pixels.iter().map(|&pixel| self.values[usize::from(pixel)]).collect()
    }
}

/// Reads the data set at `path` for `network`.
pub fn images(network: &Network, path: &Path, split: read::Split) -> miette::Result<Images> {
    let data = read::dataset(path, split)?;
    let size = network.input.shape.elements();
    if data.shape.elements() != size {
        return Err(miette::miette!(
            code = "cli::image_shape",
            help = "take the data set that the network was trained for",
            "{} holds images of {} but {} reads {}",
            path.display(),
            data.shape,
            network.name.terminal(),
            network.input.shape
        ));
    }
    Ok(Images { values: network.input.pixel_values.clone(), size, pixels: data.images })
}

/// Pixels of the first `count` images of the training part, on which the thresholds of chips are found anew.
pub fn training_pixels(network: &Network, path: &Path, count: usize) -> miette::Result<Vec<u8>> {
    let data = read::dataset(path, read::Split::Train)?;
    if data.shape.elements() != network.input.shape.elements() || count > data.len() {
        return Err(miette::miette!(
            code = "cli::recalibrate",
            help = "take fewer images, or a data set with a training part of the network's size",
            "--recalibrate {count}: {} has {} training images of {}",
            path.display(),
            data.len(),
            data.shape
        ));
    }
    let mut pixels = data.images;
    pixels.truncate(count * network.input.shape.elements());
    Ok(pixels)
}
