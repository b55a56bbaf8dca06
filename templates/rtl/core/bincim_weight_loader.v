// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight loader: fills the shadow cells tile by tile, one word a cycle, in the sequencer's order.
// It runs ahead by itself: the next tile's first word enters with the very edge of the swap.
// Parameters: Layers, Samples, Groups, Blocks, Passes, Planes, most of each, from 1, and Skips as
//     in bincim_sequencer. Drawn: 1, weights are drawn on their way, and Planes is 1. Words, of all
//     rows of the array, and TileWords, most of a tile, from 1. AddressWidth, bits of an address of
//     the weight memory. The other widths follow.
// Latency: 2, from address to shadow cells; with Drawn 3.
// Reset: asynchronous; the first tile of the first layer is loaded. What the shadow cells and the
//     memory's data register hold is not looked at then.
// Protocol: what a layer says stands beside layer_o, that of a group beside group_o. The memory's
//     data register is the second stage: it takes the word of address_o with read_o, write_o says
//     with one bit a word where it goes. tile_ready_o: a whole tile stands in the shadow cells,
//     which tile_swap_i takes away. With Planes the last word of a frame's first tile waits for the
//     frame: last_plane_i stands in the cycle behind frame_start_i. With Drawn the word of the data
//     register is drawn with draw_o, and write_o is one register behind. Layers from first_drawn_i
//     on are drawn, their words begin at drawn_address_i and come once a sample; the first one of a
//     frame waits for seeded_i. draw_layer_o, sample_start_o, group_start_o and group_again_o stand
//     with read_o: the word is one of such a layer, the first of a sample, of a group, of a group
//     once more.

