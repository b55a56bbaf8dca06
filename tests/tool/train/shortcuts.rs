//! Layers with shortcuts: the integers against the forward pass, repeated trainings, the file, the scales.

use super::{exchange, labels, pixels, planned, trained};
use bincim::golden::packed;
use bincim::network::validate;
use bincim::read;
use bincim::train::{self, Samples, Trainer, checkpoint};

/// A pooled start, a plain layer in between, a chain of its own behind it, and dense layers; every way of a convolution.
pub const CHAINS: &str = r#"
[input]
channels = 2
rows = 10
columns = 8
[[layer]]
kind = "conv"
outputs = 44
kernel = 3
pad = 1
pool = 2
[[layer]]
kind = "conv"
outputs = 44
kernel = 3
pad = 1
shortcut = "conv1"
[[layer]]
kind = "conv"
outputs = 6
kernel = 1
[[layer]]
kind = "conv"
outputs = 44
kernel = 3
pad = 1
pad_value = "zero"
shortcut = "conv2"
[[layer]]
kind = "conv"
outputs = 7
kernel = 2
pool = 2
[[layer]]
kind = "conv"
outputs = 7
kernel = 1
shortcut = "conv5"
scale = 0.5
[[layer]]
kind = "dense"
outputs = 9
[[layer]]
kind = "dense"
outputs = 9
shortcut = "dense1"
[[layer]]
kind = "dense"
outputs = 9
shortcut = "dense1"
scale = 2.0
[[layer]]
kind = "scores"
outputs = 4
[train]
batch = 6
epochs = 2
measured = 40
ste = "polynomial"
"#;

/// Bits alone, layer upon layer.
pub const BITS: &str = r#"
[input]
channels = 1
rows = 9
columns = 9
code = "bipolar"
[[layer]]
kind = "conv"
outputs = 12
kernel = 3
[[layer]]
kind = "conv"
outputs = 12
kernel = 3
pad = 1
shortcut = "conv1"
[[layer]]
kind = "conv"
outputs = 12
kernel = 3
pad = 1
pad_value = "plus"
shortcut = "conv2"
scale = 1.0
[[layer]]
kind = "scores"
outputs = 5
[train]
batch = 6
epochs = 2
rate = 0.02
measured = 40
"#;

fn supported(text: &str, more: &str) -> String {
    format!("{text}[supports]\nscales = [0.5, 0.25]\ndrop_taps = 9\n{more}")
}

pub fn texts() -> [String; 4] {
    [
        CHAINS.into(),
        BITS.into(),
        supported(CHAINS, "drop = 0.5\ndrop_by = \"loss\"\n"),
        supported(BITS, "learn_scales = true\n"),
    ]
}

#[test]
fn the_integers_give_the_scores_of_the_forward_pass() {
    for text in texts() {
        for trainer in [trained(&text, 40, 0), trained(&text, 40, 2)] {
            let network = trainer.network();
            assert_eq!(validate(&network), []);
            let pixels = pixels(&trainer.plan, 24);
            let expected = exchange::scores(&trainer, &pixels);
            assert_eq!(exchange::defined_scores(&trainer, &pixels), expected);
            let last = trainer.model.layers.last().expect("a layer");
            let unit = last.integer_scales().1 as f32;
            let fast = packed::prepare(&network).infer(&pixels);
            let fast: Vec<f32> = fast.into_iter().map(|score| score as f32 * unit).collect();
            assert_eq!(fast, expected.concat());
        }
    }
}

#[test]
fn training_repeats_to_the_same_bytes() {
    for text in texts() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| trained(&text, 40, 2))
        };
        let whole = checkpoint::save(&with(1), "d");
        assert!(whole == checkpoint::save(&with(5), "d"), "threads change the bytes");
        let half = checkpoint::save(&trained(&text, 40, 1), "d");
        let mut trainer = checkpoint::load(Trainer::new(planned(&text)), "d", &half).expect("a checkpoint");
        let pixels = pixels(&trainer.plan, 40);
        let labels = labels(&trainer.plan, &pixels);
        let samples = Samples { pixels: &pixels, labels: &labels };
        trainer.epoch(&samples, &samples, &mut |_| {}).expect("an epoch");
        assert!(whole == checkpoint::save(&trainer, "d"), "a checkpoint changes the bytes");
    }
}

