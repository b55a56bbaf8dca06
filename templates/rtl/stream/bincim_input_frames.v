// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Frames of the input memory: how many are complete, which is written and which is read.
// Parameters: Frames, frames that the memory holds, 1 or 2.
// Latency: 1, from the end or the release of a frame to what follows from it.
// Reset: asynchronous; no frame is there.
// Protocol: frame_end_i only where free_o says that there is room for the frame that is written,
//     frame_release_i only where waiting_o says that one is complete.

`default_nettype none

module bincim_input_frames #(
    parameter Frames = 2
) (
    input  wire clk_i,
    input  wire rst_ni,
    // The last word of a frame is written.
    input  wire frame_end_i,
    // The first layer has done with a frame.
    input  wire frame_release_i,
    output wire free_o,
    output wire waiting_o,
    // The half of the memory that is written, and the one that is read.
    output wire write_frame_o,
    output wire read_frame_o
);

  generate
    if (Frames > 1) begin : gen_two
      reg [1:0] frames_q;
      reg write_frame_q;
      reg read_frame_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          frames_q <= 2'd0;
          write_frame_q <= 1'b0;
          read_frame_q <= 1'b0;
        end else begin
          if (frame_end_i & !frame_release_i) frames_q <= frames_q + 2'd1;
          else if (!frame_end_i & frame_release_i) frames_q <= frames_q - 2'd1;
          if (frame_end_i) write_frame_q <= !write_frame_q;
          if (frame_release_i) read_frame_q <= !read_frame_q;
        end
      end

      assign free_o = !frames_q[1];
      assign waiting_o = (frames_q != 2'd0);
      assign write_frame_o = write_frame_q;
      assign read_frame_o = read_frame_q;
    end else begin : gen_one
      reg frame_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) frame_q <= 1'b0;
        else if (frame_end_i) frame_q <= 1'b1;
        else if (frame_release_i) frame_q <= 1'b0;
      end

      assign free_o = !frame_q;
      assign waiting_o = frame_q;
      assign write_frame_o = 1'b0;
      assign read_frame_o = 1'b0;
    end
  endgenerate

endmodule

`default_nettype wire
