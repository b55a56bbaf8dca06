//! States of a real-valued graph: the sums that a shortcut takes past layers, held in numbers of fixed point.
//!
//! Where scales, biases or normalisations stand before an Add, its two maps have no unit in common. With
//! [`State`](crate::read::State) both become integers in units of `2^-fraction`, rounded to the nearest and held to so
//! many bits: the network is then that of the graph with such a rounding before each Add, and everything behind reads the
//! rounded map. The thresholds are proved against the graph from there on.

use super::builder::{Builder, pooled};
use super::graph::Node;
use super::narrow;
use super::residual;
use super::steps::{self, Step};
use super::stream::{Meaning, Narrow, Source, Stream};
use crate::network::{Activation, Pool, Reads, Requant, accumulator_range};
use crate::read::{Ends, Error, State};

/// Largest share of a unit that the rounding of a multiplier may add to a sum: the half of it is that of the result.
const LOSS: f64 = 0.25;
/// Most bits of an activation.
const MOST_LEVEL_BITS: u32 = 8;

/// Makes the map that a shortcut begins at a state, where it is one of a layer's sums; others stay as they are, and are
/// refused where they are added.
pub fn begin(builder: &mut Builder, state: State, node: &Node, stream: &mut Stream) -> Result<(), Error> {
    let Source::Layer(index) = stream.source else { return Ok(()) };
    let Meaning::Number { steps, pool } = &stream.meaning else { return Ok(()) };
    let layer = &builder.layers[index];
    let undecided = layer.activation == Activation::Scores && layer.requant.is_none() && !layer.sum_pixels;
    if index + 1 != builder.layers.len() || !undecided || stream.border.is_some() || stream.tail.is_some() {
        return Ok(());
    }
    if let Some((before, _)) = pool
        && (0..layer.conv.c).any(|c| affine(&steps[*before..], c).0 < 0.0)
    {
        return Err(node.structure_error(
            "begins a shortcut at sums that are pooled before a negative scale",
            "pool behind the scale, or give it the same sign for all channels",
        ));
    }
    let requant = requant(builder, state, node, index, steps)?;
    let pool = *pool;
    let layer = &mut builder.layers[index];
    if let Some((_, pool)) = pool {
        layer.output = pooled(layer.conv, &pool);
        layer.pool = Some(Pool { before_sign: true, ..pool });
    }
    layer.requant = Some(requant);
    *stream = behind(stream, index, state);
    Ok(())
}

/// The sum of a state and the sums of the last layer.
pub fn add(
    builder: &mut Builder,
    state: State,
    node: &Node,
    first: &Stream,
    second: &Stream,
) -> Result<Stream, Error> {
    let residual = || Error::Residual { node: node.name(), op: node.op().into() };
    let last = builder.layers.len().checked_sub(1).ok_or_else(residual)?;
    let (own, kept) = if second.source == Source::Layer(last) { (second, first) } else { (first, second) };
    let (Source::Layer(index), Source::Sum(from)) = (own.source, kept.source) else {
        return Err(residual());
    };
    if index != last || from >= last || node.proto.input.len() != 2 {
        return Err(residual());
    }
    let (Meaning::Number { steps, pool: None }, Meaning::Number { .. }) = (&own.meaning, &kept.meaning)
    else {
        return Err(node.structure_error(
            "adds activations, or sums that are pooled",
            "add the sums of a layer before its sign, and pool where a shortcut begins, not where it ends",
        ));
    };
    if kept.narrow.is_some_and(|narrow| narrow.window != (1, 1)) {
        return Err(node.structure_error(
            format!("adds averages of windows of the state of '{}'", builder.layers[from].name.terminal()),
            "let a 1x1 Conv read the averages, and add what it gives",
        ));
    }
    if kept.meaning != behind(kept, from, state).meaning {
        return Err(node.structure_error(
            format!("adds the state of '{}' behind another operation", builder.layers[from].name.terminal()),
            "let a shortcut take the map as the Add before it leaves it",
        ));
    }
    residual::form(builder, node, own, kept)?;
    residual::order(builder, node, from, last)?;
    let requant = requant(builder, state, node, last, steps)?;
    let Narrow { stride, first, .. } = kept.narrow.unwrap_or(Narrow::ALL);
    let keeper = &mut builder.layers[from].shortcut;
    if keeper.keeps && keeper.stride != stride {
        return Err(node.structure_error(
            "adds other pixels of a state than another Add does",
            "let one shortcut take the whole map or a part of it, and the next one begin behind it",
        ));
    }
    (keeper.keeps, keeper.stride) = (true, stride);
    let layer = &mut builder.layers[last];
    layer.requant = Some(requant);
    (layer.shortcut.adds, layer.shortcut.first) = (true, first);
    Ok(behind(own, last, state))
}

