//! Proves with Yosys that a changed module does what it did before.

use super::super::process::{relative, run_tool};
use super::super::tools::{Tool, find};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(40);

/// True if the module of `file` is proved unchanged by the text in `changed`: same outputs in every cycle from
/// equal states, by induction over its registers. False where no proof is found in time, whatever the reason.
pub(super) fn proved(rtl: &Path, names: &[PathBuf], file: &str, changed: &Path, work: &Path) -> bool {
    let Ok(tool) = find(Tool::Yosys) else { return false };
    let Some(module) = Path::new(file).file_stem().and_then(|stem| stem.to_str()) else { return false };
    let (Ok(rtl), Ok(work), Ok(changed)) =
        (fs::canonicalize(rtl), fs::canonicalize(work), fs::canonicalize(changed))
    else {
        return false;
    };
    let (path, changed) = (work.join("equivalence.ys"), relative(&rtl, &changed));
    let list = |replaced: bool| {
        names
            .iter()
            .map(|name| match replaced && Path::new(file) == name {
                true => format!("\"{}\"", changed.display()),
                false => format!("\"{}\"", name.display()),
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    let prepare = |files: String, stash: &str| {
        format!(
            "read_verilog {files}\nhierarchy -top {module}\nproc\nflatten\nmemory_map\nasync2sync\nopt -full\n\
             rename {module} {stash}\ndesign -stash {stash}\n"
        )
    };
    let script = format!(
        "{}{}design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\n\
         equiv_make gold gate equiv\nhierarchy -top equiv\nopt -full\nequiv_simple -undef\n\
         equiv_induct -undef -seq 4\nequiv_status -assert\n",
        prepare(list(false), "gold"),
        prepare(list(true), "gate")
    );
    if fs::write(&path, script).is_err() {
        return false;
    }
    let log = work.join("equivalence.log");
    let _ = fs::remove_file(&log);
    let args = vec!["-q".into(), "-s".into(), relative(&rtl, &path).into()];
    run_tool(&tool, args, &rtl, &log, LIMIT).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_is_proved_and_nothing_else() {
        if find(Tool::Yosys).is_err() {
            eprintln!("SKIPPED: Yosys is not installed; proofs of equivalence were not tried");
            return;
        }
        let (rtl, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let count = |sum: &str| {
            format!(
                "module counter (input clk, input [3:0] by, output reg [3:0] q);\n  \
                 always @(posedge clk) q <= {sum};\nendmodule\n"
            )
        };
        fs::write(rtl.path().join("counter.v"), count("q + by")).unwrap();
        let names = [PathBuf::from("counter.v")];
        let changed = work.path().join("counter.v");
        for (sum, same) in [("by + q", true), ("q - by", false)] {
            fs::write(&changed, count(sum)).unwrap();
            assert_eq!(proved(rtl.path(), &names, "counter.v", &changed, work.path()), same, "{sum}");
        }
    }
}
