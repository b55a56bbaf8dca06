//! Codes: activations of many levels that a multiplier, an offset and a shift make of sums, as networks of 8 bits have them
//! (Jacob et al., CVPR 2018), and the sums of two maps on the way to one.
//!
//! A `Quant` behind scales, offsets, normalisations and a rectifier is `clamp(round(slope * sum + offset + kept))` in its own
//! unit. A layer makes it of integers, `clamp((multiplier * sum + offset + unit * kept) >> shift)`, with multipliers of
//! [`MULTIPLIER_BITS`] bits: the nearest to the graph's, and not always equal to it. How many sums of a layer give another
//! code than in the graph, never by more than one, is counted ([`Rounded`]).

use super::builder::Builder;
use super::graph::Node;
use super::quant::Quant;
use super::residual;
use super::state;
use super::steps::{self, Step};
use super::stream::{Meaning, Source, Stream};
use crate::network::{Activation, Layer, Pool, Requant, Shortcut, keeper};
use crate::read::Error;
use rayon::prelude::*;

/// Bits of the size of a multiplier.
pub const MULTIPLIER_BITS: u32 = 16;
const _: () = assert!(MULTIPLIER_BITS < Requant::MULTIPLIER_BITS);
/// Bits of sums that go to an Add without becoming codes, and below one of its codes.
const BRANCH_BITS: u32 = 16;
const BRANCH_FRACTION: u32 = 6;
/// Most levels of an activation that is made by comparing a sum with a threshold for each.
pub const MOST_COMPARED: usize = 16;

/// What a shortcut adds behind the operations before it.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// Codes of a layer: number `n` counts `zero[c] + unit[c] * n`.
    Codes { zero: Vec<f64>, unit: Vec<f64> },
    /// Sums of another layer, behind operations.
    Sums(Vec<Step>),
}

/// Codes that are not always the graph's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Rounded {
    /// Layers whose codes are made by multipliers.
    pub layers: u64,
    /// Sums of those that nothing is added to, and how many of them give another code than in the graph.
    pub sums: u64,
    pub other: u64,
}

/// The sum of two maps where it is that of a layer's sums and codes, or of the sums of two layers; `None`: it is another one.
///
/// `alone` tells whether nothing else reads the sums of a layer.
pub fn add(
    builder: &mut Builder,
    node: &Node,
    first: &Stream,
    second: &Stream,
    alone: &dyn Fn(usize) -> bool,
) -> Result<Option<Stream>, Error> {
    let Some(last) = builder.layers.len().checked_sub(1) else { return Ok(None) };
    if node.proto.input.len() != 2 {
        return Ok(None);
    }
    let (own, other) = if second.source == Source::Layer(last) { (second, first) } else { (first, second) };
    let turned = turned(builder, own, other, alone);
    let (own, other) = turned.as_ref().map_or((own, other), |(own, other)| (own, other));
    let (Source::Layer(index), Source::Layer(from)) = (own.source, other.source) else { return Ok(None) };
    let (Meaning::Number { steps, pool: None }, true) = (&own.meaning, index == last && from != last) else {
        return Ok(None);
    };
    match &other.meaning {
        Meaning::Bits { low, high, steps: levels } if is_code(&builder.layers[from]) => {
            fits(builder, node, own, other)?;
            residual::order(builder, node, from, last)?;
            let keeper = &mut builder.layers[from];
            keeper.shortcut.keeps = true;
            // The smallest level is the smallest number.
            let least = keeper.requant.as_ref().map_or(0, |requant| requant.limits().0) as f64;
            let unit: Vec<f64> =
                low.iter().zip(high).map(|(low, high)| (high - low) / *levels as f64).collect();
            let zero = low.iter().zip(&unit).map(|(low, unit)| low - unit * least).collect();
            let kept = Kept::Codes { zero, unit };
            Ok(Some(joined(builder, own, last, steps, kept)))
        }
        Meaning::Number { steps: others, pool: None } if is_open(&builder.layers[from]) => {
            fits(builder, node, own, other)?;
            residual::order(builder, node, from, last)?;
            if !alone(from) || !alone(last) {
                return Err(node.structure_error(
                    "adds the sums of two layers of which another node reads one, too",
                    "let only the Add read both, and quantise what it gives",
                ));
            }
            sums(builder, node, own, (from, others), (last, steps)).map(Some)
        }
        _ => Ok(None),
    }
}

