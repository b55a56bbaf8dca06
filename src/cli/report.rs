//! `bincim report`: what is known of a generated design, on one page.
//!
//! Reads `design.json`, `verify.json` and `synth/*/report.json` of the design's folder.

use super::{Outcome, output, progress};
use crate::bounded;
use crate::escape;
use crate::report::{self, DesignView, Page, SynthView, VerifyView};
use clap::Args;
use miette::{IntoDiagnostic, WrapErr, miette};
use serde::de::DeserializeOwned;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes one self-contained HTML page on a generated design
#[derive(Args, Debug)]
pub struct Report {
    /// Folder written by `bincim generate`
    pub dir: PathBuf,
    /// The page; `-` is standard output
    #[arg(short, long, default_value = "report.html")]
    pub output: PathBuf,
    /// Print one JSON object instead of writing the page
    #[arg(long)]
    pub json: bool,
}

/// Runs the verb.
pub fn run(args: &Report) -> miette::Result<Outcome> {
    let page = Page { design: design(&args.dir)?, verify: verify(&args.dir)?, runs: runs(&args.dir)? };
    if args.json {
        output::result(&report::json(&page))?;
        return Ok(Outcome::Done);
    }
    let text = report::html(&page);
    output::file(&args.output, text.as_bytes())?;
    progress::tell(format_args!("wrote {}", escape::path(&args.output)));
    Ok(Outcome::Done)
}

/// The design's own description, `DIR/design.json`.
pub fn design(dir: &Path) -> miette::Result<DesignView> {
    let file = dir.join("design.json");
    if !file.is_file() {
        return Err(miette!(
            code = "cli::no_design",
            help = "`bincim generate MODEL --arch ARCH -o DIR` makes one",
            "{} holds no design: no file `design.json`",
            escape::path(dir)
        ));
    }
    read(&file)
}

fn verify(dir: &Path) -> miette::Result<Option<VerifyView>> {
    let file = dir.join("verify.json");
    if file.is_file() { read(&file).map(Some) } else { Ok(None) }
}

/// The synthesis runs, by device name; unfinished ones are left out.
fn runs(dir: &Path) -> miette::Result<Vec<SynthView>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(dir.join("synth"))
        .map(|all| all.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    folders.retain(|folder| folder.extension().is_none() && folder.join("report.json").is_file());
    folders.sort();
    folders.iter().map(|folder| read(&folder.join("report.json"))).collect()
}

fn read<T: DeserializeOwned>(file: &Path) -> miette::Result<T> {
    let text = bounded::text(file, 256 << 20)
        .into_diagnostic()
        .wrap_err_with(|| format!("cannot read {}", escape::path(file)))?;
    serde_json::from_str(&text).map_err(|error| {
        miette!(
            code = "cli::bad_json",
            help = "the file was not written by this version of bincim; make it again",
            "{}: {}",
            escape::path(file),
            escape::terminal(&error.to_string())
        )
    })
}
