//! The emitted Verilog against the machine, under Icarus: every final sum, result bit, score and cycle, with
//! random gaps on the input and random back-pressure on the output.

use bincim::arch::{ArchFile, validate};
use bincim::design::{self, Design, InputCode, InputKind};
use bincim::emit;
use bincim::flow::Tool;
use bincim::golden::machine::{self, MachineTrace};
use bincim::lower::align_shortcuts;
use bincim::network::random;
use bincim::variation::Chip;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::common::tools;
use crate::machines;

/// Rows, lanes, word, rows of weights a cycle, accumulator depth, input buffers, stream bytes.
type Machine = (usize, usize, usize, usize, usize, usize, usize);

const MACHINES: [Machine; 12] = [
    (16, 4, 16, 4, 0, 2, 1),
    (16, 4, 8, 8, 16, 1, 4),
    (32, 8, 8, 8, 8, 2, 2),
    (36, 4, 4, 12, 9, 2, 4),
    (64, 16, 64, 16, 64, 1, 1),
    (64, 32, 16, 16, 5, 2, 4),
    (72, 8, 8, 8, 32, 2, 3),
    (128, 8, 16, 32, 16, 2, 4),
    (144, 16, 16, 16, 64, 2, 1),
    (40, 2, 10, 10, 4, 1, 8),
    (32, 16, 4, 32, 0, 2, 4),
    (32, 32, 16, 16, 0, 2, 4),
];

fn build(seed: u64) -> Option<Design> {
    build_with(seed, &random::Limits::default())
}

/// The same within other limits.
fn build_with(seed: u64, limits: &random::Limits) -> Option<Design> {
    let mut network = random::network(seed, limits);
    align_shortcuts(&mut network);
    let (rows, lanes, word, weight_rows, depth, buffers, bytes) = MACHINES[seed as usize % MACHINES.len()];
    let mut arch = ArchFile::default().with("generic", rows, lanes, word, weight_rows, depth);
    arch.interface.input_buffers = buffers;
    arch.interface.stream_bytes = bytes;
    // Every third seed has trees without registers inside.
    arch.popcount.pipelined = !seed.is_multiple_of(3);
    assert_eq!(validate(&arch), []);
    design::build(&network, &arch).ok()
}

/// Beats of one frame: `tlast` above `tdata`, in hexadecimal lines.
fn beats(design: &Design, image: &[i16]) -> Vec<String> {
    let shape = design.network.input.shape;
    let mut elements = Vec::new();
    for y in 0..shape.h {
        for x in 0..shape.w {
            for c in 0..shape.c {
                elements.push(image[(c * shape.h + y) * shape.w + x]);
            }
        }
    }
    let bipolar = design.input.code == InputCode::Bipolar;
    let one_bit = bipolar && matches!(design.input.kind, InputKind::Vector { .. });
    let count = design.input.beats;
    elements
        .chunks(design.input.elements)
        .enumerate()
        .map(|(index, chunk)| {
            let mut bits: Vec<bool> = Vec::new();
            for &value in chunk {
                let code = if bipolar { u8::from(value > 0) } else { value as u8 };
                let size = if one_bit { 1 } else { 8 };
                bits.extend((0..size).map(|bit| code >> bit & 1 == 1));
            }
            // Elements beyond the frame's last one may hold anything.
            bits.resize(design.input.stream_bits, true);
            bits.push(index + 1 == count);
            let digits = bits.chunks(4).rev().map(|four| {
                let value = four.iter().rev().fold(0, |value, bit| value * 2 + u32::from(*bit));
                char::from_digit(value, 16).expect("four bits are one digit")
            });
            digits.collect()
        })
        .collect()
}

