

  wire [<: v.elements * v.planes - 1 :>:0] codes;
  wire beat_valid;
  wire beat_ready;
  //%- if v.beats > 1 %//
  wire restart;
  //%- endif %//

  input_stream u_input_stream (
      //%- if v.beats > 1 %//
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      //%- endif %//
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .codes_o(codes),
      .valid_o(beat_valid),
      .ready_i(beat_ready),
      //%- if v.beats > 1 %//
      .restart_o(restart),
      //%- endif %//
      .error_o(frame_error_o)
  );

  // Frames in the memory.
  wire frame_end;
  //%- if v.frames > 1 %//
  reg [1:0] frames_q;
  reg write_frame_q;
  reg read_frame_q;
  wire free = !frames_q[1];
  assign frame_waiting_o = (frames_q != 2'd0);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      frames_q <= 2'd0;
      write_frame_q <= 1'b0;
      read_frame_q <= 1'b0;
    end else begin
      if (frame_end & !frame_release_i) frames_q <= frames_q + 2'd1;
      else if (!frame_end & frame_release_i) frames_q <= frames_q - 2'd1;
      if (frame_end) write_frame_q <= !write_frame_q;
      if (frame_release_i) read_frame_q <= !read_frame_q;
    end
  end
  //%- else %//
  reg frame_q;
  wire free = !frame_q;
  assign frame_waiting_o = frame_q;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) frame_q <= 1'b0;
    else if (frame_end) frame_q <= 1'b1;
    else if (frame_release_i) frame_q <= 1'b0;
  end
  //%- endif %//

