// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array reader: picks the array of the vector at the door and walks over its rows, <: a.row_step :> a cycle.
//%- if a.planes > 1 %//
//%- if v.serial_input %//
// A vector of the input's integers takes one read a bit plane, all of the same rows.
//%- else %//
// A vector of the input's integers takes one read a bit plane, each of rows of its own.
//%- endif %//
//%- endif %//
// Latency: cells are read 1 cycle behind the door, summed 1 cycle later, sampled 1 cycle behind
// the read's last sum.

`default_nettype none

module array_reader (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_start_i,
    // Door (x): a vector that is the first of its tile goes to the next array.
    input  wire door_valid_i,
    input  wire door_tile_first_i,
    //%- if v.multi_pass %//
    input  wire door_pass_first_i,
    input  wire door_group_last_i,
    //%- endif %//
    //%- if a.two_speeds %//
    input  wire weighted_i,
    //%- endif %//
    output wire ready_o,
    // Cells of <: a.row_step :> row<: a.row_step_s :> (x+1 and on) and the rows that meet them one cycle later.
    input  wire [<: v.rows - 1 :>:0] row_i,
    //%- if v.serial_input %//
    // The rows take the next bit plane.
    output wire next_plane_o,
    //%- endif %//
    //%- if v.row_enable %//
    input  wire [<: v.rows - 1 :>:0] enable_i,
    output wire [<: a.row_step - 1 :>:0] enable_o,
    //%- endif %//
    output wire read_o,
    output wire [<: a.cell_address_width - 1 :>:0] cell_address_o,
    output wire [<: a.array_width - 1 :>:0] array_o,
    output wire [<: a.row_step - 1 :>:0] row_o,
    output wire sum_valid_o,
    output wire sum_first_o,
    // The read is complete: its voltages stand for one cycle.
    output wire sample_o,
    output wire [<: a.array_width - 1 :>:0] sample_array_o,
    //%- if a.planes > 1 %//
    output wire [<: a.plane_width - 1 :>:0] sample_plane_o,
    //%- endif %//
    output wire sample_last_o
);

  localparam STEP = <: a.row_step :>;

  // Array of the vector at the door, and the first array of its group.
  reg [<: a.array_width - 1 :>:0] array_q;
  //%- if a.counts_groups %//
  reg [<: v.all_group_width - 1 :>:0] group_q;
  wire [<: a.array_width - 1 :>:0] first_array;

  array_program u_array_program (
      .group_i(group_q),
      .first_array_o(first_array)
  );

  wire [<: a.array_width - 1 :>:0] array_next = door_pass_first_i ? first_array : array_q + <: a.array_width :>'d1;
  //%- else %//
  //%- if v.multi_pass %//
  reg [<: a.array_width - 1 :>:0] group_array_q;
  wire [<: a.array_width - 1 :>:0] array_next = door_pass_first_i ? group_array_q : array_q + <: a.array_width :>'d1;
  //%- else %//
  wire [<: a.array_width - 1 :>:0] array_next = array_q + <: a.array_width :>'d1;
  //%- endif %//
  //%- endif %//
  wire [<: a.array_width - 1 :>:0] array = door_tile_first_i ? array_next : array_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      array_q <= {<: a.array_width :>{1'b1}};
      //%- if a.counts_groups %//
      group_q <= <: v.all_group_width :>'d0;
      //%- else if v.multi_pass %//
      group_array_q <= <: a.array_width :>'d0;
      //%- endif %//
    end else if (frame_start_i) begin
      array_q <= {<: a.array_width :>{1'b1}};
      //%- if a.counts_groups %//
      group_q <= <: v.all_group_width :>'d0;
      //%- else if v.multi_pass %//
      group_array_q <= <: a.array_width :>'d0;
      //%- endif %//
    end else if (door_valid_i) begin
      array_q <= array;
      //%- if a.counts_groups %//
      if (door_group_last_i) group_q <= group_q + <: v.all_group_width :>'d1;
      //%- else if v.multi_pass %//
      if (door_group_last_i) group_array_q <= array + <: a.array_width :>'d1;
      //%- endif %//
    end
  end

  // Cycles of a read and, where the conversion takes longer, of the pause behind it.
  reg busy_q;
  //%- if a.step_width > 0 %//
  reg [<: a.step_width - 1 :>:0] step_q;
  wire step_last = (step_q == <: a.step_last :>);
  //%- else %//
  wire step_last = 1'b1;
  //%- endif %//
  //%- if a.pauses %//
  wire reading = busy_q & (step_q <= <: a.read_last :>);
  //%- else %//
  wire reading = busy_q;
  //%- endif %//
  //%- if a.step_width > 0 %//
  wire read_first = (step_q == <: a.step_width :>'d0);
  wire read_last = (step_q == <: a.read_last :>);
  //%- else %//
  wire read_first = 1'b1;
  wire read_last = 1'b1;
  //%- endif %//
  //%- if a.planes > 1 %//
  reg [<: a.plane_width - 1 :>:0] plane_q;
  wire plane_last = (plane_q == <: a.plane_last :>);
  //%- else %//
  wire plane_last = 1'b1;
  //%- endif %//
  //%- if a.word_width > 0 %//
  reg [<: a.word_width - 1 :>:0] word_q;
  //%- endif %//

  assign ready_o = !busy_q | (step_last & plane_last);
  //%- if v.serial_input %//
  assign next_plane_o = step_last & !plane_last;
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else begin
      if (door_valid_i) busy_q <= 1'b1;
      else if (step_last & plane_last) busy_q <= 1'b0;
    end
  end
  //%- if a.word_width > 0 || a.planes > 1 || a.step_width > 0 %//

  always @(posedge clk_i) begin
    //%- if a.step_width > 0 %//
    if (door_valid_i | step_last) step_q <= <: a.step_width :>'d0;
    else step_q <= step_q + <: a.step_width :>'d1;
    //%- endif %//
    //%- if a.planes > 1 %//
    if (door_valid_i) plane_q <= <: a.plane_width :>'d0;
    else if (step_last) plane_q <= plane_q + <: a.plane_width :>'d1;
    //%- endif %//
    //%- if a.word_width > 0 %//
    //%- if v.serial_input %//
    if (door_valid_i | step_last) word_q <= <: a.word_width :>'d0;
    //%- else %//
    if (door_valid_i) word_q <= <: a.word_width :>'d0;
    //%- endif %//
    else if (reading) word_q <= word_q + <: a.word_width :>'d1;
    //%- endif %//
  end
  //%- endif %//

  assign read_o = reading;
  //%- if a.word_width > 0 %//
  assign cell_address_o = {array_q, word_q};
  //%- else %//
  assign cell_address_o = array_q;
  //%- endif %//
  assign array_o = array_q;

  // Beside the memory's data: the rows' slice and the place in the read.
  reg [STEP-1:0] row_q;
  reg sum_valid_q;
  reg sum_first_q;
  reg sum_last_q;
  reg sum_vector_last_q;
  reg [<: a.array_width - 1 :>:0] sum_array_q;
  //%- if v.row_enable %//
  reg [STEP-1:0] enable_q;
  //%- endif %//
  //%- if a.planes > 1 %//
  reg [<: a.plane_width - 1 :>:0] sum_plane_q;
  //%- endif %//

  always @(posedge clk_i) begin
    //%- if a.word_width > 0 %//
    row_q <= row_i[word_q*STEP +: STEP];
    //%- else %//
    row_q <= row_i;
    //%- endif %//
    //%- if v.row_enable %//
    //%- if a.word_width > 0 %//
    enable_q <= enable_i[word_q*STEP +: STEP];
    //%- else %//
    enable_q <= enable_i;
    //%- endif %//
    //%- endif %//
    sum_first_q <= read_first;
    sum_last_q <= read_last;
    sum_vector_last_q <= plane_last;
    sum_array_q <= array_q;
    //%- if a.planes > 1 %//
    sum_plane_q <= plane_q;
    //%- endif %//
  end

  assign row_o = row_q;
  //%- if v.row_enable %//
  assign enable_o = enable_q;
  //%- endif %//
  assign sum_valid_o = sum_valid_q;
  assign sum_first_o = sum_first_q;

  // Voltages complete.
  reg sample_q;
  reg sample_last_q;
  reg [<: a.array_width - 1 :>:0] sample_array_q;
  //%- if a.planes > 1 %//
  reg [<: a.plane_width - 1 :>:0] sample_plane_q;
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      sum_valid_q <= 1'b0;
      sample_q <= 1'b0;
    end else begin
      sum_valid_q <= reading;
      sample_q <= sum_valid_q & sum_last_q;
    end
  end

  always @(posedge clk_i) begin
    sample_last_q <= sum_vector_last_q;
    sample_array_q <= sum_array_q;
    //%- if a.planes > 1 %//
    sample_plane_q <= sum_plane_q;
    //%- endif %//
  end

  assign sample_o = sample_q;
  assign sample_last_o = sample_last_q;
  assign sample_array_o = sample_array_q;
  //%- if a.planes > 1 %//
  assign sample_plane_o = sample_plane_q;
  //%- endif %//

endmodule

`default_nettype wire