/// The two maps with their layers in the other order, where the last one gives codes, and the one before sums that they are
/// added to: what is kept comes first.
fn turned(
    builder: &mut Builder,
    own: &Stream,
    other: &Stream,
    alone: &dyn Fn(usize) -> bool,
) -> Option<(Stream, Stream)> {
    let (Source::Layer(last), Source::Layer(from)) = (own.source, other.source) else { return None };
    let codes = matches!(own.meaning, Meaning::Bits { .. }) && last == from + 1;
    let sums = matches!(other.meaning, Meaning::Number { pool: None, .. });
    if !codes || !sums || !is_code(&builder.layers[last]) || !is_open(&builder.layers[from]) {
        return None;
    }
    // Nothing else knows them by their numbers.
    (alone(from) && alone(last)).then(|| {
        builder.layers.swap(from, last);
        builder.sums.swap(from, last);
        let at = |stream: &Stream, layer| Stream { source: Source::Layer(layer), ..stream.clone() };
        (at(other, last), at(own, from))
    })
}

/// The sum of the sums of two layers, behind operations: one of them keeps its own for the other.
fn sums(
    builder: &mut Builder,
    node: &Node,
    stream: &Stream,
    (from, others): (usize, &[Step]),
    (last, steps): (usize, &[Step]),
) -> Result<Stream, Error> {
    // The branch of fewer taps, a 1x1 convolution mostly, waits for the other one.
    let fewer = builder.layers[last].fan_in() < builder.layers[from].fan_in();
    let (kept, own) = match fewer && from + 1 == last {
        false => (others, steps),
        true => {
            builder.layers.swap(from, last);
            builder.sums.swap(from, last);
            (steps, others)
        }
    };
    if let Some(state) = builder.fixed.state {
        for (index, steps) in [(from, kept), (last, own)] {
            builder.layers[index].requant = Some(state::requant(builder, state, node, index, steps)?);
        }
    }
    builder.layers[from].shortcut = Shortcut::KEEPS;
    builder.layers[from].activation = Activation::Kept;
    match builder.fixed.state {
        Some(state) => {
            builder.layers[last].shortcut.adds = true;
            Ok(state::behind(stream, last, state))
        }
        None => Ok(joined(builder, stream, last, own, Kept::Sums(kept.to_vec()))),
    }
}

/// Whether what a layer keeps is what it gives.
fn is_code(layer: &Layer) -> bool {
    let of = |requant: &Requant| Activation::of_state(layer.conv.c, (requant.bits, 0), requant.rectified);
    layer.requant.as_ref().is_some_and(|requant| layer.activation == of(requant))
}

/// Whether a layer's sums are still to become something.
fn is_open(layer: &Layer) -> bool {
    layer.activation == Activation::Scores && layer.requant.is_none() && !layer.sum_pixels
}

/// The refusal of maps that cannot be added.
fn fits(builder: &Builder, node: &Node, own: &Stream, other: &Stream) -> Result<(), Error> {
    let Source::Layer(index) = own.source else { return Ok(()) };
    let plain = |stream: &Stream| stream.border.is_none() && stream.tail.is_none() && stream.narrow.is_none();
    if !is_open(&builder.layers[index]) || builder.layers[index].shortcut.adds || !plain(own) || !plain(other)
    {
        return Err(node.structure_error(
            format!(
                "adds to the sums of '{}' where they are used already",
                builder.layers[index].name.terminal()
            ),
            "let only the Add read these sums, and a Quant read the Add",
        ));
    }
    if own.map != other.map || own.dims != other.dims {
        return Err(node.structure_error(
            format!(
                "adds a map of {} {:?} to one of {} {:?}",
                other.map,
                other.sizes(),
                own.map,
                own.sizes()
            ),
            "let both maps have the same channels, rows and columns",
        ));
    }
    Ok(())
}

/// The sums of layer `last` behind `steps`, with what is kept.
fn joined(builder: &mut Builder, own: &Stream, last: usize, steps: &[Step], kept: Kept) -> Stream {
    builder.layers[last].shortcut.adds = true;
    let mut steps = steps.to_vec();
    steps.push(Step::Kept(kept));
    let meaning = Meaning::Number { steps, pool: None };
    Stream { source: Source::Layer(last), meaning, ..own.clone() }
}

/// A number that sums become, in the unit of a quantiser.
struct Chain<'a> {
    /// Slope and offset of the sum itself, a channel.
    own: Vec<(f64, f64)>,
    kept: Option<&'a Kept>,
    /// What the number of an Add is multiplied by, a channel: 1 without one.
    behind: Vec<f64>,
    /// It is 0 or more.
    rectified: bool,
}

