//! The serial link: its protocol in rust-hdl's simulator, and the printed Verilog, cycle by cycle,
//! against that simulator.

#[macro_use]
extern crate harness;
harness::main!();

mod bench;
mod board;
#[path = "../common/tools.rs"]
mod found;
mod tools;

use bench::{Bench, Manners, answer};
use bincim::emit::NamedText;
use bincim::emit::hdl::protocol::{QUERY, Reply, Status, decode_reply, encode_frame};
use bincim::emit::hdl::uart_rx::UartRx;
use bincim::emit::hdl::{SerialLink, modules};
use proptest::prelude::*;
use tools::Replay;

/// A link small enough to simulate a whole story: 5 cycles a bit, silence after 30 bit times.
fn small_link(s_bytes: usize, m_bytes: usize, frame_beats: usize) -> SerialLink {
    SerialLink { silence_bits: 30, queue_log2: 2, ..SerialLink::new(5, s_bytes, m_bytes, frame_beats) }
}

fn frame(link: &SerialLink, seed: u8) -> Vec<u8> {
    // Every byte value that means something outside a frame must mean nothing inside one.
    let special = [0xA5, 0x3F, 0x5A, 0xC3, 0x00, 0xFF];
    let bytes = link.s_bytes * link.frame_beats;
    (0..bytes).map(|i| special.get(i).copied().unwrap_or(0) ^ seed.wrapping_mul(i as u8 | 1)).collect()
}

/// The whole replies in `bytes`; nothing may be left over.
fn replies(link: &SerialLink, bytes: &[u8]) -> Vec<Reply> {
    let mut found = vec![];
    let mut rest = bytes;
    while !rest.is_empty() {
        let (reply, used) = decode_reply(rest, 2 * link.m_bytes).expect("a whole reply");
        found.push(reply);
        rest = &rest[used..];
    }
    found
}

fn expected(link: &SerialLink, data: &[u8], status: u8) -> Reply {
    let data = answer(data, link.m_bytes).into_iter().flat_map(|(bytes, _)| bytes).collect();
    Reply::Result { data, status: Status::from(status) }
}

const WILLING: Manners = Manners { takes: 100, offers: 100, seed: 1 };
const MOODY: Manners = Manners { takes: 40, offers: 5, seed: 2 };

/// Frames, and what comes back for them, over several geometries.
#[test]
fn frames_become_beats_and_results_become_bytes() {
    for (s_bytes, m_bytes, beats) in [(1, 1, 1), (1, 4, 7), (3, 2, 4), (13, 1, 2), (98, 4, 1)] {
        for manners in [WILLING, MOODY] {
            let link = small_link(s_bytes, m_bytes, beats);
            let mut bench = Bench::new(&link, manners);
            let mut wanted = vec![];
            for round in 1..=3u8 {
                let data = frame(&link, round);
                bench.send(&encode_frame(&data));
                bench.hold(true, 200 + 20 * m_bytes as u64);
                wanted.push(expected(&link, &data, round << 4));
                let taken: Vec<u8> = bench.taken.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
                assert_eq!(taken, data, "{link:?}: the beats of frame {round}");
                let lasts: Vec<bool> = bench.taken.drain(..).map(|(_, last)| last).collect();
                assert_eq!(lasts.iter().filter(|last| **last).count(), 1, "{link:?}: one tlast");
                assert_eq!(lasts.last(), Some(&true), "{link:?}: tlast on the last beat");
            }
            assert_eq!(replies(&link, &bench.received()), wanted, "{link:?}");
        }
    }
}

/// The latencies that the header of `serial_bridge.v` states.
#[test]
fn beats_and_replies_come_after_the_stated_cycles() {
    let link = small_link(1, 1, 1);
    let mut bench = Bench::new(&link, WILLING);
    bench.send(&encode_frame(&[7])[..1]);
    let start = bench.cycles.len();
    bench.byte(7, true);
    bench.hold(true, 10);
    let first = |column: usize, level: char, input: bool| {
        let at = bench.cycles[start..].iter().position(|cycle| {
            let digits = if input { &cycle.inputs } else { &cycle.outputs };
            digits.chars().nth(column) == Some(level)
        });
        at.expect("it happens") as u64
    };
    let (beat, result, reply) = (first(1, '1', false), first(3, '1', true), first(0, '0', false));
    assert_eq!(beat, UartRx::latency(link.divider) + 3, "from the last byte in u_rx to s_axis_tvalid");
    assert_eq!(reply, result + 2, "from m_axis_tvalid to the start bit on tx_o");
}

