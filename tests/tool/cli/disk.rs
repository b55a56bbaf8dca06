//! Writes that fail halfway: a limit on the size of files, a full disk, a full device behind standard output.
//!
//! The message names the file, an earlier result stays as it was, and nothing half-written is left.

use super::*;
use std::fs;

/// A write beyond so many blocks of 512 bytes fails (instead of ending the program by a signal).
const LIMITED: &str = "trap '' XFSZ; ulimit -f 40; ";

#[test]
fn a_file_that_cannot_grow_leaves_the_earlier_accelerator() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    let before = content(&dir.join("d"));
    // The model is larger than the limit, most of the files before it are smaller.
    let words = "exec $BINCIM generate $MODEL --arch arch.toml --device up5k -o d";
    shell(dir, &format!("{LIMITED}{words}")).refuses(&["cannot write", "d.partial-", "File too large"]);
    assert_eq!(content(&dir.join("d")), before, "the earlier accelerator was touched");
    assert_eq!(names(dir), ["arch.toml", "d"], "something was left");
    shell(dir, words).ends(0);

    shell(dir, &format!("{LIMITED}exec $BINCIM new fresh")).refuses(&["fresh/glyphs.onnx", "File too large"]);
    shell(dir, &format!("{LIMITED}exec $BINCIM glyphs --count 500 -o glyphs")).refuses(&[
        "glyphs",
        "written",
        "File too large",
    ]);
    assert_eq!(names(dir), ["arch.toml", "d"], "something was left");
}

#[test]
fn a_report_that_cannot_grow_leaves_the_earlier_page() {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path();
    generate_small(dir);
    bincim(dir, &["report", "d", "-o", "page.html"]).ends(0);
    let before = fs::read(dir.join("page.html")).expect("a page");
    let script = "trap '' XFSZ; ulimit -f 2; exec $BINCIM report d -o page.html";
    shell(dir, script).refuses(&["cannot write page.html", "File too large"]);
    assert_eq!(fs::read(dir.join("page.html")).expect("still there"), before);
    assert_eq!(names(dir), ["arch.toml", "d", "page.html"]);
}

#[test]
fn a_model_that_cannot_be_built_leaves_the_earlier_verdict() {
    if !present("verify", &[Tool::Verilator]) {
        return;
    }
    let root = with_glyphs(2);
    let dir = root.path();
    generate_small(dir);
    fs::write(dir.join("d/verify.json"), "earlier").expect("writable");
    let script = format!("{LIMITED}exec $BINCIM verify d --data data --images 2");
    shell(dir, &script).refuses(&["d/build/"]);
    assert_eq!(fs::read(dir.join("d/verify.json")).expect("still there"), b"earlier");
}

#[test]
fn a_full_device_behind_standard_output_is_told() {
    if !Path::new("/dev/full").exists() {
        return harness::not_run(harness::Lack::System, "no /dev/full");
    }
    let root = with_glyphs(2);
    let dir = root.path();
    generate_small(dir);
    for words in [
        "schema",
        "check $MODEL --json",
        "infer $MODEL --data data",
        "report d -o -",
        "report d --json",
        "new fresh",
        "generate $MODEL -o other",
        "glyphs --count 4 -o more",
    ] {
        let ran = shell(dir, &format!("exec $BINCIM {words} > /dev/full")).ends(2);
        assert!(unwrapped(&ran.err).contains("Nospaceleft"), "{words}: {}", ran.err);
        // A log that cannot be written either changes nothing else.
        shell(dir, &format!("rm -rf fresh more; exec $BINCIM {words} > /dev/full 2> /dev/full")).ends(2);
    }
}

/// Runs in a namespace of its own with a small file system in the folder `disk`, which is gone afterwards.
#[test]
fn a_full_disk_leaves_the_earlier_accelerator() {
    let root = with_glyphs(2);
    let dir = root.path();
    fs::write(dir.join("arch.toml"), "[array]\nrows = 32\ncolumns = 4\n").expect("writable");
    fs::create_dir(dir.join("disk")).expect("writable");
    let mounted = "mount -t tmpfs -o size=1500k none disk";
    if shell(dir, &format!("unshare -rm sh -c '{mounted}'")).code != Some(0) {
        let reason = "no namespace with a file system of its own can be made";
        return harness::not_run(harness::Lack::System, reason);
    }
    let generate = "$BINCIM generate $MODEL --arch arch.toml -o disk/d";
    let script = format!(
        "{mounted} || exit 9; {generate} || exit 8; cp -r disk/d kept || exit 7
         head -c 10M /dev/zero > disk/filler; truncate -s -150k disk/filler
         {generate} > out.txt 2> err.txt; echo generate $?
         $BINCIM report disk/d -o disk/d/report.html; echo report $?
         head -c 1M /dev/zero >> disk/filler
         $BINCIM report disk/d -o disk/page.html 2> report.txt; echo report $?
         $BINCIM new disk/fresh 2> new.txt; echo new $?
         rm -f disk/d/report.html; diff -r disk/d kept && echo same; ls disk
         rm disk/filler; {generate}; echo generate $?"
    );
    let ran = shell(dir, &format!("unshare -rm sh -c '{script}'")).ends(0);
    let text = |name: &str| fs::read_to_string(dir.join(name)).expect("written");
    let after = ran.out.split_once("generate 2\n").unwrap_or_else(|| panic!("{}\n{}", ran.out, ran.err)).1;
    assert!(after.starts_with("report 0\nreport 2\nnew 2\nsame\nd\nfiller\n"), "{after}");
    assert!(after.ends_with("generate 0\n"), "{after}");
    assert_eq!(text("out.txt"), "");
    for (file, place) in
        [("err.txt", "disk/d.partial-"), ("report.txt", "page.html"), ("new.txt", "disk/fresh/")]
    {
        let said = unwrapped(&text(file));
        assert!(said.contains("Nospaceleft") && said.contains(place), "{file}: {said}");
    }
}
