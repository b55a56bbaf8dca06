//! What every node does to the map that comes by: one function a group of operations.

use super::builder::{Builder, Decision, pooled};
use super::constant;
use super::graph::Node;
use super::input;
use super::steps::Step;
use super::stream::{Axis, Border, Meaning, Source, Stream, Tail};
use super::weighted;
use crate::network::{Activation, Pool, Shape};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// What a node makes.
pub enum Made {
    Stream(Stream),
    Constant(Tensor),
}

/// The map after `node`, which reads it as input `place`; `others` are the constant inputs.
pub fn apply(
    builder: &mut Builder,
    node: &Node,
    input_name: &str,
    mut stream: Stream,
    place: usize,
    others: &[Option<&Tensor>],
) -> Result<Made, Error> {
    let op = node.op();
    let constant = |index: usize| others.get(index).copied().flatten();
    let needed = |index: usize| {
        constant(index).ok_or_else(|| Error::NotConstant {
            node: node.name(),
            op: op.into(),
            input: node.input(index).unwrap_or("(absent)").into(),
        })
    };
    let shape_only = matches!(
        op,
        "Identity"
            | "Dropout"
            | "Cast"
            | "Reshape"
            | "Flatten"
            | "Squeeze"
            | "Unsqueeze"
            | "Transpose"
            | "Shape"
    );
    if stream.tail.is_some() && !shape_only && !matches!(op, "ArgMax" | "TopK" | "Softmax") {
        return Err(
            node.structure_error("follows the decision on a class", "let the graph end with the decision")
        );
    }
    if stream.border.is_some() && !matches!(op, "Identity" | "Dropout" | "Cast" | "Conv") {
        return Err(node.structure_error("follows a Pad", "let a Conv follow the Pad, or pad in the Conv"));
    }
    match op {
        "Identity" | "Dropout" | "Cast" => {}
        "Shape" => {
            let sizes = stream.sizes().iter().map(|&s| s as f64).collect();
            return Ok(Made::Constant(Tensor::vector(sizes)));
        }
        "Reshape" => {
            let target = constant::reshape_target(node, needed(1)?, &stream.sizes())?;
            reshape(node, &mut stream, &target)?;
        }
        "Flatten" | "Squeeze" | "Unsqueeze" => {
            let axes = constant::axes_input(node, constant(1))?;
            let target = constant::reshaped(node, &stream.sizes(), axes.as_deref())?;
            reshape(node, &mut stream, &target)?;
        }
        "Transpose" => transpose(node, &mut stream)?,
        "Add" | "Sub" | "Mul" | "Div" | "Max" | "Min" => {
            let other = needed(1 - place.min(1))?;
            arithmetic(node, &mut stream, place, other)?;
        }
        "BatchNormalization" => {
            batch_norm(node, &mut stream, [needed(1)?, needed(2)?, needed(3)?, needed(4)?])?
        }
        "Neg" => step(node, &mut stream, Step::Mul(vec![-1.0]))?,
        "Relu" => step(node, &mut stream, Step::Leaky(vec![0.0]))?,
        "LeakyRelu" => {
            let slope = node.float("alpha").unwrap_or(f64::from(0.01f32));
            step(node, &mut stream, Step::Leaky(vec![slope]))?;
        }
        "PRelu" => {
            let slope = stream.per_channel(needed(1)?).map_err(|e| node.shape_error(e))?;
            step(node, &mut stream, Step::Leaky(slope))?;
        }
        "Clip" => {
            let (low, high) = constant::clip_limits(node, others)?;
            step(node, &mut stream, Step::Clip { low, high })?;
        }
        "Tanh" => step(node, &mut stream, Step::Tanh)?,
        "Sigmoid" => step(node, &mut stream, Step::Sigmoid)?,
        "HardSigmoid" => {
            let alpha = node.float("alpha").unwrap_or(f64::from(0.2f32));
            let beta = node.float("beta").unwrap_or(0.5);
            step(node, &mut stream, Step::HardSigmoid { alpha, beta })?;
        }
        "BipolarQuant" | "Sign" | "MultiThreshold" | "Quant" | "IntQuant" => {
            quantise(builder, node, input_name, &mut stream, &needed)?;
        }
        "MaxPool" | "GlobalMaxPool" => max_pool(builder, node, &mut stream)?,
        "GlobalAveragePool" | "AveragePool" => average_pool(builder, node, &mut stream)?,
        "ReduceMean" | "ReduceSum" => reduce(builder, node, &mut stream, constant(1))?,
        "Pad" => pad(node, &mut stream, constant(1), constant(2))?,
        "Conv" if place == 0 => {
            let bias = if node.input(2).is_some() { Some(needed(2)?) } else { None };
            stream = weighted::conv(builder, node, input_name, stream, needed(1)?, bias)?;
        }
        "MatMul" if place == 0 => stream = weighted::matmul(builder, node, input_name, stream, needed(1)?)?,
        "XnorPopcountMatMul" if place == 0 => {
            stream = weighted::xnor(builder, node, input_name, stream, needed(1)?)?;
        }
        "Gemm" if place == 0 => {
            let bias = if node.input(2).is_some() { Some(needed(2)?) } else { None };
            stream = weighted::gemm(builder, node, input_name, stream, needed(1)?, bias)?;
        }
        "Conv" | "MatMul" | "Gemm" | "XnorPopcountMatMul" => {
            return Err(node.structure_error(
                "has its weights on the left and the map on the right",
                "transpose the product so that the map comes first",
            ));
        }
        "Softmax" | "LogSoftmax" | "ArgMax" | "TopK" => decide_class(node, &mut stream, constant(1))?,
        _ => {
            return Err(node.structure_error(
                "is supported on constants only, not on the map",
                "express it by Add, Sub, Mul, Div, BatchNormalization, Clip or MultiThreshold",
            ));
        }
    }
    Ok(Made::Stream(stream))
}

