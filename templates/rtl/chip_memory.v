// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: description :>
// Content: <: module :>.hex, from the chip.
// Latency: 1, from address to data.

`default_nettype none

module <: module :>_memory (
    input  wire clk_i,
    input  wire read_i,
    input  wire [<: address_width - 1 :>:0] address_i,
    output wire [<: width - 1 :>:0] data_o
);

  (* ram_style = "block" *)
  reg [<: width - 1 :>:0] memory_q [0:<: depth - 1 :>];
  reg [<: width - 1 :>:0] data_q;

  initial $readmemh("<: module :>.hex", memory_q);

  always @(posedge clk_i) begin
    if (read_i) data_q <= memory_q[address_i];
  end

  assign data_o = data_q;

endmodule

`default_nettype wire
