// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Threshold unit: makes of each lane's sum a bit a step (at or above the step's threshold of its
// channel), the largest bits of a pooling window, or a score (by how much it is above step 0's).
// Parameters: Lanes, sums at once, Sum and Threshold, bits of each, and Steps, thresholds of a
//     lane, from 1. Signed: 1, sums and thresholds are two's complement. Flips: 1, an entry has a
//     bit above its thresholds that turns the channel's bits. FlipsAfter: 1, some layer turns what
//     has been pooled. Bits: 1, some layer gives bits; Pools: 1, some layer pools. ScoreLanes:
//     lanes that give scores, from 0; Score, bits of a score, and ScoreShift: a score is
//     sum * 2^ScoreShift less the threshold. Depth, entries of the threshold memory, lane 0 in the
//     low bits, and of a lane step 0; Loadable and InitFile, their words (see bincim_store).
//     AddressWidth follows from Depth.
// Latency: 1, from sum to result.
// Reset: asynchronous; the next group is group 0, no window has begun. Results have none.
// Protocol: count_valid_i stands one cycle ahead of its sum, with count_group_last_i at the last
//     vector of a group; groups 0 to last_group_i use the entries from first_entry_i on, one after
//     the other, again and again, with again_i from group first_again_i on. result_valid_i stands
//     beside the results of a sum that is complete, result_window_last_i beside the last of a
//     window. scores_i and flip_after_pool_i stand with the layer's sums. bit_o has all lanes of
//     step 0 in the low bits, those of step 1 above them.

