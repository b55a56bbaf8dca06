//! Why a file cannot be read: one enum, a stable code for each kind, and what would be right.

use crate::escape;
use std::path::PathBuf;

/// One reason. `help` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("cannot be read: {reason}")]
    Io { reason: String },
    #[error("{what} is larger than the limit of {limit}")]
    TooLarge { what: String, limit: String },
    #[error("not an ONNX model: {reason}")]
    NotOnnx { reason: String },
    #[error("graph: {what}")]
    Graph { what: String, help: String },
    #[error("tensor '{name}': {what}")]
    Tensor { name: String, what: String, help: String },
    #[error("tensor '{name}' keeps its data in another file")]
    ExternalData { name: String },
    #[error("node '{node}': operation {op} is not supported")]
    UnknownOp { node: String, op: String },
    #[error("node '{node}' ({op}): attribute {attribute} = {value} is not supported")]
    Attribute { node: String, op: String, attribute: String, value: String, help: String },
    #[error("node '{node}' ({op}): {what}")]
    Shape { node: String, op: String, what: String },
    #[error("node '{node}' ({op}): input '{input}' must be a constant")]
    NotConstant { node: String, op: String, input: String },
    #[error("node '{node}' ({op}): {what}")]
    NotBinary { node: String, op: String, what: String, help: String },
    #[error(
        "node '{node}' ({op}): the chain before it is not monotone in channel {channel} (accumulator {value})"
    )]
    NotMonotone { node: String, op: String, channel: usize, value: i64 },
    #[error("node '{node}' (Sign): its input is exactly 0 at value {value} of channel {channel}")]
    SignOfZero { node: String, channel: usize, value: i64 },
    #[error("node '{node}' ({op}): joins two computed maps (residual or branch)")]
    Residual { node: String, op: String },
    #[error("node '{node}' ({op}): {what}")]
    Structure { node: String, op: String, what: String, help: String },
    #[error("graph input '{name}': {what}")]
    Input { name: String, what: String, help: String },
    #[error("pixels: {what}")]
    Pixels { what: String, help: String },
    #[error("data set '{file}': {what}")]
    Data { file: String, what: String, help: String },
    /// The same reason at several nodes.
    #[error("{first}; the same at {} more: {}", .others.len(), named(.others))]
    Repeated { first: Box<Error>, others: Vec<String> },
}

/// The first of `names`, quoted.
fn named(names: &[String]) -> String {
    const MOST: usize = 4;
    let mut text = names.iter().take(MOST).map(|n| format!("'{n}'")).collect::<Vec<String>>().join(", ");
    if names.len() > MOST {
        text.push_str(", ...");
    }
    text
}

