//! Residual sums: an Add of the sums of the last layer and of those that an earlier one kept.
//!
//! Sums are accumulators times a unit. Where one unit is a whole multiple of the other, the scales of that side's planes
//! are multiplied by it: both accumulators then count the same and are added as integers. Nothing is rounded; other
//! ratios are refused.

use super::builder::Builder;
use super::graph::Node;
use super::steps::{self, Step};
use super::stream::{Meaning, Source, Stream};
use crate::network::{Activation, Layer, Plane, Pool, accumulator_range, keeper};
use crate::read::Error;

/// What became of a layer's accumulators since the stream of them was made.
#[derive(Debug, Clone, Copy)]
pub struct Sums {
    /// What the scales of its planes have been multiplied by.
    pub factor: i32,
    /// The weights of some channel were turned round.
    pub turned: bool,
}

impl Sums {
    pub const NEW: Sums = Sums { factor: 1, turned: false };
}

/// The sum of two maps: of the sums of the last layer and those of an earlier one.
pub fn add(builder: &mut Builder, node: &Node, first: &Stream, second: &Stream) -> Result<Stream, Error> {
    let residual = || Error::Residual { node: node.name(), op: node.op().into() };
    let last = builder.layers.len().checked_sub(1).ok_or_else(residual)?;
    let (own, kept) = if second.source == Source::Layer(last) { (second, first) } else { (first, second) };
    let (Source::Layer(index), Source::Layer(from) | Source::Sum(from)) = (own.source, kept.source) else {
        return Err(residual());
    };
    if index != last || from >= last || node.proto.input.len() != 2 {
        return Err(residual());
    }
    let (
        Meaning::Number { steps: own_steps, pool: own_pool },
        Meaning::Number { steps: kept_steps, pool: kept_pool },
    ) = (&own.meaning, &kept.meaning)
    else {
        return Err(node.structure_error(
            "adds activations and not sums",
            "add the sums of two layers, before their BatchNormalization and sign",
        ));
    };
    if own_pool.is_some() {
        return Err(node.structure_error(
            format!("adds to sums of '{}' that are pooled", builder.layers[last].name.terminal()),
            "pool the sums where a shortcut begins, not where it ends",
        ));
    }
    form(builder, node, own, kept)?;
    pooling(builder, node, from, kept_steps, *kept_pool)?;
    order(builder, node, from, last)?;

    let mut own_units = units(node, &builder.layers[last], own_steps)?;
    let kept_units: Vec<f64> = units(node, &builder.layers[from], kept_steps)?
        .iter()
        .map(|unit| unit / f64::from(builder.sums[from].factor))
        .collect();
    for (c, (own, kept)) in own_units.iter_mut().zip(&kept_units).enumerate() {
        if *own * kept < 0.0 {
            builder.layers[last].planes.iter_mut().for_each(|plane| plane.negate_row(c));
            *own = -*own;
        }
    }
    let units = if let Some(times) = ratio(&own_units, &kept_units) {
        multiply(builder, node, last, times)?;
        kept_units
    } else if let Some(times) = ratio(&kept_units, &own_units) {
        // From behind: the range of a layer still has what it adds as it was.
        let start = beginning(&builder.layers, from);
        for index in (start..last).rev() {
            if beginning(&builder.layers, index) == start {
                multiply(builder, node, index, times)?;
            }
        }
        own_units
    } else {
        return Err(no_ratio(node, &builder.layers[last], &own_units, &kept_units));
    };
    builder.sums[last] = Sums::NEW;
    builder.layers[last].shortcut.adds = true;
    let keeper = &mut builder.layers[from];
    keeper.shortcut.keeps = true;
    if let Some(pool) = &mut keeper.pool {
        pool.before_sign = true;
    }
    let steps = if units.iter().all(|&unit| unit == 1.0) { Vec::new() } else { vec![Step::Mul(units)] };
    Ok(Stream { source: Source::Sum(last), meaning: Meaning::Number { steps, pool: None }, ..own.clone() })
}

