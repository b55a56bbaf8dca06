// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Compute-in-memory array: <: v.rows :> rows x <: v.lanes :> columns of one-bit cells.
// Every column counts the rows whose bit equals its cell.
//% if v.segment > 0 -%//
// Segments of <: v.segment :> columns have copies of all that enters the array.
//% endif -%//
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

  //%- if v.segment > 0 %//
  localparam SEGMENTS = <: v.lanes / v.segment :>;
  localparam WEIGHTS = <: v.segment * v.weight_rows :>;
  localparam COUNTS = <: v.segment * v.count_width :>;

  genvar segment;
  generate
    for (segment = 0; segment < SEGMENTS; segment = segment + 1) begin : gen_segment
      array_segment u_array_segment (
          .clk_i(clk_i),
          .write_i(write_i),
          .weight_i(weight_i[segment*WEIGHTS +: WEIGHTS]),
          .swap_i(swap_i),
          //%- if v.planes > 1 %//
          .weighted_i(weighted_i),
          //%- endif %//
          .row_i(row_i),
          //%- if v.row_enable %//
          .enable_i(enable_i),
          //%- endif %//
          .count_o(count_o[segment*COUNTS +: COUNTS])
      );
    end
  endgenerate
  //%- else %//
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
  //%- endif %//

endmodule

`default_nettype wire
