//! Names from outside change nothing but comments: every emitted text of a network with vicious names equals that of
//! the same network with plain ones, comments aside, and no comment says anything to a tool.

use crate::common::tools;
use crate::support;

use bincim::arch::{ArchFile, ReadoutKind};
use bincim::cli::verify::cosim;
use bincim::design::{self, Design};
use bincim::device::{self, Physics};
use bincim::emit::{self, NamedText, vectors};
use bincim::escape::Untrusted;
use bincim::flow::{FlowError, Tool, folder, yosys};
use bincim::golden::machine::RESET_SEED;
use bincim::network::{Network, random};
use bincim::{lower, read};
use std::fs;
use std::path::Path;

const VICIOUS: [&str; 16] = [
    "synthesis translate_off",
    "synthesis translate_on",
    " synopsys full_case parallel_case",
    "verilator lint_off WIDTH",
    "a\nendmodule\nmodule bincim_top();",
    "b\r\n`define x",
    "*/ assign q = 1; /*",
    "c\\",
    "pragma translate_off",
    "`include \"/etc/passwd\"",
    "a: b # {c}",
    "$(touch pwned) `touch pwned`",
    "\"; touch pwned; '",
    "\u{1b}[2J\u{202e}é\u{2028}",
    "",
    "%s%n$$(shell touch pwned)",
];

/// The same network with names from `name`.
fn renamed(network: &Network, name: impl Fn(usize) -> String) -> Network {
    let mut network = network.clone();
    network.name = Untrusted::from(name(0));
    network.input.name = Untrusted::from(name(1));
    network.output.name = Untrusted::from(name(2));
    for (index, layer) in network.layers.iter_mut().enumerate() {
        layer.name = Untrusted::from(name(index + 3));
    }
    network
}

fn machine(analog: bool) -> ArchFile {
    let mut file = ArchFile::default();
    if analog {
        file.readout.kind = ReadoutKind::Adc;
    }
    file
}

fn built(network: &Network, analog: bool) -> Option<Design> {
    let arch = machine(analog).with("generic", 32, 8, 8, 8, 16);
    design::build(network, &arch).ok()
}

/// Every text that `bincim generate` writes but the manifest and what serde writes.
fn texts(design: &Design) -> Vec<NamedText> {
    let chip = design.analog.as_ref().map(|analog| {
        let mut chip = device::chip(&Physics::default(), 0, analog.fraction_bits, &design.sites());
        chip.saturate(analog.widths());
        chip
    });
    let mut texts = emit::accelerator(design, chip.as_ref());
    let names: Vec<String> = texts.iter().map(|file| file.name.clone()).collect();
    let image = random::elements(&design.network, 1, 1);
    let frames: Vec<vectors::Frame> = (0..emit::bench::frames(design, 1))
        .map(|_| {
            cosim::frame(design, chip.as_ref(), vectors::Settings::all(design), image.clone(), RESET_SEED)
        })
        .collect();
    texts.extend(emit::bench::files(design, &frames).expect("templates that render"));
    texts.push(emit::package::core(design, &names, None).expect("a template that renders"));
    texts
}

/// A text without its comments, and the comments.
fn parts(file: &NamedText) -> (String, Vec<String>) {
    let verilog = [".v", ".sv", ".cpp", ".h"].iter().any(|ending| file.name.ends_with(ending));
    let mark = if verilog { "//" } else { "#" };
    let mut comments = Vec::new();
    let mut rest = String::new();
    for line in file.text.lines() {
        assert!(!verilog || !line.contains("/*"), "{}: {line}", file.name);
        let (code, comment) = line.split_once(mark).unwrap_or((line, ""));
        // The two lines of the core file that name the design.
        if file.name.ends_with(".core") && (code.starts_with("name: ") || code.starts_with("description: ")) {
            // The name is one word, which nobody takes for a comment.
            let value = line.split_once(": ").map(|(_, value)| value).unwrap_or_default();
            assert!(code.starts_with("description") || !value.contains([' ', '"', '#']), "{line}");
            comments.push(if code.starts_with("name") { String::new() } else { value.to_string() });
            continue;
        }
        rest += code;
        rest.push('\n');
        comments.push(comment.to_string());
    }
    (rest, comments)
}

