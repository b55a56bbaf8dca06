//! The golden models: what every number of a network and of its accelerator must be, in integers.

pub mod machine;
pub mod reference;
