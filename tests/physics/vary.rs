//! Monte-Carlo runs from outside: the same bytes for every number of threads, for shards and after a kill; the fast
//! executor against the golden machine; the job scripts, run for real.
//!
//! Without Snakemake its test is told as not run.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// A small array on which chips differ in many images.
const ARCH: &str = "[array]\nrows = 64\ncolumns = 16\n[activation]\nword = 16\n[readout]\nkind = \"adc\"\nlevels = 33\n\
                    [variation.gaussian]\nsigma = 0.25\n[variation.column]\noffset = 2.0\n";

/// The same with noise in every read, of the physics and in gates.
fn noisy() -> String {
    ARCH.replace("levels = 33\n", "levels = 33\nnoise = 1.0\n") + "[variation]\nread_noise = 1.5\n"
}

/// A folder with `arch.toml` and test glyphs in `data`.
fn folder() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    fs::write(root.path().join("arch.toml"), ARCH).expect("writable");
    ends(root.path(), &["glyphs", "--split", "test", "--count", "40", "-o", "data"], 0);
    root
}

fn model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/glyphs/glyphs.onnx")
}

#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn program(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bincim"));
    command.current_dir(dir).env_remove("RUST_BACKTRACE");
    for word in words {
        match *word {
            "MODEL" => command.arg(model()),
            word => command.arg(word),
        };
    }
    command
}

/// A shell script in `dir`; `$BINCIM` is the program.
#[expect(clippy::disallowed_methods, reason = "job scripts are run as users run them")]
fn shell(dir: &Path, script: &str) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", script]).current_dir(dir).env("BINCIM", env!("CARGO_BIN_EXE_bincim"));
    // The set-up puts tools that the system lacks behind those it has; a test need not run where its sources lie.
    let own = std::path::absolute(".tools/venv/bin").expect("a working folder");
    command.env("PATH", format!("{}:{}", std::env::var("PATH").unwrap_or_default(), own.display()));
    command.output().expect("a shell")
}

/// Runs the program, asserts its exit status, and returns its two streams.
fn ends(dir: &Path, words: &[&str], code: i32) -> (String, String) {
    let output = program(dir, words).output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(code), "{words:?}\n{out}\n{err}");
    assert!(!err.contains("panicked"), "{err}");
    (out, err)
}

/// The words of a run of `chips` chips, and more of them.
fn vary<'a>(chips: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["vary", "MODEL", "--arch", "arch.toml", "--data", "data", "--chips", chips];
    words.extend(more);
    words
}

fn json(out: &str) -> Value {
    serde_json::from_str(out).expect("one JSON object")
}

