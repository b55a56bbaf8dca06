//! Says from which commit the program is built: of the repository that this folder is the root of, or of the one that a
//! published package was made from; "unknown" where there is neither. Who builds from elsewhere may name it in
//! `BINCIM_COMMIT`, which also keeps a build from starting anew at every commit.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=BINCIM_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(given) = std::env::var("BINCIM_COMMIT").ok().filter(|given| !given.is_empty()) {
        println!("cargo::rustc-env=BINCIM_COMMIT={given}");
        return;
    }
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    // What the program is made of: another state of it may be no commit any more.
    for part in ["src", "templates", "constraints", "examples/glyphs/glyphs.onnx", "Cargo.toml", "Cargo.lock"]
    {
        println!("cargo::rerun-if-changed={part}");
    }
    let commit = repository(&root).or_else(|| package(&root)).unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env=BINCIM_COMMIT={commit}");
}

/// The commit of the working tree at `root`, marked where files differ from it.
fn repository(root: &str) -> Option<String> {
    let top = git(root, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(root).canonicalize().ok()? {
        return None;
    }
    let mut names = vec!["HEAD".to_string(), "packed-refs".into()];
    names.extend(git(root, &["symbolic-ref", "-q", "HEAD"]));
    for name in names {
        let file = git(root, &["rev-parse", "--git-path", &name])?;
        let file = Path::new(root).join(file);
        if file.exists() {
            println!("cargo::rerun-if-changed={}", file.display());
        }
    }
    git(root, &["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

/// What `git` answers in `root`; it takes no locks, so that it changes nothing that cargo watches.
#[expect(clippy::disallowed_methods, reason = "the build asks git for the commit")]
fn git(root: &str, args: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(args).current_dir(root).env("GIT_OPTIONAL_LOCKS", "0").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// The commit that `cargo package` noted.
fn package(root: &str) -> Option<String> {
    let file = Path::new(root).join(".cargo_vcs_info.json");
    let text = std::fs::read_to_string(file).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let digits: String = rest.chars().skip_while(|c| !c.is_ascii_hexdigit()).take(12).collect();
    (digits.len() == 12 && digits.chars().all(|c| c.is_ascii_hexdigit())).then_some(digits)
}
