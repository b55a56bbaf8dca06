//! Proves with Yosys that a changed module does what it did before.

use super::super::process::{Limit, relative, run_tool};
use super::super::tools::{Tool, find};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one run of Yosys may cost.
const LIMIT: Limit = Limit::Processor(Duration::from_secs(60));

/// True if the module of `file` is proved unchanged by the text in `changed`: same outputs in every cycle from
/// equal states, by induction over its registers. A module with parameters is proved for each set of them that the
/// design below `top` has. False where no proof is found in time, whatever the reason.
pub(super) fn proved(rtl: &Path, names: &[PathBuf], file: &str, changed: &Path, work: &Path) -> bool {
    let Some(module) = Path::new(file).file_stem().and_then(|stem| stem.to_str()) else { return false };
    let (Ok(rtl), Ok(work), Ok(changed)) =
        (fs::canonicalize(rtl), fs::canonicalize(work), fs::canonicalize(changed))
    else {
        return false;
    };
    let top = top(names).unwrap_or(module);
    let changed = relative(&rtl, &changed);
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
    let forms = forms(&rtl, &work, &list(false), (top, module));
    if forms.is_empty() {
        return run(&rtl, &work, &proof(&list, module, module)).is_some();
    }
    let proofs: Vec<String> = forms.iter().map(|form| proof(&list, top, form)).collect();
    run(&rtl, &work, &proofs.join("design -reset\n")).is_some()
}

/// The top module of the design whose files are `names`; none where they are no design.
fn top(names: &[PathBuf]) -> Option<&str> {
    names.iter().filter_map(|name| name.file_stem()?.to_str()).find(|stem| stem.ends_with("_top"))
}

/// Yosys' names of `module` with each set of its parameters in the design; none where it has no parameters.
fn forms(rtl: &Path, work: &Path, files: &str, (top, module): (&str, &str)) -> Vec<String> {
    let out = relative(rtl, &work.join("modules.txt"));
    let script = format!("read_verilog {files}\nhierarchy -top {top}\ntee -q -o {} ls\n", out.display());
    if run(rtl, work, &script).is_none() {
        return Vec::new();
    }
    let listed = fs::read_to_string(work.join("modules.txt")).unwrap_or_default();
    let names = listed.lines().map(str::trim);
    let of_module = |name: &&str| name.starts_with("$paramod") && name.split('\\').any(|part| part == module);
    names.filter(of_module).map(str::to_string).collect()
}

/// A script that proves `form`, a module below `top`, equal in the two lists of files.
fn proof(list: &dyn Fn(bool) -> String, top: &str, form: &str) -> String {
    let prepare = |files: String, stash: &str| {
        format!(
            "read_verilog {files}\nhierarchy -top {top}\nhierarchy -top {form}\nproc\nflatten\nmemory_map\n\
             async2sync\nopt -full\nrename {form} {stash}\ndesign -stash {stash}\n"
        )
    };
    format!(
        "{}{}design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\n\
         equiv_make gold gate equiv\nhierarchy -top equiv\nopt -full\nequiv_simple -undef\n\
         equiv_induct -undef -seq 4\nequiv_status -assert\n",
        prepare(list(false), "gold"),
        prepare(list(true), "gate")
    )
}

/// Runs a script in `rtl`; nothing where it fails.
fn run(rtl: &Path, work: &Path, script: &str) -> Option<()> {
    let tool = find(Tool::Yosys).ok()?;
    let path = work.join("equivalence.ys");
    fs::write(&path, script).ok()?;
    let log = work.join("equivalence.log");
    let _ = fs::remove_file(&log);
    let args = vec!["-q".into(), "-s".into(), relative(rtl, &path).into()];
    run_tool(&tool, args, rtl, &log, LIMIT).ok().map(|_| ())
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

    /// A change is judged by the parameters that the design has, not by those that the file names.
    #[test]
    fn a_module_is_proved_for_the_parameters_of_its_instances() {
        if find(Tool::Yosys).is_err() {
            eprintln!("SKIPPED: Yosys is not installed; proofs of equivalence were not tried");
            return;
        }
        let (rtl, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let adder = |by: &str| {
            format!(
                "module adder #(parameter Width = 8, parameter Twice = 0) (input [Width-1:0] a, \
                 output [Width-1:0] b);\n  generate\n    if (Twice != 0) begin : gen_twice\n      \
                 assign b = a + {by};\n    end else begin : gen_same\n      assign b = a;\n    end\n  \
                 endgenerate\nendmodule\n"
            )
        };
        let top = |twice: &str| {
            format!(
                "module bincim_top (input [3:0] a, output [3:0] b, output [2:0] c);\n  \
                 adder #(.Width(4)) u_b (.a(a), .b(b));\n  \
                 adder #(.Width(3), .Twice({twice})) u_c (.a(a[2:0]), .b(c));\nendmodule\n"
            )
        };
        let names = [PathBuf::from("bincim_top.v"), PathBuf::from("adder.v")];
        fs::write(rtl.path().join("adder.v"), adder("a")).unwrap();
        let changed = work.path().join("adder.v");
        fs::write(&changed, adder("b")).unwrap();
        for (twice, same) in [("0", true), ("1", false)] {
            fs::write(rtl.path().join("bincim_top.v"), top(twice)).unwrap();
            assert_eq!(proved(rtl.path(), &names, "adder.v", &changed, work.path()), same, "{twice}");
        }
    }
}
