// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Column: <: v.rows :> one-bit cells and the popcount tree that reads them.
// The shadow cells fill while the active cells compute; a swap makes the shadow active.
// Latency: <: v.tree_latency :>, from row and active cells to the count.

`default_nettype none

module column (
    input  wire clk_i,
    // Shadow cells: words of <: v.weight_rows :> rows.
    input  wire [<: v.words - 1 :>:0] write_i,
    input  wire [<: v.weight_rows - 1 :>:0] weight_i,
    input  wire swap_i,
    //%- if v.planes > 1 %//
    // The rows carry the planes of an integer, plane j counts 2^j.
    input  wire weighted_i,
    //%- endif %//
    input  wire [<: v.rows - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: v.rows - 1 :>:0] enable_i,
    //%- endif %//
    output wire [<: v.count_width - 1 :>:0] count_o
);
  //%- if v.words > 1 %//

  localparam WORDS = <: v.words :>;
  localparam HEIGHT = <: v.weight_rows :>;
  //%- if inverted %//
  // Cells whose row carries nothing: weight +1 as the tree wants it stored.
  localparam [<: v.rows - 1 :>:0] IDLE =
      <: idle :>;
  //%- endif %//
  //%- endif %//

  reg [<: v.rows - 1 :>:0] shadow_q;
  reg [<: v.rows - 1 :>:0] active_q;
  //%- if v.words > 1 %//

  always @(posedge clk_i) begin
    if (write_i[0]) shadow_q[HEIGHT-1:0] <= weight_i;
  end

  // A tile may be shorter than the column: its first word presets all other cells to +1, which
  // count nothing against the 0 on rows that carry nothing.
  genvar word;
  generate
    for (word = 1; word < WORDS; word = word + 1) begin : gen_word
      always @(posedge clk_i) begin
        //%- if inverted %//
        if (write_i[0]) shadow_q[word*HEIGHT +: HEIGHT] <= IDLE[word*HEIGHT +: HEIGHT];
        //%- else %//
        if (write_i[0]) shadow_q[word*HEIGHT +: HEIGHT] <= {HEIGHT{1'b1}};
        //%- endif %//
        else if (write_i[word]) shadow_q[word*HEIGHT +: HEIGHT] <= weight_i;
      end
    end
  endgenerate
  //%- else %//

  always @(posedge clk_i) begin
    if (write_i) shadow_q <= weight_i;
  end
  //%- endif %//

  always @(posedge clk_i) begin
    if (swap_i) active_q <= shadow_q;
  end

  popcount_tree u_popcount_tree (
      .clk_i(clk_i),
      //%- if v.planes > 1 %//
      .weighted_i(weighted_i),
      //%- endif %//
      .row_i(row_i),
      //%- if v.row_enable %//
      .enable_i(enable_i),
      //%- endif %//
      .weight_i(active_q),
      .count_o(count_o)
  );

endmodule

`default_nettype wire
