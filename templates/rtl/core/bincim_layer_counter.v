// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Layer counter: the layers of a frame in order; those from the first drawn one on once a sample.
// Parameters: Layers, most of a network, and Samples, most of a frame, from 1; one that is 1 has no
//     counter. LayerWidth and SampleWidth follow.
// Latency: 1, from a step to the layer.
// Reset: asynchronous, to the first layer of the first sample.
// Protocol: last_layer_i and first_drawn_i are layers of the network, last_sample_i is the frame's.
//     layer_last_o: the last layer of a sample.

`default_nettype none

module bincim_layer_counter #(
    parameter Layers = 3,
    parameter Samples = 1,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire step_i,
    input  wire [LayerWidth-1:0] last_layer_i,
    input  wire [LayerWidth-1:0] first_drawn_i,
    input  wire [SampleWidth-1:0] last_sample_i,
    output wire [LayerWidth-1:0] layer_o,
    output wire sample_first_o,
    output wire sample_last_o,
    output wire layer_last_o
);

  generate
    if (Layers > 1) begin : gen_layer
      localparam [LayerWidth-1:0] FIRST = {LayerWidth{1'b0}};
      reg [LayerWidth-1:0] layer_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) layer_q <= FIRST;
        else if (step_i & layer_last_o) layer_q <= sample_last_o ? FIRST : first_drawn_i;
        else if (step_i) layer_q <= layer_q + {{LayerWidth-1{1'b0}}, 1'b1};
      end

      assign layer_o = layer_q;
      assign layer_last_o = (layer_q == last_layer_i);
    end else begin : gen_one_layer
      wire unused = &{1'b0, last_layer_i, first_drawn_i};
      assign layer_o = 1'b0;
      assign layer_last_o = 1'b1;
    end
  endgenerate

  wire [SampleWidth-1:0] sample;

  bincim_counter #(
      .Count(Samples)
  ) u_sample (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(1'b0),
      .step_i(step_i & layer_last_o),
      .last_i(last_sample_i),
      .value_o(sample),
      .last_o(sample_last_o)
  );

  assign sample_first_o = (sample == {SampleWidth{1'b0}});

endmodule

`default_nettype wire
