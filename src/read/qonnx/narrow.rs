//! What stands between a state and an Add that has fewer rows and columns, and more channels: every so many pixels of the
//! state, and zeros for the channels that it has not (option A of He et al., CVPR 2016).

use super::constant;
use super::graph::Node;
use super::stream::{Meaning, Narrow, Source, Stream};
use crate::network::Shape;
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Operations that may stand there.
pub const OPS: [&str; 5] = ["Slice", "Pad", "AveragePool", "MaxPool", "Identity"];

/// Whether `stream` is a state as its Add leaves it, or a part of one.
pub fn is_state(stream: &Stream) -> bool {
    let plain = matches!(&stream.meaning, Meaning::Number { pool: None, .. }) && stream.border.is_none();
    matches!(stream.source, Source::Sum(_)) && plain && stream.is_nchw()
}

/// Averages windows of a state, which lie wholly inside it, for a convolution of one pixel.
pub fn average(stream: &mut Stream, window: (usize, usize), stride: (usize, usize)) {
    stream.narrow = Some(Narrow { stride, window, first: 0 });
    let Shape { c, h, w } = stream.map;
    stream.map = Shape { c, h: (h - window.0) / stride.0 + 1, w: (w - window.1) / stride.1 + 1 };
    stream.dims = stream.nchw();
}

/// Takes every so many rows and columns of a state.
pub fn take(stream: &mut Stream, stride: (usize, usize)) {
    let narrow = stream.narrow.get_or_insert(Narrow::ALL);
    narrow.stride = (narrow.stride.0 * stride.0, narrow.stride.1 * stride.1);
    let Shape { c, h, w } = stream.map;
    stream.map = Shape { c, h: h.div_ceil(stride.0), w: w.div_ceil(stride.1) };
    stream.dims = stream.nchw();
}

/// A Slice of whole rows, columns and channels from the first one on; the constants are starts, ends, axes and steps.
pub fn slice(node: &Node, stream: &mut Stream, constants: [Option<&Tensor>; 4]) -> Result<(), Error> {
    if !is_state(stream) {
        return Err(node.structure_error(
            "takes a part of a map that is no state",
            "a Slice may stand between a residual sum and the Add of its shortcut: with --state W,F, every second row and column, say",
        ));
    }
    let names = ["starts", "ends", "axes", "steps"];
    let mut lists: Vec<Option<Vec<i64>>> = Vec::with_capacity(4);
    for (name, tensor) in names.iter().zip(constants) {
        let of_tensor = tensor.map(|tensor| {
            tensor.integers().ok_or_else(|| node.shape_error(format!("its {name} are no whole numbers")))
        });
        lists.push(match (node.ints(name), of_tensor) {
            (Some(list), _) => Some(list.to_vec()),
            (None, Some(list)) => Some(list?),
            (None, None) => None,
        });
    }
    let sizes = stream.sizes();
    let refused = |what: &str| {
        node.attribute_error(
            what,
            lists.iter().map(|list| list.as_deref().unwrap_or_default()).collect::<Vec<_>>(),
            "take rows and columns from the first to the last one, with steps, and all channels",
        )
    };
    let [Some(starts), Some(ends), axes, steps] = &lists[..] else { return Err(refused("starts")) };
    let all: Vec<i64> = (0..starts.len() as i64).collect();
    let axes = constant::normal_axes(node, axes.as_ref().unwrap_or(&all), sizes.len())?;
    let ones = vec![1; axes.len()];
    let steps = steps.as_ref().unwrap_or(&ones);
    if [starts.len(), ends.len(), steps.len()] != [axes.len(); 3] {
        return Err(refused("axes"));
    }
    let mut strides = [1; 4];
    for (index, &axis) in axes.iter().enumerate() {
        let size = sizes[axis] as i64;
        let whole = starts[index] == 0 && ends[index] >= size && (1..=1 << 16).contains(&steps[index]);
        if !whole || axis < 2 && steps[index] != 1 {
            return Err(refused("steps"));
        }
        strides[axis] = steps[index] as usize;
    }
    take(stream, (strides[2], strides[3]));
    Ok(())
}

/// Puts `before` and `behind` channels of 0 around those of a state.
pub fn pad_channels(
    node: &Node,
    stream: &mut Stream,
    (before, behind): (usize, usize),
    value: f64,
) -> Result<(), Error> {
    if !is_state(stream) || value != 0.0 {
        return Err(node.structure_error(
            "pads the channels of a map that is no state, or with another number than 0",
            "pad with 0 between a residual sum and the Add of its shortcut, read with --state W,F",
        ));
    }
    stream.narrow.get_or_insert(Narrow::ALL).first += before;
    stream.map.c += before + behind;
    stream.dims = stream.nchw();
    Ok(())
}
