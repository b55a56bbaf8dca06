// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Level code (placeholder until the library's own arrives).
// Parameters: Lanes, Steps, Bits.
// Latency: 0.
// Reset: none.
// Protocol: none.

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
  genvar plane;
  genvar step;
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
