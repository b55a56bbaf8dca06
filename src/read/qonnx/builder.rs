//! The network under construction: input coding and layers so far, and the two acts that extend it:
//! adding a weighted layer and deciding its bits.

use super::fold::{self, Reachable};
use super::graph::Node;
use super::steps::{self, Step};
use super::stream::{Meaning, Source, Stream};
use crate::bits::BitMatrix;
use crate::network::{Activation, InputCode, Layer, Padding, Plane, Pool, Shape};
use crate::read::Error;
use rayon::prelude::*;

/// Largest map, elements.
pub const MAX_MAP: usize = 1 << 24;
/// Most inputs of one accumulator, and most channels of a map.
pub const MAX_FAN_IN: usize = 1 << 22;

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
    /// Accumulator values that the whole proof may go through.
    pub proof_room: u64,
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
#[derive(Debug, Clone)]
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
        if plan.conv.elements() > MAX_MAP || taps.len().saturating_mul(sum_of) > MAX_FAN_IN {
            return Err(Error::TooLarge {
                what: format!("the map or fan-in of node '{}'", node.name()),
                limit: format!("{MAX_MAP} elements or {MAX_FAN_IN} inputs"),
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
            planes: vec![Plane::binary(weights)],
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

    /// Folds `steps` and `decision` into thresholds of layer `index` and proves them.
    pub fn decide_layer(
        &mut self,
        node: &Node,
        stream: &Stream,
        index: usize,
        steps: &[Step],
        pool: Option<(usize, Pool)>,
        decision: &Decision,
    ) -> Result<(), Error> {
        let layer = &self.layers[index];
        let expected = pool.map_or(layer.output, |(_, pool)| pooled(layer.conv, &pool));
        let decided = layer.activation != Activation::Scores || stream.map != expected;
        if index + 1 != self.layers.len() || decided {
            return Err(Error::Residual { node: node.name(), op: node.op().into() });
        }
        let reachable: Vec<Reachable> = (0..layer.conv.c).map(|c| self.reachable(index, c)).collect();
        let values: i64 = reachable.iter().map(Reachable::count).sum();
        if values as u64 > self.proof_room.saturating_sub(self.proof.values) {
            return Err(Error::TooLarge {
                what: format!("the number of accumulator values to prove up to node '{}'", node.name()),
                limit: self.proof_room.to_string(),
            });
        }
        let chain = Chain { node, steps, pooled_after: pool.map(|(before, _)| before), decision };
        let folded: Vec<Result<Folded, Error>> =
            reachable.par_iter().enumerate().map(|(c, &r)| fold_channel(&chain, c, r)).collect();
        let layer = &mut self.layers[index];
        let (mut threshold, mut flip) = (Vec::new(), Vec::new());
        for (c, folded) in folded.into_iter().enumerate() {
            let folded = folded?;
            if folded.negated {
                layer.planes.iter_mut().for_each(|plane| plane.negate_row(c));
            }
            threshold.push(folded.threshold as i32);
            flip.push(folded.flip);
            self.proof.f32_differences += folded.f32_differences;
        }
        self.proof.channels += threshold.len() as u64;
        self.proof.values += values as u64;
        if let Some((_, pool)) = pool {
            // A maximum commutes with a rising threshold, and on bits it is a mere OR.
            layer.output = pooled(layer.conv, &pool);
            layer.pool = Some(Pool { before_sign: flip.contains(&true), ..pool });
        }
        layer.activation = Activation::Sign { threshold, flip };
        Ok(())
    }
}

/// What lies between a layer's accumulators and its bits.
struct Chain<'a> {
    node: &'a Node<'a>,
    steps: &'a [Step],
    /// A maximum is taken after so many steps.
    pooled_after: Option<usize>,
    decision: &'a Decision,
}

/// One channel's integers.
struct Folded {
    threshold: i64,
    flip: bool,
    /// The channel's weights are to be turned round.
    negated: bool,
    f32_differences: u64,
}

/// Folds and proves channel `c` over all of `reachable`.
fn fold_channel(chain: &Chain, c: usize, reachable: Reachable) -> Result<Folded, Error> {
    let Chain { node, steps, decision, .. } = chain;
    let t = decision.threshold[if decision.threshold.len() == 1 { 0 } else { c }];
    let not_monotone =
        |value: i64| Error::NotMonotone { node: node.name(), op: node.op().into(), channel: c, value };
    // The maximum of a falling function is that of the negated accumulator.
    let negated = match chain.pooled_after {
        Some(before) => falls(&steps[..before], c, reachable).map_err(not_monotone)?,
        None => false,
    };
    let (sign, reachable) = if negated {
        (-1, Reachable { low: -reachable.high, high: -reachable.low, ..reachable })
    } else {
        (1, reachable)
    };
    let number = |acc: i64| steps::eval(steps, c, (sign * acc) as f64);
    let decide = |acc: i64| number(acc) >= t;
    let (threshold, flip) = fold::find(reachable, decide);
    fold::prove(reachable, threshold, flip, decide).map_err(not_monotone)?;
    let mut f32_differences = 0;
    for acc in reachable.values() {
        let single = steps::eval_f32(steps, c, (sign * acc) as f32);
        if (single >= t as f32) != ((acc >= threshold) ^ flip) {
            f32_differences += 1;
        }
        if decision.zero_is_zero && number(acc) == 0.0 {
            return Err(Error::SignOfZero { node: node.name(), channel: c, value: acc });
        }
    }
    Ok(Folded { threshold, flip, negated, f32_differences })
}

/// Whether `steps` fall over `reachable` (else they rise or stay); the accumulator where they turn.
fn falls(steps: &[Step], c: usize, reachable: Reachable) -> Result<bool, i64> {
    let at = |acc: i64| steps::eval(steps, c, acc as f64);
    let falls = at(reachable.high) < at(reachable.low);
    let mut before = at(reachable.low);
    for acc in reachable.values() {
        let now = at(acc);
        let steady = if falls { now <= before } else { now >= before };
        if !steady {
            return Err(acc);
        }
        before = now;
    }
    Ok(falls)
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
