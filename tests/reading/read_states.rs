//! States: graphs with scales and normalisations before an Add. All constants are dyadic, so the graph in which the
//! rounding is written out as operations gives exact numbers, and the network that is read has to give the same.

use crate::common::graph::Value;
use crate::common::residual::{Maker, SIDE};
use bincim::golden::packed;
use bincim::network::{Activation, Network, Reads};
use bincim::read::{self, Ends, Fixed, Rules, State};
use rand::Rng;

fn read(bytes: &[u8], state: State) -> Result<Network, Vec<read::Error>> {
    let rules = Rules { pixels: None, fixed: Fixed { state: Some(state), ends: None } };
    read::network_with(bytes, "t", &rules).map(|reading| reading.network)
}

/// Writes a residual graph; where `rounds`, with the rounding of `state` in it.
struct Writer {
    maker: Maker,
    state: State,
    rounds: bool,
}

impl Writer {
    /// `map` in whole units of the state, the nearest.
    fn rounded(&mut self, map: String) -> String {
        if !self.rounds {
            return map;
        }
        let unit = f64::from(self.state.fraction).exp2();
        let graph = &mut self.maker.graph;
        let (times, half, divisor) = (graph.scalar(unit), graph.scalar(0.5), graph.scalar(unit));
        let scaled = graph.node("Mul", &[&map, &times], &[]);
        let moved = graph.node("Add", &[&scaled, &half], &[]);
        let floor = graph.node("Floor", &[&moved], &[]);
        graph.node("Div", &[&floor, &divisor], &[])
    }

    /// `map` held to the bits of the state.
    fn held(&mut self, map: String) -> String {
        if !self.rounds {
            return map;
        }
        let most = f64::from(self.state.bits - 1).exp2();
        let unit = f64::from(self.state.fraction).exp2();
        let graph = &mut self.maker.graph;
        let (low, high) = (graph.scalar(-most / unit), graph.scalar((most - 1.0) / unit));
        graph.node("Clip", &[&map, &low, &high], &[])
    }

    /// Two blocks behind a stem, the first kept map pooled where `pools`; the scores.
    fn graph(&mut self, pools: bool) -> String {
        let codes = self.maker.codes();
        let stem = self.maker.conv(&codes, 2, 4);
        let stem = match pools {
            true => {
                // Behind a maximum only rising scales.
                let scaled = self.maker.times(&stem, 0.75);
                self.maker.pool(&scaled)
            }
            false => self.maker.norm(&stem, 4, 2.0),
        };
        let stem = self.rounded(stem);
        let mut state = self.held(stem);
        for _ in 0..2 {
            let bits = self.maker.bits(&state, 4, 2.0);
            let middle = self.maker.conv(&bits, 4, 4);
            let branch = self.maker.norm(&middle, 4, 8.0);
            let branch = self.rounded(branch);
            let turned = self.maker.rng.random();
            let pair = if turned { [&*branch, &*state] } else { [&*state, &*branch] };
            let sum = self.maker.graph.node("Add", &pair, &[]);
            state = self.held(sum);
        }
        let bits = self.maker.bits(&state, 4, 2.0);
        let side = if pools { SIDE / 2 } else { SIDE };
        self.maker.classes(&bits, 4, side)
    }
}

fn writer(seed: u64, state: State, rounds: bool) -> Writer {
    Writer { maker: Maker::new(seed), state, rounds }
}

/// The network of a graph of real numbers gives the scores of the same graph with the rounding written out.
#[test]
fn states_are_the_nearest_numbers_that_their_bits_hold() {
    let mut saturated: u64 = 0;
    for seed in 0..40 {
        let state = [(16, 8), (8, 4), (6, 2), (5, 3), (4, 0), (24, 12)][seed as usize % 6];
        let state = State { bits: state.0, fraction: state.1 };
        let pools = seed % 4 == 3;
        let mut plain = writer(seed, state, false);
        let output = plain.graph(pools);
        let network =
            read(&plain.maker.graph.bytes(&output), state).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(network.layers.iter().filter(|layer| layer.requant.is_some()).count(), 3, "seed {seed}");
        assert_eq!(network.layers.iter().filter(|layer| layer.shortcut.adds).count(), 2, "seed {seed}");
        let mut rounded = writer(seed, state, true);
        let output = rounded.graph(pools);
        rounded.maker.gives(&output, &network);
        let images: Vec<i16> =
            (0..4 * 2 * SIDE * SIDE).map(|_| rounded.maker.rng.random_range(-128..128)).collect();
        let engine = packed::prepare(&network);
        engine.infer_elements(&images);
        saturated += u64::from(engine.saturated().iter().any(|&count| count > 0));
    }
    assert!(saturated > 10);
}

