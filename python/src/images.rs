//! Images of NumPy arrays.

use crate::error::raise;
use bincim::app::array::{Images, Numbers, images};
use bincim::app::load;
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// An array that is held for reading.
pub enum Held<'py> {
    Pixels(PyReadonlyArrayDyn<'py, u8>),
    Codes(PyReadonlyArrayDyn<'py, i8>),
    Values(PyReadonlyArrayDyn<'py, f32>),
}

impl<'py> Held<'py> {
    /// Raises for anything but an array of uint8, int8 or float32 whose elements lie one after the other.
    pub fn of(any: &Bound<'py, PyAny>) -> PyResult<Held<'py>> {
        let refused = || {
            let kind = any.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
            PyTypeError::new_err(format!(
                "images: a C-contiguous NumPy array of uint8, int8 or float32, not {kind}"
            ))
        };
        let held = if let Ok(array) = any.cast::<PyArrayDyn<u8>>() {
            Held::Pixels(array.try_readonly()?)
        } else if let Ok(array) = any.cast::<PyArrayDyn<i8>>() {
            Held::Codes(array.try_readonly()?)
        } else if let Ok(array) = any.cast::<PyArrayDyn<f32>>() {
            Held::Values(array.try_readonly()?)
        } else {
            return Err(refused());
        };
        if held.numbers().is_some() { Ok(held) } else { Err(refused()) }
    }

    pub fn numbers(&self) -> Option<Numbers<'_>> {
        match self {
            Held::Pixels(array) => array.as_slice().ok().map(Numbers::Pixels),
            Held::Codes(array) => array.as_slice().ok().map(Numbers::Codes),
            Held::Values(array) => array.as_slice().ok().map(Numbers::Values),
        }
    }

    /// The images as `model` reads them.
    pub fn images(&self, py: Python, model: &load::Model) -> PyResult<Images<'_>> {
        let shape = match self {
            Held::Pixels(array) => array.shape(),
            Held::Codes(array) => array.shape(),
            Held::Values(array) => array.shape(),
        };
        let numbers = self.numbers().ok_or_else(|| PyTypeError::new_err("images: not contiguous"))?;
        images(model, numbers, shape).map_err(|report| raise(py, report))
    }
}
