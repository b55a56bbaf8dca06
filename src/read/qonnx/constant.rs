//! Nodes whose inputs are all constants, evaluated while reading (weights, shapes, scales).
//!
//! Arithmetic is `f64`. A result may have `room` elements at most, which the caller takes from a budget, so
//! a chain of broadcasts exhausts neither memory nor patience.

use super::graph::Node;
use super::quant::{Quant, Rounding};
use crate::read::Error;
use crate::read::onnx::{MAX_ELEMENTS, Tensor};

/// The value of `node` for constant inputs (`None` for an input that is left out).
pub fn evaluate(node: &Node, inputs: &[Option<&Tensor>], room: usize) -> Result<Tensor, Error> {
    let first = || inputs.first().copied().flatten().ok_or_else(|| node.shape_error("has no first input"));
    let second = || inputs.get(1).copied().flatten().ok_or_else(|| node.shape_error("has no second input"));
    let unary = |f: &dyn Fn(f64) -> f64| {
        first().map(|t| Tensor { dims: t.dims.clone(), values: t.values.iter().map(|&v| f(v)).collect() })
    };
    let binary = |f: &dyn Fn(f64, f64) -> f64| {
        broadcast(first()?, second()?, f, room).map_err(|e| node.shape_error(e))
    };
    match node.op() {
        "Constant" => constant(node),
        "Identity" | "Dropout" => first().cloned(),
        "Cast" => match node.int("to") {
            Some(2..=7) => unary(&f64::trunc),
            _ => unary(&|v| v),
        },
        "Abs" => unary(&f64::abs),
        "Neg" => unary(&|v| -v),
        "Sqrt" => unary(&f64::sqrt),
        "Exp" => unary(&f64::exp),
        "Log" => unary(&f64::ln),
        "Reciprocal" => unary(&|v| 1.0 / v),
        "Relu" => unary(&|v| v.max(0.0)),
        "Tanh" => unary(&f64::tanh),
        "Sign" => unary(&|v| if v == 0.0 { 0.0 } else { v.signum() }),
        "Clip" => {
            let (low, high) = clip_limits(node, inputs)?;
            unary(&|v| v.max(low).min(high))
        }
        "Add" => binary(&|a, b| a + b),
        "Sub" => binary(&|a, b| a - b),
        "Mul" => binary(&|a, b| a * b),
        "Div" => binary(&|a, b| a / b),
        "Pow" => binary(&f64::powf),
        "Max" => binary(&f64::max),
        "Min" => binary(&f64::min),
        "BipolarQuant" => {
            quantisable(node, first()?, second()?)?;
            binary(&|x, scale| if x >= 0.0 { scale } else { -scale })
        }
        "Quant" | "IntQuant" => quantise(node, inputs, room),
        "Shape" => Ok(shape(node, &first()?.dims)),
        "ConstantOfShape" => {
            let dims = sizes(node, first()?)?;
            let value = match node.tensor("value") {
                Some(proto) => Tensor::decode(proto)?.values.first().copied().unwrap_or(0.0),
                None => 0.0,
            };
            filled(dims, value, room).map_err(|e| node.shape_error(e))
        }
        "Expand" => {
            let ones = filled(sizes(node, second()?)?, 1.0, room).map_err(|e| node.shape_error(e))?;
            broadcast(first()?, &ones, |a, b| a * b, room).map_err(|e| node.shape_error(e))
        }
        "Transpose" => transpose(node, first()?),
        "Reshape" => {
            let tensor = first()?;
            let dims = reshape_target(node, second()?, &tensor.dims)?;
            Ok(Tensor { dims, values: tensor.values.clone() })
        }
        "Flatten" | "Squeeze" | "Unsqueeze" => {
            let tensor = first()?;
            let axes = axes_input(node, inputs.get(1).copied().flatten())?;
            let dims = reshaped(node, &tensor.dims, axes.as_deref())?;
            Ok(Tensor { dims, values: tensor.values.clone() })
        }
        "Concat" => concat(node, inputs, room),
        "Gather" => gather(node, first()?, second()?, room),
        "Slice" => slice(node, inputs),
        "ReduceMean" | "ReduceSum" | "ReduceMax" => reduce(node, inputs),
        _ => Err(node.structure_error(
            "has only constant inputs, and this operation is not evaluated on constants",
            "fold it into an initialiser (qonnx-cleanup does)",
        )),
    }
}

