//! Data sets in: images of 8-bit pixels and, where there are any, their labels.
//!
//! | format | given as | split | labels |
//! |---|---|---|---|
//! | idx (MNIST and its kin), plain or .gz | folder (also torchvision's root) or images file | by file name | the matching labels file |
//! | CIFAR-10 binary, plain, .gz or .zst | folder or one batch | `test_batch`, `data_batch_*` | in the file |
//! | .npz | file | `x_test`/`x_train` | `labels`, `y_test`/`y_train` |
//! | .npy | file | – | `labels` for `images` in the name |
//! | PNG, JPEG, gray or RGB | folder, folder of folders, file | folders `test`, `train` | folder name, or digits before `_` or `-` |
//!
//! A format is known by its content, not by its name. No more than [`MAX_BYTES`] are ever held, and the
//! size that a header promises is checked before it is believed.

mod cifar;
mod fit;
mod folder;
mod idx;
mod npy;
mod picture;
mod unpack;

pub use npy::{MAGIC as NPY_MAGIC, numbers};
pub use unpack::unpack;

pub use fit::Fit;

use super::{Error, Errors};
use crate::escape;
use crate::network::Shape;
use std::path::Path;

/// The formats as `--help` lists them.
pub const FORMATS: &str = "\
Data set: a folder or a file, whose format is known by its content:
  idx (MNIST and its kin), plain or .gz: the folder, or the file of images; the labels lie beside it
  CIFAR-10 binary, plain, .gz or .zst: the folder, or one batch
  .npz: the file; arrays x_test or x_train, labels y_test or y_train, or images and labels
  .npy: the file of images, with `images` in its name; labels in the file with `labels` there
  PNG, JPEG: a picture, a folder of pictures, or a folder of folders; the label is the folder's name, or the
       number before `_` or `-` in the picture's";

/// Most bytes of images or of one file's content.
pub const MAX_BYTES: usize = 512 << 20;
/// Longest side of an image, pixels, and most channels.
const MAX_SIDE: usize = 4096;

/// Which part of a data set that has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    #[default]
    Test,
    Train,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Split::Test => "test",
            Split::Train => "train",
        }
    }
}

/// What the bytes of images are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Pixels 0..=255.
    #[default]
    Pixels,
    /// Pixels of picture files.
    Pictures,
    /// Signed 8-bit codes of a network's input, each as code + 128.
    Codes,
}

/// Images and labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Name of the file or folder.
    pub name: String,
    /// Shape of one image.
    pub shape: Shape,
    /// Pixels 0..=255, or what `kind` says: image after image, each (channel, row, column).
    pub images: Vec<u8>,
    /// Class of each image.
    pub labels: Option<Vec<u32>>,
    pub kind: Kind,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len() / self.shape.elements()
    }

    /// The one channel that images of three equal ones stand for; `None` where a pixel is coloured.
    pub fn gray(&self) -> Option<Vec<u8>> {
        let plane = self.shape.pixels();
        if self.shape.c != 3 {
            return None;
        }
        let mut gray = Vec::with_capacity(self.images.len() / 3);
        for image in self.images.chunks_exact(3 * plane) {
            let (red, rest) = image.split_at(plane);
            if rest[..plane] != *red || rest[plane..] != *red {
                return None;
            }
            gray.extend_from_slice(red);
        }
        Some(gray)
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Pixels of image `index`. Panics beyond the last.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.shape.elements();
        &self.images[index * size..(index + 1) * size]
    }
}

/// The data set at `path`; `split` counts where it has both a test and a training part.
///
/// # Errors
/// What cannot be read, is damaged, or is of no known format.
pub fn dataset(path: &Path, split: Split) -> Result<Dataset, Errors> {
    dataset_fitting(path, split, None)
}

/// [`dataset`], its pictures brought to one size as `fit` says.
///
/// # Errors
/// As [`dataset`]; with `fit` anything but pictures.
pub fn dataset_fitting(path: &Path, split: Split, fit: Option<&Fit>) -> Result<Dataset, Errors> {
    let fitted = |data| match fit {
        Some(fit) => fit.apply(data),
        None => Ok(data),
    };
    let read =
        if path.is_dir() { folder::read(path, split, fit) } else { file(path, split).and_then(fitted) };
    read.and_then(checked)
        .map_err(|error| Errors { file: path.to_path_buf(), list: vec![without(error, path)] })
}

