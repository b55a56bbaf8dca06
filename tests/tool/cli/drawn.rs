//! Weights that are drawn, from outside: trained, told of, and refused where nothing draws them.

use super::*;
use std::fs;

/// A network that trains in a second, whose last two layers are drawn.
const NET: &str = r#"
[input]
channels = 1
rows = 16
columns = 16
[[layer]]
kind = "dense"
outputs = 32
[[layer]]
kind = "dense"
outputs = 24
[[layer]]
kind = "scores"
outputs = 10
[train]
epochs = 10
batch = 20
rate = 0.02
measured = 200
"#;

#[test]
fn drawn_weights_are_trained_and_honoured_or_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    let bayes = "[bayes]\nrate = 0.1\nsamples = 4\n";
    fs::write(dir.join("point.toml"), NET).expect("writable");
    fs::write(dir.join("net.toml"), format!("{NET}{bayes}")).expect("writable");
    for (split, count) in [("train", "400"), ("test", "100")] {
        bincim(dir, &["glyphs", "--split", split, "--count", count, "-o", split]).ends(0);
    }
    let train = |net: &str, more: &[&str]| {
        bincim(dir, &[&["train", net, "--data", "train", "--test", "test"], more].concat())
    };
    let ran = train("net.toml", &["-o", "drawn.onnx", "--json"]).ends(0);
    assert!(ran.err.contains("4 drawn networks together"), "{}", ran.err);
    let view = ran.json(&["correct", "ensemble_correct", "drawn_weights", "samples", "history"]);
    assert_eq!((view["drawn_weights"].as_u64(), view["samples"].as_u64()), (Some(24 * 32 + 240), Some(4)));
    for key in ["correct", "ensemble_correct"] {
        assert!(view[key].as_u64().is_some_and(|right| right > 20), "{key}: {}", ran.out);
    }
    let last = view["history"].as_array().and_then(|epochs| epochs.last()).expect("epochs");
    assert_eq!(last["ensemble_accuracy"].as_f64(), view["ensemble_correct"].as_f64().map(|n| n / 100.0));

    // Two stages, and no way back to a point estimate that nobody asked for.
    train("net.toml", &["--start", "drawn.onnx", "-o", "second.onnx"]).ends(0);
    train("point.toml", &["--start", "drawn.onnx", "-o", "point.onnx"]).refuses(&[
        "train::start",
        "drawn.onnx",
        "flip codes",
        "[bayes]",
    ]);
    train("point.toml", &["-o", "point.onnx", "--json"]).ends(0);
    let view = fs::read_to_string(dir.join("point.train.json")).expect("a record");
    assert!(!view.contains("drawn") && !view.contains("ensemble"), "{view}");

    let checked = bincim(dir, &["check", "drawn.onnx"]).ends(0).out;
    for word in ["layer 1: weights are drawn by 4 bits, ", " of 768 can flip", "layer 2: weights are drawn"] {
        assert!(checked.contains(word), "no `{word}` in:\n{checked}");
    }

    // The machine draws them, and `check` tells what samples cost; a frame of more of them takes a layer's run more each.
    fs::write(dir.join("three.toml"), "[array]\nrows = 32\ncolumns = 8\n[ensemble]\nsamples = 3\n")
        .expect("writable");
    let checked = bincim(dir, &["check", "drawn.onnx", "--arch", "three.toml", "--json"]).ends(0);
    let view = checked.json(&["ensemble", "cycles"]);
    let cycles: Vec<u64> =
        view["ensemble"]["cycles"].as_array().into_iter().flatten().filter_map(|n| n.as_u64()).collect();
    assert_eq!((cycles.len(), cycles.last()), (3, view["cycles"].as_u64().as_ref()), "{view}");
    assert_eq!(cycles[2] - cycles[1], cycles[1] - cycles[0]);
    bincim(dir, &["generate", "drawn.onnx", "--arch", "three.toml", "-o", "design"]).ends(0);
    let codes = fs::read_to_string(dir.join("design/rtl/bincim_flips.hex")).expect("the flip codes");
    assert!(codes.lines().any(|line| line.chars().any(|digit| digit != '0')));

    // Arrays that hold their weights cannot draw them.
    let analog = "[array]\nrows = 64\ncolumns = 32\n[activation]\nword = 32\n[readout]\nkind = \"adc\"\nlevels = 15\n\
                  [variation]\npreset = \"c3sram\"\n";
    fs::write(dir.join("analog.toml"), analog).expect("writable");
    let verbs: [&[&str]; 3] = [
        &["draw", "drawn.onnx", "--arch", "analog.toml", "-o", "chip"],
        &["calibrate", "drawn.onnx", "--arch", "analog.toml", "--data", "train", "-o", "calibrated.toml"],
        &["vary", "drawn.onnx", "--arch", "analog.toml", "--data", "test", "--chips", "2", "-o", "mc"],
    ];
    for words in verbs {
        bincim(dir, words).refuses(&[
            "dense2",
            "the popcount readout and \"sample\" draw them",
            "flip codes",
        ]);
        assert!(!dir.join(words[words.len() - 1]).exists(), "{words:?}");
    }
}

#[test]
fn bad_keys_are_refused_by_name_at_once() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let bayes = "[bayes]\nbits = 9\nlayers = [1, \"dense7\"]\nkl = -1.0\n";
    fs::write(root.path().join("net.toml"), format!("{NET}{bayes}")).expect("writable");
    bincim(root.path(), &["train", "net.toml", "--data", "glyphs", "-o", "n.onnx"]).refuses(&[
        "bayes.bits: 9: give 2 to 8 bits",
        "bayes.layers: 1: the machine repeats",
        "\"dense7\" is no layer",
        "bayes.kl: -1",
    ]);
    fs::write(root.path().join("net.toml"), format!("{NET}[bayes]\nbit = 4\n")).expect("writable");
    bincim(root.path(), &["train", "net.toml", "--data", "glyphs", "-o", "n.onnx"]).refuses(&["bit"]);
}
