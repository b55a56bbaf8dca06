// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A vector's count is the sum, over its reads and their words, of what each driven row with a cell
// carries times what that cell is drawn to, read j counting 2^j: four cycles behind its last word,
// two behind converted_o, which stands for it alone. Vectors may follow one another at once, and
// words may wait.
// Assumed: words come in the order of their reads, with what the reader tells of them a cycle
// later.

module properties #(
    parameter Lanes = 2,
    parameter Step = 2,
    parameter Bits = 3,
    parameter Count = 5,
    parameter Reads = 2,
    parameter RowEnable = 1,
    // Words of a read.
    parameter Words = 2,
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire valid_i,
    input wire [Step-1:0] row_i,
    input wire [Step-1:0] enable_i,
    input wire [(Lanes*Bits+1)*Step-1:0] cell_i,
    input wire flip_i,
    input wire [(Step+Lanes)*Bits-1:0] noise_i,
    input wire [ReadWidth-1:0] idle_read_i
);

  localparam CELLS = Lanes * Step;

  // The word and the read that come next, and what was told of the one before.
  reg [3:0] word_q = 4'd0;
  reg [3:0] read_q = 4'd0;
  wire word_last = (word_q == Words - 1);
  wire read_last = (read_q == Reads - 1);
  reg valid1_q = 1'b0;
  reg [3:0] read1_q;
  reg last1_q;

  wire converted;
  wire [Lanes*Count-1:0] count;

  bincim_array_draw #(
      .Lanes(Lanes),
      .Step(Step),
      .Bits(Bits),
      .Count(Count),
      .Reads(Reads),
      .RowEnable(RowEnable)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .valid_i(valid_i),
      .first_i(word_q == 4'd0),
      .row_i(row_i),
      .enable_i(enable_i),
      .cell_i(cell_i),
      .flip_i(flip_i),
      .noise_i(noise_i),
      .sample_read_i(valid1_q ? read1_q[ReadWidth-1:0] : idle_read_i),
      .sample_i(valid1_q & last1_q),
      .sample_last_i(read1_q == Reads - 1),
      .converted_o(converted),
      .count_o(count)
  );

  // What the vector's words come to so far, with this one.
  reg [Lanes*Count-1:0] sum_q = {Lanes*Count{1'b0}};
  reg [Lanes*Count-1:0] sum;
  reg [Count-1:0] products;
  reg [Bits-1:0] number;
  reg [Bits-1:0] code;
  integer lane;
  integer row;
  integer place;

  always @* begin
    sum = (word_q == 4'd0 && read_q == 4'd0) ? {Lanes*Count{1'b0}} : sum_q;
    number = {Bits{1'b0}};
    code = {Bits{1'b0}};
    for (lane = 0; lane < Lanes; lane = lane + 1) begin
      products = {Count{1'b0}};
      for (row = 0; row < Step; row = row + 1) begin
        number = noise_i[row*Bits +: Bits] ^ noise_i[(Step+lane)*Bits +: Bits];
        code = {Bits{1'b0}};
        for (place = 0; place < Bits - 1; place = place + 1) begin
          code[place] = cell_i[(place+1)*CELLS + lane*Step + row];
        end
        if (cell_i[Bits*CELLS + row] && (RowEnable == 0 || enable_i[row])) begin
          if (cell_i[lane*Step + row] ^ (flip_i && number < code) ^ row_i[row]) begin
            products = products - 1'b1;
          end else begin
            products = products + 1'b1;
          end
        end
      end
      sum[lane*Count +: Count] = sum[lane*Count +: Count] + (products << read_q);
    end
  end

  // Vectors that are done, and their counts, a cycle to four later.
  reg [4:1] done_q = 4'd0;
  reg [Lanes*Count-1:0] done1_q;
  reg [Lanes*Count-1:0] done2_q;
  reg [Lanes*Count-1:0] done3_q;
  reg [Lanes*Count-1:0] done4_q;
  reg started = 1'b0;

  always @(posedge clk_i) begin
    started <= 1'b1;
    valid1_q <= rst_ni & valid_i;
    read1_q <= read_q;
    last1_q <= word_last;
    if (rst_ni & valid_i) begin
      sum_q <= sum;
      word_q <= word_last ? 4'd0 : word_q + 4'd1;
      if (word_last) read_q <= read_last ? 4'd0 : read_q + 4'd1;
    end
    done_q <= {done_q[3:1], rst_ni & valid_i & word_last & read_last};
    done1_q <= sum;
    done2_q <= done1_q;
    done3_q <= done2_q;
    done4_q <= done3_q;
  end

  always @* begin
    assume (started == rst_ni);
    if (rst_ni) begin
      assert (converted == done_q[2]);
      if (done_q[4]) assert (count == done4_q);
    end
  end

endmodule
