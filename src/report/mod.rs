//! (to come)

pub mod junit;
