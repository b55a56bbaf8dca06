// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A number that is written is taken byte by byte, 0 as 1 and more than there are as all; nothing else
// changes it, and it is always one that there is.

module properties #(
    parameter Most = 5,
    parameter Width = (Most > 1) ? $clog2(Most) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire write_i,
    input wire [3:0] strobe_i,
    input wire [31:0] data_i
);

  wire [7:0] number;
  wire [Width-1:0] last;

  bincim_most_register #(
      .Most(Most)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .write_i(write_i),
      .strobe_i(strobe_i),
      .data_i(data_i),
      .number_o(number),
      .last_o(last)
  );

  reg began = 1'b0;
  reg started = 1'b0;
  reg [7:0] number_q;
  reg write_q;
  reg [31:0] asked_q;
  integer place;

  always @(posedge clk_i) begin
    began <= 1'b1;
    started <= rst_ni;
    number_q <= number;
    write_q <= write_i;
    asked_q <= {24'd0, number};
    for (place = 0; place < 4; place = place + 1) begin
      if (strobe_i[place]) asked_q[place*8 +: 8] <= data_i[place*8 +: 8];
    end
  end

  always @* begin
    assume (began | !rst_ni);
    assert (!rst_ni | (number >= 8'd1 && number <= Most));
    assert (!rst_ni | last == number - 8'd1);
    if (started & rst_ni) begin
      if (!write_q) assert (number == number_q);
      else if (asked_q == 32'd0) assert (number == 8'd1);
      else if (asked_q > Most) assert (number == Most);
      else assert (number == asked_q);
    end
  end

endmodule
