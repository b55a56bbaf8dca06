//! From a resolved design to named texts; never touches the disk.

pub mod bench;
pub mod board;
pub mod hdl;
pub mod popcount;
pub mod vectors;

/// One file of emitted text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedText {
    /// File name; with a folder where the emitter says so.
    pub name: String,
    /// The whole content, ASCII, ending in one line feed.
    pub text: String,
}
