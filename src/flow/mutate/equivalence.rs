//! Proves with Yosys that a changed module does what it did before.

use super::super::process::run_tool;
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
    let path = work.join("equivalence.ys");
    if fs::write(&path, script).is_err() {
        return false;
    }
    let log = work.join("equivalence.log");
    let _ = fs::remove_file(&log);
    run_tool(&tool, vec!["-q".into(), "-s".into(), path.into()], rtl, &log, LIMIT).is_ok()
}
