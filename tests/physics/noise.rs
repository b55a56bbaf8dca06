//! Noise in gates: its law as it comes out of the generators, and the Verilog that adds it against the golden machine on
//! many chips.
//!
//! The statistical bounds are five standard errors of independent binomial reads, stated where they are used; the seeds
//! are fixed, so a test that passes always passes.

use bincim::arch::{Arch, PlaneDrive, Range, ReadoutKind, WeightSlices};
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::Design;
use bincim::device::{self, CellKind, Physics, Reference};
use bincim::emit;
use bincim::flow::FlowError;
use bincim::golden::analog;
use bincim::network::random::{self, Limits};
use bincim::network::{Activation, Network};
use bincim::variation::{Chip, ReadNoise, ReadPlace};
use harness::Lack;

use crate::machines;
use crate::support;

/// Lanes and frames that are looked at, and reads of a frame.
const LANES: usize = 64;
const FRAMES: usize = 2048;
const READS: usize = 32;

/// Ones that are counted in a read, less 16, of many frames: `[lane][read][frame]`.
fn deviates() -> Vec<Vec<Vec<f64>>> {
    let mut arch = machines::arch(LANES, LANES, LANES, LANES, 0);
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.levels = 3;
    arch.readout.noise = arch.readout.noise_step();
    let design = machines::design(&dense(8, LANES * READS), &arch).expect("it fits");
    let plan = analog::Plan::new(&design);
    let noise = plan.gate_noise(0x2468_ace1).expect("noise in gates");
    let read = |lane: usize, read: usize| {
        let mut all = vec![0i16; FRAMES];
        for (word, frames) in all.as_chunks_mut::<32>().0.iter_mut().enumerate() {
            let channel = read * LANES + lane;
            noise.fill(ReadPlace { layer: 0, read: 0, channel, vector: 0, image: word * 32 }, frames);
        }
        all.into_iter().map(f64::from).collect()
    };
    (0..LANES).map(|lane| (0..READS).map(|number| read(lane, number)).collect()).collect()
}

/// A dense layer of scores that reads `inputs` signs.
fn dense(inputs: usize, outputs: usize) -> Network {
    use bincim::bits::BitMatrix;
    use bincim::network::*;
    let layer = Layer {
        name: "dense".into(),
        op: "dense",
        reads: Reads::Input,
        input: Shape::vector(inputs),
        kernel: (1, 1),
        stride: (1, 1),
        padding: Padding::NONE,
        planes: vec![Plane::binary(BitMatrix::from_fn(outputs, inputs, |output, input| {
            (output * 7 + input * 3) % 5 < 2
        }))],
        conv: Shape::vector(outputs),
        sum_pixels: false,
        pool: None,
        requant: None,
        shortcut: Shortcut::NONE,
        flips: None,
        fewer: Vec::new(),
        activation: Activation::Scores,
        output: Shape::vector(outputs),
    };
    Network {
        name: "dense".into(),
        input: Input {
            name: "input".into(),
            shape: Shape::vector(inputs),
            code: InputCode::Bipolar,
            pixel_values: vec![0; 256],
            pixel_rule: "none".into(),
        },
        layers: vec![layer],
        output: Output {
            name: "output".into(),
            decision: Decision::Argmax,
            scale: vec![1.0; outputs],
            bias: vec![0.0; outputs],
            top_k: None,
        },
    }
}

/// Means of products, in standard errors: two independent deviates of variance 8 have products of variance 64.
fn correlation<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> (f64, f64) {
    let (mut sum, mut count) = (0.0, 0.0f64);
    for (a, b) in pairs {
        sum += a * b;
        count += 1.0;
    }
    (sum / count / 8.0, sum / 8.0 / count.sqrt())
}

