//! `bincim new` writes a commented architecture file beside the example; `bincim schema` prints its JSON schema.

use super::{Outcome, options, output};
use crate::arch::ArchFile;
use crate::escape::{self, shell_path};
use crate::flow::folder;
use crate::report;
use crate::train::Recipe;
use clap::Args;
use miette::IntoDiagnostic;
use std::path::PathBuf;

const ARCH: &str = include_str!("../../templates/arch.toml");
const MODEL: &[u8] = include_bytes!("../../examples/glyphs/glyphs.onnx");

/// Starts a project: a commented arch.toml and the example network
#[derive(Args, Debug)]
pub struct New {
    /// Folder to start; created if it is not there
    #[arg(value_parser = options::on_disk())]
    pub folder: PathBuf,
}

pub fn run(args: &New) -> miette::Result<Outcome> {
    let there = |name: &str| std::fs::symlink_metadata(args.folder.join(name)).is_ok();
    if let Some(name) = ["arch.toml", "glyphs.onnx"].into_iter().find(|name| there(name)) {
        return Err(miette::miette!(
            code = "new::exists",
            help = "name another folder; nothing was written",
            "{} exists already",
            escape::path(&args.folder.join(name))
        ));
    }
    let fresh = !args.folder.exists();
    let files = [("arch.toml", ARCH.as_bytes()), ("glyphs.onnx", MODEL)];
    if let Err(error) =
        files.iter().try_for_each(|(name, bytes)| folder::write_whole(&args.folder.join(name), bytes))
    {
        // Whole or not at all: a second try must not meet the half of the first.
        for (name, _) in files {
            let _ = std::fs::remove_file(args.folder.join(name));
        }
        if fresh {
            let _ = std::fs::remove_dir(&args.folder);
        }
        return Err(error.into());
    }
    let word = |name: &str| shell_path(&args.folder.join(name));
    let (arch, model) = (word("arch.toml"), word("glyphs.onnx"));
    output::result(&format!(
        "wrote {arch} and {model} (a small binary CNN that reads 16x16 digits)\n\
         next: bincim check {model} --arch {arch}\n"
    ))?;
    Ok(Outcome::Done)
}

/// Prints the JSON schema of the architecture file, or a table of its keys
#[derive(Args, Debug)]
pub struct Schema {
    /// That of the training file instead
    #[arg(long)]
    pub train: bool,
    /// A reference of all keys in Markdown: types, ranges, defaults and meanings
    #[arg(long)]
    pub markdown: bool,
}

/// The schema, or the reference of keys that is made of it, on stdout.
pub fn schema(args: &Schema) -> miette::Result<Outcome> {
    let (schema, title) = match args.train {
        true => (schemars::schema_for!(Recipe), "Keys of the training file"),
        false => (schemars::schema_for!(ArchFile), "Keys of the architecture file"),
    };
    output::result(&match args.markdown {
        true => report::keys::markdown(title, schema.as_value()),
        false => serde_json::to_string_pretty(&schema).into_diagnostic()? + "\n",
    })?;
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
