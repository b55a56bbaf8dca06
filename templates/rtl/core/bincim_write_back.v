// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Write-back: puts the bits of a group of channels at their place in the next layer's map, of which
// a pixel has one word or more, in consecutive banks, the last bank's successor being the first
// bank one address further.
// Parameters: Lanes, channels at once, and Word, channels of a word, from 1, one of them a multiple
//     of the other. Bits, planes of bits of a channel, from 1. Banks, from 1, and Depth, words of a
//     bank, from 1. Columns: 1, some map has more than one pixel; Rows: 1, some has more than one
//     row; Groups: 1, some layer has groups after its first. Chunks: bits of chunks_i, from 0,
//     where the words of every group are there. Parts, of a word that are written by themselves,
//     WritePorts, AddressWidth and BankWidth follow.
// Latency: 1, to the write register.
// Reset: asynchronous; nothing is written. Addresses are set by layer_start_i.
// Protocol: layer_start_i before a layer's first result; what the layer says stands while it runs:
//     origin_address_i, the first pixel's first word, chunks_i, words of a pixel, and the steps of
//     address and bank from a pixel to the next one in its row (column), in the next row (row), and
//     from a group's first pixel to the next group's (chunk). bit_valid_i with row_last_i at the
//     last pixel of a row and group_last_i at that of a group. bits_valid_o and bits_o are the bits
//     one cycle later; they are written where to_map_i stands one cycle ahead of them, else
//     kept_back_o stands beside them. Planes of bits lie above one another in every port, plane 0
//     in the low bits, and all go to the same place.

