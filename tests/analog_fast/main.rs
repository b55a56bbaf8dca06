//! The fast executor of analog arrays against the golden machine; `tests/guarded.rs` runs the same suite behind guard
//! pages.

#[macro_use]
extern crate harness;
harness::main!();

mod suite;
