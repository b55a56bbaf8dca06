// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// <: v.title :>: one array of <: v.rows :> rows x <: v.lanes :> columns computes every layer in turn.
// Latency: <: v.total_cycles :> cycles a frame, from the first issue to the last result.

`default_nettype none

module <: v.prefix :>_top (
    input  wire clk_i,
    input  wire rst_ni,
    // Image: beats of <: v.elements :> element<: v.elements_s :>, raster order, channel innermost, tlast with the last beat.
    input  wire [<: v.stream_bits - 1 :>:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    // Results: one score a beat, tlast with the last one of a frame.
    output wire [<: v.output_bits - 1 :>:0] m_axis_tdata,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,
    output wire m_axis_tlast,
    // Registers, see bincim_registers.v.
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
    //%- if v.loadable %//
    input  wire s_axil_rready,
    // Programs, see bincim_loader.v.
    input  wire [31:0] s_axis_program_tdata,
    input  wire s_axis_program_tvalid,
    output wire s_axis_program_tready,
    input  wire s_axis_program_tlast
    //%- else %//
    input  wire s_axil_rready
    //%- endif %//
);
  //%- for g in groups %//

  // <: g.comment :>
  //%- for w in g.wires %//
  wire <: w :>;
  //%- endfor %//
  //%- endfor %//
  //%- for g in groups %//
  //%- if !g.lines.is_empty() %//

  //%- for a in g.lines %//
  <: a :>
  //%- endfor %//
  //%- endif %//
  //%- endfor %//
  //%- for i in instances %//
<: i.lead() :>
  <: i.of(v.prefix) :> u_<: i.name :> (
      //%- for p in i.ports %//
      .<: p.port :>(<: p.wire :>)<: p.comma :>
      //%- endfor %//
  );
  //%- endfor %//

endmodule

`default_nettype wire
