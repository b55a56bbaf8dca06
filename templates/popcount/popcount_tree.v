// SPDX-License-Identifier: Apache-2.0
//
// popcount_tree: the popcount tree of one column lane,
// <: style :>.
//
<: contract :>

`default_nettype none

module popcount_tree (
<: ports :>
);

<: body :>

endmodule

`default_nettype wire
