// The way of a map: words of random planes of bits through a bincim_write_back into a bincim_map_memory, then random
// windows of it through a bincim_gather, plane by plane and with random stalls, against the words that were written.
`default_nettype none

module bench_gather #(
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
    parameter Seed = 1
);
  localparam DEPTH = 1 << Address;
  localparam BANK = (Banks > 1) ? $clog2(Banks) : 1;
  localparam BIT = (Bits > 1) ? $clog2(Bits) : 1;
  localparam ROW = (KernelRows > 1) ? $clog2(KernelRows) : 1;
  localparam COLUMN = (KernelColumns > 1) ? $clog2(KernelColumns) : 1;
  localparam KEPT = (Kept > 0) ? Kept : 1;
  localparam DRIVEN = (Driven > 0) ? Driven : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg layer_start = 1'b0;
  reg bit_valid = 1'b0;
  reg [Bits*Word-1:0] bits;
  wire [Banks-1:0] write;
  wire [Address-1:0] write_address;
  wire [Bits*Word-1:0] write_data;
  wire unused_valid, unused_kept_back;
  wire [Bits*Word-1:0] unused_bits;
  wire [Banks*Address-1:0] read_address;
  wire [Bits*Banks*Word-1:0] read_data;

  reg advance = 1'b0;
  reg [Address-1:0] walk_address = 0;
  reg [BANK-1:0] walk_bank = 0;
  reg [BIT-1:0] code_bit = 0;
  reg [Coordinate-1:0] window_row = 0;
  reg [Coordinate-1:0] window_column = 0;
  reg [Banks*Offset-1:0] offset = 0;
  reg [Banks-1:0] used = 0;
  reg [Banks*ROW-1:0] kernel_row = 0;
  reg [Banks*COLUMN-1:0] kernel_column = 0;
  reg [Banks-1:0] partial = 0;
  reg padded, zero, plus;
  reg [Coordinate-1:0] map_rows, map_columns;
  reg [Channels-1:0] last_channels;
  reg [Word-1:0] channel_mask;
  reg [Banks*KEPT-1:0] kept, kept_next;
  wire [Banks*Word-1:0] row;
  wire [Banks-1:0] driven;
  wire [DRIVEN-1:0] driven_rows;

  // Every word is a pixel, one bank after the other.
  bincim_write_back #(
      .Lanes(Word),
      .Word(Word),
      .Bits(Bits),
      .Banks(Banks),
      .Depth(DEPTH),
      .Columns(1),
      .Rows(0),
      .Groups(0)
  ) write_back (
      .clk_i(clk),
      .rst_ni(rst_n),
      .layer_start_i(layer_start),
      .to_map_i(1'b1),
      .origin_address_i({Address{1'b0}}),
      .step_column_address_i((Banks > 1) ? {Address{1'b0}} : {{Address-1{1'b0}}, 1'b1}),
      .step_row_address_i({Address{1'b0}}),
      .step_chunk_address_i({Address{1'b0}}),
      .step_column_bank_i((Banks > 1) ? {{BANK-1{1'b0}}, 1'b1} : 1'b0),
      .step_row_bank_i({BANK{1'b0}}),
      .step_chunk_bank_i({BANK{1'b0}}),
      .chunks_i(1'b0),
      .bit_valid_i(bit_valid),
      .bit_i(bits),
      .row_last_i(1'b0),
      .group_last_i(1'b0),
      .write_o(write),
      .write_address_o(write_address),
      .write_data_o(write_data),
      .bits_valid_o(unused_valid),
      .bits_o(unused_bits),
      .kept_back_o(unused_kept_back)
  );

  bincim_map_memory #(
      .Banks(Banks),
      .Word(Word),
      .Depth(DEPTH),
      .Bits(Bits)
  ) memory (
      .clk_i(clk),
      .read_i(advance),
      .read_address_i(read_address),
      .read_data_o(read_data),
      .write_i(write),
      .write_address_i(write_address),
      .write_data_i(write_data)
  );

  bincim_gather #(
      .Banks(Banks),
      .Word(Word),
      .Bits(Bits),
      .Address(Address),
      .Offset(Offset),
      .Rotates(Rotates),
      .Coordinate(Coordinate),
      .KernelRows(KernelRows),
      .KernelColumns(KernelColumns),
      .RowsBefore(RowsBefore),
      .RowsBeyond(RowsBeyond),
      .ColumnsBefore(ColumnsBefore),
      .ColumnsBeyond(ColumnsBeyond),
      .Driven(Driven),
      .Kept(Kept),
      .Channels(Channels)
  ) dut (
      .clk_i(clk),
      .advance_i(advance),
      .walk_address_i(walk_address),
      .walk_bank_i(walk_bank),
      .bit_i(code_bit),
      .window_row_i(window_row),
      .window_column_i(window_column),
      .offset_i(offset),
      .used_i(used),
      .kernel_row_i(kernel_row),
      .kernel_column_i(kernel_column),
      .partial_i(partial),
      .padded_i(padded),
      .zero_padding_i(zero),
      .plus_padding_i(plus),
      .map_rows_i(map_rows),
      .map_columns_i(map_columns),
      .last_channels_i(last_channels),
      .channel_mask_i(channel_mask),
      .kept_rows_i(kept),
      .read_address_o(read_address),
      .read_data_i(read_data),
      .row_o(row),
      .driven_o(driven),
      .driven_rows_o(driven_rows)
  );

  // All planes of word L, which lies in bank L mod Banks at address L div Banks.
  reg [Bits*Word-1:0] words [0:Banks*DEPTH-1];
  // What the vectors at the walk, at the memory and at the door should show.
  reg [Banks*Word-1:0] row_walk, row_read, row_door;
  reg [Banks-1:0] driven_walk, driven_read, driven_door;
  reg [DRIVEN-1:0] number_walk, number_read, number_door;
  integer random = Seed;
  integer layer, vector, stage, slot, bank, address, y, x, window_y, window_x, number, i;
  reg outside;
  reg [Word-1:0] shown;

  function integer below(input integer limit);
    below = $unsigned($random(random)) % limit;
  endfunction

  // Whether a window at `at` leaves a map of `size` places only where it may.
  function legal(input integer at, input integer size, input integer places, input integer before, input integer beyond);
    begin
      legal = 1'b1;
      for (i = 0; i < places; i = i + 1) begin
        if (at + i < 0 && ((before >> i) & 1) == 0) legal = 1'b0;
        if (at + i >= size && ((beyond >> i) & 1) == 0) legal = 1'b0;
      end
    end
  endfunction

  task tick;
    begin
      #1 clk = 1'b1;
      #1 clk = 1'b0;
    end
  endtask

  task choose_layer;
    begin
      padded = below(4) != 0;
      zero = below(2);
      plus = !zero & below(2);
      map_rows = KernelRows + below((1 << Coordinate) / 2 - KernelRows + 1);
      map_columns = KernelColumns + below((1 << Coordinate) / 2 - KernelColumns + 1);
      channel_mask = $random(random);
      last_channels = $random(random);
    end
  endtask

  task choose_vector;
    begin
      walk_address = $random(random);
      walk_bank = (Rotates != 0) ? below(Banks) : 0;
      code_bit = below(Bits);
      for (i = 0; i < Banks * Offset; i = i + 1) offset[i] = $random(random);
      for (i = 0; i < Banks * KEPT; i = i + 1) kept_next[i] = $random(random);
      used = $random(random) | $random(random);
      partial = $random(random);
      window_y = 1;
      while (!legal(window_y, map_rows, KernelRows, RowsBefore, RowsBeyond) || below(3) == 0) begin
        window_y = below(map_rows + KernelRows) - KernelRows;
      end
      window_x = 1;
      while (!legal(window_x, map_columns, KernelColumns, ColumnsBefore, ColumnsBeyond) || below(3) == 0) begin
        window_x = below(map_columns + KernelColumns) - KernelColumns;
      end
      window_row = window_y;
      window_column = window_x;
      number = 0;
      for (slot = 0; slot < Banks; slot = slot + 1) begin
        y = below(KernelRows);
        x = below(KernelColumns);
        kernel_row[slot*ROW +: ROW] = y;
        kernel_column[slot*COLUMN +: COLUMN] = x;
        y = y + window_y;
        x = x + window_x;
        outside = padded && (y < 0 || y >= map_rows || x < 0 || x >= map_columns);
        bank = (walk_bank + slot) % Banks;
        address = (walk_address + offset[slot*Offset +: Offset] + (walk_bank + slot) / Banks) % DEPTH;
        shown = words[address * Banks + bank] >> code_bit * Word;
        if (outside) shown = plus ? (partial[slot] ? channel_mask : {Word{1'b1}}) : {Word{1'b0}};
        row_walk[slot*Word +: Word] = used[slot] ? shown : {Word{1'b0}};
        driven_walk[slot] = used[slot] && !(outside && zero);
        if (driven_walk[slot]) begin
          number = number + ((Kept > 0) ? kept_next[slot*KEPT +: KEPT] : partial[slot] ? last_channels : Word);
        end
      end
      number_walk = number;
    end
  endtask

  initial begin
    tick;
    rst_n = 1'b1;
    layer_start = 1'b1;
    tick;
    layer_start = 1'b0;
    bit_valid = 1'b1;
    for (i = 0; i < Banks * DEPTH; i = i + 1) begin
      for (slot = 0; slot < Bits * Word; slot = slot + 1) bits[slot] = $random(random);
      words[i] = bits;
      tick;
    end
    bit_valid = 1'b0;
    tick;
    for (layer = 0; layer < 30; layer = layer + 1) begin
      choose_layer;
      choose_vector;
      stage = 0;
      for (vector = 0; vector < 60; vector = vector + 1) begin
        advance = below(4) != 0;
        #1 if (stage > 1) begin
          if (row !== row_door || driven !== driven_door) begin
            $display("FAIL: %m layer %0d vector %0d: %b, not %b; driven %b", layer, vector, row, row_door, driven);
          end
          if (Driven > 0 && driven_rows !== number_door) begin
            $display("FAIL: %m layer %0d vector %0d: %0d rows, not %0d", layer, vector, driven_rows, number_door);
          end
        end
        tick;
        if (advance) begin
          row_door = row_read;
          driven_door = driven_read;
          number_door = number_read;
          row_read = row_walk;
          driven_read = driven_walk;
          number_read = number_walk;
          kept = kept_next;
          stage = stage + 1;
          choose_vector;
        end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
