// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// State unit: scales the sums of products of a layer, adds those that an earlier layer left, and
// keeps the totals for a later one. Groups and pixels come in the same order in all of them, so
// that counters are addresses.
//     total = saturate((multiplier * sum + offset + unit * kept) >>> shift)
// Parameters: Lanes, sums at once, Sum and Total, bits of a sum and of a total, from 1. Signed:
//     1, sums are two's complement. Multiplier and Offset, bits of a channel's own, two's
//     complement; Multiplier 0: sums are added as they are, Total holds what occurs, and totals
//     are signed as sums are; else they are two's complement. Shift, bits of shift_i, from 0.
//     Entries of the table, lane 0 in the low bits, and of a lane the multiplier above the
//     offset; InitFile, their words (see bincim_rom). Depth, groups and pixels that are kept,
//     from 0, and Kept, bits of the totals that are, Total at most. Pools: 1, a layer that
//     keeps may pool, and keeps the largest total of a window. Stride, bits of stride_rows_i
//     and stride_columns_i, from 0, where all pixels are kept. Narrow: 1, some layer has groups
//     that nothing is added to; only where Multiplier is above 0. EntryWidth and AddressWidth
//     follow from Entries and Depth. Unit, bits of unit_i, from 1; 0: kept totals are added as they
//     are, behind the shift. Rectifies: 1, totals of some layers are 0 or more; both only where
//     Multiplier is above 0.
// Latency: 2, from sum to total.
// Reset: asynchronous; counters are 0. Totals have none: they are written before they are read.
// Protocol: layer_start_i as a layer begins; adds_i, keeps_i, shift_i, unit_i, largest_i, the
//     largest total, and rectifies_i, its smallest one is 0 and not two's complement's, stand while
//     it runs. count_valid_i stands one cycle ahead of a sum, with
//     count_group_last_i at the last vector of a group; groups choose their entry as they do in
//     bincim_threshold. sum_valid_i with a sum that is complete; result_valid_i, one cycle behind
//     its total, with result_window_last_i where a window is complete, and result_row_last_i and
//     result_group_last_i at the last window of a row and of a group. Of the windows, every
//     (stride_rows_i + 1)-th row is kept and of it every (stride_columns_i + 1)-th column, from the
//     first. last_added_i: the entry of the last group that something is added to.

