//! The golden models: what the numbers must be, in integers, without disk, clock or chance.
//!
//! [`reference`] runs a network's definition, tap by tap. [`packed`] gives the same scores, bit-parallel,
//! for whole data sets. Neither knows any hardware.

pub mod machine;
pub mod packed;
pub mod reference;
