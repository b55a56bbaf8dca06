// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input unit of a convolution: one bank a kernel row; a word holds the pixels that one output
// column needs, so every step of the walk finds its window in one read.
// Parameters: Elements, ElementBits, Planes, StreamWidth and Beats as in bincim_input_stream,
//     Frames as in bincim_input_frames. Channels, of a pixel, a multiple of Elements. KernelRows
//     and KernelColumns, from 1. Stride, most columns from window to window, from 1. Rows and
//     Columns, of the map with its padding, from 1; PadTop, PadBottom, PadLeft and PadRight: 1,
//     there is such padding. Depth, words of a bank that a frame takes, from 1. Passes, from 1, of
//     PassTaps taps each, at most PlaneRows, the rows of a plane. VectorBits, of a vector, from
//     PlaneRows * Planes. Driven, bits of the number of driven rows, 0 where it is not asked. The
//     other widths follow.
// Latency: address x-2, memory read x-1, row vector x.
// Reset: asynchronous; the next beat is the first of a frame, and no frame is there.
// Protocol: AXI4-Stream in, as bincim_input_stream takes it. What the network says stands always:
//     last row and column of the padded map, first and last ones of the map itself; pad_pixel_i,
//     what stands around it; the columns until a row's first window is complete less 1 and from one
//     to the next less 1; columns_i, windows of a row; and the driven rows of a pass, and of the
//     last one. The walk moves on with advance_i: address and bank of the window's first row, and
//     the pass. Bit j of tap t is at row_o[j * PlaneRows + t].

