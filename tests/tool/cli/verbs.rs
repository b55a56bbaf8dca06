//! What each verb answers where everything is right, and the answer "no".

use super::*;
use std::fs;
use std::process::Stdio;

#[test]
fn a_project_is_started_checked_and_classified() {
    let root = with_glyphs(64);
    let dir = root.path();
    let started = bincim(dir, &["new", "project"]).ends(0);
    assert!(started.out.contains("next: bincim check project/glyphs.onnx") && started.err.is_empty());
    assert_eq!(names(&dir.join("project")), ["arch.toml", "glyphs.onnx"]);

    let arch = ["--arch", "project/arch.toml"];
    let checked = bincim(dir, &[&["check", "project/glyphs.onnx", "--json"][..], &arch].concat()).ends(0);
    let json = checked.json(&["layers", "cycles", "bound"]);
    let layers = json["layers"].as_array().expect("layers");
    for layer in layers {
        assert!(layer["name"].is_string() && layer["op"].is_string(), "{layer}");
    }
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_u64().expect(key)).sum::<u64>();
    assert_eq!((json["cycles"].as_u64(), json["bound"].as_u64()), (Some(sum("cycles")), Some(sum("bound"))));
    let text = bincim(dir, &[&["check", "project/glyphs.onnx"][..], &arch].concat()).ends(0);
    assert!(text.out.contains("dense1") && text.out.contains("fits up5k"), "{}", text.out);

    let data = ["--data", "data", "--images", "64"];
    let packed = bincim(dir, &[&["infer", "project/glyphs.onnx", "--json"][..], &data].concat()).ends(0);
    let json = packed.json(&["images", "correct", "accuracy", "images_per_second"]);
    let correct = json["correct"].as_u64().expect("correct");
    assert_eq!((json["images"].as_u64(), json["accuracy"].as_f64()), (Some(64), Some(correct as f64 / 64.0)));
    assert!(json["images_per_second"].as_f64().expect("a speed") > 0.0 && correct > 50, "{json}");
    let machine =
        bincim(dir, &[&["infer", "project/glyphs.onnx", "--json"][..], &data, &arch].concat()).ends(0);
    assert_eq!(machine.json(&[])["correct"].as_u64(), Some(correct));
}

#[test]
fn the_schema_knows_every_key_of_the_commented_file() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let schema = bincim(root.path(), &["schema"]).ends(0).json(&["properties"]);
    bincim(root.path(), &["new", "."]).ends(0);
    let text = fs::read_to_string(root.path().join("arch.toml")).expect("written");
    for key in text.parse::<toml::Table>().expect("TOML").keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}

#[test]
fn glyphs_are_counted() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let ran = bincim(root.path(), &["glyphs", "--count", "30", "-o", "g", "--json"]).ends(0);
    let json = ran.json(&["seed", "split", "images", "per_class", "files"]);
    let each = json["per_class"].as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number"));
    assert_eq!((each.sum::<u64>(), names(&root.path().join("g")).len()), (30, 3));
}

