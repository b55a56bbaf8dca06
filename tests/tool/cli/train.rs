//! `bincim train` from outside: what it writes, what it refuses, and what a killed run leaves.

use super::*;
use std::fs;
use std::process::Stdio;

/// A network that trains in a second.
const NET: &str = r#"
[input]
channels = 1
rows = 16
columns = 16
[[layer]]
kind = "conv"
outputs = 8
kernel = 3
stride = 2
pool = 2
[[layer]]
kind = "dense"
outputs = 24
[[layer]]
kind = "scores"
outputs = 10
[train]
epochs = 6
batch = 20
measured = 200
[augment]
shift = 1
"#;

/// A folder with a training file, 400 training and 100 test glyphs.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::write(root.path().join("net.toml"), NET).expect("writable");
    for (split, count) in [("train", "400"), ("test", "100")] {
        bincim(root.path(), &["glyphs", "--split", split, "--count", count, "-o", split]).ends(0);
    }
    root
}

const TRAIN: [&str; 6] = ["train", "net.toml", "--data", "train", "--test", "test"];

fn train(dir: &Path, more: &[&str]) -> Ran {
    bincim(dir, &[&TRAIN[..], more].concat())
}

#[test]
fn a_model_its_record_and_its_curves_are_written() {
    let root = folder();
    let dir = root.path();
    let ran = train(dir, &["-o", "a.onnx", "--json", "--threads", "1"]).ends(0);
    let view = ran.json(&["network", "correct", "accuracy", "history", "model_sha256"]);
    assert_eq!(view["history"].as_array().expect("a list").len(), 6);
    assert!(ran.err.contains("epoch 6/6: loss"), "{}", ran.err);
    let left = ["a.onnx", "a.svg", "a.train.json", "net.toml", "test", "train"];
    assert_eq!(names(dir), left);
    let infer = bincim(dir, &["infer", "a.onnx", "--data", "test", "--json"]).ends(0);
    assert_eq!(infer.json(&["correct"])["correct"], view["correct"]);
    bincim(dir, &["check", "a.onnx"]).ends(0);
    let model = fs::read(dir.join("a.onnx")).expect("a model");
    // Other threads and another name: the name is inside, so the name is given.
    train(dir, &["-o", "a.onnx"]).refuses(&["a.onnx exists", "--force"]);
    train(dir, &["-o", "a.onnx", "--force", "--threads", "3"]).ends(0);
    assert_eq!(fs::read(dir.join("a.onnx")).expect("a model"), model, "threads change the bytes");
    train(dir, &["-o", "a.onnx", "--force", "--seed", "2"]).ends(0);
    assert_ne!(fs::read(dir.join("a.onnx")).expect("a model"), model, "the seed changes nothing");
    assert_eq!(names(dir), left);
}

