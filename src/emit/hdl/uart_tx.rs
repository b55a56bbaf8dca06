//! `uart_tx`: bytes onto a serial line, 8 data bits, no parity, 1 stop bit.
//!
//! A byte is taken when `valid_i` and `ready_o` are both high. Bytes that wait follow each other
//! after one clock cycle beyond the stop bit, so the line is never faster than its rate.

use super::register::{Register, dff_setup};
use super::wire::{ModuleName, Param, Wire};
use super::word::bits_of;
use rust_hdl_core::prelude::*;

/// The transmitter; see the module for its manners.
#[derive(LogicBlock)]
pub struct UartTx {
    module_name: ModuleName,
    pub clk_i: Signal<In, Clock>,
    pub rst_ni: Signal<In, Bit>,
    pub data_i: Wire<In>,
    pub valid_i: Signal<In, Bit>,
    pub ready_o: Signal<Out, Bit>,
    pub tx_o: Signal<Out, Bit>,
    full_bit: Param,
    frame_bits: Param,
    stop_bit: Param,
    timer: Register,
    left: Register,
    line: Register,
}

impl UartTx {
    /// A transmitter with `divider` clock cycles a bit, 2 or more.
    pub fn new(divider: u64) -> Self {
        let width = clog2(divider as usize);
        UartTx {
            module_name: ModuleName::new(
                "uart_tx",
                &[
                    &format!(
                        "serial transmitter, 8 data bits, no parity, 1 stop bit, {divider} cycles a bit."
                    ),
                    "Latency: 1 cycle from the byte taken to its start bit on tx_o.",
                ],
            ),
            clk_i: Signal::default(),
            rst_ni: Signal::default(),
            data_i: Wire::new(8),
            valid_i: Signal::default(),
            ready_o: Signal::default(),
            tx_o: Signal::default(),
            full_bit: Param::count(divider - 1, width),
            frame_bits: Param::count(10, 4),
            stop_bit: Param::code(0x200, 10),
            timer: Register::new(width),
            left: Register::new(4),
            line: Register::holding(0x3FF, 10),
        }
    }
}

impl Logic for UartTx {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, timer, left, line);
        if self.left.q.val() == 0 {
            self.timer.d.next = self.full_bit.val();
            if self.valid_i.val() {
                self.left.d.next = self.frame_bits.val();
                self.line.d.next = self.stop_bit.val() | (bits_of(self.data_i.val(), 10) << 1);
            }
        } else if self.timer.q.val() == 0 {
            self.timer.d.next = self.full_bit.val();
            self.left.d.next = self.left.q.val() - 1;
            self.line.d.next = self.stop_bit.val() | (self.line.q.val() >> 1);
        } else {
            self.timer.d.next = self.timer.q.val() - 1;
        }
        self.ready_o.next = self.left.q.val() == 0;
        self.tx_o.next = self.line.q.val().get_bit(0);
    }
}
