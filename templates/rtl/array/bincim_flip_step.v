// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Flip step: one bit of the comparison of a cell's number with its flip code, lowest bit first; the
// number is that of the row XOR that of the lane. A module of its own because its four inputs are a
// LUT: mapped by itself it takes one, together with its neighbours nearly two.
// Parameters: Last: 1, the number's top bit, which no code has, and the weight is turned round.
// Latency: none.
// Reset: none.
// Protocol: below_o: the bits so far are below those of the code. With Last code_i is the weight,
//     and below_o what is drawn.

`default_nettype none

module bincim_flip_step #(
    parameter Last = 0
) (
    input  wire row_i,
    input  wire lane_i,
    input  wire code_i,
    input  wire below_i,
    output wire below_o
);

  wire number = row_i ^ lane_i;

  generate
    if (Last != 0) begin : gen_last
      assign below_o = code_i ^ (below_i & !number);
    end else begin : gen_step
      assign below_o = number ? code_i & below_i : code_i | below_i;
    end
  endgenerate

endmodule

`default_nettype wire
