// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Cells of a column, one bit each: the shadow cells fill while the active cells compute; a swap
// makes the shadow active.
// Parameters: Words, words of the column's rows, and Height, rows of a word, from 1. Idle: a
//     weight of +1 as the column's popcount tree wants it stored, a bit a row.
// Latency: 1, from word to shadow cells and from swap to active cells.
// Reset: none; no count is used before a tile is written and swapped in.
// Protocol: write_i with its weights, one bit a word; word 0 is a tile's first. A tile may be
//     shorter than the column: word 0 presets all cells above it to +1, which count nothing
//     against the 0 on rows that carry nothing.

`default_nettype none

module bincim_column_cells #(
    parameter Words = 2,
    parameter Height = 8,
    parameter [Words*Height-1:0] Idle = {Words * Height{1'b1}}
) (
    input  wire clk_i,
    input  wire [Words-1:0] write_i,
    input  wire [Height-1:0] weight_i,
    input  wire swap_i,
    output wire [Words*Height-1:0] active_o
);

  reg [Words*Height-1:0] shadow_q;
  reg [Words*Height-1:0] active_q;

  always @(posedge clk_i) begin
    if (write_i[0]) shadow_q[Height-1:0] <= weight_i;
  end

  genvar word;
  generate
    for (word = 1; word < Words; word = word + 1) begin : gen_word
      always @(posedge clk_i) begin
        if (write_i[0]) shadow_q[word*Height +: Height] <= Idle[word*Height +: Height];
        else if (write_i[word]) shadow_q[word*Height +: Height] <= weight_i;
      end
    end
  endgenerate

  always @(posedge clk_i) begin
    if (swap_i) active_q <= shadow_q;
  end

  assign active_o = active_q;

endmodule

`default_nettype wire
