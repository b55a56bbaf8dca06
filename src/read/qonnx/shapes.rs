//! Nodes that move the axes of the map or put a border round it.

use super::builder::Builder;
use super::constant;
use super::graph::Node;
use super::steps::Step;
use super::stream::{Border, Meaning, Source, Stream};
use crate::network::Shape;
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Gives the tensor the shape `target`.
pub fn reshape(builder: &Builder, node: &Node, stream: &mut Stream, target: &[usize]) -> Result<(), Error> {
    // A flat input may be given its rows and columns before the first layer.
    if let (&[1, c, h, w], Source::Input) = (target, stream.source)
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

/// Puts a constant border round rows and columns, for the convolution that follows.
pub fn pad(
    node: &Node,
    stream: &mut Stream,
    pads: Option<&Tensor>,
    value: Option<&Tensor>,
) -> Result<(), Error> {
    let mode = node.text("mode").unwrap_or_else(|| "constant".into());
    if mode != "constant" {
        return Err(node.attribute_error("mode", &mode, "use constant padding"));
    }
    let list = match (node.ints("pads"), pads) {
        (Some(list), _) => list.to_vec(),
        (None, Some(tensor)) => tensor.integers().unwrap_or_default(),
        (None, None) => Vec::new(),
    };
    let sides: Option<Vec<usize>> =
        list.iter().map(|&p| usize::try_from(p).ok().filter(|&p| p <= 1 << 16)).collect();
    let Some([0, 0, top, left, 0, 0, bottom, right]) = sides.as_deref() else {
        return Err(node.attribute_error(
            "pads",
            list,
            "pad rows and columns of a (batch, channel, row, column) map",
        ));
    };
    if !stream.is_nchw() {
        return Err(node.shape_error("its input is not (batch, channel, row, column)"));
    }
    let value = match value {
        Some(tensor) => tensor.values.first().copied().unwrap_or(0.0),
        None => node.float("value").unwrap_or(0.0),
    };
    if *top + *left + *bottom + *right > 0 {
        stream.border = Some(Border { top: *top, left: *left, bottom: *bottom, right: *right, value });
    }
    Ok(())
}
