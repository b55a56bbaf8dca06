// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Top of the co-simulation: the accelerator, with its trace taps as ports.

`default_nettype none

module cosim_top (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire [<: in_bits - 1 :>:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire [<: out_bits - 1 :>:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast,
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
    input  wire [31:0] s_axis_program_tdata,
    input  wire s_axis_program_tvalid,
    input  wire s_axis_program_tlast,
    output wire sum_valid_o,
    output wire [<: lanes * sum_bits - 1 :>:0] sum_o,
    output wire bit_valid_o,
    output wire [<: lanes * map_bits - 1 :>:0] result_bits_o
);

  //%- if loadable %//
  // Programs are always taken.
  wire program_ready;
  wire unused_program = &{1'b0, program_ready};
  //%- else %//
  // The network is fixed.
  wire unused_program = &{1'b0, s_axis_program_tdata, s_axis_program_tvalid, s_axis_program_tlast};
  //%- endif %//

  <: top :> u_dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast(m_axis_tlast),
      .s_axil_awaddr(s_axil_awaddr),
      .s_axil_awvalid(s_axil_awvalid),
      .s_axil_awready(s_axil_awready),
      .s_axil_wdata(s_axil_wdata),
      .s_axil_wstrb(s_axil_wstrb),
      .s_axil_wvalid(s_axil_wvalid),
      .s_axil_wready(s_axil_wready),
      .s_axil_bresp(s_axil_bresp),
      .s_axil_bvalid(s_axil_bvalid),
      .s_axil_bready(s_axil_bready),
      .s_axil_araddr(s_axil_araddr),
      .s_axil_arvalid(s_axil_arvalid),
      .s_axil_arready(s_axil_arready),
      .s_axil_rdata(s_axil_rdata),
      .s_axil_rresp(s_axil_rresp),
      .s_axil_rvalid(s_axil_rvalid),
      //%- if loadable %//
      .s_axil_rready(s_axil_rready),
      .s_axis_program_tdata(s_axis_program_tdata),
      .s_axis_program_tvalid(s_axis_program_tvalid),
      .s_axis_program_tready(program_ready),
      .s_axis_program_tlast(s_axis_program_tlast)
      //%- else %//
      .s_axil_rready(s_axil_rready)
      //%- endif %//
  );

  assign sum_valid_o = u_dut.sum_valid;
  assign sum_o = u_dut.sum;
  //%- if gives_bits %//
  assign bit_valid_o = u_dut.bit_valid;
  assign result_bits_o = u_dut.result_bits;
  //%- else %//
  // No layer gives bits, so the accelerator has no such tap.
  assign bit_valid_o = 1'b0;
  assign result_bits_o = <: lanes * map_bits :>'d0;
  //%- endif %//

endmodule

`default_nettype wire
