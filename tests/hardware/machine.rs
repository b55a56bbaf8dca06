//! Machine = reference on random networks and geometries, ideal readout: every bit, score and cycle.

use bincim::arch::{ArchFile, validate};
use bincim::design;
use bincim::golden::{machine, reference};
use bincim::lower::align_shortcuts;
use bincim::network::random;

use crate::machines;

/// Rows, lanes, word, rows of weights a cycle, accumulator depth.
const MACHINES: [(usize, usize, usize, usize, usize); 10] = [
    (16, 4, 16, 4, 0),
    (16, 4, 8, 8, 16),
    (32, 8, 8, 8, 8),
    (36, 4, 4, 12, 9),
    (64, 16, 64, 16, 64),
    (64, 32, 16, 16, 5),
    (72, 8, 8, 8, 32),
    (128, 8, 16, 32, 16),
    (144, 16, 16, 16, 64),
    (40, 2, 10, 10, 4),
];

/// Compares two images of the network of `seed` on a machine, with every number of planes; whether it could be built.
fn check(seed: u64, limits: &random::Limits) -> bool {
    let mut network = random::network(seed, limits);
    align_shortcuts(&mut network);
    let (rows, lanes, word, weight_rows, depth) = MACHINES[seed as usize % MACHINES.len()];
    let arch = ArchFile::default().with("generic", rows, lanes, word, weight_rows, depth);
    assert_eq!(validate(&arch), []);
    let Ok(design) = design::build(&network, &arch) else { return false };
    let elements = random::elements(&network, seed, 2);
    for planes in 1..=network.most_planes() {
        let fewer = network.limited(planes);
        for image in elements.chunks(network.input.shape.elements()) {
            let expected = reference::run(&fewer, image);
            let got = machine::run_planes(&design, None, planes, image, 0);
            for (index, layer) in network.layers.iter().enumerate() {
                let what = format!("seed {seed}, {planes} planes, layer {}", layer.name.terminal());
                let (expected, got_bits) = (&expected.layers[index].bits, &got.layers[index].bits);
                machines::compare_bits(&design, layer, expected, got_bits)
                    .unwrap_or_else(|problem| panic!("{what} {problem}"));
                assert_eq!(got.layers[index].cycles, design.plane_cycles[planes - 1].layers[index], "{what}");
            }
            let pixels = design.output.pixels;
            let classes = design.output.scores / pixels;
            let one_bit = !design.layers[design.layers.len() - 1].scores;
            for (index, &score) in expected.scores.iter().enumerate() {
                let (class, pixel) = (index / pixels, index % pixels);
                // The hardware gives a one-bit score as 0 or 1.
                let score = if one_bit { (score + 1) / 2 } else { score };
                let got = got.scores[pixel * classes + class];
                assert_eq!(got, i64::from(score), "seed {seed}, {planes} planes, score {index}");
            }
        }
    }
    assert_eq!(design.cycles, design.plane_cycles.last().map_or(0, |all| all.layers.iter().sum()));
    true
}

#[test]
fn the_machine_gives_the_references_bits_scores_and_the_predicted_cycles() {
    let built = (0..400).filter(|&seed| check(seed, &random::Limits::default())).count();
    assert!(built > 300, "only {built} designs were built");
}

#[test]
fn every_number_of_planes_gives_what_the_network_cut_to_it_gives() {
    let limits = random::Limits { planes: 4, ..random::Limits::default() };
    let built = (1000..1200).filter(|&seed| check(seed, &limits)).count();
    assert!(built > 150, "only {built} designs were built");
}

#[test]
fn activations_of_several_levels_are_those_of_the_reference() {
    let limits = random::Limits { steps: 255, ..random::Limits::default() };
    let built = (4000..4300).filter(|&seed| check(seed, &limits)).count();
    assert!(built > 200, "only {built} designs were built");
    let built =
        (5000..5150).filter(|&seed| check(seed, &random::Limits { planes: 3, ..limits.clone() })).count();
    assert!(built > 100, "only {built} designs were built");
}

