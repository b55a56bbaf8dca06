//! Convolutions of states: the branch that narrows beside a residual block, an average of windows and a 1x1 convolution of real
//! weights (Bi-Real Net, Liu et al., ECCV 2018), and others that read a state as levels.

use super::builder::Builder;
use super::graph::Node;
use super::state;
use super::stream::{Meaning, Narrow, Source, Stream};
use super::weighted::{self, Values, Windows};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// A convolution of a state, which it reads as levels, or of averages of its windows: of those one of one pixel, whose
/// weights then stand at each of a window's pixels.
pub fn conv(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    mut stream: Stream,
    values: Values,
    bias: Option<&Tensor>,
) -> Result<Stream, Error> {
    let Source::Sum(index) = stream.source else { return Err(node.shape_error("reads no state")) };
    let Narrow { stride, window, .. } = stream.narrow.take().unwrap_or(Narrow::ALL);
    let own = weighted::pair(node, "strides", (1, 1))?;
    let &[outputs, inputs, kh, kw] = &values.whole.dims[..] else {
        return Err(node.shape_error("its weights have not 4 dimensions"));
    };
    let pads = weighted::pads(node, (kh, kw), own, (stream.map.h, stream.map.w))?;
    let point = (kh, kw) == (1, 1) && pads == [0; 4];
    if (stride != (1, 1) || window != (1, 1)) && !point {
        return Err(node.structure_error(
            format!("is a convolution of {kh} x {kw} pixels of averages, or of some pixels, of a state"),
            "only one of one pixel, without padding, may follow an AveragePool or a Slice",
        ));
    }
    let (low, high, steps) = state::levels(builder, node, &stream, index)?;
    stream.meaning = Meaning::Bits { low, high, steps };
    stream.source = Source::Layer(index);
    stream.map = builder.layers[index].output;
    stream.dims = stream.nchw();
    if !point {
        return weighted::conv(builder, node, name, stream, values, bias);
    }
    let pixels = window.0 * window.1;
    let repeated = |tensor: &Tensor| Tensor {
        dims: vec![outputs, inputs, window.0, window.1],
        values: tensor
            .values
            .iter()
            .flat_map(|value| std::iter::repeat_n(value / pixels as f64, pixels))
            .collect(),
    };
    let whole = repeated(values.whole);
    let addends: Vec<Tensor> = values.addends.iter().map(repeated).collect();
    let values = Values { whole: &whole, addends: &addends, flips: values.flips };
    let stride = (stride.0 * own.0, stride.1 * own.1);
    weighted::convolution(builder, node, name, stream, values, Windows { stride, border: None }, bias)
}
