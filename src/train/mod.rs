//! Trains binary networks: layers by hand on one matrix product, forward exactly as the chip computes.
//!
//! A [`Recipe`] becomes a [`Plan`], a [`Trainer`] trains it, and what comes out is a network of integers, the
//! QONNX file that says the same, and a checkpoint, all as values: nothing here touches a disk or a clock.
//! Every sum of floating-point numbers has a fixed order, so the same seed gives the same bytes on the same
//! machine for any number of threads.

mod adam;
mod arrays;
mod bayes;
pub mod checkpoint;
mod conv;
mod drop;
mod export;
mod fold;
mod gathered;
mod groups;
mod loss;
mod matrix;
mod model;
mod narrow;
mod norm;
mod patches;
mod plan;
pub mod recipe;
mod residual;
mod sample;
mod shortcut;
mod sign;
mod start;
mod supports;
mod trainer;
mod warp;
mod windows;

#[cfg(test)]
mod tests;

pub use arrays::Arrays;
pub use bayes::BayesPlan;
pub use export::{Weights, onnx};
pub use model::{LayerState, Model, Moment};
pub use plan::{Plan, PlanLayer, Problem, plan};
pub use recipe::Recipe;
pub use sample::{Samples, holdout};
pub use shortcut::PlanShortcut;
pub use start::{StartError, start};
pub use supports::{Support, counted};
pub use trainer::{EpochRecord, Step, TrainError, Trainer};
