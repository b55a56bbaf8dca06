//! Drawn chips from the command line: draw, classify, verify, and what is refused.

use super::*;
use std::fs;

const ARCH: &str = "
[array]
rows = 64
columns = 16
[activation]
word = 16
[readout]
kind = \"KIND\"
levels = 31
range = 60
rows_per_cycle = 8
edges_per_cycle = 10
[variation]
preset = \"c3sram\"
read_noise = 0
";

fn write_arch(dir: &Path, kind: &str) {
    fs::write(dir.join("arch.toml"), ARCH.replace("KIND", kind)).expect("writable");
}

fn draw(dir: &Path, seed: u32, chip: &str) -> Ran {
    let seed = seed.to_string();
    bincim(dir, &["draw", "MODEL", "--arch", "arch.toml", "--seed", &seed, "-o", chip, "--json"])
}

#[test]
fn one_seed_is_one_chip() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    write_arch(dir, "adc");
    let json = draw(dir, 3, "a").ends(0).json(&["chip", "seed", "subject", "arrays", "cells", "saturated"]);
    assert!(json["cells"].as_u64().expect("a number") >= 22_800, "{json}");
    draw(dir, 3, "b").ends(0);
    draw(dir, 4, "c").ends(0);
    let bytes = |name: &str| fs::read(dir.join(name)).expect("a chip");
    assert_eq!(bytes("a"), bytes("b"));
    assert_ne!(bytes("a"), bytes("c"));
    // Frozen wires come with what freezing costs.
    assert!(json["wires"].is_null(), "{json}");
    let text = fs::read_to_string(dir.join("arch.toml")).expect("readable");
    fs::write(dir.join("arch.toml"), text + "wires.row = 1e-4\nwires.column = 1e-4\n").expect("writable");
    let json = draw(dir, 3, "d").ends(0).json(&["wires"]);
    let number = |key: &str| json["wires"][key].as_f64().expect("a number");
    assert!(number("effect") > number("rms") && number("rms") > 0.0, "{json}");
    assert!(number("worst") >= number("rms") && number("residual") < 1e-12, "{json}");
}

/// Time and compensation of the command line are those of the file.
#[test]
fn a_chip_ages() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    write_arch(dir, "adc");
    let text = fs::read_to_string(dir.join("arch.toml")).expect("readable").replace("c3sram", "pcm");
    let file = |name: &str, more: &str| fs::write(dir.join(name), format!("{text}{more}")).expect("writable");
    file("arch.toml", "drift.nu = 0.06\n");
    file("year.toml", "drift.nu = 0.06\ndrift.time = 31536000\n");
    file("followed.toml", "drift.nu = 0.06\ndrift.time = 31536000\ndrift.compensate = true\n");
    let chip = |arch: &str, more: &[&str]| {
        let words = ["draw", "MODEL", "--arch", arch, "--seed", "3", "-o", "chip", "--json"];
        bincim(dir, &[&words[..], more].concat()).ends(0);
        fs::read(dir.join("chip")).expect("a chip")
    };
    let fresh = chip("arch.toml", &[]);
    let year = chip("arch.toml", &["--time", "1y"]);
    let followed = chip("arch.toml", &["--time", "365d", "--compensate"]);
    assert!(fresh != year && year != followed && fresh != followed);
    assert!(year == chip("year.toml", &[]) && followed == chip("followed.toml", &[]));
    assert_eq!(chip("year.toml", &["--time", "0s"]), fresh);
    let told = |arch: &str| bincim(dir, &["check", "MODEL", "--arch", arch]).ends(0).out;
    assert!(told("arch.toml").contains("no time passes") && told("year.toml").contains("31,536,000 s ago"));
}

#[test]
fn a_chip_of_another_machine_is_refused() {
    let root = with_glyphs(4);
    let dir = root.path();
    write_arch(dir, "adc");
    draw(dir, 1, "chip").ends(0);
    let text = fs::read_to_string(dir.join("arch.toml")).expect("readable");
    fs::write(dir.join("other.toml"), text.replace("range = 60", "range = 50")).expect("writable");
    let infer = |arch: &str, chip: &str| {
        bincim(dir, &["infer", "MODEL", "--data", "data", "--arch", arch, "--chip", chip])
    };
    infer("arch.toml", "chip").ends(0);
    infer("other.toml", "chip").refuses(&[
        "chip is no chip of this network and machine",
        "its cells and converters are those of another",
        "bincim draw",
    ]);
    let mut bytes = fs::read(dir.join("chip")).expect("a chip");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(dir.join("bent"), &bytes).expect("writable");
    infer("arch.toml", "bent").refuses(&["bent"]);
    write_arch(dir, "popcount");
    draw(dir, 1, "none").refuses(&["readout.kind"]);
    assert!(!dir.join("none").exists());
}

