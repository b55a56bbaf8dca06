// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Support mask: rows of a vector that its plane of the weights keeps. A row that it leaves out carries 0 and
// is not counted as driven.
// Latency: issue x-2, rows of each slot x-1, kept rows at the door x.

`default_nettype none

module support_mask (
    input  wire clk_i,
    input  wire advance_i,
    //%- for k in keys %//
    input  wire [<: k.width - 1 :>:0] <: k.name :>,
    //%- endfor %//
    //%- if v.has_map && v.counts_driven %//
    output wire [<: v.banks * v.kept_width - 1 :>:0] kept_rows_o,
    //%- endif %//
    //%- if v.input_driven %//
    // All kept rows of a vector from the input.
    output wire [<: v.driven_width - 1 :>:0] input_driven_rows_o,
    //%- endif %//
    output wire [<: v.rows - 1 :>:0] kept_o
);

  wire [<: v.rows - 1 :>:0] kept;
  //%- if v.has_map && v.counts_driven %//
  wire [<: v.banks * v.kept_width - 1 :>:0] kept_rows;
  reg  [<: v.banks * v.kept_width - 1 :>:0] kept_rows_q;
  //%- endif %//
  //%- if v.input_driven %//
  wire [<: v.driven_width - 1 :>:0] input_driven;
  reg  [<: v.driven_width - 1 :>:0] read_input_driven_q;
  reg  [<: v.driven_width - 1 :>:0] door_input_driven_q;
  //%- endif %//
  reg  [<: v.rows - 1 :>:0] read_kept_q;
  reg  [<: v.rows - 1 :>:0] door_kept_q;

  mask_program u_mask_program (
      //%- for k in keys %//
      .<: k.name :>(<: k.name :>),
      //%- endfor %//
      //%- for f in fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );

  always @(posedge clk_i) begin
    if (advance_i) begin
      read_kept_q <= kept;
      door_kept_q <= read_kept_q;
      //%- if v.has_map && v.counts_driven %//
      kept_rows_q <= kept_rows;
      //%- endif %//
      //%- if v.input_driven %//
      read_input_driven_q <= input_driven;
      door_input_driven_q <= read_input_driven_q;
      //%- endif %//
    end
  end

  assign kept_o = door_kept_q;
  //%- if v.has_map && v.counts_driven %//
  assign kept_rows_o = kept_rows_q;
  //%- endif %//
  //%- if v.input_driven %//
  assign input_driven_rows_o = door_input_driven_q;
  //%- endif %//

endmodule

`default_nettype wire