#[test]
fn shortcuts_learn() {
    let text = CHAINS.replace("epochs = 2", "epochs = 30");
    let trainer = trained(&text, 60, 30);
    let losses: Vec<f64> = trainer.history.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[29] < 0.6 * losses[0], "{losses:?}");
}

#[test]
fn the_file_is_read_back_to_the_same_integers() {
    for text in texts() {
        for trainer in [trained(&text, 40, 0), trained(&text, 40, 2)] {
            let bytes = train::onnx(&trainer.plan, &trainer.model, train::Weights::Signs);
            let read = read::network_from_bytes(&bytes, "net").unwrap_or_else(|errors| panic!("{errors:?}"));
            let network = trainer.network();
            for (read, made) in read.network.layers.iter().zip(&network.layers) {
                assert_eq!(read.activation, made.activation, "{}", made.name.raw());
            }
            assert_eq!(read.network, network);
            assert_eq!(read.proof.f32_differences, 0, "thresholds keep clear of the sums that occur");
        }
    }
}

#[test]
fn the_qonnx_executor_gives_the_same_scores() {
    let trainers: Vec<Trainer> = texts().iter().map(|text| trained(text, 40, 2)).collect();
    exchange::compare_with_qonnx(&trainers);
}

#[test]
fn a_training_goes_on_from_a_model_with_shortcuts() {
    let trainer = trained(CHAINS, 40, 2);
    let bytes = train::onnx(&trainer.plan, &trainer.model, train::Weights::Latent);
    let mut other = Trainer::new(trainer.plan.clone());
    other.model = train::start(&other.plan, &bytes).expect("a model");
    assert_eq!(other.network(), trainer.network());
}

/// The plan's scales of the layers that add, in order.
fn scales(text: &str) -> Vec<f32> {
    let layers = planned(text).layers;
    layers.iter().filter_map(|layer| layer.shortcut.map(|shortcut| shortcut.scale)).collect()
}

#[test]
fn scales_bring_sums_to_one_size() {
    // 0.5 * sqrt(18) = 2.12 of the first; 2.12 / sqrt(396) = 0.11; sqrt(396) / 8 / sqrt(54) = 0.34;
    // and sqrt(14) / sqrt(9) = 1.2 of the dense layers.
    assert_eq!(scales(CHAINS), [0.125, 0.25, 0.5, 1.0, 2.0]);
    // sqrt(9) / sqrt(108) = 0.29.
    assert_eq!(scales(BITS), [0.25, 1.0]);
    // The integers of an 8-bit start count 1/128 each.
    let planes = |text: &str| -> Vec<Vec<i32>> {
        let network = Trainer::new(planned(text)).network();
        network.layers.iter().map(|layer| layer.planes.iter().map(|plane| plane.scale).collect()).collect()
    };
    assert_eq!(planes(CHAINS)[..6], [[1], [16], [1], [32], [2], [1]]);
    assert_eq!(planes(BITS), [[4], [1], [4], [1]]);
    assert_eq!(planes(&supported(CHAINS, ""))[..4], [[4, 2, 1], [64, 32, 16], [4, 2, 1], [128, 64, 32]]);
    // 0.5 * sqrt(2940) / sqrt(12) = 7.8, and 0.25 counts 128 of the finest step, a quarter of 1/128.
    let wide = BITS.replace("channels = 1", "channels = 60").replace("code = \"bipolar\"", "");
    let wide = wide.replace("kernel = 3\n[[", "kernel = 7\n[[").replace("kernel = 3\npad = 1", "kernel = 1");
    let wide = supported(&wide.replace("pad_value = \"plus\"\n", "").replace("scale = 1.0", ""), "");
    assert_eq!(scales(&wide), [0.25, 0.25]);
    assert_eq!(planes(&wide)[..2], [[4, 2, 1], [128, 64, 32]]);
}
