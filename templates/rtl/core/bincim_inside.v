// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Inside: which rows, or columns, of a window lie inside of the map.
// Parameters: Coordinate, bits of a place, from 1. Places, most of a window, from 1. Before and
//     Beyond, one bit each: which may lie before the map's first place, which behind its last one.
// Latency: 0.
// Reset: none, no state.
// Protocol: window_i is the window's first place, two's complement; size_i, places of the map, is
//     at most half of what Coordinate bits count, so that a negative place compares as one behind.

`default_nettype none

module bincim_inside #(
    parameter Coordinate = 4,
    parameter Places = 3,
    parameter Before = 1,
    parameter Beyond = 4
) (
    input  wire [Coordinate-1:0] window_i,
    input  wire [Coordinate-1:0] size_i,
    output wire [Places-1:0] inside_o
);

  wire unused = &{1'b0, window_i, size_i};

  genvar place;
  generate
    for (place = 0; place < Places; place = place + 1) begin : gen_place
      if ((((Before | Beyond) >> place) & 1) != 0) begin : gen_edge
        localparam [31:0] OFFSET = place;
        wire [Coordinate-1:0] at = window_i + OFFSET[Coordinate-1:0];

        if (((Beyond >> place) & 1) != 0) begin : gen_beyond
          assign inside_o[place] = (at < size_i);
        end else begin : gen_before
          wire unused_low = &{1'b0, at};

          assign inside_o[place] = !at[Coordinate-1];
        end
      end else begin : gen_within
        assign inside_o[place] = 1'b1;
      end
    end
  endgenerate

endmodule

`default_nettype wire
