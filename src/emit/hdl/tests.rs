//! The cells one by one, the link's limits, and what the printer refuses.

use super::fifo::StreamFifo;
use super::register::{Flop, Register, dff_setup};
use super::uart_rx::UartRx;
use super::uart_tx::UartTx;
use super::wire::{ModuleName, Wire};
use super::word::{Word, bits_of};
use super::*;
use rust_hdl_core::prelude::*;

/// One clock cycle of `cell`, whose inputs are set; `clock` drives its clock.
fn cycle<B: Block>(cell: &mut B, clock: impl Fn(&mut B, bool)) {
    for level in [false, true] {
        clock(cell, level);
        assert!(simulate(cell, 50), "the cell settles");
    }
}

#[test]
fn a_byte_arrives_after_the_stated_latency() {
    for divider in [4u64, 5, 16, 104] {
        let mut cell = UartRx::new(divider);
        cell.connect_all();
        check_all(&cell).expect("a well connected cell");
        cell.rst_ni.next = true;
        cell.rx_i.next = true;
        let clock = |cell: &mut UartRx, level| cell.clk_i.next = Clock { clk: level };
        (0..5).for_each(|_| cycle(&mut cell, clock));
        let line = 0b10_1100_0110_u64;
        let mut waited = 0;
        while !cell.valid_o.val() {
            cell.rx_i.next = line >> (waited / divider).min(9) & 1 == 1;
            cycle(&mut cell, clock);
            waited += 1;
            assert!(waited < 12 * divider, "no byte came");
        }
        assert_eq!((waited, cell.data_o.val().low()), (UartRx::latency(divider), 0b0110_0011));
        assert!(!cell.error_o.val());
        cycle(&mut cell, clock);
        assert!(!cell.valid_o.val(), "valid_o is high for one cycle");
    }
}

#[test]
fn a_byte_leaves_with_its_bits_in_order_and_at_the_rate() {
    let divider = 7;
    let mut cell = UartTx::new(divider);
    cell.connect_all();
    check_all(&cell).expect("a well connected cell");
    cell.rst_ni.next = true;
    let clock = |cell: &mut UartTx, level| cell.clk_i.next = Clock { clk: level };
    (0..3).for_each(|_| cycle(&mut cell, clock));
    cell.data_i.next = Word::new(0xA6, 8);
    cell.valid_i.next = true;
    let mut line = vec![];
    for _ in 0..=10 * divider {
        cycle(&mut cell, clock);
        line.push(cell.tx_o.val());
    }
    let bits = [false, false, true, true, false, false, true, false, true, true];
    let wanted: Vec<bool> = bits.iter().flat_map(|bit| vec![*bit; divider as usize]).collect();
    assert_eq!(&line[..10 * divider as usize], &wanted[..]);
    assert!(line[10 * divider as usize], "one cycle at rest before the next byte");
}

#[test]
fn the_queue_keeps_order_is_full_at_its_depth_and_takes_two_cycles() {
    let mut cell = StreamFifo::new(12, 2);
    cell.connect_all();
    check_all(&cell).expect("a well connected cell");
    let clock = |cell: &mut StreamFifo, level| cell.clk_i.next = Clock { clk: level };
    cell.rst_ni.next = true;
    cycle(&mut cell, clock);
    cell.in_valid_i.next = true;
    for i in 0..4u64 {
        assert!(cell.in_ready_o.val(), "word {i} finds room");
        assert_eq!(cell.out_valid_o.val(), i >= 2, "two cycles from in to out");
        cell.in_data_i.next = Word::new(0x900 + i, 12);
        cycle(&mut cell, clock);
    }
    assert!(!cell.in_ready_o.val(), "full at its depth");
    cell.out_ready_i.next = true;
    let (mut sent, mut taken) = (4u64, vec![]);
    for _ in 0..20 {
        cell.in_data_i.next = Word::new(0x900 + sent, 12);
        cell.clk_i.next = Clock { clk: false };
        assert!(simulate(&mut cell, 50), "the cell settles");
        sent += u64::from(cell.in_ready_o.val());
        if cell.out_valid_o.val() {
            taken.push(cell.out_data_o.val().low());
        }
        cycle(&mut cell, clock);
    }
    let wanted: Vec<u64> = (0..taken.len() as u64).map(|i| 0x900 + i).collect();
    assert_eq!(taken, wanted);
    assert!(taken.len() >= 19, "one word a cycle: {} in 20", taken.len());
}

#[test]
fn every_number_out_of_range_is_named() {
    let link = SerialLink { divider: 3, s_bytes: 0, m_bytes: 129, frame_beats: 0, result_beats: 0 };
    let Err(HdlError::Link { problems }) = modules(&link) else { panic!("accepted") };
    let names = ["divider", "s_bytes", "m_bytes", "bytes of a frame", "bytes of a result"];
    assert_eq!(problems.len(), names.len());
    assert!(problems.iter().zip(names).all(|(problem, name)| problem.starts_with(name)), "{problems:?}");
}