const BENCH: &str = r#"
module bench_PREFIX;
  reg clk = 0, rst_n = 0;
  always #5 clk = ~clk;
  reg [STREAM:0] beats [0:BEATS-1];
  reg [STREAM-1:0] tdata = 0;
  reg tvalid = 0, tlast = 0, mready = 0;
  wire tready, mvalid, mlast;
  wire [OUT-1:0] mdata;
  reg [OUT-1:0] held;
  reg held_last, stalled = 0;
  integer at = 0, left = SCORES, seed = SEED, trace, idle = 0;
  reg done = 0;
  reg awvalid = 0;
  wire awready, wready, bvalid, arready, rvalid;
  wire [1:0] bresp, rresp;
  wire [31:0] rdata;
  reg [11:0] araddr = 0;
  reg arvalid = 0;
  PREFIX_top dut (
    .clk_i(clk), .rst_ni(rst_n),
    .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready), .s_axis_tlast(tlast),
    .m_axis_tdata(mdata), .m_axis_tvalid(mvalid), .m_axis_tready(mready), .m_axis_tlast(mlast),
    .s_axil_awaddr(12'd0), .s_axil_awvalid(awvalid), .s_axil_awready(awready), .s_axil_wdata(32'd0),
    .s_axil_wstrb(4'd0), .s_axil_wvalid(1'b0), .s_axil_wready(wready), .s_axil_bresp(bresp),
    .s_axil_bvalid(bvalid), .s_axil_bready(1'b1), .s_axil_araddr(araddr), .s_axil_arvalid(arvalid),
    .s_axil_arready(arready), .s_axil_rdata(rdata), .s_axil_rresp(rresp), .s_axil_rvalid(rvalid),
    .s_axil_rready(1'b1));
  initial begin
    $readmemh("PREFIX_beats.hex", beats);
    trace = $fopen("PREFIX_trace.txt", "w");
    repeat (4) @(posedge clk);
    rst_n <= 1;
  end
  // A reset in the middle of things, after which everything starts again.
  initial if (RESET > 0) begin
    repeat (RESET) @(posedge clk);
    #2 rst_n <= 0;
    #17 $fdisplay(trace, "R");
    at <= 0; tvalid <= 0; stalled <= 0; left <= SCORES;
    @(posedge clk); @(posedge clk);
    #2 rst_n <= 1;
  end
  always @(posedge clk) if (rst_n && !done) begin
    if (!tvalid || tready) begin
      if (at < BEATS && (GAPS == 0 || ($random(seed) & 3) != 0)) begin
        tvalid <= 1; {tlast, tdata} <= beats[at]; at <= at + 1;
      end else begin
        tvalid <= 0; tdata <= $random(seed); tlast <= $random(seed);
      end
    end
    mready <= GAPS == 0 || ($random(seed) & 1);
    if (stalled && (!mvalid || mdata !== held || mlast !== held_last)) $fdisplay(trace, "E unstable");
    stalled <= mvalid && !mready; held <= mdata; held_last <= mlast;
    if (mvalid && mready) begin
      $fdisplay(trace, "O %h %b", mdata, mlast);
      left <= left - 1;
    end
    if (dut.sum_valid) $fdisplay(trace, "S %h", dut.sum);
    BITS
    if (dut.layer_done) $fdisplay(trace, "L %0d", dut.layer_cycles);
    if (dut.u_registers.frame_error_i) $fdisplay(trace, "E frame");
    idle <= (dut.busy || mvalid || tvalid) ? 0 : idle + 1;
    if (idle > 3000 && !done) begin $fdisplay(trace, "E nothing happens"); done = 1; end
    if (left == 0 && !done) begin
      // The registers of the last frame.
      if (arready && !arvalid && !rvalid) arvalid <= 1;
      if (arvalid && arready) begin arvalid <= 0; end
      if (rvalid) begin
        $fdisplay(trace, "A %0d %0d", araddr, rdata);
        if (araddr == 12'h014) araddr <= 12'h100; else araddr <= araddr + 4;
        if (araddr == 12'h100 + 4 * (LAYERS - 1)) begin $fclose(trace); done = 1; end
      end
    end
  end
endmodule
"#;

/// A design on the bench.
struct Stand<'a> {
    design: &'a Design,
    chip: Option<&'a Chip>,
    frames: &'a [&'a [i16]],
    seed: u64,
    /// Cycle of a reset; 0: none.
    reset: usize,
}

impl Stand<'_> {
    fn prefix(&self) -> &str {
        &self.design.arch.target.prefix
    }

    fn traces(&self) -> Vec<MachineTrace> {
        self.frames.iter().map(|image| machine::run(self.design, self.chip, image, 0)).collect()
    }

    fn bench(&self, beats: usize) -> String {
        let design = self.design;
        let has_bits = design.layers.iter().any(|layer| !layer.scores);
        let bits =
            if has_bits { "if (dut.bit_valid) $fdisplay(trace, \"B %h\", dut.result_bits);" } else { "" };
        BENCH
            .replace("PREFIX", self.prefix())
            .replace("BEATS", &beats.to_string())
            .replace("STREAM", &design.input.stream_bits.to_string())
            .replace("OUT", &design.output.stream_bits.to_string())
            .replace("SCORES", &(design.output.scores * self.frames.len()).to_string())
            .replace("LAYERS", &design.layers.len().to_string())
            .replace("SEED", &(self.seed + 1).to_string())
            .replace("GAPS", &(self.seed % 2).to_string())
            .replace("RESET", &self.reset.to_string())
            .replace("BITS", bits)
    }
}

/// Writes the designs into one folder; the Verilog files. What has one name in several designs is one text.
fn write_together(folder: &Path, stands: &[Stand]) -> Vec<String> {
    let mut files = BTreeMap::new();
    for file in stands.iter().flat_map(|stand| emit::accelerator(stand.design, stand.chip)) {
        if file.name == "files.f" {
            continue;
        }
        fs::write(folder.join(&file.name), &file.text).unwrap();
        let before = files.insert(file.name.clone(), file.text.clone());
        assert!(before.is_none_or(|text| text == file.text), "two texts are called {}", file.name);
    }
    files.into_keys().filter(|name| name.ends_with(".v")).collect()
}

fn run(folder: &Path, tool: Tool, arguments: &[&str]) -> String {
    let found = tools::need(tool).expect("a test without it has ended");
    let output = tools::command(&found, folder).args(arguments).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} in {}:\n{text}", tool.name(), folder.display());
    text
}

