// SPDX-License-Identifier: Apache-2.0
//
// packet_receiver: bytes of a serial line to the content of packets.
//
// A packet is what lies between two flags (8'h7E) with two bytes or more, the last two of which
// are its check sequence; 8'h7D makes its follower the byte of which bit 5 is turned (HDLC as in
// RFC 1662, FCS-16). The content comes out byte by byte, the check sequence does not; end_o
// follows in the cycle of the closing flag, with good_o if the packet is whole. A lost byte so
// costs its own packet and no other.
// Latency: 1 cycle from the byte that shows that an earlier one is content, and from a flag.

`default_nettype none

module packet_receiver (
  input  wire clk_i,
  input  wire rst_ni,
  // From the receiver of the line, one cycle a byte; error_i: its stop bit was low.
  input  wire [7:0] byte_i,
  input  wire valid_i,
  input  wire error_i,
  // Content, one cycle a byte.
  output wire [7:0] data_o,
  output wire valid_o,
  // A packet has ended; good_o: check sequence and stop bits were right.
  output wire end_o,
  output wire good_o
);

  localparam [7:0] FLAG = 8'h7E;
  localparam [7:0] ESCAPE = 8'h7D;
  // What is left of the check sequence behind a whole packet.
  localparam [15:0] RESIDUE = 16'hF0B8;

  reg escaped_q;
  reg broken_q;
  // The last two bytes, which are the check sequence if no other comes.
  reg [1:0] held_q;
  reg [15:0] hold_q;
  reg [15:0] fcs_q;
  reg [7:0] data_q;
  reg valid_q;
  reg end_q;
  reg good_q;
  wire [15:0] fcs;

  wire flag = valid_i & !error_i & (byte_i == FLAG);
  wire escape = valid_i & !error_i & (byte_i == ESCAPE);
  wire content = valid_i & !flag & !escape;
  wire [7:0] plain = escaped_q ? byte_i ^ 8'h20 : byte_i;

  fcs16 u_fcs (
    .fcs_i  (fcs_q),
    .data_i (plain),
    .fcs_o  (fcs)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      escaped_q <= 1'b0;
      broken_q <= 1'b0;
      held_q <= 2'd0;
      fcs_q <= 16'hFFFF;
      valid_q <= 1'b0;
      end_q <= 1'b0;
      good_q <= 1'b0;
    end else begin
      valid_q <= content & (held_q == 2'd2);
      end_q <= flag & (broken_q | escaped_q | (held_q != 2'd0));
      good_q <= !broken_q & !escaped_q & (held_q == 2'd2) & (fcs_q == RESIDUE);
      if (flag) begin
        escaped_q <= 1'b0;
        broken_q <= 1'b0;
        held_q <= 2'd0;
        fcs_q <= 16'hFFFF;
      end else if (escape) begin
        escaped_q <= 1'b1;
      end else if (content) begin
        escaped_q <= 1'b0;
        if (held_q != 2'd2) held_q <= held_q + 2'd1;
        fcs_q <= fcs;
      end
      if (valid_i & error_i) broken_q <= 1'b1;
    end
  end

  always @(posedge clk_i) begin
    if (content) begin
      hold_q <= {plain, hold_q[15:8]};
      data_q <= hold_q[7:0];
    end
  end

  assign data_o = data_q;
  assign valid_o = valid_q;
  assign end_o = end_q;
  assign good_o = good_q;

endmodule

`default_nettype wire
