//! Small inputs built after public bug reports of other tools, and networks by others, from the shared folder: what was
//! recorded for them comes out, or they are refused for the reason that holds.

use crate::common::shared;
use bincim::golden::{packed, reference};
use bincim::lower::lower;
use bincim::read::{self, Split, dataset};
use npyz::npz::NpzArchive;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program on the files of `case`: exit status, standard output, standard error.
#[expect(clippy::disallowed_methods, reason = "the program itself is under test")]
fn bincim(case: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_bincim"))
        .args(words)
        .current_dir(case)
        .env_remove("RUST_BACKTRACE")
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Without blanks and rulers: long messages are broken to the width of the terminal.
fn unwrapped(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !"│|".contains(*c)).collect()
}

fn holds(case: &Path, words: &[&str], code: i32, out: &[&str], err: &[&str]) {
    let (status, stdout, stderr) = bincim(case, words);
    let told = format!("{} {words:?}\n{stdout}\n{stderr}", case.display());
    assert_eq!(status, Some(code), "{told}");
    for (said, wanted) in [(&stdout, out), (&stderr, err)] {
        for word in wanted {
            assert!(unwrapped(said).contains(&unwrapped(word)), "no `{word}` in {told}");
        }
    }
}

fn case(name: &str) -> Option<PathBuf> {
    shared(&format!("cases/{name}"))
}

/// The case's cmd.sh in one line: what is run, its exit status, and words of its output and its log.
type Run<'a> = (&'a str, &'a [&'a str], i32, &'a [&'a str], &'a [&'a str]);

#[test]
fn every_case_gives_what_is_right() {
    let infer = &["infer", "model.onnx", "--data", "data.npz"][..];
    let check = &["check", "model.onnx"][..];
    let runs: [Run; 22] = [
        ("01-pad-axes-order", infer, 0, &["179 of 179"], &[]),
        ("02-input-normalised-outside", infer, 0, &["GUESS"], &["GUESS", "--input"]),
        (
            "02-input-normalised-outside",
            &["infer", "model.onnx", "--data", "data.npz", "--input", "mean=0.1307,std=0.3081"],
            0,
            &["277 of 277"],
            &[],
        ),
        ("06-png-alpha-mask", &["infer", "model.onnx", "--data", "png"], 2, &[], &["transparent", "alpha"]),
        ("09-depthwise", check, 2, &[], &["attribute group = 8 is not supported"]),
        ("11-int1-weights-nan", check, 2, &[], &["scale is not a number", "BINARY"]),
        // The Pad is read; the 4 x 4 x 4 map behind it is no input of the 48 weights, in ONNX Runtime neither.
        ("13-pad-opset18-axes", check, 2, &[], &["MatMul_35", "48 inputs", "[1, 64]"]),
        ("14-shape-start-end", check, 0, &[], &[]),
        ("14-shape-start-end", infer, 0, &["154 of 154"], &[]),
        ("16-averagepool-2x2", check, 2, &[], &["average over the whole map"]),
        ("18-residual-with-batchnorm", check, 2, &[], &["Add"]),
        ("20-300-classes", infer, 0, &["of 2 test images right"], &[]),
        (
            "21-cifar-python",
            &["infer", "model.onnx", "--data", "cifar-10-batches-py"],
            2,
            &[],
            &["python version of CIFAR-10", "cifar-10-binary"],
        ),
        (
            "23-all-channels-constant",
            check,
            0,
            &["every channel of layer 0", "constant"],
            &["do not depend on the image"],
        ),
        ("26-labels-beyond-classes", infer, 2, &[], &["label", "the largest 9", "5 scores"]),
        ("28-torchvision-mnist-root", &["infer", "model.onnx", "--data", "MNIST"], 0, &["60 of 60"], &[]),
        ("30-per-channel-normalise", check, 0, &["channel 2: pixel 0 is x = 0, code -82"], &[]),
        ("31-scores-and-argmax", check, 0, &["argmax"], &[]),
        ("32-input-totensor", infer, 0, &["GUESS"], &["GUESS", "bincim.input"]),
        (
            "32-input-totensor",
            &["infer", "model.onnx", "--data", "data.npz", "--input", "unit"],
            0,
            &["291 of 291"],
            &[],
        ),
        ("models", &["check", "probe_normhost.onnx"], 0, &["GUESS"], &["GUESS"]),
        ("models", &["check", "probe_depthwise.onnx"], 2, &[], &["group = 16"]),
    ];
    for (name, words, code, out, err) in runs {
        let Some(folder) = case(name) else { return };
        holds(&folder, words, code, out, err);
    }
}

#[test]
fn hidden_folders_are_no_classes() {
    let Some(folder) = case("04-png-hidden-folder") else { return };
    let copy = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir(copy.path().join(".ipynb_checkpoints")).expect("writable");
    for class in std::fs::read_dir(folder.join("png")).expect("a folder").map(|e| e.expect("an entry").path())
    {
        let to = copy.path().join(class.file_name().expect("a name"));
        std::fs::create_dir_all(&to).expect("writable");
        for picture in std::fs::read_dir(&class).expect("a folder").map(|e| e.expect("an entry").path()) {
            std::fs::copy(&picture, to.join(picture.file_name().expect("a name"))).expect("writable");
        }
    }
    let data = copy.path().display().to_string();
    holds(&folder, &["infer", "model.onnx", "--data", &data], 0, &["60 of 60"], &[]);
}

