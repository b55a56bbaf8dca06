// SPDX-License-Identifier: Apache-2.0
//
// popcount_carry: a chain of ECP5 carry cells (CCU2C, two slots each) that adds or starts afresh.
//
// Slot k has operands ops_i[4*k +: 4] = {a, b, c, d} and a running carry from slot k - 1:
//   ADDS[k] = 1      {carry, sum} = carry + (a XNOR b) + (c XOR d)
//   CHOOSES[k] = 1   {carry, sum} = carry + a + (b ? d : c)
//   neither          sum = carry, then carry = a XNOR b; {c, d} must not be 00
// The carry into slot 0 is 0. SLOTS must be even. Combinational.

`default_nettype none

module popcount_carry #(
  parameter SLOTS = 2,
  parameter [SLOTS-1:0] ADDS = {SLOTS{1'b0}},
  parameter [SLOTS-1:0] CHOOSES = {SLOTS{1'b0}}
) (
  input  wire [4*SLOTS-1:0] ops_i,
  output wire [SLOTS-1:0]   sum_o
);

  // A cell's sum is f(a, b, c, d) ^ carry; its carry out is f ? carry : f(a, b, 0, 0).
  localparam [15:0] ADD    = 16'h9669;
  localparam [15:0] CHOOSE = 16'h569a;
  localparam [15:0] START  = 16'h0009;

  wire [SLOTS/2:0] carry;
  wire             unused_carry = carry[SLOTS/2];

  assign carry[0] = 1'b0;

  genvar k;
  generate
    for (k = 0; k < SLOTS; k = k + 2) begin : gen_cell
      CCU2C #(
        .INIT0     (ADDS[k] ? ADD : CHOOSES[k] ? CHOOSE : START),
        .INIT1     (ADDS[k+1] ? ADD : CHOOSES[k+1] ? CHOOSE : START),
        .INJECT1_0 ("NO"),
        .INJECT1_1 ("NO")
      ) u_ccu2c (
        .CIN  (carry[k/2]),
        .A0   (ops_i[4*k+3]),
        .B0   (ops_i[4*k+2]),
        .C0   (ops_i[4*k+1]),
        .D0   (ops_i[4*k]),
        .A1   (ops_i[4*k+7]),
        .B1   (ops_i[4*k+6]),
        .C1   (ops_i[4*k+5]),
        .D1   (ops_i[4*k+4]),
        .S0   (sum_o[k]),
        .S1   (sum_o[k+1]),
        .COUT (carry[k/2+1])
      );
    end
  endgenerate

endmodule

`default_nettype wire
