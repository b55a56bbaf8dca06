//! The fast executor of analog arrays against the golden machine: the same bits of every layer and the same
//! scores, for every instruction set of this processor, for single images and for many.

use bincim::arch::{Arch, Range, ReadoutKind};
use bincim::bits::BitMatrix;
use bincim::design::Design;
use bincim::golden::analog::{InstructionSet, Loaded, Outcome, Plan};
use bincim::golden::machine;
use bincim::network::random::{self, Limits};
use bincim::network::*;
use bincim::variation::{Chip, ReadNoise, ReadPlace};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::machines;

/// Random networks, machines and chips; `BINCIM_ANALOG_FAST=N` runs fewer.
const TRIALS: u64 = 240;

/// What the machine gives, in the executor's form.
fn expected(design: &Design, chip: &Chip, planes: usize, image: &[i16], seed: u32) -> Outcome {
    let trace = machine::run_planes(design, Some(chip), planes, image, seed);
    let layers = design.network.layers.iter().zip(&trace.layers).map(|(layer, trace)| {
        if trace.bits.is_empty() {
            return BitMatrix::zeros(0, 0);
        }
        let pixels = layer.output.pixels();
        BitMatrix::from_fn(layer.output.c, pixels, |channel, pixel| {
            let (group, lane) = (channel / design.lanes, channel % design.lanes);
            trace.bits[(group * pixels + pixel) * design.lanes + lane]
        })
    });
    let scores = trace.scores.iter().map(|&score| score.try_into().expect("32 bits")).collect();
    Outcome { scores, layers: layers.collect() }
}

/// Every path against the machine.
fn compare(what: &str, design: &Design, chip: &Chip, planes: usize, images: &[i16]) {
    let size = design.network.input.shape.elements();
    // Wraps around within the images, at a frame whose seed is 0.
    let first = 0u32.wrapping_sub(0x9e37_79b9);
    let seed = |frame: usize| machine::frame_seed(first, frame as u64);
    let frames = images.chunks(size).enumerate();
    let expected: Vec<Outcome> =
        frames.map(|(frame, image)| expected(design, chip, planes, image, seed(frame))).collect();
    let plan = Plan::limited(design, planes);
    let noise = plan.gate_noise(first);
    let noise = noise.as_ref().map(|noise| noise as &dyn ReadNoise);
    assert_eq!(plan.elements(), size);
    for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        let loaded = Loaded::noisy(&plan, chip, set, noise);
        let outcomes = loaded.run_from(0, images, true);
        assert_eq!(outcomes.len(), expected.len());
        for (index, (outcome, expected)) in outcomes.iter().zip(&expected).enumerate() {
            assert!(outcome == expected, "{what}, {set}, image {index}: {}", difference(outcome, expected));
        }
        if images.len() > 32 * size {
            let tail = loaded.run_from(32, &images[32 * size..], true);
            assert!(tail == expected[32..], "{what}, {set}, with images before");
        }
        // Few images take another path than many.
        let few = images.len().min(3 * size);
        assert!(
            loaded.run_from(0, &images[..few], true) == expected[..few / size],
            "{what}, {set}, few images"
        );
        let flat: Vec<i32> = expected.iter().flat_map(|outcome| outcome.scores.clone()).collect();
        let mut scores = vec![-1; flat.len()];
        loaded.scores_from(0, images, &mut scores);
        assert!(scores == flat, "{what}, {set}, scores alone");
        scores.fill(-1);
        loaded.scores_parallel_from(0, images, &mut scores);
        assert!(scores == flat, "{what}, {set}, in parallel");
    }
}

/// The first difference of two outcomes.
fn difference(outcome: &Outcome, expected: &Outcome) -> String {
    for (index, (layer, right)) in outcome.layers.iter().zip(&expected.layers).enumerate() {
        if layer != right {
            return format!("layer {index} differs");
        }
    }
    format!("scores {:?}, not {:?}", outcome.scores, expected.scores)
}

