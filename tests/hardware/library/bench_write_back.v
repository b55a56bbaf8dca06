// Random layers through a bincim_write_back into a memory, against the words that the layer's maps should have,
// plane of bits by plane.
`default_nettype none

module bench_write_back #(
    parameter Lanes = 4,
    parameter Word = 8,
    parameter Bits = 1,
    parameter Banks = 2,
    parameter Depth = 16,
    parameter Columns = 1,
    parameter Rows = 1,
    parameter Groups = 1,
    parameter Chunks = 0,
    parameter Seed = 1
);
  localparam PARTS = (Word > Lanes) ? Word / Lanes : 1;
  localparam AT_ONCE = (Lanes > Word) ? Lanes / Word : 1;
  localparam PORTS = (Lanes > Word) ? Banks : 1;
  localparam PART = Word / PARTS;
  localparam ADDRESS = (Depth > 1) ? $clog2(Depth) : 1;
  localparam BANK = (Banks > 1) ? $clog2(Banks) : 1;

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  reg layer_start = 1'b0;
  reg to_map = 1'b0;
  reg [ADDRESS-1:0] origin, column_address, row_address, chunk_address;
  reg [BANK-1:0] column_bank, row_bank, chunk_bank;
  reg [((Chunks > 0) ? Chunks : 1)-1:0] chunks;
  reg bit_valid = 1'b0;
  reg [Bits*Lanes-1:0] bits;
  reg row_last = 1'b0;
  reg group_last = 1'b0;
  wire [Banks*PARTS-1:0] write;
  wire [PORTS*ADDRESS-1:0] write_address;
  wire [Bits*PORTS*Word-1:0] write_data;
  wire valid, kept_back;
  wire [Bits*Lanes-1:0] out;

  bincim_write_back #(
      .Lanes(Lanes),
      .Word(Word),
      .Bits(Bits),
      .Banks(Banks),
      .Depth(Depth),
      .Columns(Columns),
      .Rows(Rows),
      .Groups(Groups),
      .Chunks(Chunks)
  ) dut (
      .clk_i(clk),
      .rst_ni(rst_n),
      .layer_start_i(layer_start),
      .to_map_i(to_map),
      .origin_address_i(origin),
      .step_column_address_i(column_address),
      .step_row_address_i(row_address),
      .step_chunk_address_i(chunk_address),
      .step_column_bank_i(column_bank),
      .step_row_bank_i(row_bank),
      .step_chunk_bank_i(chunk_bank),
      .chunks_i(chunks),
      .bit_valid_i(bit_valid),
      .bit_i(bits),
      .row_last_i(row_last),
      .group_last_i(group_last),
      .write_o(write),
      .write_address_o(write_address),
      .write_data_o(write_data),
      .bits_valid_o(valid),
      .bits_o(out),
      .kept_back_o(kept_back)
  );

  // Word of bank b at address a is word a * Banks + b; those of plane 1 lie behind all of plane 0.
  localparam WORDS = Banks * Depth;
  reg [Word-1:0] memory [0:Bits*WORDS-1];
  reg [Word-1:0] expected [0:Bits*WORDS-1];
  integer random = Seed;
  integer layer, rows, columns, groups, size, gap, first, row, column, group, word, place, part, port, plane, i;

  task step;
    begin
      #1;
      // What is written in this cycle.
      for (place = 0; place < Banks; place = place + 1) begin
        for (part = 0; part < PARTS; part = part + 1) begin
          if (write[place*PARTS + part]) begin
            port = (PORTS > 1) ? place : 0;
            for (plane = 0; plane < Bits; plane = plane + 1) begin
              memory[plane * WORDS + write_address[port*ADDRESS +: ADDRESS] * Banks + place][part*PART +: PART] =
                  write_data[(plane*PORTS+port)*Word + part*PART +: PART];
            end
          end
        end
      end
      clk = 1'b1;
      #1 clk = 1'b0;
    end
  endtask

  initial begin
    step;
    rst_n = 1'b1;
    for (layer = 0; layer < 24; layer = layer + 1) begin
      for (i = 0; i < Bits * WORDS; i = i + 1) begin
        memory[i] = $random(random);
        expected[i] = memory[i];
      end
      // The last of three layers is not written.
      to_map = (layer % 3 != 2);
      columns = (Columns != 0) ? 1 + ($random(random) & 3) : 1;
      rows = (Rows != 0) ? 1 + ($random(random) & 1) : 1;
      groups = (Groups != 0) ? 1 + ($random(random) & 3) : 1;
      // Words of a pixel: all that the groups fill, less one where words are counted.
      size = (groups * AT_ONCE + PARTS - 1) / PARTS;
      if (Chunks > 0 && size > 1) size = size - 1;
      gap = (Rows != 0) ? ($random(random) & 1) : 0;
      first = Banks * ($random(random) & 1);
      while (first + rows * (columns * size + gap) > Banks * Depth) begin
        first = 0;
        if (columns > 1) columns = columns - 1;
        else rows = 1;
        gap = 0;
      end
      origin = first / Banks;
      column_address = size / Banks;
      column_bank = size % Banks;
      row_address = (size + gap) / Banks;
      row_bank = (size + gap) % Banks;
      chunk_address = AT_ONCE / Banks;
      chunk_bank = AT_ONCE % Banks;
      chunks = size;
      layer_start = 1'b1;
      step;
      layer_start = 1'b0;
      step;
      for (group = 0; group < groups; group = group + 1) begin
        for (row = 0; row < rows; row = row + 1) begin
          for (column = 0; column < columns; column = column + 1) begin
            for (i = 0; i < Bits * Lanes; i = i + 1) bits[i] = $random(random);
            bit_valid = 1'b1;
            row_last = (column == columns - 1);
            group_last = row_last & (row == rows - 1);
            word = first + row * (columns * size + gap) + column * size + group * AT_ONCE / PARTS;
            for (i = 0; i < AT_ONCE; i = i + 1) begin
              if (to_map && (Chunks == 0 || group * AT_ONCE + i < size)) begin
                for (plane = 0; plane < Bits; plane = plane + 1) begin
                  // The first part of a word clears the others.
                  if (group % PARTS == 0) expected[plane * WORDS + word + i] = 0;
                  expected[plane * WORDS + word + i][(group%PARTS)*PART +: PART] = bits >> plane * Lanes + i * PART;
                end
              end
            end
            step;
            bit_valid = 1'b0;
            #1;
            if (!valid | (out !== bits) | (kept_back !== !to_map)) $display("FAIL: %m bits %b, not %b", out, bits);
            if ($random(random) & 1) step;
          end
        end
      end
      step;
      step;
      for (i = 0; i < Bits * WORDS; i = i + 1) begin
        if (memory[i] !== expected[i]) begin
          $display("FAIL: %m layer %0d word %0d: %b, not %b", layer, i, memory[i], expected[i]);
        end
      end
    end
    $display("DONE");
  end
endmodule

`default_nettype wire
