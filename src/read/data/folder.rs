//! Folders: idx files, CIFAR-10 batches, `SPLIT.npz`, or pictures (PNG, JPEG), looked for in this order.
//!
//! What torchvision downloads lies a folder or two below the one that it was given ([`WITHIN`]). An idx file whose name
//! tells no split is taken for both: it is the only one of its folder.
//!
//! A picture's label is the name of its sub-folder if that is a number, else the place of the sub-folder in
//! sorted order; without sub-folders it is the number before the first `_` or `-` of every file's name, and
//! there are no labels where a file has none. Hidden files and folders are passed over. Where some folders are numbers
//! and others are not, or pictures lie beside them, nobody knows what was meant, and the folder is refused.

use super::{Dataset, Error, Fit, MAX_BYTES, Split, cifar, fault, file, picture, python, unpack};
use crate::escape;
use std::path::{Path, PathBuf};

/// Most pictures of one data set.
const MAX_PICTURES: usize = 1_000_000;
/// Names of the folders in which data sets are found, and how deep.
const WITHIN: [&str; 6] =
    ["raw", "MNIST", "FashionMNIST", "KMNIST", "cifar-10-batches-bin", "cifar-10-batches-py"];
const DEPTH: usize = 3;
/// Names of the parts of a data set of pictures.
const PARTS: [(Split, &[&str]); 2] =
    [(Split::Test, &["test", "testing", "val", "valid"]), (Split::Train, &["train", "training"])];

/// The data set in folder `path`; its pictures as `fit` says.
pub fn read(path: &Path, split: Split, fit: Option<&Fit>) -> Result<Dataset, Error> {
    match (arrays(path, split, 0)?, fit) {
        (Some(data), None) => Ok(data),
        (Some(data), Some(fit)) => fit.apply(data),
        (None, _) => pictures(&part(path, split)?, fit),
    }
}

/// The data set of another format than pictures in `folder`, or in one that is known by its name.
fn arrays(folder: &Path, split: Split, depth: usize) -> Result<Option<Dataset>, Error> {
    let entries = entries(folder)?;
    if let Some(images) = idx_images(folder, &entries, split)? {
        return file(images, split).map(Some);
    }
    let prefix = match split {
        Split::Train => "data_batch",
        Split::Test => "test_batch",
    };
    let batches: Vec<&PathBuf> =
        entries.iter().filter(|p| p.is_file() && file_name(p).starts_with(prefix)).collect();
    let (binary, others): (Vec<&PathBuf>, Vec<&PathBuf>) =
        batches.into_iter().partition(|path| file_name(path).contains(".bin"));
    if !binary.is_empty() {
        return join_batches(folder, &binary).map(Some);
    }
    let archive = entries.iter().find(|p| p.is_file() && file_name(p) == format!("{}.npz", split.name()));
    if let Some(archive) = archive {
        return file(archive, split).map(Some);
    }
    // CIFAR-100's are called by their part alone.
    let there = |name: &str| entries.iter().any(|p| p.is_file() && file_name(p) == name);
    if !others.is_empty() || (there("meta") && there(split.name())) {
        return Err(python(&file_name(folder)));
    }
    if depth == DEPTH {
        return Ok(None);
    }
    let mut found: Option<(String, Dataset)> = None;
    for inner in entries.iter().filter(|p| WITHIN.contains(&&*file_name(p)) && p.is_dir()) {
        let Some(data) = arrays(inner, split, depth + 1)? else { continue };
        if let Some((name, _)) = &found {
            let what = format!("the data sets '{name}' and '{}' lie in it", file_name(inner));
            return Err(fault(&file_name(folder), &what, "name one of the two"));
        }
        found = Some((file_name(inner), data));
    }
    Ok(found.map(|(_, data)| data))
}

/// The idx file of the images of `split`.
fn idx_images<'p>(folder: &Path, entries: &'p [PathBuf], split: Split) -> Result<Option<&'p PathBuf>, Error> {
    let of_split = |name: &str| match split {
        Split::Train => name.contains("train"),
        Split::Test => name.contains("t10k") || name.contains("test"),
    };
    let no_split = |name: &str| !["train", "t10k", "test"].iter().any(|split| name.contains(split));
    let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<&'p PathBuf> {
        let idx = |n: &str| n.contains("images") && n.contains("idx3") && wanted(n);
        entries.iter().filter(|p| p.is_file() && idx(&file_name(p))).collect()
    };
    let plain = |path: &Path| file_name(path).trim_end_matches(".gz").to_string();
    let (mut found, others) = (named(&of_split), named(&no_split));
    if found.is_empty() {
        found = others;
    }
    // A file and its packed form are the same.
    match found.iter().find(|path| plain(path) != plain(found[0])) {
        Some(other) => {
            let what =
                format!("'{}' and '{}' are both images of this split", file_name(found[0]), file_name(other));
            Err(fault(&file_name(folder), &what, "name the file of images"))
        }
        None => Ok(found.first().copied()),
    }
}

/// The folder of `split` where `path` holds nothing but such parts, else `path`.
fn part(path: &Path, split: Split) -> Result<PathBuf, Error> {
    let folders: Vec<PathBuf> = entries(path)?.into_iter().filter(|p| p.is_dir()).collect();
    let known = |p: &PathBuf| PARTS.iter().any(|(_, names)| names.contains(&&*file_name(p)));
    if folders.is_empty() || !folders.iter().all(known) {
        return Ok(path.to_path_buf());
    }
    let names = PARTS.iter().filter(|(part, _)| *part == split).flat_map(|(_, names)| *names);
    let mut found = names.filter_map(|name| folders.iter().find(|p| file_name(p) == *name));
    found.next().cloned().ok_or_else(|| nothing(path))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in `folder` and not hidden, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |e: std::io::Error| Error::Io { reason: format!("{}: {e}", escape::path(folder)) };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)?.take(MAX_PICTURES) {
        let path = entry.map_err(io)?.path();
        if !file_name(&path).starts_with('.') && file_name(&path) != "__MACOSX" {
            entries.push(path);
        }
    }
    entries.sort();
    Ok(entries)
}

