// Random sums through a bincim_threshold, group after group, against the words of its memory as they are read again.
`default_nettype none

module bench_threshold #(
    parameter Lanes = 4,
    parameter Sum = 8,
    parameter Threshold = 9,
    parameter Steps = 1,
    parameter Signed = 1,
    parameter Flips = 1,
    parameter FlipsAfter = 0,
    parameter Bits = 1,
    parameter Pools = 0,
    parameter ScoreLanes = 0,
    parameter Score = 1,
    parameter ScoreShift = 0,
    parameter Width = Lanes * (Steps * Threshold + Flips),
    parameter Depth = 16,
    parameter InitFile = "",
    parameter Seed = 1
);
  localparam ENTRY = Steps * Threshold + Flips;
  localparam ADDRESS = (Depth > 1) ? $clog2(Depth) : 1;
  // Two sets of thresholds where there is room.
  localparam GROUPS = (Depth > 1) ? Depth / 2 : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg scores = 1'b0;
  reg flip_after = 1'b0;
  reg [ADDRESS-1:0] first = 0;
  reg count_valid = 1'b0;
  reg count_group_last = 1'b0;
  reg [Lanes*Sum-1:0] sum = 0;
  reg result_valid = 1'b0;
  reg window_last = 1'b0;
  wire score_valid, bit_valid;
  wire [((ScoreLanes > 0) ? ScoreLanes*Score : 1)-1:0] score;
  wire [Steps*Lanes-1:0] bits;
  wire [31:0] last_group = GROUPS - 1;

  bincim_threshold #(
      .Lanes(Lanes),
      .Sum(Sum),
      .Threshold(Threshold),
      .Steps(Steps),
      .Signed(Signed),
      .Flips(Flips),
      .FlipsAfter(FlipsAfter),
      .Bits(Bits),
      .Pools(Pools),
      .ScoreLanes(ScoreLanes),
      .Score(Score),
      .ScoreShift(ScoreShift),
      .Depth(Depth),
      .InitFile(InitFile)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .load_i(1'b0),
      .load_address_i({ADDRESS{1'b0}}),
      .load_data_i({Width{1'b0}}),
      .scores_i(scores),
      .flip_after_pool_i(flip_after),
      .last_group_i(last_group[ADDRESS-1:0]),
      .again_i(1'b0),
      .first_again_i({ADDRESS{1'b0}}),
      .first_entry_i(first),
      .count_valid_i(count_valid),
      .count_group_last_i(count_group_last),
      .sum_i(sum),
      .result_valid_i(result_valid),
      .result_window_last_i(window_last),
      .score_valid_o(score_valid),
      .score_o(score),
      .bit_valid_o(bit_valid),
      .bit_o(bits)
  );

  reg [Width-1:0] words [0:Depth-1];
  reg [Width-1:0] word;
  reg [Steps*Lanes-1:0] pool, turned, expected;
  integer random = Seed;
  integer frame, group, vector, lane, step, a, t, wanted, window, place, i;
  reg flip, above;

  function integer value(input [63:0] bits_of, input integer width);
    begin
      value = bits_of & ((64'd1 << width) - 1);
      if ((Signed != 0) && bits_of[width-1]) value = value - (1 << width);
    end
  endfunction

  initial begin
    $readmemh(InitFile, words);
    #1 clk = 1'b1;
    #1 clk = 1'b0;
    rst_n = 1'b1;
    for (frame = 0; frame < 6; frame = frame + 1) begin
      first = (Depth > 1 && frame % 2 == 1) ? GROUPS : 0;
      for (group = 0; group < GROUPS; group = group + 1) begin
        scores = (ScoreLanes > 0) & ((Bits == 0) | (group == GROUPS - 1));
        flip_after = $random(random);
        word = words[first + group];
        pool = 0;
        window = 1;
        place = 0;
        for (vector = 0; vector < 8; vector = vector + 1) begin
          // A cycle of the count, whose sum comes with the next one, and its result with the one after.
          count_valid = 1'b1;
          count_group_last = (vector == 7);
          for (i = 0; i < Lanes * Sum; i = i + 1) sum[i] = $random(random);
          // Near a step's threshold, where the comparison turns.
          if (vector % 2 == 1) begin
            for (lane = 0; lane < Lanes; lane = lane + 1) begin
              step = (Steps > 1) ? $unsigned($random(random)) % Steps : 0;
              sum[lane*Sum +: Sum] = value(word >> lane*ENTRY + step*Threshold, Threshold) + vector / 2 - 1;
            end
          end
          result_valid = 1'b0;
          #1 clk = 1'b1;
          #1 clk = 1'b0;
          count_valid = 1'b0;
          #1 clk = 1'b1;
          #1 clk = 1'b0;
          result_valid = 1'b1;
          place = place + 1;
          window_last = (Pools == 0) | (place == window) | (vector == 7);
          turned = 0;
          expected = 0;
          for (lane = 0; lane < Lanes; lane = lane + 1) begin
            a = value(sum >> lane*Sum, Sum);
            flip = (Flips != 0) ? word[lane*ENTRY + ENTRY - 1] : 1'b0;
            for (step = 0; step < Steps; step = step + 1) begin
              t = value(word >> lane*ENTRY + step*Threshold, Threshold);
              above = (a >= t);
              if ((FlipsAfter != 0) & flip_after) turned[step*Lanes+lane] = flip;
              else above = above ^ flip;
              expected[step*Lanes+lane] = above;
            end
            t = value(word >> lane*ENTRY, Threshold);
            wanted = (scores ? a * (1 << ScoreShift) : a) - t;
            if (lane < ScoreLanes && scores) begin
              #0 if (((score >> lane*Score) ^ wanted) & ((64'd1 << Score) - 1)) begin
                $display("FAIL: %m group %0d lane %0d: score %h, not %0d", group, lane, score >> lane*Score, wanted);
              end
            end
          end
          pool = pool | expected;
          #1;
          if (score_valid !== scores) $display("FAIL: %m score_valid %b", score_valid);
          if (bit_valid !== ((Bits != 0) & !scores & window_last)) $display("FAIL: %m bit_valid %b", bit_valid);
          if (bit_valid & (bits !== (((Pools != 0) ? pool : expected) ^ turned))) begin
            $display("FAIL: %m group %0d vector %0d: bits %b, not %b", group, vector, bits, pool ^ turned);
          end
          if (window_last) begin
            pool = 0;
            place = 0;
            window = 1 + (($random(random) >> 3) & 1) + (($random(random) >> 3) & 2);
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
