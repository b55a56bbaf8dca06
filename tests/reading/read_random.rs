//! Random graphs: what the reader makes of them gives the scores that the graph itself gives in floating
//! point, before and after lowering. All constants are dyadic, so both sides are exact and ties are real.

use crate::common::evaluate;
use crate::common::graph::{Graph, Value};
use bincim::lower::{PASSES, lower};
use bincim::network::{Activation, Network, validate};
use bincim::read;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A graph under random construction.
struct Maker {
    rng: StdRng,
    graph: Graph,
    /// Name and shape (channels, rows, columns) of the map.
    map: String,
    shape: (usize, usize, usize),
    /// Values that a border may have: 0, and the two levels of the bits before it.
    borders: Vec<f64>,
    /// Weights and activations of several bits, and supports.
    levels: bool,
}

impl Maker {
    fn chance(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    fn eighths(&mut self, count: usize, reach: i32) -> Vec<f64> {
        (0..count).map(|_| f64::from(self.rng.random_range(-reach..=reach)) / 8.0).collect()
    }

    fn bits(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| if self.rng.random() { 1.0 } else { -1.0 }).collect()
    }

    /// Weights of several bits: a quantiser, a base and a support, or the numbers themselves.
    fn deep_weights(&mut self, dims: &[usize]) -> String {
        let count = dims.iter().product();
        let step = [0.25, 0.5, 1.0][self.rng.random_range(0..3)];
        match self.rng.random_range(0..4) {
            0 => {
                let bits = self.rng.random_range(2..=4);
                let values: Vec<f64> = (0..count).map(|_| self.rng.random_range(-9.0..9.0)).collect();
                let inputs = [self.graph.floats(dims, &values), self.graph.scalar(step)];
                let (zero, bits) = (self.graph.scalar(0.0), self.graph.scalar(f64::from(bits)));
                let narrow = i64::from(self.chance(0.5));
                let attributes = [("signed", Value::Int(1)), ("narrow", Value::Int(narrow))];
                self.graph.custom("Quant", &[&inputs[0], &inputs[1], &zero, &bits], &attributes)
            }
            1 => {
                let values: Vec<f64> =
                    (0..count).map(|_| step * f64::from(self.rng.random_range(-5..=5))).collect();
                self.graph.floats(dims, &values)
            }
            supports => {
                let mut sum = String::new();
                for place in 0..supports {
                    let values = self.bits(count);
                    let latent = self.graph.floats(dims, &values);
                    let scale = self.graph.scalar(step / f64::from(1 << (2 * place)));
                    let mut plane = self.graph.custom("BipolarQuant", &[&latent, &scale], &[]);
                    if place > 0 && self.chance(0.5) {
                        // One value for each output channel, or each input of a dense layer's weights.
                        let kept: Vec<f64> =
                            (0..dims[0]).map(|_| f64::from(self.rng.random::<bool>())).collect();
                        let shape: Vec<usize> =
                            (0..dims.len()).map(|d| if d == 0 { dims[0] } else { 1 }).collect();
                        let mask = self.graph.floats(&shape, &kept);
                        plane = self.graph.node("Mul", &[&plane, &mask], &[]);
                    }
                    sum = if place == 0 { plane } else { self.graph.node("Add", &[&sum, &plane], &[]) };
                }
                sum
            }
        }
    }

    /// Activations of 2 to 4 bits, or of a few thresholds.
    fn deep_sign(&mut self) {
        let input = self.map.clone();
        let c = self.shape.0;
        let step = [0.5, 1.0, 2.0][self.rng.random_range(0..3)];
        if self.chance(0.3) {
            let count = self.rng.random_range(2..=5);
            let values = self.eighths(c * count, 80);
            let thresholds = self.graph.floats(&[c, count], &values);
            let bias = [0.0, -1.0][self.rng.random_range(0..2)];
            self.borders = vec![f64::from(bias), f64::from(bias) + step * count as f64];
            self.map = self.threshold(&input, &thresholds, step as f32, bias);
            return;
        }
        let most = if self.chance(0.2) { 4 } else { 3 };
        let bits = self.rng.random_range(2..=most);
        let (signed, narrow) = (self.chance(0.6), self.chance(0.5));
        let high = 2f64.powi(bits - i32::from(signed)) - 1.0;
        let low = match (signed, narrow) {
            (false, _) => 0.0,
            (true, true) => -high,
            (true, false) => -high - 1.0,
        };
        self.borders = vec![low * step, high * step];
        if low == -high {
            self.borders.push(0.0);
        }
        let inputs = [self.graph.scalar(step), self.graph.scalar(0.0), self.graph.scalar(f64::from(bits))];
        let narrow = i64::from(signed && narrow);
        let attributes = [("signed", Value::Int(signed.into())), ("narrow", Value::Int(narrow))];
        self.map = self.graph.custom("Quant", &[&input, &inputs[0], &inputs[1], &inputs[2]], &attributes);
    }