/// With enough bits nothing is lost, and the scores are those of the graph itself.
#[test]
fn wide_states_are_exact() {
    for seed in 100..120 {
        let state = State { bits: 24, fraction: 12 };
        let mut plain = writer(seed, state, false);
        let output = plain.graph(seed % 4 == 3);
        let network =
            read(&plain.maker.graph.bytes(&output), state).unwrap_or_else(|errors| panic!("{errors:?}"));
        plain.maker.gives(&output, &network);
    }
}

impl Writer {
    /// A block whose convolution has a stride of 2 and twice the channels, and whose shortcut takes every second pixel.
    fn narrowed(&mut self, state: &str, channels: usize) -> String {
        let bits = self.maker.bits(state, channels, 2.0);
        let count = channels * 2 * channels * 9;
        let weights: Vec<f64> =
            (0..count).map(|_| if self.maker.rng.random() { 1.0 } else { -1.0 }).collect();
        let weights = self.maker.graph.floats(&[2 * channels, channels, 3, 3], &weights);
        let attributes = [("pads", Value::Ints(vec![1; 4])), ("strides", Value::Ints(vec![2, 2]))];
        let sums = self.maker.graph.node("Conv", &[&bits, &weights], &attributes);
        let branch = self.maker.norm(&sums, 2 * channels, 8.0);
        let branch = self.rounded(branch);
        let before = self.maker.rng.random_range(0..=channels as i64);
        let graph = &mut self.maker.graph;
        let lists = [vec![0, 0], vec![1 << 30, 1 << 30], vec![2, 3], vec![2, 2]];
        let [starts, ends, axes, steps] = lists.map(|list| graph.ints(&list));
        let part = graph.node("Slice", &[state, &starts, &ends, &axes, &steps], &[]);
        let pads = graph.ints(&[0, before, 0, 0, 0, channels as i64 - before, 0, 0]);
        let zero = graph.scalar(0.0);
        let kept = graph.node("Pad", &[&part, &pads, &zero], &[]);
        let sum = graph.node("Add", &[&branch, &kept], &[]);
        self.held(sum)
    }

    /// The last state in `bits` bits, of which it leaves out `shift`: the middle of those that are alike.
    fn level(&mut self, state: String, bits: u32, shift: u32) -> String {
        if !self.rounds || shift == 0 {
            return state;
        }
        let apart = f64::from(shift).exp2();
        let unit = f64::from(self.state.fraction).exp2() / apart;
        let graph = &mut self.maker.graph;
        let (times, half) = (graph.scalar(unit), f64::from(bits - 1).exp2());
        let scaled = graph.node("Mul", &[&state, &times], &[]);
        let floor = graph.node("Floor", &[&scaled], &[]);
        let (low, high) = (graph.scalar(-half), graph.scalar(half - 1.0));
        let held = graph.node("Clip", &[&floor, &low, &high], &[]);
        let middle = graph.scalar((apart - 1.0) / 2.0 / apart);
        let moved = graph.node("Add", &[&held, &middle], &[]);
        graph.node("Div", &[&moved, &times], &[])
    }

    /// Two blocks, both narrowing: the mean of the last one's 2 x 2 pixels, and classes with weights of `sizes` values.
    fn averaged(&mut self, ends: Option<Ends>, sizes: i64) -> String {
        let codes = self.maker.codes();
        let stem = self.maker.conv(&codes, 2, 3);
        let stem = self.maker.norm(&stem, 3, 2.0);
        let stem = self.rounded(stem);
        let mut state = self.held(stem);
        state = self.narrowed(&state, 3);
        state = self.narrowed(&state, 6);
        if let Some(Ends { bits, fraction: Some(fraction) }) = ends {
            let shift = (self.state.fraction - fraction).min(self.state.bits - bits);
            state = self.level(state, bits, shift);
        }
        let mean = self.maker.graph.node("GlobalAveragePool", &[&state], &[]);
        let flat = self.maker.graph.node("Flatten", &[&mean], &[]);
        let weights: Vec<f64> =
            (0..36).map(|_| self.maker.rng.random_range(-sizes..=sizes) as f64 / 16.0).collect();
        let weights = self.maker.graph.floats(&[12, 3], &weights);
        let bias: Vec<f64> = (0..3).map(|_| f64::from(self.maker.rng.random_range(-8..8)) / 8.0).collect();
        let bias = self.maker.graph.floats(&[3], &bias);
        let scores = self.maker.graph.node("MatMul", &[&flat, &weights], &[]);
        self.maker.graph.node("Add", &[&scores, &bias], &[])
    }
}

