// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array reader: picks the array of the vector at the door and walks over its rows. A vector of
// integers takes a read for each bit plane.
// Parameters: Rows, of an array, from 1; Step, rows that meet their cells in a cycle, divides Rows.
//     Arrays; Reads, most reads of a vector; Interval, most cycles from read to read; from 1.
//     Pauses: 1, an interval may be longer than its read. Serial: 1, a vector's reads are all of
//     the same rows; 0, each has rows of its own. Passes: 1, a group of channels may have several
//     arrays. FirstArrays: 1, it is told where a group's arrays begin; 0, they follow those of the
//     group before. RowEnable: 1, rows may be not driven. Unipolar: 1, of some layers the rows that
//     carry a 0 are not driven. The widths follow.
// Latency: cells are read 1 cycle behind the door, summed 1 cycle later, sampled 1 cycle behind the
//     read's last sum.
// Reset: asynchronous; no read is under way.
// Protocol: door_valid_i, while ready_o, with a vector and its place in the loops; the first of a
//     tile goes to the next array, the first after frame_start_i to array 0, the first after
//     again_i to array first_again_i. row_i and enable_i hold the vector from the next cycle on,
//     its next plane from next_plane_o on, if Serial. Of the layer's reads: last_read_i, the number
//     of a vector's last one; last_word_i and last_step_i, the last cycle of a read and of its
//     interval, from 0; unipolar_i, whether a row that carries a 0 is left undriven. sample_o: a
//     read's voltages stand, for one cycle.

