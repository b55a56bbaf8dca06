// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// State level: gives the states of some layers on as activations of several levels, in place of
// what their thresholds make: the state without its low bits, held to the bits of a level, with its
// sign turned round so that the smallest is level 0.
// Parameters: Lanes, channels at once. Total, bits of a state, two's complement. Level, bits of a
//     level, from 2, and Shift, bits of the state below them, from 0: together Total at most. Bits,
//     planes of bits of an activation, Level at least. Rectified: 1, such states are 0 or more, and
//     level 0 is 0; Level and Shift are less than Total together.
// Latency: 1, from state to level.
// Reset: none; a level is read beside its result only.
// Protocol: total_i one cycle ahead of there_i, which says of each lane whether it has a channel,
//     and of bit_i, the planes of bits of the same results as other layers give them. level_i
//     stands while a layer runs whose states are levels; lanes without a channel then give 0. All
//     lanes of plane 0, the highest bit, are in the low bits.

`default_nettype none

module bincim_state_level #(
    parameter Lanes = 4,
    parameter Total = 10,
    parameter Level = 8,
    parameter Shift = 0,
    parameter Bits = 8,
    parameter Rectified = 0
) (
    input  wire clk_i,
    input  wire [Lanes*Total-1:0] total_i,
    input  wire level_i,
    input  wire [Lanes-1:0] there_i,
    input  wire [Bits*Lanes-1:0] bit_i,
    output wire [Bits*Lanes-1:0] bit_o
);

  // Bits of the state that must be alike where a level can hold it: its sign and those above the
  // level's own highest bit, which is a sign turned round unless states are rectified.
  localparam SIGN = (Rectified != 0) ? 0 : 1;
  localparam ABOVE = Total - Shift - Level + SIGN;

  genvar lane;
  genvar plane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Total-1:0] total = total_i[lane*Total +: Total];
      wire unused_total = &{1'b0, total};
      wire negative = total[Total-1];
      wire [ABOVE-1:0] above = total[Total-1:Total-ABOVE];
      wire fits = (above == {ABOVE{negative}});
      wire [Level-1:0] level;
      reg [Level-1:0] level_q;

      if (Rectified != 0) begin : gen_rectified
        assign level = total[Shift +: Level];
      end else begin : gen_signed
        assign level = {!negative, total[Shift +: Level-1]};
      end

      always @(posedge clk_i) begin
        level_q <= fits ? level : {Level{!negative}};
      end

      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        if (plane < Level) begin : gen_bit
          wire own = level_q[Level-1-plane] & there_i[lane];

          assign bit_o[plane*Lanes + lane] = level_i ? own : bit_i[plane*Lanes + lane];
        end else begin : gen_other
          assign bit_o[plane*Lanes + lane] = bit_i[plane*Lanes + lane] & !level_i;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
