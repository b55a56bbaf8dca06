//! The training file: TOML with strict keys.

use crate::bounded;
use crate::escape;
use crate::train::Recipe;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest training file in bytes.
const LARGEST: usize = 1 << 20;

/// Why a training file was refused.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RecipeError {
    #[error("cannot read {}: {source}", escape::path(path))]
    #[diagnostic(
        code(recipe::unreadable),
        help("name a training file; `bincim schema --train` describes one")
    )]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} is larger than {LARGEST} bytes", escape::path(path))]
    #[diagnostic(code(recipe::too_large), help("a training file has a few dozen lines"))]
    TooLarge { path: PathBuf },
    #[error("{}: {what}", escape::path(path))]
    #[diagnostic(
        code(recipe::bad_toml),
        help("`bincim schema --train` prints every key of a training file with its meaning")
    )]
    BadToml { path: PathBuf, what: String },
}

/// Reads the training file at `path`.
///
/// # Errors
/// An unreadable file, an unknown key, a value of the wrong kind: with line and key.
pub fn recipe(path: &Path) -> Result<Recipe, RecipeError> {
    let unreadable = |source| RecipeError::Unreadable { path: path.into(), source };
    let text = bounded::text(path, LARGEST).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => RecipeError::TooLarge { path: path.into() },
        _ => unreadable(error),
    })?;
    toml::from_str(&text)
        .map_err(|error| RecipeError::BadToml { path: path.into(), what: super::toml_problem(&error) })
}
