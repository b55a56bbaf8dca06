//! Manners: completions and manual pages, what is told with `-q` and `-v`, colours on a terminal and off it, and the
//! architecture file that lies beside the model.

use super::*;
use std::fs;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};

#[test]
fn shells_and_man_know_the_program() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = bincim(dir, &["completions", shell]).ends(0);
        assert!(ran.out.contains("recalibrate"), "{shell}");
    }
    fs::create_dir(dir.join("man1")).expect("writable");
    fs::write(dir.join("man1/other.1"), "mine").expect("writable");
    bincim(dir, &["man", "man1"]).ends(0);
    let pages = names(&dir.join("man1"));
    assert!(pages.contains(&"bincim.1".into()) && pages.contains(&"bincim-verify.1".into()), "{pages:?}");
    assert_eq!(fs::read_to_string(dir.join("man1/other.1")).expect("untouched"), "mine");
    let page = fs::read_to_string(dir.join("man1/bincim-verify.1")).expect("a page");
    assert!(page.contains(".TH bincim-verify 1") && page.contains("junit"), "{page}");
    // Without a folder, the program's own page.
    let own = fs::read_to_string(dir.join("man1/bincim.1")).expect("a page");
    assert_eq!(bincim(dir, &["man"]).ends(0).out, own);
}

/// The script that a shell reads makes it complete verbs and options.
#[test]
fn bash_completes_verbs_and_options() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let script = "command -v bash >/dev/null || { echo no bash; exit 0; }
        \"$BINCIM\" completions bash > c.bash
        bash -c '. ./c.bash
            COMP_WORDS=(bincim ver); COMP_CWORD=1; _bincim bincim ver bincim; echo \"${COMPREPLY[*]}\"
            COMP_WORDS=(bincim verify --jun); COMP_CWORD=2; _bincim bincim --jun verify; echo \"${COMPREPLY[*]}\"'";
    let out = shell(root.path(), script).ends(0).out;
    assert!(out == "no bash\n" || out == "verify\n--junit\n", "{out}");
}

#[test]
fn steps_and_tools_are_told_as_asked_for() {
    let root = with_glyphs(2);
    let dir = root.path();
    let words = ["generate", "MODEL", "--device", "up5k", "-o", "d"];
    let loud = bincim(dir, &words).ends(0);
    assert!(loud.err.contains("reading"), "{}", loud.err);
    let quiet = bincim(dir, &[&words[..], &["-q"]].concat()).ends(0);
    assert_eq!((quiet.out, quiet.err.as_str()), (loud.out, ""));
    bincim(dir, &[&words[..], &["-q", "-v"]].concat()).refuses(&["--quiet", "--verbose"]);
    // Warnings and errors are told whatever is quiet.
    assert!(bincim(dir, &["-q", "check", "none.onnx"]).ends(2).err.contains("none.onnx"));

    // A tool is told with its command line, and only then.
    if present("tools", &[Tool::Iverilog]) {
        let plain = bincim(dir, &["tools", "iverilog"]).ends(0);
        let verbose = bincim(dir, &["tools", "iverilog", "--verbose"]).ends(0);
        assert_eq!((plain.err.as_str(), &plain.out), ("", &verbose.out));
        let told = verbose.err.lines().next().expect("a line");
        assert!(told.starts_with("running in /") && told.ends_with("iverilog -V"), "{}", verbose.err);
    }
}