/// All designs in one simulation; the trace of each.
fn simulate(folder: &Path, stands: &[Stand]) -> Vec<String> {
    let sources = write_together(folder, stands);
    let mut benches = String::new();
    for stand in stands {
        let lines: Vec<String> = stand.frames.iter().flat_map(|image| beats(stand.design, image)).collect();
        fs::write(folder.join(format!("{}_beats.hex", stand.prefix())), lines.join("\n")).unwrap();
        benches += &stand.bench(lines.len());
    }
    let each: Vec<String> = stands.iter().map(|stand| format!("bench_{}", stand.prefix())).collect();
    let places: Vec<String> = each.iter().map(|bench| format!("{bench} {bench} ();")).collect();
    let done: Vec<String> = each.iter().map(|bench| format!("{bench}.done")).collect();
    benches += &format!(
        "module bench;\n  {}\n  always @* if ({}) $finish;\nendmodule\n",
        places.join("\n  "),
        done.join(" && ")
    );
    fs::write(folder.join("bench.v"), benches).unwrap();
    let mut arguments = vec!["-g2005", "-Wall", "-s", "bench", "-o", "bench.out"];
    arguments.extend(sources.iter().map(String::as_str));
    let warnings = run(folder, Tool::Iverilog, &[&arguments[..], &["bench.v"]].concat());
    assert!(warnings.is_empty(), "{warnings}");
    run(folder, Tool::Vvp, &["bench.out"]);
    let trace = |stand: &Stand| folder.join(format!("{}_trace.txt", stand.prefix()));
    stands.iter().map(|stand| fs::read_to_string(trace(stand)).unwrap()).collect()
}

