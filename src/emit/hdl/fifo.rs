//! `stream_fifo`: a queue of words between two valid/ready handshakes of one clock.
//!
//! The storage reads through a register, so that it becomes a block memory where the device has
//! one. A word enters when `in_valid_i` and `in_ready_o` are both high and leaves when
//! `out_valid_o` and `out_ready_i` are; both may happen in every cycle.

use super::register::{Flop, Memory, Register, dff_setup};
use super::wire::{ModuleName, Param, Wire};
use super::word::bits_of;
use rust_hdl_core::prelude::*;

/// The queue; see the module for its manners.
#[derive(LogicBlock)]
pub struct StreamFifo {
    module_name: ModuleName,
    pub clk_i: Signal<In, Clock>,
    pub rst_ni: Signal<In, Bit>,
    pub in_data_i: Wire<In>,
    pub in_valid_i: Signal<In, Bit>,
    pub in_ready_o: Signal<Out, Bit>,
    pub out_data_o: Wire<Out>,
    pub out_valid_o: Signal<Out, Bit>,
    pub out_ready_i: Signal<In, Bit>,
    depth: Param,
    _addr_width: usize,
    write_ptr: Register,
    read_ptr: Register,
    read_ptr_next: Wire<Local>,
    out_valid: Flop<Bit>,
    mem: Memory,
}

impl StreamFifo {
    /// A queue of `2^addr_width` words of `width` bits; `addr_width` is 1 or more.
    pub fn new(width: usize, addr_width: usize) -> Self {
        let depth = 1u64 << addr_width;
        StreamFifo {
            module_name: ModuleName::new(
                "stream_fifo",
                &[
                    &format!("queue of {depth} words of {width} bits between two valid/ready streams."),
                    "Latency: 2 cycles from in to out; one word a cycle.",
                ],
            ),
            clk_i: Signal::default(),
            rst_ni: Signal::default(),
            in_data_i: Wire::new(width),
            in_valid_i: Signal::default(),
            in_ready_o: Signal::default(),
            out_data_o: Wire::new(width),
            out_valid_o: Signal::default(),
            out_ready_i: Signal::default(),
            depth: Param::count(depth, addr_width + 1),
            _addr_width: addr_width,
            write_ptr: Register::new(addr_width + 1),
            read_ptr: Register::new(addr_width + 1),
            read_ptr_next: Wire::new(addr_width + 1),
            out_valid: Flop::default(),
            mem: Memory::new(addr_width, width),
        }
    }
}

impl Logic for StreamFifo {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, write_ptr, read_ptr, out_valid);
        // The pointers carry one bit more than an address: full is "equal but for that bit".
        self.in_ready_o.next = self.write_ptr.q.val() != (self.read_ptr.q.val() ^ self.depth.val());
        self.out_valid_o.next = self.out_valid.q.val();
        self.out_data_o.next = self.mem.read_data.val();

        if self.in_valid_i.val() && self.in_ready_o.val() {
            self.write_ptr.d.next = self.write_ptr.q.val() + 1;
        }
        self.read_ptr_next.next = self.read_ptr.q.val();
        if self.out_valid.q.val() && self.out_ready_i.val() {
            self.read_ptr_next.next = self.read_ptr.q.val() + 1;
        }
        self.read_ptr.d.next = self.read_ptr_next.val();
        // A word written in this cycle cannot be read in it, so the old write pointer decides.
        self.out_valid.d.next = self.read_ptr_next.val() != self.write_ptr.q.val();

        self.mem.clock.next = self.clk_i.val();
        self.mem.write.next = self.in_valid_i.val() && self.in_ready_o.val();
        self.mem.write_addr.next = bits_of(self.write_ptr.q.val(), self._addr_width);
        self.mem.write_data.next = self.in_data_i.val();
        self.mem.read_addr.next = bits_of(self.read_ptr_next.val(), self._addr_width);
    }
}