/// The same arrays with other widths: what wraps in the memories, and what was held to less than it could be.
#[test]
fn a_chip_of_other_widths_is_refused_wherever_it_is_read() {
    let root = with_glyphs(4);
    let dir = root.path();
    let arch = "[array]\nrows = 32\ncolumns = 4\n[activation]\nword = 8\n[readout]\nkind = \"adc\"\nlevels = 15\n\
                range = 20\ncell_bits = BITS\nnoise = NOISE\n[variation.gaussian]\nsigma = 0.9\n";
    let machines = [("c8", "8", "0.0"), ("c12", "12", "0.0"), ("n8", "8", "2.0")];
    for (name, bits, noise) in machines {
        let text = arch.replace("BITS", bits).replace("NOISE", noise);
        fs::write(dir.join(name).with_extension("toml"), text).expect("writable");
        let (arch, chip) = (format!("{name}.toml"), format!("{name}.bin"));
        bincim(dir, &["draw", "MODEL", "--arch", &arch, "-o", &chip]).ends(0);
    }
    bincim(dir, &["generate", "MODEL", "--arch", "c8.toml", "--chip", "c8.bin", "-o", "d"]).ends(0);
    let before = content(&dir.join("d"));
    let says = [
        "c12.bin is no chip",
        "held to 12 bits, the machine's have 8 bits (readout.cell_bits)",
        "the cell holds",
    ];
    for words in [
        &["infer", "MODEL", "--data", "data", "--arch", "c8.toml", "--chip", "c12.bin"][..],
        &["generate", "MODEL", "--arch", "c8.toml", "--chip", "c12.bin", "-o", "other"],
        &["verify", "d", "--data", "data", "--chip", "c12.bin"],
    ] {
        bincim(dir, words).refuses(&says);
    }
    // A chip in the folder itself is read the same way.
    fs::copy(dir.join("c12.bin"), dir.join("d/source/chip.bin")).expect("copied");
    bincim(dir, &["verify", "d", "--data", "data"]).refuses(&["chip.bin is no chip", says[1]]);
    fs::copy(dir.join("c8.bin"), dir.join("d/source/chip.bin")).expect("copied");
    let infer = |arch: &str, chip: &str| {
        bincim(dir, &["infer", "MODEL", "--data", "data", "--arch", arch, "--chip", chip])
    };
    infer("c12.toml", "c8.bin").refuses(&["held to 8 bits, the machine's have 12 bits"]);
    infer("c8.toml", "n8.bin").refuses(&["voltages were held to", "readout.noise"]);
    infer("n8.toml", "c8.bin").refuses(&["voltages were held to"]);
    infer("n8.toml", "n8.bin").ends(0);
    fs::remove_dir_all(dir.join("d/build")).ok();
    assert_eq!((content(&dir.join("d")), dir.join("other").exists()), (before, false));
}

#[test]
fn every_chip_is_reproduced_by_the_same_verilog() {
    if !present("chips", &[Tool::Verilator]) {
        return;
    }
    for kind in ["adc", "sense"] {
        let root = with_glyphs(4);
        let dir = root.path();
        write_arch(dir, kind);
        bincim(dir, &["generate", "MODEL", "--arch", "arch.toml", "-o", "d"]).ends(0);
        let verify = |more: &[&str]| {
            let words = ["verify", "d", "--data", "data", "--images", "4", "--json"];
            bincim(dir, &[&words[..], more].concat())
        };
        let ideal =
            verify(&[]).ends(0).json(&["images", "mismatches", "cycles_predicted", "cycles_measured"]);
        assert_eq!(ideal["mismatches"], 0);
        assert_eq!(ideal["cycles_predicted"], ideal["cycles_measured"]);
        for seed in 1..4 {
            draw(dir, seed, "chip").ends(0);
            assert_eq!(verify(&["--chip", "chip"]).ends(0).json(&[])["mismatches"], 0, "{kind}, chip {seed}");
        }
    }
}

