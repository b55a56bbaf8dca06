//! The host's end of a board's serial line: packets, the conversation over any port, and the port itself.
//!
//! The board's end is `templates/board/serial_link.v`; GUIDE.md has the protocol, "The serial line". Knows neither
//! networks nor designs: a frame and its result are bytes. Reads no clock: what does not come is noticed by silence.

mod error;
mod message;
mod packet;
mod port;
mod session;

pub use error::SerialError;
pub use message::{Reason, Reply, Request};
pub use packet::{Decoder, FLAG, encode};
pub use port::Uart;
pub use session::{Counts, Port, Session, Shape};

/// Registers of the accelerator.
pub mod register {
    pub const ID: u16 = 0x000;
    pub const STATUS: u16 = 0x008;
    pub const FRAMES: u16 = 0x00C;
    pub const CYCLES: u16 = 0x010;
    pub const LAYERS: u16 = 0x014;
    pub const PLANES: u16 = 0x018;
    pub const SEED: u16 = 0x01C;
    pub const SAMPLES: u16 = 0x020;
    pub const MODE: u16 = 0x024;
    /// Registers of the link.
    pub const LINK: u16 = 0x1000;
    pub const FRAME_BYTES: u16 = 0x1004;
    pub const RESULT_BYTES: u16 = 0x1008;
    pub const REFUSED: u16 = 0x100C;
    pub const SESSION: u16 = 0x1010;

    /// Every register with its name; `LAYER_CYCLES` of the layers begin at 0x100.
    pub const NAMES: [(&str, u16); 15] = [
        ("ID", ID),
        ("CONTROL", 0x004),
        ("STATUS", STATUS),
        ("FRAMES", FRAMES),
        ("CYCLES", CYCLES),
        ("LAYERS", LAYERS),
        ("PLANES", PLANES),
        ("SEED", SEED),
        ("SAMPLES", SAMPLES),
        ("MODE", MODE),
        ("LINK", LINK),
        ("FRAME_BYTES", FRAME_BYTES),
        ("RESULT_BYTES", RESULT_BYTES),
        ("REFUSED", REFUSED),
        ("SESSION", SESSION),
    ];

    /// What LINK holds: the protocol's version.
    pub const VERSION: u32 = u32::from_be_bytes(*b"BSL1");
}
