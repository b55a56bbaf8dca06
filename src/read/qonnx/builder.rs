//! The network under construction: input coding and layers so far, and the two acts that extend it:
//! adding a weighted layer and deciding its bits.

use super::codes::Rounded;
use super::ends;
use super::fold::{self, Reachable};
use super::graph::Node;
use super::planes::{Decomposition, Weights};
use super::residual::Sums;
use super::rule::Decision;
use super::steps::{self, Step};
use super::stream::{Meaning, Source, Stream};
use super::weighted::Values;
use crate::network::{
    Activation, Flips, InputCode, Layer, MapCode, Padding, Pool, Reads, Shape, Shortcut, accumulator_range,
    accumulator_step,
};
use crate::read::onnx::Tensor;
use crate::read::{Error, Fixed, Pixels};
use rayon::prelude::*;
use std::collections::HashSet;

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
    /// Codes that multipliers make of sums.
    pub rounded: Rounded,
}

/// How the graph's input is coded once a quantiser, or the first layer, has settled it.
#[derive(Debug, Clone)]
pub struct Coding {
    pub code: InputCode,
    /// Of all pixel values, for all channels alike or channel after channel.
    pub pixel_values: Vec<i16>,
    pub pixels: Pixels,
}

/// The network so far.
#[derive(Default)]
pub struct Builder {
    /// Element type of the graph's input is 8-bit unsigned.
    pub input_is_u8: bool,
    /// The rule for pixels that was asked for, or that the model's metadata has.
    pub wanted: Option<Pixels>,
    /// In what real numbers are held.
    pub fixed: Fixed,
    pub coding: Option<Coding>,
    /// Names of the maps that an Add of two maps takes.
    pub added: HashSet<String>,
    pub layers: Vec<Layer>,
    /// One entry a layer.
    pub sums: Vec<Sums>,
    pub proof: Proof,
    /// Accumulator values that the whole proof may go through.
    pub proof_room: u64,
    /// Bits of a draw of weights with flip codes.
    pub flip_bits: usize,
    /// Names of the weights whose flip codes a layer has.
    pub drawn: Vec<String>,
}

/// Geometry of a new layer.
pub struct Plan<'a> {
    pub op: &'static str,
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub padding: Padding,
    pub conv: Shape,
    pub outputs: usize,
    pub sum_pixels: bool,
    /// Of each weight index: column of the weight matrix and input channel.
    pub taps: &'a [(usize, usize)],
}

/// The elements of a stream as `scale * s[c] + bias[c]`, with `s` the layer's integer (from `-steps` to `steps`), negated
/// in the channels of `negate`.
pub struct Levels {
    pub steps: usize,
    pub scale: f64,
    pub bias: Vec<f64>,
    pub negate: Vec<bool>,
    pub divisor: f64,
}

impl Builder {
    /// Levels of `stream` as the input of a weighted layer.
    pub fn levels(&self, node: &Node, stream: &Stream) -> Result<Levels, Error> {
        let (low, high, steps, divisor) = match &stream.meaning {
            Meaning::Codes { scale, bias } => {
                let negate = vec![false; stream.map.c];
                let bias = vec![*bias; stream.map.c];
                return Ok(Levels { steps: 1, scale: *scale, bias, negate, divisor: 1.0 });
            }
            Meaning::Bits { low, high, steps } => (low, high, *steps, 1.0),
            Meaning::MeanBits { low, high, steps, divisor } => (low, high, *steps, *divisor),
            Meaning::Number { .. } => {
                return Err(node.binary_error(
                    "reads activations that are not quantised",
                    "put a BipolarQuant, or a Quant of 2 to 8 bits, between the layers",
                ));
            }
        };
        let half: Vec<f64> = low.iter().zip(high).map(|(l, h)| (h - l) / (2 * steps) as f64).collect();
        if half.iter().any(|h| *h == 0.0 || h.abs() != half[0].abs()) {
            return Err(node.binary_error(
                "reads bits whose two levels lie differently far apart in different channels",
                "give the activations one scale for all channels",
            ));
        }
        Ok(Levels {
            steps,
            scale: half[0],
            bias: low.iter().zip(high).map(|(l, h)| (h + l) / 2.0).collect(),
            negate: half.iter().map(|h| *h != half[0]).collect(),
            divisor,
        })
    }

