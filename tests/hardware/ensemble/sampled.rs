//! Cells that are drawn as they are read: the machine against the law of the draws, and the Verilog against the machine.

use bincim::arch::{InputBits, ReadoutKind, Sharing};
use bincim::cli::verify::cosim::{self, Plan, Trace};
use bincim::cli::verify::texts::Text;
use bincim::design::Design;
use bincim::device::{self, Physics};
use bincim::emit::{self, bench};
use bincim::golden::ensemble::{self, Drawing};
use bincim::golden::machine::{self, Sampling};
use bincim::golden::reference;
use bincim::network::random::{self, Limits};
use bincim::network::{Activation, Layer, PadValue};
use bincim::variation::Chip;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::Law;
use crate::machines;

/// Images of a run of the Verilog.
const IMAGES: usize = 6;

/// Cells of a drawn layer meet several pixels, one after the other.
fn read_again(design: &Design) -> bool {
    design.layers[design.first_drawn()..].iter().any(|layer| layer.passes > 1 && layer.blocks > 1)
}

/// The network and machine of a number; every third input has several bits, and with it a first layer that is not drawn.
fn pair(number: u64) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(number ^ 0x0072_6561_6473);
    let limits = match number % 3 {
        0 => Limits { layers: 4, channels: 10, side: 6, kernel: 3, input_bits: 3, ..Limits::default() },
        1 => Limits { layers: 3, channels: 6, side: 7, kernel: 4, input_bits: 1, ..Limits::default() },
        _ => Limits { layers: 4, channels: 40, side: 1, kernel: 1, input_bits: 1, ..Limits::default() },
    };
    for attempt in 0.. {
        let seed = number << 20 | attempt;
        let network = random::with_flips(random::network(seed, &limits), rng.random_range(2..=8), seed);
        let mut arch = machines::random_arch(&mut rng);
        arch.readout.kind = ReadoutKind::Sample;
        arch.readout.input_bits = *machines::INPUT_BITS.choose(&mut rng).unwrap_or(&InputBits::Serial);
        let steps: Vec<usize> = (0..=arch.rows).filter(|s| *s == 0 || arch.rows.is_multiple_of(*s)).collect();
        arch.readout.rows_per_cycle = *steps.choose(&mut rng).unwrap_or(&0);
        arch.ensemble.samples = rng.random_range(1..=5);
        // Not with the kinds of networks in step.
        arch.ensemble.noise = Sharing::ALL[(number / 3) as usize % 3];
        if let Some(design) = machines::design(&network, &arch)
            && design.cycles < 6000
            && (number % 3 != 1 || read_again(&design))
        {
            return design;
        }
    }
    unreachable!("some network fits some machine")
}

/// What the co-simulation of `design` with `chip` says first, after `change` of the text of the Verilog.
fn cosimulate(
    design: &Design,
    chip: &Chip,
    seed: u64,
    change: Option<(&str, &str)>,
) -> Option<cosim::Mismatch> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rtl = emit::accelerator(design, Some(chip));
    if let Some((find, replace)) = change {
        let places: usize = rtl.iter().map(|file| file.text.matches(find).count()).sum();
        assert_eq!(places, 1, "{find}");
        rtl.iter_mut().for_each(|file| file.text = file.text.replace(find, replace));
    }
    let rtl = rtl.into_iter();
    machines::write(folder.path(), rtl.map(|text| (format!("rtl/{}", text.name), text.text)));
    let texts = bench::cosimulation(design).expect("benches");
    machines::write(folder.path(), texts.into_iter().map(|text| (text.name, text.text)));
    let model = cosim::build(folder.path(), design, Text::Shipped, Trace::Off, 2, 2).expect("a model");
    let model = model.with_chip(design, chip.clone()).expect("memories");
    let elements = random::elements(&design.network, seed, IMAGES);
    let size = design.network.input.shape.elements();
    let image = |index: usize| elements[index * size..][..size].to_vec();
    let plan = Plan { seed, noise_seed: None, resets: 2, jobs: 1, planes: None, whole: true };
    let mut shards = cosim::run(design, &model, &image, 0..IMAGES, &plan, &|_| ()).expect("a run");
    shards.remove(0).first
}

/// The law of the draws, read by read: what each layer of a sample makes of bits, with what the chip's cells hold.
struct Reads<'a> {
    law: Law<'a>,
    chip: &'a Chip,
    /// State of the next word.
    state: u64,
}

/// -1 or +1 of every element of a map: channel, row, column.
type Map = Vec<i64>;

