// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Sequencer: frames, layers and the loops over the vectors of a layer, outermost first: group of
// channels, block of pixels, tile of the weights (plane, pass), plane of bits of what the layer
// reads, pixel.
// Parameters: Layers, Samples, Groups, Blocks, Passes, Planes, Bits (planes of bits) and Pixels (of
//     a block), most of each, from 1; one that is 1 has no counter. Skips: 1, tiles are left out,
//     as bincim_tile_counter has it. CycleWidth, bits of the cycles of a layer. The other widths
//     follow.
// Latency: the state of a cycle is that of the vector which reaches the array two cycles later.
// Reset: asynchronous; no frame runs. All counters stand at their first value.
// Protocol: frame_ready_i: a frame is wanted and complete, its scores have room and its first tile
//     is loaded; it starts in that cycle (frame_start_o) and takes over last_plane_i and
//     last_sample_i. Layers from first_drawn_i on run once a sample. What a layer
//     says stands beside walk_layer_o, whose vectors are issued, and moves on with layer_drained_i,
//     the layer's last vector leaves for the array; layer_o moves on with layer_done_i, its result
//     is there, and layer_cycles_o are its cycles. Issues wait for advance_i. Towards the walk:
//     walk_start_o, it goes to the origin; walk_back_o, the next vector is the block's first one;
//     block_end_o, it begins another block. tile_first_o: the vector is the first one of its tile,
//     which all planes of bits meet before the next tile comes.