#[test]
fn reads_are_binomial_and_do_not_know_each_other() {
    let all = deviates();
    let flat: Vec<f64> = all.iter().flatten().flatten().copied().collect();
    let count = flat.len() as f64;
    let moment = |power| flat.iter().map(|x| x.powi(power)).sum::<f64>() / count;
    let (mean, variance, skew) = (moment(1), moment(2), moment(3) / 8f64.powf(1.5));
    let excess = moment(4) / moment(2).powi(2) - 3.0;
    println!(
        "{count} reads: mean {mean:.5}, sigma {:.5}, skew {skew:.5}, excess kurtosis {excess:.5}",
        variance.sqrt()
    );
    // Binomial(32, 1/2): variance 8, excess kurtosis -2/32; variances of the estimates 8, 2 (8)^2, 6 and 24 over n.
    assert!(mean.abs() < 5.0 * (8.0 / count).sqrt());
    assert!((variance - 8.0).abs() < 5.0 * 8.0 * (2.0 / count).sqrt());
    assert!(skew.abs() < 5.0 * (6.0 / count).sqrt());
    assert!((excess + 2.0 / 32.0).abs() < 5.0 * (24.0 / count).sqrt());
    // Pearson's sum over the 33 values, those rarer than 1 in 10,000 at either end together: 21 degrees of freedom.
    let chance = |ones: i32| (0..ones).fold(0.5f64.powi(32), |p, k| p * f64::from(32 - k) / f64::from(k + 1));
    let mut classes: Vec<(f64, f64)> = Vec::new();
    let share = |from: i32, to: i32| (from..=to).map(chance).sum::<f64>() * count;
    let seen =
        |from: i32, to: i32| flat.iter().filter(|&&x| (from..=to).contains(&(x as i32 + 16))).count() as f64;
    let inner: Vec<i32> = (0..=32).filter(|&ones| chance(ones) > 1e-4).collect();
    let (first, last) = (inner[0], inner[inner.len() - 1]);
    classes.push((share(0, first - 1), seen(0, first - 1)));
    classes.extend(inner.iter().map(|&ones| (share(ones, ones), seen(ones, ones))));
    classes.push((share(last + 1, 32), seen(last + 1, 32)));
    let pearson: f64 = classes.iter().map(|(expected, seen)| (seen - expected).powi(2) / expected).sum();
    let freedom = (classes.len() - 1) as f64;
    println!("Pearson {pearson:.1} on {freedom} degrees of freedom");
    assert!(pearson < freedom + 5.0 * (2.0 * freedom).sqrt());

    // Reads of a lane in a frame, 1 to 8 apart; their squares as well.
    for apart in 1..=8 {
        let pairs = || {
            all.iter().flat_map(move |lane| {
                let later = lane[apart..].iter().flatten();
                lane[..READS - apart].iter().flatten().zip(later)
            })
        };
        let (value, errors) = correlation(pairs());
        let squares = pairs().map(|(a, b)| (a * a - 8.0) * (b * b - 8.0)).sum::<f64>();
        // Variance of the square of Binomial(32, 1/2) - 16: 2 (8)^2 - 2/32 (8)^2 = 124.
        let square_errors = squares / 124.0 / (pairs().count() as f64).sqrt();
        println!("reads {apart} apart: {value:.6} ({errors:.2} standard errors), squares {square_errors:.2}");
        assert!(errors.abs() < 5.0 && square_errors.abs() < 5.0, "{apart} apart");
    }
    // The same read of frames 1 to 4 apart, the first read of all by itself.
    for apart in 1..=4 {
        let pairs = |reads: std::ops::Range<usize>| {
            all.iter().flat_map(move |lane| {
                lane[reads.clone()].iter().flat_map(move |frames| frames.iter().zip(&frames[apart..]))
            })
        };
        let (value, errors) = correlation(pairs(0..READS));
        let (first, first_errors) = correlation(pairs(0..1));
        println!("frames {apart} apart: {value:.6} ({errors:.2}), first read {first:.6} ({first_errors:.2})");
        assert!(errors.abs() < 5.0 && first_errors.abs() < 5.0, "frames {apart} apart");
    }
    // Any two lanes in the same read: the largest of 2016 pairs, and all together.
    let (mut worst, mut square) = (0.0f64, 0.0);
    for a in 0..LANES {
        for b in 0..a {
            let pairs = all[a].iter().flatten().zip(all[b].iter().flatten());
            let (_, errors) = correlation(pairs);
            worst = worst.max(errors.abs());
            square += errors * errors;
        }
    }
    let pairs = (LANES * (LANES - 1) / 2) as f64;
    println!("lanes: largest of {pairs} pairs {worst:.2} standard errors, mean square {:.3}", square / pairs);
    assert!(worst < 5.5 && (square / pairs - 1.0).abs() < 5.0 * (2.0 / pairs).sqrt());
}

