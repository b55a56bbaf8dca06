// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Walk of a window's origin over its map, without multiplier or divider: the innermost loop that
// has not reached its end says which constant step is next. Pixels of a pooling window come first,
// its columns and then its rows; then the windows, column by column and row by row.
// Parameters: Address, bits of an address, from 1. Banks, most banks in which a map lies, from 1; a
//     place past the last bank is in the first one again, further by what a turn is worth.
//     Coordinate, bits of the origin's row and column, from 1. WindowColumns and WindowRows, most
//     of a pooling window, and Columns, most windows in a row, from 1. Rows: 1, some map has
//     windows below its first row. Moves: 1, some layer has more than one pixel. Returns: 1, some
//     block of more than one pixel comes again. BankWidth and the widths of the counters follow.
// Latency: 1, from a step to the place.
// Reset: none; start_i puts everything to the origin.
// Protocol: what the layer says stands from start_i on: its last values; banks_i, and turn_i, what
//     a turn of the banks is worth in addresses; origin and steps. step_i goes to the next pixel,
//     with back_i to the block's first one. block_end_i: the next pixel begins a block.
//     window_last_o and row_last_o: the last pixel of its window, and the last window of its row.

`default_nettype none

module bincim_walk #(
    parameter Address = 8,
    parameter Banks = 1,
    parameter Coordinate = 1,
    parameter WindowColumns = 1,
    parameter WindowRows = 1,
    parameter Columns = 1,
    parameter Rows = 0,
    parameter Moves = 1,
    parameter Returns = 0,
    parameter BankWidth = (Banks > 1) ? $clog2(Banks) : 1,
    parameter WindowColumnWidth = (WindowColumns > 1) ? $clog2(WindowColumns) : 1,
    parameter WindowRowWidth = (WindowRows > 1) ? $clog2(WindowRows) : 1,
    parameter ColumnWidth = (Columns > 1) ? $clog2(Columns) : 1
) (
    input  wire clk_i,
    input  wire start_i,
    input  wire step_i,
    input  wire back_i,
    input  wire block_end_i,
    // The layer's loops and banks.
    input  wire [WindowColumnWidth-1:0] last_window_column_i,
    input  wire [WindowRowWidth-1:0] last_window_row_i,
    input  wire [ColumnWidth-1:0] last_column_i,
    input  wire [BankWidth:0] banks_i,
    input  wire [Address-1:0] turn_i,
    // Its first place, and the steps within a window's row, to its next row, to the next window and
    // to the next row of windows.
    input  wire [Address-1:0] origin_address_i,
    input  wire [Address-1:0] step_window_column_address_i,
    input  wire [Address-1:0] step_window_row_address_i,
    input  wire [Address-1:0] step_column_address_i,
    input  wire [Address-1:0] step_row_address_i,
    input  wire [BankWidth-1:0] origin_bank_i,
    input  wire [BankWidth-1:0] step_window_column_bank_i,
    input  wire [BankWidth-1:0] step_window_row_bank_i,
    input  wire [BankWidth-1:0] step_column_bank_i,
    input  wire [BankWidth-1:0] step_row_bank_i,
    // The same in rows and columns of the map; above or left of it they are negative.
    input  wire [Coordinate-1:0] origin_map_row_i,
    input  wire [Coordinate-1:0] step_window_column_map_row_i,
    input  wire [Coordinate-1:0] step_window_row_map_row_i,
    input  wire [Coordinate-1:0] step_column_map_row_i,
    input  wire [Coordinate-1:0] step_row_map_row_i,
    input  wire [Coordinate-1:0] origin_map_column_i,
    input  wire [Coordinate-1:0] step_window_column_map_column_i,
    input  wire [Coordinate-1:0] step_window_row_map_column_i,
    input  wire [Coordinate-1:0] step_column_map_column_i,
    input  wire [Coordinate-1:0] step_row_map_column_i,
    // Where the window begins.
    output wire [Address-1:0] address_o,
    output wire [BankWidth-1:0] bank_o,
    output wire [Coordinate-1:0] map_row_o,
    output wire [Coordinate-1:0] map_column_o,
    output wire window_last_o,
    output wire row_last_o
);

  // A block of one pixel that comes again stays where it is.
  wire step = step_i & ((Returns != 0) | !back_i);

  wire window_column_last;
  wire window_row_last;
  wire column_last;

  assign window_last_o = window_column_last & window_row_last;
  assign row_last_o = column_last;

  bincim_walk_counter #(
      .Count((Moves != 0) ? WindowColumns : 1),
      .Width(WindowColumnWidth),
      .Returns(Returns)
  ) u_window_column (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .count_i(1'b1),
      .last_i(last_window_column_i),
      .last_o(window_column_last)
  );

  bincim_walk_counter #(
      .Count((Moves != 0) ? WindowRows : 1),
      .Width(WindowRowWidth),
      .Returns(Returns)
  ) u_window_row (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .count_i(window_column_last),
      .last_i(last_window_row_i),
      .last_o(window_row_last)
  );

  bincim_walk_counter #(
      .Count((Moves != 0) ? Columns : 1),
      .Width(ColumnWidth),
      .Returns(Returns)
  ) u_column (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .count_i(window_last_o),
      .last_i(last_column_i),
      .last_o(column_last)
  );

  // The step that is next.
  wire row_done = (Rows != 0) & column_last;
  wire [Address-1:0] step_address =
      !window_column_last ? step_window_column_address_i :
      !window_row_last ? step_window_row_address_i :
      !row_done ? step_column_address_i : step_row_address_i;
  wire [BankWidth-1:0] step_bank =
      !window_column_last ? step_window_column_bank_i :
      !window_row_last ? step_window_row_bank_i :
      !row_done ? step_column_bank_i : step_row_bank_i;
  wire [Coordinate-1:0] step_map_row =
      !window_column_last ? step_window_column_map_row_i :
      !window_row_last ? step_window_row_map_row_i :
      !row_done ? step_column_map_row_i : step_row_map_row_i;
  wire [Coordinate-1:0] step_map_column =
      !window_column_last ? step_window_column_map_column_i :
      !window_row_last ? step_window_row_map_column_i :
      !row_done ? step_column_map_column_i : step_row_map_column_i;

  wire [Address-1:0] address_next;

  generate
    if (Banks > 1) begin : gen_banks
      wire [BankWidth:0] sum = {1'b0, bank_o} + {1'b0, step_bank};
      wire [BankWidth:0] over = sum - banks_i;
      wire wraps = !over[BankWidth];

      bincim_place #(
          .Width(BankWidth),
          .Moves(Moves),
          .Returns(Returns)
      ) u_bank (
          .clk_i(clk_i),
          .start_i(start_i),
          .step_i(step),
          .back_i(back_i),
          .block_end_i(block_end_i),
          .origin_i(origin_bank_i),
          .next_i(wraps ? over[BankWidth-1:0] : sum[BankWidth-1:0]),
          .place_o(bank_o)
      );

      assign address_next = address_o + step_address + (wraps ? turn_i : {Address{1'b0}});
    end else begin : gen_one_bank
      wire unused = &{1'b0, banks_i, turn_i, origin_bank_i, step_bank};

      assign bank_o = 1'b0;
      assign address_next = address_o + step_address;
    end
  endgenerate

  bincim_place #(
      .Width(Address),
      .Moves(Moves),
      .Returns(Returns)
  ) u_address (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .origin_i(origin_address_i),
      .next_i(address_next),
      .place_o(address_o)
  );

  bincim_place #(
      .Width(Coordinate),
      .Moves(Moves),
      .Returns(Returns)
  ) u_map_row (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .origin_i(origin_map_row_i),
      .next_i(map_row_o + step_map_row),
      .place_o(map_row_o)
  );

  bincim_place #(
      .Width(Coordinate),
      .Moves(Moves),
      .Returns(Returns)
  ) u_map_column (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .origin_i(origin_map_column_i),
      .next_i(map_column_o + step_map_column),
      .place_o(map_column_o)
  );

endmodule

`default_nettype wire
