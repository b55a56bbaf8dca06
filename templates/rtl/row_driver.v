// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Row driver: selects where the row vector comes from and holds it on the rows of the array.
//%- if v.serial_input %//
// A vector of the input has <: v.planes :> bits for each row: the planes drive the rows in turn,
// the lowest first.
//%- endif %//
// Latency: 1.

`default_nettype none

module row_driver (
    input  wire clk_i,
    input  wire load_i,
    //%- if v.serial_input %//
    input  wire next_plane_i,
    //%- endif %//
    //%- if v.has_map %//
    input  wire from_input_i,
    //%- endif %//
    input  wire [<: v.vector_bits - 1 :>:0] input_row_i,
    //%- if v.has_map %//
    input  wire [<: v.rows - 1 :>:0] map_row_i,
    //%- endif %//
    //%- if v.row_enable %//
    // Driven words of a vector from the activation memory; from the input every row is driven.
    input  wire [<: v.banks - 1 :>:0] map_driven_i,
    output wire [<: v.rows - 1 :>:0] enable_o,
    //%- endif %//
    //%- if v.masks_rows %//
    // Rows that the plane of the weights keeps; the others carry 0.
    input  wire [<: v.rows - 1 :>:0] kept_i,
    //%- endif %//
    output wire [<: v.rows - 1 :>:0] row_o
);

  reg [<: v.vector_bits - 1 :>:0] row_q;

  always @(posedge clk_i) begin
    //%- if v.has_map %//
    if (load_i) row_q <= <: v.row_source :>;
    //%- else %//
    if (load_i) row_q <= input_row_i<: v.row_kept :>;
    //%- endif %//
    //%- if v.serial_input %//
    else if (next_plane_i) row_q <= {<: v.rows :>'d0, row_q[<: v.vector_bits - 1 :>:<: v.rows :>]};
    //%- endif %//
  end

  //%- if v.serial_input %//
  assign row_o = row_q[<: v.rows - 1 :>:0];
  //%- else %//
  assign row_o = row_q;
  //%- endif %//
  //%- if v.row_enable %//

  localparam WORD = <: v.word :>;
  reg [<: v.banks - 1 :>:0] driven_q;

  always @(posedge clk_i) begin
    if (load_i) driven_q <= map_driven_i | {<: v.banks :>{from_input_i}};
  end

  genvar word;
  generate
    for (word = 0; word < <: v.banks :>; word = word + 1) begin : gen_enable
      assign enable_o[word*WORD +: WORD] = {WORD{driven_q[word]}};
    end
  endgenerate
  //%- endif %//

endmodule

`default_nettype wire
