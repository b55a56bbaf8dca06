//! Plain tensors: shape and values, decoded from a `TensorProto`.
//!
//! Every supported element type is held as `f64`, which is exact for all of them but 64-bit integers
//! above 2^53; those occur only as "to the end" in slices.

use super::Error;
use super::proto::TensorProto;

/// Most elements of one constant.
pub const MAX_ELEMENTS: usize = 1 << 26;

/// A constant of shape `dims`, row-major; a scalar has no dims and one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub dims: Vec<usize>,
    pub values: Vec<f64>,
}

impl Tensor {
    pub fn scalar(value: f64) -> Tensor {
        Tensor { dims: Vec::new(), values: vec![value] }
    }

    pub fn vector(values: Vec<f64>) -> Tensor {
        Tensor { dims: vec![values.len()], values }
    }

    /// The values as integers (shapes, axes); none if one is not an integer.
    pub fn integers(&self) -> Option<Vec<i64>> {
        self.values.iter().map(|v| (v.fract() == 0.0).then_some(*v as i64)).collect()
    }

    /// Decodes `proto`.
    ///
    /// # Errors
    /// External data, an unknown element type, or a shape that does not fit the data.
    pub fn decode(proto: &TensorProto) -> Result<Tensor, Error> {
        let name = proto.name.clone().unwrap_or_default();
        if proto.data_location == Some(1) || !proto.external_data.is_empty() {
            return Err(Error::ExternalData { name });
        }
        let fail = |what: String| Error::Tensor {
            name: name.clone(),
            what,
            help: "save the model again with onnx.save".into(),
        };
        let mut elements = 1usize;
        let mut dims = Vec::with_capacity(proto.dims.len().min(16));
        for &dim in &proto.dims {
            let dim = usize::try_from(dim).map_err(|_| fail(format!("dimension {dim} is negative")))?;
            elements = elements
                .checked_mul(dim.max(1))
                .filter(|&n| n <= MAX_ELEMENTS)
                .ok_or_else(|| fail(format!("more than {MAX_ELEMENTS} elements")))?;
            dims.push(dim);
        }
        if dims.contains(&0) {
            elements = 0;
        }
        let values = match &proto.raw_data {
            Some(raw) => raw_values(raw, proto.data_type.unwrap_or(0)).map_err(fail)?,
            None => typed_values(proto).map_err(fail)?,
        };
        if values.len() != elements || dims.len() > 8 {
            return Err(fail(format!("{} values for the shape {dims:?}", values.len())));
        }
        Ok(Tensor { dims, values })
    }
}

fn raw_values(raw: &[u8], data_type: i32) -> Result<Vec<f64>, String> {
    fn chunks<const N: usize>(raw: &[u8], f: impl Fn([u8; N]) -> f64) -> Result<Vec<f64>, String> {
        let (whole, rest) = raw.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(format!("{} bytes are no whole number of {N}-byte elements", raw.len()));
        }
        Ok(whole.iter().map(|bytes| f(*bytes)).collect())
    }
    match data_type {
        1 => chunks(raw, |b| f32::from_le_bytes(b).into()),
        2 | 9 => chunks(raw, |b: [u8; 1]| b[0].into()),
        3 => chunks(raw, |b| i8::from_le_bytes(b).into()),
        4 => chunks(raw, |b| u16::from_le_bytes(b).into()),
        5 => chunks(raw, |b| i16::from_le_bytes(b).into()),
        6 => chunks(raw, |b| i32::from_le_bytes(b).into()),
        7 => chunks(raw, |b| i64::from_le_bytes(b) as f64),
        10 => chunks(raw, |b| half(u16::from_le_bytes(b))),
        11 => chunks(raw, f64::from_le_bytes),
        other => Err(unknown_type(other)),
    }
}

fn typed_values(proto: &TensorProto) -> Result<Vec<f64>, String> {
    match proto.data_type.unwrap_or(0) {
        1 => Ok(proto.float_data.iter().map(|&v| v.into()).collect()),
        2..=6 | 9 => Ok(proto.int32_data.iter().map(|&v| v.into()).collect()),
        7 => Ok(proto.int64_data.iter().map(|&v| v as f64).collect()),
        10 => Ok(proto.int32_data.iter().map(|&v| half(v as u16)).collect()),
        11 => Ok(proto.double_data.clone()),
        other => Err(unknown_type(other)),
    }
}

fn unknown_type(data_type: i32) -> String {
    format!(
        "element type {data_type} is not supported (float, float16, double, int8 to int64, uint8, bool are)"
    )
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    match exponent {
        0 => sign * fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_values() {
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0xc000), -2.0);
        assert_eq!(half(0x7bff), 65504.0);
        assert_eq!(half(0x0001), 2f64.powi(-24));
        assert_eq!(half(0xfc00), f64::NEG_INFINITY);
    }

    #[test]
    fn a_shape_that_does_not_fit_the_data_is_refused() {
        let proto = TensorProto {
            dims: vec![3],
            data_type: Some(1),
            raw_data: Some(vec![0; 8]),
            ..Default::default()
        };
        assert!(matches!(Tensor::decode(&proto), Err(Error::Tensor { .. })));
        let huge = TensorProto { dims: vec![1 << 40, 1 << 40], ..proto.clone() };
        assert!(matches!(Tensor::decode(&huge), Err(Error::Tensor { .. })));
    }
}
