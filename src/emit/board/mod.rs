//! The wrapper that puts the accelerator on a board: serial line, power-on reset, clock, LED.
//!
//! Ports are those of the pin files in `constraints/`: `clk_i`, `rst_ni` where the board has a
//! button, `uart_rx_i`, `uart_tx_o`, `led_o`. The accelerator is `bincim_top`; its control port
//! rests, because the engine starts by itself when a frame is complete.

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
    /// The board's oscillator in hertz.
    pub clock_hz: u64,
    /// The PLL between the oscillator and the accelerator, where the clock is not the board's own.
    pub pll: Option<Pll>,
    /// Whether a button drives `rst_ni`.
    pub reset_pin: bool,
    /// Whether the LED is lit when its pin is low.
    pub led_active_low: bool,
    /// Rate of the serial line, bits a second.
    pub baud: u64,
    /// Width of `s_axis_tdata` in bytes.
    pub s_bytes: usize,
    /// Width of `m_axis_tdata` in bytes.
    pub m_bytes: usize,
    /// Beats of one input frame.
    pub frame_beats: usize,
}

impl BoardTop {
    /// The accelerator's clock in hertz.
    pub fn core_hz(&self) -> u64 {
        self.pll.as_ref().map_or(self.clock_hz, |pll| pll.output_hz)
    }

    /// The serial link at this clock and rate.
    pub fn link(&self) -> Result<SerialLink, HdlError> {
        let divider = hdl::divider(self.core_hz(), self.baud)?;
        Ok(SerialLink::new(divider, self.s_bytes, self.m_bytes, self.frame_beats))
    }
}

#[derive(Template)]
#[template(path = "board/board_top.v", syntax = "verilog")]
struct Wrapper<'a> {
    module: &'a str,
    baud: u64,
    input_hz: u64,
    core_hz: u64,
    lit: &'static str,
    reset_pin: bool,
    has_pll: bool,
    has_ready: bool,
    not_ready: &'static str,
    led: &'static str,
    s_top: usize,
    m_top: usize,
}

/// The wrapper, the serial link and the PLL where there is one; the wrapper comes last.
pub fn modules(board: &BoardTop) -> Result<Vec<NamedText>, HdlError> {
    let mut files = hdl::modules(&board.link()?)?;
    files.extend(board.pll.as_ref().map(Pll::module));
    let wrapper = Wrapper {
        module: &board.module,
        baud: board.baud,
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
        led: if board.led_active_low { "!(busy || error)" } else { "busy || error" },
        s_top: 8 * board.s_bytes - 1,
        m_top: 8 * board.m_bytes - 1,
    };
    files.push(NamedText { name: format!("{}.v", board.module), text: wrapper.to_string() + "\n" });
    Ok(files)
}
