// SPDX-License-Identifier: Apache-2.0
//
// SB_PLL40_PAD: for simulation only, stands for the PLL on a clock pad of the iCE40; synthesis takes the device's own.
//
// The clock passes through as it is: a simulation runs at the accelerator's clock. Ports are those
// that this design connects.

`default_nettype none

module SB_PLL40_PAD #(
  parameter FEEDBACK_PATH = "SIMPLE",
  parameter [3:0] DIVR = 4'd0,
  parameter [6:0] DIVF = 7'd0,
  parameter [2:0] DIVQ = 3'd0,
  parameter [2:0] FILTER_RANGE = 3'd0
) (
  input  wire PACKAGEPIN,
  output wire PLLOUTGLOBAL,
  output wire LOCK,
  input  wire RESETB,
  input  wire BYPASS
);

  assign PLLOUTGLOBAL = PACKAGEPIN;
  assign LOCK = RESETB;

  wire unused = &{1'b0, BYPASS, DIVR, DIVF, DIVQ, FILTER_RANGE, FEEDBACK_PATH};

endmodule

`default_nettype wire
