//! The waist: everything about the machine resolved to numbers, names and latencies.

pub mod tree;
