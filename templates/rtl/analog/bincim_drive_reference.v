// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Digital reference: what the cells of the driven rows have in common. The converters see it with
// the signal, and it is taken away from what their codes stand for.
// Parameters: Step, rows of a read that come in a cycle; Drive, bits of the sum of a read's drives,
//     two's complement; Share, bits of what a driven row takes away; Count, bits of the reference;
//     from 1. Fraction: bits by which a share is finer than the reference, which is rounded to the
//     nearest; Drive and Share have at most Count + Fraction bits. RowEnable: 1, rows may be not
//     driven.
// Latency: 2, from the sample to the reference, which stands at least until the read's codes do.
// Reset: none; a read begins with first_i.
// Protocol: valid_i and first_i as in bincim_array_analog, with used_i, rows that hold cells, and
//     share_i, without a sign, which is taken with a read's first rows; sample_i when the read is
//     complete.

`default_nettype none

module bincim_drive_reference #(
    parameter Step = 2,
    parameter Drive = 5,
    parameter Share = 4,
    parameter Fraction = 0,
    parameter Count = 8,
    parameter RowEnable = 0
) (
    input  wire clk_i,
    input  wire valid_i,
    input  wire first_i,
    input  wire [Step-1:0] row_i,
    input  wire [Step-1:0] enable_i,
    input  wire [Step-1:0] used_i,
    input  wire [Share-1:0] share_i,
    input  wire sample_i,
    output wire [Count-1:0] reference_o
);

  localparam PRODUCT = Count + Fraction;

  wire [Step-1:0] driven = RowEnable != 0 ? used_i & enable_i : used_i;

  // Rows that carry +1 less those that carry -1.
  reg [Drive-1:0] sum;
  reg [Drive-1:0] drive_q;
  reg [Drive-1:0] hold_q;
  reg [Share-1:0] share_q;
  reg [Share-1:0] hold_share_q;
  integer row;

  always @* begin
    sum = first_i ? {Drive{1'b0}} : drive_q;
    for (row = 0; row < Step; row = row + 1) begin
      if (driven[row]) begin
        if (row_i[row]) sum = sum + {{(Drive-1){1'b0}}, 1'b1};
        else sum = sum - {{(Drive-1){1'b0}}, 1'b1};
      end
    end
  end

  always @(posedge clk_i) begin
    if (valid_i) drive_q <= sum;
    if (valid_i & first_i) share_q <= share_i;
    if (sample_i) begin
      hold_q <= drive_q;
      hold_share_q <= share_q;
    end
  end

  wire signed [PRODUCT-1:0] drive = $signed({{(PRODUCT-Drive){hold_q[Drive-1]}}, hold_q});
  wire signed [PRODUCT-1:0] share = $signed({{(PRODUCT-Share){1'b0}}, hold_share_q});
  wire signed [PRODUCT-1:0] product = drive * share;
  reg [Count-1:0] reference_q;

  generate
    if (RowEnable == 0) begin : gen_all_driven
      wire unused_enable = &{1'b0, enable_i};
    end
    if (Fraction > 0) begin : gen_rounded
      localparam signed [PRODUCT-1:0] HALF = 1 << (Fraction - 1);
      wire signed [PRODUCT-1:0] rounded = product + HALF;
      wire unused_fraction = &{1'b0, rounded[Fraction-1:0]};

      always @(posedge clk_i) begin
        reference_q <= rounded[PRODUCT-1:Fraction];
      end
    end else begin : gen_whole
      always @(posedge clk_i) begin
        reference_q <= product;
      end
    end
  endgenerate

  assign reference_o = reference_q;

endmodule

`default_nettype wire
