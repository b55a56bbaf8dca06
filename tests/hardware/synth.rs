//! `bincim synth` and `bincim report` on a small hand-written design folder, through the program.

use crate::common::tools;

use crate::common::graph::Graph;
use bincim::flow::Tool;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tools::present;

/// A design folder as `bincim generate` lays it out: a counter that adds what a memory image says.
fn design(dir: &Path) {
    let write = |name: &str, text: &str| {
        let file = dir.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    write("rtl/files.f", "bincim_top.v\n");
    write("rtl/step.hex", "01\n02\n04\n08\n");
    write(
        "rtl/bincim_top.v",
        "`default_nettype none\nmodule bincim_top (\n    input  wire clk_i,\n    input  wire rst_ni,\n    \
         output wire [7:0] q_o\n);\n  reg [7:0] rom[0:3];\n  initial $readmemh(\"step.hex\", rom);\n  \
         reg [9:0] count_q;\n  always @(posedge clk_i or negedge rst_ni)\n    \
         if (!rst_ni) count_q <= 10'd0;\n    else count_q <= count_q + {2'd0, rom[count_q[9:8]]};\n  \
         assign q_o = count_q[9:2];\nendmodule\n",
    );
    write(
        "board/echo.v",
        "`default_nettype none\nmodule echo (\n    input  wire a_i,\n    output wire b_o\n);\n  \
         assign b_o = a_i;\nendmodule\n",
    );
    write(
        "board/icebreaker_top.v",
        "`default_nettype none\nmodule icebreaker_top (\n    input  wire clk_i,\n    input  wire rst_ni,\n    \
         input  wire uart_rx_i,\n    output wire uart_tx_o,\n    output wire led_o\n);\n  wire [7:0] q;\n  \
         bincim_top u_top (.clk_i(clk_i), .rst_ni(rst_ni), .q_o(q));\n  \
         echo u_echo (.a_i(uart_rx_i), .b_o(uart_tx_o));\n  assign led_o = ^q;\nendmodule\n",
    );
    write(
        "design.json",
        r#"{"name": "tiny net", "top": "bincim_top", "rows": 4, "lanes": 1, "weight_bits": 32, "macs": 1000,
            "cycles": 120, "clock_mhz": 12.0,
            "layers": [{"name": "fc", "op": "dense", "macs": 1000, "cycles": 120, "bound": 100}]}"#,
    );
}

