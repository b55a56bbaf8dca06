//! What comes with the program and with a generated design: commit, licence, description, pins, makefile, help.

use super::*;
use std::fs;

/// `bincim 0.1.0 (COMMIT)`, as git names the commit of this working tree, or "unknown" outside a repository.
#[test]
fn the_program_names_its_commit_and_so_do_its_results() {
    let root = with_glyphs(3);
    let dir = root.path();
    let version = bincim(dir, &["--version"]).ends(0).out;
    let commit = version
        .strip_prefix(concat!("bincim ", env!("CARGO_PKG_VERSION"), " ("))
        .and_then(|rest| rest.strip_suffix(")\n"))
        .unwrap_or_else(|| panic!("{version}"));
    let hash = commit.trim_end_matches("-dirty");
    assert!(
        commit == "unknown" || hash.len() == 12 && hash.chars().all(|c| c.is_ascii_hexdigit()),
        "{commit}"
    );
    let script = format!("cd '{}' && git rev-parse --verify -q --short=12 HEAD", env!("CARGO_MANIFEST_DIR"));
    let git = shell(dir, &script);
    assert_eq!(commit, env!("BINCIM_COMMIT"));
    let given = std::env::var_os("BINCIM_COMMIT").is_some();
    if git.code == Some(0) && commit != "unknown" && !given {
        assert_eq!(hash, git.out.trim());
    }
    generate_small(dir);
    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.join("d/manifest.json")).expect("there")).expect("JSON");
    assert_eq!(manifest["generator"]["commit"], commit);
    if commit != "unknown" {
        for (path, bytes) in content(&dir.join("d/rtl")) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(hash) && !text.contains("bincim 0."), "{}", path.display());
        }
    }
    if present("verify", &[Tool::Verilator]) {
        let found = bincim(dir, &["verify", "d", "--data", "data", "--images", "1", "--json"]).ends(0);
        assert_eq!(found.json(&[])["program"], version.trim());
    }
}

#[test]
fn a_design_comes_with_its_licence_its_pins_and_a_description() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    for (device, pins, target) in [
        ("up5k", "icebreaker.pcf", Some(("icebreaker", "icestorm", "PCF", "--up5k"))),
        ("ecp5-85", "ulx3s.lpf", Some(("ulx3s", "trellis", "LPF", "--85k"))),
        ("gw1nr-9", "tang_nano_9k.cst", None),
    ] {
        bincim(dir, &["generate", "MODEL", "--device", device, "-o", device]).ends(0);
        let read = |name: &str| fs::read_to_string(dir.join(device).join(name)).expect(name);
        let licence = read("LICENSE");
        assert!(licence.starts_with("What bincim writes from a model is its user's"));
        assert!(licence.contains("Apache License\n") && licence.contains("END OF TERMS AND CONDITIONS"));
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("constraints").join(pins);
        assert_eq!(read(&format!("board/{pins}")), fs::read_to_string(ours).expect("there"));
        let core = read("glyphs.core");
        assert!(core.starts_with("CAPI=2:\n"));
        let version = concat!("\nname: bincim:accelerator:glyphs:", env!("CARGO_PKG_VERSION"), "\n");
        assert!(core.contains(version) && core.contains("\nlicense: Apache-2.0\n"), "{core}");
        assert!(core.contains("\n  sim_verilator:\n") && core.contains("mode: binary"), "{core}");
        match target {
            Some((name, tool, kind, word)) => {
                for line in [
                    format!("\n  {name}:\n"),
                    format!("default_tool: {tool}\n"),
                    format!("board/{pins}: {{file_type: {kind}}}\n"),
                    format!("board/{name}_top.v: {{file_type: verilogSource-2005}}\n"),
                    format!("nextpnr_options: [\"{word}\""),
                ] {
                    assert!(core.contains(&line), "no `{line}` in {core}");
                }
            }
            None => assert!(!core.contains("board/"), "{core}"),
        }
    }
}

/// The block diagram of the documents is that of the example on the iCEBreaker, and the report shows its design's own.
/// `BINCIM_UPDATE=1` writes it anew.
#[test]
fn the_documents_show_the_machine_as_it_is() {
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path();
    bincim(dir, &["generate", "MODEL", "--device", "icebreaker", "-o", "d"]).ends(0);
    let text = fs::read_to_string(dir.join("d/design.json")).expect("the design");
    let design: bincim::report::DesignView = serde_json::from_str(&text).expect("a design");
    let svg = bincim::report::diagram(&design.blocks);
    let svg = svg.replacen("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", 1);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("doc/machine.svg");
    if std::env::var_os("BINCIM_UPDATE").is_some() {
        fs::write(&path, &svg).expect("writable");
    }
    assert_eq!(fs::read_to_string(&path).expect("the picture"), svg, "BINCIM_UPDATE=1 writes it anew");
    bincim(dir, &["report", "d", "-o", "page.html"]).ends(0);
    let page = fs::read_to_string(dir.join("page.html")).expect("the page");
    assert!(page.contains("Activation memory") && page.contains("popcount trees"), "no diagram");
}

