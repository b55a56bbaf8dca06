// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: i.input_bank_note :>
// Latency: 1 (read).

`default_nettype none

module input_bank (
    input  wire clk_i,
    input  wire write_i,
    input  wire [<: i.input_memory_width - 1 :>:0] write_address_i,
    input  wire [<: i.input_word - 1 :>:0] write_data_i,
    input  wire read_i,
    input  wire [<: i.input_memory_width - 1 :>:0] read_address_i,
    output wire [<: i.input_word - 1 :>:0] read_data_o
);

  // A frame is read only after it is complete.
  (* no_rw_check *)
  reg [<: i.input_word - 1 :>:0] memory [0:<: i.input_memory_depth - 1 :>];
  reg [<: i.input_word - 1 :>:0] read_data_q;

  always @(posedge clk_i) begin
    if (write_i) memory[write_address_i] <= write_data_i;
    if (read_i) read_data_q <= memory[read_address_i];
  end

  assign read_data_o = read_data_q;

endmodule

`default_nettype wire
