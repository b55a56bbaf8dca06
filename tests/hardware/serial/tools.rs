//! Runs the printed Verilog through Icarus, Verilator and Yosys.

use super::bench::Cycle;
use bincim::emit::NamedText;
use bincim::flow::Tool;
use std::path::Path;
use std::process::Output;

use crate::common::tools as found;

/// What the printed Verilog did with recorded inputs.
pub struct Replay {
    outputs: Vec<String>,
}

impl Replay {
    /// Replays `cycles`' inputs; without Icarus the test ends as one that did not run.
    pub fn run(texts: &[NamedText], cycles: &[Cycle]) -> Option<Replay> {
        let inputs: String = cycles.iter().map(|cycle| format!("{}\n", cycle.inputs)).collect();
        let files = [("bench.v", bench_text(cycles.len())), ("inputs.bin", inputs)];
        let printed = simulate(texts, &files, "bench")?;
        let outputs = printed.lines().filter_map(|line| line.strip_prefix("out ")).map(str::to_string);
        Some(Replay { outputs: outputs.collect() })
    }

    /// The first cycle in which the outputs differ, in words.
    pub fn first_difference(&self, cycles: &[Cycle]) -> Option<String> {
        if self.outputs.len() != cycles.len() {
            return Some(format!("{} cycles came back of {}", self.outputs.len(), cycles.len()));
        }
        let at = self.outputs.iter().zip(cycles).position(|(out, cycle)| *out != cycle.outputs)?;
        Some(format!(
            "cycle {at}: tx, error, full is {}, expected {}, inputs {}",
            self.outputs[at], cycles[at].outputs, cycles[at].inputs
        ))
    }
}

fn bench_text(cycles: usize) -> String {
    let last = cycles - 1;
    format!(
        "module bench;
  reg clk = 1'b0;
  reg [2:0] inputs [0:{last}];
  reg [2:0] now;
  wire tx, error, full;
  integer i;
  loopback u_dut (
    .clk_i (clk), .rst_ni (now[2]), .rx_i (now[1]), .stall_i (now[0]),
    .tx_o (tx), .error_o (error), .full_o (full)
  );
  initial begin
    $readmemb(\"inputs.bin\", inputs);
    for (i = 0; i < {cycles}; i = i + 1) begin
      now = inputs[i];
      #4;
      $display(\"out %b%b%b\", tx, error, full);
      #1 clk = 1'b1;
      #5 clk = 1'b0;
    end
    $finish;
  end
endmodule
"
    )
}

/// Compiles and runs `texts` and `files` with `top` under Icarus in a folder of its own; what it
/// printed. Without Icarus the test ends as one that did not run.
pub fn simulate(texts: &[NamedText], files: &[(&str, String)], top: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), texts);
    let mut sources: Vec<String> = texts.iter().map(|text| text.name.clone()).collect();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
        if name.ends_with(".v") {
            sources.push(name.to_string());
        }
    }
    let compiled = run(
        folder.path(),
        Tool::Iverilog,
        &[
            &["-g2005", "-o", "sim.vvp", "-s", top],
            &sources.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ]
        .concat(),
    )?;
    assert!(compiled.status.success(), "iverilog: {}", words(&compiled));
    let ran = run(folder.path(), Tool::Vvp, &["-n", "sim.vvp"])?;
    assert!(ran.status.success(), "vvp: {}", words(&ran));
    Some(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Fails on any word of any tool about `top` in `texts`; `models` are those of device cells for the simulators, `cells`
/// Yosys' own files of them.
pub fn lint(texts: &[NamedText], models: &[NamedText], top: &str, cells: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), texts);
    write(folder.path(), models);
    let own: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
    let names: Vec<&str> = own.iter().copied().chain(models.iter().map(|text| text.name.as_str())).collect();
    let cells: String = cells.iter().map(|file| format!("read_verilog -lib +/{file}; ")).collect();
    let read = format!("{cells}read_verilog {}", own.join(" "));
    let script = format!("{read}; hierarchy -check -top {top}; proc; check -assert");
    for (tool, args) in [
        (Tool::Verilator, [&["--lint-only", "-Wall", "--top-module", top], &names[..]].concat()),
        (Tool::Iverilog, [&["-g2005", "-Wall", "-t", "null", "-s", top], &names[..]].concat()),
        (Tool::Yosys, vec!["-q", "-p", &script]),
    ] {
        let Some(found) = found::find(tool, &format!("lint of {top}")) else { continue };
        let output = found::command(&found, folder.path()).args(args).output().expect("the tool was found");
        let said = words(&output);
        // Verilator tells what it took, Yosys what it found; Icarus has nothing to say.
        let clean = match tool {
            Tool::Verilator => !said.contains("%Warning") && !said.contains("%Error"),
            Tool::Yosys => !said.contains("Warning"),
            _ => said.trim().is_empty(),
        };
        assert!(output.status.success() && clean, "{}: {top}: {said}", tool.name());
    }
}

/// Runs a tool; where it is missing, the test ends as one that did not run.
pub fn run(folder: &Path, tool: Tool, args: &[&str]) -> Option<Output> {
    let found = found::need(tool)?;
    Some(found::command(&found, folder).args(args).output().expect("the tool was found"))
}

pub fn write(folder: &Path, texts: &[NamedText]) {
    for text in texts {
        std::fs::write(folder.join(&text.name), &text.text).expect("a file");
    }
}

/// Everything a tool printed.
pub fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
