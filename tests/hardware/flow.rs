//! Takes a small hand-written Verilog blinker through every outside tool, to bitstreams.
//!
//! A test whose tool is absent is told as not run; nothing else is tolerated.

use bincim::arch::device::{self, Device, DeviceFamily};
use bincim::flow::{self, Family, FlowError, Tool, folder, icarus, nextpnr, pack, verilator, yosys};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::tools;

use harness::Lack;
use tools::present;

const BLINKER: &str = "`default_nettype none
module blinker (
    input  wire clk_i,
    output wire led_o
);
  reg [7:0] step_rom[0:3];
  initial $readmemh(\"step.hex\", step_rom);
  reg [19:0] count_q = 20'd0;
  always @(posedge clk_i) count_q <= count_q + {12'd0, step_rom[count_q[19:18]]};
  assign led_o = count_q[19];
endmodule
";

/// Prints the values that the blinker takes, for both simulators.
const BENCH: &str = "`timescale 1ns / 1ns
module bench;
  reg clk = 1'b0;
  wire led;
  integer changes = 0;
  blinker u_blinker (.clk_i(clk), .led_o(led));
  always #5 clk = ~clk;
  always @(led) changes = changes + 1;
  initial begin
    repeat (400000) @(posedge clk);
    #1;
    $display(\"count %0d changes %0d\", u_blinker.count_q, changes);
    $finish;
  end
endmodule
";

/// The design in a folder whose name holds a space, with `$readmemh` content beside the sources.
fn sources(root: &Path) -> PathBuf {
    let rtl = root.join("a design/rtl");
    fs::create_dir_all(&rtl).unwrap();
    fs::write(rtl.join("blinker.v"), BLINKER).unwrap();
    fs::write(rtl.join("step.hex"), "01\n02\n04\n08\n").unwrap();
    fs::write(rtl.join("files.f"), "// one\nblinker.v\n").unwrap();
    rtl
}

/// The right answer, by the definition of the blinker.
fn expected_count(cycles: u32) -> u32 {
    (0..cycles).fold(0, |count: u32, _| (count + [1, 2, 4, 8][(count >> 18) as usize]) & 0xF_FFFF)
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

/// nextpnr's name of a cell, and how many of it the device table has.
type Cells = (&'static str, fn(&Device) -> u64);

/// Takes the blinker to a bitstream for a device of the table, with its board's pins, and compares
/// what nextpnr says the device holds with the table.
fn bitstream(name: &str, tools: &[Tool], cells: &[Cells], magic: &[u8]) {
    if !present(name, tools) {
        return;
    }
    let device = device::find(name).unwrap();
    let family = match device.family {
        DeviceFamily::Ice40 => Family::Ice40,
        DeviceFamily::Ecp5 => Family::Ecp5,
        DeviceFamily::Gowin => Family::Gowin,
        DeviceFamily::Xilinx => panic!("no place and route"),
    };
    let root = tempfile::tempdir().unwrap();
    let rtl = sources(root.path());
    let pending = folder::Pending::begin(&rtl.join("../synth"), |_| Vec::new()).unwrap();
    let out = pending.path();
    let files = folder::file_list(&rtl.join("files.f")).unwrap();
    let netlist = match yosys::synthesise(&yosys::Synthesis {
        family,
        synth_args: &device.synth,
        files: &files,
        top: "blinker",
        cwd: &rtl,
        out,
        limit: None,
    }) {
        Err(error @ FlowError::ToolMissing { .. }) => return harness::not_run(Lack::Tool, error),
        other => other.unwrap(),
    };
    assert_eq!(netlist.resources.ffs, 20, "{:?}", netlist.cells);
    assert!((20..80).contains(&netlist.resources.luts), "{:?}", netlist.cells);

    let board = device.board.as_ref().unwrap();
    let constraints = out.join(&board.pins);
    fs::write(&constraints, board.constraints().unwrap()).unwrap();
    let routed = nextpnr::route(&nextpnr::Route {
        family,
        device_args: &device.route,
        netlist: &netlist.json,
        constraints: Some(&constraints),
        target_mhz: board.clock_mhz,
        seeds: &[1, 2],
        jobs: 1,
        out,
        limit: None,
    })
    .unwrap();
    let fmax = routed.timing.fmax_mhz().unwrap();
    let best = routed.sweep.iter().filter_map(|(_, mhz)| *mhz).fold(0.0, f64::max);
    assert_eq!((routed.sweep.len(), fmax), (2, best), "{:?}", routed.sweep);
    assert!(fmax > board.clock_mhz, "{fmax}");
    for (cell, in_table) in cells {
        let counted = routed.timing.utilisation.get(*cell).unwrap_or_else(|| {
            panic!("{name}: no {cell} in {:?}", routed.timing.utilisation);
        });
        assert_eq!(counted.available, in_table(device), "{name}: {cell}");
    }

    let (bits, _) = pack::pack(family, &routed.design, "blinker", &device.pack).unwrap();
    let inside = bits.file_name().unwrap().to_owned();
    let bits = fs::read(pending.finish().unwrap().join(inside)).unwrap();
    assert!(bits.starts_with(magic), "{:02x?}", &bits[..16]);
    eprintln!(
        "{name}: {} LUTs, {} FFs, {fmax:.1} MHz, {} bytes",
        netlist.resources.luts,
        netlist.resources.ffs,
        bits.len()
    );
}

fn ice40_bitstream(name: &str) {
    let cells: [Cells; 2] = [("ICESTORM_LC", |d| d.luts), ("ICESTORM_RAM", |d| d.brams)];
    let magic = [0xFF, 0x00, 0x00, 0xFF, 0x7E, 0xAA, 0x99, 0x7E];
    bitstream(name, &[Tool::NextpnrIce40, Tool::Icepack], &cells, &magic);
}

fn ecp5_bitstream(name: &str, part: &str) {
    let cells: [Cells; 4] = [
        ("TRELLIS_COMB", |d| d.luts),
        ("TRELLIS_FF", |d| d.ffs),
        ("DP16KD", |d| d.brams),
        ("MULT18X18D", |d| d.dsps),
    ];
    let magic = format!("\u{0}Part: {part}-6CABGA381");
    let magic: Vec<u8> = std::iter::once(0xFF).chain(magic.bytes()).collect();
    bitstream(name, &[Tool::NextpnrEcp5, Tool::Ecppack], &cells, &magic);
}

#[test]
fn up5k_bitstream() {
    ice40_bitstream("up5k");
}

#[test]
fn hx8k_bitstream() {
    ice40_bitstream("hx8k");
}

#[test]
fn hx1k_bitstream() {
    ice40_bitstream("hx1k");
}

#[test]
fn ecp5_25_bitstream() {
    ecp5_bitstream("ecp5-25", "LFE5U-25F");
}

#[test]
fn ecp5_85_bitstream() {
    ecp5_bitstream("ecp5-85", "LFE5U-85F");
}

#[test]
fn gw1nr_9_bitstream() {
    let cells: [Cells; 3] = [("LUT4", |d| d.luts), ("DFF", |d| d.ffs), ("BSRAM", |d| d.brams)];
    bitstream("gw1nr-9", &[Tool::NextpnrGowin, Tool::GowinPack], &cells, b"1111");
}

#[test]
fn a_design_too_large_says_what_ran_out() {
    if !present("does not fit", &[Tool::Yosys, Tool::NextpnrIce40]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let rtl = root.path();
    let wide = "module wide(input wire clk_i, input wire d_i, output wire q_o);\n  reg [5999:0] s_q;\n  \
                always @(posedge clk_i) s_q <= {s_q[5998:0], d_i};\n  assign q_o = s_q[5999];\nendmodule\n";
    fs::write(rtl.join("wide.v"), wide).unwrap();
    let netlist = yosys::synthesise(&yosys::Synthesis {
        family: Family::Ice40,
        synth_args: &strings(&["-device", "u"]),
        files: &[PathBuf::from("wide.v")],
        top: "wide",
        cwd: rtl,
        out: rtl,
        limit: None,
    })
    .unwrap();
    assert_eq!(netlist.resources.ffs, 6000);
    let error = nextpnr::route(&nextpnr::Route {
        family: Family::Ice40,
        device_args: &strings(&["--up5k", "--package", "sg48"]),
        netlist: &netlist.json,
        constraints: None,
        target_mhz: 12.0,
        seeds: &[1],
        jobs: 1,
        out: rtl,
        limit: None,
    })
    .unwrap_err();
    let FlowError::DoesNotFit { detail, log } = &error else { panic!("{error:?}") };
    assert!(detail.contains("ICESTORM_LC") && log.is_file(), "{error}");
}

#[test]
fn a_syntax_error_is_quoted_from_the_log() {
    if !present("syntax error", &[Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("bad.v"), "module bad(;\nendmodule\n").unwrap();
    let error = yosys::synthesise(&yosys::Synthesis {
        family: Family::Ice40,
        synth_args: &[],
        files: &[PathBuf::from("bad.v")],
        top: "bad",
        cwd: root.path(),
        out: root.path(),
        limit: None,
    })
    .unwrap_err();
    assert!(
        matches!(&error, FlowError::ToolFailed { excerpt, .. } if excerpt.contains("bad.v:1")),
        "{error}"
    );
}

#[test]
fn both_simulators_agree_with_the_definition() {
    let root = tempfile::tempdir().unwrap();
    let rtl = sources(root.path());
    fs::write(rtl.join("bench.v"), BENCH).unwrap();
    let files = [PathBuf::from("blinker.v"), PathBuf::from("bench.v")];
    let expected = format!("count {} changes ", expected_count(400_000));
    let limit = Duration::from_secs(300);
    let mut lines = Vec::new();
    if present("verilator", &[Tool::Verilator]) {
        let model = verilator::build(&verilator::Build {
            files: &files,
            harness: &[],
            top: "bench",
            cwd: &rtl,
            out: &root.path().join("model"),
            trace: false,
            short: true,
            threads: 1,
            jobs: 2,
            args: &[],
            limit: None,
        })
        .unwrap();
        let ran = flow::run_program(&model.program, &[], &rtl, &model.log, limit).unwrap();
        lines.push((ran.code, ran.stdout));
    }
    if present("icarus", &[Tool::Iverilog, Tool::Vvp]) {
        let (compiled, log) = (root.path().join("sim.vvp"), root.path().join("icarus.log"));
        icarus::compile(&files, "bench", icarus::Level::SystemVerilog2012, &rtl, &compiled, &log).unwrap();
        let ran = icarus::simulate(&compiled, &[], &rtl, &log, limit).unwrap();
        lines.push((ran.code, ran.stdout));
    }
    for (code, text) in &lines {
        assert_eq!(*code, 0, "{text}");
        assert!(text.contains(&expected), "expected `{expected}`, got `{text}`");
    }
}

#[test]
fn a_cpp_harness_drives_a_model() {
    if !present("harness", &[Tool::Verilator]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let rtl = sources(root.path());
    let harness = "#include <cstdio>\n#include \"Vblinker.h\"\n#include \"verilated.h\"\n\
        double sc_time_stamp() { return 0; }\n\
        int main() {\n  Vblinker top;\n  int changes = 0, led = 0;\n  for (int i = 0; i < 400000; ++i) {\n    \
        top.clk_i = 0; top.eval(); top.clk_i = 1; top.eval();\n    \
        changes += top.led_o != led; led = top.led_o;\n  }\n  std::printf(\"%d\\n\", changes);\n  return 7;\n}\n";
    fs::write(root.path().join("main.cpp"), harness).unwrap();
    let model = verilator::build(&verilator::Build {
        files: &[PathBuf::from("blinker.v")],
        harness: &[root.path().join("main.cpp")],
        top: "blinker",
        cwd: &rtl,
        out: &root.path().join("model"),
        trace: true,
        short: true,
        threads: 1,
        jobs: 2,
        args: &[],
        limit: None,
    })
    .unwrap();
    let ran = flow::run_program(&model.program, &[], &rtl, &model.log, Duration::from_secs(60)).unwrap();
    let (mut count, mut led, mut changes) = (0u32, 0, 0);
    for _ in 0..400_000 {
        count = (count + [1, 2, 4, 8][(count >> 18) as usize]) & 0xF_FFFF;
        changes += u32::from(count >> 19 != led);
        led = count >> 19;
    }
    assert_eq!((ran.code, ran.stdout.trim()), (7, changes.to_string().as_str()));
}

#[test]
fn lint_finds_what_is_there_and_nothing_else() {
    if !present("lint", &[Tool::Verilator]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let rtl = sources(root.path());
    let log = root.path().join("lint.log");
    let clean = verilator::lint(&[PathBuf::from("blinker.v")], "blinker", &rtl, &log).unwrap();
    assert!(clean.iter().all(|finding| finding.code == "PROCASSINIT"), "{clean:?}");
    let narrow =
        "module narrow(input wire [7:0] a_i, output wire [3:0] b_o);\n  assign b_o = a_i;\nendmodule\n";
    fs::write(rtl.join("narrow.v"), narrow).unwrap();
    let found = verilator::lint(&[PathBuf::from("narrow.v")], "narrow", &rtl, &log).unwrap();
    assert!(
        found.iter().any(|f| f.code.starts_with("WIDTH") && f.file.ends_with("narrow.v") && f.line == 2),
        "{found:?}"
    );
}
