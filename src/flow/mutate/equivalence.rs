//! Proves with Yosys that a changed module does what it did before.

use super::super::process::{Limit, relative, run_tool};
use super::super::tools::{Tool, find};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What one run of Yosys may cost.
const LIMIT: Limit = Limit::Processor(Duration::from_secs(60));

/// What Yosys makes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing changed.
    Same,
    /// The changed text is nothing that becomes gates.
    NoGates,
    /// No proof was found in time, whatever the reason.
    Open,
}

/// Whether the text in `changed` changes what the module of `file` does: same outputs in every cycle from equal
/// states, by induction over its registers. A module with parameters is proved for each set of them that the design has.
/// Where that fails, the whole design is tried: what a module does with values that it never gets there, or behind
/// outputs that lead nowhere, does not count.
pub(super) fn judge(rtl: &Path, names: &[PathBuf], file: &str, changed: &Path, work: &Path) -> Verdict {
    let Some(module) = Path::new(file).file_stem().and_then(|stem| stem.to_str()) else {
        return Verdict::Open;
    };
    let (Ok(rtl), Ok(work), Ok(changed)) =
        (fs::canonicalize(rtl), fs::canonicalize(work), fs::canonicalize(changed))
    else {
        return Verdict::Open;
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
    let holds = |script: &str| run(&rtl, &work, script).is_some();
    let becomes_gates =
        |replaced: bool| holds(&format!("read_verilog {}\nhierarchy -top {top}\nproc\n", list(replaced)));
    if becomes_gates(false) && !becomes_gates(true) {
        return Verdict::NoGates;
    }
    let forms = forms(&rtl, &work, &list(false), (top, module));
    let alone = match forms.is_empty() {
        true => proof(&list, module, module),
        false => forms.iter().map(|form| proof(&list, top, form)).collect::<Vec<_>>().join("design -reset\n"),
    };
    match holds(&alone) || holds(&whole(&list, top)) {
        true => Verdict::Same,
        false => Verdict::Open,
    }
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

/// Compares what is stashed as gold and gate.
const COMPARE: &str = "design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\n\
    equiv_make gold gate equiv\nhierarchy -top equiv\nopt -full\nequiv_simple -undef\n\
    equiv_induct -undef -seq 4\nequiv_status -assert\n";

/// A script that proves `form`, a module below `top`, equal in the two lists of files.
fn proof(list: &dyn Fn(bool) -> String, top: &str, form: &str) -> String {
    let prepare = |files: String, stash: &str| {
        format!(
            "read_verilog {files}\nhierarchy -top {top}\nhierarchy -top {form}\nproc\nflatten\nmemory_map\n\
             async2sync\nopt -full\nrename {form} {stash}\ndesign -stash {stash}\n"
        )
    };
    format!("{}{}{COMPARE}", prepare(list(false), "gold"), prepare(list(true), "gate"))
}

/// A script that proves `top`, with all below it, equal in the two lists of files, from the reset on: a register that
/// never leaves the value of its reset is a constant.
fn whole(list: &dyn Fn(bool) -> String, top: &str) -> String {
    let reset_to = |value: u8| {
        let registers = format!("t:$_DFF_??{value}_ t:$_DFFE_??{value}?_ %u");
        format!("setattr -set init 1'{value} {registers} %co1:+[Q] t:$_* %d\n")
    };
    let prepare = |files: String, stash: &str| {
        format!(
            "read_verilog {files}\nhierarchy -top {top}\nproc\nflatten\nmemory_map\nopt -full\n\
             simplemap\nsplitnets -format ()\n{}{}opt_dff -sat\nsetattr -unset init *\n\
             async2sync\nopt -full\nopt_clean -purge\nrename {top} {stash}\ndesign -stash {stash}\n",
            reset_to(0),
            reset_to(1)
        )
    };
    format!("{}{}{COMPARE}", prepare(list(false), "gold"), prepare(list(true), "gate"))
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
            let verdict = judge(rtl.path(), &names, "counter.v", &changed, work.path());
            assert_eq!(verdict == Verdict::Same, same, "{sum}");
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
            let verdict = judge(rtl.path(), &names, "adder.v", &changed, work.path());
            assert_eq!(verdict == Verdict::Same, same, "{twice}");
        }
    }

    /// A register that stays as it was reset, values that never come, an output that leads nowhere; and the same where
    /// they count. What no tool makes gates of is told as such.
    #[test]
    fn a_module_is_judged_where_it_stands() {
        if find(Tool::Yosys).is_err() {
            eprintln!("SKIPPED: Yosys is not installed; proofs of equivalence were not tried");
            return;
        }
        let (rtl, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let part = |count: &str, sum: &str, other: &str, reset: &str| {
            format!(
                "module part (input clk, input rst_ni, input last, input [1:0] a, output [1:0] b, output reg c);\n  \
                 reg q;\n  always @(posedge clk or negedge rst_ni)\n    if (!rst_ni) q <= 1'b0;\n    \
                 else q <= {count};\n  assign b = {sum};\n  \
                 always @(posedge clk or negedge rst_ni)\n    if ({reset}) c <= 1'b0;\n    \
                 else if (a[0]) c <= {other};\nendmodule\n"
            )
        };
        let top = |last: &str, c: &str| {
            format!(
                "module bincim_top (input clk, input rst_ni, input a, output [1:0] b, output d);\n  wire c;\n  \
                 part u_part (.clk(clk), .rst_ni(rst_ni), .last({last}), .a({{1'b0, a}}), .b(b), .c(c));\n  \
                 assign d = {c};\nendmodule\n"
            )
        };
        let names = [PathBuf::from("bincim_top.v"), PathBuf::from("part.v")];
        let changed = work.path().join("part.v");
        let before = ["last ? 1'b0 : ~q", "a ^ {1'b0, q}", "a[0]", "!rst_ni"];
        let text = |[count, sum, other, reset]: [&str; 4]| part(count, sum, other, reset);
        fs::write(rtl.path().join("part.v"), text(before)).unwrap();
        for (last, c, after, verdict) in [
            ("1'b1", "a", ["last ? q : ~q", before[1], before[2], before[3]], Verdict::Same),
            ("a", "a", ["last ? q : ~q", before[1], before[2], before[3]], Verdict::Open),
            ("a", "a", [before[0], "{a[0], a[0]} & 2'd1 ^ {1'b0, q}", before[2], before[3]], Verdict::Same),
            ("a", "a", [before[0], "a & {1'b0, q}", before[2], before[3]], Verdict::Open),
            ("a", "a", [before[0], before[1], "a[1]", before[3]], Verdict::Same),
            ("a", "c", [before[0], before[1], "a[1]", before[3]], Verdict::Open),
            ("a", "a", [before[0], before[1], before[2], "rst_ni"], Verdict::NoGates),
        ] {
            fs::write(rtl.path().join("bincim_top.v"), top(last, c)).unwrap();
            fs::write(&changed, text(after)).unwrap();
            assert_eq!(
                judge(rtl.path(), &names, "part.v", &changed, work.path()),
                verdict,
                "{last} {after:?}"
            );
        }
    }
}
