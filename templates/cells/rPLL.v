// SPDX-License-Identifier: Apache-2.0
//
// rPLL: for simulation only, stands for the Gowin GW1N's PLL; synthesis takes the device's own.
//
// The clock passes through as it is: a simulation runs at the accelerator's clock. Ports are those
// that this design connects.

`default_nettype none

module rPLL #(
  parameter DEVICE = "GW1NR-9C",
  parameter FCLKIN = "27",
  parameter IDIV_SEL = 0,
  parameter FBDIV_SEL = 0,
  parameter ODIV_SEL = 8
) (
  input  wire CLKIN,
  output wire CLKOUT,
  output wire LOCK,
  input  wire CLKFB,
  input  wire RESET,
  input  wire RESET_P,
  input  wire [5:0] FBDSEL,
  input  wire [5:0] IDSEL,
  input  wire [5:0] ODSEL,
  input  wire [3:0] PSDA,
  input  wire [3:0] DUTYDA,
  input  wire [3:0] FDLY
);

  assign CLKOUT = CLKIN;
  assign LOCK = !RESET && !RESET_P;

  wire unused_ports = &{1'b0, CLKFB, FBDSEL, IDSEL, ODSEL, PSDA, DUTYDA, FDLY};
  wire unused_settings = &{1'b0, DEVICE, FCLKIN, IDIV_SEL == 0, FBDIV_SEL == 0,
      ODIV_SEL == 0};

endmodule

`default_nettype wire
