// SPDX-License-Identifier: Apache-2.0
//
// <: name :>: what the popcount tree counts, written to be read and to simulate fast.
// Never synthesised: it takes the tree's place in a simulation by its name in the list of files.
//
<: contract :>

`default_nettype none

module <: name :> (
<: ports :>
);

<: hit :>

  // Ones in up to 64 bits: neighbours are added within the word, then pairs, fours and bytes.
  function [<: width - 1 :>:0] ones;
    input [63:0] bits;
    reg [63:0] sums;
    begin
      sums = bits - ((bits >> 1) & 64'h5555_5555_5555_5555);
      sums = (sums & 64'h3333_3333_3333_3333) + ((sums >> 2) & 64'h3333_3333_3333_3333);
      sums = (sums + (sums >> 4)) & 64'h0f0f_0f0f_0f0f_0f0f;
      sums = (sums * 64'h0101_0101_0101_0101) >> 56;
      ones = <: ones :>;
    end
  endfunction

<: count :>

  // The tree's register stages.
  reg [<: delay_width - 1 :>:0] count_q;

  always @(posedge clk_i) begin
    count_q <= <: shift :>;
  end

  assign count_o = count_q[<: delay_width - 1 :>:<: delay_width - width :>];

endmodule

`default_nettype wire
