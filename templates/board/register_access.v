// SPDX-License-Identifier: Apache-2.0
//
// register_access: one read or one write at a time, of the accelerator's registers by AXI4-Lite or
// of the link's own.
//
// The bytes of a request come with push_i, address first, before start_i; what was read leaves by
// answer_o, lowest byte first, a byte with each next_i. Between start_i and the last of these, and
// until the access has ended, nothing is pushed. own_data_i is the value of the link's own register
// at address_o and stands in the cycle of start_i. done_o is high for one cycle.
// Latency: 1 cycle for a register of the link's own, else 3 and what the registers take.

`default_nettype none

module register_access (
  input  wire clk_i,
  input  wire rst_ni,
  input  wire [7:0] byte_i,
  input  wire push_address_i,
  input  wire push_data_i,
  input  wire start_i,
  input  wire write_i,
  input  wire own_i,
  input  wire [31:0] own_data_i,
  output wire [15:0] address_o,
  // The first bit of a value that is written.
  output wire data_o,
  output wire done_o,
  output wire [7:0] answer_o,
  input  wire next_i,
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

  reg aw_q;
  reg w_q;
  reg ar_q;
  reg done_q;
  // One register for the value that is written and the one that was read.
  reg [15:0] address_q;
  reg [31:0] data_q;
  wire far = start_i & !own_i;
  // The accelerator's registers answer OKAY always.
  wire unused_response = &{1'b0, m_axil_bresp, m_axil_rresp};

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      aw_q <= 1'b0;
      w_q <= 1'b0;
      ar_q <= 1'b0;
      done_q <= 1'b0;
    end else begin
      done_q <= (start_i & own_i) | m_axil_bvalid | m_axil_rvalid;
      aw_q <= (far & write_i) | (aw_q & !m_axil_awready);
      w_q <= (far & write_i) | (w_q & !m_axil_wready);
      ar_q <= (far & !write_i) | (ar_q & !m_axil_arready);
    end
  end

  always @(posedge clk_i) begin
    if (push_address_i) address_q <= {byte_i, address_q[15:8]};
    if (push_data_i | next_i) data_q <= {byte_i, data_q[31:8]};
    else if (m_axil_rvalid) data_q <= m_axil_rdata;
    else if (start_i & own_i) data_q <= own_data_i;
  end

  assign address_o = address_q;
  assign data_o = data_q[0];
  assign done_o = done_q;
  assign answer_o = data_q[7:0];
  assign m_axil_awaddr = address_q[11:0];
  assign m_axil_awvalid = aw_q;
  assign m_axil_wdata = data_q;
  assign m_axil_wstrb = 4'hF;
  assign m_axil_wvalid = w_q;
  assign m_axil_bready = 1'b1;
  assign m_axil_araddr = address_q[11:0];
  assign m_axil_arvalid = ar_q;
  assign m_axil_rready = 1'b1;

endmodule

`default_nettype wire