fn reshape(node: &Node, stream: &mut Stream, target: &[usize]) -> Result<(), Error> {
    // A flat input may be given its rows and columns first of all.
    if let ([1, c, h, w], Source::Input, Meaning::Number { steps, .. }) =
        (target, stream.source, &stream.meaning)
        && stream.map.h * stream.map.w == 1
        && *h * *w > 1
        && steps.iter().all(Step::is_uniform)
    {
        stream.map = Shape { c: *c, h: *h, w: *w };
        stream.dims =
            vec![Vec::new(), stream.real(&[Axis::C]), stream.real(&[Axis::H]), stream.real(&[Axis::W])];
        return Ok(());
    }
    stream.reshape(target).map_err(|e| node.shape_error(e))
}

fn transpose(node: &Node, stream: &mut Stream) -> Result<(), Error> {
    let perm = constant::permutation(node, stream.dims.len())?;
    // An image input that is turned from channels-last at once was channels-last in the file.
    if let (Source::Input, Meaning::Number { steps, .. }) = (stream.source, &stream.meaning)
        && perm == [0, 3, 1, 2]
        && stream.is_nchw()
        && steps.iter().all(Step::is_uniform)
    {
        let Shape { c, h, w } = stream.map;
        stream.map = Shape { c: w, h: c, w: h };
        stream.dims =
            vec![Vec::new(), stream.real(&[Axis::C]), stream.real(&[Axis::H]), stream.real(&[Axis::W])];
        return Ok(());
    }
    stream.dims = perm.iter().map(|&p| stream.dims[p].clone()).collect();
    Ok(())
}

/// Applies `step` to the numbers or to the levels of the map.
fn step(node: &Node, stream: &mut Stream, step: Step) -> Result<(), Error> {
    let linear = |what: &str| {
        node.structure_error(
            format!("is not linear, or differs between channels, on {what}"),
            "move it before the quantiser",
        )
    };
    match &mut stream.meaning {
        Meaning::Number { steps, .. } => steps.push(step),
        Meaning::Bits { low, high } => {
            for list in [low, high] {
                list.iter_mut().enumerate().for_each(|(c, v)| *v = step.eval(c, *v));
            }
        }
        Meaning::MeanBits { low, high, .. } => {
            if !step.is_affine() {
                return Err(linear("an average"));
            }
            for list in [low, high] {
                list.iter_mut().enumerate().for_each(|(c, v)| *v = step.eval(c, *v));
            }
        }
        Meaning::Codes { scale, bias } => {
            let Some((a, b)) = step.is_uniform().then(|| step.affine(0)).flatten() else {
                return Err(linear("the quantised input"));
            };
            (*scale, *bias) = (*scale * a, *bias * a + b);
        }
    }
    Ok(())
}

