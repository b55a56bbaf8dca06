// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input unit of a dense first layer: collects the elements of a frame into words of <: i.input_word :> bits.
//%- if v.planes > 1 %//
// Bit j of element q of a word lies at j * <: v.plane_rows :> + q.
//%- endif %//
// Latency: address x-2, memory read x-1, row vector at the door x.

`default_nettype none

module input_unit (
    input  wire clk_i,
    input  wire rst_ni,
    // AXI4-Stream.
    input  wire [<: v.stream_bits - 1 :>:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    // A complete frame waits; the first layer has done with it.
    output wire frame_waiting_o,
    input  wire frame_release_i,
    output wire frame_error_o,
    // Issue (x-2) to door (x).
    input  wire advance_i,
    //%- if v.input_passes > 1 %//
    input  wire [<: i.pass_width - 1 :>:0] pass_i,
    //%- endif %//
    //%- if v.input_counts %//
    output wire [<: v.driven_width - 1 :>:0] driven_rows_o,
    //%- endif %//
    output wire [<: v.vector_bits - 1 :>:0] row_o
);

  //%- include "rtl/input_frames.v" %//
  // Writing: beats shift into the word from the top; what a frame leaves open at its end is 0.
  //%- if i.word_beats > 1 %//
  reg [<: i.word_beat_width - 1 :>:0] beat_q;
  wire word_full = (beat_q == <: i.word_beat_width :>'d<: i.word_beats - 1 :>);
  //%- else %//
  wire word_full = 1'b1;
  //%- endif %//
  //%- if i.input_words > 1 %//
  reg [<: i.input_index_width - 1 :>:0] word_index_q;
  wire word_last = (word_index_q == <: i.input_index_width :>'d<: i.input_words - 1 :>);
  //%- else %//
  wire word_last = 1'b1;
  //%- endif %//
  //%- if i.fills %//
  wire filling = word_last & (beat_q >= <: i.word_beat_width :>'d<: i.last_word_beats :>);
  wire shift = free & (filling | beat_valid);
  assign beat_ready = free & !filling;
  //%- else %//
  wire shift = free & beat_valid;
  assign beat_ready = free;
  //%- endif %//
  assign frame_end = shift & word_full & word_last;
  //%- if i.word_beats > 1 %//

  reg  [<: i.input_word - v.elements * v.planes - 1 :>:0] word_q;
  //%- endif %//
  wire [<: i.input_word - 1 :>:0] word;

  //%- for e in vector_lines %//
  <: e :>
  //%- endfor %//
  //%- if i.word_beats > 1 || i.input_words > 1 %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      //%- if i.word_beats > 1 %//
      beat_q <= <: i.word_beat_width :>'d0;
      //%- endif %//
      //%- if i.input_words > 1 %//
      word_index_q <= <: i.input_index_width :>'d0;
      //%- endif %//
    end else if (restart) begin
      //%- if i.word_beats > 1 %//
      beat_q <= <: i.word_beat_width :>'d0;
      //%- endif %//
      //%- if i.input_words > 1 %//
      word_index_q <= <: i.input_index_width :>'d0;
      //%- endif %//
    end else if (shift) begin
      //%- if i.word_beats > 1 %//
      beat_q <= word_full ? <: i.word_beat_width :>'d0 : beat_q + <: i.word_beat_width :>'d1;
      //%- endif %//
      //%- if i.input_words > 1 %//
      if (word_full) begin
        word_index_q <= word_last ? <: i.input_index_width :>'d0 : word_index_q + <: i.input_index_width :>'d1;
      end
      //%- endif %//
    end
  end
  //%- else %//
  wire unused_restart = &{1'b0, restart};
  //%- endif %//

  // Reading: word p carries pass p.
  wire [<: i.input_memory_width - 1 :>:0] write_address = <: i.vector_write_address :>;
  wire [<: i.input_memory_width - 1 :>:0] read_address = <: i.vector_read_address :>;
  reg  [<: i.input_memory_width - 1 :>:0] read_address_q;
  wire [<: i.input_word - 1 :>:0] read_word;

  always @(posedge clk_i) begin
    if (advance_i) read_address_q <= read_address;
  end

  // A frame is read only after it is complete.
  <: i.memory.at(2) :> u_input_bank (
      .clk_i(clk_i),
      .write_i(shift & word_full),
      .write_address_i(write_address),
      .write_data_i(word),
      .read_i(advance_i),
      .read_address_i(read_address_q),
      .read_data_o(read_word)
  );

  assign row_o = <: i.row_of_word :>;
  //%- if v.input_counts %//
  //%- if v.input_passes > 1 %//

  reg read_last_q, door_last_q;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_last_q <= (pass_i == <: i.pass_width :>'d<: v.input_passes - 1 :>);
      door_last_q <= read_last_q;
    end
  end

  assign driven_rows_o = door_last_q ? <: v.driven_width :>'d<: v.input_last_taps :> : <: v.driven_width :>'d<: v.plane_rows :>;
  //%- else %//
  assign driven_rows_o = <: v.driven_width :>'d<: v.input_last_taps :>;
  //%- endif %//
  //%- endif %//

endmodule

`default_nettype wire
