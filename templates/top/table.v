// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: description :>
// Latency: none.
// Protocol: as bincim_table; a word is loaded with the program, its fields in the order of the
//     ports, the first in the low bits.

`default_nettype none

module <: module :> (
    input  wire clk_i,
    input  wire write_i,
    input  wire [<: address - 1 :>:0] write_address_i,
    input  wire [<: width - 1 :>:0] write_data_i,
    //%- for i in inputs %//
    input  wire [<: i.width - 1 :>:0] <: i.name :>,
    //%- endfor %//
    //%- for f in fields %//
    output wire [<: f.width - 1 :>:0] <: f.name :>_o<: f.comma :><: f.comment :>
    //%- endfor %//
);

  wire [<: width - 1 :>:0] word;

  bincim_table #(
      .Width(<: width :>),
      .Depth(<: depth :>)
  ) u_table (
      .clk_i(clk_i),
      .write_i(write_i),
      .write_address_i(write_address_i),
      .write_data_i(write_data_i),
      .address_i(<: key :>),
      .data_o(word)
  );

  // Its fields.
  //%- for f in fields %//
  assign <: f.name :>_o = word[<: f.at + f.width - 1 :>:<: f.at :>];
  //%- endfor %//

endmodule

`default_nettype wire
