//! The popcount tree of one column lane as Verilog: the tree for the target and its specification.
//!
//! Both have the same ports, the same integers and the same latency. The tree is what is synthesised, simulated and
//! proved; the specification may take its place in a simulation, by its name in the list of files and never by a
//! condition inside a file.

mod adders;
mod chain;
mod model;
mod part;
mod ports;
mod tree;

pub use crate::design::tree::layout::PartShape;
pub use model::module as specification;
pub use tree::{modules, parts, top};
