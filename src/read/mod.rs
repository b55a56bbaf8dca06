//! Files in.

pub mod arch;

pub use arch::{ArchError, arch, arch_from_text};
