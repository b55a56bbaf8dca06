//! Writes the accelerator as named texts; never touches a disk.

pub mod hdl;

/// A text to be written as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedText {
    /** File name */
    pub name: String,
    pub text: String,
}
