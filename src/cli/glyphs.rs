//! `bincim glyphs`: draws the example's pictures into a folder of idx files.
//!
//! The folder appears whole or not at all. An existing folder is replaced only on request, and only when
//! this verb made it.

use super::{Outcome, made, options, output, progress};
use crate::escape;
use crate::flow::folder::Pending;
use crate::read::glyphs::{self, CLASSES, Picture, SIDE, Split};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{Diagnostic, IntoDiagnostic, Report};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub const IMAGES: &str = "images-idx3-ubyte";
pub const LABELS: &str = "labels-idx1-ubyte";
pub const CONTACT: &str = "contact.png";

/// Most glyphs of one run: 512 MB, about as much as the readers of data sets take.
const MOST: u32 = 2_000_000;
/// Glyphs between two movements of the progress bar.
const STRIDE: u64 = 4096;

/// Draws the digits of the glyphs example: idx files and a contact sheet
#[derive(Args)]
pub struct Arguments {
    /// Seed of the collection
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which half of the collection; the two share no glyph
    #[arg(long, value_enum, default_value = "train")]
    split: SplitName,
    /// Number of glyphs, taken from the beginning of the split
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=MOST as i64))]
    count: u32,
    /// Folder to make, with images-idx3-ubyte, labels-idx1-ubyte and contact.png
    #[arg(short, long, value_name = "DIR", value_parser = options::on_disk())]
    output: PathBuf,
    /// Replace DIR if it holds nothing but these three files
    #[arg(long)]
    force: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum SplitName {
    Train,
    Test,
}

