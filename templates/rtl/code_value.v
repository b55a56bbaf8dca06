// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
//%- if a.value_fraction_bits > 0 %//
// What the codes stand for, in 2^-<: a.value_fraction_bits :> counts.
//%- else %//
// What the codes stand for, in counts.
//%- endif %//
//%- if a.planes > 1 %//
// The reads of a vector add up, plane j counts 2^j.
//%- endif %//
// Latency: 1, from code to count.

`default_nettype none

module code_value (
    input  wire clk_i,
    //%- if a.value_layers %//
    input  wire [<: v.layer_width - 1 :>:0] layer_i,
    //%- endif %//
    input  wire code_valid_i,
    //%- if a.planes > 1 %//
    input  wire [<: a.plane_width - 1 :>:0] plane_i,
    //%- endif %//
    input  wire [<: v.lanes * a.code_width - 1 :>:0] code_i,
    //%- if a.reference.is_some() %//
    // Taken away from every column's value.
    input  wire [<: v.count_width - 1 :>:0] reference_i,
    //%- endif %//
    output wire [<: v.lanes * v.count_width - 1 :>:0] count_o
);

  localparam LANES = <: v.lanes :>;
  localparam CODE = <: a.code_width :>;
  localparam COUNT = <: v.count_width :>;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      //%- if a.reference.is_some() %//
      wire [COUNT-1:0] raw;
      wire [COUNT-1:0] value = raw - reference_i;
      //%- else %//
      wire [COUNT-1:0] value;
      //%- endif %//
      reg [COUNT-1:0] count_q;

      value_program u_value_program (
          //%- if a.value_layers %//
          .layer_i(layer_i),
          //%- endif %//
          .code_i(code_i[lane*CODE +: CODE]),
          //%- if a.reference.is_some() %//
          .value_o(raw)
          //%- else %//
          .value_o(value)
          //%- endif %//
      );

      always @(posedge clk_i) begin
        //%- if a.planes > 1 %//
        if (code_valid_i) count_q <= ((plane_i == <: a.plane_width :>'d0) ? {COUNT{1'b0}} : count_q) + (value << plane_i);
        //%- else %//
        if (code_valid_i) count_q <= value;
        //%- endif %//
      end

      assign count_o[lane*COUNT +: COUNT] = count_q;
    end
  endgenerate

endmodule

`default_nettype wire