impl Writer {
    /// A block that narrows, with a branch beside it: a convolution of one pixel with weights of several sizes, of the averages
    /// of 2 x 2 pixels or of every second one.
    fn branched(&mut self, state: &str, channels: usize, averages: bool) -> String {
        let bits = self.maker.graph.sign(state);
        let count = channels * 2 * channels * 9;
        let weights: Vec<f64> =
            (0..count).map(|_| if self.maker.rng.random() { 1.0 } else { -1.0 }).collect();
        let weights = self.maker.graph.floats(&[2 * channels, channels, 3, 3], &weights);
        let attributes = [("pads", Value::Ints(vec![1; 4])), ("strides", Value::Ints(vec![2, 2]))];
        let sums = self.maker.graph.node("Conv", &[&bits, &weights], &attributes);
        let main = self.maker.norm(&sums, 2 * channels, 8.0);
        let main = self.rounded(main);
        let weights: Vec<f64> = (0..2 * channels * channels)
            .map(|_| f64::from(self.maker.rng.random_range(-7..=7)) / 8.0)
            .collect();
        let weights = self.maker.graph.floats(&[2 * channels, channels, 1, 1], &weights);
        let two = || Value::Ints(vec![2, 2]);
        let part = match averages {
            true => {
                let attributes = [("kernel_shape", two()), ("strides", two())];
                let mean = self.maker.graph.node("AveragePool", &[state], &attributes);
                self.maker.graph.node("Conv", &[&mean, &weights], &[])
            }
            false => self.maker.graph.node("Conv", &[state, &weights], &[("strides", two())]),
        };
        let branch = self.maker.norm(&part, 2 * channels, 1.0);
        let branch = self.rounded(branch);
        let branch = self.held(branch);
        let pair = if self.maker.rng.random() { [&*main, &*branch] } else { [&*branch, &*main] };
        let sum = self.maker.graph.node("Add", &pair, &[]);
        self.held(sum)
    }

    /// A stem, a block that narrows, one that does not and another that narrows, and classes.
    fn branches(&mut self, averages: bool) -> String {
        let codes = self.maker.codes();
        let stem = self.maker.conv(&codes, 2, 2);
        let stem = self.maker.norm(&stem, 2, 2.0);
        let stem = self.rounded(stem);
        let mut state = self.held(stem);
        state = self.branched(&state, 2, averages);
        let bits = self.maker.bits(&state, 4, 2.0);
        let middle = self.maker.conv(&bits, 4, 4);
        let middle = self.maker.norm(&middle, 4, 8.0);
        let middle = self.rounded(middle);
        let sum = self.maker.graph.node("Add", &[&middle, &state], &[]);
        let state = self.held(sum);
        let bits = self.maker.bits(&state, 4, 2.0);
        self.maker.classes(&bits, 4, SIDE / 2)
    }
}

/// Branches of real weights beside blocks that narrow: the scores are those of the graph with all rounding written out.
#[test]
fn branches_of_averages_are_convolutions_of_levels() {
    for seed in 300..330 {
        let (bits, fraction) = [(8, 4), (7, 3), (6, 2), (5, 1), (8, 5)][seed as usize % 5];
        let state = State { bits, fraction };
        let averages = seed % 3 != 0;
        let mut plain = writer(seed, state, false);
        let output = plain.branches(averages);
        let bytes = plain.maker.graph.bytes(&output);
        let network = read(&bytes, state).unwrap_or_else(|errors| panic!("seed {seed}: {errors:?}"));
        let layers = &network.layers;
        assert_eq!(layers.iter().filter(|layer| layer.activation == Activation::Kept).count(), 1);
        assert_eq!(layers.iter().filter(|layer| matches!(layer.reads, Reads::Upper(_))).count(), 1);
        let mut rounded = writer(seed, state, true);
        let output = rounded.branches(averages);
        rounded.maker.gives(&output, &network);
    }
}

