// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Table: a memory that is written now and then and read without a clock.
// Parameters: Width, bits of a word, and Depth, words, from 1. AddressWidth follows from Depth.
// Latency: none, from the address to the word; 1, from a write to the word that is read.
// Reset: none; a word holds nothing before it is written.
// Protocol: write_i writes write_data_i to write_address_i; data_o is the word at address_i. An
//     address from Depth on is not used.

`default_nettype none

module bincim_table #(
    parameter Width = 8,
    parameter Depth = 4,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire write_i,
    input  wire [AddressWidth-1:0] write_address_i,
    input  wire [Width-1:0] write_data_i,
    input  wire [AddressWidth-1:0] address_i,
    output wire [Width-1:0] data_o
);

  generate
    if (Depth > 1) begin : gen_words
      reg [Width-1:0] memory_q [0:Depth-1];

      always @(posedge clk_i) begin
        if (write_i) memory_q[write_address_i] <= write_data_i;
      end

      assign data_o = memory_q[address_i];
    end else begin : gen_word
      reg [Width-1:0] word_q;
      wire unused = &{1'b0, write_address_i, address_i};

      always @(posedge clk_i) begin
        if (write_i) word_q <= write_data_i;
      end

      assign data_o = word_q;
    end
  endgenerate

endmodule

`default_nettype wire
