// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight sampler: draws the weights of a word on their way into the shadow cells. A cell is turned
// round where a number of its row XOR a number of its lane is below its flip code.
// Parameters: Rows and Lanes of a word of weights, from 1. Bits of a number, from 2.
// Latency: 1, from the memories' data registers to the drawn word.
// Reset: none; who takes the word knows when it is there.
// Protocol: weight_i has bit lane * Rows + row; code_i the same for each bit of the codes, which
//     have Bits - 1, the lowest first. noise_i has Bits a row, then Bits a lane. Without flip_i the
//     weights are what they are. The word is drawn with take_i.

`default_nettype none

module bincim_weight_sampler #(
    parameter Rows = 2,
    parameter Lanes = 4,
    parameter Bits = 4
) (
    input  wire clk_i,
    input  wire take_i,
    input  wire flip_i,
    input  wire [Rows*Lanes-1:0] weight_i,
    input  wire [(Bits-1)*Rows*Lanes-1:0] code_i,
    input  wire [(Rows+Lanes)*Bits-1:0] noise_i,
    output wire [Rows*Lanes-1:0] weight_o
);

  localparam CELLS = Rows * Lanes;

  // The top bit of a number that is set is above every code: it is where nothing is drawn.
  wire [Rows-1:0] row_top;
  wire [Lanes-1:0] lane_top;
  wire [Rows*Lanes-1:0] drawn;
  reg [Rows*Lanes-1:0] weight_q;

  always @(posedge clk_i) begin
    if (take_i) weight_q <= drawn;
  end

  assign weight_o = weight_q;

  genvar lane;
  genvar row;
  genvar place;
  generate
    for (row = 0; row < Rows; row = row + 1) begin : gen_row_top
      assign row_top[row] = noise_i[row*Bits + Bits - 1] | !flip_i;
    end

    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Bits-1:0] lane_noise = noise_i[(Rows+lane)*Bits +: Bits];

      assign lane_top[lane] = lane_noise[Bits-1] & flip_i;

      for (row = 0; row < Rows; row = row + 1) begin : gen_row
        localparam CELL = lane * Rows + row;
        wire [Bits-2:0] row_noise = noise_i[row*Bits +: Bits-1];
        // The number's lowest bits are below those of the code.
        wire [Bits-1:0] below;

        assign below[0] = 1'b0;

        for (place = 0; place < Bits - 1; place = place + 1) begin : gen_place
          bincim_flip_step #(
              .Last(0)
          ) u_step (
              .row_i(row_noise[place]),
              .lane_i(lane_noise[place]),
              .code_i(code_i[place*CELLS + CELL]),
              .below_i(below[place]),
              .below_o(below[place+1])
          );
        end

        bincim_flip_step #(
            .Last(1)
        ) u_last (
            .row_i(row_top[row]),
            .lane_i(lane_top[lane]),
            .code_i(weight_i[CELL]),
            .below_i(below[Bits-1]),
            .below_o(drawn[CELL])
        );
      end
    end
  endgenerate

endmodule

`default_nettype wire
