// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Code values: what the codes of a vector's reads stand for, added up. Read j counts 2^j.
// Parameters: Lanes; Code, bits of a code; Count, bits of a value, two's complement; Reads of a
//     vector, most; Layers, layers that differ in their values, 1: none do; from 1. Reference: 1,
//     something is taken away from every value. Column: 1, above the lanes' codes stands that of a
//     reference column, whose value is taken away instead. InitFile, the values in hexadecimal:
//     those of layer 0 at addresses from 0 on, one for each code; each other layer 2^Code further.
//     The other widths follow.
// Latency: 1, from code to count.
// Reset: none; a vector begins with read 0.
// Protocol: code_valid_i with the codes of a read, its number and what is taken away. The count
//     behind the last read stands until the next vector's first one.

`default_nettype none

module bincim_code_value #(
    parameter Lanes = 4,
    parameter Code = 3,
    parameter Count = 8,
    parameter Reads = 1,
    parameter Layers = 1,
    parameter Reference = 0,
    parameter Column = 0,
    parameter InitFile = "",
    parameter ReadWidth = (Reads > 1) ? $clog2(Reads) : 1,
    parameter LayerWidth = (Layers > 1) ? $clog2(Layers) : 1
) (
    input  wire clk_i,
    input  wire [LayerWidth-1:0] layer_i,
    input  wire code_valid_i,
    input  wire [ReadWidth-1:0] code_read_i,
    input  wire [(Lanes+Column)*Code-1:0] code_i,
    input  wire [Count-1:0] reference_i,
    output wire [Lanes*Count-1:0] count_o
);

  localparam ADDRESS = Code + ((Layers > 1) ? LayerWidth : 0);

  reg [Count-1:0] value_q [0:(1<<ADDRESS)-1];

  // What is taken away from every lane's value.
  wire [Count-1:0] taken;

  genvar lane;
  generate
    if (|InitFile) begin : gen_content
      initial $readmemh(InitFile, value_q);
    end
    if (Layers == 1) begin : gen_one_layer
      wire unused_layer = &{1'b0, layer_i};
    end
    if (Column != 0) begin : gen_column
      wire unused_reference = &{1'b0, reference_i};
      wire [ADDRESS-1:0] address;

      if (Layers > 1) begin : gen_layer
        assign address = {layer_i, code_i[Lanes*Code +: Code]};
      end else begin : gen_code
        assign address = code_i[Lanes*Code +: Code];
      end

      assign taken = value_q[address];
    end else if (Reference != 0) begin : gen_reference
      assign taken = reference_i;
    end else begin : gen_nothing
      wire unused_reference = &{1'b0, reference_i};
      assign taken = {Count{1'b0}};
    end
    if (Reads == 1) begin : gen_one_read
      wire unused_read = &{1'b0, code_read_i};
    end
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [ADDRESS-1:0] address;
      wire [Count-1:0] value = value_q[address] - taken;
      reg [Count-1:0] count_q;

      if (Layers > 1) begin : gen_layer
        assign address = {layer_i, code_i[lane*Code +: Code]};
      end else begin : gen_code
        assign address = code_i[lane*Code +: Code];
      end
      if (Reads > 1) begin : gen_reads
        wire [Count-1:0] so_far = (code_read_i == {ReadWidth{1'b0}}) ? {Count{1'b0}} : count_q;

        always @(posedge clk_i) begin
          if (code_valid_i) count_q <= so_far + (value << code_read_i);
        end
      end else begin : gen_once
        always @(posedge clk_i) begin
          if (code_valid_i) count_q <= value;
        end
      end

      assign count_o[lane*Count +: Count] = count_q;
    end
  endgenerate

endmodule

`default_nettype wire
