//! Loadable machines, from outside: generated of several models, compiled for, verified, and what is refused.

use super::*;
use std::fs;

const ARCH: &str = "[array]\nrows = 64\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 16\n\
                    [accumulator]\ndepth = 16\n[program]\nload = \"loadable\"\n";

/// A training file of a small network whose first layer has `outputs` channels.
fn recipe(outputs: usize, rows: usize) -> String {
    format!(
        "[input]\nchannels = 1\nrows = {rows}\ncolumns = {rows}\ncode = \"int8\"\n\
         [[layer]]\nkind = \"dense\"\noutputs = {outputs}\n[[layer]]\nkind = \"dense\"\noutputs = 12\n\
         [[layer]]\nkind = \"scores\"\noutputs = 10\n[train]\nepochs = 1\nbatch = 16\nholdout = 0.25\n"
    )
}

/// A folder with networks a, b and c and images for them.
fn networks() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    bincim(dir, &["glyphs", "--count", "64", "-o", "data"]).ends(0);
    for (name, outputs) in [("a", 16), ("b", 24), ("c", 20), ("wide", 300)] {
        fs::write(dir.join(format!("{name}.toml")), recipe(outputs, 16)).expect("writable");
        let model = format!("{name}.onnx");
        bincim(dir, &["train", &format!("{name}.toml"), "--data", "data", "-o", &model]).ends(0);
    }
    fs::write(dir.join("arch.toml"), ARCH).expect("writable");
    root
}

#[test]
fn a_machine_is_generated_of_several_models_and_takes_others_that_fit() {
    let root = networks();
    let dir = root.path();
    let made = bincim(dir, &["generate", "a.onnx", "b.onnx", "-o", "machine"]).ends(0);
    assert!(made.out.contains("loadable machine") && made.out.contains("  b: "), "{}", made.out);
    for name in ["programs/a.bin", "programs/b.bin", "rtl/bincim_loader.v", "source/arch.toml", "Makefile"] {
        assert!(dir.join("machine").join(name).is_file(), "{name}");
    }
    // Nothing of a network is in the gates.
    let images = fs::read_dir(dir.join("machine/rtl")).expect("a folder").flatten();
    assert!(!images.into_iter().any(|file| file.path().extension().is_some_and(|ending| ending == "hex")));

    let compiled =
        bincim(dir, &["compile", "c.onnx", "--machine", "machine", "-o", "c.bin", "--json"]).ends(0);
    assert_eq!(compiled.json(&["fits"])["fits"], true);
    let small = bincim(dir, &["compile", "wide.onnx", "--machine", "machine", "-o", "wide.bin"]).ends(1);
    assert!(small.out.contains("does not go on the machine"), "{}", small.out);
    assert!(small.out.contains("sequencer, Groups is 3, needed is 38"), "{}", small.out);
    assert!(!dir.join("wide.bin").exists());

    // The same machine again is the same bytes, and may replace the old one.
    let digest = || fs::read(dir.join("machine/manifest.json")).expect("a manifest");
    let before = digest();
    bincim(dir, &["generate", "a.onnx", "b.onnx", "-o", "machine"]).ends(0);
    assert_eq!(digest(), before);

    bincim(dir, &["generate", "a.onnx", "wide.onnx", "-o", "other"]).ends(0);
    let program = ["verify", "other", "--data", "data", "--program", "c.bin"];
    bincim(dir, &program).refuses(&["c.bin", "another machine", "bincim compile"]);
    let mut bytes = fs::read(dir.join("c.bin")).expect("a program");
    bytes[200] ^= 1;
    fs::write(dir.join("broken.bin"), bytes).expect("writable");
    let program = ["verify", "machine", "--data", "data", "--program", "broken.bin"];
    bincim(dir, &program).refuses(&["broken.bin", "has been changed"]);
    bincim(dir, &["compile", "a.onnx", "--machine", "data", "-o", "x.bin"]).refuses(&["no loadable machine"]);

    fs::write(dir.join("fixed.toml"), ARCH.replace("loadable", "fixed")).expect("writable");
    let fixed = ["generate", "a.onnx", "b.onnx", "--arch", "fixed.toml", "-o", "fixed"];
    bincim(dir, &fixed).refuses(&["2 models", "program.load"]);
    bincim(dir, &["generate", "a.onnx", "--arch", "fixed.toml", "-o", "fixed"]).ends(0);
    let program = ["verify", "fixed", "--data", "data", "--program", "c.bin"];
    bincim(dir, &program).refuses(&["--program", "fixed"]);
    fs::write(dir.join("analog.toml"), format!("{ARCH}[readout]\nkind = \"adc\"\n")).expect("writable");
    let analog = ["generate", "a.onnx", "--arch", "analog.toml", "-o", "analog"];
    bincim(dir, &analog).refuses(&["program.load", "analog arrays"]);
    bincim(dir, &["generate", "a.onnx", "--chip", "c.bin", "-o", "chip"])
        .refuses(&["--chip", "loadable machine"]);
}

#[test]
fn a_machine_is_verified_network_by_network_and_in_turn() {
    if !tools::present("co-simulation", &[Tool::Verilator]) {
        return;
    }
    let root = networks();
    let dir = root.path();
    bincim(dir, &["generate", "a.onnx", "b.onnx", "-o", "machine"]).ends(0);
    bincim(dir, &["compile", "c.onnx", "--machine", "machine", "-o", "c.bin"]).ends(0);
    let verify = |more: &[&str]| {
        let words = ["verify", "machine", "--data", "data", "--images", "3", "--proof", "off"];
        bincim(dir, &[&words, more].concat())
    };
    let own = verify(&["--junit", "own.xml"]).ends(0);
    assert!(own.out.contains("2 networks one behind the other, each twice, without a reset"), "{}", own.out);
    assert_eq!(own.out.matches("PASS").count(), 3, "{}", own.out);
    assert!(fs::read_to_string(dir.join("own.xml")).expect("JUnit").contains("bincim.switched"));
    let found = verify(&["--program", "c.bin", "--json"]).ends(0).json(&["mismatches", "programs"]);
    assert_eq!(found["mismatches"], 0);
    assert_eq!(found["programs"][0]["result"]["mismatches"], 0);

    let page = bincim(dir, &["report", "machine", "--json"]).ends(0).json(&["verify"]);
    assert_eq!(page["verify"]["images"], 3);
    bincim(dir, &["mutate", "machine"]).refuses(&["machine holds a loadable machine", "program.load"]);

    let file = dir.join("machine/rtl/bincim_table.v");
    let text = fs::read_to_string(&file).expect("a table");
    fs::write(&file, text.replace("<= write_data_i", "<= ~write_data_i")).expect("writable");
    let wrong = verify(&[]).ends(1);
    assert!(wrong.out.contains("rtl/bincim_table.v is not what was generated"), "{}", wrong.out);
    assert!(wrong.out.contains("FAIL"), "{}", wrong.out);
    // What repeats it names the program.
    assert!(
        wrong.out.contains("bincim verify machine --program machine/programs/a.bin --data"),
        "{}",
        wrong.out
    );
}
