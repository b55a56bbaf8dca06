//! `serial_bridge`: a serial line to and from the accelerator's two AXI4-Streams.
//!
//! The protocol that it speaks is written down in [`super::protocol`]. The accelerator always
//! sees whole frames: a frame that stops half way is filled up with zero words and its reply is
//! marked, so one lost byte never shifts the frames after it.

use super::fifo::StreamFifo;
use super::protocol::{FRAME, QUERY, RESULT, STATUS};
use super::register::{Flop, Register, comment, dff_setup};
use super::uart_rx::UartRx;
use super::uart_tx::UartTx;
use super::wire::{ModuleName, Param, Wire};
use super::word::bits_of;
use super::{SerialLink, index_width};
use rust_hdl_core::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, LogicState)]
pub enum Host {
    Idle,
    Frame,
    Fill,
}

#[derive(Debug, Clone, Copy, PartialEq, LogicState)]
pub enum Reply {
    Idle,
    Head,
    Load,
    Data,
    Code,
    Errors,
    Status,
}

/// The bridge; see the module for its manners.
#[derive(LogicBlock)]
pub struct SerialBridge {
    module_name: ModuleName,
    pub clk_i: Signal<In, Clock>,
    pub rst_ni: Signal<In, Bit>,
    pub rx_i: Signal<In, Bit>,
    pub tx_o: Signal<Out, Bit>,
    pub s_axis_tdata: Wire<Out>,
    pub s_axis_tvalid: Signal<Out, Bit>,
    pub s_axis_tready: Signal<In, Bit>,
    pub s_axis_tlast: Signal<Out, Bit>,
    pub m_axis_tdata: Wire<In>,
    pub m_axis_tvalid: Signal<In, Bit>,
    pub m_axis_tready: Signal<Out, Bit>,
    pub m_axis_tlast: Signal<In, Bit>,
    pub busy_o: Signal<Out, Bit>,
    pub error_o: Signal<Out, Bit>,
    frame_code: Param,
    query_code: Param,
    result_code: Param,
    status_code: Param,
    last_byte: Param,
    last_beat: Param,
    last_reply_byte: Param,
    silence: Param,
    word_bits: Param,
    byte_shift: Param,
    _word_bits: usize,
    host: Flop<Host>,
    word: Register,
    byte_index: Register,
    beat_index: Register,
    idle_timer: Register,
    push: Flop<Bit>,
    query: Flop<Bit>,
    reply: Flop<Reply>,
    result: Register,
    result_last: Flop<Bit>,
    reply_index: Register,
    sequence: Register,
    filled: Flop<Bit>,
    framing: Flop<Bit>,
    overrun: Flop<Bit>,
    stray: Flop<Bit>,
    errors: Register,
    fault: Signal<Local, Bit>,
    frame_end: Signal<Local, Bit>,
    rx: UartRx,
    tx: UartTx,
    queue: StreamFifo,
}