impl Chain<'_> {
    /// The chain that `steps` are for `channels` channels; `None` where something else than scales and offsets stands before
    /// its Add, or than these and a rectifier that ends at 0 behind it.
    fn of(steps: &[Step], channels: usize) -> Option<Chain<'_>> {
        let add = steps.iter().position(|step| matches!(step, Step::Kept(_)));
        let (before, behind) = add.map_or((&[][..], steps), |add| (&steps[..add], &steps[add + 1..]));
        let kept = add.and_then(|add| match &steps[add] {
            Step::Kept(kept) => Some(kept),
            _ => None,
        });
        let bend = behind.iter().position(|step| !step.is_affine());
        let (straight, bent) = behind.split_at(bend.unwrap_or(behind.len()));
        let rectifies = |step: &Step| {
            matches!(step, Step::Leaky(slopes) if slopes.iter().all(|&slope| slope == 0.0))
                || matches!(step, Step::Clip { low, high } if *low == 0.0 && high.is_infinite())
        };
        if bent.first().is_some_and(|step| !rectifies(step))
            || bent.iter().skip(1).any(|step| !step.is_affine())
        {
            return None;
        }
        let all = |steps: &[Step]| (0..channels).map(|c| affine(steps, c)).collect::<Vec<(f64, f64)>>();
        let (before, straight, rest) = (all(before), all(straight), all(bent.get(1..).unwrap_or(&[])));
        // A rectifier stays one behind positive scales alone.
        if rest.iter().any(|&(scale, offset)| scale <= 0.0 || offset != 0.0) {
            return None;
        }
        let scales = straight.iter().zip(&rest);
        let behind: Vec<f64> = scales.map(|(straight, rest)| straight.0 * rest.0).collect();
        let own = (0..channels).map(|c| {
            let offset = before[c].1 * behind[c] + straight[c].1 * rest[c].0;
            (before[c].0 * behind[c], offset)
        });
        Some(Chain { own: own.collect(), kept, behind, rectified: !bent.is_empty() })
    }
}

/// Slope and offset of `steps`, which are affine, in channel `c`.
fn affine(steps: &[Step], c: usize) -> (f64, f64) {
    steps.iter().filter_map(|step| step.affine(c)).fold((1.0, 0.0), |(a, b), (c, d)| (a * c, b * c + d))
}

/// The integers of a layer that gives codes.
struct Integers {
    requant: Requant,
    /// Of the layer that keeps its sums for this one.
    beside: Option<Requant>,
}

/// Smallest and largest code that a layer gives: integers of `quant` behind `steps`; `None` where they are no codes.
fn range(steps: &[Step], channels: usize, quant: &Quant) -> Option<(f64, f64)> {
    let chain = Chain::of(steps, channels)?;
    let (low, high) = quant.range();
    let low = if chain.rectified { low.max(0.0) } else { low };
    let levels = high - low + 1.0;
    let bits = levels.log2();
    let whole = bits.fract() == 0.0 && (2.0..=8.0).contains(&bits);
    (whole && (low == 0.0 || low == -levels / 2.0)).then_some((low, high))
}

/// Whether the integers of `quant` behind `steps` become codes: where something is added, where an Add takes them (`kept`),
/// and where they have more levels than are compared one by one.
pub fn wanted(steps: &[Step], channels: usize, quant: &Quant, kept: bool) -> bool {
    let (low, high) = quant.range();
    let adds = steps.iter().any(|step| matches!(step, Step::Kept(_)));
    let many = high - low >= MOST_COMPARED as f64;
    adds || (many || kept) && range(steps, channels, quant).is_some()
}

