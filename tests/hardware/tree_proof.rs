//! The proof of popcount trees: right ones of every style and shape are proved as Yosys reads them, broken ones are
//! refuted with the place, and the models of device cells are those of Yosys.

use bincim::design::tree::{TreePlan, TreeStyle};
use bincim::emit::{NamedText, cells, popcount};
use bincim::flow::elaborate::elaborate;
use bincim::flow::{Found, Tool};
use bincim::proof::netlist::Netlist;
use bincim::proof::{self, Outcome};
use std::fs;
use std::path::PathBuf;

use crate::common::tools;

fn plan(style: TreeStyle, rows: usize, groups: usize, enable: bool, pipelined: bool) -> TreePlan {
    let plan = TreePlan { rows, groups, enable, style, pipelined };
    assert_eq!(plan.validate(), Ok(()));
    plan
}

/// What the proof says of these files; without Yosys the test ends as one that did not run.
fn outcome(plan: &TreePlan, files: &[NamedText]) -> Option<Outcome> {
    tools::need(Tool::Yosys)?;
    let folder = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for file in files.iter().chain(&cells::of_tree(plan)) {
        fs::write(folder.path().join(&file.name), &file.text).unwrap();
        names.push(PathBuf::from(&file.name));
    }
    let (json, _) = match elaborate(&names, "popcount_tree", folder.path(), &folder.path().join("out")) {
        Ok(found) => found,
        Err(problem) => return Some(Outcome::Wrong(problem.to_string())),
    };
    let netlist = Netlist::read(&json).unwrap();
    Some(proof::tree(&netlist, "popcount_tree", plan, &popcount::parts(plan, "popcount")))
}

#[test]
fn trees_of_every_style_are_proved() {
    let shapes = [
        (1, 1, false, true),
        (9, 1, false, true),
        (100, 3, true, true),
        (64, 1, false, false),
        (577, 8, false, true),
        (40, 16, false, true),
    ];
    for style in TreeStyle::ALL {
        for (rows, groups, enable, pipelined) in shapes {
            let plan = plan(style, rows, groups, enable, pipelined);
            let Some(outcome) = outcome(&plan, &popcount::modules(&plan, "popcount")) else { return };
            assert!(
                matches!(&outcome, Outcome::Proved(how) if how.contains("as one sum")),
                "{plan:?}: {outcome:?}"
            );
        }
    }
}

/// A tree of another structure: the specification itself, and a flat one.
#[test]
fn a_tree_without_its_parts_is_proved_as_a_whole() {
    for enable in [false, true] {
        let plan = plan(TreeStyle::CarryIn, 20, 3, enable, true);
        let mut model = popcount::specification(&plan, "popcount_tree");
        let Some(found) = outcome(&plan, std::slice::from_ref(&model)) else { return };
        assert!(matches!(&found, Outcome::Proved(how) if how.starts_with("as a whole")), "{found:?}");
        model.text = model.text.replace("weighted_i ? weighted : plain", "weighted_i ? plain : weighted");
        let found = outcome(&plan, &[model]).unwrap();
        assert!(matches!(&found, Outcome::Wrong(what) if what.contains("its specification")), "{found:?}");
    }
}

/// Style, file, what stands there, what is put there, what is said.
type Fault = (TreeStyle, &'static str, &'static str, &'static str, &'static str);

