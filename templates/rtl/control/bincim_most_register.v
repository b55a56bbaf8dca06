// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Register of a number from 1 to the most that there is, held as the last index.
// Parameters: Most, 0 to 255 (0 and 1: no register, the number is 1). Shown: 1, a number of 1 that
//     has no register reads as 1, else as 0. Width follows.
// Latency: 1, from a write to the number.
// Reset: asynchronous, to the most.
// Protocol: write_i takes the bytes of data_i whose strobes are on; 0 is taken as 1, a number above
//     the most as the most.

`default_nettype none

module bincim_most_register #(
    parameter Most = 4,
    parameter Shown = 0,
    parameter Width = (Most > 1) ? $clog2(Most) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire write_i,
    input  wire [3:0] strobe_i,
    input  wire [31:0] data_i,
    output wire [7:0] number_o,
    output wire [Width-1:0] last_o
);

  generate
    if (Most > 1) begin : gen_register
      localparam [31:0] ALL = Most;
      localparam [31:0] LAST = Most - 1;
      reg  [Width-1:0] last_q;
      wire [7:0] low = strobe_i[0] ? data_i[7:0] : number_o;
      wire more = (strobe_i[1] & (data_i[15:8] != 8'd0)) |
                  (strobe_i[2] & (data_i[23:16] != 8'd0)) |
                  (strobe_i[3] & (data_i[31:24] != 8'd0));
      wire [8:0] asked = {more, low};
      wire [7:0] last = low - 8'd1;
      wire unused_last = &{1'b0, last};

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          last_q <= LAST[Width-1:0];
        end else if (write_i) begin
          if (asked > ALL[8:0]) last_q <= LAST[Width-1:0];
          else if (asked == 9'd0) last_q <= {Width{1'b0}};
          else last_q <= last[Width-1:0];
        end
      end

      wire [8:0] number = {{9-Width{1'b0}}, last_q} + 9'd1;
      wire unused_number = number[8];
      assign number_o = number[7:0];
      assign last_o = last_q;
    end else begin : gen_none
      wire unused = &{1'b0, clk_i, rst_ni, write_i, strobe_i, data_i};
      assign number_o = (Shown != 0) ? 8'd1 : 8'd0;
      assign last_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
