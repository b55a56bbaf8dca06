// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Shortcut unit: keeps the sums of one layer and hands them to the layer that adds them to its own.
// Groups and pixels come in the same order in both, so that counters are addresses.
// Latency: 1, from sum to memory and from a vector's first count to the next one's kept sums.

`default_nettype none

module shortcut_unit (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire layer_start_i,
    // The layer's sums start from those that were kept; they are kept.
    input  wire adds_i,
    input  wire keeps_i,
    // First count of a vector's sum.
    input  wire count_valid_i,
    //%- if v.accumulates %//
    input  wire count_first_i,
    //%- endif %//
    output wire [<: v.lanes * v.accumulator_width - 1 :>:0] kept_o,
    // Sum, one cycle ahead of the result.
    input  wire [<: v.lanes * v.accumulator_width - 1 :>:0] sum_i,
    //%- if v.shortcut_pools %//
    input  wire result_window_last_i,
    //%- endif %//
    input  wire result_valid_i
);

  localparam LANES = <: v.lanes :>;
  localparam SUM = <: v.accumulator_width :>;
  localparam ADDRESS = <: v.shortcut_address_width :>;

  // Entry of the next vector; the memory reads one cycle ahead.
  reg  [ADDRESS-1:0] read_address_q;
  wire read_next = count_valid_i<: first :>;
  wire [ADDRESS-1:0] read_address = read_address_q + <: next :>;
  wire [LANES*SUM-1:0] kept;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) read_address_q <= {ADDRESS{1'b0}};
    else if (layer_start_i) read_address_q <= {ADDRESS{1'b0}};
    else read_address_q <= read_address;
  end

  assign kept_o = kept & {LANES*SUM{adds_i}};

  // Entry of the next result.
  reg  [ADDRESS-1:0] write_address_q;
  wire write = result_valid_i & keeps_i<: window_last :>;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) write_address_q <= {ADDRESS{1'b0}};
    else if (layer_start_i) write_address_q <= {ADDRESS{1'b0}};
    else if (write) write_address_q <= write_address_q + <: one :>;
  end

  // The sum, beside its result.
  reg [LANES*SUM-1:0] sum_q;

  always @(posedge clk_i) begin
    sum_q <= sum_i;
  end
  //%- if v.shortcut_pools %//

  // Largest sum of the pooling window so far.
  reg within_q;
  reg [LANES*SUM-1:0] largest_q;
  wire [LANES*SUM-1:0] largest;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) within_q <= 1'b0;
    else if (result_valid_i) within_q <= !result_window_last_i;
  end

  always @(posedge clk_i) begin
    if (result_valid_i) largest_q <= largest;
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [SUM-1:0] sum = sum_q[lane*SUM +: SUM];
      wire [SUM-1:0] held = largest_q[lane*SUM +: SUM];
      assign largest[lane*SUM +: SUM] = (within_q & (<: larger :>)) ? held : sum;
    end
  endgenerate
  //%- endif %//

  // An entry is read by the vector whose sum then takes its place, long before it is written.
  <: memory.at(2) :> u_shortcut_memory (
      .clk_i(clk_i),
      .write_i(write),
      .write_address_i(write_address_q),
      .write_data_i(<: kept_sum :>),
      .read_i(1'b1),
      .read_address_i(read_address),
      .read_data_o(kept)
  );

endmodule

`default_nettype wire
