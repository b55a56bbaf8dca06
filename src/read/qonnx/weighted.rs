//! Weighted nodes: Conv, MatMul, Gemm, XnorPopcountMatMul into layers.

use super::branch;
use super::builder::{Builder, Levels, Plan};
use super::flips::Codes;
use super::graph::Node;
use super::input;
use super::narrow;
use super::steps::Step;
use super::stream::{Axis, Border, Meaning, Source, Stream};
use crate::network::{PadValue, Padding, Shape};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// Constant weights, the tensors whose sum they are where they are one, and their flip codes.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub whole: &'a Tensor,
    pub addends: &'a [Tensor],
    pub flips: Option<&'a Codes>,
}

/// A convolution with constant weights (out, in, rows, columns) and an optional bias.
pub fn conv(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    mut stream: Stream,
    values: Values,
    bias: Option<&Tensor>,
) -> Result<Stream, Error> {
    let weights = values.whole;
    if matches!(weights.dims.len(), 3 | 5) {
        return Err(node.structure_error(
            format!("convolves over {} axis or axes, and not over rows and columns", weights.dims.len() - 2),
            "a convolution over one axis is one of kernel (1, k) on a map of one row: Unsqueeze input and weights",
        ));
    }
    let &[_, inputs, kh, kw] = &weights.dims[..] else {
        return Err(
            node.shape_error(format!("its weights have the shape {:?}, not 4 dimensions", weights.dims))
        );
    };
    if let Some(group) = node.int("group").filter(|&group| group != 1) {
        return Err(node.attribute_error(
            "group",
            group,
            "only 1 is supported: every output channel reads all input channels (depthwise and grouped convolutions do not)",
        ));
    }
    if let Some(dilations) = node.ints("dilations").filter(|list| list.iter().any(|&d| d != 1)) {
        return Err(node.attribute_error("dilations", dilations, "only 1 is supported"));
    }
    if !stream.is_nchw() || inputs != stream.map.c {
        let sizes = stream.sizes();
        return Err(node.shape_error(format!(
            "weights {:?} do not fit its input {sizes:?} (batch, channel, row, column)",
            weights.dims
        )));
    }
    let kernel = (kh, kw);
    if let Some(shape) = node.ints("kernel_shape").filter(|k| !k.is_empty() && *k != [kh as i64, kw as i64]) {
        return Err(node.attribute_error("kernel_shape", shape, "make it equal to the weights' shape"));
    }
    if narrow::is_state(&stream) && builder.fixed.state.is_some() {
        return branch::conv(builder, node, name, stream, values, bias);
    }
    let stride = pair(node, "strides", (1, 1))?;
    let mut border = stream.border.take();
    let own = pads(node, kernel, stride, (stream.map.h, stream.map.w))?;
    if own != [0; 4] {
        if border.is_some() {
            return Err(node.structure_error(
                "pads a map that a Pad node has padded already",
                "do all padding in one of the two",
            ));
        }
        let [top, left, bottom, right] = own;
        border = Some(Border { top, left, bottom, right, value: 0.0 });
    }
    convolution(builder, node, name, stream, values, Windows { stride, border }, bias)
}

/// Where the windows of a convolution lie.
pub struct Windows {
    pub stride: (usize, usize),
    pub border: Option<Border>,
}