/// Every file of a folder with its content.
fn content(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// Without blanks and rulers: long messages are broken to the width of the terminal.
fn unwrapped(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect()
}

fn refuses(dir: &Path, words: &[&str], says: &[&str]) {
    let (out, err) = ends(dir, words, 2);
    assert_eq!(out, "", "a result of a run that could not run");
    for what in says {
        assert!(unwrapped(&err).contains(&unwrapped(what)), "no `{what}` in:\n{err}");
    }
}

#[test]
fn threads_shards_and_their_order_change_no_byte() {
    same_bytes(ARCH);
}

#[test]
fn threads_shards_and_their_order_change_no_byte_with_noise() {
    same_bytes(&noisy());
}

fn same_bytes(arch: &str) {
    let root = folder();
    let dir = root.path();
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    let run = |more: &[&str]| {
        let words = ["--flips", "--each", "--sweep", "readout.levels=9,33", "--yield-at", "0.5"];
        ends(dir, &vary("6", &[&words[..], more].concat()), 0).0
    };
    let one = run(&["--threads", "1", "-o", "one", "--json"]);
    assert_eq!(run(&["--threads", "2", "-o", "two", "--json"]), one);
    run(&["--threads", "16", "-o", "many"]);
    let expected = content(&dir.join("one"));
    let names: Vec<&str> = expected.iter().map(|file| file.0.as_str()).collect();
    assert_eq!(names, ["chips.csv", "chips.jsonl", "report.html", "results.json", "settings.json"]);
    assert!(content(&dir.join("two")) == expected && content(&dir.join("many")) == expected);
    for (shard, place) in [("0/3", "s0"), ("1/3", "s1"), ("2/3", "s2")] {
        run(&["--shard", shard, "-o", place]);
    }
    let (merged, _) = ends(dir, &["merge", "s2", "s0", "s1", "-o", "merged", "--json"], 0);
    assert_eq!(merged, one);
    assert!(content(&dir.join("merged")) == expected, "the merged shards differ from one run");
    let results = json(&one);
    let each = |label: &str| {
        let points = results["points"].as_array().expect("a list");
        points.iter().find(|p| p["group"] == "each" && p["label"] == label).expect("a point").clone()
    };
    let (none, all) = (each("none"), each("all"));
    if arch == ARCH {
        assert_eq!(none["accuracy_min"], none["accuracy_ideal"], "chips without effects are the ideal chip");
        assert_eq!((&none["accuracy_std"], &none["changed"]), (&Value::from(0.0), &Value::from(0.0)));
        assert!(none["flips"].as_array().expect("a list").iter().all(|flip| flip["max"] == 0.0));
    } else {
        // The noise in gates is the machine's own; that of the physics comes on top.
        let flips = |label: &str| each(label)["flips"][0]["mean"].as_f64().expect("a number");
        assert!(flips("none") > 0.0 && flips("variation.read_noise") > flips("none"));
    }
    assert_eq!(all["accuracy_mean"], results["accuracy_mean"]);
    assert!(results["flips"][0]["mean"].as_f64().expect("a number") > 0.001, "chips flip bits");
    assert_ne!(each("variation.gaussian.sigma")["flips"], each("variation.column.offset")["flips"]);
}

#[test]
fn a_chip_is_the_one_that_draw_makes_and_the_machine_agrees() {
    let root = folder();
    let dir = root.path();
    let (out, _) = ends(dir, &vary("3", &["--seed", "11", "--images", "30", "--json", "-o", "run"]), 0);
    let results = json(&out);
    for key in
        ["chips", "images", "accuracy_mean", "accuracy_std", "accuracy_min", "accuracy_low", "accuracy_high"]
    {
        assert!(results[key].is_number(), "{key}");
    }
    assert_eq!((&results["chips"], &results["images"]), (&Value::from(3), &Value::from(30)));
    let lines = fs::read_to_string(dir.join("run/chips.jsonl")).expect("written");
    let mut sum = 0;
    for (line, seed) in lines.lines().zip(["11", "12", "13"]) {
        ends(dir, &["draw", "MODEL", "--arch", "arch.toml", "--seed", seed, "-o", "chip"], 0);
        let words = ["infer", "MODEL", "--arch", "arch.toml", "--data", "data", "--images", "30", "--json"];
        let (out, _) = ends(dir, &[&words[..], &["--chip", "chip"]].concat(), 0);
        assert_eq!(json(&out)["correct"], json(line)["correct"], "seed {seed}");
        sum += json(line)["correct"].as_u64().expect("a number");
        if seed == "11" {
            let (ideal, _) = ends(dir, &words, 0);
            assert_eq!(json(&ideal)["accuracy"], results["accuracy_ideal"]);
            let (network, _) = ends(dir, &[&words[..2], &words[4..]].concat(), 0);
            assert_eq!(json(&network)["accuracy"], results["accuracy_network"]);
        }
    }
    assert_eq!(results["accuracy_mean"].as_f64(), Some(sum as f64 / 90.0));
}

/// Noise follows the chip and the image: `infer`, which runs other lots of images than `vary`, finds the same.
#[test]
fn the_noise_of_a_chip_is_the_same_for_any_lots_of_images() {
    let root = folder();
    let dir = root.path();
    fs::write(dir.join("arch.toml"), noisy()).expect("writable");
    fs::remove_dir_all(dir.join("data")).expect("there");
    ends(dir, &["glyphs", "--split", "test", "--count", "1100", "-o", "data"], 0);
    let (out, _) = ends(dir, &vary("1", &["--seed", "11", "--json"]), 0);
    let of_vary = json(&out)["accuracy_mean"].clone();
    ends(dir, &["draw", "MODEL", "--arch", "arch.toml", "--seed", "11", "-o", "chip"], 0);
    let words = ["infer", "MODEL", "--arch", "arch.toml", "--data", "data", "--json", "--chip", "chip"];
    let infer = |more: &[&str]| json(&ends(dir, &[&words[..], more].concat(), 0).0)["accuracy"].clone();
    assert_eq!(infer(&["--noise-seed", "11"]), of_vary);
    assert_eq!(infer(&["--noise-seed", "11", "--threads", "1"]), of_vary);
    assert_ne!(infer(&["--noise-seed", "12"]), of_vary);
    assert_ne!(infer(&["--noise-seed", "11", "--without-read-noise"]), of_vary);
}

#[test]
fn a_killed_run_goes_on_and_gives_the_same_bytes() {
    let root = folder();
    let dir = root.path();
    ends(dir, &vary("24", &["--flips", "-o", "whole"]), 0);
    let words = vary("24", &["--flips", "-o", "run", "--threads", "1"]);
    let lines = || fs::read_to_string(dir.join("run/chips.jsonl")).map_or(0, |text| text.lines().count());
    let mut hits = 0;
    for least in [1, 6, 12] {
        let mut child =
            program(dir, &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        while lines() < least && child.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_micros(100));
        }
        child.kill().expect("ours");
        hits += usize::from(!child.wait().expect("a child").success());
        assert!(lines() >= least, "finished chips were lost");
    }
    assert!(hits > 0, "every run was over before it could be killed");
    // What a kill in the middle of a line would leave.
    let path = dir.join("run/chips.jsonl");
    let text = fs::read_to_string(&path).expect("there");
    if lines() < 24 {
        fs::write(&path, text.clone() + "{\"chip\":2").expect("writable");
    }
    let (_, log) = ends(dir, &words, 0);
    assert!(log.contains("finished chips are kept"), "{log}");
    assert!(content(&dir.join("run")) == content(&dir.join("whole")));
    // More chips of the same run, and other settings.
    ends(dir, &vary("26", &["--flips", "-o", "run"]), 0);
    assert_eq!(lines(), 26);
    let says = ["holds a run with other settings", "seed: 5 here, 1 there"];
    refuses(dir, &vary("24", &["--flips", "--seed", "5", "-o", "run"]), &says);
    refuses(dir, &vary("24", &["-o", "run"]), &["flips"]);
    fs::write(dir.join("arch.toml"), ARCH.replace("0.25", "0.3")).expect("writable");
    refuses(dir, &vary("24", &["--flips", "-o", "run"]), &["sigma = 0.3 here", "sigma = 0.25 there"]);
}

