//! Arrays that differ: analog machines, their Verilog, drawn chips, and the physics behind a draw.

#[macro_use]
extern crate harness;
harness::main!();

#[path = "../common/mod.rs"]
mod common;
#[path = "../machines/mod.rs"]
mod machines;
#[path = "../support/mod.rs"]
mod support;

mod analog;
mod analog_fast;
mod chip_files;
mod drawn;
mod noise;
mod oracles;
mod vary;
