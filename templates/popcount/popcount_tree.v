// SPDX-License-Identifier: Apache-2.0
//
// popcount_tree: the popcount tree of one column lane,
// <: style :>.
//
<: contract :>
//
// Without SYNTHESIS, popcount_model stands in: same counts, same cycle, faster to simulate.

`default_nettype none

module popcount_tree (
<: ports :>
);

`ifdef SYNTHESIS
<: body :>
`else
  popcount_model u_model (
<: connections :>
  );
`endif

endmodule

`default_nettype wire