`default_nettype none

module bincim_write_back #(
    parameter Lanes = 4,
    parameter Word = 8,
    parameter Bits = 1,
    parameter Banks = 2,
    parameter Depth = 16,
    parameter Columns = 1,
    parameter Rows = 1,
    parameter Groups = 1,
    parameter Chunks = 0,
    parameter Parts = (Word > Lanes) ? Word / Lanes : 1,
    parameter WritePorts = (Lanes > Word) ? Banks : 1,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1,
    parameter BankWidth = (Banks > 1) ? $clog2(Banks) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire layer_start_i,
    input  wire to_map_i,
    input  wire [AddressWidth-1:0] origin_address_i,
    input  wire [AddressWidth-1:0] step_column_address_i,
    input  wire [AddressWidth-1:0] step_row_address_i,
    input  wire [AddressWidth-1:0] step_chunk_address_i,
    input  wire [BankWidth-1:0] step_column_bank_i,
    input  wire [BankWidth-1:0] step_row_bank_i,
    input  wire [BankWidth-1:0] step_chunk_bank_i,
    input  wire [((Chunks > 0) ? Chunks : 1)-1:0] chunks_i,
    input  wire bit_valid_i,
    input  wire [Bits*Lanes-1:0] bit_i,
    input  wire row_last_i,
    input  wire group_last_i,
    // Activation memory.
    output wire [Banks*Parts-1:0] write_o,
    output wire [WritePorts*AddressWidth-1:0] write_address_o,
    output wire [Bits*WritePorts*Word-1:0] write_data_o,
    // Bits of every layer, and which of them are not written.
    output wire bits_valid_o,
    output wire [Bits*Lanes-1:0] bits_o,
    output wire kept_back_o
);

  // Words that a group writes at once.
  localparam AT_ONCE = (Lanes > Word) ? Lanes / Word : 1;

  reg valid_q;
  reg to_map_q;
  reg [Bits*Lanes-1:0] bit_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= bit_valid_i;
  end

  always @(posedge clk_i) begin
    to_map_q <= to_map_i;
    if (bit_valid_i) bit_q <= bit_i;
  end

  assign bits_valid_o = valid_q;
  assign bits_o = bit_q;
  assign kept_back_o = valid_q & !to_map_q;
  wire to_map = valid_q & to_map_q;

  // Place of the result: the pixel's word and, behind it, the place of the group's first pixel.
  wire [AddressWidth-1:0] address;
  wire [BankWidth-1:0] bank;
  // Part of a word that the group's lanes fill, and the last one of a word.
  wire [Parts-1:0] part_here;
  wire word_done;

  generate
    if (Columns != 0 || Groups != 0) begin : gen_walk
      reg [AddressWidth-1:0] address_q;
      reg [BankWidth-1:0] bank_q;
      wire [AddressWidth-1:0] from_address;
      wire [BankWidth-1:0] from_bank;
      wire [AddressWidth-1:0] step_address;
      wire [BankWidth-1:0] step_bank;
      wire [AddressWidth-1:0] address_next;
      wire [BankWidth-1:0] bank_next;
      // Within the group: the next pixel.
      wire in_row = (Rows == 0) | !row_last_i;
      wire [AddressWidth-1:0] pixel_address = in_row ? step_column_address_i : step_row_address_i;
      wire [BankWidth-1:0] pixel_bank = in_row ? step_column_bank_i : step_row_bank_i;

      if (Groups != 0) begin : gen_groups
        reg [AddressWidth-1:0] first_address_q;
        reg [BankWidth-1:0] first_bank_q;
        wire to_group = (Columns == 0) | group_last_i;

        always @(posedge clk_i) begin
          if (layer_start_i) begin
            first_address_q <= origin_address_i;
            first_bank_q <= {BankWidth{1'b0}};
          end else if (bit_valid_i & to_group) begin
            first_address_q <= address_next;
            first_bank_q <= bank_next;
          end
        end

        assign from_address = to_group ? first_address_q : address_q;
        assign from_bank = to_group ? first_bank_q : bank_q;
        assign step_address = !to_group ? pixel_address
                                        : step_chunk_address_i & {AddressWidth{word_done}};
        assign step_bank = !to_group ? pixel_bank : step_chunk_bank_i & {BankWidth{word_done}};
      end else begin : gen_one_group
        wire unused_chunk = &{1'b0, word_done, step_chunk_address_i, step_chunk_bank_i};

        assign from_address = address_q;
        assign from_bank = bank_q;
        assign step_address = pixel_address;
        assign step_bank = pixel_bank;
      end

      if (Banks > 1) begin : gen_wrap
        localparam [31:0] ALL = Banks;
        localparam [BankWidth:0] BANKS = ALL[BankWidth:0];
        wire [BankWidth:0] sum = {1'b0, from_bank} + {1'b0, step_bank};
        wire [BankWidth:0] over = sum - BANKS;
        wire wraps = !over[BankWidth];

        assign bank_next = wraps ? over[BankWidth-1:0] : sum[BankWidth-1:0];
        assign address_next = from_address + step_address + {{AddressWidth-1{1'b0}}, wraps};
      end else begin : gen_no_wrap
        wire unused_bank = &{1'b0, from_bank, step_bank};

        assign bank_next = {BankWidth{1'b0}};
        assign address_next = from_address + step_address;
      end

      always @(posedge clk_i) begin
        if (layer_start_i) begin
          address_q <= origin_address_i;
          bank_q <= {BankWidth{1'b0}};
        end else if (bit_valid_i) begin
          address_q <= address_next;
          bank_q <= bank_next;
        end
      end

      assign address = address_q;
      assign bank = bank_q;
    end else begin : gen_one_place
      wire unused_steps = &{1'b0, layer_start_i, step_column_address_i, step_row_address_i,
                            step_chunk_address_i, step_column_bank_i, step_row_bank_i,
                            step_chunk_bank_i, row_last_i, word_done};

      assign address = origin_address_i;
      assign bank = {BankWidth{1'b0}};
    end

    if (Parts > 1 && Groups != 0) begin : gen_parts
      // One hot.
      reg [Parts-1:0] part_q;
      wire [2*Parts-1:0] turned = {part_q, part_q} << 1;
      wire unused_turned = &{1'b0, turned[Parts-1:0]};

      always @(posedge clk_i) begin
        if (layer_start_i) part_q <= {{Parts-1{1'b0}}, 1'b1};
        else if (bit_valid_i & group_last_i) part_q <= turned[2*Parts-1:Parts];
      end

      assign part_here = part_q;
      assign word_done = part_q[Parts-1];
    end else begin : gen_one_part
      assign part_here = {{Parts-1{1'b0}}, 1'b1};
      assign word_done = 1'b1;
    end
  endgenerate

  // Write register.
  reg [AddressWidth-1:0] write_address_q;
  reg [BankWidth-1:0] write_bank_q;
  reg [Parts-1:0] write_part_q;

  always @(posedge clk_i) begin
    if (bit_valid_i) begin
      write_address_q <= address;
      write_bank_q <= bank;
      write_part_q <= part_here;
    end
  end

  genvar place;
  genvar plane;
  generate
    if (Lanes > Word) begin : gen_words
      // The words of a group go to consecutive banks.
      wire [AT_ONCE-1:0] words;
      wire [Banks-1:0] word_write;

      if (Chunks > 0) begin : gen_limit
        // Words of a pixel that are still to be written, this group's included.
        localparam [31:0] GROUP = AT_ONCE;
        localparam [Chunks-1:0] STEP = GROUP[Chunks-1:0];
        reg [Chunks-1:0] left_q;
        reg [AT_ONCE-1:0] words_q;

        always @(posedge clk_i) begin
          if (layer_start_i) left_q <= chunks_i;
          else if (bit_valid_i & group_last_i & (Groups != 0)) left_q <= left_q - STEP;
        end

        for (place = 0; place < AT_ONCE; place = place + 1) begin : gen_word
          localparam [Chunks-1:0] PLACE = place;

          always @(posedge clk_i) begin
            if (bit_valid_i) words_q[place] <= (left_q > PLACE);
          end
        end
        assign words = words_q;
      end else begin : gen_no_limit
        wire unused_limit = &{1'b0, chunks_i, group_last_i};

        assign words = {AT_ONCE{1'b1}};
      end

      wire unused_part = &{1'b0, write_part_q};

      for (place = 0; place < Banks; place = place + 1) begin : gen_slot
        if (place < AT_ONCE) begin : gen_used
          assign word_write[place] = words[place] & to_map;
        end else begin : gen_idle
          assign word_write[place] = 1'b0;
        end
      end

      bincim_rotate #(
          .Slots(Banks),
          .Width(1),
          .Up(1)
      ) u_rotate_write (
          .data_i(word_write),
          .amount_i(write_bank_q),
          .data_o(write_o)
      );

      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        // The group's words in as many banks, and nothing for the others.
        wire [Banks*Word-1:0] data;

        if (AT_ONCE < Banks) begin : gen_idle
          assign data = {{(Banks-AT_ONCE)*Word{1'b0}}, bit_q[plane*Lanes +: Lanes]};
        end else begin : gen_all
          assign data = bit_q[plane*Lanes +: Lanes];
        end

        bincim_rotate #(
            .Slots(Banks),
            .Width(Word),
            .Up(1)
        ) u_rotate_data (
            .data_i(data),
            .amount_i(write_bank_q),
            .data_o(write_data_o[plane*Banks*Word +: Banks*Word])
        );
      end

      // Banks before the first one are those behind the last one, one address further.
      wire [Banks-1:0] wrapped = ~({Banks{1'b1}} << write_bank_q);

      for (place = 0; place < Banks; place = place + 1) begin : gen_address
        assign write_address_o[place*AddressWidth +: AddressWidth] =
            write_address_q + {{AddressWidth-1{1'b0}}, wrapped[place]};
      end
    end else begin : gen_word
      wire unused_limit = &{1'b0, chunks_i, group_last_i};
      // The first part of a word clears the others, so that channels that do not exist stay 0.
      wire [Parts-1:0] part_write = write_part_q | {Parts{write_part_q[0]}};

      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        for (place = 0; place < Parts; place = place + 1) begin : gen_part
          assign write_data_o[plane*Word + place*Lanes +: Lanes] =
              bit_q[plane*Lanes +: Lanes] & {Lanes{write_part_q[place]}};
        end
      end
      for (place = 0; place < Banks; place = place + 1) begin : gen_bank
        localparam [BankWidth-1:0] PLACE = place;
        wire here = (write_bank_q == PLACE) & to_map;

        assign write_o[place*Parts +: Parts] = part_write & {Parts{here}};
      end
      assign write_address_o = write_address_q;
    end
  endgenerate

endmodule

`default_nettype wire
