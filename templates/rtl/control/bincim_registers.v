// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Registers on AXI4-Lite.
//   0x000 ID            "BCM1"
//   0x004 CONTROL       bit 0 AUTO: frames start by themselves; bit 1 START: write 1 for one frame,
//                       which it waits for; reads 1 while it waits
//   0x008 STATUS        bit 0 busy, 1 frame waiting, 2 scores waiting, 3 frame error (write 1
//                       to clear); where Loadable is 1, 4 a program is loaded, 5 load error (write
//                       1 to clear)
//   0x00C FRAMES        frames done
//   0x010 CYCLES        cycles of the last frame
//   0x014 LAYERS        number of layers
//   0x018 PLANES        where Planes is above 1: most planes of weights that a layer runs; 0 is
//                       taken as 1, more as all; taken as a frame starts
//   0x01C SEED          where there is noise: seed of the next frame's noise; each frame adds
//                       0x9E3779B9 to it
//   0x020 SAMPLES       where Samples is not 0: samples of a frame; 0 is taken as 1, more than
//                       there are as all; taken as a frame starts
//   0x024 MODE          where Samples is not 0: bit 0 no weight is turned round; bit 1 frames add
//                       nothing to SEED; taken as a frame starts
//   0x028 LOAD          where Loadable is 1: cause of the last load error (see bincim_loader), 0
//                       before there is one
//   0x02C PROGRAM       where Loadable is 1: a write is a beat of a program; reads give 0
//   0x030 PROGRAM_LAST  the same of the last beat
//   0x100 LAYER_CYCLES  one word a layer: its cycles in the last whole frame, 0 before there is one
// Bytes whose strobes are off keep what they hold; a beat of a program is a write with all strobes,
// others do nothing. The lowest two bits of an address count for nothing. Where there is no
// register, and where nothing can be written, reads give 0 and writes do nothing; every answer is
// OKAY.
// Parameters: Layers, most layers of a network, 1 to 960. Planes, most planes of weights of a
//     layer, 1 to 127. Noise: 1, reads have noise in gates, of a seed. Samples, most of a frame
//     whose weights are drawn, of a seed too, 1 to 255; 0, they are not. Loadable: 1, the network
//     is loaded. CycleWidth, bits of a
//     layer's cycles, and TotalWidth, bits of a frame's, from CycleWidth to 32. LayerWidth,
//     PlaneWidth and SampleWidth follow.
// Latency: 1, from a write to its effect; 2, from a read's address to its data.
// Reset: asynchronous; AUTO is on, PLANES and SAMPLES are all, SEED is 1, MODE and counters are 0.
//     The read address, read data and the memory of layer cycles have none: nothing shows them
//     before they are written.
// Protocol: AXI4-Lite; a write is taken with address and data both there and no answer waiting.
//     Inputs of the engine are pulses of one cycle, and levels (busy_i, *_waiting_i).

