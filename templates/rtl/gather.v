// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Gather unit: collects the <: v.banks :> words of a row vector from the banks of the activation memory.
// The <: v.banks :> items of a pass always lie in different banks: with the window's origin in bank b, slot s
// of the vector is in bank (b + s) mod <: v.banks :>, one address further where that sum wraps.
// Latency: address x-2, memory read x-1, row vector at the door x.

`default_nettype none

module gather (
    input  wire clk_i,
    input  wire advance_i,
    //%- if g.gather_layer %//
    input  wire [<: v.layer_width - 1 :>:0] layer_i,
    //%- endif %//
    //%- if g.tap_pass %//
    input  wire [<: v.pass_width - 1 :>:0] pass_i,
    //%- endif %//
    input  wire [<: v.map_width - 1 :>:0] walk_address_i,
    //%- if v.rotates %//
    input  wire [<: v.bank_width - 1 :>:0] walk_bank_i,
    //%- endif %//
    //%- if v.pads_rows %//
    input  wire [<: v.coordinate_width - 1 :>:0] window_row_i,
    //%- endif %//
    //%- if v.pads_columns %//
    input  wire [<: v.coordinate_width - 1 :>:0] window_column_i,
    //%- endif %//
    output reg  [<: v.banks * v.map_width - 1 :>:0] read_address_o,
    input  wire [<: v.rows - 1 :>:0] read_data_i,
    //%- if v.masks_rows && v.counts_driven %//
    // Rows of each slot that the plane of the weights keeps, one cycle behind the issue.
    input  wire [<: v.banks * v.kept_width - 1 :>:0] kept_rows_i,
    //%- endif %//
    //%- if v.row_enable %//
    //%- if v.counts_driven %//
    // Words of the row vector that are driven, and the number of driven rows.
    //%- else %//
    // Words of the row vector that are driven.
    //%- endif %//
    output wire [<: v.banks - 1 :>:0] driven_o,
    //%- else if v.counts_driven %//
    // Number of driven rows.
    //%- endif %//
    //%- if v.counts_driven %//
    output wire [<: v.driven_width - 1 :>:0] driven_rows_o,
    //%- endif %//
    output wire [<: v.rows - 1 :>:0] row_o
);

  localparam BANKS = <: v.banks :>;
  //%- if v.masks || v.plus_pads %//
  localparam WORD = <: v.word :>;
  //%- endif %//
  localparam ADDRESS = <: v.map_width :>;
  //%- if v.masks_rows && v.counts_driven %//
  localparam KEPT = <: v.kept_width :>;
  //%- endif %//
  //%- for f in tap_fields %//
  wire [<: f.width - 1 :>:0] <: f.name :>;
  //%- endfor %//
  //%- if g.has_taps %//

  tap_program u_tap_program (
      //%- if g.tap_layer %//
      .layer_i(layer_i),
      //%- endif %//
      //%- if g.tap_pass %//
      .pass_i(pass_i),
      //%- endif %//
      //%- for f in tap_fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );
  //%- endif %//
  //%- if g.has_pads %//

  //%- for f in pad_fields %//
  wire [<: f.width - 1 :>:0] <: f.name :>;
  //%- endfor %//

  pad_program u_pad_program (
      //%- if v.many_layers %//
      .layer_i(layer_i),
      //%- endif %//
      //%- for f in pad_fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );
  //%- endif %//

  // Addresses, slot by slot, turned to the banks in which the slots lie.
  //%- if g.slot_offsets && v.rotates %//
  wire [BANKS*<: g.offset_width :>-1:0] bank_offset;

  <: g.rotate_offsets.at(2) :> u_rotate_offsets (
      .data_i(offset),
      .amount_i(walk_bank_i),
      .data_o(bank_offset)
  );
  //%- endif %//
  //%- if v.rotates %//

  // Banks below the origin's bank hold slots whose bank number wrapped.
  wire [BANKS-1:0] wrapped = ~({BANKS{1'b1}} << walk_bank_i);
  //%- endif %//

  genvar bank;
  generate
    for (bank = 0; bank < BANKS; bank = bank + 1) begin : gen_address
      always @(posedge clk_i) begin
        if (advance_i) begin
          read_address_o[bank*ADDRESS +: ADDRESS] <=
              walk_address_i<: g.offset_term :><: g.wrap_term :>;
        end
      end
    end
  endgenerate
  //%- if v.rotates %//

  // The amount follows its vector to the door, where the words turn back to their slots.
  reg [<: v.bank_width - 1 :>:0] read_bank_q;
  reg [<: v.bank_width - 1 :>:0] door_bank_q;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_bank_q <= walk_bank_i;
      door_bank_q <= read_bank_q;
    end
  end

  wire [<: v.rows - 1 :>:0] slots;

  <: g.rotate_words.at(2) :> u_rotate_words (
      .data_i(read_data_i),
      .amount_i(door_bank_q),
      .data_o(slots)
  );
  //%- else %//
  wire [<: v.rows - 1 :>:0] slots = read_data_i;
  //%- endif %//
  //%- if v.pads %//

  // Kernel rows and columns inside the map; those before it, negative, compare as beyond it.
  //%- for w in inside_wires %//
  wire [<: v.coordinate_width - 1 :>:0] <: w.name :> = <: w.window :> + <: v.coordinate_width :>'d<: w.at :>;
  //%- endfor %//
  //%- for i in inside %//
  wire [<: i.tests.len() - 1 :>:0] <: i.name :> = {
      //%- for t in i.tests %//
      <: t :>
      //%- endfor %//
  };
  //%- endfor %//
  wire [BANKS-1:0] outside;

  genvar tap;
  generate
    for (tap = 0; tap < BANKS; tap = tap + 1) begin : gen_outside
      assign outside[tap] = padded[0] & <: g.outside_expr :>;
    end
  endgenerate
  //%- endif %//
  //%- if v.masks %//

  // Slots that show a word of the map; the others carry 0.
  wire [BANKS-1:0] live = <: g.live_expr :>;
  reg  [BANKS-1:0] read_live_q;
  reg  [BANKS-1:0] door_live_q;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_live_q <= live;
      door_live_q <= read_live_q;
    end
  end
  //%- endif %//
  //%- if v.plus_pads %//

  // Taps outside the map that read +1.
  wire [BANKS-1:0] plus = <: g.plus_expr :>;
  reg  [BANKS-1:0] read_plus_q;
  reg  [BANKS-1:0] door_plus_q;
  //%- if g.plus_partial %//
  // Slots whose word is the last, incomplete one of a pixel.
  reg  [BANKS-1:0] read_partial_q;
  reg  [BANKS-1:0] door_partial_q;
  //%- endif %//

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_plus_q <= plus;
      door_plus_q <= read_plus_q;
      //%- if g.plus_partial %//
      read_partial_q <= partial;
      door_partial_q <= read_partial_q;
      //%- endif %//
    end
  end
  //%- endif %//
  //%- if v.row_enable || v.counts_driven %//

  // Rows that are driven: all used ones, or with zero padding those inside the map.
  wire [BANKS-1:0] driven = <: g.driven_expr :>;
  reg  [BANKS-1:0] read_driven_q;
  //%- if v.row_enable %//
  reg  [BANKS-1:0] door_driven_q;
  //%- endif %//
  //%- if v.counts_driven %//
  //%- if g.partials %//
  reg  [BANKS-1:0] count_partial_q;
  reg  [<: g.channel_count_width - 1 :>:0] count_channels_q;
  //%- endif %//
  reg  [<: v.driven_width - 1 :>:0] driven_rows;
  reg  [<: v.driven_width - 1 :>:0] driven_rows_q;

  integer slot;
  always @(*) begin
    driven_rows = <: v.driven_width :>'d0;
    for (slot = 0; slot < BANKS; slot = slot + 1) begin
      //%- if v.masks_rows %//
      if (read_driven_q[slot]) begin
        driven_rows = driven_rows + <: g.kept_extended :>;
      end
      //%- else if g.partials %//
      if (read_driven_q[slot]) begin
        driven_rows = driven_rows + (count_partial_q[slot] ? <: g.channel_count_extended :>
                                                           : <: g.whole_word :>);
      end
      //%- else %//
      if (read_driven_q[slot]) driven_rows = driven_rows + <: v.driven_width :>'d<: v.word :>;
      //%- endif %//
    end
  end
  //%- endif %//

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_driven_q <= driven;
      //%- if v.row_enable %//
      door_driven_q <= read_driven_q;
      //%- endif %//
      //%- if v.counts_driven %//
      driven_rows_q <= driven_rows;
      //%- if g.partials %//
      count_partial_q <= partial;
      count_channels_q <= last_channels;
      //%- endif %//
      //%- endif %//
    end
  end

  //%- if v.row_enable %//
  assign driven_o = door_driven_q;
  //%- endif %//
  //%- if v.counts_driven %//
  assign driven_rows_o = driven_rows_q;
  //%- endif %//
  //%- endif %//
  //%- if v.masks || v.plus_pads %//

  genvar word;
  generate
    for (word = 0; word < BANKS; word = word + 1) begin : gen_row
      assign row_o[word*WORD +: WORD] = <: g.row_expr :>;
    end
  endgenerate
  //%- else %//

  assign row_o = slots;
  //%- endif %//

endmodule

`default_nettype wire
