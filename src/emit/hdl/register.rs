//! The storage that kernels are built on: flip-flops with an asynchronous reset, and a small memory.
//!
//! rust-hdl's own widgets have no reset and widths fixed at compile time. These carry a marker in
//! place of a kernel, and the printer writes them inside the module that holds them: `x.d` becomes
//! `x_d`, `x.q` becomes `x_q`, and all of them share one clocked block.

use super::wire::{Param, Wire};
use super::word::Word;
use rust_hdl_core::prelude::*;

/// Marker in place of a kernel: a flip-flop.
pub const FLIP_FLOP: &str = "flip-flop";
/// Marker in place of a kernel: a memory.
pub const MEMORY: &str = "memory";

/// A flip-flop of one bit or of an enumeration; `reset` low sets the reset value at once.
#[derive(LogicBlock)]
pub struct Flop<T: Synth> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub d: Signal<In, T>,
    pub q: Signal<Out, T>,
    reset_value: Constant<T>,
}

impl<T: Synth> Flop<T> {
    /// A flip-flop that resets to `value`.
    pub fn new(value: T) -> Self {
        Flop {
            clock: Signal::default(),
            reset: Signal::default(),
            d: Signal::default(),
            q: Signal::new_with_default(value),
            reset_value: Constant::new(value),
        }
    }
}

impl<T: Synth> Default for Flop<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: Synth> Logic for Flop<T> {
    fn update(&mut self) {
        if !self.reset.val() {
            self.q.next = self.reset_value.val();
        } else if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.reset.connect();
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(FLIP_FLOP.into())
    }
}

/// A register of run-time width; `reset` low sets the reset value at once.
#[derive(LogicBlock)]
pub struct Register {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub d: Wire<In>,
    pub q: Wire<Out>,
    reset_value: Param,
}

impl Register {
    /// A register of `width` bits that resets to zero.
    pub fn new(width: usize) -> Self {
        Register::holding(0, width)
    }

    /// A register of `width` bits that resets to `value`.
    pub fn holding(value: u64, width: usize) -> Self {
        Register {
            clock: Signal::default(),
            reset: Signal::default(),
            d: Wire::new(width),
            q: Wire::holding(value, width),
            reset_value: Param::count(value, width),
        }
    }
}

impl Logic for Register {
    fn update(&mut self) {
        if !self.reset.val() {
            self.q.next = self.reset_value.val();
        } else if self.clock.pos_edge() {
            self.q.next = self.d.val();
        }
    }

    fn connect(&mut self) {
        self.reset.connect();
        self.q.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(FLIP_FLOP.into())
    }
}

/// A memory with one write port and one read port, both clocked; a block memory where the device has one. Nobody may
/// depend on what a read of the word that is being written gives: the old word here, anything in hardware.
#[derive(LogicBlock)]
pub struct Memory {
    pub clock: Signal<In, Clock>,
    pub write: Signal<In, Bit>,
    pub write_addr: Wire<In>,
    pub write_data: Wire<In>,
    pub read_addr: Wire<In>,
    pub read_data: Wire<Out>,
    depth: Param,
    _words: Vec<Word>,
}

impl Memory {
    /// A memory of `2^addr_width` words of `width` bits, zero at start.
    pub fn new(addr_width: usize, width: usize) -> Self {
        Memory {
            clock: Signal::default(),
            write: Signal::default(),
            write_addr: Wire::new(addr_width),
            write_data: Wire::new(width),
            read_addr: Wire::new(addr_width),
            read_data: Wire::new(width),
            depth: Param::count(1 << addr_width, addr_width + 1),
            _words: vec![Word::new(0, width); 1 << addr_width],
        }
    }
}

impl Logic for Memory {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.read_data.next = self._words[self.read_addr.val().low() as usize];
            if self.write.val() {
                self._words[self.write_addr.val().low() as usize] = self.write_data.val();
            }
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(MEMORY.into())
    }
}

/// In a kernel: clock and reset the flip-flops, and let each hold its value unless assigned.
/// The name is the one that rust-hdl's macros know.
macro_rules! dff_setup {
    ($self:ident, $clock:ident, $($flop:ident),+ $(,)?) => {
        $(
            $self.$flop.clock.next = $self.$clock.val();
            $self.$flop.reset.next = $self.rst_ni.val();
            $self.$flop.d.next = $self.$flop.q.val();
        )+
    };
}

/// In a kernel: a comment that reaches the Verilog.
macro_rules! comment {
    ($text:literal) => {};
}

pub(super) use {comment, dff_setup};
