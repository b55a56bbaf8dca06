//! The native half of the Python package: `bincim::app` for Python, and nothing of its own.
//!
//! Arrays come in as NumPy's and are read where they lie, results go out as arrays that own what was made here. Work runs
//! without the interpreter's lock. `python/bincim` gives these functions their documented faces.

mod chip;
mod error;
mod images;
mod layer;
mod model;
mod vary;
mod verbs;
mod watch;

use pyo3::prelude::*;

#[pymodule]
mod _bincim {
    #[pymodule_export]
    use super::chip::Chip;
    #[pymodule_export]
    use super::layer::{layer_shape, layer_sums};
    #[pymodule_export]
    use super::model::{Model, load_model};
    #[pymodule_export]
    use super::vary::vary;
    #[pymodule_export]
    use super::verbs::verb;
    #[pymodule_export]
    use super::version;
}

/// The program as it names itself in what it writes.
#[pyfunction]
fn version() -> &'static str {
    bincim::app::VERSION
}
