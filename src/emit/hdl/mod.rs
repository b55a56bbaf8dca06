//! Fixed-function control and IO, written once in Rust with rust-hdl: the serial link.
//!
//! The kernels are simulated in `cargo test` by rust-hdl's own simulator and printed to Verilog by
//! [`printer`], because rust-hdl's generator has no reset and emits names and structure that
//! Verilator refuses. What is simulated and what is printed is one source.

pub mod bridge;
pub mod error;
pub mod expr;
pub mod fifo;
pub mod netlist;
pub mod printer;
pub mod protocol;
pub mod register;
mod statement;
pub mod uart_rx;
pub mod uart_tx;
pub mod wire;
pub mod word;

use super::NamedText;
pub use error::HdlError;
use rust_hdl_core::prelude::Block;

/// The numbers of a serial link between a host and the accelerator's streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SerialLink {
    /// Clock cycles a bit, 4..=2^24; see [`divider`].
    pub divider: u64,
    /// Width of `s_axis_tdata` in bytes, 1..=128.
    pub s_bytes: usize,
    /// Width of `m_axis_tdata` in bytes, 1..=128.
    pub m_bytes: usize,
    /// Beats of one input frame, 1..=2^24.
    pub frame_beats: usize,
    /// The input queue holds `2^queue_log2` beats, 1..=12.
    pub queue_log2: usize,
    /// Silence inside a frame that ends it, in bit times, 20..=2^20.
    pub silence_bits: u64,
}

impl SerialLink {
    /// A link whose frame is ended by 65,536 bit times of silence (0.57 s at 115,200 baud), with
    /// a queue of 16 beats.
    pub fn new(divider: u64, s_bytes: usize, m_bytes: usize, frame_beats: usize) -> Self {
        SerialLink { divider, s_bytes, m_bytes, frame_beats, queue_log2: 4, silence_bits: 65_536 }
    }

    /// Silence inside a frame that ends it, in clock cycles.
    pub fn silence_cycles(&self) -> u64 {
        self.silence_bits * self.divider
    }

    /// Refuses numbers out of range, all of them at once.
    pub fn check(&self) -> Result<(), HdlError> {
        let ranges = [
            ("divider", self.divider, 4, 1 << 24),
            ("s_bytes", self.s_bytes as u64, 1, 128),
            ("m_bytes", self.m_bytes as u64, 1, 128),
            ("frame_beats", self.frame_beats as u64, 1, 1 << 24),
            ("queue_log2", self.queue_log2 as u64, 1, 12),
            ("silence_bits", self.silence_bits, 20, 1 << 20),
        ];
        let problems: Vec<String> = ranges
            .iter()
            .filter(|(_, value, low, high)| value < low || value > high)
            .map(|(name, value, low, high)| format!("{name} is {value}, must be {low}..={high}"))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(HdlError::Link { problems }) }
    }
}

/// The Verilog of `link`: `uart_rx.v`, `uart_tx.v`, `stream_fifo.v` and `serial_bridge.v`.
pub fn modules(link: &SerialLink) -> Result<Vec<NamedText>, HdlError> {
    link.check()?;
    print_cell(&bridge::SerialBridge::new(link))
}

/// The Verilog of one cell and of the cells inside it, a file a module, users last.
pub fn print_cell(cell: &dyn Block) -> Result<Vec<NamedText>, HdlError> {
    let modules = printer::print(&netlist::read(cell)?)?;
    Ok(modules.into_iter().map(|(name, text)| NamedText { name: format!("{name}.v"), text }).collect())
}

/// Clock cycles a bit for `baud` from `clock_hz`; refuses a rate that is more than 2 % off, half of
/// what a receiver that samples ten bits can bear.
pub fn divider(clock_hz: u64, baud: u64) -> Result<u64, HdlError> {
    let refuse = |detail: String| Err(HdlError::Baud { clock_hz, baud, detail });
    if baud == 0 {
        return refuse("the rate must be 1 or more".into());
    }
    let divider = (clock_hz + baud / 2) / baud;
    if divider < 4 {
        return refuse(format!("the highest is {}", clock_hz / 4));
    }
    if (divider * baud).abs_diff(clock_hz) * 50 > divider * baud {
        return refuse(format!("the nearest is {}", clock_hz / divider));
    }
    Ok(divider)
}

/// Bits of an index over `count` things, at least one.
pub(crate) fn index_width(count: usize) -> usize {
    rust_hdl_core::prelude::clog2(count).max(1)
}

#[cfg(test)]
mod tests;
