// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A cell is turned round where the number of its row XOR that of its lane is below its code, and the
// word has flips; it stays until the next word is drawn.

module properties #(
    parameter Rows = 2,
    parameter Lanes = 2,
    parameter Bits = 3
) (
    input wire clk_i,
    input wire take_i,
    input wire flip_i,
    input wire [Rows*Lanes-1:0] weight_i,
    input wire [(Bits-1)*Rows*Lanes-1:0] code_i,
    input wire [(Rows+Lanes)*Bits-1:0] noise_i
);

  wire [Rows*Lanes-1:0] drawn;

  bincim_weight_sampler #(
      .Rows(Rows),
      .Lanes(Lanes),
      .Bits(Bits)
  ) dut (
      .clk_i(clk_i),
      .take_i(take_i),
      .flip_i(flip_i),
      .weight_i(weight_i),
      .code_i(code_i),
      .noise_i(noise_i),
      .weight_o(drawn)
  );

  reg started = 1'b0;
  reg take_q;
  reg [Rows*Lanes-1:0] expected;
  reg [Rows*Lanes-1:0] expected_q;
  reg [Rows*Lanes-1:0] drawn_q;
  reg [Bits-1:0] number;
  reg [Bits-1:0] code;
  integer row;
  integer lane;
  integer place;

  always @* begin
    for (lane = 0; lane < Lanes; lane = lane + 1) begin
      for (row = 0; row < Rows; row = row + 1) begin
        number = noise_i[row*Bits +: Bits] ^ noise_i[(Rows+lane)*Bits +: Bits];
        code = {Bits{1'b0}};
        for (place = 0; place < Bits - 1; place = place + 1) begin
          code[place] = code_i[place*Rows*Lanes + lane*Rows + row];
        end
        expected[lane*Rows + row] = weight_i[lane*Rows + row] ^ (flip_i && number < code);
      end
    end
  end

  always @(posedge clk_i) begin
    started <= 1'b1;
    take_q <= take_i;
    expected_q <= expected;
    drawn_q <= drawn;
  end

  always @* begin
    if (started) assert (drawn == (take_q ? expected_q : drawn_q));
  end

endmodule