impl Reads<'_> {
    /// Sums of the conv pixels that a layer visits, in the order of its walk: channel, visit.
    fn sums(&mut self, index: usize, map: &Map, visits: &[(usize, usize)]) -> Vec<Vec<i64>> {
        let design = self.law.design;
        let layer = &design.network.layers[index];
        let passes = self.law.passes(index);
        let before: usize = (0..index).map(|i| design.layers[i].groups * design.layers[i].passes).sum();
        let mut sums = vec![vec![0; visits.len()]; layer.conv.c];
        for group in 0..layer.conv.c.div_ceil(design.lanes) {
            let array = before + group * passes.len();
            let turns: Vec<(usize, usize)> = match layer.sum_pixels || passes.len() == 1 {
                true => (0..passes.len()).flat_map(|p| (0..visits.len()).map(move |v| (v, p))).collect(),
                false => (0..visits.len()).flat_map(|v| (0..passes.len()).map(move |p| (v, p))).collect(),
            };
            for (visit, pass) in turns {
                self.read(
                    layer,
                    map,
                    (visits[visit], &passes[pass]),
                    (group, array + pass),
                    |channel, product| {
                        sums[channel][visit] += product;
                    },
                );
            }
        }
        sums
    }

    /// One read of an array: every product of a channel's cell with what its row carries.
    fn read(
        &mut self,
        layer: &Layer,
        map: &Map,
        (visit, rows): ((usize, usize), &[Option<usize>]),
        (group, array): (usize, usize),
        mut add: impl FnMut(usize, i64),
    ) {
        let (lanes, step) = (self.law.design.lanes, self.law.design.ensemble.as_ref().unwrap().rows);
        for (word, columns) in rows.chunks(step).enumerate() {
            for (row, column) in columns.iter().enumerate() {
                let Some(column) = *column else { continue };
                let carried = tap(layer, map, visit, column);
                for channel in group * lanes..layer.conv.c.min((group + 1) * lanes) {
                    let lane = channel - group * lanes;
                    let plus = self.chip.arrays[array].plus[lane * rows.len() + word * step + row];
                    // It reads as its likelier value where the number is not below what is left of 128.
                    let number = self.law.number(self.state, row) ^ self.law.number(self.state, step + lane);
                    let likely = number >= 128 - usize::from(plus.unsigned_abs());
                    add(channel, carried * if likely == (plus > 0) { 1 } else { -1 });
                }
            }
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
        }
    }
}

/// What a row carries: a pixel of the map, or of the padding around it.
fn tap(layer: &Layer, map: &Map, (y, x): (usize, usize), column: usize) -> i64 {
    let (input, kernel) = (layer.input, layer.kernel);
    let (place, channel) = (column / input.c, column % input.c);
    let y = (y * layer.stride.0 + place / kernel.1) as i64 - layer.padding.top as i64;
    let x = (x * layer.stride.1 + place % kernel.1) as i64 - layer.padding.left as i64;
    if y < 0 || x < 0 || y >= input.h as i64 || x >= input.w as i64 {
        return match layer.padding.value {
            PadValue::Zero => 0,
            PadValue::Minus => -1,
            PadValue::Plus => 1,
        };
    }
    map[(channel * input.h + y as usize) * input.w + x as usize]
}

/// Conv pixels in the order of a layer's walk, a pooling window after the other; and the pixels of a window.
fn visits(layer: &Layer) -> (Vec<(usize, usize)>, usize) {
    let (kernel, stride) = layer.pool.map_or(((1, 1), (1, 1)), |pool| (pool.kernel, pool.stride));
    let size = if layer.sum_pixels { layer.conv } else { layer.output };
    let mut visits = Vec::new();
    for (y, x) in (0..size.h).flat_map(|y| (0..size.w).map(move |x| (y, x))) {
        for (ky, kx) in (0..kernel.0).flat_map(|ky| (0..kernel.1).map(move |kx| (ky, kx))) {
            visits.push((y * stride.0 + ky, x * stride.1 + kx));
        }
    }
    (visits, kernel.0 * kernel.1)
}

/// What the layer gives: scores, or -1 and +1, channel by channel.
fn activate(layer: &Layer, sums: &[Vec<i64>], window: usize) -> Map {
    let of_channel = |channel: usize| {
        let sums = match layer.sum_pixels {
            true => vec![sums[channel].iter().sum::<i64>()],
            false => sums[channel].clone(),
        };
        match &layer.activation {
            Activation::Scores | Activation::Kept => sums,
            Activation::Sign { threshold, flip } => {
                let (threshold, flip) = (i64::from(threshold[channel]), flip[channel]);
                let after = layer.pool.is_some_and(|pool| pool.before_sign);
                let pool = |sums: &[i64]| sums.iter().any(|&sum| (sum >= threshold) ^ (flip && !after));
                sums.chunks(window).map(|sums| if pool(sums) ^ (flip && after) { 1 } else { -1 }).collect()
            }
        }
    };
    (0..layer.conv.c).flat_map(of_channel).collect()
}