`default_nettype none

module bincim_input_window #(
    parameter Elements = 1,
    parameter ElementBits = 8,
    parameter Planes = 8,
    parameter StreamWidth = 8,
    parameter Beats = 4,
    parameter Frames = 2,
    parameter Channels = 1,
    parameter KernelRows = 3,
    parameter KernelColumns = 3,
    parameter Stride = 1,
    parameter Rows = 8,
    parameter Columns = 8,
    parameter PadTop = 0,
    parameter PadBottom = 0,
    parameter PadLeft = 0,
    parameter PadRight = 0,
    parameter Depth = 18,
    parameter Passes = 1,
    parameter PassTaps = 9,
    parameter PlaneRows = 16,
    parameter VectorBits = 128,
    parameter Driven = 0,
    parameter BeatWidth = (Beats > 1) ? $clog2(Beats) : 1,
    parameter RowWidth = (Rows > 1) ? $clog2(Rows) : 1,
    parameter ColumnWidth = (Columns > 1) ? $clog2(Columns) : 1,
    parameter Due = (KernelColumns > Stride) ? KernelColumns : Stride,
    parameter DueWidth = (Due > 1) ? $clog2(Due) : 1,
    parameter WalkWidth = (Depth > 1) ? $clog2(Depth) : 1,
    parameter BankWidth = (KernelRows > 1) ? $clog2(KernelRows) : 1,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // What the network says.
    input  wire [BeatWidth-1:0] last_beat_i,
    input  wire [Elements-1:0] last_present_i,
    input  wire signed_i,
    input  wire [RowWidth-1:0] last_row_i,
    input  wire [ColumnWidth-1:0] last_column_i,
    input  wire [RowWidth-1:0] map_first_row_i,
    input  wire [RowWidth-1:0] map_last_row_i,
    input  wire [ColumnWidth-1:0] map_first_column_i,
    input  wire [ColumnWidth-1:0] map_last_column_i,
    input  wire [Channels*Planes-1:0] pad_pixel_i,
    input  wire [DueWidth-1:0] first_due_i,
    input  wire [DueWidth-1:0] next_due_i,
    input  wire [WalkWidth-1:0] columns_i,
    input  wire [((Driven > 0) ? Driven : 1)-1:0] pass_driven_i,
    input  wire [((Driven > 0) ? Driven : 1)-1:0] last_pass_driven_i,
    // AXI4-Stream.
    input  wire [StreamWidth-1:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    // A complete frame waits; the first layer has done with it.
    output wire frame_waiting_o,
    input  wire frame_release_i,
    output wire frame_error_o,
    // The walk, and the vector.
    input  wire advance_i,
    input  wire [WalkWidth-1:0] walk_address_i,
    input  wire [BankWidth-1:0] walk_bank_i,
    input  wire [PassWidth-1:0] pass_i,
    output wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_o,
    output wire [VectorBits-1:0] row_o
);

  localparam PIXEL = Channels * Planes;
  localparam WORD = KernelColumns * PIXEL;
  localparam WINDOW = KernelRows * WORD;
  localparam BEAT = Elements * Planes;
  localparam PARTS = Channels / Elements;
  localparam ADDRESS = (Frames * Depth > 1) ? $clog2(Frames * Depth) : 1;
  localparam [31:0] SECOND = (Frames > 1) ? Depth : 0;
  localparam [ADDRESS-1:0] SECOND_FRAME = SECOND[ADDRESS-1:0];
  localparam [ADDRESS-1:0] FIRST_FRAME = {ADDRESS{1'b0}};

  wire [BEAT-1:0] codes;
  wire beat_valid;
  wire beat_ready;
  wire restart;

  bincim_input_stream #(
      .Elements(Elements),
      .ElementBits(ElementBits),
      .Planes(Planes),
      .StreamWidth(StreamWidth),
      .Beats(Beats)
  ) u_stream (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .last_beat_i(last_beat_i),
      .last_present_i(last_present_i),
      .signed_i(signed_i),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .codes_o(codes),
      .valid_o(beat_valid),
      .ready_i(beat_ready),
      .restart_o(restart),
      .error_o(frame_error_o)
  );

  wire frame_end;
  wire free;
  wire write_frame;
  wire read_frame;

  bincim_input_frames #(
      .Frames(Frames)
  ) u_frames (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_end_i(frame_end),
      .frame_release_i(frame_release_i),
      .free_o(free),
      .waiting_o(frame_waiting_o),
      .write_frame_o(write_frame),
      .read_frame_o(read_frame)
  );

  // Writing, pixel by pixel over the map and what stands around it.
  wire pixel_done;
  wire row_last;
  wire column_last;
  wire [RowWidth-1:0] row;
  wire [ColumnWidth-1:0] column;

  bincim_counter #(
      .Count(Columns)
  ) u_column (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(restart),
      .step_i(pixel_done),
      .last_i(last_column_i),
      .value_o(column),
      .last_o(column_last)
  );

  bincim_counter #(
      .Count(Rows)
  ) u_row (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(restart),
      .step_i(pixel_done & column_last),
      .last_i(last_row_i),
      .value_o(row),
      .last_o(row_last)
  );

  assign frame_end = pixel_done & row_last & column_last;

  // A pixel comes in several beats, or in one.
  wire on_map;
  wire beat = beat_valid & beat_ready;
  wire arrives;
  wire [PIXEL-1:0] arrived;

  assign beat_ready = free & on_map;
  assign pixel_done = on_map ? arrives : free;

  generate
    if (PARTS > 1) begin : gen_parts
      localparam PART = $clog2(PARTS);
      localparam [31:0] LAST = PARTS - 1;
      reg [PIXEL-BEAT-1:0] parts_q;
      wire [PART-1:0] unused_part;
      wire part_last;

      bincim_counter #(
          .Count(PARTS)
      ) u_part (
          .clk_i(clk_i),
          .rst_ni(rst_ni),
          .clear_i(restart),
          .step_i(beat),
          .last_i(LAST[PART-1:0]),
          .value_o(unused_part),
          .last_o(part_last)
      );

      always @(posedge clk_i) begin
        if (beat) parts_q <= arrived[PIXEL-1:BEAT];
      end

      assign arrived = {codes, parts_q};
      assign arrives = beat & part_last;
    end else begin : gen_whole
      assign arrived = codes;
      assign arrives = beat;
    end
  endgenerate

  generate
    if (PadTop + PadBottom + PadLeft + PadRight > 0) begin : gen_padding
      assign on_map = ((PadTop == 0) | (row >= map_first_row_i))
                      & ((PadBottom == 0) | (row <= map_last_row_i))
                      & ((PadLeft == 0) | (column >= map_first_column_i))
                      & ((PadRight == 0) | (column <= map_last_column_i));
    end else begin : gen_no_padding
      wire unused = &{1'b0, row, column, map_first_row_i, map_last_row_i, map_first_column_i,
                      map_last_column_i};

      assign on_map = 1'b1;
    end
  endgenerate

  // The last pixels of the row, oldest in the low bits.
  wire [PIXEL-1:0] pixel = on_map ? arrived : pad_pixel_i;
  wire [WORD-1:0] word;

  generate
    if (KernelColumns > 1) begin : gen_history
      reg [WORD-PIXEL-1:0] history_q;

      always @(posedge clk_i) begin
        if (pixel_done) history_q <= word[WORD-1:PIXEL];
      end

      assign word = {pixel, history_q};
    end else begin : gen_pixel
      assign word = pixel;
    end
  endgenerate

  // Pixels of a row until its first word is complete, then from word to word.
  wire word_done;

  generate
    if (Due > 1) begin : gen_due
      reg row_begins_q;
      wire row_begins = restart | (pixel_done & column_last);
      wire [DueWidth-1:0] unused_seen;
      wire due;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) row_begins_q <= 1'b1;
        else if (row_begins) row_begins_q <= 1'b1;
        else if (word_done) row_begins_q <= 1'b0;
      end

      bincim_counter #(
          .Count(Due)
      ) u_due (
          .clk_i(clk_i),
          .rst_ni(rst_ni),
          .clear_i(row_begins),
          .step_i(pixel_done),
          .last_i(row_begins_q ? first_due_i : next_due_i),
          .value_o(unused_seen),
          .last_o(due)
      );

      assign word_done = pixel_done & due;
    end else begin : gen_each
      wire unused = &{1'b0, first_due_i, next_due_i};

      assign word_done = pixel_done;
    end
  endgenerate

  // Place of the word: each row of the map lies in the next bank.
  reg [ADDRESS-1:0] address_q;
  wire [ADDRESS-1:0] write_base = write_frame ? SECOND_FRAME : FIRST_FRAME;
  wire [ADDRESS-1:0] next_base = write_frame ? FIRST_FRAME : SECOND_FRAME;
  wire [ADDRESS-1:0] next_word = address_q + {{ADDRESS-1{1'b0}}, 1'b1};
  wire [ADDRESS-1:0] columns;
  wire [ADDRESS-1:0] walk_address;
  wire [KernelRows-1:0] write_bank;
  wire [KernelRows-1:0] wrapped;

  generate
    if (ADDRESS > WalkWidth) begin : gen_extend
      assign columns = {{ADDRESS-WalkWidth{1'b0}}, columns_i};
      assign walk_address = {{ADDRESS-WalkWidth{1'b0}}, walk_address_i};
    end else begin : gen_same
      assign columns = columns_i;
      assign walk_address = walk_address_i;
    end

    if (KernelRows > 1) begin : gen_banks
      localparam [31:0] LAST = KernelRows - 1;
      reg [ADDRESS-1:0] row_address_q;
      wire [BankWidth-1:0] bank;
      wire bank_last;
      wire row_end = pixel_done & column_last;
      wire [ADDRESS-1:0] next_row = bank_last ? row_address_q + columns : row_address_q;

      bincim_counter #(
          .Count(KernelRows)
      ) u_bank (
          .clk_i(clk_i),
          .rst_ni(rst_ni),
          .clear_i(restart | frame_end),
          .step_i(row_end),
          .last_i(LAST[BankWidth-1:0]),
          .value_o(bank),
          .last_o(bank_last)
      );

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          row_address_q <= FIRST_FRAME;
          address_q <= FIRST_FRAME;
        end else if (restart) begin
          row_address_q <= write_base;
          address_q <= write_base;
        end else if (frame_end) begin
          row_address_q <= next_base;
          address_q <= next_base;
        end else if (row_end) begin
          row_address_q <= next_row;
          address_q <= next_row;
        end else if (word_done) begin
          address_q <= next_word;
        end
      end

      assign write_bank = {{KernelRows-1{1'b0}}, word_done} << bank;
      assign wrapped = ~({KernelRows{1'b1}} << walk_bank_i);
    end else begin : gen_one_bank
      wire unused = &{1'b0, walk_bank_i, columns};

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) address_q <= FIRST_FRAME;
        else if (restart) address_q <= write_base;
        else if (frame_end) address_q <= next_base;
        else if (word_done) address_q <= next_word;
      end

      assign write_bank = word_done;
      assign wrapped = 1'b0;
    end
  endgenerate

  // Reading: row r of a window whose origin is in bank b lies in bank (b + r) mod KernelRows,
  // one bank row further where that sum wraps.
  wire [ADDRESS-1:0] here = read_frame ? SECOND_FRAME : FIRST_FRAME;
  wire [ADDRESS-1:0] further = read_frame ? SECOND_FRAME + columns : columns;
  wire [WINDOW-1:0] read_words;

  genvar at;
  generate
    for (at = 0; at < KernelRows; at = at + 1) begin : gen_bank
      reg [ADDRESS-1:0] read_address_q;

      always @(posedge clk_i) begin
        if (advance_i) read_address_q <= walk_address + (wrapped[at] ? further : here);
      end

      // A frame is read only after it is complete.
      bincim_ram_1r1w #(
          .Width(WORD),
          .Depth(Frames * Depth)
      ) u_memory (
          .clk_i(clk_i),
          .write_i(write_bank[at]),
          .write_address_i(address_q),
          .write_data_i(word),
          .read_i(advance_i),
          .read_address_i(read_address_q),
          .read_data_o(read_words[at*WORD +: WORD])
      );
    end
  endgenerate

  // The window, kernel row 0 in the low bits, as it reaches the rows.
  wire [WINDOW-1:0] window;

  generate
    if (KernelRows > 1) begin : gen_turn
      reg [BankWidth-1:0] read_bank_q;
      reg [BankWidth-1:0] door_bank_q;

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_bank_q <= walk_bank_i;
          door_bank_q <= read_bank_q;
        end
      end

      bincim_rotate #(
          .Slots(KernelRows),
          .Width(WORD)
      ) u_rotate (
          .data_i(read_words),
          .amount_i(door_bank_q),
          .data_o(window)
      );
    end else begin : gen_straight
      assign window = read_words;
    end
  endgenerate

  // The taps of the pass; those of the last one may be fewer.
  localparam STEP = PassTaps * Planes;
  wire [STEP-1:0] taps;
  wire last_pass;

  generate
    if (Passes > 1) begin : gen_passes
      localparam [31:0] LAST = Passes - 1;
      wire [Passes*STEP-1:0] all;
      reg [PassWidth-1:0] read_pass_q;
      reg [PassWidth-1:0] door_pass_q;
      reg [STEP-1:0] chosen;
      integer pass;

      if (Passes * STEP > WINDOW) begin : gen_rest
        assign all = {{Passes*STEP-WINDOW{1'b0}}, window};
      end else begin : gen_even
        assign all = window;
      end

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_pass_q <= pass_i;
          door_pass_q <= read_pass_q;
        end
      end

      always @(*) begin
        chosen = all[(Passes-1)*STEP +: STEP];
        for (pass = 0; pass < Passes - 1; pass = pass + 1) begin
          if (door_pass_q == pass[PassWidth-1:0]) chosen = all[pass*STEP +: STEP];
        end
      end

      assign taps = chosen;
      assign last_pass = (door_pass_q == LAST[PassWidth-1:0]);
    end else begin : gen_one_pass
      wire unused = &{1'b0, pass_i};

      assign taps = window;
      assign last_pass = 1'b1;
    end
  endgenerate

  genvar plane, tap;
  generate
    for (plane = 0; plane < Planes; plane = plane + 1) begin : gen_plane
      for (tap = 0; tap < PlaneRows; tap = tap + 1) begin : gen_tap
        if (tap < PassTaps) begin : gen_driven
          assign row_o[plane*PlaneRows + tap] = taps[tap*Planes + plane];
        end else begin : gen_idle
          assign row_o[plane*PlaneRows + tap] = 1'b0;
        end
      end
    end
    if (VectorBits > Planes * PlaneRows) begin : gen_above
      assign row_o[VectorBits-1:Planes*PlaneRows] = {VectorBits-Planes*PlaneRows{1'b0}};
    end
  endgenerate

  assign driven_rows_o = last_pass ? last_pass_driven_i : pass_driven_i;

endmodule

`default_nettype wire