#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn bincim(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bincim")).args(args).current_dir(dir).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_design_becomes_a_bitstream_and_a_page() {
    if !present("synth", &[Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    design(&root.path().join("d"));

    let output =
        bincim(root.path(), &["synth", "d", "--device", "up5k", "--seeds", "2", "--jobs", "2", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["device"].as_str(), json["ffs"].as_u64()), (Some("up5k"), Some(10)));
    assert!(json["luts"].as_u64().unwrap() >= 10);
    let fmax = json["fmax_mhz"].as_f64().unwrap();
    // The bitstream runs at the clock that it was made for, however fast the routed design is.
    assert_eq!(
        (json["clock_mhz"].as_f64(), json["frames_per_second"].as_f64()),
        (Some(12.0), Some(100_000.0))
    );
    assert_eq!(json["frames_per_second_at_fmax"].as_f64().unwrap(), fmax * 1e6 / 120.0);
    assert_eq!(json["seeds"].as_array().unwrap().len(), 2);
    let bitstream = fs::read(root.path().join(json["bitstream"].as_str().unwrap())).unwrap();
    assert_eq!(json["bitstream_bytes"].as_u64(), Some(bitstream.len() as u64));

    // Once more: the same inputs give the same bytes, and the folder is replaced as a whole.
    let again = bincim(root.path(), &["synth", "d", "--device", "up5k", "--seeds", "2", "--json"]);
    assert_eq!(again.stdout, output.stdout);
    let left = std::fs::read_dir(root.path().join("d/synth")).unwrap().count();
    assert_eq!(left, 1, "something was left beside the result");

    let alone = bincim(root.path(), &["synth", "d", "--device", "xc7a35t"]);
    assert_eq!(alone.status.code(), Some(0), "{}", stderr(&alone));
    assert!(String::from_utf8_lossy(&alone.stdout).contains("not placed and routed; figures at 12 MHz"));

    let report = bincim(root.path(), &["report", "d", "-o", "page/report.html"]);
    assert_eq!(report.status.code(), Some(0), "{}", stderr(&report));
    let page = fs::read_to_string(root.path().join("page/report.html")).unwrap();
    for text in ["tiny net", "up5k", "xc7a35t", "synth/up5k/tiny_net.bin", "not been verified"] {
        assert!(page.contains(text), "{text}");
    }
    let json = bincim(root.path(), &["report", "d", "--json"]);
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
}

/// The smallest array on the smallest iCE40: a network of 64 - 32 - 10 signs.
#[test]
fn the_smallest_array_reaches_a_bitstream_on_the_smallest_ice40() {
    if !present("synth", &[Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let mut graph = Graph::new(&[1, 64]);
    let mut layer = "x".to_string();
    for (from, to) in [(64, 32), (32, 10)] {
        let signs = (0..from * to).map(|i| if (i * i / 7 + i) % 3 == 0 { 1.0 } else { -1.0 });
        let weights = graph.floats(&[from, to], &signs.collect::<Vec<_>>());
        let input = graph.sign(&layer);
        layer = graph.node("MatMul", &[&input, &weights], &[]);
    }
    fs::write(root.path().join("signs.onnx"), graph.bytes(&layer)).unwrap();
    let machine = "[array]\nrows = 16\ncolumns = 4\n[activation]\nword = 4\n[weights]\nrows_per_cycle = 4\n\
                   [target]\ndevice = \"hx1k\"\nclock_mhz = 12.0\n";
    fs::write(root.path().join("arch.toml"), machine).unwrap();

    let output = bincim(root.path(), &["generate", "signs.onnx", "--arch", "arch.toml", "-o", "d"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = bincim(root.path(), &["synth", "d", "--device", "hx1k", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(json["fmax_mhz"].as_f64().unwrap() >= 12.0 && json["bitstream"].is_string(), "{json}");
}

#[test]
fn a_missed_clock_is_an_answer_and_not_a_failure() {
    if !present("missed clock", &[Tool::Yosys, Tool::NextpnrIce40, Tool::Icepack]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    design(&root.path().join("d"));
    let output = bincim(root.path(), &["synth", "d", "--device", "up5k", "--freq", "900"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("the clock of 900 MHz is missed"), "{}", stderr(&output));
    assert!(root.path().join("d/synth/up5k/tiny_net.bin").is_file());
}

#[test]
fn what_cannot_run_says_what_would_be_right() {
    let root = tempfile::tempdir().unwrap();
    design(&root.path().join("d"));
    for (args, says) in [
        (&["synth", "d", "--device", "up6k"][..], "up5k, hx8k, hx1k"),
        (&["synth", "nowhere", "--device", "up5k"], "bincim generate"),
        (&["synth", "d", "--device", "hx8k"], "hx8k_b_evn_top.v"),
        (&["synth", "d", "--device", "up5k", "--freq", "0"], "between 0.001 and 10000"),
        (&["report", "nowhere"], "bincim generate"),
    ] {
        let output = bincim(root.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
    fs::write(root.path().join("d/design.json"), r#"{"name": 3}"#).unwrap();
    let output = bincim(root.path(), &["report", "d"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("design.json"), "{}", stderr(&output));
}

/// Two levels of modules that no family may flatten: eight flip-flops in each of four leaves, two at the top.
const HIERARCHY: &str = "(* keep_hierarchy *)\nmodule leaf (\n    input  wire clk_i,\n    input  wire [7:0] d_i,\n    \
    output reg  [7:0] q_o\n);\n  always @(posedge clk_i) q_o <= q_o + (d_i ^ {d_i[0], d_i[7:1]});\nendmodule\n\
    (* keep_hierarchy *)\nmodule pair (\n    input  wire clk_i,\n    input  wire [7:0] d_i,\n    output wire [7:0] q_o\n);\n  \
    wire [7:0] w;\n  leaf u_a (.clk_i(clk_i), .d_i(d_i), .q_o(w));\n  leaf u_b (.clk_i(clk_i), .d_i(w), .q_o(q_o));\nendmodule\n\
    module bincim_top (\n    input  wire clk_i,\n    input  wire [7:0] d_i,\n    output reg  [1:0] q_o\n);\n  wire [7:0] x, y;\n  \
    pair u_a (.clk_i(clk_i), .d_i(d_i), .q_o(x));\n  pair u_b (.clk_i(clk_i), .d_i(~x), .q_o(y));\n  \
    always @(posedge clk_i) q_o <= {^x, ^y};\nendmodule\n";

#[test]
fn cells_are_counted_over_the_whole_hierarchy_in_every_family() {
    if !present("synth", &[Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    design(&root.path().join("d"));
    fs::write(root.path().join("d/rtl/bincim_top.v"), HIERARCHY).unwrap();
    for device in ["up5k", "ecp5-25", "gw1nr-9", "xc7a35t"] {
        let output = bincim(root.path(), &["synth", "d", "--device", device, "--synth-only", "--json"]);
        assert_eq!(output.status.code(), Some(0), "{device}: {}", stderr(&output));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["ffs"].as_u64(), Some(4 * 8 + 2), "{device}");
        assert!(json["luts"].as_u64().unwrap() >= 4 * 8, "{device}: {}", json["luts"]);
    }
}