/// What seed 0 would be is the state that no automaton leaves.
#[test]
fn a_frame_of_seed_0_has_noise() {
    let mut arch = machines::arch(8, 8, 8, 8, 0);
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.noise = 1.0;
    let design = machines::design(&dense(8, 64), &arch).expect("it fits");
    let plan = analog::Plan::new(&design);
    let mut noise = [0; 32];
    let place = ReadPlace { layer: 0, read: 0, channel: 9, vector: 0, image: 0 };
    plan.gate_noise(0).expect("noise").fill(place, &mut noise);
    let mut ones = [0; 32];
    plan.gate_noise(u32::MAX).expect("noise").fill(place, &mut ones);
    assert_eq!(noise[0], ones[0]);
    assert_ne!(noise, [noise[0]; 32]);
}

/// A design in a folder with its model built, for chip after chip.
struct Bench {
    design: Design,
    model: cosim::Model,
    images: Vec<Vec<i16>>,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// Without Verilator the test ends as one that did not run.
    fn new(design: Design, images: Vec<Vec<i16>>) -> Option<Bench> {
        let folder = tempfile::tempdir().expect("a folder");
        let rtl: Vec<(String, String)> =
            emit::accelerator(&design, None).into_iter().map(|text| (text.name, text.text)).collect();
        machines::write(folder.path(), rtl.into_iter().map(|(name, text)| (format!("rtl/{name}"), text)));
        let cosimulation = emit::bench::cosimulation(&design).expect("benches");
        machines::write(folder.path(), cosimulation.into_iter().map(|text| (text.name, text.text)));
        match cosim::build(folder.path(), &design, Text::Shipped, Trace::Off, images.len(), 2) {
            Ok(model) => Some(Bench { design, model, images, _folder: folder }),
            Err(problem @ FlowError::ToolMissing { .. }) => {
                harness::not_run(Lack::Tool, problem);
                None
            }
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Runs all images on `chip`; (values compared, cycles). Panics at the first difference.
    fn check(&self, what: &str, chip: Chip, planes: usize, noise_seed: u32) -> (u64, u64) {
        let model = self.model.clone().with_chip(&self.design, chip).expect("memories");
        let (seed, planes) = (u64::from(noise_seed), Some(planes));
        let plan = Plan { seed, noise_seed: Some(noise_seed), resets: 1, jobs: 2, planes, whole: false };
        let image = |index: usize| self.images[index].clone();
        let shards = cosim::run(&self.design, &model, &image, 0..self.images.len(), &plan, &|_| ());
        let shards = shards.unwrap_or_else(|problem| panic!("{what}: {problem}"));
        for shard in &shards {
            assert!(shard.mismatches == 0, "{what}: {:?}", shard.first);
        }
        let values = shards.iter().map(|shard| shard.sums + shard.bits + shard.scores).sum();
        (values, shards.iter().map(|shard| shard.cycles).sum())
    }
}

/// The chip of `seed`, held to the design's widths.
fn drawn(design: &Design, physics: &Physics, seed: u64) -> Chip {
    let analog = design.analog.as_ref().expect("analog");
    let mut chip = device::chip(physics, seed, analog.fraction_bits, &design.sites());
    chip.saturate(analog.widths());
    chip
}

/// Physics of every kind of cell, with errors that move many codes.
fn physics(number: u64) -> Physics {
    let names = ["c3sram", "xnor-sram", "pr-cim", "xiao"];
    let mut physics = Physics::preset(names[number as usize % names.len()]).expect("a preset");
    physics.column.offset = 1.0;
    physics.sense.offset = 1.0;
    physics
}

/// Every readout, with and without noise in gates: 20 chips each, the Verilog built once for all of them.
#[test]
fn verilog_equals_the_machine_on_twenty_chips_of_every_readout() {
    let limits = Limits {
        layers: 4,
        channels: 24,
        side: 6,
        kernel: 3,
        input_bits: 3,
        planes: 1,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    for (kind, noise) in [ReadoutKind::Adc, ReadoutKind::Sense].into_iter().flat_map(|k| [(k, 0.0), (k, 1.5)])
    {
        let design = (0..)
            .map(|seed| random::network(seed, &limits))
            .filter(|network| network.layers.len() >= 3 && network.layers[0].conv.pixels() > 8)
            .find_map(|network| {
                let design =
                    machines::design(&network, &readout(machines::arch(32, 8, 8, 8, 0), kind, noise))?;
                (design.cycles < 20_000 && design.layers.iter().any(|layer| layer.passes > 1))
                    .then_some(design)
            })
            .expect("some network");
        let images = elements(&design, 6);
        let Some(bench) = Bench::new(design, images) else { return };
        let mut values = 0;
        for seed in 0..20 {
            let chip = drawn(&bench.design, &physics(seed), seed);
            values +=
                bench.check(&format!("{kind:?}, noise {noise}, chip {seed}"), chip, 1, seed as u32 * 77).0;
        }
        println!("{kind:?}, noise {noise}: 20 chips, {values} values equal");
    }
}

/// What an array's cells hold of weights of several planes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cells {
    /// One plane each, with masks; smaller planes driven lower.
    Supports,
    /// Slices of magnitudes on pairs.
    Balanced,
    /// Slices of planes against a middle column.
    Offset,
}

/// Supports and slices, on both readouts, with and without noise in gates, most of them with converters that columns
/// share: 20 chips each, with every number of planes.
#[test]
fn verilog_equals_the_machine_on_twenty_chips_of_supports_and_slices() {
    use {Cells::*, ReadoutKind::*};
    let all = [
        (Supports, Adc, 4, 1.5),
        (Supports, Sense, 1, 0.0),
        (Balanced, Adc, 1, 0.0),
        (Balanced, Sense, 2, 1.5),
        (Offset, Adc, 4, 1.5),
        (Offset, Sense, 2, 0.0),
    ];
    for (cells, kind, share, noise) in all {
        let Some(bench) = several(cells, kind, share, noise) else { return };
        let most = bench.design.planes_of_weights();
        let mut values = 0;
        for seed in 0..20 {
            let mut physics = physics(seed);
            match cells {
                Cells::Supports => {}
                Cells::Balanced => physics.cell.kind = CellKind::Pair,
                Cells::Offset => {
                    (physics.cell.kind, physics.cell.reference) = (CellKind::Offset, Reference::Column);
                }
            }
            let planes = most - seed as usize % most;
            let what = format!("{cells:?}, {kind:?}, noise {noise}, chip {seed}, {planes} of {most} planes");
            let chip = drawn(&bench.design, &physics, seed);
            values += bench.check(&what, chip, planes, seed as u32 * 77).0;
        }
        println!(
            "{cells:?}, {kind:?}, noise {noise}, {share} columns a converter: 20 chips, {values} values equal"
        );
    }
}

fn several(cells: Cells, kind: ReadoutKind, share: usize, noise: f64) -> Option<Bench> {
    let limits = Limits {
        layers: 4,
        channels: 20,
        side: 5,
        kernel: 3,
        input_bits: 3,
        planes: 4,
        shortcuts: false,
        states: false,
        branches: false,
        steps: 1,
    };
    let mut arch = readout(machines::arch(32, 8, 8, 8, 0), kind, noise);
    arch.share = share;
    match cells {
        Cells::Supports => arch.readout.plane_drive = PlaneDrive::Scaled,
        Cells::Balanced => arch.cell_bits = 2,
        Cells::Offset => (arch.cell_bits, arch.slices) = (2, WeightSlices::Offset),
    }
    if arch.cell_bits > 1 {
        (arch.readout.cell_bits, arch.readout.range) = (13, Range::Counts(40.0));
    }
    assert_eq!(bincim::arch::validate(&arch), []);
    let fits = |design: &Design| {
        let planes = || design.layers.iter().flat_map(|layer| &layer.planes);
        let masked = planes().any(|plane| plane.rows.is_some())
            && planes().any(|plane| plane.lanes.is_some())
            && planes()
                .any(|plane| plane.tiles.groups.contains(&false) || plane.tiles.passes.contains(&false));
        let sliced = design.sites().iter().any(|site| site.most() > 2);
        design.cycles < 20_000
            && design.planes_of_weights() > 1
            && design.layers.iter().any(|layer| layer.passes > 1)
            && if cells == Cells::Supports { masked } else { sliced }
    };
    let found = (0..3000)
        .map(|seed| random::network(seed, &limits))
        .filter(|network| network.layers.len() >= 3 && network.layers[0].conv.pixels() > 4)
        .find_map(|network| machines::design(&network, &arch).filter(fits));
    let design = found.expect("some network");
    let images = elements(&design, 3);
    Bench::new(design, images)
}

fn readout(mut arch: Arch, kind: ReadoutKind, noise: f64) -> Arch {
    arch.readout.kind = kind;
    arch.readout.levels = 15;
    arch.readout.range = Range::Counts(14.0);
    arch.readout.noise = noise;
    arch
}

fn elements(design: &Design, count: usize) -> Vec<Vec<i16>> {
    let size = design.network.input.shape.elements();
    random::elements(&design.network, 3, count).chunks(size).map(<[i16]>::to_vec).collect()
}

/// TFC, LFC and CNV, three chips each, for every readout with and without noise; `BINCIM_CHIPS` says how many of CNV.
#[test]
#[ignore = "takes an hour; run by verif/noise/run, which keeps what it prints"]
fn verilog_equals_the_machine_on_real_networks() {
    let Some(shared) = support::shared() else { return };
    println!("| network | array | readout | noise, counts | chips | images each | values equal | cycles |");
    println!("|---|---|---|---|---|---|---|---|");
    let chips_of_cnv =
        std::env::var("BINCIM_CHIPS").map_or(3, |text| text.parse().expect("a number of chips"));
    for (name, rows, lanes, images, chips) in
        [("tfc_mnist", 64, 16, 20, 3), ("lfc_mnist", 256, 64, 4, 3), ("cnv_cifar10", 64, 32, 1, chips_of_cnv)]
    {
        let network = support::network(&shared, name);
        let last = network.layers.last().expect("a layer");
        assert!(last.activation == Activation::Scores || name == "lfc_mnist");
        let pixels =
            if name.starts_with("cnv") { support::cifar(&shared).0 } else { support::mnist(&shared).0 };
        let size = network.input.shape.elements();
        let image = |pixels: &[u8]| -> Vec<i16> {
            pixels.iter().map(|&pixel| network.input.pixel_values[usize::from(pixel)]).collect()
        };
        for (kind, noise) in
            [ReadoutKind::Adc, ReadoutKind::Sense].into_iter().flat_map(|k| [(k, 0.0), (k, 1.0)])
        {
            let mut arch = readout(machines::arch(rows, lanes, 16, rows, 0), kind, noise);
            arch.readout.rows_per_cycle = 8;
            let design = machines::design(&network, &arch).expect("it fits");
            let given = design.arch.readout.noise_given();
            let images: Vec<Vec<i16>> = pixels.chunks(size).take(images).map(image).collect();
            let count = images.len();
            let Some(bench) = Bench::new(design, images) else { return };
            let (mut values, mut cycles) = (0, 0);
            for seed in 1..=chips {
                let what = format!("{name}, {kind:?}, noise {noise}, chip {seed}");
                let found = bench.check(&what, drawn(&bench.design, &physics(seed), seed), 1, seed as u32);
                values += found.0;
                cycles += found.1;
            }
            println!(
                "| {name} | {rows} x {lanes} | {kind:?} | {given:.3} | {chips} | {count} | {values} | {cycles} |"
            );
        }
    }
}
