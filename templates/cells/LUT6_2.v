// SPDX-License-Identifier: Apache-2.0
//
// LUT6_2: for simulation only, what the look-up table of a Xilinx 7 slice with both outputs does;
// synthesis takes the device's own.
//
// O6 = INIT[{I5, I4, I3, I2, I1, I0}], O5 = INIT[{I4, I3, I2, I1, I0}].

`default_nettype none

module LUT6_2 #(
  parameter [63:0] INIT = 64'h0000_0000_0000_0000
) (
  input  wire I0,
  input  wire I1,
  input  wire I2,
  input  wire I3,
  input  wire I4,
  input  wire I5,
  output wire O5,
  output wire O6
);

  assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
  assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];

endmodule

`default_nettype wire
