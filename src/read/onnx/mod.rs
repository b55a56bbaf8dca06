//! ONNX files: bytes to messages to plain tensors.
//!
//! Bounded before memory is taken: file size, number of strings and sub-messages, tensor sizes.

mod tensor;
mod wire;

pub use crate::onnx as proto;
pub use tensor::{MAX_ELEMENTS, Tensor};

use super::Error;
use crate::bounded;
use prost::Message;
use std::io::ErrorKind;
use std::path::Path;

/// Largest model file, bytes: 64 million 32-bit weights.
pub const MAX_FILE: usize = 256 << 20;

/// The content of the model file at `path`.
///
/// # Errors
/// [`Error::Io`], and [`Error::TooLarge`] above [`MAX_FILE`].
pub fn load(path: &Path) -> Result<Vec<u8>, Error> {
    bounded::bytes(path, MAX_FILE).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => too_large(),
        _ => Error::Io { reason: error.to_string() },
    })
}

/// The model in `bytes`.
///
/// # Errors
/// [`Error::TooLarge`] above [`MAX_FILE`] or a million parts, [`Error::NotOnnx`] for anything that is not
/// a model with a graph.
pub fn decode(bytes: &[u8]) -> Result<proto::ModelProto, Error> {
    if bytes.len() > MAX_FILE {
        return Err(too_large());
    }
    wire::check(bytes)?;
    let model = proto::ModelProto::decode(bytes).map_err(|e| Error::NotOnnx { reason: e.to_string() })?;
    match &model.graph {
        Some(graph) if !graph.node.is_empty() => Ok(model),
        _ => Err(Error::NotOnnx { reason: "it has no graph with nodes".into() }),
    }
}

fn too_large() -> Error {
    Error::TooLarge { what: "the file".into(), limit: bounded::size(MAX_FILE) }
}
