// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Vector pipe: takes each vector's place in the loops along with it, from issue to result.
// Parameters: Latency, cycles from a row to its count in the array, from 1. State, cycles from what
//     the accumulators hold to the sum that meets the thresholds, from 0. Plane, bits of the number
//     of a plane of weights, from 0, where there is one.
// Latency: issue x-2, memory read x-1, door x, row register x+1, count x+1+D, accumulators x+2+D,
//     sum x+2+D+S, result x+3+D+S, with D = Latency and S = State. A vector waits at the door, and
//     all behind it, until its tile is complete in the shadow cells.
// Reset: asynchronous; no vector is on its way. What travels with a vector has none.
// Protocol: inputs of the issue move on with advance_o. A vector that begins a tile takes it over
//     with tile_swap_o in the cycle of its door. Each output belongs to the vector whose valid
//     stands beside it; fetch_valid_o is one cycle ahead of count_valid_o, stored_valid_o one
//     behind it, entry_valid_o one ahead of a sum. layer_drained_o: the layer's last vector is at
//     the door; layer_done_o: its result is there.

`default_nettype none

module bincim_vector_pipe #(
    parameter Latency = 2,
    parameter State = 0,
    parameter Plane = 0
) (
    input  wire clk_i,
    input  wire rst_ni,
    // Issue: the vector, and the loops of which it is the first or the last.
    input  wire issue_valid_i,
    input  wire tile_first_i,
    input  wire [((Plane > 0) ? Plane : 1)-1:0] plane_i,
    input  wire sum_first_i,
    input  wire sum_last_i,
    input  wire block_last_i,
    input  wire window_last_i,
    input  wire row_last_i,
    input  wire group_last_i,
    input  wire layer_last_i,
    output wire advance_o,
    // Door.
    input  wire tile_ready_i,
    output wire tile_swap_o,
    output wire door_valid_o,
    output wire layer_drained_o,
    // Count.
    output wire fetch_valid_o,
    output wire fetch_block_last_o,
    output wire count_valid_o,
    output wire count_first_o,
    output wire count_group_last_o,
    output wire [((Plane > 0) ? Plane : 1)-1:0] count_plane_o,
    // Accumulators, sum and result of a vector's last pass.
    output wire stored_valid_o,
    output wire accumulated_valid_o,
    output wire entry_valid_o,
    output wire entry_group_last_o,
    output wire sum_valid_o,
    output wire result_valid_o,
    output wire result_window_last_o,
    output wire result_row_last_o,
    output wire result_group_last_o,
    output wire layer_done_o
);

  localparam PLANE = (Plane > 0) ? Plane : 1;
  // What travels: the plane above seven bits.
  localparam SUM_FIRST = 0;
  localparam SUM_LAST = 1;
  localparam BLOCK_LAST = 2;
  localparam WINDOW_LAST = 3;
  localparam ROW_LAST = 4;
  localparam GROUP_LAST = 5;
  localparam LAYER_LAST = 6;
  localparam TAGS = 7 + PLANE;
  // Behind the door nothing waits: place i of a shift register belongs to cycle x+1+i.
  localparam STAGES = Latency + State + 3;

  wire [TAGS-1:0] issue = {plane_i, layer_last_i, group_last_i, row_last_i, window_last_i,
                           block_last_i, sum_last_i, sum_first_i};
  reg read_valid_q;
  reg read_tile_first_q;
  reg [TAGS-1:0] read_q;
  reg door_valid_q;
  reg door_tile_first_q;
  reg [TAGS-1:0] door_q;
  reg [STAGES-1:0] valid_q;
  reg [STAGES*TAGS-1:0] tags_q;

  wire starts_tile = door_valid_q & door_tile_first_q;
  wire advance = !starts_tile | tile_ready_i;

  assign advance_o = advance;
  assign tile_swap_o = starts_tile & tile_ready_i;
  assign door_valid_o = door_valid_q & advance;
  assign layer_drained_o = door_valid_o & door_q[LAYER_LAST];

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_valid_q <= 1'b0;
      door_valid_q <= 1'b0;
    end else if (advance) begin
      read_valid_q <= issue_valid_i;
      door_valid_q <= read_valid_q;
    end
  end

  always @(posedge clk_i) begin
    if (advance) begin
      read_tile_first_q <= tile_first_i;
      read_q <= issue;
      door_tile_first_q <= read_tile_first_q;
      door_q <= read_q;
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= {STAGES{1'b0}};
    else valid_q <= {valid_q[STAGES-2:0], door_valid_o};
  end

  always @(posedge clk_i) begin
    tags_q <= {tags_q[(STAGES-1)*TAGS-1:0], door_q};
  end

  // Fetch, count, accumulators, sum and result.
  wire [TAGS-1:0] fetch = tags_q[(Latency-1)*TAGS +: TAGS];
  wire [TAGS-1:0] count = tags_q[Latency*TAGS +: TAGS];
  wire [TAGS-1:0] accumulated = tags_q[(Latency+1)*TAGS +: TAGS];
  wire [TAGS-1:0] entry = tags_q[(Latency+State)*TAGS +: TAGS];
  wire [TAGS-1:0] sum = tags_q[(Latency+State+1)*TAGS +: TAGS];
  wire [TAGS-1:0] result = tags_q[(Latency+State+2)*TAGS +: TAGS];
  wire unused_tags = &{1'b0, fetch, count, accumulated, entry, sum, result};

  assign fetch_valid_o = valid_q[Latency-1];
  assign fetch_block_last_o = fetch[BLOCK_LAST];
  assign count_valid_o = valid_q[Latency];
  assign count_first_o = count[SUM_FIRST];
  assign count_group_last_o = count[GROUP_LAST];
  assign count_plane_o = count[7 +: PLANE];
  assign stored_valid_o = valid_q[Latency+1];
  assign accumulated_valid_o = valid_q[Latency+1] & accumulated[SUM_LAST];
  assign entry_valid_o = valid_q[Latency+State];
  assign entry_group_last_o = entry[GROUP_LAST];
  assign sum_valid_o = valid_q[Latency+State+1] & sum[SUM_LAST];
  assign result_valid_o = valid_q[Latency+State+2] & result[SUM_LAST];
  assign result_window_last_o = result[WINDOW_LAST];
  assign result_row_last_o = result[ROW_LAST];
  assign result_group_last_o = result[GROUP_LAST];
  assign layer_done_o = valid_q[Latency+State+2] & result[LAYER_LAST];

endmodule

`default_nettype wire
