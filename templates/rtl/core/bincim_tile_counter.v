// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Tile counter: pass and plane of the weights of the tiles that a block of pixels meets, in order.
// Parameters: Passes and Planes, most of a layer, from 1, where there is no register. Skips: 1,
//     tiles are left out. PassWidth and PlaneWidth follow.
// Latency: 1, from a step to the next tile.
// Reset: asynchronous, to the first pass of the first plane.
// Protocol: step_i as a tile ends. last_plane_i is the last plane that the frame runs. Without
//     Skips last_pass_i and layer_last_plane_i are those of the layer. With Skips the tile that
//     stands is answered in its cycle with what follows it: the pass next_pass_i, or no other of
//     its plane, pass_last_i; then the plane following_plane_i, Planes where there is none, from
//     its pass first_pass_i on. Behind the last tile comes the first one again.

`default_nettype none

module bincim_tile_counter #(
    parameter Passes = 4,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter PassWidth = (Passes > 1) ? $clog2(Passes) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire step_i,
    input  wire [PlaneWidth-1:0] last_plane_i,
    // The layer's tiles, where none is left out.
    input  wire [PassWidth-1:0] last_pass_i,
    input  wire [PlaneWidth-1:0] layer_last_plane_i,
    // What follows this tile, where some are left out.
    input  wire pass_last_i,
    input  wire [PassWidth-1:0] next_pass_i,
    input  wire [PlaneWidth:0] following_plane_i,
    input  wire [PassWidth-1:0] first_pass_i,
    output wire [PassWidth-1:0] pass_o,
    output wire [PlaneWidth-1:0] plane_o,
    // The first tile of all, the last one of its plane, and the last one of all.
    output wire first_o,
    output wire pass_last_o,
    output wire last_o
);

  localparam [PassWidth-1:0] FIRST_PASS = {PassWidth{1'b0}};
  localparam [PlaneWidth-1:0] FIRST_PLANE = {PlaneWidth{1'b0}};

  wire plane_last;

  assign first_o = (pass_o == FIRST_PASS) & (plane_o == FIRST_PLANE);
  assign last_o = pass_last_o & plane_last;

  generate
    if (Passes > 1) begin : gen_passes
      reg [PassWidth-1:0] pass_q;
      wire [PassWidth-1:0] pass_next;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) pass_q <= FIRST_PASS;
        else if (step_i) pass_q <= pass_next;
      end

      assign pass_o = pass_q;
      if (Skips != 0) begin : gen_skips
        wire unused = &{1'b0, last_pass_i};

        assign pass_last_o = pass_last_i;
        assign pass_next = last_o ? FIRST_PASS : pass_last_i ? first_pass_i : next_pass_i;
      end else begin : gen_all
        wire unused = &{1'b0, pass_last_i, next_pass_i, first_pass_i};

        assign pass_last_o = (pass_q == last_pass_i);
        assign pass_next = pass_last_o ? FIRST_PASS : pass_q + {{PassWidth-1{1'b0}}, 1'b1};
      end
    end else begin : gen_one_pass
      wire unused = &{1'b0, last_pass_i, pass_last_i, next_pass_i, first_pass_i};

      assign pass_o = FIRST_PASS;
      assign pass_last_o = 1'b1;
    end

    if (Planes > 1) begin : gen_planes
      reg [PlaneWidth-1:0] plane_q;
      wire [PlaneWidth-1:0] plane_next;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) plane_q <= FIRST_PLANE;
        else if (step_i & pass_last_o) plane_q <= plane_last ? FIRST_PLANE : plane_next;
      end

      assign plane_o = plane_q;
      if (Skips != 0) begin : gen_skips
        wire unused = &{1'b0, layer_last_plane_i};

        assign plane_last = (following_plane_i > {1'b0, last_plane_i});
        assign plane_next = following_plane_i[PlaneWidth-1:0];
      end else begin : gen_all
        wire unused = &{1'b0, following_plane_i};

        assign plane_last = (plane_q == layer_last_plane_i) | (plane_q == last_plane_i);
        assign plane_next = plane_q + {{PlaneWidth-1{1'b0}}, 1'b1};
      end
    end else begin : gen_one_plane
      wire unused = &{1'b0, last_plane_i, layer_last_plane_i, following_plane_i};

      assign plane_o = FIRST_PLANE;
      assign plane_last = 1'b1;
    end

    if (Passes == 1 && Planes == 1) begin : gen_one_tile
      wire unused = &{1'b0, clk_i, rst_ni, step_i};
    end
  endgenerate

endmodule

`default_nettype wire