/// Whether the two maps, and the layers that they come from, can be added and kept at all.
pub fn form(builder: &Builder, node: &Node, own: &Stream, kept: &Stream) -> Result<(), Error> {
    let (Source::Layer(index), Source::Layer(from) | Source::Sum(from)) = (own.source, kept.source) else {
        return Ok(());
    };
    let (layer, keeper) = (&builder.layers[index], &builder.layers[from]);
    let refuse = |what: String, help: &str| Err(node.structure_error(what, help));
    if [own, kept].iter().any(|stream| stream.border.is_some() || stream.tail.is_some()) {
        return refuse(
            "adds a map that is padded, or behind the decision on a class".into(),
            "let the Add follow the sums at once",
        );
    }
    if layer.activation != Activation::Scores || layer.shortcut.adds {
        return refuse(
            format!("adds to the sums of '{}' where they are used already", layer.name.terminal()),
            "let only the Add read these sums, and the BatchNormalization read the Add",
        );
    }
    if layer.sum_pixels || keeper.sum_pixels {
        return refuse("adds sums or averages over pixels".into(), "add the maps before the average");
    }
    let total = keeper.shortcut.adds || keeper.requant.is_some();
    if total != (kept.source == Source::Sum(from)) {
        return refuse(
            format!("adds the sums of '{}' without what was added to them", keeper.name.terminal()),
            "add the output of that layer's Add",
        );
    }
    if keeper.steps() > 1 {
        return refuse(
            format!("adds the sums of '{}', whose activations have several levels", keeper.name.terminal()),
            "quantise the sums that a shortcut takes by a BipolarQuant",
        );
    }
    if own.map != kept.map || own.dims != kept.dims {
        return refuse(
            format!("adds a map of {} {:?} to one of {} {:?}", kept.map, kept.sizes(), own.map, own.sizes()),
            "let a shortcut go past convolutions only that keep channels, rows and columns",
        );
    }
    Ok(())
}

/// Whether layer `from` pools the sums that are kept as it pools its bits.
fn pooling(
    builder: &Builder,
    node: &Node,
    from: usize,
    steps: &[Step],
    kept: Option<(usize, Pool)>,
) -> Result<(), Error> {
    let layer = &builder.layers[from];
    let rises = |before: usize| (0..layer.conv.c).all(|c| steps::eval(&steps[..before], c, 1.0) > 0.0);
    let flipped = matches!(&layer.activation, Activation::Sign { flip, .. } if flip.contains(&true));
    let alike = match (kept, layer.pool) {
        (None, None) => true,
        (Some((before, kept)), Some(pool)) => {
            let of_sums = pool.before_sign || !flipped;
            (kept.kernel, kept.stride) == (pool.kernel, pool.stride)
                && of_sums
                && rises(before)
                && !builder.sums[from].turned
        }
        _ => false,
    };
    if alike {
        return Ok(());
    }
    Err(node.structure_error(
        format!(
            "adds sums of '{}' that are pooled otherwise than its bits, or behind a negative scale",
            layer.name.terminal()
        ),
        "pool the sums right behind the layer, and take its bits and the shortcut from the pooled sums",
    ))
}

/// Whether the sums of layer `from` are still the ones kept last where layer `last` adds them.
pub fn order(builder: &Builder, node: &Node, from: usize, last: usize) -> Result<(), Error> {
    let layers = &builder.layers;
    // Without a keeper between, one that adds takes the sums of `from`, or of a layer before it.
    let other = |&index: &usize| {
        let shortcut = layers[index].shortcut;
        shortcut.keeps || shortcut.adds && !layers[from].shortcut.keeps
    };
    match (from + 1..last).find(other) {
        None => Ok(()),
        Some(between) => Err(node.structure_error(
            format!(
                "adds the sums of '{}' past the shortcut of '{}'",
                layers[from].name.terminal(),
                layers[between].name.terminal()
            ),
            "add the sums that were kept last: let one shortcut begin where the one before it ends",
        )),
    }
}