#[test]
fn a_run_stops_when_its_interval_is_narrow() {
    let root = folder();
    let dir = root.path();
    // Errors of a first layer whose bits have cells of their own are small enough for few chips.
    let arch = ARCH.replace("[readout]\n", "[readout]\ninput_bits = \"side_by_side\"\n");
    assert_ne!(arch, ARCH);
    fs::write(dir.join("arch.toml"), arch).expect("writable");
    let chips = |threads| {
        let (out, _) = ends(dir, &vary("60", &["--until", "0.03", "--threads", threads, "--json"]), 0);
        json(&out)
    };
    let stopped = chips("1");
    assert_eq!(stopped, chips("2"));
    let count = stopped["chips"].as_u64().expect("a number");
    assert!((10..60).contains(&count), "{count} chips");
    let number = |key: &str| stopped[key].as_f64().expect("a number");
    assert!(number("accuracy_high") - number("accuracy_low") <= 0.06 + 1e-12);
}

#[test]
fn shards_that_do_not_fit_are_refused() {
    let root = folder();
    let dir = root.path();
    for (shard, seed, place) in [("0/2", "1", "a"), ("1/2", "1", "b"), ("1/2", "2", "other")] {
        ends(dir, &vary("4", &["--shard", shard, "--seed", seed, "-o", place]), 0);
    }
    ends(dir, &vary("4", &["-o", "whole"]), 0);
    let merge = |dirs: &[&str], says: &[&str]| {
        refuses(dir, &[&["merge", "-o", "out"], dirs].concat(), says);
        assert!(!dir.join("out").exists());
    };
    merge(&["a"], &["2 of 4 chips are missing: 1, 3"]);
    merge(&["a", "a"], &["chip 0 stands in another shard too"]);
    merge(&["a", "other"], &["seed: 2 here, 1 there"]);
    merge(&["a", "whole"], &["whole: a whole run"]);
    merge(&["a", "data"], &["data: no settings.json"]);
    fs::write(dir.join("b/chips.jsonl"), "{\"chip\":1}\n").expect("writable");
    merge(&["a", "b"], &["chips.jsonl:1: missing field"]);
}

