// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Rotation of words by any amount.
// Parameters: Slots, words, from 2. Width, bits of a word, from 1. Up: 0, words move down, so that
//     word s of the output is word (s + amount) mod Slots of the input; 1, words move up, so that
//     word s of the input becomes word (s + amount) mod Slots of the output. AmountWidth follows
//     from Slots.
// Latency: none; one multiplexer a bit of the amount.
// Reset: none, it has no registers.
// Protocol: the amount is below Slots; word 0 lies in the low bits.

`default_nettype none

module bincim_rotate #(
    parameter Slots = 2,
    parameter Width = 1,
    parameter Up = 0,
    parameter AmountWidth = $clog2(Slots)
) (
    input  wire [Slots*Width-1:0] data_i,
    input  wire [AmountWidth-1:0] amount_i,
    output wire [Slots*Width-1:0] data_o
);

  localparam BITS = Slots * Width;

  genvar stage;
  generate
    for (stage = 0; stage < AmountWidth; stage = stage + 1) begin : gen_stage
      // Bits below the cut go to the upper end.
      localparam CUT = ((Up != 0) ? Slots - (1 << stage) : (1 << stage)) * Width;
      wire [BITS-1:0] from;
      wire [BITS-1:0] turned = amount_i[stage] ? {from[CUT-1:0], from[BITS-1:CUT]} : from;

      if (stage == 0) begin : gen_first
        assign from = data_i;
      end else begin : gen_next
        assign from = gen_stage[stage-1].turned;
      end
    end
  endgenerate

  assign data_o = gen_stage[AmountWidth-1].turned;

endmodule

`default_nettype wire
