//! Ensembles: the machine's samples against the law of the draws, evaluated cell by cell and apart from it.

use bincim::arch::{Arch, Sharing};
use bincim::design::{self, Design};
use bincim::golden::ensemble::{self, Drawing};
use bincim::golden::machine::{self, MachineTrace, Sampling};
use bincim::golden::reference;
use bincim::network::{Activation, Flips, InputCode, Layer, Network, random};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::machines;

mod oracles;
mod sampled;

/// A random network whose weights are drawn in some layers, with bits on the input and scores at the end.
fn network(seed: u64) -> Network {
    let limits = random::Limits { channels: 40, side: 8, kernel: 4, ..random::Limits::default() };
    let mut network = random::network(seed, &limits);
    let rng = &mut ChaCha8Rng::seed_from_u64(seed ^ 0x0066_6c69_7073);
    let last = network.layers.last_mut().unwrap();
    if last.activation != Activation::Scores {
        (last.activation, last.pool) = (Activation::Scores, None);
        if !last.sum_pixels {
            last.output = last.conv;
        }
        let classes = last.output.elements();
        (network.output.scale, network.output.bias) = (vec![1.0; classes], vec![0.0; classes]);
    }
    let first = match (network.input.code, network.layers.len()) {
        (InputCode::Bipolar, layers) => rng.random_range(0..layers),
        (_, 1) => {
            network.input.code = InputCode::Bipolar;
            0
        }
        (_, layers) => rng.random_range(1..layers),
    };
    for index in first..network.layers.len() {
        if index == first || rng.random_ratio(2, 3) {
            let layer = &mut network.layers[index];
            layer.flips = Some(flips(layer, rng));
        }
    }
    network
}

/// One with a drawn layer of several pixels and more inputs than the array has rows.
fn rewound(arch: &Arch, seed: u64) -> Network {
    let several = |layer: &Layer| {
        layer.flips.is_some() && layer.output.pixels() > 1 && !layer.sum_pixels && layer.fan_in() > arch.rows
    };
    let candidates = (0..).map(|more| network(seed + 1000 * more));
    candidates.into_iter().find(|network| network.layers.iter().any(several)).unwrap()
}

/// Codes of which a third is 0.
fn flips(layer: &Layer, rng: &mut impl Rng) -> Flips {
    let bits = rng.random_range(2..=8);
    let code = |_| if rng.random_ratio(1, 3) { 0 } else { rng.random_range(0..1 << (bits - 1)) };
    Flips { bits, codes: (0..layer.conv.c * layer.fan_in()).map(code).collect() }
}

/// The law of the draws, from the network's codes: what follows from one seed.
struct Law<'a> {
    design: &'a Design,
    /// Bits of a draw: the most of a layer.
    bits: usize,
}

