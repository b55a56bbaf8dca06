//! Files in: QONNX models and data sets.
//!
//! Every reader takes hostile bytes: sizes are bounded before memory is taken, nothing panics, and what
//! is refused is named by file, node, tensor or key together with what would be right.

pub mod arch;
pub mod data;
mod error;
pub mod glyphs;
pub mod onnx;
pub mod pixels;
pub mod qonnx;
mod recipe;
mod state;

pub use arch::{ArchError, arch, arch_from_text, toml_problem};
pub use data::{Dataset, FORMATS, Fit, Split, dataset, dataset_fitting};
pub use error::{Error, Errors};
pub use pixels::{Origin, PixelRule, Pixels};
pub use qonnx::{MULTIPLIER_BITS, Proof, Reading, Rounded};
pub use recipe::{RecipeError, recipe};
pub use state::{Ends, Fixed, State};

use crate::network::Network;
use std::path::Path;

/// The network in the QONNX file at `path`, exactly as the graph states it (no lowering).
///
/// # Errors
/// Every reason found for which the file cannot become a [`Network`].
pub fn network(path: &Path) -> Result<Network, Errors> {
    Ok(reading(path)?.network)
}

/// The network at `path` together with the figures of the proof of its integer thresholds, its pixels read as the file
/// itself says, or as a guess.
pub fn reading(path: &Path) -> Result<Reading, Errors> {
    reading_with(path, &Rules::default())
}

/// How a graph is read where it does not say so itself.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// How a pixel becomes the input's value.
    pub pixels: Option<Pixels>,
    pub fixed: Fixed,
}

/// [`reading`] by `rules`.
///
/// # Errors
/// Every reason found for which the file cannot become a [`Network`], or the rule cannot be the one of this graph.
pub fn reading_with(path: &Path, rules: &Rules) -> Result<Reading, Errors> {
    let fail = |list: Vec<Error>| Errors { file: path.to_path_buf(), list };
    let bytes = onnx::load(path).map_err(|e| fail(vec![e]))?;
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    network_with(&bytes, &name, rules).map_err(fail)
}

/// [`reading`] of a file's content; `name` becomes the network's name.
pub fn network_from_bytes(bytes: &[u8], name: &str) -> Result<Reading, Vec<Error>> {
    network_with(bytes, name, &Rules::default())
}

/// [`reading_with`] of a file's content.
pub fn network_with(bytes: &[u8], name: &str, rules: &Rules) -> Result<Reading, Vec<Error>> {
    let model = onnx::decode(bytes).map_err(|e| vec![e])?;
    qonnx::read(&model, name, rules)
}
