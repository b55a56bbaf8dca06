// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Score sum: adds the scores of a frame's samples, word by word.
// Parameters: Lanes, scores of a word, from 1. Width, bits of a score, two's complement, from 1;
//     Sum, bits of a sum, from Width. Words, most of a sample, from 1. WordWidth follows.
// Latency: 1, from a word of the last sample to its sum.
// Reset: asynchronous; the next word is the first one. Sums have none.
// Protocol: all samples have the same words, in the same order, last_word_i is the last one. Two
//     words of one place are two cycles apart or more. sample_first_i and sample_last_i stand with
//     the words of the frame's first and last sample; one may be both.

`default_nettype none

module bincim_score_sum #(
    parameter Lanes = 4,
    parameter Width = 8,
    parameter Sum = 11,
    parameter Words = 2,
    parameter WordWidth = (Words > 1) ? $clog2(Words) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire [WordWidth-1:0] last_word_i,
    input  wire sample_first_i,
    input  wire sample_last_i,
    input  wire valid_i,
    input  wire [Lanes*Width-1:0] score_i,
    output wire valid_o,
    output wire [Lanes*Sum-1:0] sum_o
);

  wire [WordWidth-1:0] word;
  wire unused_word_last;

  bincim_counter #(
      .Count(Words)
  ) u_word (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(valid_i),
      .last_i(last_word_i),
      .value_o(word),
      .last_o(unused_word_last)
  );

  // A word waits here for what the samples before it have added up to.
  reg valid_q;
  reg first_q;
  reg last_q;
  reg [WordWidth-1:0] word_q;
  reg [Lanes*Width-1:0] score_q;
  wire [Lanes*Sum-1:0] stored;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= valid_i;
  end

  always @(posedge clk_i) begin
    first_q <= sample_first_i;
    last_q <= sample_last_i;
    word_q <= word;
    score_q <= score_i;
  end

  bincim_ram_1r1w #(
      .Width(Lanes * Sum),
      .Depth(Words)
  ) u_memory (
      .clk_i(clk_i),
      .write_i(valid_q),
      .write_address_i(word_q),
      .write_data_i(sum_o),
      .read_i(valid_i),
      .read_address_i(word),
      .read_data_o(stored)
  );

  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Width-1:0] score = score_q[lane*Width +: Width];
      wire [Sum-1:0] base = first_q ? {Sum{1'b0}} : stored[lane*Sum +: Sum];

      if (Sum > Width) begin : gen_wider
        assign sum_o[lane*Sum +: Sum] = base + {{Sum-Width{score[Width-1]}}, score};
      end else begin : gen_as_wide
        assign sum_o[lane*Sum +: Sum] = base + score;
      end
    end
  endgenerate

  assign valid_o = valid_q & last_q;

endmodule

`default_nettype wire