const FAULTS: [Fault; 19] = [
    (
        TreeStyle::CarryIn,
        "popcount_leaf_b.v",
        "assign count_o = {add2[3:1], hit[7]}",
        "assign count_o = 0",
        "popcount_leaf_b counts",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_leaf_b.v",
        "~(row_i ^ weight_i)",
        "row_i ^ weight_i",
        "popcount_leaf_b counts",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_leaf_b.v",
        "add1[1:0], hit[6]",
        "add1[1:0], hit[5]",
        "popcount_leaf_b counts",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_leaf_a.v",
        "(a & b) | (c & (a ^ b))",
        "(a & b) | (c & a)",
        "popcount_leaf_a counts",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_sum2_a.v",
        "value0[2:0], 1'b1",
        "value0[2:0], 1'b0",
        "popcount_sum2_a gives",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_sum2_a.v",
        "value1 = values_i[6:3]",
        "value1 = {values_i[3], values_i[6:4]}",
        "popcount_sum2_a gives",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_tree.v",
        "stage1_d[2:0]",
        "{stage1_d[1], stage1_d[2], stage1_d[0]}",
        "the tree counts",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_tree.v",
        "(row_i[6:0])",
        "({row_i[5], row_i[6], row_i[4:0]})",
        "there is of row 6",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_tree.v",
        "assign count_o = stage2_q",
        "assign count_o = stage2_d",
        "cycles after its rows",
    ),
    (TreeStyle::CarryIn, "popcount_tree.v", "(stage1_q[", "(stage1_d[", "cycles after its rows"),
    (
        TreeStyle::CarryIn,
        "popcount_tree.v",
        "stage2_q <= stage2_d",
        "if (row_i[0]) stage2_q <= stage2_d",
        "popcount_tree",
    ),
    (
        TreeStyle::CarryIn,
        "popcount_tree.v",
        "always @(posedge clk_i) begin\n    stage2_q",
        "always @(negedge clk_i) begin\n    stage2_q",
        "popcount_tree",
    ),
    (TreeStyle::Ccu2c, "popcount_carry.v", "ADD    = 16'h9669", "ADD    = 16'h9696", "popcount_leaf"),
    (TreeStyle::Ccu2c, "popcount_carry.v", "START  = 16'h0009", "START  = 16'h0006", "popcount_leaf"),
    (
        TreeStyle::Ccu2c,
        "popcount_leaf_a.v",
        "row_i[0], weight_i[0]",
        "row_i[0], weight_i[1]",
        "popcount_leaf_a counts",
    ),
    (
        TreeStyle::Ccu2c,
        "popcount_leaf_a.v",
        "add1 = {row_i[1], weight_i[1], row_i[2], weight_i[2]}",
        "add1 = {row_i[1], weight_i[1], weight_i[2], ~row_i[2]}",
        "popcount_leaf_a counts",
    ),
    (TreeStyle::Ccu2c, "popcount_carry.v", ".INJECT1_0 (\"NO\")", ".INJECT1_0 (\"YES\")", "popcount_leaf"),
    (TreeStyle::Lut6, "popcount_full_add.v", "9669_6996", "9669_6997", "popcount_leaf"),
    (TreeStyle::Lut6, "popcount_full_add.v", ".O5 (carry_o)", ".O6 (carry_o)", ""),
];