    /// Weights of shape `dims`: bits times one scale or one a channel, perhaps through BipolarQuant.
    fn weights(&mut self, dims: &[usize]) -> String {
        if self.levels && self.chance(0.7) {
            return self.deep_weights(dims);
        }
        let mut values = self.bits(dims.iter().product());
        let each = values.len() / dims[0];
        if self.chance(0.3) {
            let scale = [0.5, 1.0, 2.0][self.rng.random_range(0..3)];
            let name = self.graph.floats(dims, &values);
            let scale = self.graph.scalar(scale);
            return self.graph.custom("BipolarQuant", &[&name, &scale], &[]);
        }
        if self.chance(0.3) {
            for channel in values.chunks_mut(each) {
                let alpha = [0.25, 0.5, 1.0, 4.0][self.rng.random_range(0..4)];
                channel.iter_mut().for_each(|v| *v *= alpha);
            }
        }
        self.graph.floats(dims, &values)
    }

    fn input(&mut self) {
        match self.rng.random_range(0..4) {
            0 => {
                let half = self.graph.scalar(127.5);
                let centred = self.graph.node("Sub", &["x", &half], &[]);
                self.map = self.graph.sign(&centred);
            }
            1 => {
                let (scale, zero, bits) =
                    (self.graph.scalar(0.5), self.graph.scalar(0.0), self.graph.scalar(8.0));
                let offset = self.graph.scalar(64.25);
                let moved = self.graph.node("Sub", &["x", &offset], &[]);
                let quarter = self.graph.scalar(0.25);
                let scaled = self.graph.node("Mul", &[&moved, &quarter], &[]);
                let inputs = [scaled.as_str(), &scale, &zero, &bits];
                let signed = [("signed", Value::Int(1)), ("narrow", Value::Int(0))];
                self.map = self.graph.custom("Quant", &inputs, &signed);
            }
            2 => {
                let threshold = self.graph.floats(&[1, 1], &[77.0]);
                self.map = self.threshold("x", &threshold, 1.0, 0.0);
            }
            _ => {
                // Normalised pixels straight into the first layer.
                let scale = self.graph.scalar(1.0 / 64.0);
                self.map = self.graph.node("Mul", &["x", &scale], &[]);
            }
        }
    }

    fn threshold(&mut self, x: &str, thresholds: &str, scale: f32, bias: f32) -> String {
        let attributes = [
            ("out_dtype", Value::Text("FLOAT32")),
            ("out_scale", Value::Float(scale)),
            ("out_bias", Value::Float(bias)),
        ];
        self.graph.custom("MultiThreshold", &[x, thresholds], &attributes)
    }

    fn conv(&mut self) {
        let (c, h, w) = self.shape;
        let (kh, kw) = (self.rng.random_range(1..=h.min(3)), self.rng.random_range(1..=w.min(3)));
        let (sh, sw) = (self.rng.random_range(1..=2), self.rng.random_range(1..=2));
        let outputs = self.rng.random_range(1..=5);
        let mut pads = [0i64; 4];
        if self.chance(0.5) {
            for (side, k) in [(0, kh), (1, kw), (2, kh), (3, kw)] {
                pads[side] = self.rng.random_range(0..k as i64);
            }
        }
        let dims = [outputs, c, kh, kw];
        let weights = self.weights(&dims);
        let mut attributes = vec![("strides", Value::Ints(vec![sh as i64, sw as i64]))];
        if self.chance(0.5) {
            attributes.push(("pads", Value::Ints(pads.to_vec())));
        } else {
            let list = self.graph.ints(&[0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]]);
            let value = self.borders[self.rng.random_range(0..self.borders.len())];
            let value = self.graph.scalar(value);
            self.map = self.graph.node("Pad", &[&self.map.clone(), &list, &value], &[]);
        }
        let mut inputs = vec![self.map.clone(), weights];
        if self.chance(0.3) {
            let values = self.eighths(outputs, 24);
            inputs.push(self.graph.floats(&[outputs], &values));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.map = self.graph.node("Conv", &inputs, &attributes);
        self.shape = (
            outputs,
            (h + (pads[0] + pads[2]) as usize - kh) / sh + 1,
            (w + (pads[1] + pads[3]) as usize - kw) / sw + 1,
        );
    }

