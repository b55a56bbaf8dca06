// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A vector's sum is what its first pass starts from and all that its passes add, modulo the sum's
// width, of vectors that wait for one another: a sum is written before it is read again. Of one
// lane and one place in the block, which may be any.
// Assumed: blocks of Block vectors, pass after pass, with any gaps; where sums wait in the memory a
// block has three vectors or more, and each vector's sum is stored in the cycle behind its count.

module properties #(
    parameter Count = 3,
    parameter Sum = 5,
    parameter Signed = 0,
    parameter Depth = 4,
    parameter Block = 3,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire fetch_valid_i,
    input wire first_pass_i,
    input wire [Count-1:0] count_i,
    input wire [7:0] place_i
);

  wire [Sum-1:0] sum;
  reg count_valid_q = 1'b0;
  reg count_first_q;
  reg stored_valid_q = 1'b0;
  reg [7:0] fetch_place_q = 8'd0;
  wire fetch_last = (fetch_place_q == Block - 1);

  bincim_accumulator #(
      .Lanes(1),
      .Count(Count),
      .Sum(Sum),
      .Signed(Signed),
      .Depth(Depth)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .in_register_i(Depth == 0),
      .fetch_valid_i(fetch_valid_i),
      .fetch_block_last_i(fetch_last),
      .driven_rows_i(1'b0),
      .weighted_i(1'b0),
      .count_valid_i(count_valid_q),
      .count_first_i(count_first_q),
      .count_i(count_i),
      .scale_i(1'b0),
      .lanes_i(1'b1),
      .stored_valid_i(stored_valid_q),
      .sum_o(sum)
  );

  reg started = 1'b0;
  reg [7:0] place_q;
  wire [7:0] place = started ? place_q : place_i;
  // Every place's first pass comes before its others; a block's passes are the same for all.
  reg first_q = 1'b1;
  reg [7:0] count_place_q;
  reg known_q = 1'b0;
  reg [Sum-1:0] due_q;
  reg shown_q = 1'b0;
  wire [Sum-1:0] added = {{Sum-Count{(Signed != 0) & count_i[Count-1]}}, count_i};

  always @(posedge clk_i) begin
    started <= 1'b1;
    place_q <= place;
    if (fetch_valid_i) begin
      fetch_place_q <= fetch_last ? 8'd0 : fetch_place_q + 8'd1;
      if (fetch_place_q == 8'd0) first_q <= first_pass_i;
    end
    count_valid_q <= rst_ni & fetch_valid_i;
    count_first_q <= (fetch_place_q == 8'd0) ? first_pass_i : first_q;
    count_place_q <= fetch_place_q;
    stored_valid_q <= count_valid_q;
    shown_q <= count_valid_q & (count_place_q == place) & (count_first_q | known_q);
    if (count_valid_q & (count_place_q == place)) begin
      known_q <= known_q | count_first_q;
      due_q <= (count_first_q ? {Sum{1'b0}} : due_q) + added;
    end
  end

  always @* begin
    assume (started == rst_ni);
    assume (!fetch_valid_i | rst_ni);
    assume (place < Block);
    if (shown_q) assert (sum == due_q);
  end

endmodule