/// Lets layer `index` give the integers of `quant` behind `steps` as codes; gives the smallest and largest of them.
pub fn decide(
    builder: &mut Builder,
    node: &Node,
    index: usize,
    (steps, pool): (&[Step], Option<(usize, Pool)>),
    quant: &Quant,
) -> Result<(f64, f64), Error> {
    let layer = &builder.layers[index];
    let channels = layer.conv.c;
    let open = layer.activation == Activation::Scores && layer.requant.is_none() && layer.flips.is_none();
    if index + 1 != builder.layers.len() || !open {
        return Err(Error::Residual { node: node.name(), op: node.op().into() });
    }
    let (Some((low, high)), Some(chain)) = (range(steps, channels, quant), Chain::of(steps, channels)) else {
        return Err(node.structure_error(
            "quantises a sum of two maps behind another operation than scales, offsets and a Relu, or to an odd number of levels",
            "put a Relu and a Quant behind the Add, not narrow where it is signed, with the zero point 0 behind a Relu",
        ));
    };
    if let Some((before, _)) = pool
        && (0..channels).any(|c| affine(&steps[..before], c).0 < 0.0)
    {
        return Err(node.structure_error(
            "quantises sums that are pooled before a negative scale",
            "pool behind the scale, or give it the same sign for all channels",
        ));
    }
    let bits = (high - low + 1.0).log2() as u32;
    let beside = keeper(&builder.layers, index);
    let at_zero = AtZero { own: at_zero(builder, index), beside: beside.map(|from| at_zero(builder, from)) };
    let made = integers(&chain, &at_zero, bits, low == 0.0);
    let made = made.ok_or_else(|| {
        node.structure_error(
            format!(
                "adds codes whose scale differs by channel, or makes codes of sums of '{}' that are too large or too small for \
                 multipliers of {MULTIPLIER_BITS} bits",
                layer.name.terminal()
            ),
            "give the map that is added one scale for all channels, and sums and codes scales that lie nearer to each other",
        )
    })?;
    if let (Some(requant), Some(from)) = (made.beside, beside) {
        builder.layers[from].requant = Some(requant);
    }
    builder.proof.rounded.layers += 1;
    if chain.kept.is_none() {
        let graph = |c: usize, sum: i64| quant.integer(steps::eval(steps, c, sum as f64)).max(low);
        let (sums, other) = compare(builder, index, &made.requant, &graph, (low, high)).ok_or_else(|| {
            node.structure_error(
                "makes codes that differ from the graph's by more than one",
                "use coarser codes",
            )
        })?;
        builder.proof.rounded.sums += sums;
        builder.proof.rounded.other += other;
    }
    let layer = &mut builder.layers[index];
    layer.activation = Activation::of_state(channels, (bits, 0), low == 0.0);
    layer.requant = Some(made.requant);
    if let Some((_, pool)) = pool {
        layer.output = super::builder::pooled(layer.conv, &pool);
        layer.pool = Some(Pool { before_sign: true, ..pool });
    }
    Ok((low, high))
}

/// The sums, a channel, of inputs that are all 0: of a layer, and of the one that keeps its sums for it. Multipliers are rounded
/// as those of what a sum is beyond them, so that inputs of 0 give the graph's codes.
struct AtZero {
    own: Vec<i64>,
    beside: Option<Vec<i64>>,
}

/// The sums of layer `index` for codes of 0; 0 where it reads no codes.
fn at_zero(builder: &Builder, index: usize) -> Vec<i64> {
    let layer = &builder.layers[index];
    let source = layer.reads.layer().map(|from| &builder.layers[from]).filter(|source| is_code(source));
    // Levels count from the smallest, on both sides of their middle.
    let zero = source.and_then(|source| {
        let least = source.requant.as_ref()?.limits().0;
        Some(-2 * least - source.steps() as i64)
    });
    let all = |c: usize| (0..layer.fan_in()).map(|tap| i64::from(layer.weight(c, tap))).sum::<i64>();
    let pixels = if layer.sum_pixels { layer.conv.pixels() as i64 } else { 1 };
    (0..layer.conv.c).map(|c| zero.map_or(0, |zero| zero * pixels * all(c))).collect()
}

/// The integers that make codes of `bits` bits of `chain`; `None` where they have no room.
fn integers(chain: &Chain, at_zero: &AtZero, bits: u32, rectified: bool) -> Option<Integers> {
    let shift = shift(&chain.own)?;
    let mut offsets = vec![0.0; chain.own.len()];
    let (mut unit, mut beside) = (1 << shift, None);
    match chain.kept {
        None => {}
        Some(Kept::Codes { zero, unit: units }) => {
            let scaled = || units.iter().zip(&chain.behind).map(|(unit, behind)| unit * behind);
            let first = scaled().next()?;
            if scaled().any(|other| (other - first).abs() > 1e-9 * first.abs()) || first < 0.0 {
                return None;
            }
            unit = at(first, shift);
            let zeros = zero.iter().zip(&chain.behind).map(|(zero, behind)| zero * behind);
            offsets.iter_mut().zip(zeros).for_each(|(offset, zero)| *offset = zero);
        }
        Some(Kept::Sums(others)) => {
            let fraction = BRANCH_FRACTION.min(shift);
            let of = |c: usize| {
                let (slope, offset) = affine(others, c);
                let scale = chain.behind[c] * f64::from(fraction).exp2();
                (slope * scale, offset * scale)
            };
            let other: Vec<(f64, f64)> = (0..chain.own.len()).map(of).collect();
            let own_shift = self::shift(&other)?;
            let zero = at_zero.beside.as_ref()?;
            beside = Some(requant((&other, zero), own_shift, 1 << own_shift, (BRANCH_BITS, false)));
            unit = 1 << (shift - fraction);
        }
    }
    let own: Vec<(f64, f64)> =
        chain.own.iter().zip(offsets).map(|(&(slope, offset), more)| (slope, offset + more)).collect();
    let requant = requant((&own, &at_zero.own), shift, unit, (bits, rectified));
    let fits = |requant: &Requant| {
        let most = 1i64 << (Requant::OFFSET_BITS - 1);
        requant.unit <= 1 << Requant::MOST_SHIFT && requant.offset.iter().all(|offset| offset.abs() < most)
    };
    (fits(&requant) && beside.as_ref().is_none_or(fits)).then_some(Integers { requant, beside })
}

