//! The use cases: what each verb does, without a command line and without a terminal.
//!
//! `cli` and the Python package are two faces of this room. Values go in and values come out; what somebody may want to
//! see meanwhile goes to a [`Watch`], and an error carries its code and its help ([`fault::coded`] gives them to one of the
//! system's).

pub mod array;
pub mod check;
pub mod chip;
pub mod draw;
pub mod fault;
pub mod infer;
pub mod layer;
pub mod load;
pub mod pixels;
pub mod samples;
pub mod saturated;
pub mod vary;
mod watch;

pub use watch::{Bar, Silent, Watch};

/// The program as it names itself in what it writes: version, and the commit it is built from.
pub const PROGRAM: &str = concat!("bincim ", env!("CARGO_PKG_VERSION"), " (", env!("BINCIM_COMMIT"), ")");
/// The same without the name.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BINCIM_COMMIT"), ")");

/// Most threads.
pub const MOST_THREADS: usize = 1024;
/// Most chips of a Monte-Carlo run: the interval of a mean is far below a thousandth by then.
pub const MOST_CHIPS: usize = 1_000_000;
