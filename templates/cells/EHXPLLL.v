// SPDX-License-Identifier: Apache-2.0
//
// EHXPLLL: for simulation only, stands for the ECP5's PLL; synthesis takes the device's own.
//
// The clock passes through as it is: a simulation runs at the accelerator's clock. Ports are those
// that this design connects.

`default_nettype none

module EHXPLLL #(
  parameter PLLRST_ENA = "DISABLED",
  parameter INTFB_WAKE = "DISABLED",
  parameter STDBY_ENABLE = "DISABLED",
  parameter DPHASE_SOURCE = "DISABLED",
  parameter OUTDIVIDER_MUXA = "DIVA",
  parameter CLKOP_ENABLE = "ENABLED",
  parameter CLKI_DIV = 1,
  parameter CLKFB_DIV = 1,
  parameter CLKOP_DIV = 1,
  parameter CLKOP_CPHASE = 0,
  parameter CLKOP_FPHASE = 0,
  parameter FEEDBK_PATH = "CLKOP"
) (
  input  wire RST,
  input  wire STDBY,
  input  wire CLKI,
  output wire CLKOP,
  input  wire CLKFB,
  input  wire PHASESEL0,
  input  wire PHASESEL1,
  input  wire PHASEDIR,
  input  wire PHASESTEP,
  input  wire PHASELOADREG,
  input  wire PLLWAKESYNC,
  input  wire ENCLKOP,
  output wire LOCK
);

  assign CLKOP = CLKI;
  assign LOCK = !RST;

  wire unused_ports = &{1'b0, STDBY, CLKFB, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG,
      PLLWAKESYNC, ENCLKOP};
  wire unused_words = &{1'b0, PLLRST_ENA, INTFB_WAKE, STDBY_ENABLE, DPHASE_SOURCE, OUTDIVIDER_MUXA,
      CLKOP_ENABLE, FEEDBK_PATH};
  wire unused_numbers = &{1'b0, CLKI_DIV == 0, CLKFB_DIV == 0, CLKOP_DIV == 0, CLKOP_CPHASE == 0,
      CLKOP_FPHASE == 0};

endmodule

`default_nettype wire
