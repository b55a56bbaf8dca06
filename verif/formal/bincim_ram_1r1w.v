// Copyright bincim contributors.
// Licensed under the Apache License, Version 2.0, see LICENSE for details.
// SPDX-License-Identifier: Apache-2.0
//
// Every word is read as it was written last, part by part, as long as no read meets a write of its
// word; data stay until the next read. Of one word, which may be any.

module properties #(
    parameter Width = 4,
    parameter Depth = 4,
    parameter Parts = 1,
    parameter AddressWidth = (Depth > 1) ? $clog2(Depth) : 1
) (
    input wire clk_i,
    input wire [Parts-1:0] write_i,
    input wire [AddressWidth-1:0] write_address_i,
    input wire [Width-1:0] write_data_i,
    input wire read_i,
    input wire [AddressWidth-1:0] read_address_i,
    input wire [AddressWidth-1:0] word_i
);

  localparam PART = Width / Parts;

  wire [Width-1:0] data;

  bincim_ram_1r1w #(
      .Width(Width),
      .Depth(Depth),
      .Parts(Parts)
  ) dut (
      .clk_i(clk_i),
      .write_i(write_i),
      .write_address_i(write_address_i),
      .write_data_i(write_data_i),
      .read_i(read_i),
      .read_address_i(read_address_i),
      .read_data_o(data)
  );

  // The word that is followed, and what its parts hold.
  reg started = 1'b0;
  reg [AddressWidth-1:0] word_q;
  wire [AddressWidth-1:0] word = started ? word_q : word_i;
  reg [Parts-1:0] known_q = {Parts{1'b0}};
  reg [Width-1:0] held_q;
  // What stands at the output.
  reg shown_q = 1'b0;
  reg [Parts-1:0] shown_known_q;
  reg [Width-1:0] shown_data_q;
  integer part;

  always @(posedge clk_i) begin
    started <= 1'b1;
    word_q <= word;
    for (part = 0; part < Parts; part = part + 1) begin
      if (write_i[part] && write_address_i == word) begin
        known_q[part] <= 1'b1;
        held_q[part*PART +: PART] <= write_data_i[part*PART +: PART];
      end
    end
    if (read_i) begin
      shown_q <= (read_address_i == word);
      shown_known_q <= known_q;
      shown_data_q <= held_q;
    end
  end

  always @* begin
    assume ({1'b0, write_address_i} < Depth);
    assume ({1'b0, read_address_i} < Depth);
    assume ({1'b0, word} < Depth);
    assume (!(read_i && (|write_i) && read_address_i == write_address_i));
    for (part = 0; part < Parts; part = part + 1) begin
      if (shown_q && shown_known_q[part]) begin
        assert (data[part*PART +: PART] == shown_data_q[part*PART +: PART]);
      end
    end
  end

endmodule