#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    let root = folder();
    let dir = root.path();
    fs::write(dir.join("net.toml"), NET.replace("epochs = 6", "epochs = 30")).expect("writable");
    train(dir, &["-o", "net.onnx"]).ends(0);
    let whole = fs::read(dir.join("net.onnx")).expect("a model");
    let record = fs::read(dir.join("net.train.json")).expect("a record");
    for file in ["net.onnx", "net.train.json", "net.svg"] {
        fs::remove_file(dir.join(file)).expect("a file");
    }
    let mut command = program(dir);
    command.args(TRAIN).args(["-o", "net.onnx"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let checkpoint = dir.join("net.checkpoint");
    while !checkpoint.exists() && child.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let killed = child.kill().is_ok() && !child.wait().expect("a child").success();
    assert!(killed, "the training was over before it could be killed");
    assert!(!dir.join("net.onnx").exists());
    let kept = fs::read(&checkpoint).expect("a checkpoint");
    // Nothing may be lost by starting again without a thought.
    train(dir, &["-o", "net.onnx"]).refuses(&["net.checkpoint", "--resume"]);
    let other = NET.replace("epochs = 6", "epochs = 31");
    fs::write(dir.join("other.toml"), other).expect("writable");
    let words = ["train", "other.toml", "--data", "train", "--test", "test", "-o", "net.onnx", "--resume"];
    bincim(dir, &words).refuses(&["net.checkpoint", "another training", "epochs: 31"]);
    fs::write(&checkpoint, &kept[..kept.len() - 7]).expect("writable");
    train(dir, &["-o", "net.onnx", "--resume"]).refuses(&[
        "net.checkpoint",
        "cut short or damaged",
        "delete it",
    ]);
    fs::write(&checkpoint, &kept).expect("writable");
    train(dir, &["-o", "net.onnx", "--resume"]).ends(0);
    assert_eq!(fs::read(dir.join("net.onnx")).expect("a model"), whole);
    assert_eq!(fs::read(dir.join("net.train.json")).expect("a record"), record);
    assert!(!checkpoint.exists());
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let root = folder();
    let dir = root.path();
    let refuses = |from: &str, to: &str, says: &[&str]| {
        assert!(NET.contains(from), "{from}");
        fs::write(dir.join("net.toml"), NET.replacen(from, to, 1)).expect("writable");
        train(dir, &["-o", "net.onnx"]).refuses(says);
    };
    refuses("epochs", "epoch", &["net.toml", "unknown field", "epoch", "recipe::bad_toml"]);
    refuses("[input]", "[input", &["net.toml", "recipe::bad_toml", "line 2"]);
    refuses("rows = 16", "rows = 15", &["net.toml", "1x15x16", "1x16x16", "[input]"]);
    refuses("batch = 20\nmeasured = 200", "batch = 401", &["400 training images", "batch of 401"]);
    refuses("outputs = 10", "outputs = 9", &["label 9", "9 scores", "number of classes"]);
    refuses("kernel = 3", "kernel = 9\npad = 20", &["layer 1 ('conv1')", "kernel = 9", "pad = 20"]);
    refuses("pool = 2", "pool = 16", &["pool = 16", "conv1"]);
    fs::write(dir.join("net.toml"), NET).expect("writable");
    train(dir, &["-o", "net.onnx", "--resume"]).refuses(&["no net.checkpoint", "without --resume"]);
    train(dir, &["-o", "net.bin"]).refuses(&["net.bin", ".onnx"]);
    train(dir, &["-o", "net.onnx", "--images", "401"]).refuses(&["--images 401", "400 training images"]);
    bincim(dir, &["train", "none.toml", "--data", "train", "-o", "net.onnx"]).refuses(&["none.toml"]);
    bincim(dir, &["train", "net.toml", "--data", "none", "-o", "net.onnx"]).refuses(&["none"]);
    bincim(dir, &["train", "net.toml", "--data", "train", "-o", "net.onnx"]).refuses(&[
        "train",
        "no test part",
        "--test",
        "holdout",
    ]);
    fs::rename(dir.join("test/labels-idx1-ubyte"), dir.join("test/labels")).expect("a file");
    train(dir, &["-o", "net.onnx"]).refuses(&["test", "no labels"]);
    assert_eq!(names(dir), ["net.toml", "test", "train"], "a refused run left something");
}

#[test]
fn a_part_is_kept_apart_on_request() {
    let root = folder();
    let dir = root.path();
    fs::write(dir.join("net.toml"), NET.replace("epochs = 6", "epochs = 1\nholdout = 0.1"))
        .expect("writable");
    let words = ["train", "net.toml", "--data", "train", "-o", "net.onnx", "--json"];
    let view = bincim(dir, &words).ends(0).json(&["train_images", "test_images"]);
    assert_eq!((view["train_images"].as_u64(), view["test_images"].as_u64()), (Some(360), Some(40)));
    train(dir, &["-o", "other.onnx"]).refuses(&["train.holdout", "--test"]);
}

#[test]
fn a_disk_that_is_full_is_told_and_leaves_nothing() {
    let root = folder();
    let words = "train net.toml --data train --test test -o net.onnx";
    let script = format!("trap '' XFSZ; ulimit -f 8; exec $BINCIM {words}");
    shell(root.path(), &script).refuses(&["net.checkpoint", "File too large"]);
    assert_eq!(names(root.path()), ["net.toml", "test", "train"]);
}

#[test]
fn the_schema_names_every_key() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let schema = bincim(root.path(), &["schema", "--train"]).ends(0).json(&["properties"]);
    let text = schema.to_string();
    for key in ["label_smoothing", "pad_value", "holdout", "reste", "bipolar"] {
        assert!(text.contains(key), "{key}");
    }
}

