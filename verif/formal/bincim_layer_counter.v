// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// The layers of frame after frame in order, those from the first drawn one on once a sample, whatever
// the number of samples of a frame.
// Assumed: the numbers are those of a network, and a frame keeps its number of samples.

module properties #(
    parameter Layers = 3,
    parameter Samples = 3,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire step_i,
    input wire [LayerWidth-1:0] last_layer_i,
    input wire [LayerWidth-1:0] first_drawn_i,
    input wire [SampleWidth-1:0] last_sample_i
);

  wire [LayerWidth-1:0] layer;
  wire sample_first;
  wire sample_last;
  wire layer_last;

  bincim_layer_counter #(
      .Layers(Layers),
      .Samples(Samples)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(step_i),
      .last_layer_i(last_layer_i),
      .first_drawn_i(first_drawn_i),
      .last_sample_i(last_sample_i),
      .layer_o(layer),
      .sample_first_o(sample_first),
      .sample_last_o(sample_last),
      .layer_last_o(layer_last)
  );

  // Runs of the frame that are done, and those of a sample.
  reg started = 1'b0;
  reg [7:0] run_q = 8'd0;
  reg [LayerWidth-1:0] last_layer_q;
  reg [LayerWidth-1:0] first_q;
  reg [SampleWidth-1:0] last_sample_q;
  wire [7:0] drawn = last_layer_i - first_drawn_i + 8'd1;
  wire [7:0] runs = last_layer_i + 8'd1 + last_sample_i * drawn;
  wire [7:0] place = run_q - first_drawn_i;
  wire [7:0] expected = (run_q < first_drawn_i) ? run_q : first_drawn_i + place % drawn;
  wire [7:0] sample = (run_q < first_drawn_i) ? 8'd0 : place / drawn;

  always @(posedge clk_i) begin
    started <= 1'b1;
    last_layer_q <= last_layer_i;
    first_q <= first_drawn_i;
    last_sample_q <= last_sample_i;
    if (rst_ni & step_i) run_q <= (run_q + 8'd1 == runs) ? 8'd0 : run_q + 8'd1;
  end

  always @* begin
    assume (started == rst_ni);
    assume (last_layer_i < Layers);
    assume (first_drawn_i <= last_layer_i);
    assume (last_sample_i < Samples);
    if (started) begin
      assume (last_layer_i == last_layer_q && first_drawn_i == first_q);
      if (run_q != 8'd0) assume (last_sample_i == last_sample_q);
    end
    if (rst_ni) begin
      assert (layer == expected);
      assert (sample_first == (sample == 8'd0));
      assert (sample_last == (sample == last_sample_i));
      assert (layer_last == (expected == last_layer_i));
    end
  end

endmodule