#[test]
fn a_design_is_generated_verified_broken_and_reported() {
    let root = with_glyphs(8);
    let dir = root.path();
    generate_small(dir);
    let words = ["generate", "MODEL", "--arch", "arch.toml", "--device", "up5k", "-o", "again", "--json"];
    let again = bincim(dir, &words).ends(0);
    let json = again.json(&["folder", "files", "rows", "lanes", "cycles", "frames_per_second"]);
    assert_eq!((json["rows"].as_u64(), json["lanes"].as_u64()), (Some(32), Some(8)));
    let contents = |name: &str| content(&dir.join(name)).into_iter().map(|file| file.1).collect::<Vec<_>>();
    assert_eq!(contents("d"), contents("again"), "the same inputs give the same bytes");

    if present("mutate", &[Tool::Iverilog, Tool::Vvp]) {
        let words = ["mutate", "d", "--count", "2", "--json", "--least"];
        let ran = bincim(dir, &[&words[..], &["0"]].concat()).ends(0);
        let json = ran.json(&["killed", "survived", "caught", "trials"]);
        assert_eq!(json["mutants"].as_u64(), Some(2));
        // More than all of them cannot be caught.
        bincim(dir, &[&words[..], &["1.5"]].concat()).refuses(&["a fraction from 0 to 1"]);
        // A bench that is always content misses them all, which is an answer of its own.
        let blind = "module bincim_tb;\n  bincim_top u_bincim_top ();\n  initial begin\n    $display(\"PASS: blind\");\n    \
                     $finish;\n  end\nendmodule\n";
        fs::write(dir.join("again/verif/bincim_tb.v"), blind).expect("writable");
        let ran = bincim(dir, &["mutate", "again", "--count", "2", "--json"]).ends(1);
        assert_eq!(ran.json(&["caught"])["caught"].as_f64(), Some(0.0), "{}", ran.out);
    }
    if present("verify", &[Tool::Verilator]) {
        let words = ["verify", "d", "--data", "data", "--images", "3", "--json", "--junit", "junit.xml"];
        let ran = bincim(dir, &words).ends(0);
        let json = ran.json(&["images", "mismatches", "cycles_predicted", "cycles_measured"]);
        assert_eq!((json["images"].as_u64(), json["mismatches"].as_u64()), (Some(3), Some(0)));
        assert_eq!(json["cycles_predicted"], json["cycles_measured"]);
        assert!(ran.err.contains("building the model"), "the log is not on standard error");
        assert!(fs::read_to_string(dir.join("junit.xml")).expect("written").contains("failures=\"0\""));

        // One wrong bit of a threshold is an answer of its own.
        let file = dir.join("d/rtl/bincim_weights.hex");
        let text = fs::read_to_string(&file).expect("weights");
        let (head, tail) = text.split_at(text.find(['0', '1']).expect("a digit"));
        let flipped = if tail.starts_with('0') { "1" } else { "0" };
        fs::write(&file, format!("{head}{flipped}{}", &tail[1..])).expect("writable");
        let ran = bincim(dir, &words).ends(1);
        assert!(ran.json(&["first_mismatch"])["mismatches"].as_u64().expect("a number") > 0);
        // What broke off had no pace.
        let told = bincim(dir, &words[..6]).ends(1).out;
        assert!(told.contains("the run broke off") && told.contains(" cycles in "), "{told}");
        assert!(!told.contains(" a second") && !told.contains("frames/s"), "{told}");
        fs::write(&file, text).expect("writable");
    }

    let json = bincim(dir, &["report", "d", "--json"]).ends(0);
    json.json(&["design", "runs"]);
    let page = bincim(dir, &["report", "d", "-o", "page.html"]).ends(0);
    assert!(page.out.is_empty() && page.err.contains("wrote page.html"), "{}", page.err);
    assert!(bincim(dir, &["report", "d", "-o", "-"]).ends(0).out.starts_with("<!"));
}

#[test]
fn figures_of_a_generated_design() {
    if !present("synth", &[Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    generate_small(root.path());
    let ran = bincim(root.path(), &["synth", "d", "--device", "up5k", "--synth-only", "--json"]).ends(0);
    let keys = ["device", "luts", "ffs", "brams", "fmax_mhz", "frames_per_second", "bitstream"];
    let json = ran.json(&keys);
    assert_eq!(json["device"], "up5k");
    // Two flip-flops a cell of the array, and a LUT each at the least.
    assert!(json["ffs"].as_u64().expect("ffs") > 512 && json["luts"].as_u64().expect("luts") > 512);
    assert!(json["brams"].as_u64().expect("brams") > 0 && json["bitstream"].is_null());
    assert!(ran.err.contains("yosys"), "{}", ran.err);
    assert_eq!(names(&root.path().join("d/synth")), ["up5k"], "something was left");
}

#[test]
fn what_does_not_fit_is_an_answer() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let text = "[array]\nrows = 256\ncolumns = 64\n[activation]\nword = 64\n[weights]\nrows_per_cycle = 16\n";
    fs::write(root.path().join("big.toml"), text).expect("writable");
    let words = ["check", "MODEL", "--arch", "big.toml", "--device", "up5k", "--json"];
    let json = bincim(root.path(), &words).ends(1).json(&["fits"]);
    assert_eq!(json["fits"], false);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let mut child = program(root.path())
        .arg("check")
        .arg(model())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    Ran::from(child.wait_with_output().expect("it ends")).ends(0);
}

#[test]
fn the_program_explains_itself() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let help = bincim(root.path(), &["--help"]).ends(0);
    for verb in
        ["new", "check", "infer", "generate", "verify", "mutate", "synth", "report", "glyphs", "schema"]
    {
        assert!(help.out.contains(verb), "{verb}");
        bincim(root.path(), &[verb, "--help"]).ends(0);
    }
    assert!(bincim(root.path(), &["--version"]).ends(0).out.starts_with("bincim "));
}