/// Branches that are no convolution of a state are refused by what they are.
#[test]
fn other_branches_of_a_state_are_refused_by_name() {
    type Part<'a> = &'a dyn Fn(&mut Maker, &str) -> String;
    let normed = std::cell::Cell::new(false);
    let refuse = |part: Part, text: &str| {
        let mut m = Maker::new(3);
        let codes = m.codes();
        let stem = m.conv(&codes, 2, 4);
        let state = m.norm(&stem, 4, 2.0);
        let bits = if normed.get() { m.bits(&state, 4, 2.0) } else { m.graph.sign(&state) };
        let weights = m.graph.floats(&[4, 4, 3, 3], &[1.0; 144]);
        let two = Value::Ints(vec![2, 2]);
        let attributes = [("pads", Value::Ints(vec![1; 4])), ("strides", two)];
        let main = m.graph.node("Conv", &[&bits, &weights], &attributes);
        let main = m.norm(&main, 4, 8.0);
        let branch = part(&mut m, &state);
        let sum = m.graph.node("Add", &[&main, &branch], &[]);
        let bits = m.bits(&sum, 4, 2.0);
        let out = m.classes(&bits, 4, SIDE / 2);
        let errors = read(&m.graph.bytes(&out), State { bits: 8, fraction: 4 }).expect_err("must be refused");
        assert!(errors.iter().any(|error| error.to_string().contains(text)), "{text}: {errors:?}");
    };
    let average = |m: &mut Maker, state: &str| {
        let two = || Value::Ints(vec![2, 2]);
        m.graph.node("AveragePool", &[state], &[("kernel_shape", two()), ("strides", two())])
    };
    let conv = |dims: [usize; 4], attributes: &'static [(&'static str, i64)]| {
        move |m: &mut Maker, state: &str| {
            let mean = average(m, state);
            let weights = m.graph.floats(&dims, &vec![0.5; dims.iter().product()]);
            let attributes: Vec<(&str, Value)> =
                attributes.iter().map(|&(name, value)| (name, Value::Int(value))).collect();
            m.graph.node("Conv", &[&mean, &weights], &attributes)
        }
    };
    refuse(&average, "adds averages of windows");
    let relu = |m: &mut Maker, state: &str| {
        let mean = average(m, state);
        m.graph.node("Relu", &[&mean], &[])
    };
    refuse(&relu, "reads averages of windows");
    refuse(&conv([4, 3, 1, 1], &[]), "do not fit its input");
    refuse(&conv([4, 1, 1, 1], &[("group", 4)]), "attribute group");
    refuse(&conv([4, 4, 3, 3], &[]), "a convolution of 3 x 3 pixels of averages");
    // The sign of the state behind a normalisation, where the branch reads the state itself.
    normed.set(true);
    refuse(&conv([4, 4, 1, 1], &[]), "of which other layers read more than its sign");
}

/// Shortcuts that take every second pixel and channels of 0 beside them, and averages of the last state: the scores are
/// those of the graph with all rounding written out.
#[test]
fn shortcuts_narrow_and_the_last_state_is_averaged() {
    for seed in 200..240 {
        let (state, ends) = [
            ((8, 4), None),
            ((16, 8), Some((8, 4))),
            ((12, 6), Some((6, 2))),
            ((5, 1), None),
            ((16, 8), Some((8, 1))),
        ][seed as usize % 5];
        let state = State { bits: state.0, fraction: state.1 };
        let ends = ends.map(|(bits, fraction)| Ends { bits, fraction: Some(fraction) });
        let sizes = [1, 7, 127][seed as usize % 3];
        let mut plain = writer(seed, state, false);
        let output = plain.averaged(ends, sizes);
        let rules = Rules { pixels: None, fixed: Fixed { state: Some(state), ends } };
        let network = read::network_with(&plain.maker.graph.bytes(&output), "t", &rules);
        let network = network.unwrap_or_else(|errors| panic!("seed {seed}: {errors:?}")).network;
        assert_eq!(network.layers.iter().filter(|layer| layer.shortcut.stride == (2, 2)).count(), 2);
        let mut rounded = writer(seed, state, true);
        let output = rounded.averaged(ends, sizes);
        rounded.maker.gives(&output, &network);
    }
}

