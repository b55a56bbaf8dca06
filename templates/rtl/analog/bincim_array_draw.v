// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array of cells that are drawn as they are read, a few rows a cycle: a sense amplifier tells the
// sign of each cell's pair of devices with the noise of the moment, and the products with the rows
// are counted. Nothing converts. Read j of a vector counts 2^j.
// Parameters: Lanes, columns; Step, rows that are read in a cycle; Bits of a cell's number, from 2;
//     Count, bits of a vector's count, two's complement; Reads of a vector, most, from 1.
//     RowEnable: 1, rows may be not driven; 0, all always are. ReadWidth follows.
// Latency: 3, from a word of cells to the total, and one more to the count; converted_o stands two
//     cycles before the count of its vector.
// Reset: asynchronous; no read is under way. Counts have none: a vector begins with read 0.
// Protocol: valid_i with each Step rows of a read and their cells, first_i with the first of them.
//     cell_i has the cells' signs, bit lane * Step + row, then each bit of their Bits - 1 bits of
//     code, lowest first, and above them which rows hold cells. A cell is turned round where the
//     number of its row XOR that of its lane is below its code; without flip_i none is. noise_i has
//     Bits a row, then Bits a lane. sample_i, with the number of the read, stands one cycle behind
//     the last word of a read, sample_last_i of a vector's last one; converted_o follows that.

`default_nettype none

module bincim_array_draw #(
    parameter Lanes = 4,
    parameter Step = 2,
    parameter Bits = 8,
    parameter Count = 8,
    parameter Reads = 1,
    parameter RowEnable = 0,
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire valid_i,
    input  wire first_i,
    input  wire [Step-1:0] row_i,
    input  wire [Step-1:0] enable_i,
    input  wire [(Lanes*Bits+1)*Step-1:0] cell_i,
    input  wire flip_i,
    input  wire [(Step+Lanes)*Bits-1:0] noise_i,
    input  wire [ReadWidth-1:0] sample_read_i,
    input  wire sample_i,
    input  wire sample_last_i,
    output wire converted_o,
    output wire [Lanes*Count-1:0] count_o
);

  localparam CELLS = Lanes * Step;
  // Bits of the sum of a word's products: of a count that never comes so far its low ones.
  localparam FULL = $clog2(Step + 1) + 1;
  localparam WORD = (FULL < Count) ? FULL : Count;

  wire [Step-1:0] used = cell_i[CELLS*Bits +: Step];
  wire [CELLS-1:0] drawn;

  bincim_weight_sampler #(
      .Rows(Step),
      .Lanes(Lanes),
      .Bits(Bits)
  ) u_sampler (
      .clk_i(clk_i),
      .take_i(valid_i),
      .flip_i(flip_i),
      .weight_i(cell_i[CELLS-1:0]),
      .code_i(cell_i[CELLS*Bits-1:CELLS]),
      .noise_i(noise_i),
      .weight_o(drawn)
  );

  // Beside the drawn cells: the rows and the place in the read.
  reg [Step-1:0] row_q;
  reg [Step-1:0] drive_q;
  reg drawn_valid_q;
  reg drawn_first_q;
  // Beside the words' sums.
  reg word_valid_q;
  reg word_first_q;
  reg converted_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drawn_valid_q <= 1'b0;
      word_valid_q <= 1'b0;
      converted_q <= 1'b0;
    end else begin
      drawn_valid_q <= valid_i;
      word_valid_q <= drawn_valid_q;
      converted_q <= sample_i & sample_last_i;
    end
  end

  always @(posedge clk_i) begin
    row_q <= row_i;
    drawn_first_q <= first_i;
    word_first_q <= drawn_first_q & (sample_read_i == {ReadWidth{1'b0}});
  end

  assign converted_o = converted_q;

  generate
    if (RowEnable != 0) begin : gen_enable
      always @(posedge clk_i) begin
        drive_q <= used & enable_i;
      end
    end else begin : gen_all_driven
      wire unused_enable = &{1'b0, enable_i};

      always @(posedge clk_i) begin
        drive_q <= used;
      end
    end
  endgenerate

  wire [ReadWidth-1:0] word_read;

  generate
    if (Reads > 1) begin : gen_reads
      reg [ReadWidth-1:0] word_read_q;

      always @(posedge clk_i) begin
        word_read_q <= sample_read_i;
      end

      assign word_read = word_read_q;
    end else begin : gen_one_read
      assign word_read = 1'b0;
    end
  endgenerate

  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Step-1:0] differs = drawn[lane*Step +: Step] ^ row_q;
      reg [WORD-1:0] products;
      reg [WORD-1:0] word_q;
      wire [Count-1:0] word;
      reg [Count-1:0] total_q;
      reg [Count-1:0] count_q;
      wire [Count-1:0] so_far = word_first_q ? {Count{1'b0}} : total_q;
      integer row;

      if (WORD < Count) begin : gen_extend
        assign word = {{(Count-WORD){word_q[WORD-1]}}, word_q};
      end else begin : gen_whole
        assign word = word_q;
      end

      always @* begin
        products = {WORD{1'b0}};
        for (row = 0; row < Step; row = row + 1) begin
          if (drive_q[row]) begin
            if (differs[row]) products = products - {{WORD-1{1'b0}}, 1'b1};
            else products = products + {{WORD-1{1'b0}}, 1'b1};
          end
        end
      end

      always @(posedge clk_i) begin
        word_q <= products;
        if (word_valid_q) total_q <= so_far + (word << word_read);
        count_q <= total_q;
      end

      assign count_o[lane*Count +: Count] = count_q;
    end
  endgenerate

endmodule

`default_nettype wire
