//! Errors of the program as exceptions: `bincim.Error` with the code and the help that the command line shows.

use crate::watch::Teller;
use bincim::read::Errors;
use bincim::read::arch::ArchError;
use miette::{Diagnostic, Report};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Runs `work` without the interpreter's lock.
///
/// Raises what a callback raised, else the error of the work; a panic, which would be a fault of the program, is an error
/// too.
pub fn run<T: Send>(
    py: Python,
    teller: &Teller,
    work: impl FnOnce() -> miette::Result<T> + Send,
) -> PyResult<T> {
    let done = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    if let Some(raised) = teller.raised() {
        return Err(raised);
    }
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(report)) => Err(exception(py, &bincim::app::fault::coded(report))),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            let report = miette::miette!(
                code = "bincim::fault",
                help = "this is a fault of the program, not of what it was given: please report it",
                "the program stopped: {text}"
            );
            Err(exception(py, &report))
        }
    }
}

/// Raises `report` where nothing was run.
pub fn raise(py: Python, report: Report) -> PyErr {
    exception(py, &bincim::app::fault::coded(report))
}

fn exception(py: Python, report: &Report) -> PyErr {
    match instance(py, report.as_ref(), file(report).as_deref()) {
        Ok(found) => PyErr::from_value(found),
        // Without the package's own class: what there is to say, at least.
        Err(problem) => PyRuntimeError::new_err(format!("{report}: {problem}")),
    }
}

/// The file that is at fault, where the error is of one.
fn file(report: &Report) -> Option<String> {
    let of = |path: &Path| path.to_string_lossy().into_owned();
    report.chain().find_map(|error| {
        if let Some(errors) = error.downcast_ref::<Errors>() {
            return Some(of(&errors.file));
        }
        match error.downcast_ref::<ArchError>()? {
            ArchError::Unreadable { path, .. }
            | ArchError::TooLarge { path }
            | ArchError::BadToml { path, .. }
            | ArchError::Impossible { path, .. } => Some(of(path)),
        }
    })
}

fn instance<'py>(py: Python<'py>, error: &dyn Diagnostic, file: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
    let errors = PyList::empty(py);
    for one in error.related().into_iter().flatten() {
        errors.append(instance(py, one, file)?)?;
    }
    let said = |of: &dyn Fn(&dyn Diagnostic) -> Option<String>| {
        let mut next = Some(error);
        std::iter::from_fn(|| {
            let this = next?;
            next = this.diagnostic_source();
            Some(this)
        })
        .find_map(of)
    };
    let parts = PyDict::new(py);
    parts.set_item("code", said(&|one| one.code().map(|code| code.to_string())))?;
    parts.set_item("help", said(&|one| one.help().map(|help| help.to_string())))?;
    parts.set_item("file", file)?;
    parts.set_item("errors", errors)?;
    let class = py.import("bincim._error")?.getattr("Error")?;
    class.call((message(error),), Some(&parts))
}

/// What happened, and behind it each cause that it does not quote.
fn message(error: &dyn Diagnostic) -> String {
    let mut text = error.to_string();
    let mut cause: Option<&dyn Error> = Error::source(error);
    while let Some(found) = cause {
        let more = found.to_string();
        if !text.contains(&more) {
            text += &format!(": {more}");
        }
        cause = found.source();
    }
    text
}
