// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A cell that is active has, since the last swap, what was written to it last before: its weight,
// or, where the tile was shorter, +1 as the tree wants it stored. Of one row, which may be any.

module properties #(
    parameter Words = 2,
    parameter Height = 2,
    parameter [Words*Height-1:0] Idle = {Words * Height{1'b1}}
) (
    input wire clk_i,
    input wire [Words-1:0] write_i,
    input wire [Height-1:0] weight_i,
    input wire swap_i,
    input wire [7:0] row_i
);

  wire [Words*Height-1:0] active;

  bincim_column_cells #(
      .Words(Words),
      .Height(Height),
      .Idle(Idle)
  ) dut (
      .clk_i(clk_i),
      .write_i(write_i),
      .weight_i(weight_i),
      .swap_i(swap_i),
      .active_o(active)
  );

  reg started = 1'b0;
  reg [7:0] row_q;
  wire [7:0] row = started ? row_q : row_i;
  wire [7:0] word = row / Height;
  wire [7:0] place = row % Height;
  reg known_q = 1'b0;
  reg shadow_q;
  reg shown_q = 1'b0;
  reg due_q;

  always @(posedge clk_i) begin
    started <= 1'b1;
    row_q <= row;
    if (write_i[word]) begin
      known_q <= 1'b1;
      // Word 0 wins over the others, whose cells it presets.
      shadow_q <= (word != 8'd0 && write_i[0]) ? Idle[row] : weight_i[place];
    end else if (write_i[0]) begin
      known_q <= 1'b1;
      shadow_q <= Idle[row];
    end
    if (swap_i) begin
      shown_q <= known_q;
      due_q <= shadow_q;
    end
  end

  always @* begin
    assume (row < Words * Height);
    if (shown_q) assert (active[row] == due_q);
  end

endmodule
