//! A board without a board: the Verilated wrapper of a generated folder (its PLL a model that passes the clock on)
//! behind a pseudo-terminal, to which the very `bincim board` and the very Python driver speak bit by bit.

mod load;
use crate::common::tools;

use bincim::flow::{Tool, verilator};
use bincim::serial::{Port, SerialError, Uart};
use bincim::variation::Correction;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// A folder with a design, its board's simulation, and data.
struct Lab {
    root: tempfile::TempDir,
    model: PathBuf,
    clock_hz: u64,
}

/// A running board.
struct Simulated {
    child: Child,
    port: String,
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn start(program: impl AsRef<Path>) -> Command {
    Command::new(program.as_ref())
}

fn bincim(dir: &Path, words: &[&str]) -> Output {
    start(env!("CARGO_BIN_EXE_bincim")).current_dir(dir).args(words).output().expect("the program starts")
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// One for all tests of this binary; `None`, and the test ended as not run, without Verilator.
fn lab() -> Option<&'static Lab> {
    static LAB: OnceLock<Lab> = OnceLock::new();
    tools::need(Tool::Verilator)?;
    Some(LAB.get_or_init(|| Lab::new("up5k", "icebreaker")))
}

impl Lab {
    fn new(device: &str, board: &str) -> Lab {
        let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs/glyphs.onnx");
        Lab::of(device, board, network.to_str().expect("a path"), tempfile::tempdir().expect("a folder"))
    }

    /// A board of a model file, which may lie in `root`.
    fn of(device: &str, board: &str, network: &str, root: tempfile::TempDir) -> Lab {
        let dir = root.path();
        let arch = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n";
        fs::write(dir.join("arch.toml"), arch).expect("writable");
        let made = ["generate", network, "--arch", "arch.toml", "--device", device, "-o", "d"];
        for words_of in [&made[..], &["glyphs", "--split", "test", "--count", "40", "-o", "data"]] {
            let output = bincim(dir, words_of);
            assert!(output.status.success(), "{}", words(&output));
        }
        let record: Value = read_json(&dir.join("d/host/board.json"));
        let clock_hz = record["clock_hz"].as_u64().expect("a clock");
        let model = build(dir, &format!("{board}_top"));
        Lab { root, model, clock_hz }
    }

    fn dir(&self) -> &Path {
        self.root.path()
    }

    /// A board with the memory images of `rtl` and these faults.
    fn board_with(&self, rtl: &Path, faults: &[&str]) -> Simulated {
        let mut child = start(&self.model)
            .arg(self.clock_hz.to_string())
            .args(faults)
            .current_dir(rtl)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the model starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("the port's path");
        Simulated { child, port: line.trim().into() }
    }

    fn board(&self, faults: &[&str]) -> Simulated {
        self.board_with(&self.dir().join("d/rtl"), faults)
    }

    /// `bincim board` on `board`.
    fn run(&self, board: &Simulated, words: &[&str]) -> Output {
        let common = ["board", "d", "--port", &board.port, "--data", "data"];
        // Simulated boards are slow.
        let patience = ["--patience", "1.5"];
        let patience = if words.contains(&"--patience") { &[][..] } else { &patience };
        bincim(self.dir(), &[&common[..], patience, words].concat())
    }