/// What the trace must be: sums, bits and cycles layer by layer, and the scores.
fn expected(
    design: &Design,
    traces: &[MachineTrace],
) -> (Vec<String>, Vec<String>, Vec<String>, Vec<String>) {
    let lanes = design.lanes;
    let (mut sums, mut bits, mut cycles, mut scores) = (vec![], vec![], vec![], vec![]);
    let hex = |bits: &[bool]| -> String {
        let digits = bits.chunks(4).rev().map(|four| {
            char::from_digit(four.iter().rev().fold(0, |v, b| v * 2 + u32::from(*b)), 16).unwrap()
        });
        digits.collect()
    };
    for trace in traces {
        for layer in &trace.layers {
            for vector in layer.sums.chunks(lanes) {
                let width = design.widths.accumulator;
                let all: Vec<bool> =
                    vector.iter().flat_map(|sum| (0..width).map(move |bit| sum >> bit & 1 == 1)).collect();
                sums.push(format!("S {}", hex(&all)));
            }
            for vector in layer.bits.chunks(lanes) {
                bits.push(format!("B {}", hex(vector)));
            }
            cycles.push(format!("L {}", layer.cycles));
        }
        for (index, score) in trace.scores.iter().enumerate() {
            let all: Vec<bool> = (0..design.output.stream_bits).map(|bit| score >> bit & 1 == 1).collect();
            let last = index + 1 == trace.scores.len();
            scores.push(format!("O {} {}", hex(&all), u8::from(last)));
        }
    }
    (sums, bits, cycles, scores)
}

fn compare(design: &Design, text: &str, traces: &[MachineTrace], what: &str) {
    assert!(!text.contains('E'), "{what}: {}", text.lines().find(|line| line.starts_with('E')).unwrap());
    // Behind a reset everything comes again from the first frame on.
    let text = text.rsplit("R\n").next().unwrap();
    let of = |kind: char| -> Vec<&str> { text.lines().filter(|line| line.starts_with(kind)).collect() };
    let (sums, bits, cycles, scores) = expected(design, traces);
    for (kind, want) in [('S', sums), ('B', bits), ('O', scores), ('L', cycles)] {
        let got = of(kind);
        for (index, (got, want)) in got.iter().zip(&want).enumerate() {
            assert_eq!(got, want, "{what}: line {index} of {kind}");
        }
        assert_eq!(got.len(), want.len(), "{what}: number of lines of {kind}");
    }
    let last = &traces[traces.len() - 1];
    let total: u64 = last.layers.iter().map(|layer| layer.cycles).sum();
    let mut registers = vec![
        format!("A 0 {}", 0x42434D31),
        "A 4 1".into(),
        "A 8 0".into(),
        format!("A 12 {}", traces.len()),
        format!("A 16 {total}"),
        format!("A 20 {}", design.layers.len()),
    ];
    let layers = last.layers.iter().enumerate();
    registers.extend(layers.map(|(index, layer)| format!("A {} {}", 0x100 + 4 * index, layer.cycles)));
    assert_eq!(of('A'), registers, "{what}");
}

fn check(seed: u64, reset: usize) -> bool {
    let Some(design) = build(seed) else { return false };
    let folder = tempfile::tempdir().unwrap();
    let frames = random::elements(&design.network, seed, 3);
    let frames: Vec<&[i16]> = frames.chunks(design.network.input.shape.elements()).collect();
    let stand = Stand { design: &design, chip: None, frames: &frames, seed, reset };
    let kept = std::env::var_os("BINCIM_KEEP").map(std::path::PathBuf::from);
    let path = kept.as_deref().unwrap_or(folder.path());
    let text = simulate(path, std::slice::from_ref(&stand)).remove(0);
    compare(&design, &text, &stand.traces(), &format!("seed {seed}"));
    true
}

