// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Support mask: brings the rows that a vector's plane of the weights keeps to the vector. A row
// that it leaves out carries 0 and is not counted as driven.
// Parameters: Rows, of a vector, from 1. SlotRows, bits of the rows that all slots keep, and
//     Driven, bits of the number of all kept rows, from 0, where that is not asked.
// Latency: kept_i x-2, kept_rows_o x-1, kept_o and driven_rows_o x, the cycle of the vector.
// Reset: none; what stands here belongs to a vector that is marked elsewhere.
// Protocol: everything moves on with advance_i.

`default_nettype none

module bincim_support_mask #(
    parameter Rows = 16,
    parameter SlotRows = 0,
    parameter Driven = 0
) (
    input  wire clk_i,
    input  wire advance_i,
    // What the plane keeps: its rows, how many of each slot, how many of all.
    input  wire [Rows-1:0] kept_i,
    input  wire [((SlotRows > 0) ? SlotRows : 1)-1:0] kept_rows_i,
    input  wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_i,
    output wire [Rows-1:0] kept_o,
    output wire [((SlotRows > 0) ? SlotRows : 1)-1:0] kept_rows_o,
    output wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_o
);

  reg [Rows-1:0] read_kept_q;
  reg [Rows-1:0] door_kept_q;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_kept_q <= kept_i;
      door_kept_q <= read_kept_q;
    end
  end

  assign kept_o = door_kept_q;

  generate
    if (SlotRows > 0) begin : gen_slots
      reg [SlotRows-1:0] kept_rows_q;

      always @(posedge clk_i) begin
        if (advance_i) kept_rows_q <= kept_rows_i;
      end

      assign kept_rows_o = kept_rows_q;
    end else begin : gen_no_slots
      wire unused = &{1'b0, kept_rows_i};

      assign kept_rows_o = 1'b0;
    end

    if (Driven > 0) begin : gen_driven
      reg [Driven-1:0] read_driven_q;
      reg [Driven-1:0] door_driven_q;

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_driven_q <= driven_rows_i;
          door_driven_q <= read_driven_q;
        end
      end

      assign driven_rows_o = door_driven_q;
    end else begin : gen_uncounted
      wire unused = &{1'b0, driven_rows_i};

      assign driven_rows_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