/// Scores of each sample of a frame (channel, row, column), by the law.
fn by_the_law(design: &Design, chip: &Chip, image: &[i16], seed: u32, samples: usize) -> Vec<Map> {
    let first = design.first_drawn();
    let start: Map = match first {
        0 => image.iter().map(|&value| i64::from(value)).collect(),
        // These layers are read as the signs of their cells are.
        _ => {
            let trace = reference::run(&design.network.mode(), image);
            trace.layers[first - 1].bits.iter().map(|&bit| if bit { 1 } else { -1 }).collect()
        }
    };
    let (mut x, mut y) = (seed, 0x243f_6a88u32);
    for round in 0..12 {
        x = x.rotate_right(8).wrapping_add(y) ^ round;
        y = y.rotate_left(3) ^ x;
    }
    let mut state = u64::from(x) + (u64::from(y) << 32);
    let sample = |_| {
        let mut reads = Reads { law: Law { design, bits: 8 }, chip, state };
        let mut map = start.clone();
        for index in first..design.layers.len() {
            let layer = &design.network.layers[index];
            let (visits, window) = visits(layer);
            let sums = reads.sums(index, &map, &visits);
            map = activate(layer, &sums, window);
        }
        state ^= state << 11;
        state ^= state >> 5;
        state ^= state << 45;
        map
    };
    (0..samples).map(sample).collect()
}

/// The same chip, whose layers before the first drawn one are those of the network.
fn sound(design: &Design, mut chip: Chip) -> Chip {
    for (site, array) in design.sites().iter().zip(&mut chip.arrays) {
        if site.layer < design.first_drawn() {
            array.plus = site.weights.iter().map(|&weight| i16::from(weight) * 128).collect();
        }
    }
    let drawn = design.layers[design.first_drawn()].threshold_base;
    if let Some(own) = &mut chip.thresholds {
        for (own, lanes) in own.values.iter_mut().zip(&design.thresholds).take(drawn) {
            *own = lanes.iter().map(|lane| lane.value).collect();
        }
    }
    chip
}

#[test]
fn every_read_is_that_of_the_law() {
    let (mut built, mut again, mut padded, mut later) = (0, 0, 0, 0);
    for number in 0..45 {
        let design = pair(number);
        let rng = &mut ChaCha8Rng::seed_from_u64(number);
        let chip = Chip { thresholds: None, ..sound(&design, machines::random_chip(&design, rng)) };
        let image = random::elements(&design.network, number, 1);
        let most = design.samples();
        let seed = rng.random();
        let expected = by_the_law(&design, &chip, &image, seed, most);
        let sampling = Sampling { samples: most, seed, flips: true };
        let each = machine::score_samples(&design, Some(&chip), &image, sampling);
        for (sample, (got, expected)) in each.iter().zip(&expected).enumerate() {
            let got: Vec<i32> = got.iter().map(|&score| score as i32).collect();
            let expected: Vec<i32> = expected.iter().map(|&score| score as i32).collect();
            assert_eq!(design.in_channel_order(&got), expected, "pair {number}, sample {sample}");
        }
        let got = machine::run_samples(&design, Some(&chip), &image, sampling);
        let cycles: Vec<u64> = got.layers.iter().map(|layer| layer.cycles).collect();
        assert_eq!(cycles, design.ensemble.as_ref().unwrap().cycles[most - 1].layers, "pair {number}");
        built += 1;
        again += usize::from(read_again(&design));
        padded += usize::from(design.row_enable);
        later += usize::from(design.first_drawn() > 0);
    }
    println!(
        "{built} built: {again} of several passes and pixels, {padded} with rows not driven, {later} later"
    );
    assert!(again > 10 && padded > 2 && later > 10, "{again} {padded} {later}");
}