fn arithmetic(node: &Node, stream: &mut Stream, place: usize, other: &Tensor) -> Result<(), Error> {
    let values = stream.per_channel(other).map_err(|e| node.shape_error(e))?;
    let made = match (node.op(), place) {
        ("Add", _) => Step::Add(values),
        ("Mul", _) => Step::Mul(values),
        ("Sub", 0) => Step::Sub(values),
        ("Sub", _) => Step::SubFrom(values),
        ("Div", 0) => {
            if values.contains(&0.0) {
                return Err(node.structure_error("divides by 0", "remove the channel or mend its scale"));
            }
            Step::Div(values)
        }
        ("Max", _) if values.len() == 1 => Step::Clip { low: values[0], high: f64::INFINITY },
        ("Min", _) if values.len() == 1 => Step::Clip { low: f64::NEG_INFINITY, high: values[0] },
        _ => {
            return Err(node.structure_error(
                "divides a constant by the map, or limits it by channel",
                "express it by Add, Sub, Mul, Div, BatchNormalization or Clip",
            ));
        }
    };
    step(node, stream, made)
}

fn batch_norm(node: &Node, stream: &mut Stream, inputs: [&Tensor; 4]) -> Result<(), Error> {
    if node.int("training_mode").unwrap_or(0) != 0 {
        return Err(node.attribute_error("training_mode", 1, "export the model in evaluation mode"));
    }
    let rank = stream.dims.len();
    let mut lists = Vec::with_capacity(4);
    for tensor in inputs {
        let mut dims = vec![1; rank];
        if rank < 2 {
            return Err(node.shape_error("its input has no channel dimension"));
        }
        dims[1] = tensor.values.len();
        let list = stream.per_channel(&Tensor { dims, values: tensor.values.clone() });
        lists.push(list.map_err(|e| node.shape_error(e))?);
    }
    let epsilon = node.float("epsilon").unwrap_or(f64::from(1e-5f32));
    let [gamma, beta, mean, variance] = lists.try_into().unwrap_or_default();
    if variance.iter().any(|v| *v + epsilon <= 0.0) {
        return Err(
            node.structure_error("has a channel of no or negative variance", "use an epsilon above 0")
        );
    }
    step(node, stream, Step::Normalise { gamma, beta, mean, variance, epsilon })
}

