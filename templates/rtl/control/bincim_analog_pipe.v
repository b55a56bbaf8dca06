// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Vector pipe of analog arrays: takes each vector's place in the loops along with it, from issue to
// result. A read and its conversion take as long as they take; the pipe follows them.
// Parameters: State, cycles from what the accumulators hold to the sum that meets the thresholds,
//     from 0. Plane, bits of the number of a plane of weights, from 0, where there is one.
// Latency: issue x-2, memory read x-1, door x; the array samples and converts; count two cycles
//     behind converted_i, then accumulators, sum State cycles behind these, and result.
// Reset: asynchronous; no vector is on its way. What travels with a vector has none.
// Protocol: inputs of the issue move on with advance_o. A vector waits at the door, and all behind
//     it, until the array is free (array_ready_i). sampled_i and converted_i stand as the last read
//     of a vector has been sampled and converted; at most one vector is in each. Each output
//     belongs to the vector whose valid stands beside it; entry_valid_o is one cycle ahead of a
//     sum. layer_drained_o: the layer's last vector is at the door; layer_done_o: its result is
//     there.

`default_nettype none

module bincim_analog_pipe #(
    parameter State = 0,
    parameter Plane = 0
) (
    input  wire clk_i,
    input  wire rst_ni,
    // Issue: the vector, and the loops of which it is the first or the last.
    input  wire issue_valid_i,
    input  wire tile_first_i,
    input  wire pass_first_i,
    input  wire [((Plane > 0) ? Plane : 1)-1:0] plane_i,
    input  wire sum_first_i,
    input  wire sum_last_i,
    input  wire window_last_i,
    input  wire row_last_i,
    input  wire group_last_i,
    input  wire layer_last_i,
    output wire advance_o,
    // Door.
    input  wire array_ready_i,
    output wire door_valid_o,
    output wire door_tile_first_o,
    output wire door_pass_first_o,
    output wire door_group_last_o,
    output wire layer_drained_o,
    // Sampled voltages and codes of a vector's last read.
    input  wire sampled_i,
    input  wire converted_i,
    // Count.
    output wire count_valid_o,
    output wire count_first_o,
    output wire count_group_last_o,
    output wire [((Plane > 0) ? Plane : 1)-1:0] count_plane_o,
    // Accumulators, sum and result of a vector's last pass.
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
  // What travels: the plane above six bits.
  localparam SUM_FIRST = 0;
  localparam SUM_LAST = 1;
  localparam WINDOW_LAST = 2;
  localparam ROW_LAST = 3;
  localparam GROUP_LAST = 4;
  localparam LAYER_LAST = 5;
  localparam TAGS = 6 + PLANE;

  wire [TAGS-1:0] issue = {plane_i, layer_last_i, group_last_i, row_last_i, window_last_i,
                           sum_last_i, sum_first_i};
  reg read_valid_q;
  reg read_tile_first_q;
  reg read_pass_first_q;
  reg [TAGS-1:0] read_q;
  reg door_valid_q;
  reg door_tile_first_q;
  reg door_pass_first_q;
  reg [TAGS-1:0] door_q;

  wire advance = !door_valid_q | array_ready_i;

  assign advance_o = advance;
  assign door_valid_o = door_valid_q & array_ready_i;
  assign door_tile_first_o = door_tile_first_q;
  assign door_pass_first_o = door_pass_first_q;
  assign door_group_last_o = door_q[GROUP_LAST];
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
      read_pass_first_q <= pass_first_i;
      read_q <= issue;
      door_tile_first_q <= read_tile_first_q;
      door_pass_first_q <= read_pass_first_q;
      door_q <= read_q;
    end
  end

  // Place i of a shift register belongs to the cycle i behind the count.
  localparam STAGES = State + 3;

  // Two cycles on the way into the array, in it, in the converter, and the cycles behind that.
  reg [1:0] enter_valid_q;
  reg convert_valid_q;
  reg [STAGES-1:0] valid_q;
  reg [2*TAGS-1:0] enter_q;
  reg [TAGS-1:0] array_q;
  reg [TAGS-1:0] sampled_q;
  reg [TAGS-1:0] converted_q;
  reg [STAGES*TAGS-1:0] tags_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enter_valid_q <= 2'b00;
      convert_valid_q <= 1'b0;
      valid_q <= {STAGES{1'b0}};
    end else begin
      enter_valid_q <= {enter_valid_q[0], door_valid_o};
      convert_valid_q <= converted_i;
      valid_q <= {valid_q[STAGES-2:0], convert_valid_q};
    end
  end

  always @(posedge clk_i) begin
    enter_q <= {enter_q[TAGS-1:0], door_q};
    if (enter_valid_q[1]) array_q <= enter_q[2*TAGS-1:TAGS];
    if (sampled_i) sampled_q <= array_q;
    if (converted_i) converted_q <= sampled_q;
    tags_q <= {tags_q[(STAGES-1)*TAGS-1:0], converted_q};
  end

  wire [TAGS-1:0] count = tags_q[0 +: TAGS];
  wire [TAGS-1:0] accumulated = tags_q[TAGS +: TAGS];
  wire [TAGS-1:0] entry = tags_q[State*TAGS +: TAGS];
  wire [TAGS-1:0] sum = tags_q[(State+1)*TAGS +: TAGS];
  wire [TAGS-1:0] result = tags_q[(State+2)*TAGS +: TAGS];
  wire unused_tags = &{1'b0, count, accumulated, entry, sum, result};

  assign count_valid_o = valid_q[0];
  assign count_first_o = count[SUM_FIRST];
  assign count_group_last_o = count[GROUP_LAST];
  assign count_plane_o = count[6 +: PLANE];
  assign accumulated_valid_o = valid_q[1] & accumulated[SUM_LAST];
  assign entry_valid_o = valid_q[State];
  assign entry_group_last_o = entry[GROUP_LAST];
  assign sum_valid_o = valid_q[State+1] & sum[SUM_LAST];
  assign result_valid_o = valid_q[State+2] & result[SUM_LAST];
  assign result_window_last_o = result[WINDOW_LAST];
  assign result_row_last_o = result[ROW_LAST];
  assign result_group_last_o = result[GROUP_LAST];
  assign layer_done_o = valid_q[State+2] & result[LAYER_LAST];

endmodule

`default_nettype wire
