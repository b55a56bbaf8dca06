// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The rows carry, since the vector was loaded and after as many steps, its plane of that number, 0
// where the plane of the weights leaves a row out; the enables are those of the source.

module properties #(
    parameter Words = 2,
    parameter Word = 2,
    parameter Planes = 1,
    parameter RowEnable = 0
) (
    input wire clk_i,
    input wire load_i,
    input wire next_plane_i,
    input wire from_input_i,
    input wire [Planes*Words*Word-1:0] input_row_i,
    input wire [Words*Word-1:0] map_row_i,
    input wire [Words*Word-1:0] kept_i,
    input wire [Words-1:0] map_driven_i
);

  localparam ROWS = Words * Word;

  wire [ROWS-1:0] enable;
  wire [ROWS-1:0] row;

  bincim_row_driver #(
      .Words(Words),
      .Word(Word),
      .Planes(Planes),
      .RowEnable(RowEnable)
  ) dut (
      .clk_i(clk_i),
      .load_i(load_i),
      .next_plane_i(next_plane_i),
      .from_input_i(from_input_i),
      .input_row_i(input_row_i),
      .map_row_i(map_row_i),
      .kept_i(kept_i),
      .map_driven_i(map_driven_i),
      .enable_o(enable),
      .row_o(row)
  );

  // The vector as it was loaded, and the plane that drives the rows.
  reg loaded_q = 1'b0;
  reg from_input_q;
  reg [Planes*ROWS-1:0] input_row_q;
  reg [ROWS-1:0] map_row_q;
  reg [ROWS-1:0] kept_q;
  reg [Words-1:0] map_driven_q;
  reg [7:0] plane_q;
  wire [ROWS-1:0] plane = input_row_q >> (plane_q * ROWS);
  integer at;

  always @(posedge clk_i) begin
    if (load_i) begin
      loaded_q <= 1'b1;
      from_input_q <= from_input_i;
      input_row_q <= input_row_i;
      map_row_q <= map_row_i;
      kept_q <= kept_i;
      map_driven_q <= map_driven_i;
      plane_q <= 8'd0;
    end else if (next_plane_i) begin
      plane_q <= plane_q + 8'd1;
    end
  end

  always @* begin
    // A vector from the map has one plane, one from the input as many as the parameter says.
    assume (!(next_plane_i && loaded_q && (plane_q + 8'd1 >= Planes || !from_input_q)));
    if (loaded_q) begin
      if (from_input_q) assert (row == (plane & kept_q));
      else assert (row == (map_row_q & kept_q));
      for (at = 0; at < ROWS; at = at + 1) begin
        assert (enable[at] ==
            (RowEnable == 0 || from_input_q || map_driven_q[at/Word]));
      end
    end
  end

endmodule
