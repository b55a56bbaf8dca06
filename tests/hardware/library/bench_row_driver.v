// Random vectors of both sources through a bincim_row_driver, plane after plane, against the rows that they drive.
`default_nettype none

module bench_row_driver #(
    parameter Words = 2,
    parameter Word = 8,
    parameter Planes = 1,
    parameter RowEnable = 0,
    parameter Seed = 1
);
  localparam ROWS = Words * Word;

  reg clk = 1'b0;
  reg load = 1'b0;
  reg next_plane = 1'b0;
  reg from_input = 1'b0;
  reg [Planes*ROWS-1:0] input_row;
  reg [ROWS-1:0] map_row;
  reg [ROWS-1:0] kept;
  reg [Words-1:0] map_driven;
  wire [ROWS-1:0] enable;
  wire [ROWS-1:0] row;

  bincim_row_driver #(
      .Words(Words),
      .Word(Word),
      .Planes(Planes),
      .RowEnable(RowEnable)
  ) dut (
      .clk_i(clk),
      .load_i(load),
      .next_plane_i(next_plane),
      .from_input_i(from_input),
      .input_row_i(input_row),
      .map_row_i(map_row),
      .kept_i(kept),
      .map_driven_i(map_driven),
      .enable_o(enable),
      .row_o(row)
  );

  reg [ROWS-1:0] expected;
  reg driven;
  integer random = Seed;
  integer vector, plane, i;

  initial begin
    for (vector = 0; vector < 100; vector = vector + 1) begin
      for (i = 0; i < Planes * ROWS; i = i + 1) input_row[i] = $random(random);
      for (i = 0; i < ROWS; i = i + 1) map_row[i] = $random(random);
      for (i = 0; i < ROWS; i = i + 1) kept[i] = $random(random) | $random(random);
      for (i = 0; i < Words; i = i + 1) map_driven[i] = $random(random);
      from_input = $random(random);
      for (plane = 0; plane < Planes; plane = plane + 1) begin
        load = (plane == 0);
        next_plane = (plane != 0);
        // A vector of the activation memory has no planes behind its first one.
        expected = {ROWS{1'b0}};
        if (from_input) expected = input_row[plane*ROWS +: ROWS] & kept;
        else if (plane == 0) expected = map_row & kept;
        #1 clk = 1'b1;
        #1 clk = 1'b0;
        // Between the steps the rows hold.
        load = 1'b0;
        next_plane = 1'b0;
        #1 clk = 1'b1;
        #1 clk = 1'b0;
        if (row !== expected) $display("FAIL: %m vector %0d plane %0d: %h, not %h", vector, plane, row, expected);
        for (i = 0; i < Words; i = i + 1) begin
          driven = (RowEnable == 0) | from_input | map_driven[i];
          if (enable[i*Word +: Word] !== {Word{driven}}) $display("FAIL: %m word %0d", i);
        end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
