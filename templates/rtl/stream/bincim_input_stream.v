// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input stream: beats of elements to codes, and the frame's length against tlast. A beat with an
// early tlast ends its frame: what came of it is dropped. A missing tlast is reported only.
// Parameters: Elements, elements of a beat, from 1. ElementBits, bits that an element takes in the
//     stream, 1 or 8. Planes, bits of a code, from 1 to ElementBits. StreamWidth, from Elements *
//     ElementBits. Beats, most beats of a frame, from 1. BeatWidth follows.
// Latency: none.
// Reset: asynchronous; the next beat is the first of a frame.
// Protocol: AXI4-Stream in; codes_o and valid_o with ready_i likewise. last_beat_i is the number of
//     the last beat of a frame, last_present_i one bit an element that it has. signed_i: elements
//     are two's complement, and become offset binary. restart_o: the frame ended early and starts
//     again with the next beat. error_o: tlast was not where it should be.

`default_nettype none

module bincim_input_stream #(
    parameter Elements = 1,
    parameter ElementBits = 8,
    parameter Planes = 8,
    parameter StreamWidth = 8,
    parameter Beats = 4,
    parameter BeatWidth = (Beats > 1) ? $clog2(Beats) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    // What the network says.
    input  wire [BeatWidth-1:0] last_beat_i,
    input  wire [Elements-1:0] last_present_i,
    input  wire signed_i,
    // AXI4-Stream.
    input  wire [StreamWidth-1:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    // Codes of a beat, element 0 in the low bits.
    output wire [Elements*Planes-1:0] codes_o,
    output wire valid_o,
    input  wire ready_i,
    output wire restart_o,
    output wire error_o
);

  wire transfer = s_axis_tvalid & ready_i;
  wire beat_last;
  wire [BeatWidth-1:0] unused_beat;

  bincim_counter #(
      .Count(Beats)
  ) u_beat (
      .clk_i(clk_i),
      .rst_ni(rst_ni),
      .clear_i(restart_o),
      .step_i(transfer),
      .last_i(last_beat_i),
      .value_o(unused_beat),
      .last_o(beat_last)
  );

  assign restart_o = transfer & s_axis_tlast & !beat_last;
  assign error_o = transfer & (s_axis_tlast ^ beat_last);
  assign s_axis_tready = ready_i;
  assign valid_o = s_axis_tvalid;

  // Elements beyond the frame's last one become 0.
  wire [Elements-1:0] present = beat_last ? last_present_i : {Elements{1'b1}};
  wire unused_data = &{1'b0, s_axis_tdata};

  genvar element, plane;
  generate
    for (element = 0; element < Elements; element = element + 1) begin : gen_element
      for (plane = 0; plane < Planes; plane = plane + 1) begin : gen_plane
        wire invert = (plane == Planes - 1) ? signed_i : 1'b0;
        assign codes_o[element*Planes + plane] =
            (s_axis_tdata[element*ElementBits + plane] ^ invert) & present[element];
      end
    end
  endgenerate

endmodule

`default_nettype wire
