// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A beat that nobody takes stays as it is; the beats of the first frame are its scores in order,
// with tlast behind the last one alone; there is room for two frames and no more.
// Assumed: a frame starts where there is room, and its words come behind its start.

module properties #(
    parameter Lanes = 2,
    parameter Width = 2,
    parameter StreamWidth = 4,
    parameter Groups = 1,
    parameter Pixels = 1,
    parameter LastLane = 1,
    parameter GroupWidth = (Groups > 1) ? $clog2(Groups) : 1,
    parameter PixelWidth = (Pixels > 1) ? $clog2(Pixels) : 1,
    parameter LaneWidth = (Lanes > 1) ? $clog2(Lanes) : 1,
    parameter WordWidth = (Groups * Pixels > 1) ? $clog2(Groups * Pixels) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire frame_start_i,
    input wire write_i,
    input wire [Lanes*Width-1:0] data_i,
    input wire m_axis_tready
);

  localparam [31:0] LAST_GROUP = Groups - 1;
  localparam [31:0] LAST_PIXEL = Pixels - 1;
  localparam [31:0] LAST_LANE = LastLane;
  localparam [31:0] LAST_WORD = Groups * Pixels - 1;
  localparam CHANNELS = (Groups - 1) * Lanes + LastLane + 1;
  localparam SCORES = CHANNELS * Pixels;

  wire room;
  wire waiting;
  wire [StreamWidth-1:0] data;
  wire valid;
  wire last;

  bincim_score_buffer #(
      .Lanes(Lanes),
      .Width(Width),
      .Signed(1),
      .StreamWidth(StreamWidth),
      .Groups(Groups),
      .Pixels(Pixels)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .last_group_i(LAST_GROUP[GroupWidth-1:0]),
      .last_pixel_i(LAST_PIXEL[PixelWidth-1:0]),
      .last_lane_i(LAST_LANE[LaneWidth-1:0]),
      .last_word_i(LAST_WORD[WordWidth-1:0]),
      .frame_start_i(frame_start_i),
      .room_o(room),
      .waiting_o(waiting),
      .write_i(write_i),
      .data_i(data_i),
      .m_axis_tdata(data),
      .m_axis_tvalid(valid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast(last)
  );

  reg started = 1'b0;
  reg stalled_q = 1'b0;
  reg [StreamWidth-1:0] data_q;
  reg last_q;
  // Frames that started, words that came, scores that left.
  reg [2:0] started_q = 3'd0;
  reg [2:0] frame_q = 3'd0;
  reg [7:0] word_q = 8'd0;
  reg [2:0] left_q = 3'd0;
  reg [7:0] score_q = 8'd0;
  // The words of the first frame.
  reg [Groups*Pixels*Lanes*Width-1:0] words_q;
  // A score leaves pixel by pixel, its word came group by group.
  wire [7:0] pixel = score_q / CHANNELS;
  wire [7:0] channel = score_q % CHANNELS;
  wire [7:0] place = (channel / Lanes * Pixels + pixel) * Lanes + channel % Lanes;
  wire [Width-1:0] score = words_q[place*Width +: Width];
  wire beat = valid & m_axis_tready;

  always @(posedge clk_i) begin
    started <= 1'b1;
    stalled_q <= rst_ni & valid & !m_axis_tready;
    data_q <= data;
    last_q <= last;
    if (rst_ni) begin
      if (frame_start_i) started_q <= started_q + 3'd1;
      if (write_i) begin
        if (frame_q == 3'd0) words_q[word_q*Lanes*Width +: Lanes*Width] <= data_i;
        word_q <= (word_q == Groups * Pixels - 1) ? 8'd0 : word_q + 8'd1;
        if (word_q == Groups * Pixels - 1) frame_q <= frame_q + 3'd1;
      end
      if (beat) begin
        score_q <= last ? 8'd0 : score_q + 8'd1;
        if (last) left_q <= left_q + 3'd1;
      end
    end
  end

  always @* begin
    // One reset, at the start.
    assume (started == rst_ni);
    assume (!frame_start_i | room);
    assume (!write_i | frame_q != started_q);
    // Few enough to be counted.
    assume (started_q != 3'd6);
    if (stalled_q) assert (valid && data == data_q && last == last_q);
    if (rst_ni & valid) begin
      assert (left_q != frame_q);
      assert (last == (score_q == SCORES - 1));
      if (left_q == 3'd0) begin
        assert (data == {{StreamWidth-Width{score[Width-1]}}, score});
      end
    end
    if (rst_ni) assert (!room || started_q - left_q != 3'd3);
  end

endmodule
