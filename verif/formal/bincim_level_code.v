// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Where the steps rise together, the code is that of the number of steps which are met, for any codes
// of the levels.
// Assumed: level 0 has code 0, and a step changes the bits in which the codes of its two levels
// differ.

module properties #(
    parameter Lanes = 2,
    parameter Steps = 3,
    parameter Bits = 2
) (
    input wire [8*Lanes-1:0] level_i,
    // Codes of levels 1 to Steps.
    input wire [Bits*Steps-1:0] codes_i
);

  wire [Bits*(Steps+1)-1:0] codes = {codes_i, {Bits{1'b0}}};
  wire [Steps*Lanes-1:0] met;
  wire [Bits*Steps-1:0] toggle;
  wire [Bits*Lanes-1:0] code;

  bincim_level_code #(
      .Lanes(Lanes),
      .Steps(Steps),
      .Bits(Bits)
  ) dut (
      .bit_i(met),
      .toggle_i(toggle),
      .code_o(code)
  );

  genvar lane;
  genvar step;
  genvar plane;
  generate
    for (step = 0; step < Steps; step = step + 1) begin : gen_step
      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        assign toggle[plane*Steps + step] =
            codes[(step + 1)*Bits + plane] ^ codes[step*Bits + plane];
      end
      for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_met
        assign met[step*Lanes + lane] = (level_i[8*lane +: 8] > step);
      end
    end
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [7:0] level = level_i[8*lane +: 8];
      wire [Bits*(Steps+1)-1:0] own = codes >> level * Bits;

      always @* assume (level <= Steps);
      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_code
        always @* assert (code[plane*Lanes + lane] == own[plane]);
      end
    end
  endgenerate

endmodule
