// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Digital reference: what the cells of the driven rows have in common. The converters see it with the signal, and it
// is taken away from what their codes stand for.
//%- if a.value_fraction_bits > 0 %//
// Unit: 2^-<: a.value_fraction_bits :> counts.
//%- else %//
// Unit: counts.
//%- endif %//
// Latency: 2, from the sample to the reference, which stands at least until the read's codes do.

`default_nettype none

module drive_reference (
    input  wire clk_i,
    input  wire valid_i,
    // The first rows of a read.
    input  wire first_i,
    input  wire [<: a.row_step - 1 :>:0] row_i,
    //%- if v.row_enable %//
    input  wire [<: a.row_step - 1 :>:0] enable_i,
    //%- endif %//
    // Rows of the array that hold cells.
    input  wire [<: a.row_step - 1 :>:0] used_i,
    //%- if r.several %//
    // What a driven row of the array takes away<: r.share_unit :>.
    input  wire [<: r.share_width - 1 :>:0] share_i,
    //%- endif %//
    input  wire sample_i,
    output wire [<: v.count_width - 1 :>:0] reference_o
);

  localparam STEP = <: a.row_step :>;
  localparam DRIVE = <: r.drive_width :>;
  localparam PRODUCT = <: r.product_width :>;
  //%- if !r.several %//
  // What a driven row takes away<: r.share_unit :>.
  localparam signed [PRODUCT-1:0] SHARE = <: r.product_width :>'sd<: r.share :>;
  //%- endif %//

  // Rows that carry +1 less those that carry -1.
  reg signed [DRIVE-1:0] sum;
  reg signed [DRIVE-1:0] drive_q;
  reg signed [DRIVE-1:0] hold_q;
  integer row;

  always @* begin
    sum = first_i ? {DRIVE{1'b0}} : drive_q;
    for (row = 0; row < STEP; row = row + 1) begin
      //%- if v.row_enable %//
      if (used_i[row] & enable_i[row]) begin
      //%- else %//
      if (used_i[row]) begin
      //%- endif %//
        if (row_i[row]) sum = sum + <: r.drive_width :>'sd1;
        else sum = sum - <: r.drive_width :>'sd1;
      end
    end
  end
  //%- if r.several %//

  reg [<: r.share_width - 1 :>:0] share_q;
  reg [<: r.share_width - 1 :>:0] hold_share_q;
  wire signed [PRODUCT-1:0] share = $signed({{(PRODUCT-<: r.share_width :>){1'b0}}, hold_share_q});
  //%- endif %//

  always @(posedge clk_i) begin
    if (valid_i) drive_q <= sum;
    if (sample_i) hold_q <= drive_q;
    //%- if r.several %//
    if (valid_i & first_i) share_q <= share_i;
    if (sample_i) hold_share_q <= share_q;
    //%- endif %//
  end

  //%- if r.product_width > r.drive_width %//
  wire signed [PRODUCT-1:0] drive = $signed({{(PRODUCT-DRIVE){hold_q[DRIVE-1]}}, hold_q});
  //%- else %//
  wire signed [PRODUCT-1:0] drive = hold_q;
  //%- endif %//
  //%- if r.several %//
  wire signed [PRODUCT-1:0] product = drive * share;
  //%- else %//
  wire signed [PRODUCT-1:0] product = drive * SHARE;
  //%- endif %//
  reg [<: v.count_width - 1 :>:0] reference_q;
  //%- if r.fraction > 0 %//

  // Rounded to the nearest.
  wire [<: v.count_width - 1 :>:0] rounded;
  wire [<: r.fraction - 1 :>:0] unused_fraction;
  assign {rounded, unused_fraction} = product + <: r.product_width :>'sd<: r.half :>;

  always @(posedge clk_i) begin
    reference_q <= rounded;
  end
  //%- else %//

  always @(posedge clk_i) begin
    reference_q <= product;
  end
  //%- endif %//

  assign reference_o = reference_q;

endmodule

`default_nettype wire
