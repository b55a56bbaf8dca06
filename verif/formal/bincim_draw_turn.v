// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Of the words of drawn layers that are read between two ends of samples, the first one, and it
// alone, is told as its sample's start; words of other layers never are. A frame's first vector
// waits for its noise, none waits where the array is free and the noise is there, and a sample ends
// with the last layer.
// Assumed: nothing is read in the cycle in which a layer is done.

module properties #(
    parameter Layers = 3,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire [LayerWidth-1:0] layer_i,
    input wire [LayerWidth-1:0] first_drawn_i,
    input wire layer_done_i,
    input wire sample_first_i,
    input wire seeded_i,
    input wire read_i,
    input wire array_free_i
);

  wire draw_layer;
  wire sample_start;
  wire sample_end;
  wire ready;

  bincim_draw_turn #(
      .Layers(Layers)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .layer_i(layer_i),
      .first_drawn_i(first_drawn_i),
      .layer_done_i(layer_done_i),
      .sample_first_i(sample_first_i),
      .seeded_i(seeded_i),
      .read_i(read_i),
      .draw_layer_o(draw_layer),
      .sample_start_o(sample_start),
      .sample_end_o(sample_end),
      .array_free_i(array_free_i),
      .ready_o(ready)
  );

  wire drawn = (Layers == 1) || (layer_i >= first_drawn_i);
  reg started = 1'b0;
  // Words of drawn layers since the last end of a sample, and those told as a start: none, one,
  // more.
  reg [1:0] words_q = 2'd0;
  reg [1:0] starts_q = 2'd0;

  function [1:0] more;
    input [1:0] number;
    begin
      more = (number == 2'd2) ? 2'd2 : number + 2'd1;
    end
  endfunction

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni | sample_end) begin
      words_q <= 2'd0;
      starts_q <= 2'd0;
    end else if (read_i) begin
      if (drawn) words_q <= more(words_q);
      if (sample_start) starts_q <= more(starts_q);
    end
  end

  always @* begin
    assume (started == rst_ni);
    assume (layer_i < Layers || Layers == 1);
    assume (!(read_i & layer_done_i));
    if (rst_ni) begin
      assert (draw_layer == drawn);
      assert (sample_end == (layer_done_i & (Layers == 1 || layer_i == Layers - 1)));
      assert (starts_q == ((words_q != 2'd0) ? 2'd1 : 2'd0));
      assert (!(sample_start & !drawn));
      assert (!ready | array_free_i);
      assert (!(ready & drawn & sample_first_i & words_q == 2'd0) | seeded_i);
      assert (ready | !(array_free_i & seeded_i));
      assert (ready | !array_free_i | (drawn & sample_first_i & words_q == 2'd0));
    end
  end

endmodule
