//! Tests of `bincim infer` without its command line.

use super::*;
use crate::golden::{ensemble, machine, packed};
use crate::network::random;

fn args(images: Option<usize>) -> Args {
    Args {
        model: "net.onnx".into(),
        data: "data".into(),
        reading: ReadArgs::default(),
        pictures: PictureArgs::default(),
        scores: None,
        layers: false,
        arch: None,
        chip: None,
        planes: None,
        samples: SampleArgs::default(),
        noise_seed: None,
        without_read_noise: false,
        without_correction: false,
        judge: JudgeArgs::default(),
        split: Split::Test,
        images,
        rule: Some(Rule::Argmax),
        threads: Some(1),
        json: true,
    }
}

fn read(network: &Network) -> Read {
    let pixels = read::Pixels::new(read::PixelRule::Raw, read::Origin::Given);
    Read {
        network: network.clone(),
        image: network.input.shape,
        proof: String::new(),
        pixels,
        fixed: Default::default(),
        fit: None,
    }
}

/// Images, and the labels that the reference gives them.
fn labelled(network: &Network, count: usize) -> (Vec<u8>, Vec<u32>) {
    let size = network.input.shape.elements();
    let images: Vec<u8> = (0..count * size).map(|i| (i * 89 + i / 5) as u8).collect();
    let label = |image: &[u8]| {
        let scores = reference::run(network, &network.input.elements(image)).scores;
        reference::decide(network, &scores, Decision::Argmax) as u32
    };
    let labels = images.chunks(size).map(label).collect();
    (images, labels)
}

#[test]
fn counts_what_is_right() {
    let network = random::network(3, &random::Limits::default());
    let (pixels, mut labels) = labelled(&network, 40);
    labels[1] = labels[1].wrapping_add(1);
    labels[39] = labels[39].wrapping_add(1);
    let images = Images { pixels: &pixels, labels: Some(&labels), guessed: false };
    let (model, read) = (Model::Packed(Box::new(packed::prepare(&network))), read(&network));
    let count = |model: &Model, images: &Images, first| {
        classify(&args(first), &network, model, images, &read).expect("a summary").0
    };
    let all = count(&model, &images, None);
    assert_eq!((all.images, all.correct, all.accuracy), (40, Some(38), Some(0.95)));
    let arch = crate::arch::ArchFile::default().with("generic", 32, 8, 8, 8, 8);
    let design = crate::design::build(&network, &arch).expect("a design");
    assert_eq!(count(&Model::Machine(&design, 1), &images, None).correct, all.correct);
    let some = count(&model, &images, Some(39));
    assert_eq!((some.images, some.correct), (39, Some(38)));
    let bare = Images { labels: None, ..images };
    assert_eq!(count(&model, &bare, Some(39)).correct, None);
}

/// Classes of the sums of all samples, and figures of the first 1, 2 and 3 of them.
#[test]
fn samples_are_added_and_judged() {
    let network = drawn();
    let arch = crate::arch::ArchFile::default().with("generic", 32, 8, 8, 8, 8);
    let design = crate::design::build(&network, &arch).expect("a design");
    let (pixels, labels) = labelled(&network.mode(), 40);
    let samples = SampleArgs { samples: Some(3), ..SampleArgs::default() };
    let drawing = samples.asked().drawing(&design, 5, true).expect("a number of samples");
    let engine = ensemble::prepare(&design, drawing);
    let model = Model::Drawn(&design, Box::new(engine), None);
    let judge = JudgeArgs { metrics: true, ..JudgeArgs::default() };
    let args = Args { samples, judge, ..args(None) };
    let images = Images { pixels: &pixels, labels: Some(&labels), guessed: false };
    let (found, _) = classify(&args, &network, &model, &images, &read(&network)).expect("a summary");
    let size = network.input.shape.elements();
    let right = pixels.chunks(size).zip(&labels).enumerate().filter(|(index, (image, label))| {
        let seed = machine::frame_seed(5, *index as u64);
        let sampling = machine::Sampling { samples: 3, seed, flips: true };
        let scores = machine::run_samples(&design, None, &network.input.elements(image), sampling).scores;
        let scores: Vec<i32> = scores.iter().map(|&score| score as i32).collect();
        let mean = network.averaged(3);
        let scores = design.in_channel_order(&scores);
        reference::decide(&mean, &scores, Decision::Argmax) == **label as usize
    });
    assert_eq!((found.samples, found.correct), (Some(3), Some(right.count())));
    let metrics = found.metrics.expect("figures");
    let counts: Vec<usize> = metrics.ensemble.iter().map(|one| one.samples).collect();
    assert_eq!(counts, [1, 2, 3]);
    assert_eq!(metrics.ensemble[2].scores, metrics.plain);
    assert_eq!(metrics.ensemble[0].scores, metrics.ensemble[0].probabilities);
    assert_ne!(metrics.ensemble[2].scores, metrics.ensemble[2].probabilities);
    assert!(metrics.plain.information > 0.0);
}