/// What may not stand between a state and an Add, by its message.
#[test]
fn other_parts_of_a_state_are_refused_by_name() {
    let refuse = |part: &dyn Fn(&mut Maker, &str) -> String, text: &str| {
        let tail = |m: &mut Maker, stem: &str| {
            let kept = m.norm(stem, 4, 2.0);
            let bits = m.bits(&kept, 4, 2.0);
            let branch = m.conv(&bits, 4, 4);
            (part(m, &kept), branch)
        };
        refused(tail, text);
    };
    let slice = |lists: [Vec<i64>; 4]| {
        move |m: &mut Maker, map: &str| {
            let [starts, ends, axes, steps] = lists.clone().map(|list| m.graph.ints(&list));
            m.graph.node("Slice", &[map, &starts, &ends, &axes, &steps], &[])
        }
    };
    let side = SIDE as i64;
    // From the second row on, up to the last but one, channels left out, and a part that has another size than the sums.
    refuse(&slice([vec![1], vec![side], vec![2], vec![1]]), "attribute steps");
    refuse(&slice([vec![0], vec![side - 1], vec![2], vec![1]]), "attribute steps");
    refuse(&slice([vec![0], vec![4], vec![1], vec![2]]), "attribute steps");
    refuse(&slice([vec![0, 0], vec![side; 2], vec![2, 3], vec![2, 2]]), "adds a map of");
    let pad = |list: Vec<i64>, value: f64| {
        move |m: &mut Maker, map: &str| {
            let (pads, value) = (m.graph.ints(&list), m.graph.scalar(value));
            m.graph.node("Pad", &[map, &pads, &value], &[])
        }
    };
    refuse(&pad(vec![0, 1, 0, 0, 0, 1, 0, 0], 1.0), "with another number than 0");
    refuse(&pad(vec![0, 1, 0, 0, 0, 1, 0, 0], 0.0), "adds a map of");
    // The part is scaled.
    let scaled = move |m: &mut Maker, map: &str| {
        let part = slice([vec![0], vec![side], vec![2], vec![1]])(m, map);
        m.times(&part, 0.5)
    };
    // Not on its way to an Add: no state begins there.
    refuse(&scaled, "takes a part of a map that is no state");
}

/// A state wider than an activation is not cut in silence.
#[test]
fn wide_states_are_averaged_only_where_that_is_asked_for() {
    let state = State { bits: 16, fraction: 8 };
    let mut plain = writer(200, state, false);
    let output = plain.averaged(None, 7);
    let list = read(&plain.maker.graph.bytes(&output), state).expect_err("must be refused");
    assert_eq!(list.len(), 1, "{list:?}");
    assert!(list[0].to_string().contains("a state of 16 bits"), "{}", list[0]);
    assert!(list[0].help().contains("--quantise ends=8"), "{}", list[0].help());
}

