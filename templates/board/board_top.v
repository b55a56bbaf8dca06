// SPDX-License-Identifier: Apache-2.0
//
// <: module :>: the accelerator behind a serial line, <: baud :> baud, 8N1.
//
// clk_i is <: input_hz :> Hz; the accelerator runs at <: core_hz :> Hz.
// led_o is <: lit :> while a frame or its result is on its way, and after any error until reset.
// The engine starts by itself when a frame is complete, so its control port rests.

`default_nettype none

module <: module :> (
  input  wire clk_i,
//%- if reset_pin %//
  input  wire rst_ni,
//%- endif %//
  input  wire uart_rx_i,
  output wire uart_tx_o,
  output wire led_o
);

  wire clk;
//%- if has_ready %//
  wire not_ready;
//%- endif %//
  reg [7:0] power_on_q;
  reg rst_nq;
  wire busy;
  wire error;
  wire [<: s_top :>:0] s_tdata;
  wire s_tvalid;
  wire s_tready;
  wire s_tlast;
  wire [<: m_top :>:0] m_tdata;
  wire m_tvalid;
  wire m_tready;
  wire m_tlast;
  wire [1:0] bresp;
  wire [31:0] rdata;
  wire [1:0] rresp;
  wire awready;
  wire wready;
  wire bvalid;
  wire arready;
  wire rvalid;
  wire unused_control;
//%- if has_pll %//
  wire locked;

  bincim_pll u_pll (
    .clk_i    (clk_i),
    .clk_o    (clk),
    .locked_o (locked)
  );
//%- else %//

  assign clk = clk_i;
//%- endif %//

  // Reset falls at once and rises with the clock, 256 cycles after the device is ready.
  // The counter is zero when the device has been configured.
  initial begin
    power_on_q = 8'd0;
    rst_nq = 1'b0;
  end
//%- if has_ready %//

  assign not_ready = <: not_ready :>;

  always @(posedge clk or posedge not_ready) begin
    if (not_ready) begin
      power_on_q <= 8'd0;
      rst_nq <= 1'b0;
    end else begin
      if (power_on_q != 8'd255) begin
        power_on_q <= power_on_q + 8'd1;
      end
      rst_nq <= (power_on_q == 8'd255);
    end
  end
//%- else %//

  always @(posedge clk) begin
    if (power_on_q != 8'd255) begin
      power_on_q <= power_on_q + 8'd1;
    end
    rst_nq <= (power_on_q == 8'd255);
  end
//%- endif %//

  serial_bridge u_bridge (
    .clk_i         (clk),
    .rst_ni        (rst_nq),
    .rx_i          (uart_rx_i),
    .tx_o          (uart_tx_o),
    .s_axis_tdata  (s_tdata),
    .s_axis_tvalid (s_tvalid),
    .s_axis_tready (s_tready),
    .s_axis_tlast  (s_tlast),
    .m_axis_tdata  (m_tdata),
    .m_axis_tvalid (m_tvalid),
    .m_axis_tready (m_tready),
    .m_axis_tlast  (m_tlast),
    .busy_o        (busy),
    .error_o       (error)
  );

  assign led_o = <: led :>;

  bincim_top u_accelerator (
    .clk_i          (clk),
    .rst_ni         (rst_nq),
    .s_axis_tdata   (s_tdata),
    .s_axis_tvalid  (s_tvalid),
    .s_axis_tready  (s_tready),
    .s_axis_tlast   (s_tlast),
    .m_axis_tdata   (m_tdata),
    .m_axis_tvalid  (m_tvalid),
    .m_axis_tready  (m_tready),
    .m_axis_tlast   (m_tlast),
    .s_axil_awaddr  (12'd0),
    .s_axil_awvalid (1'b0),
    .s_axil_awready (awready),
    .s_axil_wdata   (32'd0),
    .s_axil_wstrb   (4'd0),
    .s_axil_wvalid  (1'b0),
    .s_axil_wready  (wready),
    .s_axil_bresp   (bresp),
    .s_axil_bvalid  (bvalid),
    .s_axil_bready  (1'b1),
    .s_axil_araddr  (12'd0),
    .s_axil_arvalid (1'b0),
    .s_axil_arready (arready),
    .s_axil_rdata   (rdata),
    .s_axil_rresp   (rresp),
    .s_axil_rvalid  (rvalid),
    .s_axil_rready  (1'b1)
  );

  assign unused_control =
      &{1'b0, awready, wready, bresp, bvalid, arready, rdata, rresp, rvalid};

endmodule

`default_nettype wire
