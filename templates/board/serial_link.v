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
// 0x1008 RESULT_BYTES, 0x100C REFUSED (packets since reset, stays at 255), 0x1010 SESSION (bit 0,
// clear since a reset until it is written, so that a host sees that its settings are gone).
// An access is refused if the one before has not been replied to when its packet begins.
// With ACCESS = 0 there are no registers: READ and WRITE are no such type, and SESSION is 1.
// Latency: 2 cycles from a packet's closing flag to its frame's first fetch or its access, and from
// a result or the end of an access to the reply's opening flag.

`default_nettype none

module serial_link #(
  parameter BEAT_BYTES = 1,
  parameter FRAME_BEATS = 2,
  parameter SCORE_BYTES = 1,
  parameter RESULT_BYTES = 1,
  parameter ACCESS = 1,
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

  // Types of packets; a reply has bit 7 set.
  localparam [1:0] REFUSED = 2'd0;
  localparam [1:0] FRAME = 2'd1;
  localparam [1:0] READ = 2'd2;
  localparam [1:0] WRITE = 2'd3;
  localparam [2:0] DAMAGED = 3'd1;
  localparam [2:0] UNKNOWN = 3'd2;
  localparam [2:0] FULL = 3'd3;
  localparam [2:0] BUSY = 3'd4;
  localparam [31:0] VERSION = 32'h42534C31;
  localparam [31:0] FRAME_BYTES = BEAT_BYTES * FRAME_BEATS;
  localparam [31:0] FRAME_CONTENT = FRAME_BYTES + 32'd2;
  localparam [LENGTH_WIDTH-1:0] FRAME_LENGTH = FRAME_CONTENT[LENGTH_WIDTH-1:0];
  localparam [LENGTH_WIDTH-1:0] READ_LENGTH = 4;
  localparam [LENGTH_WIDTH-1:0] WRITE_LENGTH = 8;
  localparam [LENGTH_WIDTH-1:0] TOO_LONG = {LENGTH_WIDTH{1'b1}};
  // Bits of an index over the bytes of a score or of a register.
  localparam INDEX_WIDTH = (SCORE_BYTES > 4) ? $clog2(SCORE_BYTES) : 2;
  localparam [31:0] SCORE_BELOW = SCORE_BYTES - 1;
  localparam [INDEX_WIDTH-1:0] LAST_OF_SCORE = SCORE_BELOW[INDEX_WIDTH-1:0];
  localparam [INDEX_WIDTH-1:0] LAST_OF_REGISTER = 3;

  // Requests: type and tag, then a frame's bytes into the buffer, an access's into its registers.
  wire [7:0] data;
  wire data_valid;
  wire ended;
  wire good;
  reg [LENGTH_WIDTH-1:0] length_q;
  reg [1:0] type_q;
  reg known_q;
  reg [7:0] tag_q;
  wire in_body = data_valid & (length_q > 1);
  wire is_frame = known_q & (type_q == FRAME);
  wire is_access;
  wire free;
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
    if (data_valid & (length_q == 0)) begin
      type_q <= data[1:0];
      known_q <= (data[7:2] == 6'd0);
    end
    if (data_valid & (length_q == 1)) tag_q <= data;
  end

  // What a packet asks for, at its end.
  wire whole_frame = is_frame & (length_q == FRAME_LENGTH);
  wire whole_access = is_access & (length_q == (type_q[0] ? WRITE_LENGTH : READ_LENGTH));
  wire no_room = overflow | !tags_ready;
  wire takes_frame = ended & good & whole_frame & !no_room;
  wire takes_access = ended & good & whole_access & free;
  wire refuses = ended & !takes_frame & !takes_access;

  // A reason that waits is given once; those that come meanwhile are in the count.
  reg refused_q;
  reg [2:0] reason_q;
  reg [7:0] refused_tag_q;
  reg [7:0] refusals_q;
  wire refusal_done;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      refused_q <= 1'b0;
      refusals_q <= 8'd0;
    end else begin
      if (refuses) refused_q <= 1'b1;
      else if (refusal_done) refused_q <= 1'b0;
      if (refuses & (refusals_q != 8'hFF)) refusals_q <= refusals_q + 8'd1;
    end
  end

  always @(posedge clk_i) begin
    if (refuses & (!refused_q | refusal_done)) begin
      reason_q <= !good ? DAMAGED : whole_frame ? FULL : whole_access ? BUSY : UNKNOWN;
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
    .push_i        (in_body & is_frame & (length_q < FRAME_LENGTH)),
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
  wire answers;
  wire reads;
  wire [7:0] access_tag;
  wire [7:0] answer;
  wire session;
  wire answer_byte_done;
  wire answer_done;

  generate
    if (ACCESS != 0) begin : gen_access
      wire [15:0] address;
      wire value;
      wire own = (address[15:12] != 4'd0);
      wire done;
      reg [31:0] own_data;
      reg access_q;
      reg answer_q;
      reg reads_q;
      reg session_q;
      reg [7:0] access_tag_q;
      // No access waited for its reply when the packet began.
      reg free_q;
      wire unused_address = &{1'b0, address[1:0]};

      always @(*) begin
        case (address[15:2])
          14'h0400: own_data = VERSION;
          14'h0401: own_data = FRAME_BYTES;
          14'h0402: own_data = RESULT_BYTES;
          14'h0403: own_data = {24'd0, refusals_q};
          14'h0404: own_data = {31'd0, session_q};
          default: own_data = 32'd0;
        endcase
      end

      register_access u_access (
        .clk_i          (clk_i),
        .rst_ni         (rst_ni),
        .byte_i         (data),
        .push_address_i (in_body & is_access & free_q & (length_q < 4)),
        .push_data_i    (in_body & is_access & free_q & (length_q >= 4)),
        .start_i        (takes_access),
        .write_i        (type_q[0]),
        .own_i          (own),
        .own_data_i     (own_data),
        .address_o      (address),
        .data_o         (value),
        .done_o         (done),
        .answer_o       (answer),
        .next_i         (answer_byte_done),
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
          access_q <= takes_access | (access_q & !done);
          answer_q <= done | (answer_q & !answer_done);
          if (takes_access & type_q[0] & (address[15:2] == 14'h0404)) session_q <= value;
        end
      end

      always @(posedge clk_i) begin
        if (data_valid & (length_q == 0)) free_q <= !access_q & !answer_q;
        if (takes_access) begin
          access_tag_q <= tag_q;
          reads_q <= !type_q[0];
        end
      end

      assign is_access = known_q & ((type_q == READ) | (type_q == WRITE));
      assign free = free_q;
      assign answers = answer_q;
      assign reads = reads_q;
      assign access_tag = access_tag_q;
      assign session = session_q;
    end else begin : gen_no_access
      wire unused = &{1'b0, refusals_q, takes_access, answer_byte_done, answer_done,
                      m_axil_awready, m_axil_wready, m_axil_bresp, m_axil_bvalid,
                      m_axil_arready, m_axil_rdata, m_axil_rresp, m_axil_rvalid};

      assign is_access = 1'b0;
      assign free = 1'b0;
      assign answers = 1'b0;
      assign reads = 1'b0;
      assign access_tag = 8'd0;
      assign answer = 8'd0;
      assign session = 1'b1;
      assign m_axil_awaddr = 12'd0;
      assign m_axil_awvalid = 1'b0;
      assign m_axil_wdata = 32'd0;
      assign m_axil_wstrb = 4'd0;
      assign m_axil_wvalid = 1'b0;
      assign m_axil_bready = 1'b1;
      assign m_axil_araddr = 12'd0;
      assign m_axil_arvalid = 1'b0;
      assign m_axil_rready = 1'b1;
    end
  endgenerate

  // Replies: type and tag, then what belongs to it, from where it stands until the reply has left.
  localparam [2:0] REST = 3'd0;
  localparam [2:0] TYPE = 3'd1;
  localparam [2:0] TAG = 3'd2;
  localparam [2:0] STATUS = 3'd3;
  localparam [2:0] BODY = 3'd4;

  reg [2:0] reply_q;
  reg [1:0] kind_q;
  reg [INDEX_WIDTH-1:0] index_q;
  wire is_result = (kind_q == FRAME);
  wire in_reply_body = (reply_q == BODY);
  wire sent;
  wire sends = in_reply_body ? !is_result | m_axis_tvalid : (reply_q != REST);
  wire ends_score = (index_q == LAST_OF_SCORE);
  reg ends;
  reg [7:0] tag;
  reg [7:0] content;
  reg [7:0] out;

  always @(*) begin
    case (kind_q)
      FRAME: begin
        ends = in_reply_body & ends_score & m_axis_tlast;
        tag = frame_tag;
        content = m_axis_tdata[8*index_q +: 8];
      end
      READ: begin
        ends = in_reply_body & (index_q == LAST_OF_REGISTER);
        tag = access_tag;
        content = answer;
      end
      WRITE: begin
        ends = (reply_q == TAG);
        tag = access_tag;
        content = answer;
      end
      default: begin
        ends = in_reply_body;
        tag = refused_tag_q;
        content = {5'd0, reason_q};
      end
    endcase
    case (reply_q)
      TYPE: out = {6'b100000, kind_q};
      TAG: out = tag;
      STATUS: out = {7'd0, session};
      default: out = content;
    endcase
  end

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
        REST: if (refused_q | answers | (m_axis_tvalid & frame_tag_valid)) reply_q <= TYPE;
        TYPE: if (sent) reply_q <= TAG;
        TAG: if (sent) reply_q <= ends ? REST : is_result ? STATUS : BODY;
        STATUS: if (sent) reply_q <= BODY;
        default: if (sent & ends) reply_q <= REST;
      endcase
    end
  end

  always @(posedge clk_i) begin
    if (reply_q == REST) begin
      kind_q <= refused_q ? REFUSED : !answers ? FRAME : reads ? READ : WRITE;
      index_q <= {INDEX_WIDTH{1'b0}};
    end else if (in_reply_body & sent) begin
      index_q <= (is_result & ends_score) ? {INDEX_WIDTH{1'b0}} : index_q + 1'b1;
    end
  end

  assign m_axis_tready = in_reply_body & is_result & sent & ends_score;
  assign refusal_done = sent & ends & (kind_q == REFUSED);
  assign answer_byte_done = sent & in_reply_body & (kind_q == READ);
  assign answer_done = sent & ends & ((kind_q == READ) | (kind_q == WRITE));
  assign result_done = sent & ends & is_result;
  assign busy_o = frame_tag_valid;

endmodule

`default_nettype wire
