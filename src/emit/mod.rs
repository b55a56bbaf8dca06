//! From a resolved design to named texts; never touches the disk.

pub mod board;
pub mod hdl;
pub mod popcount;

/// One file of emitted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedText {
    /// File name, without a folder.
    pub name: String,
    /// The whole content, ASCII, ending in one line feed.
    pub text: String,
}
