// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Frames are written and read in turn, never more than there is room for, never one that is not
// complete; the half that is written is not the one that is read.
// Assumed: a frame ends only where there is room, and is released only where one waits.

module properties #(
    parameter Frames = 2
) (
    input wire clk_i,
    input wire rst_ni,
    input wire frame_end_i,
    input wire frame_release_i
);

  wire free;
  wire waiting;
  wire write_frame;
  wire read_frame;

  bincim_input_frames #(
      .Frames(Frames)
  ) dut (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .frame_end_i(frame_end_i),
      .frame_release_i(frame_release_i),
      .free_o(free),
      .waiting_o(waiting),
      .write_frame_o(write_frame),
      .read_frame_o(read_frame)
  );

  reg started = 1'b0;
  reg [2:0] count_q = 3'd0;
  reg write_q = 1'b0;
  reg read_q = 1'b0;

  always @(posedge clk_i) begin
    started <= 1'b1;
    if (!rst_ni) begin
      count_q <= 3'd0;
      write_q <= 1'b0;
      read_q <= 1'b0;
    end else begin
      count_q <= count_q + {2'd0, frame_end_i} - {2'd0, frame_release_i};
      if (frame_end_i) write_q <= !write_q;
      if (frame_release_i) read_q <= !read_q;
    end
  end

  always @* begin
    assume (started | !rst_ni);
    assume (!frame_end_i | free);
    assume (!frame_release_i | waiting);
    if (started & rst_ni) begin
      assert (count_q <= Frames);
      assert (free == (count_q < Frames));
      assert (waiting == (count_q != 3'd0));
      if (Frames == 2) begin
        assert (write_frame == write_q && read_frame == read_q);
        // One frame waits: the other half is being written.
        assert (count_q != 3'd1 || write_frame != read_frame);
      end
    end
  end

endmodule
