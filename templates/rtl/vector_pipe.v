// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Vector pipe: takes each vector's place in the loops along with it, from issue to result.
// Latency: issue x-2, memory read x-1, door x, row register x+1, count x+1+D, sum x+2+D,
// result x+3+D, with D = <: v.latency :> of the array. A vector waits at the door, and all behind
// it, until its tile is complete in the shadow cells.

`default_nettype none

module vector_pipe (
    input  wire clk_i,
    input  wire rst_ni,
    // Issue (x-2).
    input  wire issue_valid_i,
    input  wire tile_first_i,
    //%- for t in tags %//
    input  wire <: t.name :>_i,
    //%- endfor %//
    output wire advance_o,
    // Door (x).
    input  wire tile_ready_i,
    output wire tile_swap_o,
    output wire door_valid_o,
    //%- if v.many_layers %//
    output wire layer_drained_o,
    //%- endif %//
    //%- if v.accumulator_depth > 0 %//
    // Accumulator memory's address (x+D).
    output wire fetch_valid_o,
    output wire fetch_block_last_o,
    //%- endif %//
    // Count (x+1+D).
    output wire count_valid_o,
    //%- if v.accumulates %//
    output wire count_first_o,
    //%- endif %//
    output wire count_group_last_o,
    //%- if v.plane_width > 0 %//
    output wire [<: v.plane_width - 1 :>:0] count_plane_o,
    //%- endif %//
    // Sum (x+2+D).
    //%- if v.writes_sums %//
    output wire stored_valid_o,
    //%- endif %//
    output wire sum_valid_o,
    // Result (x+3+D).
    output wire result_valid_o,
    //%- if v.pools %//
    output wire result_window_last_o,
    //%- endif %//
    //%- if v.writes_rows %//
    output wire result_row_last_o,
    //%- endif %//
    //%- if v.writes_groups %//
    output wire result_group_last_o,
    //%- endif %//
    output wire layer_done_o
);

  // The array's latency, and stages behind the door up to the result.
  localparam ARRAY = <: v.latency :>;
  localparam STAGES = ARRAY + 3;

  // Memory read (x-1) and door (x).
  reg read_valid_q, read_tile_first_q;
  reg door_valid_q, door_tile_first_q;
  //%- for t in tags %//
  reg read_<: t.name :>_q, door_<: t.name :>_q;
  //%- endfor %//

  wire starts_tile = door_valid_q & door_tile_first_q;
  wire advance = !starts_tile | tile_ready_i;
  assign advance_o = advance;
  assign tile_swap_o = starts_tile & tile_ready_i;
  assign door_valid_o = door_valid_q & advance;
  //%- if v.many_layers %//
  assign layer_drained_o = door_valid_o & door_layer_last_q;
  //%- endif %//

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
      door_tile_first_q <= read_tile_first_q;
      //%- for t in tags %//
      read_<: t.name :>_q <= <: t.name :>_i;
      door_<: t.name :>_q <= read_<: t.name :>_q;
      //%- endfor %//
    end
  end

  // Behind the door nothing waits: bit i of a shift register belongs to cycle x+1+i.
  reg [STAGES-1:0] valid_q;
  //%- for t in tags %//
  //%- if t.stages != "" %//
  reg [<: t.stages :>-1:0] <: t.name :>_q;
  //%- endif %//
  //%- endfor %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= {STAGES{1'b0}};
    else valid_q <= {valid_q[STAGES-2:0], door_valid_o};
  end

  always @(posedge clk_i) begin
    //%- for t in tags %//
    //%- if t.stages != "" %//
    <: t.name :>_q <= <: t.shift :>;
    //%- endif %//
    //%- endfor %//
  end
  //%- if v.accumulator_depth > 0 %//

  assign fetch_valid_o = valid_q[ARRAY-1];
  assign fetch_block_last_o = block_last_q[ARRAY-1];
  //%- endif %//
  assign count_valid_o = valid_q[ARRAY];
  //%- if v.accumulates %//
  assign count_first_o = sum_first_q[ARRAY];
  //%- endif %//
  assign count_group_last_o = group_last_q[ARRAY];
  //%- if v.plane_width > 0 %//
  assign count_plane_o = {<: v.plane_tags :>};
  //%- endif %//
  //%- if v.writes_sums %//
  assign stored_valid_o = valid_q[ARRAY+1];
  //%- endif %//
  //%- if v.accumulates %//
  assign sum_valid_o = valid_q[ARRAY+1] & sum_last_q[ARRAY+1];
  assign result_valid_o = valid_q[ARRAY+2] & sum_last_q[ARRAY+2];
  //%- else %//
  assign sum_valid_o = valid_q[ARRAY+1];
  assign result_valid_o = valid_q[ARRAY+2];
  //%- endif %//
  //%- if v.pools %//
  assign result_window_last_o = window_last_q[ARRAY+2];
  //%- endif %//
  //%- if v.writes_rows %//
  assign result_row_last_o = row_last_q[ARRAY+2];
  //%- endif %//
  //%- if v.writes_groups %//
  assign result_group_last_o = group_last_q[ARRAY+2];
  //%- endif %//
  assign layer_done_o = valid_q[ARRAY+2] & layer_last_q[ARRAY+2];

endmodule

`default_nettype wire