/// Real weights and pixels at both ends are read as the quantisers that say the same.
#[test]
fn real_ends_are_quantised_as_nodes_would() {
    for (seed, bits) in [(0, 8), (1, 4), (2, 2), (3, 6)] {
        let state = State { bits: 8, fraction: 4 };
        let networks = [false, true].map(|written| {
            let mut m = Maker::new(seed);
            let lists = [vec![127.5, 100.25], vec![50.0, 64.5]];
            let [mean, deviation] = lists.map(|list| m.graph.floats(&[1, 2, 1, 1], &list));
            let moved = m.graph.node("Sub", &["x", &mean], &[]);
            let mut pixels = m.graph.node("Div", &[&moved, &deviation], &[]);
            // The largest value of a pixel is that of channel 0 at both of its ends.
            let quantise = |m: &mut Maker, map: &str, scale: String| {
                let (zero, width) = (m.graph.scalar(0.0), m.graph.scalar(f64::from(bits)));
                let signed = [("signed", Value::Int(1)), ("narrow", Value::Int(1))];
                m.graph.custom("Quant", &[map, &scale, &zero, &width], &signed)
            };
            let most = f64::from((1 << (bits - 1)) - 1);
            if written {
                let scale = m.graph.doubles(&[], &[127.5 / 50.0 / most]);
                pixels = quantise(&mut m, &pixels, scale);
            }
            let real = |m: &mut Maker, dims: &[usize]| {
                let count: usize = dims.iter().product();
                let values: Vec<f64> = (0..count).map(|_| m.rng.random_range(-1.0..1.0f32).into()).collect();
                let largest = |own: &[f64]| own.iter().fold(0.0f64, |most, value| most.max(value.abs()));
                let units: Vec<f64> = values.chunks(count / dims[0]).map(|own| largest(own) / most).collect();
                let weights = m.graph.floats(dims, &values);
                if !written {
                    return weights;
                }
                let mut of_channel = vec![1; dims.len()];
                of_channel[0] = dims[0];
                let scale = m.graph.doubles(&of_channel, &units);
                quantise(m, &weights, scale)
            };
            let weights = real(&mut m, &[4, 2, 3, 3]);
            let stem = m.graph.node("Conv", &[&pixels, &weights], &[("pads", Value::Ints(vec![1; 4]))]);
            let kept = m.norm(&stem, 4, 0.5);
            let signs = m.bits(&kept, 4, 2.0);
            let sums = m.conv(&signs, 4, 4);
            let branch = m.norm(&sums, 4, 8.0);
            let sum = m.graph.node("Add", &[&kept, &branch], &[]);
            let mean = m.graph.node("GlobalAveragePool", &[&sum], &[]);
            let flat = m.graph.node("Flatten", &[&mean], &[]);
            let weights = real(&mut m, &[3, 4]);
            let turned = m.graph.node("Transpose", &[&weights], &[("perm", Value::Ints(vec![1, 0]))]);
            let output = m.graph.node("MatMul", &[&flat, &turned], &[]);
            // Of a graph with quantisers it is the last state only that is read in fewer bits.
            let ends = Some(Ends { bits, fraction: None });
            let rules = Rules { pixels: None, fixed: Fixed { state: Some(state), ends } };
            let network = read::network_with(&m.graph.bytes(&output), "t", &rules);
            let mut network = network.unwrap_or_else(|errors| panic!("{bits}: {errors:?}")).network;
            network.layers.iter_mut().for_each(|layer| layer.name = "layer".into());
            network.output.name = "output".into();
            network
        });
        let [read, written] = networks;
        assert!(read == written, "{bits} bits");
    }
}

/// The only error of a graph whose kept map is `tail` of the stem's normalised sums.
fn refused(tail: impl FnOnce(&mut Maker, &str) -> (String, String), text: &str) {
    let state = State { bits: 16, fraction: 8 };
    let mut m = Maker::new(0);
    let codes = m.codes();
    let stem = m.conv(&codes, 2, 4);
    let (kept, branch) = tail(&mut m, &stem);
    let sum = m.graph.node("Add", &[&kept, &branch], &[]);
    let bits = m.bits(&sum, 4, 2.0);
    let output = m.classes(&bits, 4, SIDE);
    let list = read(&m.graph.bytes(&output), state).expect_err("must be refused");
    assert_eq!(list.len(), 1, "{list:?}");
    assert!(list[0].to_string().contains(text), "{}", list[0]);
    assert!(!list[0].help().is_empty());
}

#[test]
fn what_is_no_state_is_refused_by_name() {
    // A rectifier before the Add.
    refused(
        |m, stem| {
            let kept = m.norm(stem, 4, 2.0);
            let bits = m.bits(&kept, 4, 2.0);
            let sums = m.conv(&bits, 4, 4);
            let branch = m.graph.node("Relu", &[&sums], &[]);
            (kept, branch)
        },
        "another operation than a scale",
    );
    // The kept map is scaled on its way.
    refused(
        |m, stem| {
            let kept = m.norm(stem, 4, 2.0);
            let bits = m.bits(&kept, 4, 2.0);
            let branch = m.conv(&bits, 4, 4);
            (m.times(&kept, 0.5), branch)
        },
        "joins two computed maps",
    );
    // A maximum behind a rising and before a falling scale.
    refused(
        |m, stem| {
            let attributes = [
                ("kernel_shape", Value::Ints(vec![3, 3])),
                ("pads", Value::Ints(vec![0; 4])),
                ("strides", Value::Ints(vec![1, 1])),
            ];
            let pooled = m.graph.node("MaxPool", &[stem], &attributes);
            let kept = m.times(&pooled, -0.5);
            let bits = m.bits(&kept, 4, 2.0);
            let branch = m.conv(&bits, 4, 4);
            (kept, branch)
        },
        "pooled before a negative scale",
    );
}
