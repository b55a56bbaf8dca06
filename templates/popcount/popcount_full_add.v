// SPDX-License-Identifier: Apache-2.0
//
// popcount_full_add: a full adder that takes two XNORs in, in one Xilinx LUT6_2.
//
// {carry_o, sum_o} = a_i + (b_i XNOR b_weight_i) + (c_i XNOR c_weight_i). Combinational.

`default_nettype none

module popcount_full_add (
  input  wire a_i,
  input  wire b_i,
  input  wire b_weight_i,
  input  wire c_i,
  input  wire c_weight_i,
  output wire sum_o,
  output wire carry_o
);

  LUT6_2 #(
    .INIT (64'h9669_6996_eb82_82eb)
  ) u_lut (
    .I0 (a_i),
    .I1 (b_i),
    .I2 (b_weight_i),
    .I3 (c_i),
    .I4 (c_weight_i),
    .I5 (1'b1),
    .O5 (carry_o),
    .O6 (sum_o)
  );

endmodule

`default_nettype wire
