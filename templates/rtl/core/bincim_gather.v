// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Gather unit: collects the words of a row vector, a slot each, from the banks of the activation
// memory. The items of a pass always lie in different banks: with the window's origin in bank b,
// slot s is in bank (b + s) mod Banks, one address further where that sum wraps.
// Parameters: Banks, slots of a vector, Word, bits of one, and Bits, planes of bits, one of which a
//     vector shows, from 1. Address, bits of an address, and Offset, of a slot's distance from the
//     origin, from 1 to Address. Rotates: 1, some origin is not in bank 0. Coordinate, bits of a
//     row or column of the map, from 1. KernelRows and KernelColumns, most of a window that reaches
//     over an edge, from 1; RowsBefore, RowsBeyond, ColumnsBefore and ColumnsBeyond, one bit each:
//     which may lie above and left of the map, which below and right of it. Driven, bits of the
//     number of driven rows, 0 where it is not asked; Kept, of those that a slot keeps, 0 where it
//     keeps all. Channels, bits of those of a last word. The other widths follow.
// Latency: walk and constants x-2, memory read x-1, row vector x. kept_rows_i is one cycle behind
//     the walk.
// Reset: none; what stands here belongs to a vector that is marked elsewhere.
// Protocol: everything moves on with advance_i. bit_i is the plane of bits that the vector shows;
//     read_data_i has all of them, plane 0 in the low bits. offset_i, used_i, kernel_row_i,
//     kernel_column_i and partial_i say of each slot, slot 0 in the low bits, where its word comes
//     from: distance from the origin, whether there is one, its place in the kernel, and whether it
//     is the last word of a pixel, which has last_channels_i channels, the ones in channel_mask_i.
//     Where padded_i stands a slot outside of the map is 0 and not driven (zero_padding_i) or +1
//     (plus_padding_i), else 0.