/// What the program writes to a terminal, with `words` and some variables set.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn on_terminal(dir: &Path, words: &[&str], variables: &[(&str, &str)]) -> String {
    let (mut master, mut slave) = (-1, -1);
    // SAFETY: both numbers are written by the call; the three pointers may be null.
    let made = unsafe {
        let null = std::ptr::null_mut();
        libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast())
    };
    assert_eq!(made, 0, "a pseudo-terminal");
    // SAFETY: openpty has just opened both, and nothing else owns them.
    let (master, slave) = unsafe { (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
    let mut command = Command::new(env!("CARGO_BIN_EXE_bincim"));
    command.args(words.iter().map(|&word| if word == "MODEL" { model() } else { word.into() }));
    command.current_dir(dir).env_remove("NO_COLOR").env_remove("CI").env("TERM", "xterm-256color");
    command.envs(variables.iter().copied());
    command.stdout(slave.try_clone().expect("a terminal")).stderr(slave);
    let mut child = command.spawn().expect("the program starts");
    // The command holds the terminal open, and the end is read only once nobody does.
    drop(command);
    let mut bytes = Vec::new();
    // A terminal that nobody writes to any more ends with an error.
    let _ = fs::File::from(master).read_to_end(&mut bytes);
    child.wait().expect("it ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a text sets a colour: a sequence `ESC [ ... m` with a number in it. Moving the cursor is no colour.
fn colored(text: &str) -> bool {
    text.split("\u{1b}[").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
        rest[end..].starts_with('m') && rest[..end].chars().any(|c| ('1'..='9').contains(&c))
    })
}

#[test]
fn colours_are_for_a_terminal_and_can_be_refused() {
    let root = with_glyphs(2);
    let dir = root.path();
    let verbs: [&[&str]; 4] = [
        &["check", "none.onnx"],
        &["check", "MODEL", "--unknown"],
        &["--help"],
        &["glyphs", "--count", "2", "-o", "more"],
    ];
    for words in verbs {
        let with =
            |more: &[&str], variables: &[(&str, &str)]| on_terminal(dir, &[words, more].concat(), variables);
        let plain = with(&[], &[]);
        assert!(colored(&plain), "{words:?} has no colours: {plain}");
        for (text, why) in [
            (with(&[], &[("NO_COLOR", "1")]), "NO_COLOR"),
            (with(&["--color", "never"], &[]), "--color never"),
            (with(&["--color=never"], &[]), "--color=never"),
        ] {
            assert!(!colored(&text), "{words:?} has colours in spite of {why}: {text:?}");
        }
        let text = with(&["--color", "always"], &[("NO_COLOR", "1")]);
        assert!(colored(&text), "{words:?}: --color always comes before NO_COLOR: {text:?}");
    }
    // Off a terminal, only where they are asked for.
    for (when, expected) in [("always", true), ("never", false), ("auto", false)] {
        for words in &verbs[..2] {
            let ran = bincim(dir, &[words, &["--color", when][..]].concat()).ends(2);
            assert_eq!(ran.err.contains('\u{1b}'), expected, "{when} {words:?}: {}", ran.err);
        }
    }
    // The bars of a choice and of a run move the cursor, and take no colour either.
    for words in
        [&["generate", "MODEL", "--device", "up5k", "-o", "d"][..], &["infer", "MODEL", "--data", "data"]]
    {
        let text = on_terminal(dir, words, &[("NO_COLOR", "1")]);
        assert!(!colored(&text), "{words:?}: {text:?}");
        let quiet = on_terminal(dir, &[words, &["-q"]].concat(), &[]);
        assert!(!quiet.contains('\u{1b}'), "{words:?}: {quiet:?}");
    }
}

/// Where no architecture file is named, the one beside the model is used, and told, as if it had been named.
#[test]
fn an_architecture_beside_the_model_is_used_and_said() {
    let root = with_glyphs(8);
    let dir = root.path();
    bincim(dir, &["new", "p"]).ends(0);
    let analog = "[array]\nrows = 64\ncolumns = 16\n[activation]\nword = 16\n[readout]\nkind = \"adc\"\nlevels = 31\n\
                  range = 40\n[variation]\npreset = \"c3sram\"\n";
    fs::write(dir.join("p/arch.toml"), analog).expect("writable");
    fs::create_dir(dir.join("alone")).expect("writable");
    fs::copy(model(), dir.join("alone/glyphs.onnx")).expect("copied");
    let note = "note: reading p/arch.toml, which lies beside the model; `--arch none` does without";

    // Every verb that takes --arch: the words after its model, and a file that it makes.
    let data = ["--data", "data"];
    let verbs: [(&str, Vec<&str>, Option<&str>); 6] = [
        ("check", vec!["--json"], None),
        ("generate", vec!["-o", "OUT"], Some("design.json")),
        ("infer", [&data[..], &["--scores", "OUT.csv"]].concat(), Some(".csv")),
        ("draw", vec!["--seed", "3", "-o", "OUT"], Some("")),
        ("calibrate", [&data[..], &["--split", "test", "-o", "OUT"]].concat(), Some("")),
        ("vary", [&data[..], &["--chips", "2", "-o", "OUT"]].concat(), Some("chips.csv")),
    ];
    let made = |name: &str, file: &str| {
        let path = match file {
            "" => dir.join(name),
            ending if ending.starts_with('.') => dir.join(format!("{name}{ending}")),
            file => dir.join(name).join(file),
        };
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    for (verb, after, file) in &verbs {
        let run = |more: &[&str], model: &str, name: &str| {
            let after: Vec<String> = after.iter().map(|word| word.replace("OUT", name)).collect();
            let after: Vec<&str> = after.iter().map(String::as_str).collect();
            bincim(dir, &[&[*verb, model][..], &after, more].concat())
        };
        let name = |how: &str| format!("{verb}-{how}");
        let beside = run(&[], "p/glyphs.onnx", &name("beside")).ends(0);
        assert_eq!(beside.err.matches(note).count(), 1, "{verb}: {}", beside.err);
        let named = run(&["--arch", "p/arch.toml"], "p/glyphs.onnx", &name("named")).ends(0);
        assert!(!named.err.contains("lies beside"), "{verb}: {}", named.err);
        match file {
            Some(file) => {
                assert!(made(&name("beside"), file) == made(&name("named"), file), "{verb} differs")
            }
            None => assert_eq!(beside.out, named.out, "{verb}"),
        }
        // Told as a step is, so not if quiet.
        assert_eq!(run(&["-q"], "p/glyphs.onnx", &name("beside")).ends(0).err.matches("note:").count(), 0);

        // `none` is as if it were not there.
        let without = run(&["--arch", "none"], "p/glyphs.onnx", &name("without"));
        let alone = run(&[], "alone/glyphs.onnx", &name("alone"));
        assert_eq!(without.code, alone.code, "{verb}: {}\n{}", without.err, alone.err);
        match *verb {
            "check" | "generate" | "infer" => {
                let alone = alone.ends(0);
                assert!(!alone.err.contains("arch.toml"), "{}", alone.err);
                match file {
                    Some(file) => {
                        assert!(made(&name("without"), file) == made(&name("alone"), file), "{verb} differs");
                        assert!(
                            made(&name("without"), file) != made(&name("beside"), file),
                            "{verb} is the same"
                        );
                    }
                    None => assert_eq!(without.out, alone.out, "{verb}"),
                }
            }
            _ => alone.refuses(&["no architecture file", "alone/glyphs.onnx", "--arch FILE"]),
        }
    }

    // A chip belongs to a machine, and the sums of the layers to the network.
    let chip = ["infer", "p/glyphs.onnx", "--data", "data", "--chip", "draw-beside"];
    assert!(bincim(dir, &chip).ends(0).err.contains(note));
    bincim(dir, &[&chip[..], &["--arch", "none"]].concat())
        .refuses(&["--chip is of a machine", "--arch FILE"]);
    bincim(dir, &["infer", "alone/glyphs.onnx", "--data", "data", "--noise-seed", "3"])
        .refuses(&["--noise-seed is of a machine"]);
    let layers = ["infer", "p/glyphs.onnx", "--data", "data", "--scores", "l.csv", "--layers"];
    assert!(!bincim(dir, &layers).ends(0).err.contains("arch.toml"));
}