    /// The same with `--json`, which must end with `code`.
    fn json(&self, board: &Simulated, words_of: &[&str], code: i32) -> Value {
        let output = self.run(board, &[words_of, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", words(&output));
        serde_json::from_slice(&output.stdout).expect("one JSON object")
    }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("readable")).expect("JSON")
}

/// The wrapper of `dir/d` with the line of `line.cpp`.
fn build(dir: &Path, top: &str) -> PathBuf {
    let rtl = dir.join("d/rtl");
    let list = fs::read_to_string(rtl.join("files.f")).expect("files.f");
    let mut files: Vec<PathBuf> = list.lines().map(PathBuf::from).collect();
    for folder in ["board", "verif/cells"] {
        let names = fs::read_dir(dir.join("d").join(folder)).expect("a folder").flatten().map(|e| e.path());
        files.extend(names.filter(|path| path.extension().is_some_and(|ending| ending == "v")));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardware/board/line.cpp");
    let model = verilator::build(&verilator::Build {
        files: &files,
        harness: &[source],
        top,
        cwd: &rtl,
        out: &dir.join("model"),
        trace: false,
        short: true,
        threads: 1,
        jobs: 2,
        args: &["--prefix".into(), "Vboard".into()],
        limit: None,
    })
    .expect("the wrapper builds");
    model.program
}

#[test]
fn every_score_comes_over_the_line_as_the_golden_model_has_it() {
    let Some(lab) = lab() else { return };
    let board = lab.board(&[]);
    let found = lab.json(&board, &["--images", "12", "--registers"], 0);
    let run = &found["run"];
    assert_eq!((run["images"].as_u64(), run["different"].as_u64()), (Some(12), Some(0)), "{found}");
    assert_eq!(run["cycles"], run["cycles_planned"]);
    assert!(run["correct"].as_u64().expect("labels") >= 10, "{found}");
    assert_eq!(found["baud"], 3_000_000, "the fastest that the converter holds");
    for count in ["again", "damaged", "refused", "silent", "resets"] {
        assert_eq!(found[count], 0, "{count} on a sound line: {found}");
    }
    let registers = &found["registers"];
    assert_eq!(registers["ID"], 0x4243_4D31);
    assert_eq!((&registers["FRAMES"], &registers["STATUS"]), (&Value::from(12), &Value::from(0)), "{found}");
    assert_eq!(registers["SESSION"], 1);
    let layers = read_json(&lab.dir().join("d/design.json"))["layers"].as_array().expect("layers").clone();
    for (index, layer) in layers.iter().enumerate() {
        assert_eq!(registers[format!("LAYER_CYCLES {index}")], layer["cycles"], "layer {index}");
    }
    // A second program finds the board as the first one left it.
    let text = lab.run(&board, &["--images", "3", "--window", "1"]);
    assert_eq!(text.status.code(), Some(0), "{}", words(&text));
    for said in ["every one equals the golden model's", "binding", "3000000 baud", "a frame, as planned"] {
        assert!(words(&text).contains(said), "no `{said}` in {}", words(&text));
    }
}

#[test]
fn lost_bytes_cost_time_and_nothing_else() {
    let Some(lab) = lab() else { return };
    // In a frame, in a flag between two, in a check sequence's neighbourhood; in a result and in a reply.
    for faults in [
        &["--lose-in", "400"][..],
        &["--lose-in", "66", "--lose-in", "900", "--lose-in", "901"],
        &["--lose-out", "145"],
        &["--lose-out", "20", "--lose-in", "1200"],
    ] {
        let board = lab.board(faults);
        let found = lab.json(&board, &["--images", "6"], 0);
        assert_eq!(found["run"]["different"], 0, "{faults:?}: {found}");
        let noticed =
            ["again", "damaged", "refused", "silent"].map(|name| found[name].as_u64().expect("a count"));
        assert!(noticed.iter().sum::<u64>() > 0, "{faults:?}: {found}");
    }
}

#[test]
fn a_reset_in_the_middle_is_begun_again() {
    let Some(lab) = lab() else { return };
    for at in ["420", "700"] {
        let board = lab.board(&["--reset-at", at]);
        let found = lab.json(&board, &["--images", "6"], 0);
        assert_eq!(found["run"]["different"], 0, "{found}");
        let noticed = ["again", "resets"].map(|name| found[name].as_u64().expect("a count"));
        assert!(noticed.iter().sum::<u64>() > 0, "at byte {at}: {found}");
    }
}

#[test]
fn a_wrong_rate_is_told_with_the_right_one() {
    let Some(lab) = lab() else { return };
    let board = lab.board(&[]);
    let output = lab.run(&board, &["--images", "2", "--rate", "115200", "--patience", "0.3"]);
    let said = words(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("serial::rate_wrong") && said.contains("3000000"), "{said}");
}

#[test]
fn a_bit_that_is_wrong_in_the_board_is_a_difference() {
    let Some(lab) = lab() else { return };
    let rtl = lab.dir().join("broken");
    fs::create_dir_all(&rtl).expect("a folder");
    for entry in fs::read_dir(lab.dir().join("d/rtl")).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut text = fs::read_to_string(entry.path()).expect("text");
        if name.contains("threshold") && name.ends_with(".hex") {
            text = text.lines().map(|line| format!("{}\n", "0".repeat(line.len()))).collect();
        }
        fs::write(rtl.join(name), text).expect("writable");
    }
    let board = lab.board_with(&rtl, &[]);
    let found = lab.json(&board, &["--images", "4"], 1);
    assert!(found["run"]["different"].as_u64() > Some(0), "{found}");
    let output = lab.run(&board, &["--images", "4"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("DIFFERENT"), "{}", words(&output));
}

#[test]
fn a_board_without_room_for_registers_gives_scores_alone() {
    if tools::need(Tool::Verilator).is_none() {
        return;
    }
    let lab = Lab::new("hx1k", "icestick");
    let board = lab.board(&[]);
    let text = lab.run(&board, &["--images", "5"]);
    assert_eq!(text.status.code(), Some(0), "{}", words(&text));
    for said in ["every one equals the golden model's", "a frame by the plan; this line does not reach"] {
        assert!(words(&text).contains(said), "no `{said}` in {}", words(&text));
    }
    let lossy = lab.board(&["--lose-in", "400"]);
    let found = lab.json(&lossy, &["--images", "12"], 0);
    assert_eq!(
        (&found["run"]["different"], &found["run"]["cycles"]),
        (&Value::from(0), &Value::Null),
        "{found}"
    );
    assert!(found["again"].as_u64() > Some(0), "{found}");
    let refused = lab.run(&board, &["--registers"]);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert!(words(&refused).contains("cli::no_registers"), "{}", words(&refused));
    // The Python driver says so too, instead of waiting for an answer.
    let Some(python) = python() else { return };
    for access in ["read('ID')", "write('PLANES', 1)"] {
        let script = format!(
            "import sys; sys.path.insert(0, 'd/host'); import bincim_board; \
             bincim_board.Board(sys.argv[1]).{access}"
        );
        let told = start(&python).args(["-c", &script, &board.port]).current_dir(lab.dir()).output();
        let told = told.expect("Python starts");
        assert!(!told.status.success() && words(&told).contains("frames alone"), "{}", words(&told));
    }
}

/// Weights that are drawn: every frame is told its seed, and what comes are the sums of its samples' scores.
#[test]
fn ensembles_run_on_the_board() {
    if tools::need(Tool::Verilator).is_none() {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let net = "[input]\nchannels = 1\nrows = 16\ncolumns = 16\ncode = \"bipolar\"\n[[layer]]\nkind = \"dense\"\noutputs = 16\n\
               [[layer]]\nkind = \"scores\"\noutputs = 10\n[train]\nepochs = 1\nbatch = 20\nmeasured = 100\nholdout = 0.1\n[bayes]\n";
    fs::write(root.path().join("net.toml"), net).expect("writable");
    for words_of in [
        &["glyphs", "--split", "train", "--count", "200", "-o", "train"][..],
        &["train", "net.toml", "--data", "train", "-o", "drawn.onnx"],
    ] {
        let output = bincim(root.path(), words_of);
        assert!(output.status.success(), "{}", words(&output));
    }
    let lab = Lab::of("up5k", "icebreaker", "drawn.onnx", root);
    let board = lab.board(&[]);
    let found = lab.json(&board, &["--images", "6", "--noise-seed", "77"], 0);
    assert_eq!((&found["run"]["images"], &found["run"]["different"]), (&6.into(), &0.into()), "{found}");
    let told = words(&lab.run(&board, &["--images", "1", "--registers"]));
    assert!(told.contains("SAMPLES") && told.contains("MODE"), "{told}");
}

#[test]
fn ports_that_are_busy_absent_or_mute_are_told_apart() {
    let Some(lab) = lab() else { return };
    let board = lab.board(&[]);
    let mut held = Uart::open(Path::new(&board.port), 3_000_000).expect("a free port");
    let busy = lab.run(&board, &["--images", "1"]);
    assert_eq!(busy.status.code(), Some(2), "{}", words(&busy));
    assert!(words(&busy).contains("serial::busy"), "{}", words(&busy));
    let second = Uart::open(Path::new(&board.port), 115_200).expect_err("held");
    assert!(matches!(second, SerialError::Busy { .. }), "{second}");
    let mut buffer = [0; 16];
    assert_eq!(held.receive(&mut buffer, Duration::from_millis(20)).expect("a port"), 0, "nothing was asked");
    drop(held);

    let absent =
        Simulated { child: start("/bin/true").spawn().expect("true"), port: "/dev/ttyNOWHERE9".into() };
    let output = lab.run(&absent, &["--images", "1"]);
    assert!(
        output.status.code() == Some(2) && words(&output).contains("serial::no_port"),
        "{}",
        words(&output)
    );
    // A board in a reset that never ends.
    let mute = lab.board(&["--lose-in", "1"]);
    start("kill").args(["-STOP", &mute.child.id().to_string()]).status().expect("kill");
    let output = lab.run(&mute, &["--images", "1", "--patience", "0.05"]);
    assert!(
        output.status.code() == Some(2) && words(&output).contains("serial::silent"),
        "{}",
        words(&output)
    );
}

/// The project's Python with pyserial; without it the test ends as one that did not run.
fn python() -> Option<PathBuf> {
    let candidates = std::env::var_os("BINCIM_PYTHON").map(PathBuf::from).into_iter();
    let given = std::env::var_os("BINCIM_TOOLS").map(PathBuf::from);
    let own = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools"));
    let venvs = [own, given].into_iter().flatten().map(|tools| tools.join("venv/bin/python"));
    let all = candidates.chain(venvs).chain([PathBuf::from("python3")]);
    let has = |python: &PathBuf| {
        let asked = start(python).args(["-c", "import serial; serial.Serial"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = all.into_iter().find(has);
    if found.is_none() {
        harness::not_run(harness::Lack::Tool, "Python with pyserial (`scripts/setup.sh test` brings it)");
    }
    found
}

/// What the driver makes of a chip's correction is what `infer` makes of it, halves and negative sums included, and a class
/// is that of the mean of the samples.
#[test]
fn the_python_driver_corrects_scores_as_infer_does() {
    let Some(python) = python() else { return };
    let correction = Correction { multipliers: vec![256, 0, 300, 1023], offsets: vec![0, -77, 19, -1000] };
    let script = "import json, sys, types; sys.path.insert(0, sys.argv[1]); import bincim_board as b; \
                  at = types.SimpleNamespace(facts={'result': json.loads(sys.argv[2])}); \
                  print(b.Board.decide(at, json.loads(sys.argv[3])))";
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/host");
    for scores in [[-7, 100, 1, 60], [0, 0, -1, -128], [5, 3, 250, 61], [60, 0, 51, 0], [61, 9, 52, 24]] {
        let facts = serde_json::json!({
            "correction": correction, "samples": 8, "rule": "argmax", "bits": false,
            "scale": [1.0, 1.0, 1.0, 1.0], "bias": [0.0, 6.0, 0.0, 0.0],
        });
        let words = [host.to_str().expect("a path"), &facts.to_string(), &format!("{scores:?}")];
        let output = start(&python).args(["-c", script]).args(words).output().expect("Python starts");
        let told = String::from_utf8_lossy(&output.stdout).trim().to_string();
        let mut expected = scores;
        correction.apply(&mut expected, 8);
        let mean = |class: usize| f64::from(expected[class]) / 8.0 + [0.0, 6.0, 0.0, 0.0][class];
        let best = (0..4).rev().max_by(|a, b| mean(*a).total_cmp(&mean(*b))).expect("a class");
        assert_eq!(told, best.to_string(), "{scores:?}: {expected:?}");
    }
}

#[test]
fn the_python_driver_gives_the_same_scores() {
    let Some(lab) = lab() else { return };
    let Some(python) = python() else { return };
    let driver = fs::read_to_string(lab.dir().join("d/host/bincim_board.py")).expect("a driver");
    assert!(driver.lines().count() < 160, "{} lines", driver.lines().count());
    let network = lab.dir().join("d/source");
    let model = fs::read_dir(network).expect("a folder").flatten().map(|entry| entry.path());
    let model =
        model.into_iter().find(|path| path.extension().is_some_and(|e| e == "onnx")).expect("a model");
    let golden = [
        "infer",
        model.to_str().expect("a path"),
        "--data",
        "data",
        "--images",
        "5",
        "--scores",
        "golden.csv",
    ];
    let output = bincim(lab.dir(), &golden);
    assert!(output.status.success(), "{}", words(&output));
    let golden = fs::read_to_string(lab.dir().join("golden.csv")).expect("scores");
    let images = fs::read(lab.dir().join("data/images-idx3-ubyte")).expect("glyphs");
    let size = images.len().saturating_sub(16) / 40;
    fs::write(lab.dir().join("images.raw"), &images[16..16 + 5 * size]).expect("writable");
    for faults in [&[][..], &["--lose-in", "500", "--lose-out", "90"], &["--reset-at", "650"]] {
        let board = lab.board(faults);
        let script = lab.dir().join("d/host/bincim_board.py");
        let output = start(&python)
            .arg(script)
            .args([&board.port, "images.raw", "1.5"])
            .current_dir(lab.dir())
            .output();
        let output = output.expect("Python starts");
        assert!(output.status.success(), "{faults:?}: {}", words(&output));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let told: Vec<Vec<&str>> = told.lines().map(|line| line.split(' ').collect()).collect();
        let wanted: Vec<Vec<&str>> = golden.lines().skip(1).map(|line| line.split(',').collect()).collect();
        let header: Vec<&str> = golden.lines().next().expect("a header").split(',').collect();
        let class = header.iter().position(|name| *name == "class").expect("a class");
        let scores: Vec<usize> = (0..header.len()).filter(|&at| header[at].starts_with("score")).collect();
        assert_eq!((told.len(), wanted.len()), (5, 5), "{told:?}");
        for (told, wanted) in told.iter().zip(&wanted) {
            let wanted: Vec<&str> = [class].iter().chain(&scores).map(|&at| wanted[at]).collect();
            assert_eq!(told, &wanted, "{faults:?}");
        }
    }
}
