// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Activation memory: banks that are read at once, a word of channels each.
// Parameters: Banks, from 1. Word, channels of a bank's word, from 1, a multiple of Parts. Depth,
//     words of a bank, from 1. Parts, from 1: parts of a word with a write enable each. WritePorts:
//     1, all banks share the address and the word that are written; Banks, each has its own. Style
//     as in bincim_ram_1r1w. AddressWidth follows from Depth.
// Latency: 1, from the read addresses to the words.
// Reset: none; a word is unknown until it is written.
// Protocol: that of bincim_ram_1r1w, bank 0 in the low bits of every port. A layer never reads the
//     words that it writes, so no order of reading and writing matters.

`default_nettype none

module bincim_map_memory #(
    parameter Banks = 2,
    parameter Word = 8,
    parameter Depth = 16,
    parameter Parts = 1,
    parameter WritePorts = 1,
    parameter Style = "auto",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire read_i,
    input  wire [Banks*AddressWidth-1:0] read_address_i,
    output wire [Banks*Word-1:0] read_data_o,
    input  wire [Banks*Parts-1:0] write_i,
    input  wire [WritePorts*AddressWidth-1:0] write_address_i,
    input  wire [WritePorts*Word-1:0] write_data_i
);

  genvar bank;
  generate
    for (bank = 0; bank < Banks; bank = bank + 1) begin : gen_bank
      bincim_ram_1r1w #(
          .Width(Word),
          .Depth(Depth),
          .Parts(Parts),
          .Style(Style)
      ) u_bank (
          .clk_i(clk_i),
          .write_i(write_i[bank*Parts +: Parts]),
          .write_address_i(write_address_i[(bank%WritePorts)*AddressWidth +: AddressWidth]),
          .write_data_i(write_data_i[(bank%WritePorts)*Word +: Word]),
          .read_i(read_i),
          .read_address_i(read_address_i[bank*AddressWidth +: AddressWidth]),
          .read_data_o(read_data_o[bank*Word +: Word])
      );
    end
  endgenerate

endmodule

`default_nettype wire
