// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Level code: makes of each lane's steps the planes of bits in which the next layer reads its
// level. The steps rise together, so the number that are met is the level, and every step met turns
// the bits in which the codes of its two levels differ.
// Parameters: Lanes, channels at once, Steps, thresholds of a lane, and Bits, planes of bits, from
//     1.
// Latency: 0.
// Reset: none, no state.
// Protocol: bit_i has all lanes of step 0 in the low bits, those of step 1 above them, as
//     bincim_threshold gives them; code_o likewise all lanes of plane 0. toggle_i says of each
//     plane, and of its steps, step 0 in the low bits, whether the plane's bit changes where the
//     step is met. No step met is code 0.

`default_nettype none

module bincim_level_code #(
    parameter Lanes = 4,
    parameter Steps = 3,
    parameter Bits = 2
) (
    input  wire [Steps*Lanes-1:0] bit_i,
    input  wire [Bits*Steps-1:0] toggle_i,
    output wire [Bits*Lanes-1:0] code_o
);

  genvar lane;
  genvar step;
  genvar plane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Steps-1:0] met;

      for (step = 0; step < Steps; step = step + 1) begin : gen_step
        assign met[step] = bit_i[step*Lanes + lane];
      end
      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        assign code_o[plane*Lanes + lane] = ^(met & toggle_i[plane*Steps +: Steps]);
      end
    end
  endgenerate

endmodule

`default_nettype wire
