//! The exported file against the trainer: read back to the same integers, run to the same scores.

use super::{NETS, pixels, trained};
use bincim::golden::reference;
use bincim::network::validate;
use bincim::read;
use bincim::train::{self, Samples, Trainer};
use std::path::PathBuf;
use std::process::Command;

/// Untrained statistics give constant channels, two epochs give lively ones.
fn trainers() -> Vec<Trainer> {
    NETS.iter().flat_map(|text| [trained(text, 40, 0), trained(text, 40, 2)]).collect()
}

/// Scores of the trainer's own forward pass in f32, image by image.
pub fn scores(trainer: &Trainer, pixels: &[u8]) -> Vec<Vec<f32>> {
    let plan = &trainer.plan;
    let (table, shape) = (plan.pixel_codes(), plan.input);
    let codes: Vec<i8> = pixels
        .chunks_exact(shape.elements())
        .flat_map(|image| {
            let at = move |i: usize| image[i % shape.c * shape.pixels() + i / shape.c];
            (0..shape.elements()).map(at).map(|pixel| table[usize::from(pixel)]).collect::<Vec<i8>>()
        })
        .collect();
    trainer.model.scores(plan, &codes, None).chunks_exact(plan.classes()).map(<[f32]>::to_vec).collect()
}

#[test]
fn the_file_is_read_back_to_the_same_integers() {
    for trainer in trainers() {
        let bytes = train::onnx(&trainer.plan, &trainer.model, train::Weights::Signs);
        let read = read::network_from_bytes(&bytes, "net").unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(validate(&read.network), []);
        assert_eq!(read.network, trainer.network());
        assert_eq!(read.proof.f32_differences, 0, "thresholds keep clear of the sums that occur");
    }
}

/// Scores of the trainer's integers by the definition, in the unit of its sums, image by image.
pub fn defined_scores(trainer: &Trainer, pixels: &[u8]) -> Vec<Vec<f32>> {
    let network = trainer.network();
    let least = trainer.model.layers.last().expect("a layer").integer_scales().1 as f32;
    let unit = least * if network.layers.len() == 1 { trainer.plan.unit() } else { 1.0 };
    let of = |image: &[u8]| {
        let input: Vec<i16> = image.iter().map(|&p| network.input.pixel_values[usize::from(p)]).collect();
        reference::run(&network, &input).scores.into_iter().map(|score| score as f32 * unit).collect()
    };
    pixels.chunks_exact(trainer.plan.input.elements()).map(of).collect()
}

#[test]
fn the_golden_model_gives_the_scores_of_the_forward_pass() {
    for trainer in trainers() {
        let pixels = pixels(&trainer.plan, 50);
        assert_eq!(defined_scores(&trainer, &pixels), scores(&trainer, &pixels));
    }
}

#[test]
fn training_learns() {
    let trainer = trained(&NETS[1].replace("epochs = 2", "epochs = 40\nrate = 0.02"), 40, 40);
    let losses: Vec<f64> = trainer.history.iter().map(|epoch| epoch.loss).collect();
    assert!(losses[39] < 0.6 * losses[0], "{losses:?}");
    let pixels = pixels(&trainer.plan, 40);
    let labels = super::labels(&trainer.plan, &pixels);
    let right = trainer.count_right(&Samples { pixels: &pixels, labels: &labels });
    assert_eq!(right as f64 / 40.0, trainer.history[39].test_accuracy);
}

#[test]
fn the_qonnx_executor_gives_the_same_scores() {
    compare_with_qonnx(&trainers());
}

/// The PyPI executor of QONNX gives the same scores.
#[expect(clippy::disallowed_methods, reason = "an outside executor is the witness")]
pub fn compare_with_qonnx(trainers: &[Trainer]) {
    let python = std::env::var_os("BINCIM_QONNX_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let has = Command::new(&python).args(["-c", "import qonnx, onnxruntime"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        let reason = "the qonnx executor (BINCIM_QONNX_PYTHON may name a python that has it)";
        return harness::not_run(harness::Lack::System, reason);
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tool/train/qonnx_scores.py");
    for (index, trainer) in trainers.iter().enumerate() {
        let (model, images) = (folder.path().join("net.onnx"), folder.path().join("images.bin"));
        std::fs::write(&model, train::onnx(&trainer.plan, &trainer.model, train::Weights::Signs))
            .expect("writable");
        let pixels = pixels(&trainer.plan, 12);
        std::fs::write(&images, &pixels).expect("writable");
        let ran = Command::new(&python).arg(script).args([&model, &images]).output().expect("python starts");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let found: Vec<Vec<f32>> = serde_json::from_slice(&ran.stdout).expect("JSON");
        let scale = trainer.model.layers.last().expect("a layer").gamma.value[0];
        let mut expected = scores(trainer, &pixels);
        expected.iter_mut().flatten().for_each(|score| *score *= scale);
        assert_eq!(found, expected, "network {index}");
    }
}