/// A random analog readout; now and then with what the emulator in logic would not be asked for: many codes, and
/// voltages and sums that leave 16 bits.
fn readout(arch: &mut Arch, rng: &mut ChaCha8Rng) {
    machines::random_readout(arch, rng);
    let readout = &mut arch.readout;
    if rng.random_bool(0.3) {
        readout.levels = *[32, 33, 63, 64, 65, 200, 1024, 1025, 4096].choose(rng).unwrap();
    }
    if rng.random_bool(0.3) {
        readout.fraction_bits = rng.random_range(7..=10);
        let wide = readout.fraction_bits + arch.cell_bits as u32 + rng.random_range(1..=4);
        readout.cell_bits = wide.min(16);
        if readout.noise > 0.0 {
            readout.noise = readout.noise_step() * rng.random_range(1..1000) as f64;
        }
    }
    if rng.random_bool(0.3) {
        readout.value_fraction_bits = 6;
    }
}

/// Cells that a sound chip leaves empty hold something, and edges lie beyond 16 bits.
fn spoil(chip: &mut Chip, rng: &mut ChaCha8Rng) {
    for array in &mut chip.arrays {
        for cell in array.plus.iter_mut().chain(&mut array.minus) {
            if *cell == 0 {
                *cell = rng.random_range(-20..=20);
            }
        }
        let edges = array.edges.len() / array.columns;
        for column in array.edges.chunks_exact_mut(edges) {
            if rng.random_bool(0.2) {
                column[0] = *[-40_000, -32_769, -32_768].choose(rng).unwrap();
            }
            if rng.random_bool(0.2) {
                column[edges - 1] = *[32_766, 32_767, 32_768, 100_000].choose(rng).unwrap();
            }
            column.sort_unstable();
        }
    }
}

/// Cells that give the same for both signs of their input, some of them more than half a byte: what their rows add when a bit
/// turns is even.
fn pair(chip: &mut Chip) {
    for array in &mut chip.arrays {
        for (number, (plus, minus)) in array.plus.iter_mut().zip(&mut array.minus).enumerate() {
            *plus = if number % 7 == 0 { 100 - (number % 201) as i16 } else { (*plus).clamp(-127, 127) };
            *minus = *plus;
        }
    }
}

#[test]
fn random_networks_machines_and_chips() {
    let mut seen = [0usize; 26];
    let asked =
        std::env::var("BINCIM_ANALOG_FAST").ok().map(|count| count.parse().expect("a number of trials"));
    for number in 0..asked.unwrap_or(TRIALS) {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let planes = if number % 2 == 1 { 3 } else { 1 };
        let shortcuts = number % 5 < 2;
        let limits = match number % 4 {
            0 => Limits {
                layers: 3,
                channels: 10,
                side: 5,
                kernel: 3,
                input_bits: 4,
                planes,
                shortcuts,
                states: false,
                branches: false,
                steps: 1,
            },
            1 => Limits {
                layers: 3,
                channels: 6,
                side: 8,
                kernel: 3,
                input_bits: 8,
                planes,
                shortcuts,
                states: false,
                branches: false,
                steps: 1,
            },
            2 => Limits {
                layers: 4,
                channels: 80,
                side: 3,
                kernel: 2,
                input_bits: 2,
                planes,
                shortcuts,
                states: false,
                branches: false,
                steps: 1,
            },
            _ => Limits {
                layers: 3,
                channels: 300,
                side: 1,
                kernel: 1,
                input_bits: 1,
                planes,
                shortcuts,
                states: false,
                branches: false,
                steps: 1,
            },
        };
        let (design, images) = loop {
            let network = random::network(rng.random(), &limits);
            let mut arch = machines::random_arch(&mut rng);
            readout(&mut arch, &mut rng);
            if rng.random_bool(0.3) {
                arch.readout.range = machines::random_ends(network.layers.len(), &mut rng);
            }
            let mut images = *[1, 2, 17, 70, 130].choose(&mut rng).unwrap();
            if number % 12 == 5 {
                arch.readout.kind = ReadoutKind::Adc;
                arch.readout.levels = *[1025, 4096].choose(&mut rng).unwrap();
                arch.readout.edges_per_cycle = 0;
                images = *[17, 70].choose(&mut rng).unwrap();
            }
            if let Some(design) = machines::design(&network, &arch)
                && design.cycles * images < 200_000
                && (design.kept_entries() > 0) == shortcuts
            {
                break (design, images as usize);
            }
        };
        let mut chip = machines::random_chip(&design, &mut rng);
        if rng.random() {
            spoil(&mut chip, &mut rng);
        }
        let paired = number % 3 == 0;
        if paired {
            pair(&mut chip);
        }
        let layers = &design.layers;
        let all = design.planes_of_weights();
        let planes = 1 + (number / 2) as usize % all;
        let fewer = planes < all;
        let several = layers.iter().flat_map(|layer| &layer.planes);
        let analog = design.analog.as_ref().unwrap();
        for (count, holds) in seen.iter_mut().zip([
            analog.sense,
            analog.edges > 31,
            design.row_enable,
            design.planes > 1,
            layers.iter().any(|layer| layer.sum_pixels),
            layers.iter().any(|layer| layer.walk.window != (1, 1)),
            layers.iter().any(|layer| layer.passes > 1 && layer.groups > 1),
            analog.fraction_bits > 8 && images >= 16,
            images >= 32,
            fewer,
            design.arch.cell_bits > 1 && all > 1,
            fewer && analog.noise.is_some(),
            several.clone().any(|plane| plane.lanes.is_some())
                && several.clone().any(|plane| plane.tiles.groups.contains(&false)),
            shortcuts && design.planes > 1 && layers[0].shortcut.keeps,
            layers.iter().any(|layer| layer.shortcut.keeps && layer.walk.window != (1, 1)),
            layers.iter().any(|layer| layer.shortcut.adds && layer.vectors > 1) && images > 1,
            paired && images >= 32,
            design.serial_input() && images >= 32,
            design.serial_input() && layers[0].passes > 1,
            design.row_planes > 1 && images >= 32,
            design.arch.unipolar(design.planes) && images >= 32,
            design.arch.unipolar(design.planes) && analog.reference.is_some(),
            analog.edges >= 1024 && images >= 16,
            matches!(design.arch.readout.range, Range::Ends(_)),
            analog.reference_column && images >= 32,
            analog.reference_column && layers.iter().any(|layer| layer.passes > 1 && layer.groups > 1),
        ]) {
            *count += usize::from(holds);
        }
        compare(
            &format!("trial {number}"),
            &design,
            &chip,
            planes,
            &random::elements(&design.network, number, images),
        );
    }
    assert!(asked.is_some() || seen.iter().all(|&count| count >= 5), "{seen:?}");
}

