// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Column noise: adds a pseudo-random number to the voltage of every column, another one in each
// read. Each lane runs a cellular automaton of 32 cells, left XOR right (XOR self where its rules
// have a 1), both ends held at 0, which visits every state but 0. A read's noise: (ones of cells 4,
// 12, 20 and 28 during 8 steps - 16) x Gain, standard deviation sqrt(8) x Gain.
// Parameters: Lanes, columns, and Voltage, bits of one; Gain, in the voltages' unit; from 1. Steps
//     of the automata in a cycle: 1, 2, 4 or 8. Rules: 32 bits a lane. Noise follows; at most
//     Voltage.
// Latency: 0, from voltage to voltage.
// Reset: asynchronous for what counts steps. The automata have none: a frame starts them anew.
// Protocol: frame_start_i with seed_i, from which the frame's noise follows; the first 8 steps
//     count for no read. sample_i: a read's voltages stand in this cycle; the first read comes
//     24 / Steps + 2 cycles behind the start or later, the others 8 / Steps behind one another.

`default_nettype none

module bincim_column_noise #(
    parameter Lanes = 1,
    parameter Voltage = 12,
    parameter Gain = 1,
    parameter Steps = 8,
    parameter [32*Lanes-1:0] Rules = {32 * Lanes{1'b1}},
    parameter Noise = (Gain > 3) ? $clog2(16 * Gain + 1) + 1 : 7
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_start_i,
    input  wire [31:0] seed_i,
    input  wire sample_i,
    input  wire [Lanes*Voltage-1:0] voltage_i,
    output wire [Lanes*Voltage-1:0] voltage_o
);

  localparam CYCLES = 8 / Steps;
  localparam LEFT = $clog2(CYCLES + 1);
  localparam [LEFT-1:0] LEFT_ONE = 1;
  localparam [LEFT-1:0] LEFT_NONE = {LEFT{1'b0}};
  localparam [31:0] ALL = CYCLES;
  localparam [LEFT-1:0] LEFT_ALL = ALL[LEFT-1:0];
  // Digits +1 and -1 of the gain; of both, no two stand side by side.
  localparam [31:0] GAIN = Gain;
  localparam [31:0] TRIPLE = 3 * GAIN;
  localparam [31:0] PLUS = (TRIPLE & ~GAIN) >> 1;
  localparam [31:0] MINUS = (GAIN & ~TRIPLE) >> 1;

  // The seed goes in behind the start, when all cells are 0. The steps that count for no read
  // follow, those of the first read, and, when its noise stands, those of the second.
  reg [31:0] seed_q;
  reg enter_q;
  reg [1:0] before_q;
  reg [LEFT-1:0] left_q;
  wire idle = (left_q == LEFT_NONE);
  // A count is complete: it becomes noise, and the next one begins.
  wire take = sample_i | ((before_q != 2'd0) & idle);
  wire step = enter_q | take | !idle;

  always @(posedge clk_i) begin
    seed_q <= frame_start_i ? seed_i : 32'd0;
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      enter_q <= 1'b0;
      before_q <= 2'd0;
      left_q <= LEFT_NONE;
    end else begin
      enter_q <= frame_start_i;
      if (enter_q) before_q <= 2'd2;
      else if (take & !sample_i) before_q <= before_q - 2'd1;
      if (enter_q) left_q <= LEFT_ALL;
      else if (take) left_q <= LEFT_ALL - LEFT_ONE;
      else if (!idle) left_q <= left_q - LEFT_ONE;
    end
  end

  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      localparam [31:0] RULE = Rules[32*lane +: 32];
      reg [31:0] cells_q;
      reg [31:0] cells;
      // Ones before each of the cycle's steps.
      reg [5:0] ones;
      reg [5:0] ones_q;
      integer number;

      always @* begin
        cells = cells_q;
        ones = 6'd0;
        for (number = 0; number < Steps; number = number + 1) begin
          ones = ones + {5'd0, cells[4]} + {5'd0, cells[12]} +
              {5'd0, cells[20]} + {5'd0, cells[28]};
          cells = {cells[30:0], 1'b0} ^ {1'b0, cells[31:1]} ^ (cells & RULE);
        end
      end

      always @(posedge clk_i) begin
        if (frame_start_i) cells_q <= 32'd0;
        else if (step) cells_q <= cells ^ seed_q;
      end

      always @(posedge clk_i) begin
        if (step) ones_q <= (take ? 6'd0 : ones_q) + ones;
      end

      // From -16 to 16.
      wire [5:0] centred = ones_q - 6'd16;
      wire [Noise-1:0] deviate = {{(Noise-6){centred[5]}}, centred};
      reg [Noise-1:0] product;
      reg [Noise-1:0] noise_q;
      integer digit;

      always @* begin
        product = {Noise{1'b0}};
        for (digit = 0; digit < 32; digit = digit + 1) begin
          if (PLUS[digit]) product = product + (deviate << digit);
          if (MINUS[digit]) product = product - (deviate << digit);
        end
      end

      always @(posedge clk_i) begin
        if (take) noise_q <= product;
      end

      assign voltage_o[lane*Voltage +: Voltage] =
          voltage_i[lane*Voltage +: Voltage] + {{(Voltage-Noise){noise_q[Noise-1]}}, noise_q};
    end
  endgenerate

endmodule

`default_nettype wire
