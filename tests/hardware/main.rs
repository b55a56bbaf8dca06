//! What is built: Verilog against the golden machine, trees, the library, benches, synthesis and boards.

#[macro_use]
extern crate harness;
harness::main!();

#[path = "../common/mod.rs"]
mod common;
#[path = "../machines/mod.rs"]
mod machines;

mod board;
mod bounds;
mod ensemble;
mod flow;
mod formal;
mod glyphs;
mod library;
mod loadable;
mod machine;
mod matrix;
mod mutation;
mod planes;
mod planted;
mod popcount;
mod rtl;
mod serial;
mod shipped;
mod synth;
mod tree_proof;
mod verify;
