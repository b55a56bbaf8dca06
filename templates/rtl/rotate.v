// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: description :>
// Latency: none; one multiplexer a bit of the amount.

`default_nettype none

module <: module :> #(
    parameter Width = 1
) (
    input  wire [<: slots :>*Width-1:0] data_i,
    input  wire [<: amount_width - 1 :>:0] amount_i,
    output wire [<: slots :>*Width-1:0] data_o
);

  //%- for s in stages %//
  wire [<: slots :>*Width-1:0] by_<: s.amount :> = amount_i[<: s.index :>] ?
      {<: s.from :>[<: s.low :>*Width-1:0], <: s.from :>[<: slots :>*Width-1:<: s.low :>*Width]} : <: s.from :>;
  //%- endfor %//

  assign data_o = by_<: last :>;

endmodule

`default_nettype wire
