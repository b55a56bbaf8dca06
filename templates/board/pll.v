// SPDX-License-Identifier: Apache-2.0
//
// bincim_pll: <: input_hz :> Hz to <: output_hz :> Hz with the device's own PLL.

`default_nettype none

module bincim_pll (
  input  wire clk_i,
  output wire clk_o,
  output wire locked_o
);

<: cell :>

endmodule

`default_nettype wire
