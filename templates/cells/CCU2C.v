// SPDX-License-Identifier: Apache-2.0
//
// CCU2C: for simulation only, what Lattice's ECP5 carry cell does; synthesis takes the device's own.
//
// Two look-up tables with the carry between them. Table k gives f(A, B, C, D) = INITk[{D, C, B, A}];
// its sum is f ^ carry in, its carry out is f ? carry in : f(A, B, 0, 0). INJECT1_k = "YES" keeps the
// carry out of the sum.

`default_nettype none

module CCU2C #(
  parameter [15:0] INIT0 = 16'h0000,
  parameter [15:0] INIT1 = 16'h0000,
  parameter [23:0] INJECT1_0 = "YES",
  parameter [23:0] INJECT1_1 = "YES"
) (
  input  wire CIN,
  input  wire A0,
  input  wire B0,
  input  wire C0,
  input  wire D0,
  input  wire A1,
  input  wire B1,
  input  wire C1,
  input  wire D1,
  output reg  S0,
  output reg  S1,
  output reg  COUT
);

  localparam KEEP0 = (INJECT1_0 == "YES") ? 1'b0 : 1'b1;
  localparam KEEP1 = (INJECT1_1 == "YES") ? 1'b0 : 1'b1;

  reg table0;
  reg table1;
  reg carry;

  always @* begin
    table0 = INIT0[{D0, C0, B0, A0}];
    table1 = INIT1[{D1, C1, B1, A1}];
    carry  = table0 ? CIN : INIT0[{2'b00, B0, A0}] & KEEP0;
    S0     = table0 ^ (CIN & KEEP0);
    S1     = table1 ^ (carry & KEEP1);
    COUT   = table1 ? carry : INIT1[{2'b00, B1, A1}] & KEEP1;
  end

endmodule

`default_nettype wire
