// SPDX-License-Identifier: Apache-2.0
//
// registers_as_wires: a Yosys techmap that turns every flip-flop into a wire.
//
// The tree and its specification feed forward only and have the same depth, so that they count the
// same if and only if they do so without registers. The depth itself is checked in simulation.

(* techmap_celltype = "$dff" *)
module registers_as_wires (CLK, D, Q);
  parameter WIDTH = 1;
  parameter CLK_POLARITY = 1'b1;
  input CLK;
  input [WIDTH-1:0] D;
  output [WIDTH-1:0] Q;
  assign Q = D;
endmodule