#[test]
fn a_yield_below_the_required_one_is_a_no() {
    let root = folder();
    let dir = root.path();
    let (out, _) = ends(dir, &vary("3", &["--yield-at", "0.01", "--require-yield", "1", "--json"]), 0);
    assert_eq!(json(&out)["yield"]["good"], 3);
    let (out, _) = ends(dir, &vary("3", &["--yield-at", "1", "--require-yield", "0.5"]), 1);
    assert!(out.contains("yield at 100.00 %: 0 of 3 chips"), "{out}");
}

/// Offsets of columns are what thresholds of a chip's own take out; the run says so and knows the images they came from.
#[test]
fn thresholds_found_anew_bring_chips_back() {
    let root = folder();
    let dir = root.path();
    refuses(dir, &vary("2", &["--recalibrate", "9"]), &["the training part of data is what is classified"]);
    ends(dir, &["glyphs", "--split", "train", "--count", "200", "-o", "more"], 0);
    for (from, part) in [("data", "test"), ("more", "train")] {
        for what in ["images-idx3-ubyte", "labels-idx1-ubyte"] {
            fs::rename(dir.join(from).join(what), dir.join("data").join(format!("{part}-{what}")))
                .expect("moved");
        }
    }
    let shifted = ARCH.replace("sigma = 0.25", "sigma = 0.05").replace("offset = 2.0", "offset = 6.0");
    fs::write(dir.join("arch.toml"), shifted).expect("writable");
    let mean = |more: &[&str]| {
        let (out, _) = ends(dir, &vary("4", &[&["--json"], more].concat()), 0);
        let results = json(&out);
        (results["accuracy_mean"].as_f64().expect("a mean"), results["recalibrated_on"].clone())
    };
    let ((before, none), (after, images)) = (mean(&[]), mean(&["--recalibrate", "200"]));
    assert!(none == 0 && images == 200, "{none} {images}");
    assert!(after > before + 0.15, "{before} to {after}");
    let (told, _) = ends(dir, &vary("2", &["--recalibrate", "100", "-o", "mc"]), 0);
    assert!(told.contains("found anew on 100 training images"), "{told}");
    refuses(
        dir,
        &vary("2", &["--recalibrate", "101", "-o", "mc"]),
        &["recalibrated.images: 101 here, 100 there"],
    );
    refuses(dir, &vary("2", &["--recalibrate", "201"]), &["data has 200 training images"]);
    // Of 256 rows one is enough for a layer, so that sense amplifiers decide it.
    let sense = ARCH.replace("\"adc\"\nlevels = 33", "\"sense\"").replace("rows = 64", "rows = 256");
    fs::write(dir.join("arch.toml"), sense).expect("writable");
    refuses(dir, &vary("2", &["--recalibrate", "100"]), &["sense amplifiers decide layer"]);
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let root = folder();
    let dir = root.path();
    let says = ["--chips 0", "--yield-at 80", "--until 2"];
    refuses(dir, &vary("0", &["--yield-at", "80", "--until", "2"]), &says);
    refuses(dir, &vary("2", &["--images", "41"]), &["--images 41", "holds 40 images"]);
    refuses(dir, &vary("2", &["--shard", "2/2", "-o", "x"]), &["from 0 to n - 1"]);
    refuses(dir, &vary("2", &["--sweep", "array.rows=8"]), &["no key under variation or readout"]);
    refuses(
        dir,
        &vary("2", &["--sweep", "variation.gaussian.sigma=0.1,9"]),
        &["variation.gaussian.sigma = 9"],
    );
    fs::write(dir.join("arch.toml"), "[array]\nrows = 64\ncolumns = 16\n").expect("writable");
    refuses(dir, &vary("2", &[]), &["popcount readout every chip is the same"]);
    let noisy = ARCH.to_string() + "[variation]\nread_noise = 0.5\n";
    fs::write(dir.join("arch.toml"), noisy).expect("writable");
    let (out, _) = ends(dir, &vary("2", &["--without-read-noise", "-o", "run"]), 0);
    assert!(out.contains("without the read noise of 0.5 counts"), "{out}");
    let page = fs::read_to_string(dir.join("run/report.html")).expect("written");
    assert!(page.contains("Read noise of 0.5 counts is left out"));
}

