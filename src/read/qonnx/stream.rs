//! The one map that travels through the graph while it is read: where it comes from, how its axes lie in
//! the tensor, and what its elements mean.

use super::graph::Node;
use super::steps::Step;
use crate::network::{Pool, Shape};
use crate::read::Error;
use crate::read::onnx::Tensor;

/// An axis of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    C,
    H,
    W,
}

/// What made the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The graph's input; integers are pixels.
    Input,
    /// The layer with this index; integers are its accumulators.
    Layer(usize),
    /// The layer with this index, whose accumulators have those of an earlier one added.
    Sum(usize),
}

/// What an element of the tensor is.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// `steps` of the source's integer; a maximum over `pool`'s window was taken after `pool.0` steps.
    Number { steps: Vec<Step>, pool: Option<(usize, Pool)> },
    /// Even levels from `low[c]` to `high[c]`, told by how many of `steps` thresholds a channel are met.
    Bits { low: Vec<f64>, high: Vec<f64>, steps: usize },
    /// The mean over the `divisor` pixels of a channel of such levels.
    MeanBits { low: Vec<f64>, high: Vec<f64>, steps: usize, divisor: f64 },
    /// `scale * code + bias` of the quantised input.
    Codes { scale: f64, bias: f64 },
}

/// Behind these only shape changes may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Softmax, ArgMax: the order of the scores is what counts.
    Order,
    TopK(usize),
}

/// Padding that a Pad node put around the map for the convolution that follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border {
    pub top: usize,
    pub left: usize,
    pub bottom: usize,
    pub right: usize,
    pub value: f64,
}

/// The pixels of a state that are taken, and the channel that its first one becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Narrow {
    /// Of every so many rows and columns the first.
    pub stride: (usize, usize),
    /// Rows and columns that are averaged from there on; 1 x 1: the pixel itself.
    pub window: (usize, usize),
    pub first: usize,
}

impl Narrow {
    pub const ALL: Narrow = Narrow { stride: (1, 1), window: (1, 1), first: 0 };
}

/// Why a constant does not go with a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    NotFinite,
    Shape(String),
    /// It differs between the pixels of this channel.
    Pixels(usize),
}

impl Misfit {
    /// The refusal of `node`.
    pub fn at(self, node: &Node) -> Error {
        match self {
            Misfit::NotFinite => node.structure_error(
                "a constant is infinite or not a number",
                "train or export the model again: a scale or a statistic of it was never set",
            ),
            Misfit::Shape(what) => node.shape_error(what),
            Misfit::Pixels(channel) => node.structure_error(
                format!("its constant differs between the pixels of channel {channel}"),
                "one constant for each pixel (a mean image, say) is not supported: give one value, or one a channel",
            ),
        }
    }
}

/// A map on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    pub source: Source,
    pub map: Shape,
    /// For every tensor dimension, the axes of the map that it runs over, slowest first. Axes of size 1
    /// are left out.
    pub dims: Vec<Vec<Axis>>,
    pub meaning: Meaning,
    pub border: Option<Border>,
    /// Only a part of a state, with channels of 0 beside its own: for the Add of a shortcut, or a convolution.
    pub narrow: Option<Narrow>,
    /// Bits that say whether the levels of the source lie in their upper half.
    pub upper: bool,
    pub tail: Option<Tail>,
}

impl Stream {
    pub fn axis_size(&self, axis: Axis) -> usize {
        match axis {
            Axis::C => self.map.c,
            Axis::H => self.map.h,
            Axis::W => self.map.w,
        }
    }

    fn dim_size(&self, dim: &[Axis]) -> usize {
        dim.iter().map(|&a| self.axis_size(a)).product()
    }

    /// Shape of the tensor.
    pub fn sizes(&self) -> Vec<usize> {
        self.dims.iter().map(|d| self.dim_size(d)).collect()
    }

    /// `axes`, without those of size 1.
    pub fn real(&self, axes: &[Axis]) -> Vec<Axis> {
        axes.iter().copied().filter(|&a| self.axis_size(a) > 1).collect()
    }

    /// The dimensions of the layout (1, channel, row, column).
    pub fn nchw(&self) -> Vec<Vec<Axis>> {
        vec![Vec::new(), self.real(&[Axis::C]), self.real(&[Axis::H]), self.real(&[Axis::W])]
    }

    pub fn is_nchw(&self) -> bool {
        self.dims == self.nchw()
    }