#[test]
fn shortcuts_add_what_the_reference_adds() {
    let limits = random::Limits { shortcuts: true, ..random::Limits::default() };
    let built = (2000..2200).filter(|&seed| check(seed, &limits)).count();
    assert!(built > 150, "only {built} designs were built");
    let built =
        (3000..3150).filter(|&seed| check(seed, &random::Limits { planes: 3, ..limits.clone() })).count();
    assert!(built > 100, "only {built} designs were built");
}

#[test]
fn states_are_those_of_the_reference() {
    let limits = random::Limits { shortcuts: true, states: true, ..random::Limits::default() };
    let built = (6000..6200).filter(|&seed| check(seed, &limits)).count();
    assert!(built > 150, "only {built} designs were built");
    let built =
        (7000..7150).filter(|&seed| check(seed, &random::Limits { planes: 3, ..limits.clone() })).count();
    assert!(built > 100, "only {built} designs were built");
    let built =
        (7150..7350).filter(|&seed| check(seed, &random::Limits { steps: 255, ..limits.clone() })).count();
    assert!(built > 150, "only {built} designs were built");
}

#[test]
fn branches_are_those_of_the_reference() {
    let limits = random::Limits {
        shortcuts: true,
        states: true,
        branches: true,
        steps: 15,
        ..random::Limits::default()
    };
    let built = (8000..8150).filter(|&seed| check(seed, &limits)).count();
    assert!(built > 110, "only {built} designs were built");
    let few = random::Limits { channels: 20, side: 7, kernel: 3, planes: 3, ..limits.clone() };
    let built = (8150..8250).filter(|&seed| check(seed, &few)).count();
    assert!(built > 70, "only {built} designs were built");
    let levels = random::Limits { steps: 255, planes: 1, ..few };
    let built = (8250..8350).filter(|&seed| check(seed, &levels)).count();
    assert!(built > 70, "only {built} designs were built");
}

/// Channels that a shortcut adds to come first: the scores stay, and sums move to other channels only.
#[test]
fn aligned_shortcuts_keep_every_sum() {
    let limits = random::Limits {
        shortcuts: true,
        states: true,
        branches: false,
        planes: 3,
        channels: 20,
        ..random::Limits::default()
    };
    let mut moved = 0;
    for seed in 0..300 {
        let network = random::network(seed, &limits);
        let mut aligned = network.clone();
        align_shortcuts(&mut aligned);
        assert_eq!(bincim::network::validate(&aligned), [], "seed {seed}");
        if aligned == network {
            continue;
        }
        moved += 1;
        assert!(aligned.layers.iter().all(|layer| layer.shortcut.first == 0));
        for image in random::elements(&network, seed, 3).chunks(network.input.shape.elements()) {
            let (one, other) = (reference::run(&network, image), reference::run(&aligned, image));
            assert_eq!(one.scores, other.scores, "seed {seed}");
            for (one, other) in one.layers.into_iter().zip(other.layers) {
                let sorted = |mut sums: Vec<i32>| {
                    sums.sort_unstable();
                    sums
                };
                assert_eq!(sorted(one.accumulators), sorted(other.accumulators), "seed {seed}");
            }
        }
    }
    assert!(moved > 20, "{moved}");
}

/// A network whose channels cannot change their order is refused, and by the layer that asks for it.
#[test]
fn shortcuts_to_later_channels_are_refused_where_nothing_aligned_them() {
    let limits = random::Limits { shortcuts: true, states: true, ..random::Limits::default() };
    let arch = ArchFile::default().with("generic", 128, 8, 16, 32, 16);
    let mut networks = (0..).map(|seed| random::network(seed, &limits));
    let network = networks.find(|network| network.layers.iter().any(|layer| layer.shortcut.first > 0));
    let network = network.expect("some network");
    let layer =
        network.layers.iter().find(|layer| layer.shortcut.first > 0).map(|layer| layer.name.terminal());
    match design::build(&network, &arch) {
        Err(design::DesignError::LastShortcut { layer: named }) => assert_eq!(Some(named), layer),
        other => panic!("{:?}", other.map(|design| design.name)),
    }
}
