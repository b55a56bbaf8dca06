// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A read drives every row of its plane once, beside the cells of the array and of that row, begins
// with its first rows, and is sampled once, in the cycle behind its last sum, with its number and
// its array; vectors that come as soon as they may lose no read.
// Assumed: a vector comes where the reader is ready, with the rows of its tile; the layer's reads
// are as the parameters say. Of one row, which may be any.

module properties #(
    parameter Rows = 4,
    parameter Step = 2,
    parameter Arrays = 3,
    parameter Reads = 2,
    parameter Interval = 3,
    parameter Pauses = 1,
    parameter Serial = 1,
    // Cycles of a read.
    parameter Words = 2,
    parameter ArrayWidth = (Arrays > 1) ? $clog2(Arrays) : 1,
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1,
    parameter StepWidth = (Interval > 1) ? $clog2(Interval) : 1,
    parameter AddressWidth = ArrayWidth + $clog2(Rows / Step)
) (
    input wire clk_i,
    input wire rst_ni,
    input wire door_valid_i,
    input wire tile_first_i,
    input wire [Rows-1:0] row_i
);

  localparam [31:0] LAST_READ = Reads - 1;
  localparam [31:0] LAST_WORD = Words - 1;
  localparam [31:0] LAST_STEP = Interval - 1;

  wire ready;
  wire next_plane;
  wire read;
  wire [AddressWidth-1:0] address;
  wire [ArrayWidth-1:0] array;
  wire [Step-1:0] row;
  wire [Step-1:0] unused_enable;
  wire sum_valid;
  wire sum_first;
  wire sample;
  wire [ArrayWidth-1:0] sample_array;
  wire [ReadWidth-1:0] sample_read;
  wire sample_last;

  bincim_array_reader #(
      .Rows(Rows),
      .Step(Step),
      .Arrays(Arrays),
      .Reads(Reads),
      .Interval(Interval),
      .Pauses(Pauses),
      .Serial(Serial)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_start_i(1'b0),
      .again_i(1'b0),
      .first_again_i({ArrayWidth{1'b0}}),
      .door_valid_i(door_valid_i),
      .door_tile_first_i(tile_first_i),
      .door_pass_first_i(1'b1),
      .door_group_last_i(1'b1),
      .first_array_i({ArrayWidth{1'b0}}),
      .last_read_i(LAST_READ[ReadWidth-1:0]),
      .last_word_i(LAST_WORD[StepWidth-1:0]),
      .last_step_i(LAST_STEP[StepWidth-1:0]),
      .ready_o(ready),
      .row_i(row_i),
      .enable_i({Rows{1'b1}}),
      .next_plane_o(next_plane),
      .read_o(read),
      .cell_address_o(address),
      .array_o(array),
      .row_o(row),
      .enable_o(unused_enable),
      .sum_valid_o(sum_valid),
      .sum_first_o(sum_first),
      .sample_o(sample),
      .sample_array_o(sample_array),
      .sample_read_o(sample_read),
      .sample_last_o(sample_last)
  );

  reg started = 1'b0;
  // Cycles since the vector came, 0 where none is read; its number of all, and its array.
  reg [7:0] since_q = 8'd0;
  reg [ArrayWidth-1:0] array_q = {ArrayWidth{1'b1}};
  wire [7:0] cycle = since_q - 8'd1;
  wire [7:0] number = cycle / Interval;
  wire [7:0] step = cycle % Interval;
  wire reading = (since_q != 8'd0) && (step < Words);
  wire [7:0] word = (Serial != 0) ? step : number * Words + step;
  // The same a cycle and two cycles ago.
  reg reading1_q = 1'b0;
  reg first1_q;
  reg last1_q;
  reg [Step-1:0] row1_q;
  reg [7:0] number1_q;
  reg [ArrayWidth-1:0] array1_q;
  reg sample2_q = 1'b0;
  reg [7:0] number2_q;
  reg [ArrayWidth-1:0] array2_q;

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (door_valid_i) begin
      since_q <= 8'd1;
      if (tile_first_i) array_q <= array_q + 1'b1;
    end else if (since_q == Reads * Interval) since_q <= 8'd0;
    else if (since_q != 8'd0) since_q <= since_q + 8'd1;
    reading1_q <= reading;
    first1_q <= (step == 8'd0);
    last1_q <= (step == Words - 1);
    row1_q <= row_i[word*Step +: Step];
    number1_q <= number;
    array1_q <= array_q;
    sample2_q <= reading1_q & last1_q;
    number2_q <= number1_q;
    array2_q <= array1_q;
  end

  always @* begin
    assume (started == rst_ni);
    assume (!door_valid_i | (rst_ni & ready));
    if (rst_ni) begin
      assert (ready == (since_q == 8'd0 || since_q == Reads * Interval));
      assert (read == reading);
      if (reading) begin
        assert (array == array_q);
        assert (address == ((Rows / Step > 1) ? array_q * (Rows / Step) + word : array_q));
      end
      assert (sum_valid == reading1_q);
      if (reading1_q) assert (sum_first == first1_q && row == row1_q);
      assert (sample == sample2_q);
      if (sample2_q) begin
        assert (sample_array == array2_q && sample_read == number2_q);
        assert (sample_last == (number2_q == Reads - 1));
      end
      if (since_q != 8'd0) begin
        assert (next_plane == (step == Interval - 1 && number != Reads - 1));
      end
    end
  end

endmodule
