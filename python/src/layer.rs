//! One layer on a drawn chip, with the weights that a training has at the moment.

use crate::error::run;
use crate::images::Held;
use crate::model::Model;
use crate::watch::Teller;
use bincim::app::array::Numbers;
use bincim::app::layer::{OnArrays, chip, with_weights};
use bincim::network::Layer;
use miette::miette;
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What a layer computes, for whoever computes it too.
#[pyfunction]
pub fn layer_shape<'py>(
    py: Python<'py>,
    model: &Model,
    layer: &Bound<PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let index = model.layer(layer)?;
    let network = &model.model.network;
    let Layer { input, kernel, stride, padding, conv, .. } = &network.layers[index];
    let shape = PyDict::new(py);
    shape.set_item("index", index)?;
    shape.set_item("input", (input.c, input.h, input.w))?;
    shape.set_item("kernel", *kernel)?;
    shape.set_item("stride", *stride)?;
    shape.set_item("padding", (padding.top, padding.left, padding.bottom, padding.right))?;
    shape.set_item(
        "pad_value",
        match padding.value {
            bincim::network::PadValue::Zero => 0,
            bincim::network::PadValue::Plus => 1,
            bincim::network::PadValue::Minus => -1,
        },
    )?;
    shape.set_item("sums", (conv.c, conv.h, conv.w))?;
    shape.set_item("range", network.code_of(index).range())?;
    Ok(shape)
}

/// Sums of a layer on the chip of `seed`: `maps` (int8 or uint8) maps x channels x rows x columns, `weights` (int8, -1 and +1) outputs x
/// kernel rows x kernel columns x channels, or the network's own.
#[pyfunction]
#[pyo3(signature = (model, layer, maps, weights, seed))]
pub fn layer_sums<'py>(
    py: Python<'py>,
    model: &Model,
    layer: &Bound<'py, PyAny>,
    maps: &Bound<'py, PyAny>,
    weights: Option<&Bound<'py, PyAny>>,
    seed: u64,
) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
    let index = model.layer(layer)?;
    let design = model.machine(py, "sums of arrays")?;
    let maps = Held::of(maps)?;
    let weights = weights.map(Held::of).transpose()?;
    let refused = |what: &str| PyTypeError::new_err(what.to_string());
    let taken: Vec<i16> = match maps.numbers() {
        Some(Numbers::Pixels(codes)) => codes.iter().copied().map(i16::from).collect(),
        Some(Numbers::Codes(codes)) => codes.iter().copied().map(i16::from).collect(),
        _ => return Err(refused("maps: a NumPy array of int8 or uint8")),
    };
    let weights = weights.as_ref().map(|held| match held.numbers() {
        Some(Numbers::Codes(codes)) => Ok(codes.to_vec()),
        _ => Err(refused("weights: a NumPy array of int8")),
    });
    let weights = weights.transpose()?;
    let teller = Teller::new(None);
    let network = &model.model.network;
    let size = network.layers[index].input.elements();
    let (low, high) = network.code_of(index).range();
    let (sums, shape) = run(py, &teller, || {
        let bits = network.code_of(index).is_bipolar();
        let good = |&code: &i16| (low..=high).contains(&i32::from(code)) && !(bits && code == 0);
        if !taken.len().is_multiple_of(size) || !taken.iter().all(good) {
            return Err(miette!(
                code = "layer::maps",
                help = "give maps x channels x rows x columns of what the layer reads: bits are -1 and +1",
                "layer {index}: {} numbers, but it reads maps of {} from {low} to {high}",
                taken.len(),
                network.layers[index].input
            ));
        };
        let own = weights.as_deref().map(|weights| with_weights(design, index, weights)).transpose()?;
        let design = own.as_ref().unwrap_or(design);
        let on = OnArrays::new(design, index)?;
        let chip = chip(design, index, seed).ok_or_else(|| miette!("an analog design has a chip"))?;
        Ok((on.sums(&chip, &taken), on.shape))
    })?;
    let count = taken.len() / size;
    PyArray1::from_vec(py, sums).reshape(vec![count, shape.c, shape.h, shape.w])
}
