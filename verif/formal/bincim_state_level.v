// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A level that is given on is the state of a cycle before, less its low bits: divided by their
// power of 2, rounded down, held to what a level can be, and counted from the smallest. Lanes
// without a channel give 0, and other layers' bits pass. Rectified states are 0 or more.

module properties #(
    parameter Lanes = 2,
    parameter Total = 6,
    parameter Level = 3,
    parameter Shift = 1,
    parameter Bits = 3,
    parameter Rectified = 0
) (
    input wire clk_i,
    input wire level_i,
    input wire [Lanes*Total-1:0] total_i,
    input wire [Lanes-1:0] there_i,
    input wire [Bits*Lanes-1:0] bit_i
);

  localparam signed [31:0] LEAST = (Rectified != 0) ? 0 : -(1 << (Level - 1));
  localparam signed [31:0] MOST = LEAST + (1 << Level) - 1;
  wire [Bits*Lanes-1:0] bits;
  reg begun = 1'b0;
  reg [Lanes*Total-1:0] total_q;

  always @(posedge clk_i) begin
    begun <= 1'b1;
    total_q <= total_i;
  end

  bincim_state_level #(
      .Lanes(Lanes),
      .Total(Total),
      .Level(Level),
      .Shift(Shift),
      .Bits(Bits),
      .Rectified(Rectified)
  ) dut (
      .clk_i(clk_i),
      .total_i(total_i),
      .level_i(level_i),
      .there_i(there_i),
      .bit_i(bit_i),
      .bit_o(bits)
  );

  genvar lane;
  genvar plane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire signed [Total-1:0] state = total_q[lane*Total +: Total];
      // Floor division: what is left over is never negative.
      wire signed [31:0] wide = state;
      wire signed [31:0] left = ((wide % (1 << Shift)) + (1 << Shift)) % (1 << Shift);
      wire signed [31:0] rounded = (wide - left) / (1 << Shift);
      wire signed [31:0] held = (rounded > MOST) ? MOST : (rounded < LEAST) ? LEAST : rounded;
      wire [31:0] level = there_i[lane] ? held - LEAST : 0;

      if (Rectified != 0) begin : gen_rectified
        always @* assume (!total_i[lane*Total + Total-1]);
        always @* if (begun) assume (!state[Total-1]);
      end

      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        wire own = (plane < Level) ? level[(plane < Level) ? Level-1-plane : 0] : 1'b0;

        always @* begin
          if (begun) begin
            assert (bits[plane*Lanes + lane] == (level_i ? own : bit_i[plane*Lanes + lane]));
          end
        end
      end
    end
  endgenerate

endmodule
