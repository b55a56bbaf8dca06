// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Every word comes out where the amount says, whatever the words are.

module properties #(
    parameter Slots = 2,
    parameter Width = 1,
    parameter Up = 0,
    parameter AmountWidth = $clog2(Slots)
) (
    input wire [Slots*Width-1:0] data_i,
    input wire [AmountWidth-1:0] amount_i,
    input wire [AmountWidth-1:0] slot_i
);

  wire [Slots*Width-1:0] data;

  bincim_rotate #(
      .Slots(Slots),
      .Width(Width),
      .Up(Up)
  ) dut (
      .data_i(data_i),
      .amount_i(amount_i),
      .data_o(data)
  );

  wire [AmountWidth:0] sum = {1'b0, slot_i} + {1'b0, amount_i};
  wire [AmountWidth:0] other = (sum >= Slots) ? sum - Slots : sum;

  always @* begin
    assume ({1'b0, amount_i} < Slots);
    assume ({1'b0, slot_i} < Slots);
    if (Up != 0) assert (data[other*Width +: Width] == data_i[slot_i*Width +: Width]);
    else assert (data[slot_i*Width +: Width] == data_i[other*Width +: Width]);
  end

endmodule