    /// Adds a layer; returns its accumulators as they enter the operations behind it.
    ///
    /// `place(o, k)` is the place of the weight of index `k` among the values.
    pub fn add_layer(
        &mut self,
        node: &Node,
        stream: &Stream,
        levels: &Levels,
        plan: Plan,
        values: Values,
        place: &dyn Fn(usize, usize) -> usize,
    ) -> Result<Meaning, Error> {
        let taps = plan.taps;
        let (input, fan_in) = (stream.map, taps.len());
        let reads = match stream.source {
            Source::Input if self.layers.is_empty() => Some(Reads::Input),
            Source::Layer(from) if self.layers[from].output == input => match stream.upper {
                true => Some(Reads::Upper(from)),
                false => Some(Reads::Map(from)),
            },
            Source::Input | Source::Layer(_) | Source::Sum(_) => None,
        };
        let Some(reads) = reads else {
            return Err(node.structure_error(
                "reads the input, which another layer reads, or sums that a shortcut was added to",
                "let one layer read the input, and quantise sums before a layer reads them",
            ));
        };
        let sum_of = if plan.sum_pixels { plan.conv.pixels() } else { 1 };
        if plan.conv.elements() > MAX_MAP || fan_in.saturating_mul(levels.steps * sum_of) > MAX_FAN_IN {
            return Err(Error::TooLarge {
                what: format!("the map or fan-in of node '{}'", node.name()),
                limit: format!("{MAX_MAP} elements or {MAX_FAN_IN} inputs"),
            });
        }
        if taps.is_empty() || plan.outputs == 0 || plan.conv.elements() == 0 {
            return Err(node.shape_error("its weights or its output are empty"));
        }
        let end = self.is_end(reads);
        let unquantised = |o: usize| {
            node.binary_error(
                format!("the weights of output channel {o} are neither plus or minus one value nor multiples of one"),
                match end {
                    true => "quantise the weights: BipolarQuant, a sum of several, or Quant of at most 8 bits; or `--quantise ends=8` \
                             rounds them",
                    false => "quantise the weights: BipolarQuant, a sum of several, or Quant of at most 8 bits",
                },
            )
        };
        let column = |k: usize| taps[k].0;
        let decompose = |whole, addends| decompose(&plan, levels, whole, addends, place);
        let rounded;
        let (whole, decomposition) = match (decompose(values.whole, values.addends), self.fixed.ends) {
            (Err(_), Some(ends)) if end => {
                rounded = ends::weights(values.whole, (plan.outputs, fan_in), place, ends.bits);
                (&rounded, decompose(&rounded, &[]).map_err(unquantised)?)
            }
            (decomposition, _) => (values.whole, decomposition.map_err(unquantised)?),
        };
        let unbiased = levels.bias.iter().all(|&b| b == 0.0);
        let mut offset = Vec::with_capacity(plan.outputs);
        if !unbiased {
            let bias = |o: usize, (k, &(_, channel)): (usize, &(usize, usize))| {
                whole.values[place(o, k)] * levels.bias[channel]
            };
            offset.extend(
                (0..plan.outputs).map(|o| taps.iter().enumerate().map(|tap| bias(o, tap)).sum::<f64>()),
            );
        }
        let flips = match values.flips {
            Some(codes) => {
                let single = decomposition.planes.len() == 1;
                drawable(node, levels, unbiased, single)?;
                let mut of_columns = vec![0; plan.outputs * fan_in];
                for o in 0..plan.outputs {
                    for k in 0..fan_in {
                        of_columns[o * fan_in + column(k)] = codes.tensor.values[place(o, k)] as u8;
                    }
                }
                self.drawn.push(codes.weight.clone());
                Some(Flips { bits: self.flip_bits, codes: of_columns })
            }
            None => None,
        };
        let scale: Vec<f64> = decomposition.unit.iter().map(|unit| levels.scale * unit).collect();
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
        self.sums.push(Sums::NEW);
        self.layers.push(Layer {
            name: node.untrusted_name(),
            op: plan.op,
            reads,
            input,
            kernel: plan.kernel,
            stride: plan.stride,
            padding: plan.padding,
            planes: decomposition.planes,
            conv: plan.conv,
            sum_pixels: plan.sum_pixels,
            pool: None,
            requant: None,
            shortcut: Shortcut::NONE,
            flips,
            fewer: Vec::new(),
            activation: Activation::Scores,
            output: if plan.sum_pixels { Shape::vector(plan.conv.c) } else { plan.conv },
        });
        Ok(Meaning::Number { steps, pool: None })
    }

