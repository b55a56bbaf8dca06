//! What several verbs read first: the network, the machine for it, the device.

use crate::arch::ArchFile;
use crate::arch::device::{self, Device};
use crate::cost::{self, Choice};
use crate::design::Design;
use crate::lower;
use crate::network::Network;
use crate::read;
use miette::IntoDiagnostic;
use std::path::Path;

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

/// The model file at `path` as it is.
pub fn model_bytes(path: &Path) -> miette::Result<Vec<u8>> {
    let bytes = read::onnx::load(path);
    Ok(bytes.map_err(|error| read::Errors { file: path.to_path_buf(), list: vec![error] })?)
}

/// The machine for `network`: the architecture file (or an empty one) with every "auto" chosen.
pub fn choice(
    network: &Network,
    arch: Option<&Path>,
    device_name: Option<&str>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    let file = match arch {
        Some(path) => read::arch::arch(path)?,
        None => ArchFile::default(),
    };
    chosen(network, file, arch, device_name)
}

/// The same for a file that is read already; `path` is where it came from.
pub fn chosen(
    network: &Network,
    mut file: ArchFile,
    path: Option<&Path>,
    device_name: Option<&str>,
) -> miette::Result<(Choice, Option<&'static Device>)> {
    if let Some(name) = device_name {
        file.target.device = name.into();
    }
    // A fault of the file names the file; one of `--device` needs no name.
    let blame = |report: miette::Report| match path {
        Some(path) => report.wrap_err(path.display().to_string()),
        None => report,
    };
    let device = match (file.target.device.as_str(), device_name) {
        ("generic", _) => None,
        (name, Some(_)) => Some(device::find(name)?),
        (name, None) => Some(device::find(name).map_err(|error| blame(error.into()))?),
    };
    if let (None, Some(device)) = (file.target.clock_mhz, device) {
        file.target.clock_mhz = Some(device.engine_mhz);
    }
    let choice = cost::choose(network, &file, device).into_diagnostic().map_err(blame)?;
    Ok((choice, device))
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
            network.name,
            network.input.shape
        ));
    }
    Ok(Images { values: network.input.pixel_values.clone(), size, pixels: data.images })
}

/// How many of `there` images are taken: as many as are `asked` for, or all.
///
/// Errors: more than there are.
pub fn image_count(asked: Option<usize>, there: usize, path: &Path) -> miette::Result<usize> {
    match asked {
        Some(count) if count > there => Err(miette::miette!(
            code = "cli::images",
            help = "give a number up to that, or leave --images out",
            "--images {count}: {} holds {there} images",
            path.display()
        )),
        Some(count) => Ok(count),
        None => Ok(there),
    }
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
