  wire [<: v.elements * v.planes - 1 :>:0] codes;
  wire beat_valid;
  wire beat_ready;
  wire restart;

  <: i.stream.head.at(2) :> u_input_stream (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .last_beat_i(<: i.stream.last_beat :>),
      .last_present_i(<: i.stream.last_present :>),
      .signed_i(<: i.stream.signed :>),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .codes_o(codes),
      .valid_o(beat_valid),
      .ready_i(beat_ready),
      .restart_o(restart),
      .error_o(frame_error_o)
  );

  wire frame_end;
  wire free;
  wire write_frame;
  wire read_frame;

  <: i.frames.at(2) :> u_input_frames (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_end_i(frame_end),
      .frame_release_i(frame_release_i),
      .free_o(free),
      .waiting_o(frame_waiting_o),
      .write_frame_o(write_frame),
      .read_frame_o(read_frame)
  );
  //%- if v.frames == 1 %//
  wire unused_frames = &{1'b0, write_frame, read_frame};
  //%- endif %//