/// A layer of random weights and thresholds that reads `input`.
fn layer(
    rng: &mut ChaCha8Rng,
    input: Shape,
    channels: usize,
    kernel: usize,
    pool: bool,
    spread: i32,
    scores: bool,
) -> Layer {
    let conv = Shape { c: channels, h: input.h + 1 - kernel, w: input.w + 1 - kernel };
    let pool = pool.then_some(Pool { kernel: (2, 2), stride: (2, 2), before_sign: false });
    let output = match pool {
        Some(_) => Shape { c: channels, h: conv.h / 2, w: conv.w / 2 },
        None => conv,
    };
    let fan_in = kernel * kernel * input.c;
    let activation = match scores {
        true => Activation::Scores,
        false => Activation::Sign {
            threshold: (0..channels).map(|_| rng.random_range(-spread..=spread)).collect(),
            flip: (0..channels).map(|_| rng.random()).collect(),
        },
    };
    Layer {
        name: format!("layer{channels}").into(),
        op: if kernel > 1 { "conv" } else { "dense" },
        reads: Reads::Input,
        input,
        kernel: (kernel, kernel),
        stride: (1, 1),
        padding: Padding::NONE,
        planes: vec![Plane::binary(BitMatrix::from_fn(channels, fan_in, |_, _| rng.random()))],
        conv,
        sum_pixels: false,
        pool,
        requant: None,
        shortcut: Shortcut::NONE,
        flips: None,
        fewer: Vec::new(),
        activation,
        output,
    }
}

fn network(shape: Shape, code: InputCode, mut layers: Vec<Layer>) -> Network {
    Reads::in_sequence(&mut layers);
    let classes = layers.last().expect("a layer").output.c;
    let network = Network {
        name: "net".into(),
        input: Input {
            name: "in".into(),
            shape,
            code,
            pixel_values: vec![0; 256],
            pixel_rule: "none".into(),
        },
        layers,
        output: Output {
            name: "out".into(),
            decision: Decision::Argmax,
            scale: vec![1.0; classes],
            bias: vec![0.0; classes],
            top_k: None,
        },
    };
    assert_eq!(validate(&network), vec![]);
    network
}

fn analog(rows: usize, lanes: usize, word: usize, levels: usize) -> Arch {
    let mut arch = machines::arch(rows, lanes, word, rows, 0);
    arch.readout.kind = ReadoutKind::Adc;
    arch.readout.levels = levels;
    arch
}

