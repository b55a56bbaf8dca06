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

module <: v.prefix :>_cim_array (
    input  wire clk_i,
    // One word of weights, <: v.weight_rows :> rows of every column, into the shadow cells.
    input  wire [<: v.words - 1 :>:0] write_i,
    input  wire [<: v.weight_bits - 1 :>:0] weight_i,
    input  wire swap_i,
    //%- if v.planes > 1 %//
    // The rows carry the planes of an integer, plane j counts 2^j.
    input  wire weighted_i,
    //%- endif %//
    input  wire [<: v.rows - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: v.rows - 1 :>:0] enable_i,
    //%- endif %//
    output wire [<: v.lanes * v.count_width - 1 :>:0] count_o
);

  localparam ROWS = <: v.rows :>;
  localparam WORDS = <: v.words :>;
  localparam HEIGHT = <: v.weight_rows :>;
  localparam COUNT = <: v.count_width :>;
  //%- if v.segment > 0 %//
  localparam SEGMENTS = <: v.lanes / v.segment :>;
  localparam LANES = <: v.segment :>;
  //%- else %//
  localparam LANES = <: v.lanes :>;
  //%- endif %//
  // A weight of +1 as the popcount tree wants it stored.
  localparam [ROWS-1:0] IDLE =
      <: idle :>;

  //%- if v.segment > 0 %//

  genvar segment;
  genvar lane;
  generate
    for (segment = 0; segment < SEGMENTS; segment = segment + 1) begin : gen_segment
      wire [WORDS-1:0] write;
      wire [LANES*HEIGHT-1:0] weight;
      wire swap;
      wire <: weighted :>;
      wire [ROWS-1:0] row;
      wire [ROWS-1:0] <: enable :>;

      bincim_array_segment #(
          .Rows(ROWS),
          .Words(WORDS),
          .WeightBits(LANES*HEIGHT),
          .Weighted(<: u8::from(v.planes > 1) :>),
          .RowEnable(<: u8::from(*v.row_enable) :>)
      ) u_array_segment (
          .clk_i(clk_i),
          .write_i(write_i),
          .weight_i(weight_i[segment*LANES*HEIGHT +: LANES*HEIGHT]),
          .swap_i(swap_i),
          .weighted_i(<: weighted_i :>),
          .row_i(row_i),
          .enable_i(<: enable_i :>),
          .write_o(write),
          .weight_o(weight),
          .swap_o(swap),
          .weighted_o(<: weighted :>),
          .row_o(row),
          .enable_o(<: enable :>)
      );

      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_column
        wire [ROWS-1:0] cells;
        wire [COUNT-1:0] count;

        bincim_column_cells #(
            .Words(WORDS),
            .Height(HEIGHT),
            .Idle(IDLE)
        ) u_cells (
            .clk_i(clk_i),
            .write_i(write),
            .weight_i(weight[lane*HEIGHT +: HEIGHT]),
            .swap_i(swap),
            .active_o(cells)
        );

        <: v.prefix :>_popcount_tree u_popcount_tree (
            .clk_i(clk_i),
            //%- if v.planes > 1 %//
            .weighted_i(weighted),
            //%- endif %//
            .row_i(row),
            //%- if v.row_enable %//
            .enable_i(enable),
            //%- endif %//
            .weight_i(cells),
            .count_o(count)
        );

        assign count_o[(segment*LANES+lane)*COUNT +: COUNT] = count;
      end
    end
  endgenerate
  //%- else %//

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_column
      wire [ROWS-1:0] cells;
      wire [COUNT-1:0] count;

      bincim_column_cells #(
          .Words(WORDS),
          .Height(HEIGHT),
          .Idle(IDLE)
      ) u_cells (
          .clk_i(clk_i),
          .write_i(write_i),
          .weight_i(weight_i[lane*HEIGHT +: HEIGHT]),
          .swap_i(swap_i),
          .active_o(cells)
      );

      <: v.prefix :>_popcount_tree u_popcount_tree (
          .clk_i(clk_i),
          //%- if v.planes > 1 %//
          .weighted_i(weighted_i),
          //%- endif %//
          .row_i(row_i),
          //%- if v.row_enable %//
          .enable_i(enable_i),
          //%- endif %//
          .weight_i(cells),
          .count_o(count)
      );

      assign count_o[lane*COUNT +: COUNT] = count;
    end
  endgenerate
  //%- endif %//

endmodule

`default_nettype wire
