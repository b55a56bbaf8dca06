//! (to come)

pub mod bench;
pub mod vectors;
