//! The network under construction: input coding and layers so far, and the two acts that extend it:
//! adding a weighted layer and deciding its bits.

use super::fold::{self, Reachable};
use super::graph::Node;
use super::steps::{self, Step};
use super::stream::{Meaning, Source, Stream};
use crate::bits::BitMatrix;
use crate::network::{Activation, InputCode, Layer, Padding, Pool, Shape};
use crate::read::Error;

/// Largest number of accumulator values that one network's proof may go through.
const MAX_VALUES: i64 = 1 << 31;
/// Largest map, elements.
pub const MAX_MAP: usize = 1 << 26;

/// Figures of the proof that integer thresholds equal the floating-point graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Proof {
    /// Thresholds proved.
    pub channels: u64,
    /// Accumulator values compared with the graph in `f64`; all were equal, or the read had failed.
    pub values: u64,
    /// Of these, values for which the same chain in `f32` decides otherwise (rounding at a near tie).
    pub f32_differences: u64,
}

/// How the graph's input is coded once a quantiser, or the first layer, has settled it.
#[derive(Debug, Clone)]
pub struct Coding {
    pub code: InputCode,
    pub pixel_values: Vec<i16>,
    pub pixel_rule: String,
}

/// The network so far.
#[derive(Default)]
pub struct Builder {
    /// Element type of the graph's input is 8-bit unsigned.
    pub input_is_u8: bool,
    pub coding: Option<Coding>,
    pub layers: Vec<Layer>,
    pub proof: Proof,
}

/// Geometry of a new layer.
pub struct Plan {
    pub op: &'static str,
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub padding: Padding,
    pub conv: Shape,
    pub outputs: usize,
    pub sum_pixels: bool,
}

/// What a decision gives: bit = (x >= threshold[c]); the tensor then holds `low[c]` or `high[c]`.
pub struct Decision {
    pub threshold: Vec<f64>,
    pub low: Vec<f64>,
    pub high: Vec<f64>,
    /// The operation gives 0 for exactly 0 (ONNX Sign), which must then not be reachable.
    pub zero_is_zero: bool,
}

/// The elements of a stream as `scale * s[c] + bias[c]`, with `s` the layer's integer, negated in the
/// channels of `negate`.
pub struct Levels {
    pub scale: f64,
    pub bias: Vec<f64>,
    pub negate: Vec<bool>,
    pub divisor: f64,
}

impl Builder {
    /// Levels of `stream` as the input of a weighted layer.
    pub fn levels(&self, node: &Node, stream: &Stream) -> Result<Levels, Error> {
        let (low, high, divisor) = match &stream.meaning {
            Meaning::Codes { scale, bias } => {
                let negate = vec![false; stream.map.c];
                return Ok(Levels { scale: *scale, bias: vec![*bias; stream.map.c], negate, divisor: 1.0 });
            }
            Meaning::Bits { low, high } => (low, high, 1.0),
            Meaning::MeanBits { low, high, divisor } => (low, high, *divisor),
            Meaning::Number { .. } => {
                return Err(node.binary_error(
                    "reads activations of more than one bit",
                    "put a BipolarQuant between the layers",
                ));
            }
        };
        let half: Vec<f64> = low.iter().zip(high).map(|(l, h)| (h - l) / 2.0).collect();
        if half.iter().any(|h| *h == 0.0 || h.abs() != half[0].abs()) {
            return Err(node.binary_error(
                "reads bits whose two levels lie differently far apart in different channels",
                "give the activations one scale for all channels",
            ));
        }
        Ok(Levels {
            scale: half[0],
            bias: low.iter().zip(high).map(|(l, h)| (h + l) / 2.0).collect(),
            negate: half.iter().map(|h| *h != half[0]).collect(),
            divisor,
        })
    }

