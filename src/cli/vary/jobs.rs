//! Job scripts that make a run in shards: a Slurm job array and a Snakemake workflow.
//!
//! Both start the same two scripts. Paths in them are absolute; `$BINCIM` names the program, else it is searched for.

use super::Vary;
use crate::cli::{Outcome, output};
use crate::flow::folder;
use clap::ValueEnum;
use miette::{IntoDiagnostic, WrapErr};
use std::path::{Path, PathBuf};

/// Runs one shard: the number comes from Slurm, or is set by hand.
const SHARD: &str = r#"#!/bin/bash
#SBATCH --job-name=bincim-vary
#SBATCH --array=0-@LAST@
#SBATCH --cpus-per-task=@THREADS@
#SBATCH --output=@LOGS@/shard-%a.log
# One shard of the run. A shard that was ended goes on where it was when it is submitted again.
set -euo pipefail
: "${SLURM_ARRAY_TASK_ID:?number of the shard, 0 to @LAST@}"
exec "${BINCIM:-bincim}" vary @ARGUMENTS@ \
    --shard "$SLURM_ARRAY_TASK_ID/@COUNT@" -o @SHARDS@/"$SLURM_ARRAY_TASK_ID"
"#;

const MERGE: &str = r#"#!/bin/bash
#SBATCH --job-name=bincim-merge
#SBATCH --output=@LOGS@/merge.log
# Joins all shards to the result.
set -euo pipefail
exec "${BINCIM:-bincim}" merge @SHARDS@/{0..@LAST@} -o @RESULT@
"#;

const SUBMIT: &str = r#"#!/bin/bash
# Submits the shards, and the merge behind them.
set -euo pipefail
shards=$(sbatch --parsable @DIR@/shard.sh)
sbatch --dependency="afterok:${shards%%;*}" @DIR@/merge.sh
"#;

/// The shards' folders are no outputs of the rule: Snakemake would remove what a failed job has done so far.
const SNAKEFILE: &str = r#"# snakemake --cores N -s Snakefile
from pathlib import Path

HERE = Path(workflow.basedir)


rule all:
    input:
        HERE / "merged.done",


rule shard:
    output:
        touch(HERE / "done" / "{shard}"),
    wildcard_constraints:
        shard=r"\d+",
    params:
        script=HERE / "shard.sh",
    threads: @THREADS@
    shell:
        "SLURM_ARRAY_TASK_ID={wildcards.shard} bash {params.script:q}"


rule merge:
    input:
        expand(HERE / "done" / "{shard}", shard=range(@COUNT@)),
    output:
        touch(HERE / "merged.done"),
    params:
        script=HERE / "merge.sh",
    shell:
        "bash {params.script:q}"
"#;

/// Writes the scripts for `args` into `dir`.
pub fn emit(args: &Vary, dir: &Path) -> miette::Result<Outcome> {
    let make = |path: PathBuf| -> miette::Result<PathBuf> {
        std::fs::create_dir_all(&path)
            .and_then(|()| std::fs::canonicalize(&path))
            .into_diagnostic()
            .wrap_err_with(|| format!("cannot make {}", path.display()))
    };
    let dir = make(dir.to_path_buf())?;
    make(dir.join("logs"))?;
    let count = args.shards.unwrap_or(1);
    let threads = args.threads.unwrap_or(4);
    let place = |name: &str| quoted(&dir.join(name).to_string_lossy());
    let fill = |text: &str| {
        text.replace("@LAST@", &(count - 1).to_string())
            .replace("@COUNT@", &count.to_string())
            .replace("@THREADS@", &threads.to_string())
            .replace("@LOGS@", &dir.join("logs").to_string_lossy())
            .replace("@SHARDS@", &place("shards"))
            .replace("@RESULT@", &place("result"))
            .replace("@DIR@", &quoted(&dir.to_string_lossy()))
    };
    let arguments = arguments(args, threads)?;
    for (name, text) in [
        ("shard.sh", fill(SHARD).replace("@ARGUMENTS@", &arguments)),
        ("merge.sh", fill(MERGE)),
        ("submit.sh", fill(SUBMIT)),
        ("Snakefile", fill(SNAKEFILE)),
    ] {
        folder::write_whole(&dir.join(name), text.as_bytes())?;
    }
    output::result(&match args.json {
        true => format!("{:#}\n", serde_json::json!({ "jobs": dir, "shards": count })),
        false => format!(
            "{}: {count} shards; run `bash submit.sh` (Slurm) or `snakemake --cores N -s Snakefile` there\n",
            dir.display()
        ),
    })?;
    Ok(Outcome::Done)
}

/// The command line of this run without what differs between shards, quoted for a shell.
fn arguments(args: &Vary, threads: usize) -> miette::Result<String> {
    let absolute = |path: &Path| {
        let found = std::fs::canonicalize(path);
        let found = found.into_diagnostic().wrap_err_with(|| format!("cannot find {}", path.display()))?;
        Ok::<String, miette::Report>(found.to_string_lossy().into_owned())
    };
    let mut words = vec![absolute(&args.model)?];
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_string(), value]);
        }
    };
    let name = |value: clap::builder::PossibleValue| value.get_name().to_string();
    option("--arch", Some(absolute(&args.arch)?));
    option("--data", Some(absolute(&args.data)?));
    option("--input", pixel_rule(args)?);
    option("--chips", Some(args.chips.to_string()));
    option("--images", args.images.map(|count| count.to_string()));
    option("--split", args.split.to_possible_value().map(name));
    option("--rule", args.rule.and_then(|rule| rule.to_possible_value()).map(name));
    option("--seed", Some(args.seed.to_string()));
    option("--planes", args.planes.map(|planes| planes.to_string()));
    option("--recalibrate", args.recalibrate.map(|images| images.to_string()));
    option("--yield-at", args.yield_at.map(|at| at.to_string()));
    option("--sweep", args.sweep.as_ref().map(|sweep| format!("{}={}", sweep.key, sweep.values.join(","))));
    option("--threads", Some(threads.to_string()));
    for (name, set) in
        [("--flips", args.flips), ("--each", args.each), ("--without-read-noise", args.without_read_noise)]
    {
        if set {
            words.push(name.into());
        }
    }
    Ok(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// The rule for pixels, a table's file by its absolute path.
fn pixel_rule(args: &Vary) -> miette::Result<Option<String>> {
    let Some(rule) = &args.pixels.input else { return Ok(None) };
    // A rule that cannot be read is refused here and not by every shard.
    args.pixels.pixels()?;
    let Some(path) = rule.trim().strip_prefix("table=") else { return Ok(Some(rule.clone())) };
    let found =
        std::fs::canonicalize(path).into_diagnostic().wrap_err_with(|| format!("cannot find {path}"))?;
    Ok(Some(format!("table={}", found.to_string_lossy())))
}

/// One word for a POSIX shell, whatever it holds.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_string(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b=1,2"), "a/b=1,2");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
