// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Self-checking bench: streams <: images :> images in, compares every sum, result bit, score, tlast and
// cycle counter with the golden model, and prints PASS or FAIL for each image and for the whole.
// Then come frames started by the register, a broken frame, one without its tlast, and frames without
// gaps against a result stream that stands still.
//
//   +seed=N   gaps, back-pressure and the cycle of the reset in the middle; printed
//   +waves=F  writes a VCD file
//
// A failure ends in $stop: `vvp -N` and a Verilated model then exit with a status that is not 0.

`default_nettype none

module bincim_tb #(
    // Folder of the vector files, with a slash at its end, as seen from where the simulation runs.
    parameter VECTORS = "../verif/vectors/"
);

  localparam integer IMAGES = <: images :>;
  // Frames with results of their own: all images or, where reads have noise, every frame of this bench.
  localparam integer FRAMES = <: frames :>;
  localparam integer LAYERS = <: layers :>;
  // Runs of layers in a frame, and the last one that reads the input.
  localparam integer RUNS = <: runs.len() :>;
  localparam integer INPUT_RUN = <: input_run :>;
  localparam integer LANES = <: lanes :>;
  // Planes of bits of the activation memory.
  localparam integer MAP_BITS = <: map_bits :>;
  localparam integer SUM_BITS = <: sum_bits :>;
  localparam integer IN_BITS = <: in_bits :>;
  localparam integer OUT_BITS = <: out_bits :>;
  localparam integer BEATS = <: beats :>;
  localparam integer SCORES = <: scores :>;
  localparam integer SUM_EVENTS = <: sum_events :>;
  localparam integer BIT_EVENTS = <: bit_events :>;
  localparam integer BIT_WORDS = <: bit_words :>;
  localparam integer FRAME_CYCLES = <: cycles :>;
  // Cycles between frames where nothing outside holds them up.
  localparam integer INTERVAL = <: interval :>;
  //%- if weight_planes > 1 %//
  // Planes of the weights to run, and another number.
  localparam [31:0] PLANES = 32'd<: planes :>;
  localparam [31:0] OTHER_PLANES = 32'd<: other_planes :>;
  //%- endif %//
  // Cycles from the first score of a frame to its last one where each is taken at once.
  localparam integer RESULT_CYCLES = <: result_cycles :>;
  // Frames for which the input has room, and the cycles that it puts padding into one.
  localparam integer INPUT_FRAMES = <: input_frames :>;
  localparam integer PADDING_CYCLES = <: padding_cycles :>;
  // Frames whose results find room while none is taken: two in the buffer, the only score of one behind it.
  localparam integer HELD_FRAMES = (SCORES == 1) ? 3 : 2;

  // Of one run of a layer: groups of channels, events of each tap in a group, channels.
  reg [31:0] groups_of[0:RUNS-1];
  reg [31:0] sums_of[0:RUNS-1];
  reg [31:0] bits_of[0:RUNS-1];
  reg [31:0] channels_of[0:RUNS-1];

  initial begin
    //%- for l in runs %//
    groups_of[<: loop.index0 :>] = <: l.groups :>;  // layer '<: l.name :>'
    sums_of[<: loop.index0 :>] = <: l.sums :>;
    bits_of[<: loop.index0 :>] = <: l.bits :>;
    channels_of[<: loop.index0 :>] = <: l.channels :>;
    //%- endfor %//
  end

  reg [IN_BITS-1:0] stimulus[0:FRAMES*BEATS-1];
  reg [LANES*SUM_BITS-1:0] expected_sums[0:FRAMES*SUM_EVENTS-1];
  reg [MAP_BITS*LANES-1:0] expected_bits[0:BIT_WORDS-1];
  reg [OUT_BITS-1:0] expected_scores[0:FRAMES*SCORES-1];
  reg [31:0] expected_cycles[0:LAYERS-1];

  initial begin
    $readmemh({VECTORS, "stimulus.hex"}, stimulus);
    $readmemh({VECTORS, "sums.hex"}, expected_sums);
    $readmemh({VECTORS, "bits.hex"}, expected_bits);
    $readmemh({VECTORS, "scores.hex"}, expected_scores);
    $readmemh({VECTORS, "cycles.hex"}, expected_cycles);
  end

  // ------------------------------------------------------------------------------ device under test
  reg clk = 1'b0;
  reg rst_n = 1'b0;
  always #5 clk = !clk;

  reg [IN_BITS-1:0] s_axis_tdata = {IN_BITS{1'b0}};
  reg s_axis_tvalid = 1'b0;
  reg s_axis_tlast = 1'b0;
  wire s_axis_tready;
  wire [OUT_BITS-1:0] m_axis_tdata;
  wire m_axis_tvalid;
  wire m_axis_tlast;
  reg m_axis_tready = 1'b0;

  reg [11:0] awaddr = 12'd0;
  reg awvalid = 1'b0;
  wire awready;
  reg [31:0] wdata = 32'd0;
  reg [3:0] wstrb = 4'hF;
  reg wvalid = 1'b0;
  wire wready;
  wire [1:0] bresp;
  wire bvalid;
  reg bready = 1'b0;
  reg [11:0] araddr = 12'd0;
  reg arvalid = 1'b0;
  wire arready;
  wire [31:0] rdata;
  wire [1:0] rresp;
  wire rvalid;
  reg rready = 1'b0;

  <: top :> dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .s_axis_tlast(s_axis_tlast),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready),
      .m_axis_tlast(m_axis_tlast),
      .s_axil_awaddr(awaddr),
      .s_axil_awvalid(awvalid),
      .s_axil_awready(awready),
      .s_axil_wdata(wdata),
      .s_axil_wstrb(wstrb),
      .s_axil_wvalid(wvalid),
      .s_axil_wready(wready),
      .s_axil_bresp(bresp),
      .s_axil_bvalid(bvalid),
      .s_axil_bready(bready),
      .s_axil_araddr(araddr),
      .s_axil_arvalid(arvalid),
      .s_axil_arready(arready),
      .s_axil_rdata(rdata),
      .s_axil_rresp(rresp),
      .s_axil_rvalid(rvalid),
      .s_axil_rready(rready)
  );

  // ------------------------------------------------------------------------------------ book-keeping
  integer seed = 1;
  integer first_seed = 1;
  integer errors = 0;
  integer image_errors = 0;
  integer cycle = 0;
  integer idle = 0;

  // Frames since the reset: those that may be sent and that may be computed; those sent, computed and
  // received. Frame n carries vectors n mod FRAMES.
  integer due = IMAGES;
  integer allowed = IMAGES;
  integer sent = 0;
  integer computed = 0;
  integer received = 0;

  task fail;
    begin
      errors = errors + 1;
      image_errors = image_errors + 1;
      if (errors > 20) begin
        $display("FAIL: more than 20 differences, seed %0d", first_seed);
        $stop;
        $finish;
      end
    end
  endtask

  // Ones for the sums of the lanes that hold a channel.
  function [LANES*SUM_BITS-1:0] sum_mask;
    input integer channels;
    begin
      sum_mask = {LANES * SUM_BITS{1'b1}};
      if (channels < LANES) sum_mask = sum_mask >> ((LANES - channels) * SUM_BITS);
    end
  endfunction

  // 0: always willing, 1: half of the time, 2: long bursts; drawn anew every frame.
  integer in_pace = 0;
  integer out_pace = 0;
  // No gaps in the input, and results are taken at once; no result is taken.
  reg eager = 1'b0;
  reg hold = 1'b0;
  function willing;
    input integer pace;
    input integer draw;
    input integer time_now;
    begin
      case (pace)
        0: willing = 1'b1;
        1: willing = draw[8];
        default: willing = time_now[5] ^ time_now[7];
      endcase
    end
  endfunction

  // ------------------------------------------------------------------------------------------- input
  integer in_beat = 0;
  wire in_taken = s_axis_tvalid && s_axis_tready;
  wire in_frame_taken = in_taken && (in_beat == BEATS - 1);

  // A frame that breaks off with an early tlast is dropped; one without tlast counts all the same.
  integer breaks = 0;  // frames that are to break off
  integer break_beat = (BEATS - 1) / 2;
  reg drop_last = 1'b0;
  wire in_broken = (breaks > 0) && (in_beat == break_beat) && (BEATS > 1);

  // The beat that follows the present one.
  integer next_frame;
  integer next_beat;
  always @(*) begin
    next_frame = sent;
    next_beat = in_beat;
    if (in_taken) begin
      next_beat = (in_frame_taken || in_broken) ? 0 : in_beat + 1;
      if (in_frame_taken && !in_broken) next_frame = sent + 1;
    end
  end

  integer in_draw;
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      sent <= 0;
      in_beat <= 0;
      s_axis_tvalid <= 1'b0;
      s_axis_tlast <= 1'b0;
    end else begin
      in_draw = $random(seed);
      sent <= next_frame;
      in_beat <= next_beat;
      if (in_frame_taken) in_pace = in_draw[5:4];
      if (in_taken && in_broken) begin
        breaks = breaks - 1;
        break_beat = in_draw[30:8] % ((BEATS > 1) ? BEATS - 1 : 1);
      end
      if (!s_axis_tvalid || in_taken) begin
        s_axis_tvalid <= 1'b0;
        if (next_frame < due && (eager || willing(in_pace, in_draw, cycle))) begin
          s_axis_tvalid <= 1'b1;
          s_axis_tdata <= stimulus[(next_frame%FRAMES)*BEATS+next_beat];
          s_axis_tlast <= ((next_beat == BEATS - 1) && !drop_last) ||
                          ((breaks > 0) && (next_beat == break_beat) && (BEATS > 1));
        end
      end
    end
  end

  // The input takes beats while it has room, but for the padding, and never without room. A frame gives
  // its room back when its first layer is done.
  integer released = 0;
  integer done_layers = 0;
  integer refused = 0;
  wire in_room = (sent - released < INPUT_FRAMES);
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      released <= 0;
      done_layers <= 0;
      refused <= 0;
    end else begin
      if (dut.layer_done) begin
        if (done_layers == INPUT_RUN) released <= released + 1;
        done_layers <= (done_layers == RUNS - 1) ? 0 : done_layers + 1;
      end
      refused <= (in_room && !s_axis_tready) ? refused + 1 : 0;
      if (refused > PADDING_CYCLES) begin
        $display("FAIL cycle %0d: s_axis_tready is low though there is room", cycle);
        fail;
      end
      if (s_axis_tready !== 1'b0 && !in_room) begin
        $display("FAIL cycle %0d: s_axis_tready is %b and there is no room", cycle, s_axis_tready);
        fail;
      end
    end
  end

  // ------------------------------------------------------------------------------------------ output
  integer out_image = 0;  // of the frame whose results come
  integer out_score = 0;
  integer first_score = 0;  // cycle in which the first score of the frame was taken
  integer out_draw;
  reg held = 1'b0;
  reg [OUT_BITS-1:0] held_data;
  reg held_last;
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      received <= 0;
      out_image <= 0;
      out_score <= 0;
      m_axis_tready <= 1'b0;
      held <= 1'b0;
    end else begin
      out_draw = $random(seed);
      m_axis_tready <= !hold && (eager || willing(out_pace, out_draw, cycle));
      held <= m_axis_tvalid && !m_axis_tready;
      held_data <= m_axis_tdata;
      held_last <= m_axis_tlast;
      if (held && (!m_axis_tvalid || m_axis_tdata !== held_data || m_axis_tlast !== held_last)) begin
        $display("FAIL image %0d cycle %0d: a result was offered and changed", out_image, cycle);
        fail;
      end
      if (m_axis_tvalid !== 1'b0 && m_axis_tvalid !== 1'b1) begin
        $display("FAIL cycle %0d: m_axis_tvalid is unknown", cycle);
        fail;
      end
      if (m_axis_tvalid && m_axis_tready) begin
        if (received >= allowed) begin
          $display("FAIL cycle %0d: a result after the last frame", cycle);
          fail;
        end else begin
          if (m_axis_tdata !== expected_scores[out_image*SCORES+out_score]) begin
            $display("FAIL image %0d score %0d cycle %0d: expected %h, got %h", out_image, out_score, cycle,
                     expected_scores[out_image*SCORES+out_score], m_axis_tdata);
            fail;
          end
          if (m_axis_tlast !== (out_score == SCORES - 1)) begin
            $display("FAIL image %0d score %0d cycle %0d: tlast is %b", out_image, out_score, cycle,
                     m_axis_tlast);
            fail;
          end
          if (out_score == 0) first_score = cycle;
          if (out_score == SCORES - 1) begin
            if (eager && cycle - first_score > RESULT_CYCLES) begin
              $display("FAIL image %0d: its scores took %0d cycles, expected %0d", out_image,
                       cycle - first_score, RESULT_CYCLES);
              fail;
            end
            if (image_errors == 0) $display("PASS image %0d", out_image);
            else $display("FAIL image %0d: %0d differences", out_image, image_errors);
            image_errors = 0;
            out_score <= 0;
            received <= received + 1;
            out_image <= (out_image == FRAMES - 1) ? 0 : out_image + 1;
            out_pace = out_draw[5:4];
          end else out_score <= out_score + 1;
        end
      end
    end
  end

  // -------------------------------------------------------------------------------------------- taps
  integer sum_image = 0;  // of the frame that is computed
  integer sum_layer = 0;
  integer sum_group = 0;
  integer sum_event = 0;
  integer sum_index = 0;
  integer sum_lane;
  integer first_sum = 0;  // cycle of the frame's first sum
  integer interval = 0;  // cycles since that of the frame before
  reg [LANES*SUM_BITS-1:0] sum_wrong;
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      computed = 0;
      sum_image = 0;
      sum_layer = 0;
      sum_group = 0;
      sum_event = 0;
      sum_index = 0;
    end else if (dut.sum_valid !== 1'b0) begin
      if (dut.sum_valid !== 1'b1 || computed >= allowed) begin
        $display("FAIL cycle %0d: a sum where none is due", cycle);
        fail;
      end else begin
        if (sum_layer == 0 && sum_group == 0 && sum_event == 0) begin
          interval = cycle - first_sum;
          first_sum = cycle;
        end
        sum_wrong = (dut.sum ^ expected_sums[sum_index]) &
                    sum_mask(channels_of[sum_layer] - sum_group * LANES);
        if (sum_wrong !== {LANES * SUM_BITS{1'b0}}) begin
          for (sum_lane = 0; sum_lane < LANES; sum_lane = sum_lane + 1) begin
            if (sum_wrong[sum_lane*SUM_BITS+:SUM_BITS] !== {SUM_BITS{1'b0}}) begin
              $display("FAIL image %0d layer %0d group %0d vector %0d lane %0d cycle %0d: sum %h, expected %h",
                       sum_image, sum_layer, sum_group, sum_event, sum_lane, cycle,
                       dut.sum[sum_lane*SUM_BITS+:SUM_BITS],
                       expected_sums[sum_index][sum_lane*SUM_BITS+:SUM_BITS]);
              fail;
            end
          end
        end
        sum_index = sum_index + 1;
        sum_event = sum_event + 1;
        if (sum_event == sums_of[sum_layer]) begin
          sum_event = 0;
          sum_group = sum_group + 1;
          if (sum_group == groups_of[sum_layer]) begin
            sum_group = 0;
            sum_layer = sum_layer + 1;
            if (sum_layer == RUNS) begin
              sum_layer = 0;
              computed = computed + 1;
              sum_image = sum_image + 1;
              if (sum_image == FRAMES) begin
                sum_image = 0;
                sum_index = 0;
              end
            end
          end
        end
      end
    end
  end

  integer bit_frames = 0;
  //%- if bit_events > 0 %//

  // Ones for the bits of the lanes that hold a channel.
  function [LANES-1:0] bit_mask;
    input integer channels;
    begin
      bit_mask = {LANES{1'b1}};
      if (channels < LANES) bit_mask = bit_mask >> (LANES - channels);
    end
  endfunction

  integer bit_index = 0;
  integer bit_layer = 0;
  integer bit_group = 0;
  integer bit_event = 0;
  reg [MAP_BITS*LANES-1:0] bit_wrong;
  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      bit_frames = 0;
      bit_index = 0;
      bit_layer = 0;
      bit_group = 0;
      bit_event = 0;
    end else if (dut.bit_valid !== 1'b0) begin
      if (dut.bit_valid !== 1'b1 || bit_frames >= allowed) begin
        $display("FAIL cycle %0d: result bits where none are due", cycle);
        fail;
      end else begin
        bit_wrong = (dut.result_bits ^ expected_bits[bit_index]) &
                    {MAP_BITS{bit_mask(channels_of[bit_layer] - bit_group * LANES)}};
        if (bit_wrong !== {MAP_BITS * LANES{1'b0}}) begin
          $display("FAIL image %0d layer %0d group %0d pixel %0d cycle %0d: bits %b, expected %b",
                   bit_index / BIT_EVENTS, bit_layer, bit_group, bit_event, cycle, dut.result_bits,
                   expected_bits[bit_index]);
          fail;
        end
        bit_index = bit_index + 1;
        bit_event = bit_event + 1;
        if (bit_event == bits_of[bit_layer]) begin
          bit_event = 0;
          bit_group = bit_group + 1;
          if (bit_group == groups_of[bit_layer]) begin
            bit_group = 0;
            bit_layer = bit_layer + 1;
            while (bit_layer < RUNS && bits_of[bit_layer] == 0) bit_layer = bit_layer + 1;
            if (bit_layer >= RUNS) begin
              bit_layer = 0;
              bit_frames = bit_frames + 1;
              if (bit_index == FRAMES * BIT_EVENTS) bit_index = 0;
            end
          end
        end
      end
    end
  end
  //%- endif %//

  // --------------------------------------------------------------------------------------- registers
  reg [31:0] value;
  reg [31:0] read_draw;

  // Half of the replies wait for their reader, unchanged; a reply that was taken is gone.
  task read_register;
    input [11:0] address;
    begin
      read_draw = $random(seed);
      @(negedge clk);
      araddr = address;
      arvalid = 1'b1;
      #1;
      while (!arready) @(negedge clk);
      @(negedge clk);
      arvalid = 1'b0;
      rready = read_draw[0];
      #1;
      while (!rvalid) @(negedge clk);
      value = rdata;
      if (!rready) begin
        repeat (1 + read_draw[2:1]) @(negedge clk);
        if (!rvalid || rdata !== value) begin
          $display("FAIL register %h: the reply does not wait", address);
          fail;
        end
        rready = 1'b1;
      end
      if (rresp !== 2'b00) begin
        $display("FAIL register %h: response %b", address, rresp);
        fail;
      end
      @(negedge clk);
      rready = 1'b0;
      if (rvalid) begin
        $display("FAIL register %h: the reply stays", address);
        fail;
      end
    end
  endtask

  // Address and data come together, or one up to four cycles behind the other; until then it is something else.
  task write_register;
    input [11:0] address;
    input [31:0] data;
    begin
      write_draw = $random(seed);
      late_address = (write_draw[1:0] == 2'd1);
      late_data = (write_draw[1:0] == 2'd2);
      lag = (late_address || late_data) ? 1 + write_draw[3:2] : 0;
      @(negedge clk);
      awaddr = late_address ? ~address : address;
      awvalid = !late_address;
      wdata = late_data ? ~data : data;
      wvalid = !late_data;
      bready = 1'b1;
      #1;
      while (awvalid || wvalid || lag > 0 || !bvalid) begin
        // Seen before the edge, withdrawn behind it.
        if (awvalid && awready) aw_taken = 1'b1;
        if (wvalid && wready) w_taken = 1'b1;
        @(negedge clk);
        if (aw_taken) awvalid = 1'b0;
        if (w_taken) wvalid = 1'b0;
        aw_taken = 1'b0;
        w_taken = 1'b0;
        if (lag == 1) begin
          awaddr = address;
          wdata = data;
          if (late_address) awvalid = 1'b1;
          if (late_data) wvalid = 1'b1;
          #1;
        end
        if (lag > 0) lag = lag - 1;
      end
      if (bresp !== 2'b00) begin
        $display("FAIL register %h: write response %b", address, bresp);
        fail;
      end
      @(negedge clk);
      bready = 1'b0;
    end
  endtask
  reg aw_taken = 1'b0;
  reg w_taken = 1'b0;
  reg [31:0] write_draw = 32'd0;
  reg late_address = 1'b0;
  reg late_data = 1'b0;
  integer lag = 0;

  integer resets;
  integer i;

  task check_register;
    input [11:0] address;
    input [31:0] expected;
    begin
      read_register(address);
      if (value !== expected) begin
        $display("FAIL register %h: %0d, expected %0d", address, value, expected);
        fail;
      end
    end
  endtask

  // Cycles of the last frame and of its layers.
  task check_cycles;
    begin
      check_register(12'h010, FRAME_CYCLES);
      for (i = 0; i < LAYERS; i = i + 1) check_register(12'h100 + 4 * i, expected_cycles[i]);
    end
  endtask

  // Allows `count` more frames to be computed, waits for their results and for the frames that the input
  // has room for, and sees that no more are computed.
  task finish_frames;
    input integer count;
    begin
      allowed = allowed + count;
      while (received < allowed || (sent < due && in_room)) @(negedge clk);
      repeat (INTERVAL + 60) @(negedge clk);
      if (computed != received || (BIT_EVENTS > 0 && bit_frames != received)) begin
        $display("FAIL: %0d frames received, the taps showed sums of %0d and bits of %0d", received,
                 computed, bit_frames);
        fail;
      end
      check_register(12'h00C, received);
    end
  endtask

  // -------------------------------------------------------------------------------------- the course
  reg [8*256-1:0] waves;

  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    first_seed = seed;
    if ($value$plusargs("waves=%s", waves)) begin
      $dumpfile(waves);
      $dumpvars(0, bincim_tb);
    end
    $display("%0d images, seed %0d", IMAGES, first_seed);
    repeat (3) @(negedge clk);
    rst_n = 1'b1;
    // Resets in the middle of the first frames; the bench starts over with the accelerator.
    for (resets = 0; resets < 3; resets = resets + 1) begin
      //%- if weight_planes > 1 %//
      // The first frame comes when it is said how many planes it has.
      due = 0;
      write_register(12'h018, PLANES);
      //%- endif %//
      // One that follows a reset at once takes as long as any other.
      if (resets == 2) begin
        eager = 1'b1;
        due = 1;
        allowed = 1;
        while (received < 1) @(negedge clk);
        check_cycles;
        eager = 1'b0;
        allowed = IMAGES;
      end
      due = IMAGES;
      i = $random(seed);
      repeat (i[30:0] % (2 * (FRAME_CYCLES + BEATS))) @(negedge clk);
      // A read that it breaks off, one or two cycles old, must not be answered behind it.
      araddr = 12'h000;
      arvalid = 1'b1;
      repeat (1 + i[0]) begin
        @(negedge clk);
        arvalid = 1'b0;
      end
      #1 rst_n = 1'b0;
      repeat (2) @(negedge clk);
      if (m_axis_tvalid !== 1'b0) begin
        $display("FAIL: m_axis_tvalid is high in reset");
        fail;
      end
      image_errors = 0;
      due = 0;
      rst_n = 1'b1;
      repeat (4) begin
        @(negedge clk);
        if (rvalid !== 1'b0) begin
          $display("FAIL: a read from before the reset is answered");
          fail;
        end
      end
    end
    // No frame is whole since the reset, so no counter shows one.
    check_register(12'h00C, 32'd0);
    check_register(12'h010, 32'd0);
    for (i = 0; i < LAYERS; i = i + 1) check_register(12'h100 + 4 * i, 32'd0);
    //%- if weight_planes > 1 %//
    check_register(12'h018, 32'd<: weight_planes :>);
    write_register(12'h018, OTHER_PLANES);
    check_register(12'h018, 32'd<: other_planes_taken :>);
    write_register(12'h018, PLANES);
    //%- endif %//
    due = IMAGES;
    check_register(12'h000, 32'h42434D31);
    check_register(12'h004, 32'd1);
    check_register(12'h014, LAYERS);
    finish_frames(0);
    check_register(12'h008, 32'd0);
    check_cycles;
    //%- if has_seed %//
    check_register(12'h01C, 32'd1 + 32'h9E3779B9 * IMAGES);
    //%- else %//
    check_register(12'h01C, 32'd0);
    //%- endif %//
    // Addresses without a register.
    //%- if weight_planes > 1 %//
    check_register(12'h018, PLANES);
    //%- else %//
    check_register(12'h018, 32'd0);
    //%- endif %//
    //%- if samples > 0 %//
    check_register(12'h020, 32'd<: samples :>);
    write_register(12'h020, 32'd0);
    check_register(12'h020, 32'd1);
    write_register(12'h020, 32'd256);
    check_register(12'h020, 32'd<: samples :>);
    write_register(12'h024, 32'hFFFFFFFF);
    check_register(12'h024, 32'd3);
    write_register(12'h024, 32'd0);
    //%- else %//
    check_register(12'h020, 32'd0);
    //%- endif %//
    check_register(12'h024, 32'd0);
    check_register(12'h0FC, 32'd0);
    check_register(12'h100 + 4 * LAYERS, 32'd0);
    check_register(12'hFFC, 32'd0);

    // Two frames come, each waits for its START. A write without its byte strobe does nothing.
    write_register(12'h004, 32'd0);
    check_register(12'h004, 32'd0);
    wstrb = 4'hE;
    write_register(12'h004, 32'd3);
    wstrb = 4'hF;
    check_register(12'h004, 32'd0);
    due = due + 2;
    finish_frames(0);
    check_register(12'h008, 32'd2);
    write_register(12'h004, 32'd2);
    //%- if weight_planes > 1 %//
    // A frame that runs keeps the number of planes with which it started.
    allowed = allowed + 1;
    write_register(12'h018, OTHER_PLANES);
    finish_frames(0);
    write_register(12'h018, PLANES);
    //%- else %//
    finish_frames(1);
    //%- endif %//
    check_register(12'h008, 32'd2);
    write_register(12'h004, 32'd2);
    finish_frames(1);
    check_register(12'h008, 32'd0);

    // A START before its frame; frames that break off do not use it up.
    write_register(12'h004, 32'd2);
    breaks = 4;
    due = due + 1;
    finish_frames(1);
    check_register(12'h008, (BEATS > 1) ? 32'd8 : 32'd0);
    write_register(12'h008, 32'd8);
    check_register(12'h008, 32'd0);

    // Frames without gaps follow each other at the predicted interval while their results find room,
    // and wait where they find none. The last two lack their tlast.
    write_register(12'h004, 32'd1);
    eager = 1'b1;
    hold = 1'b1;
    due = due + 2;
    allowed = allowed + 2;
    while (computed < allowed) @(negedge clk);
    if (interval != INTERVAL) begin
      $display("FAIL: a frame follows after %0d cycles, expected %0d", interval, INTERVAL);
      fail;
    end
    drop_last = 1'b1;
    due = due + 2;
    allowed = allowed + HELD_FRAMES - 2;
    repeat (3 * INTERVAL + 60) @(negedge clk);
    if (computed != allowed) begin
      $display("FAIL: %0d frames computed, there is room for the results of %0d", computed, allowed);
      fail;
    end
    check_register(12'h008, 32'hE);
    hold = 1'b0;
    finish_frames(4 - HELD_FRAMES);
    check_register(12'h008, 32'd8);
    if (errors == 0) begin
      $display("PASS: %0d images, %0d cycles a frame, seed %0d", IMAGES, FRAME_CYCLES, first_seed);
      $finish;
    end else begin
      $display("FAIL: %0d differences, seed %0d", errors, first_seed);
      $stop;
      $finish;
    end
  end

  // Ends a run that stands still.
  always @(posedge clk) begin
    cycle <= cycle + 1;
    if (!rst_n || in_taken || (m_axis_tvalid && m_axis_tready) || dut.sum_valid) idle <= 0;
    else idle <= idle + 1;
    if (idle > 4 * (INTERVAL + BEATS) + 2000) begin
      $display("FAIL: nothing moved for %0d cycles; image %0d layer %0d group %0d, seed %0d", idle, sum_image,
               sum_layer, sum_group, first_seed);
      $stop;
      $finish;
    end
  end

endmodule

`default_nettype wire
