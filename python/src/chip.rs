//! A drawn chip.

use crate::error::raise;
use bincim::flow::folder;
use miette::Report;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;

/// A chip: the integers of its cells, columns and converters.
#[pyclass(frozen, module = "bincim._bincim")]
pub struct Chip {
    pub chip: bincim::variation::Chip,
    /// Cell values that were held to readout.cell_bits.
    #[pyo3(get)]
    pub saturated: usize,
    /// Thresholds that are not the design's.
    #[pyo3(get)]
    pub moved_thresholds: usize,
}

#[pymethods]
impl Chip {
    #[getter]
    fn seed(&self) -> u64 {
        self.chip.seed
    }

    #[getter]
    fn arrays(&self) -> usize {
        self.chip.arrays.len()
    }

    #[getter]
    fn cells(&self) -> usize {
        self.chip.arrays.iter().map(|array| array.plus.len()).sum()
    }

    /// The bytes of a chip file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.chip.write_to())
    }

    fn save(&self, py: Python, path: PathBuf) -> PyResult<()> {
        folder::write_whole(&path, &self.chip.write_to()).map_err(|error| raise(py, Report::from(error)))
    }

    fn __repr__(&self) -> String {
        format!("<bincim.Chip of seed {}, {} arrays, {} cells>", self.chip.seed, self.arrays(), self.cells())
    }
}