#[test]
fn a_frame_that_falls_silent_is_filled_and_marked_and_the_next_is_sound() {
    let link = small_link(3, 2, 4);
    for cut in [0, 1, 3, 5, 11] {
        let mut bench = Bench::new(&link, WILLING);
        let data = frame(&link, 9);
        bench.send(&encode_frame(&data[..cut]));
        bench.hold(true, 25);
        assert!(bench.taken.len() < 4, "the silence is still too short");
        bench.hold(true, 200);
        let mut filled = data[..cut - cut % 3].to_vec();
        filled.resize(12, 0);
        bench.send(&encode_frame(&data));
        bench.hold(true, 200);
        let wanted = vec![expected(&link, &filled, 0x11), expected(&link, &data, 0x20)];
        assert_eq!(replies(&link, &bench.received()), wanted, "cut after {cut} bytes");
    }
}

#[test]
fn status_tells_strays_framing_errors_and_breaks_and_forgets_them() {
    let link = small_link(1, 1, 2);
    let mut bench = Bench::new(&link, WILLING);
    bench.send(&[0x00, 0x77]);
    bench.byte(0xA5, false);
    bench.hold(true, 3);
    bench.hold(false, 100);
    bench.hold(true, 3);
    bench.send(&[QUERY]);
    bench.hold(true, 40);
    bench.send(&[QUERY]);
    bench.hold(true, 40);
    let status = |errors, status| Reply::Status { errors, status: Status::from(status) };
    assert_eq!(replies(&link, &bench.received()), vec![status(4, 0x0A), status(4, 0x00)]);

    bench.send(&encode_frame(&[1, 2])[..2]);
    bench.byte(2, false);
    bench.hold(true, 60);
    let last = replies(&link, &bench.received()).pop();
    assert_eq!(last, Some(expected(&link, &[1, 2], 0x12)), "a bad stop bit keeps its byte's place");
}

#[test]
fn noise_shorter_than_half_a_bit_is_no_byte() {
    let mut link = small_link(1, 1, 2);
    link.divider = 16;
    let mut bench = Bench::new(&link, WILLING);
    bench.glitch(6);
    bench.hold(true, 20);
    bench.send(&[QUERY]);
    bench.hold(true, 40);
    let clean = Reply::Status { errors: 0, status: Status::from(0) };
    assert_eq!(replies(&link, &bench.received()), vec![clean]);
}

#[test]
fn beats_that_are_not_taken_are_reported_and_the_frame_keeps_its_length() {
    let link = small_link(1, 1, 9);
    let data: Vec<u8> = (1..=9).collect();
    let mut bench = Bench::new(&link, Manners { takes: 0, ..WILLING });
    bench.send(&encode_frame(&data));
    bench.hold(true, 2);
    bench.behave(100, 100);
    bench.hold(true, 200);
    // Four beats wait in the queue; the rest is lost and filled with zeros.
    let filled = [1, 2, 3, 4, 0, 0, 0, 0, 0];
    bench.send(&encode_frame(&data));
    bench.hold(true, 200);
    let wanted = vec![expected(&link, &filled, 0x15), expected(&link, &data, 0x20)];
    assert_eq!(replies(&link, &bench.received()), wanted);
}

#[test]
fn the_error_count_stays_at_its_end() {
    let link = SerialLink { divider: 4, ..small_link(1, 1, 1) };
    let mut bench = Bench::new(&link, WILLING);
    for _ in 0..260 {
        bench.byte(0x00, true);
    }
    bench.send(&[QUERY]);
    bench.hold(true, 40);
    let full = Reply::Status { errors: 255, status: Status::from(0x08) };
    assert_eq!(replies(&link, &bench.received()), vec![full]);
}

