//! Pooling nodes: maxima over windows, sums and averages over whole maps.

use super::builder::{Builder, MAX_FAN_IN, pooled};
use super::constant;
use super::graph::Node;
use super::narrow;
use super::nodes::step;
use super::state;
use super::steps::Step;
use super::stream::{Axis, Meaning, Source, Stream};
use super::weighted;
use crate::network::{Activation, Pool, Shape};
use crate::read::Error;
use crate::read::onnx::Tensor;

pub fn max_pool(builder: &mut Builder, node: &Node, stream: &mut Stream) -> Result<(), Error> {
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
            if let Some(dilations) = node.ints("dilations").filter(|list| list.iter().any(|&d| d != 1)) {
                return Err(node.attribute_error("dilations", dilations, "only 1 is supported"));
            }
            let rest = |n: usize, k: usize, s: usize| n >= k && !(n - k).is_multiple_of(s);
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
    if pool.kernel == (1, 1) && narrow::is_state(stream) {
        narrow::take(stream, pool.stride);
        return Ok(());
    }
    let after = pooled(stream.map, &pool);
    if after.elements() == 0 {
        return Err(node.shape_error("its window is larger than the map"));
    }
    let twice = || node.structure_error("pools a map that is pooled already", "use one pooling a layer");
    let index = match stream.source {
        Source::Layer(index) if !builder.layers[index].shortcut.adds => index,
        Source::Layer(_) | Source::Sum(_) => {
            return Err(node.structure_error(
                "pools a map that a shortcut was added to",
                "pool behind the next layer, which then may begin a shortcut",
            ));
        }
        Source::Input => {
            return Err(
                node.structure_error("pools the input", "pool behind the first layer, or shrink the images")
            );
        }
    };
    match &mut stream.meaning {
        Meaning::Number { pool: Some(_), .. } => return Err(twice()),
        Meaning::Number { steps, pool: slot } => *slot = Some((steps.len(), pool)),
        Meaning::Bits { low, high, .. } => {
            let layer = &mut builder.layers[index];
            let scores = layer.activation == Activation::Scores;
            if scores || layer.pool.is_some() || layer.sum_pixels || layer.output != stream.map {
                return Err(twice());
            }
            // The maximum is an OR only where bit 1 is the larger level.
            for c in 0..low.len() {
                if high[c] < low[c] {
                    layer.turn_bits(c);
                    std::mem::swap(&mut low[c], &mut high[c]);
                }
            }
            layer.pool = Some(Pool { before_sign: false, ..pool });
            layer.output = after;
        }
        _ => return Err(node.structure_error("pools an average", "pool before the average")),
    }
    stream.map = after;
    stream.dims = stream.nchw();
    Ok(())
}

fn pair_of_kernel(node: &Node) -> Result<(usize, usize), Error> {
    if node.ints("kernel_shape").is_none_or(<[i64]>::is_empty) {
        return Err(node.attribute_error("kernel_shape", "absent", "name the window's rows and columns"));
    }
    weighted::pair(node, "kernel_shape", (1, 1))
}

pub fn average_pool(builder: &mut Builder, node: &Node, stream: &mut Stream) -> Result<(), Error> {
    if !stream.is_nchw() {
        return Err(node.shape_error("its input is not (batch, channel, row, column)"));
    }
    let whole = (stream.map.h, stream.map.w);
    if node.op() == "AveragePool" {
        let kernel = pair_of_kernel(node)?;
        let stride = weighted::pair(node, "strides", (1, 1))?;
        if kernel == (1, 1)
            && narrow::is_state(stream)
            && weighted::pads(node, kernel, stride, whole)? == [0; 4]
        {
            narrow::take(stream, stride);
            return Ok(());
        }
        let inside = kernel.0 <= whole.0 && kernel.1 <= whole.1;
        let unpadded = weighted::pads(node, kernel, stride, whole)? == [0; 4];
        let state = narrow::is_state(stream) && stream.narrow.is_none();
        if kernel != whole && inside && unpadded && state && node.int("ceil_mode").unwrap_or(0) == 0 {
            narrow::average(stream, kernel, stride);
            return Ok(());
        }
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

pub fn reduce(
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
    let divisor = pixels as f64;
    match (&mut stream.meaning, stream.source) {
        (Meaning::Number { steps, pool: None }, Source::Layer(index))
            if steps.iter().all(Step::is_affine) =>
        {
            let last = index + 1 == builder.layers.len();
            let layer = &mut builder.layers[index];
            let used = layer.activation != Activation::Scores || layer.shortcut.adds;
            if !last || layer.sum_pixels || used {
                return Err(Error::Residual { node: node.name(), op: node.op().into() });
            }
            if layer.fan_in().saturating_mul(pixels) > MAX_FAN_IN {
                return Err(Error::TooLarge {
                    what: format!("the sum of node '{}'", node.name()),
                    limit: format!("{MAX_FAN_IN} inputs"),
                });
            }
            layer.sum_pixels = true;
            layer.output = Shape::vector(layer.conv.c);
            stream.map = layer.output;
            // Linear steps commute with the mean, so the division may come first.
            steps.insert(0, Step::Div(vec![divisor]));
        }
        (Meaning::Bits { low, high, steps }, Source::Layer(_)) => {
            let (low, high, steps) = (std::mem::take(low), std::mem::take(high), *steps);
            stream.meaning = Meaning::MeanBits { low, high, steps, divisor };
        }
        (Meaning::Number { .. }, Source::Sum(index)) => {
            let (low, high, steps) = state::levels(builder, node, stream, index)?;
            stream.source = Source::Layer(index);
            stream.meaning = Meaning::MeanBits { low, high, steps, divisor };
        }
        _ => {
            return Err(node.structure_error(
                "averages the input, a map that is pooled already, or numbers behind a bend",
                "average right behind a layer, its linear operations or its sign",
            ));
        }
    }
    // A sum is the mean times the number of pixels.
    if divide { Ok(()) } else { step(node, stream, Step::Mul(vec![divisor])) }
}
