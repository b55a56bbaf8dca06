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
  wire <: c.name :>_last = <: c.last :>;
  //%- endfor %//
  wire fetch;
  wire tile_end = fetch & word_last;
  wire block_end = tile_end & pass_last;
  wire group_end = block_end & block_last;
  wire layer_end = group_end & group_last;
  wire frame_end = layer_end & layer_last;
  wire [<: v.weight_address_width - 1 :>:0] address_next = address_q + <: v.weight_address_width :>'d1;
  //%- if rewinds_weights %//

  // First word of the group, to which every further block returns.
  reg [<: v.weight_address_width - 1 :>:0] group_address_q;
  //%- endif %//

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      address_q <= <: v.weight_address_width :>'d0;
      //%- if rewinds_weights %//
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
      else if (fetch) address_q <= address_next;
      //%- if rewinds_weights %//
      if (frame_end) group_address_q <= <: v.weight_address_width :>'d0;
      else if (group_end) group_address_q <= address_next;
      //%- endif %//
      //%- for c in load_counters %//
      //%- if c.width > 0 %//
      if (<: c.end :>) <: c.name :>_q <= <: c.width :>'d0;
      else if (<: c.step :>) <: c.name :>_q <= <: c.name :>_q + <: c.width :>'d1;
      //%- endif %//
      //%- endfor %//
    end
  end

  // The word in the memory's data register and the state of the shadow cells.
  reg valid_q;
  reg last_q;
  reg ready_q;
  wire take = valid_q & (!ready_q | tile_swap_i);
  assign fetch = !valid_q | take;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      ready_q <= 1'b0;
    end else begin
      valid_q <= 1'b1;
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