/// Slopes and offsets behind a shift of `shift`, rounded to the nearest, half a unit up; of what sums are beyond `zero`.
fn requant(
    (own, zero): (&[(f64, f64)], &[i64]),
    shift: u32,
    unit: i64,
    (bits, rectified): (u32, bool),
) -> Requant {
    let half = if shift > 0 { 1 << (shift - 1) } else { 0 };
    let offset = |(&(slope, offset), &zero): (&(f64, f64), &i64)| {
        at(offset + slope * zero as f64, shift) + half - at(slope, shift) * zero
    };
    Requant {
        multiplier: own.iter().map(|(slope, _)| at(*slope, shift) as i32).collect(),
        offset: own.iter().zip(zero).map(offset).collect(),
        unit,
        shift,
        bits,
        rectified,
    }
}

/// `value` in units of `2^-shift`.
fn at(value: f64, shift: u32) -> i64 {
    (value * f64::from(shift).exp2()).round_ties_even() as i64
}

/// The largest shift behind which all slopes have [`MULTIPLIER_BITS`] bits.
fn shift(own: &[(f64, f64)]) -> Option<u32> {
    let largest = own.iter().map(|(slope, _)| slope.abs()).fold(0.0, f64::max);
    let most = (1i64 << MULTIPLIER_BITS) - 1;
    (largest.is_finite()).then_some(())?;
    (0..=Requant::MOST_SHIFT).rev().find(|&shift| largest * f64::from(shift).exp2() < most as f64 + 0.5)
}

/// How many sums of layer `index` there are, and of how many `requant` makes another code than `graph`; `None` where one is
/// further off than by one.
fn compare(
    builder: &Builder,
    index: usize,
    requant: &Requant,
    graph: &(dyn Fn(usize, i64) -> f64 + Sync),
    (low, high): (f64, f64),
) -> Option<(u64, u64)> {
    let (layer, code) = (&builder.layers[index], builder.code_of(index));
    let step = layer.product_step(code).max(1) as i64;
    let of_channel = |c: usize| {
        let (least, most) = layer.product_range(c, code);
        let count = (most - least) / step + 1;
        // Sums in the order in which codes rise.
        let falls = requant.multiplier[c] < 0;
        let sum = |place: i64| if falls { most - place * step } else { least + place * step };
        // The first place from which on `code` is at least `level`.
        let first = |level: f64, code: &dyn Fn(i64) -> f64| {
            let (mut from, mut to) = (0, count);
            while from < to {
                let middle = from + (to - from) / 2;
                if code(sum(middle)) >= level { to = middle } else { from = middle + 1 }
            }
            from
        };
        let in_graph = |sum: i64| graph(c, sum);
        let made = |sum: i64| requant.clamp(requant.exact(c, sum, 0)) as f64;
        let levels = (low as i64 + 1..=high as i64).map(|level| level as f64);
        let places: Vec<(i64, i64)> =
            levels.map(|level| (first(level, &in_graph), first(level, &made))).collect();
        let near = places.windows(2).all(|pair| pair[0].1 <= pair[1].0 && pair[0].0 <= pair[1].1);
        near.then(|| (count as u64, places.iter().map(|(one, other)| one.abs_diff(*other)).sum::<u64>()))
    };
    let all: Option<Vec<(u64, u64)>> = (0..layer.conv.c).into_par_iter().map(of_channel).collect();
    Some(all?.into_iter().fold((0, 0), |(sums, other), own| (sums + own.0, other + own.1)))
}