#[test]
fn every_fault_is_refuted_with_its_place() {
    let mut missed = Vec::new();
    for (style, file, right, wrong, said) in FAULTS {
        let plan = plan(style, 16, 1, false, true);
        let mut files = popcount::modules(&plan, "popcount");
        let found = files.iter_mut().find(|text| text.name == file && text.text.contains(right));
        let text = found.unwrap_or_else(|| panic!("{}: {file} has no {right:?}", style.name()));
        text.text = text.text.replacen(right, wrong, 1);
        match outcome(&plan, &files) {
            None => return,
            Some(Outcome::Wrong(what) | Outcome::Undecided(what)) if what.contains(said) => {}
            Some(other) => missed.push(format!("{file}: {wrong:?}: {other:?}")),
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Faults of trees that are too large to be compared as a whole: the sum of their parts tells.
#[test]
fn faults_in_the_wiring_of_large_trees_are_refuted() {
    let weighted = [
        (".weighted_i (weighted_q[2])", ".weighted_i (weighted_q[1])", "cycles old and its rows"),
        (
            "popcount_leaf_b u_part (\n        .row_i    (row_i[7 + 8*g +: 8]),\n        .weight_i (weight_i[7 + 8*g +: 8])",
            "popcount_leaf_b u_part (\n        .row_i    (row_i[15 + 8*g +: 8]),\n        .weight_i (weight_i[15 + 8*g +: 8])",
            "row 36",
        ),
        (
            "popcount_leaf_b u_part (\n        .row_i    (row_i[7 + 8*g +: 8])",
            "popcount_leaf_b u_part (\n        .row_i    (row_i[8 + 8*g +: 8])",
            "and row_i[0] there is of row 8",
        ),
        (".values_i   (stage4_q[19:0])", ".values_i   ({stage4_q[9:0], stage4_q[19:10]})", "when weighted_i"),
    ];
    let plan = plan(TreeStyle::Ccu2c, 288, 8, false, true);
    for (right, wrong, said) in weighted {
        let mut files = popcount::modules(&plan, "popcount");
        let top = files.iter_mut().find(|text| text.name == "popcount_tree.v").unwrap();
        assert!(top.text.contains(right), "{right:?} is not there:\n{}", top.text);
        top.text = top.text.replacen(right, wrong, 1);
        match outcome(&plan, &files) {
            None => return,
            Some(Outcome::Wrong(what)) => assert!(what.contains(said), "{wrong:?}: {what}"),
            Some(other) => panic!("{wrong:?}: {other:?}"),
        }
    }
}

/// Yosys has models of its own; for every input and for tables of all kinds ours do the same.
#[test]
fn models_of_device_cells_equal_those_of_yosys() {
    let Some(yosys) = tools::need(Tool::Yosys) else { return };
    let style = |style| cells::of_tree(&plan(style, 8, 1, false, true)).remove(0).text;
    let carry = style(TreeStyle::Ccu2c).replace("module CCU2C", "module own");
    let table = style(TreeStyle::Lut6).replace("module LUT6_2", "module own");
    let ports = ["CIN", "A0", "B0", "C0", "D0", "A1", "B1", "C1", "D1", "S0", "S1", "COUT"];
    for (first, second, inject) in [
        (0x9669u32, 0x569au32, "NO"),
        (0x0009, 0x9669, "NO"),
        (0x569a, 0x0009, "NO"),
        (0x1234, 0xfedc, "NO"),
        (0xbeef, 0x5a3c, "YES"),
    ] {
        let parameters = format!(
            ".INIT0(16'h{first:04x}), .INIT1(16'h{second:04x}), .INJECT1_0(\"{inject}\"), .INJECT1_1(\"{inject}\")"
        );
        equal(&yosys, &carry, ("CCU2C", &parameters), (&ports, 3), "+/ecp5/cells_sim.v");
    }
    let ports = ["I0", "I1", "I2", "I3", "I4", "I5", "O5", "O6"];
    for init in ["9669_6996_eb82_82eb", "0123_4567_89ab_cdef"] {
        let parameters = format!(".INIT(64'h{init})");
        equal(&yosys, &table, ("LUT6_2", &parameters), (&ports, 2), "+/xilinx/cells_sim.v");
    }
}

/// Proves with SAT that module `own` of `text` gives the last `outputs` of `ports` as the library's `cell` does.
fn equal(
    yosys: &Found,
    text: &str,
    (cell, parameters): (&str, &str),
    (ports, outputs): (&[&str], usize),
    library: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let (inputs, results) = ports.split_at(ports.len() - outputs);
    let instance = |module: &str, to: &str| {
        let wires = inputs.iter().map(|port| format!(".{port}({port})"));
        let results = results.iter().map(|port| format!(".{port}({to}_{port})"));
        format!(
            "  {module} #({parameters}) {to} ({});\n",
            wires.chain(results).collect::<Vec<_>>().join(", ")
        )
    };
    let names = |to: &str| results.iter().map(|port| format!("{to}_{port}")).collect::<Vec<_>>().join(", ");
    let proof = format!(
        "module proof (input {}, output differ);\n  wire {}, {};\n{}{}  assign differ = {{{}}} != {{{}}};\nendmodule\n",
        inputs.join(", "),
        names("ours"),
        names("theirs"),
        instance("own", "ours"),
        instance(cell, "theirs"),
        names("ours"),
        names("theirs")
    );
    fs::write(folder.path().join("proof.v"), format!("{text}\n{proof}")).unwrap();
    let script = format!(
        "read_verilog -overwrite {library}; read_verilog proof.v; hierarchy -check -top proof; proc; flatten; opt_clean; \
         sat -verify -prove differ 0 proof"
    );
    let output = tools::command(yosys, folder.path()).args(["-q", "-p", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{cell} {parameters}: {said}");
}