/// Calibrated ranges are numbers in the file that is written, one a layer; chips follow, and the Verilog with them, with
/// noise in gates from the same seed that `infer` takes.
#[test]
fn calibrated_ranges_and_noise_go_all_the_way() {
    let root = with_glyphs(4);
    let dir = root.path();
    write_arch(dir, "adc");
    let text = fs::read_to_string(dir.join("arch.toml")).expect("readable");
    let text = text.replace("range = 60", "range = \"calibrated\"\nnoise = 0.7");
    fs::write(dir.join("arch.toml"), &text).expect("writable");
    bincim(dir, &["check", "MODEL", "--arch", "arch.toml"]).refuses(&["readout.range", "bincim calibrate"]);
    let calibrate = |rule: &str, to: &str| {
        let words =
            ["calibrate", "MODEL", "--arch", "arch.toml", "--data", "data", "--split", "test", "--rule"];
        bincim(dir, &[&words[..], &[rule, "-o", to, "--json"]].concat()).ends(0).json(&["images", "layers"])
    };
    let found = calibrate("percentile", "a.toml");
    calibrate("percentile", "b.toml");
    let bytes = |name: &str| fs::read(dir.join(name)).expect("a file");
    assert_eq!(bytes("a.toml"), bytes("b.toml"));
    let layers = found["layers"].as_array().expect("a list");
    for layer in layers {
        let (range, largest) = (layer["found"]["range"].as_f64(), layer["found"]["largest"].as_f64());
        assert!(range > Some(0.0) && range <= largest, "{layer}");
    }
    for layer in calibrate("granular", "g.toml")["layers"].as_array().expect("a list") {
        let step = layer["found"]["step"].as_f64().expect("a number");
        assert!(step >= 2.0 && step.log2().fract() == 0.0, "{layer}");
    }
    calibrate("least-error", "e.toml");
    let check = bincim(dir, &["check", "MODEL", "--arch", "a.toml", "--json"]).ends(0).json(&["noise"]);
    assert!((check["noise"]["sigma"].as_f64().expect("a number") - 0.7).abs() < 0.03, "{check}");
    // A range too few.
    let text = String::from_utf8(bytes("a.toml")).expect("text");
    let mut table = text.parse::<toml::Table>().expect("TOML");
    let ranges = table["readout"]["range"].as_array_mut().expect("numbers");
    assert_eq!(ranges.len(), layers.len());
    ranges.pop();
    fs::write(dir.join("short.toml"), table.to_string()).expect("writable");
    bincim(dir, &["check", "MODEL", "--arch", "short.toml"]).refuses(&[
        "readout.range",
        "5 layers",
        "bincim calibrate",
    ]);
    if !present("chips", &[Tool::Verilator]) {
        return;
    }
    bincim(dir, &["draw", "MODEL", "--arch", "a.toml", "--seed", "5", "-o", "chip"]).ends(0);
    bincim(dir, &["generate", "MODEL", "--arch", "a.toml", "-o", "d"]).ends(0);
    for seed in ["1", "4294967295"] {
        let words =
            ["verify", "d", "--data", "data", "--images", "4", "--chip", "chip", "--noise-seed", seed];
        assert_eq!(bincim(dir, &[&words[..], &["--json"]].concat()).ends(0).json(&[])["mismatches"], 0);
    }
}

/// Raw currents beside a digitised reference column: ranges of two ends for them, a drawn chip, and its Verilog.
#[test]
fn two_ends_and_a_reference_column_go_all_the_way() {
    let root = with_glyphs(4);
    let dir = root.path();
    let text =
        ARCH.replace("KIND", "adc").replace("range = 60", "range = \"calibrated\"\nreference = \"column\"");
    let physics = "[variation.cell]\nkind = \"offset\"\n[variation.gaussian]\nsigma = 0.03\n";
    let text = text.replace("[variation]\npreset = \"c3sram\"\nread_noise = 0\n", physics);
    fs::write(dir.join("arch.toml"), text).expect("writable");
    let words =
        ["calibrate", "MODEL", "--arch", "arch.toml", "--data", "data", "--split", "test", "-o", "a.toml"];
    let found = bincim(dir, &[&words[..], &["--rule", "ends", "--json"]].concat()).ends(0).json(&["layers"]);
    let written =
        fs::read_to_string(dir.join("a.toml")).expect("readable").parse::<toml::Table>().expect("TOML");
    let ranges = written["readout"]["range"].as_array().expect("pairs");
    let layers = found["layers"].as_array().expect("a list");
    assert_eq!(ranges.len(), layers.len());
    for (pair, layer) in ranges.iter().zip(layers) {
        let ends = [pair[0].as_float(), pair[1].as_float()];
        assert_eq!(ends, [layer["found"]["low"].as_f64(), layer["found"]["range"].as_f64()]);
        assert!(ends[0] < ends[1], "{layer}");
    }
    let check = bincim(dir, &["check", "MODEL", "--arch", "a.toml"]).ends(0);
    assert!(check.out.contains("one more column"), "{}", check.out);
    bincim(dir, &["draw", "MODEL", "--arch", "a.toml", "--seed", "5", "-o", "chip"]).ends(0);
    let infer = ["infer", "MODEL", "--data", "data", "--arch", "a.toml", "--chip", "chip", "--json"];
    bincim(dir, &infer).ends(0).json(&["accuracy"]);
    if !present("chips", &[Tool::Verilator]) {
        return;
    }
    bincim(dir, &["generate", "MODEL", "--arch", "a.toml", "-o", "d"]).ends(0);
    let verify = ["verify", "d", "--data", "data", "--images", "4", "--chip", "chip", "--json"];
    assert_eq!(bincim(dir, &verify).ends(0).json(&[])["mismatches"], 0);
}

