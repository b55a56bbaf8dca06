// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Draw turn: where a sample begins among the reads of arrays whose cells are drawn as they are
// read, and the wait of a frame's first one for its noise.
// Parameters: Layers of the network, from 1. LayerWidth follows.
// Latency: none.
// Reset: asynchronous; the next read that is drawn begins a sample.
// Protocol: layer_i and sample_first_i belong to the vector at the door and to the read under way:
//     its layer, and whether it is one of the frame's first sample. Layers from first_drawn_i on
//     are drawn, which draw_layer_o says. sample_start_o, beside read_i: the word is a sample's
//     first one; sample_end_o: the last layer is done. layer_done_i stands for one cycle at a
//     layer's end. ready_o: the door may take a vector, for the array is free and the noise is
//     there.

`default_nettype none

module bincim_draw_turn #(
    parameter Layers = 2,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire [LayerWidth-1:0] layer_i,
    input  wire [LayerWidth-1:0] first_drawn_i,
    input  wire layer_done_i,
    input  wire sample_first_i,
    input  wire seeded_i,
    input  wire read_i,
    output wire draw_layer_o,
    output wire sample_start_o,
    output wire sample_end_o,
    input  wire array_free_i,
    output wire ready_o
);

  wire layer_last;

  generate
    if (Layers > 1) begin : gen_layers
      localparam [31:0] LAST = Layers - 1;

      assign draw_layer_o = (layer_i >= first_drawn_i);
      assign layer_last = (layer_i == LAST[LayerWidth-1:0]);
    end else begin : gen_one_layer
      wire unused_layer = &{1'b0, layer_i, first_drawn_i};
      assign draw_layer_o = 1'b1;
      assign layer_last = 1'b1;
    end
  endgenerate

  // No word of the sample has been read.
  reg fresh_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) fresh_q <= 1'b1;
    else if (sample_end_o) fresh_q <= 1'b1;
    else if (read_i & draw_layer_o) fresh_q <= 1'b0;
  end

  assign sample_end_o = layer_done_i & layer_last;
  assign sample_start_o = fresh_q & draw_layer_o;
  assign ready_o = array_free_i & (seeded_i | !(sample_start_o & sample_first_i));

endmodule

`default_nettype wire
