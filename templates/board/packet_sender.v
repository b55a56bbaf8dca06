// SPDX-License-Identifier: Apache-2.0
//
// packet_sender: content to bytes of a serial line, the counterpart of packet_receiver.
//
// A packet leaves as flag, content and check sequence with escapes, flag. Its bytes are taken
// one by one with valid_i and ready_o, the last one with last_i; a pause of valid_i is a pause
// on the line.
// Latency: 1 cycle from valid_i at rest to the opening flag.

`default_nettype none

module packet_sender (
  input  wire clk_i,
  input  wire rst_ni,
  input  wire [7:0] data_i,
  input  wire valid_i,
  input  wire last_i,
  output wire ready_o,
  // To the transmitter of the line.
  output wire [7:0] byte_o,
  output wire valid_o,
  input  wire ready_i
);

  localparam [7:0] FLAG = 8'h7E;
  localparam [7:0] ESCAPE = 8'h7D;

  localparam [2:0] REST = 3'd0;
  localparam [2:0] OPEN = 3'd1;
  localparam [2:0] CONTENT = 3'd2;
  localparam [2:0] CHECK_LOW = 3'd3;
  localparam [2:0] CHECK_HIGH = 3'd4;
  localparam [2:0] CLOSE = 3'd5;

  reg [2:0] state_q;
  reg escaped_q;
  reg [15:0] fcs_q;
  wire [15:0] fcs;

  reg [7:0] plain;
  always @(*) begin
    case (state_q)
      CHECK_LOW: plain = ~fcs_q[7:0];
      CHECK_HIGH: plain = ~fcs_q[15:8];
      default: plain = data_i;
    endcase
  end

  wire is_flag = (state_q == OPEN) | (state_q == CLOSE);
  wire there = is_flag | (state_q == CHECK_LOW) | (state_q == CHECK_HIGH) |
               ((state_q == CONTENT) & valid_i);
  wire escape = !is_flag & !escaped_q & ((plain == FLAG) | (plain == ESCAPE));
  // The present byte of content, check sequence or flags leaves.
  wire done = there & ready_i & !escape;

  fcs16 u_fcs (
    .fcs_i  (fcs_q),
    .data_i (data_i),
    .fcs_o  (fcs)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= REST;
      escaped_q <= 1'b0;
      fcs_q <= 16'hFFFF;
    end else begin
      if (there & ready_i) escaped_q <= escape;
      case (state_q)
        REST: begin
          fcs_q <= 16'hFFFF;
          if (valid_i) state_q <= OPEN;
        end
        OPEN: if (done) state_q <= CONTENT;
        CONTENT: begin
          if (done) begin
            fcs_q <= fcs;
            if (last_i) state_q <= CHECK_LOW;
          end
        end
        CHECK_LOW: if (done) state_q <= CHECK_HIGH;
        CHECK_HIGH: if (done) state_q <= CLOSE;
        CLOSE: if (done) state_q <= REST;
        default: state_q <= REST;
      endcase
    end
  end

  assign ready_o = (state_q == CONTENT) & done;
  assign valid_o = there;
  assign byte_o = is_flag ? FLAG : escape ? ESCAPE : escaped_q ? plain ^ 8'h20 : plain;

endmodule

`default_nettype wire