fn quantise<'t>(
    builder: &mut Builder,
    node: &Node,
    input_name: &str,
    stream: &mut Stream,
    needed: &dyn Fn(usize) -> Result<&'t Tensor, Error>,
) -> Result<(), Error> {
    let channels = stream.map.c;
    let decision = match node.op() {
        "Sign" => Decision {
            threshold: vec![0.0],
            low: vec![-1.0; channels],
            high: vec![1.0; channels],
            zero_is_zero: true,
        },
        "MultiThreshold" => multi_threshold(node, stream, needed(1)?)?,
        "BipolarQuant" => {
            let scale = stream.per_channel(needed(1)?).map_err(|e| node.shape_error(e))?;
            Decision {
                threshold: vec![0.0],
                low: spread(&scale, channels).map(|s| -s).collect(),
                high: spread(&scale, channels).collect(),
                zero_is_zero: false,
            }
        }
        _ => {
            let quant = constant::quant_of(node, needed(3)?)?;
            let scale = stream.per_channel(needed(1)?).map_err(|e| node.shape_error(e))?;
            let zero = stream.per_channel(needed(2)?).map_err(|e| node.shape_error(e))?;
            if scale.contains(&0.0) {
                return Err(node.structure_error("has a scale of 0", "give the quantiser a scale above 0"));
            }
            if !quant.is_bipolar() {
                if stream.source != Source::Input {
                    return Err(node.attribute_error(
                        "bitwidth",
                        quant.bits,
                        "activations between layers are one bit: use BipolarQuant, or a signed Quant of 1 bit",
                    ));
                }
                let ([scale], [zero]) = (&scale[..], &zero[..]) else {
                    return Err(node.structure_error(
                        "has a scale or zero point for each channel of the input",
                        "give the input's quantiser one scale and one zero point",
                    ));
                };
                stream.meaning = input::quantise(builder, node, input_name, stream, quant, *scale, *zero)?;
                return Ok(());
            }
            let level = |sign: f64| {
                let pairs = spread(&scale, channels).zip(spread(&zero, channels));
                pairs.map(|(s, z)| (sign - z) * s).collect::<Vec<f64>>()
            };
            let (low, high) = (level(-1.0), level(1.0));
            if scale != [1.0] {
                step(node, stream, Step::Div(scale))?;
            }
            if zero != [0.0] {
                step(node, stream, Step::Add(zero))?;
            }
            Decision { threshold: vec![0.0], low, high, zero_is_zero: false }
        }
    };
    match (&stream.meaning, stream.source) {
        (Meaning::Number { .. }, Source::Input) => {
            input::binarise(builder, node, input_name, stream, &decision)?;
        }
        (Meaning::Number { steps, pool }, Source::Layer(index)) => {
            builder.decide_layer(node, index, steps, *pool, &decision)?;
        }
        (Meaning::Bits { low, high }, _) => {
            let again = |c: usize, v: f64| {
                let t = decision.threshold[if decision.threshold.len() == 1 { 0 } else { c }];
                if v >= t { decision.high[c] } else { decision.low[c] }
            };
            if decision.zero_is_zero && low.iter().chain(high).any(|&v| v == 0.0) {
                return Err(Error::SignOfZero { node: node.name(), channel: 0, value: 0 });
            }
            let low: Vec<f64> = low.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            let high: Vec<f64> = high.iter().enumerate().map(|(c, &v)| again(c, v)).collect();
            stream.meaning = Meaning::Bits { low, high };
            return Ok(());
        }
        _ => {
            return Err(node.binary_error(
                "takes the sign of an average of bits or of quantised pixels",
                "take the sign before, or put a layer between",
            ));
        }
    }
    stream.meaning = Meaning::Bits { low: decision.low, high: decision.high };
    Ok(())
}

fn spread(list: &[f64], channels: usize) -> impl Iterator<Item = f64> + '_ {
    (0..channels).map(|c| list[if list.len() == 1 { 0 } else { c }])
}

fn multi_threshold(node: &Node, stream: &Stream, thresholds: &Tensor) -> Result<Decision, Error> {
    let &[channels, steps] = &thresholds.dims[..] else {
        return Err(node.shape_error("its thresholds need the shape (channels, steps)"));
    };
    if steps != 1 {
        return Err(node.binary_error(
            format!("has {steps} thresholds a channel"),
            "activations are one bit: give one threshold a channel",
        ));
    }
    let rank = stream.dims.len();
    let layout = node.text("data_layout").unwrap_or_default();
    let axis = match layout.as_str() {
        "" if rank == 3 => 2,
        "" => 1,
        text => text.find('C').unwrap_or(1),
    };
    if axis >= rank {
        return Err(node.attribute_error("data_layout", &layout, "name the layout that the tensor has"));
    }
    let mut dims = vec![1; rank];
    dims[axis] = channels;
    let threshold = stream
        .per_channel(&Tensor { dims, values: thresholds.values.clone() })
        .map_err(|e| node.shape_error(e))?;
    let (scale, bias) = (node.float("out_scale").unwrap_or(1.0), node.float("out_bias").unwrap_or(0.0));
    let all = stream.map.c;
    Ok(Decision { threshold, low: vec![bias; all], high: vec![scale + bias; all], zero_is_zero: false })
}