/// Classes of the first `count` images of an archive, as recorded in its array `record`.
fn recorded(model: &str, archive: &str, record: &str, count: usize) {
    let (Some(model), Some(archive)) =
        (shared(&format!("models/others/{model}")), shared(&format!("models/others/{archive}")))
    else {
        return;
    };
    let reading = read::reading(&model).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(reading.pixels.origin, read::Origin::Graph, "{}", model.display());
    let network = lower(reading.network);
    let data = dataset(&archive, Split::Test).unwrap_or_else(|e| panic!("{e}"));
    let mut arrays = NpzArchive::open(&archive).expect("an archive");
    let classes: Vec<i64> =
        arrays.by_name(record).expect("readable").expect("an array").into_vec().expect("int64");
    let size = network.input.shape.elements();
    let count = count.min(data.len());
    let engine = packed::prepare(&network);
    let scores = engine.infer(&data.images[..count * size]);
    let wrong = scores
        .chunks(engine.scores_per_image())
        .zip(&classes)
        .filter(|(scores, class)| {
            reference::decide(&network, scores, network.output.decision) as i64 != **class
        })
        .count();
    assert_eq!(wrong, 0, "{} of {count} classes of {}", wrong, model.display());
}

#[test]
fn networks_of_one_score_by_others_give_their_recorded_classes() {
    recorded("cybsec_w2a2/cybsec_w2a2.onnx", "cybsec_w2a2/cybsec_w2a2_random.npz", "labels", 1000);
    let two = "cybsec_w2a2/cybsec_w2a2_two_outputs.onnx";
    recorded(two, "cybsec_w2a2/cybsec_w2a2_random.npz", "labels", 1000);
}

#[test]
fn dense_networks_by_others_give_their_recorded_classes() {
    let jets = "jets_ternary_small/jets_ternary_small";
    recorded(&format!("{jets}.onnx"), &format!("{jets}_random.npz"), "labels", 2000);
    recorded("jos_bn/jos_bn.onnx", "jos_bn/jos_bn_ref.npz", "pred", 1000);
    let qkeras = "qkeras_mnist_dense/qkeras_mnist_dense";
    recorded(&format!("{qkeras}.onnx"), &format!("{qkeras}_ref.npz"), "pred", 300);
    recorded("lfcW1A2/lfcW1A2.onnx", "lfcW1A2/lfcW1A2_ref.npz", "pred", 100);
}

#[test]
fn the_convolutional_network_by_others_gives_its_recorded_classes() {
    recorded("cnvW1A2/cnvW1A2.onnx", "cnvW1A2/cnvW1A2_ref.npz", "pred", 16);
}

/// A residual network by others: read as its author exported it, and with a quantised stem. Rounding makes another network
/// of it that agrees with the recorded one on most images.
#[test]
fn the_residual_network_by_others_is_read_with_states() {
    for (name, bits, expected) in [("bireal20", (20, 12), 42), ("bireal20_q8", (16, 10), 46)] {
        let Some(model) = shared(&format!("models/others/bireal20/{name}.onnx")) else { return };
        let Some(archive) = shared(&format!("models/others/bireal20/{name}_ref.npz")) else { return };
        let state = Some(read::State { bits: bits.0, fraction: bits.1 });
        let ends = Some(read::Ends { bits: 8, fraction: Some(3) });
        let rules = read::Rules { pixels: None, fixed: read::Fixed { state, ends } };
        let reading = read::reading_with(&model, &rules).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(reading.pixels.origin, read::Origin::Graph);
        let network = lower(reading.network);
        assert_eq!(network.layers.len(), 20);
        assert_eq!(network.layers.iter().filter(|layer| layer.shortcut.adds).count(), 18);
        let strided = |layer: &&bincim::network::Layer| layer.shortcut.stride == (2, 2);
        assert_eq!(network.layers.iter().filter(strided).count(), 2);
        let mut arrays = NpzArchive::open(&archive).expect("an archive");
        let images: Vec<u8> =
            arrays.by_name("images_u8").expect("readable").expect("an array").into_vec().expect("bytes");
        let classes: Vec<i64> =
            arrays.by_name("pred").expect("readable").expect("an array").into_vec().expect("int64");
        let (size, count) = (network.input.shape.elements(), 50);
        let engine = packed::prepare(&network);
        let scores = engine.infer(&images[..count * size]);
        let decide = |scores: &[i32]| reference::decide(&network, scores, network.output.decision) as i64;
        let alike = scores.chunks(10).zip(&classes).filter(|(scores, class)| decide(scores) == **class);
        assert_eq!(alike.count(), expected, "of {count} classes of {name}");
        let elements = network.input.elements(&images[..size]);
        assert_eq!(reference::run(&network, &elements).scores, scores[..10], "{name}");
    }
}

#[test]
fn networks_that_need_more_are_refused_by_their_reason_and_not_once_a_node() {
    for (name, says) in [("bireal20/bireal20.onnx", "Conv"), ("bireal20/bireal20_q8.onnx", "Add")] {
        let Some(model) = shared(&format!("models/others/{name}")) else { return };
        let errors = read::reading(&model).expect_err("must be refused");
        assert!(errors.list.len() <= 4, "{errors}");
        assert!(errors.to_string().contains(says), "{errors}");
    }
}
