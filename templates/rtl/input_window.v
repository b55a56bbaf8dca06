// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input unit of a convolution: one bank a kernel row; a word holds the <: i.kernel_columns :> pixels, each of
// <: i.pixel_bits :> bits, that one output column needs, so every step of the walk finds its window in one read.
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
    input  wire [<: v.input_walk_width - 1 :>:0] walk_address_i,
    //%- if v.kernel_rows > 1 %//
    input  wire [<: v.kernel_row_width - 1 :>:0] walk_bank_i,
    //%- endif %//
    //%- if v.input_passes > 1 %//
    input  wire [<: i.pass_width - 1 :>:0] pass_i,
    //%- endif %//
    //%- if v.input_counts %//
    output wire [<: v.driven_width - 1 :>:0] driven_rows_o,
    //%- endif %//
    output wire [<: v.vector_bits - 1 :>:0] row_o
);

  localparam PIXEL = <: i.pixel_bits :>;

  //%- include "rtl/input_frames.v" %//
  // Writing, pixel by pixel over the <: i.padded_rows :> x <: i.padded_columns :> map<: i.padded_note :>.
  //%- if i.padded_rows > 1 %//
  reg [<: i.padded_row_width - 1 :>:0] row_q;
  wire row_last = (row_q == <: i.padded_row_width :>'d<: i.padded_rows - 1 :>);
  //%- else %//
  wire row_last = 1'b1;
  //%- endif %//
  //%- if i.padded_columns > 1 %//
  reg [<: i.padded_column_width - 1 :>:0] column_q;
  wire column_last = (column_q == <: i.padded_column_width :>'d<: i.padded_columns - 1 :>);
  //%- else %//
  wire column_last = 1'b1;
  //%- endif %//
  //%- if i.input_pads %//
  wire on_map = <: i.inside_expr :>;
  assign beat_ready = free & on_map;
  wire beat = beat_valid & beat_ready;
  //%- else %//
  assign beat_ready = free;
  wire beat = beat_valid & free;
  //%- endif %//
  //%- if i.pixel_beats > 1 %//
  reg [<: i.pixel_beat_width - 1 :>:0] part_q;
  reg [<: i.pixel_bits - v.elements * v.planes - 1 :>:0] parts_q;
  wire part_last = (part_q == <: i.pixel_beat_width :>'d<: i.pixel_beats - 1 :>);
  wire [PIXEL-1:0] arrived = {codes, parts_q};
  wire arrives = beat & part_last;
  //%- else %//
  wire [PIXEL-1:0] arrived = codes;
  wire arrives = beat;
  //%- endif %//
  //%- if i.input_pads %//
  wire pixel_done = on_map ? arrives : free;
  wire [PIXEL-1:0] pixel = on_map ? arrived : <: i.pad_literal :>;
  //%- else %//
  wire pixel_done = arrives;
  wire [PIXEL-1:0] pixel = arrived;
  //%- endif %//
  assign frame_end = pixel_done & row_last & column_last;

  // The last pixels of the row, oldest in the low bits.
  wire [<: i.input_word - 1 :>:0] word;
  //%- if i.kernel_columns > 1 %//
  reg  [<: i.input_word - i.pixel_bits - 1 :>:0] history_q;
  assign word = {pixel, history_q};

  always @(posedge clk_i) begin
    if (pixel_done) history_q <= word[<: i.input_word - 1 :>:PIXEL];
  end
  //%- else %//
  assign word = pixel;
  //%- endif %//
  //%- if i.pixel_beats > 1 %//

  always @(posedge clk_i) begin
    if (beat) parts_q <= arrived[PIXEL-1:<: v.elements * v.planes :>];
  end
  //%- endif %//

  // Pixels to go until a word is complete.
  //%- if i.due_width > 0 %//
  reg [<: i.due_width - 1 :>:0] due_q;
  wire word_done = pixel_done & (due_q == <: i.due_width :>'d0);
  //%- else %//
  wire word_done = pixel_done;
  //%- endif %//

  // Place of the word: bank = row mod <: v.kernel_rows :>, <: v.input_columns :> words a row.
  reg [<: i.input_memory_width - 1 :>:0] address_q;
  //%- if v.kernel_rows > 1 %//
  reg [<: i.input_memory_width - 1 :>:0] row_address_q;
  reg [<: v.kernel_row_width - 1 :>:0] bank_q;
  wire bank_last = (bank_q == <: v.kernel_row_width :>'d<: v.kernel_rows - 1 :>);
  wire [<: i.input_memory_width - 1 :>:0] next_row_address = row_address_q + <: i.columns_literal :>;
  //%- endif %//
  wire [<: i.input_memory_width - 1 :>:0] frame_address = <: i.frame_address :>;
  //%- if v.frames > 1 %//
  wire [<: i.input_memory_width - 1 :>:0] next_frame_address = <: i.next_frame_address :>;
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      //%- for r in writer_regs %//
      <: r.name :>_q <= <: r.reset :>;
      //%- endfor %//
    end else if (restart) begin
      //%- for r in writer_regs %//
      <: r.name :>_q <= <: r.restart :>;
      //%- endfor %//
    end else begin
      //%- if i.pixel_beats > 1 %//
      if (beat) part_q <= part_last ? <: i.pixel_beat_width :>'d0 : part_q + <: i.pixel_beat_width :>'d1;
      //%- endif %//
      if (pixel_done) begin
        //%- if i.padded_columns > 1 %//
        column_q <= column_last ? <: i.padded_column_width :>'d0 : column_q + <: i.padded_column_width :>'d1;
        //%- endif %//
        //%- if i.padded_rows > 1 %//
        if (column_last) row_q <= row_last ? <: i.padded_row_width :>'d0 : row_q + <: i.padded_row_width :>'d1;
        //%- endif %//
        //%- if i.due_width > 0 %//
        if (column_last) due_q <= <: i.due_width :>'d<: i.kernel_columns - 1 :>;
        else if (word_done) due_q <= <: i.due_width :>'d<: i.column_stride - 1 :>;
        else due_q <= due_q - <: i.due_width :>'d1;
        //%- endif %//
        //%- if v.kernel_rows > 1 %//
        if (frame_end) begin
          bank_q <= <: v.kernel_row_width :>'d0;
          row_address_q <= <: i.following_frame :>;
          address_q <= <: i.following_frame :>;
        end else if (column_last) begin
          bank_q <= bank_last ? <: v.kernel_row_width :>'d0 : bank_q + <: v.kernel_row_width :>'d1;
          row_address_q <= bank_last ? next_row_address : row_address_q;
          address_q <= bank_last ? next_row_address : row_address_q;
        end else if (word_done) begin
          address_q <= address_q + <: i.input_memory_width :>'d1;
        end
        //%- else %//
        if (frame_end) address_q <= <: i.following_frame :>;
        else if (word_done) address_q <= address_q + <: i.input_memory_width :>'d1;
        //%- endif %//
      end
    end
  end

  // Reading: kernel row r of a window whose origin is in bank b lies in bank (b + r) mod <: v.kernel_rows :>, one
  // bank row further where that sum wraps.
  wire [<: v.kernel_rows :>*<: i.input_word :>-1:0] read_words;
  //%- if v.kernel_rows > 1 %//
  wire [<: v.kernel_rows - 1 :>:0] write_bank = {<: v.kernel_rows - 1 :>'d0, word_done} << bank_q;
  wire [<: v.kernel_rows - 1 :>:0] wrapped = ~({<: v.kernel_rows :>{1'b1}} << walk_bank_i);
  //%- endif %//

  genvar bank;
  generate
    for (bank = 0; bank < <: v.kernel_rows :>; bank = bank + 1) begin : gen_bank
      wire [<: i.input_memory_width - 1 :>:0] base = <: i.read_base :>;
      reg  [<: i.input_memory_width - 1 :>:0] read_address_q;

      always @(posedge clk_i) begin
        if (advance_i) read_address_q <= <: i.walk_extended :> + base;
      end

      // A frame is read only after it is complete.
      <: i.memory.at(6) :> u_input_bank (
          .clk_i(clk_i),
          //%- if v.kernel_rows > 1 %//
          .write_i(write_bank[bank]),
          //%- else %//
          .write_i(word_done),
          //%- endif %//
          .write_address_i(address_q),
          .write_data_i(word),
          .read_i(advance_i),
          .read_address_i(read_address_q),
          .read_data_o(read_words[bank*<: i.input_word :> +: <: i.input_word :>])
      );
    end
  endgenerate

  // The window, kernel row 0 in the low bits: element t of the kernel in bits [t*<: v.planes :> +: <: v.planes :>].
  //%- if v.kernel_rows > 1 %//
  reg  [<: v.kernel_row_width - 1 :>:0] read_bank_q;
  reg  [<: v.kernel_row_width - 1 :>:0] door_bank_q;
  wire [<: i.window_bits - 1 :>:0] window;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_bank_q <= walk_bank_i;
      door_bank_q <= read_bank_q;
    end
  end

  <: i.rotate.at(2) :> u_rotate_window (
      .data_i(read_words),
      .amount_i(door_bank_q),
      .data_o(window)
  );
  //%- else %//
  wire [<: i.window_bits - 1 :>:0] window = read_words;
  //%- endif %//
  //%- if v.input_passes > 1 %//

  // The taps of the pass.
  reg [<: i.pass_width - 1 :>:0] read_pass_q;
  reg [<: i.pass_width - 1 :>:0] door_pass_q;
  reg [<: i.taps_per_pass * v.planes - 1 :>:0] taps;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_pass_q <= pass_i;
      door_pass_q <= read_pass_q;
    end
  end

  always @(*) begin
    case (door_pass_q)
      //%- for c in pass_cases %//
      <: c :>
      //%- endfor %//
    endcase
  end
  //%- else %//
  wire [<: i.window_bits - 1 :>:0] taps = window;
  //%- endif %//

  //%- for l in window_rows %//
  <: l :>
  //%- endfor %//
  //%- if v.input_counts %//
  //%- if v.input_passes > 1 %//
  assign driven_rows_o = (door_pass_q == <: i.pass_width :>'d<: v.input_passes - 1 :>) ?
      <: v.driven_width :>'d<: v.input_last_taps :> : <: v.driven_width :>'d<: v.plane_rows :>;
  //%- else %//
  assign driven_rows_o = <: v.driven_width :>'d<: v.input_last_taps :>;
  //%- endif %//
  //%- endif %//

endmodule

`default_nettype wire
