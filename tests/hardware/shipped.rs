//! The network that travels with the project: read, run by every golden model, and proved in Verilog, against scores that
//! others' programs recorded.

use crate::machines;

use crate::common::tools;
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::Design;
use bincim::emit;
use bincim::flow::Tool;
use bincim::golden::{machine, packed, reference};
use bincim::lower::lower;
use bincim::network::{InputCode, Network};
use bincim::read::{self, Split};
use std::io::Read;
use std::path::{Path, PathBuf};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shipped")
}

fn tfc() -> Network {
    let file = std::fs::File::open(shipped().join("TFC_1W1A.onnx.gz")).expect("the network");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("a gzip file");
    let network = read::network_from_bytes(&bytes, "TFC_1W1A").unwrap_or_else(|e| panic!("{e:?}")).network;
    assert_eq!(network.input.code, InputCode::Bipolar);
    lower(network)
}

/// The images as the network takes them, their labels, and the recorded scores.
fn record() -> (Vec<Vec<i16>>, Vec<usize>, Vec<Vec<i32>>) {
    let data = read::dataset(&shipped().join("t10k-images-idx3-ubyte"), Split::Test);
    let data = data.unwrap_or_else(|e| panic!("{e}"));
    let images = data.images.chunks(28 * 28);
    let images = images.map(|image| image.iter().map(|&p| if p < 128 { -1 } else { 1 }).collect()).collect();
    let text = std::fs::read_to_string(shipped().join("scores.csv")).expect("the scores");
    let scores = text.lines().map(|line| line.split(',').map(|n| n.parse().expect("a number")).collect());
    (images, data.labels.expect("labels").into_iter().map(|label| label as usize).collect(), scores.collect())
}

fn class(scores: &[i32]) -> usize {
    let most = scores.iter().max().expect("scores");
    scores.iter().position(|score| score == most).expect("there")
}

#[test]
fn every_golden_model_gives_the_recorded_scores() {
    let network = tfc();
    let (images, labels, recorded) = record();
    assert_eq!((images.len(), labels.len(), recorded.len()), (20, 20, 20));
    let design = machines::design(&network, &machines::arch(64, 16, 16, 16, 0)).expect("it fits");
    for set in packed::InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        let elements: Vec<i16> = images.concat();
        assert_eq!(packed::prepare_for(&network, set).infer_elements(&elements), recorded.concat(), "{set}");
    }
    for (image, scores) in images.iter().zip(&recorded) {
        assert_eq!(&reference::run(&network, image).scores, scores);
        let machine = machine::run(&design, None, image, 0).scores;
        assert!(machine.iter().copied().eq(scores.iter().map(|&score| i64::from(score))));
    }
    let right = recorded.iter().zip(&labels).filter(|(s, label)| class(s) == **label).count();
    assert_eq!(right, 19);
}

#[test]
fn the_verilog_gives_them_too() {
    if !tools::present("verify", &[Tool::Verilator]) {
        return;
    }
    let design: Design = machines::design(&tfc(), &machines::arch(64, 16, 16, 16, 0)).expect("it fits");
    let (images, _, recorded) = record();
    let folder = tempfile::tempdir().expect("a folder");
    let rtl = emit::accelerator(&design, None).into_iter().map(|text| (text.name, text.text)).collect();
    let frames: Vec<_> = images
        .iter()
        .map(|image| cosim::frame(&design, None, emit::vectors::Settings::all(&design), image.clone(), 0))
        .collect();
    for (frame, scores) in frames.iter().zip(&recorded) {
        assert!(frame.scores.iter().copied().eq(scores.iter().map(|&score| i64::from(score))));
    }
    machines::write_design(folder.path(), &design, rtl, &frames[..3]);
    let model = cosim::build(folder.path(), &design, Text::Shipped, Trace::Off, images.len(), 2)
        .unwrap_or_else(|problem| panic!("{problem}"));
    let plan = Plan { seed: 1, noise_seed: None, resets: 2, jobs: 2, planes: None, whole: false };
    let image = |index: usize| images[index].clone();
    let shards = cosim::run(&design, &model, &image, 0..images.len(), &plan, &|_| ());
    let shards = shards.unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(shards.iter().map(|shard| shard.images).sum::<u64>(), 20);
    for shard in &shards {
        assert_eq!((shard.mismatches, &shard.first), (0, &None));
    }
}
