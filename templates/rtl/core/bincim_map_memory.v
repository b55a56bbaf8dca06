// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Activation memory: banks that are read at once, a word of channels each.
// Parameters: Banks, from 1. Word, channels of a bank's word, from 1, a multiple of Parts. Depth,
//     words of a bank, from 1. Bits, planes of bits of every word, from 1. Parts, from 1: parts of
//     a word with a write enable each. WritePorts: 1, all banks share the address and the word that
//     are written; Banks, each has its own. Style as in bincim_ram_1r1w. AddressWidth follows from
//     Depth.
// Latency: 1, from the read addresses to the words.
// Reset: none; a word is unknown until it is written.
// Protocol: that of bincim_ram_1r1w, bank 0 in the low bits of every port, and plane 0's banks
//     below those of plane 1. All planes of a word are written and read at once. A layer never
//     reads the words that it writes, so no order of reading and writing matters.

`default_nettype none

module bincim_map_memory #(
    parameter Banks = 2,
    parameter Word = 8,
    parameter Depth = 16,
    parameter Bits = 1,
    parameter Parts = 1,
    parameter WritePorts = 1,
    parameter Style = "auto",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire read_i,
    input  wire [Banks*AddressWidth-1:0] read_address_i,
    output wire [Bits*Banks*Word-1:0] read_data_o,
    input  wire [Banks*Parts-1:0] write_i,
    input  wire [WritePorts*AddressWidth-1:0] write_address_i,
    input  wire [Bits*WritePorts*Word-1:0] write_data_i
);

  localparam PART = Word / Parts;

  genvar bank;
  genvar part;
  genvar plane;
  generate
    for (bank = 0; bank < Banks; bank = bank + 1) begin : gen_bank
      // A part holds its channels' bits of all planes, one plane above the other.
      localparam PORT = bank % WritePorts;
      wire [Bits*Word-1:0] written;
      wire [Bits*Word-1:0] read;

      for (part = 0; part < Parts; part = part + 1) begin : gen_part
        for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
          localparam PLACE = (part * Bits + plane) * PART;

          assign written[PLACE +: PART] =
              write_data_i[(plane*WritePorts + PORT)*Word + part*PART +: PART];
          assign read_data_o[(plane*Banks + bank)*Word + part*PART +: PART] = read[PLACE +: PART];
        end
      end

      bincim_ram_1r1w #(
          .Width(Bits * Word),
          .Depth(Depth),
          .Parts(Parts),
          .Style(Style)
      ) u_bank (
          .clk_i(clk_i),
          .write_i(write_i[bank*Parts +: Parts]),
          .write_address_i(write_address_i[PORT*AddressWidth +: AddressWidth]),
          .write_data_i(written),
          .read_i(read_i),
          .read_address_i(read_address_i[bank*AddressWidth +: AddressWidth]),
          .read_data_o(read)
      );
    end
  endgenerate

endmodule

`default_nettype wire