/// A convolution with weights (out, in, rows, columns) that fit the map.
pub fn convolution(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    mut stream: Stream,
    values: Values,
    Windows { stride, border }: Windows,
    bias: Option<&Tensor>,
) -> Result<Stream, Error> {
    let &[outputs, inputs, kh, kw] = &values.whole.dims[..] else {
        return Err(node.shape_error("its weights have not 4 dimensions"));
    };
    let kernel = (kh, kw);
    settle_input(builder, node, name, &mut stream)?;
    let levels = builder.levels(node, &stream)?;
    if matches!(stream.meaning, Meaning::MeanBits { .. }) {
        return Err(node.structure_error(
            "convolves an average of bits",
            "an average over the whole map may be followed by a dense layer only",
        ));
    }
    let padding = match border {
        None => Padding::NONE,
        Some(b) => {
            let value = pad_value(node, b.value, &levels, &stream)?;
            Padding { top: b.top, left: b.left, bottom: b.bottom, right: b.right, value }
        }
    };
    if let (true, Some(coding)) = (builder.layers.is_empty(), &mut builder.coding) {
        coding.code = coding.code.padded(&padding);
    }
    if padding.top.max(padding.bottom) >= kh || padding.left.max(padding.right) >= kw {
        return Err(node.attribute_error("pads", padding, "pad less than the kernel's size"));
    }
    let size = |n: usize, pad: usize, k: usize, s: usize| (n + pad).checked_sub(k).map(|free| free / s + 1);
    let (Some(h), Some(w)) = (
        size(stream.map.h, padding.top + padding.bottom, kh, stride.0),
        size(stream.map.w, padding.left + padding.right, kw, stride.1),
    ) else {
        return Err(node.shape_error("its kernel is larger than the padded map"));
    };
    let conv = Shape { c: outputs, h, w };
    let taps: Vec<(usize, usize)> = (0..inputs * kh * kw)
        .map(|k| {
            let (channel, y, x) = (k / (kh * kw), k / kw % kh, k % kw);
            ((y * kw + x) * inputs + channel, channel)
        })
        .collect();
    let plan = Plan { op: "conv", kernel, stride, padding, conv, outputs, sum_pixels: false, taps: &taps };
    let fan_in = taps.len();
    let meaning = builder.add_layer(node, &stream, &levels, plan, values, &|o, k| o * fan_in + k)?;
    let mut made = Stream {
        source: Source::Layer(builder.layers.len() - 1),
        map: conv,
        dims: Vec::new(),
        meaning,
        border: None,
        narrow: None,
        upper: false,
        tail: None,
    };
    made.dims = made.nchw();
    if let Some(bias) = bias {
        let tensor = Tensor { dims: vec![bias.values.len(), 1, 1], values: bias.values.clone() };
        add_bias(node, &mut made, &tensor, outputs)?;
    }
    Ok(made)
}

/// A product with constant weights, of which `place(o, k)` is the place and (inputs, outputs) the number.
pub fn dense(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    mut stream: Stream,
    (inputs, outputs): (usize, usize),
    values: Values,
    place: &dyn Fn(usize, usize) -> usize,
) -> Result<Stream, Error> {
    let sizes = stream.sizes();
    let Some((last, rest)) = stream.dims.split_last() else {
        return Err(node.shape_error("its input is a scalar"));
    };
    let last = last.clone();
    let other: Vec<Axis> = rest.concat();
    if stream.border.is_some() || sizes.last() != Some(&inputs) {
        return Err(node.shape_error(format!("weights for {inputs} inputs do not fit its input {sizes:?}")));
    }
    let whole = other.is_empty();
    let mean = matches!(stream.meaning, Meaning::MeanBits { .. });
    if !whole && (other.contains(&Axis::C) || last.iter().any(|&a| a != Axis::C)) {
        return Err(
            node.shape_error(format!("its input {sizes:?} is neither a vector nor a map with channels last"))
        );
    }
    settle_input(builder, node, name, &mut stream)?;
    let levels = builder.levels(node, &stream)?;
    // The mean of a map's pixels times weights is the mean of a 1x1 convolution.
    let point = mean || !whole;
    let map = stream.map;
    let kernel = if point { (1, 1) } else { (map.h, map.w) };
    let conv = if point { Shape { c: outputs, ..map } } else { Shape::vector(outputs) };
    let taps: Vec<(usize, usize)> = (0..inputs)
        .map(|k| {
            let [c, y, x] = stream.coordinates(&last, k);
            ((y * map.w + x) * map.c + c, c)
        })
        .collect();
    let op = if whole { "dense" } else { "conv" };
    let plan = Plan {
        op,
        kernel,
        stride: (1, 1),
        padding: Padding::NONE,
        conv,
        outputs,
        sum_pixels: mean,
        taps: &taps,
    };
    let meaning = builder.add_layer(node, &stream, &levels, plan, values, place)?;
    let mut made = Stream {
        source: Source::Layer(builder.layers.len() - 1),
        map: if mean { Shape::vector(outputs) } else { conv },
        dims: stream.dims,
        meaning,
        border: None,
        narrow: None,
        upper: false,
        tail: None,
    };
    let channel = made.real(&[Axis::C]);
    if let Some(last) = made.dims.last_mut() {
        *last = channel;
    }
    Ok(made)
}

