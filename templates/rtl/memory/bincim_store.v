// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Store: a memory that is read through a register, and whose words are its bitstream's or are
// written while the machine stands.
// Parameters: Width, bits of a word, and Depth, words, from 1. Loadable: 1, words are written, and
//     there is no content; 0, the content is that of InitFile, and nothing is written. Style as in
//     bincim_rom. AddressWidth follows from Depth.
// Latency: 1, from the address to the word.
// Reset: none.
// Protocol: read_i reads the word at address_i; write_i writes write_data_i to write_address_i,
//     never in a cycle in which words are read that matter.

`default_nettype none

module bincim_store #(
    parameter Width = 8,
    parameter Depth = 16,
    parameter Loadable = 0,
    parameter Style = "auto",
    parameter InitFile = "",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire write_i,
    input  wire [AddressWidth-1:0] write_address_i,
    input  wire [Width-1:0] write_data_i,
    input  wire read_i,
    input  wire [AddressWidth-1:0] address_i,
    output wire [Width-1:0] data_o
);

  generate
    if (Loadable != 0) begin : gen_loaded
      bincim_ram_1r1w #(
          .Width(Width),
          .Depth(Depth),
          .Style(Style)
      ) u_memory (
          .clk_i(clk_i),
          .write_i(write_i),
          .write_address_i(write_address_i),
          .write_data_i(write_data_i),
          .read_i(read_i),
          .read_address_i(address_i),
          .read_data_o(data_o)
      );
    end else begin : gen_content
      wire unused = &{1'b0, write_i, write_address_i, write_data_i};

      bincim_rom #(
          .Width(Width),
          .Depth(Depth),
          .Style(Style),
          .InitFile(InitFile)
      ) u_memory (
          .clk_i(clk_i),
          .read_i(read_i),
          .address_i(address_i),
          .data_o(data_o)
      );
    end
  endgenerate

endmodule

`default_nettype wire
