//! The pipelines of `examples/ci`: their own steps, in a folder that is laid as their first lines ask.

use crate::common::tools::present;
use bincim::flow::Tool;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use yaml_rust2::{Yaml, YamlLoader};

/// A repository with a network, an architecture file beside it, images, and the program on its PATH.
struct Repository {
    root: tempfile::TempDir,
}

impl Repository {
    fn new() -> Repository {
        let root = tempfile::tempdir().expect("a temporary folder");
        let dir = root.path();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(sources.join("examples/glyphs/glyphs.onnx"), dir.join("model.onnx")).expect("the example");
        let small =
            "[array]\nrows = 32\ncolumns = 8\n[activation]\nword = 8\n[weights]\nrows_per_cycle = 8\n";
        fs::write(dir.join("arch.toml"), small).expect("writable");
        fs::create_dir(dir.join("bin")).expect("writable");
        symlink(env!("CARGO_BIN_EXE_bincim"), dir.join("bin/bincim")).expect("a link");
        let repository = Repository { root };
        let made = repository.bash("bincim glyphs --split test --count 20 -o data", &[]);
        assert!(made.status.success(), "{}", text(&made));
        repository
    }

    fn dir(&self) -> &Path {
        self.root.path()
    }

    /// A script as both runners start one; `sudo` and what installs would be found missing.
    #[expect(clippy::disallowed_methods, reason = "the steps of a pipeline are a shell's")]
    fn bash(&self, script: &str, variables: &[(String, String)]) -> Output {
        let path = std::env::var("PATH").expect("a PATH");
        Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.dir())
            .env("PATH", format!("{}:{path}", self.dir().join("bin").display()))
            .envs(variables.iter().cloned())
            .output()
            .expect("bash")
    }

    /// What `files` name, which a pipeline would upload.
    fn uploads(&self, files: &[String]) {
        for file in files {
            assert!(self.dir().join(file).is_file(), "{file} is not there to be uploaded");
        }
        let junit = fs::read_to_string(self.dir().join("junit.xml")).expect("results");
        let page = fs::read_to_string(self.dir().join("report.html")).expect("a page");
        assert!(junit.contains("<testsuites") && page.starts_with("<!doctype html>"));
    }

    /// Breaks one bit of the design's weights.
    fn break_weights(&self) {
        let file = self.dir().join("design/rtl/bincim_weights.hex");
        let text = fs::read_to_string(&file).expect("weights");
        let (head, tail) = text.split_at(text.find(['0', '1']).expect("a digit"));
        let flipped = if tail.starts_with('0') { "1" } else { "0" };
        fs::write(&file, format!("{head}{flipped}{}", &tail[1..])).expect("writable");
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn file(name: &str) -> Yaml {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci").join(name);
    let text = fs::read_to_string(path).expect("an example");
    let mut documents = YamlLoader::load_from_str(&text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn word(node: &Yaml) -> String {
    node.as_str().map(String::from).unwrap_or_else(|| panic!("{node:?} is no text"))
}

fn words(node: &Yaml) -> Vec<String> {
    node.as_vec().unwrap_or_else(|| panic!("{node:?} is no list")).iter().map(word).collect()
}

fn variables(node: &Yaml, dir: &Path) -> Vec<(String, String)> {
    let value = |value: &Yaml| word(value).replace("$CI_PROJECT_DIR", &dir.to_string_lossy());
    node.as_hash().expect("variables").iter().map(|(key, node)| (word(key), value(node))).collect()
}

/// The cache of Verilator's objects as an earlier pipeline left it: the one of this machine, if there is one.
fn restore_cache(to: &Path) {
    let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    if let Some(from) = home.map(|home| home.join("bincim")).filter(|from| from.is_dir()) {
        fs::create_dir_all(to).expect("writable");
        symlink(from, to.join("bincim")).expect("a link");
    }
}

/// Every `run` of the workflow, the variables that a step leaves for the next ones, and what comes of a difference.
#[test]
fn the_workflow_verifies_and_fails_on_a_difference() {
    if !present("verify", &[Tool::Verilator]) {
        return;
    }
    let repository = Repository::new();
    let workflow = file("github.yml");
    let mut env = variables(&workflow["env"], repository.dir());
    let left = repository.dir().join("github_env");
    fs::write(&left, "").expect("writable");
    env.push(("GITHUB_ENV".into(), left.to_string_lossy().into_owned()));
    let steps = workflow["jobs"]["verify"]["steps"].as_vec().expect("steps");
    let mut uploads = Vec::new();
    let mut ran = 0;
    let mut scripts = Vec::new();
    for step in steps {
        if let Some(action) = step["uses"].as_str() {
            if action.starts_with("actions/upload-artifact@") {
                assert_eq!(word(&step["if"]), "always()", "a difference is uploaded too");
                uploads.extend(word(&step["with"]["path"]).lines().map(String::from));
            }
            continue;
        }
        let script = word(&step["run"]);
        assert!(!script.contains("${{"), "a step that only the runner can fill in: {script}");
        let output = repository.bash(&script, &env);
        assert!(output.status.success(), "{script}\n{}", text(&output));
        for line in fs::read_to_string(&left).expect("readable").lines() {
            let (key, value) = line.split_once('=').expect("KEY=value");
            env.push((key.into(), value.into()));
        }
        ran += 1;
        scripts.push((script, step["if"].as_str() == Some("always()")));
    }
    assert!(ran >= 6 && uploads.len() == 3, "{ran} steps, {uploads:?}");
    repository.uploads(&uploads);
    let passed = fs::read_to_string(repository.dir().join("junit.xml")).expect("results");
    assert!(passed.contains("failures=\"0\""), "{passed}");

    // A wrong bit: the step fails, and what is made always is made of the failure.
    repository.break_weights();
    let at = scripts.iter().position(|(script, _)| script.contains("bincim verify")).expect("a step");
    for file in &uploads {
        fs::remove_file(repository.dir().join(file)).expect("was uploaded");
    }
    let output = repository.bash(&scripts[at].0, &env);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let always: Vec<&String> = scripts[at + 1..].iter().filter(|step| step.1).map(|step| &step.0).collect();
    assert!(!always.is_empty(), "nothing is made of a failure");
    for script in always {
        assert!(repository.bash(script, &env).status.success(), "{script}");
    }
    repository.uploads(&uploads);
    let failed = fs::read_to_string(repository.dir().join("junit.xml")).expect("results");
    assert!(!failed.contains("failures=\"0\""), "{failed}");
}

/// The scripts of the job, in one shell as the runner starts them.
#[test]
fn the_pipeline_verifies() {
    if !present("verify", &[Tool::Verilator]) {
        return;
    }
    let repository = Repository::new();
    let pipeline = file("gitlab-ci.yml");
    let env = variables(&pipeline["variables"], repository.dir());
    restore_cache(&repository.dir().join(".cache"));
    let job = &pipeline["verify"];
    let script = [words(&job["before_script"]), words(&job["script"])].concat().join("\n");
    let output = repository.bash(&script, &env);
    assert!(output.status.success(), "{}", text(&output));
    // In a shell of its own, whatever became of the script.
    let output = repository.bash(&words(&job["after_script"]).join("\n"), &env);
    assert!(output.status.success(), "{}", text(&output));

    let artifacts = &job["artifacts"];
    assert_eq!(word(&artifacts["when"]), "always");
    let uploads = words(&artifacts["paths"]);
    assert!(uploads.contains(&word(&artifacts["reports"]["junit"])));
    repository.uploads(&uploads);
    let kept: Vec<String> =
        job["cache"].as_vec().expect("caches").iter().flat_map(|c| words(&c["paths"])).collect();
    assert!(kept.contains(&".cache/bincim".to_string()), "{kept:?}");
    assert!(repository.dir().join(".cache/bincim/verilator").is_dir(), "nothing is there to be kept");
}

/// The check of a stranger's set-up names tests, which move.
#[test]
fn the_tests_that_a_stranger_runs_are_there() {
    fn holds(folder: &Path, name: &str) -> bool {
        fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).any(|path| {
            match path.is_dir() {
                true => holds(&path, name),
                false => fs::read_to_string(&path)
                    .is_ok_and(|text| text.contains(&format!("#[test]\nfn {name}()"))),
            }
        })
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = fs::read_to_string(root.join("verif/setup/run")).expect("the script");
    let list = script.split("TESTS=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its list");
    let mut count = 0;
    for line in list.lines().filter(|line| !line.is_empty()) {
        let (binary, test) = line.split_once(' ').expect("a binary and a test");
        let (module, name) = test.rsplit_once("::").expect("a module");
        let place = root.join("tests").join(binary).join(module.replace("::", "/"));
        let file = place.with_extension("rs");
        let there = match file.is_file() {
            true => holds(file.parent().expect("a folder"), name),
            false => place.is_dir() && holds(&place, name),
        };
        assert!(there, "no test {test} in {binary}");
        count += 1;
    }
    assert!(count >= 10, "{count} tests");
}
