// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The state of each word: a step of the word before, or that of its group's first word where it comes
// again, or the start of its sample, which is a step of its own of the start of the sample before. No
// state is mixed before its frame, and each serves one frame. (The mixing itself is held by
// co-simulation.) The noise bits are the state here: each is three times the same bit.
// Assumed: a first sample is taken only where its state is mixed, others behind it.

module properties #(
    parameter Blocks = 1,
    parameter Rounds = 2
) (
    input wire clk_i,
    input wire rst_ni,
    input wire frame_start_i,
    input wire [31:0] seed_i,
    input wire flips_i,
    input wire step_i,
    input wire draw_i,
    input wire first_sample_i,
    input wire sample_start_i,
    input wire group_start_i,
    input wire again_i
);

  function [64*18-1:0] places;
    input unused;
    integer bit_index;
    begin
      for (bit_index = 0; bit_index < 64; bit_index = bit_index + 1) begin
        places[bit_index*18 +: 18] = {bit_index[5:0], bit_index[5:0], bit_index[5:0]};
      end
    end
  endfunction

  wire seeded;
  wire flip;
  wire [63:0] state;

  bincim_weight_noise #(
      .Bits(64),
      .Taps(places(1'b0)),
      .Blocks(Blocks),
      .Rounds(Rounds)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_start_i(frame_start_i),
      .seed_i(seed_i),
      .flips_i(flips_i),
      .seeded_o(seeded),
      .step_i(step_i),
      .draw_i(draw_i),
      .sample_start_i(sample_start_i),
      .group_start_i(group_start_i),
      .again_i(again_i),
      .flip_o(flip),
      .noise_o(state)
  );

  function [63:0] shifted;
    input [63:0] from;
    input integer left;
    input integer right;
    input integer last;
    begin
      shifted = from ^ (from << left);
      shifted = shifted ^ (shifted >> right);
      shifted = shifted ^ (shifted << last);
    end
  endfunction

  reg started = 1'b0;
  reg stepped_q = 1'b0;
  reg start_q;
  reg first_q;
  reg again_q;
  reg flips_q;
  reg flip_q;
  reg [63:0] state_q;
  reg [63:0] group_q;
  reg [63:0] sample_q;
  reg known_q = 1'b0;
  reg group_known_q = 1'b0;
  reg sample_known_q = 1'b0;
  // Cycles since the frame's start; a frame whose state is mixed or being mixed.
  reg [4:0] age_q = 5'd31;
  reg due_q = 1'b0;
  wire take = step_i & sample_start_i;

  always @(posedge clk_i) begin
    started <= 1'b1;
    stepped_q <= rst_ni & step_i;
    start_q <= sample_start_i;
    first_q <= first_sample_i;
    again_q <= again_i;
    if (frame_start_i) flips_q <= flips_i;
    if (step_i) flip_q <= draw_i & flips_q;
    state_q <= state;
    known_q <= known_q | stepped_q;
    // What the word that was read with the step before has.
    if (stepped_q & start_q) begin
      sample_q <= state;
      sample_known_q <= 1'b1;
    end
    if (frame_start_i) age_q <= 5'd0;
    else if (age_q != 5'd31) age_q <= age_q + 5'd1;
    if (frame_start_i) due_q <= 1'b1;
    else if (take) due_q <= 1'b0;
  end

  // The word behind a group's start is its first.
  reg group_start_q = 1'b0;

  always @(posedge clk_i) begin
    group_start_q <= rst_ni & step_i & group_start_i;
    if (group_start_q) group_q <= state;
    group_known_q <= group_known_q | group_start_q;
  end

  wire [63:0] group = group_start_q ? state : group_q;

  always @* begin
    assume (started == rst_ni);
    assume (rst_ni | !(frame_start_i | step_i));
    // A frame's state is taken before the next frame starts.
    assume (!frame_start_i | (!due_q & !take));
    assume (!take | (first_sample_i == due_q));
    assume (!(take & first_sample_i) | seeded);
    assume (!(sample_start_i & again_i) & !(group_start_i & again_i));
    assume (!sample_start_i | group_start_i);
    assume (!(step_i & again_i) | group_known_q | group_start_q);
    if (rst_ni) begin
      assert (!seeded | (due_q & age_q >= Rounds));
      assert (seeded | !due_q | age_q < Rounds);
      if (stepped_q) begin
        assert (flip == flip_q);
        if (start_q & !first_q & sample_known_q) assert (state == shifted(sample_q, 11, 5, 45));
        if (again_q & Blocks != 0) assert (state == group_back_q);
        if (!start_q & !again_q & known_q) assert (state == shifted(state_q, 13, 7, 17));
      end else if (known_q) begin
        assert (state == state_q);
      end
    end
  end

  // The group's first state as the word that came again was read.
  reg [63:0] group_back_q;

  always @(posedge clk_i) group_back_q <= group;

endmodule
