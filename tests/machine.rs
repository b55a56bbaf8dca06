//! Machine = reference on random networks and geometries, ideal readout: every bit, score and cycle.

use bincim::arch::{ArchFile, validate};
use bincim::design::{self, Design};
use bincim::golden::{machine, reference};
use bincim::network::{Layer, random};

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

/// Index in the machine's order (group, pixel, lane) of a channel's pixel.
fn place(design: &Design, pixels: usize, channel: usize, pixel: usize) -> usize {
    (channel / design.lanes * pixels + pixel) * design.lanes + channel % design.lanes
}

fn compare_bits(design: &Design, layer: &Layer, expected: &[bool], got: &[bool], what: &str) {
    let pixels = layer.output.pixels();
    for (index, &bit) in expected.iter().enumerate() {
        let (channel, pixel) = (index / pixels, index % pixels);
        assert_eq!(got[place(design, pixels, channel, pixel)], bit, "{what} channel {channel} pixel {pixel}");
    }
}

#[test]
fn the_machine_gives_the_references_bits_scores_and_the_predicted_cycles() {
    let mut built = 0;
    for seed in 0..400u64 {
        let network = random::network(seed, &random::Limits::default());
        let (rows, lanes, word, weight_rows, depth) = MACHINES[seed as usize % MACHINES.len()];
        let arch = ArchFile::default().with("generic", rows, lanes, word, weight_rows, depth);
        assert_eq!(validate(&arch), []);
        let Ok(design) = design::build(&network, &arch) else { continue };
        built += 1;
        let elements = random::elements(&network, seed, 2);
        for image in elements.chunks(network.input.shape.elements()) {
            let expected = reference::run(&network, image);
            let got = machine::run(&design, None, image, 0);
            for (index, layer) in network.layers.iter().enumerate() {
                let what = format!("seed {seed} layer {}", layer.name);
                compare_bits(&design, layer, &expected.layers[index].bits, &got.layers[index].bits, &what);
                assert_eq!(got.layers[index].cycles, design.layers[index].cycles, "{what}");
            }
            let pixels = design.output.pixels;
            let classes = design.output.scores / pixels;
            for (index, &score) in expected.scores.iter().enumerate() {
                let (class, pixel) = (index / pixels, index % pixels);
                // The hardware gives a one-bit score as 0 or 1.
                let score =
                    if design.layers[design.layers.len() - 1].scores { score } else { (score + 1) / 2 };
                assert_eq!(
                    got.scores[pixel * classes + class],
                    i64::from(score),
                    "seed {seed} score {index}"
                );
            }
        }
    }
    assert!(built > 300, "only {built} designs were built");
}
