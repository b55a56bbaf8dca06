// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight memory: <: v.weight_depth :> words of <: v.weight_rows :> rows x <: v.lanes :> columns, in the order of use.
// Latency: 1.

`default_nettype none

module weight_memory (
    input  wire clk_i,
    input  wire read_i,
    input  wire [<: v.weight_address_width - 1 :>:0] address_i,
    output wire [<: v.weight_bits - 1 :>:0] data_o
);

  (* <: style :> *)
  reg [<: v.weight_bits - 1 :>:0] memory [0:<: v.weight_depth - 1 :>];
  reg [<: v.weight_bits - 1 :>:0] data_q;

  initial $readmemh("weights.hex", memory);

  always @(posedge clk_i) begin
    if (read_i) data_q <= memory[address_i];
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
