//! The board wrapper as a whole: serial bytes in, serial bytes out, around a stand-in accelerator.

use super::tools;
use bincim::emit::NamedText;
use bincim::emit::board::pll::{Pll, PllFamily};
use bincim::emit::board::{BoardTop, Line, modules};
use bincim::flow::Tool;
use bincim::serial::{Decoder, Reason, Reply, Request, encode, register};

fn board(pll: Option<Pll>, reset_pin: bool) -> BoardTop {
    BoardTop {
        accelerator: "bincim_top".into(),
        module: "bincim_board".into(),
        clock_hz: 12_000_000,
        pll,
        reset_pin,
        led_active_low: true,
        title: "a board".into(),
        line: Line {
            baud: 1_000_000,
            converter: "a converter".into(),
            most_baud: 3_000_000,
            registers: true,
        },
        s_bytes: 3,
        m_bytes: 2,
        frame_beats: 4,
        result_beats: 2,
    }
}

fn ice40() -> Pll {
    Pll::new(PllFamily::Ice40Pad, 12_000_000, 24_000_000).expect("a setting")
}

fn boards() -> Vec<BoardTop> {
    let ecp5 = Pll::new(PllFamily::Ecp5, 12_000_000, 50_000_000).expect("a setting");
    vec![board(None, false), board(None, true), board(Some(ice40()), true), board(Some(ecp5), false)]
}