fn join_batches(folder: &Path, batches: &[&PathBuf]) -> Result<Dataset, Error> {
    let mut joined: Option<Dataset> = None;
    for path in batches {
        let batch = cifar::images(&unpack::load(path)?, &file_name(path))?;
        match &mut joined {
            None => joined = Some(batch),
            Some(all) => append(all, batch, &file_name(path))?,
        }
    }
    let joined = joined.ok_or_else(|| nothing(folder))?;
    Ok(Dataset { name: file_name(folder), ..joined })
}

fn append(all: &mut Dataset, more: Dataset, name: &str) -> Result<(), Error> {
    if more.shape != all.shape {
        let what = format!("an image of {} among images of {}", more.shape, all.shape);
        return Err(fault(name, &what, "give all images one size"));
    }
    if all.images.len() + more.images.len() > MAX_BYTES {
        return Err(Error::TooLarge {
            what: "the data set".into(),
            limit: format!("{} MiB", MAX_BYTES >> 20),
        });
    }
    all.images.extend(more.images);
    if let (Some(labels), Some(more)) = (&mut all.labels, more.labels) {
        labels.extend(more);
    }
    Ok(())
}

fn nothing(folder: &Path) -> Error {
    fault(
        &file_name(folder),
        "no data set of a known format for this split",
        "give a folder of idx files, CIFAR-10 batches, test.npz, or PNG or JPEG pictures",
    )
}

fn is_picture(path: &Path) -> bool {
    let known = |ending: &std::ffi::OsStr| {
        ["png", "jpg", "jpeg"].iter().any(|known| ending.eq_ignore_ascii_case(known))
    };
    path.is_file() && path.extension().is_some_and(known)
}

fn pictures(folder: &Path, fit: Option<&Fit>) -> Result<Dataset, Error> {
    let found = labelled(folder, &entries(folder)?)?;
    let mut all: Option<Dataset> = None;
    for (path, _) in &found {
        let one = picture::decode(&unpack::load(path)?, &file_name(path))?;
        let mut one = match fit {
            Some(fit) => fit.apply(one)?,
            None => one,
        };
        match &mut all {
            None => all = Some(one),
            Some(all) => {
                match (all.shape.c, one.shape.c) {
                    (1, 3) => in_colour(all),
                    (3, 1) => in_colour(&mut one),
                    _ => {}
                }
                append(all, one, &file_name(path))?;
            }
        }
    }
    let all = all.ok_or_else(|| nothing(folder))?;
    let labels: Option<Vec<u32>> = found.iter().map(|(_, label)| *label).collect();
    Ok(Dataset { name: file_name(folder), labels, ..all })
}

/// Gray is red, green and blue alike.
fn in_colour(data: &mut Dataset) {
    data.images = data.images.chunks(data.shape.pixels()).flat_map(|image| image.repeat(3)).collect();
    data.shape.c = 3;
}

/// The pictures of a folder with entries `inside`, and their labels.
fn labelled(folder: &Path, inside: &[PathBuf]) -> Result<Vec<(PathBuf, Option<u32>)>, Error> {
    let pictures_in = |folder: &Path| -> Result<Vec<PathBuf>, Error> {
        Ok(entries(folder)?.into_iter().filter(|p| is_picture(p)).collect())
    };
    let loose: Vec<&PathBuf> = inside.iter().filter(|p| is_picture(p)).collect();
    let mut classes = Vec::new();
    for class in inside.iter().filter(|p| p.is_dir()) {
        classes.push((file_name(class), pictures_in(class)?));
    }
    if classes.iter().all(|(_, pictures)| pictures.is_empty()) {
        return Ok(loose.into_iter().map(|p| (p.clone(), number_before(&file_name(p)))).collect());
    }
    let refuse = |what: String, help: &str| Err(fault(&file_name(folder), &what, help));
    if let Some(path) = loose.first() {
        let what = format!("the picture '{}' lies beside folders of classes", file_name(path));
        return refuse(what, "put every picture into the folder of its class");
    }
    let number = |name: &str| name.parse::<u32>().ok();
    let numbered = classes.iter().any(|(name, _)| number(name).is_some());
    let mut found = Vec::new();
    for (place, (name, pictures)) in classes.into_iter().enumerate() {
        let label = if numbered { number(&name) } else { u32::try_from(place).ok() };
        match (label, pictures.is_empty()) {
            // A class that has no picture in this part, or a folder of something else.
            (_, true) if numbered => {}
            (_, true) => {
                let what = format!(
                    "the folder '{name}' holds no picture, and classes are counted in the order of their names"
                );
                return refuse(what, "remove it, or name the folders by the numbers of their classes");
            }
            (None, _) => {
                let what = format!("some folders are numbers and '{name}' is none");
                return refuse(what, "name all folders of classes by their numbers, or none");
            }
            (label, _) => found.extend(pictures.into_iter().map(|p| (p, label))),
        }
    }
    Ok(found)
}

/// A file's number, which is a label only if it could be a class.
fn number_before(name: &str) -> Option<u32> {
    let digits = name.split(['_', '-']).next().filter(|digits| digits.len() < name.len())?;
    digits.parse::<u16>().ok().map(u32::from)
}