impl Law<'_> {
    /// The networks of `samples` samples.
    fn samples(&self, seed: u32, samples: usize) -> Vec<Network> {
        let (mut x, mut y) = (seed, 0x243f_6a88u32);
        for round in 0..12 {
            x = x.rotate_right(8).wrapping_add(y) ^ round;
            y = y.rotate_left(3) ^ x;
        }
        let mut state = u64::from(x) + (u64::from(y) << 32);
        let mut networks = Vec::new();
        for _ in 0..samples {
            networks.push(self.sample(state));
            state ^= state << 11;
            state ^= state >> 5;
            state ^= state << 45;
        }
        networks
    }

    /// Every cell that holds a code, in the order in which words are loaded first.
    fn sample(&self, mut state: u64) -> Network {
        let mut network = self.design.network.mode();
        let first = self.design.network.first_drawn().unwrap();
        let (height, lanes) = (self.design.weight_rows, self.design.lanes);
        for index in first..network.layers.len() {
            let layer = &self.design.network.layers[index];
            let columns = self.columns(index);
            for group in 0..layer.conv.c.div_ceil(lanes) {
                for pass in &columns {
                    for word in pass.chunks(height) {
                        for (row, column) in word.iter().enumerate() {
                            let Some(column) = *column else { continue };
                            for lane in 0..lanes.min(layer.conv.c - group * lanes) {
                                let channel = group * lanes + lane;
                                let noise = self.number(state, row) ^ self.number(state, height + lane);
                                if noise < self.code(layer, channel, column) {
                                    let weights = &mut network.layers[index].planes[0].weights;
                                    weights.set(channel, column, !weights.get(channel, column));
                                }
                            }
                        }
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                    }
                }
            }
        }
        network
    }

    /// The code of a cell, in the bits of the design.
    fn code(&self, layer: &Layer, channel: usize, column: usize) -> usize {
        let Some(flips) = &layer.flips else { return 0 };
        usize::from(flips.codes[channel * layer.fan_in() + column]) << (self.bits - flips.bits)
    }

    /// Number `index` of those of all rows and lanes: its bits are sums of three bits of the state.
    fn number(&self, state: u64, index: usize) -> usize {
        let taps = &self.design.ensemble.as_ref().unwrap().taps;
        let bit = |bit: usize| {
            let [a, b, c] = taps[index * self.bits + bit];
            ((state >> a ^ state >> b ^ state >> c) & 1) as usize
        };
        (0..self.bits).map(|k| bit(k) * (1 << k)).sum()
    }

    /// What each row of each pass carries, as far as the pass's words go: a column of the weights, or nothing.
    fn columns(&self, index: usize) -> Vec<Vec<Option<usize>>> {
        let mut passes = self.passes(index);
        // The last pass ends with the word of its last used row.
        let last = passes.last_mut().unwrap();
        let used = last.iter().rposition(Option::is_some).unwrap() + 1;
        last.truncate(used.next_multiple_of(self.design.weight_rows));
        passes
    }

    /// What each row of each pass carries.
    fn passes(&self, index: usize) -> Vec<Vec<Option<usize>>> {
        let layer = &self.design.network.layers[index];
        let (rows, word) = (self.design.rows, self.design.word);
        let column = |pass: usize, row: usize| {
            if index == 0 {
                let tap = pass * rows + row;
                return (tap < layer.fan_in()).then_some(tap);
            }
            let chunks = layer.input.c.div_ceil(word);
            let item = pass * (rows / word) + row / word;
            let (channel, tap) = (item % chunks * word + row % word, item / chunks);
            let inside = channel < layer.input.c && tap < layer.kernel.0 * layer.kernel.1;
            inside.then_some(tap * layer.input.c + channel)
        };
        let items = match index {
            0 => layer.fan_in().div_ceil(rows),
            _ => {
                let chunks = layer.input.c.div_ceil(word);
                (layer.kernel.0 * layer.kernel.1 * chunks).div_ceil(rows / word)
            }
        };
        (0..items).map(|pass| (0..rows).map(|row| column(pass, row)).collect()).collect()
    }
}

fn law(design: &Design) -> Law<'_> {
    let drawn = design.network.layers.iter().filter_map(|layer| layer.flips.as_ref());
    Law { design, bits: drawn.map(|flips| flips.bits).max().unwrap() }
}

/// A random machine of a seed, with little noise a word, and its ensemble's size.
fn random_arch(seed: u64) -> Arch {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed ^ 0x6172_6368);
    loop {
        let mut arch = machines::random_arch(rng);
        arch.ensemble.samples = rng.random_range(1..=4);
        arch.ensemble.noise = Sharing::ALL[seed as usize % 3];
        if arch.weight_rows + arch.lanes <= 32 {
            return arch;
        }
    }
}

