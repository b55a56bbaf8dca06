// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The vectors of a layer in their order: groups, blocks, planes of weights, passes, planes of bits,
// pixels, each from its first to the last that the layer says; every vector of the loops is issued
// once, and tells of which loops it is the first or the last. Whatever the stalls.
// Assumed: a layer says the same while its vectors are issued; it is drained after its last one was,
// and done after that.

module properties #(
    parameter Layers = 2,
    parameter Groups = 2,
    parameter Blocks = 2,
    parameter Passes = 2,
    parameter Planes = 1,
    parameter Bits = 2,
    parameter Pixels = 2,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter BlockWidth = (Blocks > 1) ? $clog2(Blocks) : 1,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1,
    parameter BitWidth = (Bits > 1) ? $clog2(Bits) : 1,
    parameter PixelWidth = (Pixels > 1) ? $clog2(Pixels) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire frame_ready_i,
    input wire layer_drained_i,
    input wire layer_done_i,
    input wire advance_i,
    input wire [LayerWidth-1:0] last_layer_i,
    input wire [GroupWidth-1:0] last_group_i,
    input wire [BlockWidth-1:0] last_block_i,
    input wire [PassWidth-1:0] last_pass_i,
    input wire [PlaneWidth-1:0] layer_last_plane_i,
    input wire [PlaneWidth-1:0] last_plane_i,
    input wire [BitWidth-1:0] last_bit_i,
    input wire [PixelWidth-1:0] last_pixel_i,
    input wire [PixelWidth-1:0] last_block_last_pixel_i,
    input wire one_sum_i
);

  wire frame_start;
  wire frame_done;
  wire issue_valid;
  wire [GroupWidth-1:0] group;
  wire [PassWidth-1:0] pass;
  wire [PlaneWidth-1:0] plane;
  wire [PlaneWidth-1:0] last_plane;
  wire [BitWidth-1:0] code_bit;
  wire tile_first;
  wire pass_first;
  wire sum_first;
  wire sum_last;
  wire block_last;
  wire group_last;
  wire layer_last;
  wire walk_start;
  wire walk_back;
  wire block_end;

  bincim_sequencer #(
      .Layers(Layers),
      .Groups(Groups),
      .Blocks(Blocks),
      .Passes(Passes),
      .Planes(Planes),
      .Bits(Bits),
      .Pixels(Pixels),
      .CycleWidth(2)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_ready_i(frame_ready_i),
      .frame_start_o(frame_start),
      .frame_done_o(frame_done),
      .busy_o(),
      .last_layer_i(last_layer_i),
      .first_drawn_i({LayerWidth{1'b0}}),
      .last_sample_i(1'b0),
      .last_sample_o(),
      .sample_first_o(),
      .sample_last_o(),
      .walk_layer_o(),
      .layer_o(),
      .layer_start_o(),
      .layer_drained_i(layer_drained_i),
      .layer_done_i(layer_done_i),
      .layer_cycles_o(),
      .last_group_i(last_group_i),
      .last_block_i(last_block_i),
      .last_pixel_i(last_pixel_i),
      .last_block_last_pixel_i(last_block_last_pixel_i),
      .one_sum_i(one_sum_i),
      .last_bit_i(last_bit_i),
      .last_plane_i(last_plane_i),
      .last_pass_i(last_pass_i),
      .layer_last_plane_i(layer_last_plane_i),
      .pass_last_i(1'b0),
      .next_pass_i({PassWidth{1'b0}}),
      .following_plane_i({PlaneWidth+1{1'b0}}),
      .first_pass_i({PassWidth{1'b0}}),
      .advance_i(advance_i),
      .issue_valid_o(issue_valid),
      .group_o(group),
      .pass_o(pass),
      .plane_o(plane),
      .last_plane_o(last_plane),
      .bit_o(code_bit),
      .tile_first_o(tile_first),
      .pass_first_o(pass_first),
      .sum_first_o(sum_first),
      .sum_last_o(sum_last),
      .block_last_o(block_last),
      .group_last_o(group_last),
      .layer_last_o(layer_last),
      .walk_start_o(walk_start),
      .walk_back_o(walk_back),
      .block_end_o(block_end)
  );

  reg started = 1'b0;
  // Where the loops stand; a layer is issued, then drained, then done.
  reg issues_q = 1'b0;
  reg drains_q = 1'b0;
  reg ends_q = 1'b0;
  reg [2:0] group_q = 3'd0;
  reg [2:0] block_q = 3'd0;
  reg [2:0] plane_q = 3'd0;
  reg [2:0] pass_q = 3'd0;
  reg [2:0] bit_q = 3'd0;
  reg [2:0] pixel_q = 3'd0;
  reg [PlaneWidth-1:0] frame_plane_q;

  wire [PlaneWidth-1:0] runs =
      (frame_plane_q < layer_last_plane_i) ? frame_plane_q : layer_last_plane_i;
  wire at_pixel = (pixel_q == ((block_q == last_block_i) ? last_block_last_pixel_i : last_pixel_i));
  wire at_bit = at_pixel & (bit_q == last_bit_i);
  wire at_pass = at_bit & (pass_q == last_pass_i);
  wire at_plane = at_pass & (plane_q == runs);
  wire at_block = at_plane & (block_q == last_block_i);
  wire at_group = at_block & (group_q == last_group_i);
  // The first vector of a sum's first tile, the last tile, and every plane of bits of them.
  wire tiles_first = (plane_q == 3'd0) & (pass_q == 3'd0);
  wire tiles_last = (plane_q == runs) & (pass_q == last_pass_i);

  // What the layer said in the cycle before.
  localparam SAID =
      GroupWidth + BlockWidth + PassWidth + PlaneWidth + BitWidth + 2 * PixelWidth + 1;
  wire [SAID-1:0] said = {last_group_i, last_block_i, last_pass_i, layer_last_plane_i, last_bit_i,
                          last_pixel_i, last_block_last_pixel_i, one_sum_i};
  reg [SAID-1:0] said_q;
  reg [LayerWidth-1:0] last_layer_q;

  always @(posedge clk_i) begin
    started <= 1'b1;
    said_q <= said;
    last_layer_q <= last_layer_i;
    if (frame_start) frame_plane_q <= last_plane_i;
    if (!rst_ni) begin
      issues_q <= 1'b0;
      drains_q <= 1'b0;
      ends_q <= 1'b0;
    end else begin
      if (frame_start | (layer_done_i & !frame_done)) issues_q <= 1'b1;
      if (layer_drained_i) begin
        drains_q <= 1'b0;
        ends_q <= 1'b1;
      end
      if (layer_done_i) ends_q <= 1'b0;
      if (issues_q & advance_i) begin
        pixel_q <= at_pixel ? 3'd0 : pixel_q + 3'd1;
        if (at_pixel) bit_q <= at_bit ? 3'd0 : bit_q + 3'd1;
        if (at_bit) pass_q <= at_pass ? 3'd0 : pass_q + 3'd1;
        if (at_pass) plane_q <= at_plane ? 3'd0 : plane_q + 3'd1;
        if (at_plane) block_q <= at_block ? 3'd0 : block_q + 3'd1;
        if (at_block) group_q <= at_group ? 3'd0 : group_q + 3'd1;
        if (at_group) begin
          issues_q <= 1'b0;
          drains_q <= 1'b1;
        end
      end
    end
  end

  always @* begin
    assume (started == rst_ni);
    assume ({1'b0, last_layer_i} < Layers);
    assume ({1'b0, last_group_i} < Groups);
    assume ({1'b0, last_block_i} < Blocks);
    assume ({1'b0, last_pass_i} < Passes);
    assume ({1'b0, layer_last_plane_i} < Planes);
    assume ({1'b0, last_plane_i} < Planes);
    assume ({1'b0, last_bit_i} < Bits);
    assume ({1'b0, last_pixel_i} < Pixels);
    assume ({1'b0, last_block_last_pixel_i} < Pixels);
    assume (!layer_drained_i | drains_q);
    assume (!layer_done_i | ends_q);
    if (started) assume (last_layer_i == last_layer_q);
    if (issues_q) assume (said == said_q);
    if (started & rst_ni) begin
      assert (issue_valid == issues_q);
      assert (walk_start == (!issues_q | (advance_i & at_block)));
      assert (layer_last == (issues_q & at_group));
      assert (block_end == (issues_q & advance_i & at_plane));
    end
    if (issues_q) begin
      assert (group == group_q && plane == plane_q && pass == pass_q && code_bit == bit_q);
      assert (last_plane == frame_plane_q);
      assert (tile_first == (bit_q == 3'd0 && pixel_q == 3'd0));
      assert (pass_first == tiles_first);
      assert (sum_first == (tiles_first && bit_q == 3'd0 && (pixel_q == 3'd0 || !one_sum_i)));
      assert (sum_last == (tiles_last && bit_q == last_bit_i && (at_pixel || !one_sum_i)));
      assert (block_last == at_pixel);
      assert (walk_back == (at_pixel & !at_plane));
      assert (group_last == at_block);
    end
  end

endmodule