`default_nettype none

module bincim_gather #(
    parameter Banks = 2,
    parameter Word = 8,
    parameter Bits = 1,
    parameter Address = 4,
    parameter Offset = 1,
    parameter Rotates = 0,
    parameter Coordinate = 1,
    parameter KernelRows = 1,
    parameter KernelColumns = 1,
    parameter RowsBefore = 0,
    parameter RowsBeyond = 0,
    parameter ColumnsBefore = 0,
    parameter ColumnsBeyond = 0,
    parameter Driven = 0,
    parameter Kept = 0,
    parameter Channels = 1,
    parameter BankWidth = (Banks > 1) ? $clog2(Banks) : 1,
    parameter BitWidth = (Bits > 1) ? $clog2(Bits) : 1,
    parameter KernelRowWidth = (KernelRows > 1) ? $clog2(KernelRows) : 1,
    parameter KernelColumnWidth = (KernelColumns > 1) ? $clog2(KernelColumns) : 1
) (
    input  wire clk_i,
    input  wire advance_i,
    // The window's origin, and the plane of bits.
    input  wire [Address-1:0] walk_address_i,
    input  wire [BankWidth-1:0] walk_bank_i,
    input  wire [BitWidth-1:0] bit_i,
    input  wire [Coordinate-1:0] window_row_i,
    input  wire [Coordinate-1:0] window_column_i,
    // The slots of the pass.
    input  wire [Banks*Offset-1:0] offset_i,
    input  wire [Banks-1:0] used_i,
    input  wire [Banks*KernelRowWidth-1:0] kernel_row_i,
    input  wire [Banks*KernelColumnWidth-1:0] kernel_column_i,
    input  wire [Banks-1:0] partial_i,
    // The layer's map.
    input  wire padded_i,
    input  wire zero_padding_i,
    input  wire plus_padding_i,
    input  wire [Coordinate-1:0] map_rows_i,
    input  wire [Coordinate-1:0] map_columns_i,
    input  wire [Channels-1:0] last_channels_i,
    input  wire [Word-1:0] channel_mask_i,
    input  wire [Banks*((Kept > 0) ? Kept : 1)-1:0] kept_rows_i,
    // Activation memory.
    output wire [Banks*Address-1:0] read_address_o,
    input  wire [Bits*Banks*Word-1:0] read_data_i,
    // The vector: its rows, the slots that are driven, and the number of driven rows.
    output wire [Banks*Word-1:0] row_o,
    output wire [Banks-1:0] driven_o,
    output wire [((Driven > 0) ? Driven : 1)-1:0] driven_rows_o
);

  // Words of the vector's plane of bits, as the banks read them.
  wire [Banks*Word-1:0] words;

  generate
    if (Bits > 1) begin : gen_plane
      reg [BitWidth-1:0] read_bit_q;
      reg [BitWidth-1:0] door_bit_q;
      reg [Banks*Word-1:0] chosen;
      integer plane;

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_bit_q <= bit_i;
          door_bit_q <= read_bit_q;
        end
      end

      always @(*) begin
        chosen = read_data_i[Banks*Word-1:0];
        for (plane = 1; plane < Bits; plane = plane + 1) begin
          if (door_bit_q == plane[BitWidth-1:0]) begin
            chosen = read_data_i[plane*Banks*Word +: Banks*Word];
          end
        end
      end

      assign words = chosen;
    end else begin : gen_one_plane
      wire unused = &{1'b0, bit_i};

      assign words = read_data_i;
    end
  endgenerate

  // Addresses, turned with their slots to the banks, and words, turned back at the end.
  wire [Banks*Offset-1:0] offset;
  wire [Banks-1:0] wrapped;
  wire [Banks*Word-1:0] slots;

  generate
    if (Rotates != 0) begin : gen_rotate
      reg [BankWidth-1:0] read_bank_q;
      reg [BankWidth-1:0] door_bank_q;

      always @(posedge clk_i) begin
        if (advance_i) begin
          read_bank_q <= walk_bank_i;
          door_bank_q <= read_bank_q;
        end
      end

      // Banks below the origin's bank hold slots whose bank number wrapped.
      assign wrapped = ~({Banks{1'b1}} << walk_bank_i);

      bincim_rotate #(
          .Slots(Banks),
          .Width(Offset),
          .Up(1)
      ) u_rotate_offsets (
          .data_i(offset_i),
          .amount_i(walk_bank_i),
          .data_o(offset)
      );

      bincim_rotate #(
          .Slots(Banks),
          .Width(Word)
      ) u_rotate_words (
          .data_i(words),
          .amount_i(door_bank_q),
          .data_o(slots)
      );
    end else begin : gen_straight
      wire unused = &{1'b0, walk_bank_i};

      assign offset = offset_i;
      assign wrapped = {Banks{1'b0}};
      assign slots = words;
    end
  endgenerate

  genvar bank;
  generate
    for (bank = 0; bank < Banks; bank = bank + 1) begin : gen_address
      wire [Address-1:0] distance;
      wire [Address-1:0] carry;
      reg [Address-1:0] address_q;

      if (Offset < Address) begin : gen_extend
        assign distance = {{Address-Offset{1'b0}}, offset[bank*Offset +: Offset]};
      end else begin : gen_whole
        assign distance = offset[bank*Offset +: Offset];
      end
      if (Address > 1) begin : gen_carry
        assign carry = {{Address-1{1'b0}}, wrapped[bank]};
      end else begin : gen_bit
        assign carry = wrapped[bank];
      end

      always @(posedge clk_i) begin
        if (advance_i) address_q <= walk_address_i + distance + carry;
      end

      assign read_address_o[bank*Address +: Address] = address_q;
    end
  endgenerate

  // Rows and columns of the kernel that lie inside of the map.
  wire [KernelRows-1:0] row_inside;
  wire [KernelColumns-1:0] column_inside;

  bincim_inside #(
      .Coordinate(Coordinate),
      .Places(KernelRows),
      .Before(RowsBefore),
      .Beyond(RowsBeyond)
  ) u_rows (
      .window_i(window_row_i),
      .size_i(map_rows_i),
      .inside_o(row_inside)
  );

  bincim_inside #(
      .Coordinate(Coordinate),
      .Places(KernelColumns),
      .Before(ColumnsBefore),
      .Beyond(ColumnsBeyond)
  ) u_columns (
      .window_i(window_column_i),
      .size_i(map_columns_i),
      .inside_o(column_inside)
  );

  // What each slot shows: a word of the map, +1 outside of it, or 0; and whether it is driven.
  wire [Banks-1:0] outside;
  wire [Banks-1:0] live = used_i & ~outside;
  wire [Banks-1:0] plus = used_i & outside & {Banks{plus_padding_i}};
  wire [Banks-1:0] driven = used_i & ~(outside & {Banks{zero_padding_i}});
  reg [Banks-1:0] read_live_q;
  reg [Banks-1:0] read_plus_q;
  reg [Banks-1:0] read_partial_q;
  reg [Banks-1:0] read_driven_q;
  reg [Banks-1:0] door_live_q;
  reg [Banks-1:0] door_plus_q;
  reg [Banks-1:0] door_partial_q;
  reg [Banks-1:0] door_driven_q;

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_live_q <= live;
      read_plus_q <= plus;
      read_partial_q <= partial_i;
      read_driven_q <= driven;
      door_live_q <= read_live_q;
      door_plus_q <= read_plus_q;
      door_partial_q <= read_partial_q;
      door_driven_q <= read_driven_q;
    end
  end

  assign driven_o = door_driven_q;

  genvar slot;
  generate
    for (slot = 0; slot < Banks; slot = slot + 1) begin : gen_slot
      wire in_row;
      wire in_column;
      wire [Word-1:0] ones = door_partial_q[slot] ? channel_mask_i : {Word{1'b1}};

      if (KernelRows > 1) begin : gen_kernel_row
        wire [KernelRowWidth-1:0] row = kernel_row_i[slot*KernelRowWidth +: KernelRowWidth];

        assign in_row = row_inside[row];
      end else begin : gen_one_row
        assign in_row = row_inside[0];
      end
      if (KernelColumns > 1) begin : gen_kernel_column
        wire [KernelColumnWidth-1:0] column =
            kernel_column_i[slot*KernelColumnWidth +: KernelColumnWidth];

        assign in_column = column_inside[column];
      end else begin : gen_one_column
        assign in_column = column_inside[0];
      end

      assign outside[slot] = padded_i & !(in_row & in_column);
      assign row_o[slot*Word +: Word] = (slots[slot*Word +: Word] & {Word{door_live_q[slot]}})
                                        | (ones & {Word{door_plus_q[slot]}});
    end
  endgenerate

  wire unused_places = &{1'b0, kernel_row_i, kernel_column_i};

  // Driven rows, counted slot by slot while the memory reads.
  generate
    if (Driven > 0) begin : gen_driven
      reg [Driven-1:0] sum;
      reg [Driven-1:0] sum_q;
      wire [Banks*Driven-1:0] rows;
      reg [Channels-1:0] last_channels_q;
      integer term;

      for (slot = 0; slot < Banks; slot = slot + 1) begin : gen_rows
        if (Kept > 0) begin : gen_kept
          wire [Driven+Kept-1:0] kept = {{Driven{1'b0}}, kept_rows_i[slot*Kept +: Kept]};
          wire unused = &{1'b0, kept[Driven+Kept-1:Driven]};

          assign rows[slot*Driven +: Driven] = kept[Driven-1:0];
        end else begin : gen_words
          // A slot is driven whole only where the number fits.
          localparam [31:0] WHOLE = Word;
          wire [Driven+Channels-1:0] last = {{Driven{1'b0}}, last_channels_q};
          wire unused = &{1'b0, last[Driven+Channels-1:Driven]};

          assign rows[slot*Driven +: Driven] = read_partial_q[slot] ? last[Driven-1:0]
                                                                    : WHOLE[Driven-1:0];
        end
      end

      always @(*) begin
        sum = {Driven{1'b0}};
        for (term = 0; term < Banks; term = term + 1) begin
          if (read_driven_q[term]) sum = sum + rows[term*Driven +: Driven];
        end
      end

      always @(posedge clk_i) begin
        if (advance_i) begin
          sum_q <= sum;
          last_channels_q <= last_channels_i;
        end
      end

      if (Kept > 0) begin : gen_all_channels
        wire unused = &{1'b0, last_channels_q};
      end else begin : gen_all_kept
        wire unused = &{1'b0, kept_rows_i};
      end

      assign driven_rows_o = sum_q;
    end else begin : gen_uncounted
      wire unused = &{1'b0, kept_rows_i, last_channels_i};

      assign driven_rows_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