    /// Elementwise operations with constants, each once or once a channel.
    fn chain(&mut self, rank: usize) {
        let c = self.shape.0;
        for _ in 0..self.rng.random_range(0..3) {
            let per_channel = self.chance(0.7);
            let count = if per_channel { c } else { 1 };
            let dims =
                if per_channel { vec![c; 1].into_iter().chain(vec![1; rank - 2]).collect() } else { vec![] };
            let input = self.map.clone();
            self.map = match self.rng.random_range(0..4) {
                0 => {
                    let values = self.eighths(count, 40);
                    let constant = self.graph.floats(&dims, &values);
                    let op = if self.chance(0.5) { "Add" } else { "Sub" };
                    self.graph.node(op, &[&input, &constant], &[])
                }
                1 => {
                    let values: Vec<f64> = (0..count)
                        .map(|_| [-2.0, -1.0, 0.5, 1.0, 4.0][self.rng.random_range(0..5)])
                        .collect();
                    let constant = self.graph.floats(&dims, &values);
                    let op = if self.chance(0.5) { "Mul" } else { "Div" };
                    self.graph.node(op, &[&input, &constant], &[])
                }
                _ => {
                    let gamma: Vec<f64> = (0..c)
                        .map(|_| [-1.5, -0.25, 0.0, 0.5, 1.0, 3.0][self.rng.random_range(0..6)])
                        .collect();
                    let (beta, mean) = (self.eighths(c, 16), self.eighths(c, 60));
                    let variance: Vec<f64> =
                        (0..c).map(|_| [0.25, 1.0, 4.0, 64.0][self.rng.random_range(0..4)]).collect();
                    let names: Vec<String> =
                        [gamma, beta, mean, variance].iter().map(|v| self.graph.floats(&[c], v)).collect();
                    let inputs = [&input, &names[0], &names[1], &names[2], &names[3]].map(String::as_str);
                    self.graph.node("BatchNormalization", &inputs, &[("epsilon", Value::Float(0.0))])
                }
            };
        }
    }

    fn pool(&mut self) {
        let (c, h, w) = self.shape;
        let (kh, kw) = (self.rng.random_range(1..=h.min(2)), self.rng.random_range(1..=w.min(2)));
        let (sh, sw) = (self.rng.random_range(1..=2), self.rng.random_range(1..=2));
        let attributes = [
            ("kernel_shape", Value::Ints(vec![kh as i64, kw as i64])),
            ("strides", Value::Ints(vec![sh as i64, sw as i64])),
        ];
        self.map = self.graph.node("MaxPool", &[&self.map.clone()], &attributes);
        self.shape = (c, (h - kh) / sh + 1, (w - kw) / sw + 1);
    }

    fn sign(&mut self) {
        if self.levels && self.chance(0.7) {
            return self.deep_sign();
        }
        let input = self.map.clone();
        let c = self.shape.0;
        self.map = match self.rng.random_range(0..4) {
            0 => {
                let values = self.eighths(c, 40);
                let thresholds = self.graph.floats(&[c, 1], &values);
                // Bits 0 and 1, or levels around zero.
                let (scale, bias) = if self.rng.random() { (2.0, -1.0) } else { (1.0, 0.0) };
                self.borders = vec![0.0, f64::from(bias), f64::from(scale + bias)];
                self.threshold(&input, &thresholds, scale, bias)
            }
            1 => {
                let (scale, zero, bits) =
                    (self.graph.scalar(0.5), self.graph.scalar(0.0), self.graph.scalar(1.0));
                let inputs = [input.as_str(), &scale, &zero, &bits];
                self.borders = vec![0.0, -0.5, 0.5];
                self.graph.custom("Quant", &inputs, &[("signed", Value::Int(1)), ("narrow", Value::Int(1))])
            }
            _ => {
                let scale = [0.25, 1.0, 2.0][self.rng.random_range(0..3)];
                self.borders = vec![0.0, -scale, scale];
                let scale = self.graph.scalar(scale);
                self.graph.custom("BipolarQuant", &[&input, &scale], &[])
            }
        };
    }

