// SPDX-License-Identifier: Apache-2.0
//
// popcount_shift_add: sum_o = a_i + b_i, or a_i + b_i * 2^SHIFT when weighted_i, in ECP5 carry
// cells whose second operand is chosen inside the cell.
//
// SUM bits are given, at most WIDTH + SHIFT + 1; the sum must fit them. Combinational.

`default_nettype none

module popcount_shift_add #(
  parameter WIDTH = 1,
  parameter SHIFT = 1,
  parameter SUM   = 3
) (
  input  wire             weighted_i,
  input  wire [WIDTH-1:0] a_i,
  input  wire [WIDTH-1:0] b_i,
  output wire [SUM-1:0]   sum_o
);

  localparam FULL  = WIDTH + SHIFT;
  localparam SLOTS = 2 * ((SUM + 1) / 2);

  wire [FULL-1:0] a       = {{SHIFT{1'b0}}, a_i};
  wire [FULL-1:0] plain   = {{SHIFT{1'b0}}, b_i};
  wire [FULL-1:0] shifted = {b_i, {SHIFT{1'b0}}};

  // Slots above the operands end the carry, the first of them shows it.
  wire [4*SLOTS-1:0] ops;
  wire [SLOTS-1:0]   sum;

  genvar k;
  generate
    for (k = 0; k < SLOTS; k = k + 1) begin : gen_slot
      if (k < FULL) begin : gen_add
        assign ops[4*k +: 4] = {a[k], weighted_i, plain[k], shifted[k]};
      end else begin : gen_end
        assign ops[4*k +: 4] = 4'b0101;
      end
    end
  endgenerate

  popcount_carry #(
    .SLOTS   (SLOTS),
    .ADDS    ({SLOTS{1'b0}}),
    .CHOOSES (~({SLOTS{1'b1}} << FULL))
  ) u_carry (
    .ops_i (ops),
    .sum_o (sum)
  );

  assign sum_o = sum[SUM-1:0];

  // The highest bits have no use where the sum is known to need fewer.
  wire unused_high = &{a, plain, shifted, sum};

endmodule

`default_nettype wire
