// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: description :>
// Latency: 1 (read).

`default_nettype none

module <: module :> (
    input  wire clk_i,
    input  wire [<: address_width - 1 :>:0] read_address_i,
    output wire [<: v.lanes * v.accumulator_width - 1 :>:0] read_data_o,
    input  wire write_i,
    input  wire [<: address_width - 1 :>:0] write_address_i,
    input  wire [<: v.lanes * v.accumulator_width - 1 :>:0] write_data_i
);

  // <: order :>
  (* no_rw_check *)
  reg [<: v.lanes * v.accumulator_width - 1 :>:0] memory [0:<: depth - 1 :>];
  reg [<: v.lanes * v.accumulator_width - 1 :>:0] read_data_q;

  always @(posedge clk_i) begin
    if (write_i) memory[write_address_i] <= write_data_i;
    read_data_q <= memory[read_address_i];
  end

  assign read_data_o = read_data_q;

endmodule

`default_nettype wire
