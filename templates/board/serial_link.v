// SPDX-License-Identifier: Apache-2.0
//
// serial_link: packets of a serial line to the accelerator's streams and registers and back.
//
// Content of a packet, numbers little-endian; a reply has its request's tag, and its type + 0x80:
//   01 FRAME    tag, FRAME_BYTES bytes       81  tag, status (bit 0: SESSION), RESULT_BYTES bytes
//   02 READ     tag, address[16]             82  tag, data[32]
//   03 WRITE    tag, address[16], data[32]   83  tag
//   any other   refused                      80  tag as it came, reason
// Reasons: 1 damaged, 2 no such type or length, 3 no room for the frame, 4 an access is under way.
// A refused packet changes nothing. Results come in the order of their frames.
//
// Registers: from 0x0000 the accelerator's own; 0x1000 LINK (version), 0x1004 FRAME_BYTES,
// 0x1008 RESULT_BYTES, 0x100C REFUSED (packets since reset, stays at 65535), 0x1010 SESSION (bit 0,
// clear since a reset until it is written, so that a host sees that its settings are gone).
// Latency: 2 cycles from a packet's closing flag to its frame's first fetch or its access, and from
// a result or the end of an access to the reply's opening flag.

`default_nettype none

module serial_link #(
  parameter BEAT_BYTES = 1,
  parameter FRAME_BEATS = 2,
  parameter SCORE_BYTES = 1,
  parameter RESULT_BYTES = 1,
  // The buffer holds 2^BUFFER_LOG2 bytes, one frame at least.
  parameter BUFFER_LOG2 = 9,
  // Bits of an index over the bytes of a beat, over the beats of a frame, over the content of a
  // packet and one more.
  parameter BYTE_WIDTH = 1,
  parameter BEAT_WIDTH = 1,
  parameter LENGTH_WIDTH = 4
) (
  input  wire clk_i,
  input  wire rst_ni,
  // Receiver and transmitter of the line.
  input  wire [7:0] rx_data_i,
  input  wire rx_valid_i,
  input  wire rx_error_i,
  output wire [7:0] tx_data_o,
  output wire tx_valid_o,
  input  wire tx_ready_i,
  // Accelerator.
  output wire [8*BEAT_BYTES-1:0] s_axis_tdata,
  output wire s_axis_tvalid,
  input  wire s_axis_tready,
  output wire s_axis_tlast,
  input  wire [8*SCORE_BYTES-1:0] m_axis_tdata,
  input  wire m_axis_tvalid,
  output wire m_axis_tready,
  input  wire m_axis_tlast,
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
  output wire m_axil_rready,
  // A frame or its result is under way.
  output wire busy_o
);

  localparam [7:0] FRAME = 8'h01;
  localparam [7:0] READ = 8'h02;
  localparam [7:0] WRITE = 8'h03;
  localparam [6:0] REFUSED = 7'h00;
  localparam [7:0] DAMAGED = 8'd1;
  localparam [7:0] UNKNOWN = 8'd2;
  localparam [7:0] FULL = 8'd3;
  localparam [7:0] BUSY = 8'd4;
  localparam [31:0] VERSION = 32'h42534C31;
  localparam [31:0] FRAME_BYTES = BEAT_BYTES * FRAME_BEATS;
  localparam [31:0] FRAME_CONTENT = FRAME_BYTES + 32'd2;
  localparam [31:0] SCORE_CONTENT = SCORE_BYTES;
  localparam [LENGTH_WIDTH-1:0] FRAME_LENGTH = FRAME_CONTENT[LENGTH_WIDTH-1:0];
  localparam [LENGTH_WIDTH-1:0] READ_LENGTH = 4;
  localparam [LENGTH_WIDTH-1:0] WRITE_LENGTH = 8;
  localparam [7:0] SCORE_LENGTH = SCORE_CONTENT[7:0];
  localparam [LENGTH_WIDTH-1:0] TOO_LONG = {LENGTH_WIDTH{1'b1}};
  // The reply's bytes leave from here: a register's four or a score's.
  localparam BODY_BYTES = (SCORE_BYTES > 4) ? SCORE_BYTES : 4;

  // Requests: type and tag, then a frame's bytes into the buffer, other bytes into the arguments.
  wire [7:0] data;
  wire data_valid;
  wire ended;
  wire good;
  reg [LENGTH_WIDTH-1:0] length_q;
  reg [7:0] type_q;
  reg [7:0] tag_q;
  reg [47:0] arguments_q;
  wire in_body = data_valid & (length_q > 1);
  wire overflow;
  wire tags_ready;

  packet_receiver u_receiver (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .byte_i  (rx_data_i),
    .valid_i (rx_valid_i),
    .error_i (rx_error_i),
    .data_o  (data),
    .valid_o (data_valid),
    .end_o   (ended),
    .good_o  (good)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) length_q <= {LENGTH_WIDTH{1'b0}};
    else if (ended) length_q <= {LENGTH_WIDTH{1'b0}};
    else if (data_valid & (length_q != TOO_LONG)) length_q <= length_q + 1'b1;
  end

  always @(posedge clk_i) begin
    if (data_valid & (length_q == 0)) type_q <= data;
    if (data_valid & (length_q == 1)) tag_q <= data;
    if (in_body) arguments_q <= {data, arguments_q[47:8]};
  end

  // What a packet asks for, at its end. Arguments stand at the top of their register.
  wire is_frame = (type_q == FRAME) & (length_q == FRAME_LENGTH);
  wire is_read = (type_q == READ) & (length_q == READ_LENGTH);
  wire is_write = (type_q == WRITE) & (length_q == WRITE_LENGTH);
  wire no_room = overflow | !tags_ready;
  reg access_q;
  reg answer_q;
  wire busy = access_q | answer_q;
  wire takes_frame = ended & good & is_frame & !no_room;
  wire takes_access = ended & good & (is_read | is_write) & !busy;
  wire refuses = ended & !takes_frame & !takes_access;
  wire [15:0] address = is_read ? arguments_q[47:32] : arguments_q[15:0];
  wire [31:0] value = arguments_q[47:16];
  wire unused_address = &{1'b0, address[1:0]};

  // A reason that waits is given once; those that come meanwhile are in the count.
  reg refused_q;
  reg [7:0] reason_q;
  reg [7:0] refused_tag_q;
  reg [15:0] refusals_q;
  wire refusal_done;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      refused_q <= 1'b0;
      refusals_q <= 16'd0;
    end else begin
      if (refuses) refused_q <= 1'b1;
      else if (refusal_done) refused_q <= 1'b0;
      if (refuses & (refusals_q != 16'hFFFF)) refusals_q <= refusals_q + 16'd1;
    end
  end

  always @(posedge clk_i) begin
    if (refuses & (!refused_q | refusal_done)) begin
      reason_q <= !good ? DAMAGED : is_frame ? FULL : (is_read | is_write) ? BUSY : UNKNOWN;
      refused_tag_q <= tag_q;
    end
  end

  // Frames: bytes in the buffer, tags in a queue until their results come.
  wire [7:0] frame_tag;
  wire frame_tag_valid;
  wire result_done;

  frame_buffer #(
    .LOG2        (BUFFER_LOG2),
    .BEAT_BYTES  (BEAT_BYTES),
    .FRAME_BEATS (FRAME_BEATS),
    .BEAT_WIDTH  (BEAT_WIDTH),
    .BYTE_WIDTH  (BYTE_WIDTH)
  ) u_buffer (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .byte_i        (data),
    .push_i        (in_body & (type_q == FRAME) & (length_q < FRAME_LENGTH)),
    .commit_i      (takes_frame),
    .drop_i        (ended & !takes_frame),
    .overflow_o    (overflow),
    .s_axis_tdata  (s_axis_tdata),
    .s_axis_tvalid (s_axis_tvalid),
    .s_axis_tready (s_axis_tready),
    .s_axis_tlast  (s_axis_tlast)
  );

  stream_fifo u_tags (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .in_data_i   (tag_q),
    .in_valid_i  (takes_frame),
    .in_ready_o  (tags_ready),
    .out_data_o  (frame_tag),
    .out_valid_o (frame_tag_valid),
    .out_ready_i (result_done)
  );

  // Accesses: the link's own registers answer at once.
  wire own = (address[15:12] != 4'd0);
  wire access_done;
  wire [31:0] access_data;
  reg [31:0] own_data_q;
  reg own_q;
  reg read_q;
  reg session_q;
  reg [7:0] access_tag_q;
  wire answer_done;

  register_access u_access (
    .clk_i          (clk_i),
    .rst_ni         (rst_ni),
    .start_i        (takes_access & !own),
    .write_i        (is_write),
    .address_i      (address[11:0]),
    .data_i         (value),
    .done_o         (access_done),
    .data_o         (access_data),
    .m_axil_awaddr  (m_axil_awaddr),
    .m_axil_awvalid (m_axil_awvalid),
    .m_axil_awready (m_axil_awready),
    .m_axil_wdata   (m_axil_wdata),
    .m_axil_wstrb   (m_axil_wstrb),
    .m_axil_wvalid  (m_axil_wvalid),
    .m_axil_wready  (m_axil_wready),
    .m_axil_bresp   (m_axil_bresp),
    .m_axil_bvalid  (m_axil_bvalid),
    .m_axil_bready  (m_axil_bready),
    .m_axil_araddr  (m_axil_araddr),
    .m_axil_arvalid (m_axil_arvalid),
    .m_axil_arready (m_axil_arready),
    .m_axil_rdata   (m_axil_rdata),
    .m_axil_rresp   (m_axil_rresp),
    .m_axil_rvalid  (m_axil_rvalid),
    .m_axil_rready  (m_axil_rready)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      access_q <= 1'b0;
      answer_q <= 1'b0;
      session_q <= 1'b0;
    end else begin
      if (takes_access & !own) access_q <= 1'b1;
      else if (access_done) access_q <= 1'b0;
      if ((takes_access & own) | access_done) answer_q <= 1'b1;
      else if (answer_done) answer_q <= 1'b0;
      if (takes_access & is_write & (address[15:2] == 14'h0404)) session_q <= value[0];
    end
  end

  always @(posedge clk_i) begin
    if (takes_access) begin
      access_tag_q <= tag_q;
      read_q <= is_read;
      own_q <= own;
      case (address[15:2])
        14'h0400: own_data_q <= VERSION;
        14'h0401: own_data_q <= FRAME_BYTES;
        14'h0402: own_data_q <= RESULT_BYTES;
        14'h0403: own_data_q <= {16'd0, refusals_q};
        14'h0404: own_data_q <= {31'd0, session_q};
        default: own_data_q <= 32'd0;
      endcase
    end
  end

  // Replies: type and tag, then what belongs to it, from a register that is shifted out.
  localparam [2:0] REST = 3'd0;
  localparam [2:0] TYPE = 3'd1;
  localparam [2:0] TAG = 3'd2;
  localparam [2:0] STATUS = 3'd3;
  localparam [2:0] LOAD = 3'd4;
  localparam [2:0] BODY = 3'd5;

  reg [2:0] reply_q;
  reg [6:0] kind_q;
  reg [7:0] reply_tag_q;
  reg [8*BODY_BYTES-1:0] body_q;
  reg [7:0] left_q;
  reg last_score_q;
  wire is_result = (kind_q == FRAME[6:0]);
  wire has_body = (kind_q != WRITE[6:0]);
  wire sent;
  wire sends = (reply_q == TYPE) | (reply_q == TAG) | (reply_q == STATUS) | (reply_q == BODY);
  wire ends = (reply_q == BODY) ? (left_q == 8'd1) & (!is_result | last_score_q)
                                : (reply_q == TAG) & !has_body;
  wire [7:0] out = (reply_q == TYPE) ? {1'b1, kind_q} :
                   (reply_q == TAG) ? reply_tag_q :
                   (reply_q == STATUS) ? {7'd0, session_q} : body_q[7:0];

  packet_sender u_sender (
    .clk_i   (clk_i),
    .rst_ni  (rst_ni),
    .data_i  (out),
    .valid_i (sends),
    .last_i  (ends),
    .ready_o (sent),
    .byte_o  (tx_data_o),
    .valid_o (tx_valid_o),
    .ready_i (tx_ready_i)
  );

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      reply_q <= REST;
    end else begin
      case (reply_q)
        REST: if (refused_q | answer_q | (m_axis_tvalid & frame_tag_valid)) reply_q <= TYPE;
        TYPE: if (sent) reply_q <= TAG;
        TAG: if (sent) reply_q <= is_result ? STATUS : has_body ? BODY : REST;
        STATUS: if (sent) reply_q <= LOAD;
        LOAD: if (m_axis_tvalid) reply_q <= BODY;
        BODY: if (sent & (left_q == 8'd1)) reply_q <= ends ? REST : LOAD;
        default: reply_q <= REST;
      endcase
    end
  end

  always @(posedge clk_i) begin
    if (reply_q == REST) begin
      if (refused_q) begin
        kind_q <= REFUSED;
        reply_tag_q <= refused_tag_q;
        body_q[7:0] <= reason_q;
        left_q <= 8'd1;
      end else if (answer_q) begin
        kind_q <= read_q ? READ[6:0] : WRITE[6:0];
        reply_tag_q <= access_tag_q;
        body_q[31:0] <= own_q ? own_data_q : access_data;
        left_q <= 8'd4;
      end else begin
        kind_q <= FRAME[6:0];
        reply_tag_q <= frame_tag;
      end
    end else if (m_axis_tready) begin
      body_q[8*SCORE_BYTES-1:0] <= m_axis_tdata;
      left_q <= SCORE_LENGTH;
      last_score_q <= m_axis_tlast;
    end else if ((reply_q == BODY) & sent) begin
      body_q <= body_q >> 8;
      left_q <= left_q - 8'd1;
    end
  end

  assign m_axis_tready = (reply_q == LOAD);
  assign refusal_done = (reply_q == TYPE) & sent & (kind_q == REFUSED);
  assign answer_done = sent & ends & !is_result & (kind_q != REFUSED);
  assign result_done = sent & ends & is_result;
  assign busy_o = frame_tag_valid;

endmodule

`default_nettype wire
