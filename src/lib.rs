//! `bincim` turns a trained binary neural network and an architecture file into a proven accelerator.
//!
//! # Layout
//!
//! Files become a [`network::Network`] and an [`arch::Arch`]; a [`mapping::Mapping`] says where and
//! when; at the waist one [`design::Design`] in which everything is a number. `golden`, `emit` and
//! `cost` read the design independently and never each other. See `ARCHITECTURE.md`.

pub mod arch;
pub mod bits;
pub mod bounded;
pub mod cli;
pub mod cost;
pub mod design;
pub mod device;
pub mod emit;
pub mod escape;
pub mod flow;
pub mod golden;
pub mod lower;
pub mod mapping;
pub mod metrics;
pub mod montecarlo;
pub mod network;
pub mod onnx;
pub mod proof;
pub mod read;
pub mod report;
pub mod serial;
pub mod suggest;
pub mod train;
pub mod variation;
