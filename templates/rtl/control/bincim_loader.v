// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Program loader: takes a program from its stream and writes it into the machine's memories. A
// program is beats of 32 bits: "BCMP", the number of the machine that it was made for, and blocks,
// with tlast at the last beat of the last one. A block is the memory (bits 31:24) and its words
// less 1 (23:0), the first address, the words, each in as many beats as it needs, low bits first,
// and the CRC-32 (IEEE 802.3) of all beats of the block before it.
// Parameters: Memories, from 2 to 32. Width, bits of the widest word of a memory, and Address, bits
//     of the widest address, at most 24. LastBeats: 16 bits a memory, the beats of a word less 1,
//     memory 0 in the low bits; LastAddresses: 24 bits a memory, the last address. Machine: the
//     number of this machine.
// Latency: 1, from a beat to the write of the word that it completes; 2, from the last beat of a
//     program to engine_rst_no.
// Reset: asynchronous; there is no program, and the engine stands in reset until there is one. The
//     word and the place it goes to have none: nothing writes them before they are set.
// Protocol: AXI4-Stream, always ready. Where the second beat of a program comes with idle_i, the
//     engine stands in reset from then to its end. error_o is a pulse, cause_o stands from it to
//     the next one: 1, the engine was at work, and goes on; 2, no program, as where tlast comes
//     before the third beat, or one of another machine; 3, no such memory or address; 4, a CRC that
//     differs; 5, tlast in the middle of a block. What of a program follows an error is dropped, up
//     to its tlast. Behind errors 1 and 2 the program that was there still is, behind the others
//     there is none.