    /// Adds a layer; returns its accumulators as they enter the operations behind it.
    ///
    /// `taps[k]` is (column of the weight matrix, input channel) of weight index `k`.
    pub fn add_layer(
        &mut self,
        node: &Node,
        stream: &Stream,
        levels: &Levels,
        plan: Plan,
        taps: &[(usize, usize)],
        weight: impl Fn(usize, usize) -> f64,
    ) -> Result<Meaning, Error> {
        let expected = match self.layers.last() {
            None => Source::Input,
            Some(_) => Source::Layer(self.layers.len() - 1),
        };
        if stream.source != expected || self.layers.last().is_some_and(|l| l.output != stream.map) {
            return Err(Error::Residual { node: node.name(), op: node.op().into() });
        }
        let sum_of = if plan.sum_pixels { plan.conv.pixels() } else { 1 };
        if plan.conv.elements() > MAX_MAP || taps.len().saturating_mul(sum_of) > (1 << 22) {
            return Err(Error::TooLarge {
                what: format!("the map or fan-in of node '{}'", node.name()),
                limit: format!("{MAX_MAP} elements or {} inputs", 1 << 22),
            });
        }
        if taps.is_empty() || plan.outputs == 0 || plan.conv.elements() == 0 {
            return Err(node.shape_error("its weights or its output are empty"));
        }
        let mut scale = Vec::with_capacity(plan.outputs);
        let mut offset = Vec::with_capacity(plan.outputs);
        let mut weights = BitMatrix::zeros(plan.outputs, taps.len());
        let unbiased = levels.bias.iter().all(|&b| b == 0.0);
        for o in 0..plan.outputs {
            let alpha = weight(o, 0).abs();
            let mut sum = 0.0;
            for (k, &(column, channel)) in taps.iter().enumerate() {
                let w = weight(o, k);
                if w.abs() != alpha || alpha == 0.0 || !alpha.is_finite() {
                    return Err(node.binary_error(
                        format!("the weights of output channel {o} are not all plus or minus one value"),
                        "quantise the weights with BipolarQuant, or use weights of -1 and +1",
                    ));
                }
                if (w > 0.0) != levels.negate[channel] {
                    weights.set(o, column, true);
                }
                if !unbiased {
                    sum += w * levels.bias[channel];
                }
            }
            scale.push(levels.scale * alpha);
            offset.push(sum);
        }
        let mut steps = Vec::new();
        if levels.divisor != 1.0 {
            steps.push(Step::Div(vec![levels.divisor]));
        }
        if scale.iter().any(|&s| s != 1.0) {
            steps.push(Step::Mul(scale));
        }
        if !unbiased {
            steps.push(Step::Add(offset));
        }
        self.layers.push(Layer {
            name: node.name(),
            op: plan.op,
            input: stream.map,
            kernel: plan.kernel,
            stride: plan.stride,
            padding: plan.padding,
            weights,
            conv: plan.conv,
            sum_pixels: plan.sum_pixels,
            pool: None,
            activation: Activation::Scores,
            output: if plan.sum_pixels { Shape::vector(plan.conv.c) } else { plan.conv },
        });
        Ok(Meaning::Number { steps, pool: None })
    }

    /// Coding of the map that layer `index` reads.
    fn code_of(&self, index: usize) -> InputCode {
        match &self.coding {
            Some(coding) if index == 0 => coding.code,
            _ => InputCode::Bipolar,
        }
    }

    /// Accumulators of channel `c` of layer `index` that can occur.
    fn reachable(&self, index: usize, c: usize) -> Reachable {
        let (layer, code) = (&self.layers[index], self.code_of(index));
        let (low, high) = layer.accumulator_range(c, code);
        Reachable { low, high, step: layer.accumulator_step(code) as i64 }
    }

