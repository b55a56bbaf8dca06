// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Column noise: adds a pseudo-random number to the voltage of every column, another one in each read.
// Each lane runs a cellular automaton of 32 cells, left XOR right (XOR self where RULES has a 1), which
// visits every state but 0. Noise: (ones of cells <: n.sites :> during <: n.steps :> steps - 16) x <: n.gain :>,
// standard deviation sqrt(8) x <: n.gain :>. A frame starts from its seed; the first <: n.steps :> steps count for no read.
// Latency: 0, from voltage to voltage. The first read comes <: 3 * n.cycles + 2 :> cycles behind the start or later,
// the others <: n.cycles :> cycle<: n.cycles_s :> behind one another or later.

`default_nettype none

module column_noise (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire frame_start_i,
    input  wire [31:0] seed_i,
    // The read's voltages stand in this cycle.
    input  wire sample_i,
    input  wire [<: v.lanes * a.voltage_width - 1 :>:0] voltage_i,
    output wire [<: v.lanes * a.voltage_width - 1 :>:0] voltage_o
);

  localparam LANES = <: v.lanes :>;
  localparam VOLTAGE = <: a.voltage_width :>;
  localparam NOISE = <: n.width :>;
  // Lane 0 lowest.
  localparam [32*LANES-1:0] RULES =
      {<: n.rules :>};

  // The seed goes in behind the start, when all cells are 0. The steps that count for no read follow, those
  // of the first read, and, when its noise stands, those of the second.
  reg [31:0] seed_q;
  reg enter_q;
  reg [1:0] before_q;
  reg [<: n.left_width - 1 :>:0] left_q;
  wire idle = (left_q == <: n.left_width :>'d0);
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
      left_q <= <: n.left_width :>'d0;
    end else begin
      enter_q <= frame_start_i;
      if (enter_q) before_q <= 2'd2;
      else if (take & !sample_i) before_q <= before_q - 2'd1;
      if (enter_q) left_q <= <: n.left_width :>'d<: n.cycles :>;
      else if (take) left_q <= <: n.left_width :>'d<: n.cycles - 1 :>;
      else if (!idle) left_q <= left_q - <: n.left_width :>'d1;
    end
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      localparam [31:0] RULE = RULES[32*lane +: 32];
      reg [31:0] cells_q;
      //%- for from in n.unrolled %//
      wire [31:0] state_<: loop.index :> =
          {<: from :>[30:0], 1'b0} ^ {1'b0, <: from :>[31:1]} ^ (<: from :> & RULE);
      //%- endfor %//

      always @(posedge clk_i) begin
        if (frame_start_i) cells_q <= 32'd0;
        else if (step) cells_q <= state_<: n.unrolled.len() :> ^ seed_q;
      end

      // Of the cells before each of the cycle's steps.
      wire [<: n.count_width - 1 :>:0] count =
          <: n.count :>;
      reg [5:0] ones_q;

      always @(posedge clk_i) begin
        if (step) ones_q <= (take ? 6'd0 : ones_q) + <: n.count_extended :>;
      end

      // From -16 to 16.
      wire [5:0] centred = ones_q - 6'd16;
      wire [NOISE-1:0] deviate = {{(NOISE-6){centred[5]}}, centred};
      reg [NOISE-1:0] noise_q;

      always @(posedge clk_i) begin
        if (take) noise_q <= <: n.product :>;
      end

      assign voltage_o[lane*VOLTAGE +: VOLTAGE] =
          voltage_i[lane*VOLTAGE +: VOLTAGE] + {{(VOLTAGE-NOISE){noise_q[NOISE-1]}}, noise_q};
    end
  endgenerate

endmodule

`default_nettype wire