/// Makes a layer of the average of activations over all pixels: each channel's sum, by weights of 1 and 0.
pub fn average(builder: &mut Builder, node: &Node, stream: &mut Stream) -> Result<(), Error> {
    let (map, channels) = (stream.map, stream.map.c);
    let levels = builder.levels(node, stream)?;
    let taps: Vec<(usize, usize)> = (0..channels).map(|c| (c, c)).collect();
    let whole = Tensor {
        dims: vec![channels, channels],
        values: (0..channels * channels).map(|at| f64::from(u8::from(at % (channels + 1) == 0))).collect(),
    };
    let plan = Plan {
        op: "conv",
        kernel: (1, 1),
        stride: (1, 1),
        padding: Padding::NONE,
        conv: map,
        outputs: channels,
        sum_pixels: true,
        taps: &taps,
    };
    let values = Values { whole: &whole, addends: &[], flips: None };
    let place = |o: usize, k: usize| o * channels + k;
    stream.meaning = builder.add_layer(node, stream, &levels, plan, values, &place)?;
    stream.source = Source::Layer(builder.layers.len() - 1);
    stream.map = Shape::vector(channels);
    Ok(())
}

/// MatMul with weights (in, out) on the right.
pub fn matmul(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: Stream,
    values: Values,
) -> Result<Stream, Error> {
    let (inputs, outputs) = matrix(node, values.whole)?;
    dense(builder, node, name, stream, (inputs, outputs), values, &|o, k| k * outputs + o)
}

/// Gemm: alpha * input * weights + beta * bias.
pub fn gemm(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    stream: Stream,
    values: Values,
    bias: Option<&Tensor>,
) -> Result<Stream, Error> {
    if node.int("transA").unwrap_or(0) != 0 {
        return Err(node.attribute_error("transA", 1, "give the input untransposed"));
    }
    let (alpha, beta) = (node.float("alpha").unwrap_or(1.0), node.float("beta").unwrap_or(1.0));
    let (rows, columns) = matrix(node, values.whole)?;
    let transposed = node.int("transB").unwrap_or(0) != 0;
    let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
    let place = |o: usize, k: usize| if transposed { o * columns + k } else { k * columns + o };
    let times_alpha = |value: f64| alpha * value;
    let whole = each(values.whole, times_alpha);
    let addends: Vec<Tensor> = values.addends.iter().map(|addend| each(addend, times_alpha)).collect();
    let values = Values { whole: &whole, addends: &addends, flips: values.flips };
    let mut made = dense(builder, node, name, stream, (inputs, outputs), values, &place)?;
    if let Some(bias) = bias {
        let scaled =
            Tensor { dims: bias.dims.clone(), values: bias.values.iter().map(|v| v * beta).collect() };
        add_bias(node, &mut made, &scaled, outputs)?;
    }
    Ok(made)
}

/// XnorPopcountMatMul: bits {0, 1} on both sides, counts of equal bits out.
pub fn xnor(
    builder: &mut Builder,
    node: &Node,
    name: &str,
    mut stream: Stream,
    values: Values,
) -> Result<Stream, Error> {
    let (inputs, outputs) = matrix(node, values.whole)?;
    match &mut stream.meaning {
        Meaning::Bits { low, high, steps: 1 }
            if low.iter().all(|&v| v == 0.0) && high.iter().all(|&v| v == 1.0) =>
        {
            low.fill(-1.0);
        }
        _ => {
            return Err(node.binary_error(
                "its input is not of bits 0 and 1",
                "give it the output of a MultiThreshold with out_dtype BINARY",
            ));
        }
    }
    if values.whole.values.iter().any(|&w| w != 0.0 && w != 1.0) {
        return Err(node.binary_error("its weights are not all 0 or 1", "store the weights as bits 0 and 1"));
    }
    let signs = each(values.whole, |bit| 2.0 * bit - 1.0);
    let values = Values { whole: &signs, addends: &[], flips: values.flips };
    let mut made = dense(builder, node, name, stream, (inputs, outputs), values, &|o, k| k * outputs + o)?;
    if let Meaning::Number { steps, .. } = &mut made.meaning {
        steps.extend([Step::Add(vec![inputs as f64]), Step::Mul(vec![0.5])]);
    }
    Ok(made)
}

fn each(tensor: &Tensor, of: impl Fn(f64) -> f64) -> Tensor {
    Tensor { dims: tensor.dims.clone(), values: tensor.values.iter().map(|&value| of(value)).collect() }
}

fn matrix(node: &Node, weights: &Tensor) -> Result<(usize, usize), Error> {
    match weights.dims[..] {
        [rows, columns] => Ok((rows, columns)),
        _ => {
            Err(node.shape_error(format!("its weights have the shape {:?}, not 2 dimensions", weights.dims)))
        }
    }
}

