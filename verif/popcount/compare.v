// SPDX-License-Identifier: Apache-2.0
//
// compare: popcount_tree against popcount_model, every cycle, on corner and random vectors.
//
// Define ROWS, WIDTH, CYCLES, SEED, and WEIGHTED and ENABLE where the tree has those ports.
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
  integer bit_index;
  integer density;
  reg [`ROWS-1:0] hit;

  // A vector whose bits are 1 with the given number of chances in 16.
  function [`ROWS-1:0] vector;
    input integer chances;
    begin
      for (bit_index = 0; bit_index < `ROWS; bit_index = bit_index + 1) begin
        vector[bit_index] = ($unsigned($random(seed)) >> 8) % 16 < chances;
      end
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
      #1 clk = 1'b1;
      #1 clk = 1'b0;
      if (cycle >= `LATENCY && tree !== model) begin
        $display("mismatch at cycle %0d: tree %0d, model %0d", cycle, tree, model);
        $display("  row %h weight %h enable %h weighted %b, %0d cycle(s) later", row, weight,
                 enable, weighted, 0);
        $finish;
      end
    end
    $display("equal %0d", `CYCLES);
    $finish;
  end

endmodule

`default_nettype wire
