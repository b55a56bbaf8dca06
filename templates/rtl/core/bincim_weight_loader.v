// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight loader: fills the shadow cells tile by tile, one word a cycle, in the sequencer's order.
// It runs ahead by itself: the next tile's first word enters with the very edge of the swap.
// Parameters: Layers, Groups, Blocks, Passes, Planes, most of each, from 1, and Skips as in
//     bincim_sequencer. Words, of all rows of the array, and TileWords, most of a tile, from 1.
//     AddressWidth, bits of an address of the weight memory. The other widths follow.
// Latency: 2, from address to shadow cells.
// Reset: asynchronous; the first tile of the first layer is loaded. What the shadow cells and the
//     memory's data register hold is not looked at then.
// Protocol: what a layer says stands beside layer_o, that of a group beside group_o. The memory's
//     data register is the second stage: it takes the word of address_o with read_o, write_o says
//     with one bit a word where it goes. tile_ready_o: a whole tile stands in the shadow cells,
//     which tile_swap_i takes away. With Planes the last word of a frame's first tile waits for the
//     frame: last_plane_i stands in the cycle behind frame_start_i.

`default_nettype none

module bincim_weight_loader #(
    parameter Layers = 2,
    parameter Groups = 1,
    parameter Blocks = 1,
    parameter Passes = 1,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter Words = 2,
    parameter TileWords = 2,
    parameter AddressWidth = 8,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter BlockWidth = (Blocks > 1) ? $clog2(Blocks) : 1,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1,
    parameter WordWidth = (TileWords > 1) ? $clog2(TileWords) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // The layer's loops, its tiles, and the words of a group's tiles.
    input  wire [LayerWidth-1:0] last_layer_i,
    output wire [LayerWidth-1:0] layer_o,
    input  wire [GroupWidth-1:0] last_group_i,
    input  wire [BlockWidth-1:0] last_block_i,
    input  wire [PassWidth-1:0] last_pass_i,
    input  wire [PlaneWidth-1:0] layer_last_plane_i,
    input  wire pass_last_i,
    input  wire [PassWidth-1:0] next_pass_i,
    input  wire [PlaneWidth:0] following_plane_i,
    input  wire [PassWidth-1:0] first_pass_i,
    input  wire [AddressWidth-1:0] group_words_i,
    // The last word of a tile, and of a tile of the last pass.
    input  wire [WordWidth-1:0] last_word_i,
    input  wire [WordWidth-1:0] last_pass_last_word_i,
    output wire [GroupWidth-1:0] group_o,
    output wire [PassWidth-1:0] pass_o,
    output wire [PlaneWidth-1:0] plane_o,
    // The frame.
    input  wire frame_start_i,
    input  wire [PlaneWidth-1:0] last_plane_i,
    // Weight memory.
    output wire read_o,
    output wire [AddressWidth-1:0] address_o,
    // Shadow cells.
    output wire [Words-1:0] write_o,
    output wire tile_ready_o,
    input  wire tile_swap_i
);

  localparam [AddressWidth-1:0] FIRST_ADDRESS = {AddressWidth{1'b0}};
  localparam [WordWidth-1:0] FIRST_WORD = {WordWidth{1'b0}};

  wire fetch;
  wire word_last;
  wire tiles_last;
  wire block_last;
  wire group_last;
  wire layer_last;
  // The tile is fetched, but for its last word where that waits.
  wire tile_end;
  wire block_end = tile_end & tiles_last;
  wire group_end = block_end & block_last;
  wire layer_end = group_end & group_last;
  wire frame_end = layer_end & layer_last;

  bincim_counter #(
      .Count(Layers)
  ) u_layer (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(layer_end),
      .last_i(last_layer_i),
      .value_o(layer_o),
      .last_o(layer_last)
  );

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

  wire [BlockWidth-1:0] unused_block;

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

  wire unused_first_tile;
  wire unused_pass_last;

  bincim_tile_counter #(
      .Passes(Passes),
      .Planes(Planes),
      .Skips(Skips)
  ) u_tile (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(tile_end),
      .last_plane_i(last_plane_i),
      .last_pass_i(last_pass_i),
      .layer_last_plane_i(layer_last_plane_i),
      .pass_last_i(pass_last_i),
      .next_pass_i(next_pass_i),
      .following_plane_i(following_plane_i),
      .first_pass_i(first_pass_i),
      .pass_o(pass_o),
      .plane_o(plane_o),
      .first_o(unused_first_tile),
      .pass_last_o(unused_pass_last),
      .last_o(tiles_last)
  );

  wire [WordWidth-1:0] word;

  bincim_counter #(
      .Count(TileWords)
  ) u_word (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(fetch),
      .last_i((pass_o == last_pass_i) ? last_pass_last_word_i : last_word_i),
      .value_o(word),
      .last_o(word_last)
  );

  // The word to be read next. A block of pixels meets the group's tiles again, and with planes the
  // frame may leave the last ones out.
  reg [AddressWidth-1:0] address_q;
  wire [AddressWidth-1:0] address_next = address_q + {{AddressWidth-1{1'b0}}, 1'b1};
  wire [AddressWidth-1:0] next_group;
  wire block_again;
  wire [AddressWidth-1:0] group_address;

  assign address_o = address_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) address_q <= FIRST_ADDRESS;
    else if (frame_end) address_q <= FIRST_ADDRESS;
    else if (block_again) address_q <= group_address;
    else if (group_end) address_q <= next_group;
    else if (fetch) address_q <= address_next;
  end

  generate
    if (Blocks > 1 || Planes > 1) begin : gen_group
      reg [AddressWidth-1:0] group_address_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) group_address_q <= FIRST_ADDRESS;
        else if (frame_end) group_address_q <= FIRST_ADDRESS;
        else if (group_end) group_address_q <= next_group;
      end

      assign group_address = group_address_q;
      assign block_again = (Blocks > 1) & block_end & !block_last;
    end else begin : gen_one_block
      assign group_address = FIRST_ADDRESS;
      assign block_again = 1'b0;
    end
  endgenerate

  // The word in the memory's data register and the state of the shadow cells.
  reg valid_q;
  reg last_q;
  reg ready_q;
  wire take = valid_q & (!ready_q | tile_swap_i);

  assign read_o = fetch;
  assign tile_ready_o = ready_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ready_q <= 1'b0;
    else if (take) ready_q <= last_q;
  end

  always @(posedge clk_i) begin
    if (fetch) last_q <= word_last;
  end

  generate
    if (Planes > 1) begin : gen_planes
      // Behind the first tile of a frame the loader waits for the frame, which says how many planes
      // there are.
      reg first_q;
      reg hold_q;
      reg start_q;

      assign next_group = group_address + group_words_i;
      assign tile_end = first_q ? hold_q & start_q : fetch & word_last;
      assign fetch = (!valid_q | take) & !hold_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          first_q <= 1'b1;
          hold_q <= 1'b0;
          start_q <= 1'b0;
          valid_q <= 1'b0;
        end else begin
          if (frame_end) first_q <= 1'b1;
          else if (tile_end) first_q <= 1'b0;
          if (tile_end) hold_q <= 1'b0;
          else if (fetch & word_last) hold_q <= 1'b1;
          start_q <= frame_start_i;
          if (fetch) valid_q <= 1'b1;
          else if (take) valid_q <= 1'b0;
        end
      end
    end else begin : gen_one_plane
      wire unused = &{1'b0, group_words_i, frame_start_i};

      assign next_group = address_next;
      assign tile_end = fetch & word_last;
      assign fetch = !valid_q | take;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else valid_q <= 1'b1;
      end
    end
  endgenerate

  // One bit a word of the tile: the word in the data register.
  generate
    if (Words > 1) begin : gen_select
      reg [Words-1:0] select_q;
      wire [Words-1:0] onward = {select_q[Words-2:0], 1'b0};

      always @(posedge clk_i) begin
        if (fetch) select_q <= (word == FIRST_WORD) ? {{Words-1{1'b0}}, 1'b1} : onward;
      end

      assign write_o = {Words{take}} & select_q;
    end else begin : gen_one_word
      wire unused = &{1'b0, word};

      assign write_o = take;
    end
  endgenerate

endmodule

`default_nettype wire