/// Whether a tool may read a comment as an instruction: by its first word, or by words anywhere.
fn instructs(comment: &str) -> bool {
    let lower = comment.to_lowercase();
    let first =
        lower.trim_start().split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_string();
    let words = ["translate_o", "full_case", "parallel_case", "lint_o", "pragma", "synopsys"];
    ["synthesis", "verilator", "pragma", "synopsys", "cadence", "coverage"].contains(&first.as_str())
        || words.iter().any(|word| lower.contains(word))
        || comment.ends_with('\\')
}

fn assert_same_but_comments(vicious: &Design, plain: &Design) {
    let (vicious, plain) = (texts(vicious), texts(plain));
    assert_eq!(vicious.len(), plain.len());
    let mut differ = 0;
    for (a, b) in vicious.iter().zip(&plain) {
        let safe = |c: char| c.is_ascii_alphanumeric() || "_./".contains(c);
        assert!(a.name.chars().all(safe), "file name {:?}", a.name);
        assert!(a.name == b.name || a.name.ends_with(".core"), "{} became {}", b.name, a.name);
        assert!(a.text.is_ascii() && !a.text.contains(|c: char| c.is_ascii_control() && !"\n\t".contains(c)));
        let ((code, comments), (expected, plain)) = (parts(a), parts(b));
        assert_eq!(code, expected, "{} differs outside comments", a.name);
        for (comment, plain) in comments.iter().zip(&plain).filter(|(comment, plain)| comment != plain) {
            assert!(!instructs(comment), "{}: {comment}", a.name);
            // Signs with a meaning are the program's own alone.
            let signs = |text: &str| text.chars().filter(|c| "`\"$\\*#".contains(*c)).count();
            assert_eq!(signs(comment), signs(plain), "{}: {comment}", a.name);
        }
        differ += usize::from(a.text != b.text);
    }
    assert!(differ > 3, "names are in {differ} texts: this test looks at nothing");
}

#[test]
fn names_change_comments_and_nothing_else() {
    let mut designs = 0;
    for seed in 0..40 {
        let limits = random::Limits { planes: 1 + seed as usize % 3, ..random::Limits::default() };
        let network = random::network(seed, &limits);
        let shift = seed as usize;
        let evil = renamed(&network, |index| VICIOUS[(index + shift) % VICIOUS.len()].into());
        let plain = renamed(&network, |index| format!("n{index}"));
        for analog in [false, true] {
            if let (Some(evil), Some(plain)) = (built(&evil, analog), built(&plain, analog)) {
                assert_same_but_comments(&evil, &plain);
                designs += 1;
            }
        }
    }
    assert!(designs > 20, "only {designs} designs were made");
}

/// Networks by others whose node names were chosen to do harm.
#[test]
fn shared_networks_with_vicious_names_change_comments_alone() {
    let Some(shared) = support::shared() else { return };
    let mut files: Vec<_> = [shared.join("cases/names"), shared.join("cases/attack")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten().flatten())
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .collect();
    files.sort();
    let mut read_well = 0;
    for file in &files {
        let Ok(network) = read::network(file) else { continue };
        let network = lower::lower(network);
        let plain = renamed(&network, |index| format!("n{index}"));
        let arch = machine(false).with("generic", 16, 4, 4, 4, 16);
        let build = |network| design::build(network, &arch).expect("a small machine");
        assert_same_but_comments(&build(&network), &build(&plain));
        read_well += 1;
    }
    assert!(files.is_empty() || read_well > 10, "{read_well} of {} were read", files.len());
}

