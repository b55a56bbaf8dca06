// SPDX-License-Identifier: Apache-2.0
//
// register_access: one read or one write at a time of the accelerator's registers, AXI4-Lite.
//
// start_i is taken at rest only, with write_i, address_i and data_i; done_o is high for one cycle,
// with what was read on data_o, which stays until the next access.
// Latency: 3 cycles and what the registers take.

`default_nettype none

module register_access (
  input  wire clk_i,
  input  wire rst_ni,
  input  wire start_i,
  input  wire write_i,
  input  wire [11:0] address_i,
  input  wire [31:0] data_i,
  output wire done_o,
  output wire [31:0] data_o,
  output wire [11:0] m_axil_awaddr,
  output wire m_axil_awvalid,
  input  wire m_axil_awready,
  output wire [31:0] m_axil_wdata,
  output wire [3:0] m_axil_wstrb,
  output wire m_axil_wvalid,
  input  wire m_axil_wready,
  input  wire [1:0] m_axil_bresp,
  input  wire m_axil_bvalid,
  output wire m_axil_bready,
  output wire [11:0] m_axil_araddr,
  output wire m_axil_arvalid,
  input  wire m_axil_arready,
  input  wire [31:0] m_axil_rdata,
  input  wire [1:0] m_axil_rresp,
  input  wire m_axil_rvalid,
  output wire m_axil_rready
);

  reg active_q;
  reg aw_q;
  reg w_q;
  reg ar_q;
  reg done_q;
  reg [11:0] address_q;
  reg [31:0] data_q;
  wire begins = start_i & !active_q;
  wire ends = active_q & (m_axil_bvalid | m_axil_rvalid);
  // The accelerator's registers answer OKAY always.
  wire unused_response = &{1'b0, m_axil_bresp, m_axil_rresp};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      aw_q <= 1'b0;
      w_q <= 1'b0;
      ar_q <= 1'b0;
      done_q <= 1'b0;
    end else begin
      done_q <= ends;
      if (begins) begin
        active_q <= 1'b1;
        aw_q <= write_i;
        w_q <= write_i;
        ar_q <= !write_i;
      end else begin
        if (m_axil_awready) aw_q <= 1'b0;
        if (m_axil_wready) w_q <= 1'b0;
        if (m_axil_arready) ar_q <= 1'b0;
        if (ends) active_q <= 1'b0;
      end
    end
  end

  always @(posedge clk_i) begin
    if (begins) begin
      address_q <= address_i;
      data_q <= data_i;
    end else if (active_q & m_axil_rvalid) begin
      data_q <= m_axil_rdata;
    end
  end

  assign done_o = done_q;
  assign data_o = data_q;
  assign m_axil_awaddr = address_q;
  assign m_axil_awvalid = aw_q;
  assign m_axil_wdata = data_q;
  assign m_axil_wstrb = 4'hF;
  assign m_axil_wvalid = w_q;
  assign m_axil_bready = 1'b1;
  assign m_axil_araddr = address_q;
  assign m_axil_arvalid = ar_q;
  assign m_axil_rready = 1'b1;

endmodule

`default_nettype wire
