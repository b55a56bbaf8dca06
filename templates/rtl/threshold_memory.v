// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Threshold memory: one entry a group of <: v.lanes :> channels<: note :>.
// Latency: 1.

`default_nettype none

module threshold_memory (
    input  wire clk_i,
    input  wire [<: address_width - 1 :>:0] address_i,
    output wire [<: v.lanes * entry_width - 1 :>:0] data_o
);

  reg [<: v.lanes * entry_width - 1 :>:0] memory [0:<: depth - 1 :>];
  reg [<: v.lanes * entry_width - 1 :>:0] data_q;

  initial $readmemh("thresholds.hex", memory);

  always @(posedge clk_i) begin
    data_q <= memory[address_i];
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
