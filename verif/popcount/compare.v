// SPDX-License-Identifier: Apache-2.0
//
// compare: popcount_tree against popcount_model, every cycle, on corner and random vectors.
//
// Define ROWS, WIDTH, LATENCY, CYCLES, SEED, INVERTED (rows whose weight is stored inverted), and
// WEIGHTED and ENABLE where the tree has those ports.
// Densities change from cycle to cycle, so that counts reach both ends of their range.
// Prints "equal CYCLES" or the first mismatch, with the inputs that made it.

`default_nettype none

module compare;

  reg               clk = 1'b0;
  reg  [`ROWS-1:0]  row = {`ROWS{1'b0}};
  reg  [`ROWS-1:0]  weight = {`ROWS{1'b0}};
  reg  [`ROWS-1:0]  enable = {`ROWS{1'b1}};
  reg               weighted = 1'b0;
  wire [`WIDTH-1:0] tree;
  wire [`WIDTH-1:0] model;

  popcount_tree u_tree (
`ifdef WEIGHTED
    .weighted_i (weighted),
`endif
`ifdef ENABLE
    .enable_i   (enable),
`endif
    .clk_i      (clk),
    .row_i      (row),
    .weight_i   (weight),
    .count_o    (tree)
  );

  popcount_model u_model (
`ifdef WEIGHTED
    .weighted_i (weighted),
`endif
`ifdef ENABLE
    .enable_i   (enable),
`endif
    .clk_i      (clk),
    .row_i      (row),
    .weight_i   (weight),
    .count_o    (model)
  );

  integer seed = `SEED;
  integer cycle;
  integer index;
  integer density;
  reg [`ROWS-1:0] hit;

  // What was driven in each of the last 16 cycles; a tree is less deep than that.
  reg [`ROWS-1:0] rows [0:15];
  reg [`ROWS-1:0] weights [0:15];
  reg [`ROWS-1:0] enables [0:15];
  reg             weighteds [0:15];

  // A vector whose bits are 1 with the given number of chances in 16: four random words are
  // joined bit by bit, OR where the binary digit of the chances is 1 and AND where it is 0.
  function [`ROWS-1:0] vector;
    input integer chances;
    reg [`ROWS+31:0] bits;
    reg [31:0] word;
    integer digit;
    begin
      for (index = 0; index < `ROWS; index = index + 32) begin
        word = 32'd0;
        for (digit = 0; digit < 4; digit = digit + 1) begin
          word = chances[digit] ? word | $random(seed) : word & $random(seed);
        end
        bits[index +: 32] = chances > 15 ? ~32'd0 : word;
      end
      vector = bits[`ROWS-1:0];
    end
  endfunction

  initial begin
    for (cycle = 0; cycle < `CYCLES; cycle = cycle + 1) begin
      density = $unsigned($random(seed)) % 17;
      weighted = $random(seed) >> 7;
      row = vector(8);
      case (cycle % 8)
        0: hit = {`ROWS{1'b0}};
        1: hit = {`ROWS{1'b1}};
        2: hit = {{`ROWS - 1{1'b0}}, 1'b1} << (cycle / 8 % `ROWS);
        3: hit = ~({{`ROWS - 1{1'b0}}, 1'b1} << (cycle / 8 % `ROWS));
        4: hit = {`ROWS{1'b1}} >> (cycle / 8 % `ROWS);
        default: hit = vector(density);
      endcase
      weight = ~(row ^ hit) ^ `INVERTED;
      enable = cycle % 3 == 0 ? vector(8) : {`ROWS{1'b1}};
      rows[cycle % 16] = row;
      weights[cycle % 16] = weight;
      enables[cycle % 16] = enable;
      weighteds[cycle % 16] = weighted;
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      if (cycle >= `LATENCY && tree !== model) begin
        $display("mismatch at cycle %0d: tree %0d, model %0d", cycle, tree, model);
        $display("  row %h weight %h enable %h weighted %b", rows[(cycle + 17 - `LATENCY) % 16],
                 weights[(cycle + 17 - `LATENCY) % 16], enables[(cycle + 17 - `LATENCY) % 16],
                 weighteds[(cycle + 17 - `LATENCY) % 16]);
        $finish;
      end
    end
    $display("equal %0d", `CYCLES);
    $finish;
  end

endmodule

`default_nettype wire