/// Why the folder could not be made.
#[derive(Debug, thiserror::Error, Diagnostic)]
enum GlyphsError {
    #[error("`{}` exists", escape::path(path))]
    #[diagnostic(code(glyphs::exists), help("name another folder, or pass --force to replace it"))]
    Exists { path: PathBuf },
    #[error("`{}` is not a folder made by `bincim glyphs`, it holds `{entry}`", escape::path(path))]
    #[diagnostic(code(glyphs::foreign), help("--force replaces only {IMAGES}, {LABELS} and {CONTACT}"))]
    Foreign { path: PathBuf, entry: String },
    #[error("`{}` cannot be {action}", escape::path(path))]
    #[diagnostic(code(glyphs::file), help("check that the folder's parent exists and can be written"))]
    File { path: PathBuf, action: &'static str, source: io::Error },
}

/// Draws, writes, and says what was written.
pub fn run(arguments: Arguments) -> Result<Outcome, Report> {
    check_place(&arguments.output, arguments.force)?;
    let split = match arguments.split {
        SplitName::Train => Split::Train,
        SplitName::Test => Split::Test,
    };
    let (images, labels) = draw(arguments.seed, split, u64::from(arguments.count));
    let pictures: Vec<Picture> =
        images.chunks_exact(SIDE * SIDE).take(200).map(|pixels| Picture { side: SIDE, pixels }).collect();
    let sheet = glyphs::contact_sheet(&pictures, 20, 2).into_diagnostic()?;
    let side = SIDE as u32;
    let files = [
        (IMAGES, [idx_header(&[arguments.count, side, side]), images.clone()].concat()),
        (LABELS, [idx_header(&[arguments.count]), labels.clone()].concat()),
        (CONTACT, sheet),
    ];
    write_folder(&arguments.output, &files)?;
    match arguments.json {
        true => output::result(&summary_json(&arguments, &labels))?,
        false => output::picture(&first(&pictures).into_diagnostic()?, &summary_text(&arguments))?,
    }
    Ok(Outcome::Done)
}

/// Refuses an occupied place before anything is drawn.
fn check_place(path: &Path, force: bool) -> Result<(), GlyphsError> {
    let failed = |source| GlyphsError::File { path: path.to_path_buf(), action: "read", source };
    if !path.try_exists().map_err(failed)? {
        return Ok(());
    }
    if !force {
        return Err(GlyphsError::Exists { path: path.to_path_buf() });
    }
    fs::read_dir(path).map_err(failed)?;
    match made::not_of_glyphs(path).into_iter().next() {
        Some(entry) => Err(GlyphsError::Foreign { path: path.to_path_buf(), entry }),
        None => Ok(()),
    }
}

/// Draws `count` glyphs with a progress bar where someone watches.
fn draw(seed: u64, split: Split, count: u64) -> (Vec<u8>, Vec<u8>) {
    let target = if progress::watched() && count > 2 * STRIDE {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} glyphs  {eta} left");
    let bar = ProgressBar::with_draw_target(Some(count), target)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    let mut start = 0;
    while start < count {
        let end = count.min(start + STRIDE);
        let (more_images, more_labels) = glyphs::batch(seed, split, start..end);
        images.extend(more_images);
        labels.extend(more_labels);
        bar.set_position(end);
        start = end;
    }
    bar.finish_and_clear();
    (images, labels)
}

/// The head of an idx file of bytes: magic number, then the dimensions, all big-endian.
fn idx_header(dimensions: &[u32]) -> Vec<u8> {
    const UNSIGNED_BYTE: u8 = 0x08;
    let mut header = vec![0, 0, UNSIGNED_BYTE, dimensions.len() as u8];
    header.extend(dimensions.iter().flat_map(|size| size.to_be_bytes()));
    header
}

/// Writes the files into a new folder beside `path`, then moves it into place.
fn write_folder(path: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), Report> {
    let pending = Pending::begin(path, made::not_of_glyphs)?;
    for (name, bytes) in files {
        let path = pending.path().join(name);
        let failed = |source| GlyphsError::File { path: path.clone(), action: "written", source };
        fs::write(&path, bytes).map_err(failed)?;
    }
    pending.finish()?;
    Ok(())
}

fn summary_json(arguments: &Arguments, labels: &[u8]) -> String {
    let mut per_class = [0u32; CLASSES];
    for &label in labels {
        per_class[usize::from(label)] += 1;
    }
    let object = serde_json::json!({
        "seed": arguments.seed,
        "split": split_name(arguments.split),
        "images": arguments.count,
        "side": SIDE,
        "per_class": per_class,
        "files": [IMAGES, LABELS, CONTACT],
    });
    format!("{object:#}\n")
}

/// The first glyphs in colours where the reader has a terminal, else nothing.
fn first(pictures: &[Picture]) -> Result<String, glyphs::PictureError> {
    match output::is_colored(&std::io::stdout()) {
        true => glyphs::half_blocks(&pictures[..pictures.len().min(4)]),
        false => Ok(String::new()),
    }
}

/// One line.
fn summary_text(arguments: &Arguments) -> String {
    format!(
        "{} {} glyphs of {SIDE} x {SIDE} pixels, seed {}, in {}\n",
        arguments.count,
        split_name(arguments.split),
        arguments.seed,
        escape::path(&arguments.output)
    )
}

fn split_name(split: SplitName) -> &'static str {
    match split {
        SplitName::Train => "train",
        SplitName::Test => "test",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(output: &Path, more: &[&str]) -> Arguments {
        let place = output.to_str().expect("a plain temporary path");
        let words = ["glyphs", "-o", place, "--count", "30", "--seed", "4"];
        Line::try_parse_from(words.iter().chain(more)).expect("a well-formed command line").arguments
    }

    fn code(report: Report) -> String {
        report.code().map(|code| code.to_string()).unwrap_or_default()
    }

    #[test]
    fn writes_what_the_collection_holds() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().join("data");
        run(arguments(&place, &["--split", "test"])).expect("a free place");
        let (images, labels) = glyphs::dataset(4, Split::Test, 30);
        let file = fs::read(place.join(IMAGES)).expect("images");
        assert_eq!(file[..16], [0, 0, 8, 3, 0, 0, 0, 30, 0, 0, 0, 16, 0, 0, 0, 16]);
        assert_eq!(file[16..], images);
        let file = fs::read(place.join(LABELS)).expect("labels");
        assert_eq!(file[..8], [0, 0, 8, 1, 0, 0, 0, 30]);
        assert_eq!(file[8..], labels);
        assert!(fs::read(place.join(CONTACT)).expect("sheet").starts_with(b"\x89PNG"));
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing left beside");
    }

    #[test]
    fn replaces_only_on_request_and_only_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = folder.path().join("data");
        run(arguments(&place, &[])).expect("a free place");
        let refused = run(arguments(&place, &[])).expect_err("the place is taken");
        assert_eq!(code(refused), "glyphs::exists");
        run(arguments(&place, &["--force"])).expect("asked to replace");
        fs::write(place.join("notes.txt"), "mine").expect("writable");
        let refused = run(arguments(&place, &["--force"])).expect_err("not only ours");
        assert_eq!(code(refused), "glyphs::foreign");
        assert_eq!(fs::read(place.join("notes.txt")).expect("still there"), b"mine");
    }

    #[test]
    fn a_place_that_cannot_be_made_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("file"), "").expect("writable");
        let refused = run(arguments(&folder.path().join("file"), &["--force"])).expect_err("a file");
        assert_eq!(code(refused), "glyphs::file");
        let refused = run(arguments(&folder.path().join("file/b"), &[])).expect_err("below a file");
        assert_eq!(code(refused), "glyphs::file");
    }

    #[test]
    fn counts_out_of_range_are_refused() {
        for count in ["0", "2147483648", "-1"] {
            assert!(Line::try_parse_from(["glyphs", "-o", "x", "--count", count]).is_err());
        }
    }
}
