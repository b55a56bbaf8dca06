// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Accumulators: add up the counts of a vector's passes, lane by lane.
// Parameters: Lanes, Count, bits of a lane's count, and Sum, bits of its sum, from 1. Signed: 1,
//     counts are two's complement. Depth: sums that wait while other vectors of their block are
//     counted, from 0, where the sum's own register holds it. Driven: bits of the number of driven
//     rows, from 0, where counts are products themselves; else a count is of equal rows, and counts
//     less those that differ. Stages: cycles from driven rows to their count. Shift: bits of
//     scale_i as a shift of the product; Scale: bits of scale_i as a factor; 0 and 0, the product
//     counts once. AddressWidth follows from Depth.
// Latency: 1, from count to sum.
// Reset: asynchronous; the next sum is the first of a block. Sums have none.
// Protocol: count_valid_i stands with count_i, with scale_i and lanes_i of its pass, and in a
//     vector's first pass with count_first_i. fetch_valid_i stands one cycle ahead of it, with
//     fetch_block_last_i at the last vector of a block, and stored_valid_i one cycle behind it. In
//     a block of fewer than three vectors a sum waits in its own register (in_register_i), which so
//     serves blocks of one.

`default_nettype none

module bincim_accumulator #(
    parameter Lanes = 4,
    parameter Count = 4,
    parameter Sum = 8,
    parameter Signed = 0,
    parameter Depth = 0,
    parameter Driven = 0,
    parameter Stages = 1,
    parameter Shift = 0,
    parameter Scale = 0,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // The layer's sums wait in the sum's own register.
    input  wire in_register_i,
    input  wire fetch_valid_i,
    input  wire fetch_block_last_i,
    // Rows that the vector drives, Stages cycles ahead of its count.
    input  wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_i,
    // Counts are products themselves, whatever is driven.
    input  wire weighted_i,
    input  wire count_valid_i,
    input  wire count_first_i,
    input  wire [Lanes*Count-1:0] count_i,
    input  wire [((Shift + Scale > 0) ? Shift + Scale : 1)-1:0] scale_i,
    // Lanes that the pass adds to.
    input  wire [Lanes-1:0] lanes_i,
    input  wire stored_valid_i,
    output wire [Lanes*Sum-1:0] sum_o
);

  reg [Lanes*Sum-1:0] sum_q;
  wire [Lanes*Sum-1:0] held;
  wire [Sum-1:0] driven;
  wire weighted;

  generate
    if (Depth > 0) begin : gen_memory
      localparam [AddressWidth-1:0] FIRST = {AddressWidth{1'b0}};
      localparam [AddressWidth-1:0] ONE = {{AddressWidth-1{1'b0}}, 1'b1};

      // Vector of the block, for the read now and for the write of the same vector's sum.
      reg [AddressWidth-1:0] fetch_address_q;
      reg [AddressWidth-1:0] count_address_q;
      reg [AddressWidth-1:0] sum_address_q;
      wire [Lanes*Sum-1:0] stored;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) fetch_address_q <= FIRST;
        else if (fetch_valid_i) begin
          fetch_address_q <= fetch_block_last_i ? FIRST : fetch_address_q + ONE;
        end
      end

      always @(posedge clk_i) begin
        count_address_q <= fetch_address_q;
        sum_address_q <= count_address_q;
      end

      // A block is long enough that a sum is written before it is read again.
      bincim_ram_1r1w #(
          .Width(Lanes * Sum),
          .Depth(Depth)
      ) u_memory (
          .clk_i(clk_i),
          .write_i(stored_valid_i & !in_register_i),
          .write_address_i(sum_address_q),
          .write_data_i(sum_q),
          .read_i(1'b1),
          .read_address_i(fetch_address_q),
          .read_data_o(stored)
      );

      assign held = in_register_i ? sum_q : stored;
    end else begin : gen_register
      wire unused = &{1'b0, rst_ni, in_register_i, fetch_valid_i, fetch_block_last_i,
                      stored_valid_i};

      assign held = sum_q;
    end

    if (Driven > 0) begin : gen_driven
      // The number of driven rows meets the count behind the array.
      reg [Stages*Driven-1:0] driven_q;
      wire [Stages*Driven+Driven-1:0] next = {driven_q, driven_rows_i};
      wire unused_next = &{1'b0, next[Stages*Driven +: Driven]};
      wire [Sum+Driven-1:0] wide = {{Sum{1'b0}}, driven_q[(Stages-1)*Driven +: Driven]};
      wire unused_wide = &{1'b0, wide[Sum+Driven-1:Sum]};

      always @(posedge clk_i) begin
        driven_q <= next[Stages*Driven-1:0];
      end

      assign driven = wide[Sum-1:0];
      assign weighted = weighted_i;
    end else begin : gen_not_driven
      wire unused_driven = &{1'b0, driven_rows_i, weighted_i};

      assign driven = {Sum{1'b0}};
      assign weighted = 1'b1;
    end
  endgenerate

  genvar lane;
  genvar place;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Count-1:0] own_count = count_i[lane*Count +: Count];
      wire [Sum+Count-1:0] wide_count = {{Sum{(Signed != 0) & own_count[Count-1]}}, own_count};
      // No layer uses so many rows that bits above the sum's are ever set.
      wire unused_count = &{1'b0, wide_count[Sum+Count-1:Sum]};
      wire [Sum-1:0] count = wide_count[Sum-1:0];
      // Equal rows minus unequal ones, among those that are driven.
      wire [Sum-1:0] product = weighted ? count : (count << 1) - driven;
      wire [Sum-1:0] scaled;
      wire [Sum-1:0] contribution = {Sum{lanes_i[lane]}} & scaled;
      wire [Sum-1:0] base = count_first_i ? {Sum{1'b0}} : held[lane*Sum +: Sum];

      if (Shift > 0) begin : gen_shift
        assign scaled = product << scale_i;
      end else if (Scale > 0) begin : gen_scale
        // The bits of the factor, one after the other.
        wire [(Scale+1)*Sum-1:0] part;

        assign part[0 +: Sum] = {Sum{1'b0}};
        for (place = 0; place < Scale; place = place + 1) begin : gen_bit
          assign part[(place+1)*Sum +: Sum] =
              part[place*Sum +: Sum] + ({Sum{scale_i[place]}} & (product << place));
        end
        assign scaled = part[Scale*Sum +: Sum];
      end else begin : gen_once
        wire unused_scale = &{1'b0, scale_i};

        assign scaled = product;
      end

      always @(posedge clk_i) begin
        if (count_valid_i) sum_q[lane*Sum +: Sum] <= base + contribution;
      end
    end
  endgenerate

  assign sum_o = sum_q;

endmodule

`default_nettype wire