    /// Turns bits round, all or some channels, before whatever reads them.
    fn turn(&mut self) {
        let c = self.shape.0;
        let values = if self.chance(0.5) { vec![-1.0] } else { self.bits(c) };
        let dims = if values.len() == 1 { vec![] } else { vec![c, 1, 1] };
        let constant = self.graph.floats(&dims, &values);
        self.map = self.graph.node("Mul", &[&self.map.clone(), &constant], &[]);
    }

    fn dense(&mut self, outputs: usize) {
        let inputs = self.shape.0 * self.shape.1 * self.shape.2;
        let map = self.map.clone();
        self.map = match self.rng.random_range(0..3) {
            0 => {
                let weights = self.weights(&[outputs, inputs]);
                let turned = self.graph.node("Transpose", &[&weights], &[("perm", Value::Ints(vec![1, 0]))]);
                self.graph.node("MatMul", &[&map, &turned], &[])
            }
            1 => {
                let weights = self.weights(&[outputs, inputs]);
                let values = self.eighths(outputs, 16);
                let bias = self.graph.floats(&[outputs], &values);
                self.graph.node("Gemm", &[&map, &weights, &bias], &[("transB", Value::Int(1))])
            }
            _ => {
                let values = self.bits(inputs * outputs);
                let weights = self.graph.floats(&[inputs, outputs], &values);
                self.graph.node("MatMul", &[&map, &weights], &[])
            }
        };
        self.shape = (outputs, 1, 1);
    }

    fn build(seed: u64, levels: bool) -> Maker {
        let mut rng = StdRng::seed_from_u64(seed);
        let (c, h, w) = (rng.random_range(1..=3), rng.random_range(3..=8), rng.random_range(3..=8));
        let graph = Graph::of_pixels(&[1, c as i64, h as i64, w as i64]);
        let mut maker =
            Maker { rng, graph, map: String::new(), shape: (c, h, w), borders: vec![0.0], levels };
        maker.input();
        let layers = maker.rng.random_range(1..=3);
        for _ in 0..layers {
            maker.conv();
            let pool = maker.rng.random_range(0..4);
            if pool == 0 {
                maker.pool();
            }
            maker.chain(4);
            if pool == 1 {
                maker.pool();
            }
            maker.sign();
            if maker.chance(0.2) {
                maker.turn();
            }
            if pool == 2 {
                maker.pool();
            }
        }
        let pixels = maker.shape.1 * maker.shape.2;
        if pixels.is_power_of_two() && maker.chance(0.5) {
            maker.map = maker.graph.node("GlobalAveragePool", &[&maker.map.clone()], &[]);
            (maker.shape.1, maker.shape.2) = (1, 1);
        }
        maker.map = maker.graph.node("Flatten", &[&maker.map.clone()], &[]);
        if maker.chance(0.5) {
            maker.dense(6);
            maker.chain(2);
            maker.sign();
        }
        maker.dense(4);
        maker.chain(2);
        if !levels && maker.chance(0.2) {
            maker.sign();
        }
        maker
    }
}

/// The graph's output as the network has it.
fn outputs(network: &Network, pixels: &[u8]) -> Vec<f64> {
    let trace = evaluate(network, pixels);
    let scores = trace.last().unwrap();
    let out = &network.output;
    scores.iter().enumerate().map(|(c, &s)| out.scale[c] * f64::from(s) + out.bias[c]).collect()
}

#[test]
fn the_network_gives_the_graphs_scores() {
    let (mut read, mut flipped, mut pooled_before, mut summed, mut padded) = (0, 0, 0, 0, [0; 3]);
    for seed in 0..600 {
        let mut maker = Maker::build(seed, false);
        let bytes = maker.graph.bytes(&maker.map);
        let network = match read::network_from_bytes(&bytes, "random") {
            Ok(reading) => reading.network,
            // A border that is no level in some channel is refused; most graphs must be read (counted below).
            Err(errors) => {
                let border =
                    |e: &read::Error| e.code() == "read::structure" && e.to_string().contains("pads with");
                assert!(errors.iter().all(border), "seed {seed}: {errors:?}");
                continue;
            }
        };
        read += 1;
        for layer in &network.layers {
            if let Activation::Sign { flip, .. } = &layer.activation {
                flipped += usize::from(flip.contains(&true));
            }
            pooled_before += usize::from(layer.pool.is_some_and(|p| p.before_sign));
            summed += usize::from(layer.sum_pixels);
            if !layer.padding.is_none() {
                padded[layer.padding.value as usize] += 1;
            }
        }
        gives_the_graphs_scores(&mut maker, &network, 4, seed);
    }
    eprintln!(
        "{read} graphs read; layers flipped {flipped}, pooled before {pooled_before}, summed {summed}, padded {padded:?}"
    );
    let met = [flipped, pooled_before, summed, padded[0], padded[1], padded[2]];
    assert!(read > 400 && met.iter().all(|&n| n > 20), "{met:?}");
}

