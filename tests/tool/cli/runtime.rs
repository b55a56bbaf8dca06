//! Verilator's runtime objects, kept between builds.

use super::*;
use bincim::flow::Tool;

fn log(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("d/build/model/build.log")).expect("a log")
}

#[test]
fn the_simulators_runtime_is_compiled_once() {
    if !present("verify", &[Tool::Verilator]) {
        return;
    }
    let cache = tempfile::tempdir().expect("a temporary folder");
    let verified = |at: &Path, words: &[&str]| {
        let mut command = program(at);
        command.env("XDG_CACHE_HOME", cache.path()).args(["verify", "d", "--data", "data", "--images", "1"]);
        Ran::from(command.args(words).output().expect("it runs")).ends(0);
    };
    let [first, second] = [with_glyphs(2), with_glyphs(2)];
    for at in [&first, &second] {
        generate_small(at.path());
        verified(at.path(), &[]);
    }
    // With ccache on the PATH make asks it for every object instead.
    let (cold, warm) = (log(first.path()), log(second.path()));
    if !cold.contains("ccache") {
        assert!(cold.contains(" -o verilated.o ") && cold.contains(" -o cosim.o "), "{cold}");
        assert!(!warm.contains(" -o verilated.o ") && warm.contains(" -o cosim.o "), "{warm}");
        // A model with waves has another runtime.
        std::fs::remove_dir_all(second.path().join("d/build")).expect("a folder");
        verified(second.path(), &["--waves"]);
        let waves =
            std::fs::read_to_string(second.path().join("d/build/model_fst/build.log")).expect("a log");
        assert!(waves.contains(" -o verilated.o "), "{waves}");
    }
    // What another run left beside the model is not linked.
    for object in ["verilated.o", "verilated_threads.o"] {
        std::fs::write(first.path().join("d/build/model").join(object), "of another time").expect("writable");
    }
    verified(first.path(), &[]);
    // What cannot be read or written is compiled.
    let kept = cache.path().join("bincim");
    std::fs::remove_dir_all(&kept).expect("the cache");
    std::fs::write(&kept, "in the way").expect("writable");
    std::fs::remove_dir_all(first.path().join("d/build")).expect("a folder");
    verified(first.path(), &[]);
    assert_eq!(std::fs::read_to_string(&kept).expect("still there"), "in the way");
}
