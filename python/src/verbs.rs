//! Verbs of the command line whose use cases live there yet, called in this process.

use crate::error::run;
use crate::watch::Teller;
use bincim::cli::{Outcome, call};
use miette::IntoDiagnostic;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::sync::Arc;

/// Runs a verb with `--json`: whether it ended well, and the object that it prints.
#[pyfunction]
pub fn verb<'py>(
    py: Python<'py>,
    words: Vec<OsString>,
    progress: Option<Py<PyAny>>,
) -> PyResult<(bool, Bound<'py, PyAny>)> {
    let teller = Teller::lines(progress);
    let (outcome, found) = run(py, &teller, || {
        let (outcome, printed) = call(&words, Arc::new(teller.clone()))?;
        let found: serde_json::Value = serde_json::from_str(&printed).into_diagnostic()?;
        Ok((outcome, found))
    })?;
    Ok((outcome == Outcome::Done, pythonize::pythonize(py, &found)?))
}
