// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Place in a walk: steps on and, before another pass over a block, goes back to where the block
// began.
// Parameters: Width, bits, from 1. Moves: 1, there are steps; else the place is the origin.
//     Returns: 1, there are such passes.
// Latency: 1, from a step to the place.
// Reset: none; start_i puts it to its origin.
// Protocol: start_i wins over step_i, which goes to next_i, with back_i to where the block began:
//     the origin, or what was next_i at the last block_end_i.

`default_nettype none

module bincim_place #(
    parameter Width = 8,
    parameter Moves = 1,
    parameter Returns = 0
) (
    input  wire clk_i,
    input  wire start_i,
    input  wire step_i,
    input  wire back_i,
    input  wire block_end_i,
    input  wire [Width-1:0] origin_i,
    input  wire [Width-1:0] next_i,
    output wire [Width-1:0] place_o
);

  generate
    if (Moves != 0) begin : gen_moves
      reg [Width-1:0] place_q;
      wire [Width-1:0] step_to;

      always @(posedge clk_i) begin
        if (start_i) place_q <= origin_i;
        else if (step_i) place_q <= step_to;
      end

      assign place_o = place_q;

      if (Returns != 0) begin : gen_returns
        reg [Width-1:0] first_q;

        always @(posedge clk_i) begin
          if (start_i) first_q <= origin_i;
          else if (block_end_i) first_q <= next_i;
        end

        assign step_to = back_i ? first_q : next_i;
      end else begin : gen_onward
        wire unused = &{1'b0, back_i, block_end_i};

        assign step_to = next_i;
      end
    end else begin : gen_stays
      wire unused = &{1'b0, clk_i, start_i, step_i, back_i, block_end_i, next_i};

      assign place_o = origin_i;
    end
  endgenerate

endmodule

`default_nettype wire
