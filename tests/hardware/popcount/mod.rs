//! The popcount trees against their specification: proved in parts and whole where small, simulated
//! everywhere, linted, and with bugs planted to see that the checks fail.
//!
//! A test whose tool is missing is told as not run. `cargo test --test hardware popcount:: -- --ignored` runs the full matrix.

use bincim::design::tree::{TreePlan, TreeStyle};
use bincim::emit::cells;
use bincim::emit::popcount::parts;
use bincim::flow::Tool;

use crate::common::tools as found;
mod proofs;
mod tools;

use proofs::{modules, proof_of_part, whole_proof, whole_proof_top};
use tools::{Icarus, Yosys, model_names, quiet, sources, write};

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
    let icarus = &icarus;
    let rows = [1, 2, 7, 9, 16, 33, 64, 127, 255, 256, 512, 577, 1000, 1152];
    std::thread::scope(|scope| {
        for style in TreeStyle::ALL {
            scope.spawn(move || {
                for rows in rows {
                    for groups in [1, 3, 8] {
                        for (enable, pipelined) in [(false, true), (false, false), (true, true)] {
                            let plan = plan(style, (rows, groups, enable, pipelined));
                            if plan.validate().is_ok() {
                                simulate(icarus, &plan, 1000);
                            }
                        }
                    }
                }
            });
        }
    });
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
        let run = |&shape: &Shape| (format!("whole_{}", tag(shape)), whole_proof(&plan(style, shape)));
        let runs: Vec<_> = shapes.iter().map(run).collect();
        assert_eq!(yosys.prove(style, &runs), Ok(()), "{}", style.name());
    }
}

#[test]
fn leafs_and_nodes_are_proved() {
    let Some(yosys) = Yosys::find() else { return };
    for style in TreeStyle::ALL {
        let mut runs = Vec::new();
        for shape in [(576, 8, false, true), (576, 1, false, true), (100, 3, true, true)] {
            let plan = plan(style, shape);
            let files = modules(&plan);
            for (name, part) in parts(&plan, "popcount") {
                let mut files = files.clone();
                files.push(proof_of_part(&plan, &name, &part));
                runs.push((format!("part_{}_{name}", tag(shape)), files));
            }
        }
        assert_eq!(yosys.prove(style, &runs), Ok(()), "{}", style.name());
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
        let hits = files.iter().filter(|file| file.text.contains(right)).count();
        assert!(hits > 0, "{}: nothing to break, {right:?} is not there", style.name());
        for file in &mut files {
            file.text = file.text.replace(right, wrong);
        }
        let run = format!("bug_{}_{}", style.name(), wrong.len());
        if let Some(icarus) = &icarus {
            let said = icarus.run(&run, &plan, &files, 500);
            assert!(said.contains("mismatch at cycle"), "{}: {wrong:?} got away: {said}", style.name());
        }
        if let Some(yosys) = &yosys {
            let mut files = files;
            files.push(whole_proof_top(&plan));
            // One that is right stands before it and behind it: each counts for itself.
            let right = |name: &str| (name.to_string(), whole_proof(&plan));
            let runs = [right("before"), (run.clone(), files), right("behind")];
            let said = yosys.prove(style, &runs).expect_err("a tree with a bug was proved right");
            assert!(said.starts_with(&format!("{run}: ")), "{}: {wrong:?}: {said}", style.name());
        }
    }
}

#[test]
fn a_wrong_latency_is_caught() {
    let Some(icarus) = Icarus::find() else { return };
    let plan = plan(TreeStyle::CarryIn, (64, 1, false, true));
    let mut files = modules(&plan);
    for file in files.iter_mut().filter(|file| file.name == "popcount_tree.v") {
        file.text = file.text.replace("count_o = stage3_q", "count_o = stage3_d");
    }
    let said = icarus.run("bug_latency", &plan, &files, 500);
    assert!(said.contains("mismatch at cycle"), "{said}");
}

#[test]
fn lint_is_clean() {
    let find = |tool| found::find(tool, "lint of the trees");
    let (verilator, icarus, yosys) = (find(Tool::Verilator), find(Tool::Iverilog), find(Tool::Yosys));
    for style in TreeStyle::ALL {
        for shape in [(8, 1, false, true), (100, 3, true, true), (576, 8, false, true), (64, 1, false, false)]
        {
            let plan = plan(style, shape);
            let run = format!("lint_{}_{}", style.name(), tag(shape));
            let place = write(&run, &modules(&plan));
            let folder = place.path();
            let own = sources(folder);
            let models = cells::of_tree(&plan);
            for model in &models {
                std::fs::write(folder.join(&model.name), &model.text).expect("a folder to write to");
            }
            let files = sources(folder);
            for top in ["popcount_tree", "popcount_model"] {
                if let Some(verilator) = &verilator {
                    let mut command = found::command(verilator, folder);
                    command.args(["--lint-only", "-Wall", "--top-module", top]).args(&files);
                    quiet(command, &run);
                }
                if let Some(icarus) = &icarus {
                    let mut command = found::command(icarus, folder);
                    command.args(["-g2005", "-Wall", "-s", top, "-o", "lint.vvp"]).args(&files);
                    quiet(command, &run);
                }
            }
            if let Some(yosys) = &yosys {
                let models = model_names(style, folder);
                let library = if models.is_empty() { models } else { format!("read_verilog -lib{models}; ") };
                let script = format!(
                    "{library}read_verilog {}; hierarchy -check -top popcount_tree; proc; check -assert",
                    own.join(" ")
                );
                let mut command = found::command(yosys, folder);
                command.args(["-q", "-p", &script]);
                quiet(command, &run);
            }
        }
    }
}

fn plan(style: TreeStyle, (rows, groups, enable, pipelined): Shape) -> TreePlan {
    TreePlan { rows, groups, enable, style, pipelined }
}

fn tag((rows, groups, enable, pipelined): Shape) -> String {
    format!("{rows}_{groups}_{}_{}", u8::from(enable), u8::from(pipelined))
}

fn simulate(icarus: &Icarus, plan: &TreePlan, cycles: usize) {
    let run =
        format!("sim_{}_{}_{}_{}_{}", plan.style.name(), plan.rows, plan.groups, plan.enable, plan.pipelined);
    let said = icarus.run(&run, plan, &modules(plan), cycles);
    assert_eq!(said.trim(), format!("equal {cycles}"), "{plan:?}");
}
