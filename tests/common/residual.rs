//! Graphs of residual sums under construction, and what the reader makes of them.

use super::evaluate;
use super::graph::{Graph, Value};
use bincim::golden::reference;
use bincim::lower::lower;
use bincim::network::{Network, validate};
use bincim::read::{self, Error};
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Rows and columns of the images.
pub const SIDE: usize = 6;

/// A graph under construction; a map is known by its name.
pub struct Maker {
    pub rng: StdRng,
    pub graph: Graph,
}

impl Maker {
    /// A graph on 2 x SIDE x SIDE pixels.
    pub fn new(seed: u64) -> Maker {
        let graph = Graph::of_pixels(&[1, 2, SIDE as i64, SIDE as i64]);
        Maker { rng: StdRng::seed_from_u64(seed), graph }
    }

    /// The pixels as signed 8-bit codes of scale 1/128.
    pub fn codes(&mut self) -> String {
        let (scale, one) = (self.graph.scalar(1.0 / 128.0), self.graph.scalar(1.0));
        let scaled = self.graph.node("Mul", &["x", &scale], &[]);
        let moved = self.graph.node("Sub", &[&scaled, &one], &[]);
        let (zero, bits) = (self.graph.scalar(0.0), self.graph.scalar(8.0));
        let signed = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
        self.graph.custom("Quant", &[&moved, &scale, &zero, &bits], &signed)
    }

    /// A 3x3 convolution that keeps rows and columns, with binary weights.
    pub fn conv(&mut self, map: &str, inputs: usize, outputs: usize) -> String {
        let count = inputs * outputs * 9;
        let weights: Vec<f64> = (0..count).map(|_| if self.rng.random() { 1.0 } else { -1.0 }).collect();
        let weights = self.graph.floats(&[outputs, inputs, 3, 3], &weights);
        self.graph.node("Conv", &[map, &weights], &[("pads", Value::Ints(vec![1; 4]))])
    }

    pub fn times(&mut self, map: &str, scale: f64) -> String {
        let scale = self.graph.scalar(scale);
        self.graph.node("Mul", &[map, &scale], &[])
    }

    /// Batch normalisation with random constants, for sums of about `size`.
    pub fn norm(&mut self, map: &str, channels: usize, size: f64) -> String {
        let mut list = |choose: &mut dyn FnMut(&mut StdRng) -> f64| {
            let values: Vec<f64> = (0..channels).map(|_| choose(&mut self.rng)).collect();
            self.graph.floats(&[channels], &values)
        };
        let gamma = list(&mut |rng| [-1.5, -0.25, 0.5, 1.0, 3.0][rng.random_range(0..5)]);
        let beta = list(&mut |rng| f64::from(rng.random_range(-4..=4)) / 8.0);
        let mean = list(&mut |rng| size * f64::from(rng.random_range(-8..=8)) / 8.0);
        let variance = list(&mut |rng| [0.25, 1.0, 4.0][rng.random_range(0..3)]);
        let inputs = [map, &gamma, &beta, &mean, &variance];
        self.graph.node("BatchNormalization", &inputs, &[("epsilon", Value::Float(0.0))])
    }

    pub fn bits(&mut self, map: &str, channels: usize, size: f64) -> String {
        let normed = self.norm(map, channels, size);
        self.graph.sign(&normed)
    }

    /// A convolution on bits whose sums, of scale `scale`, are added to `kept`; the sum.
    pub fn added(&mut self, bits: &str, channels: usize, scale: f64, kept: &str) -> String {
        let sums = self.conv(bits, channels, channels);
        let scaled = self.times(&sums, scale);
        let (first, second) = if self.rng.random() { (scaled.as_str(), kept) } else { (kept, &*scaled) };
        self.graph.node("Add", &[first, second], &[])
    }

    pub fn pool(&mut self, map: &str) -> String {
        let attributes = [("kernel_shape", Value::Ints(vec![2, 2])), ("strides", Value::Ints(vec![2, 2]))];
        self.graph.node("MaxPool", &[map], &attributes)
    }

