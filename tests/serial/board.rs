//! The board wrapper as a whole: serial bytes in, serial bytes out, around a stand-in accelerator.

use crate::bench::answer;
use crate::tools;
use bincim::emit::NamedText;
use bincim::emit::board::pll::{Pll, PllFamily};
use bincim::emit::board::{BoardTop, modules};
use bincim::emit::hdl::protocol::{QUERY, Reply, Status, decode_reply, encode_frame};
use bincim::flow::Tool;

fn board(pll: Option<Pll>, reset_pin: bool) -> BoardTop {
    BoardTop {
        module: "bincim_board".into(),
        clock_hz: 12_000_000,
        pll,
        reset_pin,
        led_active_low: true,
        baud: 1_000_000,
        s_bytes: 3,
        m_bytes: 2,
        frame_beats: 4,
    }
}

fn ice40() -> Pll {
    Pll::new(PllFamily::Ice40Pad, 12_000_000, 24_000_000).expect("a setting")
}

fn boards() -> Vec<BoardTop> {
    let ecp5 = Pll::new(PllFamily::Ecp5, 12_000_000, 50_000_000).expect("a setting");
    vec![board(None, false), board(None, true), board(Some(ice40()), true), board(Some(ecp5), false)]
}

/// A stand-in with the accelerator's ports that answers as [`answer`] says.
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
  wire unused = &{{1'b0, s_axil_awaddr, s_axil_awvalid, s_axil_wdata, s_axil_wstrb, s_axil_wvalid,
      s_axil_bready, s_axil_araddr, s_axil_arvalid, s_axil_rready}};
  assign {{s_axil_awready, s_axil_wready, s_axil_bresp, s_axil_bvalid, s_axil_arready}} = 6'd0;
  assign {{s_axil_rdata, s_axil_rresp, s_axil_rvalid}} = 35'd0;
  assign s_axis_tready = (left_q == 2'd0);
  assign m_axis_tvalid = (left_q != 2'd0);
  assign m_axis_tlast = (left_q == 2'd1);
  assign m_axis_tdata = (left_q == 2'd2) ? sum_q : {{{pad}'d0, count_q ^ xor_q}};
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

/// A bench that sends `bytes` at `bit_ns` a bit and prints the bytes that come back.
fn bench(board: &BoardTop, bytes: &[u8], bit_ns: f64) -> String {
    let half_period = 500_000_000.0 / board.clock_hz as f64;
    let reset = if board.reset_pin { ".rst_ni (rst_n), " } else { "" };
    let sends: String = bytes.iter().map(|byte| format!("    send(8'h{byte:02x});\n")).collect();
    format!(
        "`timescale 1ns/1ps
module bench;
  reg clk = 1'b0, rst_n = 1'b0, rx = 1'b1;
  wire tx, led;
  reg [7:0] back;
  integer i, j;
  bincim_board u_board (.clk_i (clk), {reset}.uart_rx_i (rx), .uart_tx_o (tx), .led_o (led));
  always #{half_period:.3} clk = !clk;
  task send(input [7:0] value);
    begin
      rx = 1'b0; #{bit_ns:.3};
      for (i = 0; i < 8; i = i + 1) begin rx = value[i]; #{bit_ns:.3}; end
      rx = 1'b1; #{bit_ns:.3};
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
{sends}    #({bit_ns:.3} * 120);
    if (!led) $display(\"led lit after\");
    $finish;
  end
endmodule
"
    )
}

#[test]
fn a_frame_goes_through_every_board_at_a_rate_that_is_a_little_off() {
    let data: Vec<u8> = (0..12u8).map(|i| i.wrapping_mul(37) ^ 0xA5).collect();
    for board in boards() {
        // The model of a PLL passes the clock on, so the line runs at the divided board clock.
        let divider = board.link().expect("a sound link").divider as f64;
        for error in [0.97, 1.0, 1.03] {
            let bit_ns = divider * 1e9 / board.clock_hz as f64 * error;
            let bytes: Vec<u8> = encode_frame(&data).into_iter().chain([QUERY]).collect();
            let top = ("bench.v", bench(&board, &bytes, bit_ns));
            let Some(printed) = tools::simulate(&simulated(&board), &[top], "bench") else { return };
            let back: Vec<u8> = printed
                .lines()
                .map(|line| {
                    let digits = line.strip_prefix("byte ").unwrap_or_else(|| panic!("{line}"));
                    u8::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{line}"))
                })
                .collect();
            let (result, used) = decode_reply(&back, 4).expect("a result");
            let wanted = answer(&data, 2).into_iter().flat_map(|(bytes, _)| bytes).collect();
            assert_eq!(result, Reply::Result { data: wanted, status: Status::from(0x10) }, "{board:?}");
            let (status, more) = decode_reply(&back[used..], 4).expect("a status");
            assert_eq!(status, Reply::Status { errors: 0, status: Status::from(0x10) }, "{board:?}");
            assert_eq!(used + more, back.len(), "{board:?}");
        }
    }
}

#[test]
fn every_tool_takes_every_board_without_a_word() {
    for board in boards() {
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
