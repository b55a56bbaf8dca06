// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// One bank of the activation memory: <: v.map_depth :> words of <: v.word :> channels, one read and one write port.
//%- if v.parts > 1 %//
// A write takes any of the <: v.parts :> parts of <: v.part_width :> channels that make a word.
//%- endif %//
// Latency: 1 (read).

`default_nettype none

module map_bank (
    input  wire clk_i,
    input  wire read_i,
    input  wire [<: v.map_width - 1 :>:0] read_address_i,
    output wire [<: v.word - 1 :>:0] read_data_o,
    input  wire [<: v.parts - 1 :>:0] write_i,
    input  wire [<: v.map_width - 1 :>:0] write_address_i,
    input  wire [<: v.word - 1 :>:0] write_data_i
);

  localparam DEPTH = <: v.map_depth :>;
  localparam PARTS = <: v.parts :>;
  localparam WIDTH = <: v.part_width :>;

  genvar part;
  generate
    for (part = 0; part < PARTS; part = part + 1) begin : gen_part
      // A layer never reads the words that it writes, so no order of the two ports matters.
      (* <: v.map_attributes :> *)
      reg [WIDTH-1:0] memory [0:DEPTH-1];
      reg [WIDTH-1:0] read_data_q;

      always @(posedge clk_i) begin
        if (write_i[part]) memory[write_address_i] <= write_data_i[part*WIDTH +: WIDTH];
        if (read_i) read_data_q <= memory[read_address_i];
      end

      assign read_data_o[part*WIDTH +: WIDTH] = read_data_q;
    end
  endgenerate

endmodule

`default_nettype wire
