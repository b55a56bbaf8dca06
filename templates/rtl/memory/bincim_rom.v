// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Memory that is read only; its words come from a file.
// Parameters: Width, bits of a word, from 1. Depth, words, from 1. Style, what synthesis makes of
//     it: "auto", "block", "distributed" or "registers" (the value of the attribute `ram_style`).
//     InitFile, Depth words in hexadecimal, read in the folder in which the tool runs; "", words
//     are unknown. AddressWidth follows from Depth.
// Latency: 1, from an address to its data.
// Reset: none; data are unknown until the first read.
// Protocol: data of the address that stands beside `read_i` come with the next cycle and stay until
//     the next read. Addresses are below Depth.

`default_nettype none

module bincim_rom #(
    parameter Width = 8,
    parameter Depth = 16,
    parameter Style = "auto",
    parameter InitFile = "",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire read_i,
    input  wire [AddressWidth-1:0] address_i,
    output wire [Width-1:0] data_o
);

  // Synthesis alone reads the style.
  wire unused_style = &{1'b0, Style};

  (* ram_style = Style *)
  reg [Width-1:0] memory_q [0:Depth-1];
  reg [Width-1:0] data_q;

  generate
    if (|InitFile) begin : gen_content
      initial $readmemh(InitFile, memory_q);
    end
  endgenerate

  always @(posedge clk_i) begin
    if (read_i) data_q <= memory_q[address_i];
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