/// The sizes that a Shape node gives, from its attribute `start` to `end`.
pub fn shape(node: &Node, sizes: &[usize]) -> Tensor {
    let rank = sizes.len() as i64;
    let place = |name: &str, default: i64| {
        let at = node.int(name).unwrap_or(default);
        (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
    };
    let (start, end) = (place("start", 0), place("end", rank));
    Tensor::vector(sizes[start..end.max(start)].iter().map(|&size| size as f64).collect())
}

/// Refuses to quantise what is not a number, or by a scale that is none or 0.
fn quantisable(node: &Node, values: &Tensor, scale: &Tensor) -> Result<(), Error> {
    let help = "a training that diverged or weights that were never loaded leave such values; 1-bit weights need a BINARY \
                quantiser, not INT, whose scale is then not a number";
    if let Some(scale) = scale.values.iter().find(|scale| !scale.is_finite() || **scale == 0.0) {
        let what = if *scale == 0.0 { "is 0".into() } else { format!("is not a number ({scale})") };
        return Err(node.structure_error(format!("its scale {what}"), help));
    }
    if let Some(at) = values.values.iter().position(|value| !value.is_finite()) {
        return Err(node.structure_error(
            format!(
                "its input '{}' holds {}, which is not a finite number, as value {at}",
                node.input(0).unwrap_or_default(),
                values.values[at]
            ),
            help,
        ));
    }
    Ok(())
}

fn constant(node: &Node) -> Result<Tensor, Error> {
    if let Some(proto) = node.tensor("value") {
        return Tensor::decode(proto);
    }
    if let Some(value) = node.float("value_float").or(node.int("value_int").map(|v| v as f64)) {
        return Ok(Tensor::scalar(value));
    }
    if let Some(values) = node.ints("value_ints") {
        return Ok(Tensor::vector(values.iter().map(|&v| v as f64).collect()));
    }
    Err(node.attribute_error("value", "absent", "give the constant as a tensor"))
}

/// Row-major strides of `dims`, 0 along broadcast dimensions of size 1.
fn strides(dims: &[usize], rank: usize) -> Vec<usize> {
    let mut strides = vec![0; rank];
    let mut stride = 1;
    for (slot, &size) in strides[rank - dims.len()..].iter_mut().zip(dims).rev() {
        *slot = if size == 1 { 0 } else { stride };
        stride *= size;
    }
    strides
}

fn elements(dims: &[usize], room: usize) -> Result<usize, String> {
    dims.iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d.max(1)))
        .filter(|&n| n <= room && dims.len() <= 8)
        .ok_or_else(|| format!("a constant of shape {dims:?} is too large"))?;
    Ok(dims.iter().product())
}

fn filled(dims: Vec<usize>, value: f64, room: usize) -> Result<Tensor, String> {
    Ok(Tensor { values: vec![value; elements(&dims, room)?], dims })
}

/// Calls `visit` with the offsets into several tensors of each position of `dims`, in row-major order.
fn walk(dims: &[usize], strides: &[Vec<usize>], mut visit: impl FnMut(&[usize])) {
    let total: usize = dims.iter().product();
    let mut position = vec![0; dims.len()];
    let mut offsets = vec![0; strides.len()];
    for _ in 0..total {
        visit(&offsets);
        for axis in (0..dims.len()).rev() {
            position[axis] += 1;
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset += stride[axis];
            }
            if position[axis] < dims[axis] {
                break;
            }
            position[axis] = 0;
            for (offset, stride) in offsets.iter_mut().zip(strides) {
                *offset -= stride[axis] * dims[axis];
            }
        }
    }
}