`default_nettype none

module bincim_loader #(
    parameter Memories = 2,
    parameter Width = 40,
    parameter Address = 4,
    parameter [Memories*16-1:0] LastBeats = {16'd1, 16'd0},
    parameter [Memories*24-1:0] LastAddresses = {24'd15, 24'd3},
    parameter [31:0] Machine = 32'd0
) (
    input  wire clk_i,
    input  wire rst_ni,
    // AXI4-Stream.
    input  wire [31:0] s_axis_program_tdata,
    input  wire s_axis_program_tvalid,
    output wire s_axis_program_tready,
    input  wire s_axis_program_tlast,
    // Engine.
    input  wire idle_i,
    output wire engine_rst_no,
    // Registers.
    output wire loaded_o,
    output wire error_o,
    output wire [2:0] cause_o,
    // Memories.
    output wire [Memories-1:0] write_o,
    output wire [Address-1:0] address_o,
    output wire [Width-1:0] data_o
);

  localparam [31:0] MAGIC = 32'h504D4342;
  localparam BEATS = (Width + 31) / 32;
  localparam [31:0] LAST_MEMORY = Memories - 1;

  localparam [2:0] BUSY = 3'd1;
  localparam [2:0] FOREIGN = 3'd2;
  localparam [2:0] RANGE = 3'd3;
  localparam [2:0] CHECKSUM = 3'd4;
  localparam [2:0] LENGTH = 3'd5;

  localparam [2:0] IDLE = 3'd0;
  localparam [2:0] MACHINE = 3'd1;
  localparam [2:0] HEAD = 3'd2;
  localparam [2:0] FIRST = 3'd3;
  localparam [2:0] WORDS = 3'd4;
  localparam [2:0] CHECK = 3'd5;
  localparam [2:0] DROP = 3'd6;

  // CRC-32, least significant bit first, a beat at a time.
  function [31:0] crc_of;
    input [31:0] crc;
    input [31:0] data;
    integer place;
    begin
      crc_of = crc ^ data;
      for (place = 0; place < 32; place = place + 1) begin
        crc_of = {1'b0, crc_of[31:1]} ^ (crc_of[0] ? 32'hEDB88320 : 32'd0);
      end
    end
  endfunction

  reg [2:0] state_q;
  reg loaded_q;
  reg engine_q;
  reg error_q;
  reg [2:0] cause_q;

  // The block: its memory, the word that comes, the words that follow it, and the beat of the word.
  reg [7:0] memory_q;
  reg [23:0] address_q;
  reg [23:0] left_q;
  reg [15:0] beat_q;
  reg [31:0] crc_q;
  reg [15:0] last_beat;
  reg [23:0] last_address;
  integer memory;

  always @(*) begin
    last_beat = 16'd0;
    last_address = 24'd0;
    for (memory = 0; memory < Memories; memory = memory + 1) begin
      if (memory_q == memory[7:0]) begin
        last_beat = LastBeats[memory*16 +: 16];
        last_address = LastAddresses[memory*24 +: 24];
      end
    end
  end

  wire [31:0] data = s_axis_program_tdata;
  wire taken = s_axis_program_tvalid;
  wire last = s_axis_program_tlast;
  wire [24:0] reached = {1'b0, data[23:0]} + {1'b0, left_q};
  wire there = (memory_q <= LAST_MEMORY[7:0]) & (data[31:24] == 8'd0)
               & (reached <= {1'b0, last_address});
  wire word_last = (beat_q == last_beat);

  // What is wrong with the beat; nothing where it is 0.
  reg [2:0] fault;

  always @(*) begin
    case (state_q)
      IDLE: fault = (data != MAGIC | last) ? FOREIGN : 3'd0;
      MACHINE: fault = (data != Machine | last) ? FOREIGN : !idle_i ? BUSY : 3'd0;
      HEAD: fault = last ? LENGTH : 3'd0;
      FIRST: fault = !there ? RANGE : last ? LENGTH : 3'd0;
      WORDS: fault = last ? LENGTH : 3'd0;
      CHECK: fault = (data != ~crc_q) ? CHECKSUM : 3'd0;
      default: fault = 3'd0;
    endcase
  end

  // The program that was there goes with the second beat of the next one, and not before.
  wire faulty = taken & (fault != 3'd0);
  wire begins = taken & (state_q == MACHINE) & (fault == 3'd0);
  wire complete = taken & (state_q == CHECK) & (fault == 3'd0) & last;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= IDLE;
      loaded_q <= 1'b0;
      engine_q <= 1'b0;
      error_q <= 1'b0;
      cause_q <= 3'd0;
    end else begin
      error_q <= faulty;
      if (faulty) cause_q <= fault;
      if (begins) loaded_q <= 1'b0;
      else if (complete) loaded_q <= 1'b1;
      engine_q <= loaded_q & !begins;
      if (taken) begin
        if (last) state_q <= IDLE;
        else if (faulty) state_q <= DROP;
        else begin
          case (state_q)
            IDLE: state_q <= MACHINE;
            MACHINE: state_q <= HEAD;
            HEAD: state_q <= FIRST;
            FIRST: state_q <= WORDS;
            WORDS: state_q <= (word_last & left_q == 24'd0) ? CHECK : WORDS;
            CHECK: state_q <= HEAD;
            default: state_q <= DROP;
          endcase
        end
      end
    end
  end

  always @(posedge clk_i) begin
    if (taken) begin
      crc_q <= crc_of((state_q == HEAD) ? 32'hFFFFFFFF : crc_q, data);
      if (state_q == HEAD) begin
        memory_q <= data[31:24];
        left_q <= data[23:0];
      end
      if (state_q == FIRST) begin
        address_q <= data[23:0];
        beat_q <= 16'd0;
      end
      if (state_q == WORDS) begin
        beat_q <= word_last ? 16'd0 : beat_q + 16'd1;
        if (word_last) begin
          address_q <= address_q + 24'd1;
          left_q <= left_q - 24'd1;
        end
      end
    end
  end

  // The word, beat by beat, and its way into the memory.
  reg [BEATS*32-1:0] word_q;
  reg [Memories-1:0] write_q;
  reg [Address-1:0] write_address_q;

  genvar beat;
  generate
    for (beat = 0; beat < BEATS; beat = beat + 1) begin : gen_beat
      localparam [31:0] PLACE = beat;

      always @(posedge clk_i) begin
        if (taken & state_q == WORDS & beat_q == PLACE[15:0]) word_q[beat*32 +: 32] <= data;
      end
    end
  endgenerate

  wire [Memories-1:0] chosen = {{Memories-1{1'b0}}, 1'b1} << memory_q;
  wire write = taken & (state_q == WORDS) & word_last;

  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) write_q <= {Memories{1'b0}};
    else write_q <= write ? chosen : {Memories{1'b0}};
  end

  always @(posedge clk_i) begin
    write_address_q <= address_q[Address-1:0];
  end

  wire unused = &{1'b0, word_q};

  assign s_axis_program_tready = 1'b1;
  assign engine_rst_no = engine_q;
  assign loaded_o = loaded_q;
  assign error_o = error_q;
  assign cause_o = cause_q;
  assign write_o = write_q;
  assign address_o = write_address_q;
  assign data_o = word_q[Width-1:0];

endmodule

`default_nettype wire
