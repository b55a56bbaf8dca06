//! What a training reads: images and labels of a training and of a test part.

use crate::escape;
use crate::network::Shape;
use crate::read::{self, Split, glyphs};
use crate::train;
use miette::miette;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The built-in source, where no file has its name.
pub const GLYPHS: &str = "glyphs";
/// Seed and sizes of the built-in source.
const GLYPHS_SEED: u64 = 1;
const GLYPHS_TRAIN: usize = 60_000;
const GLYPHS_TEST: usize = 10_000;

/// Labelled images of one part.
pub struct Part {
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}

impl Part {
    pub fn samples(&self) -> train::Samples<'_> {
        train::Samples { pixels: &self.pixels, labels: &self.labels }
    }

    /// The first `count` images of `size` bytes.
    fn cut(&mut self, count: usize, size: usize) {
        self.labels.truncate(count);
        self.pixels.truncate(self.labels.len() * size);
    }

    /// The images `chosen`.
    fn chosen(&self, chosen: &[usize], size: usize) -> Part {
        Part {
            pixels: chosen.iter().flat_map(|&i| &self.pixels[i * size..(i + 1) * size]).copied().collect(),
            labels: chosen.iter().map(|&i| self.labels[i]).collect(),
        }
    }
}

/// Both parts.
pub struct Data {
    /// Name of the source, without its folder.
    pub name: String,
    pub shape: Shape,
    pub train: Part,
    pub test: Part,
}

impl Data {
    /// SHA-256 of all images and labels.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for part in [&self.train, &self.test] {
            digest.update(&part.pixels);
            digest.update(&part.labels);
        }
        digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What of the data is wanted.
pub struct Wanted<'a> {
    pub data: &'a Path,
    /// Where the test part comes from, if not from `data`.
    pub test: Option<&'a Path>,
    /// Share of the training part to test on, where there is no other.
    pub holdout: f64,
    /// Only the first training images.
    pub images: Option<usize>,
    pub seed: u64,
}

/// Reads both parts.
pub fn load(wanted: &Wanted) -> miette::Result<Data> {
    let mut data = match wanted.data.as_os_str() == GLYPHS && !wanted.data.exists() {
        true => drawn(),
        false => read_parts(wanted)?,
    };
    let size = data.shape.elements();
    if let Some(count) = wanted.images {
        if !(1..=data.train.labels.len()).contains(&count) {
            return Err(miette!(
                code = "train::images",
                help = "give a number from 1 to that of the training images",
                "--images {count}: {} holds {} training images",
                data.name,
                data.train.labels.len()
            ));
        }
        data.train.cut(count, size);
    }
    Ok(data)
}

fn drawn() -> Data {
    let part = |split, count| {
        let (pixels, labels) = glyphs::dataset(GLYPHS_SEED, split, count);
        Part { pixels, labels }
    };
    Data {
        name: format!("glyphs of seed {GLYPHS_SEED}"),
        shape: Shape { c: 1, h: glyphs::SIDE, w: glyphs::SIDE },
        train: part(glyphs::Split::Train, GLYPHS_TRAIN),
        test: part(glyphs::Split::Test, GLYPHS_TEST),
    }
}

fn read_parts(wanted: &Wanted) -> miette::Result<Data> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (train, shape) = part(wanted.data, Split::Train)?;
    let size = shape.elements();
    if wanted.holdout > 0.0 {
        if let Some(path) = wanted.test {
            return Err(miette!(
                code = "train::two_tests",
                help = "remove train.holdout, or do without --test",
                "train.holdout and --test {} both give test images",
                escape::path(path)
            ));
        }
        let (kept, apart) = train::holdout(wanted.seed, train.labels.len(), wanted.holdout);
        let (train, test) = (train.chosen(&kept, size), train.chosen(&apart, size));
        return Ok(Data { name: name(wanted.data), shape, train, test });
    }
    let (test, test_shape) = part(wanted.test.unwrap_or(wanted.data), Split::Test)?;
    if test_shape != shape {
        return Err(miette!(
            code = "train::shape",
            help = "give training and test images of one size",
            "training images are {shape}, test images {test_shape}"
        ));
    }
    if train.pixels == test.pixels {
        let data = escape::path(wanted.data);
        let what = match wanted.test {
            Some(test) => format!("the images of {} are the training images of {data}", escape::path(test)),
            None => format!("{data} has no test part of its own"),
        };
        return Err(miette!(
            code = "train::no_test",
            help = "name other images by --test PATH, or set train.holdout = 0.1 to keep a tenth apart",
            "{what}"
        ));
    }
    Ok(Data { name: name(wanted.data), shape, train, test })
}

fn part(path: &Path, split: Split) -> miette::Result<(Part, Shape)> {
    let data = read::dataset(path, split)?;
    if data.kind == read::data::Kind::Codes {
        return Err(miette!(
            code = "train::codes",
            help = "store pixels of 0 to 255 as uint8",
            "{} holds codes of a network's input and no pixels",
            escape::path(path)
        ));
    }
    let bytes = |labels: Vec<u32>| labels.into_iter().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
    match data.labels.map(bytes) {
        Some(Ok(labels)) => Ok((Part { pixels: data.images, labels }, data.shape)),
        Some(Err(_)) => Err(miette!(
            code = "train::labels",
            help = "number the classes from 0 to 255",
            "the {} part of {} has a label above 255, and networks of at most 256 classes are trained",
            split.name(),
            escape::path(path)
        )),
        None => Err(miette!(
            code = "train::no_labels",
            help = "put the labels beside the images: `labels` or `y_train` in an .npz, a labels file for idx, a folder a class for pictures",
            "the {} part of {} has no labels",
            split.name(),
            escape::path(path)
        )),
    }
}