fn broadcast(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64, room: usize) -> Result<Tensor, String> {
    let rank = a.dims.len().max(b.dims.len());
    let size = |t: &Tensor, i: usize| (i + t.dims.len()).checked_sub(rank).map_or(1, |j| t.dims[j]);
    let dims = (0..rank)
        .map(|i| match (size(a, i), size(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(format!("the shapes {:?} and {:?} do not fit together", a.dims, b.dims)),
        })
        .collect::<Result<Vec<usize>, String>>()?;
    let mut values = Vec::with_capacity(elements(&dims, room)?);
    walk(&dims, &[strides(&a.dims, rank), strides(&b.dims, rank)], |at| {
        values.push(f(a.values[at[0]], b.values[at[1]]));
    });
    Ok(Tensor { dims, values })
}

fn transpose(node: &Node, tensor: &Tensor) -> Result<Tensor, Error> {
    let rank = tensor.dims.len();
    let perm = permutation(node, rank)?;
    let own = strides(&tensor.dims, rank);
    let dims: Vec<usize> = perm.iter().map(|&p| tensor.dims[p]).collect();
    let mut values = Vec::with_capacity(tensor.values.len());
    walk(&dims, &[perm.iter().map(|&p| own[p]).collect()], |at| values.push(tensor.values[at[0]]));
    Ok(Tensor { dims, values })
}

/// The attribute `perm` of a Transpose of `rank` dimensions (default: reversed).
pub fn permutation(node: &Node, rank: usize) -> Result<Vec<usize>, Error> {
    let Some(perm) = node.ints("perm") else { return Ok((0..rank).rev().collect()) };
    let mut seen = vec![false; rank];
    let valid = perm.len() == rank
        && perm.iter().all(|&p| {
            usize::try_from(p).ok().and_then(|p| seen.get_mut(p)).is_some_and(|s| !std::mem::replace(s, true))
        });
    if !valid {
        return Err(node.attribute_error("perm", perm, "give each axis once"));
    }
    Ok(perm.iter().map(|&p| p as usize).collect())
}

fn sizes(node: &Node, tensor: &Tensor) -> Result<Vec<usize>, Error> {
    tensor
        .integers()
        .and_then(|v| v.into_iter().map(|d| usize::try_from(d).ok()).collect())
        .ok_or_else(|| node.shape_error("a shape needs whole numbers of at least 0"))
}

/// The shape that a Reshape gives to a tensor of shape `before`: 0 copies, -1 takes the rest.
pub fn reshape_target(node: &Node, target: &Tensor, before: &[usize]) -> Result<Vec<usize>, Error> {
    let fail = || node.shape_error(format!("cannot turn the shape {before:?} into {:?}", target.values));
    let wanted = target.integers().ok_or_else(fail)?;
    if wanted.len() > 8 {
        return Err(fail());
    }
    let total: usize = before.iter().product();
    let mut dims = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (i, &d) in wanted.iter().enumerate() {
        dims.push(match d {
            -1 if open.replace(i).is_none() => 1,
            0 => *before.get(i).ok_or_else(fail)?,
            _ => usize::try_from(d).map_err(|_| fail())?,
        });
    }
    let known = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(fail)?;
    if let Some(i) = open
        && known > 0
    {
        dims[i] = total / known;
    }
    match elements(&dims, MAX_ELEMENTS) {
        Ok(product) if product == total => Ok(dims),
        _ => Err(fail()),
    }
}

/// The axes of Squeeze, Unsqueeze and the reductions: an attribute, or an input in later versions.
pub fn axes_input(node: &Node, input: Option<&Tensor>) -> Result<Option<Vec<i64>>, Error> {
    match (node.ints("axes"), input) {
        (Some(axes), _) => Ok(Some(axes.to_vec())),
        (None, Some(tensor)) if node.op() != "Flatten" => {
            tensor.integers().map(Some).ok_or_else(|| node.shape_error("the axes must be whole numbers"))
        }
        _ => Ok(None),
    }
}

/// `axes` counted from the front, each within `rank`.
pub fn normal_axes(node: &Node, axes: &[i64], rank: usize) -> Result<Vec<usize>, Error> {
    let mut seen = vec![false; rank];
    axes.iter()
        .map(|&axis| {
            let from_front = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
            let axis = usize::try_from(from_front).ok()?;
            let first_time = !std::mem::replace(seen.get_mut(axis)?, true);
            first_time.then_some(axis)
        })
        .collect::<Option<Vec<usize>>>()
        .ok_or_else(|| node.attribute_error("axes", axes, "name axes that the tensor has, each once"))
}

/// The shape after Flatten, Squeeze or Unsqueeze of a tensor of shape `before`.
pub fn reshaped(node: &Node, before: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>, Error> {
    match node.op() {
        "Flatten" => {
            let axis = node.int("axis").unwrap_or(1);
            let at = if axis < 0 { axis.saturating_add(before.len() as i64) } else { axis };
            let at = usize::try_from(at)
                .ok()
                .filter(|&a| a <= before.len())
                .ok_or_else(|| node.attribute_error("axis", axis, "name an axis that the tensor has"))?;
            Ok(vec![before[..at].iter().product(), before[at..].iter().product()])
        }
        "Squeeze" => {
            let axes = match axes {
                Some(axes) => normal_axes(node, axes, before.len())?,
                None => (0..before.len()).filter(|&i| before[i] == 1).collect(),
            };
            if let Some(&axis) = axes.iter().find(|&&a| before[a] != 1) {
                return Err(node.shape_error(format!("axis {axis} of {before:?} is not 1")));
            }
            Ok((0..before.len()).filter(|i| !axes.contains(i)).map(|i| before[i]).collect())
        }
        _ => {
            let axes = axes.ok_or_else(|| node.shape_error("needs axes"))?;
            let rank = before.len() + axes.len();
            if rank > 8 {
                return Err(node.shape_error("gives a tensor of more than 8 dimensions"));
            }
            let axes = normal_axes(node, axes, rank)?;
            let mut rest = before.iter();
            Ok((0..rank)
                .map(|i| if axes.contains(&i) { 1 } else { rest.next().copied().unwrap_or(1) })
                .collect())
        }
    }
}

fn concat(node: &Node, inputs: &[Option<&Tensor>], room: usize) -> Result<Tensor, Error> {
    let parts: Vec<&Tensor> = inputs.iter().copied().flatten().collect();
    let first = parts.first().ok_or_else(|| node.shape_error("has no input"))?;
    let axis = node.int("axis").unwrap_or(0);
    let axis = normal_axes(node, &[axis], first.dims.len())?[0];
    let mut dims = first.dims.clone();
    dims[axis] = 0;
    for part in &parts {
        let fits = part.dims.len() == dims.len()
            && (0..dims.len()).all(|i| i == axis || part.dims[i] == first.dims[i]);
        if !fits {
            return Err(node.shape_error("its inputs have shapes that do not join"));
        }
        dims[axis] = dims[axis].saturating_add(part.dims[axis]);
    }
    let mut values = Vec::with_capacity(elements(&dims, room).map_err(|e| node.shape_error(e))?);
    let outer: usize = dims[..axis].iter().product();
    for o in 0..outer {
        for part in &parts {
            let run: usize = part.dims[axis..].iter().product();
            values.extend_from_slice(&part.values[o * run..(o + 1) * run]);
        }
    }
    Ok(Tensor { dims, values })
}

fn gather(node: &Node, data: &Tensor, indices: &Tensor, room: usize) -> Result<Tensor, Error> {
    let axis = normal_axes(node, &[node.int("axis").unwrap_or(0)], data.dims.len())?[0];
    let positions = indices
        .integers()
        .and_then(|list| {
            let size = data.dims[axis] as i64;
            list.into_iter()
                .map(|i| usize::try_from(if i < 0 { i.saturating_add(size) } else { i }).ok())
                .map(|i| i.filter(|&i| i < data.dims[axis]))
                .collect::<Option<Vec<usize>>>()
        })
        .ok_or_else(|| node.shape_error("an index lies outside the tensor"))?;
    let dims = [&data.dims[..axis], &indices.dims, &data.dims[axis + 1..]].concat();
    let mut values = Vec::with_capacity(elements(&dims, room).map_err(|e| node.shape_error(e))?);
    let run: usize = data.dims[axis + 1..].iter().product();
    for outer in 0..data.dims[..axis].iter().product() {
        for &index in &positions {
            let start = (outer * data.dims[axis] + index) * run;
            values.extend_from_slice(&data.values[start..start + run]);
        }
    }
    Ok(Tensor { dims, values })
}

/// Slices of one-dimensional tensors with step 1 (shapes); others are refused.
fn slice(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Tensor, Error> {
    let help = "fold it into an initialiser (qonnx-cleanup does)";
    let data = inputs.first().copied().flatten().ok_or_else(|| node.shape_error("has no input"))?;
    let list = |index: usize, name: &str| {
        node.ints(name)
            .map(<[i64]>::to_vec)
            .or_else(|| inputs.get(index).copied().flatten().and_then(Tensor::integers))
    };
    let (starts, ends) = (list(1, "starts"), list(2, "ends"));
    let steps = list(4, "steps").unwrap_or_else(|| vec![1]);
    let ([length], Some([start]), Some([end]), [1]) =
        (&data.dims[..], starts.as_deref(), ends.as_deref(), &steps[..])
    else {
        return Err(node.structure_error("only a one-dimensional slice of step 1 is supported", help));
    };
    let place = |i: i64| {
        let i = if i < 0 { i.saturating_add(*length as i64) } else { i };
        usize::try_from(i).unwrap_or(0).min(*length)
    };
    let (start, end) = (place(*start), place(*end));
    Ok(Tensor::vector(data.values[start..end.max(start)].to_vec()))
}

fn reduce(node: &Node, inputs: &[Option<&Tensor>]) -> Result<Tensor, Error> {
    let data = inputs.first().copied().flatten().ok_or_else(|| node.shape_error("has no input"))?;
    let rank = data.dims.len();
    let axes = match axes_input(node, inputs.get(1).copied().flatten())? {
        Some(axes) => normal_axes(node, &axes, rank)?,
        None => (0..rank).collect(),
    };
    let kept: Vec<usize> = (0..rank).map(|i| if axes.contains(&i) { 1 } else { data.dims[i] }).collect();
    let start = if node.op() == "ReduceMax" { f64::NEG_INFINITY } else { 0.0 };
    let mut values = vec![start; kept.iter().product()];
    walk(&data.dims, &[strides(&data.dims, rank), strides(&kept, rank)], |at| {
        let (slot, value) = (&mut values[at[1]], data.values[at[0]]);
        *slot = if node.op() == "ReduceMax" { slot.max(value) } else { *slot + value };
    });
    if node.op() == "ReduceMean" {
        let count = (data.values.len() / values.len().max(1)) as f64;
        values.iter_mut().for_each(|v| *v /= count);
    }
    let dims = match node.int("keepdims") {
        Some(0) => (0..rank).filter(|i| !axes.contains(i)).map(|i| kept[i]).collect(),
        _ => kept,
    };
    Ok(Tensor { dims, values })
}

/// The limits of a Clip: attributes in old versions, inputs in new ones.
pub fn clip_limits(node: &Node, inputs: &[Option<&Tensor>]) -> Result<(f64, f64), Error> {
    let limit = |index: usize, name: &str, default: f64| match inputs.get(index).copied().flatten() {
        Some(tensor) => tensor.values.first().copied().unwrap_or(default),
        None => node.float(name).unwrap_or(default),
    };
    let (low, high) = (limit(1, "min", f64::NEG_INFINITY), limit(2, "max", f64::INFINITY));
    if low <= high {
        return Ok((low, high));
    }
    Err(node.attribute_error("min, max", (low, high), "give a minimum below the maximum"))
}

/// The attributes of a `Quant` node; `bits` comes from its fourth input.
pub fn quant_of(node: &Node, bits: &Tensor) -> Result<Quant, Error> {
    let width = match bits.values[..] {
        [b] if b.fract() == 0.0 && (1.0..=32.0).contains(&b) => b as u32,
        _ => return Err(node.attribute_error("bitwidth", &bits.values, "give one whole width of 1 to 32")),
    };
    let mode = node.text("rounding_mode").unwrap_or_else(|| "ROUND".into());
    let rounding = Rounding::parse(&mode).ok_or_else(|| {
        node.attribute_error("rounding_mode", &mode, "use ROUND, CEIL, FLOOR, UP, DOWN, HALF_UP or HALF_DOWN")
    })?;
    Ok(Quant {
        bits: width,
        signed: node.int("signed").unwrap_or(1) != 0,
        narrow: node.int("narrow").unwrap_or(0) != 0,
        rounding,
    })
}

fn quantise(node: &Node, inputs: &[Option<&Tensor>], room: usize) -> Result<Tensor, Error> {
    let [Some(x), Some(scale), Some(zero), Some(bits)] = inputs[..] else {
        return Err(node.shape_error("needs 4 inputs: value, scale, zero point, bit width"));
    };
    let quant = quant_of(node, bits)?;
    quantisable(node, x, scale)?;
    let apply = |a: &Tensor, b: &Tensor, f: &dyn Fn(f64, f64) -> f64| {
        broadcast(a, b, f, room).map_err(|e| node.shape_error(e))
    };
    let scaled = apply(&apply(x, scale, &|a, b| a / b)?, zero, &|a, b| a + b)?;
    let integers = apply(&scaled, zero, &|a, z| quant.integer(a) - z)?;
    apply(&integers, scale, &|a, b| a * b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        let a = Tensor { dims: vec![2, 1], values: vec![1.0, 2.0] };
        let b = Tensor { dims: vec![3], values: vec![10.0, 20.0, 30.0] };
        let sum = broadcast(&a, &b, |x, y| x + y, 6).unwrap();
        assert_eq!(sum.dims, [2, 3]);
        assert_eq!(sum.values, [11.0, 21.0, 31.0, 12.0, 22.0, 32.0]);
        let wrong = Tensor::vector(vec![0.0; 2]);
        assert!(broadcast(&wrong, &b, |x, _| x, 6).is_err());
        let scalar = broadcast(&Tensor::scalar(2.0), &Tensor::scalar(3.0), f64::powf, 1).unwrap();
        assert_eq!((scalar.dims.len(), scalar.values[0]), (0, 8.0));
    }

    #[test]
    fn a_broadcast_that_would_not_fit_in_memory_is_refused() {
        let a = Tensor { dims: vec![1 << 14, 1], values: vec![0.0; 1 << 14] };
        let b = Tensor { dims: vec![1, 1 << 14], values: vec![0.0; 1 << 14] };
        assert!(broadcast(&a, &b, |x, _| x, MAX_ELEMENTS).is_err());
    }
}