`default_nettype none

module bincim_array_reader #(
    parameter Rows = 8,
    parameter Step = 2,
    parameter Arrays = 1,
    parameter Reads = 1,
    parameter Interval = 4,
    parameter Pauses = 0,
    parameter Serial = 0,
    parameter Passes = 0,
    parameter FirstArrays = 0,
    parameter RowEnable = 0,
    parameter Unipolar = 0,
    parameter ArrayWidth = (Arrays > 1) ? $clog2(Arrays) : 1,
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1,
    parameter StepWidth = (Interval > 1) ? $clog2(Interval) : 1,
    parameter AddressWidth = ArrayWidth + $clog2(Rows / Step)
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_start_i,
    input  wire again_i,
    input  wire [ArrayWidth-1:0] first_again_i,
    // Door (x).
    input  wire door_valid_i,
    input  wire door_tile_first_i,
    input  wire door_pass_first_i,
    input  wire door_group_last_i,
    input  wire [ArrayWidth-1:0] first_array_i,
    input  wire [ReadWidth-1:0] last_read_i,
    input  wire [StepWidth-1:0] last_word_i,
    input  wire [StepWidth-1:0] last_step_i,
    input  wire unipolar_i,
    output wire ready_o,
    // Cells of Step rows (x+1 and on), and the rows that meet them one cycle later.
    input  wire [Rows-1:0] row_i,
    input  wire [Rows-1:0] enable_i,
    output wire next_plane_o,
    output wire read_o,
    output wire [AddressWidth-1:0] cell_address_o,
    output wire [ArrayWidth-1:0] array_o,
    output wire [Step-1:0] row_o,
    output wire [Step-1:0] enable_o,
    output wire sum_valid_o,
    output wire sum_first_o,
    // Voltages (one cycle behind the read's last sum).
    output wire sample_o,
    output wire [ArrayWidth-1:0] sample_array_o,
    output wire [ReadWidth-1:0] sample_read_o,
    output wire sample_last_o
);

  localparam WORDS = Rows / Step;
  localparam [ArrayWidth-1:0] ARRAY_ONE = 1;
  localparam [ArrayWidth-1:0] FIRST = {ArrayWidth{1'b0}};
  // The next array is the first one.
  localparam [ArrayWidth-1:0] BEFORE = {ArrayWidth{1'b1}};

  // Array of the vector at the door.
  reg [ArrayWidth-1:0] array_q;
  wire [ArrayWidth-1:0] following = array_q + ARRAY_ONE;
  wire [ArrayWidth-1:0] next;
  wire [ArrayWidth-1:0] array = door_tile_first_i ? next : array_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) array_q <= BEFORE;
    else if (frame_start_i) array_q <= BEFORE;
    else if (again_i) array_q <= first_again_i - ARRAY_ONE;
    else if (door_valid_i) array_q <= array;
  end

  generate
    if (Passes == 0) begin : gen_one_pass
      wire unused_group = &{1'b0, door_pass_first_i, door_group_last_i, first_array_i};
      assign next = following;
    end else if (FirstArrays != 0) begin : gen_first_arrays
      wire unused_group = &{1'b0, door_group_last_i};
      assign next = door_pass_first_i ? first_array_i : following;
    end else begin : gen_in_turn
      // First array of the group at the door.
      reg [ArrayWidth-1:0] group_array_q;
      wire unused_first = &{1'b0, first_array_i};

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) group_array_q <= FIRST;
        else if (frame_start_i) group_array_q <= FIRST;
        else if (again_i) group_array_q <= first_again_i;
        else if (door_valid_i & door_group_last_i) group_array_q <= array + ARRAY_ONE;
      end

      assign next = door_pass_first_i ? group_array_q : following;
    end
  endgenerate

  // The vector's reads; the cycles of a read and, where the conversion takes longer, of the pause
  // behind it.
  reg busy_q;
  wire [ReadWidth-1:0] read;
  wire read_last;
  wire step_first;
  wire step_last;
  wire word_last;
  wire reading;

  assign ready_o = !busy_q | (step_last & read_last);
  assign next_plane_o = step_last & !read_last;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (door_valid_i) busy_q <= 1'b1;
    else if (step_last & read_last) busy_q <= 1'b0;
  end

  generate
    if (Interval > 1) begin : gen_steps
      localparam [StepWidth-1:0] STEP_ONE = 1;
      localparam [StepWidth-1:0] STEP_FIRST = {StepWidth{1'b0}};
      reg [StepWidth-1:0] step_q;

      always @(posedge clk_i) begin
        if (door_valid_i | step_last) step_q <= STEP_FIRST;
        else step_q <= step_q + STEP_ONE;
      end

      assign step_first = (step_q == STEP_FIRST);
      assign step_last = (step_q == last_step_i);
      assign word_last = (step_q == last_word_i);
      assign reading = busy_q & ((Pauses == 0) | (step_q <= last_word_i));
    end else begin : gen_one_step
      wire unused_steps = &{1'b0, last_word_i, last_step_i};
      assign step_first = 1'b1;
      assign step_last = 1'b1;
      assign word_last = 1'b1;
      assign reading = busy_q;
    end
    if (Reads > 1) begin : gen_reads
      localparam [ReadWidth-1:0] READ_ONE = 1;
      reg [ReadWidth-1:0] read_q;

      always @(posedge clk_i) begin
        if (door_valid_i) read_q <= {ReadWidth{1'b0}};
        else if (step_last) read_q <= read_q + READ_ONE;
      end

      assign read = read_q;
      assign read_last = (read_q == last_read_i);
    end else begin : gen_one_read
      wire unused_read = &{1'b0, last_read_i};
      assign read = {ReadWidth{1'b0}};
      assign read_last = 1'b1;
    end
  endgenerate

  assign read_o = reading;
  assign array_o = array_q;

  // Beside the memory's data: the rows' slice and the place in the read.
  reg [Step-1:0] row_q;
  wire [Step-1:0] row;
  wire [Step-1:0] enable;
  reg sum_valid_q;
  reg sum_first_q;
  reg sum_last_q;
  reg sum_vector_last_q;
  reg [ArrayWidth-1:0] sum_array_q;
  // Beside the voltages.
  reg sample_q;
  reg sample_last_q;
  reg [ArrayWidth-1:0] sample_array_q;

  generate
    if (WORDS > 1) begin : gen_words
      localparam WORD = AddressWidth - ArrayWidth;
      localparam [WORD-1:0] WORD_ONE = 1;
      reg [WORD-1:0] word_q;

      always @(posedge clk_i) begin
        if (door_valid_i | ((Serial != 0) & step_last)) word_q <= {WORD{1'b0}};
        else if (reading) word_q <= word_q + WORD_ONE;
      end

      assign cell_address_o = {array_q, word_q};
      assign row = row_i[word_q*Step +: Step];
      assign enable = enable_i[word_q*Step +: Step];
    end else begin : gen_one_word
      assign cell_address_o = array_q;
      assign row = row_i;
      assign enable = enable_i;
    end
    if (Unipolar != 0) begin : gen_unipolar
      reg [Step-1:0] enable_q;

      always @(posedge clk_i) begin
        enable_q <= enable & (row | {Step{!unipolar_i}});
      end

      assign enable_o = enable_q;
    end else if (RowEnable != 0) begin : gen_enable
      reg [Step-1:0] enable_q;
      wire unused_unipolar = &{1'b0, unipolar_i};

      always @(posedge clk_i) begin
        enable_q <= enable;
      end

      assign enable_o = enable_q;
    end else begin : gen_all_driven
      wire unused_enable = &{1'b0, enable, unipolar_i};
      assign enable_o = {Step{1'b1}};
    end
    if (Reads > 1) begin : gen_read_number
      reg [ReadWidth-1:0] sum_read_q;
      reg [ReadWidth-1:0] sample_read_q;

      always @(posedge clk_i) begin
        sum_read_q <= read;
        sample_read_q <= sum_read_q;
      end

      assign sample_read_o = sample_read_q;
    end else begin : gen_no_number
      assign sample_read_o = read;
    end
  endgenerate

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
    row_q <= row;
    sum_first_q <= step_first;
    sum_last_q <= word_last;
    sum_vector_last_q <= read_last;
    sum_array_q <= array_q;
    sample_last_q <= sum_vector_last_q;
    sample_array_q <= sum_array_q;
  end

  assign row_o = row_q;
  assign sum_valid_o = sum_valid_q;
  assign sum_first_o = sum_first_q;
  assign sample_o = sample_q;
  assign sample_last_o = sample_last_q;
  assign sample_array_o = sample_array_q;

endmodule

`default_nettype wire