    /// Whether a layer that reads `map` is at an end of the network, or in a branch: the first, or one that reads a state.
    fn is_end(&self, map: Reads) -> bool {
        match map {
            Reads::Input => true,
            Reads::Map(from) => self.layers[from].requant.is_some() && self.layers[from].steps() > 1,
            Reads::Upper(_) => false,
        }
    }

    /// Coding of the map that the first layer reads.
    pub fn input_code(&self) -> InputCode {
        self.coding.as_ref().map_or(InputCode::Bipolar, |coding| coding.code)
    }

    /// Coding of the map that layer `index` reads.
    pub fn code_of(&self, index: usize) -> MapCode {
        match self.layers[index].reads.layer() {
            None => MapCode::Input(self.input_code()),
            Some(_) if matches!(self.layers[index].reads, Reads::Upper(_)) => {
                MapCode::Activation { steps: 1 }
            }
            Some(from) => MapCode::Activation { steps: self.layers[from].steps() },
        }
    }

    /// Accumulators of channel `c` of layer `index` that can occur.
    fn reachable(&self, index: usize, c: usize) -> Reachable {
        let code = self.input_code();
        let (low, high) = accumulator_range(&self.layers, index, c, code);
        Reachable { low, high, step: accumulator_step(&self.layers, index, code) as i64 }
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
        if let Some(Step::Kept(_)) = steps.iter().find(|step| matches!(step, Step::Kept(_))) {
            return Err(node.structure_error(
                "takes the sign, or thresholds, of a sum of two maps",
                "`--state W,F` holds both in fixed point (16,8 say); or put a Quant of 2 to 8 bits behind the Add",
            ));
        }
        let layer = &self.layers[index];
        let expected = pool.map_or(layer.output, |(_, pool)| pooled(layer.conv, &pool));
        let decided = layer.activation != Activation::Scores || stream.map != expected;
        let adds = stream.source == Source::Sum(index);
        let total = layer.shortcut.adds || layer.requant.is_some();
        if index + 1 != self.layers.len() || decided || total != adds {
            return Err(Error::Residual { node: node.name(), op: node.op().into() });
        }
        let (channels, count) = (layer.conv.c, decision.rule.steps());
        if adds && count > 1 {
            return Err(node.structure_error(
                "quantises sums that a shortcut was added to, to several levels",
                "put a BipolarQuant behind the Add",
            ));
        }
        if count > 1 && layer.flips.is_some() {
            return Err(node.structure_error(
                "quantises sums of weights that are drawn (they have flip codes) to several levels",
                "put a BipolarQuant there: layers whose weights are drawn give bits",
            ));
        }
        let reachable: Vec<Reachable> = (0..channels).map(|c| self.reachable(index, c)).collect();
        let values = reachable.iter().map(Reachable::count).sum::<i64>() as u64;
        if values > self.proof_room.saturating_sub(self.proof.values) {
            return Err(Error::TooLarge {
                what: format!("the number of accumulator values to prove up to node '{}'", node.name()),
                limit: self.proof_room.to_string(),
            });
        }
        if layer.conv.elements().saturating_mul(count) > MAX_MAP {
            return Err(Error::TooLarge {
                what: format!("the map of node '{}' with {count} thresholds a channel", node.name()),
                limit: format!("{MAX_MAP} elements"),
            });
        }
        let chain = Chain { node, steps, pooled_after: pool.map(|(before, _)| before), decision };
        let folded: Vec<Result<Folded, Error>> =
            (0..channels).into_par_iter().map(|c| fold_channel(&chain, c, reachable[c])).collect();
        let layer = &mut self.layers[index];
        let (mut threshold, mut flip) = (vec![0; count * channels], Vec::with_capacity(channels));
        for (c, folded) in folded.into_iter().enumerate() {
            let folded = folded?;
            if folded.negated && layer.requant.is_some() {
                return Err(node.structure_error(
                    "pools a state behind a negative scale",
                    "pool the state itself, or its bits",
                ));
            }
            if folded.negated {
                layer.planes.iter_mut().for_each(|plane| plane.negate_row(c));
                self.sums[index].turned = true;
            }
            for (step, own) in folded.thresholds.into_iter().enumerate() {
                threshold[step * channels + c] = own as i32;
            }
            flip.push(folded.flip);
            self.proof.f32_differences += folded.f32_differences;
        }
        self.proof.channels += threshold.len() as u64;
        self.proof.values += values;
        if let Some((_, pool)) = pool {
            // A maximum commutes with a rising threshold, and on bits it is a mere OR.
            layer.output = pooled(layer.conv, &pool);
            layer.pool = Some(Pool { before_sign: flip.contains(&true), ..pool });
        }
        layer.activation = Activation::Sign { threshold, flip };
        Ok(())
    }
}

