// SPDX-License-Identifier: Apache-2.0
//
// frame_buffer: bytes of one frame, kept until the packet that carried them is known to be
// whole, to the beats of the accelerator's input stream.
//
// A byte is taken in any cycle with push_i. commit_i hands the bytes since the last commit_i or
// drop_i on; drop_i forgets them. Bytes that find no room raise overflow_o until then, and must
// be dropped. Byte i of a beat is bits 8i to 8i+7. The accelerator so sees whole frames only.
// Latency: 2 cycles a byte and 1 a beat, from commit_i to s_axis_tvalid.

`default_nettype none

module frame_buffer #(
  // The memory holds 2^LOG2 bytes, which is one frame at least.
  parameter LOG2 = 9,
  parameter BEAT_BYTES = 1,
  parameter FRAME_BEATS = 2,
  parameter BEAT_WIDTH = 1,
  parameter BYTE_WIDTH = 1
) (
  input  wire clk_i,
  input  wire rst_ni,
  input  wire [7:0] byte_i,
  input  wire push_i,
  input  wire commit_i,
  input  wire drop_i,
  output wire overflow_o,
  output wire [8*BEAT_BYTES-1:0] s_axis_tdata,
  output wire s_axis_tvalid,
  input  wire s_axis_tready,
  output wire s_axis_tlast
);

  localparam [LOG2:0] DEPTH = 1 << LOG2;
  localparam [31:0] BEATS_BELOW = FRAME_BEATS - 1;
  localparam [31:0] BYTES_BELOW = BEAT_BYTES - 1;
  localparam [BEAT_WIDTH-1:0] LAST_BEAT = BEATS_BELOW[BEAT_WIDTH-1:0];
  localparam [BYTE_WIDTH-1:0] LAST_BYTE = BYTES_BELOW[BYTE_WIDTH-1:0];

  // The pointers carry one bit more than an address: full is "equal but for that bit".
  reg [LOG2:0] write_q;
  reg [LOG2:0] whole_q;
  reg [LOG2:0] read_q;
  reg overflow_q;
  wire full = (write_q ^ read_q) == DEPTH;
  wire take = push_i & !full;

  // A byte is never read in the cycle in which it is written.
  (* no_rw_check *)
  reg [7:0] memory [0:(1<<LOG2)-1];
  reg [7:0] byte_q;

  // A byte is fetched where the beat has room for it, and joins the beat in the cycle behind.
  reg fetched_q;
  reg [BYTE_WIDTH-1:0] byte_index_q;
  reg [BEAT_WIDTH-1:0] beat_index_q;
  reg [8*BEAT_BYTES-1:0] beat_q;
  reg beat_valid_q;
  wire fetch = (read_q != whole_q) & !fetched_q & !beat_valid_q;
  wire [8*BEAT_BYTES+7:0] shifted = {byte_q, beat_q};
  wire unused_shifted = &{1'b0, shifted[7:0]};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= {(LOG2+1){1'b0}};
      whole_q <= {(LOG2+1){1'b0}};
      overflow_q <= 1'b0;
    end else begin
      if (drop_i) write_q <= whole_q;
      else if (take) write_q <= write_q + 1'b1;
      if (commit_i) whole_q <= write_q;
      if (commit_i | drop_i) overflow_q <= 1'b0;
      else if (push_i & full) overflow_q <= 1'b1;
    end
  end

  always @(posedge clk_i) begin
    if (take) memory[write_q[LOG2-1:0]] <= byte_i;
    if (fetch) byte_q <= memory[read_q[LOG2-1:0]];
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q <= {(LOG2+1){1'b0}};
      fetched_q <= 1'b0;
      byte_index_q <= {BYTE_WIDTH{1'b0}};
      beat_index_q <= {BEAT_WIDTH{1'b0}};
      beat_valid_q <= 1'b0;
    end else begin
      fetched_q <= fetch;
      if (fetch) read_q <= read_q + 1'b1;
      if (fetched_q) begin
        byte_index_q <= byte_index_q + 1'b1;
        if (byte_index_q == LAST_BYTE) begin
          byte_index_q <= {BYTE_WIDTH{1'b0}};
          beat_valid_q <= 1'b1;
        end
      end
      if (beat_valid_q & s_axis_tready) begin
        beat_valid_q <= 1'b0;
        beat_index_q <= s_axis_tlast ? {BEAT_WIDTH{1'b0}} : beat_index_q + 1'b1;
      end
    end
  end

  always @(posedge clk_i) begin
    if (fetched_q) beat_q <= shifted[8*BEAT_BYTES+7:8];
  end

  assign overflow_o = overflow_q;
  assign s_axis_tdata = beat_q;
  assign s_axis_tvalid = beat_valid_q;
  assign s_axis_tlast = beat_index_q == LAST_BEAT;

endmodule

`default_nettype wire
