// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
//%- if v.has_map %//
// Write-back: puts the bits of <: v.lanes :> channels at their place in the next layer's map.
//%- else %//
// Write-back: holds the bits of <: v.lanes :> channels on their way to the score buffer.
//%- endif %//
// Latency: 1, to the write register.

`default_nettype none

module write_back (
    input  wire clk_i,
    input  wire rst_ni,
    //%- if v.has_map %//
    //%- if w.write_layer %//
    input  wire [<: v.layer_width - 1 :>:0] layer_i,
    //%- endif %//
    input  wire layer_start_i,
    //%- endif %//
    // Pooled result.
    //%- if v.last_gives_bits && v.has_map %//
    input  wire last_layer_i,
    //%- endif %//
    input  wire bit_valid_i,
    input  wire [<: v.lanes - 1 :>:0] bit_i,
    //%- if v.has_map %//
    //%- if v.writes_rows %//
    input  wire row_last_i,
    //%- endif %//
    //%- if v.writes_groups %//
    input  wire group_last_i,
    //%- endif %//
    // Activation memory.
    output wire [<: v.banks * v.parts - 1 :>:0] write_o,
    output wire [<: v.write_addresses * v.map_width - 1 :>:0] write_address_o,
    output wire [<: v.write_bits - 1 :>:0] write_data_o,
    //%- endif %//
    //%- if v.last_gives_bits && v.has_map %//
    // Bits of the last layer, for the score buffer.
    output wire score_valid_o,
    //%- endif %//
    output wire bit_valid_o,
    output wire [<: v.lanes - 1 :>:0] bit_o
);

  reg valid_q;
  reg [<: v.lanes - 1 :>:0] bit_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= bit_valid_i;
  end

  always @(posedge clk_i) begin
    if (bit_valid_i) bit_q <= bit_i;
  end

  assign bit_valid_o = valid_q;
  assign bit_o = bit_q;
  //%- if v.has_map %//
  //%- if v.last_gives_bits %//

  reg to_scores_q;

  always @(posedge clk_i) begin
    to_scores_q <= last_layer_i;
  end

  assign score_valid_o = valid_q & to_scores_q;
  wire to_map = valid_q & !to_scores_q;
  //%- else %//
  wire to_map = valid_q;
  //%- endif %//

  // Constants of the layer whose results leave.
  //%- for f in write_fields %//
  wire [<: f.width - 1 :>:0] <: f.name :>;
  //%- endfor %//

  write_program u_write_program (
      //%- if w.write_layer %//
      .layer_i(layer_i),
      //%- endif %//
      //%- for f in write_fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );

  // Place of the result: the pixel's word and, behind it, the place of the group's first pixel.
  reg [<: v.map_width - 1 :>:0] address_q;
  //%- if v.writes_groups %//
  reg [<: v.map_width - 1 :>:0] first_address_q;
  //%- endif %//
  //%- if v.write_rotates %//
  reg [<: v.bank_width - 1 :>:0] bank_q;
  //%- if v.writes_groups %//
  reg [<: v.bank_width - 1 :>:0] first_bank_q;
  //%- endif %//
  //%- endif %//
  //%- if w.part_logic %//

  // Part of a word that the group's lanes fill.
  reg [<: w.part_index_width - 1 :>:0] part_q;
  wire word_done = (part_q == <: w.part_index_width :>'d<: v.parts - 1 :>);

  always @(posedge clk_i) begin
    if (layer_start_i) part_q <= <: w.part_index_width :>'d0;
    else if (bit_valid_i & group_last_i) begin
      part_q <= word_done ? <: w.part_index_width :>'d0 : part_q + <: w.part_index_width :>'d1;
    end
  end
  //%- endif %//
  //%- if w.limits_chunks %//

  // Words of a pixel that are still to be written, this group's included.
  reg [<: w.chunks_width - 1 :>:0] left_q;

  always @(posedge clk_i) begin
    if (layer_start_i) left_q <= chunks;
    //%- if v.writes_groups %//
    else if (bit_valid_i & group_last_i) left_q <= left_q - <: w.chunks_width :>'d<: v.chunks_at_once :>;
    //%- endif %//
  end
  //%- endif %//

  //%- for s in selects %//
  wire [<: s.width - 1 :>:0] <: s.name :> = <: s.expression :>;
  //%- endfor %//
  //%- if w.moves_writes %//
  //%- if v.write_rotates %//
  wire [<: v.bank_width :>:0] bank_sum = {1'b0, <: w.from_bank :>} + {1'b0, step_bank};
  wire [<: v.bank_width :>:0] bank_over = bank_sum - <: v.bank_width + 1 :>'d<: v.banks :>;
  wire bank_wraps = !bank_over[<: v.bank_width :>];
  wire [<: v.bank_width - 1 :>:0] bank_next =
      bank_wraps ? bank_over[<: v.bank_width - 1 :>:0] : bank_sum[<: v.bank_width - 1 :>:0];
  wire [<: v.map_width - 1 :>:0] address_next = <: w.from_address :> + step_address +
      <: w.wrap_extended :>;
  //%- else %//
  wire [<: v.map_width - 1 :>:0] address_next = <: w.from_address :> + step_address;
  //%- endif %//
  //%- endif %//

  always @(posedge clk_i) begin
    if (layer_start_i) begin
      address_q <= origin_address;
      //%- if v.writes_groups %//
      first_address_q <= origin_address;
      //%- endif %//
      //%- if v.write_rotates %//
      bank_q <= <: v.bank_width :>'d0;
      //%- if v.writes_groups %//
      first_bank_q <= <: v.bank_width :>'d0;
      //%- endif %//
      //%- endif %//
    //%- if w.moves_writes %//
    end else if (bit_valid_i) begin
      address_q <= address_next;
      //%- if v.write_rotates %//
      bank_q <= bank_next;
      //%- endif %//
      //%- if v.writes_groups %//
      if (group_last_i) begin
        first_address_q <= address_next;
        //%- if v.write_rotates %//
        first_bank_q <= bank_next;
        //%- endif %//
      end
      //%- endif %//
    //%- endif %//
    end
  end

  // Write register.
  reg [<: v.map_width - 1 :>:0] write_address_q;
  //%- if v.write_rotates %//
  reg [<: v.bank_width - 1 :>:0] write_bank_q;
  //%- endif %//
  //%- if w.part_logic %//
  reg [<: w.part_index_width - 1 :>:0] write_part_q;
  //%- endif %//
  //%- if w.limits_chunks %//
  reg [<: v.chunks_at_once - 1 :>:0] write_words_q;
  //%- endif %//

  always @(posedge clk_i) begin
    if (bit_valid_i) begin
      write_address_q <= address_q;
      //%- if v.write_rotates %//
      write_bank_q <= bank_q;
      //%- endif %//
      //%- if w.part_logic %//
      write_part_q <= part_q;
      //%- endif %//
      //%- if w.limits_chunks %//
      //%- for j in chunk_indices %//
      write_words_q[<: j :>] <= (left_q > <: w.chunks_width :>'d<: j :>);
      //%- endfor %//
      //%- endif %//
    end
  end
  //%- if v.writes_words %//

  // The <: v.chunks_at_once :> words of a group go to consecutive banks.
  wire [<: v.banks - 1 :>:0] word_write = <: w.word_write :>;
  //%- if v.write_rotates %//
  wire [<: v.rows - 1 :>:0] word_data = <: w.word_data :>;

  <: w.rotate_write.at(2) :> u_rotate_write (
      .data_i(word_write),
      .amount_i(write_bank_q),
      .data_o(write_o)
  );

  <: w.rotate_data.at(2) :> u_rotate_data (
      .data_i(word_data),
      .amount_i(write_bank_q),
      .data_o(write_data_o)
  );

  wire [<: v.banks - 1 :>:0] wrapped = ~({<: v.banks :>{1'b1}} << write_bank_q);

  genvar bank;
  generate
    for (bank = 0; bank < <: v.banks :>; bank = bank + 1) begin : gen_address
      assign write_address_o[bank*<: v.map_width :> +: <: v.map_width :>] =
          write_address_q + <: w.wrapped_bank :>;
    end
  endgenerate
  //%- else %//
  assign write_o = word_write;
  assign write_data_o = bit_q;
  assign write_address_o = write_address_q;
  //%- endif %//
  //%- else %//
  //%- if w.part_logic %//

  // The first part of a word clears the others, so channels that do not exist stay 0.
  wire [<: v.parts - 1 :>:0] part_here = {<: v.parts - 1 :>'d0, 1'b1} << write_part_q;
  wire [<: v.parts - 1 :>:0] part_write = part_here | {<: v.parts :>{part_here[0]}};

  genvar part;
  generate
    for (part = 0; part < <: v.parts :>; part = part + 1) begin : gen_part
      assign write_data_o[part*<: v.lanes :> +: <: v.lanes :>] = bit_q & {<: v.lanes :>{part_here[part]}};
    end
  endgenerate
  //%- else %//

  assign write_data_o = <: w.single_group_word :>;
  //%- endif %//
  //%- if v.write_rotates %//
  wire [<: v.banks - 1 :>:0] bank_write = {<: v.banks - 1 :>'d0, to_map} << write_bank_q;
  //%- else %//
  wire bank_write = to_map;
  //%- endif %//

  genvar bank;
  generate
    for (bank = 0; bank < <: v.banks :>; bank = bank + 1) begin : gen_bank
      assign write_o[bank*<: v.parts :> +: <: v.parts :>] = <: w.part_write_expr :>;
    end
  endgenerate
  assign write_address_o = write_address_q;
  //%- endif %//
  //%- endif %//

endmodule

`default_nettype wire