/// The planes of weights of which `place(o, k)` is the place, or the first output channel that has none.
fn decompose(
    plan: &Plan,
    levels: &Levels,
    whole: &Tensor,
    addends: &[Tensor],
    place: &dyn Fn(usize, usize) -> usize,
) -> Result<Decomposition, usize> {
    let taps = plan.taps;
    let sign = |k: usize| if levels.negate[taps[k].1] { -1.0 } else { 1.0 };
    let value = |tensor: &Tensor, o: usize, k: usize| sign(k) * tensor.values[place(o, k)];
    let addend = |tensor| Box::new(move |o: usize, k: usize| value(tensor, o, k)) as Box<dyn Fn(_, _) -> _>;
    let weights = Weights {
        outputs: plan.outputs,
        inputs: taps.len(),
        column: &|k: usize| taps[k].0,
        value: &|o, k| value(whole, o, k),
        addends: addends.iter().map(addend).collect(),
    };
    weights.decompose()
}

/// Refuses flip codes where a weight is not one bit that meets bits, or a turned weight changes more than the sum.
fn drawable(node: &Node, levels: &Levels, unbiased: bool, single: bool) -> Result<(), Error> {
    let (what, help) = match (single, levels.steps, unbiased) {
        (false, ..) => (
            "has flip codes, and weights of more than one size",
            "give weights with flip codes two values, w and -w",
        ),
        (_, 2.., _) => {
            ("has flip codes, and reads activations of several levels", "put a BipolarQuant before it")
        }
        (.., false) => (
            "has flip codes, and reads levels that are not the same to both sides of 0",
            "give what it reads the levels -1 and +1, so that a weight's sign changes nothing else",
        ),
        _ => return Ok(()),
    };
    Err(node.structure_error(what, help))
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
    /// In the order of the steps.
    thresholds: Vec<i64>,
    flip: bool,
    /// The channel's weights are to be turned round.
    negated: bool,
    f32_differences: u64,
}

/// Folds and proves the thresholds of channel `c` over all of `reachable`.
fn fold_channel(chain: &Chain, c: usize, reachable: Reachable) -> Result<Folded, Error> {
    let Chain { node, steps, decision, .. } = chain;
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
    let decide = |acc: i64| decision.rule.met(c, number(acc));
    let (thresholds, flip) = fold::find(reachable, decision.rule.steps(), decide);
    fold::prove(reachable, &thresholds, flip, decide).map_err(not_monotone)?;
    let mut f32_differences = 0;
    for acc in reachable.values() {
        let single = steps::eval_f32(steps, c, (sign * acc) as f32);
        if decision.rule.met_f32(c, single) != fold::met(&thresholds, flip, acc) {
            f32_differences += 1;
        }
        if decision.zero_is_zero && number(acc) == 0.0 {
            return Err(Error::SignOfZero { node: node.name(), channel: c, value: acc });
        }
    }
    Ok(Folded { thresholds, flip, negated, f32_differences })
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
