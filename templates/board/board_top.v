// SPDX-License-Identifier: Apache-2.0
//
// <: module :>: the accelerator behind a serial line, <: baud :> baud, 8N1.
//
// clk_i is <: input_hz :> Hz; the accelerator runs at <: core_hz :> Hz.
// led_o is <: lit :> in every other second, and longer where frames are under way.

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
  wire [7:0] rx_data;
  wire rx_valid;
  wire rx_error;
  wire [7:0] tx_data;
  wire tx_valid;
  wire tx_ready;
  wire busy;
  reg [<: heart_log2 - 1 :>:0] heart_q;
  wire light = busy | heart_q[<: heart_log2 - 1 :>];
  wire [<: 8 * link.s_bytes - 1 :>:0] s_tdata;
  wire s_tvalid;
  wire s_tready;
  wire s_tlast;
  wire [<: 8 * link.m_bytes - 1 :>:0] m_tdata;
  wire m_tvalid;
  wire m_tready;
  wire m_tlast;
  wire [11:0] awaddr;
  wire awvalid;
  wire awready;
  wire [31:0] wdata;
  wire [3:0] wstrb;
  wire wvalid;
  wire wready;
  wire [1:0] bresp;
  wire bvalid;
  wire bready;
  wire [11:0] araddr;
  wire arvalid;
  wire arready;
  wire [31:0] rdata;
  wire [1:0] rresp;
  wire rvalid;
  wire rready;
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

  uart_rx u_rx (
    .clk_i   (clk),
    .rst_ni  (rst_nq),
    .rx_i    (uart_rx_i),
    .data_o  (rx_data),
    .valid_o (rx_valid),
    .error_o (rx_error)
  );

  uart_tx u_tx (
    .clk_i   (clk),
    .rst_ni  (rst_nq),
    .data_i  (tx_data),
    .valid_i (tx_valid),
    .ready_o (tx_ready),
    .tx_o    (uart_tx_o)
  );

  serial_link #(
    .BEAT_BYTES   (<: link.s_bytes :>),
    .FRAME_BEATS  (<: link.frame_beats :>),
    .SCORE_BYTES  (<: link.m_bytes :>),
    .RESULT_BYTES (<: result_bytes :>),
    .ACCESS       (<: access :>),
    .BUFFER_LOG2  (<: link.buffer_log2() :>),
    .BYTE_WIDTH   (<: byte_width :>),
    .BEAT_WIDTH   (<: beat_width :>),
    .LENGTH_WIDTH (<: link.length_width() :>)
  ) u_link (
    .clk_i          (clk),
    .rst_ni         (rst_nq),
    .rx_data_i      (rx_data),
    .rx_valid_i     (rx_valid),
    .rx_error_i     (rx_error),
    .tx_data_o      (tx_data),
    .tx_valid_o     (tx_valid),
    .tx_ready_i     (tx_ready),
    .s_axis_tdata   (s_tdata),
    .s_axis_tvalid  (s_tvalid),
    .s_axis_tready  (s_tready),
    .s_axis_tlast   (s_tlast),
    .m_axis_tdata   (m_tdata),
    .m_axis_tvalid  (m_tvalid),
    .m_axis_tready  (m_tready),
    .m_axis_tlast   (m_tlast),
    .m_axil_awaddr  (awaddr),
    .m_axil_awvalid (awvalid),
    .m_axil_awready (awready),
    .m_axil_wdata   (wdata),
    .m_axil_wstrb   (wstrb),
    .m_axil_wvalid  (wvalid),
    .m_axil_wready  (wready),
    .m_axil_bresp   (bresp),
    .m_axil_bvalid  (bvalid),
    .m_axil_bready  (bready),
    .m_axil_araddr  (araddr),
    .m_axil_arvalid (arvalid),
    .m_axil_arready (arready),
    .m_axil_rdata   (rdata),
    .m_axil_rresp   (rresp),
    .m_axil_rvalid  (rvalid),
    .m_axil_rready  (rready),
    .busy_o         (busy)
  );

  always @(posedge clk or negedge rst_nq) begin
    if (!rst_nq) heart_q <= <: heart_log2 :>'d0;
    else heart_q <= heart_q + <: heart_log2 :>'d1;
  end

  assign led_o = <: led :>;

  <: accelerator :> u_accelerator (
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
    .s_axil_awaddr  (awaddr),
    .s_axil_awvalid (awvalid),
    .s_axil_awready (awready),
    .s_axil_wdata   (wdata),
    .s_axil_wstrb   (wstrb),
    .s_axil_wvalid  (wvalid),
    .s_axil_wready  (wready),
    .s_axil_bresp   (bresp),
    .s_axil_bvalid  (bvalid),
    .s_axil_bready  (bready),
    .s_axil_araddr  (araddr),
    .s_axil_arvalid (arvalid),
    .s_axil_arready (arready),
    .s_axil_rdata   (rdata),
    .s_axil_rresp   (rresp),
    .s_axil_rvalid  (rvalid),
    .s_axil_rready  (rready)
  );

endmodule

`default_nettype wire
