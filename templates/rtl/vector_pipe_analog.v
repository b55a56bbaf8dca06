// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Vector pipe: takes each vector's place in the loops along with it, from issue to result.
// Issue x-2, memory read x-1, door x; a vector waits at the door, and all behind it, until the array
// is free. Behind it its place follows the read's sample and its conversion; then count, sum, result,
// one cycle each.

`default_nettype none

module vector_pipe (
    input  wire clk_i,
    input  wire rst_ni,
    // Issue (x-2).
    input  wire issue_valid_i,
    input  wire tile_first_i,
    //%- if v.multi_pass %//
    input  wire pass_first_i,
    //%- endif %//
    //%- for t in tags %//
    input  wire <: t.name :>_i,
    //%- endfor %//
    output wire advance_o,
    // Door (x).
    input  wire array_ready_i,
    output wire door_valid_o,
    output wire door_tile_first_o,
    //%- if v.multi_pass %//
    output wire door_pass_first_o,
    output wire door_group_last_o,
    //%- endif %//
    //%- if v.many_layers %//
    output wire layer_drained_o,
    //%- endif %//
    // Sampled voltages and codes of a vector's last read.
    input  wire sampled_i,
    input  wire converted_i,
    // Count.
    output wire count_valid_o,
    //%- if v.accumulates %//
    output wire count_first_o,
    //%- endif %//
    output wire count_group_last_o,
    //%- if v.plane_width > 0 %//
    output wire [<: v.plane_width - 1 :>:0] count_plane_o,
    //%- endif %//
    // Sum.
    output wire sum_valid_o,
    // Result.
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

  // Memory read (x-1) and door (x).
  reg read_valid_q, read_tile_first_q;
  reg door_valid_q, door_tile_first_q;
  //%- if v.multi_pass %//
  reg read_pass_first_q, door_pass_first_q;
  //%- endif %//
  //%- for t in tags %//
  reg read_<: t.name :>_q, door_<: t.name :>_q;
  //%- endfor %//

  wire advance = !door_valid_q | array_ready_i;
  assign advance_o = advance;
  assign door_valid_o = door_valid_q & array_ready_i;
  assign door_tile_first_o = door_tile_first_q;
  //%- if v.multi_pass %//
  assign door_pass_first_o = door_pass_first_q;
  assign door_group_last_o = door_group_last_q;
  //%- endif %//
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
      //%- if v.multi_pass %//
      read_pass_first_q <= pass_first_i;
      door_pass_first_q <= read_pass_first_q;
      //%- endif %//
      //%- for t in tags %//
      read_<: t.name :>_q <= <: t.name :>_i;
      door_<: t.name :>_q <= read_<: t.name :>_q;
      //%- endfor %//
    end
  end

  // In the array (two cycles on the way), in the converter, behind it.
  reg [1:0] enter_valid_q;
  reg [1:0] convert_valid_q;
  reg sum_valid_q, result_valid_q;
  //%- for t in tags %//
  reg [1:0] enter_<: t.name :>_q;
  reg array_<: t.name :>_q, sampled_<: t.name :>_q, converted_<: t.name :>_q, count_<: t.name :>_q;
  //%- if t.behind > 1 %//
  reg sum_<: t.name :>_q, result_<: t.name :>_q;
  //%- endif %//
  //%- endfor %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enter_valid_q <= 2'b00;
      convert_valid_q <= 2'b00;
      sum_valid_q <= 1'b0;
      result_valid_q <= 1'b0;
    end else begin
      enter_valid_q <= {enter_valid_q[0], door_valid_o};
      convert_valid_q <= {convert_valid_q[0], converted_i};
      sum_valid_q <= convert_valid_q[1];
      result_valid_q <= sum_valid_q;
    end
  end

  always @(posedge clk_i) begin
    //%- for t in tags %//
    enter_<: t.name :>_q <= {enter_<: t.name :>_q[0], door_<: t.name :>_q};
    if (enter_valid_q[1]) array_<: t.name :>_q <= enter_<: t.name :>_q[1];
    if (sampled_i) sampled_<: t.name :>_q <= array_<: t.name :>_q;
    if (converted_i) converted_<: t.name :>_q <= sampled_<: t.name :>_q;
    count_<: t.name :>_q <= converted_<: t.name :>_q;
    //%- if t.behind > 1 %//
    sum_<: t.name :>_q <= count_<: t.name :>_q;
    result_<: t.name :>_q <= sum_<: t.name :>_q;
    //%- endif %//
    //%- endfor %//
  end

  assign count_valid_o = convert_valid_q[1];
  //%- if v.accumulates %//
  assign count_first_o = count_sum_first_q;
  //%- endif %//
  assign count_group_last_o = count_group_last_q;
  //%- if v.plane_width > 0 %//
  assign count_plane_o = {<: v.plane_tags :>};
  //%- endif %//
  //%- if v.accumulates %//
  assign sum_valid_o = sum_valid_q & sum_sum_last_q;
  assign result_valid_o = result_valid_q & result_sum_last_q;
  //%- else %//
  assign sum_valid_o = sum_valid_q;
  assign result_valid_o = result_valid_q;
  //%- endif %//
  //%- if v.pools %//
  assign result_window_last_o = result_window_last_q;
  //%- endif %//
  //%- if v.writes_rows %//
  assign result_row_last_o = result_row_last_q;
  //%- endif %//
  //%- if v.writes_groups %//
  assign result_group_last_o = result_group_last_q;
  //%- endif %//
  assign layer_done_o = result_valid_q & result_layer_last_q;

endmodule

`default_nettype wire