/// A folder that each language of the scripts would take apart.
const JOBS: &str = "it's\n$(touch pwned) {x} %j \\ @COUNT@/jobs";

/// Job scripts in `JOBS`, and what one run gives.
fn emitted() -> (tempfile::TempDir, PathBuf, Vec<(String, Vec<u8>)>) {
    let root = folder();
    let dir = root.path().to_path_buf();
    let more = ["--flips", "--sweep", "variation.gaussian.sigma=0.1,0.2", "--images", "20"];
    ends(&dir, &vary("6", &[&more[..], &["-o", "whole"]].concat()), 0);
    let jobs = ["--emit-jobs", JOBS, "--shards", "3", "--threads", "1"];
    ends(&dir, &vary("6", &[&more[..], &jobs].concat()), 0);
    let expected = content(&dir.join("whole"));
    (root, dir.join(JOBS), expected)
}

#[test]
fn the_slurm_scripts_make_the_run() {
    let (_root, jobs, expected) = emitted();
    // A stand-in that runs the array in place and obeys the dependency.
    let sbatch = "#!/bin/bash\nset -e\nfor word; do script=$word; done\n\
                  last=$(sed -n 's/^#SBATCH --array=0-//p' \"$script\")\n\
                  if [ -n \"$last\" ]; then\n for i in $(seq 0 $last); do SLURM_ARRAY_TASK_ID=$i bash \"$script\" >&2; done\n touch done; echo '7;cluster'\n\
                  else\n [ -e done ] && [ \"$1\" = --dependency=afterok:7 ] && bash \"$script\"\nfi\n";
    fs::create_dir(jobs.join("bin")).expect("writable");
    fs::write(jobs.join("bin/sbatch"), sbatch).expect("writable");
    let output = shell(&jobs, "chmod +x bin/sbatch && PATH=\"$PWD/bin:$PATH\" bash submit.sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(content(&jobs.join("result")) == expected, "the jobs give another result than one run");
    let alone = shell(&jobs, "bash shard.sh");
    assert!(
        !alone.status.success() && String::from_utf8_lossy(&alone.stderr).contains("number of the shard")
    );
}

#[test]
fn the_snakemake_workflow_makes_the_run() {
    if !shell(Path::new("."), "snakemake --version").status.success() {
        return harness::not_run(harness::Lack::Tool, "snakemake (`pip install snakemake`, or `make setup`)");
    }
    let (_root, jobs, expected) = emitted();
    let output = shell(&jobs, "snakemake --cores 2 -s Snakefile");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(content(&jobs.join("result")) == expected, "the workflow gives another result than one run");
    let again = shell(&jobs, "snakemake --cores 2 -s Snakefile");
    assert!(String::from_utf8_lossy(&again.stderr).contains("Nothing to be done"));
}
