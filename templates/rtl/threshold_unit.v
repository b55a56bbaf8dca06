// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Threshold unit: compares sums with their channels' thresholds.
// Gives <: unit_note :>.
// Latency: 1, from sum to result.

`default_nettype none

module threshold_unit (
    input  wire clk_i,
    input  wire rst_ni,
    //%- if t.gives_both %//
    // The layer's results are scores, not bits.
    input  wire scores_i,
    //%- endif %//
    //%- if t.mixed_flip %//
    // The flip follows the pooling.
    input  wire flip_after_pool_i,
    //%- endif %//
    //%- if threshold_sets %//
    // Each number of planes has a set of thresholds.
    input  wire [<: v.plane_width - 1 :>:0] last_plane_i,
    //%- endif %//
    // Count (one cycle ahead of the sum): the group advances behind its last vector.
    input  wire count_valid_i,
    input  wire count_group_last_i,
    input  wire [<: v.lanes * v.accumulator_width - 1 :>:0] sum_i,
    // Result.
    input  wire result_valid_i,
    //%- if v.pools %//
    input  wire result_window_last_i,
    //%- endif %//
    //%- if v.gives_scores %//
    output wire score_valid_o,
    output wire [<: v.score_lanes * v.score_width - 1 :>:0] score_o//% if v.gives_bits %//,//% endif %//
    //%- endif %//
    //%- if v.gives_bits %//
    output wire bit_valid_o,
    output wire [<: v.lanes - 1 :>:0] bit_o
    //%- endif %//
);

  localparam LANES = <: v.lanes :>;
  localparam SUM = <: v.accumulator_width :>;
  localparam ENTRY = <: t.entry_width :>;
  localparam [<: address_width - 1 :>:0] LAST_GROUP = <: address_width :>'d<: groups - 1 :>;

  // Groups of all layers, in order.
  reg [<: address_width - 1 :>:0] group_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      group_q <= <: address_width :>'d0;
    end else if (count_valid_i & count_group_last_i) begin
      group_q <= (group_q == LAST_GROUP) ? <: address_width :>'d0
                                         : group_q + <: address_width :>'d1;
    end
  end
  //%- if threshold_sets %//

  reg [<: address_width - 1 :>:0] first_of_set;

  always @(*) begin
    case (last_plane_i)
      //%- for s in sets.iter() %//
      <: v.plane_width :>'d<: s.plane :>: first_of_set = <: address_width :>'d<: s.offset :>;
      //%- endfor %//
      default: first_of_set = <: address_width :>'d0;
    endcase
  end

  wire [<: address_width - 1 :>:0] entry = group_q + first_of_set;
  //%- endif %//

  wire [LANES*ENTRY-1:0] entries;

  <: memory.at(2) :> u_threshold_memory (
      .clk_i(clk_i),
      .read_i(1'b1),
      .address_i(<: entry :>),
      .data_o(entries)
  );
  //%- if t.idle_lanes %//

  // Lanes beyond the last score.
  wire unused_lanes = &{1'b0, sum_i[LANES*SUM-1:<: v.score_lanes :>*SUM],
                        entries[LANES*ENTRY-1:<: v.score_lanes :>*ENTRY]};
  //%- endif %//
  //%- if v.gives_bits %//
  reg [LANES-1:0] bit_q;
  //%- if t.flips_after %//
  reg [LANES-1:0] flip_q;
  //%- endif %//
  //%- endif %//
  //%- if v.gives_scores %//
  reg [<: v.score_lanes * v.score_width - 1 :>:0] score_q;
  //%- endif %//

  genvar lane;
  generate
    //%- if v.gives_scores %//
    // Lanes that give scores: bit and score share one subtraction.
    for (lane = 0; lane < <: v.score_lanes :>; lane = lane + 1) begin : gen_lane
      wire [SUM-1:0] sum = sum_i[lane*SUM +: SUM];
      wire [<: t.width - 1 :>:0] threshold = entries[lane*ENTRY +: <: t.width :>];
      wire [<: compare_width - 1 :>:0] wide_sum = <: score_sum_expr :>;
      wire [<: compare_width - 1 :>:0] difference =
          wide_sum - <: threshold_compare_expr :>;
      //%- if difference_cut %//
      // Scores lie within <: v.score_width :> bits.
      wire unused_difference = &{1'b0, difference[<: difference_top :>:<: v.score_width :>]};
      //%- endif %//

      always @(posedge clk_i) begin
        score_q[lane*<: v.score_width :> +: <: v.score_width :>] <= difference[<: v.score_width - 1 :>:0];
        //%- if v.gives_bits %//
        bit_q[lane] <= !difference[<: compare_width - 1 :>]<: flip_before_expr :>;
        //%- endif %//
      end
    end
    //%- endif %//
    //%- if plain_lanes %//
    for (lane = <: first_plain_lane :>; lane < LANES; lane = lane + 1) begin : gen_bit_lane
      wire [SUM-1:0] sum = sum_i[lane*SUM +: SUM];
      wire [<: t.width - 1 :>:0] threshold = entries[lane*ENTRY +: <: t.width :>];

      always @(posedge clk_i) begin
        //%- if flip_before_expr.is_empty() %//
        bit_q[lane] <= <: plain_compare :>;
        //%- else %//
        bit_q[lane] <= (<: plain_compare :>)
           <: flip_before_expr :>;
        //%- endif %//
      end
    end
    //%- endif %//
  endgenerate
  //%- if t.flips_after %//

  genvar flip;
  generate
    for (flip = 0; flip < LANES; flip = flip + 1) begin : gen_flip
      always @(posedge clk_i) begin
        flip_q[flip] <= <: flip_after_expr :>;
      end
    end
  endgenerate
  //%- endif %//
  //%- if v.gives_scores %//

  assign score_valid_o = result_valid_i<: score_condition :>;
  assign score_o = score_q;
  //%- endif %//
  //%- if v.gives_bits %//
  //%- if v.pools %//

  // Maximum over a pooling window: OR of its bits.
  reg [LANES-1:0] pool_q;
  wire [LANES-1:0] pooled = pool_q | bit_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) pool_q <= {LANES{1'b0}};
    else if (result_valid_i) pool_q <= result_window_last_i ? {LANES{1'b0}} : pooled;
  end

  assign bit_valid_o = result_valid_i & result_window_last_i<: bit_condition :>;
  assign bit_o = pooled<: flip_result :>;
  //%- else %//

  assign bit_valid_o = result_valid_i<: bit_condition :>;
  assign bit_o = bit_q<: flip_result :>;
  //%- endif %//
  //%- endif %//

endmodule

`default_nettype wire
