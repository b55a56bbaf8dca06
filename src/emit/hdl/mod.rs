//! The serial link: receiver, transmitter and queue written once in Rust with rust-hdl, and the protocol's
//! modules, whose text in `templates/board` goes out as it is.
//!
//! The kernels are simulated in `cargo test` by rust-hdl's own simulator and printed to Verilog by
//! [`printer`], because rust-hdl's generator has no reset and emits names and structure that
//! Verilator refuses. What is simulated and what is printed is one source.

pub mod error;
pub mod expr;
pub mod fifo;
pub mod netlist;
pub mod printer;
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
    /// Beats of one input frame; with `s_bytes` 1..=2^24 bytes.
    pub frame_beats: usize,
    /// Beats of one result; with `m_bytes` 1..=2^16 bytes.
    pub result_beats: usize,
}

impl SerialLink {
    /// Bytes of one frame.
    pub fn frame_bytes(&self) -> usize {
        self.s_bytes * self.frame_beats
    }

    /// Bytes of one result.
    pub fn result_bytes(&self) -> usize {
        self.m_bytes * self.result_beats
    }

    /// The link buffers `2^buffer_log2` bytes: one frame, and no less than the smallest block memory.
    pub fn buffer_log2(&self) -> usize {
        index_width(self.frame_bytes()).max(9)
    }

    /// Bits of a counter over the content of a packet, which stays behind the longest one.
    pub fn length_width(&self) -> usize {
        index_width((self.frame_bytes() + 2).max(8) + 2)
    }

    /// Refuses numbers out of range, all of them at once.
    pub fn check(&self) -> Result<(), HdlError> {
        let ranges = [
            ("divider", self.divider, 4, 1 << 24),
            ("s_bytes", self.s_bytes as u64, 1, 128),
            ("m_bytes", self.m_bytes as u64, 1, 128),
            ("bytes of a frame", self.frame_bytes() as u64, 1, 1 << 24),
            ("bytes of a result", self.result_bytes() as u64, 1, 1 << 16),
        ];
        let problems: Vec<String> = ranges
            .iter()
            .filter(|(_, value, low, high)| value < low || value > high)
            .map(|(name, value, low, high)| format!("{name} is {value}, must be {low}..={high}"))
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(HdlError::Link { problems }) }
    }
}

/// The tags of `2^TAGS_LOG2` frames wait for their results.
const TAGS_LOG2: usize = 3;

macro_rules! text {
    ($name:literal) => {
        NamedText {
            name: concat!($name, ".v").into(),
            text: include_str!(concat!("../../../templates/board/", $name, ".v")).into(),
        }
    };
}

/// The Verilog of `link`: `uart_rx.v`, `uart_tx.v` and `stream_fifo.v`, which are made for it, and the modules of the
/// protocol, which take its numbers as parameters; `serial_link.v` comes last.
pub fn modules(link: &SerialLink) -> Result<Vec<NamedText>, HdlError> {
    link.check()?;
    let mut files = print_cell(&uart_rx::UartRx::new(link.divider))?;
    files.extend(print_cell(&uart_tx::UartTx::new(link.divider))?);
    files.extend(print_cell(&fifo::StreamFifo::new(8, TAGS_LOG2))?);
    files.extend([
        text!("fcs16"),
        text!("packet_receiver"),
        text!("packet_sender"),
        text!("frame_buffer"),
        text!("register_access"),
        text!("serial_link"),
    ]);
    Ok(files)
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

/// The usual rates of serial lines, bits a second, the fastest first.
pub const RATES: [u64; 9] =
    [3_000_000, 2_000_000, 1_500_000, 1_000_000, 921_600, 500_000, 460_800, 230_400, 115_200];

/// The fastest of [`RATES`] up to `most` that `clock_hz` can be divided to.
pub fn fastest(clock_hz: u64, most: u64) -> Result<u64, HdlError> {
    let rates = RATES.into_iter().filter(|&rate| rate <= most);
    let slowest = RATES[RATES.len() - 1];
    rates
        .into_iter()
        .find(|&rate| divider(clock_hz, rate).is_ok())
        .map_or_else(|| divider(clock_hz, slowest).map(|_| slowest), Ok)
}

/// Bits of an index over `count` things, at least one.
pub(crate) fn index_width(count: usize) -> usize {
    rust_hdl_core::prelude::clog2(count).max(1)
}

#[cfg(test)]
mod tests;
