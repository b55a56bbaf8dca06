// Random sums through a bincim_threshold of thresholds that rise step by step, or fall where the channel is turned, and
// a bincim_level_code, against the code of the largest level of each pooling window: codes are any, of level 0 all zeros.
`default_nettype none

module bench_level_code #(
    parameter Lanes = 4,
    parameter Steps = 3,
    parameter Bits = 2,
    parameter Seed = 1
);
  localparam SUM = 8;
  localparam THRESHOLD = 9;
  localparam ENTRY = Steps * THRESHOLD + 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg flip_after = 1'b0;
  reg [Lanes*SUM-1:0] sum = 0;
  reg result_valid = 1'b0;
  reg window_last = 1'b0;
  wire unused_score_valid, unused_score, valid;
  wire [Steps*Lanes-1:0] met;
  reg [Bits*Steps-1:0] toggle = 0;
  wire [Bits*Lanes-1:0] code;

  // One group, whose entry stands in the memory.
  bincim_threshold #(
      .Lanes(Lanes),
      .Sum(SUM),
      .Threshold(THRESHOLD),
      .Steps(Steps),
      .Signed(1),
      .Flips(1),
      .FlipsAfter(1),
      .Pools(1),
      .Depth(1)
  ) threshold (
      .clk_i(clk),
      .rst_ni(rst_n),
      .scores_i(1'b0),
      .flip_after_pool_i(flip_after),
      .last_group_i(1'b0),
      .again_i(1'b0),
      .first_again_i(1'b0),
      .first_entry_i(1'b0),
      .count_valid_i(1'b0),
      .count_group_last_i(1'b0),
      .sum_i(sum),
      .result_valid_i(result_valid),
      .result_window_last_i(window_last),
      .score_valid_o(unused_score_valid),
      .score_o(unused_score),
      .bit_valid_o(valid),
      .bit_o(met)
  );

  bincim_level_code #(
      .Lanes(Lanes),
      .Steps(Steps),
      .Bits(Bits)
  ) dut (
      .bit_i(met),
      .toggle_i(toggle),
      .code_o(code)
  );

  reg [Lanes*ENTRY-1:0] entries;
  reg [Bits-1:0] codes [0:Steps];
  integer random = Seed;
  integer layer, window, vector, size, lane, step, plane, at, level, own;
  integer largest [0:Lanes-1];
  reg flip;
  reg [Bits-1:0] shown;

  function integer below(input integer limit);
    below = $unsigned($random(random)) % limit;
  endfunction

  function integer value(input [SUM-1:0] bits);
    value = $signed(bits);
  endfunction

  // Threshold of a lane's step.
  function integer reached(input integer of_lane, input integer of_step);
    reached = $signed(entries[of_lane*ENTRY + of_step*THRESHOLD +: THRESHOLD]);
  endfunction

  initial begin
    #1 rst_n = 1'b1;
    for (layer = 0; layer < 40; layer = layer + 1) begin
      flip_after = below(2);
      for (lane = 0; lane < Lanes; lane = lane + 1) begin
        flip = below(2);
        at = below(60) - 90;
        for (step = 0; step < Steps; step = step + 1) begin
          entries[lane*ENTRY + (flip ? Steps - 1 - step : step)*THRESHOLD +: THRESHOLD] = at;
          at = at + below(60 / Steps);
        end
        entries[lane*ENTRY + Steps*THRESHOLD] = flip;
      end
      threshold.u_memory.gen_content.u_memory.memory_q[0] = entries;
      codes[0] = 0;
      for (step = 0; step < Steps; step = step + 1) begin
        codes[step+1] = $random(random);
        for (plane = 0; plane < Bits; plane = plane + 1) begin
          toggle[plane*Steps + step] = codes[step+1][plane] ^ codes[step][plane];
        end
      end
      // The entry is read.
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      for (window = 0; window < 12; window = window + 1) begin
        size = 1 + below(4);
        for (vector = 0; vector < size; vector = vector + 1) begin
          for (lane = 0; lane < Lanes; lane = lane + 1) begin
            own = below(2) ? reached(lane, below(Steps)) - below(2) : below(256) - 128;
            sum[lane*SUM +: SUM] = own;
            own = value(sum[lane*SUM +: SUM]);
            // A channel that is turned before the pooling is the larger the smaller its sum.
            flip = entries[lane*ENTRY + Steps*THRESHOLD];
            if (vector == 0 || ((flip && !flip_after) ? own < largest[lane] : own > largest[lane])) largest[lane] = own;
          end
          #1 clk = 1'b1;
          #1 clk = 1'b0;
          result_valid = 1'b1;
          window_last = (vector == size - 1);
          #1 if (valid !== window_last) $display("FAIL: %m valid %b", valid);
          if (window_last) begin
            for (lane = 0; lane < Lanes; lane = lane + 1) begin
              level = 0;
              flip = entries[lane*ENTRY + Steps*THRESHOLD];
              for (step = 0; step < Steps; step = step + 1) begin
                if (flip ^ (largest[lane] >= reached(lane, step))) level = level + 1;
              end
              for (plane = 0; plane < Bits; plane = plane + 1) shown[plane] = code[plane*Lanes + lane];
              if (shown !== codes[level]) begin
                $display("FAIL: %m lane %0d: code %b of level %0d, not %b", lane, shown, level, codes[level]);
              end
            end
          end
          #1 clk = 1'b1;
          #1 clk = 1'b0;
          result_valid = 1'b0;
        end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
