//! `bincim new` writes a commented architecture file beside the example; `bincim schema` prints its JSON schema.

use super::Outcome;
use crate::arch::ArchFile;
use clap::Args;
use miette::{Context, IntoDiagnostic};
use std::io::Write;
use std::path::PathBuf;

const ARCH: &str = include_str!("../../templates/arch.toml");
const MODEL: &[u8] = include_bytes!("../../examples/glyphs/glyphs.onnx");

/// Starts a project: a commented arch.toml and the example network
#[derive(Args, Debug)]
pub struct New {
    /// Folder to start; created if it is not there
    pub folder: PathBuf,
}

pub fn run(args: &New) -> miette::Result<Outcome> {
    let there = |name: &str| args.folder.join(name).exists();
    if let Some(name) = ["arch.toml", "glyphs.onnx"].into_iter().find(|name| there(name)) {
        return Err(miette::miette!(
            code = "new::exists",
            help = "name another folder; nothing was written",
            "{} exists already",
            args.folder.join(name).display()
        ));
    }
    std::fs::create_dir_all(&args.folder)
        .into_diagnostic()
        .wrap_err_with(|| args.folder.display().to_string())?;
    for (name, bytes) in [("arch.toml", ARCH.as_bytes()), ("glyphs.onnx", MODEL)] {
        let path = args.folder.join(name);
        let mut file = std::fs::File::create_new(&path)
            .into_diagnostic()
            .wrap_err_with(|| path.display().to_string())?;
        file.write_all(bytes).into_diagnostic().wrap_err_with(|| path.display().to_string())?;
    }
    let folder = args.folder.display();
    println!(
        "wrote {folder}/arch.toml and {folder}/glyphs.onnx (a small binary CNN that reads 16x16 digits)"
    );
    println!("next: bincim check {folder}/glyphs.onnx --arch {folder}/arch.toml");
    Ok(Outcome::Done)
}

/// The JSON schema of the architecture file, on stdout.
pub fn schema() -> miette::Result<Outcome> {
    let schema = schemars::schema_for!(ArchFile);
    println!("{}", serde_json::to_string_pretty(&schema).into_diagnostic()?);
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commented_file_is_what_an_empty_one_means() {
        let file = crate::read::arch_from_text(ARCH).unwrap();
        assert_eq!(ArchFile { name: None, target: ArchFile::default().target, ..file }, ArchFile::default());
    }
}