impl SerialBridge {
    /// A bridge for `link`, whose numbers have been checked.
    pub fn new(link: &SerialLink) -> Self {
        let word_bits = 8 * link.s_bytes;
        let reply_bits = 8 * link.m_bytes;
        let silence = link.silence_cycles();
        let (byte_width, beat_width) = (index_width(link.s_bytes), index_width(link.frame_beats));
        let (reply_width, idle_width) = (index_width(link.m_bytes), index_width(silence as usize + 1));
        SerialBridge {
            module_name: ModuleName::new(
                "serial_bridge",
                &[
                    &format!(
                        "serial line to a stream of {}-beat frames and back, {} cycles a bit.",
                        link.frame_beats, link.divider
                    ),
                    &format!(
                        "Host: 8'hA5 and {} data bytes, or 8'h3F for the status; little-endian beats.",
                        link.frame_beats * link.s_bytes
                    ),
                    "Reply: 8'h5A, the result's bytes, a status byte; or 8'hC3, errors, status.",
                    "Latency: 3 cycles from a beat's last byte in u_rx to s_axis_tvalid; 2 cycles from",
                    "m_axis_tvalid to the reply's start bit on tx_o.",
                ],
            ),
            clk_i: Signal::default(),
            rst_ni: Signal::default(),
            rx_i: Signal::default(),
            tx_o: Signal::default(),
            s_axis_tdata: Wire::new(word_bits),
            s_axis_tvalid: Signal::default(),
            s_axis_tready: Signal::default(),
            s_axis_tlast: Signal::default(),
            m_axis_tdata: Wire::new(reply_bits),
            m_axis_tvalid: Signal::default(),
            m_axis_tready: Signal::default(),
            m_axis_tlast: Signal::default(),
            busy_o: Signal::default(),
            error_o: Signal::default(),
            frame_code: Param::code(FRAME.into(), 8),
            query_code: Param::code(QUERY.into(), 8),
            result_code: Param::code(RESULT.into(), 8),
            status_code: Param::code(STATUS.into(), 8),
            last_byte: Param::count(link.s_bytes as u64 - 1, byte_width),
            last_beat: Param::count(link.frame_beats as u64 - 1, beat_width),
            last_reply_byte: Param::count(link.m_bytes as u64 - 1, reply_width),
            silence: Param::count(silence, idle_width),
            word_bits: Param::count(word_bits as u64, 32),
            byte_shift: Param::count(word_bits as u64 - 8, 32),
            _word_bits: word_bits,
            host: Flop::default(),
            word: Register::new(word_bits),
            byte_index: Register::new(byte_width),
            beat_index: Register::new(beat_width),
            idle_timer: Register::new(idle_width),
            push: Flop::default(),
            query: Flop::default(),
            reply: Flop::default(),
            result: Register::new(reply_bits),
            result_last: Flop::default(),
            reply_index: Register::new(reply_width),
            sequence: Register::new(4),
            filled: Flop::default(),
            framing: Flop::default(),
            overrun: Flop::default(),
            stray: Flop::default(),
            errors: Register::new(8),
            fault: Signal::default(),
            frame_end: Signal::default(),
            rx: UartRx::new(link.divider),
            tx: UartTx::new(link.divider),
            queue: StreamFifo::new(word_bits + 1, link.queue_log2),
        }
    }
}

