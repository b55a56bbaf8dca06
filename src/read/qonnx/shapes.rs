//! Nodes that move the axes of the map or put a border round it.

use super::builder::Builder;
use super::constant;
use super::graph::Node;
use super::narrow;
use super::steps::Step;
use super::stream::{Border, Meaning, Source, Stream};
use crate::network::Shape;
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Gives the tensor the shape `target`.
pub fn reshape(builder: &Builder, node: &Node, stream: &mut Stream, target: &[usize]) -> Result<(), Error> {
    // A flat input may be given its rows and columns before the first layer.
    let one_table = builder.coding.as_ref().is_none_or(|coding| coding.pixel_values.len() == 256);
    if let (&[1, c, h, w], Source::Input) = (target, stream.source)
        && one_table
        && builder.layers.is_empty()
        && stream.map.pixels() == 1
        && h * w > 1
        && c * h * w == stream.map.c
        && is_uniform(&stream.meaning)
    {
        if let Meaning::Bits { low, high, .. } = &mut stream.meaning {
            low.truncate(c);
            high.truncate(c);
        }
        stream.map = Shape { c, h, w };
        stream.dims = stream.nchw();
        return Ok(());
    }
    stream.reshape(target).map_err(|e| node.shape_error(e))
}

/// All channels mean the same.
fn is_uniform(meaning: &Meaning) -> bool {
    match meaning {
        Meaning::Number { steps, .. } => steps.iter().all(Step::is_uniform),
        Meaning::Bits { low, high, .. } => {
            low.iter().all(|&v| v == low[0]) && high.iter().all(|&v| v == high[0])
        }
        Meaning::MeanBits { .. } => false,
        Meaning::Codes { .. } => true,
    }
}

/// Permutes the dimensions.
pub fn transpose(node: &Node, stream: &mut Stream) -> Result<(), Error> {
    let perm = constant::permutation(node, stream.dims.len())?;
    // An image input that is turned from channels-last at once was channels-last in the file.
    if let (Source::Input, Meaning::Number { steps, .. }) = (stream.source, &stream.meaning)
        && perm == [0, 3, 1, 2]
        && stream.is_nchw()
        && steps.iter().all(Step::is_uniform)
    {
        let Shape { c, h, w } = stream.map;
        stream.map = Shape { c: w, h: c, w: h };
        stream.dims = stream.nchw();
        return Ok(());
    }
    stream.dims = perm.iter().map(|&p| stream.dims[p].clone()).collect();
    Ok(())
}

/// Puts a constant border round rows and columns, for the convolution that follows; the constants are those of the pads,
/// the value and the axes, where they are inputs.
pub fn pad(node: &Node, stream: &mut Stream, [pads, value, axes]: [Option<&Tensor>; 3]) -> Result<(), Error> {
    let mode = node.text("mode").unwrap_or_else(|| "constant".into());
    if mode != "constant" {
        return Err(node.attribute_error("mode", &mode, "use constant padding"));
    }
    let list = match (node.ints("pads"), pads) {
        (Some(list), _) => list.to_vec(),
        (None, Some(tensor)) => tensor.integers().unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let rank = stream.dims.len();
    let axes = match axes {
        Some(axes) => {
            let list = axes.integers().ok_or_else(|| node.shape_error("its axes are no whole numbers"))?;
            constant::normal_axes(node, &list, rank)?
        }
        None => (0..rank).collect(),
    };
    let refused = |what: &str| {
        node.attribute_error(what, &list, "pad rows and columns of a (batch, channel, row, column) map")
    };
    if list.len() != 2 * axes.len() || list.iter().any(|p| !(0..=1 << 16).contains(p)) {
        return Err(refused("pads"));
    }
    let mut sides = vec![(0, 0); rank];
    for (index, &axis) in axes.iter().enumerate() {
        sides[axis] = (list[index] as usize, list[axes.len() + index] as usize);
    }
    let value = match value {
        Some(tensor) => tensor.values.first().copied().unwrap_or(0.0),
        None => node.float("value").unwrap_or(0.0),
    };
    if let [(0, 0), channels, (0, 0), (0, 0)] = sides[..]
        && channels != (0, 0)
    {
        return narrow::pad_channels(node, stream, channels, value);
    }
    let &[(0, 0), (0, 0), (top, bottom), (left, right)] = &sides[..] else {
        return Err(refused("pads"));
    };
    if !stream.is_nchw() {
        return Err(node.shape_error("its input is not (batch, channel, row, column)"));
    }
    if stream.narrow.is_some() {
        return Err(refused("pads"));
    }
    if top + left + bottom + right > 0 {
        stream.border = Some(Border { top, left, bottom, right, value });
    }
    Ok(())
}
