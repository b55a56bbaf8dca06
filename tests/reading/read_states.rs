//! States: graphs with scales and normalisations before an Add. All constants are dyadic, so the graph in which the
//! rounding is written out as operations gives exact numbers, and the network that is read has to give the same.

use crate::common::graph::Value;
use crate::common::residual::{Maker, SIDE};
use bincim::golden::packed;
use bincim::network::Network;
use bincim::read::{self, Fixed, Rules, State};
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
