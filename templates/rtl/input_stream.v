// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Input stream: beats of <: v.elements :> element<: v.elements_s :> to codes, and the frame's length against tlast.
// A beat with an early tlast ends its frame: what came of it is dropped. A missing tlast is
// reported only.
// Latency: none.

`default_nettype none

module input_stream (
    //%- if v.beats > 1 %//
    input  wire clk_i,
    input  wire rst_ni,
    //%- endif %//
    // AXI4-Stream.
    input  wire [<: v.stream_bits - 1 :>:0] s_axis_tdata,
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    // Codes of a beat: <: v.planes :> bit<: v.planes_s :> an element.
    output wire [<: v.elements * v.planes - 1 :>:0] codes_o,
    output wire valid_o,
    input  wire ready_i,
    //%- if v.beats > 1 %//
    // The frame ended early and starts again with the next beat.
    output wire restart_o,
    //%- endif %//
    output wire error_o
);

  wire transfer = s_axis_tvalid & ready_i;
  //%- if v.beats > 1 %//
  reg [<: v.beat_width - 1 :>:0] beat_q;
  wire beat_last = (beat_q == <: v.beat_width :>'d<: v.beats - 1 :>);

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) beat_q <= <: v.beat_width :>'d0;
    else if (transfer) begin
      beat_q <= (beat_last | s_axis_tlast) ? <: v.beat_width :>'d0 : beat_q + <: v.beat_width :>'d1;
    end
  end

  assign restart_o = transfer & s_axis_tlast & !beat_last;
  assign error_o = transfer & (s_axis_tlast ^ beat_last);
  //%- else %//
  assign error_o = transfer & !s_axis_tlast;
  //%- endif %//
  assign s_axis_tready = ready_i;
  assign valid_o = s_axis_tvalid;

  //%- for e in element_lines %//
  <: e :>
  //%- endfor %//

endmodule

`default_nettype wire
