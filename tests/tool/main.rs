//! The program as its user meets it: every command, and training.

#[macro_use]
extern crate harness;
harness::main!();

#[path = "../common/mod.rs"]
mod common;

mod book;
mod ci;
mod cli;
mod train;
