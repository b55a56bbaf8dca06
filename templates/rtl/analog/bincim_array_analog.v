// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Array of analog cells, emulated. A column's voltage is its offset plus, for each driven row, the
// cell's value for that sign of the drive: +plus where the row carries +1, -minus where it carries
// -1.
// Parameters: Lanes, columns; Step, rows that are summed in a cycle; Cell, bits of a cell's value;
//     Voltage, bits of a voltage, more than Cell, from 1. RowEnable: 1, rows may be not driven; 0,
//     all always are.
// Latency: 1, from a read's last rows to its voltages.
// Reset: none; a read begins with first_i.
// Protocol: valid_i with each Step rows of a read and their cells; first_i with the first of them.
//     Values are two's complement in the unit of the memories; a row's plus lies below its minus.

`default_nettype none

module bincim_array_analog #(
    parameter Lanes = 4,
    parameter Step = 2,
    parameter Cell = 6,
    parameter Voltage = 12,
    parameter RowEnable = 0
) (
    input  wire clk_i,
    input  wire valid_i,
    input  wire first_i,
    input  wire [Step-1:0] row_i,
    input  wire [Step-1:0] enable_i,
    input  wire [Lanes*Step*2*Cell-1:0] cell_i,
    input  wire [Lanes*Voltage-1:0] offset_i,
    output wire [Lanes*Voltage-1:0] voltage_o
);

  wire [Step-1:0] driven = RowEnable != 0 ? enable_i : {Step{1'b1}};

  genvar lane;
  generate
    if (RowEnable == 0) begin : gen_all_driven
      wire unused_enable = &{1'b0, enable_i};
    end
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_column
      wire [Step*2*Cell-1:0] cells = cell_i[lane*Step*2*Cell +: Step*2*Cell];
      reg signed [Voltage-1:0] sum;
      reg signed [Cell-1:0] plus;
      reg signed [Cell-1:0] minus;
      reg signed [Voltage-1:0] voltage_q;
      integer row;

      always @* begin
        sum = first_i ? $signed(offset_i[lane*Voltage +: Voltage]) : voltage_q;
        for (row = 0; row < Step; row = row + 1) begin
          plus = $signed(cells[row*2*Cell +: Cell]);
          minus = $signed(cells[(row*2+1)*Cell +: Cell]);
          if (driven[row]) begin
            if (row_i[row]) sum = sum + {{(Voltage-Cell){plus[Cell-1]}}, plus};
            else sum = sum - {{(Voltage-Cell){minus[Cell-1]}}, minus};
          end
        end
      end

      always @(posedge clk_i) begin
        if (valid_i) voltage_q <= sum;
      end

      assign voltage_o[lane*Voltage +: Voltage] = voltage_q;
    end
  endgenerate

endmodule

`default_nettype wire
