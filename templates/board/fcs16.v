// SPDX-License-Identifier: Apache-2.0
//
// fcs16: one byte further in the check sequence of RFC 1662 (x^16 + x^12 + x^5 + 1, lowest bit
// first).
//
// It starts from 16'hFFFF and goes over the line inverted, low byte first. Combinational.

`default_nettype none

module fcs16 (
  input  wire [15:0] fcs_i,
  input  wire [7:0] data_i,
  output wire [15:0] fcs_o
);

  // The eight steps of the shift register at once: its taps fold the upper half of the byte once.
  wire [7:0] sum = fcs_i[7:0] ^ data_i;
  wire [7:0] folded = sum ^ {sum[3:0], 4'd0};

  assign fcs_o = {folded, fcs_i[15:8]} ^ {5'd0, folded, 3'd0} ^ {12'd0, folded[7:4]};

endmodule

`default_nettype wire
