// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Without tiles that are left out: passes and planes in order, from the first of all to the last
// plane that the frame runs or the layer has, then the first again.
// Assumed: what the layer says does not change within a round.

module properties #(
    parameter Passes = 3,
    parameter Planes = 2,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire step_i,
    input wire [PlaneWidth-1:0] last_plane_i,
    input wire [PassWidth-1:0] last_pass_i,
    input wire [PlaneWidth-1:0] layer_last_plane_i
);

  wire [PassWidth-1:0] pass;
  wire [PlaneWidth-1:0] plane;
  wire first;
  wire pass_last;
  wire last;

  bincim_tile_counter #(
      .Passes(Passes),
      .Planes(Planes)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .step_i(step_i),
      .last_plane_i(last_plane_i),
      .last_pass_i(last_pass_i),
      .layer_last_plane_i(layer_last_plane_i),
      .pass_last_i(1'b0),
      .next_pass_i({PassWidth{1'b0}}),
      .following_plane_i({PlaneWidth+1{1'b0}}),
      .first_pass_i({PassWidth{1'b0}}),
      .pass_o(pass),
      .plane_o(plane),
      .first_o(first),
      .pass_last_o(pass_last),
      .last_o(last)
  );

  reg started = 1'b0;
  reg [PlaneWidth-1:0] last_plane_q;
  reg [PassWidth-1:0] last_pass_q;
  reg [PlaneWidth-1:0] layer_last_plane_q;
  reg stepped_q = 1'b0;
  reg [7:0] pass_due = 8'd0;
  reg [7:0] plane_due = 8'd0;
  // The last plane that runs.
  wire [PlaneWidth-1:0] runs =
      (last_plane_i < layer_last_plane_i) ? last_plane_i : layer_last_plane_i;

  always @(posedge clk_i) begin
    started <= 1'b1;
    last_plane_q <= last_plane_i;
    last_pass_q <= last_pass_i;
    layer_last_plane_q <= layer_last_plane_i;
    if (!rst_ni) begin
      pass_due <= 8'd0;
      plane_due <= 8'd0;
    end else if (step_i) begin
      pass_due <= (pass_due == last_pass_i) ? 8'd0 : pass_due + 8'd1;
      if (pass_due == last_pass_i) begin
        plane_due <= (plane_due == runs) ? 8'd0 : plane_due + 8'd1;
      end
    end
  end

  always @* begin
    assume (started | !rst_ni);
    assume ({1'b0, last_pass_i} < Passes);
    assume ({1'b0, last_plane_i} < Planes);
    assume ({1'b0, layer_last_plane_i} < Planes);
    if (started & rst_ni & !first) begin
      assume (last_plane_i == last_plane_q);
      assume (last_pass_i == last_pass_q);
      assume (layer_last_plane_i == layer_last_plane_q);
    end
    if (started & rst_ni) begin
      assert (pass == pass_due && plane == plane_due);
      assert (first == (pass_due == 8'd0 && plane_due == 8'd0));
      assert (pass_last == (pass_due == last_pass_i));
      assert (last == (pass_due == last_pass_i && plane_due == runs));
      assert (pass_due < Passes && plane_due < Planes);
    end
  end

endmodule