/// A network of two layers, drawn from the second on.
fn drawn() -> Network {
    let limits = random::Limits { layers: 2, side: 5, kernel: 3, ..random::Limits::default() };
    let fits = |network: &Network| {
        let last = network.layers.last().map(|last| (&last.activation, last.output.elements()));
        matches!(last, Some((crate::network::Activation::Scores, 3..))) && network.layers.len() == 2
    };
    let mut networks = (0..).map(|seed| random::network(seed, &limits));
    let mut network = networks.find(fits).expect("one of these");
    network.output.decision = Decision::Argmax;
    let layer = &mut network.layers[1];
    let codes = (0..layer.conv.c * layer.fan_in()).map(|index| (index % 8) as u8).collect();
    layer.flips = Some(crate::network::Flips { bits: 4, codes });
    network
}

#[test]
fn samples_need_flip_codes() {
    let plain = random::network(3, &random::Limits::default());
    let network = drawn();
    let path = std::path::Path::new("net.onnx");
    let says = |args: &SampleArgs, seeded| {
        args.asked().settle(&mut plain.clone(), path, seeded).expect_err("refused").to_string()
    };
    let given = |samples, same_samples, mode| SampleArgs { samples, same_samples, mode };
    assert!(says(&given(Some(2), false, false), false).contains("--samples: no weight of net.onnx"));
    assert!(says(&given(None, true, false), false).contains("--same-samples"));
    assert!(says(&given(None, false, true), false).contains("--mode"));
    assert!(says(&given(None, false, false), true).contains("--noise-seed"));
    let mut mode = network.clone();
    given(None, false, true).asked().settle(&mut mode, path, false).expect("a network");
    assert_eq!(mode, network.mode());
    let arch = crate::arch::ArchFile::default().with("generic", 32, 8, 8, 8, 8);
    let design = crate::design::build(&network, &arch).expect("a design");
    let refused =
        given(Some(9), false, false).asked().drawing(&design, 1, true).expect_err("refused").to_string();
    assert!(refused.contains("--samples 9") && refused.contains("at most 8"), "{refused}");
    assert_eq!(given(None, false, false).asked().drawing(&design, 1, true).expect("all").samples, 8);
}

#[test]
fn wrong_numbers_are_refused_with_their_reason() {
    let network = random::network(3, &random::Limits::default());
    let (pixels, labels) = labelled(&network, 2);
    let images = Images { pixels: &pixels, labels: Some(&labels), guessed: false };
    let (model, read) = (Model::Packed(Box::new(packed::prepare(&network))), read(&network));
    let says =
        |args: &Args| classify(args, &network, &model, &images, &read).expect_err("refused").to_string();
    assert!(says(&args(Some(3))).contains("--images 3"));
    assert!(says(&args(Some(0))).contains("no image"));
}