impl Logic for SerialBridge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, host, word, byte_index, beat_index, idle_timer, push, query);
        dff_setup!(self, clk_i, reply, result, result_last, reply_index, sequence);
        dff_setup!(self, clk_i, filled, framing, overrun, stray, errors);
        self.rx.clk_i.next = self.clk_i.val();
        self.rx.rst_ni.next = self.rst_ni.val();
        self.rx.rx_i.next = self.rx_i.val();
        self.tx.clk_i.next = self.clk_i.val();
        self.tx.rst_ni.next = self.rst_ni.val();
        self.queue.clk_i.next = self.clk_i.val();
        self.queue.rst_ni.next = self.rst_ni.val();

        comment!("Reply side: the tx line belongs to one reply at a time.");
        self.tx.valid_i.next = false;
        self.tx.data_i.next = bits_of(self.result.q.val(), 8);
        match self.reply.q.val() {
            Reply::Idle => {
                if self.m_axis_tvalid.val() {
                    self.reply.d.next = Reply::Head;
                } else if self.query.q.val() {
                    self.query.d.next = false;
                    self.reply.d.next = Reply::Code;
                }
            }
            Reply::Head => {
                self.tx.valid_i.next = true;
                self.tx.data_i.next = self.result_code.val();
                if self.tx.ready_o.val() {
                    self.reply.d.next = Reply::Load;
                }
            }
            Reply::Load => {
                self.result.d.next = self.m_axis_tdata.val();
                self.result_last.d.next = self.m_axis_tlast.val();
                self.reply_index.d.next = 0.into();
                if self.m_axis_tvalid.val() {
                    self.reply.d.next = Reply::Data;
                }
            }
            Reply::Data => {
                self.tx.valid_i.next = true;
                if self.tx.ready_o.val() {
                    self.result.d.next = self.result.q.val() >> 8;
                    self.reply_index.d.next = self.reply_index.q.val() + 1;
                    if self.reply_index.q.val() == self.last_reply_byte.val() {
                        self.reply.d.next = Reply::Load;
                        if self.result_last.q.val() {
                            self.sequence.d.next = self.sequence.q.val() + 1;
                            self.reply.d.next = Reply::Status;
                        }
                    }
                }
            }
            Reply::Code => {
                self.tx.valid_i.next = true;
                self.tx.data_i.next = self.status_code.val();
                if self.tx.ready_o.val() {
                    self.reply.d.next = Reply::Errors;
                }
            }
            Reply::Errors => {
                self.tx.valid_i.next = true;
                self.tx.data_i.next = self.errors.q.val();
                if self.tx.ready_o.val() {
                    self.reply.d.next = Reply::Status;
                }
            }
            Reply::Status => {
                self.tx.valid_i.next = true;
                self.tx.data_i.next = (bits_of(self.sequence.q.val(), 8) << 4)
                    | (bits_of(self.stray.q.val(), 8) << 3)
                    | (bits_of(self.overrun.q.val(), 8) << 2)
                    | (bits_of(self.framing.q.val(), 8) << 1)
                    | bits_of(self.filled.q.val(), 8);
                if self.tx.ready_o.val() {
                    self.filled.d.next = false;
                    self.framing.d.next = false;
                    self.overrun.d.next = false;
                    self.stray.d.next = false;
                    self.reply.d.next = Reply::Idle;
                }
            }
        }

        comment!("Host side: bytes into words; a word is offered in the cycle after its last byte.");
        self.push.d.next = false;
        self.fault.next = false;
        match self.host.q.val() {
            Host::Idle => {
                self.byte_index.d.next = 0.into();
                self.beat_index.d.next = 0.into();
                self.idle_timer.d.next = self.silence.val();
                if self.rx.valid_o.val() {
                    if self.rx.error_o.val() {
                        self.framing.d.next = true;
                        self.fault.next = true;
                    } else if self.rx.data_o.val() == self.frame_code.val() {
                        self.host.d.next = Host::Frame;
                    } else if self.rx.data_o.val() == self.query_code.val() {
                        self.query.d.next = true;
                    } else {
                        self.stray.d.next = true;
                        self.fault.next = true;
                    }
                }
            }
            Host::Frame => {
                self.idle_timer.d.next = self.idle_timer.q.val() - 1;
                if self.rx.valid_o.val() {
                    self.idle_timer.d.next = self.silence.val();
                    self.word.d.next = (bits_of(self.rx.data_o.val(), self._word_bits)
                        << self.byte_shift.val())
                        | (self.word.q.val() >> 8);
                    self.byte_index.d.next = self.byte_index.q.val() + 1;
                    if self.byte_index.q.val() == self.last_byte.val() {
                        self.byte_index.d.next = 0.into();
                        self.push.d.next = true;
                    }
                    if self.rx.error_o.val() {
                        self.framing.d.next = true;
                        self.fault.next = true;
                    }
                } else if self.idle_timer.q.val() == 0 {
                    comment!("The line fell silent inside a frame: fill it up with zeros.");
                    self.word.d.next = 0.into();
                    self.push.d.next = true;
                    self.filled.d.next = true;
                    self.fault.next = true;
                    self.host.d.next = Host::Fill;
                }
                if self.push.q.val() && !self.queue.in_ready_o.val() {
                    self.overrun.d.next = true;
                    self.fault.next = true;
                }
            }
            Host::Fill => {
                self.push.d.next = true;
                if self.rx.valid_o.val() {
                    if self.rx.data_o.val() == self.query_code.val() {
                        self.query.d.next = true;
                    } else {
                        self.stray.d.next = true;
                        self.fault.next = true;
                    }
                }
            }
        }
        self.frame_end.next = self.beat_index.q.val() == self.last_beat.val();
        if self.push.q.val() && self.queue.in_ready_o.val() {
            self.beat_index.d.next = self.beat_index.q.val() + 1;
            if self.frame_end.val() {
                self.push.d.next = false;
                self.host.d.next = Host::Idle;
            }
        }
        if self.fault.val() && (self.errors.q.val() != 255) {
            self.errors.d.next = self.errors.q.val() + 1;
        }

        self.queue.in_valid_i.next = self.push.q.val();
        self.queue.in_data_i.next = (bits_of(self.frame_end.val(), self._word_bits + 1)
            << self.word_bits.val())
            | bits_of(self.word.q.val(), self._word_bits + 1);
        self.queue.out_ready_i.next = self.s_axis_tready.val();
        self.s_axis_tvalid.next = self.queue.out_valid_o.val();
        self.s_axis_tdata.next = bits_of(self.queue.out_data_o.val(), self._word_bits);
        self.s_axis_tlast.next = self.queue.out_data_o.val().get_bit(self.word_bits.val());
        self.m_axis_tready.next = self.reply.q.val() == Reply::Load;
        self.tx_o.next = self.tx.tx_o.val();
        self.busy_o.next = (self.host.q.val() != Host::Idle) || (self.reply.q.val() != Reply::Idle);
        self.error_o.next = self.errors.q.val() != 0;
    }
}
