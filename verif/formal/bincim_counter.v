// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A step moves the counter on by one, from the last value to 0; clear_i wins; nothing else moves it.
// Assumed: the last value is within the capacity and does not fall below where the counter stands.

module properties #(
    parameter Count = 2,
    parameter Width = (Count > 1) ? $clog2(Count) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire clear_i,
    input wire step_i,
    input wire [Width-1:0] last_i
);

  wire [Width-1:0] value;
  wire last;

  bincim_counter #(
      .Count(Count)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(clear_i),
      .step_i(step_i),
      .last_i(last_i),
      .value_o(value),
      .last_o(last)
  );

  reg started = 1'b0;
  reg [Width-1:0] due;
  wire [31:0] next = {{32-Width{1'b0}}, value} + 32'd1;

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni | clear_i | (step_i & last)) due <= {Width{1'b0}};
    else due <= step_i ? next[Width-1:0] : value;
  end

  always @* begin
    assume (started | !rst_ni);
    assume ({1'b0, last_i} < Count);
    assume (value <= last_i);
    if (started & rst_ni) assert (value == due);
    assert (last == (Count == 1 || value == last_i));
  end

endmodule
