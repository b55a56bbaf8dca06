// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Items of a pass never collide in a bank: two advances after its walk, every slot shows the word at
// its own distance from the window's origin, whatever bank that is in, of the plane of bits that was
// asked for. A word of the activation memory is its own plane and place here.

module properties #(
    parameter Banks = 3,
    parameter Address = 3,
    parameter Offset = 2,
    parameter Rotates = 1,
    parameter Bits = 1,
    parameter BitWidth = (Bits > 1) ? $clog2(Bits) : 1,
    parameter BankWidth = (Banks > 1) ? $clog2(Banks) : 1
) (
    input wire clk_i,
    input wire advance_i,
    input wire [Address-1:0] walk_address_i,
    input wire [BankWidth-1:0] walk_bank_i,
    input wire [BitWidth-1:0] bit_i,
    input wire [Banks*Offset-1:0] offset_i,
    input wire [Banks-1:0] used_i
);

  localparam WORD = BitWidth + Address + BankWidth;

  wire [Banks*Address-1:0] address;
  reg [Bits*Banks*WORD-1:0] data_q;
  wire [Banks*WORD-1:0] row;
  wire [Banks-1:0] driven;
  wire unused_driven_rows;

  bincim_gather #(
      .Banks(Banks),
      .Word(WORD),
      .Bits(Bits),
      .Address(Address),
      .Offset(Offset),
      .Rotates(Rotates)
  ) dut (
      .clk_i(clk_i),
      .advance_i(advance_i),
      .walk_address_i(walk_address_i),
      .walk_bank_i(walk_bank_i),
      .bit_i(bit_i),
      .window_row_i(1'b0),
      .window_column_i(1'b0),
      .offset_i(offset_i),
      .used_i(used_i),
      .kernel_row_i({Banks{1'b0}}),
      .kernel_column_i({Banks{1'b0}}),
      .partial_i({Banks{1'b0}}),
      .padded_i(1'b0),
      .zero_padding_i(1'b0),
      .plus_padding_i(1'b0),
      .map_rows_i(1'b0),
      .map_columns_i(1'b0),
      .last_channels_i(1'b0),
      .channel_mask_i({WORD{1'b0}}),
      .kept_rows_i({Banks{1'b0}}),
      .read_address_o(address),
      .read_data_i(data_q),
      .row_o(row),
      .driven_o(driven),
      .driven_rows_o(unused_driven_rows)
  );

  // The memory, and what the slots are to show, one and two advances later.
  reg [Banks*WORD-1:0] due1_q;
  reg [Banks*WORD-1:0] due2_q;
  reg [Banks-1:0] used1_q;
  reg [Banks-1:0] used2_q;
  reg [1:0] advances_q = 2'd0;
  wire [BankWidth-1:0] origin = (Rotates != 0) ? walk_bank_i : {BankWidth{1'b0}};

  genvar at;
  genvar plane;
  generate
    for (at = 0; at < Banks; at = at + 1) begin : gen_at
      localparam [BankWidth-1:0] BANK = at;
      wire [BankWidth:0] sum = {1'b0, origin} + at;
      wire wraps = (sum >= Banks);
      wire [BankWidth:0] bank = wraps ? sum - Banks : sum;
      wire [Address-1:0] place = walk_address_i + offset_i[at*Offset +: Offset] + wraps;

      always @(posedge clk_i) begin
        if (advance_i) begin
          due1_q[at*WORD +: WORD] <= {bit_i, place, bank[BankWidth-1:0]};
        end
      end
      for (plane = 0; plane < Bits; plane = plane + 1) begin : gen_plane
        localparam [BitWidth-1:0] PLANE = plane;

        always @(posedge clk_i) begin
          if (advance_i) begin
            data_q[(plane*Banks + at)*WORD +: WORD] <= {PLANE, address[at*Address +: Address], BANK};
          end
        end
      end

      always @* begin
        if (advances_q == 2'd2) begin
          assert (row[at*WORD +: WORD] ==
              (used2_q[at] ? due2_q[at*WORD +: WORD] : {WORD{1'b0}}));
          assert (driven[at] == used2_q[at]);
        end
      end
    end
  endgenerate

  always @(posedge clk_i) begin
    if (advance_i) begin
      due2_q <= due1_q;
      used1_q <= used_i;
      used2_q <= used1_q;
      if (advances_q != 2'd2) advances_q <= advances_q + 2'd1;
    end
  end

  always @* begin
    assume ({1'b0, walk_bank_i} < Banks);
    assume ({1'b0, bit_i} < Bits);
  end

endmodule
