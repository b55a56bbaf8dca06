// Walks of random layers through a bincim_walk, block by block and pass by pass, against the places that nested loops give.
`default_nettype none

module bench_walk #(
    parameter Address = 8,
    parameter Banks = 1,
    parameter Coordinate = 1,
    parameter WindowColumns = 1,
    parameter WindowRows = 1,
    parameter Columns = 1,
    parameter Rows = 0,
    parameter Moves = 1,
    parameter Returns = 0,
    parameter Seed = 1
);
  localparam BANK = (Banks > 1) ? $clog2(Banks) : 1;
  localparam WINDOW_COLUMN = (WindowColumns > 1) ? $clog2(WindowColumns) : 1;
  localparam WINDOW_ROW = (WindowRows > 1) ? $clog2(WindowRows) : 1;
  localparam COLUMN = (Columns > 1) ? $clog2(Columns) : 1;
  localparam MOST = 4096;
  localparam PLACE = Address + BANK + 2 * Coordinate;

  reg clk = 1'b0;
  reg start = 1'b1;
  reg step = 1'b0;
  wire back, block_end;
  reg [WINDOW_COLUMN-1:0] last_window_column;
  reg [WINDOW_ROW-1:0] last_window_row;
  reg [COLUMN-1:0] last_column;
  reg [BANK:0] banks;
  reg [Address-1:0] turn;
  // Origin and steps: window's column, its row, column, row.
  reg [Address-1:0] to_address[0:4];
  reg [BANK-1:0] to_bank[0:4];
  reg [Coordinate-1:0] to_row[0:4];
  reg [Coordinate-1:0] to_column[0:4];
  wire [Address-1:0] address;
  wire [BANK-1:0] bank;
  wire [Coordinate-1:0] map_row, map_column;
  wire window_last, row_last;

  bincim_walk #(
      .Address(Address),
      .Banks(Banks),
      .Coordinate(Coordinate),
      .WindowColumns(WindowColumns),
      .WindowRows(WindowRows),
      .Columns(Columns),
      .Rows(Rows),
      .Moves(Moves),
      .Returns(Returns)
  ) dut (
      .clk_i(clk),
      .start_i(start),
      .step_i(step),
      .back_i(back),
      .block_end_i(block_end),
      .last_window_column_i(last_window_column),
      .last_window_row_i(last_window_row),
      .last_column_i(last_column),
      .banks_i(banks),
      .turn_i(turn),
      .origin_address_i(to_address[0]),
      .step_window_column_address_i(to_address[1]),
      .step_window_row_address_i(to_address[2]),
      .step_column_address_i(to_address[3]),
      .step_row_address_i(to_address[4]),
      .origin_bank_i(to_bank[0]),
      .step_window_column_bank_i(to_bank[1]),
      .step_window_row_bank_i(to_bank[2]),
      .step_column_bank_i(to_bank[3]),
      .step_row_bank_i(to_bank[4]),
      .origin_map_row_i(to_row[0]),
      .step_window_column_map_row_i(to_row[1]),
      .step_window_row_map_row_i(to_row[2]),
      .step_column_map_row_i(to_row[3]),
      .step_row_map_row_i(to_row[4]),
      .origin_map_column_i(to_column[0]),
      .step_window_column_map_column_i(to_column[1]),
      .step_window_row_map_column_i(to_column[2]),
      .step_column_map_column_i(to_column[3]),
      .step_row_map_column_i(to_column[4]),
      .address_o(address),
      .bank_o(bank),
      .map_row_o(map_row),
      .map_column_o(map_column),
      .window_last_o(window_last),
      .row_last_o(row_last)
  );

  integer random = Seed;
  integer layer, rows, pixels, block, passes, first, length, pass, pixel, n, way, held;
  integer row, column, window_row, window_column;
  reg [PLACE+1:0] places[0:MOST-1];
  reg [Address-1:0] a;
  reg [BANK:0] b;
  reg [Coordinate-1:0] r, c;

  function integer below(input integer limit);
    below = $unsigned($random(random)) % limit;
  endfunction

  assign back = (pixel == length - 1) & (pass < passes - 1);
  assign block_end = step & (pixel == length - 1) & (pass == passes - 1);

  initial begin
    for (layer = 0; layer < 40; layer = layer + 1) begin
      last_window_column = (Moves != 0) ? below(WindowColumns) : 0;
      last_window_row = (Moves != 0) ? below(WindowRows) : 0;
      last_column = (Moves != 0) ? below(Columns) : 0;
      rows = (Moves == 0) ? 1 : (Rows != 0) ? 1 + below(4) : 1 + below(20);
      banks = (Banks > 1) ? 1 + below(Banks) : 1;
      turn = $random(random);
      for (way = 0; way < 5; way = way + 1) begin
        to_address[way] = $random(random);
        to_bank[way] = below(banks);
        to_row[way] = $random(random);
        to_column[way] = $random(random);
      end
      // Where the walk stands at each pixel.
      n = 0;
      a = to_address[0];
      b = to_bank[0];
      r = to_row[0];
      c = to_column[0];
      for (row = 0; row < rows; row = row + 1)
        for (column = 0; column <= last_column; column = column + 1)
          for (window_row = 0; window_row <= last_window_row; window_row = window_row + 1)
            for (window_column = 0; window_column <= last_window_column; window_column = window_column + 1) begin
              places[n] = {window_column == last_window_column && window_row == last_window_row,
                           column == last_column, a, b[BANK-1:0], r, c};
              n = n + 1;
              way = (window_column < last_window_column) ? 1 : (window_row < last_window_row) ? 2 :
                    (Rows == 0 || column < last_column) ? 3 : 4;
              a = a + to_address[way];
              b = b + to_bank[way];
              r = r + to_row[way];
              c = c + to_column[way];
              if (b >= banks) begin
                b = b - banks;
                if (Banks > 1) a = a + turn;
              end
            end
      pixels = n;
      passes = 1 + below(3);
      block = 1 + ((Returns != 0 || passes == 1) ? below(pixels) : 0);
      start = 1'b1;
      step = 1'b0;
      pass = 0;
      pixel = 0;
      length = block;
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      start = 1'b0;
      for (first = 0; first < pixels; first = first + block) begin
        length = (first + block > pixels) ? pixels - first : block;
        for (pass = 0; pass < passes; pass = pass + 1)
          for (pixel = 0; pixel < length; pixel = pixel + 1) begin
            for (held = below(2); held >= 0; held = held - 1) begin
              step = (held == 0);
              #1 if ({window_last, row_last, address, bank, map_row, map_column} !== places[first+pixel]) begin
                $display("FAIL: %m layer %0d, pixel %0d, pass %0d", layer, first + pixel, pass);
              end
              clk = 1'b1;
              #1 clk = 1'b0;
            end
          end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
