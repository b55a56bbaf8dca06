// Random windows and maps through a bincim_inside against the places themselves.
`default_nettype none

module bench_inside #(
    parameter Coordinate = 4,
    parameter Places = 3,
    parameter Before = 1,
    parameter Beyond = 4,
    parameter Seed = 1
);
  localparam HALF = 1 << (Coordinate - 1);

  reg [Coordinate-1:0] window, size;
  wire [Places-1:0] inside;
  integer random = Seed;
  integer i, place, at, first;
  reg expected;

  bincim_inside #(
      .Coordinate(Coordinate),
      .Places(Places),
      .Before(Before),
      .Beyond(Beyond)
  ) dut (
      .window_i(window),
      .size_i(size),
      .inside_o(inside)
  );

  initial begin
    for (i = 0; i < 500; i = i + 1) begin
      first = $random(random) % HALF;
      if (first > HALF - Places) first = HALF - Places;
      window = first;
      size = $unsigned($random(random)) % HALF;
      #1;
      for (place = 0; place < Places; place = place + 1) begin
        at = first + place;
        expected = ((Beyond >> place) & 1) ? (at >= 0 && at < size) : ((Before >> place) & 1) ? (at >= 0) : 1'b1;
        if (inside[place] !== expected) $display("FAIL: %m window %0d, map of %0d, place %0d", first, size, place);
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
