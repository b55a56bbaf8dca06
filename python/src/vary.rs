//! Monte-Carlo over the chips of a machine.

use crate::error::run;
use crate::model::{Model, decision};
use crate::watch::Teller;
use bincim::app::vary::{Options, Prepared, results};
use bincim::read::Split;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::path::PathBuf;

/// A run, under the names that Python gives.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Asked {
    data: PathBuf,
    chips: usize,
    images: Option<usize>,
    split: String,
    rule: Option<String>,
    resize: Option<u32>,
    seed: u64,
    yield_at: Option<f64>,
    until: Option<f64>,
    planes: Option<usize>,
    recalibrate: Option<usize>,
    correct: Option<usize>,
    flips: bool,
    each: bool,
    sweep: Option<String>,
    read_noise: bool,
    shard: Option<(usize, usize)>,
    threads: Option<usize>,
    folder: Option<PathBuf>,
}

/// The figures of a run, and its table of chips as CSV.
#[pyfunction]
#[pyo3(signature = (model, asked, progress))]
pub fn vary<'py>(
    py: Python<'py>,
    model: &Model,
    asked: Asked,
    progress: Option<Py<PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    model.machine(py, "a drawn chip")?;
    let split = match asked.split.as_str() {
        "test" => Split::Test,
        "train" => Split::Train,
        other => return Err(PyValueError::new_err(format!("split: '{other}', neither 'test' nor 'train'"))),
    };
    let sweep = asked.sweep.as_deref().map(str::parse).transpose();
    if let Some((index, count)) = asked.shard.filter(|(index, count)| index >= count) {
        return Err(PyValueError::new_err(format!(
            "shard: ({index}, {count}), the first is from 0 below the second"
        )));
    }
    if asked.shard.is_some() && (asked.folder.is_none() || asked.until.is_some()) {
        return Err(PyValueError::new_err("shard: needs a folder, and goes with no `until`"));
    }
    let options = Options {
        model: model.path.clone(),
        arch: model.arch.clone(),
        data: asked.data,
        chips: asked.chips,
        images: asked.images,
        split,
        rule: decision(asked.rule.as_deref())?,
        reading: model.reading.clone(),
        resize: asked.resize,
        seed: asked.seed,
        yield_at: asked.yield_at,
        require_yield: None,
        until: asked.until,
        planes: asked.planes,
        recalibrate: asked.recalibrate,
        correct: asked.correct,
        flips: asked.flips,
        each: asked.each,
        sweep: sweep.map_err(|what: String| PyValueError::new_err(format!("sweep: {what}")))?,
        without_read_noise: !asked.read_noise,
        shard: asked.shard,
        threads: asked.threads,
    };
    let teller = Teller::new(progress);
    let (results, csv) = run(py, &teller, || {
        let done = Prepared::new(&options, &teller)?.run(asked.folder.as_deref())?;
        if done.settings.shard.is_some() {
            return Ok((None, None));
        }
        let results = done.results()?;
        let csv = results::csv(&done.settings, &done.records, results.given.statistics.chips);
        Ok((Some(results), Some(csv)))
    })?;
    let found = PyDict::new(py);
    found.set_item("results", pythonize::pythonize(py, &results)?)?;
    found.set_item("csv", csv)?;
    Ok(found)
}