/// Dense layers from a bipolar image, as in LFC.
#[test]
fn a_deep_dense_network() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut layers = Vec::new();
    let mut input = Shape::vector(392);
    for (index, channels) in [260, 256, 128, 10].into_iter().enumerate() {
        layers.push(layer(&mut rng, input, channels, 1, false, 9, index == 3));
        input = Shape::vector(channels);
    }
    let network = network(Shape::vector(392), InputCode::Bipolar, layers);
    let design = machines::design(&network, &analog(128, 32, 32, 11)).expect("it fits");
    let chip = machines::random_chip(&design, &mut rng);
    compare("dense", &design, &chip, 1, &random::elements(&network, 5, 130));
}

/// Arrays of more rows than the tables of one round of look-ups take.
#[test]
fn tall_arrays() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let layers = vec![
        layer(&mut rng, Shape::vector(640), 37, 1, false, 9, false),
        layer(&mut rng, Shape::vector(37), 10, 1, false, 0, true),
    ];
    let network = network(Shape::vector(640), InputCode::Bipolar, layers);
    let design = machines::design(&network, &analog(640, 32, 32, 31)).expect("it fits");
    let chip = machines::random_chip(&design, &mut rng);
    compare("tall", &design, &chip, 1, &random::elements(&network, 8, 170));
}

/// Convolutions of 8-bit pixels with pooling, then dense layers, as in CNV.
#[test]
fn a_deep_convolutional_network() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let shape = Shape { c: 3, h: 14, w: 14 };
    let mut layers = vec![layer(&mut rng, shape, 16, 3, false, 500, false)];
    for (channels, kernel, pool) in [(16, 3, true), (24, 3, false), (40, 3, false), (20, 1, false)] {
        let input = layers.last().unwrap().output;
        layers.push(layer(&mut rng, input, channels, kernel, pool, 9, false));
    }
    let input = layers.last().unwrap().output;
    layers.push(layer(&mut rng, input, 10, input.h, false, 0, true));
    let network = network(shape, InputCode::Signed { bits: 8 }, layers);
    let design = machines::design(&network, &analog(64, 16, 16, 11)).expect("it fits");
    let chip = machines::random_chip(&design, &mut rng);
    compare("convolutional", &design, &chip, 1, &random::elements(&network, 6, 35));
}

/// On the chip without errors nothing moves; where columns are shifted by whole codes their channels' thresholds go with
/// them, and the bits are those of before.
#[test]
fn thresholds_found_anew_follow_their_columns() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let layers = vec![
        layer(&mut rng, Shape::vector(60), 24, 1, false, 5, false),
        layer(&mut rng, Shape::vector(24), 10, 1, false, 0, true),
    ];
    let network = network(Shape::vector(60), InputCode::Bipolar, layers);
    let design = machines::design(&network, &analog(64, 16, 16, 129)).expect("it fits");
    let bits = design.analog.as_ref().expect("an analog design").fraction_bits;
    let draw = |site| bincim::device::draw(&Default::default(), 0, bits, site);
    let chip = machines::chip(&design, design.sites().iter().map(draw).collect());
    let images = random::elements(&network, 6, 70);
    let plan = Plan::new(&design);
    for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
        let mut loaded = Loaded::new_for(&plan, &chip, set);
        let (before, reached) = (loaded.run_from(0, &images, true), loaded.reached(&images));
        loaded.recalibrate(&images, &reached);
        assert!(loaded.run_from(0, &images, true) == before, "{set}: the chip without errors changes");
        let mut shifted = chip.clone();
        // The arrays of the first layer.
        for array in &mut shifted.arrays[..2] {
            let offsets = array.offset.iter_mut().enumerate();
            offsets.for_each(|(column, offset)| *offset += ((column as i32 % 5 - 2) * 4) << bits);
        }
        let mut loaded = Loaded::new_for(&plan, &shifted, set);
        assert!(loaded.run_from(0, &images, true) != before, "{set}: the shift does nothing");
        loaded.recalibrate(&images, &reached);
        assert!(loaded.run_from(0, &images, true) == before, "{set}: the shift is left");
    }
}

