//! The serial link: receiver, queue and transmitter in rust-hdl's simulator, their printed Verilog, cycle by cycle, against
//! that simulator, and the wrapper of a board as a whole.

mod bench;
mod board;
mod tools;

use bench::{Bench, Loopback};
use bincim::emit::NamedText;
use bincim::emit::hdl::{SerialLink, modules, print_cell};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tools::Replay;

#[test]
fn bytes_come_back_in_order_and_none_beyond_the_queue() {
    for divider in [4, 5, 16] {
        let mut bench = Bench::new(divider);
        let bytes: Vec<u8> = (0..12).map(|i: u8| i.wrapping_mul(91) ^ 0x7E).collect();
        bytes.iter().for_each(|&byte| bench.byte(byte, true));
        bench.hold(true, 24);
        assert_eq!(bench.received(), bytes, "{divider} cycles a bit");
        // Of eight bytes that must wait, the queue keeps four.
        bench.stall(true);
        bytes[..8].iter().for_each(|&byte| bench.byte(byte, true));
        bench.hold(true, 2);
        bench.stall(false);
        bench.hold(true, 60);
        assert_eq!(bench.received()[12..], bytes[..4], "{divider} cycles a bit");
        assert_eq!(bench.errors(), 0);
    }
}

#[test]
fn low_stop_bits_and_breaks_are_one_error_each_and_noise_is_none() {
    let mut bench = Bench::new(16);
    bench.glitch(6);
    bench.hold(true, 20);
    assert_eq!((bench.received(), bench.errors()), (vec![], 0), "a line that fell for less than half a bit");
    bench.byte(0xA5, false);
    bench.hold(true, 3);
    bench.hold(false, 100);
    bench.hold(true, 3);
    assert_eq!(bench.errors(), 2);
    bench.byte(0x5A, true);
    bench.hold(true, 40);
    assert_eq!(bench.received().last(), Some(&0x5A), "the line is found again");
}

/// Good bytes, bad stop bits, breaks, stalls and resets.
fn story(divider: u64, seed: u64) -> Bench {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new(divider);
    for _ in 0..60 {
        match random.random_range(0..9) {
            0 => bench.byte(random.random(), false),
            1 => bench.hold(false, random.random_range(0..25)),
            2 => bench.stall(random.random()),
            3 => bench.reset(),
            4 => bench.glitch(random.random_range(0..divider as usize)),
            _ => bench.byte(random.random(), true),
        }
        bench.hold(true, random.random_range(0..6));
    }
    bench.stall(false);
    bench.hold(true, 80);
    bench
}

#[test]
fn the_printed_verilog_does_what_the_simulator_did() {
    for (at, divider) in [4, 5, 7, 16].into_iter().enumerate() {
        let texts = print_cell(&Loopback::new(divider)).expect("a cell that can be printed");
        let bench = story(divider, at as u64);
        let Some(replay) = Replay::run(&texts, &bench.cycles) else { return };
        if let Some(difference) = replay.first_difference(&bench.cycles) {
            panic!("{divider} cycles a bit, seed {at}: {difference}");
        }
    }
}

/// The replay is itself checked: each of these small changes to the printed text must be noticed.
#[test]
fn a_bug_planted_in_the_printed_verilog_is_caught() {
    let bugs = [
        ("uart_rx.v", "data_d = {line_q, data_q[7:1]};", "data_d = {data_q[6:0], line_q};"),
        ("uart_rx.v", "localparam [2:0] HALF_BIT = 3'd1;", "localparam [2:0] HALF_BIT = 3'd0;"),
        ("uart_tx.v", "line_d = {1'b1, line_q[9:1]};", "line_d = {1'b0, line_q[9:1]};"),
        ("stream_fifo.v", "(read_ptr_next != write_ptr_q)", "(read_ptr_next != write_ptr_d)"),
        ("stream_fifo.v", "localparam [2:0] DEPTH = 3'd4;", "localparam [2:0] DEPTH = 3'd2;"),
        ("loopback.v", "!stall_i", "stall_i"),
    ];
    let texts = print_cell(&Loopback::new(5)).expect("a cell that can be printed");
    let bench = story(5, 7);
    let Some(replay) = Replay::run(&texts, &bench.cycles) else { return };
    assert_eq!(replay.first_difference(&bench.cycles), None, "the sound text");
    for (file, sound, broken) in bugs {
        let planted: Vec<NamedText> = texts
            .iter()
            .cloned()
            .map(|mut text| {
                if text.name == file {
                    assert!(text.text.contains(sound), "{file} has no `{sound}`:\n{}", text.text);
                    text.text = text.text.replace(sound, broken);
                }
                text
            })
            .collect();
        let Some(replay) = Replay::run(&planted, &bench.cycles) else { return };
        assert!(replay.first_difference(&bench.cycles).is_some(), "{file}: `{broken}` went unnoticed");
    }
}

#[test]
fn every_tool_takes_the_cells_without_a_word() {
    let link = SerialLink { divider: 104, s_bytes: 98, m_bytes: 4, frame_beats: 8, result_beats: 10 };
    let texts = modules(&link).expect("a sound link");
    for module in ["uart_rx", "uart_tx", "stream_fifo"] {
        tools::lint(&texts, &[], module, &[]);
    }
}