fn max_pool(builder: &mut Builder, node: &Node, stream: &mut Stream) -> Result<(), Error> {
    if !stream.is_nchw() {
        return Err(node.shape_error("its input is not (batch, channel, row, column)"));
    }
    let whole = (stream.map.h, stream.map.w);
    let pool = match node.op() {
        "GlobalMaxPool" => Pool { kernel: whole, stride: whole, before_sign: true },
        _ => {
            let kernel = pair_of_kernel(node)?;
            let stride = weighted::pair(node, "strides", (1, 1))?;
            if weighted::pads(node, kernel, stride, whole)? != [0; 4] {
                return Err(node.attribute_error(
                    "pads",
                    node.ints("pads").unwrap_or_default(),
                    "max pooling with padding is not supported; pool without padding",
                ));
            }
            if node.ints("dilations").is_some_and(|d| d.iter().any(|&v| v != 1)) {
                return Err(node.attribute_error("dilations", node.ints("dilations"), "only 1 is supported"));
            }
            let rest = |n: usize, k: usize, s: usize| n >= k && (n - k) % s != 0;
            if node.int("ceil_mode").unwrap_or(0) != 0
                && (rest(whole.0, kernel.0, stride.0) || rest(whole.1, kernel.1, stride.1))
            {
                return Err(node.attribute_error(
                    "ceil_mode",
                    1,
                    "let the windows cover the map exactly, or use 0",
                ));
            }
            Pool { kernel, stride, before_sign: true }
        }
    };
    if pool.kernel == (1, 1) && pool.stride == (1, 1) {
        return Ok(());
    }
    let after = pooled(stream.map, &pool);
    if after.elements() == 0 {
        return Err(node.shape_error("its window is larger than the map"));
    }
    let twice = || node.structure_error("pools a map that is pooled already", "use one pooling a layer");
    let Source::Layer(index) = stream.source else {
        return Err(
            node.structure_error("pools the input", "pool behind the first layer, or shrink the images")
        );
    };
    match &mut stream.meaning {
        Meaning::Number { pool: Some(_), .. } => return Err(twice()),
        Meaning::Number { steps, pool: slot } => *slot = Some((steps.len(), pool)),
        Meaning::Bits { low, high } => {
            let layer = &mut builder.layers[index];
            let Activation::Sign { flip, .. } = &mut layer.activation else { return Err(twice()) };
            if layer.pool.is_some() || layer.sum_pixels || layer.output != stream.map {
                return Err(twice());
            }
            // The maximum is an OR only where bit 1 is the larger level.
            for c in 0..flip.len() {
                if high[c] < low[c] {
                    flip[c] = !flip[c];
                    std::mem::swap(&mut low[c], &mut high[c]);
                }
            }
            layer.pool = Some(Pool { before_sign: false, ..pool });
            layer.output = after;
        }
        _ => return Err(node.structure_error("pools an average", "pool before the average")),
    }
    stream.map = after;
    stream.dims = vec![Vec::new(), stream.real(&[Axis::C]), stream.real(&[Axis::H]), stream.real(&[Axis::W])];
    Ok(())
}

fn pair_of_kernel(node: &Node) -> Result<(usize, usize), Error> {
    if node.ints("kernel_shape").is_none_or(<[i64]>::is_empty) {
        return Err(node.attribute_error("kernel_shape", "absent", "name the window's rows and columns"));
    }
    weighted::pair(node, "kernel_shape", (1, 1))
}

fn average_pool(builder: &mut Builder, node: &Node, stream: &mut Stream) -> Result<(), Error> {
    if !stream.is_nchw() {
        return Err(node.shape_error("its input is not (batch, channel, row, column)"));
    }
    let whole = (stream.map.h, stream.map.w);
    if node.op() == "AveragePool" {
        let kernel = pair_of_kernel(node)?;
        let stride = weighted::pair(node, "strides", (1, 1))?;
        if kernel != whole || weighted::pads(node, kernel, stride, whole)? != [0; 4] {
            return Err(node.attribute_error(
                "kernel_shape",
                kernel,
                &format!(
                    "average over the whole map ({} rows, {} columns) without padding",
                    whole.0, whole.1
                ),
            ));
        }
    }
    average(builder, node, stream, true)?;
    stream.dims = vec![Vec::new(), stream.real(&[Axis::C]), Vec::new(), Vec::new()];
    Ok(())
}

