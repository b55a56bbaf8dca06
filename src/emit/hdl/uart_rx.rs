//! `uart_rx`: a serial line into bytes, 8 data bits, no parity, 1 stop bit.
//!
//! Each bit is sampled once, in its middle. A start bit that is gone by its middle is noise and
//! ignored. A byte whose stop bit is low is handed on with `error_o`, so that a reader keeps its
//! place in a frame; after it the receiver waits for the line to rise, so that a break is one
//! error and not a stream of them.

use super::register::{Flop, Register, comment, dff_setup};
use super::wire::{ModuleName, Param, Wire};
use super::word::bits_of;
use rust_hdl_core::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, LogicState)]
pub enum Rx {
    Idle,
    Start,
    Data,
    Stop,
    Break,
}

/// The receiver; see the module for its manners.
#[derive(LogicBlock)]
pub struct UartRx {
    module_name: ModuleName,
    pub clk_i: Signal<In, Clock>,
    pub rst_ni: Signal<In, Bit>,
    pub rx_i: Signal<In, Bit>,
    pub data_o: Wire<Out>,
    pub valid_o: Signal<Out, Bit>,
    pub error_o: Signal<Out, Bit>,
    full_bit: Param,
    half_bit: Param,
    line_meta: Flop<Bit>,
    line: Flop<Bit>,
    state: Flop<Rx>,
    timer: Register,
    index: Register,
    data: Register,
    valid: Flop<Bit>,
    error: Flop<Bit>,
}

impl UartRx {
    /// Cycles from the first that has the start bit on `rx_i` to the one with `valid_o` high.
    pub fn latency(divider: u64) -> u64 {
        3 + divider / 2 + 9 * divider
    }

    /// A receiver with `divider` clock cycles a bit, 4 or more.
    pub fn new(divider: u64) -> Self {
        let width = clog2(divider as usize);
        UartRx {
            module_name: ModuleName::new(
                "uart_rx",
                &[
                    &format!("serial receiver, 8 data bits, no parity, 1 stop bit, {divider} cycles a bit."),
                    "data_o and error_o hold while valid_o is high, one cycle a byte.",
                    &format!(
                        "Latency: {} cycles from the start bit on rx_i to valid_o.",
                        Self::latency(divider)
                    ),
                ],
            ),
            clk_i: Signal::default(),
            rst_ni: Signal::default(),
            rx_i: Signal::default(),
            data_o: Wire::new(8),
            valid_o: Signal::default(),
            error_o: Signal::default(),
            full_bit: Param::count(divider - 1, width),
            half_bit: Param::count(divider / 2 - 1, width),
            line_meta: Flop::new(true),
            line: Flop::new(true),
            state: Flop::default(),
            timer: Register::new(width),
            index: Register::new(3),
            data: Register::new(8),
            valid: Flop::default(),
            error: Flop::default(),
        }
    }
}

impl Logic for UartRx {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, line_meta, line, state, timer, index, data, valid, error);
        self.line_meta.d.next = self.rx_i.val();
        self.line.d.next = self.line_meta.q.val();
        self.valid.d.next = false;
        self.error.d.next = false;
        if self.timer.q.val() != 0 {
            self.timer.d.next = self.timer.q.val() - 1;
        }
        match self.state.q.val() {
            Rx::Idle => {
                self.timer.d.next = self.half_bit.val();
                self.index.d.next = 0.into();
                if !self.line.q.val() {
                    self.state.d.next = Rx::Start;
                }
            }
            Rx::Start => {
                if self.timer.q.val() == 0 {
                    self.timer.d.next = self.full_bit.val();
                    if self.line.q.val() {
                        comment!("The line fell for less than half a bit: noise.");
                        self.state.d.next = Rx::Idle;
                    } else {
                        self.state.d.next = Rx::Data;
                    }
                }
            }
            Rx::Data => {
                if self.timer.q.val() == 0 {
                    self.timer.d.next = self.full_bit.val();
                    self.data.d.next = (bits_of(self.line.q.val(), 8) << 7) | (self.data.q.val() >> 1);
                    self.index.d.next = self.index.q.val() + 1;
                    if self.index.q.val() == 7 {
                        self.state.d.next = Rx::Stop;
                    }
                }
            }
            Rx::Stop => {
                if self.timer.q.val() == 0 {
                    self.valid.d.next = true;
                    if self.line.q.val() {
                        self.state.d.next = Rx::Idle;
                    } else {
                        self.error.d.next = true;
                        self.state.d.next = Rx::Break;
                    }
                }
            }
            Rx::Break => {
                if self.line.q.val() {
                    self.state.d.next = Rx::Idle;
                }
            }
        }
        self.data_o.next = self.data.q.val();
        self.valid_o.next = self.valid.q.val();
        self.error_o.next = self.error.q.val();
    }
}
