//! What is read: networks, data, settings and names, and what the sources of the project import.

#[macro_use]
extern crate harness;
harness::main!();

#[path = "../common/mod.rs"]
mod common;
#[path = "../support/mod.rs"]
mod support;

mod cases;
mod fuzz_readers;
mod images_cli;
mod imports;
mod levels;
mod names;
mod pictures;
mod read_codes;
mod read_data;
mod read_flips;
mod read_forms;
mod read_models;
mod read_pixels;
mod read_random;
mod read_refusals;
mod read_residual;
mod read_states;
mod real_networks;
mod schema;
