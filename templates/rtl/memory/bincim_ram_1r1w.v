// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Memory with one write port and one read port, both of one clock.
// Parameters: Width, bits of a word, from 1, a multiple of Parts. Depth, words, from 1. Parts, from
//     1: parts of a word with a write enable each, part 0 in the low bits. Style, what synthesis
//     makes of it: "auto", "block", "distributed" or "registers" (the value of the attribute
//     `ram_style`). AddressWidth follows from Depth.
// Latency: 1, from a read address to its data.
// Reset: none; words and read data are unknown until they are written and read.
// Protocol: data of the address that stands beside `read_i` come with the next cycle and stay until
//     the next read. Addresses are below Depth. What a read gives in the cycle in which its word is
//     written is unknown: synthesis is told so (`no_rw_check`), and whoever uses the memory keeps
//     from it.

`default_nettype none

module bincim_ram_1r1w #(
    parameter Width = 8,
    parameter Depth = 16,
    parameter Parts = 1,
    parameter Style = "auto",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    // One bit a part.
    input  wire [Parts-1:0] write_i,
    input  wire [AddressWidth-1:0] write_address_i,
    input  wire [Width-1:0] write_data_i,
    input  wire read_i,
    input  wire [AddressWidth-1:0] read_address_i,
    output wire [Width-1:0] read_data_o
);

  localparam PART = Width / Parts;

  // Synthesis alone reads the style.
  wire unused_style = &{1'b0, Style};

  genvar part;
  generate
    for (part = 0; part < Parts; part = part + 1) begin : gen_part
      (* no_rw_check, ram_style = Style *)
      reg [PART-1:0] memory_q [0:Depth-1];
      reg [PART-1:0] read_data_q;

      always @(posedge clk_i) begin
        if (write_i[part]) memory_q[write_address_i] <= write_data_i[part*PART +: PART];
        if (read_i) read_data_q <= memory_q[read_address_i];
      end

      assign read_data_o[part*PART +: PART] = read_data_q;
    end
  endgenerate

endmodule

`default_nettype wire
