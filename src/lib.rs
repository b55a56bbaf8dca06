//! `bincim` turns a trained binary neural network and an architecture file into a proven accelerator.
//!
//! # Layout
//!
//! Files become a [`network::Network`] and an [`arch::Arch`]; a [`mapping::Mapping`] says where and
//! when; at the waist one [`design::Design`] in which everything is a number. `golden`, `emit` and
//! `cost` read the design independently and never each other. See `ARCHITECTURE.md`.
//!
//! # A network, its scores and its machine
//!
//! ```
//! use bincim::{arch::ArchFile, cost, golden::reference, lower::lower, read};
//!
//! let network = lower(read::reading("examples/glyphs/glyphs.onnx".as_ref())?.network);
//! let image = vec![0; network.input.shape.elements()];
//! let scores = reference::run(&network, &network.input.elements(&image)).scores;
//! assert_eq!(scores.len(), 10);
//!
//! let mut file = ArchFile::default();
//! file.target.device = "up5k".into();
//! let device = bincim::arch::device::find("up5k").expect("a device of the table");
//! let choice = cost::choose(&network, &file, Some(device)).expect("a machine that fits");
//! assert!(choice.design.cycles < 10_000);
//! # Ok::<(), read::Errors>(())
//! ```

pub mod app;
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