/// Lets layer `index`, whose state `stream` is, give the state itself as an activation of several levels: its smallest and
/// largest, one entry a channel, and the number of steps between them. Layers that read its sign read the upper half of them.
pub fn levels(
    builder: &mut Builder,
    node: &Node,
    stream: &Stream,
    index: usize,
) -> Result<(Vec<f64>, Vec<f64>, usize), Error> {
    let layer = &builder.layers[index];
    let state = builder.fixed.state.filter(|_| layer.requant.is_some() && layer.pool.is_none());
    let (Some(state), false, true) = (state, layer.shortcut.keeps, narrow::is_state(stream)) else {
        return Err(node.structure_error(
            "reads sums that a shortcut was added to, and that are no state, are pooled, or go past other layers, too",
            "`--state W,F` makes them states; or take their sign first",
        ));
    };
    if stream.meaning != behind(stream, index, state).meaning {
        return Err(node.structure_error(
            "reads a state behind another operation",
            "read the map as the Add before it leaves it",
        ));
    }
    let ends = builder.fixed.ends;
    let most = ends.map_or(MOST_LEVEL_BITS, |ends| ends.bits);
    let (bits, shift) = match ends {
        _ if state.bits <= most => (state.bits, 0),
        Some(Ends { fraction, .. }) => {
            let fraction = fraction.unwrap_or(most / 2).min(state.fraction);
            (most, (state.fraction - fraction).min(state.bits - most))
        }
        None => {
            return Err(node.structure_error(
                format!("reads a state of {} bits, and a layer reads activations of {MOST_LEVEL_BITS} bits at most", state.bits),
                format!("`--quantise ends={MOST_LEVEL_BITS}` reads it in so many; or `--state {MOST_LEVEL_BITS},4`"),
            ));
        }
    };
    let channels = layer.conv.c;
    let form = Activation::of_state(channels, (bits, shift), false);
    if layer.activation != form {
        if layer.activation != Activation::Scores {
            signs_are_upper(builder, node, index)?;
        }
        let layer = &mut builder.layers[index];
        // What no level stands for is beyond the bits of this state.
        layer.requant.iter_mut().for_each(|requant| requant.bits = bits + shift);
        layer.activation = form;
    }
    // Of the states that have one level, the middle.
    let (half, apart) = (f64::from(1 << (bits - 1)), f64::from(1 << shift));
    let value = |level: f64| (level * apart + (apart - 1.0) / 2.0) * (-f64::from(state.fraction)).exp2();
    let all = |level| vec![value(level); channels];
    Ok((all(-half), all(half - 1.0), (1 << bits) - 1))
}

/// Whether the sign of the state that `stream` is can be read off its levels.
pub fn upper(
    builder: &Builder,
    node: &Node,
    stream: &Stream,
    index: usize,
    zero_is_zero: bool,
) -> Result<(), Error> {
    let plain =
        builder.fixed.state.is_some_and(|state| stream.meaning == behind(stream, index, state).meaning);
    if !plain {
        return Err(node.structure_error(
            format!(
                "takes the sign of the state of '{}' behind another operation, where another layer reads the state itself",
                builder.layers[index].name.terminal()
            ),
            "take the sign of the state itself there (a BipolarQuant on what the Add leaves)",
        ));
    }
    match zero_is_zero {
        true => Err(Error::SignOfZero { node: node.name(), channel: 0, value: 0 }),
        false => Ok(()),
    }
}

/// Lets the layers that read the bits of layer `index`, which are the signs of its state, read the upper half of its levels.
fn signs_are_upper(builder: &mut Builder, node: &Node, index: usize) -> Result<(), Error> {
    let code = builder.input_code();
    let layer = &builder.layers[index];
    let range = |c| accumulator_range(&builder.layers, index, c, code);
    let sign = |(c, &threshold): (usize, &i32)| {
        let (low, high) = range(c);
        i64::from(threshold).clamp(low, high + 1) == 0i64.clamp(low, high + 1)
    };
    let signs = match &layer.activation {
        Activation::Sign { threshold, flip } => {
            threshold.len() == flip.len() && !flip.contains(&true) && threshold.iter().enumerate().all(sign)
        }
        Activation::Scores | Activation::Kept => false,
    };
    if !signs {
        return Err(node.structure_error(
            format!("reads the state of '{}', of which other layers read more than its sign", layer.name.terminal()),
            "take the sign of the state itself there (a BipolarQuant on what the Add leaves), without a normalisation before it",
        ));
    }
    for reader in builder.layers.iter_mut().filter(|reader| reader.reads == Reads::Map(index)) {
        reader.reads = Reads::Upper(index);
    }
    Ok(())
}