`default_nettype none

module bincim_sequencer #(
    parameter Layers = 2,
    parameter Samples = 1,
    parameter Groups = 1,
    parameter Blocks = 1,
    parameter Passes = 1,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter Bits = 1,
    parameter Pixels = 1,
    parameter CycleWidth = 16,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter BlockWidth = (Blocks > 1) ? $clog2(Blocks) : 1,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1,
    parameter BitWidth = (Bits > 1) ? $clog2(Bits) : 1,
    parameter PixelWidth = (Pixels > 1) ? $clog2(Pixels) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_ready_i,
    output wire frame_start_o,
    output wire frame_done_o,
    output wire busy_o,
    // Layers and samples.
    input  wire [LayerWidth-1:0] last_layer_i,
    input  wire [LayerWidth-1:0] first_drawn_i,
    input  wire [SampleWidth-1:0] last_sample_i,
    output wire [SampleWidth-1:0] last_sample_o,
    output wire sample_first_o,
    output wire sample_last_o,
    output wire [LayerWidth-1:0] walk_layer_o,
    output wire [LayerWidth-1:0] layer_o,
    output wire layer_start_o,
    input  wire layer_drained_i,
    input  wire layer_done_i,
    output wire [CycleWidth-1:0] layer_cycles_o,
    // The layer's loops; all pixels of a layer may have one sum.
    input  wire [GroupWidth-1:0] last_group_i,
    input  wire [BlockWidth-1:0] last_block_i,
    input  wire [PixelWidth-1:0] last_pixel_i,
    input  wire [PixelWidth-1:0] last_block_last_pixel_i,
    input  wire one_sum_i,
    input  wire [BitWidth-1:0] last_bit_i,
    // Its tiles.
    input  wire [PlaneWidth-1:0] last_plane_i,
    input  wire [PassWidth-1:0] last_pass_i,
    input  wire [PlaneWidth-1:0] layer_last_plane_i,
    input  wire pass_last_i,
    input  wire [PassWidth-1:0] next_pass_i,
    input  wire [PlaneWidth:0] following_plane_i,
    input  wire [PassWidth-1:0] first_pass_i,
    // The vector to be fetched and its place in the loops.
    input  wire advance_i,
    output wire issue_valid_o,
    output wire [GroupWidth-1:0] group_o,
    output wire [PassWidth-1:0] pass_o,
    output wire [PlaneWidth-1:0] plane_o,
    output wire [PlaneWidth-1:0] last_plane_o,
    output wire [BitWidth-1:0] bit_o,
    output wire tile_first_o,
    output wire pass_first_o,
    output wire sum_first_o,
    output wire sum_last_o,
    output wire block_last_o,
    output wire group_last_o,
    output wire layer_last_o,
    // The walk over the pixels.
    output wire walk_start_o,
    output wire walk_back_o,
    output wire block_end_o
);

  // Frames and layers.
  reg busy_q;
  reg issue_q;
  reg layer_start_q;
  reg [CycleWidth-1:0] cycles_q;
  wire last_layer;
  wire frame_last = last_layer & sample_last_o;
  wire layer_start = frame_start_o | (layer_done_i & !frame_last);

  assign frame_start_o = !busy_q & frame_ready_i;
  assign frame_done_o = layer_done_i & frame_last;
  assign busy_o = busy_q;
  assign layer_start_o = layer_start_q;
  assign layer_cycles_o = cycles_q;
  assign issue_valid_o = issue_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      issue_q <= 1'b0;
      layer_start_q <= 1'b0;
      cycles_q <= {CycleWidth{1'b0}};
    end else begin
      if (frame_start_o) busy_q <= 1'b1;
      else if (frame_done_o) busy_q <= 1'b0;
      if (layer_start) issue_q <= 1'b1;
      else if (advance_i & layer_last_o) issue_q <= 1'b0;
      layer_start_q <= layer_start;
      // Counts the first issue cycle of the layer as 1.
      if (layer_start) cycles_q <= {{CycleWidth-1{1'b0}}, 1'b1};
      else if (busy_q) cycles_q <= cycles_q + {{CycleWidth-1{1'b0}}, 1'b1};
    end
  end

  // Samples of the frame.
  generate
    if (Samples > 1) begin : gen_samples
      reg [SampleWidth-1:0] last_sample_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) last_sample_q <= {SampleWidth{1'b0}};
        else if (frame_start_o) last_sample_q <= last_sample_i;
      end

      assign last_sample_o = last_sample_q;
    end else begin : gen_one_sample
      wire unused = &{1'b0, last_sample_i};

      assign last_sample_o = 1'b0;
    end
  endgenerate

  // The next layer's vectors may be issued while results of this one are still on their way.
  wire unused_walk_sample_first;
  wire unused_walk_sample_last;
  wire unused_walk_layer_last;

  bincim_layer_counter #(
      .Layers(Layers),
      .Samples(Samples)
  ) u_walk_layer (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(layer_drained_i),
      .last_layer_i(last_layer_i),
      .first_drawn_i(first_drawn_i),
      .last_sample_i(last_sample_o),
      .layer_o(walk_layer_o),
      .sample_first_o(unused_walk_sample_first),
      .sample_last_o(unused_walk_sample_last),
      .layer_last_o(unused_walk_layer_last)
  );

  bincim_layer_counter #(
      .Layers(Layers),
      .Samples(Samples)
  ) u_layer (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(layer_done_i),
      .last_layer_i(last_layer_i),
      .first_drawn_i(first_drawn_i),
      .last_sample_i(last_sample_o),
      .layer_o(layer_o),
      .sample_first_o(sample_first_o),
      .sample_last_o(sample_last_o),
      .layer_last_o(last_layer)
  );

  // Loops.
  wire group_last;
  wire block_last;
  wire bit_last;
  wire pixel_last;
  wire tiles_first;
  wire tiles_last;
  wire issued = issue_q & advance_i;
  wire bit_end = issued & pixel_last;
  wire tile_end = bit_end & bit_last;
  wire block_end = tile_end & tiles_last;
  wire group_end = block_end & block_last;
  wire [BlockWidth-1:0] unused_block;
  wire unused_plane_end;
  wire [PixelWidth-1:0] pixel;

  bincim_counter #(
      .Count(Groups)
  ) u_group (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(group_end),
      .last_i(last_group_i),
      .value_o(group_o),
      .last_o(group_last)
  );

  bincim_counter #(
      .Count(Blocks)
  ) u_block (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(block_end),
      .last_i(last_block_i),
      .value_o(unused_block),
      .last_o(block_last)
  );

  bincim_tile_counter #(
      .Passes(Passes),
      .Planes(Planes),
      .Skips(Skips)
  ) u_tile (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(tile_end),
      .last_plane_i(last_plane_o),
      .last_pass_i(last_pass_i),
      .layer_last_plane_i(layer_last_plane_i),
      .pass_last_i(pass_last_i),
      .next_pass_i(next_pass_i),
      .following_plane_i(following_plane_i),
      .first_pass_i(first_pass_i),
      .pass_o(pass_o),
      .plane_o(plane_o),
      .first_o(tiles_first),
      .pass_last_o(unused_plane_end),
      .last_o(tiles_last)
  );

  bincim_counter #(
      .Count(Bits)
  ) u_bit (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(bit_end),
      .last_i(last_bit_i),
      .value_o(bit_o),
      .last_o(bit_last)
  );

  bincim_counter #(
      .Count(Pixels)
  ) u_pixel (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(issued),
      .last_i(block_last ? last_block_last_pixel_i : last_pixel_i),
      .value_o(pixel),
      .last_o(pixel_last)
  );

  // All planes of bits of a tile, and all tiles of a block, add to the same sums.
  wire pixel_first = (pixel == {PixelWidth{1'b0}});
  wire bit_first = (bit_o == {BitWidth{1'b0}});
  wire bits_last = bit_last & tiles_last;

  assign tile_first_o = pixel_first & bit_first;
  assign pass_first_o = tiles_first;
  assign sum_first_o = tiles_first & bit_first & (pixel_first | !one_sum_i);
  assign sum_last_o = bits_last & (pixel_last | !one_sum_i);
  assign block_last_o = pixel_last;
  assign group_last_o = pixel_last & bits_last & block_last;
  assign layer_last_o = issue_q & group_last_o & group_last;

  assign walk_start_o = !issue_q | group_end;
  assign walk_back_o = pixel_last & !bits_last;
  assign block_end_o = block_end;

  // Planes of the weights that the frame runs.
  generate
    if (Planes > 1) begin : gen_planes
      localparam [31:0] ALL = Planes - 1;
      reg [PlaneWidth-1:0] last_plane_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) last_plane_q <= ALL[PlaneWidth-1:0];
        else if (frame_start_o) last_plane_q <= last_plane_i;
      end

      assign last_plane_o = last_plane_q;
    end else begin : gen_one_plane
      wire unused = &{1'b0, last_plane_i};

      assign last_plane_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
