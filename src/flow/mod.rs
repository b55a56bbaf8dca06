//! Runs outside tools and reads what they print: Verilator, Icarus, Yosys, nextpnr, the packers and what programs boards.
//!
//! The only module that starts processes. It never goes through a shell, gives every call a time
//! limit and a log file, and returns plain records. It knows no network and no machine: callers
//! say which files, which top and which device arguments.

pub mod elaborate;
mod error;
pub mod folder;
pub mod held;
mod home;
pub mod icarus;
mod load;
pub mod mutate;
pub mod nextpnr;
pub mod pack;
mod process;
mod runtime;
pub mod tools;
pub mod verilator;
pub mod yosys;

pub use error::FlowError;
pub use load::{Loading, load};
pub use process::{Limit, Observer, Ran, observe, run_program};
pub use tools::{Found, Origin, Tool, find, need};

use serde::{Deserialize, Serialize};

/// Most bytes of a source, report or log that is read back.
pub const MOST_BYTES: usize = 512 << 20;

/// The families that the open flow reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Lattice iCE40: `synth_ice40`, `nextpnr-ice40`, `icepack`.
    Ice40,
    /// Lattice ECP5: `synth_ecp5`, `nextpnr-ecp5`, `ecppack`.
    Ecp5,
    /// Gowin LittleBee: `synth_gowin`, `nextpnr-himbaechel`, `gowin_pack`.
    Gowin,
    /// AMD 7 series: `synth_xilinx` only, no place and route here.
    Xilinx,
}