/// The folder's makefile, in a path with a space, with no tool but bincim's.
#[test]
fn the_makefile_of_a_design_finds_the_tools() {
    if !present("make", &[Tool::Verilator, Tool::Iverilog, Tool::Vvp, Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("a b");
    fs::create_dir(&dir).expect("writable");
    generate_small(&dir);
    for target in ["lint", "sim", "synth"] {
        let ran = shell(&dir, &format!("make -C d {target} BINCIM=\"$BINCIM\"")).ends(0);
        match target {
            "sim" => assert!(ran.out.contains("PASS"), "{}", ran.out),
            "synth" => assert!(ran.out.contains("cells"), "{}", ran.out),
            _ => {}
        }
    }
}

#[test]
fn the_tools_are_told_one_by_one() {
    let root = tempfile::tempdir().expect("a folder");
    let all = bincim(root.path(), &["tools", "--json"]).ends(0);
    let json = all.json(&["yosys", "verilator", "iverilog", "vvp", "icepack"]);
    let text = bincim(root.path(), &["tools"]).ends(0).out;
    assert_eq!(text.lines().count(), json.as_object().expect("an object").len());
    for (name, found) in json.as_object().expect("an object") {
        let alone = bincim(root.path(), &["tools", name]);
        match found["program"].as_str() {
            Some(program) => assert_eq!(alone.ends(0).out, format!("{program}\n")),
            None => assert_eq!(alone.ends(1).out, ""),
        }
    }
    bincim(root.path(), &["tools", "abacus"]).refuses(&["no tool `abacus`", "yosys"]);
}

/// Without a terminal each step is a line as it starts, and nothing on standard error moves the cursor.
#[test]
fn steps_are_told_as_they_start() {
    let root = with_glyphs(4);
    let dir = root.path();
    let small = "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n";
    fs::write(dir.join("arch.toml"), small).expect("writable");
    let told = |words: &[&str], lines: &[&str]| {
        let ran = bincim(dir, words).ends(0);
        let mut rest = ran.err.as_str();
        for line in lines {
            let at = rest.find(line).unwrap_or_else(|| panic!("no `{line}` in order in:\n{}", ran.err));
            rest = &rest[at + line.len()..];
        }
        assert!(!ran.err.contains(['\u{1b}', '\r']), "{:?}", ran.err);
    };
    let generate = ["generate", "MODEL", "--arch", "arch.toml", "--device", "up5k", "-o", "d"];
    told(
        &generate,
        &["reading ", " ...\n", "choosing the machine ...\n", "32 rows x 8 lanes\n", "writing d ...\n"],
    );
    told(&["infer", "MODEL", "--data", "data"], &["classifying 4 images ...\n"]);
    if present("verify", &[Tool::Verilator]) {
        let words = ["verify", "d", "--data", "data", "--images", "2"];
        told(
            &words,
            &[
                "building the model of d: the text that is synthesised (seed 1) ...\n",
                "comparing 2 images with the golden model ...\n",
            ],
        );
    }
    if present("synth", &[Tool::Yosys]) {
        told(&["synth", "d", "--device", "xc7a35t"], &["synthesis of bincim_top for ", " ...\n"]);
    }
}

/// Help speaks of what its reader has: no path of the sources, and every format by name.
#[test]
fn help_stands_by_itself() {
    let root = tempfile::tempdir().expect("a folder");
    let help = bincim(root.path(), &["help"]).ends(0).out;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        // Deeper lines go on with a long sentence.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(verbs.len() > 12, "{verbs:?}");
    for verb in &verbs {
        let text = bincim(root.path(), &["help", verb]).ends(0).out;
        for path in ["examples/", "ARCHITECTURE", "GUIDE", "README", "tests/", "`make"] {
            assert!(!text.contains(path), "{verb}: `{path}`");
        }
    }
    for verb in ["infer", "vary", "verify"] {
        let text = bincim(root.path(), &[verb, "--help"]).ends(0).out;
        for format in ["idx", "CIFAR-10", ".npz", ".npy", "PNG", ".gz", ".zst"] {
            assert!(text.contains(format), "{verb}: {format}");
        }
    }
}
