// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Score buffer: keeps the results of two frames and streams them, pixel by pixel, channel
// innermost; results without pixels class by class.
// Parameters: Lanes, scores of a word, from 1. Width, bits of a score, from 1. Signed: 1, scores
//     are two's complement, else 0. StreamWidth, bits of a beat, from Width. Groups, most words of
//     a pixel, and Pixels, most pixels of a frame, from 1. GroupWidth, PixelWidth, LaneWidth and
//     WordWidth follow.
// Latency: 3, from the last result of a frame to its first beat.
// Reset: asynchronous; no frame is promised room, none complete. Words, scores and the last-beat
//     flag have none: nothing shows them before they are written.
// Protocol: a frame takes room as it starts (room_o) and gives it back with its last score. Words
//     come group by group, pixel by pixel within a group. last_word_i is the last word of a frame,
//     (last_group_i + 1) * (last_pixel_i + 1) - 1; last_lane_i the last lane of the last group.
//     AXI4-Stream, tlast with the last score of a frame.

`default_nettype none

module bincim_score_buffer #(
    parameter Lanes = 4,
    parameter Width = 8,
    parameter Signed = 1,
    parameter StreamWidth = 8,
    parameter Groups = 1,
    parameter Pixels = 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter PixelWidth = (Pixels > 1) ? $clog2(Pixels) : 1,
    parameter LaneWidth = (Lanes > 1) ? $clog2(Lanes) : 1,
    parameter WordWidth = (Groups * Pixels > 1) ? $clog2(Groups * Pixels) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // What the network says.
    input  wire [GroupWidth-1:0] last_group_i,
    input  wire [PixelWidth-1:0] last_pixel_i,
    input  wire [LaneWidth-1:0] last_lane_i,
    input  wire [WordWidth-1:0] last_word_i,
    // A frame needs room from its start on.
    input  wire frame_start_i,
    output wire room_o,
    output wire waiting_o,
    // Results of one group of lanes.
    input  wire write_i,
    input  wire [Lanes*Width-1:0] data_i,
    // AXI4-Stream.
    output wire [StreamWidth-1:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast
);

  localparam WORD = Lanes * Width;
  localparam [31:0] WORDS = Groups * Pixels;
  localparam ADDRESS = $clog2(2 * WORDS);

  // Writing: the words of a frame in order; a frame is complete with its last word.
  reg write_frame_q;
  wire write_last;
  wire [WordWidth-1:0] write_index;

  bincim_counter #(
      .Count(WORDS)
  ) u_write_index (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(write_i),
      .last_i(last_word_i),
      .value_o(write_index),
      .last_o(write_last)
  );

  // Frames with room promised, and frames complete.
  reg [1:0] promised_q;
  reg [1:0] complete_q;
  wire frame_written = write_i & write_last;
  wire frame_read;
  assign room_o = !promised_q[1];
  assign waiting_o = (complete_q != 2'd0);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_frame_q <= 1'b0;
      promised_q <= 2'd0;
      complete_q <= 2'd0;
    end else begin
      if (frame_written) write_frame_q <= !write_frame_q;
      if (frame_start_i & !frame_read) promised_q <= promised_q + 2'd1;
      else if (!frame_start_i & frame_read) promised_q <= promised_q - 2'd1;
      if (frame_written & !frame_read) complete_q <= complete_q + 2'd1;
      else if (!frame_written & frame_read) complete_q <= complete_q - 2'd1;
    end
  end

  // Reading: word, then lane within the word; the beat register frees the memory's output.
  reg read_frame_q;
  reg word_valid_q;
  reg beat_valid_q;
  reg beat_last_q;
  reg [Width-1:0] beat_q;
  wire [WORD-1:0] word;
  wire beat_free = !beat_valid_q | m_axis_tready;
  wire take = word_valid_q & beat_free;
  wire fetch = !word_valid_q & waiting_o;
  wire word_done;
  wire group_last;
  wire pixel_last;
  wire [LaneWidth-1:0] lane;
  wire [GroupWidth-1:0] group;
  wire [PixelWidth-1:0] pixel;
  wire frame_done = word_done & group_last & pixel_last;
  assign frame_read = take & frame_done;

  localparam [31:0] LAST_LANE = Lanes - 1;

  bincim_counter #(
      .Count(Lanes)
  ) u_lane (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(take),
      .last_i(group_last ? last_lane_i : LAST_LANE[LaneWidth-1:0]),
      .value_o(lane),
      .last_o(word_done)
  );

  bincim_counter #(
      .Count(Groups)
  ) u_group (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(take & word_done),
      .last_i(last_group_i),
      .value_o(group),
      .last_o(group_last)
  );

  bincim_counter #(
      .Count(Pixels)
  ) u_pixel (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(take & word_done & group_last),
      .last_i(last_pixel_i),
      .value_o(pixel),
      .last_o(pixel_last)
  );

  // Place of the word that is read.
  wire [WordWidth-1:0] read_index;

  generate
    if (Groups > 1 && Pixels > 1) begin : gen_groups_and_pixels
      // Words were written group by group, they leave pixel by pixel.
      localparam MORE = WordWidth - PixelWidth;
      localparam [WordWidth-1:0] ONE = {{WordWidth-1{1'b0}}, 1'b1};
      reg [WordWidth-1:0] read_index_q;
      wire unused_group = &{1'b0, group};
      assign read_index = read_index_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) read_index_q <= {WordWidth{1'b0}};
        else if (take & word_done) begin
          if (frame_done) read_index_q <= {WordWidth{1'b0}};
          else if (group_last) read_index_q <= {{MORE{1'b0}}, pixel} + ONE;
          else read_index_q <= read_index_q + {{MORE{1'b0}}, last_pixel_i} + ONE;
        end
      end
    end else if (Groups > 1) begin : gen_groups
      wire unused_pixel = &{1'b0, pixel};
      assign read_index = group;
    end else begin : gen_pixels
      wire unused_group = &{1'b0, group};
      assign read_index = pixel;
    end
  endgenerate

  // The frames share a memory, a half each.
  wire [ADDRESS-1:0] write_address;
  wire [ADDRESS-1:0] read_address;

  generate
    if (WORDS > 1) begin : gen_words
      assign write_address = write_frame_q ? {1'b0, write_index} + WORDS[ADDRESS-1:0]
                                           : {1'b0, write_index};
      assign read_address = read_frame_q ? {1'b0, read_index} + WORDS[ADDRESS-1:0]
                                         : {1'b0, read_index};
    end else begin : gen_one_word
      wire unused_index = &{1'b0, write_index, read_index};
      assign write_address = write_frame_q;
      assign read_address = read_frame_q;
    end
  endgenerate

  bincim_ram_1r1w #(
      .Width(WORD),
      .Depth(2 * WORDS)
  ) u_memory (
      .clk_i(clk_i),
      .write_i(write_i),
      .write_address_i(write_address),
      .write_data_i(data_i),
      .read_i(fetch),
      .read_address_i(read_address),
      .read_data_o(word)
  );

  always @(posedge clk_i) begin
    if (take) begin
      beat_q <= word[lane*Width +: Width];
      beat_last_q <= frame_done;
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_frame_q <= 1'b0;
      word_valid_q <= 1'b0;
      beat_valid_q <= 1'b0;
    end else begin
      if (frame_read) read_frame_q <= !read_frame_q;
      if (fetch) word_valid_q <= 1'b1;
      else if (take & word_done) word_valid_q <= 1'b0;
      if (beat_free) beat_valid_q <= word_valid_q;
    end
  end

  assign m_axis_tvalid = beat_valid_q;
  assign m_axis_tlast = beat_last_q;

  assign m_axis_tdata = {{StreamWidth-Width{(Signed != 0) & beat_q[Width-1]}}, beat_q};

endmodule

`default_nettype wire