/// One design of `BINCIM_SEED`, for a failure of the others; files stay in `BINCIM_KEEP`.
#[test]
fn one_design() {
    let seed = std::env::var("BINCIM_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    assert!(check(seed, 0) || seed != 0);
}

/// A reset at a random cycle; the bench then sends everything again.
#[test]
fn a_reset_at_any_cycle_starts_afresh() {
    for seed in [3, 5, 14, 28, 31] {
        let cycle = 20 + (seed * 7919 % 800) as usize;
        check(seed, cycle);
    }
}

/// `verilator --lint-only -Wall` says nothing, and the texts keep the rules of the house.
#[test]
fn emitted_texts_are_clean() {
    let verilator = tools::find(Tool::Verilator, "lint of the texts");
    let with_planes = (100..130).filter_map(|seed| {
        build_with(seed, &random::Limits { planes: 2 + seed as usize % 3, ..random::Limits::default() })
    });
    let shortcuts = random::Limits { shortcuts: true, ..random::Limits::default() };
    let with_shortcuts = (200..230).filter_map(|seed| build_with(seed, &shortcuts));
    assert!(with_shortcuts.clone().filter(|design| design.kept_entries() > 0).count() > 4);
    let with_states = (300..330).filter_map(|seed| {
        build_with(seed, &random::Limits { states: true, shortcuts: seed % 2 == 0, ..Default::default() })
    });
    assert!(with_states.clone().filter(|design| design.scales().is_some()).count() > 15);
    let designs = (0..24).filter_map(build).chain(with_planes).chain(with_shortcuts).chain(with_states);
    for design in designs {
        let folder = tempfile::tempdir().unwrap();
        let mut sources = Vec::new();
        for file in emit::accelerator(&design, None) {
            fs::write(folder.path().join(&file.name), &file.text).unwrap();
            if file.name.ends_with(".v") {
                assert_tidy(&file.name, &file.text);
                sources.push(file.name);
            }
        }
        if let Some(verilator) = &verilator {
            let output = tools::command(verilator, folder.path())
                .args(["--lint-only", "-Wall", "--top-module", "bincim_top"])
                .args(&sources)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{}:\n{said}", design.name.raw());
        }
    }
}

/// Some tools refuse a module-level net that is used above its declaration.
fn assert_declared_first(name: &str, code: &str) {
    let mut used: Vec<&str> = Vec::new();
    for line in code.lines() {
        let declared = line.strip_prefix("  wire ").or_else(|| line.strip_prefix("  reg "));
        if let Some(rest) = declared {
            let rest = rest.trim_start();
            let rest = if rest.starts_with('[') { rest.split_once("] ").unwrap().1 } else { rest };
            for declared in rest.split(['=', ';', '[']).next().unwrap().split(',') {
                assert!(
                    !used.contains(&declared.trim()),
                    "{name}: '{declared}' is used above its declaration"
                );
            }
        }
        let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
        used.extend(words.filter(|word| !word.is_empty() && !word.starts_with('.')));
    }
}

fn assert_tidy(name: &str, text: &str) {
    assert!(text.is_ascii() && text.ends_with('\n') && !text.ends_with("\n\n"), "{name}");
    assert!(!text.contains("\n\n\n") && !text.contains('\t'), "{name}: empty lines or tabs");
    assert_eq!(text.matches("\nmodule ").count(), 1, "{name}: one module a file");
    let code: String = text.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
    assert_declared_first(name, &code);
    for line in text.lines() {
        assert!(line.len() <= 100 && line.trim_end() == line, "{name}: {line}");
    }
}

#[test]
fn rtl_equals_the_machine_on_random_networks() {
    let from: u64 = std::env::var("BINCIM_FROM").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let count: u64 = std::env::var("BINCIM_COUNT").ok().and_then(|text| text.parse().ok()).unwrap_or(24);
    let built = (from..from + count).filter(|seed| check(*seed, 0)).count();
    assert!(built as u64 * 2 > count, "only {built} of {count} could be built");
}

/// A design of its own prefix, with an analog array and a drawn chip where `analog`.
fn named(prefix: &str, analog: bool, wanted: impl Fn(&Design) -> bool) -> (Design, Option<Chip>) {
    for seed in 0..1000 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut arch = machines::random_arch(&mut rng);
        if analog {
            machines::random_readout(&mut arch, &mut rng);
            arch.readout.noise = 0.0;
        }
        arch.target.prefix = prefix.into();
        let design = design::build(&random::network(seed, &random::Limits::default()), &arch);
        let Some(design) = design.ok().filter(|d| d.cycles < 2000 && d.layers.len() > 2 && wanted(d)) else {
            continue;
        };
        let chip = design.analog.as_ref().map(|_| machines::random_chip(&design, &mut rng));
        return (design, chip);
    }
    panic!("no random design is wanted");
}

