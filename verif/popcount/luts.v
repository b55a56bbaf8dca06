// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Look-up tables of the ECP5, for the model of its carry cell in newer Yosys, which stands in a file of its own.

`default_nettype none

module LUT4 #(
    parameter [15:0] INIT = 16'h0000
) (
    input  wire A,
    input  wire B,
    input  wire C,
    input  wire D,
    output wire Z
);

  assign Z = INIT[{D, C, B, A}];

endmodule

module LUT2 #(
    parameter [3:0] INIT = 4'h0
) (
    input  wire A,
    input  wire B,
    output wire Z
);

  assign Z = INIT[{B, A}];

endmodule

`default_nettype wire
