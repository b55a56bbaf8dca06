// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Score buffer: keeps the results of two frames and streams them,
// <: s.score_order :>.
// Latency: 3, from the last result of a frame to its first beat.

`default_nettype none

module score_buffer (
    input  wire clk_i,
    input  wire rst_ni,
    // A frame needs room from its start on.
    input  wire frame_start_i,
    output wire room_o,
    output wire waiting_o,
    // Results of one group of lanes.
    input  wire write_i,
    input  wire [<: v.score_word - 1 :>:0] data_i,
    // AXI4-Stream.
    output wire [<: v.output_bits - 1 :>:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast
);

  localparam WORD = <: v.score_word :>;
  localparam SCORE = <: v.score_out_width :>;

  // Writing: the words of a frame in order; a frame is complete with its last word.
  reg [WORD-1:0] memory [0:<: 2 * s.score_words - 1 :>];
  reg write_frame_q;
  //%- if s.score_words > 1 %//
  reg [<: s.score_address_width - 1 :>:0] write_index_q;
  wire write_last = (write_index_q == <: s.score_address_width :>'d<: s.score_words - 1 :>);
  wire [<: s.score_address_width :>:0] write_address = write_frame_q ?
      {1'b0, write_index_q} + <: s.score_address_width + 1 :>'d<: s.score_words :> : {1'b0, write_index_q};
  //%- else %//
  wire write_last = 1'b1;
  //%- endif %//

  always @(posedge clk_i) begin
    if (write_i) memory[<: s.write_index :>] <= data_i;
  end

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
      //%- if s.score_words > 1 %//
      write_index_q <= <: s.score_address_width :>'d0;
      //%- endif %//
      promised_q <= 2'd0;
      complete_q <= 2'd0;
    end else begin
      if (frame_written) write_frame_q <= !write_frame_q;
      //%- if s.score_words > 1 %//
      if (write_i) begin
        write_index_q <= write_last ? <: s.score_address_width :>'d0
                                    : write_index_q + <: s.score_address_width :>'d1;
      end
      //%- endif %//
      if (frame_start_i & !frame_read) promised_q <= promised_q + 2'd1;
      else if (!frame_start_i & frame_read) promised_q <= promised_q - 2'd1;
      if (frame_written & !frame_read) complete_q <= complete_q + 2'd1;
      else if (!frame_written & frame_read) complete_q <= complete_q - 2'd1;
    end
  end

  // Reading: word, then lane within the word; the beat register frees the memory's output.
  reg read_frame_q;
  reg word_valid_q;
  reg [WORD-1:0] word_q;
  reg beat_valid_q;
  reg beat_last_q;
  reg [SCORE-1:0] beat_q;
  wire beat_free = !beat_valid_q | m_axis_tready;
  wire take = word_valid_q & beat_free;
  //%- for c in counters %//
  reg [<: c.width - 1 :>:0] <: c.name :>_q;
  wire <: c.name :>_last = (<: c.name :>_q == <: c.last :>);
  //%- endfor %//
  wire word_done = <: s.score_word_done :>;
  wire frame_done = <: s.score_frame_done :>;
  wire fetch = !word_valid_q & waiting_o;
  //%- if s.score_words > 1 %//
  //%- if s.score_strided %//
  reg [<: s.score_address_width - 1 :>:0] read_index_q;
  //%- endif %//
  wire [<: s.score_address_width :>:0] read_address = read_frame_q ?
      {1'b0, <: s.read_index :>} + <: s.score_address_width + 1 :>'d<: s.score_words :> : {1'b0, <: s.read_index :>};
  //%- endif %//
  assign frame_read = take & frame_done;

  always @(posedge clk_i) begin
    if (fetch) word_q <= memory[<: s.read_word :>];
    if (take) begin
      beat_q <= <: s.beat_expr :>;
      beat_last_q <= frame_done;
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_frame_q <= 1'b0;
      word_valid_q <= 1'b0;
      beat_valid_q <= 1'b0;
      //%- for c in counters %//
      <: c.name :>_q <= <: c.width :>'d0;
      //%- endfor %//
      //%- if s.score_strided %//
      read_index_q <= <: s.score_address_width :>'d0;
      //%- endif %//
    end else begin
      if (frame_read) read_frame_q <= !read_frame_q;
      if (fetch) word_valid_q <= 1'b1;
      else if (take & word_done) word_valid_q <= 1'b0;
      if (beat_free) beat_valid_q <= word_valid_q;
      //%- for c in counters %//
      if (<: c.step :>) <: c.name :>_q <= <: c.next :>;
      //%- endfor %//
      //%- if s.score_strided %//
      // Words were written group by group, they leave pixel by pixel.
      if (take & word_done) begin
        if (frame_done) read_index_q <= <: s.score_address_width :>'d0;
        else if (group_last) read_index_q <= read_index_q - <: s.score_address_width :>'d<: s.score_back :>;
        else read_index_q <= read_index_q + <: s.score_address_width :>'d<: v.score_pixels :>;
      end
      //%- endif %//
    end
  end

  assign m_axis_tvalid = beat_valid_q;
  assign m_axis_tdata = <: s.tdata_expr :>;
  assign m_axis_tlast = beat_last_q;

endmodule

`default_nettype wire
