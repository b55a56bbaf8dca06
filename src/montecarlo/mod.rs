//! Many chips of one machine: draws each, classifies the same images with it, counts what is right.
//!
//! Chips are independent: a chip's numbers are a function of its seed, the physics and the machine alone, for any
//! order, thread count and subset. Chip `seed` is the one that `bincim draw --seed` writes. No disk, no clock.

mod draws;
mod engine;
pub mod ranges;
pub mod statistics;
mod student;

pub use draws::{Calibration, correct};
pub use engine::{Job, Judge, Machine, Measured, recalibrate, run};