`default_nettype none

module bincim_threshold #(
    parameter Lanes = 4,
    parameter Sum = 8,
    parameter Threshold = 9,
    parameter Steps = 1,
    parameter Signed = 1,
    parameter Flips = 1,
    parameter FlipsAfter = 0,
    parameter Bits = 1,
    parameter Pools = 0,
    parameter ScoreLanes = 0,
    parameter Score = 1,
    parameter ScoreShift = 0,
    parameter Depth = 16,
    parameter Loadable = 0,
    parameter InitFile = "",
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // An entry that is loaded.
    input  wire load_i,
    input  wire [AddressWidth-1:0] load_address_i,
    input  wire [Lanes*(Steps*Threshold+((Flips != 0) ? 1 : 0))-1:0] load_data_i,
    // The layer's results are scores; its flips follow the pooling.
    input  wire scores_i,
    input  wire flip_after_pool_i,
    input  wire [AddressWidth-1:0] last_group_i,
    input  wire again_i,
    input  wire [AddressWidth-1:0] first_again_i,
    input  wire [AddressWidth-1:0] first_entry_i,
    input  wire count_valid_i,
    input  wire count_group_last_i,
    input  wire [Lanes*Sum-1:0] sum_i,
    input  wire result_valid_i,
    input  wire result_window_last_i,
    output wire score_valid_o,
    output wire [((ScoreLanes > 0) ? ScoreLanes*Score : 1)-1:0] score_o,
    output wire bit_valid_o,
    output wire [Steps*Lanes-1:0] bit_o
);

  localparam ENTRY = Steps * Threshold + ((Flips != 0) ? 1 : 0);
  localparam WIDER = (Sum > Threshold) ? Sum : Threshold;
  localparam SHIFTED = (Sum + ScoreShift > Threshold) ? Sum + ScoreShift : Threshold;
  // A score's difference: its top bit says which of the two is larger.
  localparam DIFFERENCE = ((SHIFTED > Score) ? SHIFTED : Score) + 1;
  localparam [AddressWidth-1:0] FIRST = {AddressWidth{1'b0}};
  localparam [AddressWidth-1:0] ONE = {{AddressWidth-1{1'b0}}, 1'b1};

  // Groups of all layers, in order.
  reg [AddressWidth-1:0] group_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) group_q <= FIRST;
    else if (count_valid_i & count_group_last_i) begin
      if (group_q == last_group_i) group_q <= again_i ? first_again_i : FIRST;
      else group_q <= group_q + ONE;
    end
  end

  wire [Lanes*ENTRY-1:0] entries;

  bincim_store #(
      .Width(Lanes * ENTRY),
      .Depth(Depth),
      .Loadable(Loadable),
      .InitFile(InitFile)
  ) u_memory (
      .clk_i(clk_i),
      .write_i(load_i),
      .write_address_i(load_address_i),
      .write_data_i(load_data_i),
      .read_i(1'b1),
      .address_i(group_q + first_entry_i),
      .data_o(entries)
  );

  wire [Steps*Lanes-1:0] result;
  wire [Lanes-1:0] flip_after;

  genvar lane;
  genvar step;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Sum-1:0] sum = sum_i[lane*Sum +: Sum];
      wire [Steps*Threshold-1:0] threshold = entries[lane*ENTRY +: Steps*Threshold];
      wire sum_sign = (Signed != 0) & sum[Sum-1];
      wire unused_sign = &{1'b0, sum_sign};
      wire turns_after = (FlipsAfter != 0) & flip_after_pool_i;
      wire flip;

      if (Flips != 0) begin : gen_flip
        assign flip = entries[lane*ENTRY + Steps*Threshold];
      end else begin : gen_no_flip
        assign flip = 1'b0;
      end

      for (step = 0; step < Steps; step = step + 1) begin : gen_step
        wire [Threshold-1:0] own = threshold[step*Threshold +: Threshold];
        wire own_sign = (Signed != 0) & own[Threshold-1];
        wire unused_own_sign = &{1'b0, own_sign};
        wire reached;

        if (step == 0 && lane < ScoreLanes) begin : gen_score
          // Bit and score share one subtraction.
          wire [DIFFERENCE-1:0] wide = {{DIFFERENCE-Sum{sum_sign}}, sum};
          wire [DIFFERENCE-1:0] difference = (scores_i ? wide << ScoreShift : wide)
                                             - {{DIFFERENCE-Threshold{own_sign}}, own};
          // Scores lie within their bits.
          wire unused_difference = &{1'b0, difference};
          reg [Score-1:0] score_q;

          always @(posedge clk_i) begin
            score_q <= difference[Score-1:0];
          end

          assign score_o[lane*Score +: Score] = score_q;
          assign reached = !difference[DIFFERENCE-1];
        end else begin : gen_bit
          wire [WIDER-1:0] wide_sum = {{WIDER-Sum{sum_sign}}, sum};
          wire [WIDER-1:0] wide_threshold = {{WIDER-Threshold{own_sign}}, own};

          assign reached = (Signed != 0) ? $signed(wide_sum) >= $signed(wide_threshold)
                                         : wide_sum >= wide_threshold;
        end

        if (Bits != 0) begin : gen_result
          reg bit_q;

          always @(posedge clk_i) begin
            bit_q <= reached ^ (flip & !turns_after);
          end

          assign result[step*Lanes + lane] = bit_q;
        end else begin : gen_no_result
          wire unused_bit = &{1'b0, reached};

          assign result[step*Lanes + lane] = 1'b0;
        end
      end

      if (Bits != 0 && FlipsAfter != 0) begin : gen_after
        reg flip_q;

        always @(posedge clk_i) begin
          flip_q <= flip & turns_after;
        end

        assign flip_after[lane] = flip_q;
      end else begin : gen_not_after
        wire unused_flip = &{1'b0, flip, turns_after};

        assign flip_after[lane] = 1'b0;
      end
    end

    if (ScoreLanes > 0) begin : gen_scores
      assign score_valid_o = result_valid_i & scores_i;
    end else begin : gen_no_scores
      assign score_valid_o = 1'b0;
      assign score_o = 1'b0;
    end

    if (Pools != 0) begin : gen_pool
      // Maximum over a pooling window: OR of its bits. Steps' bits rise together.
      localparam [Steps*Lanes-1:0] NONE = {Steps*Lanes{1'b0}};
      reg [Steps*Lanes-1:0] pool_q;
      wire [Steps*Lanes-1:0] pooled = pool_q | result;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) pool_q <= NONE;
        else if (result_valid_i) pool_q <= result_window_last_i ? NONE : pooled;
      end

      assign bit_valid_o = (Bits != 0) & result_valid_i & !scores_i & result_window_last_i;
      assign bit_o = pooled ^ {Steps{flip_after}};
    end else begin : gen_no_pool
      wire unused_window = &{1'b0, result_window_last_i};

      assign bit_valid_o = (Bits != 0) & result_valid_i & !scores_i;
      assign bit_o = result ^ {Steps{flip_after}};
    end
  endgenerate

endmodule

`default_nettype wire
