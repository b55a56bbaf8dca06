//! Runs that are ended from outside: the earlier result stays, and the next run needs no cleaning by hand.

use super::*;
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

/// Starts the program with its streams thrown away, and heeding SIGINT even where the tests run in the background.
pub fn start(dir: &Path, words: &[&str]) -> Child {
    use std::os::unix::process::CommandExt;
    let mut command = program(dir);
    // SAFETY: signal() is all that happens between fork and exec, and it may be called there.
    unsafe {
        command.pre_exec(|| match libc::signal(libc::SIGINT, libc::SIG_DFL) {
            libc::SIG_ERR => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    command.args(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts")
}

/// Sends `signal` once `ready`; false if the program was done before it could be interrupted.
pub fn interrupt(mut child: Child, signal: libc::c_int, ready: impl Fn() -> bool) -> bool {
    use std::os::unix::process::ExitStatusExt;
    while !ready() && child.try_wait().expect("a child").is_none() {
        thread::sleep(Duration::from_micros(200));
    }
    if child.try_wait().expect("a child").is_none() {
        // SAFETY: a plain system call on a process that is ours and not yet waited for.
        unsafe {
            libc::kill(child.id() as libc::pid_t, signal);
        }
    }
    let status = child.wait().expect("a child");
    assert!(status.success() || status.signal() == Some(signal), "{status}");
    !status.success()
}

pub const SIGNALS: [libc::c_int; 2] = [libc::SIGKILL, libc::SIGINT];

/// Processes whose working folder lies in `dir`: what an interrupted run left at work.
fn left_at_work(dir: &Path) -> Vec<String> {
    let dir = fs::canonicalize(dir).expect("a folder");
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&dir)))
        .map(|entry| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default().replace('\0', " "))
        .collect()
}

/// Waits until nothing of an interrupted run is at work any more: a compiler finishes the file it is at.
fn wait_for_end(dir: &Path) {
    for _ in 0..2400 {
        if left_at_work(dir).is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("still at work after two minutes: {:?}", left_at_work(dir));
}

#[test]
fn generation() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    let before = content(&dir.join("d"));
    let network = model();
    let network = network.to_str().expect("a plain path");
    for signal in SIGNALS {
        let words = ["generate", network, "--arch", "arch.toml", "--device", "up5k", "-o", "d"];
        // The writing takes milliseconds; a run that was faster than the signal is tried again.
        let hit = (0..100)
            .any(|_| interrupt(start(dir, &words), signal, || under_construction(dir, "d").is_some()));
        assert!(hit, "a hundred runs were over before they could be interrupted");
        assert_eq!(content(&dir.join("d")), before);
        bincim(dir, &["report", "d", "--json"]).ends(0);
    }
    generate_small(dir);
    assert_eq!((content(&dir.join("d")), names(dir).len()), (before, 2), "something was left");
}

#[test]
fn clearing() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    let network = model();
    let network = network.to_str().expect("a plain path");
    let words = ["generate", network, "--arch", "arch.toml", "--device", "up5k", "-o", "d"];
    let left = || under_construction(dir, "d");
    let hit = (0..100).any(|_| interrupt(start(dir, &words), libc::SIGKILL, || left().is_some()));
    assert!(hit, "a hundred runs were over before they could be interrupted");
    // So many files that their removal takes longer than the signal.
    let made = left().expect("what was left");
    (0..20_000).for_each(|n| fs::write(made.join(n.to_string()), "").expect("writable"));
    let before = fs::read_dir(&made).expect("a folder").count();
    let fewer = || fs::read_dir(&made).map_or(true, |files| files.count() < before);
    assert!(interrupt(start(dir, &words), libc::SIGKILL, fewer), "over before it could be interrupted");
    assert!(left().is_some(), "cleared before it could be interrupted");
    generate_small(dir);
    assert_eq!(names(dir).len(), 2, "something was left");
}

#[test]
fn synthesis() {
    if !present("synth", &[Tool::Yosys]) {
        return;
    }
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    let words = ["synth", "d", "--device", "up5k", "--synth-only"];
    bincim(dir, &words).ends(0);
    let before = content(&dir.join("d/synth/up5k"));
    for signal in SIGNALS {
        let hit = interrupt(start(dir, &words), signal, || {
            under_construction(&dir.join("d/synth"), "up5k")
                .is_some_and(|made| fs::metadata(made.join("synth.log")).is_ok_and(|log| log.len() > 0))
        });
        assert!(hit, "over before it could be interrupted");
        assert_eq!(content(&dir.join("d/synth/up5k")), before);
        wait_for_end(dir);
    }
    bincim(dir, &words).ends(0);
    let report = |files: &[(PathBuf, Vec<u8>)]| files.iter().find(|f| f.0.ends_with("report.json")).cloned();
    assert_eq!(report(&content(&dir.join("d/synth/up5k"))), report(&before));
    assert_eq!(names(&dir.join("d/synth")), ["up5k"], "something was left");
}

#[test]
fn verification() {
    if !present("verify", &[Tool::Verilator]) {
        return;
    }
    let root = with_glyphs(4);
    let dir = root.path();
    generate_small(dir);
    fs::write(dir.join("d/verify.json"), "earlier").expect("writable");
    let words = ["verify", "d", "--data", "data", "--images", "2"];
    let built = dir.join("d/build/model");
    for (signal, first) in SIGNALS.into_iter().zip([".o", ".cpp"]) {
        // Once in the compiler, once while the C++ sources are written.
        let _ = fs::remove_dir_all(&built);
        let hit = interrupt(start(dir, &words), signal, || {
            built.is_dir() && names(&built).iter().any(|name| name.ends_with(first))
        });
        assert!(hit, "over before it could be interrupted");
        assert_eq!(fs::read(dir.join("d/verify.json")).expect("still there"), b"earlier");
        wait_for_end(dir);
    }
    bincim(dir, &words).ends(0);
    assert!(fs::read_to_string(dir.join("d/verify.json")).expect("written").contains("\"mismatches\": 0"));
    assert!(!names(&dir.join("d")).iter().any(|name| name.contains("lock")));
}
