//! CNV and LFC run within 1.05 of their bound (compute or weight bandwidth) on three geometries.

use bincim::arch::ArchFile;
use bincim::bits::BitMatrix;
use bincim::design;
use bincim::network::{
    Activation, Decision, Input, InputCode, Layer, Network, Output, Padding, Plane, Pool, Reads, Shape,
    Shortcut,
};

fn layer(input: Shape, channels: usize, kernel: usize, pooled: bool, last: bool) -> Layer {
    let conv = Shape { c: channels, h: input.h - kernel + 1, w: input.w - kernel + 1 };
    let output = if pooled { Shape { c: channels, h: conv.h / 2, w: conv.w / 2 } } else { conv };
    Layer {
        name: format!("{input}-{channels}").into(),
        op: "conv",
        reads: Reads::Input,
        input,
        kernel: (kernel, kernel),
        stride: (1, 1),
        padding: Padding::NONE,
        planes: vec![Plane::binary(BitMatrix::zeros(channels, kernel * kernel * input.c))],
        conv,
        sum_pixels: false,
        pool: pooled.then_some(Pool { kernel: (2, 2), stride: (2, 2), before_sign: false }),
        requant: None,
        shortcut: Shortcut::NONE,
        flips: None,
        fewer: Vec::new(),
        activation: if last {
            Activation::Scores
        } else {
            Activation::Sign { threshold: vec![0; channels], flip: vec![false; channels] }
        },
        output,
    }
}

fn network(name: &str, input: Shape, code: InputCode, mut layers: Vec<Layer>) -> Network {
    Reads::in_sequence(&mut layers);
    let classes = layers[layers.len() - 1].output.c;
    let network = Network {
        name: name.into(),
        input: Input {
            name: "x".into(),
            shape: input,
            code,
            pixel_values: vec![0; 256],
            pixel_rule: "none".into(),
        },
        layers,
        output: Output {
            name: "y".into(),
            decision: Decision::Argmax,
            scale: vec![1.0; classes],
            bias: vec![0.0; classes],
            top_k: None,
        },
    };
    assert_eq!(bincim::network::validate(&network), []);
    network
}

fn cnv() -> Network {
    let shape = |c, n| Shape { c, h: n, w: n };
    network(
        "CNV",
        shape(3, 32),
        InputCode::Signed { bits: 8 },
        vec![
            layer(shape(3, 32), 64, 3, false, false),
            layer(shape(64, 30), 64, 3, true, false),
            layer(shape(64, 14), 128, 3, false, false),
            layer(shape(128, 12), 128, 3, true, false),
            layer(shape(128, 5), 256, 3, false, false),
            layer(shape(256, 3), 256, 3, false, false),
            layer(shape(256, 1), 512, 1, false, false),
            layer(shape(512, 1), 512, 1, false, false),
            layer(shape(512, 1), 10, 1, false, true),
        ],
    )
}

fn lfc() -> Network {
    let sizes = [784, 1024, 1024, 1024, 10];
    let layers = (0..4).map(|i| layer(Shape::vector(sizes[i]), sizes[i + 1], 1, false, i == 3)).collect();
    network("LFC", Shape::vector(784), InputCode::Bipolar, layers)
}

#[test]
fn total_cycles_are_within_five_percent_of_the_bound() {
    for (rows, lanes, word, weight_rows) in [(576, 32, 64, 64), (256, 64, 64, 16), (64, 16, 64, 16)] {
        let arch = ArchFile::default().with("generic", rows, lanes, word, weight_rows, 64);
        assert_eq!(bincim::arch::validate(&arch), []);
        for network in [cnv(), lfc()] {
            let design = design::build(&network, &arch).unwrap();
            let bound: u64 = design.layers.iter().map(|layer| layer.bound).sum();
            println!(
                "{} on {rows} x {lanes}: {} cycles, bound {bound}",
                network.name.terminal(),
                design.cycles
            );
            for layer in &design.layers {
                println!(
                    "  {:12} {:6} {:6} block {} x{}",
                    layer.name.terminal(),
                    layer.cycles,
                    layer.bound,
                    layer.block,
                    layer.blocks
                );
            }
            assert!(design.cycles as f64 <= 1.05 * bound as f64, "{} of {bound}", design.cycles);
            if network.name == "CNV" && rows == 576 {
                assert!(design.cycles <= 6000);
            }
        }
    }
}

/// Why the machine has column lanes only: of as many lanes, some of them pixels side by side instead of columns, no
/// layer of these networks needs fewer cycles, and dense layers, which have one pixel, need more.
#[test]
fn pixel_lanes_in_place_of_columns_would_win_nothing() {
    for (rows, lanes) in [(576, 32), (256, 64), (64, 16)] {
        let arch = ArchFile::default().with("generic", rows, lanes, 64, rows / 4, 64);
        for network in [cnv(), lfc()] {
            let design = design::build(&network, &arch).unwrap();
            let cycles = |pixel_lanes: usize| -> usize {
                let of = |(layer, program): (&Layer, &design::LayerDesign)| {
                    let groups = layer.conv.c.div_ceil(lanes / pixel_lanes);
                    let compute = program.passes * groups * layer.conv.pixels().div_ceil(pixel_lanes);
                    compute.max(layer.weight_bits().div_ceil(arch.weight_bandwidth()))
                };
                network.layers.iter().zip(&design.layers).map(of).sum()
            };
            let all = [1, 2, 4].map(cycles);
            println!(
                "{} on {rows} x {lanes}: cycles with 1, 2, 4 pixel lanes {all:?}",
                network.name.terminal()
            );
            assert!(all[0] <= all[1] && all[1] <= all[2], "{} {all:?}", network.name.terminal());
        }
    }
}

/// `network` with `steps` thresholds a channel, and its weights but those of the first layer in `planes` planes.
fn of_levels(mut network: Network, steps: usize, planes: usize) -> Network {
    for (index, layer) in network.layers.iter_mut().enumerate() {
        if let Activation::Sign { threshold, .. } = &mut layer.activation {
            *threshold = threshold.repeat(steps);
        }
        if index > 0 {
            layer.planes = vec![layer.planes[0].clone(); planes];
        }
    }
    assert_eq!(bincim::network::validate(&network), []);
    network
}

/// A plane of bits costs the vectors of the layer and nothing else: neither sums, nor weights that are stored or loaded again.
#[test]
fn levels_cost_as_many_cycles_as_they_have_bits() {
    for (rows, columns, word, bandwidth) in [(256, 16, 32, 64), (288, 32, 32, 32), (64, 32, 32, 16)] {
        let arch = ArchFile::default().with("generic", rows, columns, word, bandwidth, 1024);
        let design = |network: &Network| design::outline(network, &arch).expect("this machine holds it");
        for (steps, planes, most) in [(2, 1, 2.1), (3, 1, 2.1), (3, 2, 4.2), (7, 1, 3.2), (15, 1, 4.2)] {
            let (bits, levels) = (design(&cnv()), design(&of_levels(cnv(), steps, planes)));
            let ratio = levels.cycles as f64 / bits.cycles as f64;
            println!(
                "CNV on {rows} x {columns}: {} cycles with bits, {} with {} levels and {planes} planes of weights, {ratio:.2} times",
                bits.cycles,
                levels.cycles,
                steps + 1
            );
            assert!(ratio <= most, "{rows} x {columns}, {steps} steps, {planes} planes: {ratio}");
            assert!(levels.weights.rows() <= planes * bits.weights.rows());
        }
    }
}
