// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// A place counts as inside where it lies on the map, for every window that can stand anywhere
// around it: places before the map are marked in Before, those beyond it in Beyond.

module properties #(
    parameter Coordinate = 4,
    parameter Places = 3,
    parameter [Places-1:0] Before = {Places{1'b1}},
    parameter [Places-1:0] Beyond = {Places{1'b1}}
) (
    input wire [Coordinate-1:0] window_i,
    input wire [Coordinate-1:0] size_i
);

  wire [Places-1:0] inside;

  bincim_inside #(
      .Coordinate(Coordinate),
      .Places(Places),
      .Before(Before),
      .Beyond(Beyond)
  ) dut (
      .window_i(window_i),
      .size_i(size_i),
      .inside_o(inside)
  );

  // Wide enough for any sum.
  wire signed [15:0] window = $signed({{16-Coordinate{window_i[Coordinate-1]}}, window_i});
  wire signed [15:0] size = $signed({{16-Coordinate{1'b0}}, size_i});
  genvar place;
  generate
    for (place = 0; place < Places; place = place + 1) begin : gen_place
      wire signed [15:0] at = window + place;

      always @* begin
        // What the parameters promise: places that nothing marks are on the map, and coordinates
        // have bits enough for all of them.
        if (!Before[place]) assume (at >= 0);
        if (!Beyond[place]) assume (at < size);
        assume (at < (1 <<< (Coordinate - 1)));
        assume (size_i < (1 << (Coordinate - 1)));
        assert (inside[place] == (at >= 0 && at < size));
      end
    end
  endgenerate

endmodule
