//! Folders: idx files, CIFAR-10 batches, `SPLIT.npz`, or PNG pictures, looked for in this order.
//!
//! An idx file whose name tells no split is taken for both: it is the only one of its folder.
//!
//! A PNG's label is the name of its sub-folder if that is a number, else the place of the sub-folder in
//! sorted order; without sub-folders it is the number before the first `_` or `-` of every file's name, and
//! there are no labels where a file has none.

use super::{Dataset, Error, MAX_BYTES, Split, cifar, fault, file, picture, unpack};
use std::path::{Path, PathBuf};

/// Most pictures of one data set.
const MAX_PICTURES: usize = 1_000_000;

/// The data set in folder `path`.
pub fn read(path: &Path, split: Split) -> Result<Dataset, Error> {
    let entries = entries(path)?;
    let named = |wanted: &dyn Fn(&str) -> bool| entries.iter().find(|p| p.is_file() && wanted(&file_name(p)));
    let of_split = |name: &str| match split {
        Split::Train => name.contains("train"),
        Split::Test => name.contains("t10k") || name.contains("test"),
    };
    let no_split = |name: &str| !["train", "t10k", "test"].iter().any(|split| name.contains(split));
    let idx = |n: &str| n.contains("images") && n.contains("idx3");
    if let Some(images) = named(&|n| idx(n) && of_split(n)).or_else(|| named(&|n| idx(n) && no_split(n))) {
        return file(images, split);
    }
    let prefix = match split {
        Split::Train => "data_batch",
        Split::Test => "test_batch",
    };
    let batches: Vec<&PathBuf> = entries
        .iter()
        .filter(|p| file_name(p).starts_with(prefix) && file_name(p).contains(".bin"))
        .collect();
    if !batches.is_empty() {
        return join_batches(path, &batches);
    }
    if let Some(archive) = named(&|n| n == format!("{}.npz", split.name())) {
        return file(archive, split);
    }
    pictures(path, &entries)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in `folder`, sorted by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let io = |e: std::io::Error| Error::Io { reason: format!("{}: {e}", folder.display()) };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)?.take(MAX_PICTURES) {
        entries.push(entry.map_err(io)?.path());
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
        "give a folder of idx files, CIFAR-10 batches, test.npz, or PNG pictures",
    )
}

fn is_png(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|e| e.eq_ignore_ascii_case("png"))
}

fn pictures(folder: &Path, inside: &[PathBuf]) -> Result<Dataset, Error> {
    let mut found: Vec<(PathBuf, Option<u8>)> = Vec::new();
    let folders: Vec<&PathBuf> = inside.iter().filter(|p| p.is_dir()).collect();
    let numbers: Option<Vec<u8>> = folders.iter().map(|p| file_name(p).parse().ok()).collect();
    for (place, class) in folders.iter().enumerate() {
        let label = numbers.as_ref().map_or(u8::try_from(place).ok(), |n| Some(n[place]));
        found.extend(entries(class)?.into_iter().filter(|p| is_png(p)).map(|p| (p, label)));
    }
    if found.is_empty() {
        found.extend(inside.iter().filter(|p| is_png(p)).map(|p| (p.clone(), number_before(&file_name(p)))));
    }
    let mut all: Option<Dataset> = None;
    let labels: Option<Vec<u8>> = found.iter().map(|(_, label)| *label).collect();
    for (path, _) in &found {
        let one = picture::decode(&unpack::load(path)?, &file_name(path))?;
        match &mut all {
            None => all = Some(one),
            Some(all) => append(all, one, &file_name(path))?,
        }
    }
    let all = all.ok_or_else(|| nothing(folder))?;
    Ok(Dataset { name: file_name(folder), labels, ..all })
}

fn number_before(name: &str) -> Option<u8> {
    name.split(['_', '-']).next().filter(|digits| digits.len() < name.len())?.parse().ok()
}
