// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// What leaves with the last sample is the sum of all samples' scores at its place, for every order of
// waits. Assumed: words of one place are two cycles apart.

module properties #(
    parameter Lanes = 2,
    parameter Width = 2,
    parameter Sum = 4,
    parameter Words = 2,
    parameter Samples = 3,
    parameter WordWidth = (Words > 1) ? $clog2(Words) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire valid_i,
    input wire [Lanes*Width-1:0] score_i
);

  localparam [31:0] LAST_WORD = Words - 1;

  reg [7:0] word_q = 8'd0;
  reg [7:0] sample_q = 8'd0;
  wire valid;
  wire [Lanes*Sum-1:0] sum;

  bincim_score_sum #(
      .Lanes(Lanes),
      .Width(Width),
      .Sum(Sum),
      .Words(Words)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .last_word_i(LAST_WORD[WordWidth-1:0]),
      .sample_first_i(sample_q == 8'd0),
      .sample_last_i(sample_q == Samples - 1),
      .valid_i(valid_i),
      .score_i(score_i),
      .valid_o(valid),
      .sum_o(sum)
  );

  reg started = 1'b0;
  reg valid_q = 1'b0;
  reg last_q = 1'b0;
  reg [7:0] place_q;
  reg [Words*Lanes*Sum-1:0] sums_q;
  reg [Sum-1:0] score;
  integer lane;

  always @(posedge clk_i) begin
    started <= 1'b1;
    valid_q <= rst_ni & valid_i;
    last_q <= sample_q == Samples - 1;
    place_q <= word_q;
    if (rst_ni & valid_i) begin
      word_q <= (word_q == Words - 1) ? 8'd0 : word_q + 8'd1;
      if (word_q == Words - 1) sample_q <= (sample_q == Samples - 1) ? 8'd0 : sample_q + 8'd1;
      for (lane = 0; lane < Lanes; lane = lane + 1) begin
        score = {{Sum-Width{score_i[lane*Width+Width-1]}}, score_i[lane*Width +: Width]};
        sums_q[(word_q*Lanes+lane)*Sum +: Sum] <=
            ((sample_q == 8'd0) ? {Sum{1'b0}} : sums_q[(word_q*Lanes+lane)*Sum +: Sum]) + score;
      end
    end
  end

  always @* begin
    assume (started == rst_ni);
    assume (Words > 1 || !(valid_i & valid_q));
    if (rst_ni) begin
      assert (valid == (valid_q & last_q));
      if (valid) assert (sum == sums_q[place_q*Lanes*Sum +: Lanes*Sum]);
    end
  end

endmodule
