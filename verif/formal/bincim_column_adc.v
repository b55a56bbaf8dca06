// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A read's codes are the numbers of edges that its voltages reach, of all cycles of the
// conversion, whoever takes turns; no conversion is lost and none is there twice.
// Assumed: the memory gives the edges that it is asked for a cycle later, and no read is sampled
// before the last one is converted. Of one column, which may be any, and edges that do not change.

module properties #(
    parameter Lanes = 2,
    parameter Share = 1,
    parameter Edges = 2,
    parameter Steps = 1,
    parameter Voltage = 3,
    parameter Code = 3
) (
    input wire clk_i,
    input wire rst_ni,
    input wire sample_i,
    input wire sample_last_i,
    input wire [Lanes*Share*Voltage-1:0] voltage_i,
    input wire [Share*Steps*Lanes*Edges*Voltage-1:0] edges_i,
    input wire [7:0] column_i
);

  localparam CYCLES = Share * Steps;
  localparam TURN = $clog2(Share);
  localparam STEP = $clog2(Steps);
  localparam ADDRESS = 1 + TURN + STEP;
  localparam WORD = Lanes * Edges * Voltage;

  wire edge_read;
  wire [ADDRESS-1:0] address;
  reg [WORD-1:0] edge_q;
  wire converted;
  wire code_valid;
  wire unused_read;
  wire [Lanes*Share*Code-1:0] code;

  bincim_column_adc #(
      .Lanes(Lanes),
      .Share(Share),
      .Edges(Edges),
      .Steps(Steps),
      .Voltage(Voltage),
      .Code(Code)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .sample_i(sample_i),
      .sample_last_i(sample_last_i),
      .sample_array_i(1'b0),
      .sample_read_i(1'b0),
      .voltage_i(voltage_i),
      .edge_read_o(edge_read),
      .edge_address_o(address),
      .edge_i(edge_q),
      .converted_o(converted),
      .code_valid_o(code_valid),
      .code_read_o(unused_read),
      .code_o(code)
  );

  reg started = 1'b0;
  reg [Share*Steps*WORD-1:0] edges_q;
  reg [7:0] column_q;
  wire [Share*Steps*WORD-1:0] edges = started ? edges_q : edges_i;
  wire [7:0] column = started ? column_q : column_i;
  // The memory: words of each turn's steps.
  wire [7:0] turn = (Share > 1) ? (address >> STEP) % (1 << TURN) : 8'd0;
  wire [7:0] step = (Steps > 1) ? address % (1 << STEP) : 8'd0;
  wire [7:0] word = turn * Steps + step;
  // Cycles since the sample, 0 where no conversion is under way.
  reg [7:0] since_q = 8'd0;
  reg last_q;
  reg [Voltage-1:0] voltage_q;
  reg valid_q = 1'b0;
  reg [7:0] due;
  integer number;
  integer index;

  always @(posedge clk_i) begin
    started <= 1'b1;
    edges_q <= edges;
    column_q <= column;
    if (edge_read) edge_q <= edges[word*WORD +: WORD];
    if (!rst_ni) since_q <= 8'd0;
    else if (sample_i) since_q <= 8'd1;
    else if (since_q == CYCLES) since_q <= 8'd0;
    else if (since_q != 8'd0) since_q <= since_q + 8'd1;
    valid_q <= rst_ni & (since_q == CYCLES);
    if (sample_i) begin
      last_q <= sample_last_i;
      voltage_q <= voltage_i[column*Voltage +: Voltage];
    end
  end

  // Edges of the column at or below its voltage.
  always @* begin
    due = 8'd0;
    for (number = 0; number < Steps; number = number + 1) begin
      for (index = 0; index < Edges; index = index + 1) begin
        if ($signed(voltage_q) >= $signed(edges[((column % Share) * Steps + number) * WORD +
            (column / Share * Edges + index) * Voltage +: Voltage])) due = due + 8'd1;
      end
    end
  end

  // The column's voltage may change with the cycle in which its code is complete.
  reg [7:0] due_q;

  always @(posedge clk_i) begin
    due_q <= due;
  end

  always @* begin
    assume (started == rst_ni);
    assume (column < Lanes * Share);
    assume (!(sample_i && since_q != 8'd0 && since_q != CYCLES));
    if (rst_ni) begin
      assert (converted == (since_q == CYCLES && last_q));
      assert (code_valid == valid_q);
      if (valid_q) assert (code[column*Code +: Code] == due_q[Code-1:0]);
    end
  end

endmodule