/// Bits and scores of the machine are those of the samples' networks, and its cycles those that are predicted.
fn compare(design: &Design, image: &[i16], samples: &[Network], got: &MachineTrace, what: &str) {
    let first = design.network.first_drawn().unwrap_or(0);
    let layers = design.network.layers.len();
    assert_eq!(got.layers.len(), first + samples.len() * (layers - first), "{what}");
    let mut sums = vec![0; design.output.scores];
    for (sample, network) in samples.iter().enumerate() {
        let expected = reference::run(network, image);
        for index in 0..layers {
            let run = if index < first { index } else { index + sample * (layers - first) };
            let pixels = design.network.layers[index].output.pixels();
            for (at, &bit) in expected.layers[index].bits.iter().enumerate() {
                let (channel, pixel) = (at / pixels, at % pixels);
                let place = (channel / design.lanes * pixels + pixel) * design.lanes + channel % design.lanes;
                assert_eq!(
                    got.layers[run].bits[place], bit,
                    "{what}, sample {sample}, layer {index}, channel {channel}"
                );
            }
        }
        sums.iter_mut().zip(&expected.scores).for_each(|(sum, score)| *sum += i64::from(*score));
    }
    let pixels = design.output.pixels;
    let classes = sums.len() / pixels;
    let in_order: Vec<i64> = (0..sums.len()).map(|at| sums[at % classes * pixels + at / classes]).collect();
    assert_eq!(got.scores, in_order, "{what}");
    if let Some(ensemble) = &design.ensemble {
        let cycles: Vec<u64> = got.layers.iter().map(|layer| layer.cycles).collect();
        assert_eq!(cycles, ensemble.cycles[samples.len() - 1].layers, "{what}");
    }
}

/// The executor for many images gives the scores of the machine, fresh samples for each image and the same for all;
/// `networks` are those of the first frame.
fn fast(design: &Design, frame: u32, networks: &[Network], seed: u64) {
    let (count, samples) = (3, networks.len());
    let elements = random::elements(&design.network, seed ^ 1, count);
    let size = design.network.input.shape.elements();
    let images = || elements.chunks(size);
    let drawing = Drawing { samples, seed: frame, same: false, flips: true };
    let engine = ensemble::prepare(design, drawing);
    let fresh = engine.samples_of_elements(0, &elements);
    let of = |networks: &[Network], image: &[i16]| -> Vec<i32> {
        networks.iter().flat_map(|network| reference::run(network, image).scores).collect()
    };
    let scores = design.output.scores;
    assert_eq!(fresh[..samples * scores], of(networks, &elements[..size]), "seed {seed}");
    for (index, (image, fresh)) in images().zip(fresh.chunks(samples * scores)).enumerate() {
        let own = machine::frame_seed(frame, index as u64);
        let expected: Vec<i32> =
            machine::run(design, None, image, own).scores.iter().map(|&score| score as i32).collect();
        let sums: Vec<i32> = (0..scores).map(|at| fresh[at..].iter().step_by(scores).sum()).collect();
        assert_eq!(sums, design.in_channel_order(&expected), "seed {seed}, image {index}");
    }
    // Images that came before, and another cut into lots.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let later = pool.install(|| engine.samples_of_elements(1, &elements[size..]));
    assert_eq!(later, fresh[samples * scores..], "seed {seed}");
    assert_eq!(ensemble::networks(design, frame, samples), networks, "seed {seed}");
    let same = ensemble::prepare(design, Drawing { same: true, ..drawing }).samples_of_elements(7, &elements);
    let expected: Vec<i32> = images().flat_map(|image| of(networks, image)).collect();
    assert_eq!(same, expected, "seed {seed}");
    let mode =
        ensemble::prepare(design, Drawing { flips: false, ..drawing }).samples_of_elements(0, &elements);
    let mode_networks = vec![design.network.mode(); samples];
    let expected: Vec<i32> = images().flat_map(|image| of(&mode_networks, image)).collect();
    assert_eq!(mode, expected, "seed {seed}");
}

/// What occurred in the networks and machines of a test.
#[derive(Debug, Default)]
struct Met {
    built: usize,
    first_layer: usize,
    later: usize,
    rewound: usize,
    pooled: usize,
    padded: usize,
    turned: usize,
}

