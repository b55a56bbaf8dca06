// SPDX-License-Identifier: Apache-2.0
//
// <: name :>: <: what :>
//
<: contract :>

`default_nettype none

module <: name :> (
<: ports :>
);

<: body :>

endmodule

`default_nettype wire