/// A stand-in with the accelerator's ports: the sum of a frame's bytes, then their number and exclusive or. Of its eight
/// registers 7 holds the input stream while it is not 0.
fn accelerator(s_bytes: usize, m_bytes: usize) -> NamedText {
    let (s_bits, m_bits) = (8 * s_bytes, 8 * m_bytes);
    let bytes = |operator: &str| {
        let parts = (0..s_bytes).map(|i| format!("s_axis_tdata[{}:{}]", 8 * i + 7, 8 * i));
        parts.collect::<Vec<_>>().join(operator)
    };
    let wide = bytes(&format!("}} + {{{}'d0, ", m_bits - 8));
    let text = format!(
        "`default_nettype none
module bincim_top (
  input  wire clk_i, input wire rst_ni,
  input  wire [{s_top}:0] s_axis_tdata, input wire s_axis_tvalid, output wire s_axis_tready,
  input  wire s_axis_tlast,
  output wire [{m_top}:0] m_axis_tdata, output wire m_axis_tvalid, input wire m_axis_tready,
  output wire m_axis_tlast,
  input  wire [11:0] s_axil_awaddr, input wire s_axil_awvalid, output wire s_axil_awready,
  input  wire [31:0] s_axil_wdata, input wire [3:0] s_axil_wstrb, input wire s_axil_wvalid,
  output wire s_axil_wready, output wire [1:0] s_axil_bresp, output wire s_axil_bvalid,
  input  wire s_axil_bready, input wire [11:0] s_axil_araddr, input wire s_axil_arvalid,
  output wire s_axil_arready, output wire [31:0] s_axil_rdata, output wire [1:0] s_axil_rresp,
  output wire s_axil_rvalid, input wire s_axil_rready
);
  reg [{m_top}:0] sum_q;
  reg [7:0] count_q, xor_q;
  reg [1:0] left_q;
  reg [31:0] file [0:7];
  reg [31:0] rdata_q;
  reg bvalid_q, rvalid_q, hold_q;
  wire write = s_axil_awvalid & s_axil_wvalid & !bvalid_q;
  wire read = s_axil_arvalid & !rvalid_q;
  wire unused = &{{1'b0, s_axil_awaddr[11:5], s_axil_awaddr[1:0], s_axil_araddr[11:5],
      s_axil_araddr[1:0], s_axil_wstrb, s_axil_bready, s_axil_rready}};
  assign s_axil_awready = write;
  assign s_axil_wready = write;
  assign s_axil_bvalid = bvalid_q;
  assign s_axil_arready = read;
  assign s_axil_rvalid = rvalid_q;
  assign s_axil_rdata = rdata_q;
  assign s_axil_bresp = 2'd0;
  assign s_axil_rresp = 2'd0;
  assign s_axis_tready = (left_q == 2'd0) & !hold_q;
  assign m_axis_tvalid = (left_q != 2'd0);
  assign m_axis_tlast = (left_q == 2'd1);
  assign m_axis_tdata = (left_q == 2'd2) ? sum_q : {{{pad}'d0, count_q ^ xor_q}};
  always @(posedge clk_i) begin
    if (write) file[s_axil_awaddr[4:2]] <= s_axil_wdata;
    if (read) rdata_q <= file[s_axil_araddr[4:2]];
  end
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bvalid_q <= 1'b0; rvalid_q <= 1'b0; hold_q <= 1'b0;
    end else begin
      bvalid_q <= write;
      rvalid_q <= read;
      if (write & (s_axil_awaddr[4:2] == 3'd7)) hold_q <= (s_axil_wdata != 32'd0);
    end
  end
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sum_q <= {m_bits}'d0; count_q <= 8'd0; xor_q <= 8'd0; left_q <= 2'd0;
    end else if (s_axis_tvalid && s_axis_tready) begin
      sum_q <= sum_q + {{{pad}'d0, {wide}}};
      count_q <= count_q + 8'd{s_bytes};
      xor_q <= xor_q ^ {xor};
      left_q <= s_axis_tlast ? 2'd2 : 2'd0;
    end else if (m_axis_tvalid && m_axis_tready) begin
      left_q <= left_q - 2'd1;
      if (m_axis_tlast) begin
        sum_q <= {m_bits}'d0; count_q <= 8'd0; xor_q <= 8'd0;
      end
    end
  end
endmodule
`default_nettype wire
",
        s_top = s_bits - 1,
        m_top = m_bits - 1,
        pad = m_bits - 8,
        xor = bytes(" ^ "),
    );
    NamedText { name: "bincim_top.v".into(), text }
}

/// The reply that [`accelerator`] has for a frame.
fn result(tag: u8, session: bool, frame: &[u8]) -> Reply {
    let sum: u16 = frame.iter().map(|&byte| u16::from(byte)).sum();
    let xor = frame.iter().fold(frame.len() as u8, |all, byte| all ^ byte);
    let data = [sum.to_le_bytes(), u16::from(xor).to_le_bytes()].concat();
    Reply::Result { tag, session, data }
}

/// What simulates: the wrapper as it is synthesised, a model of its PLL, a stand-in for the accelerator.
fn simulated(board: &BoardTop) -> Vec<NamedText> {
    let mut files = files(board);
    files.extend(board.pll.as_ref().map(Pll::model));
    files
}

fn files(board: &BoardTop) -> Vec<NamedText> {
    let mut files = modules(board).expect("a sound board");
    files.push(accelerator(board.s_bytes, board.m_bytes));
    files
}

/// A bench that sends each packet's bytes at `bit_ns` a bit, waits `gap` bit times behind it, and prints the bytes that
/// come back. A byte beyond 255 has a low stop bit.
fn bench(board: &BoardTop, packets: &[(Vec<u16>, u32)], bit_ns: f64) -> String {
    let half_period = 500_000_000.0 / board.clock_hz as f64;
    let reset = if board.reset_pin { ".rst_ni (rst_n), " } else { "" };
    let mut sends = String::new();
    for (bytes, gap) in packets {
        bytes.iter().for_each(|byte| sends += &format!("    send(9'h{byte:03x});\n"));
        sends += &format!("    #({bit_ns:.3} * {gap});\n");
    }
    format!(
        "`timescale 1ns/1ps
module bench;
  reg clk = 1'b0, rst_n = 1'b0, rx = 1'b1;
  wire tx, led;
  reg [7:0] back;
  integer i, j;
  bincim_board u_board (.clk_i (clk), {reset}.uart_rx_i (rx), .uart_tx_o (tx), .led_o (led));
  always #{half_period:.3} clk = !clk;
  task send(input [8:0] value);
    begin
      rx = 1'b0; #{bit_ns:.3};
      for (i = 0; i < 8; i = i + 1) begin rx = value[i]; #{bit_ns:.3}; end
      rx = !value[8]; #{bit_ns:.3};
      rx = 1'b1;
    end
  endtask
  always @(negedge tx) begin
    #({bit_ns:.3} * 1.5);
    for (j = 0; j < 8; j = j + 1) begin back[j] = tx; #{bit_ns:.3}; end
    if (tx) $display(\"byte %h\", back); else $display(\"bad stop bit\");
  end
  initial begin
    #1000 rst_n = 1'b1;
    #30000;
    if (!led) $display(\"led lit at rest\");
{sends}    if (!led) $display(\"led lit after\");
    $finish;
  end
endmodule
"
    )
}

/// What `board` says to `packets`; `error` is how far the host's bits are from the board's.
fn replies(board: &BoardTop, packets: &[(Vec<u16>, u32)], error: f64) -> Option<Vec<Reply>> {
    // The model of a PLL passes the clock on, so the line runs at the divided board clock.
    let divider = board.link().expect("a sound link").divider as f64;
    let bit_ns = divider * 1e9 / board.clock_hz as f64 * error;
    let top = ("bench.v", bench(board, packets, bit_ns));
    let printed = tools::simulate(&simulated(board), &[top], "bench")?;
    let mut decoder = Decoder::default();
    let mut found = vec![];
    for line in printed.lines() {
        let digits = line.strip_prefix("byte ").unwrap_or_else(|| panic!("{line}"));
        let byte = u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{line}"));
        if let Some(packet) = decoder.push(byte) {
            let content = packet.expect("the board sends whole packets");
            found.push(Reply::parse(&content, 4).unwrap_or_else(|| panic!("no reply: {content:02x?}")));
        }
    }
    Some(found)
}

/// A request and enough time for its reply.
fn asks(request: Request, tag: u8) -> (Vec<u16>, u32) {
    (line(&encode(&request.content(tag))), 250)
}

fn line(bytes: &[u8]) -> Vec<u16> {
    bytes.iter().map(|&byte| byte.into()).collect()
}

fn frame(seed: u8) -> Vec<u8> {
    // With flags and escapes in it.
    (0..12u8).map(|i| i.wrapping_mul(37).wrapping_add(seed) ^ 0x7E).collect()
}

#[test]
fn frames_and_registers_go_through_every_board_at_a_rate_that_is_a_little_off() {
    for board in boards() {
        for error in [0.97, 1.0, 1.03] {
            let data = frame(0);
            let packets = [
                asks(Request::Frame(&data), 1),
                asks(Request::Write(0x1010, 1), 2),
                asks(Request::Write(0x008, 0x7D7E_0102), 0x7E),
                asks(Request::Frame(&data), 4),
                asks(Request::Read(0x008), 5),
                asks(Request::Read(0x1000), 6),
                asks(Request::Read(0x1004), 7),
                asks(Request::Read(0x1008), 8),
                asks(Request::Read(0x100C), 9),
            ];
            let Some(found) = replies(&board, &packets, error) else { return };
            let read = |tag, value| Reply::Read { tag, value };
            let wanted = vec![
                result(1, false, &data),
                Reply::Written { tag: 2 },
                Reply::Written { tag: 0x7E },
                result(4, true, &data),
                read(5, 0x7D7E_0102),
                read(6, register::VERSION),
                read(7, 12),
                read(8, 4),
                read(9, 0),
            ];
            assert_eq!(found, wanted, "{board:?}, {error}");
        }
    }
}

/// A line for frames alone: no register is read or written, no session is asked for.
#[test]
fn a_line_for_frames_alone_has_no_registers() {
    let mut board = board(None, true);
    board.line.registers = false;
    let data = frame(5);
    let packets = [
        asks(Request::Frame(&data), 1),
        asks(Request::Write(0x1010, 1), 2),
        asks(Request::Read(0x1000), 3),
        asks(Request::Write(0x01C, 1), 4),
        asks(Request::Frame(&data), 5),
    ];
    let Some(found) = replies(&board, &packets, 1.0) else { return };
    let refused = |tag| Reply::Refused { tag, reason: Reason::Unknown };
    assert_eq!(found, [result(1, true, &data), refused(2), refused(3), refused(4), result(5, true, &data)]);
}

/// An access whose packet begins before the one before it was replied to is refused and changes nothing.
#[test]
fn an_access_before_the_last_ones_reply_is_refused() {
    let board = board(None, true);
    let packets = [
        asks(Request::Write(0x004, 0x1234_5678), 1),
        asks(Request::Write(0x008, 0), 9),
        (asks(Request::Read(0x004), 2).0, 1),
        (asks(Request::Write(0x008, 0x55AA), 3).0, 800),
        asks(Request::Read(0x008), 4),
    ];
    let Some(found) = replies(&board, &packets, 1.0) else { return };
    let wanted = [
        Reply::Written { tag: 1 },
        Reply::Written { tag: 9 },
        Reply::Read { tag: 2, value: 0x1234_5678 },
        Reply::Refused { tag: 3, reason: Reason::Busy },
        Reply::Read { tag: 4, value: 0 },
    ];
    assert_eq!(found, wanted);
}

/// Each wrong packet is refused for its own reason, changes nothing, and the next one is taken.
#[test]
fn wrong_packets_are_refused_with_their_reason() {
    let board = board(None, true);
    let data = frame(9);
    let whole = encode(&Request::Frame(&data).content(3));
    let mut packets = vec![];
    let mut wanted = vec![];
    let mut wrong = |packet: Vec<u16>, tag: Option<u8>, reason| {
        packets.push((packet, 250));
        wanted.push((tag, reason));
    };
    let without = |index: usize| -> Vec<u16> {
        let kept = whole.iter().enumerate().filter(|(at, _)| *at != index);
        kept.map(|(_, &byte)| byte.into()).collect()
    };
    wrong(without(6), Some(3), Reason::Damaged);
    wrong(without(whole.len() - 2), Some(3), Reason::Damaged);
    let mut changed = line(&whole);
    changed[5] ^= 4;
    wrong(changed, Some(3), Reason::Damaged);
    let mut low_stop = line(&whole);
    low_stop[8] |= 0x100;
    wrong(low_stop, Some(3), Reason::Damaged);
    // An escape before the closing flag gives the packet up.
    let mut given_up = line(&whole);
    given_up.insert(whole.len() - 1, 0x7D);
    wrong(given_up, Some(3), Reason::Damaged);
    wrong(vec![0x7E, 0x55, 0x7E], None, Reason::Damaged);
    wrong(line(&encode(&[9, 3])), Some(3), Reason::Unknown);
    wrong(line(&encode(&Request::Frame(&data[1..]).content(3))), Some(3), Reason::Unknown);
    wrong(line(&encode(&Request::Frame(&[&data[..], &[0]].concat()).content(3))), Some(3), Reason::Unknown);
    wrong(line(&encode(&Request::Frame(&vec![1; 700]).content(3))), Some(3), Reason::Unknown);
    wrong(line(&encode(&[2, 3, 4])), Some(3), Reason::Unknown);
    // A frame's length, and a type that differs from a frame's in one bit.
    for bit in [2, 4, 7] {
        wrong(line(&encode(&[&[1 | 1 << bit, 3][..], &data].concat())), Some(3), Reason::Unknown);
    }
    let count = wanted.len() as u32;
    packets.push(asks(Request::Frame(&data), 4));
    packets.push(asks(Request::Read(0x100C), 5));
    let Some(found) = replies(&board, &packets, 1.0) else { return };
    for (index, (reply, (tag, reason))) in found.iter().zip(&wanted).enumerate() {
        let Reply::Refused { tag: came, reason: told } = reply else { panic!("{index}: {reply:?}") };
        assert_eq!(told, reason, "packet {index}");
        assert!(tag.is_none_or(|tag| tag == *came), "packet {index}: tag {came}");
    }
    assert_eq!(found[wanted.len()..], [result(4, false, &data), Reply::Read { tag: 5, value: count }]);
}

/// Frames wait until the accelerator takes them, eight at most; the next one is refused, and none is lost or mixed up.
#[test]
fn frames_beyond_the_room_are_refused_and_the_others_come_in_order() {
    let board = board(None, true);
    let frames: Vec<Vec<u8>> = (0..9).map(frame).collect();
    let mut packets = vec![asks(Request::Write(0x01C, 1), 99)];
    packets.extend(frames.iter().zip(0..).map(|(data, tag)| (asks(Request::Frame(data), tag).0, 2)));
    packets.push(asks(Request::Read(0x01C), 100));
    packets.push((asks(Request::Write(0x01C, 0), 101).0, 1200));
    let Some(found) = replies(&board, &packets, 1.0) else { return };
    let mut wanted = vec![
        Reply::Written { tag: 99 },
        Reply::Refused { tag: 8, reason: Reason::Full },
        Reply::Read { tag: 100, value: 1 },
        Reply::Written { tag: 101 },
    ];
    wanted.extend(frames[..8].iter().zip(0..).map(|(data, tag)| result(tag, false, data)));
    assert_eq!(found, wanted);
}

/// A frame as long as the buffer is deep, and frames that find half of theirs free.
#[test]
fn a_buffer_of_one_frame_takes_one_frame_after_the_other() {
    let board = BoardTop { s_bytes: 1, frame_beats: 512, ..board(None, true) };
    let data: Vec<u8> = (0..512u32).map(|i| (i * 7) as u8).collect();
    let mut packets = vec![asks(Request::Frame(&data), 1), asks(Request::Write(0x01C, 1), 2)];
    packets.push(asks(Request::Frame(&data), 3));
    packets.push(asks(Request::Frame(&data), 4));
    packets.push(asks(Request::Write(0x01C, 0), 5));
    packets.push((vec![], 800));
    packets.push(asks(Request::Frame(&data), 6));
    let Some(found) = replies(&board, &packets, 1.0) else { return };
    let summed = |tag| {
        let (sum, xor) =
            (data.iter().map(|&byte| u32::from(byte)).sum::<u32>(), data.iter().fold(0, |a, b| a ^ b));
        let data = [(sum as u16).to_le_bytes(), u16::from(xor).to_le_bytes()].concat();
        Reply::Result { tag, session: false, data }
    };
    // The held accelerator has taken nothing of frame 3, so frame 4 finds no room.
    let wanted = vec![
        summed(1),
        Reply::Written { tag: 2 },
        Reply::Refused { tag: 4, reason: Reason::Full },
        Reply::Written { tag: 5 },
        summed(3),
        summed(6),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn every_tool_takes_every_board_without_a_word() {
    let frames_alone =
        BoardTop { line: Line { registers: false, ..board(None, true).line }, ..board(None, true) };
    for board in boards().into_iter().chain([frames_alone]) {
        let cells = match board.pll.map(|pll| pll.family) {
            Some(PllFamily::Ice40Pad) => vec!["ice40/cells_sim.v"],
            Some(PllFamily::Ecp5) => vec!["ecp5/cells_sim.v", "ecp5/cells_bb.v"],
            _ => vec![],
        };
        let models: Vec<NamedText> = board.pll.as_ref().map(Pll::model).into_iter().collect();
        tools::lint(&files(&board), &models, "bincim_board", &cells);
    }
}

/// Names that stand for a board's files must not depend on the run.
#[test]
fn the_same_board_is_the_same_text() {
    for board in boards() {
        let (first, second) = (modules(&board), modules(&board));
        assert_eq!(first, second);
        for file in first.expect("a sound board") {
            assert!(file.text.is_ascii() && file.text.ends_with("\n") && !file.text.ends_with("\n\n"));
            assert!(!file.text.contains("\n\n\n"), "{}:\n{}", file.name, file.text);
            assert!(file.text.lines().all(|line| line.len() <= 100), "{}", file.name);
        }
    }
}

/// Synthesis, place and route of the whole wrapper with its PLL on the smallest board.
#[test]
fn the_icebreaker_routes() {
    let board = board(Some(ice40()), true);
    let folder = tempfile::tempdir().expect("a folder");
    let files = files(&board);
    tools::write(folder.path(), &files);
    let pins = [("clk_i", 35), ("rst_ni", 10), ("uart_rx_i", 6), ("uart_tx_o", 9), ("led_o", 37)];
    let pins: String = pins.iter().map(|(name, pin)| format!("set_io {name} {pin}\n")).collect();
    std::fs::write(folder.path().join("pins.pcf"), pins).expect("a file");
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    let script = format!("read_verilog {}; synth_ice40 -top bincim_board -json board.json", names.join(" "));
    let Some(synthesis) = tools::run(folder.path(), Tool::Yosys, &["-q", "-p", &script]) else {
        return;
    };
    assert!(synthesis.status.success(), "{}", tools::words(&synthesis));
    let args = ["--up5k", "--package", "sg48", "--json", "board.json", "--pcf", "pins.pcf"];
    let args = [&args[..], &["--freq", "24", "--asc", "board.asc", "-q"]].concat();
    let Some(route) = tools::run(folder.path(), Tool::NextpnrIce40, &args) else { return };
    assert!(route.status.success(), "{}", tools::words(&route));
}
