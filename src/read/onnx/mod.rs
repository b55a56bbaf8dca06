//! ONNX files: bytes to messages to plain tensors.
//!
//! Bounded before memory is taken: file size, number of strings and sub-messages, tensor sizes.

mod tensor;
mod wire;

pub use crate::onnx as proto;
pub use tensor::{MAX_ELEMENTS, Tensor};

use super::Error;
use prost::Message;
use std::io::Read;
use std::path::Path;

/// Largest model file, bytes: 64 million 32-bit weights.
pub const MAX_FILE: u64 = 256 << 20;

/// The content of the model file at `path`.
///
/// # Errors
/// [`Error::Io`], and [`Error::TooLarge`] above [`MAX_FILE`].
pub fn load(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |e: std::io::Error| Error::Io { reason: e.to_string() };
    let mut bytes = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// The model in `bytes`.
///
/// # Errors
/// [`Error::TooLarge`] above [`MAX_FILE`] or a million parts, [`Error::NotOnnx`] for anything that is not
/// a model with a graph.
pub fn decode(bytes: &[u8]) -> Result<proto::ModelProto, Error> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::TooLarge { what: "the file".into(), limit: format!("{} MiB", MAX_FILE >> 20) });
    }
    wire::check(bytes)?;
    let model = proto::ModelProto::decode(bytes).map_err(|e| Error::NotOnnx { reason: e.to_string() })?;
    match &model.graph {
        Some(graph) if !graph.node.is_empty() => Ok(model),
        _ => Err(Error::NotOnnx { reason: "it has no graph with nodes".into() }),
    }
}