impl Met {
    fn note(&mut self, design: &Design) {
        let first = design.network.first_drawn().unwrap();
        self.built += 1;
        self.first_layer += usize::from(first == 0);
        self.later += usize::from(first > 0);
        let pairs = || design.network.layers.iter().zip(&design.layers).skip(first);
        self.rewound +=
            usize::from(pairs().any(|(layer, program)| layer.flips.is_some() && program.blocks > 1));
        self.pooled += usize::from(pairs().any(|(layer, _)| layer.pool.is_some()));
        self.padded += usize::from(pairs().any(|(layer, _)| !layer.padding.is_none()));
    }
}

#[test]
fn every_sample_is_that_of_the_law() {
    let mut met = Met::default();
    for seed in 0..100 {
        let arch = random_arch(seed);
        // Every second one has drawn weights that are loaded several times.
        let network = if seed % 2 == 0 { network(seed) } else { rewound(&arch, seed) };
        let Ok(design) = design::build(&network, &arch) else { continue };
        met.note(&design);
        let most = design.ensemble.as_ref().unwrap().samples;
        let frame = (seed as u32).wrapping_mul(0x9e37_79b9);
        let networks = law(&design).samples(frame, most);
        met.turned += usize::from(networks[0] != network.mode());
        let image = random::elements(&network, seed, 1);
        let what = format!("seed {seed}");
        for samples in [most, 1] {
            let sampling = Sampling { samples, seed: frame, flips: true };
            let got = machine::run_samples(&design, None, &image, sampling);
            compare(&design, &image, &networks[..samples], &got, &what);
            if samples == most {
                assert_eq!(got, machine::run(&design, None, &image, frame), "{what}");
            }
        }
        let sampling = Sampling { samples: most, seed: frame, flips: false };
        let still = machine::run_samples(&design, None, &image, sampling);
        compare(&design, &image, &vec![network.mode(); most], &still, &what);
        if seed % 4 < 2 {
            fast(&design, frame, &networks, seed);
        }
    }
    println!("{met:?}");
    for (count, least) in [
        (met.built, 80),
        (met.first_layer, 15),
        (met.later, 40),
        (met.rewound, 10),
        (met.pooled, 10),
        (met.padded, 10),
        (met.turned, 70),
    ] {
        assert!(count >= least, "{met:?}");
    }
}

/// Codes of 0 alone: the machine of the same network without codes, and nothing else.
#[test]
fn codes_of_nothing_change_nothing() {
    let mut built = 0;
    for seed in 500..540 {
        let mut network = network(seed);
        for flips in network.layers.iter_mut().filter_map(|layer| layer.flips.as_mut()) {
            flips.codes.fill(0);
        }
        let mut arch = random_arch(seed);
        arch.ensemble.samples = 1;
        let (Ok(design), Ok(plain)) = (design::build(&network, &arch), design::build(&network.mode(), &arch))
        else {
            continue;
        };
        built += 1;
        let image = random::elements(&network, seed, 1);
        let mut got = machine::run(&design, None, &image, 5);
        let expected = machine::run(&plain, None, &image, 5);
        // The frame waits for its noise, and for its first tile where that is drawn.
        let ensemble = design.ensemble.as_ref().unwrap();
        let mut waits = 0;
        for (index, (got, expected)) in got.layers.iter_mut().zip(&expected.layers).enumerate() {
            assert_eq!(got.cycles, ensemble.cycles[0].layers[index], "seed {seed}");
            waits += got.cycles - expected.cycles;
            assert!(got.cycles == expected.cycles || index == ensemble.first, "seed {seed}");
            got.cycles = expected.cycles;
        }
        let tile = if ensemble.first == 0 { plain.layers[0].tile_words(0) } else { 0 };
        let most = if ensemble.first == 0 { 12 + tile as u64 } else { 14 };
        assert!(waits <= most && (ensemble.first > 0 || waits == most), "seed {seed}: {waits} cycles");
        assert_eq!(got, expected, "seed {seed}");
    }
    assert!(built > 25, "only {built} designs were built");
}
