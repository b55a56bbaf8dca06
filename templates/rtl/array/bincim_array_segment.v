// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array segment: neighbouring columns' own copy of all that enters the array, so that no row drives
// more columns than these across the chip.
// Parameters: Rows, of the array; Words, of a column's cells; WeightBits, of the segment's part of
//     a word of weights, from 1. Weighted: 1, rows may carry the planes of an integer. RowEnable:
//     1, rows may be not driven. Without them their ports are tied.
// Latency: 1.
// Reset: none; the columns behind it have none.
// Protocol: that of bincim_column_cells and of the popcount tree, a cycle later.

`default_nettype none

module bincim_array_segment #(
    parameter Rows = 8,
    parameter Words = 1,
    parameter WeightBits = 8,
    parameter Weighted = 0,
    parameter RowEnable = 0
) (
    input  wire clk_i,
    input  wire [Words-1:0] write_i,
    input  wire [WeightBits-1:0] weight_i,
    input  wire swap_i,
    input  wire weighted_i,
    input  wire [Rows-1:0] row_i,
    input  wire [Rows-1:0] enable_i,
    output wire [Words-1:0] write_o,
    output wire [WeightBits-1:0] weight_o,
    output wire swap_o,
    output wire weighted_o,
    output wire [Rows-1:0] row_o,
    output wire [Rows-1:0] enable_o
);

  reg [Words-1:0] write_q;
  reg [WeightBits-1:0] weight_q;
  reg swap_q;
  reg [Rows-1:0] row_q;

  // All segments hold the same rows: without the attribute synthesis would merge the copies.
  (* keep *)
  always @(posedge clk_i) begin
    write_q <= write_i;
    weight_q <= weight_i;
    swap_q <= swap_i;
    row_q <= row_i;
  end

  assign write_o = write_q;
  assign weight_o = weight_q;
  assign swap_o = swap_q;
  assign row_o = row_q;

  generate
    if (Weighted != 0) begin : gen_weighted
      reg weighted_q;

      (* keep *)
      always @(posedge clk_i) begin
        weighted_q <= weighted_i;
      end

      assign weighted_o = weighted_q;
    end else begin : gen_plain
      assign weighted_o = weighted_i;
    end
    if (RowEnable != 0) begin : gen_enable
      reg [Rows-1:0] enable_q;

      (* keep *)
      always @(posedge clk_i) begin
        enable_q <= enable_i;
      end

      assign enable_o = enable_q;
    end else begin : gen_all_driven
      assign enable_o = enable_i;
    end
  endgenerate

endmodule

`default_nettype wire