    /// Whether `steps` fall over the reachable accumulators of channel `c` (else they rise or stay).
    fn falls(&self, node: &Node, index: usize, c: usize, steps: &[Step]) -> Result<bool, Error> {
        let reachable = self.reachable(index, c);
        let at = |k: i64| steps::eval(steps, c, (reachable.low + k * reachable.step) as f64);
        let falls = at(reachable.count() - 1) < at(0);
        for k in 1..reachable.count() {
            let (before, after) = (at(k - 1), at(k));
            let steady = if falls { after <= before } else { after >= before };
            if !steady {
                let value = reachable.low + k * reachable.step;
                return Err(Error::NotMonotone {
                    node: node.name(),
                    op: node.op().into(),
                    channel: c,
                    value,
                });
            }
        }
        Ok(falls)
    }

    /// Folds `steps` and `decision` into thresholds of layer `index` and proves them.
    pub fn decide_layer(
        &mut self,
        node: &Node,
        index: usize,
        steps: &[Step],
        pool: Option<(usize, Pool)>,
        decision: &Decision,
    ) -> Result<(), Error> {
        if index + 1 != self.layers.len() || self.layers[index].activation != Activation::Scores {
            return Err(Error::Residual { node: node.name(), op: node.op().into() });
        }
        let channels = self.layers[index].conv.c;
        let values: i64 = (0..channels).map(|c| self.reachable(index, c).count()).sum();
        if values > MAX_VALUES - self.proof.values as i64 {
            return Err(Error::TooLarge {
                what: format!("the number of accumulator values to prove up to node '{}'", node.name()),
                limit: MAX_VALUES.to_string(),
            });
        }
        let (mut threshold, mut flip) = (Vec::with_capacity(channels), Vec::with_capacity(channels));
        for c in 0..channels {
            let t = if decision.threshold.len() == 1 { decision.threshold[0] } else { decision.threshold[c] };
            let mut sign = 1.0;
            if let Some((before, _)) = pool
                && self.falls(node, index, c, &steps[..before])?
            {
                // The maximum of a falling function is that of the negated accumulator.
                negate_row(&mut self.layers[index], c);
                sign = -1.0;
            }
            let reachable = self.reachable(index, c);
            let number = |acc: i64| steps::eval(steps, c, sign * acc as f64);
            let decide = |acc: i64| number(acc) >= t;
            let (at, inverted) = fold::find(reachable, decide);
            fold::prove(reachable, at, inverted, decide).map_err(|value| Error::NotMonotone {
                node: node.name(),
                op: node.op().into(),
                channel: c,
                value,
            })?;
            for step in 0..reachable.count() {
                let acc = reachable.low + step * reachable.step;
                let single = steps::eval_f32(steps, c, (sign * acc as f64) as f32);
                if (single >= t as f32) != ((acc >= at) ^ inverted) {
                    self.proof.f32_differences += 1;
                }
                if decision.zero_is_zero && number(acc) == 0.0 {
                    return Err(Error::SignOfZero { node: node.name(), channel: c, value: acc });
                }
            }
            self.proof.channels += 1;
            self.proof.values += reachable.count() as u64;
            threshold.push(at as i32);
            flip.push(inverted);
        }
        let layer = &mut self.layers[index];
        if let Some((_, pool)) = pool {
            // A maximum commutes with a rising threshold, and on bits it is a mere OR.
            let before_sign = flip.contains(&true);
            layer.output = pooled(layer.conv, &pool);
            layer.pool = Some(Pool { before_sign, ..pool });
        }
        layer.activation = Activation::Sign { threshold, flip };
        Ok(())
    }
}

/// Turns the weights of output channel `c` round, and with them its accumulator.
fn negate_row(layer: &mut Layer, c: usize) {
    for column in 0..layer.weights.columns() {
        let bit = layer.weights.get(c, column);
        layer.weights.set(c, column, !bit);
    }
}

/// The map after `pool`.
pub fn pooled(map: Shape, pool: &Pool) -> Shape {
    let size = |n: usize, k: usize, s: usize| if n < k { 0 } else { (n - k) / s + 1 };
    Shape {
        c: map.c,
        h: size(map.h, pool.kernel.0, pool.stride.0),
        w: size(map.w, pool.kernel.1, pool.stride.1),
    }
}