/// One data set `both` of a test part, `data`, and a training part.
fn both(dir: &Path, train: &str) {
    fs::create_dir(dir.join("both")).expect("a new folder");
    for (from, part) in [("data", "test"), (train, "train")] {
        for what in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
            let to = dir.join("both").join(format!("{part}-{what}"));
            fs::copy(dir.join(from).join(what), to).expect("copied");
        }
    }
}

/// Thresholds found anew stand in the chip's file: `infer` then gives what `vary` gave for the same chip, and the Verilog's
/// memory holds them.
#[test]
fn thresholds_of_a_chip_go_all_the_way() {
    let root = with_glyphs(40);
    let dir = root.path();
    bincim(dir, &["glyphs", "--split", "train", "--count", "150", "-o", "more"]).ends(0);
    both(dir, "more");
    write_arch(dir, "adc");
    let text = fs::read_to_string(dir.join("arch.toml")).expect("readable");
    let text = text.replace("read_noise = 0", "read_noise = 0.5\ncolumn.offset = 3.0");
    fs::write(dir.join("arch.toml"), text.replace("rows_per_cycle", "noise = 0.5\nrows_per_cycle"))
        .expect("writable");
    let draw = |chip: &str, more: &[&str]| {
        let words = ["draw", "MODEL", "--arch", "arch.toml", "--seed", "7", "-o", chip];
        bincim(dir, &[&words[..], more].concat())
    };
    draw("none", &["--recalibrate", "150"]).refuses(&["--data"]);
    draw("none", &["--recalibrate", "151", "--data", "both"]).refuses(&["150 training images"]);
    let told = draw("own", &["--recalibrate", "150", "--data", "both", "--json"]).ends(0).json(&["cells"]);
    assert!(told["thresholds_moved"].as_u64() > Some(10), "{told}");
    draw("plain", &[]).ends(0);
    let vary = |more: &[&str]| {
        let words = ["vary", "MODEL", "--arch", "arch.toml", "--data", "both", "--chips", "1", "--seed", "7"];
        let told = bincim(dir, &[&words[..], &["--json"], more].concat()).ends(0).json(&["accuracy_mean"]);
        told["accuracy_mean"].as_f64().expect("a number")
    };
    let infer = |chip: &str| {
        let words =
            ["infer", "MODEL", "--arch", "arch.toml", "--data", "both", "--noise-seed", "7", "--json"];
        let told = bincim(dir, &[&words[..], &["--chip", chip]].concat()).ends(0).json(&["accuracy"]);
        told["accuracy"].as_f64().expect("a number")
    };
    let (plain, own) = (infer("plain"), infer("own"));
    assert_eq!((plain, own), (vary(&[]), vary(&["--recalibrate", "150"])));
    assert!(own > plain, "{plain} to {own}");
    let read = |chip: &str| {
        bincim::variation::Chip::read_from(&fs::read(dir.join(chip)).expect("a chip")).expect("a chip")
    };
    let mut other = read("own");
    assert_eq!(bincim::variation::Chip { thresholds: None, ..read("own") }, read("plain"));
    other.thresholds.as_mut().expect("its own").replace = "00".repeat(32);
    fs::write(dir.join("other"), other.write_to()).expect("writable");
    bincim(dir, &["infer", "MODEL", "--arch", "arch.toml", "--data", "both", "--chip", "other"]).refuses(&[
        "other is no chip",
        "its thresholds were found for a network with others",
        "--recalibrate",
    ]);
    for chip in ["own", "plain"] {
        let words = ["generate", "MODEL", "--arch", "arch.toml", "--chip", chip, "-o"];
        bincim(dir, &[&words[..], &[&format!("d_{chip}")]].concat()).ends(0);
    }
    let memory =
        |of: &str| fs::read_to_string(dir.join(of).join("rtl/bincim_thresholds.hex")).expect("a memory");
    assert_ne!(memory("d_own"), memory("d_plain"));
    if !present("chips", &[Tool::Verilator]) {
        return;
    }
    for more in [&[][..], &["--chip", "plain"]] {
        let words = ["verify", "d_own", "--data", "both", "--images", "4", "--json"];
        assert_eq!(bincim(dir, &[&words[..], more].concat()).ends(0).json(&[])["mismatches"], 0);
    }
}

