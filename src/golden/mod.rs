//! The golden models: what the numbers must be, in integers, without disk, clock or chance.
//!
//! [`mod@reference`] runs a network's definition, tap by tap. [`packed`] gives the same scores, bit-parallel,
//! for whole data sets. Neither knows any hardware. [`machine`] runs a design address by address; [`analog`]
//! gives the same results for analog arrays on drawn chips, and [`ensemble`] for weights that are drawn, many images at a
//! time.

mod aligned;
pub mod analog;
pub mod ensemble;
pub mod machine;
pub mod packed;
pub mod reference;
