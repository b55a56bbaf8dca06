//! `bincim load` with tools that only write down what they are told.

use super::{bincim, start, words};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

/// A folder with a bitstream for each of `devices`, as `bincim synth` leaves it.
fn synthesised(dir: &Path, devices: &[&str]) {
    for device in devices {
        let place = dir.join("d/synth").join(device);
        fs::create_dir_all(&place).expect("a folder");
        let bitstream = format!("bits of {device}");
        let digest: String = Sha256::digest(&bitstream).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(place.join("net.bin"), &bitstream).expect("writable");
        let mut report: serde_json::Value =
            serde_json::from_str(include_str!("../../../examples/reports/glyphs_up5k.json"))
                .expect("a report");
        report["bitstream"] = format!("synth/{device}/net.bin").into();
        report["bitstream_sha256"] = digest.into();
        fs::write(place.join("report.json"), report.to_string()).expect("writable");
    }
}

/// A program in `dir/bin` that writes its arguments to `dir/NAME.args` and ends with `code`.
fn tool(dir: &Path, name: &str, code: i32) {
    let bin = dir.join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    let text =
        format!("#!/bin/sh\necho no cable >&2\necho \"$@\" > {}/{name}.args\nexit {code}\n", dir.display());
    fs::write(bin.join(name), text).expect("writable");
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).expect("ours");
}

/// `bincim load`, which finds no tools but those in `dir/bin`.
fn load(dir: &Path, words: &[&str]) -> Output {
    start(env!("CARGO_BIN_EXE_bincim"))
        .current_dir(dir)
        .env("PATH", dir.join("bin"))
        .env_remove("BINCIM_TOOLS")
        .args(["load", "d"])
        .args(words)
        .output()
        .expect("the program starts")
}

fn told(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(format!("{name}.args"))).expect("the tool ran").trim().to_string()
}

#[test]
fn the_boards_own_tool_is_told_the_bitstream_and_the_board() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = &fs::canonicalize(root.path()).expect("a folder");
    synthesised(dir, &["up5k", "ecp5-85"]);
    tool(dir, "iceprog", 0);
    tool(dir, "openFPGALoader", 0);
    let output = load(dir, &["--device", "icebreaker"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    assert_eq!(told(dir, "iceprog"), format!("{}/d/synth/up5k/net.bin", dir.display()));
    let output = load(dir, &["--device", "ecp5-85", "--port", "D12"]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output));
    let file = format!("{}/d/synth/ecp5-85/net.bin", dir.display());
    assert_eq!(told(dir, "openFPGALoader"), format!("-b ulx3s --ftdi-serial D12 {file}"));
    let dry = load(dir, &["--device", "ecp5-85", "--dry-run"]);
    assert_eq!(String::from_utf8_lossy(&dry.stdout), "openFPGALoader -b ulx3s d/synth/ecp5-85/net.bin\n");
}

#[test]
fn what_stands_in_the_way_is_named() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    let refuses = |words_of: &[&str], said: &[&str]| {
        let output = load(dir, words_of);
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        let all = words(&output).replace(['\n', '│', ' '], "");
        said.iter().for_each(|word| {
            assert!(all.contains(&word.replace(' ', "")), "no `{word}` in {}", words(&output))
        });
    };
    refuses(&[], &["cli::no_bitstream", "bincim synth"]);
    synthesised(dir, &["up5k", "hx8k"]);
    refuses(&[], &["cli::several_bitstreams", "up5k, hx8k"]);
    refuses(&["--device", "ecp5-25"], &["no bitstream for ecp5-25"]);
    // A tool that is missing, and the command that brings it.
    refuses(
        &["--device", "up5k"],
        &["flow::tool_missing", "`iceprog` was not found", "apt-get install fpga-icestorm"],
    );
    tool(dir, "iceprog", 3);
    refuses(&["--device", "up5k"], &["iceprog", "no cable"]);
    fs::write(dir.join("d/synth/up5k/net.bin"), "others").expect("writable");
    refuses(&["--device", "up5k"], &["cli::other_bitstream"]);
}

#[test]
fn a_rate_that_cannot_be_is_refused_before_anything_is_written() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    let arch = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n";
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs/glyphs.onnx");
    let network = network.to_str().expect("a path");
    let generate = |words_of: &[&str]| {
        bincim(dir, &[&["generate", network, "--arch", "arch.toml", "-o", "g"], words_of].concat())
    };
    for (words_of, said) in [
        (&["--device", "up5k", "--baud", "2500000"][..], "the nearest is"),
        (&["--device", "gw1nr-9", "--baud", "3000000"], "holds 1000000"),
        (&["--device", "xc7a35t", "--baud", "115200"], "no board"),
        (&["--baud", "115200"], "no serial line"),
        (&["--device", "up5k", "--baud", "9600"], "115200"),
    ] {
        let output = generate(words_of);
        assert_eq!(output.status.code(), Some(2), "{words_of:?}: {}", words(&output));
        let all = words(&output).replace(['\n', '│', ' '], "");
        assert!(all.contains(&said.replace(' ', "")), "no `{said}` in {}", words(&output));
        assert!(!dir.join("g").exists());
    }
    let output = generate(&["--device", "up5k", "--baud", "1000000"]);
    assert!(output.status.success(), "{}", words(&output));
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(dir.join("g/host/board.json")).expect("there")).expect("JSON");
    assert_eq!((&record["baud"], &record["converter"]), (&1_000_000.into(), &"FT2232H".into()));
}
