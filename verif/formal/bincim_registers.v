// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Answers on the two channels: one for each access that was taken, none before, and each stays as
// it is until it is taken; an access is taken with its address and data together, and not while an
// answer waits. START is remembered until a frame starts; the number of planes is always one that
// there is.
// The numbers of planes and samples are proved with bincim_most_register.

module properties #(
    parameter Layers = 2,
    parameter Planes = 1,
    parameter Noise = 0,
    parameter Samples = 0,
    parameter CycleWidth = 4,
    parameter TotalWidth = 4,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1,
    parameter PlaneWidth = (Planes > 1) ? $clog2(Planes) : 1,
    parameter SampleWidth = (Samples > 1) ? $clog2(Samples) : 1
) (
    input wire clk_i,
    input wire rst_ni,
    input wire [11:0] awaddr_i,
    input wire awvalid_i,
    input wire [31:0] wdata_i,
    input wire [3:0] wstrb_i,
    input wire wvalid_i,
    input wire bready_i,
    input wire [11:0] araddr_i,
    input wire arvalid_i,
    input wire rready_i,
    input wire frame_start_i,
    input wire frame_done_i,
    input wire busy_i,
    input wire frame_waiting_i,
    input wire scores_waiting_i,
    input wire frame_error_i,
    input wire layer_done_i,
    input wire [LayerWidth-1:0] layer_i,
    input wire [CycleWidth-1:0] layer_cycles_i
);

  wire awready;
  wire wready;
  wire [1:0] bresp;
  wire bvalid;
  wire arready;
  wire [31:0] rdata;
  wire [1:0] rresp;
  wire rvalid;
  wire wanted;
  wire [PlaneWidth-1:0] last_plane;
  wire [31:0] seed;
  wire [SampleWidth-1:0] last_sample;
  wire flips;

  bincim_registers #(
      .Layers(Layers),
      .Planes(Planes),
      .Noise(Noise),
      .Samples(Samples),
      .CycleWidth(CycleWidth),
      .TotalWidth(TotalWidth)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .s_axil_awaddr(awaddr_i),
      .s_axil_awvalid(awvalid_i),
      .s_axil_awready(awready),
      .s_axil_wdata(wdata_i),
      .s_axil_wstrb(wstrb_i),
      .s_axil_wvalid(wvalid_i),
      .s_axil_wready(wready),
      .s_axil_bresp(bresp),
      .s_axil_bvalid(bvalid),
      .s_axil_bready(bready_i),
      .s_axil_araddr(araddr_i),
      .s_axil_arvalid(arvalid_i),
      .s_axil_arready(arready),
      .s_axil_rdata(rdata),
      .s_axil_rresp(rresp),
      .s_axil_rvalid(rvalid),
      .s_axil_rready(rready_i),
      .layers_i(Layers[9:0]),
      .frame_wanted_o(wanted),
      .last_plane_o(last_plane),
      .seed_o(seed),
      .last_sample_o(last_sample),
      .flips_o(flips),
      .frame_start_i(frame_start_i),
      .frame_done_i(frame_done_i),
      .busy_i(busy_i),
      .frame_waiting_i(frame_waiting_i),
      .scores_waiting_i(scores_waiting_i),
      .frame_error_i(frame_error_i),
      .layer_done_i(layer_done_i),
      .layer_i(layer_i),
      .layer_cycles_i(layer_cycles_i)
  );

  reg started = 1'b0;
  reg in_reset_q;
  // Answers that are due.
  reg [1:0] writes_q;
  reg [1:0] reads_q;
  reg b_stalled_q;
  reg r_stalled_q;
  reg [31:0] rdata_q;
  reg start_q;
  wire write = awvalid_i & awready;
  wire read = arvalid_i & arready;

  always @(posedge clk_i) begin
    started <= 1'b1;
    in_reset_q <= !rst_ni;
    rdata_q <= rdata;
    if (!rst_ni) begin
      writes_q <= 2'd0;
      reads_q <= 2'd0;
      b_stalled_q <= 1'b0;
      r_stalled_q <= 1'b0;
      start_q <= 1'b0;
    end else begin
      writes_q <= writes_q + {1'b0, write} - {1'b0, bvalid & bready_i};
      reads_q <= reads_q + {1'b0, read} - {1'b0, rvalid & rready_i};
      b_stalled_q <= bvalid & !bready_i;
      r_stalled_q <= rvalid & !rready_i;
      if (write & wstrb_i[0] & (awaddr_i[11:2] == 10'h001) & wdata_i[1]) start_q <= 1'b1;
      else if (frame_start_i) start_q <= 1'b0;
    end
  end

  always @* begin
    assume (started | !rst_ni);
    assume (layer_i < Layers);
    if (started & rst_ni) begin
      assert (write == (wvalid_i & wready));
      assert (writes_q == {1'b0, bvalid});
      assert (reads_q <= 2'd1);
      assert (!rvalid | reads_q == 2'd1);
      if (b_stalled_q) assert (bvalid);
      if (r_stalled_q) assert (rvalid && rdata == rdata_q);
      assert (bresp == 2'b00 && rresp == 2'b00);
      assert (!start_q | wanted);
      assert (last_plane < Planes);
      assert (Samples == 0 || last_sample < Samples);
    end
  end

endmodule