/// Synthesis of a design's texts in a folder of its own.
fn cells(dir: &Path, design: &Design) -> Result<yosys::Netlist, FlowError> {
    for file in emit::accelerator(design, None) {
        fs::write(dir.join(file.name), file.text).expect("writable");
    }
    synthesise(dir)
}

fn synthesise(dir: &Path) -> Result<yosys::Netlist, FlowError> {
    fs::create_dir_all(dir.join("out")).expect("writable");
    yosys::synthesise(&yosys::Synthesis {
        family: bincim::flow::Family::Ice40,
        synth_args: &[],
        files: &folder::file_list(&dir.join("files.f"))?,
        top: "bincim_top",
        cwd: dir,
        out: &dir.join("out"),
        limit: None,
    })
}

#[test]
fn yosys_sees_the_same_netlist_and_obeyed_comments_stop_it() {
    if tools::need(Tool::Yosys).is_none() {
        return;
    }
    let limits = random::Limits { channels: 8, side: 3, layers: 2, ..random::Limits::default() };
    let (evil, plain) = (0..)
        .find_map(|seed| {
            let network = random::network(seed, &limits);
            let evil = renamed(&network, |index| VICIOUS[index.saturating_sub(3) % 2].into());
            let plain = renamed(&network, |index| format!("n{index}"));
            let build = |network| design::build(network, &machine(false).with("ice40", 16, 4, 4, 4, 16)).ok();
            (network.layers.len() == 2).then(|| build(&evil).zip(build(&plain))).flatten()
        })
        .expect("a network of two layers");
    let [a, b] = [(); 2].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let (first, second) =
        (cells(a.path(), &evil).expect("synthesis"), cells(b.path(), &plain).expect("synthesis"));
    assert_eq!(first.cells, second.cells);
    // A comment of somebody else in the same folder.
    let file = b.path().join("bincim_top.v");
    let text = fs::read_to_string(&file).expect("written");
    let hidden =
        text.replacen("endmodule", "// synthesis translate_off\n// synthesis translate_on\nendmodule", 1);
    fs::write(&file, hidden).expect("writable");
    match synthesise(b.path()) {
        Err(FlowError::ObeyedComment { warnings, .. }) => {
            assert!(warnings.contains("translate_off"), "{warnings}")
        }
        other => panic!("synthesised: {other:?}"),
    }
}

/// Every Rust source below `folder`, without its tests.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("readable");
            let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
            found.push((path.display().to_string(), shipped));
        }
    }
    found
}

/// What the type of a name cannot hold: no emitter takes one as it came, and everything is printed in one place.
#[test]
fn no_source_goes_around_the_one_form_of_each_language() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut raw = 0;
    for (file, text) in sources(&root) {
        let taken: Vec<&str> = text.lines().filter(|line| line.contains(".raw()")).collect();
        if file.contains("/src/emit/") {
            assert!(taken.iter().all(|line| line.contains("escape::identifier(")), "{file}: {taken:?}");
            raw += taken.len();
        }
        // Paths for people: where else one becomes text, it is a script's, a tool's or a record's.
        let elsewhere =
            ["flow/nextpnr.rs", "flow/process.rs", "flow/verilator.rs", "flow/mutate/equivalence.rs"];
        let records = ["cli/tools.rs", "cli/synth.rs", "cli/verify/tree.rs", "cli/load.rs"];
        let shows = elsewhere.iter().chain(&records).any(|end| file.ends_with(end));
        assert!(shows || !text.contains(".display()"), "{file} shows a path as it came: escape::path");
        for printing in ["println!(", "print!(", "io::stdout()", "io::stderr()"] {
            let own = file.ends_with("cli/output.rs");
            let asks = |line: &str| line.contains("is_terminal()") || line.contains("is_colored(");
            let prints = text.lines().any(|line| line.contains(printing) && !asks(line));
            assert!(own || !prints, "{file} prints by itself: {printing}");
        }
    }
    assert_eq!(raw, 1, "the core file's name alone");
}
