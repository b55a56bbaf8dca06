// Blocks of random layers through a bincim_tile_counter against the list of tiles that are kept.
`default_nettype none

module bench_tile_counter #(
    parameter Passes = 4,
    parameter Planes = 1,
    parameter Skips = 0,
    parameter Seed = 1
);
  localparam PASS = (Passes > 1) ? $clog2(Passes) : 1;
  localparam PLANE = (Planes > 1) ? $clog2(Planes) : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg step = 1'b0;
  reg [PLANE-1:0] last_plane, layer_last_plane;
  reg [PASS-1:0] last_pass;
  // Which tiles the layer has.
  reg [Passes*Planes-1:0] kept;
  wire [PASS-1:0] pass;
  wire [PLANE-1:0] plane;
  wire first, pass_last, last;

  // What follows the tile that stands.
  reg others;
  reg [PASS-1:0] next_pass, first_pass;
  reg [PLANE:0] following;
  integer p, q;

  always @(*) begin
    others = 1'b0;
    next_pass = 0;
    first_pass = 0;
    following = Planes;
    for (p = Passes - 1; p >= 0; p = p - 1)
      if (p > pass && kept[plane*Passes+p]) begin
        others = 1'b1;
        next_pass = p;
      end
    for (q = Planes - 1; q >= 0; q = q - 1)
      for (p = Passes - 1; p >= 0; p = p - 1)
        if (q > plane && kept[q*Passes+p]) begin
          following = q;
          first_pass = p;
        end
  end

  bincim_tile_counter #(
      .Passes(Passes),
      .Planes(Planes),
      .Skips(Skips)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .step_i(step),
      .last_plane_i(last_plane),
      .last_pass_i(last_pass),
      .layer_last_plane_i(layer_last_plane),
      .pass_last_i(!others),
      .next_pass_i(next_pass),
      .following_plane_i(following),
      .first_pass_i(first_pass),
      .pass_o(pass),
      .plane_o(plane),
      .first_o(first),
      .pass_last_o(pass_last),
      .last_o(last)
  );

  integer random = Seed;
  integer layer, block, i, j, more_passes, more;

  function integer below(input integer limit);
    below = $unsigned($random(random)) % limit;
  endfunction

  initial begin
    layer_last_plane = 0;
    last_plane = 0;
    last_pass = 0;
    kept = 1;
    #1 rst_n = 1'b1;
    for (layer = 0; layer < 40; layer = layer + 1) begin
      last_pass = below(Passes);
      layer_last_plane = below(Planes);
      last_plane = below(Planes);
      for (i = 0; i < Planes; i = i + 1)
        for (j = 0; j < Passes; j = j + 1)
          kept[i*Passes+j] = (i <= layer_last_plane) && (j <= last_pass)
                             && (Skips == 0 || i == 0 || below(2) == 0);
      for (block = 0; block < 3; block = block + 1)
        for (i = 0; i < Planes; i = i + 1)
          for (j = 0; j < Passes; j = j + 1)
            if (i <= last_plane && kept[i*Passes+j]) begin
              more_passes = 0;
              more = 0;
              for (p = 0; p < Planes * Passes; p = p + 1)
                if (p > i * Passes + j && kept[p] && p / Passes <= last_plane) begin
                  more = 1;
                  if (p / Passes == i) more_passes = 1;
                end
              step = 1'b0;
              #1 clk = 1'b1;
              #1 clk = 1'b0;
              step = 1'b1;
              #1 if (plane !== i || pass !== j || first !== (i == 0 && j == 0) || pass_last !== !more_passes
                     || last !== !more) begin
                $display("FAIL: %m layer %0d: plane %0d, pass %0d, not %0d, %0d", layer, plane, pass, i, j);
              end
              clk = 1'b1;
              #1 clk = 1'b0;
            end
    end
    rst_n = 1'b0;
    #1 if (plane !== 0 || pass !== 0) $display("FAIL: %m does not reset");
    $display("DONE");
  end
endmodule

`default_nettype wire
