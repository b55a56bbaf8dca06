// SPDX-License-Identifier: Apache-2.0
//
// bincim_pll: <: input_hz :> Hz to <: output_hz :> Hz with the device's own PLL.
//
// Without SYNTHESIS the clock passes through.

`default_nettype none

module bincim_pll (
  input  wire clk_i,
  output wire clk_o,
  output wire locked_o
);

`ifdef SYNTHESIS
<: cell :>
`else
  assign clk_o = clk_i;
  assign locked_o = 1'b1;
`endif

endmodule

`default_nettype wire
