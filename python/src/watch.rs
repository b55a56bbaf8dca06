//! What is told while work goes on: to Python's `warnings`, to its log, and to a callback.

use bincim::app::{Bar, Watch};
use pyo3::prelude::*;
use std::ffi::CString;
use std::fmt::Arguments;
use std::sync::{Arc, Mutex};

/// Who looks on from Python.
#[derive(Clone)]
pub struct Teller {
    /// Called with a step's text, the parts that are done, and all parts.
    progress: Option<Arc<Py<PyAny>>>,
    /// The callback hears notes too, as steps of no parts: of verbs that tell no more.
    lines: bool,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Teller {
    pub fn new(progress: Option<Py<PyAny>>) -> Teller {
        Teller { progress: progress.map(Arc::new), lines: false, raised: Arc::default() }
    }

    /// The same of a verb that tells its steps in lines.
    pub fn lines(progress: Option<Py<PyAny>>) -> Teller {
        Teller { lines: true, ..Teller::new(progress) }
    }

    /// What a callback raised.
    pub fn raised(&self) -> Option<PyErr> {
        self.raised.lock().ok().and_then(|mut raised| raised.take())
    }

    /// Whether a callback raised something already.
    fn ended(&self) -> bool {
        self.raised.lock().is_ok_and(|raised| raised.is_some())
    }

    /// Calls Python; what it raises first is kept, and ends the work.
    fn call(&self, call: impl FnOnce(Python) -> PyResult<()>) -> miette::Result<()> {
        Python::attach(|py| match call(py) {
            Ok(()) => Ok(()),
            Err(error) => {
                if let Ok(mut raised) = self.raised.lock() {
                    raised.get_or_insert(error);
                }
                Err(miette::miette!("a callback raised an exception"))
            }
        })
    }
}

impl Watch for Teller {
    fn warn(&self, line: Arguments) {
        let text = line.to_string();
        // A warning that is turned into an exception ends the work at its next step, or when it is done.
        let _ = self.call(|py| {
            let text = CString::new(text.trim_start_matches("warning: ").replace('\0', ""))?;
            let kind = py.import("bincim._error")?.getattr("BincimWarning")?;
            PyErr::warn(py, &kind, &text, 2)
        });
    }

    fn note(&self, line: Arguments) {
        let text = line.to_string();
        let _ = self.call(|py| {
            let log = py.import("logging")?.call_method1("getLogger", ("bincim",))?;
            log.call_method1("info", ("%s", &text))?;
            match &self.progress {
                Some(progress) if self.lines => progress.call1(py, (text, 0, 0)).map(|_| ()),
                _ => Ok(()),
            }
        });
    }

    fn step(&self, text: &str, unit: &str, all: usize, done: usize) -> Box<dyn Bar> {
        let text = if text.is_empty() { unit.to_string() } else { text.to_string() };
        let mut step = Step { teller: self.clone(), text, all };
        let _ = step.at(done);
        Box::new(step)
    }
}

struct Step {
    teller: Teller,
    text: String,
    all: usize,
}

impl Bar for Step {
    fn at(&mut self, done: usize) -> miette::Result<()> {
        if self.teller.ended() {
            return Err(miette::miette!("a callback raised an exception"));
        }
        self.teller.call(|py| {
            py.check_signals()?;
            match &self.teller.progress {
                Some(progress) if self.all > 0 || !self.teller.lines => {
                    progress.call1(py, (&self.text, done, self.all)).map(|_| ())
                }
                _ => Ok(()),
            }
        })
    }
}