/// The error without the name of the file that it will stand behind.
fn without(error: Error, path: &Path) -> Error {
    match &error {
        Error::Io { reason } => match reason.strip_prefix(&format!("{}: ", escape::path(path))) {
            Some(rest) => Error::Io { reason: rest.into() },
            None => error,
        },
        _ => error,
    }
}

/// The data set in the one file `path`, with labels from a file beside it where the format needs that.
fn file(path: &Path, split: Split) -> Result<Dataset, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bytes = unpack::load(path)?;
    let mut data = parse(&bytes, &name, split)?;
    if data.labels.is_none()
        && let Some(beside) = labels_beside(path)
    {
        let labels_name = beside.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = unpack::load(&beside)?;
        let labels = if bytes.starts_with(npy::MAGIC) {
            npy::labels(&bytes, &labels_name)?
        } else {
            idx::labels(&bytes, &labels_name)?
        };
        data.labels = Some(labels);
    }
    Ok(data)
}

/// The data set in a file's unpacked content; `name` is used in messages and to tell a CIFAR batch.
///
/// # Errors
/// [`Error::Data`] for anything damaged or unknown.
pub fn parse(bytes: &[u8], name: &str, split: Split) -> Result<Dataset, Error> {
    let data = if bytes.starts_with(npy::MAGIC) {
        npy::images(bytes, name)
    } else if bytes.starts_with(b"PK\x03\x04") {
        npy::archive(bytes, name, split)
    } else if bytes.starts_with(picture::PNG) || bytes.starts_with(picture::JPEG) {
        picture::decode(bytes, name)
    } else if bytes.starts_with(&[0, 0, 8]) {
        idx::images(bytes, name)
    } else if let [0x80, 2..=5, ..] = bytes {
        Err(python(name))
    } else if name.contains(".bin") {
        cifar::images(bytes, name)
    } else {
        Err(fault(
            name,
            "its content is of no known format",
            "give idx, CIFAR-10 .bin, .npz, .npy, .png or .jpg",
        ))
    }?;
    checked(data)
}

/// The labels file that belongs to the images file `path`.
fn labels_beside(path: &Path) -> Option<std::path::PathBuf> {
    let name = path.file_name()?.to_str()?;
    if !name.contains("images") {
        return None;
    }
    let name = name.replace("images", "labels").replace("idx3", "idx1");
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    [plain.to_string(), format!("{plain}.gz")]
        .into_iter()
        .map(|n| path.with_file_name(n))
        .find(|p| p.is_file())
}

fn checked(data: Dataset) -> Result<Dataset, Error> {
    let size = data.shape.elements();
    if size == 0 || data.images.is_empty() || !data.images.len().is_multiple_of(size) {
        return Err(fault(&data.name, "it holds no whole image", "give at least one image"));
    }
    if let Some(labels) = &data.labels
        && labels.len() != data.len()
    {
        return Err(fault(
            &data.name,
            &format!("{} images but {} labels", data.len(), labels.len()),
            "give one label an image",
        ));
    }
    Ok(data)
}

/// The refusal of Python's own format.
fn python(name: &str) -> Error {
    fault(
        name,
        "it is a Python pickle, such as the python version of CIFAR-10 or CIFAR-100",
        "fetch the binary version of CIFAR-10 (cifar-10-binary.tar.gz), or write the arrays with numpy.savez",
    )
}

fn fault(file: &str, what: &str, help: &str) -> Error {
    Error::Data { file: file.into(), what: what.into(), help: help.into() }
}

/// Checks the size of images before memory is taken for them.
fn image_bytes(name: &str, count: usize, shape: Shape) -> Result<usize, Error> {
    let sides = [shape.c, shape.h, shape.w];
    let help = "give images of 1 to 4096 pixels a side";
    if sides.iter().any(|&n| n == 0 || (n > MAX_SIDE && shape.pixels() > 1)) {
        return Err(fault(name, &format!("images of {shape} pixels"), help));
    }
    sides.iter().try_fold(count, |n, &side| n.checked_mul(side)).filter(|&n| n <= MAX_BYTES).ok_or_else(
        || Error::TooLarge {
            what: format!("data set '{name}' ({count} images of {shape})"),
            limit: format!("{} MiB", MAX_BYTES >> 20),
        },
    )
}
