// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Compute-in-memory array: <: v.rows :> rows x <: v.lanes :> columns of analog cells, emulated.
// A column's voltage is its offset plus, for each driven row, the cell's value for that sign of the
// drive: +plus where the row carries +1, -minus where it carries -1. Unit: 2^-<: a.fraction_bits :> counts.
// Latency: 1, from the last <: a.row_step :> row<: a.row_step_s :> to the voltage.

`default_nettype none

module cim_array (
    input  wire clk_i,
    input  wire valid_i,
    // The first rows of a read: the sum starts from the column's offset.
    input  wire first_i,
    input  wire [<: a.row_step - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: a.row_step - 1 :>:0] enable_i,
    //%- endif %//
    input  wire [<: a.cells_width - 1 :>:0] cell_i,
    input  wire [<: v.lanes * a.voltage_width - 1 :>:0] offset_i,
    output wire [<: v.lanes * a.voltage_width - 1 :>:0] voltage_o
);

  localparam LANES = <: v.lanes :>;
  localparam STEP = <: a.row_step :>;
  localparam CELL = <: a.cell_width :>;
  localparam VOLTAGE = <: a.voltage_width :>;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_column
      wire [STEP*2*CELL-1:0] cells = cell_i[lane*STEP*2*CELL +: STEP*2*CELL];
      reg signed [VOLTAGE-1:0] sum;
      reg signed [CELL-1:0] plus;
      reg signed [CELL-1:0] minus;
      reg signed [VOLTAGE-1:0] voltage_q;
      integer row;

      always @* begin
        sum = first_i ? $signed(offset_i[lane*VOLTAGE +: VOLTAGE]) : voltage_q;
        for (row = 0; row < STEP; row = row + 1) begin
          plus = $signed(cells[row*2*CELL +: CELL]);
          minus = $signed(cells[(row*2+1)*CELL +: CELL]);
          //%- if v.row_enable %//
          if (enable_i[row]) begin
            if (row_i[row]) sum = sum + {{(VOLTAGE-CELL){plus[CELL-1]}}, plus};
            else sum = sum - {{(VOLTAGE-CELL){minus[CELL-1]}}, minus};
          end
          //%- else %//
          if (row_i[row]) sum = sum + {{(VOLTAGE-CELL){plus[CELL-1]}}, plus};
          else sum = sum - {{(VOLTAGE-CELL){minus[CELL-1]}}, minus};
          //%- endif %//
        end
      end

      always @(posedge clk_i) begin
        if (valid_i) voltage_q <= sum;
      end

      assign voltage_o[lane*VOLTAGE +: VOLTAGE] = voltage_q;
    end
  endgenerate

endmodule

`default_nettype wire