`default_nettype none

module bincim_weight_loader #(
    parameter Layers = 2,
    parameter Samples = 1,
    parameter Drawn = 0,
    parameter Groups = 1,
    parameter Blocks = 1,
    parameter Passes = 1,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter Words = 2,
    parameter TileWords = 2,
    parameter AddressWidth = 8,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1,
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
    input  wire [LayerWidth-1:0] first_drawn_i,
    input  wire [SampleWidth-1:0] last_sample_i,
    input  wire [AddressWidth-1:0] drawn_address_i,
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
    // Draws.
    input  wire seeded_i,
    output wire draw_layer_o,
    output wire sample_start_o,
    output wire group_start_o,
    output wire group_again_o,
    output wire draw_o,
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
  wire sample_end = layer_end & layer_last;

  wire sample_first;
  wire sample_last;

  bincim_layer_counter #(
      .Layers(Layers),
      .Samples(Samples)
  ) u_layer (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(layer_end),
      .last_layer_i(last_layer_i),
      .first_drawn_i(first_drawn_i),
      .last_sample_i(last_sample_i),
      .layer_o(layer_o),
      .sample_first_o(sample_first),
      .sample_last_o(sample_last),
      .layer_last_o(layer_last)
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

  wire [BlockWidth-1:0] block;

  bincim_counter #(
      .Count(Blocks)
  ) u_block (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(block_end),
      .last_i(last_block_i),
      .value_o(block),
      .last_o(block_last)
  );

  wire first_tile;
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
      .first_o(first_tile),
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
  wire [AddressWidth-1:0] sample_address;

  assign address_o = address_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) address_q <= FIRST_ADDRESS;
    else if (sample_end) address_q <= sample_address;
    else if (block_again) address_q <= group_address;
    else if (group_end) address_q <= next_group;
    else if (fetch) address_q <= address_next;
  end

  generate
    if (Blocks > 1 || Planes > 1) begin : gen_group
      reg [AddressWidth-1:0] group_address_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) group_address_q <= FIRST_ADDRESS;
        else if (sample_end) group_address_q <= sample_address;
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
  reg ready_q;
  wire take;
  wire take_last;
  wire into_cells;
  wire cells_free = !ready_q | tile_swap_i;

  assign read_o = fetch;
  assign tile_ready_o = ready_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) ready_q <= 1'b0;
    else if (into_cells) ready_q <= take_last;
    else if (tile_swap_i) ready_q <= 1'b0;
  end

  reg last_q;

  always @(posedge clk_i) begin
    if (fetch) last_q <= word_last;
  end

  // The first word of a frame's first sample waits until its noise is there.
  wire hold;
  wire word_first = (word == FIRST_WORD);
  wire block_first = word_first & first_tile;

  generate
    if (Drawn != 0) begin : gen_drawn
      // The drawn word stands in a register of its own before the shadow cells.
      reg drawn_valid_q;
      reg drawn_last_q;

      assign sample_address = sample_last ? FIRST_ADDRESS : drawn_address_i;
      assign draw_layer_o = (layer_o >= first_drawn_i);
      assign group_start_o = block_first & (block == {BlockWidth{1'b0}});
      assign group_again_o = block_first & (block != {BlockWidth{1'b0}});
      assign sample_start_o = group_start_o & (group_o == {GroupWidth{1'b0}})
                              & (layer_o == first_drawn_i);
      assign hold = sample_start_o & sample_first & !seeded_i;
      assign into_cells = drawn_valid_q & cells_free;
      assign take = valid_q & (!drawn_valid_q | into_cells);
      assign take_last = drawn_last_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) drawn_valid_q <= 1'b0;
        else if (take) drawn_valid_q <= 1'b1;
        else if (into_cells) drawn_valid_q <= 1'b0;
      end

      always @(posedge clk_i) begin
        if (take) drawn_last_q <= last_q;
      end
    end else begin : gen_stored
      wire unused = &{1'b0, seeded_i, drawn_address_i, sample_first, sample_last, block,
                      block_first};

      assign sample_address = FIRST_ADDRESS;
      assign draw_layer_o = 1'b0;
      assign group_start_o = 1'b0;
      assign group_again_o = 1'b0;
      assign sample_start_o = 1'b0;
      assign hold = 1'b0;
      assign into_cells = take;
      assign take = valid_q & cells_free;
      assign take_last = last_q;
    end
  endgenerate

  assign draw_o = take;

  generate
    if (Planes > 1) begin : gen_planes
      // Behind the first tile of a frame the loader waits for the frame, which says how many planes
      // there are.
      reg first_q;
      reg hold_q;
      reg start_q;

      assign next_group = group_address + group_words_i;
      assign tile_end = first_q ? hold_q & start_q : fetch & word_last;
      assign fetch = (!valid_q | take) & !hold_q & !hold;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          first_q <= 1'b1;
          hold_q <= 1'b0;
          start_q <= 1'b0;
          valid_q <= 1'b0;
        end else begin
          if (sample_end) first_q <= 1'b1;
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
      assign fetch = (!valid_q | take) & !hold;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (fetch) valid_q <= 1'b1;
        else if (take) valid_q <= 1'b0;
      end
    end
  endgenerate

  // One bit a word of the tile: the word that goes into the shadow cells.
  generate
    if (Words > 1) begin : gen_select
      reg [Words-1:0] select_q;
      wire [Words-1:0] onward = {select_q[Words-2:0], 1'b0};
      wire [Words-1:0] select;

      always @(posedge clk_i) begin
        if (fetch) select_q <= word_first ? {{Words-1{1'b0}}, 1'b1} : onward;
      end

      if (Drawn != 0) begin : gen_drawn_select
        reg [Words-1:0] drawn_select_q;

        always @(posedge clk_i) begin
          if (take) drawn_select_q <= select_q;
        end

        assign select = drawn_select_q;
      end else begin : gen_stored_select
        assign select = select_q;
      end

      assign write_o = {Words{into_cells}} & select;
    end else begin : gen_one_word
      assign write_o = into_cells;
    end
  endgenerate

endmodule

`default_nettype wire