impl Error {
    /// Stable code of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Io { .. } => "read::io",
            Error::TooLarge { .. } => "read::too-large",
            Error::NotOnnx { .. } => "read::not-onnx",
            Error::Graph { .. } => "read::graph",
            Error::Tensor { .. } => "read::tensor",
            Error::ExternalData { .. } => "read::external-data",
            Error::UnknownOp { .. } => "read::unknown-op",
            Error::Attribute { .. } => "read::attribute",
            Error::Shape { .. } => "read::shape",
            Error::NotConstant { .. } => "read::not-constant",
            Error::NotBinary { .. } => "read::not-binary",
            Error::NotMonotone { .. } => "read::not-monotone",
            Error::SignOfZero { .. } => "read::sign-of-zero",
            Error::Residual { .. } => "read::residual",
            Error::Structure { .. } => "read::structure",
            Error::Input { .. } => "read::input",
            Error::Pixels { .. } => "read::pixels",
            Error::Data { .. } => "read::data",
            Error::Repeated { first, .. } => first.code(),
        }
    }

    /// The node that is to blame, where it is one.
    pub fn node(&self) -> Option<&str> {
        match self {
            Error::UnknownOp { node, .. }
            | Error::Attribute { node, .. }
            | Error::Shape { node, .. }
            | Error::NotConstant { node, .. }
            | Error::NotBinary { node, .. }
            | Error::NotMonotone { node, .. }
            | Error::SignOfZero { node, .. }
            | Error::Residual { node, .. }
            | Error::Structure { node, .. } => Some(node),
            _ => None,
        }
    }

    /// `list` with one entry for each reason: errors that differ only in their node, in numbers and in quoted names are
    /// counted behind the first of them.
    pub fn gathered(list: Vec<Error>) -> Vec<Error> {
        let mut gathered: Vec<(String, Error, Vec<String>)> = Vec::new();
        for error in list {
            let reason = match error.node() {
                Some(_) => error.reason(),
                None => error.to_string(),
            };
            match gathered.iter_mut().find(|(known, ..)| *known == reason) {
                Some((_, _, others)) => others.push(error.node().unwrap_or_default().to_string()),
                None => gathered.push((reason, error, Vec::new())),
            }
        }
        let one = |(_, first, others): (String, Error, Vec<String>)| match others.is_empty() {
            true => first,
            false => Error::Repeated { first: Box::new(first), others },
        };
        gathered.into_iter().map(one).collect()
    }

    /// Its text without what differs from node to node.
    fn reason(&self) -> String {
        let text = self.to_string();
        let (mut reason, mut quoted, mut number) = (format!("{} ", self.code()), false, false);
        for c in text.chars() {
            if c == '\'' {
                quoted = !quoted;
            } else if !quoted && (c.is_ascii_digit() || number && (c == '.' || c == '-' || c == 'e')) {
                number = true;
                continue;
            }
            number = false;
            if !quoted {
                reason.push(c);
            }
        }
        reason
    }

    /// What to do about it.
    pub fn help(&self) -> &str {
        match self {
            // By their ends: the path in front may hold anything.
            Error::Io { reason } if reason.ends_with("the most that is read") => "use a smaller file",
            Error::Io { reason } if reason.ends_with("a window of more than 100 MiB") => {
                "pack it again with a smaller window (zstd without --ultra and --long)"
            }
            Error::Io { .. } => "check that the path exists and may be read",
            Error::TooLarge { .. } => "use a smaller file",
            Error::NotOnnx { .. } => {
                "export the model with Brevitas' export_qonnx, or run qonnx-cleanup on it"
            }
            Error::ExternalData { .. } => {
                "save it in one file: onnx.save(onnx.load(path), path, save_as_external_data=False)"
            }
            Error::UnknownOp { .. } => {
                "run qonnx-cleanup, or rewrite the model with Conv, MatMul, Gemm, BatchNormalization, \
                 BipolarQuant, MultiThreshold, MaxPool and elementwise operations on constants"
            }
            Error::Shape { .. } => {
                "see the shapes by onnx.shape_inference: a convolution reads (1, channels, rows, columns), a dense layer (1, elements)"
            }
            Error::NotConstant { .. } => "fold it into an initialiser (qonnx-cleanup does)",
            Error::NotMonotone { .. } => {
                "the sequence of operations before a sign must rise or fall steadily; remove the one that folds back"
            }
            Error::SignOfZero { .. } => {
                "Sign gives 0 there, which one bit cannot hold; use BipolarQuant, whose sign of 0 is +1"
            }
            Error::Residual { .. } => {
                "only a sequence of layers is supported, and an Add of the sums of a layer and those of an earlier one, \
                 both before BatchNormalization and sign; remove the branch"
            }
            Error::Graph { help, .. }
            | Error::Tensor { help, .. }
            | Error::Attribute { help, .. }
            | Error::NotBinary { help, .. }
            | Error::Structure { help, .. }
            | Error::Input { help, .. }
            | Error::Pixels { help, .. }
            | Error::Data { help, .. } => help,
            Error::Repeated { first, .. } => first.help(),
        }
    }
}

impl miette::Diagnostic for Error {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(Error::code(self)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new(Error::help(self)))
    }
}

/// All reasons for which one file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    pub file: PathBuf,
    pub list: Vec<Error>,
}

/// One reason stands behind the file's name; several stand apart ([`miette::Diagnostic::related`]), so that a report tells
/// each once.
impl std::fmt::Display for Errors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let file = escape::path(&self.file);
        match &self.list[..] {
            [one] => write!(f, "{file}: {}", escape::terminal(&one.to_string())),
            many => write!(f, "{file}: refused for {} reasons", many.len()),
        }
    }
}

impl std::error::Error for Errors {}

impl miette::Diagnostic for Errors {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match &self.list[..] {
            [one] => miette::Diagnostic::code(one),
            _ => Some(Box::new("read::refused")),
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        match &self.list[..] {
            [one] => miette::Diagnostic::help(one),
            _ => Some(Box::new("each reason has its own help")),
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        match &self.list[..] {
            [_] => None,
            many => Some(Box::new(many.iter().map(|error| error as &dyn miette::Diagnostic))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_nothing_of_what_is_wrong() {
        let help = |reason: &str| Error::Io { reason: reason.into() }.help().to_string();
        let missing = "check that the path exists and may be read";
        assert_eq!(help("windows/it is larger than it looks.npy: No such file or directory"), missing);
        assert_eq!(help("x: it is larger than 1 GiB, the most that is read"), "use a smaller file");
        assert!(help("x.zst: it was packed with a window of more than 100 MiB").contains("smaller window"));
    }
}