#[test]
fn no_images_give_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let layers = vec![layer(&mut rng, Shape::vector(8), 3, 1, false, 1, true)];
    let design =
        machines::design(&network(Shape::vector(8), InputCode::Bipolar, layers), &analog(8, 4, 4, 5))
            .unwrap();
    let chip = machines::random_chip(&design, &mut rng);
    let plan = Plan::new(&design);
    assert!(Loaded::new(&plan, &chip).run_from(0, &[], true).is_empty());
    assert!(Loaded::new(&plan, &chip).run_parallel_from(0, &[], true).is_empty());
}

/// Noise that anybody can compute: a hash of what it is told to heed.
#[derive(Debug)]
struct Hashed {
    /// Reads of a vector that share their noise, and whether vectors do.
    planes: usize,
    vectors: bool,
}

impl Hashed {
    fn at(&self, layer: usize, read: usize, channel: usize, vector: usize, image: usize) -> i16 {
        let vector = if self.vectors { vector } else { 0 };
        let words = [layer, read / self.planes, channel, vector, image];
        let hash = words.iter().fold(1u64, |hash, &word| {
            let mixed = (hash ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ mixed >> 29
        });
        (hash % 41) as i16 - 20
    }
}

impl ReadNoise for Hashed {
    fn bound(&self) -> i32 {
        20
    }

    fn fill(&self, place: ReadPlace, noise: &mut [i16; 32]) {
        assert_eq!(place.image % 32, 0);
        for (lane, noise) in noise.iter_mut().enumerate() {
            *noise = self.at(place.layer, place.read, place.channel, place.vector, place.image + lane);
        }
    }
}

/// The machine on chips whose offsets hold the noise of one image.
#[test]
fn noise_shifts_the_voltages() {
    for number in 0..60u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let limits = Limits {
            layers: 3,
            channels: 40,
            side: 5,
            kernel: 3,
            input_bits: 3,
            planes: 1,
            shortcuts: false,
            states: false,
            branches: false,
            steps: 1,
        };
        let (design, count) = loop {
            let network = random::network(rng.random(), &limits);
            let mut arch = machines::random_arch(&mut rng);
            readout(&mut arch, &mut rng);
            arch.readout.noise = 0.0;
            let images = *[1, 33, 130].choose(&mut rng).unwrap();
            if let Some(design) = machines::design(&network, &arch)
                && design.cycles * images < 100_000
            {
                break (design, images as usize);
            }
        };
        let chip = machines::random_chip(&design, &mut rng);
        let images = random::elements(&design.network, number, count);
        let size = design.network.input.shape.elements();
        let plan = Plan::new(&design);
        let sites = design.sites();
        let mut all = Vec::new();
        for vectors in [false, true] {
            for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
                // The planes of one vector share a column's offset, which stands for the noise.
                let planes = if vectors { 1 } else { design.planes };
                let noise = Hashed { planes, vectors };
                let loaded = Loaded::noisy(&plan, &chip, set, Some(&noise));
                let outcomes = loaded.run_from(0, &images, true);
                assert!(
                    loaded.run_parallel_from(0, &images, true) == outcomes,
                    "trial {number}, {set}, in parallel"
                );
                all.push(outcomes);
            }
        }
        let sets = all.len() / 2;
        assert!(all[..sets].iter().all(|outcomes| *outcomes == all[0]), "trial {number}");
        assert!(all[sets..].iter().all(|outcomes| *outcomes == all[sets]), "trial {number}, every vector");
        for (image, elements) in images.chunks(size).enumerate() {
            let mut shifted = chip.clone();
            for (array, site) in shifted.arrays.iter_mut().zip(&sites) {
                let passes = design.layers[site.layer].passes;
                let noise = Hashed { planes: design.planes, vectors: false };
                // Only the first layer reads planes.
                let planes = if site.layer == 0 { design.planes } else { 1 };
                for (column, offset) in array.offset.iter_mut().enumerate() {
                    let group = site.array / passes;
                    // Reference columns, one a group, count behind the layer's channels.
                    let reference = column + 1 == site.columns
                        && design.analog.as_ref().is_some_and(|analog| analog.reference_column);
                    let channel = match reference {
                        true => design.network.layers[site.layer].conv.c + group,
                        false => group * design.lanes + column,
                    };
                    let read = site.array % passes * planes;
                    *offset += i32::from(noise.at(site.layer, read, channel, 0, image));
                }
            }
            let expected = expected(&design, &shifted, 1, elements, 0);
            assert!(all[0][image] == expected, "trial {number}: {}", difference(&all[0][image], &expected));
        }
    }
}
