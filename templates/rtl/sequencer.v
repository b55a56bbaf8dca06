// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Sequencer: frames, layers and the walk over the vectors of a layer.
// Order of the loops, outermost first: group of channels, block of pixels, pass, pixel.
// Latency: the state of a cycle is that of the vector which reaches the door two cycles later.

`default_nettype none

module sequencer (
    input  wire clk_i,
    input  wire rst_ni,
    // A frame is wanted and complete, its scores have room and its first tile is loaded.
    input  wire frame_ready_i,
    output wire frame_start_o,
    output wire frame_done_o,
    output wire busy_o,
    //%- if v.many_layers %//
    // Layer whose vectors are issued, and layer whose results leave.
    output wire [<: v.layer_width - 1 :>:0] walk_layer_o,
    output wire [<: v.layer_width - 1 :>:0] layer_o,
    //%- endif %//
    //%- if v.has_map %//
    output wire layer_start_o,
    //%- endif %//
    //%- if v.many_layers %//
    // The last vector of the layer leaves the door.
    input  wire layer_drained_i,
    //%- endif %//
    // The result of the layer's last vector reaches the pooling stage.
    input  wire layer_done_i,
    output wire [<: v.cycle_width - 1 :>:0] layer_cycles_o,
    // The vector to be fetched and its place in the loops.
    input  wire advance_i,
    output wire issue_valid_o,
    //%- if v.has_walk %//
    output wire [<: v.walk_width - 1 :>:0] walk_address_o,
    //%- endif %//
    //%- if v.walk_bank_width > 0 %//
    output wire [<: v.walk_bank_width - 1 :>:0] walk_bank_o,
    //%- endif %//
    //%- if v.pads_rows %//
    output wire [<: v.coordinate_width - 1 :>:0] window_row_o,
    //%- endif %//
    //%- if v.pads_columns %//
    output wire [<: v.coordinate_width - 1 :>:0] window_column_o,
    //%- endif %//
    //%- if v.pass_width > 0 %//
    output wire [<: v.pass_width - 1 :>:0] pass_o,
    //%- endif %//
    //%- if v.plane_register %//
    // Last plane of the weights that a layer may run, taken as a frame starts.
    input  wire [<: v.plane_width - 1 :>:0] last_plane_i,
    //%- if v.tells_planes %//
    output wire [<: v.plane_width - 1 :>:0] last_plane_o,
    //%- endif %//
    //%- endif %//
    //%- if v.plane_width > 0 %//
    // Plane of the weights.
    output wire [<: v.plane_width - 1 :>:0] plane_o,
    //%- endif %//
    output wire tile_first_o,
    //%- if v.analog.is_some() && v.multi_pass %//
    output wire pass_first_o,
    //%- endif %//
    //%- if v.accumulates %//
    output wire sum_first_o,
    output wire sum_last_o,
    //%- endif %//
    //%- if v.accumulator_depth > 0 %//
    output wire block_last_o,
    //%- endif %//
    //%- if v.pools %//
    output wire window_last_o,
    //%- endif %//
    //%- if v.writes_rows %//
    output wire row_last_o,
    //%- endif %//
    output wire group_last_o,
    output wire layer_last_o
);
  //%- if v.many_layers %//

  localparam [<: v.layer_width - 1 :>:0] LAST_LAYER = <: v.layer_width :>'d<: v.layers - 1 :>;

  reg [<: v.layer_width - 1 :>:0] walk_layer_q;
  //%- endif %//
  //%- if !walk_fields.is_empty() %//

  // Constants of the layer whose vectors are issued.
  //%- for f in walk_fields %//
  wire [<: f.width - 1 :>:0] <: f.name :>;
  //%- endfor %//

  walk_program u_walk_program (
      //%- if v.many_layers %//
      .layer_i(walk_layer_q),
      //%- endif %//
      //%- for f in walk_fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );
  //%- endif %//

  // Frames and layers.
  reg busy_q;
  reg issue_q;
  //%- if v.has_map %//
  reg layer_start_q;
  //%- endif %//
  reg [<: v.cycle_width - 1 :>:0] cycles_q;
  //%- if v.many_layers %//
  reg [<: v.layer_width - 1 :>:0] layer_q;
  wire last_layer = (layer_q == LAST_LAYER);
  //%- else %//
  wire last_layer = 1'b1;
  //%- endif %//

  assign frame_start_o = !busy_q & frame_ready_i;
  assign frame_done_o = layer_done_i & last_layer;
  wire layer_start = frame_start_o | (layer_done_i & !last_layer);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      issue_q <= 1'b0;
      //%- if v.has_map %//
      layer_start_q <= 1'b0;
      //%- endif %//
      cycles_q <= <: v.cycle_width :>'d0;
      //%- if v.many_layers %//
      walk_layer_q <= <: v.layer_width :>'d0;
      layer_q <= <: v.layer_width :>'d0;
      //%- endif %//
    end else begin
      if (frame_start_o) busy_q <= 1'b1;
      else if (frame_done_o) busy_q <= 1'b0;
      if (layer_start) issue_q <= 1'b1;
      else if (advance_i & layer_last_o) issue_q <= 1'b0;
      //%- if v.has_map %//
      layer_start_q <= layer_start;
      //%- endif %//
      // Counts the first issue cycle of the layer as 1.
      if (layer_start) cycles_q <= <: v.cycle_width :>'d1;
      else if (busy_q) cycles_q <= cycles_q + <: v.cycle_width :>'d1;
      //%- if v.many_layers %//
      if (layer_drained_i) begin
        walk_layer_q <= (walk_layer_q == LAST_LAYER) ? <: v.layer_width :>'d0
                                                     : walk_layer_q + <: v.layer_width :>'d1;
      end
      if (layer_done_i) begin
        layer_q <= last_layer ? <: v.layer_width :>'d0 : layer_q + <: v.layer_width :>'d1;
      end
      //%- endif %//
    end
  end

  assign busy_o = busy_q;
  //%- if v.has_map %//
  assign layer_start_o = layer_start_q;
  //%- endif %//
  assign layer_cycles_o = cycles_q;
  //%- if v.many_layers %//
  assign walk_layer_o = walk_layer_q;
  assign layer_o = layer_q;
  //%- endif %//

  // Loops. A counter whose limit is 0 in every layer does not exist.
  //%- if v.group_width > 0 %//
  reg [<: v.group_width - 1 :>:0] group_q;
  wire group_last = (group_q == group_max);
  //%- else %//
  wire group_last = 1'b1;
  //%- endif %//
  //%- if v.block_width > 0 %//
  reg [<: v.block_width - 1 :>:0] block_q;
  wire block_last = (block_q == block_max);
  //%- else %//
  wire block_last = 1'b1;
  //%- endif %//
  //%- if v.pass_width > 0 %//
  reg [<: v.pass_width - 1 :>:0] pass_q;
  //%- endif %//
  //%- if v.plane_width > 0 %//
  reg [<: v.plane_width - 1 :>:0] plane_q;
  //%- endif %//
  //%- if v.plane_register %//
  reg [<: v.plane_width - 1 :>:0] last_plane_q;
  //%- endif %//
  //%- if v.skips %//
  wire [<: v.plane_width - 1 :>:0] last_plane = last_plane_q;
  <: v.next_tile(walk_layer) :>
  //%- else %//
  //%- if v.pass_width > 0 %//
  wire pass_last = (pass_q == pass_max);
  //%- else %//
  wire pass_last = 1'b1;
  //%- endif %//
  //%- if v.plane_width > 0 %//
  //%- if v.plane_register %//
  wire plane_last = (plane_q == plane_max) | (plane_q == last_plane_q);
  //%- else %//
  wire plane_last = (plane_q == plane_max);
  //%- endif %//
  //%- endif %//
  //%- endif %//
  //%- if v.plane_width > 0 %//
  wire tiles_last = pass_last & plane_last;
  //%- endif %//
  //%- if v.pixel_width > 0 %//
  reg [<: v.pixel_width - 1 :>:0] pixel_q;
  //%- if v.uneven_blocks %//
  wire pixel_last = (pixel_q == (block_last ? pixel_max_last : pixel_max));
  //%- else %//
  wire pixel_last = (pixel_q == pixel_max);
  //%- endif %//
  //%- else %//
  wire pixel_last = 1'b1;
  //%- endif %//
  //%- if v.has_loops %//
  wire tile_end = issue_q & advance_i & pixel_last;
  //%- endif %//
  //%- if v.ends_blocks %//
  wire block_end = tile_end & <: v.tiles_last :>;
  //%- endif %//
  //%- if v.ends_groups %//
  wire group_end = block_end & block_last;
  //%- endif %//
  //%- if v.has_loops %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      //%- if v.group_width > 0 %//
      group_q <= <: v.group_width :>'d0;
      //%- endif %//
      //%- if v.block_width > 0 %//
      block_q <= <: v.block_width :>'d0;
      //%- endif %//
      //%- if v.pass_width > 0 %//
      pass_q <= <: v.pass_width :>'d0;
      //%- endif %//
      //%- if v.plane_width > 0 %//
      plane_q <= <: v.plane_width :>'d0;
      //%- endif %//
      //%- if v.pixel_width > 0 %//
      pixel_q <= <: v.pixel_width :>'d0;
      //%- endif %//
    end else begin
      //%- if v.pixel_width > 0 %//
      if (tile_end) pixel_q <= <: v.pixel_width :>'d0;
      else if (issue_q & advance_i) pixel_q <= pixel_q + <: v.pixel_width :>'d1;
      //%- endif %//
      //%- if v.pass_width > 0 %//
      if (<: v.pass_restart :>) pass_q <= <: v.pass_width :>'d0;
      else if (tile_end) pass_q <= <: v.pass_next :>;
      //%- endif %//
      //%- if v.plane_width > 0 %//
      if (block_end) plane_q <= <: v.plane_width :>'d0;
      else if (tile_end & pass_last) plane_q <= <: v.plane_next :>;
      //%- endif %//
      //%- if v.block_width > 0 %//
      if (group_end) block_q <= <: v.block_width :>'d0;
      else if (block_end) block_q <= block_q + <: v.block_width :>'d1;
      //%- endif %//
      //%- if v.group_width > 0 %//
      if (group_end) group_q <= group_last ? <: v.group_width :>'d0 : group_q + <: v.group_width :>'d1;
      //%- endif %//
    end
  end
  //%- endif %//

  //%- if v.plane_register %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) last_plane_q <= <: v.plane_width :>'d<: v.weight_planes - 1 :>;
    else if (frame_start_o) last_plane_q <= last_plane_i;
  end
  //%- if v.tells_planes %//

  assign last_plane_o = last_plane_q;
  //%- endif %//
  //%- endif %//
  //%- if v.plane_width > 0 %//

  assign plane_o = plane_q;
  //%- endif %//

  assign issue_valid_o = issue_q;
  //%- if v.pass_width > 0 %//
  assign pass_o = pass_q;
  //%- endif %//
  //%- if v.pixel_width > 0 %//
  assign tile_first_o = (pixel_q == <: v.pixel_width :>'d0);
  //%- else %//
  assign tile_first_o = 1'b1;
  //%- endif %//
  //%- if v.analog.is_some() && v.multi_pass %//
  assign pass_first_o = <: v.first_pass :>;
  //%- endif %//
  //%- if v.accumulates %//
  //%- if v.sums_pixels %//
  assign sum_first_o = <: v.first_pass :> & (tile_first_o | !sum_pixels[0]);
  assign sum_last_o = <: v.tiles_last :> & (pixel_last | !sum_pixels[0]);
  //%- else %//
  assign sum_first_o = <: v.first_pass :>;
  assign sum_last_o = <: v.tiles_last :>;
  //%- endif %//
  //%- endif %//
  //%- if v.accumulator_depth > 0 %//
  assign block_last_o = pixel_last;
  //%- endif %//
  assign group_last_o = pixel_last & <: v.tiles_last :> & block_last;
  assign layer_last_o = issue_q & group_last_o & group_last;
  //%- if v.has_walk && !v.moves %//

  // Every layer has one vector: nothing moves.
  assign walk_address_o = origin_address;
  //%- if v.walk_bank_width > 0 %//
  assign walk_bank_o = origin_bank;
  //%- endif %//
  //%- if v.pads_rows %//
  assign window_row_o = origin_pad_row;
  //%- endif %//
  //%- if v.pads_columns %//
  assign window_column_o = origin_pad_column;
  //%- endif %//
  //%- endif %//
  //%- if v.has_walk && v.moves %//

  // The walk of the window's origin, without multiplier or divider: the innermost counter that
  // has not reached its end says which constant step is next.
  //%- if v.wc_width > 0 %//
  reg  [<: v.wc_width - 1 :>:0] window_column_q;
  wire window_column_last = (window_column_q == window_column_max);
  //%- else if v.wr_width > 0 %//
  wire window_column_last = 1'b1;
  //%- endif %//
  //%- if v.wr_width > 0 %//
  reg  [<: v.wr_width - 1 :>:0] window_row_q;
  wire window_row_last = (window_row_q == window_row_max);
  wire window_last = window_column_last & window_row_last;
  //%- else if v.wc_width > 0 %//
  wire window_last = window_column_last;
  //%- endif %//
  //%- if v.has_rows %//
  //%- if v.column_width > 0 %//
  reg  [<: v.column_width - 1 :>:0] column_q;
  wire column_last = (column_q == column_max);
  //%- else %//
  wire column_last = 1'b1;
  //%- endif %//
  //%- endif %//

  //%- for r in walk_regs %//
  reg  [<: r.width - 1 :>:0] <: r.name :>_q;
  //%- endfor %//
  //%- for s in selects %//
  wire [<: s.width - 1 :>:0] <: s.name :> = <: s.expression :>;
  //%- endfor %//
  //%- if v.walk_bank_width > 0 %//

  // A bank past the last one is the first bank again, one address further.
  wire [<: v.walk_bank_width :>:0] bank_sum = {1'b0, bank_q} + {1'b0, step_bank};
  wire [<: v.walk_bank_width :>:0] bank_over = bank_sum - <: v.modulus_expr :>;
  wire bank_wraps = !bank_over[<: v.walk_bank_width :>];
  wire [<: v.walk_bank_width - 1 :>:0] bank_next =
      bank_wraps ? bank_over[<: v.walk_bank_width - 1 :>:0] : bank_sum[<: v.walk_bank_width - 1 :>:0];
  wire [<: v.walk_width - 1 :>:0] address_next =
      address_q + step_address + (bank_wraps ? <: v.carry_expr :> : <: v.walk_width :>'d0);
  //%- else %//
  wire [<: v.walk_width - 1 :>:0] address_next = address_q + step_address;
  //%- endif %//

  //%- if v.rewinds %//
  // State at the start of the block, to which every further pass returns.
  //%- for r in walk_regs %//
  reg  [<: r.width - 1 :>:0] <: r.name :>_start_q;
  //%- endfor %//
  //%- for r in counters %//
  reg  [<: r.width - 1 :>:0] <: r.name :>_start_q;
  //%- endfor %//
  //%- endif %//
  //%- for r in counters %//
  wire [<: r.width - 1 :>:0] <: r.name :>_next =
      <: r.next :>;
  //%- endfor %//
  //%- if v.multi_pass %//
  wire walk_back = pixel_last & !<: v.tiles_last :>;
  //%- endif %//

  always @(posedge clk_i) begin
    if (!issue_q | group_end) begin
      //%- for r in walk_regs %//
      <: r.name :>_q <= origin_<: r.name :>;
      //%- endfor %//
    end else if (advance_i<: v.unless_back :>) begin
      //%- if v.rewinds %//
      //%- for r in walk_regs %//
      <: r.name :>_q <= walk_back ? <: r.name :>_start_q : <: r.next :>;
      //%- endfor %//
      //%- else %//
      //%- for r in walk_regs %//
      <: r.name :>_q <= <: r.next :>;
      //%- endfor %//
      //%- endif %//
    end
    //%- if v.rewinds %//
    if (!issue_q | group_end) begin
      //%- for r in walk_regs %//
      <: r.name :>_start_q <= origin_<: r.name :>;
      //%- endfor %//
    end else if (block_end) begin
      //%- for r in walk_regs %//
      <: r.name :>_start_q <= <: r.next :>;
      //%- endfor %//
    end
    //%- endif %//
  end
  //%- if v.has_counters %//

  always @(posedge clk_i) begin
    if (!issue_q | group_end) begin
      //%- for r in counters %//
      <: r.name :>_q <= <: r.width :>'d0;
      //%- endfor %//
    end else if (advance_i<: v.unless_back :>) begin
      //%- for r in counters %//
      //%- if v.rewinds %//
      <: r.name :>_q <= walk_back ? <: r.name :>_start_q : <: r.name :>_next;
      //%- else %//
      <: r.name :>_q <= <: r.name :>_next;
      //%- endif %//
      //%- endfor %//
    end
    //%- if v.rewinds %//
    if (!issue_q | group_end) begin
      //%- for r in counters %//
      <: r.name :>_start_q <= <: r.width :>'d0;
      //%- endfor %//
    end else if (block_end) begin
      //%- for r in counters %//
      <: r.name :>_start_q <= <: r.name :>_next;
      //%- endfor %//
    end
    //%- endif %//
  end
  //%- endif %//

  assign walk_address_o = address_q;
  //%- if v.walk_bank_width > 0 %//
  assign walk_bank_o = bank_q;
  //%- endif %//
  //%- if v.pads_rows %//
  assign window_row_o = pad_row_q;
  //%- endif %//
  //%- if v.pads_columns %//
  assign window_column_o = pad_column_q;
  //%- endif %//
  //%- if v.pools %//
  assign window_last_o = window_last;
  //%- endif %//
  //%- if v.writes_rows %//
  assign row_last_o = column_last;
  //%- endif %//
  //%- endif %//

endmodule

`default_nettype wire
