// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input unit of a dense first layer: collects the elements of a frame into words, one a pass. Bit j
// of element q of a word lies at j * WordBeats * Elements + q.
// Parameters: Elements, ElementBits, Planes, StreamWidth and Beats as in bincim_input_stream,
//     Frames as in bincim_input_frames. Words, of a frame, from 1, of WordBeats beats each, from 1.
//     Fills: 1, the last word may have fewer. VectorBits, of a vector, from Planes * WordBeats *
//     Elements. Driven, bits of the number of driven rows, 0 where it is not asked. The other
//     widths follow.
// Latency: pass x-2, memory read x-1, row vector x.
// Reset: asynchronous; the next beat is the first of a frame, and no frame is there.
// Protocol: AXI4-Stream in, as bincim_input_stream takes it. last_word_i is a frame's last word,
//     last_word_beats_i the number of its beats, 0 where it is full; the rest of it is 0. The pass
//     moves on with advance_i; it has pass_driven_i driven rows, the last one
//     last_pass_driven_i.

`default_nettype none

module bincim_input_vector #(
    parameter Elements = 1,
    parameter ElementBits = 8,
    parameter Planes = 8,
    parameter StreamWidth = 8,
    parameter Beats = 16,
    parameter Frames = 2,
    parameter Words = 2,
    parameter WordBeats = 8,
    parameter Fills = 0,
    parameter VectorBits = 64,
    parameter Driven = 0,
    parameter BeatWidth = (Beats > 1) ? $clog2(Beats) : 1,
    parameter WordBeatWidth = (WordBeats > 1) ? $clog2(WordBeats) : 1,
    parameter PassWidth = (Words > 1) ? $clog2(Words) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // What the network says.
    input  wire [BeatWidth-1:0] last_beat_i,
    input  wire [Elements-1:0] last_present_i,
    input  wire signed_i,
    input  wire [PassWidth-1:0] last_word_i,
    input  wire [WordBeatWidth-1:0] last_word_beats_i,
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
    // The pass, and the vector.
    input  wire advance_i,
    input  wire [PassWidth-1:0] pass_i,
    output wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_o,
    output wire [VectorBits-1:0] row_o
);

  localparam SIZE = WordBeats * Elements;
  localparam WORD = Planes * SIZE;
  localparam ADDRESS = (Frames * Words > 1) ? $clog2(Frames * Words) : 1;

  wire [Elements*Planes-1:0] codes;
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

  // Writing: beats shift into the word from the top; what a frame leaves open at its end is 0.
  localparam [31:0] LAST_BEAT = WordBeats - 1;
  wire shift;
  wire filling;
  wire word_full;
  wire word_last;
  wire [WordBeatWidth-1:0] beat;
  wire [PassWidth-1:0] word_index;

  bincim_counter #(
      .Count(WordBeats)
  ) u_beat (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(restart),
      .step_i(shift),
      .last_i(LAST_BEAT[WordBeatWidth-1:0]),
      .value_o(beat),
      .last_o(word_full)
  );

  bincim_counter #(
      .Count(Words)
  ) u_word (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(restart),
      .step_i(shift & word_full),
      .last_i(last_word_i),
      .value_o(word_index),
      .last_o(word_last)
  );

  assign filling = (Fills != 0) & word_last & (last_word_beats_i != {WordBeatWidth{1'b0}})
                   & (beat >= last_word_beats_i);
  assign shift = free & (filling | beat_valid);
  assign beat_ready = free & !filling;
  assign frame_end = shift & word_full & word_last;

  wire [WORD-1:0] word;

  genvar plane, element;
  generate
    for (plane = 0; plane < Planes; plane = plane + 1) begin : gen_plane
      wire [Elements-1:0] arrived;

      for (element = 0; element < Elements; element = element + 1) begin : gen_element
        assign arrived[element] = codes[element*Planes + plane] & !filling;
      end

      if (WordBeats > 1) begin : gen_shift
        reg [SIZE-Elements-1:0] word_q;

        always @(posedge clk_i) begin
          if (shift) word_q <= word[plane*SIZE + Elements +: SIZE - Elements];
        end

        assign word[plane*SIZE +: SIZE] = {arrived, word_q};
      end else begin : gen_beat
        assign word[plane*SIZE +: SIZE] = arrived;
      end
    end
  endgenerate

  // Reading: word p carries pass p.
  wire [ADDRESS-1:0] write_address;
  wire [ADDRESS-1:0] read_address;
  reg [ADDRESS-1:0] read_address_q;
  wire [WORD-1:0] read_word;

  generate
    if (Words > 1 && Frames > 1) begin : gen_frames
      localparam [31:0] SECOND = Words;
      wire [ADDRESS-1:0] write_word = {{ADDRESS-PassWidth{1'b0}}, word_index};
      wire [ADDRESS-1:0] read_pass = {{ADDRESS-PassWidth{1'b0}}, pass_i};

      assign write_address = write_frame ? write_word + SECOND[ADDRESS-1:0] : write_word;
      assign read_address = read_frame ? read_pass + SECOND[ADDRESS-1:0] : read_pass;
    end else if (Words > 1) begin : gen_words
      wire unused = &{1'b0, write_frame, read_frame};

      assign write_address = word_index;
      assign read_address = pass_i;
    end else begin : gen_one_word
      wire unused = &{1'b0, word_index, pass_i};

      assign write_address = write_frame;
      assign read_address = read_frame;
    end
  endgenerate

  always @(posedge clk_i) begin
    if (advance_i) read_address_q <= read_address;
  end

  // A frame is read only after it is complete.
  bincim_ram_1r1w #(
      .Width(WORD),
      .Depth(Frames * Words)
  ) u_memory (
      .clk_i(clk_i),
      .write_i(shift & word_full),
      .write_address_i(write_address),
      .write_data_i(word),
      .read_i(advance_i),
      .read_address_i(read_address_q),
      .read_data_o(read_word)
  );

  generate
    if (VectorBits > WORD) begin : gen_above
      assign row_o = {{VectorBits-WORD{1'b0}}, read_word};
    end else begin : gen_whole
      assign row_o = read_word;
    end

    if (Driven > 0) begin : gen_driven
      reg read_last_q;
      reg door_last_q;

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_last_q <= (pass_i == last_word_i);
          door_last_q <= read_last_q;
        end
      end

      assign driven_rows_o = door_last_q ? last_pass_driven_i : pass_driven_i;
    end else begin : gen_uncounted
      wire unused = &{1'b0, pass_driven_i, last_pass_driven_i};

      assign driven_rows_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
