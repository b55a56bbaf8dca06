// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The place is the origin from start_i on, then what was next at each step, or, at a step back,
// where the block began.

module properties #(
    parameter Width = 4,
    parameter Moves = 1,
    parameter Returns = 0
) (
    input wire clk_i,
    input wire start_i,
    input wire step_i,
    input wire back_i,
    input wire block_end_i,
    input wire [Width-1:0] origin_i,
    input wire [Width-1:0] next_i
);

  wire [Width-1:0] place;

  bincim_place #(
      .Width(Width),
      .Moves(Moves),
      .Returns(Returns)
  ) dut (
      .clk_i(clk_i),
      .start_i(start_i),
      .step_i(step_i),
      .back_i(back_i),
      .block_end_i(block_end_i),
      .origin_i(origin_i),
      .next_i(next_i),
      .place_o(place)
  );

  reg started = 1'b0;
  reg [Width-1:0] due;
  reg [Width-1:0] block;

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (start_i) due <= origin_i;
    else if (step_i) due <= (Returns != 0 && back_i) ? block : next_i;
    if (start_i) block <= origin_i;
    else if (block_end_i) block <= next_i;
  end

  always @* begin
    assume (started | start_i);
    if (Moves == 0) assert (place == origin_i);
    else if (started) assert (place == due);
  end

endmodule
