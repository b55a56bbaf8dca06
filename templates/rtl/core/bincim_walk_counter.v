// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Counter of one loop of a walk: whether the round is at its last value; it can go back to where a
// block began.
// Parameters: Count, most steps of a round, from 1, where there is no register. Returns as in
//     bincim_place. Width, of what stands at the port, from that of Count on.
// Latency: 1, from a step to the value.
// Reset: none; start_i puts it to 0.
// Protocol: that of bincim_place; a step counts with count_i, and from last_i to 0.

`default_nettype none

module bincim_walk_counter #(
    parameter Count = 2,
    parameter Returns = 0,
    parameter Width = (Count > 1) ? $clog2(Count) : 1
) (
    input  wire clk_i,
    input  wire start_i,
    input  wire step_i,
    input  wire back_i,
    input  wire block_end_i,
    input  wire count_i,
    input  wire [Width-1:0] last_i,
    output wire last_o
);

  generate
    if (Count > 1) begin : gen_counter
      localparam [Width-1:0] ZERO = {Width{1'b0}};

      wire [Width-1:0] value;
      wire [Width-1:0] counted = last_o ? ZERO : value + {{Width-1{1'b0}}, 1'b1};

      bincim_place #(
          .Width(Width),
          .Returns(Returns)
      ) u_value (
          .clk_i(clk_i),
          .start_i(start_i),
          .step_i(step_i),
          .back_i(back_i),
          .block_end_i(block_end_i),
          .origin_i(ZERO),
          .next_i(count_i ? counted : value),
          .place_o(value)
      );

      assign last_o = (value == last_i);
    end else begin : gen_once
      wire unused = &{1'b0, clk_i, start_i, step_i, back_i, block_end_i, count_i, last_i};

      assign last_o = 1'b1;
    end
  endgenerate

endmodule

`default_nettype wire
