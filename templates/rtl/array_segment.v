// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array segment: <: v.segment :> neighbouring columns and their own copy of the rows and of the weight word,
// so that no row drives more than <: v.segment :> columns across the chip.
// Latency: <: v.latency :>, from row to count.

`default_nettype none

module array_segment (
    input  wire clk_i,
    input  wire [<: v.words - 1 :>:0] write_i,
    input  wire [<: v.segment * v.weight_rows - 1 :>:0] weight_i,
    input  wire swap_i,
    //%- if v.planes > 1 %//
    input  wire weighted_i,
    //%- endif %//
    input  wire [<: v.rows - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: v.rows - 1 :>:0] enable_i,
    //%- endif %//
    output wire [<: v.segment * v.count_width - 1 :>:0] count_o
);

  localparam LANES = <: v.segment :>;
  localparam HEIGHT = <: v.weight_rows :>;
  localparam COUNT = <: v.count_width :>;

  reg [<: v.words - 1 :>:0] write_q;
  reg [<: v.segment * v.weight_rows - 1 :>:0] weight_q;
  reg swap_q;
  //%- if v.planes > 1 %//
  reg weighted_q;
  //%- endif %//
  reg [<: v.rows - 1 :>:0] row_q;
  //%- if v.row_enable %//
  reg [<: v.rows - 1 :>:0] enable_q;
  //%- endif %//

  // All segments hold the same rows: without the attribute synthesis would merge the copies.
  (* keep *)
  always @(posedge clk_i) begin
    write_q <= write_i;
    weight_q <= weight_i;
    swap_q <= swap_i;
    //%- if v.planes > 1 %//
    weighted_q <= weighted_i;
    //%- endif %//
    row_q <= row_i;
    //%- if v.row_enable %//
    enable_q <= enable_i;
    //%- endif %//
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_column
      column u_column (
          .clk_i(clk_i),
          .write_i(write_q),
          .weight_i(weight_q[lane*HEIGHT +: HEIGHT]),
          .swap_i(swap_q),
          //%- if v.planes > 1 %//
          .weighted_i(weighted_q),
          //%- endif %//
          .row_i(row_q),
          //%- if v.row_enable %//
          .enable_i(enable_q),
          //%- endif %//
          .count_o(count_o[lane*COUNT +: COUNT])
      );
    end
  endgenerate

endmodule

`default_nettype wire
