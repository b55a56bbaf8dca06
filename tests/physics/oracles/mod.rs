//! Closed forms that drawn chips must reproduce, with the statistical bound of each written down.
//!
//! Columns are evaluated with integers exactly as `ArrayDraw` states it. A column's error is fixed by its chip, so
//! sample sizes count columns x chips and never vectors. Bounds are [`SIGMAS`] standard errors; seeds are fixed, so a
//! test that passes passes always. N rows, sigma relative to a full device, Phi the normal distribution function.

mod cells;
mod converters;
mod crosssim;
mod devices;
mod input_bits;
mod keys;
mod levels;
mod measured;
mod reference;
mod support;
mod wires;
