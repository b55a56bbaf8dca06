// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Activation memory: <: v.banks :> banks that are read at once, one word of <: v.word :> channels each.
// Latency: 1 (read).

`default_nettype none

module map_memory (
    input  wire clk_i,
    input  wire read_i,
    input  wire [<: v.banks * v.map_width - 1 :>:0] read_address_i,
    output wire [<: v.rows - 1 :>:0] read_data_o,
    input  wire [<: v.banks * v.parts - 1 :>:0] write_i,
    input  wire [<: v.write_addresses * v.map_width - 1 :>:0] write_address_i,
    input  wire [<: v.write_bits - 1 :>:0] write_data_i
);

  localparam BANKS = <: v.banks :>;
  localparam WORD = <: v.word :>;
  localparam PARTS = <: v.parts :>;
  localparam ADDRESS = <: v.map_width :>;

  genvar bank;
  generate
    for (bank = 0; bank < BANKS; bank = bank + 1) begin : gen_bank
      map_bank u_bank (
          .clk_i(clk_i),
          .read_i(read_i),
          .read_address_i(read_address_i[bank*ADDRESS +: ADDRESS]),
          .read_data_o(read_data_o[bank*WORD +: WORD]),
          .write_i(write_i[bank*PARTS +: PARTS]),
          //%- if v.writes_words %//
          .write_address_i(write_address_i[bank*ADDRESS +: ADDRESS]),
          .write_data_i(write_data_i[bank*WORD +: WORD])
          //%- else %//
          .write_address_i(write_address_i),
          .write_data_i(write_data_i)
          //%- endif %//
      );
    end
  endgenerate

endmodule

`default_nettype wire