/// A story with everything in it: good frames, cut frames, bad stop bits, breaks, queries, a reset
/// in the middle, and an accelerator that stalls.
fn story(link: &SerialLink, seed: u64) -> Bench {
    let mut bench = Bench::new(link, Manners { takes: 60, offers: 20, seed });
    let mut draw = Manners::draws(seed);
    bench.send(&encode_frame(&frame(link, 99)));
    bench.hold(true, 100);
    // A cut frame is filled at one beat a cycle, which meets a slow accelerator with a full queue.
    bench.behave(5, 20);
    bench.send(&encode_frame(&[]));
    bench.hold(true, 200);
    for round in 0..10u8 {
        let data = frame(link, round);
        let bytes = encode_frame(&data);
        match draw(8) {
            0 => bench.send(&bytes[..draw(bytes.len() as u64) as usize]),
            1 => bench.byte(draw(256) as u8, false),
            2 => bench.hold(false, draw(25)),
            3 => bench.send(&[QUERY]),
            4 => bench.behave(draw(100) as u32, draw(30) as u32 + 1),
            5 => bench.reset(),
            _ => bench.send(&bytes),
        }
        bench.hold(true, draw(80));
    }
    bench.behave(100, 100);
    bench.hold(true, 300);
    bench
}

#[test]
fn the_printed_verilog_does_what_the_simulator_did() {
    for (at, (s_bytes, m_bytes, beats)) in
        [(1, 1, 1), (3, 2, 4), (13, 1, 2), (2, 4, 9)].into_iter().enumerate()
    {
        let link = small_link(s_bytes, m_bytes, beats);
        let texts = modules(&link).expect("a sound link");
        let seed = 40 + at as u64;
        let bench = story(&link, seed);
        let Some(replay) = Replay::run(&link, &texts, &bench.cycles) else { return };
        if let Some(difference) = replay.first_difference(&bench.cycles) {
            panic!("{link:?}, seed {seed}: {difference}");
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
        ("serial_bridge.v", "filled_d = 1'b1;", "filled_d = 1'b0;"),
        ("serial_bridge.v", "(errors_q != 8'd255)", "(errors_q == 8'd255)"),
        ("serial_bridge.v", "localparam [1:0] LAST_BEAT = 2'd3;", "localparam [1:0] LAST_BEAT = 2'd2;"),
        ("serial_bridge.v", "sequence_q <= 4'd0;", "sequence_q <= 4'd1;"),
    ];
    let link = small_link(3, 2, 4);
    let texts = modules(&link).expect("a sound link");
    let bench = story(&link, 7);
    let Some(replay) = Replay::run(&link, &texts, &bench.cycles) else { return };
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
        let Some(replay) = Replay::run(&link, &planted, &bench.cycles) else { return };
        assert!(replay.first_difference(&bench.cycles).is_some(), "{file}: `{broken}` went unnoticed");
    }
}

#[test]
fn every_tool_takes_the_printed_verilog_without_a_word() {
    for (s_bytes, m_bytes, beats) in [(1, 1, 1), (3, 2, 4), (98, 4, 8), (128, 128, 1 << 20)] {
        let link = SerialLink::new(104, s_bytes, m_bytes, beats);
        let texts = modules(&link).expect("a sound link");
        for module in ["uart_rx", "uart_tx", "stream_fifo", "serial_bridge"] {
            tools::lint(&texts, &[], module, &[]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any sound link prints, keeps to its columns, and carries frames.
    #[test]
    fn any_link_works(
        divider in 4u64..12, s_bytes in 1usize..9, m_bytes in 1usize..6, beats in 1usize..6,
        queue_log2 in 1usize..4, takes in 30u32..=100, offers in 1u32..=100, seed: u64,
    ) {
        let link = SerialLink { divider, s_bytes, m_bytes, frame_beats: beats, queue_log2, silence_bits: 25 };
        for text in modules(&link).expect("a sound link") {
            prop_assert!(text.text.is_ascii() && text.text.ends_with('\n'));
            for line in text.text.lines() {
                prop_assert!(line.len() <= 100 && line.trim_end() == line, "{}: {line}", text.name);
            }
        }
        let mut bench = Bench::new(&link, Manners { takes, offers, seed });
        let data = frame(&link, seed as u8);
        bench.send(&encode_frame(&data));
        bench.hold(true, 300);
        prop_assert_eq!(replies(&link, &bench.received()), vec![expected(&link, &data, 0x10)]);
    }
}
