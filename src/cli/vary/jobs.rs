//! Job scripts that make a run in shards: a Slurm job array and a Snakemake workflow.
//!
//! Both start the same two scripts. Paths in them are absolute; `$BINCIM` names the program, else it is searched for.

use super::Vary;
use crate::cli::{Outcome, output};
use crate::escape::{self, shell};
use crate::flow::folder;
use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Runs one shard: the number comes from Slurm, or is set by hand.
const SHARD: &str = r#"#!/bin/bash
#SBATCH --job-name=bincim-vary
#SBATCH --array=0-@LAST@
#SBATCH --cpus-per-task=@THREADS@
#SBATCH --output=logs/shard-%a.log
# One shard of the run, submitted in this folder (submit.sh does). One that was ended goes on where it was when it is
# submitted again.
set -euo pipefail
: "${SLURM_ARRAY_TASK_ID:?number of the shard, 0 to @LAST@}"
exec "${BINCIM:-bincim}" vary @ARGUMENTS@ \
    --shard "$SLURM_ARRAY_TASK_ID/@COUNT@" -o @SHARDS@/"$SLURM_ARRAY_TASK_ID"
"#;

const MERGE: &str = r#"#!/bin/bash
#SBATCH --job-name=bincim-merge
#SBATCH --output=logs/merge.log
# Joins all shards to the result.
set -euo pipefail
exec "${BINCIM:-bincim}" merge @SHARDS@/{0..@LAST@} -o @RESULT@
"#;

const SUBMIT: &str = r#"#!/bin/bash
# Submits the shards, and the merge behind them.
set -euo pipefail
cd @DIR@
shards=$(sbatch --parsable shard.sh)
sbatch --dependency="afterok:${shards%%;*}" merge.sh
"#;

/// The shards' folders are no outputs of the rule: Snakemake would remove what a failed job has done so far.
const SNAKEFILE: &str = r#"# snakemake --cores N -s Snakefile
# Paths below are relative to this file: in those, Snakemake would read braces as wildcards.
workdir: workflow.basedir


rule all:
    input:
        "merged.done",


rule shard:
    output:
        touch("done/{shard}"),
    wildcard_constraints:
        shard=r"\d+",
    threads: @THREADS@
    shell:
        "SLURM_ARRAY_TASK_ID={wildcards.shard} bash shard.sh"


rule merge:
    input:
        expand("done/{shard}", shard=range(@COUNT@)),
    output:
        touch("merged.done"),
    shell:
        "bash merge.sh"
"#;

/// Writes the scripts for `args` into `dir`.
pub fn emit(args: &Vary, arch: &Path, dir: &Path) -> miette::Result<Outcome> {
    let make = |path: PathBuf| -> miette::Result<PathBuf> {
        std::fs::create_dir_all(&path)
            .and_then(|()| std::fs::canonicalize(&path))
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make {}", escape::path(&path)))
    };
    let dir = make(dir.to_path_buf())?;
    make(dir.join("logs"))?;
    let count = args.shards.unwrap_or(1);
    let threads = args.threads.unwrap_or(4);
    // No name from outside reaches a line of #SBATCH: Slurm has rules of its own for quotes and %.
    let values = [
        ("LAST", (count - 1).to_string()),
        ("COUNT", count.to_string()),
        ("THREADS", threads.to_string()),
        ("SHARDS", shell(dir.join("shards"))),
        ("RESULT", shell(dir.join("result"))),
        ("DIR", shell(&dir)),
        ("ARGUMENTS", arguments(args, arch, threads)?),
    ];
    for (name, text) in
        [("shard.sh", SHARD), ("merge.sh", MERGE), ("submit.sh", SUBMIT), ("Snakefile", SNAKEFILE)]
    {
        folder::write_whole(&dir.join(name), fill(text, &values).as_bytes())?;
    }
    output::result(&match args.json {
        true => format!("{:#}\n", serde_json::json!({ "jobs": dir.to_string_lossy(), "shards": count })),
        false => format!(
            "{}: {count} shards; run `bash submit.sh` (Slurm) or `snakemake --cores N -s Snakefile` there\n",
            escape::path(&dir)
        ),
    })?;
    Ok(Outcome::Done)
}

/// The command line of this run without what differs between shards, quoted for a shell.
fn arguments(args: &Vary, arch: &Path, threads: usize) -> miette::Result<String> {
    let absolute = |path: &Path| -> miette::Result<OsString> {
        let found = std::fs::canonicalize(path);
        let found =
            found.into_diagnostic().wrap_err_with(|| format!("cannot find {}", escape::path(path)))?;
        Ok(found.into_os_string())
    };
    let mut words = vec![absolute(&args.model)?];
    let mut option = |name: &str, value: Option<OsString>| {
        if let Some(value) = value {
            words.extend([name.into(), value]);
        }
    };
    let name = |value: clap::builder::PossibleValue| value.get_name().to_string();
    let text = |value: Option<String>| value.map(OsString::from);
    option("--arch", Some(absolute(arch)?));
    option("--data", Some(absolute(&args.data)?));
    option("--input", pixel_rule(args)?);
    option("--chips", text(Some(args.chips.to_string())));
    option("--images", text(args.images.map(|count| count.to_string())));
    option("--split", text(args.split.to_possible_value().map(name)));
    option("--rule", text(args.rule.and_then(|rule| rule.to_possible_value()).map(name)));
    option("--seed", text(Some(args.seed.to_string())));
    option("--planes", text(args.planes.map(|planes| planes.to_string())));
    option("--recalibrate", text(args.recalibrate.map(|images| images.to_string())));
    option("--correct", text(args.correct.map(|images| images.to_string())));
    option("--yield-at", text(args.yield_at.map(|at| at.to_string())));
    option(
        "--sweep",
        text(args.sweep.as_ref().map(|sweep| format!("{}={}", sweep.key, sweep.values.join(",")))),
    );
    option("--threads", text(Some(threads.to_string())));
    for (name, set) in
        [("--flips", args.flips), ("--each", args.each), ("--without-read-noise", args.without_read_noise)]
    {
        if set {
            words.push(name.into());
        }
    }
    Ok(words.iter().map(shell).collect::<Vec<_>>().join(" "))
}

/// `text` with every `@NAME@` replaced; what is put in is not looked at again.
fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut out = String::new();
    for (index, part) in text.split('@').enumerate() {
        match values.iter().find(|(name, _)| index % 2 == 1 && *name == part) {
            Some((_, value)) => out += value,
            None => out += part,
        }
    }
    out
}

/// The rule for pixels, a table's file by its absolute path.
fn pixel_rule(args: &Vary) -> miette::Result<Option<OsString>> {
    let Some(rule) = &args.reading.input else { return Ok(None) };
    // A rule that cannot be read is refused here and not by every shard.
    args.reading.rules()?;
    let Some(path) = rule.trim().strip_prefix("table=") else { return Ok(Some(rule.into())) };
    let found =
        std::fs::canonicalize(path).into_diagnostic().wrap_err_with(|| format!("cannot find {path}"))?;
    let mut word = OsString::from("table=");
    word.push(found);
    Ok(Some(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        let values = [("DIR", "@COUNT@".to_string()), ("COUNT", "3".into())];
        assert_eq!(fill("cd @DIR@; @COUNT@\n", &values), "cd @COUNT@; 3\n");
        for template in [SHARD, MERGE, SUBMIT, SNAKEFILE] {
            assert_eq!(template.matches('@').count() % 2, 0);
            assert!(!template.lines().any(|line| line.starts_with("#SBATCH") && line.contains("@DIR@")));
        }
    }
}
