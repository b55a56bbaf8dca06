//! (to come)

pub mod machine;

pub use machine::MachineTrace;
