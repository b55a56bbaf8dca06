// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Compute-in-memory array: <: v.rows :> rows x <: v.lanes :> columns of one-bit cells.
// Every column counts the rows whose bit equals its cell.
// Latency: <: v.latency :>, from row to count.

`default_nettype none

module cim_array (
    input  wire clk_i,
    // One word of weights, <: v.weight_rows :> rows of every column, into the shadow cells.
    input  wire [<: v.words - 1 :>:0] write_i,
    input  wire [<: v.weight_bits - 1 :>:0] weight_i,
    input  wire swap_i,
    //%- if v.planes > 1 %//
    input  wire weighted_i,
    //%- endif %//
    input  wire [<: v.rows - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: v.rows - 1 :>:0] enable_i,
    //%- endif %//
    output wire [<: v.lanes * v.count_width - 1 :>:0] count_o
);

  localparam LANES = <: v.lanes :>;
  localparam HEIGHT = <: v.weight_rows :>;
  localparam COUNT = <: v.count_width :>;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_column
      column u_column (
          .clk_i(clk_i),
          .write_i(write_i),
          .weight_i(weight_i[lane*HEIGHT +: HEIGHT]),
          .swap_i(swap_i),
          //%- if v.planes > 1 %//
          .weighted_i(weighted_i),
          //%- endif %//
          .row_i(row_i),
          //%- if v.row_enable %//
          .enable_i(enable_i),
          //%- endif %//
          .count_o(count_o[lane*COUNT +: COUNT])
      );
    end
  endgenerate

endmodule

`default_nettype wire