/// The network as read and lowered gives the graph's output for `images` random images.
fn gives_the_graphs_scores(maker: &mut Maker, network: &Network, images: usize, seed: u64) {
    let lowered = lower(network.clone());
    assert_eq!(validate(&lowered), [], "seed {seed}");
    for _ in 0..images {
        let size = network.input.shape.elements();
        let pixels: Vec<u8> = (0..size).map(|_| maker.rng.random()).collect();
        let x: Vec<f64> = pixels.iter().map(|&p| f64::from(p)).collect();
        let expected = maker.graph.run(&maker.map, &x).values;
        assert_eq!(outputs(network, &pixels), expected, "seed {seed}, as read");
        assert_eq!(outputs(&lowered, &pixels), expected, "seed {seed}, lowered");
    }
}

/// Weights of several bits and supports become planes, activations of several bits thresholds.
#[test]
fn levels_give_the_graphs_scores() {
    let (mut read, mut several, mut masked, mut padded) = (0, 0, 0, [0; 3]);
    // Layers of several thresholds: flipped, with maxima of sums, with maxima of levels, averaged, of 4 bits.
    let mut stepped = [0; 5];
    for seed in 3000..3500 {
        let mut maker = Maker::build(seed, true);
        let network = match read::network_from_bytes(&maker.graph.bytes(&maker.map), "random") {
            Ok(reading) => reading.network,
            Err(errors) => {
                let border =
                    |e: &read::Error| e.code() == "read::structure" && e.to_string().contains("pads with");
                assert!(errors.iter().all(border), "seed {seed}: {errors:?}");
                continue;
            }
        };
        read += 1;
        assert_eq!(validate(&network), [], "seed {seed}");
        for (layer, next) in network.layers.iter().zip(network.layers.iter().skip(1)) {
            let Activation::Sign { flip, .. } = &layer.activation else { continue };
            let of_levels = [
                flip.contains(&true),
                layer.pool.is_some_and(|pool| pool.before_sign),
                layer.pool.is_some_and(|pool| !pool.before_sign),
                next.sum_pixels,
                layer.steps() > 7,
            ];
            stepped
                .iter_mut()
                .zip(of_levels)
                .for_each(|(n, met)| *n += usize::from(met && layer.steps() > 1));
        }
        for layer in &network.layers {
            several += usize::from(layer.planes.len() > 1);
            masked += usize::from(layer.planes.iter().any(|plane| plane.mask.is_some()));
            if !layer.padding.is_none() {
                padded[layer.padding.value as usize] += 1;
            }
        }
        gives_the_graphs_scores(&mut maker, &network, 3, seed);
    }
    eprintln!(
        "{read} graphs read; layers of several planes {several}, with masks {masked}, padded {padded:?}, of levels {stepped:?}"
    );
    assert!(stepped.iter().all(|&n| n > 15), "{stepped:?}");
    assert!(read > 300 && several > 200 && masked > 20 && padded.iter().all(|&n| n > 10), "{padded:?}");
}

#[test]
fn each_pass_alone_keeps_the_scores() {
    for pass in &PASSES {
        for seed in 600..1200 {
            let mut maker = Maker::build(seed, seed >= 1000);
            let Ok(reading) = read::network_from_bytes(&maker.graph.bytes(&maker.map), "random") else {
                continue;
            };
            let mut network = reading.network.clone();
            (pass.run)(&mut network);
            assert_eq!(validate(&network), [], "{} seed {seed}", pass.name);
            for _ in 0..4 {
                let size = network.input.shape.elements();
                let pixels: Vec<u8> = (0..size).map(|_| maker.rng.random()).collect();
                let expected = outputs(&reading.network, &pixels);
                assert_eq!(outputs(&network, &pixels), expected, "{} seed {seed}", pass.name);
            }
        }
    }
}