    /// Gives the tensor the shape `target` (row-major order kept).
    ///
    /// # Errors
    /// Where a dimension would have to cut an axis of the map in two.
    pub fn reshape(&mut self, target: &[usize]) -> Result<(), String> {
        let before = self.sizes();
        if target.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) != Some(before.iter().product()) {
            return Err(format!("cannot turn the shape {before:?} into {target:?}"));
        }
        let mut axes = self.dims.concat().into_iter();
        let mut dims = Vec::with_capacity(target.len());
        for &size in target {
            let mut dim = Vec::new();
            while self.dim_size(&dim) < size
                && let Some(axis) = axes.next()
            {
                dim.push(axis);
            }
            if self.dim_size(&dim) != size {
                return Err(format!("the shape {target:?} cuts an axis of {before:?} in two"));
            }
            dims.push(dim);
        }
        self.dims = dims;
        Ok(())
    }

    /// One value a channel (or a single one) out of a constant that is broadcast against the tensor.
    ///
    /// # Errors
    /// Where it does not broadcast, or differs between the pixels of one channel.
    pub fn per_channel(&self, constant: &Tensor) -> Result<Vec<f64>, Misfit> {
        if constant.values.iter().any(|v| !v.is_finite()) {
            return Err(Misfit::NotFinite);
        }
        if let [one] = constant.values[..] {
            return Ok(vec![one]);
        }
        let sizes = self.sizes();
        let leading = constant.dims.len().saturating_sub(sizes.len());
        let own = &constant.dims[leading..];
        let skipped = sizes.len() - own.len();
        let fits = own.iter().zip(&sizes[skipped..]).all(|(&d, &s)| d == 1 || d == s);
        if !fits || constant.dims[..leading].iter().any(|&d| d != 1) {
            let what = format!("a constant of shape {:?} does not fit the shape {sizes:?}", constant.dims);
            return Err(Misfit::Shape(what));
        }
        let mut used: Vec<(&[Axis], usize)> = Vec::new();
        let mut stride = 1;
        for (dim, &size) in self.dims[skipped..].iter().zip(own).rev() {
            if size > 1 {
                used.push((dim, stride));
            }
            stride *= size;
        }
        let extent = |axis: Axis| {
            if used.iter().any(|(dim, _)| dim.contains(&axis)) { self.axis_size(axis) } else { 1 }
        };
        let (rows, columns) = (extent(Axis::H), extent(Axis::W));
        let mut values = Vec::with_capacity(extent(Axis::C));
        for c in 0..extent(Axis::C) {
            for pixel in 0..rows * columns {
                let position = [c, pixel / columns, pixel % columns];
                let offset: usize =
                    used.iter().map(|(dim, stride)| self.position(dim, position) * stride).sum();
                let value = constant.values[offset];
                if pixel == 0 {
                    values.push(value);
                } else if values[c] != value {
                    return Err(Misfit::Pixels(c));
                }
            }
        }
        if values.iter().all(|&v| v == values[0]) {
            values.truncate(1);
        }
        Ok(values)
    }

    /// One value an element of the map, in channel, row, column order, out of a constant that is broadcast against the tensor
    /// of `sizes`; `None` where it does not broadcast.
    pub fn per_element(&self, constant: &Tensor) -> Option<Vec<f64>> {
        let sizes = self.sizes();
        let skipped = sizes.len().checked_sub(constant.dims.len())?;
        let fits = constant.dims.iter().zip(&sizes[skipped..]).all(|(&d, &s)| d == 1 || d == s);
        let finite = constant.values.iter().all(|value| value.is_finite());
        let value = |index: usize| {
            let pixels = self.map.pixels();
            let at = [index / pixels, index % pixels / self.map.w, index % self.map.w];
            let dims = self.dims[skipped..].iter().zip(&constant.dims);
            let place = dims.fold(0, |place, (dim, &size)| {
                place * size + if size == 1 { 0 } else { self.position(dim, at) }
            });
            constant.values[place]
        };
        (fits && finite).then(|| (0..self.map.elements()).map(value).collect())
    }

    /// Index along `dim` of the element at (channel, row, column).
    fn position(&self, dim: &[Axis], at: [usize; 3]) -> usize {
        dim.iter().fold(0, |index, &axis| index * self.axis_size(axis) + at[axis as usize])
    }

    /// (channel, row, column) of index `index` along `dim`.
    pub fn coordinates(&self, dim: &[Axis], mut index: usize) -> [usize; 3] {
        let mut at = [0; 3];
        for &axis in dim.iter().rev() {
            at[axis as usize] = index % self.axis_size(axis);
            index /= self.axis_size(axis);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(c: usize, h: usize, w: usize) -> Stream {
        let mut s = Stream {
            source: Source::Input,
            map: Shape { c, h, w },
            dims: Vec::new(),
            meaning: Meaning::Number { steps: Vec::new(), pool: None },
            border: None,
            narrow: None,
            upper: false,
            tail: None,
        };
        s.dims = s.nchw();
        s
    }

    #[test]
    fn flatten_keeps_channel_row_column_order() {
        let mut s = stream(2, 3, 4);
        s.reshape(&[1, 24]).unwrap();
        assert_eq!(s.dims, [vec![], vec![Axis::C, Axis::H, Axis::W]]);
        assert_eq!(s.coordinates(&s.dims[1], 17), [1, 1, 1]);
        s.reshape(&[1, 2, 12]).unwrap();
        assert!(s.reshape(&[1, 4, 6]).is_err());
        assert!(s.reshape(&[1, 5]).is_err());
        s.reshape(&[1, 1, 2, 3, 4]).unwrap();
    }

    #[test]
    fn constants_broadcast_to_channels_only() {
        let mut s = stream(2, 2, 2);
        let channel = Tensor { dims: vec![2, 1, 1], values: vec![5.0, 6.0] };
        assert_eq!(s.per_channel(&channel), Ok(vec![5.0, 6.0]));
        let column = Tensor { dims: vec![2], values: vec![5.0, 6.0] };
        assert!(s.per_channel(&column).is_err());
        let same = Tensor { dims: vec![2], values: vec![5.0, 5.0] };
        assert_eq!(s.per_channel(&same), Ok(vec![5.0]));
        s.reshape(&[1, 8]).unwrap();
        let flat = Tensor::vector(vec![1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(s.per_channel(&flat), Ok(vec![1.0, 2.0]));
        let uneven = Tensor::vector((0..8).map(f64::from).collect());
        assert!(s.per_channel(&uneven).is_err());
    }
}
