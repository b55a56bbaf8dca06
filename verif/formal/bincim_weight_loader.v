// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The shadow is complete at a swap: it holds the words of the tile whose turn it is, in their
// places, whenever swaps come and through rewound blocks. A word is its address here.
// Where weights are drawn, the first word of a frame waits until its noise is there, and each first
// word of a sample, of a group, of a group once more is told as such.
// Assumed: a swap takes a tile that is ready.

module properties #(
    parameter Samples = 1,
    parameter Drawn = 0,
    parameter Groups = 2,
    parameter Blocks = 2,
    parameter Passes = 2,
    // Words of a tile, and of one of the last pass.
    parameter TileWords = 2,
    parameter LastWords = 1,
    parameter AddressWidth = 5,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter BlockWidth = (Blocks > 1) ? $clog2(Blocks) : 1,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter WordWidth = (TileWords > 1) ? $clog2(TileWords) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire seeded_i,
    input wire tile_swap_i
);

  localparam GROUP_WORDS = (Passes - 1) * TileWords + LastWords;
  localparam [31:0] LAST_SAMPLE = Samples - 1;
  localparam [31:0] LAST_GROUP = Groups - 1;
  localparam [31:0] LAST_BLOCK = Blocks - 1;
  localparam [31:0] LAST_PASS = Passes - 1;
  localparam [31:0] LAST_WORD = TileWords - 1;
  localparam [31:0] LAST_PASS_LAST_WORD = LastWords - 1;

  wire read;
  wire [AddressWidth-1:0] address;
  wire [TileWords-1:0] write;
  wire ready;
  wire draw_layer;
  wire sample_start;
  wire group_start;
  wire group_again;
  wire draw;
  wire unused_layer;
  wire unused_plane;
  wire [GroupWidth-1:0] unused_group;
  wire [PassWidth-1:0] unused_pass;

  bincim_weight_loader #(
      .Layers(1),
      .Samples(Samples),
      .Drawn(Drawn),
      .Groups(Groups),
      .Blocks(Blocks),
      .Passes(Passes),
      .Words(TileWords),
      .TileWords(TileWords),
      .AddressWidth(AddressWidth)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .last_layer_i(1'b0),
      .first_drawn_i(1'b0),
      .last_sample_i(LAST_SAMPLE[SampleWidth-1:0]),
      .drawn_address_i({AddressWidth{1'b0}}),
      .seeded_i(seeded_i),
      .draw_layer_o(draw_layer),
      .sample_start_o(sample_start),
      .group_start_o(group_start),
      .group_again_o(group_again),
      .draw_o(draw),
      .layer_o(unused_layer),
      .last_group_i(LAST_GROUP[GroupWidth-1:0]),
      .last_block_i(LAST_BLOCK[BlockWidth-1:0]),
      .last_pass_i(LAST_PASS[PassWidth-1:0]),
      .layer_last_plane_i(1'b0),
      .pass_last_i(1'b0),
      .next_pass_i({PassWidth{1'b0}}),
      .following_plane_i(2'd0),
      .first_pass_i({PassWidth{1'b0}}),
      .group_words_i(GROUP_WORDS),
      .last_word_i(LAST_WORD[WordWidth-1:0]),
      .last_pass_last_word_i(LAST_PASS_LAST_WORD[WordWidth-1:0]),
      .group_o(unused_group),
      .pass_o(unused_pass),
      .plane_o(unused_plane),
      .frame_start_i(1'b0),
      .last_plane_i(1'b0),
      .read_o(read),
      .address_o(address),
      .write_o(write),
      .tile_ready_o(ready),
      .tile_swap_i(tile_swap_i)
  );

  // The memory's data register, and the shadow cells.
  reg started = 1'b0;
  reg [AddressWidth-1:0] data_q;
  reg [AddressWidth-1:0] drawn_q;
  wire [AddressWidth-1:0] entering = (Drawn != 0) ? drawn_q : data_q;
  reg [TileWords*AddressWidth-1:0] shadow_q;
  reg [TileWords-1:0] written_q = {TileWords{1'b0}};
  // Words read of the frame so far.
  reg [7:0] read_q = 8'd0;
  wire [7:0] of_sample = read_q % (Groups * Blocks * GROUP_WORDS);
  wire [7:0] of_group = of_sample % (Blocks * GROUP_WORDS);
  // The tile whose turn it is.
  reg [7:0] group_q = 8'd0;
  reg [7:0] block_q = 8'd0;
  reg [7:0] pass_q = 8'd0;
  wire [7:0] base = group_q * GROUP_WORDS + pass_q * TileWords;
  wire [7:0] words = (pass_q == Passes - 1) ? LastWords : TileWords;
  integer word;

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (read) data_q <= address;
    if (draw) drawn_q <= data_q;
    for (word = 0; word < TileWords; word = word + 1) begin
      if (write[word]) shadow_q[word*AddressWidth +: AddressWidth] <= entering;
    end
    written_q <= (tile_swap_i ? {TileWords{1'b0}} : written_q) | write;
    if (rst_ni & read) read_q <= (read_q == Samples * Groups * Blocks * GROUP_WORDS - 1) ? 8'd0 : read_q + 8'd1;
    if (tile_swap_i) begin
      pass_q <= (pass_q == Passes - 1) ? 8'd0 : pass_q + 8'd1;
      if (pass_q == Passes - 1) begin
        block_q <= (block_q == Blocks - 1) ? 8'd0 : block_q + 8'd1;
        if (block_q == Blocks - 1) group_q <= (group_q == Groups - 1) ? 8'd0 : group_q + 8'd1;
      end
    end
  end

  always @* begin
    assume (started == rst_ni);
    assume (!tile_swap_i | (rst_ni & ready));
    if (rst_ni & ready) begin
      for (word = 0; word < TileWords; word = word + 1) begin
        if (word < words) begin
          assert (written_q[word]);
          assert (shadow_q[word*AddressWidth +: AddressWidth] == base + word);
        end
      end
    end
    if (rst_ni & read & (Drawn != 0)) begin
      assert (draw_layer);
      assert (sample_start == (of_sample == 8'd0));
      assert (group_start == (of_group == 8'd0));
      assert (group_again == (of_group != 8'd0 && of_group % GROUP_WORDS == 8'd0));
      assert (read_q != 8'd0 || seeded_i);
    end
    // No word enters a tile that is ready, unless that is taken away.
    if (rst_ni) assert (!(ready && !tile_swap_i && (|write)));
  end

endmodule