/// The executor for many images gives what the machine gives for each sample of each of them: with samples of its own, with
/// those of the first image, and without flips; whichever images came before.
#[test]
fn many_images_are_read_as_the_machine_reads_them() {
    let (mut own, mut again, mut pooled, mut alone) = (0, 0, 0, 0);
    for number in 100..190 {
        let design = pair(number);
        let rng = &mut ChaCha8Rng::seed_from_u64(number);
        let any = machines::random_chip(&design, rng);
        let chip = sound(&design, any.clone());
        let (count, first) = (4, rng.random_range(0..3));
        let elements = random::elements(&design.network, number, count);
        let size = design.network.input.shape.elements();
        let drawing = Drawing { samples: design.samples(), seed: rng.random(), same: false, flips: true };
        let of_the_machine = |drawing: Drawing, chip: &Chip| -> Vec<i32> {
            let images = elements.chunks(size).enumerate();
            let scores = images.flat_map(|(index, image)| {
                let frame = if drawing.same { 0 } else { (first + index) as u64 };
                let seed = machine::frame_seed(drawing.seed, frame);
                let sampling = Sampling { samples: drawing.samples, seed, flips: drawing.flips };
                machine::score_samples(&design, Some(chip), image, sampling)
            });
            design.in_channel_order(&scores.flatten().map(|score| score as i32).collect::<Vec<i32>>())
        };
        for drawing in [drawing, Drawing { same: true, ..drawing }, Drawing { flips: false, ..drawing }] {
            let engine = ensemble::prepare_chip(&design, &chip, drawing);
            assert!(!engine.one_by_one());
            let got = engine.samples_of_elements(first, &elements);
            assert_eq!(got, of_the_machine(drawing, &chip), "pair {number}, {drawing:?}");
            // Other lots and threads.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
            let later = pool.install(|| engine.samples_of_elements(first + 1, &elements[size..]));
            assert_eq!(later, got[got.len() / count..], "pair {number}, {drawing:?}");
        }
        // Another first layer than the network's is left to the machine.
        let engine = ensemble::prepare_chip(&design, &any, drawing);
        assert_eq!(
            engine.samples_of_elements(first, &elements),
            of_the_machine(drawing, &any),
            "pair {number}"
        );
        alone += usize::from(engine.one_by_one());
        let layers = &design.network.layers[design.first_drawn()..];
        own += usize::from(chip.thresholds.is_some());
        again += usize::from(read_again(&design));
        pooled += usize::from(layers.iter().any(|layer| layer.pool.is_some()));
    }
    println!(
        "{own} thresholds of their own, {again} of several passes and pixels, {pooled} pooled, {alone} left"
    );
    assert!(own > 10 && again > 25 && pooled > 10 && alone > 20, "{own} {again} {pooled} {alone}");
}

/// On the chip without errors a cell is turned round as often as its code says, and without flips the machine is that of the
/// likelier weights.
#[test]
fn the_chip_without_errors_holds_the_codes() {
    for number in 0..20 {
        let design = pair(number);
        let chip = device::chip(&Physics::default(), 0, 0, &design.sites());
        for (site, array) in design.sites().iter().zip(&chip.arrays) {
            let layer = &design.network.layers[site.layer];
            let most = layer
                .flips
                .as_ref()
                .map_or(0, |flips| usize::from(*flips.codes.iter().max().unwrap()) << (8 - flips.bits));
            for (&weight, &plus) in site.weights.iter().zip(&array.plus) {
                assert_eq!(weight.signum() as i16, plus.signum(), "pair {number}");
                assert!(weight == 0 || (128 - most..=128).contains(&usize::from(plus.unsigned_abs())));
            }
        }
        let image = random::elements(&design.network, number, 1);
        let sampling = Sampling { samples: 1, seed: 3, flips: false };
        let got = machine::run_samples(&design, Some(&chip), &image, sampling).scores;
        let got: Vec<i32> = got.iter().map(|&score| score as i32).collect();
        let expected = reference::run(&design.network.mode(), &image).scores;
        assert_eq!(design.in_channel_order(&got), expected, "pair {number}");
    }
}

/// Any settings of a frame, any seeds, resets in the middle of things: every sum, bit, score and cycle.
#[test]
fn the_verilog_draws_what_the_machine_draws() {
    machines::need_both_simulators();
    for number in 0..8 {
        let design = pair(number);
        let chip = machines::random_chip(&design, &mut ChaCha8Rng::seed_from_u64(number));
        assert_eq!(cosimulate(&design, &chip, number, None), None, "pair {number}");
    }
}

/// A first layer whose reads do not wait for their noise, or whose samples all begin where the first one did, is seen; others
/// stand in `verif/planted/bugs.toml`.
#[test]
fn reads_that_run_ahead_of_their_noise_are_seen() {
    machines::need_both_simulators();
    let mut designs = (0..).map(|number| (number, pair(number)));
    let (number, design) = designs
        .find(|(_, design)| design.first_drawn() == 0 && design.samples() > 1)
        .expect("some first layer is drawn");
    let chip = machines::random_chip(&design, &mut ChaCha8Rng::seed_from_u64(number));
    for change in [
        ("(seeded_i | !(sample_start_o & sample_first_i))", "(seeded_i | 1'b1)"),
        ("{high_q, low_q} <= onward;", "{high_q, low_q} <= start;"),
        ("if (differs[row]) products", "if (!differs[row]) products"),
    ] {
        let first = cosimulate(&design, &chip, number, Some(change));
        println!("{}: {}", change.1, first.as_ref().map_or("NOT SEEN", |first| &first.kind));
        assert!(first.is_some(), "{}", change.1);
    }
}
