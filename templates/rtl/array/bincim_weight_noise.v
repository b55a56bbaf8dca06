// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight noise: the random numbers by which a word of weights is drawn.
// A state of 64 bits steps from word to word (xorshift 13, 7, 17); each noise bit is the sum of
// three of its bits. The state of a frame's first word is mixed from the frame's seed (the rounds
// of Speck64 with their number as key); every sample starts from a step of its own (xorshift 11, 5,
// 45) of the start of the one before.
// Parameters: Bits of noise, from 1. Taps, three places of 6 bits each for a noise bit, bit 0 in
//     the low ones. Blocks: 1, words of a group may come again. Rounds of mixing, 1 to 15; 12 in
//     every design.
// Latency: 1, from a step to the word's noise. Mixing takes Rounds cycles.
// Reset: asynchronous; no state is mixed. States have none.
// Protocol: frame_start_i takes seed_i and flips_i; seeded_o: the state is mixed, and stands until
//     the frame's first sample takes it. step_i: a word is read; sample_start_i it is a sample's
//     first one, group_start_i a group's, again_i it is a group's first word once more. noise_o and
//     flip_o belong to the word in the memory's data register; flip_o: draw_i stood with it, and
//     the frame has flips.

`default_nettype none

module bincim_weight_noise #(
    parameter Bits = 24,
    parameter [Bits*18-1:0] Taps = {Bits{18'h02040}},
    parameter Blocks = 0,
    parameter Rounds = 12
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_start_i,
    input  wire [31:0] seed_i,
    input  wire flips_i,
    output wire seeded_o,
    input  wire step_i,
    input  wire draw_i,
    input  wire sample_start_i,
    input  wire group_start_i,
    input  wire again_i,
    output wire flip_o,
    output wire [Bits-1:0] noise_o
);

  localparam [31:0] SALT = 32'h243F6A88;
  localparam [31:0] LAST_ROUND = Rounds - 1;

  // Start of the next sample; one round a cycle.
  reg [31:0] low_q;
  reg [31:0] high_q;
  reg [3:0] round_q;
  reg mixing_q;
  reg seeded_q;
  reg flips_q;
  wire [31:0] low_round = ({low_q[7:0], low_q[31:8]} + high_q) ^ {28'd0, round_q};
  wire [31:0] high_round = {high_q[28:0], high_q[31:29]} ^ low_round;
  wire [63:0] start = {high_q, low_q};
  wire [63:0] onward_left = start ^ {start[52:0], 11'd0};
  wire [63:0] onward_right = onward_left ^ {5'd0, onward_left[63:5]};
  wire [63:0] onward = onward_right ^ {onward_right[18:0], 45'd0};
  wire take = step_i & sample_start_i;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mixing_q <= 1'b0;
      seeded_q <= 1'b0;
    end else begin
      if (frame_start_i) mixing_q <= 1'b1;
      else if (round_q == LAST_ROUND[3:0]) mixing_q <= 1'b0;
      if (mixing_q & (round_q == LAST_ROUND[3:0])) seeded_q <= 1'b1;
      else if (take) seeded_q <= 1'b0;
    end
  end

  always @(posedge clk_i) begin
    if (frame_start_i) begin
      {high_q, low_q} <= {SALT, seed_i};
      round_q <= 4'd0;
      flips_q <= flips_i;
    end else if (mixing_q) begin
      {high_q, low_q} <= {high_round, low_round};
      round_q <= round_q + 4'd1;
    end else if (take) begin
      {high_q, low_q} <= onward;
    end
  end

  assign seeded_o = seeded_q;

  // State of the word in the data register.
  reg [63:0] word_q;
  reg flip_q;
  wire [63:0] next_left = word_q ^ {word_q[50:0], 13'd0};
  wire [63:0] next_right = next_left ^ {7'd0, next_left[63:7]};
  wire [63:0] next = next_right ^ {next_right[46:0], 17'd0};
  wire [63:0] fresh = sample_start_i ? start : next;
  wire [63:0] state;

  always @(posedge clk_i) begin
    if (step_i) begin
      word_q <= state;
      flip_q <= draw_i & flips_q;
    end
  end

  generate
    if (Blocks != 0) begin : gen_blocks
      reg [63:0] group_q;

      always @(posedge clk_i) begin
        if (step_i & group_start_i) group_q <= fresh;
      end

      assign state = again_i ? group_q : fresh;
    end else begin : gen_one_block
      wire unused = &{1'b0, group_start_i, again_i};

      assign state = fresh;
    end
  endgenerate

  genvar index;
  generate
    for (index = 0; index < Bits; index = index + 1) begin : gen_bit
      localparam [5:0] FIRST = Taps[index*18 +: 6];
      localparam [5:0] SECOND = Taps[index*18+6 +: 6];
      localparam [5:0] THIRD = Taps[index*18+12 +: 6];

      assign noise_o[index] = word_q[FIRST] ^ word_q[SECOND] ^ word_q[THIRD];
    end
  endgenerate

  assign flip_o = flip_q;

endmodule

`default_nettype wire
