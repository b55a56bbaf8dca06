//! The machine as a record, and the devices it may be built on.

pub mod device;
