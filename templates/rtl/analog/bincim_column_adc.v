// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Converters of an array: the code is the number of edges at or below the voltage. With one edge
// they are sense amplifiers: the code is 1 where the voltage is at or above the reference.
// Parameters: Lanes, converters; Share, neighbouring columns that take turns at one; Edges that are
//     compared in a cycle; Steps, cycles of one column's conversion; Voltage and Code, bits of one;
//     Arrays, and Reads of a vector, most; from 1. The widths follow.
// Latency: Share * Steps + 1, from the sampled voltage to the code.
// Reset: asynchronous; no conversion is under way.
// Protocol: sample_i with the voltages of a read, not before the last one is converted; edges of
//     its array, two's complement, come a cycle behind edge_read_o: at address {array, turn, step},
//     those of the converter whose turn it is, the lowest lane first. Code: edges up to
//     2^Code - 1. converted_o: the last comparison of a vector's last read; code_valid_o: a read's
//     codes stand until the next ones.

`default_nettype none

module bincim_column_adc #(
    parameter Lanes = 4,
    parameter Share = 1,
    parameter Edges = 1,
    parameter Steps = 1,
    parameter Voltage = 12,
    parameter Code = 4,
    parameter Arrays = 1,
    parameter Reads = 1,
    parameter ArrayWidth = (Arrays > 1) ? $clog2(Arrays) : 1,
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1,
    parameter AddressWidth = ArrayWidth + $clog2(Share) + $clog2(Steps)
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire sample_i,
    input  wire sample_last_i,
    input  wire [ArrayWidth-1:0] sample_array_i,
    input  wire [ReadWidth-1:0] sample_read_i,
    input  wire [Lanes*Share*Voltage-1:0] voltage_i,
    output wire edge_read_o,
    output wire [AddressWidth-1:0] edge_address_o,
    input  wire [Lanes*Edges*Voltage-1:0] edge_i,
    output wire converted_o,
    output wire code_valid_o,
    output wire [ReadWidth-1:0] code_read_o,
    output wire [Lanes*Share*Code-1:0] code_o
);

  localparam CYCLES = Share * Steps;
  localparam TURN = (Share > 1) ? $clog2(Share) : 1;

  // Sample and hold.
  reg [Lanes*Share*Voltage-1:0] hold_q;
  reg last_q;
  reg busy_q;
  reg code_valid_q;
  // The column whose turn it is, and the cycle of its conversion.
  wire [TURN-1:0] turn;
  wire step_first;
  wire converting_last;
  wire done = busy_q & converting_last;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      code_valid_q <= 1'b0;
    end else begin
      if (sample_i) busy_q <= 1'b1;
      else if (converting_last) busy_q <= 1'b0;
      code_valid_q <= done;
    end
  end

  always @(posedge clk_i) begin
    if (sample_i) begin
      hold_q <= voltage_i;
      last_q <= sample_last_i;
    end
  end

  assign converted_o = done & last_q;
  assign code_valid_o = code_valid_q;

  generate
    if (CYCLES > 1) begin : gen_cycles
      reg [ArrayWidth-1:0] array_q;

      always @(posedge clk_i) begin
        if (sample_i) array_q <= sample_array_i;
      end

      assign edge_read_o = sample_i | busy_q;
      if (Share > 1 && Steps > 1) begin : gen_both
        localparam STEP = $clog2(Steps);
        localparam [TURN-1:0] TURN_ONE = 1;
        localparam [STEP-1:0] STEP_ONE = 1;
        localparam [TURN-1:0] TURN_FIRST = {TURN{1'b0}};
        localparam [STEP-1:0] STEP_FIRST = {STEP{1'b0}};
        localparam [31:0] TURN_LAST = Share - 1;
        localparam [31:0] STEP_LAST = Steps - 1;
        reg [TURN-1:0] turn_q;
        reg [STEP-1:0] step_q;
        wire column_last = (step_q == STEP_LAST[STEP-1:0]);
        wire [STEP-1:0] step_next = column_last ? STEP_FIRST : step_q + STEP_ONE;
        wire [TURN-1:0] turn_next = column_last ? turn_q + TURN_ONE : turn_q;

        always @(posedge clk_i) begin
          turn_q <= sample_i ? TURN_FIRST : turn_next;
          step_q <= sample_i ? STEP_FIRST : step_next;
        end

        assign turn = turn_q;
        assign step_first = (step_q == STEP_FIRST);
        assign converting_last = column_last & (turn_q == TURN_LAST[TURN-1:0]);
        assign edge_address_o = sample_i ? {sample_array_i, TURN_FIRST, STEP_FIRST}
                                         : {array_q, turn_next, step_next};
      end else begin : gen_either
        // The number of the turn or of the step.
        localparam NUMBER = $clog2(CYCLES);
        localparam [NUMBER-1:0] ONE = 1;
        localparam [NUMBER-1:0] FIRST = {NUMBER{1'b0}};
        localparam [31:0] LAST = CYCLES - 1;
        reg [NUMBER-1:0] number_q;
        wire [NUMBER-1:0] number_next = number_q + ONE;

        always @(posedge clk_i) begin
          number_q <= sample_i ? FIRST : number_next;
        end

        if (Share > 1) begin : gen_turns
          assign turn = number_q;
          assign step_first = 1'b1;
        end else begin : gen_steps
          assign turn = 1'b0;
          assign step_first = (number_q == FIRST);
        end
        assign converting_last = (number_q == LAST[NUMBER-1:0]);
        assign edge_address_o = sample_i ? {sample_array_i, FIRST} : {array_q, number_next};
      end
    end else begin : gen_one_cycle
      assign turn = 1'b0;
      assign step_first = 1'b1;
      assign converting_last = 1'b1;
      assign edge_read_o = sample_i;
      assign edge_address_o = sample_array_i;
    end
    if (Reads > 1) begin : gen_reads
      reg [ReadWidth-1:0] hold_read_q;
      reg [ReadWidth-1:0] code_read_q;

      always @(posedge clk_i) begin
        if (sample_i) hold_read_q <= sample_read_i;
        code_read_q <= hold_read_q;
      end

      assign code_read_o = code_read_q;
    end else begin : gen_one_read
      assign code_read_o = sample_read_i;
    end
  endgenerate

  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      // The lane's columns; the one whose turn it is.
      wire [Share*Voltage-1:0] columns = hold_q[lane*Share*Voltage +: Share*Voltage];
      wire signed [Voltage-1:0] voltage = $signed(columns[turn*Voltage +: Voltage]);
      wire [Edges*Voltage-1:0] edges = edge_i[lane*Edges*Voltage +: Edges*Voltage];
      reg [Share*Code-1:0] code_q;
      reg [Code-1:0] code;
      integer index;

      always @* begin
        code = step_first ? {Code{1'b0}} : code_q[turn*Code +: Code];
        for (index = 0; index < Edges; index = index + 1) begin
          if (voltage >= $signed(edges[index*Voltage +: Voltage])) begin
            code = code + {{(Code-1){1'b0}}, 1'b1};
          end
        end
      end

      // Columns that take turns keep their codes until all have one.
      always @(posedge clk_i) begin
        if ((Share == 1) | busy_q) code_q[turn*Code +: Code] <= code;
      end

      assign code_o[lane*Share*Code +: Share*Code] = code_q;
    end
  endgenerate

endmodule

`default_nettype wire
