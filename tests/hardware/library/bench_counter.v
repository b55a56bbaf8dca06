// Random steps of a bincim_counter with random last values against the value that it should have.
`default_nettype none

module bench_counter #(
    parameter Count = 2,
    parameter Seed = 1
);
  localparam WIDTH = (Count > 1) ? $clog2(Count) : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg clear = 1'b0;
  reg step = 1'b0;
  reg [WIDTH-1:0] last = {WIDTH{1'b0}};
  wire [WIDTH-1:0] value;
  wire is_last;

  bincim_counter #(
      .Count(Count)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .clear_i(clear),
      .step_i(step),
      .last_i(last),
      .value_o(value),
      .last_o(is_last)
  );

  integer random = Seed;
  integer i, expected;

  initial begin
    expected = 0;
    #1 rst_n = 1'b1;
    for (i = 0; i < 20 * Count + 200; i = i + 1) begin
      // Another round has another length; it is never shorter than the value.
      if (expected == 0) last = $unsigned($random(random)) % Count;
      step = $random(random) | $random(random);
      clear = ($unsigned($random(random)) % 16 == 0);
      #1 if (value !== expected || is_last !== (expected == last)) begin
        $display("FAIL: %m step %0d: %0d, not %0d", i, value, expected);
      end
      if (clear) expected = 0;
      else if (step) expected = (expected == last) ? 0 : expected + 1;
      clk = 1'b1;
      #1 clk = 1'b0;
    end
    // A reset needs no clock.
    rst_n = 1'b0;
    #1 if (value !== 0) $display("FAIL: %m does not reset");
    $display("DONE");
  end
endmodule

`default_nettype wire