fn add_bias(node: &Node, made: &mut Stream, bias: &Tensor, outputs: usize) -> Result<(), Error> {
    if bias.values.len() != outputs && bias.values.len() != 1 {
        return Err(node.shape_error(format!("{} bias values for {outputs} outputs", bias.values.len())));
    }
    let values = made.per_channel(bias).map_err(|e| e.at(node))?;
    if let Meaning::Number { steps, .. } = &mut made.meaning
        && values.iter().any(|&v| v != 0.0)
    {
        steps.push(Step::Add(values));
    }
    Ok(())
}

/// An input that no quantiser has coded goes in as raw pixels.
fn settle_input(builder: &mut Builder, node: &Node, name: &str, stream: &mut Stream) -> Result<(), Error> {
    if stream.source == Source::Input && matches!(stream.meaning, Meaning::Number { .. }) {
        stream.meaning = match builder.fixed.ends {
            Some(ends) if !input::is_scaled(stream) => {
                input::rounded(builder, node, name, stream, ends.bits)?
            }
            _ => input::raw_pixels(builder, node, name, stream)?,
        };
    }
    Ok(())
}

/// The level that the number `value` outside the map stands for.
fn pad_value(node: &Node, value: f64, levels: &Levels, stream: &Stream) -> Result<PadValue, Error> {
    let bits = matches!(stream.meaning, Meaning::Bits { .. });
    let level =
        |c: usize| (value - levels.bias[c]) / if levels.negate[c] { -levels.scale } else { levels.scale };
    let near = |level: f64, wanted: f64| (level - wanted).abs() < 1e-9;
    let first = level(0);
    if (1..levels.bias.len()).any(|c| !near(level(c), first)) {
        return Err(node.structure_error(
            format!("pads with {value}, which is not the same level in every channel"),
            "pad with 0, or give all channels the same levels",
        ));
    }
    let most = levels.steps as f64;
    match first {
        level if near(level, 0.0) => Ok(PadValue::Zero),
        level if bits && near(level, most) => Ok(PadValue::Plus),
        level if bits && near(level, -most) => Ok(PadValue::Minus),
        _ => Err(node.structure_error(
            format!("pads with {value}, which is no level of the map, or one between its ends that is not its middle"),
            "pad with 0 where the levels are symmetric, else with the lowest or the highest level of the activation",
        )),
    }
}

/// A pair of sizes of at least 1 (height, width).
pub fn pair(node: &Node, attribute: &str, default: (usize, usize)) -> Result<(usize, usize), Error> {
    match node.ints(attribute) {
        None | Some([]) => Ok(default),
        Some(&[h, w]) if (1..=1 << 16).contains(&h) && (1..=1 << 16).contains(&w) => {
            Ok((h as usize, w as usize))
        }
        Some(other) => {
            Err(node.attribute_error(attribute, other, "give two numbers of at least 1: rows, columns"))
        }
    }
}

/// Padding [top, left, bottom, right] by `pads` or `auto_pad`.
pub fn pads(
    node: &Node,
    kernel: (usize, usize),
    stride: (usize, usize),
    map: (usize, usize),
) -> Result<[usize; 4], Error> {
    let mode = node.text("auto_pad").unwrap_or_default();
    match mode.as_str() {
        "" | "NOTSET" => {}
        "VALID" => return Ok([0; 4]),
        "SAME_UPPER" | "SAME_LOWER" => {
            let total = |n: usize, k: usize, s: usize| ((n.div_ceil(s) - 1) * s + k).saturating_sub(n);
            let (rows, columns) = (total(map.0, kernel.0, stride.0), total(map.1, kernel.1, stride.1));
            let (top, left) = match mode.as_str() {
                "SAME_UPPER" => (rows / 2, columns / 2),
                _ => (rows.div_ceil(2), columns.div_ceil(2)),
            };
            return Ok([top, left, rows - top, columns - left]);
        }
        _ => {
            return Err(node.attribute_error(
                "auto_pad",
                &mode,
                "use NOTSET, VALID, SAME_UPPER or SAME_LOWER",
            ));
        }
    }
    match node.ints("pads") {
        None | Some([]) => Ok([0; 4]),
        Some(&[t, l, b, r]) if [t, l, b, r].iter().all(|p| (0..=1 << 16).contains(p)) => {
            Ok([t as usize, l as usize, b as usize, r as usize])
        }
        Some(other) => Err(node.attribute_error(
            "pads",
            other,
            "give four numbers of at least 0: top, left, bottom, right",
        )),
    }
}