/// What one accumulator of each channel counts behind `steps`.
fn units(node: &Node, layer: &Layer, steps: &[Step]) -> Result<Vec<f64>, Error> {
    if !steps.iter().all(|step| matches!(step, Step::Mul(_))) {
        return Err(node.structure_error(
            format!(
                "adds the sums of '{}' behind an offset or another operation than a Mul",
                layer.name.terminal()
            ),
            "`--state W,F` holds both sides in fixed point (16,8 say); or leave out biases and zero points, and move other \
             operations behind the Add",
        ));
    }
    Ok((0..layer.conv.c).map(|c| steps::eval(steps, c, 1.0)).collect())
}

/// The whole number that all of `large` are of `small`.
fn ratio(large: &[f64], small: &[f64]) -> Option<i32> {
    let times = (large[0] / small[0]).round();
    // One rounding: 0 only where the product is exact.
    let exact = |(large, small): (&f64, &f64)| *small != 0.0 && times.mul_add(*small, -large) == 0.0;
    let whole = (1.0..=f64::from(1 << 20)).contains(&times) && large.iter().zip(small).all(exact);
    whole.then_some(times as i32)
}

/// The refusal of units without a ratio, with the nearest power of two as a remedy.
fn no_ratio(node: &Node, layer: &Layer, own: &[f64], kept: &[f64]) -> Error {
    let ratios = || own.iter().zip(kept).map(|(own, kept)| own / kept);
    let what = |text: String| format!("adds to the sums of '{}' {text}", layer.name.terminal());
    let first = own[0] / kept[0];
    if ratios().any(|ratio| ratio == 0.0 || !ratio.is_finite()) {
        return node.structure_error(what("with a scale of 0".into()), "give both sums a scale above 0");
    }
    if ratios().any(|ratio| ratio != first) {
        return node.structure_error(
            what("others whose scale differs from theirs by channel".into()),
            "`--state W,F` holds both sides in fixed point (16,8 say); or give the sums of both layers one scale for all \
             channels",
        );
    }
    let nearest = kept[0] * 2f64.powi(first.log2().round().clamp(-7.0, 7.0) as i32);
    node.structure_error(
        what(format!("of scale {} others of scale {}; neither is a whole multiple", own[0], kept[0])),
        format!(
            "`--state W,F` holds both sides in fixed point (16,8 say); or choose the scale {nearest}, or another whole \
             multiple or part, for the sums of '{}'",
            layer.name.terminal()
        ),
    )
}

/// The first of the layers whose sums are in those of layer `index`.
fn beginning(layers: &[Layer], mut index: usize) -> usize {
    while let Some(before) = keeper(layers, index) {
        index = before;
    }
    index
}

/// Lets the accumulators of layer `index`, and its thresholds, count `times` as much.
fn multiply(builder: &mut Builder, node: &Node, index: usize, times: i32) -> Result<(), Error> {
    if times == 1 {
        return Ok(());
    }
    let code = builder.input_code();
    let highest = |c| accumulator_range(&builder.layers, index, c, code).1;
    let highest: Vec<i64> = (0..builder.layers[index].conv.c).map(highest).collect();
    let layer = &mut builder.layers[index];
    let largest = layer.planes.iter().map(|plane| i64::from(plane.scale)).max().unwrap_or(1);
    let needed = largest * i64::from(times);
    if needed > i64::from(Plane::MOST_SCALE) {
        return Err(node.structure_error(
            format!(
                "adds sums of too different scales: '{}' needs planes of scale {needed}, and {} is the most",
                layer.name.terminal(),
                Plane::MOST_SCALE
            ),
            "`--state W,F` holds both sides in fixed point (16,8 say); or choose scales of the two sums that lie nearer to each \
             other",
        ));
    }
    layer.planes.iter_mut().for_each(|plane| plane.scale *= times);
    if let Activation::Sign { threshold, .. } = &mut layer.activation {
        for (threshold, highest) in threshold.iter_mut().zip(highest) {
            let before = i64::from(*threshold);
            // A threshold that is never met stays one above the largest accumulator.
            let over = before > highest;
            *threshold =
                (if over { highest * i64::from(times) + 1 } else { before * i64::from(times) }) as i32;
        }
    }
    builder.sums[index].factor *= times;
    Ok(())
}
