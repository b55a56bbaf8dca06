// Random blocks of vectors through a bincim_accumulator, pass after pass, against sums that are added up here.
`default_nettype none

module bench_accumulator #(
    parameter Lanes = 4,
    parameter Count = 4,
    parameter Sum = 8,
    parameter Signed = 0,
    parameter Depth = 0,
    parameter Driven = 0,
    parameter Stages = 1,
    parameter Shift = 0,
    parameter Scale = 0,
    parameter Seed = 1
);
  localparam MOST = (Depth > 3) ? Depth : 3;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg in_register = 1'b0;
  reg fetch_valid = 1'b0;
  reg fetch_block_last = 1'b0;
  reg [((Driven > 0) ? Driven : 1)-1:0] driven_rows;
  reg weighted = 1'b0;
  reg count_valid = 1'b0;
  reg count_first = 1'b0;
  reg [Lanes*Count-1:0] count;
  reg [((Shift + Scale > 0) ? Shift + Scale : 1)-1:0] scale;
  reg [Lanes-1:0] lanes;
  reg stored_valid = 1'b0;
  wire [Lanes*Sum-1:0] sum;

  bincim_accumulator #(
      .Lanes(Lanes),
      .Count(Count),
      .Sum(Sum),
      .Signed(Signed),
      .Depth(Depth),
      .Driven(Driven),
      .Stages(Stages),
      .Shift(Shift),
      .Scale(Scale)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .in_register_i(in_register),
      .fetch_valid_i(fetch_valid),
      .fetch_block_last_i(fetch_block_last),
      .driven_rows_i(driven_rows),
      .weighted_i(weighted),
      .count_valid_i(count_valid),
      .count_first_i(count_first),
      .count_i(count),
      .scale_i(scale),
      .lanes_i(lanes),
      .stored_valid_i(stored_valid),
      .sum_o(sum)
  );

  // Steps: fetch of vector `step`, its count one step later, its sum and the store two steps later.
  reg [Lanes*Sum-1:0] expected [0:MOST-1];
  reg [31:0] driven_of [0:255];
  integer random = Seed;
  integer turn, block, passes, steps, step, vector, lane, value, total, i;
  reg [31:0] one;

  initial begin
    #1 clk = 1'b1;
    #1 clk = 1'b0;
    rst_n = 1'b1;
    for (turn = 0; turn < 40; turn = turn + 1) begin
      in_register = (Depth == 0) | (turn % 4 == 3);
      block = in_register ? 1 : 3 + ($random(random) & 1023) % (Depth - 2);
      passes = 1 + ($random(random) & 3);
      weighted = $random(random);
      steps = block * passes;
      // Driven rows run ahead of their counts.
      for (step = 0; step < steps + 2 + Stages; step = step + 1) driven_of[step & 255] = $random(random);
      for (step = -Stages; step < steps + 2; step = step + 1) begin
        fetch_valid = (step >= 0) & (step < steps);
        fetch_block_last = (step >= 0) & (step % block == block - 1);
        driven_rows = driven_of[(step + Stages) & 255];
        count_valid = (step >= 1) & (step <= steps);
        count_first = (step >= 1) & (step <= block);
        for (i = 0; i < Lanes * Count; i = i + 1) count[i] = $random(random);
        lanes = $random(random) | $random(random);
        scale = $random(random);
        stored_valid = (step >= 2) & (step <= steps + 1);
        if (count_valid) begin
          vector = (step - 1) % block;
          for (lane = 0; lane < Lanes; lane = lane + 1) begin
            one = count >> lane * Count;
            value = one & ((1 << Count) - 1);
            if ((Signed != 0) && one[Count-1]) value = value - (1 << Count);
            // The rows that were driven Stages steps ago.
            if ((Driven > 0) && !weighted) value = 2 * value - (driven_of[step & 255] & ((1 << Driven) - 1));
            if (Shift > 0) value = value << scale;
            else if (Scale > 0) value = value * scale;
            if (!lanes[lane]) value = 0;
            total = count_first ? 0 : expected[vector] >> lane * Sum;
            expected[vector][lane*Sum +: Sum] = total + value;
          end
        end
        #1 clk = 1'b1;
        #1 clk = 1'b0;
        if (count_valid && sum !== expected[vector]) begin
          $display("FAIL: %m turn %0d step %0d: %h, not %h", turn, step, sum, expected[vector]);
        end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
