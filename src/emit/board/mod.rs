//! The wrapper that puts the accelerator on a board: serial line, power-on reset, clock, LED.
//!
//! Ports are those of the pin files in `constraints/`: `clk_i`, `rst_ni` where the board has a
//! button, `uart_rx_i`, `uart_tx_o`, `led_o`.

pub mod host;
pub mod pll;

use super::NamedText;
use super::hdl::{self, HdlError, SerialLink};
use askama::Template;
use pll::Pll;

/// What the wrapper needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardTop {
    /// Name of the wrapper's module and file.
    pub module: String,
    /// Module of the accelerator.
    pub accelerator: String,
    /// The board's name in texts.
    pub title: String,
    /// The board's oscillator in hertz.
    pub clock_hz: u64,
    /// The PLL between the oscillator and the accelerator, where the clock is not the board's own.
    pub pll: Option<Pll>,
    /// Whether a button drives `rst_ni`.
    pub reset_pin: bool,
    /// Whether the LED is lit when its pin is low.
    pub led_active_low: bool,
    /// The serial line.
    pub line: Line,
    /// Width of `s_axis_tdata` in bytes.
    pub s_bytes: usize,
    /// Width of `m_axis_tdata` in bytes.
    pub m_bytes: usize,
    /// Beats of one input frame.
    pub frame_beats: usize,
    /// Beats of one result.
    pub result_beats: usize,
}

/// The serial line between the accelerator and a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Rate, bits a second.
    pub baud: u64,
    /// What turns it into USB, and the fastest rate that it holds.
    pub converter: String,
    pub most_baud: u64,
    /// Whether it reaches the registers; frames alone take a third fewer cells.
    pub registers: bool,
}

impl BoardTop {
    /// The accelerator's clock in hertz.
    pub fn core_hz(&self) -> u64 {
        self.pll.as_ref().map_or(self.clock_hz, |pll| pll.output_hz)
    }

    /// The serial link at this clock and rate.
    pub fn link(&self) -> Result<SerialLink, HdlError> {
        let divider = hdl::divider(self.core_hz(), self.line.baud)?;
        let (s_bytes, m_bytes) = (self.s_bytes, self.m_bytes);
        let (frame_beats, result_beats) = (self.frame_beats, self.result_beats);
        Ok(SerialLink { divider, s_bytes, m_bytes, frame_beats, result_beats })
    }
}

#[derive(Template)]
#[template(path = "board/board_top.v", syntax = "verilog")]
struct Wrapper<'a> {
    module: &'a str,
    accelerator: &'a str,
    baud: u64,
    input_hz: u64,
    core_hz: u64,
    lit: &'static str,
    reset_pin: bool,
    has_pll: bool,
    has_ready: bool,
    not_ready: &'static str,
    led: &'static str,
    heart_log2: usize,
    link: &'a SerialLink,
    result_bytes: usize,
    access: u8,
    byte_width: usize,
    beat_width: usize,
}

/// The wrapper, the serial link and the PLL where there is one; the wrapper comes last.
pub fn modules(board: &BoardTop) -> Result<Vec<NamedText>, HdlError> {
    let link = board.link()?;
    let mut files = hdl::modules(&link)?;
    files.extend(board.pll.as_ref().map(Pll::module));
    let wrapper = Wrapper {
        module: &board.module,
        accelerator: &board.accelerator,
        baud: board.line.baud,
        input_hz: board.clock_hz,
        core_hz: board.core_hz(),
        lit: if board.led_active_low { "low" } else { "high" },
        reset_pin: board.reset_pin,
        has_pll: board.pll.is_some(),
        has_ready: board.reset_pin || board.pll.is_some(),
        not_ready: match (board.reset_pin, board.pll.is_some()) {
            (true, true) => "!rst_ni || !locked",
            (true, false) => "!rst_ni",
            (false, _) => "!locked",
        },
        led: if board.led_active_low { "!light" } else { "light" },
        // A beat takes a second or two.
        heart_log2: board.core_hz().ilog2() as usize + 1,
        link: &link,
        result_bytes: link.result_bytes(),
        access: board.line.registers.into(),
        byte_width: hdl::index_width(link.s_bytes),
        beat_width: hdl::index_width(link.frame_beats),
    };
    files.push(NamedText { name: format!("{}.v", board.module), text: wrapper.to_string() + "\n" });
    Ok(files)
}