/// The map that layer `index` leaves as a state.
pub(super) fn behind(stream: &Stream, index: usize, state: State) -> Stream {
    let unit = Step::Mul(vec![(-f64::from(state.fraction)).exp2()]);
    let meaning = Meaning::Number { steps: vec![unit], pool: None };
    Stream { source: Source::Sum(index), meaning, narrow: None, upper: false, ..stream.clone() }
}

/// Slope and offset of `steps` in channel `c`.
fn affine(steps: &[Step], c: usize) -> (f64, f64) {
    let offset = steps::eval(steps, c, 0.0);
    (steps::eval(steps, c, 1.0) - offset, offset)
}

/// The integers that make of the sums of layer `index` the nearest numbers of `state` to what `steps` make of them.
pub(super) fn requant(
    builder: &Builder,
    state: State,
    node: &Node,
    index: usize,
    steps: &[Step],
) -> Result<Requant, Error> {
    let layer = &builder.layers[index];
    let what = |text: &str| format!("'{}' {text}", layer.name.terminal());
    if !steps.iter().all(Step::is_affine) {
        return Err(node.structure_error(
            what("has another operation than a scale, an offset or a normalisation before its shortcut"),
            "a rectifier or a clip between the sums and an Add is not supported: put it behind the Add",
        ));
    }
    if layer.flips.is_some() {
        return Err(node.structure_error(
            what("has weights that are drawn, and no state"),
            "leave out the flip codes, or the shortcut",
        ));
    }
    let code = builder.code_of(index);
    let reach = |c| {
        let (low, high) = layer.product_range(c, code);
        high.max(-low)
    };
    let channels = 0..layer.conv.c;
    let units: Vec<(f64, f64)> = channels.clone().map(|c| affine(steps, c)).collect();
    let unit = f64::from(state.fraction).exp2();
    let most = channels.clone().map(reach).max().unwrap_or(1).max(1);
    let gained = channels.map(|c| (units[c].0.abs() * reach(c) as f64 + units[c].1.abs()) * unit);
    let gained = gained.fold(0.0, f64::max);
    if !gained.is_finite() || gained > f64::from(i32::MAX / 4) {
        return Err(node.structure_error(
            what(&format!("has sums of up to {} in a state with {} fraction bits", gained / unit, state.fraction)),
            "give --state fewer fraction bits, or train or export the model again: a statistic of it may never have been set",
        ));
    }
    let wanted = (most as f64 / (2.0 * LOSS)).log2().ceil() as u32;
    let largest = f64::from((1i32 << (Requant::MULTIPLIER_BITS - 1)) - 1);
    let fits = |shift: &u32| {
        units.iter().all(|(slope, _)| (slope.abs() * unit * f64::from(*shift).exp2()).round() <= largest)
    };
    let shift = (0..=wanted.min(Requant::MOST_SHIFT)).rev().find(fits).ok_or_else(|| {
        node.structure_error(
            what(&format!("has a scale too large for a state with {} fraction bits", state.fraction)),
            "give --state fewer fraction bits",
        )
    })?;
    let at = |value: f64| (value * unit * f64::from(shift).exp2()).round() as i64;
    let mut requant = Requant {
        multiplier: units.iter().map(|(slope, _)| at(*slope) as i32).collect(),
        offset: units.iter().map(|(_, offset)| at(*offset)).collect(),
        unit: 0,
        shift,
        bits: state.bits,
        rectified: false,
    };
    halve(&mut requant);
    requant.unit = 1 << requant.shift;
    if requant.shift > 0 {
        requant.offset.iter_mut().for_each(|offset| *offset += 1 << (requant.shift - 1));
    }
    Ok(requant)
}

/// Takes factors of 2 out of multipliers and offsets: scales that are multiples of a unit need no multiplier.
fn halve(requant: &mut Requant) {
    let even = |requant: &Requant| {
        requant.multiplier.iter().all(|one| one % 2 == 0) && requant.offset.iter().all(|one| one % 2 == 0)
    };
    while requant.shift > 0 && even(requant) {
        requant.shift -= 1;
        requant.multiplier.iter_mut().for_each(|one| *one /= 2);
        requant.offset.iter_mut().for_each(|one| *one /= 2);
    }
}
