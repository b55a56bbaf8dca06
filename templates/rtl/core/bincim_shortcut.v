// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Shortcut unit: keeps the sums of one layer and hands them to the layer that adds them to its own.
// Groups and pixels come in the same order in both, so that counters are addresses.
// Parameters: Lanes, sums at once, and Width, bits of a sum, from 1. Depth, groups and pixels that
//     are kept, from 1. Signed: 1, sums are two's complement. Pools: 1, a layer that keeps may
//     pool, and keeps the largest sum of a window. AddressWidth follows from Depth.
// Latency: 1, from sum to memory and from a vector's first count to the next one's kept sums.
// Reset: asynchronous; both counters are 0. Sums have none: they are written before they are read.
// Protocol: layer_start_i as a layer begins; adds_i and keeps_i stand while it runs. count_valid_i
//     with count_first_i for each vector, whose kept sums stand beside them; result_valid_i, one
//     cycle behind the vector's last sum, with result_window_last_i where a window is complete.

`default_nettype none

module bincim_shortcut #(
    parameter Lanes = 4,
    parameter Width = 8,
    parameter Depth = 16,
    parameter Signed = 1,
    parameter Pools = 0,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire layer_start_i,
    // The layer's sums start from those that were kept; they are kept.
    input  wire adds_i,
    input  wire keeps_i,
    // First count of a vector's sum.
    input  wire count_valid_i,
    input  wire count_first_i,
    output wire [Lanes*Width-1:0] kept_o,
    // Sum, one cycle ahead of the result.
    input  wire [Lanes*Width-1:0] sum_i,
    input  wire result_window_last_i,
    input  wire result_valid_i
);

  localparam [AddressWidth-1:0] ONE = {{AddressWidth-1{1'b0}}, 1'b1};

  // Entry of the next vector; the memory reads one cycle ahead.
  reg  [AddressWidth-1:0] read_address_q;
  wire read_next = count_valid_i & count_first_i;
  wire [AddressWidth-1:0] read_address = read_next ? read_address_q + ONE : read_address_q;
  wire [Lanes*Width-1:0] kept;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) read_address_q <= {AddressWidth{1'b0}};
    else if (layer_start_i) read_address_q <= {AddressWidth{1'b0}};
    else read_address_q <= read_address;
  end

  assign kept_o = kept & {Lanes*Width{adds_i}};

  // Entry of the next result.
  reg  [AddressWidth-1:0] write_address_q;
  wire write = result_valid_i & keeps_i & result_window_last_i;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) write_address_q <= {AddressWidth{1'b0}};
    else if (layer_start_i) write_address_q <= {AddressWidth{1'b0}};
    else if (write) write_address_q <= write_address_q + ONE;
  end

  // The sum, beside its result.
  reg [Lanes*Width-1:0] sum_q;
  wire [Lanes*Width-1:0] largest;

  always @(posedge clk_i) begin
    sum_q <= sum_i;
  end

  generate
    if (Pools != 0) begin : gen_pools
      // Largest sum of the pooling window so far.
      reg within_q;
      reg [Lanes*Width-1:0] largest_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) within_q <= 1'b0;
        else if (result_valid_i) within_q <= !result_window_last_i;
      end

      always @(posedge clk_i) begin
        if (result_valid_i) largest_q <= largest;
      end
    end
  endgenerate

  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Width-1:0] sum = sum_q[lane*Width +: Width];
      if (Pools != 0) begin : gen_largest
        wire [Width-1:0] held = gen_pools.largest_q[lane*Width +: Width];
        wire larger;
        if (Signed != 0) begin : gen_signed
          assign larger = $signed(held) > $signed(sum);
        end else begin : gen_unsigned
          assign larger = held > sum;
        end
        assign largest[lane*Width +: Width] = (gen_pools.within_q & larger) ? held : sum;
      end else begin : gen_sum
        assign largest[lane*Width +: Width] = sum;
      end
    end
  endgenerate

  // An entry is read by the vector whose sum then takes its place, long before it is written.
  bincim_ram_1r1w #(
      .Width(Lanes * Width),
      .Depth(Depth)
  ) u_memory (
      .clk_i(clk_i),
      .write_i(write),
      .write_address_i(write_address_q),
      .write_data_i(largest),
      .read_i(1'b1),
      .read_address_i(read_address),
      .read_data_o(kept)
  );

endmodule

`default_nettype wire
