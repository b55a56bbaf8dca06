// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Control: registers on AXI4-Lite.
//   0x000 ID            "BCM1"
//   0x004 CONTROL       bit 0 AUTO: frames start by themselves; bit 1 START: write 1 for one frame,
//                       which it waits for; reads 1 while it waits
//   0x008 STATUS        bit 0 busy, 1 frame waiting, 2 scores waiting, 3 frame error (write 1
//                       to clear)
//   0x00C FRAMES        frames done
//   0x010 CYCLES        cycles of the last frame
//   0x014 LAYERS        number of layers
//%- if v.plane_register %//
//   0x018 PLANES        most planes of weights that a layer runs, 1 to <: v.weight_planes :>; 0 is taken as 1, more
//                       as all; taken as a frame starts
//%- endif %//
//%- if v.noise %//
//   0x01C SEED          seed of the next frame's noise; each frame adds 0x9E3779B9 to it
//%- endif %//
//   0x100 LAYER_CYCLES  one word a layer: its cycles in the last whole frame, 0 before there is one
// Bytes whose strobes are off keep what they hold; the lowest two bits of an address count for
// nothing. Where there is no register, and where nothing can be written, reads give 0 and writes do
// nothing; every answer is OKAY.
// Latency: 2, from address to read data.

`default_nettype none

module control (
    input  wire clk_i,
    input  wire rst_ni,
    // AXI4-Lite.
    input  wire [11:0] s_axil_awaddr,
    input  wire s_axil_awvalid,
    output wire s_axil_awready,
    input  wire [31:0] s_axil_wdata,
    input  wire [3:0] s_axil_wstrb,
    input  wire s_axil_wvalid,
    output wire s_axil_wready,
    output wire [1:0] s_axil_bresp,
    output wire s_axil_bvalid,
    input  wire s_axil_bready,
    input  wire [11:0] s_axil_araddr,
    input  wire s_axil_arvalid,
    output wire s_axil_arready,
    output wire [31:0] s_axil_rdata,
    output wire [1:0] s_axil_rresp,
    output wire s_axil_rvalid,
    input  wire s_axil_rready,
    // Engine.
    output wire frame_wanted_o,
    //%- if v.plane_register %//
    output wire [<: v.plane_width - 1 :>:0] last_plane_o,
    //%- endif %//
    input  wire frame_start_i,
    input  wire frame_done_i,
    input  wire busy_i,
    input  wire frame_waiting_i,
    input  wire scores_waiting_i,
    input  wire frame_error_i,
    input  wire layer_done_i,
    //%- if v.many_layers %//
    input  wire [<: v.layer_width - 1 :>:0] layer_i,
    //%- endif %//
    //%- if v.noise %//
    output wire [31:0] seed_o,
    //%- endif %//
    input  wire [<: v.cycle_width - 1 :>:0] layer_cycles_i
);

  localparam [31:0] ID = 32'h42434D31;
  localparam [31:0] LAYERS = 32'd<: v.layers :>;

  // Write: address and data are taken together.
  reg bvalid_q;
  wire write = s_axil_awvalid & s_axil_wvalid & !bvalid_q;
  wire write_low_byte = write & s_axil_wstrb[0];
  wire write_control = write_low_byte & (s_axil_awaddr[11:2] == 10'h001);
  wire write_status = write_low_byte & (s_axil_awaddr[11:2] == 10'h002);
  //%- if v.plane_register %//
  wire write_planes = write & (s_axil_awaddr[11:2] == 10'h006);

  // Last plane of the weights; 0 planes are taken as 1, more than there are as all.
  reg  [<: v.plane_width - 1 :>:0] last_plane_q;
  wire [7:0] planes = {<: 8 - v.plane_width :>'d0, last_plane_q} + 8'd1;
  wire [7:0] planes_low = s_axil_wstrb[0] ? s_axil_wdata[7:0] : planes;
  wire planes_high = (s_axil_wstrb[1] & (s_axil_wdata[15:8] != 8'd0)) |
                     (s_axil_wstrb[2] & (s_axil_wdata[23:16] != 8'd0)) |
                     (s_axil_wstrb[3] & (s_axil_wdata[31:24] != 8'd0));
  wire [7:0] last_plane = planes_low - 8'd1;
  assign last_plane_o = last_plane_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      last_plane_q <= <: v.plane_width :>'d<: v.weight_planes - 1 :>;
    end else if (write_planes) begin
      if (planes_high | (planes_low > 8'd<: v.weight_planes :>)) begin
        last_plane_q <= <: v.plane_width :>'d<: v.weight_planes - 1 :>;
      end else if (planes_low == 8'd0) begin
        last_plane_q <= <: v.plane_width :>'d0;
      end else begin
        last_plane_q <= last_plane[<: v.plane_width - 1 :>:0];
      end
    end
  end
  wire unused_last_plane = &{1'b0, last_plane[7:<: v.plane_width :>]};
  //%- endif %//
  //%- if v.noise || v.plane_register %//
  wire unused_write = &{1'b0, s_axil_awaddr[1:0]};
  //%- else %//
  wire unused_write = &{1'b0, s_axil_awaddr[1:0], s_axil_wdata[31:4], s_axil_wdata[2],
                        s_axil_wstrb[3:1]};
  //%- endif %//
  reg auto_q;
  reg start_q;
  reg error_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bvalid_q <= 1'b0;
      auto_q <= 1'b1;
      start_q <= 1'b0;
      error_q <= 1'b0;
    end else begin
      if (write) bvalid_q <= 1'b1;
      else if (s_axil_bready) bvalid_q <= 1'b0;
      if (write_control) auto_q <= s_axil_wdata[0];
      if (write_control & s_axil_wdata[1]) start_q <= 1'b1;
      else if (frame_start_i) start_q <= 1'b0;
      if (frame_error_i) error_q <= 1'b1;
      else if (write_status & s_axil_wdata[3]) error_q <= 1'b0;
    end
  end

  assign s_axil_awready = write;
  assign s_axil_wready = write;
  assign s_axil_bvalid = bvalid_q;
  assign s_axil_bresp = 2'b00;
  assign frame_wanted_o = auto_q | start_q;
  //%- if v.noise %//

  // Seed of the next frame; 0, from which no automaton would move, becomes all ones on its way out.
  reg [31:0] seed_q;
  wire write_seed = write & (s_axil_awaddr[11:2] == 10'h007);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      seed_q <= 32'd1;
    end else if (write_seed) begin
      if (s_axil_wstrb[0]) seed_q[7:0] <= s_axil_wdata[7:0];
      if (s_axil_wstrb[1]) seed_q[15:8] <= s_axil_wdata[15:8];
      if (s_axil_wstrb[2]) seed_q[23:16] <= s_axil_wdata[23:16];
      if (s_axil_wstrb[3]) seed_q[31:24] <= s_axil_wdata[31:24];
    end else if (frame_start_i) begin
      seed_q <= seed_q + 32'h9E3779B9;
    end
  end

  assign seed_o = (seed_q == 32'd0) ? 32'hFFFFFFFF : seed_q;
  //%- endif %//

  // Word that is read; those from 0x100 on belong to layers.
  reg  [9:0] read_index_q;
  wire [9:0] layer_index = read_index_q - 10'h040;

  // Counters of the last frame.
  reg [31:0] frames_q;
  reg [<: v.total_width - 1 :>:0] running_q;
  reg [<: v.total_width - 1 :>:0] cycles_q;
  wire [<: v.total_width - 1 :>:0] running_next = running_q + <: layer_cycles_extended :>;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      frames_q <= 32'd0;
      running_q <= <: v.total_width :>'d0;
      cycles_q <= <: v.total_width :>'d0;
    end else if (layer_done_i) begin
      running_q <= frame_done_i ? <: v.total_width :>'d0 : running_next;
      if (frame_done_i) begin
        frames_q <= frames_q + 32'd1;
        cycles_q <= running_next;
      end
    end
  end
  //%- if v.many_layers %//

  // Cycles of the layers, in a small memory: one half holds the last whole frame's, the running
  // frame fills the other. Before the first whole frame there is nothing to show.
  reg shown_q;
  reg whole_q;
  reg known_q;
  reg [<: v.cycle_width - 1 :>:0] layer_cycles [0:<: layer_words - 1 :>];
  reg [<: v.cycle_width - 1 :>:0] layer_cycles_q;
  wire [<: v.cycle_width - 1 :>:0] shown_cycles = known_q ? layer_cycles_q : <: v.cycle_width :>'d0;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      shown_q <= 1'b0;
      whole_q <= 1'b0;
      known_q <= 1'b0;
    end else begin
      if (frame_done_i) begin
        shown_q <= !shown_q;
        whole_q <= 1'b1;
      end
      known_q <= whole_q;
    end
  end

  always @(posedge clk_i) begin
    if (layer_done_i) layer_cycles[{!shown_q, layer_i}] <= layer_cycles_i;
    layer_cycles_q <= layer_cycles[{shown_q, layer_index[<: v.layer_width - 1 :>:0]}];
  end
  //%- else %//

  reg [<: v.cycle_width - 1 :>:0] layer_cycles_q;
  wire [<: v.cycle_width - 1 :>:0] shown_cycles = layer_cycles_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) layer_cycles_q <= <: v.cycle_width :>'d0;
    else if (layer_done_i) layer_cycles_q <= layer_cycles_i;
  end
  //%- endif %//

  // Read: the address waits two cycles for the memory of layer cycles, then data stand.
  reg [1:0] read_wait_q;
  reg rvalid_q;
  reg [31:0] rdata_q;
  reg [31:0] read_value;
  wire read_idle = (read_wait_q == 2'b00) & !rvalid_q;
  wire unused_read = &{1'b0, s_axil_araddr[1:0]};

  always @(*) begin
    case (read_index_q)
      10'h000: read_value = ID;
      10'h001: read_value = {30'd0, start_q, auto_q};
      10'h002: read_value = {28'd0, error_q, scores_waiting_i, frame_waiting_i, busy_i};
      10'h003: read_value = frames_q;
      10'h004: read_value = <: cycles_read :>;
      10'h005: read_value = LAYERS;
      //%- if v.plane_register %//
      10'h006: read_value = {24'd0, planes};
      //%- endif %//
      //%- if v.noise %//
      10'h007: read_value = seed_q;
      //%- endif %//
      default: read_value = 32'd0;
    endcase
    if (layer_index < 10'd<: v.layers :>) begin
      read_value = <: layer_cycles_read :>;
    end
  end

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_wait_q <= 2'b00;
      rvalid_q <= 1'b0;
    end else begin
      read_wait_q <= {read_wait_q[0], s_axil_arvalid & read_idle};
      if (read_wait_q[1]) rvalid_q <= 1'b1;
      else if (s_axil_rready) rvalid_q <= 1'b0;
    end
  end

  always @(posedge clk_i) begin
    if (read_idle) read_index_q <= s_axil_araddr[11:2];
    if (read_wait_q[1]) rdata_q <= read_value;
  end

  assign s_axil_arready = read_idle;
  assign s_axil_rvalid = rvalid_q;
  assign s_axil_rdata = rdata_q;
  assign s_axil_rresp = 2'b00;

endmodule

`default_nettype wire
