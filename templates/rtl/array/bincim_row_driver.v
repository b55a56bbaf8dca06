// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Row driver: selects where the row vector comes from and holds it on the rows of the array.
// Parameters: Words, words of the row vector, and Word, bits of one, from 1. Planes: bits that a
//     vector of the input has for each row; they drive the rows in turn, the lowest first. 1, the
//     rows have one. RowEnable: 1, words of a vector from the activation memory may be not driven;
//     0, all rows always are.
// Latency: 1.
// Reset: none; nobody looks at the rows before a vector is loaded.
// Protocol: load_i with a vector of either source; next_plane_i, not beside load_i, for the next
//     plane of one from the input. kept_i: rows that the plane of the weights keeps; the others
//     carry 0.

`default_nettype none

module bincim_row_driver #(
    parameter Words = 2,
    parameter Word = 8,
    parameter Planes = 1,
    parameter RowEnable = 0
) (
    input  wire clk_i,
    input  wire load_i,
    input  wire next_plane_i,
    input  wire from_input_i,
    input  wire [Planes*Words*Word-1:0] input_row_i,
    input  wire [Words*Word-1:0] map_row_i,
    input  wire [Words*Word-1:0] kept_i,
    // Driven words of a vector from the activation memory; from the input every row is driven.
    input  wire [Words-1:0] map_driven_i,
    output wire [Words*Word-1:0] enable_o,
    output wire [Words*Word-1:0] row_o
);

  localparam ROWS = Words * Word;
  localparam OTHERS = (Planes - 1) * ROWS;

  // The plane that drives the rows lies in the low bits.
  reg [Planes*ROWS-1:0] row_q;
  wire [Planes*ROWS-1:0] row = from_input_i ? input_row_i : {{OTHERS{1'b0}}, map_row_i};

  always @(posedge clk_i) begin
    if (load_i) row_q <= row & {Planes{kept_i}};
    else if (next_plane_i) row_q <= row_q >> ROWS;
  end

  assign row_o = row_q[ROWS-1:0];

  genvar word;
  generate
    if (RowEnable != 0) begin : gen_enable
      reg [Words-1:0] driven_q;

      always @(posedge clk_i) begin
        if (load_i) driven_q <= map_driven_i | {Words{from_input_i}};
      end

      for (word = 0; word < Words; word = word + 1) begin : gen_word
        assign enable_o[word*Word +: Word] = {Word{driven_q[word]}};
      end
    end else begin : gen_all_driven
      wire unused_driven = &{1'b0, map_driven_i};
      assign enable_o = {ROWS{1'b1}};
    end
  endgenerate

endmodule

`default_nettype wire