fn reduce(
    builder: &mut Builder,
    node: &Node,
    stream: &mut Stream,
    axes: Option<&Tensor>,
) -> Result<(), Error> {
    let axes = constant::axes_input(node, axes)?
        .ok_or_else(|| node.attribute_error("axes", "absent", "reduce the rows and columns"))?;
    let axes = constant::normal_axes(node, &axes, stream.dims.len())?;
    let mut covered: Vec<Axis> = axes.iter().flat_map(|&a| stream.dims[a].clone()).collect();
    covered.sort_by_key(|&a| a as usize);
    if covered != stream.real(&[Axis::H, Axis::W]) || axes.contains(&0) {
        return Err(node.attribute_error("axes", axes, "reduce exactly the rows and columns of the map"));
    }
    average(builder, node, stream, node.op() == "ReduceMean")?;
    let keep = node.int("keepdims").unwrap_or(1) != 0;
    let dims = std::mem::take(&mut stream.dims);
    stream.dims = dims
        .into_iter()
        .enumerate()
        .filter(|(i, _)| keep || !axes.contains(i))
        .map(|(i, dim)| if axes.contains(&i) { Vec::new() } else { dim })
        .collect();
    Ok(())
}

/// Sums (or averages) all pixels of a channel; `dims` is left to the caller.
fn average(builder: &mut Builder, node: &Node, stream: &mut Stream, divide: bool) -> Result<(), Error> {
    let pixels = stream.map.pixels();
    if pixels == 1 {
        return Ok(());
    }
    let divisor = if divide { pixels as f64 } else { 1.0 };
    let refuse = |what: &str, help: &str| Err(node.structure_error(what, help));
    match (&mut stream.meaning, stream.source) {
        (Meaning::Number { steps, pool: None }, Source::Layer(index)) => {
            if !steps.iter().all(Step::is_affine) || (!divide && !steps.is_empty()) {
                return refuse(
                    "averages numbers that went through a bend, or sums scaled ones",
                    "average the plain accumulators",
                );
            }
            let layer = &mut builder.layers[index];
            if layer.sum_pixels || layer.fan_in().saturating_mul(pixels) > (1 << 22) {
                return Err(Error::TooLarge {
                    what: format!("the sum of node '{}'", node.name()),
                    limit: format!("{} inputs", 1 << 22),
                });
            }
            layer.sum_pixels = true;
            layer.output = Shape::vector(layer.conv.c);
            // Linear steps commute with the mean, so the division may come first.
            steps.insert(0, Step::Div(vec![divisor]));
        }
        (Meaning::Bits { low, high }, Source::Layer(_)) => {
            let (low, high) = (std::mem::take(low), std::mem::take(high));
            stream.meaning = Meaning::MeanBits { low, high, divisor };
            return Ok(());
        }
        _ => {
            return refuse(
                "averages the input, or a map that is pooled already",
                "average behind a layer or its sign",
            );
        }
    }
    stream.map = Shape::vector(stream.map.c);
    Ok(())
}

fn pad(node: &Node, stream: &mut Stream, pads: Option<&Tensor>, value: Option<&Tensor>) -> Result<(), Error> {
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

fn decide_class(node: &Node, stream: &mut Stream, k: Option<&Tensor>) -> Result<(), Error> {
    let vector = stream.map.pixels() == 1 && stream.dims.len() >= 2;
    let axis = node.int("axis").unwrap_or(if node.op() == "ArgMax" { 0 } else { -1 });
    let place = if axis < 0 { axis.saturating_add(stream.dims.len() as i64) } else { axis };
    let on_classes = usize::try_from(place)
        .ok()
        .and_then(|a| stream.dims.get(a))
        .is_some_and(|d| *d == stream.real(&[Axis::C]));
    if !vector || !on_classes {
        return Err(node.attribute_error("axis", axis, "decide over the classes of a (batch, class) vector"));
    }
    stream.tail = Some(match node.op() {
        "TopK" => {
            let k = node.int("k").or_else(|| k.and_then(|t| t.values.first()).map(|&v| v as i64));
            let valid = k.and_then(|k| usize::try_from(k).ok()).filter(|k| (1..=stream.map.c).contains(k));
            if node.int("largest").unwrap_or(1) == 0 {
                return Err(node.attribute_error("largest", 0, "take the largest scores"));
            }
            Tail::TopK(
                valid
                    .ok_or_else(|| node.attribute_error("k", k, "take at least 1 and at most all classes"))?,
            )
        }
        "ArgMax" if node.int("select_last_index").unwrap_or(0) != 0 => {
            return Err(node.attribute_error("select_last_index", 1, "a tie goes to the lowest index"));
        }
        _ => stream.tail.unwrap_or(Tail::Order),
    });
    Ok(())
}
