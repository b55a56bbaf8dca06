// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Weight loader: fills the shadow cells tile by tile, one word a cycle, in the sequencer's order.
// It runs ahead by itself: the next tile's first word enters with the very edge of the swap.
// Latency: 2, from address to shadow cells.

`default_nettype none

module weight_loader (
    input  wire clk_i,
    input  wire rst_ni,
    // Weight memory; its data register is this unit's second stage.
    output wire read_o,
    output wire [<: v.weight_address_width - 1 :>:0] address_o,
    // Shadow cells: which word is written, whether a whole tile stands there, and its use.
    output wire [<: v.words - 1 :>:0] write_o,
    output wire tile_ready_o,
    //%- if v.plane_width > 0 %//
    // A frame starts; the last plane that its layers may run stands one cycle later.
    input  wire frame_start_i,
    input  wire [<: v.plane_width - 1 :>:0] last_plane_i,
    //%- endif %//
    input  wire tile_swap_i
);
  //%- if v.many_layers %//

  localparam [<: v.layer_width - 1 :>:0] LAST_LAYER = <: v.layer_width :>'d<: v.layers - 1 :>;

  reg [<: v.layer_width - 1 :>:0] layer_q;
  //%- endif %//
  //%- if has_load_fields %//

  // Constants of the layer being loaded.
  //%- for f in load_fields %//
  wire [<: f.width - 1 :>:0] <: f.name :>;
  //%- endfor %//

  load_program u_load_program (
      //%- if v.many_layers %//
      .layer_i(layer_q),
      //%- endif %//
      //%- for f in load_fields %//
      .<: f.name :>_o(<: f.name :>)<: f.comma :>
      //%- endfor %//
  );
  //%- endif %//

  // The word to be read next. A counter whose limit is 0 in every layer does not exist.
  reg [<: v.weight_address_width - 1 :>:0] address_q;
  //%- for c in load_counters %//
  //%- if c.width > 0 && c.name != "layer" %//
  reg [<: c.width - 1 :>:0] <: c.name :>_q;
  //%- endif %//
  //%- if c.last != "" %//
  wire <: c.name :>_last = <: c.last :>;
  //%- endif %//
  //%- endfor %//
  //%- if v.skips %//
  wire [<: v.plane_width - 1 :>:0] last_plane = last_plane_i;
  <: v.next_tile(own_layer) :>
  wire [<: v.weight_address_width - 1 :>:0] group_words;

  span_program u_span_program (
      //%- if v.many_layers %//
      .layer_i(layer_q),
      //%- endif %//
      //%- if v.group_width > 0 %//
      .group_i(group_q),
      //%- endif %//
      .group_words_o(group_words)
  );
  //%- endif %//
  wire fetch;
  //%- if v.plane_width > 0 %//

  // Behind the first tile of a frame the loader waits for the frame, which says how many planes there are.
  reg first_q;
  reg hold_q;
  reg start_q;
  wire tile_end = first_q ? hold_q & start_q : fetch & word_last;
  wire plane_end = tile_end & pass_last;
  wire block_end = plane_end & plane_last;
  //%- else %//
  wire tile_end = fetch & word_last;
  wire block_end = tile_end & pass_last;
  //%- endif %//
  wire group_end = block_end & block_last;
  wire layer_end = group_end & group_last;
  wire frame_end = layer_end & layer_last;
  wire [<: v.weight_address_width - 1 :>:0] address_next = address_q + <: v.weight_address_width :>'d1;
  //%- if rewinds_weights || v.plane_width > 0 %//

  //%- if v.plane_width > 0 %//
  // First word of the group, and of the next one behind all planes.
  //%- else %//
  // First word of the group, to which every further block returns.
  //%- endif %//
  reg [<: v.weight_address_width - 1 :>:0] group_address_q;
  //%- endif %//
  //%- if v.plane_width > 0 %//
  wire [<: v.weight_address_width - 1 :>:0] next_group = group_address_q + group_words;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_q <= 1'b1;
      hold_q <= 1'b0;
      start_q <= 1'b0;
    end else begin
      if (frame_end) first_q <= 1'b1;
      else if (tile_end) first_q <= 1'b0;
      if (tile_end) hold_q <= 1'b0;
      else if (fetch & word_last) hold_q <= 1'b1;
      start_q <= frame_start_i;
    end
  end
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      address_q <= <: v.weight_address_width :>'d0;
      //%- if rewinds_weights || v.plane_width > 0 %//
      group_address_q <= <: v.weight_address_width :>'d0;
      //%- endif %//
      //%- for c in load_counters %//
      //%- if c.width > 0 %//
      <: c.name :>_q <= <: c.width :>'d0;
      //%- endif %//
      //%- endfor %//
    end else begin
      if (frame_end) address_q <= <: v.weight_address_width :>'d0;
      //%- if rewinds_weights %//
      else if (block_end & !block_last) address_q <= group_address_q;
      //%- endif %//
      //%- if v.plane_width > 0 %//
      else if (group_end) address_q <= next_group;
      //%- endif %//
      else if (fetch) address_q <= address_next;
      //%- if v.plane_width > 0 %//
      if (frame_end) group_address_q <= <: v.weight_address_width :>'d0;
      else if (group_end) group_address_q <= next_group;
      //%- else if rewinds_weights %//
      if (frame_end) group_address_q <= <: v.weight_address_width :>'d0;
      else if (group_end) group_address_q <= address_next;
      //%- endif %//
      //%- for c in load_counters %//
      //%- if c.width > 0 %//
      if (<: c.end :>) <: c.name :>_q <= <: c.width :>'d0;
      else if (<: c.step :>) <: c.name :>_q <= <: c.next :>;
      //%- endif %//
      //%- endfor %//
    end
  end

  // The word in the memory's data register and the state of the shadow cells.
  reg valid_q;
  reg last_q;
  reg ready_q;
  wire take = valid_q & (!ready_q | tile_swap_i);
  //%- if v.plane_width > 0 %//
  assign fetch = (!valid_q | take) & !hold_q;
  //%- else %//
  assign fetch = !valid_q | take;
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      ready_q <= 1'b0;
    end else begin
      //%- if v.plane_width > 0 %//
      if (fetch) valid_q <= 1'b1;
      else if (take) valid_q <= 1'b0;
      //%- else %//
      valid_q <= 1'b1;
      //%- endif %//
      if (take) ready_q <= last_q;
    end
  end

  always @(posedge clk_i) begin
    if (fetch) last_q <= word_last;
  end
  //%- if v.words > 1 %//

  // One bit a word of the tile: the word in the data register.
  reg [<: v.words - 1 :>:0] select_q;

  always @(posedge clk_i) begin
    if (fetch) begin
      //%- if v.words > 2 %//
      select_q <= (word_q == <: word_width :>'d0) ? {<: v.words - 1 :>'d0, 1'b1} : {select_q[<: v.words - 2 :>:0], 1'b0};
      //%- else %//
      select_q <= (word_q == <: word_width :>'d0) ? 2'b01 : 2'b10;
      //%- endif %//
    end
  end

  assign write_o = {<: v.words :>{take}} & select_q;
  //%- else %//
  assign write_o = take;
  //%- endif %//
  assign read_o = fetch;
  assign address_o = address_q;
  assign tile_ready_o = ready_q;

endmodule

`default_nettype wire