/// Cells that are drawn as they are read: chips of one age and another, classified, and the Verilog with one in its memory;
/// what such a machine does not do is refused by name.
#[test]
fn cells_are_drawn_as_they_are_read() {
    let root = with_glyphs(40);
    let dir = root.path();
    bincim(dir, &["glyphs", "--split", "train", "--count", "200", "-o", "train"]).ends(0);
    let net = "[input]\nchannels = 1\nrows = 16\ncolumns = 16\ncode = \"bipolar\"\n[[layer]]\nkind = \"dense\"\noutputs = 16\n\
               [[layer]]\nkind = \"scores\"\noutputs = 10\n[train]\nepochs = 1\nbatch = 20\nmeasured = 100\nholdout = 0.1\n\
               [bayes]\nlayers = [2]\n";
    fs::write(dir.join("net.toml"), net).expect("writable");
    bincim(dir, &["train", "net.toml", "--data", "train", "-o", "drawn.onnx"]).ends(0);
    let arch = "[array]\nrows = 64\ncolumns = 16\n[activation]\nword = 16\n[weights]\nrows_per_cycle = 16\n[readout]\n\
                kind = \"sample\"\nrows_per_cycle = 8\n[ensemble]\nsamples = 3\n[variation]\n";
    let devices = "programming.scale = 1.0\ndraws.noise = 0.12\ndraws.mismatch = 0.02\n";
    fs::write(dir.join("a.toml"), arch.to_string() + devices).expect("writable");
    let draw = |chip: &str, more: &[&str]| {
        let words = ["draw", "drawn.onnx", "--arch", "a.toml", "--seed", "5", "--json", "-o", chip];
        bincim(dir, &[&words[..], more].concat()).ends(0).json(&["gains", "assumptions"])
    };
    let gain = |told: &serde_json::Value| told["gains"][0][1].as_f64().expect("a gain");
    assert_eq!(gain(&draw("new", &[])), 1.0);
    assert_eq!(gain(&draw("old", &["--time", "1y"])), 1.0);
    let told = draw("followed", &["--time", "1y", "--compensate"]);
    assert!(gain(&told) > 1.1 && told["gains"].as_array().expect("layers").len() == 1, "{told}");
    assert!(told["assumptions"][0].as_str().expect("a text").contains("white"), "{told}");
    let bytes = |chip: &str| fs::read(dir.join(chip)).expect("a chip");
    assert!(bytes("new") != bytes("old") && bytes("old") != bytes("followed"));
    let infer = |more: &[&str]| {
        let words = ["infer", "drawn.onnx", "--arch", "a.toml", "--data", "data", "--json", "--metrics"];
        bincim(dir, &[&words[..], more].concat()).ends(0).json(&["accuracy", "sampling", "samples"])
    };
    let found = infer(&["--chip", "old"]);
    assert_eq!((&found["sampling"], &found["samples"]), (&"read".into(), &3.into()));
    assert_eq!(found["metrics"]["ensemble"].as_array().map(Vec::len), Some(3), "{found}");
    assert_eq!(infer(&["--mode"])["samples"], 1);
    // A line a class brings the scores of an old chip to those of one without errors.
    let told = draw("bent", &["--time", "1y", "--correct", "100", "--data", "train"]);
    assert_eq!(told["corrected_on"], 100);
    assert_eq!(told["correction"]["offsets"].as_array().map(Vec::len), Some(10), "{told}");
    let words =
        ["draw", "drawn.onnx", "--arch", "a.toml", "--correct", "9", "--data", "train", "-o", "lines"];
    assert!(bincim(dir, &words).ends(0).out.contains(" z "), "no line of a class");
    let bent = infer(&["--chip", "bent"]);
    let plain = infer(&["--chip", "bent", "--without-correction"]);
    assert_eq!((&bent["corrected"], &plain["corrected"]), (&true.into(), &false.into()));
    assert_eq!(plain["metrics"], found["metrics"]);
    assert_ne!(bent["metrics"]["plain"]["nll"], plain["metrics"]["plain"]["nll"]);
    let correct = ["draw", "drawn.onnx", "--arch", "a.toml", "-o", "none", "--correct"];
    bincim(dir, &[&correct[..], &["201", "--data", "train"]].concat())
        .refuses(&["--correct 201", "200 training images"]);
    bincim(dir, &[&correct[..], &["9"]].concat()).refuses(&["--data"]);
    // A run over chips has what single chips give, each with its seed for the noise, whatever the threads.
    let vary = |more: &[&str]| {
        let words =
            ["vary", "drawn.onnx", "--arch", "a.toml", "--data", "data", "--seed", "5", "--chips", "2"];
        bincim(dir, &[&words[..], more].concat())
    };
    fs::write(
        dir.join("years.toml"),
        fs::read_to_string(dir.join("a.toml")).expect("a file") + "drift.time = 31536000.0\n",
    )
    .expect("writable");
    let aged = ["--arch", "years.toml", "-o"];
    both(dir, "train");
    for (run, more, chip, correction) in [
        ("runs", &["--threads", "1"][..], "old", &["--without-correction"][..]),
        ("corrected", &["--correct", "100", "--threads", "2"], "bent", &[]),
    ] {
        let words = ["vary", "drawn.onnx", "--data", "both", "--seed", "5", "--chips", "3", "--json"];
        let found = bincim(dir, &[&words[..], &aged, &[run], more].concat()).ends(0);
        let found = found.json(&["probabilities", "corrected_on"]);
        let chips = fs::read_to_string(dir.join(run).join("chips.jsonl")).expect("chips");
        let first: serde_json::Value =
            serde_json::from_str(chips.lines().next().expect("a chip")).expect("a record");
        let alone = infer(&[&["--chip", chip, "--noise-seed", "5"][..], correction].concat());
        let plain = &alone["metrics"]["plain"];
        assert_eq!(first["correct"], alone["correct"], "{run}");
        for (key, figure) in [("nll", "nll"), ("ece", "ece"), ("brier", "brier")] {
            let millionths = (1e6 * plain[figure].as_f64().expect("a number")).round() as u64;
            assert_eq!(first["calibration"][key], millionths, "{run}, {key}");
        }
        assert!(found["probabilities"]["nll"]["std"].as_f64() > Some(0.0), "{found}");
    }
    vary(&["--flips"]).refuses(&["--flips", "readout.kind"]);
    vary(&["--recalibrate", "9"]).refuses(&["--recalibrate", "--correct"]);
    let told =
        vary(&["--sweep", "variation.drift.time=0,86400,31536000", "--each", "-o", "swept"]).ends(0).out;
    assert!(told.matches("NLL").count() >= 6 && told.contains("variation.draws.mismatch"), "{told}");
    let page = fs::read_to_string(dir.join("swept/report.html")).expect("a page");
    assert!(page.contains("Log-likelihood over") && page.contains("Calibration over"));
    bincim(dir, &["check", "MODEL", "--arch", "a.toml"]).refuses(&["readout.kind", "flip code"]);
    fs::write(dir.join("still.toml"), arch).expect("writable");
    let aged = ["draw", "drawn.onnx", "--arch", "still.toml", "--time", "1y", "-o", "none"];
    bincim(dir, &aged).refuses(&["variation.draws.noise", "0.12"]);
    let wide =
        arch.replace("rows_per_cycle = 8", "rows_per_cycle = 64").replace("columns = 16", "columns = 64");
    fs::write(dir.join("wide.toml"), wide).expect("writable");
    bincim(dir, &["check", "drawn.onnx", "--arch", "wide.toml"]).refuses(&["readout.rows_per_cycle", "768"]);
    if !present("chips", &[Tool::Verilator]) {
        return;
    }
    bincim(dir, &["generate", "drawn.onnx", "--arch", "a.toml", "--chip", "new", "-o", "d"]).ends(0);
    for more in [&[][..], &["--chip", "followed"]] {
        let words = ["verify", "d", "--data", "data", "--images", "4", "--json"];
        assert_eq!(bincim(dir, &[&words[..], more].concat()).ends(0).json(&[])["mismatches"], 0);
    }
}
