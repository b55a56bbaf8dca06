//! Network to Network: passes that keep every class score and make the machine's work smaller.
//!
//! The order is data ([`PASSES`]). A pass never changes what leaves the network; it may change a bit inside
//! it (see `move_flips`) or the order of channels (`align_shortcuts`), so traces are compared on the lowered network.

mod absorb_flips;
mod align_shortcuts;
mod clamp_thresholds;
mod move_flips;
mod pool_bits;
mod unit_windows;
mod vector_input;

use crate::network::Network;

pub use align_shortcuts::run as align_shortcuts;

/// A step of lowering.
pub struct Pass {
    pub name: &'static str,
    pub run: fn(&mut Network),
}

/// All passes, in the order in which they run.
pub const PASSES: [Pass; 7] = [
    Pass { name: "unit-windows", run: unit_windows::run },
    Pass { name: "vector-input", run: vector_input::run },
    Pass { name: "absorb-flips", run: absorb_flips::run },
    Pass { name: "move-flips", run: move_flips::run },
    Pass { name: "pool-bits", run: pool_bits::run },
    Pass { name: "align-shortcuts", run: align_shortcuts },
    Pass { name: "clamp-thresholds", run: clamp_thresholds::run },
];

/// `network` after all passes. A sound network (`network::validate`) stays sound.
pub fn lower(mut network: Network) -> Network {
    for pass in &PASSES {
        (pass.run)(&mut network);
    }
    network
}