/// Two accelerators of other networks, geometries and readouts in one simulation, each exact.
#[test]
fn two_accelerators_stand_in_one_simulation() {
    if !tools::present("simulation of two accelerators", &[Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let (left, _) = named("left", false, |_| true);
    let (right, chip) = named("right", true, |design| design.rows != left.rows);
    let frames: Vec<Vec<i16>> =
        [&left, &right].iter().map(|design| random::elements(&design.network, 9, 3)).collect();
    let images: Vec<Vec<&[i16]>> = [&left, &right]
        .iter()
        .zip(&frames)
        .map(|(design, frames)| frames.chunks(design.network.input.shape.elements()).collect())
        .collect();
    let stands = [
        Stand { design: &left, chip: None, frames: &images[0], seed: 3, reset: 0 },
        Stand { design: &right, chip: chip.as_ref(), frames: &images[1], seed: 5, reset: 0 },
    ];
    let folder = tempfile::tempdir().unwrap();
    let traces = simulate(folder.path(), &stands);
    for (stand, trace) in stands.iter().zip(&traces) {
        compare(stand.design, trace, &stand.traces(), stand.prefix());
    }
}

/// The ports of a top as its text declares them: direction, range, name.
fn ports(text: &str) -> Vec<(String, String, String)> {
    let declared = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("input  wire") || line.starts_with("output wire"));
    let parts = declared.map(|line| {
        let line = line.trim_end_matches(',');
        let (rest, name) = line.rsplit_once(' ').expect("a name");
        let (direction, range) = rest.split_once(" wire").expect("a wire");
        (direction.trim().to_string(), range.trim().to_string(), name.to_string())
    });
    parts.collect()
}

/// The same two in one run of synthesis, up to the gates: as many registers as of each alone.
#[test]
fn two_accelerators_are_synthesised_together() {
    if !tools::present("synthesis of two accelerators", &[Tool::Yosys]) {
        return;
    }
    let small = |design: &Design| design.rows * design.lanes < 200;
    let (left, _) = named("left", false, small);
    let (right, chip) = named("right", true, small);
    let stands = [(&left, None), (&right, chip.as_ref())].map(|(design, chip)| Stand {
        design,
        chip,
        frames: &[],
        seed: 0,
        reset: 0,
    });
    let folder = tempfile::tempdir().unwrap();
    let sources = write_together(folder.path(), &stands);
    let (mut declared, mut instances) = (Vec::new(), String::new());
    for prefix in ["left", "right"] {
        let top = fs::read_to_string(folder.path().join(format!("{prefix}_top.v"))).unwrap();
        let ports = ports(&top);
        declared.extend(ports.iter().map(|(way, range, name)| format!("{way} {range} {prefix}_{name}")));
        let wires: Vec<String> =
            ports.iter().map(|(_, _, name)| format!(".{name}({prefix}_{name})")).collect();
        instances += &format!("  {prefix}_top u_{prefix} ({});\n", wires.join(", "));
    }
    let both = format!("module both ({});\n{instances}endmodule\n", declared.join(", "));
    fs::write(folder.path().join("both.v"), both).unwrap();
    let registers = |top: &str| -> usize {
        let script = format!(
            "read_verilog both.v {}; hierarchy -check -top {top}; proc; check -assert; flatten; opt -fast; \
             tee -q -o stat.json stat -json",
            sources.join(" ")
        );
        run(folder.path(), Tool::Yosys, &["-q", "-p", &script]);
        let text = fs::read_to_string(folder.path().join("stat.json")).unwrap();
        let stat: serde_json::Value = serde_json::from_str(&text[text.find('{').unwrap()..]).unwrap();
        let cells = stat["design"]["num_cells_by_type"].as_object().unwrap();
        let kinds = cells.iter().filter(|(kind, _)| kind.contains("dff"));
        kinds.map(|(_, count)| count.as_u64().unwrap() as usize).sum()
    };
    let (left, right) = (registers("left_top"), registers("right_top"));
    assert!(left > 30 && right > 30, "{left} and {right} registers");
    assert_eq!(registers("both"), left + right);
}