#[test]
fn a_machine_is_trained_on_if_its_arrays_are_analog() {
    let root = folder();
    let dir = root.path();
    let text = NET.replace("epochs = 6", "epochs = 1") + "[variation]\narch = \"arch.toml\"\n";
    fs::write(dir.join("net.toml"), text).expect("writable");
    train(dir, &["-o", "net.onnx"]).refuses(&["arch.toml", "bincim new"]);
    let array = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n";
    fs::write(dir.join("arch.toml"), array).expect("writable");
    train(dir, &["-o", "net.onnx"]).refuses(&["arch.toml", "popcount", "train::no_analog"]);
    let column = "[readout]\nkind = \"adc\"\nreference = \"column\"\n[variation.cell]\nkind = \"offset\"\n";
    fs::write(dir.join("arch.toml"), format!("{array}{column}")).expect("writable");
    train(dir, &["-o", "net.onnx"]).refuses(&["arch.toml", "readout.reference", "train::reference_column"]);
    let analog = "[readout]\nkind = \"adc\"\nlevels = 9\nrange = 16\nrows_per_cycle = 4\n";
    let errors = "[variation.gaussian]\nsigma = 0.1\n";
    fs::write(dir.join("arch.toml"), format!("{array}{analog}{errors}")).expect("writable");
    train(dir, &["-o", "net.onnx"]).ends(0);
    let words = ["vary", "net.onnx", "--arch", "arch.toml", "--data", "test", "--chips", "2", "--json"];
    bincim(dir, &words).ends(0).json(&["accuracy_mean"]);
}

/// Supports on a base, from training to Verilog: the same integers for every number of planes, in fewer cycles.
#[test]
fn trained_supports_run_in_verilog_for_every_number_of_planes() {
    if !present("train", &[Tool::Verilator]) {
        return;
    }
    let root = folder();
    let dir = root.path();
    let short = NET.replace("epochs = 6", "epochs = 2");
    fs::write(dir.join("net.toml"), &short).expect("writable");
    train(dir, &["-o", "base.onnx", "--latent"]).ends(0);
    let supports = "[supports]\nscales = [0.5]\nfrozen = true\ndrop = 0.4\ndrop_taps = 16\n";
    fs::write(dir.join("net.toml"), format!("{short}{supports}")).expect("writable");
    train(dir, &["-o", "net.onnx"]).refuses(&["net.toml", "supports.frozen", "--start"]);
    train(dir, &["-o", "net.onnx", "--start", "net.toml"])
        .refuses(&["net.toml cannot start", "no ONNX model"]);
    let made = train(dir, &["-o", "net.onnx", "--start", "base.onnx", "--json"]).ends(0);
    let made = made.json(&["supports", "supports_left_out"]);
    assert!(made["supports_left_out"].as_u64() > Some(0), "{made}");
    let array = "[array]\nrows = 16\ncolumns = 8\n[activation]\nword = 8\n";
    fs::write(dir.join("arch.toml"), array).expect("writable");
    bincim(dir, &["generate", "net.onnx", "--arch", "arch.toml", "-o", "d"]).ends(0);
    let cycles = ["1", "2"].map(|planes| {
        let words = ["verify", "d", "--data", "test", "--images", "5", "--planes", planes, "--json"];
        let ran = bincim(dir, &words).ends(0).json(&["mismatches", "cycles_predicted", "cycles_measured"]);
        assert_eq!(ran["mismatches"], 0);
        assert_eq!(ran["cycles_predicted"], ran["cycles_measured"]);
        ran["cycles_measured"].as_u64().expect("a number")
    });
    assert!(cycles[0] < cycles[1], "{cycles:?}");
}
