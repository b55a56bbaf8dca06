// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
//%- if a.sense && a.share > 1 %//
// Sense amplifiers, one for <: a.share :> neighbouring columns, which take turns: the code is 1 where the voltage is at or
// above the reference.
//%- else if a.sense %//
// Sense amplifiers, one a column: the code is 1 where the voltage is at or above the reference.
//%- else %//
//%- if a.share > 1 %//
// Converters, one for <: a.share :> neighbouring columns, which take turns: the code is the number of edges at or below
// the voltage.
//%- else %//
// Converters, one a column: the code is the number of edges at or below the voltage.
//%- endif %//
// <: a.edges_per_cycle :> of <: a.edges :> edge<: a.edges_s :> compared a cycle.
//%- endif %//
// Latency: <: a.conversion + 1 :>, from the sampled voltage to the code.

`default_nettype none

module <: a.converter :> (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire sample_i,
    input  wire sample_last_i,
    input  wire [<: a.array_width - 1 :>:0] sample_array_i,
    //%- if a.planes > 1 %//
    input  wire [<: a.plane_width - 1 :>:0] sample_plane_i,
    //%- endif %//
    input  wire [<: v.lanes * a.voltage_width - 1 :>:0] voltage_i,
    // Edges of the sampled array.
    output wire edge_read_o,
    output wire [<: a.edge_address_width - 1 :>:0] edge_address_o,
    input  wire [<: a.edges_width - 1 :>:0] edge_i,
    // The last comparison of a vector's last read.
    output wire converted_o,
    // Codes, one cycle behind the last comparison.
    output wire code_valid_o,
    //%- if a.planes > 1 %//
    output wire [<: a.plane_width - 1 :>:0] plane_o,
    //%- endif %//
    output wire [<: v.lanes * a.code_width - 1 :>:0] code_o
);

  localparam LANES = <: a.converters :>;
  //%- if a.share > 1 %//
  localparam SHARE = <: a.share :>;
  //%- endif %//
  //%- if !a.sense %//
  localparam EDGES = <: a.edges_per_cycle :>;
  //%- endif %//
  localparam VOLTAGE = <: a.voltage_width :>;
  localparam CODE = <: a.code_width :>;

  // Sample and hold.
  //%- if a.share > 1 %//
  reg [LANES*SHARE*VOLTAGE-1:0] hold_q;
  //%- else %//
  reg [LANES*VOLTAGE-1:0] hold_q;
  //%- endif %//
  reg last_q;
  reg busy_q;
  reg code_valid_q;
  //%- if a.planes > 1 %//
  reg [<: a.plane_width - 1 :>:0] hold_plane_q;
  reg [<: a.plane_width - 1 :>:0] plane_q;
  //%- endif %//
  //%- if a.share > 1 %//
  reg [<: a.array_width - 1 :>:0] array_q;
  reg [<: a.turn_width - 1 :>:0] turn_q;
  wire turn_last = (turn_q == <: a.turn_width :>'d<: a.share - 1 :>);
  //%- if a.edge_steps > 1 %//
  reg [<: a.edge_step_width - 1 :>:0] step_q;
  wire step_first = (step_q == <: a.edge_step_width :>'d0);
  wire column_last = (step_q == <: a.edge_step_width :>'d<: a.edge_steps - 1 :>);
  wire [<: a.edge_step_width - 1 :>:0] step_next = column_last ? <: a.edge_step_width :>'d0 : step_q + <: a.edge_step_width :>'d1;
  wire [<: a.turn_width - 1 :>:0] turn_next = column_last ? turn_q + <: a.turn_width :>'d1 : turn_q;
  wire step_last = column_last & turn_last;

  assign edge_address_o = sample_i ? {sample_array_i, <: a.turn_width + a.edge_step_width :>'d0}
                                   : {array_q, turn_next, step_next};
  //%- else %//
  wire [<: a.turn_width - 1 :>:0] turn_next = turn_q + <: a.turn_width :>'d1;
  wire step_last = turn_last;

  assign edge_address_o = sample_i ? {sample_array_i, <: a.turn_width :>'d0} : {array_q, turn_next};
  //%- endif %//
  assign edge_read_o = sample_i | busy_q;
  //%- else if a.conversion > 1 %//
  reg [<: a.array_width - 1 :>:0] array_q;
  reg [<: a.edge_step_width - 1 :>:0] step_q;
  wire [<: a.edge_step_width - 1 :>:0] step_next = step_q + <: a.edge_step_width :>'d1;
  wire step_first = (step_q == <: a.edge_step_width :>'d0);
  wire step_last = (step_q == <: a.edge_step_width :>'d<: a.conversion - 1 :>);

  assign edge_read_o = sample_i | busy_q;
  assign edge_address_o = sample_i ? {sample_array_i, <: a.edge_step_width :>'d0} : {array_q, step_next};
  //%- else %//
  wire step_last = 1'b1;

  assign edge_read_o = sample_i;
  assign edge_address_o = sample_array_i;
  //%- endif %//
  wire done = busy_q & step_last;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      code_valid_q <= 1'b0;
    end else begin
      if (sample_i) busy_q <= 1'b1;
      else if (step_last) busy_q <= 1'b0;
      code_valid_q <= done;
    end
  end

  always @(posedge clk_i) begin
    if (sample_i) begin
      hold_q <= voltage_i;
      last_q <= sample_last_i;
      //%- if a.planes > 1 %//
      hold_plane_q <= sample_plane_i;
      //%- endif %//
      //%- if a.conversion > 1 %//
      array_q <= sample_array_i;
      //%- endif %//
    end
    //%- if a.planes > 1 %//
    plane_q <= hold_plane_q;
    //%- endif %//
    //%- if a.share > 1 %//
    turn_q <= sample_i ? <: a.turn_width :>'d0 : turn_next;
    //%- if a.edge_steps > 1 %//
    step_q <= sample_i ? <: a.edge_step_width :>'d0 : step_next;
    //%- endif %//
    //%- else if a.conversion > 1 %//
    step_q <= sample_i ? <: a.edge_step_width :>'d0 : step_next;
    //%- endif %//
  end

  assign converted_o = done & last_q;
  assign code_valid_o = code_valid_q;
  //%- if a.planes > 1 %//
  assign plane_o = plane_q;
  //%- endif %//

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      //%- if a.share > 1 %//
      // The lane's columns; the one whose turn it is.
      wire [SHARE*VOLTAGE-1:0] columns = hold_q[lane*SHARE*VOLTAGE +: SHARE*VOLTAGE];
      wire signed [VOLTAGE-1:0] voltage = $signed(columns[turn_q*VOLTAGE +: VOLTAGE]);
      reg [SHARE*CODE-1:0] codes_q;
      //%- else %//
      wire signed [VOLTAGE-1:0] voltage = $signed(hold_q[lane*VOLTAGE +: VOLTAGE]);
      //%- endif %//
      //%- if a.sense %//
      //%- if a.share > 1 %//

      always @(posedge clk_i) begin
        if (busy_q) codes_q[turn_q] <= (voltage >= $signed(edge_i[lane*VOLTAGE +: VOLTAGE]));
      end
      //%- else %//
      reg code_q;

      always @(posedge clk_i) begin
        code_q <= (voltage >= $signed(edge_i[lane*VOLTAGE +: VOLTAGE]));
      end
      //%- endif %//
      //%- else %//
      wire [EDGES*VOLTAGE-1:0] edges = edge_i[lane*EDGES*VOLTAGE +: EDGES*VOLTAGE];
      reg [CODE-1:0] code;
      //%- if a.share == 1 %//
      reg [CODE-1:0] code_q;
      //%- endif %//
      integer index;

      always @* begin
        //%- if a.share > 1 && a.edge_steps > 1 %//
        code = step_first ? {CODE{1'b0}} : codes_q[turn_q*CODE +: CODE];
        //%- else if a.edge_steps > 1 %//
        code = step_first ? {CODE{1'b0}} : code_q;
        //%- else %//
        code = {CODE{1'b0}};
        //%- endif %//
        for (index = 0; index < EDGES; index = index + 1) begin
          if (voltage >= $signed(edges[index*VOLTAGE +: VOLTAGE])) code = code + <: a.code_width :>'d1;
        end
      end

      always @(posedge clk_i) begin
        //%- if a.share > 1 %//
        if (busy_q) codes_q[turn_q*CODE +: CODE] <= code;
        //%- else %//
        code_q <= code;
        //%- endif %//
      end
      //%- endif %//

      //%- if a.share > 1 %//
      assign code_o[lane*SHARE*CODE +: SHARE*CODE] = codes_q;
      //%- else %//
      assign code_o[lane*CODE +: CODE] = code_q;
      //%- endif %//
    end
  endgenerate

endmodule

`default_nettype wire
