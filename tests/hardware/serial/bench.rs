//! A cell around the receiver, the queue and the transmitter, in rust-hdl's own simulator: what comes goes back.
//!
//! Every cycle's inputs and outputs are recorded, so that the printed Verilog can be replayed against them.

use bincim::emit::hdl::fifo::StreamFifo;
use bincim::emit::hdl::uart_rx::UartRx;
use bincim::emit::hdl::uart_tx::UartTx;
use bincim::emit::hdl::wire::ModuleName;
use rust_hdl_core::prelude::*;

/// What the cell was given and what it did in one cycle, as binary digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// `rst_ni rx_i stall_i`.
    pub inputs: String,
    /// `tx_o error_o full_o`.
    pub outputs: String,
}

/// Bytes of a line through a queue back onto a line; `stall_i` holds the queue.
#[derive(LogicBlock)]
pub struct Loopback {
    module_name: ModuleName,
    pub clk_i: Signal<In, Clock>,
    pub rst_ni: Signal<In, Bit>,
    pub rx_i: Signal<In, Bit>,
    pub stall_i: Signal<In, Bit>,
    pub tx_o: Signal<Out, Bit>,
    pub error_o: Signal<Out, Bit>,
    pub full_o: Signal<Out, Bit>,
    rx: UartRx,
    queue: StreamFifo,
    tx: UartTx,
}

impl Loopback {
    /// With `divider` cycles a bit and a queue of four bytes.
    pub fn new(divider: u64) -> Loopback {
        Loopback {
            module_name: ModuleName::new("loopback", &["bytes of a serial line back onto it."]),
            clk_i: Signal::default(),
            rst_ni: Signal::default(),
            rx_i: Signal::default(),
            stall_i: Signal::default(),
            tx_o: Signal::default(),
            error_o: Signal::default(),
            full_o: Signal::default(),
            rx: UartRx::new(divider),
            queue: StreamFifo::new(8, 2),
            tx: UartTx::new(divider),
        }
    }
}

impl Logic for Loopback {
    #[hdl_gen]
    fn update(&mut self) {
        self.rx.clk_i.next = self.clk_i.val();
        self.rx.rst_ni.next = self.rst_ni.val();
        self.rx.rx_i.next = self.rx_i.val();
        self.queue.clk_i.next = self.clk_i.val();
        self.queue.rst_ni.next = self.rst_ni.val();
        self.queue.in_data_i.next = self.rx.data_o.val();
        self.queue.in_valid_i.next = self.rx.valid_o.val();
        self.queue.out_ready_i.next = self.tx.ready_o.val() && !self.stall_i.val();
        self.tx.clk_i.next = self.clk_i.val();
        self.tx.rst_ni.next = self.rst_ni.val();
        self.tx.data_i.next = self.queue.out_data_o.val();
        self.tx.valid_i.next = self.queue.out_valid_o.val() && !self.stall_i.val();
        self.tx_o.next = self.tx.tx_o.val();
        self.error_o.next = self.rx.error_o.val();
        self.full_o.next = !self.queue.in_ready_o.val();
    }
}

/// The cell and its line.
pub struct Bench {
    cell: Loopback,
    divider: u64,
    stall: bool,
    /// The recording.
    pub cycles: Vec<Cycle>,
    line_out: Vec<bool>,
}

impl Bench {
    pub fn new(divider: u64) -> Bench {
        let mut cell = Loopback::new(divider);
        cell.connect_all();
        check_all(&cell).expect("rust-hdl finds the cell well connected");
        let mut bench = Bench { cell, divider, stall: false, cycles: vec![], line_out: vec![] };
        bench.reset();
        bench.line_out.clear();
        bench
    }

    /// One clock cycle: inputs before the edge, outputs as they stand just before it.
    fn cycle(&mut self, reset_n: bool, rx: bool) {
        let cell = &mut self.cell;
        cell.rst_ni.next = reset_n;
        cell.rx_i.next = rx;
        cell.stall_i.next = self.stall;
        cell.clk_i.next = Clock { clk: false };
        assert!(simulate(cell, 50), "the cell settles");
        let digits = |bits: [bool; 3]| bits.map(|bit| if bit { '1' } else { '0' }).iter().collect();
        let outputs = digits([cell.tx_o.val(), cell.error_o.val(), cell.full_o.val()]);
        self.cycles.push(Cycle { inputs: digits([reset_n, rx, self.stall]), outputs });
        self.line_out.push(cell.tx_o.val());
        cell.clk_i.next = Clock { clk: true };
        assert!(simulate(cell, 50), "the cell settles");
    }

    /// Holds the line at `level` for `bits` bit times.
    pub fn hold(&mut self, level: bool, bits: u64) {
        for _ in 0..bits * self.divider {
            self.cycle(true, level);
        }
    }

    /// Sends a byte, with a stop bit of `stop`.
    pub fn byte(&mut self, byte: u8, stop: bool) {
        self.hold(false, 1);
        for i in 0..8 {
            self.hold(byte >> i & 1 == 1, 1);
        }
        self.hold(stop, 1);
    }

    /// Pulls the line low for `cycles` clock cycles.
    pub fn glitch(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle(true, false);
        }
    }

    /// Resets the cell for two cycles.
    pub fn reset(&mut self) {
        for _ in 0..2 {
            self.cycle(false, true);
        }
    }

    /// Holds the queue, or lets it go.
    pub fn stall(&mut self, stall: bool) {
        self.stall = stall;
    }

    /// Cycles in which a stop bit was found low.
    pub fn errors(&self) -> usize {
        self.cycles.iter().filter(|cycle| cycle.outputs.as_bytes()[1] == b'1').count()
    }

    /// The bytes that came back so far, read from the line as a receiver would.
    pub fn received(&self) -> Vec<u8> {
        decode_line(&self.line_out, self.divider as usize)
    }
}

/// The bytes on a recorded line, one sample a clock cycle; every stop bit must be high.
fn decode_line(line: &[bool], divider: usize) -> Vec<u8> {
    let mut bytes = vec![];
    let mut at = 0;
    while let Some(start) = line[at..].iter().position(|&level| !level) {
        let middle = at + start + divider / 2;
        let Some(&stop) = line.get(middle + 9 * divider) else { break };
        assert!(stop, "the stop bit of byte {} is low", bytes.len());
        let bits = (1..9).map(|bit| u8::from(line[middle + bit * divider]));
        bytes.push(bits.rev().fold(0, |byte, bit| byte << 1 | bit));
        at = middle + 9 * divider;
    }
    bytes
}