`default_nettype none

module bincim_state #(
    parameter Lanes = 4,
    parameter Sum = 8,
    parameter Total = 10,
    parameter Signed = 1,
    parameter Multiplier = 0,
    parameter Offset = 1,
    parameter Shift = 0,
    parameter Entries = 1,
    parameter InitFile = "",
    parameter Depth = 16,
    parameter Kept = Total,
    parameter Pools = 0,
    parameter Stride = 0,
    parameter Narrow = 0,
    parameter Unit = 0,
    parameter Rectifies = 0,
    parameter EntryWidth = (Entries > 1) ? $clog2(Entries) : 1,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire layer_start_i,
    // What was kept is added; totals are kept.
    input  wire adds_i,
    input  wire keeps_i,
    input  wire [((Shift > 0) ? Shift : 1)-1:0] shift_i,
    input  wire [((Unit > 0) ? Unit : 1)-1:0] unit_i,
    input  wire [Total-1:0] largest_i,
    input  wire rectifies_i,
    input  wire [EntryWidth-1:0] last_group_i,
    input  wire [EntryWidth-1:0] first_entry_i,
    input  wire [EntryWidth-1:0] last_added_i,
    input  wire [((Stride > 0) ? Stride : 1)-1:0] stride_rows_i,
    input  wire [((Stride > 0) ? Stride : 1)-1:0] stride_columns_i,
    input  wire count_valid_i,
    input  wire count_group_last_i,
    input  wire sum_valid_i,
    input  wire [Lanes*Sum-1:0] sum_i,
    output wire [Lanes*Total-1:0] total_o,
    input  wire result_window_last_i,
    input  wire result_row_last_i,
    input  wire result_group_last_i,
    input  wire result_valid_i
);

  localparam [AddressWidth-1:0] ONE = {{AddressWidth-1{1'b0}}, 1'b1};
  localparam SCALES = (Multiplier > 0) ? 1 : 0;
  // A sum with its sign, and what becomes of it: the product and the offset together.
  localparam SIGNED = Sum + 1;
  localparam PRODUCT = SIGNED + Multiplier;
  localparam WIDER = (PRODUCT > Offset) ? PRODUCT : Offset;
  localparam SCALED = (SCALES != 0) ? WIDER + 1 : SIGNED;
  // What is kept, as it is added, and a scaled sum with it.
  localparam SHARE = (Unit > 0) ? Kept + Unit + 1 : Kept;
  localparam WIDEST = (SHARE > Total) ? SHARE : Total;
  localparam ADDED = ((SCALED > WIDEST) ? SCALED : WIDEST) + 2;

  // The group of the next sum has something added.
  wire added;
  wire [Lanes*SHARE-1:0] share;
  reg  [Lanes*SCALED-1:0] scaled_q;
  wire [Lanes*SCALED-1:0] scaled;
  reg  [Lanes*Total-1:0] total_q;
  wire [Lanes*Total-1:0] total;

  generate
    if (Unit == 0 || Depth == 0) begin : gen_no_unit
      wire unused_unit = &{1'b0, unit_i};
    end
    if (Rectifies == 0 && SCALES != 0) begin : gen_two_sided
      wire unused_rectifies = &{1'b0, rectifies_i};
    end
  endgenerate

  always @(posedge clk_i) begin
    scaled_q <= scaled;
    total_q <= total;
  end

  assign total_o = total_q;

  genvar lane;
  generate
    if (SCALES != 0) begin : gen_scales
      // Groups of all layers, in order.
      reg [EntryWidth-1:0] group_q;
      wire [Lanes*(Multiplier+Offset)-1:0] entries;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) group_q <= {EntryWidth{1'b0}};
        else if (count_valid_i & count_group_last_i) begin
          if (group_q == last_group_i) group_q <= {EntryWidth{1'b0}};
          else group_q <= group_q + {{EntryWidth-1{1'b0}}, 1'b1};
        end
      end

      if (Narrow != 0) begin : gen_narrow
        reg added_q;

        always @(posedge clk_i) begin
          added_q <= (group_q <= last_added_i);
        end

        assign added = added_q;
      end else begin : gen_not_narrow
        wire unused_last_added = &{1'b0, last_added_i};

        assign added = 1'b1;
      end

      bincim_rom #(
          .Width(Lanes * (Multiplier + Offset)),
          .Depth(Entries),
          .InitFile(InitFile)
      ) u_table (
          .clk_i(clk_i),
          .read_i(1'b1),
          .address_i(group_q + first_entry_i),
          .data_o(entries)
      );
    end else begin : gen_plain
      wire unused_plain = &{1'b0, last_group_i, first_entry_i, last_added_i, count_valid_i,
                            count_group_last_i, shift_i, largest_i, rectifies_i};

      assign added = 1'b1;
    end

    for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_lane
      wire [Sum-1:0] sum = sum_i[lane*Sum +: Sum];
      wire signed [SIGNED-1:0] signed_sum = {(Signed != 0) & sum[Sum-1], sum};
      wire [SHARE-1:0] own_share = share[lane*SHARE +: SHARE];
      wire share_sign = ((Signed != 0) || (SCALES != 0)) & own_share[SHARE-1];
      wire signed [ADDED-1:0] addend = {{ADDED-SHARE{share_sign}}, own_share};
      wire signed [SCALED-1:0] held = scaled_q[lane*SCALED +: SCALED];

      if (SCALES != 0) begin : gen_scale
        wire [Multiplier+Offset-1:0] entry =
            gen_scales.entries[lane*(Multiplier+Offset) +: Multiplier+Offset];
        wire signed [Multiplier-1:0] multiplier = entry[Offset +: Multiplier];
        wire signed [Offset-1:0] offset = entry[0 +: Offset];
        wire signed [PRODUCT-1:0] product = multiplier * signed_sum;
        wire signed [SCALED-1:0] wide_product = {{SCALED-PRODUCT{product[PRODUCT-1]}}, product};
        wire signed [SCALED-1:0] wide_offset = {{SCALED-Offset{offset[Offset-1]}}, offset};

        assign scaled[lane*SCALED +: SCALED] = wide_product + wide_offset;
      end else begin : gen_sum
        assign scaled[lane*SCALED +: SCALED] = signed_sum;
      end

      if (SCALES != 0) begin : gen_saturate
        wire signed [ADDED-1:0] exact;
        wire signed [ADDED-1:0] largest = {{ADDED-Total{1'b0}}, largest_i};
        wire rectifies = (Rectifies != 0) & rectifies_i;
        wire signed [ADDED-1:0] smallest = rectifies ? {ADDED{1'b0}} : ~largest;

        if (Unit > 0) begin : gen_unit
          wire signed [ADDED-1:0] wide = {{ADDED-SCALED{held[SCALED-1]}}, held};
          wire signed [ADDED-1:0] whole = wide + addend;

          assign exact = (Shift > 0) ? whole >>> shift_i : whole;
        end else begin : gen_whole
          wire signed [SCALED-1:0] rounded = (Shift > 0) ? held >>> shift_i : held;
          wire signed [ADDED-1:0] wide = {{ADDED-SCALED{rounded[SCALED-1]}}, rounded};

          assign exact = wide + addend;
        end

        assign total[lane*Total +: Total] = (exact > largest) ? largest[Total-1:0] :
                                            (exact < smallest) ? smallest[Total-1:0] :
                                            exact[Total-1:0];
      end else begin : gen_add
        wire signed [ADDED-1:0] wide = {{ADDED-SCALED{held[SCALED-1]}}, held};
        wire signed [ADDED-1:0] exact = wide + addend;
        wire unused_exact = &{1'b0, exact};

        assign total[lane*Total +: Total] = exact[Total-1:0];
      end
    end

    if (Depth > 0) begin : gen_kept
      // Entries of the next sum, which is read two cycles ahead, and of the next result.
      reg [AddressWidth-1:0] read_address_q;
      wire [AddressWidth-1:0] read_address = sum_valid_i ? read_address_q + ONE : read_address_q;
      reg [AddressWidth-1:0] write_address_q;
      // The window that is complete lies in a row and a column that are kept.
      wire taken;
      wire window_done = result_valid_i & result_window_last_i;
      wire write = window_done & keeps_i & taken;
      // The total, beside its result, and what is kept of it.
      reg [Lanes*Total-1:0] result_q;
      wire [Lanes*Total-1:0] largest;
      wire [Lanes*Kept-1:0] stored;
      wire [Lanes*Kept-1:0] read_data;
      wire [Lanes*Kept-1:0] kept = read_data & {Lanes*Kept{adds_i & added}};
      wire [Lanes*SHARE-1:0] share_next;
      reg [Lanes*SHARE-1:0] share_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) read_address_q <= {AddressWidth{1'b0}};
        else if (layer_start_i) read_address_q <= {AddressWidth{1'b0}};
        else read_address_q <= read_address;
      end

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) write_address_q <= {AddressWidth{1'b0}};
        else if (layer_start_i) write_address_q <= {AddressWidth{1'b0}};
        else if (write) write_address_q <= write_address_q + ONE;
      end

      always @(posedge clk_i) begin
        share_q <= share_next;
        result_q <= total_q;
      end

      if (Stride > 0) begin : gen_stride
        // Rows and columns since the last one that was kept.
        reg [Stride-1:0] row_q;
        reg [Stride-1:0] column_q;
        localparam [Stride-1:0] NEXT = {{Stride-1{1'b0}}, 1'b1};
        wire [Stride-1:0] row_next = (row_q == stride_rows_i) ? {Stride{1'b0}} : row_q + NEXT;
        wire [Stride-1:0] column_next =
            (column_q == stride_columns_i) ? {Stride{1'b0}} : column_q + NEXT;

        always @(posedge clk_i or negedge rst_ni) begin
          if (!rst_ni) begin
            row_q <= {Stride{1'b0}};
            column_q <= {Stride{1'b0}};
          end else if (window_done) begin
            column_q <= result_row_last_i ? {Stride{1'b0}} : column_next;
            if (result_group_last_i) row_q <= {Stride{1'b0}};
            else if (result_row_last_i) row_q <= row_next;
          end
        end

        assign taken = (row_q == {Stride{1'b0}}) & (column_q == {Stride{1'b0}});
      end else begin : gen_all
        wire unused_stride = &{1'b0, stride_rows_i, stride_columns_i, result_row_last_i,
                               result_group_last_i};

        assign taken = 1'b1;
      end

      if (Pools != 0) begin : gen_pools
        // Largest total of the pooling window so far.
        reg within_q;
        reg [Lanes*Total-1:0] largest_q;

        always @(posedge clk_i or negedge rst_ni) begin
          if (!rst_ni) within_q <= 1'b0;
          else if (result_valid_i) within_q <= !result_window_last_i;
        end

        always @(posedge clk_i) begin
          if (result_valid_i) largest_q <= largest;
        end

        for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_largest
          wire [Total-1:0] own = result_q[lane*Total +: Total];
          wire [Total-1:0] largest_before = largest_q[lane*Total +: Total];
          wire larger;

          if (Signed != 0 || SCALES != 0) begin : gen_signed
            assign larger = $signed(largest_before) > $signed(own);
          end else begin : gen_unsigned
            assign larger = largest_before > own;
          end

          assign largest[lane*Total +: Total] = (within_q & larger) ? largest_before : own;
        end
      end else begin : gen_no_pools
        assign largest = result_q;
      end

      for (lane = 0; lane < Lanes; lane = lane + 1) begin : gen_stored
        wire [Total-1:0] own = largest[lane*Total +: Total];
        // Totals of layers that keep theirs lie within the bits that are kept.
        wire unused_own = &{1'b0, own};

        assign stored[lane*Kept +: Kept] = own[Kept-1:0];

        if (Unit > 0) begin : gen_share
          wire signed [Kept-1:0] own_kept = kept[lane*Kept +: Kept];
          wire signed [Unit:0] unit = {1'b0, unit_i};

          assign share_next[lane*SHARE +: SHARE] = own_kept * unit;
        end else begin : gen_kept_share
          assign share_next[lane*SHARE +: SHARE] = kept[lane*Kept +: Kept];
        end
      end

      assign share = share_q;

      // An entry is read by the sum whose total then takes its place, before that is written.
      bincim_ram_1r1w #(
          .Width(Lanes * Kept),
          .Depth(Depth)
      ) u_memory (
          .clk_i(clk_i),
          .write_i(write),
          .write_address_i(write_address_q),
          .write_data_i(stored),
          .read_i(1'b1),
          .read_address_i(read_address),
          .read_data_o(read_data)
      );
    end else begin : gen_nothing_kept
      wire unused_kept = &{1'b0, layer_start_i, adds_i, keeps_i, sum_valid_i, result_window_last_i,
                           result_row_last_i, result_group_last_i, stride_rows_i, stride_columns_i,
                           added, result_valid_i};

      assign share = {Lanes*SHARE{1'b0}};
    end
  endgenerate

endmodule

`default_nettype wire
