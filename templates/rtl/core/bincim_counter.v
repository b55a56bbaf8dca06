// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Counter of one loop: steps from 0 to the last value and around.
// Parameters: Count, most steps of a round, from 1, where the loop has no register. Width follows.
// Latency: 1, from a step to the value.
// Reset: asynchronous, to 0.
// Protocol: last_i is the last value of the round, below Count; clear_i wins over step_i.

`default_nettype none

module bincim_counter #(
    parameter Count = 2,
    parameter Width = (Count > 1) ? $clog2(Count) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire clear_i,
    input  wire step_i,
    input  wire [Width-1:0] last_i,
    output wire [Width-1:0] value_o,
    output wire last_o
);

  generate
    if (Count > 1) begin : gen_counter
      localparam [Width-1:0] ZERO = {Width{1'b0}};
      reg [Width-1:0] value_q;
      wire [Width-1:0] next = value_q + {{Width-1{1'b0}}, 1'b1};

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) value_q <= ZERO;
        else if (clear_i) value_q <= ZERO;
        else if (step_i) value_q <= last_o ? ZERO : next;
      end

      assign value_o = value_q;
      assign last_o = (value_q == last_i);
    end else begin : gen_once
      wire unused = &{1'b0, clk_i, rst_ni, clear_i, step_i, last_i};
      assign value_o = {Width{1'b0}};
      assign last_o = 1'b1;
    end
  endgenerate

endmodule

`default_nettype wire