`default_nettype none

module bincim_registers #(
    parameter Layers = 4,
    parameter Planes = 1,
    parameter Noise = 0,
    parameter Samples = 0,
    parameter Loadable = 0,
    parameter CycleWidth = 16,
    parameter TotalWidth = 18,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1
) (
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
    // What the network says: its number of layers.
    input  wire [9:0] layers_i,
    // Engine.
    output wire frame_wanted_o,
    output wire [PlaneWidth-1:0] last_plane_o,
    output wire [31:0] seed_o,
    output wire [SampleWidth-1:0] last_sample_o,
    output wire flips_o,
    input  wire frame_start_i,
    input  wire frame_done_i,
    input  wire busy_i,
    input  wire frame_waiting_i,
    input  wire scores_waiting_i,
    input  wire frame_error_i,
    input  wire layer_done_i,
    input  wire [LayerWidth-1:0] layer_i,
    input  wire [CycleWidth-1:0] layer_cycles_i,
    // Program loader.
    input  wire loaded_i,
    input  wire load_error_i,
    input  wire [2:0] load_cause_i,
    output wire program_valid_o,
    output wire program_last_o,
    output wire [31:0] program_data_o
);

  localparam [31:0] ID = 32'h42434D31;

  // Write: address and data are taken together.
  reg bvalid_q;
  wire write = s_axil_awvalid & s_axil_wvalid & !bvalid_q;
  wire write_low_byte = write & s_axil_wstrb[0];
  wire write_control = write_low_byte & (s_axil_awaddr[11:2] == 10'h001);
  wire write_status = write_low_byte & (s_axil_awaddr[11:2] == 10'h002);
  wire unused_write = &{1'b0, s_axil_awaddr[1:0], s_axil_wdata[31:4], s_axil_wdata[2],
                        s_axil_wstrb[3:1]};
  wire [1:0] program_status;
  wire [2:0] program_cause;
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

  // Whether there is a program, and what was wrong with one.
  generate
    if (Loadable != 0) begin : gen_program
      reg load_error_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) load_error_q <= 1'b0;
        else if (load_error_i) load_error_q <= 1'b1;
        else if (write_status & s_axil_wdata[5]) load_error_q <= 1'b0;
      end

      // A beat is a whole word.
      wire write_last = (s_axil_awaddr[11:2] == 10'h00C);

      assign program_valid_o = write & (&s_axil_wstrb)
                               & (write_last | (s_axil_awaddr[11:2] == 10'h00B));
      assign program_last_o = write_last;
      assign program_data_o = s_axil_wdata;
      assign program_status = {load_error_q, loaded_i};
      assign program_cause = load_cause_i;
    end else begin : gen_no_program
      wire unused_program = &{1'b0, loaded_i, load_error_i, load_cause_i};

      assign program_valid_o = 1'b0;
      assign program_last_o = 1'b0;
      assign program_data_o = 32'd0;
      assign program_status = 2'd0;
      assign program_cause = 3'd0;
    end
  endgenerate

  // PLANES, as the last plane that runs, and SAMPLES, as the last sample.
  wire [7:0] planes;
  wire [7:0] samples;

  bincim_most_register #(
      .Most(Planes)
  ) u_planes (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .write_i(write & (s_axil_awaddr[11:2] == 10'h006)),
      .strobe_i(s_axil_wstrb),
      .data_i(s_axil_wdata),
      .number_o(planes),
      .last_o(last_plane_o)
  );

  bincim_most_register #(
      .Most(Samples),
      .Shown(Samples != 0)
  ) u_samples (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .write_i(write & (s_axil_awaddr[11:2] == 10'h008)),
      .strobe_i(s_axil_wstrb),
      .data_i(s_axil_wdata),
      .number_o(samples),
      .last_o(last_sample_o)
  );

  // MODE.
  wire [1:0] mode;
  assign flips_o = !mode[0];

  generate
    if (Samples != 0) begin : gen_mode
      reg [1:0] mode_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) mode_q <= 2'b00;
        else if (write_low_byte & (s_axil_awaddr[11:2] == 10'h009)) mode_q <= s_axil_wdata[1:0];
      end

      assign mode = mode_q;
    end else begin : gen_no_mode
      assign mode = 2'b00;
    end
  endgenerate

  // Seed of the next frame; 0, from which no automaton would move, becomes all ones on its way out.
  wire [31:0] seed;

  generate
    if (Noise != 0 || Samples != 0) begin : gen_seed
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
        end else if (frame_start_i & !mode[1]) begin
          seed_q <= seed_q + 32'h9E3779B9;
        end
      end

      assign seed = seed_q;
      assign seed_o = (Noise != 0 && seed_q == 32'd0) ? 32'hFFFFFFFF : seed_q;
    end else begin : gen_no_seed
      assign seed = 32'd0;
      assign seed_o = 32'd0;
    end
  endgenerate

  // Word that is read; those from 0x100 on belong to layers.
  reg  [9:0] read_index_q;
  wire [9:0] layer_index = read_index_q - 10'h040;

  // Counters of the last frame.
  reg [31:0] frames_q;
  reg [TotalWidth-1:0] running_q;
  reg [TotalWidth-1:0] cycles_q;
  wire [TotalWidth-1:0] running_next =
      running_q + {{TotalWidth-CycleWidth{1'b0}}, layer_cycles_i};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      frames_q <= 32'd0;
      running_q <= {TotalWidth{1'b0}};
      cycles_q <= {TotalWidth{1'b0}};
    end else if (layer_done_i) begin
      running_q <= frame_done_i ? {TotalWidth{1'b0}} : running_next;
      if (frame_done_i) begin
        frames_q <= frames_q + 32'd1;
        cycles_q <= running_next;
      end
    end
  end

  // Cycles of the layer that is read.
  wire [CycleWidth-1:0] shown_cycles;

  generate
    if (Layers > 1) begin : gen_layer_cycles
      // In a small memory: one half holds the last whole frame's, the running frame fills the
      // other, so no word is read as it is written. Before the first whole frame there is nothing
      // to show.
      reg shown_q;
      reg whole_q;
      reg known_q;
      wire [CycleWidth-1:0] held_cycles;
      assign shown_cycles = known_q ? held_cycles : {CycleWidth{1'b0}};

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

      bincim_ram_1r1w #(
          .Width(CycleWidth),
          .Depth(2 << LayerWidth)
      ) u_layer_cycles (
          .clk_i(clk_i),
          .write_i(layer_done_i),
          .write_address_i({!shown_q, layer_i}),
          .write_data_i(layer_cycles_i),
          .read_i(1'b1),
          .read_address_i({shown_q, layer_index[LayerWidth-1:0]}),
          .read_data_o(held_cycles)
      );
    end else begin : gen_one_layer
      reg [CycleWidth-1:0] layer_cycles_q;
      wire unused_layer = &{1'b0, layer_i};
      assign shown_cycles = layer_cycles_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) layer_cycles_q <= {CycleWidth{1'b0}};
        else if (frame_done_i) layer_cycles_q <= layer_cycles_i;
      end
    end
  endgenerate

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
      10'h002: read_value = {26'd0, program_status, error_q, scores_waiting_i, frame_waiting_i,
                            busy_i};
      10'h003: read_value = frames_q;
      10'h004: read_value = {{32-TotalWidth{1'b0}}, cycles_q};
      10'h005: read_value = {22'd0, layers_i};
      10'h006: read_value = {24'd0, planes};
      10'h007: read_value = seed;
      10'h008: read_value = {24'd0, samples};
      10'h009: read_value = {30'd0, mode};
      10'h00A: read_value = {29'd0, program_cause};
      default: read_value = 32'd0;
    endcase
    if (layer_index < layers_i) read_value = {{32-CycleWidth{1'b0}}, shown_cycles};
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
