// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
//%- if v.accumulates %//
// Accumulators: add the counts of a vector's passes, lane by lane.
//%- else %//
// Accumulators: every sum is complete after one pass, so a register holds the count.
//%- endif %//
// Latency: 1, from count to sum.

`default_nettype none

module accumulator (
    input  wire clk_i,
    //%- if v.accumulator_depth > 0 || v.masks_lanes && v.all_groups > 1 %//
    input  wire rst_ni,
    //%- endif %//
    //%- if v.mixed_register %//
    // The layer's partial sums wait in the sum register, else in the accumulator memory.
    input  wire in_register_i,
    //%- endif %//
    //%- if v.accumulator_depth > 0 %//
    // The vector whose count is one cycle away.
    input  wire fetch_valid_i,
    input  wire fetch_block_last_i,
    //%- endif %//
    //%- if v.counts_driven %//
    // Rows that the vector at the door drives.
    input  wire [<: v.driven_width - 1 :>:0] driven_rows_i,
    //%- if v.weighted %//
    input  wire weighted_i,
    //%- endif %//
    //%- endif %//
    input  wire count_valid_i,
    //%- if v.scales && v.many_layers %//
    input  wire [<: v.layer_width - 1 :>:0] layer_i,
    //%- endif %//
    //%- if v.plane_width > 0 %//
    // Plane of the weights that was counted.
    input  wire [<: v.plane_width - 1 :>:0] count_plane_i,
    //%- if v.masks_lanes && v.all_groups > 1 %//
    input  wire count_group_last_i,
    //%- endif %//
    //%- endif %//
    //%- if v.accumulates %//
    input  wire count_first_i,
    //%- endif %//
    input  wire [<: v.lanes * v.count_width - 1 :>:0] count_i,
    //%- if v.accumulator_depth > 0 %//
    input  wire stored_valid_i,
    //%- endif %//
    //%- if v.shortcuts %//
    // What a vector's sum starts from.
    input  wire [<: v.lanes * v.accumulator_width - 1 :>:0] kept_i,
    //%- endif %//
    output wire [<: v.lanes * v.accumulator_width - 1 :>:0] sum_o
);

  localparam LANES = <: v.lanes :>;
  localparam COUNT = <: v.count_width :>;
  localparam SUM = <: v.accumulator_width :>;

  reg [LANES*SUM-1:0] sum_q;
  //%- if v.accumulator_depth > 0 %//

  // Pixel of the block, for the read now and for the write of the same pixel's sum.
  reg [<: v.accumulator_address_width - 1 :>:0] fetch_address_q;
  reg [<: v.accumulator_address_width - 1 :>:0] count_address_q;
  reg [<: v.accumulator_address_width - 1 :>:0] sum_address_q;
  wire [LANES*SUM-1:0] stored;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_address_q <= <: v.accumulator_address_width :>'d0;
    end else if (fetch_valid_i) begin
      fetch_address_q <= fetch_block_last_i ? <: v.accumulator_address_width :>'d0
                                            : fetch_address_q + <: v.accumulator_address_width :>'d1;
    end
  end

  always @(posedge clk_i) begin
    count_address_q <= fetch_address_q;
    sum_address_q <= count_address_q;
  end

  // A block is long enough that a sum is written before it is read again.
  <: memory.at(2) :> u_accumulator_memory (
      .clk_i(clk_i),
      .write_i(<: store_expr :>),
      .write_address_i(sum_address_q),
      .write_data_i(sum_q),
      .read_i(1'b1),
      .read_address_i(fetch_address_q),
      .read_data_o(stored)
  );
  //%- endif %//
  //%- if v.counts_driven %//

  // The number of driven rows meets the count behind the tree.
  localparam DRIVEN = <: v.driven_width :>;
  localparam STAGES = <: v.latency + 1 :>;
  reg [STAGES*DRIVEN-1:0] driven_q;
  wire [SUM-1:0] driven = <: driven_extended :>;

  always @(posedge clk_i) begin
    driven_q <= {driven_q[(STAGES-1)*DRIVEN-1:0], driven_rows_i};
  end
  //%- endif %//

  //%- if v.scales %//
  //%- if v.shift_width > 0 %//

  // A contribution of the plane counts 2^shift.
  wire [<: v.shift_width - 1 :>:0] shift;
  //%- else %//

  // What a contribution of the plane counts, a bit each.
  //%- for bit in v.scale_bits.iter() %//
  wire <: bit.name :>;
  //%- endfor %//
  //%- endif %//

  plane_program u_plane_program (
      //%- if v.many_layers %//
      .layer_i(layer_i),
      //%- endif %//
      //%- if v.plane_width > 0 %//
      .plane_i(count_plane_i),
      //%- endif %//
      //%- if v.shift_width > 0 %//
      .shift_o(shift)
      //%- else %//
      //%- for bit in v.scale_bits.iter() %//
      .<: bit.name :>_o(<: bit.name :>)<: bit.comma :>
      //%- endfor %//
      //%- endif %//
  );
  //%- if v.masks_lanes %//

  wire [LANES-1:0] kept;
  //%- if v.all_groups > 1 %//

  // Lanes that the plane adds to, in this group of the groups of all layers.
  localparam [<: v.all_group_width - 1 :>:0] LAST_GROUP = <: v.all_group_width :>'d<: v.all_groups - 1 :>;
  reg [<: v.all_group_width - 1 :>:0] group_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      group_q <= <: v.all_group_width :>'d0;
    end else if (count_valid_i & count_group_last_i) begin
      group_q <= (group_q == LAST_GROUP) ? <: v.all_group_width :>'d0
                                         : group_q + <: v.all_group_width :>'d1;
    end
  end
  //%- endif %//

  lane_program u_lane_program (
      //%- if v.all_groups > 1 %//
      .group_i(group_q),
      //%- endif %//
      .plane_i(count_plane_i),
      .kept_o(kept)
  );
  //%- endif %//
  //%- endif %//

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      //%- if count_cut %//
      // No layer uses so many rows that the count's upper bits are ever set.
      wire [COUNT-1:0] full_count = count_i[lane*COUNT +: COUNT];
      wire unused_count = &{1'b0, full_count[COUNT-1:SUM]};
      wire [SUM-1:0] count = full_count[SUM-1:0];
      //%- else if count_pad > 0 %//
      //%- if v.analog.is_some() %//
      wire [SUM-1:0] count = {{<: count_pad :>{count_i[lane*COUNT+COUNT-1]}}, count_i[lane*COUNT +: COUNT]};
      //%- else %//
      wire [SUM-1:0] count = {<: count_pad :>'d0, count_i[lane*COUNT +: COUNT]};
      //%- endif %//
      //%- else %//
      wire [SUM-1:0] count = count_i[lane*COUNT +: COUNT];
      //%- endif %//
      //%- if v.counts_driven %//
      // Equal rows minus unequal ones, among those that are driven.
      //%- if v.weighted %//
      wire [SUM-1:0] <: product :> = weighted_i ? count : (count << 1) - driven;
      //%- else %//
      wire [SUM-1:0] <: product :> = (count << 1) - driven;
      //%- endif %//
      //%- else %//
      wire [SUM-1:0] <: product :> = count;
      //%- endif %//
      //%- if v.masks_lanes %//
      wire [SUM-1:0] contribution = {SUM{kept[lane]}} & (<: scaled :>);
      //%- else if v.scales %//
      wire [SUM-1:0] contribution = <: scaled :>;
      //%- endif %//
      //%- if v.accumulates %//
      wire [SUM-1:0] held = <: held_expr :>;
      wire [SUM-1:0] base = count_first_i ? <: start :> : held;
      //%- endif %//

      always @(posedge clk_i) begin
        //%- if v.accumulates %//
        if (count_valid_i) sum_q[lane*SUM +: SUM] <= base + contribution;
        //%- else %//
        if (count_valid_i) sum_q[lane*SUM +: SUM] <= <: only_sum :>;
        //%- endif %//
      end
    end
  endgenerate

  assign sum_o = sum_q;

endmodule

`default_nettype wire