    /// Three classes from all of `bits`.
    pub fn classes(&mut self, bits: &str, channels: usize, side: usize) -> String {
        let inputs = channels * side * side;
        let weights: Vec<f64> = (0..inputs * 3).map(|_| if self.rng.random() { 1.0 } else { -1.0 }).collect();
        let weights = self.graph.floats(&[inputs, 3], &weights);
        let flat = self.graph.node("Flatten", &[bits], &[]);
        self.graph.node("MatMul", &[&flat, &weights], &[])
    }

    /// The network of the graph that ends with `output`; it gives the graph's scores for random images.
    pub fn network(&mut self, output: &str) -> Network {
        let bytes = self.graph.bytes(output);
        let network = read::network_from_bytes(&bytes, "t").unwrap_or_else(|e| panic!("{e:?}")).network;
        self.gives(output, &network);
        network
    }

    /// `network` gives the scores of the graph that ends with `output`, for random images.
    pub fn gives(&mut self, output: &str, network: &Network) {
        let lowered = lower(network.clone());
        assert_eq!(validate(&lowered), []);
        for _ in 0..6 {
            let pixels: Vec<u8> = (0..2 * SIDE * SIDE).map(|_| self.rng.random()).collect();
            let x: Vec<f64> = pixels.iter().map(|&p| f64::from(p)).collect();
            let expected = self.graph.run(output, &x).values;
            let codes = network.input.elements(&pixels);
            let affine = |scores: &[i32]| -> Vec<f64> {
                let out = &network.output;
                let pairs = scores.iter().zip(out.scale.iter().zip(&out.bias));
                pairs.map(|(&score, (scale, bias))| scale * f64::from(score) + bias).collect()
            };
            assert_eq!(affine(&reference::run(network, &codes).scores), expected, "as read");
            assert_eq!(affine(&reference::run(&lowered, &codes).scores), expected, "lowered");
            assert_eq!(affine(evaluate(network, &pixels).last().unwrap()), expected, "by the tests' own");
        }
    }

    /// The only error of the graph that ends with `output`: its code, and `text` in its text.
    pub fn refused(&self, output: &str, code: &str, text: &str) {
        let list = read::network_from_bytes(&self.graph.bytes(output), "t").expect_err("must be refused");
        assert_eq!(list.iter().map(Error::code).collect::<Vec<_>>(), [code], "{list:?}");
        assert!(list[0].to_string().contains(text), "{}", list[0]);
        assert!(!list[0].help().is_empty());
    }
}

/// A graph of pooled sums that are added twice, the second time in a finer unit.
pub fn small() -> Vec<u8> {
    let mut m = Maker::new(0);
    let codes = m.codes();
    let stem = m.conv(&codes, 2, 2);
    let v0 = m.pool(&stem);
    let b0 = m.bits(&v0, 2, 2.0);
    let v1 = m.added(&b0, 2, 0.125, &v0);
    let b1 = m.bits(&v1, 2, 2.0);
    let v2 = m.added(&b1, 2, 1.0 / 256.0, &v1);
    let b2 = m.bits(&v2, 2, 2.0);
    let out = m.classes(&b2, 2, SIDE / 2);
    m.graph.bytes(&out)
}

/// A graph whose sums are normalised before they are added.
pub fn normalised() -> Vec<u8> {
    let mut m = Maker::new(3);
    let codes = m.codes();
    let stem = m.conv(&codes, 2, 4);
    let v0 = m.norm(&stem, 4, 2.0);
    let b0 = m.bits(&v0, 4, 2.0);
    let sums = m.conv(&b0, 4, 4);
    let branch = m.norm(&sums, 4, 8.0);
    let v1 = m.graph.node("Add", &[&branch, &v0], &[]);
    let b1 = m.bits(&v1, 4, 2.0);
    let out = m.classes(&b1, 4, SIDE);
    m.graph.bytes(&out)
}