/// The counter over a packet's content must tell the longest one from a longer one.
#[test]
fn the_links_numbers_hold_its_frames() {
    for frame_beats in [1, 6, 7, 13, 510, 512, 513, 784, 3072] {
        let link = SerialLink { divider: 8, s_bytes: 1, m_bytes: 2, frame_beats, result_beats: 10 };
        assert!(1 << link.buffer_log2() >= frame_beats, "{frame_beats}");
        assert!((1 << link.length_width()) > (frame_beats + 2).max(8) + 1, "{frame_beats}");
    }
}

#[test]
fn the_fastest_rate_that_clock_and_converter_hold_is_taken() {
    assert_eq!(fastest(24_000_000, 3_000_000), Ok(3_000_000));
    assert_eq!(fastest(60_000_000, 3_000_000), Ok(3_000_000));
    assert_eq!(fastest(54_000_000, 2_000_000), Ok(2_000_000));
    // 25 MHz come within 4 % of 3 and of 2 million.
    assert_eq!(fastest(25_000_000, 3_000_000), Ok(1_500_000));
    assert!(fastest(400_000, 3_000_000).is_err(), "a receiver needs four cycles a bit");
}

#[test]
fn a_rate_that_the_clock_cannot_make_is_refused() {
    assert_eq!(divider(12_000_000, 115_200), Ok(104));
    assert_eq!(divider(27_000_000, 115_200), Ok(234));
    assert_eq!(divider(12_000_000, 3_000_000), Ok(4));
    for (clock, baud) in [(12_000_000, 4_000_000), (12_000_000, 921_600 * 2), (12_000_000, 0)] {
        let error = divider(clock, baud).expect_err("too far off");
        assert!(matches!(error, HdlError::Baud { .. }), "{error}");
    }
}

/// A cell with one wrong kernel, for the refusals.
macro_rules! wrong_cell {
    ($name:ident, $($kernel:tt)*) => {
        #[derive(LogicBlock)]
        struct $name {
            module_name: ModuleName,
            clk_i: Signal<In, Clock>,
            rst_ni: Signal<In, Bit>,
            go_i: Signal<In, Bit>,
            amount_i: Wire<In>,
            narrow_i: Wire<In>,
            sum_o: Wire<Out>,
            late: Wire<Local>,
            held: Register,
            flag: Flop<Bit>,
        }

        impl $name {
            fn refusal() -> String {
                let cell = $name {
                    module_name: ModuleName::new("wrong", &["a wrong cell."]),
                    clk_i: Signal::default(),
                    rst_ni: Signal::default(),
                    go_i: Signal::default(),
                    amount_i: Wire::new(8),
                    narrow_i: Wire::new(3),
                    sum_o: Wire::new(8),
                    late: Wire::new(8),
                    held: Register::new(8),
                    flag: Flop::default(),
                };
                let error = print_cell(&cell).expect_err("refused");
                assert!(matches!(error, HdlError::Kernel { .. }), "{error}");
                error.to_string()
            }
        }

        impl Logic for $name {
            $($kernel)*
        }
    };
}

wrong_cell!(
    Latch,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        if self.go_i.val() {
            self.late.next = self.amount_i.val();
        }
        self.sum_o.next = self.late.val();
    }
);

wrong_cell!(
    Early,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        self.late.next = self.amount_i.val();
        self.sum_o.next = self.late.val();
        if self.go_i.val() {
            self.late.next = self.held.q.val();
        }
    }
);

wrong_cell!(
    Widths,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        self.late.next = self.amount_i.val();
        self.sum_o.next = self.amount_i.val() + self.narrow_i.val();
    }
);

wrong_cell!(
    Literal,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        self.late.next = self.amount_i.val();
        self.sum_o.next = self.amount_i.val() + 256;
    }
);

wrong_cell!(
    Overlap,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        self.late.next = self.amount_i.val();
        self.sum_o.next = self.amount_i.val() | (bits_of(self.narrow_i.val(), 8) << 4);
    }
);

wrong_cell!(
    Barrel,
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk_i, held, flag);
        self.late.next = self.amount_i.val();
        self.sum_o.next = self.amount_i.val() << self.narrow_i.val();
    }
);

#[test]
fn kernels_that_verilog_would_read_differently_are_refused() {
    let refusals = [
        (Latch::refusal(), "`late`, which keeps its value"),
        (Early::refusal(), "`late`, read before its last assignment"),
        (Widths::refusal(), "a value of 3 bits where 8 belong"),
        (Literal::refusal(), "at 8 bits"),
        (Overlap::refusal(), "an OR of shifted values that overlap"),
        (Barrel::refusal(), "which is no constant"),
    ];
    for (said, wanted) in refusals {
        assert!(said.contains("`wrong`") && said.contains(wanted), "{said}");
    }
}
